"""How near is equal: what rounding does to an array of a recorded graph, measured by rounding everything anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.check.region import Change, Region, dense, saved_with
from autograd_lite.core import Node, op_of
from autograd_lite.memory import Array
from autograd_lite.ops.elementwise import add, subtract
from autograd_lite.recorded import Edge, Recorded
from autograd_lite.sparse import RowSparse

RELATIVE = {8: 1e-9, 4: 3e-5, 2: 2e-2}  # of an entry, by the bytes of the coarsest dtype that takes part
PASSES = 3  # forward and backward, everything rounded anew
MARGIN = 64  # times what these passes differ by
CAP = 16 * MARGIN  # times that, at most, for sums whose terms cancel
SUMS = op_of(add), op_of(subtract)


@dataclass(frozen=True, eq=False)
class Tolerance:
    """`relative` of each entry, and beside it what rounding does to it, `absolute`, an array of the same shape."""

    relative: float
    absolute: Array

    def equal(self, a: Any, b: Any) -> bool:
        """Are two arrays of one shape equal to rounding? What is not finite equals its like."""
        if np.shape(a) != np.shape(b):
            return False
        rounded = self.absolute if np.shape(b) == self.absolute.shape else self.most
        with np.errstate(all="ignore"):
            size = np.abs(b)
            off = np.abs(np.asarray(a) - b)
            finite = np.isfinite(size)
            whole = bool(np.all(finite))
            largest = float(np.max(size, initial=0.0, where=True if whole else finite))
            near = off <= self.relative * size + np.maximum(rounded, 1e-14 * largest)
        if whole:
            return bool(np.all(near))
        alike = (np.asarray(a) == b) | (np.isnan(a) & np.isnan(b))
        return bool(np.all(np.where(finite, near, alike)))

    @property
    def most(self) -> float:
        """The largest of `absolute`."""
        return float(np.max(self.absolute, initial=0.0))

    def scaled(self, factor: float) -> Tolerance:
        """The same for arrays that are so many times larger."""
        return Tolerance(self.relative, self.absolute * abs(factor))


class Rounding:
    """A graph's values as another order of adding might have them: computed again, each rounded anew.

    Leaves and constants are exact: the code under test was given the same.
    """

    def __init__(self, graph: Recorded, eps: float, seed: int) -> None:
        self.graph, self.eps, self.rng = graph, eps, np.random.default_rng(seed)
        self.values: dict[Node, Any] = {}
        with np.errstate(all="ignore"):
            for node in reversed(graph.order):
                if node in graph.values:
                    self.values[node] = graph.values[node] if node.op is None else self._again(node)

    def _again(self, node: Node) -> Any:
        given = [self._argument((node, k)) for k in range(len(node.parents))]
        value = self.graph.values[node]
        if node.op is not None and all(array is not None for array in given):
            value = np.asarray(node.op.forward(*given, **node.attrs))
        elif node.op in SUMS:  # a constant that no rule keeps: what is known is rounded, and may cancel
            for k, parent in enumerate(node.parents):
                if parent is not None and parent in self.values:
                    off = self.values[parent] - self.graph.values[parent]
                    value = value + (-off if node.op is SUMS[1] and k else off)
        return self.wiggle(value)

    def _argument(self, edge: Edge) -> Any:
        parent = edge[0].parents[edge[1]]
        return self.graph.arguments.get(edge) if parent is None else self.values.get(parent)

    def wiggle(self, value: Any) -> Any:
        """An array with each entry off by some units in the last place."""
        if isinstance(value, RowSparse):
            return RowSparse(value.rows, self.wiggle(value.values), value.shape)
        if not isinstance(value, np.ndarray | np.floating) or value.dtype.kind != "f":
            return value
        return value * (1 + self.eps * self.rng.uniform(-1, 1, np.shape(value))).astype(value.dtype)

    def truth(self, region: Region) -> Array:
        """The target's gradient, rounded anew all the way."""
        sources = {node: self.wiggle(dense(g)) for node, g in region.sources.items()}
        return np.asarray(region.run({edge: self._change(region, edge) for edge in region.edges}, sources))

    def bound(self, region: Region) -> Array:
        """About the sum of the sizes of the terms that a gradient is added up from: they may cancel."""
        sources = {node: np.abs(dense(g)) for node, g in region.sources.items()}
        changes = {edge: _sized(region, edge) for edge in region.edges}
        terms: Array = np.abs(np.asarray(region.run(changes, sources), dtype=float))
        return terms

    def _change(self, region: Region, edge: Edge) -> Change:
        return lambda g: region.rule(edge, self.wiggle(g), saved_with(edge, self.values))


def _sized(region: Region, edge: Edge) -> Change:
    """The rule of an edge on sizes: no two of its terms cancel, where it is a sum of products."""
    saved = [np.abs(v) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v for v in saved_with(edge, {})]
    return lambda g: np.abs(dense(region.rule(edge, g, saved)))


class Roundings:
    """The tolerances of one graph; forward passes are rounded anew once for each precision."""

    def __init__(self, graph: Recorded) -> None:
        self.graph = graph
        self._made: dict[int, list[Rounding]] = {}

    def tolerance(self, region: Region, size: int) -> Tolerance:
        """For a region's gradient, where the coarsest floats that take part have `size` bytes."""
        if size not in self._made:
            eps = 2 * float(np.finfo(f"f{size}").eps)
            self._made[size] = [Rounding(self.graph, eps, seed) for seed in range(PASSES)]
        with np.errstate(all="ignore"):
            off = np.array([np.abs(made.truth(region) - region.truth) for made in self._made[size]], dtype=float)
        worst = np.max(np.where(np.isfinite(off), off, 0.0), axis=0)
        usual = np.quantile(worst, 0.95) if worst.size else 0.0  # a mask that rounding flips concerns its entry alone
        kind = np.finfo(f"f{size}")
        with np.errstate(all="ignore"):
            floor = np.nan_to_num(self._made[size][0].bound(region), posinf=0.0) * (8 * float(kind.eps))
        floor = np.minimum(floor, CAP * np.max(worst, initial=0.0))  # over many steps the sizes grow without end
        return Tolerance(RELATIVE[size], MARGIN * np.maximum(worst, usual) + floor + float(kind.tiny))
