"""Frames around boxes: the calls of modules, nested, as they were recorded; and what is folded, by `fold`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from autograd_lite.core import ModuleCall, Node


class Group:
    """A frame: a module's call, or equal blocks of which the first is shown (`count` says how many there are)."""

    __slots__ = ("call", "count", "parent", "tip", "title")

    def __init__(self, parent: Group | None, call: ModuleCall | None = None, count: int = 1) -> None:
        self.parent, self.call, self.count = parent, call, count
        self.title = self.tip = ""

    @property
    def module(self) -> Any:
        """The module that was called, if it is still there."""
        return None if self.call is None else self.call[0]()

    def path(self) -> Iterator[Group]:
        """This group and those around it, the innermost first."""
        group: Group | None = self
        while group is not None:
            yield group
            group = group.parent


def by_age(order: Iterable[Node]) -> list[Node]:
    """The nodes of ops as they were made."""
    return sorted((node for node in order if node.op is not None), key=lambda node: node.seq)


def calls(ops: Sequence[Node]) -> list[Group | None]:
    """The innermost call that each op, in order of age, was recorded in; None outside of all.

    Calls nest by when they began and ended. One that began in another and ended after it is left out: those are
    of two threads.
    """
    noted: dict[int, ModuleCall] = {}
    for node in ops:
        call = node.call
        while call is not None:
            noted[call[2]] = call
            call = call[4]
    begun = sorted(noted.values(), key=lambda call: -call[2])
    found: list[Group | None] = []
    top: Group | None = None
    for node in ops:
        while begun and begun[-1][2] < node.seq:
            call = begun.pop()
            top = _around(top, call[2])
            if top is None or call[3] < _end(top):
                top = Group(top, call)
        top = _around(top, node.seq)
        found.append(top)
    return found


def _end(group: Group) -> int:
    assert group.call is not None
    return group.call[3]


def _around(group: Group | None, now: int) -> Group | None:
    """The innermost group, from this one outwards, that had not ended by then."""
    while group is not None and _end(group) < now:
        group = group.parent
    return group


class Titles:
    """What modules are called: by the caller's names, or else by their place in the module around them."""

    def __init__(self, names: Any = None) -> None:
        self._given = dict(_paths(names))
        self._within: dict[int, dict[int, str]] = {}

    def of(self, group: Group) -> str:
        """The title of a call: `encoder.0: Linear`, or the class alone where there is no path."""
        assert group.call is not None
        module, name = group.module, group.call[1].__name__
        path = self._given.get(id(module)) if module is not None else None
        if module is not None and path is None:
            around = next((g.module for g in group.path() if g is not group and g.call is not None), None)
            if around is not None:
                if id(around) not in self._within:
                    self._within[id(around)] = dict(_paths(around))
                path = self._within[id(around)].get(id(module))
        return f"{path}: {name}" if path else name


def _paths(module: Any) -> Iterator[tuple[int, str]]:
    if hasattr(module, "named_modules"):
        yield from ((id(m), path) for path, m in module.named_modules())


def leaf_names(groups: Iterable[Group | None]) -> dict[Node, str]:
    """Names of the parameters of the modules that were called: their paths in the outermost one."""
    found: dict[Node, str] = {}
    covered: set[int] = set()
    for innermost in dict.fromkeys(groups):
        for group in reversed(list(innermost.path())) if innermost is not None else ():
            if group.module is not None and id(group.module) not in covered:
                covered.update(id(m) for _, m in group.module.named_modules())
                for path, parameter in group.module.named_parameters():
                    if parameter.node is not None:
                        found.setdefault(parameter.node, path)
    return found
