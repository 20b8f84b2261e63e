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


def spread(prefix: Any, tree: Any, who: str) -> list[Any]:
    """One of what is in `prefix` for each thing in a tree: the two have one form as far as the prefix goes.

    Raises ValueError where they have not.
    """
    found: list[Any] = []
    stack = [(prefix, tree)]
    while stack:
        given, thing = stack.pop()
        if not isinstance(given, tuple | list | dict):
            found += [given] * len(leaves(thing))
        elif isinstance(given, dict) and isinstance(thing, dict) and given.keys() == thing.keys():
            stack += reversed([(given[key], thing[key]) for key in thing])
        elif isinstance(given, tuple | list) and isinstance(thing, tuple | list) and len(given) == len(thing):
            stack += reversed(list(zip(given, thing, strict=True)))
        else:
            kind = type(thing).__name__
            what = f"a {kind} of {len(thing)}" if isinstance(thing, tuple | list | dict) else f"one {kind}"
            raise ValueError(f"{who}: {given} has {len(given)} entries, for {what}: the two have one form")
    return found


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
