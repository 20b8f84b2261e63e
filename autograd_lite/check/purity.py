"""Rules and forward functions are pure: none writes into what it is given. Every recorded call is held to it, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd_lite.check.blame import Blame, Call
from autograd_lite.core import Tensor
from autograd_lite.memory import Array

Named = tuple[str, Array]


def impure(calls: Sequence[Call]) -> Blame | None:
    """The first call whose forward function or rule writes into an array that is not its own.

    Each is run once more, with a random gradient, while all that it is given is locked against writing.
    """
    random = np.random.default_rng(0)
    for call in calls:
        with np.errstate(all="ignore"):
            found = _forward(call) or _rules(call, random)
        if found is not None:
            return found
    return None


def _forward(call: Call) -> Blame | None:
    again = getattr(call.attrs.get("ctx"), "again", None)  # a Function's forward is not its op's
    if again is None and isinstance(call.op.forward, np.ufunc):
        return None
    raw = [a.data if isinstance(a, Tensor) else a for a in call.args]
    given = [p for k, a in enumerate(raw) for p in _arrays(call.name(k), a)]
    if again is None:
        given += [p for name, value in call.attrs.items() for p in _arrays(name, value)]
        name = _written(lambda: call.op.forward(*raw, **call.attrs), given)
    else:
        name = _written(lambda: again(*map(Tensor, raw)), given)
    if name is None:
        return None
    what = f"the forward function of {call.op.name} writes into its argument {name}"
    return Blame("impure", call.op.name, name, call.site, what=what)


def _rules(call: Call, random: np.random.Generator) -> Blame | None:
    recorded = call.recorded
    if not recorded:
        return None
    op, node = call.op, call.result.node
    g = np.array(random.standard_normal(node.shape), node.dtype)
    own = [p for k, a in enumerate(call.args) if isinstance(a, Tensor) for p in _arrays(call.name(k), a.data)]
    own += _arrays("y", call.result.data)  # a rule may come by them without naming them
    for k in recorded:
        rule, saved = op.rules[op.slot(k)], node.saved[k]
        assert rule is not None
        held = [p for name, value in node.saved_by_name(k).items() for p in _arrays(name, value)]
        name = _written(lambda rule=rule, saved=saved: rule(g.view(), *saved), [("", g), *held, *own])  # type: ignore[misc]
        if name is not None:
            into = f"what was saved ({_spoken(call, name)})" if name else "the gradient it was given"
            what = f"the rule of {op.name} for {call.name(k)} writes into {into}"
            return Blame("impure", op.name, call.name(k), call.site, what=what)
    return None


def _spoken(call: Call, name: str) -> str:
    """A Function's saved arrays under the name that its backward has for them."""
    return name.replace("kept[", "saved_tensors[") if "ctx" in call.attrs else name


def _arrays(name: str, value: Any) -> Iterator[Named]:
    if isinstance(value, np.ndarray):
        yield name, value
    elif isinstance(value, tuple | list):
        for k, item in enumerate(value):
            yield from _arrays(f"{name}[{k}]", item)


def _written(run: Callable[[], Any], given: Sequence[Named]) -> str | None:
    """The name of an array that a run writes into; what it wrote is put back."""
    loose = [(a, a.copy()) for _, a in given if a.flags.writeable and not _lockable(a)]
    if _outcome(run, [a for _, a in given]) is None and all(a.tobytes() == c.tobytes() for a, c in loose):
        return None
    for array, copy in loose:
        array[...] = copy
    error, changed = _trial(run, given, [])
    if error == "write":  # into what nobody can write into: a broadcast array
        return next((name for name, a in given if not a.flags.writeable), None)
    for name, array in given:
        if name in changed or (_lockable(array) and _trial(run, given, [array])[0] == "write"):
            return name
    return None


def _trial(run: Callable[[], Any], given: Sequence[Named], locked: Sequence[Array]) -> tuple[str | None, set[str]]:
    """The outcome with some arrays locked, and the names of those that have other values after, now put back."""
    copies = [a.copy() for _, a in given]
    error, changed = _outcome(run, locked), set[str]()
    for (name, array), copy in zip(given, copies, strict=True):
        if array.flags.writeable and array.tobytes() != copy.tobytes():
            array[...] = copy
            changed.add(name)
    return error, changed


def _outcome(run: Callable[[], Any], locked: Sequence[Array]) -> str | None:
    """None, or how a run failed while these arrays were locked: by a "write", or by "another" error."""
    with _lock(locked):
        try:
            run()
        except Exception as error:  # whatever it is, the check itself meets it again
            own = "read-only" in str(error) and "buffer source" not in str(error)  # this is Cython's, and no write
            return "write" if own else "another"
    return None


@contextmanager
def _lock(arrays: Sequence[Array]) -> Iterator[None]:
    """Inside, nothing can be written into those of the arrays that can be locked."""
    able = sorted(filter(_lockable, arrays), key=_depth)  # a view is unlocked after what it is a view of
    for array in able:
        array.flags.writeable = False
    try:
        yield
    finally:
        for array in able:
            array.flags.writeable = True


def _lockable(array: Array) -> bool:
    """Can it be written into, and unlocked again? Memory that is not NumPy's own might stay locked."""
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    return array.flags.writeable and owner.flags.writeable and owner.base is None


def _depth(array: Array) -> int:
    depth = 0
    while isinstance(array.base, np.ndarray):
        array, depth = array.base, depth + 1
    return depth
