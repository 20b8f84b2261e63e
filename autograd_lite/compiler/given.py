"""The arguments of a step: what stands for them while it is traced, and the text that takes them apart later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.compiler.guards import as_it_was, differs, frozen, still
from autograd_lite.compiler.ir import Place, Var
from autograd_lite.core import Tensor


class Keywords(dict[str, Any]):
    """Arguments that a function takes by name alone."""


@dataclass(eq=False, slots=True)
class Items:
    """A tuple, a list, a named tuple or a dict (then with `keys`), item by item."""

    kind: Any
    items: list[Any]
    keys: tuple[Any, ...] | None = None


@dataclass(eq=False, slots=True)
class Fixed:
    """Anything that is no array: the program is for this one alone. `inside` is what it looked like, if that counts."""

    thing: Any
    inside: Any = None


def given(session: Any, name: str, arg: Any) -> tuple[Any, Any]:
    """What stands for an argument in the program, and what the step is given in its place."""
    if isinstance(arg, Tensor) and arg.node is None:
        traced = session.trace.found(Place("argument", arg._array, "tensor", name))
        tensor = Tensor(traced)
        session.given.append((tensor, traced))
        return traced.var, tensor
    if type(arg) is np.ndarray and arg.dtype.kind in "fiub":
        traced = session.trace.found(Place("argument", arg, "array", name))
        return traced.var, traced
    if type(arg) in (tuple, list, dict, Keywords) or (isinstance(arg, tuple) and hasattr(arg, "_fields")):
        keys = tuple(arg) if isinstance(arg, dict) else None
        labels = keys or range(len(arg))
        pairs = [
            given(session, f"{name}_{label}", item)
            for label, item in zip(labels, arg.values() if isinstance(arg, dict) else arg, strict=True)
        ]
        items = Items(type(arg), [shown for shown, _ in pairs], keys)
        return items, made(items, [value for _, value in pairs])
    return Fixed(arg, as_it_was(arg)), arg


def made(items: Items, values: list[Any]) -> Any:
    """The container with other things in it."""
    if items.keys is not None:
        return items.kind(zip(items.keys, values, strict=True))
    return items.kind(*values) if hasattr(items.kind, "_fields") else items.kind(values)


def other(given: Any, found: Any) -> bool:
    """Is a container another one, or a value other than that which a program was made for, whatever the arrays?"""
    queue: list[tuple[Any, Any]] = [(given, found)]
    while queue:
        shown, now = queue.pop()
        if isinstance(shown, Items):
            if type(now) is not shown.kind or len(now) != len(shown.items):
                return True
            if shown.keys is not None and tuple(now) != shown.keys:
                return True
            queue += zip(shown.items, now.values() if isinstance(now, dict) else now, strict=True)
        elif isinstance(shown, Fixed) and not still(now, shown.thing, shown.inside):
            return True
    return False


class Reader:
    """The lines that take the arguments apart, and the conditions under which they are not what was traced."""

    def __init__(self, emitter: Any, writes: bool) -> None:
        self.emitter, self.writes = emitter, writes
        self.head: list[str] = []
        self.guards: list[str] = []

    def read(self, parameters: Iterable[tuple[str, Any]]) -> tuple[list[str], list[str]]:
        """Lines and conditions for all of them."""
        queue = list(parameters)[::-1]
        while queue:
            queue += list(self._one(*queue.pop()))[::-1]
        return self.head, self.guards

    def _miss(self, condition: str) -> None:
        self.head += [f"if {condition}:", "    return miss"]

    def _one(self, name: str, shown: Any) -> Iterator[tuple[str, Any]]:
        e = self.emitter
        if isinstance(shown, Items):
            kind = shown.kind.__name__ if shown.kind in (tuple, list, dict) else e.object(shown.kind, "kind")
            keys = "" if shown.keys is None else f" or tuple({name}) != {e.object(shown.keys, 'keys')}"
            self._miss(f"type({name}) is not {kind} or len({name}) != {len(shown.items)}{keys}")
            labels = shown.keys or range(len(shown.items))
            items = [e.name(f"{name}_{label}") for label in labels]
            if items:
                values = name if shown.keys is None else f"{name}.values()"
                self.head.append(f"{', '.join(items)}{',' * (len(items) == 1)} = {values}")
            yield from zip(items, shown.items, strict=True)
        elif isinstance(shown, Var):
            self._array(name, shown)
        elif shown.inside is not None:
            self.guards.append(
                f"{e.object(frozen, 'frozen')}({name}) != {e.object(shown.inside, f'{name}_then')}",
            )
        elif shown.thing is None or isinstance(shown.thing, bool):
            self.guards.append(f"{name} is not {shown.thing}")
        else:
            then = e.object(shown.thing, f"{name}_then")
            self.guards.append(f"({name} is not {then} and {e.object(differs, 'differs')}({name}, {then}))")

    def _array(self, name: str, shown: Var) -> None:
        e, array = self.emitter, name
        place = shown.place
        assert place is not None
        if place.key == "tensor":
            array = e.name(f"{name}_array")
            self._miss(f"type({name}) is not {e.object(Tensor, 'Tensor')}")
            self.head.append(f"{array} = {name}._array")
            self.guards.append(f"{name}.node is not None")
        else:
            self._miss(f"type({name}) is not {e.object(np.ndarray, 'ndarray')}")
        if shown in e.text:  # given twice
            self.guards.append(f"{array} is not {e.text[shown]}")
            return
        e.text[shown] = array
        if self.writes:  # an argument in the memory of a parameter is refused by the trace
            self.guards.append(f"{array}.base is not None and id({array}.base) in owners")
        self.guards.append(f"{array}.shape != {shown.shape}")
        dtype = e.object(shown.dtype, str(shown.dtype))
        self.guards.append(f"({array}.dtype is not {dtype} and {array}.dtype != {dtype})")
