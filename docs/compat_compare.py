"""One call made in both libraries on the same random numbers: values, gradients and second gradients.

A `Call` has the arguments with `Draw`s in the place of arrays; `judge` fills them in, makes the call twice in each
dtype, and says what was the same.
"""

from __future__ import annotations

import inspect
import re
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import autograd_lite as al

DTYPES = ("float64", "float32")
TOLERANCE = {"float64": 1e-8, "float32": 1e-4}  # of the largest entry
AGREE, NONE, ABSENT = "agree", "none", "PyTorch has none"
MANY = 6  # standard errors that means of random numbers may lie apart


class DisagreementError(Exception):
    """The two libraries gave something different."""


@dataclass(frozen=True)
class Draw:
    """An array to be drawn; of floats it is differentiated unless it is `fixed`."""

    make: Callable[[np.random.Generator], np.ndarray[Any, Any]]
    fixed: bool = False


@dataclass(frozen=True)
class Named:
    """A name of the library itself, such as a dtype."""

    name: str


@dataclass(frozen=True)
class Built:
    """Something made of the library's namespace, such as a module that is an argument."""

    make: Callable[[Any], Any]


@dataclass(frozen=True)
class Call:
    """Arguments of a call. `program`, if given, is what is called, with the library's namespace first.

    `kind`: "values" as they are; "random", where two libraries can have equal distributions only; "written", of which
    the first argument's contents afterwards are compared; "module", whose constructor has the arguments and which is
    then called with `inputs`.
    """

    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    kind: str = "values"
    program: Callable[..., Any] | None = None
    inputs: tuple[Any, ...] = ()
    training: bool = True


@dataclass
class Side:
    """One of the libraries, in one dtype: makes tensors, keeps those that are to be differentiated."""

    lib: Any
    dtype: str
    leaves: list[Any] = field(default_factory=list)

    def tensor(self, array: np.ndarray[Any, Any], track: bool) -> Any:
        """A tensor of the array's numbers, floats in the dtype of this comparison."""
        floating = array.dtype.kind == "f"
        array = array.astype(self.dtype) if floating else array.copy()
        made = al.tensor(array) if self.lib is al else self.lib.from_numpy(array)
        if floating and track:
            made.requires_grad_()
            self.leaves.append(made)
        return made

    def filled(self, tree: Any, track: bool = True) -> Any:
        """Arguments with their arrays as tensors."""
        if isinstance(tree, _Drawn):
            return self.tensor(tree.array, track and not tree.fixed)
        if isinstance(tree, Named):
            return _found(self.lib, tree.name)
        if isinstance(tree, Built):
            return tree.make(self.lib)
        if isinstance(tree, tuple | list):
            return type(tree)(self.filled(t, track) for t in tree)
        if isinstance(tree, dict):
            return {k: self.filled(v, track) for k, v in tree.items()}
        return tree


@dataclass(frozen=True)
class _Drawn:
    array: np.ndarray[Any, Any]
    fixed: bool


def _found(lib: Any, path: str) -> Any:
    for part in path.split("."):
        lib = getattr(lib, part)
    return lib


def drawn(tree: Any, rng: np.random.Generator) -> Any:
    """Arguments with their arrays drawn."""
    if isinstance(tree, Draw):
        return _Drawn(np.asarray(tree.make(rng)), tree.fixed)
    if isinstance(tree, tuple | list):
        return type(tree)(drawn(t, rng) for t in tree)
    return {k: drawn(v, rng) for k, v in tree.items()} if isinstance(tree, dict) else tree


@contextmanager
def defaults(torch: Any, dtype: str) -> Iterator[None]:
    """Both libraries with one default dtype and fresh generators; warnings are not what is compared."""
    before = al.get_default_dtype(), torch.get_default_dtype()
    al.set_default_dtype(np.dtype(dtype))
    torch.set_default_dtype(getattr(torch, dtype))
    al.manual_seed(0)
    torch.manual_seed(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        al.set_default_dtype(before[0])
        torch.set_default_dtype(before[1])


def parts(result: Any) -> list[Any]:
    """The tensors and other things of a result, in order."""
    if isinstance(result, dict):
        return [p for k in sorted(result, key=str) for p in parts(result[k])]
    if isinstance(result, tuple | list) or (hasattr(result, "__next__") and not hasattr(result, "shape")):
        return [p for r in result for p in parts(r)]
    return [result]


def _array(thing: Any) -> Any:
    """A tensor's array; anything else as it is, dtypes as their names."""
    if hasattr(thing, "detach"):
        array = thing.detach()
        return np.asarray(array.data if isinstance(array, al.Tensor) else array.numpy(force=True))
    if type(thing).__name__ == "device":
        return str(thing)
    if isinstance(thing, type) or type(thing).__name__ == "dtype":
        return str(np.dtype(thing) if isinstance(thing, type | np.dtype) else thing).removeprefix("torch.")
    return thing


def close(a: Any, b: Any, dtype: str, what: str) -> None:
    """Raises DisagreementError unless our part is theirs."""
    a, b = _array(a), _array(b)
    if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
        numbers = isinstance(a, float | int) and isinstance(b, float | int)
        same = abs(a - b) <= TOLERANCE[dtype] * max(1.0, abs(b)) if numbers else bool(np.all(a == b))
        if not same:
            raise DisagreementError(re.sub(r" at 0x\w+", "", f"{what}: {a!r}, there {b!r}"))
        return
    if a.shape != b.shape:
        raise DisagreementError(f"{what}: shape {a.shape}, there {b.shape}")
    if a.dtype != b.dtype:
        raise DisagreementError(f"{what}: {a.dtype}, there {b.dtype}")
    finite = np.abs(b[np.isfinite(b)]) if b.dtype.kind == "f" else np.zeros(0)
    bound = 0.0 if b.dtype.kind != "f" else TOLERANCE[dtype] * max(1.0, finite.max(initial=0.0))
    if not np.allclose(a, b, rtol=0.0, atol=bound, equal_nan=True):
        raise DisagreementError(f"{what}: other numbers")


def alike(a: Any, b: Any, what: str) -> None:
    """Raises DisagreementError unless two samples are of one shape and dtype and can be of one distribution."""
    a, b = _array(a), _array(b)
    if a.shape != b.shape or a.dtype != b.dtype:
        raise DisagreementError(f"{what}: {a.dtype} {a.shape}, there {b.dtype} {b.shape}")
    a, b = a.astype(float), b.astype(float)
    bound = MANY * (b.std() + 1e-12) / max(1.0, b.size) ** 0.5
    if abs(a.mean() - b.mean()) > 2 * bound or abs(a.std() - b.std()) > 2 * bound:
        raise DisagreementError(f"{what}: mean {a.mean():.3g} ± {a.std():.3g}, there {b.mean():.3g} ± {b.std():.3g}")


@dataclass
class Outcome:
    """What became of the calls of a name: values, gradients: each in one word, or the difference."""

    values: str = AGREE
    first: str = NONE
    second: str = NONE

    def add(self, other: Outcome) -> None:
        """The calls together: a difference counts most, then agreement."""
        for name in ("values", "first", "second"):
            both = getattr(self, name), getattr(other, name)
            bad = [w for w in both if w not in (AGREE, NONE, ABSENT, "distribution")]
            order = ("distribution", AGREE, ABSENT, NONE)
            setattr(self, name, bad[0] if bad else next(w for w in order if w in both))

    @property
    def agrees(self) -> bool:
        """Whether nothing is different."""
        return not any(w not in (AGREE, NONE, ABSENT, "distribution") for w in (self.values, self.first, self.second))


def judge(torch: Any, find: Callable[[Any], Any], calls: Sequence[Call], label: str) -> Outcome:
    """All calls of a name in both dtypes. `find` gives the function from a library's namespace."""
    rng = np.random.default_rng(zlib.crc32(label.encode()))
    total: Outcome | None = None
    for call in calls:
        arguments = [drawn(part, rng) for part in (call.args, call.kwargs, call.inputs)]
        for dtype in DTYPES:
            with defaults(torch, dtype):
                found = _one(torch, find, call, arguments, dtype)
            if total is not None and found is not None:
                total.add(found)
            else:
                total = total or found
    return total or Outcome("takes other arguments")


def _one(torch: Any, find: Callable[[Any], Any], call: Call, arguments: list[Any], dtype: str) -> Outcome | None:
    sides = Side(al, dtype), Side(torch, dtype)
    try:
        theirs = _results(find, call, arguments, sides[1], torch.no_grad)
    except Exception as error:
        if call.kind == "written":
            return None  # a call that is one of the function alone: the result is larger than the tensor
        return Outcome(f"PyTorch refuses the call: {_words(error, dtype)}")  # the table of calls is wrong
    try:
        ours = _results(find, call, arguments, sides[0], al.no_grad)
        if len(ours) != len(theirs):
            raise DisagreementError(f"{len(ours)} results, there {len(theirs)}")
        for k, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            what = f"result {k + 1}" if len(ours) > 1 else "result"
            alike(a, b, what) if call.kind == "random" else close(a, b, dtype, what)
    except Exception as error:  # whatever ours does that PyTorch does not is the finding
        if isinstance(error, TypeError) and ("unexpected keyword" in str(error) or not _takes(find(al), call)):
            return None  # the parameter is among those that are not here
        return Outcome(_words(error, dtype), "not compared", "not compared")
    if call.kind in ("random", "written"):
        return Outcome("distribution" if call.kind == "random" else AGREE)
    return _gradients(torch, sides, ours, theirs, dtype)


def _takes(function: Any, call: Call) -> bool:
    """Whether our function has the parameters that a call gives."""
    try:
        inspect.signature(function).bind(*call.args, **call.kwargs)
    except TypeError:
        return call.program is not None
    except ValueError:
        return True
    return True


def _words(error: Exception, dtype: str) -> str:
    text = str(error).split("\n")[0]
    return (
        f"{dtype}: {text}" if isinstance(error, DisagreementError) else f"{dtype}: {type(error).__name__}: {text[:150]}"
    )


def _results(find: Callable[[Any], Any], call: Call, arguments: list[Any], side: Side, no_grad: Any) -> list[Any]:
    """What a call gives in one library."""
    args, kwargs, _ = arguments
    if call.kind == "module":
        return _module(find, call, arguments, side)
    track = call.kind == "values"
    args, kwargs = side.filled(args, track), side.filled(kwargs, track)
    if call.program is not None:
        return parts(call.program(side.lib, *args, **kwargs))
    if call.kind == "written":
        with no_grad():
            result = find(side.lib)(*args, **kwargs)
            return parts([args[0], result is args[0]])
    thing = find(side.lib)
    return parts(thing(*args, **kwargs))


def _module(find: Callable[[Any], Any], call: Call, arguments: list[Any], side: Side) -> list[Any]:
    """A module with drawn parameters, called; its parameters and inputs are differentiated, its buffers compared."""
    args, kwargs, inputs = arguments
    module = find(side.lib)(*side.filled(args, False), **side.filled(kwargs, False))
    module.train(call.training)
    rng = np.random.default_rng(5)
    for _, parameter in sorted(module.named_parameters()):
        value = rng.normal(size=tuple(parameter.shape)).astype(side.dtype)
        value = np.abs(value) * 0.5 + 0.1 if parameter.ndim == 1 else value * 0.5
        parameter.data = value.astype(side.dtype) if side.lib is al else side.lib.from_numpy(value.astype(side.dtype))
        side.leaves.append(parameter)
    result = parts(module(*side.filled(inputs)))
    return [*result, sorted(module.state_dict()), *(b for _, b in sorted(module.named_buffers()))]


def _gradients(torch: Any, sides: tuple[Side, Side], ours: list[Any], theirs: list[Any], dtype: str) -> Outcome:
    """First and second gradients of results that agree."""
    wanted = [k for k, p in enumerate(theirs) if getattr(p, "requires_grad", False) and p.grad_fn is not None]
    missing = [k for k in wanted if not getattr(ours[k], "requires_grad", False)]
    y, w = [ours[k] for k in wanted], [theirs[k] for k in wanted]
    if not wanted or not sides[1].leaves:
        return Outcome()
    rng = np.random.default_rng(7)
    cotangents = [rng.normal(size=tuple(p.shape)).astype(str(p.dtype).removeprefix("torch.")) for p in w]
    upstream = [[make(c, requires_grad=True) for c in cotangents] for make in (al.tensor, torch.tensor)]
    try:
        want = torch.autograd.grad(w, sides[1].leaves, upstream[1], create_graph=True, allow_unused=True)
    except (RuntimeError, NotImplementedError):
        return Outcome(AGREE, ABSENT, ABSENT)
    if missing:
        return Outcome(AGREE, f"{dtype}: not recorded here", "not compared")
    try:
        got = al.autograd.grad(y, sides[0].leaves, upstream[0], create_graph=True, allow_unused=True)
        _pairs(got, want, dtype, "gradient")
    except Exception as error:
        return Outcome(AGREE, _words(error, dtype), "not compared")
    leaves = [side.leaves + more for side, more in zip(sides, upstream, strict=True)]
    return Outcome(AGREE, AGREE, _second(torch, leaves, got, want, dtype))


def _second(torch: Any, leaves: list[list[Any]], got: Any, want: Any, dtype: str) -> str:
    """The gradients of a random combination of the gradients, by the inputs and by the cotangents."""
    rng = np.random.default_rng(8)
    weights = [rng.normal(size=tuple(leaf.shape)).astype(dtype) for leaf in leaves[0]]
    kept = [k for k, g in enumerate(want) if g is not None and g.requires_grad]
    if not kept:
        return NONE
    u = sum((want[k] * torch.tensor(weights[k])).sum() for k in kept)
    try:
        theirs = torch.autograd.grad(u, leaves[1], allow_unused=True)
    except (RuntimeError, NotImplementedError):
        return ABSENT
    try:
        recorded = [k for k in kept if got[k] is not None and got[k].requires_grad]
        ours: Any = [None] * len(weights)
        if recorded:
            s = sum((al.sum(got[k] * weights[k]) for k in recorded), al.tensor(0.0))
            ours = al.autograd.grad(s, leaves[0], allow_unused=True)
        _pairs(ours, theirs, dtype, "second gradient")
    except Exception as error:
        return _words(error, dtype)
    return AGREE


def _pairs(ours: Any, theirs: Any, dtype: str, what: str) -> None:
    """Raises DisagreementError unless all gradients are the same; none at all is one of zeros."""
    for k, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        label = f"{what} {k + 1}" if len(ours) > 1 else what
        if a is None or b is None:
            rest = b if a is None else a
            if rest is not None and np.any(_array(rest) != 0):
                raise DisagreementError(f"{label}: none {'here' if a is None else 'there'}")
        else:
            close(a, b, dtype, label)
