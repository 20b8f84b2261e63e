"""`detect_anomaly`: NaN and infinity are trapped at the op that makes them, forward and backward."""

from __future__ import annotations

import linecache
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import numpy as np

from autograd_lite.core import Node, Op, Tensor
from autograd_lite.memory import Site, call_site
from autograd_lite.modes import contexts, mode, watch
from autograd_lite.operands import frames, labels
from autograd_lite.remedies import OUTSIDE, backward_remedy, forward_remedy
from autograd_lite.sparse import RowSparse


class AnomalyError(RuntimeError):
    """NaN or infinity where `detect_anomaly` looks: the `op`'s name, its `site` (file and line), which way.

    >>> import autograd_lite as al
    >>> try:
    ...     with al.detect_anomaly():
    ...         al.log(al.tensor(-1.0))
    ... except al.AnomalyError as error:
    ...     print(error.op, error.backward)
    log False
    """

    def __init__(self, text: str, op: str, site: Site | None, backward: bool) -> None:
        super().__init__(text)
        self.op, self.site, self.backward = op, site, backward


class _Found(threading.local):
    def __init__(self) -> None:
        self.settings: list[dict[str, Any]] = []  # NumPy's, as each context found them
        self.standing: tuple[detect_anomaly, dict[str, Any]] | None = None  # by a statement, and NumPy's before it


_found = _Found()


class detect_anomaly(watch):  # noqa: N801 (PyTorch's spelling)
    """Raise AnomalyError at the op that makes NaN or infinity, forward or backward; also a decorator.

    It says the op and the line of the forward pass, what the operands were (range, how many are not finite, the value
    at the first bad place), and what usually helps. Infinity that was put in, as `-inf` in a mask, may pass through;
    NaN may not. `check_inf=False` looks for NaN alone, `check_nan=False` only records lines. It costs a look at every
    result: for looking, not for training. NumPy's own warnings are silent inside.

    >>> import autograd_lite as al
    >>> p = al.tensor([0.0, 0.5], requires_grad=True, name="p")
    >>> with al.detect_anomaly():
    ...     al.log(p)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    autograd_lite.anomaly.AnomalyError: log made -inf ...
    """

    def __init__(self, check_nan: bool = True, check_inf: bool = True) -> None:
        super().__init__(self._looked_at)
        self._nan, self._inf = check_nan, check_inf

    def _wanted(self) -> dict[str, Any]:
        wanted = super()._wanted()
        return {**wanted, "trap": self._flowing} if self._nan else wanted

    def __enter__(self) -> None:
        super().__enter__()
        _found.settings.append(dict(np.seterr(all="ignore")))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        np.seterr(**_found.settings.pop())
        super().__exit__(kind, error, trace)

    def _looked_at(self, op: Op, args: Sequence[Any], attrs: dict[str, Any], result: Any) -> None:
        """After an op: note its line, and look at what it made."""
        if isinstance(result, Tensor) and result.node is not None:
            result.node.annotate().site = call_site()
        if self._nan:
            error = forward_anomaly(op, args, attrs, result, self._inf)
            if error is not None:
                raise error

    def _flowing(self, node: Node, argument: int, g: Any, gx: Any) -> None:
        """After a rule: look at the gradient that it gave."""
        error = backward_anomaly(node, argument, g, gx, self._inf)
        if error is not None:
            raise error


class set_detect_anomaly:  # noqa: N801
    """`detect_anomaly` on or off in this thread: as a statement from now on, as a context inside.

    >>> import autograd_lite as al
    >>> with al.autograd.set_detect_anomaly(True):
    ...     al.autograd.is_anomaly_enabled()
    True
    """

    def __init__(self, mode: bool, check_nan: bool = True, check_inf: bool = True) -> None:
        self._before = _found.standing and _found.standing[0]
        _stand(detect_anomaly(check_nan, check_inf) if mode else None)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *args: object) -> None:
        _stand(self._before)


def _stand(detector: detect_anomaly | None) -> None:
    if _found.standing is not None:
        old, settings = _found.standing
        mode.watchers = tuple(w for w in mode.watchers if w != old._looked_at)
        mode.trap = None if mode.trap == old._flowing else mode.trap
        np.seterr(**settings)
        contexts.count(-1)
    _found.standing = None if detector is None else (detector, dict(np.seterr(all="ignore")))
    if detector is not None:
        mode.watchers = (*mode.watchers, detector._looked_at)
        mode.trap = detector._flowing if detector._nan else mode.trap
        contexts.count(1)


def is_anomaly_enabled() -> bool:
    """Whether NaN and infinity are looked for in this thread.

    >>> import autograd_lite as al
    >>> with al.detect_anomaly():
    ...     al.is_anomaly_enabled()
    True
    >>> al.is_anomaly_enabled()
    False
    """
    return mode.trap is not None or _found.standing is not None


def bad(array: Any, inf: bool = True) -> bool:
    """Is there NaN, or infinity, in it?"""
    a = np.asarray(array)
    return a.dtype.kind == "f" and not bool(np.isfinite(a).all() if inf else not np.isnan(a).any())


def forward_anomaly(
    op: Op, args: Sequence[Any], attrs: dict[str, Any], result: Any, inf: bool = True
) -> AnomalyError | None:
    """The error of a result that is NaN, or infinite from finite operands; None where it is neither."""
    y = _raw(result)
    if not isinstance(y, np.ndarray | np.generic) or not bad(y, inf) or _in_a_rule():
        return None
    named = [(n, v) for n, v in zip(labels(op, args), args, strict=True) if np.asarray(_raw(v)).dtype.kind in "fiu"]
    names, values = [n for n, _ in named], [v for _, v in named]
    arrays = [np.asarray(_raw(v)) for v in values]
    nan = bool(np.isnan(y).any())
    if not nan and any(map(bad, [*arrays, *(a for a in attrs.values() if isinstance(a, float))])):
        return None  # infinity was put in, and passes through
    came_in = [k for k, a in enumerate(arrays) if bad(a, inf=False)]
    site = call_site()
    if came_in and nan:
        head = f"NaN came in with {names[came_in[0]]}, which {op.name} was given{_at(site)}"
        help_ = OUTSIDE
    else:
        makers = [v.node.op.name if isinstance(v, Tensor) and v.node and v.node.op else None for v in values]
        head, help_ = f"{op.name} made {_what(y)}{_at(site)}", forward_remedy(op.name, arrays, makers, nan)
    place = _first(y)
    rows = [("result", y), *zip(names, arrays, strict=True)]
    return AnomalyError(f"{head}\n\n{_table(rows, place)}\n\nremedy: {help_}", op.name, site, backward=False)


def backward_anomaly(node: Node, argument: int, g: Any, gx: Any, inf: bool = True) -> AnomalyError | None:
    """The error of a gradient that a rule gave and that is not finite; None where it is."""
    x = _dense(gx)
    if not bad(x, inf):
        return None
    op = node.op
    assert op is not None
    arriving, site = _dense(g), None if node.notes is None else node.notes.site
    name = op.arrays[op.slot(argument)]
    saved = {k: v for k, v in node.saved_by_name(argument).items() if isinstance(v, np.ndarray | np.generic | float)}
    rows = [(f"gradient of {name}", x), ("gradient that arrives", arriving), *saved.items()]
    if bad(arriving, inf):
        head = f"the gradient that arrives at {op.name} is {_what(arriving)} already{_at(site)}"
        help_ = "several gradients summed to it, a hook changed it, or backward() was given it"
    else:
        head = f"backward through {op.name} made {_what(x)}{_at(site)}"
        help_ = backward_remedy(op.name, saved, arriving, x)
    text = f"{head}\n\n{_table(rows, _first(x))}\n\nremedy: {help_}"
    return AnomalyError(text, op.name, site, backward=True)


def _in_a_rule() -> bool:
    """Does a derivative rule run, on Tensors? What it gives is looked at when it is done."""
    if not mode.grad:
        return False
    return any(
        f.f_code.co_name == "_propagate" and f.f_globals.get("__name__") == "autograd_lite.engine" for f in frames()
    )


def _raw(value: Any) -> Any:
    return value._array if isinstance(value, Tensor) else value


def _dense(gradient: Any) -> Any:
    return gradient.values if isinstance(gradient, RowSparse) else np.asarray(_raw(gradient))


def _what(a: Any) -> str:
    """What of it is not finite."""
    kinds = {"nan": np.isnan(a), "inf": np.isposinf(a), "-inf": np.isneginf(a)}
    return " and ".join(name for name, where in kinds.items() if where.any())


def _first(a: Any) -> tuple[int, ...]:
    """The first place that is NaN, or if there is none infinite."""
    a = np.asarray(a)
    where = np.isnan(a) if np.isnan(a).any() else ~np.isfinite(a)
    return tuple(int(k) for k in np.argwhere(where)[0])


def _at(site: Site | None) -> str:
    if site is None:
        return ""
    line = linecache.getline(*site).strip()
    return f" at {site[0]}:{site[1]}" + (f"\n    {line}" if line else "")


def _table(rows: Sequence[tuple[str, Any]], place: tuple[int, ...]) -> str:
    """Each array's shape and range, how much of it is not finite, and its value at a place."""
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"    {name.ljust(width)}  {describe(np.asarray(a), place)}" for name, a in rows)


def describe(a: Any, place: tuple[int, ...] | None = None) -> str:
    """An array in a line: its shape, dtype, range, how many entries are not finite, the value at a place."""
    words = f"{a.shape} {a.dtype}"
    finite = a[np.isfinite(a)] if a.dtype.kind == "f" else a
    if finite.size:
        words += f", {np.min(finite):.4g} to {np.max(finite):.4g}" if a.ndim else f", {a:.4g}"
    if a.dtype.kind == "f":
        counts = {"nan": np.isnan(a).sum(), "inf": np.isposinf(a).sum(), "-inf": np.isneginf(a).sum()}
        words += "".join(f", {n} of {a.size} {name}" for name, n in counts.items() if n)
    if place and len(place) >= a.ndim > 0:
        here = tuple(0 if n == 1 else k for k, n in zip(place[len(place) - a.ndim :], a.shape, strict=True))
        if all(k < n for k, n in zip(here, a.shape, strict=True)):
            words += f"; {a[here]:.4g} at {list(here)}"
    return words
