"""What a person at the desk could have taken by mistake: the arrays of a graph, by shape and by the part they play."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from autograd_lite.check.region import Region
from autograd_lite.check.updates import Updates
from autograd_lite.core import Node
from autograd_lite.memory import Array
from autograd_lite.recorded import Recorded, Value

LEVELS = 3  # of ops that are compared: the first step of a recurrence begins with a constant
NEAR = 20  # arrays that are tried in one place: those nearest to it in the order of the ops


@dataclass(frozen=True, eq=False)
class Clues:
    """What a person at the desk could have taken by mistake: every array of the graph, the deltas, updated weights."""

    graph: Recorded
    values: list[Value]
    deltas: Mapping[Node, Any]
    lr: float | None = None
    regions: Mapping[Node, Region] = field(default_factory=dict)  # above each tensor whose delta is known
    by_size: dict[int, list[Value]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for value in self.values:
            self.by_size.setdefault(value.array.size, []).append(value)

    @cached_property
    def updates(self) -> Updates:
        """What weights become when they are updated on the way back."""
        return Updates(self.graph, self.deltas, self.lr)

    def near(self, shape: tuple[int, ...], node: Node, array: Array | None = None, leaf: bool = False) -> list[Value]:
        """Arrays that fit a shape, the nearest to an op first, without `array` and its equals.

        As they are, reshaped without moving a number, or transposed. With `leaf`, other leaves come first.
        """
        found, own = self.by_size.get(prod(shape), ()), squeezed(shape)
        kin = {node, *node.parents}  # of other equals, what has a name is said

        def order(value: Value) -> tuple[bool, bool, bool, int]:
            other = leaf and not (value.node is not None and value.node.op is None)
            unnamed = value.node not in kin and value.node.name is None if value.node is not None else False
            return squeezed(value.array.shape) != own, other, unnamed, abs(value.seq - node.seq)

        nearest = sorted(found, key=order)[:NEAR]
        fitted = [replace(v, array=v.array.reshape(shape)) for v in nearest if _reshapes(v.array.shape, shape)]
        if len(shape) == 2:
            turned = [v for v in nearest if v.array.shape == shape[::-1]]
            fitted += [replace(v, array=v.array.T, label=f"{v.label} transposed") for v in turned]
        return [v for v in fitted if array is None or not np.array_equal(v.array, array)]

    def near_deltas(self, shape: tuple[int, ...], node: Node, target: Node) -> list[tuple[str, Array, Node]]:
        """The hand-written deltas of a shape, but for the one in question."""
        same = squeezed(shape)
        found = [n for n in self.deltas if squeezed(n.shape) == same and n is not target and n is not node]
        found.sort(key=lambda n: abs(n.seq - node.seq))
        return [(f"the delta of {self.graph.label(n)}", self.deltas[n].reshape(shape), n) for n in found[:NEAR]]


def squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without dimensions of size 1."""
    return tuple(n for n in shape if n != 1)


def _reshapes(shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Does a shape become another by dropping ones, or by joining dimensions after the first?"""
    return squeezed(shape) == squeezed(other) or (bool(shape) and bool(other) and shape[0] == other[0])


def alike(graph: Recorded, a: Node | None, b: Node | None) -> bool:
    """Do two tensors play the same part, as two time steps do: the same ops on alike tensors and the same weights?

    Other weights are leaves of the op itself, and further down those that are used again and again: of two gates of
    one step, or of a gate and the state, each has its own.
    """
    if a is None or b is None or a is b or a.op is None:
        return False
    pairs = [(a, b)]
    for level in range(2 * LEVELS):
        same = [(p, q) for p, q in pairs if _same_op(p, q)]
        if level < LEVELS and len(same) < len(pairs):
            return False
        below = [(p, q) for one, other in same for p, q in zip(one.parents, other.parents, strict=True)]
        known = [(p, q) for p, q in below if p is not None and q is not None and p is not q]
        leaves = [(p, q) for p, q in known if p.op is None and q.op is None]
        if any(level == 0 or (_shared(graph, p) and _shared(graph, q)) for p, q in leaves):
            return False  # other weights
        pairs = [(p, q) for p, q in known if p.op is not None and q.op is not None]
    return True


def _shared(graph: Recorded, leaf: Node) -> bool:
    """Do several ops use a leaf, as steps use a weight?"""
    return len(graph.consumers.get(leaf, ())) > 1


def _same_op(a: Node, b: Node) -> bool:
    same = a.op is b.op and a.shape == b.shape and len(a.parents) == len(b.parents)
    return same and (repr(a.attrs) == repr(b.attrs) or (_rows_of_one(a, b) and _index(a) == _index(b)))


def _rows_of_one(a: Node, b: Node) -> bool:
    """Do both read a leaf by a number, as steps read the rows of a table, or the words of a sentence?"""
    leaf = a.parents[0] if a.parents else None
    return leaf is not None and leaf.op is None and leaf is b.parents[0] and "index" in (a.attrs or {})


def _index(node: Node) -> tuple[str, ...]:
    """Where a node reads, without the numbers of rows."""
    index = (node.attrs or {})["index"]
    places = index if isinstance(index, tuple) else (index,)
    return tuple("number" if isinstance(place, int | np.integer) else repr(place) for place in places)
