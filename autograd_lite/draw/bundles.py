"""Links where blocks are folded: all that go from one box to another, and what is written beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from autograd_lite.core import Node
from autograd_lite.draw.fold import Folded
from autograd_lite.draw.groups import Group

_Place = Mapping[Group, int]  # which repetition of each frame
_nowhere: _Place = {}


@dataclass(slots=True)
class Bundle:
    """Operands that are drawn as one link: from what, as which argument, and in which repetitions.

    `source` is the node that is shown, or the constant; `values` are all that it stands for.
    """

    source: Any
    argument: int
    places: list[tuple[_Place, _Place]] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)


class Bundles:
    """The operands of a graph, by the op that is shown for theirs."""

    def __init__(self, ops: Sequence[Node], operands: Sequence[Sequence[Any]], folded: Folded) -> None:
        self.folded, self._ops, self._operands = folded, ops, operands
        self._index = {node: i for i, node in enumerate(ops)}
        self._blocks: dict[int, list[int]] = {}  # of ops that stand for others
        self._users: dict[Node, dict[Node, list[int]]] = {}  # of leaves that are shown: each one's ops
        self._arrays: dict[int, dict[int, Any]] = {}  # of constants that stand for others: these, and itself
        for i, values in enumerate(operands):
            if folded.frames:
                self._blocks.setdefault(folded.shown[i], []).append(i)
            for value in values:
                if isinstance(value, Node):
                    if value.op is None:
                        self._users.setdefault(folded.root(value), {}).setdefault(value, []).append(i)
                elif folded.same and not isinstance(value, bool | int | float | np.generic):
                    self._arrays.setdefault(folded.root(id(value)), {})[id(value)] = value

    def of(self, op: int) -> Iterable[Bundle]:
        """The bundles that end at an op that is shown."""
        folded, ops = self.folded, self._ops
        made: dict[Any, Bundle] = {}
        for i in self.blocks(op):
            here = folded.at[i]
            for k, value in enumerate(self._operands[i]):
                source, slot, place = value, k, _nowhere
                key: Any = k
                if isinstance(value, Node):
                    at = self._index.get(value)
                    source = folded.root(value) if at is None else ops[folded.shown[at]]
                    place = _nowhere if at is None else folded.at[at]
                    if place and any(frame not in here for frame in place):
                        slot = self._slot(i, k)
                    key = source, slot
                bundle = made.get(key)
                if bundle is None:
                    bundle = made[key] = Bundle(source, k)
                bundle.places.append((place, here))
                bundle.values.append(value)
        return made.values()

    def _slot(self, i: int, k: int) -> int:
        op = self._ops[i].op
        return k if op is None else op.slot(k)

    def blocks(self, op: int) -> list[int]:
        """The ops that one stands for, itself among them."""
        return self._blocks.get(op) or [op]

    def members(self, leaf: Node) -> list[Node]:
        """The leaves that one stands for, itself among them."""
        return list(self._users.get(leaf, {leaf: []}))

    def arrays(self, value: Any) -> list[Any]:
        """The constants that are drawn in the box of one, that which is shown first."""
        root = self.folded.root(id(value))
        alike = self._arrays.get(root, {id(value): value})
        return [alike[root], *(other for key, other in alike.items() if key != root)] if root in alike else [value]

    def numbers(self, op: int, argument: int) -> list[Any]:
        """The numbers that one operand of an op stands for, each once."""
        return list(dict.fromkeys(self._operands[i][argument] for i in self.blocks(op)))

    def part(self, bundle: Bundle) -> str:
        """Which of the leaves or constants that are drawn as one an op takes, where it does not take all."""
        source = bundle.source
        alike: list[Any]
        if isinstance(source, Node):
            alike = self.members(source) if source.op is None else []
        else:
            alike = [*self._arrays.get(self.folded.root(id(source)), {}).values()]
        used = {id(value) for value in bundle.values}
        if len(alike) <= 1 or len(alike) <= len(used):
            return ""
        if len(used) > 1:
            return f"{len(used):,} of {len(alike):,}"
        return f"no. {1 + next(k for k, value in enumerate(alike) if id(value) in used)}"

    def group(self, leaf: Node) -> Group | None:
        """The innermost group of all that use a leaf, outside of frames whose repetitions share it."""
        users = self._users.get(leaf, {})
        inside = dict.fromkeys(self.folded.groups[self.folded.shown[i]] for uses in users.values() for i in uses)
        shared: list[Group] | None = None
        for group in inside:
            path = list(group.path()) if group is not None else []
            around = set(path)
            shared = path if shared is None else [g for g in shared if g in around]
        place = shared[0] if shared else None
        for frame in shared or ():
            if frame.count > 1 and any(
                len({self.folded.at[i].get(frame) for i in uses}) > 1 for uses in users.values()
            ):
                place = frame.parent
        return place


def labels(bundle: Bundle) -> list[tuple[str, bool]]:
    """What is written beside the links of a bundle, and whether they lead back to a block's beginning."""
    if len(bundle.places) == 1 and not any(bundle.places[0]):
        return [("", False)]
    back: dict[str, None] = {}
    inner: list[tuple[_Place, _Place]] = []
    for start, end in bundle.places:
        steps = [end[frame] - k for frame, k in start.items() if end.get(frame, k) != k]
        if steps:
            back["next" if steps[-1] == 1 else f"{steps[-1]} on"] = None
        else:
            inner.append((start, end))
    return [*([(_inner(inner), False)] if inner else []), *((label, True) for label in back)]


def _inner(places: list[tuple[_Place, _Place]]) -> str:
    """How many of the blocks at one end have to do with how many at the other."""
    first = {frame: k for frame, k in places[0][0].items() if frame in places[0][1]}
    same = [(s, e) for s, e in places if all(s[frame] == k for frame, k in first.items())]
    starts = _distinct((s for s, _ in same), first)
    ends = _distinct((e for _, e in same), first)
    blocks = prod(frame.count for frame in places[0][0] if frame not in first)
    users = prod(frame.count for frame in places[0][1] if frame not in first)
    if blocks > 1:
        return f"× {len(starts):,}" if len(starts) > 1 else which(starts[0])
    if users > 1 and len(ends) < users:
        return f"to {which(ends[0])}" if len(ends) == 1 else f"to {len(ends):,} of {users:,}"
    return ""


def _distinct(places: Iterable[_Place], without: _Place) -> list[_Place]:
    found = {
        tuple(place.values()): {frame: k for frame, k in place.items() if frame not in without} for place in places
    }
    return list(found.values())


def which(place: _Place) -> str:
    """Which of the repetitions a place is."""
    if not any(place.values()):
        return "the first"
    if all(k == frame.count - 1 for frame, k in place.items()):
        return "the last"
    return f"no. {', '.join(str(k + 1) for k in place.values())}"
