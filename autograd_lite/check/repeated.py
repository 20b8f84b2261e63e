"""Slips that are made at every repetition of an op: at each time step, in each layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.check.cause import Slip
from autograd_lite.check.clues import alike, squeezed
from autograd_lite.check.region import Change, Region, dense
from autograd_lite.check.slips import nothing
from autograd_lite.core import Node
from autograd_lite.memory import Array
from autograd_lite.recorded import Edge, Recorded

MOST = 12  # series that are tried in one place
SHOWN = 3  # tensors of a series that are named


@dataclass(frozen=True, eq=False)
class Series:
    """What the repetitions of an op were given, or made, in the order of time."""

    graph: Recorded
    nodes: tuple[Node | None, ...]
    arrays: tuple[Array, ...]

    @property
    def label(self) -> str:
        """The first few, in the order of time."""
        shown = [self.graph.label(node) if node is not None else "a constant" for node in self.nodes[:SHOWN]]
        return ", ".join(shown) + (", ..." if len(self.nodes) > SHOWN else "")

    def moved(self, by: int) -> Series:
        """One step later or earlier; at the end the tensor that follows, if there is one, else zeros."""
        end = self.nodes[-1] if by > 0 else self.nodes[0]
        found = [n for n in self.graph.order if alike(self.graph, n, end) and n in self.graph.values]
        beyond = [n for n in found if end is not None and (n.seq > end.seq) == (by > 0)]
        node = (min if by > 0 else max)(beyond, key=lambda n: n.seq) if beyond else None
        array = np.zeros_like(self.arrays[0]) if node is None else self.graph.values[node]
        return self._shifted(by, node, array)

    def rolled(self, by: int) -> Iterator[Series]:
        """One step later or earlier; at the end what comes at the other end, of the series or of all such tensors."""
        end = 0 if by > 0 else -1
        yield self._shifted(by, self.nodes[end], self.arrays[end])
        found = [n for n in self.graph.order if alike(self.graph, n, self.nodes[end]) and n in self.graph.values]
        node = (min if by > 0 else max)(found, key=lambda n: n.seq, default=None)
        if node is not None:
            yield self._shifted(by, node, self.graph.values[node])

    def _shifted(self, by: int, node: Node | None, array: Array) -> Series:
        if by > 0:
            return Series(self.graph, (*self.nodes[1:], node), (*self.arrays[1:], array))
        return Series(self.graph, (node, *self.nodes[:-1]), (array, *self.arrays[:-1]))


def rows(graph: Recorded, edges: Sequence[Edge]) -> list[list[Edge]]:
    """The edges of ops that repeat, each row in the order of time."""
    found: list[list[Edge]] = []
    for edge in edges:
        for row in found:
            if row[0][1] == edge[1] and alike(graph, row[0][0], edge[0]):
                row.append(edge)
                break
        else:
            found.append([edge])
    return [row[::-1] for row in found if len(row) > 1]


def repeated(region: Region, deltas: Mapping[Node, Any]) -> Iterator[Slip]:
    """The same slip at all repetitions of an op; `deltas` are those that were written by hand."""
    graph = region.graph
    known = list(_series(graph, rows(graph, [(n, k) for n in graph.order for k in range(len(n.parents))])))
    for row in rows(graph, region.edges):
        node = row[0][0]
        assert node.op is not None
        name, many = node.op.name, f"at all {len(row)} repetitions"
        forked = [edge for edge in row if len(region.into[region.below(edge)]) > 1]
        if forked:
            ways = f"what comes back through {name} ({graph.label(forked[0][0])}, ...)"
            yield Slip("missing-path", name, f"{ways} is missing {many}", 1.7, {e: nothing(e) for e in forked})
        turned: dict[Edge, Change] = {edge: _turned(region, edge) for edge in row}
        yield Slip("sign", name, f"the sign of what comes back through {name} is turned round {many}", 1.7, turned)
        for by, words in ((-1, "before"), (1, "after")):
            text = f"{many} {name} takes the gradient of the step {words}"
            yield Slip("shifted", name, text, 2.4, _gradients(region, row, by))
            beyond = _beyond(region, row, by, deltas)
            if beyond is not None:
                text += f", and at the end the delta of {graph.label(beyond)}"
                yield Slip("shifted", name, text, 2.5, _gradients(region, row, by, deltas[beyond]))
        yield from _operands(region, row, known, many)


def _operands(region: Region, row: list[Edge], known: list[Series], many: str) -> Iterator[Slip]:
    node, k = row[0]
    op = node.op
    assert op is not None
    for place, name in enumerate(op.names[op.slot(k)]):
        if name != "y" and name not in op.arrays:
            continue
        own = _read(region.graph, row, name, place)
        if own is None:
            continue
        shape = squeezed(own.arrays[0].shape)
        others = [s for s in known if len(s.arrays) == len(row) and squeezed(s.arrays[0].shape) == shape]
        for series in (one for by in (-1, 1) for one in own.rolled(by)):
            text = (
                f"{many} {op.name} takes that of another step, and at the end that of the other end: [-1] is the last"
            )
            yield Slip("shifted", op.name, text, 2.4, _with_series(region, row, place, series))
        moved = [s.moved(by) for s in [own, *others[:MOST]] for by in (-1, 1)]
        for series in [*others[:MOST], *moved]:
            same = sum(a is b or alike(region.graph, a, b) for a, b in zip(series.nodes, own.nodes, strict=True))
            if all(a is b for a, b in zip(series.arrays, own.arrays, strict=True)):
                continue
            other = "wrong-point" if len(op.arrays) == 1 else "wrong-operand"
            kind = "shifted" if 2 * same > len(row) or any(series is one for one in moved[:2]) else other
            given = f"{series.label} in place of {own.label}" if series.label != own.label else "that of another step"
            text = f"{many} {op.name} takes {given}"
            yield Slip(kind, op.name, text, 2.3, _with_series(region, row, place, series))


def _read(graph: Recorded, row: list[Edge], name: str, place: int) -> Series | None:
    """What a rule takes under a name, at each repetition."""
    nodes: list[Node | None] = []
    arrays = []
    for node, k in row:
        assert node.op is not None
        saved = (node.saved or ())[k]
        value = None if saved is None else saved[place]
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
            return None
        nodes.append(node if name == "y" else node.parents[node.op.arrays.index(name)])
        arrays.append(value)
    return Series(graph, tuple(nodes), tuple(arrays))


def _series(graph: Recorded, found: list[list[Edge]]) -> Iterator[Series]:
    """All series of a graph, each once: what repeated ops were given."""
    seen = set[tuple[int, ...]]()
    for row in found:
        node, k = row[0]
        if node.op is None or node.parents[k] is None or (node.saved or ())[k] is None:
            continue
        for place, name in enumerate(node.op.names[node.op.slot(k)]):
            if name == "y" or name in node.op.arrays:
                series = _read(graph, row, name, place)
                key = () if series is None else tuple(id(array) for array in series.arrays)
                if series is not None and len(set(key)) > 1 and key not in seen:
                    seen.add(key)
                    yield series


def _turned(region: Region, edge: Edge) -> Change:
    return lambda g: -dense(region.rule(edge, g))


def _gradients(region: Region, row: list[Edge], by: int, beyond: Array | None = None) -> dict[Edge, Change]:
    """Each repetition with the gradient of its neighbour; the one at the end has none, or the one given."""
    changes: dict[Edge, Change] = {}
    for i, edge in enumerate(row):
        inside = 0 <= i + by < len(row)
        g = region.above[row[i + by][0]] if inside else beyond
        changes[edge] = nothing(edge) if g is None else _fed(region, edge, np.reshape(dense(g), edge[0].shape))
    return changes


def _beyond(region: Region, row: list[Edge], by: int, deltas: Mapping[Node, Any]) -> Node | None:
    """The tensor with a delta that comes next before, or after, those which the gradients of a row belong to.

    Before the first step that is the state that a recurrence starts from.
    """
    end = row[0][0] if by < 0 else row[-1][0]
    fits = [n for n in deltas if n is not region.target and squeezed(n.shape) == squeezed(end.shape)]
    outside = [n for n in fits if (n.seq > end.seq) == (by > 0) and not any(n is e[0] for e in row)]
    return (min if by > 0 else max)(outside, key=lambda n: n.seq) if outside else None


def _fed(region: Region, edge: Edge, g: Any) -> Change:
    return lambda _: region.rule(edge, g)


def _with_series(region: Region, row: list[Edge], place: int, series: Series) -> dict[Edge, Change]:
    changes: dict[Edge, Change] = {}
    for edge, array in zip(row, series.arrays, strict=True):
        saved = list((edge[0].saved or ())[edge[1]] or ())
        saved[place] = array.reshape(saved[place].shape)
        changes[edge] = _ruled(region, edge, saved)
    return changes


def _ruled(region: Region, edge: Edge, saved: list[Any]) -> Change:
    return lambda g: region.rule(edge, g, saved)
