"""What a person at the desk could have taken by mistake: the arrays of a graph, by shape and by the part they play."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from autograd_lite.check.parts import Parts
from autograd_lite.check.region import Region
from autograd_lite.check.updates import Updates
from autograd_lite.core import Node
from autograd_lite.memory import Array
from autograd_lite.recorded import Edge, Recorded, Value

NEAR = 20  # arrays that are tried in one place: those nearest to it in the order of the ops
BESIDE = 6  # more of them, named or not


@dataclass(frozen=True, eq=False)
class Clues:
    """What a person at the desk could have taken by mistake: every array of the graph, the deltas, updated weights."""

    graph: Recorded
    values: list[Value]
    deltas: Mapping[Node, Any]
    root: Mapping[Node, Any]
    lr: float | None = None
    regions: Mapping[Node, Region] = field(default_factory=dict)  # above each tensor whose delta is known
    by_size: dict[int, list[Value]] = field(default_factory=dict)
    fitting: dict[tuple[Any, ...], list[Value]] = field(default_factory=dict)  # what `near` has found

    def __post_init__(self) -> None:
        for value in self.values:
            if not np.any(value.array):
                continue  # in the place of a gradient or an operand they are a path that is missing
            self.by_size.setdefault(value.array.size, []).append(value)

    @cached_property
    def parts(self) -> Parts:
        """Which tensors play the same part."""
        return Parts(self.graph)

    @cached_property
    def indices(self) -> list[Edge]:
        """Where ops are given integers: labels, and rows of tables."""
        found: dict[int, Edge] = {}  # of an array that several ops are given, the op furthest from the loss
        for (node, k), array in self.graph.arguments.items():
            if node.parents[k] is None and np.asarray(array).dtype.kind in "iu":
                found[id(array)] = node, k
        return list(found.values())

    @cached_property
    def given_rows(self) -> list[list[Node]]:
        """The tensors with deltas that play the same part, in the order of time."""
        rows: list[list[Node]] = []
        for node in sorted(self.deltas, key=lambda node: node.seq):
            row = next((row for row in rows if self.parts.alike(row[-1], node)), None)
            rows.append([node]) if row is None else row.append(node)
        return [row for row in rows if len(row) > 1]

    @cached_property
    def updates(self) -> Updates:
        """What weights become when they are updated on the way back."""
        return Updates(self.graph, {**self.root, **self.deltas}, self.lr)

    def near(self, shape: tuple[int, ...], node: Node, array: Array | None = None, leaf: bool = False) -> list[Value]:
        """Arrays that fit a shape, the nearest to an op first, without `array` and its equals.

        As they are, reshaped without moving a number, or transposed. With `leaf`, other leaves come first.
        """
        if (shape, node, leaf) not in self.fitting:
            self.fitting[shape, node, leaf] = self._nearest(shape, node, leaf)
        return [v for v in self.fitting[shape, node, leaf] if array is None or not np.array_equal(v.array, array)]

    def _nearest(self, shape: tuple[int, ...], node: Node, leaf: bool) -> list[Value]:
        found, own = self.by_size.get(prod(shape), ()), squeezed(shape)
        kin = {node, *node.parents}  # of other equals, what has a name is said

        def order(value: Value) -> tuple[bool, bool, bool, int]:
            other = leaf and not (value.node is not None and value.node.op is None)
            unnamed = value.node not in kin and value.node.name is None if value.node is not None else False
            return squeezed(value.array.shape) != own, other, unnamed, abs(value.seq - node.seq)

        nearest = sorted(found, key=order)[:NEAR]
        known = set(nearest)
        beside = sorted((v for v in found if v not in known), key=lambda value: abs(value.seq - node.seq))
        nearest += beside[:BESIDE]  # also those without a name, that the op's own step made
        fitted = [replace(v, array=v.array.reshape(shape)) for v in nearest if _reshapes(v.array.shape, shape)]
        if len(shape) == 2:
            turned = [v for v in nearest if v.array.shape == shape[::-1]]
            fitted += [replace(v, array=v.array.T, label=f"{v.label} transposed") for v in turned]
        return fitted

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
