"""Tensors in tuples, lists and dicts, taken out and put back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd_lite.core import Tensor


def leaves(tree: Any) -> list[Any]:
    """What is in tuples, lists and dicts, in order."""
    found: list[Any] = []
    stack = [tree]
    while stack:
        thing = stack.pop()
        if isinstance(thing, tuple | list):
            stack += reversed(thing)
        elif isinstance(thing, dict):
            stack += reversed(thing.values())
        else:
            found.append(thing)
    return found


def rebuilt(tree: Any, values: Sequence[Any]) -> Any:
    """The same tuples, lists and dicts with other things in them."""
    rest = iter(values)

    def build(thing: Any) -> Any:
        if isinstance(thing, tuple) and hasattr(thing, "_fields"):
            return type(thing)(*map(build, thing))
        if isinstance(thing, tuple | list):
            return type(thing)(map(build, thing))
        if isinstance(thing, dict):
            return {key: build(value) for key, value in thing.items()}
        return next(rest)

    return build(tree)


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """A function of everything in tuples, lists and dicts, in the same ones."""
    return rebuilt(tree, [function(thing) for thing in leaves(tree)])


def tensors(tree: Any, who: str, what: str) -> list[Tensor]:
    """All in it, which are tensors of floating point. Raises TypeError for anything else."""
    found = leaves(tree)
    for thing in found:
        if not isinstance(thing, Tensor) or thing.dtype.kind != "f":
            kind = f"a tensor of {thing.dtype}" if isinstance(thing, Tensor) else f"a {type(thing).__name__}"
            raise TypeError(f"{who}: {what} is made of floating-point tensors, and this is {kind}")
    return found
