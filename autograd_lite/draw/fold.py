"""Repeated blocks of a graph: time steps, equal layers. The first of each is shown, and stands for the others.

Ops in the order in which they were made have codes: the same op, attributes and sizes have the same code. Where
the codes from a place on are those from a period later, and operands correspond too, there is a repetition. An
operand corresponds to another at the same distance, to itself, and, where both come from no op, to one of the same
kind and shape. The first block may take from outside what the later ones take from the one before them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.core import Node
from autograd_lite.draw.groups import Group
from autograd_lite.draw.runs import Codes, Run, best_runs

_rounds = 12  # of folding what is left
_ops: Any = object()


@dataclass(slots=True)
class Folded:
    """For each op, by age: the one that is shown for it, the innermost group around that, and its repetitions.

    `at[i]` has, for each frame that op i is in, which of the repetitions it belongs to. `same` leads from leaves
    and ids of constants to the one that is shown for them.
    """

    shown: list[int]
    groups: list[Group | None]
    at: list[dict[Group, int]]
    frames: list[Group] = field(default_factory=list)
    same: dict[Any, Any] = field(default_factory=dict)

    def root(self, key: Any) -> Any:
        """The leaf or constant that is shown for another."""
        while key in self.same:
            key = self.same[key]
        return key


def unfolded(groups: list[Group | None]) -> Folded:
    """Every op shown as it is."""
    nothing: dict[Group, int] = {}
    return Folded(list(range(len(groups))), groups, [nothing] * len(groups))


def fold(ops: Sequence[Node], operands: Sequence[Sequence[Any]], groups: list[Group | None]) -> Folded:
    """Fold what repeats three times or more, what saves most first, and then again what is left."""
    found = Folded(list(range(len(ops))), list(groups), [{} for _ in ops])
    if len(ops) < 3:
        return found
    codes = coded(ops, operands)
    work = _Work(codes, found)
    for _ in range(_rounds):
        if not work.round():
            break
    work.settle()
    return found


# What ops and operands have in common


def _key(value: Any, index: bool = False) -> Any:
    """An attribute as something to compare; of an index, the numbers are left out."""
    if isinstance(value, tuple | list):
        return tuple(_key(item, index) for item in value)
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str
    if index and isinstance(value, int | slice | np.integer):
        return type(value).__name__
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return repr(value) if isinstance(value, slice | np.generic | np.dtype) else type(value).__name__


def _kind(value: Any) -> tuple[Any, Any, Any]:
    """Of an operand that is from no op: what it is itself, its kind, and its size."""
    if isinstance(value, Node):
        return value, ("leaf", value.shape, value.dtype), (value.shape, value.dtype)
    if isinstance(value, bool | int | float | np.generic):
        return ("number", value), "number", None
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return id(value), ("constant", value.shape, value.dtype), (value.shape, value.dtype)
    return "unknown", "unknown", None


def coded(ops: Sequence[Node], operands: Sequence[Sequence[Any]]) -> Codes:
    """The ops and their operands as numbers."""
    place = {node: i for i, node in enumerate(ops)}
    ids: dict[Any, int] = {}

    def number(key: Any) -> int:
        return ids.setdefault(key, len(ids))

    base, first, owner, source, itself, kind, size = [], [0], [], [], [], [], []
    who: list[Any] = []
    for i, (node, values) in enumerate(zip(ops, operands, strict=True)):
        attrs = tuple((name, _key(value, name == "index")) for name, value in node.attrs.items())
        base.append(number(("op", id(node.op), attrs, node.shape, node.dtype, len(values))))
        for value in values:
            j = place.get(value, -1) if isinstance(value, Node) else -1
            one, what, big = (("made", j), _ops, (value.shape, value.dtype)) if j >= 0 else _kind(value)
            owner.append(i)
            source.append(j)
            itself.append(number(("one", one)))
            kind.append(number(("kind", what)))
            size.append(-1 if big is None else number(("size", big)))
            who.append(one if j < 0 and what not in ("number", "unknown") else None)
        first.append(len(owner))
    arrays = [np.array(part, dtype=np.int64) for part in (base, first, owner, source, itself, kind, size)]
    return Codes(who, *arrays)


# Folding


class _Work:
    """A folding that goes on: `left` are the ops still shown, by age."""

    def __init__(self, codes: Codes, found: Folded) -> None:
        self.codes, self.found = codes, found
        self.left = list(range(len(found.shown)))
        self.members = {i: [i] for i in self.left}
        self.stands: dict[Group, Group] = {}  # frames of blocks that are hidden, for those of the block that is shown

    def round(self) -> bool:
        """Fold the best runs of what is left; whether there were any."""
        codes = self._codes_left()
        runs = best_runs(codes, [self.found.groups[i] for i in self.left])
        if not runs:
            return False
        hidden: set[int] = set()
        for run in runs:
            self._fold(run, codes)
            hidden.update(range(run.start + run.period, run.start + run.period * run.count))
        self.left = [i for at, i in enumerate(self.left) if at not in hidden]
        return True

    def _codes_left(self) -> Codes:
        """The codes of what is left: operands are what is shown for them, and ops in a frame are of its count."""
        all_codes, left = self.codes, np.array(self.left)
        counts: dict[Any, int] = {}
        base = [
            counts.setdefault((code, tuple(g.count for g in group.path() if g.count > 1) if group else ()), len(counts))
            for code, group in zip(all_codes.base[left], (self.found.groups[i] for i in self.left), strict=True)
        ]
        sizes = np.diff(all_codes.first)[left]
        first = np.concatenate([[0], np.cumsum(sizes)])
        edges = np.repeat(all_codes.first[left] - first[:-1], sizes) + np.arange(first[-1])
        place = np.full(len(self.found.shown), -1)
        place[left] = np.arange(len(left))
        source = all_codes.source[edges]
        source = np.where(source < 0, -1, place[np.array(self.found.shown)[source]])
        itself = all_codes.itself[edges].copy()
        itself[source >= 0] = source[source >= 0]
        who = [all_codes.who[e] for e in edges]
        largest = int(itself.max(initial=0)) + len(left)
        names: dict[Any, int] = {}
        for k, one in enumerate(who):
            itself[k] += len(left) if source[k] < 0 else 0
            if one is not None and one in self.found.same:
                itself[k] = largest + 1 + names.setdefault(self.found.root(one), len(names))
        owner = np.repeat(np.arange(len(left)), sizes)
        return Codes(who, np.array(base), first, owner, source, itself, all_codes.kind[edges], all_codes.size[edges])

    def _fold(self, run: Run, codes: Codes) -> None:
        """Hide all but the first block of a run."""
        found, start, period = self.found, run.start, run.period
        frame = Group(run.group, count=run.count)
        found.frames.append(frame)
        self._join_operands(run, codes)
        for d in range(period):
            shown = self.left[start + d]
            members = self.members[shown]
            for member in members:
                found.at[member][frame] = 0
            for k in range(1, run.count):
                hidden = self.left[start + k * period + d]
                self._match_frames(found.groups[hidden], found.groups[shown], run.group)
                for member in self.members.pop(hidden):
                    found.at[member][frame] = k
                    found.shown[member] = shown
                    members.append(member)
        for i in self.left[start : start + period]:
            inner = found.groups[i]
            if inner is run.group:
                found.groups[i] = frame
                continue
            for group in inner.path() if inner is not None else ():
                if group.parent is run.group and group is not frame:
                    group.parent = frame
                    break
                if group is frame:
                    break

    def _match_frames(self, hidden: Group | None, shown: Group | None, outside: Group | None) -> None:
        while hidden is not None and shown is not None and hidden is not outside and hidden is not shown:
            if hidden.count > 1:
                self.stands[hidden] = shown
            hidden, shown = hidden.parent, shown.parent

    def _join_operands(self, run: Run, codes: Codes) -> None:
        """Leaves and constants in the same place of the blocks are shown as one."""
        same, root = self.found.same, self.found.root
        for d in range(run.period):
            i = run.start + d
            for e in range(codes.first[i], codes.first[i + 1]):
                for k in range(1, run.count):
                    other = codes.who[codes.first[i + k * run.period] + e - codes.first[i]]
                    mine = codes.who[e]
                    if mine is not None and other is not None and root(mine) != root(other):
                        same[root(other)] = root(mine)

    def settle(self) -> None:
        """Name in `at` the frames that are shown; those of hidden blocks go."""
        stands = self.stands

        def shown(frame: Group) -> Group:
            while frame in stands:
                frame = stands[frame]
            return frame

        for at in self.found.at:
            if at:
                places = {shown(frame): k for frame, k in at.items()}
                at.clear()
                at.update(places)
        self.found.frames = [frame for frame in self.found.frames if frame not in stands]
        self.found.groups = [self.found.groups[i] for i in self.found.shown]
