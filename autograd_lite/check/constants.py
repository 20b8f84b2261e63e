"""Constants taken from another place: the target of another step, labels or inputs that are one row off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.check.cause import Slip
from autograd_lite.check.clues import Clues
from autograd_lite.check.region import Region
from autograd_lite.check.slips import At
from autograd_lite.core import Node
from autograd_lite.memory import Array
from autograd_lite.recorded import undone

STEPS = 2  # how far off another step may be
SMALL = 40  # edges of a region in which more is tried
FOLDS = 3  # shapes that are tried of labels in one row


def constants(region: Region, clues: Clues) -> Iterator[Slip]:
    """Slips at the constants that a rule reads, and at those of the sum, difference or quotient that it reads."""
    for edge in region.edges:
        at, (node, k) = At(region, edge, clues), edge
        for name in at.order:
            if name not in at.op.arrays or not isinstance(at.saved[name], np.ndarray):
                continue
            place = at.op.arrays.index(name)
            source = node.parents[place]
            if source is None and place != k:
                own = _Constant(clues, node, place)
                others = (*own.of_other_steps(), *own.moved()) if at.saved[name].dtype.kind == "f" else own.others()
                for other in others:
                    yield at.swap(other.kind, other.text, other.cost, {name: other.array}, other.key)
            elif source is not None and len(source.parents) == 2 and None in source.parents:
                own = _Constant(clues, source, source.parents.index(None))
                for other in (*own.others(), *(own.of_others() if len(region.edges) <= SMALL else ())):
                    array = other.made()
                    if array is not None:
                        yield at.swap(other.kind, other.text, other.cost, {name: array}, other.key)


@dataclass(frozen=True, eq=False)
class _Other:
    """What may stand in a constant's place."""

    constant: _Constant
    array: Array
    text: str
    key: tuple[Any, ...] | None
    kind: str = "shifted"
    cost: float = 2.3
    k: int | None = None

    def made(self) -> Array | None:
        """What the op makes of it; of what stands in the other argument's place, if that is `k`."""
        node, k = self.constant.node, self.constant.k if self.k is None else self.k
        given = [self.constant.clues.graph.arguments.get((node, i)) for i in range(len(node.parents))]
        given[k] = self.array
        if node.op is None or any(array is None for array in given):
            return None
        return np.asarray(node.op.forward(*given, **node.attrs))


@dataclass(frozen=True, eq=False)
class _Constant:
    """Argument `k` of an op, that requires no gradient."""

    clues: Clues
    node: Node
    k: int

    @property
    def array(self) -> Array | None:
        """Its values: where no rule needs them, from what the op made."""
        graph = self.clues.graph
        known = graph.arguments.get((self.node, self.k))
        if known is None and len(self.node.parents) == 2:
            known = undone(self.node, self.k, graph.arguments.get((self.node, 1 - self.k)), graph.values.get(self.node))
        return known if isinstance(known, np.ndarray) and known.ndim else None

    @property
    def label(self) -> str:
        """What messages call it."""
        return self.clues.graph.constant(self.node, self.k)

    def others(self) -> Iterator[_Other]:
        """All that may stand in its place."""
        own = self.array
        if own is not None:
            yield from self.of_other_steps()
            yield from self.moved()
            if own.dtype.kind == "f":
                yield _Other(self, -own, f"the sign of {self.label} is turned round", ("sign",), "sign", 1.6)
            else:
                yield from self.of_other_ops()

    @property
    def row(self) -> list[Node]:
        """The op and those of its part, in the order of time."""
        return sorted([self.node, *self.clues.parts.others(self.node)], key=lambda node: node.seq)

    def of_others(self) -> Iterator[_Other]:
        """The constant as it is, with another tensor in the other argument's place: 1 - r for 1 - z."""
        k = 1 - self.k
        given, op = self.node.parents[k], self.node.op
        for value in self.clues.near(given.shape, self.node) if given is not None and op is not None else ():
            if value.node is None or given is None or op is None or value.node is given:
                continue
            text = f"{op.name} is given {value.label} in place of {self.clues.graph.label(given)}"
            yield _Other(self, value.array, text, None, "wrong-operand", 2.8, k)

    def of_other_steps(self) -> Iterator[_Other]:
        """Those of the steps before and after, round the ends too."""
        row = self.row
        for by in sorted({by % len(row) for by in range(-STEPS, STEPS + 1)} - {0}):
            other = _Constant(self.clues, row[(row.index(self.node) + by) % len(row)], self.k)
            yield from self._replaced(other, ("step", by), "shifted", 2.3)

    def of_other_ops(self) -> Iterator[_Other]:
        """What other ops read at the same step: the labels where the inputs belong."""
        row = self.row
        for node, k in self.clues.indices:
            other = _Constant(self.clues, node, k)
            if node not in row and other.row.index(node) == row.index(self.node):
                yield from self._replaced(other, ("op", other.row[0]), "wrong-operand", 2.4)

    def _replaced(self, other: _Constant, key: tuple[Any, ...], kind: str, cost: float) -> Iterator[_Other]:
        own, array = self.array, other.array
        if own is None or array is None or array.shape != own.shape or np.array_equal(array, own):
            return
        same = other.label == self.label
        text = f"{self.label} is that of another step" if same else f"{other.label} stands where {self.label} belongs"
        yield _Other(self, array, text, key, kind, cost)

    def moved(self) -> Iterator[_Other]:
        """Its rows or columns, moved by one; of labels in one row also those of each step or sequence."""
        own = self.array
        if own is None:
            return
        for shape in [own.shape, *self._folds(own)]:
            seen = "" if shape == own.shape else f", seen as {shape},"
            for axis in (axis for axis, size in enumerate(shape) if size > 1):
                for by in (-1, 1):
                    array = np.roll(own.reshape(shape), by, axis).reshape(own.shape)
                    if not np.array_equal(array, own):
                        text = f"{self.label}{seen} is moved by {by} along dimension {axis}, as numpy.roll does"
                        yield _Other(self, array, text, ("roll", shape, axis, by))

    def _folds(self, own: Array) -> Iterator[tuple[int, ...]]:
        """The shapes that one row of labels may have had, by the sizes of the tensors of the graph."""
        if own.ndim == 1 and own.dtype.kind != "f":
            sizes = {n for node in self.clues.graph.order for n in node.shape}
            fitting = sorted(n for n in sizes if 1 < n < own.size and own.size % n == 0)[:FOLDS]
            yield from dict.fromkeys(shape for n in fitting for shape in ((own.size // n, n), (n, own.size // n)))
