"""Which tensors of a recorded graph play the same part, as those of time steps do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from autograd_lite.core import Node, Op
from autograd_lite.memory import Array
from autograd_lite.recorded import Edge, Recorded

SHOWN = 3  # tensors of a series that are named
LEVELS = 3  # of ops that are compared: the first step of a recurrence begins with a constant


@dataclass(frozen=True, eq=False)
class Series:
    """What the repetitions of an op were given, or made, in the order of time; of `whole` those from `start` on."""

    parts: Parts
    nodes: tuple[Node | None, ...]
    arrays: tuple[Array, ...]
    whole: Series | None = None
    start: int = 0

    @property
    def key(self) -> tuple[int, ...]:
        """The same for the same arrays."""
        return tuple(id(array) for array in self.arrays)

    @property
    def label(self) -> str:
        """The first few, in the order of time."""
        shown = [self.parts.graph.label(node) if node is not None else "a constant" for node in self.nodes[:SHOWN]]
        return ", ".join(shown) + (", ..." if len(self.nodes) > SHOWN else "")

    def cut(self, start: int, many: int) -> Series:
        """So many from one of them on."""
        some = slice(start, start + many)
        return Series(self.parts, self.nodes[some], self.arrays[some], self, start)

    def moved(self, by: int) -> Series:
        """One step later or earlier; at the end the tensor that follows, if there is one, else zeros."""
        many, start = len(self.nodes), self.start + by
        if self.whole is not None and 0 <= start <= len(self.whole.nodes) - many:
            return self.whole.cut(start, many)
        end = self.nodes[-1 if by > 0 else 0]
        beyond = [n for n in self._others(end) if end is not None and (n.seq > end.seq) == (by > 0)]
        node = beyond[0 if by > 0 else -1] if beyond else None
        array = np.zeros_like(self.arrays[0]) if node is None else self.parts.graph.values[node]
        return self._shifted(by, node, array)

    def rolled(self, by: int) -> Iterator[Series]:
        """One step later or earlier; at the end what comes at the other end, of the series or of all such tensors."""
        end = 0 if by > 0 else -1
        yield self._shifted(by, self.nodes[end], self.arrays[end])
        others = self._others(self.nodes[end])
        if others:
            yield self._shifted(by, others[end], self.parts.graph.values[others[end]])

    def wrapped(self) -> Iterator[Series]:
        """Itself, but for the first, in whose place stands the last of the part that the others play."""
        others = self._others(self.nodes[-1])
        if len(self.nodes) > 1 and others and others[-1] is not self.nodes[0]:
            last = others[-1]
            yield Series(self.parts, (last, *self.nodes[1:]), (self.parts.graph.values[last], *self.arrays[1:]))

    def _others(self, node: Node | None) -> list[Node]:
        return [n for n in self.parts.others(node) if n in self.parts.graph.values]

    def _shifted(self, by: int, node: Node | None, array: Array) -> Series:
        if by > 0:
            return Series(self.parts, (*self.nodes[1:], node), (*self.arrays[1:], array))
        return Series(self.parts, (node, *self.nodes[:-1]), (array, *self.arrays[:-1]))


class Parts:
    """The parts that the tensors of a graph play; what was compared once is remembered."""

    def __init__(self, graph: Recorded) -> None:
        self.graph = graph
        self.known: dict[tuple[Node, Node], bool] = {}
        self.found: dict[Node | None, list[Node]] = {}
        self.of_op: dict[Op | None, list[Node]] = {}
        for node in reversed(graph.order):
            self.of_op.setdefault(node.op, []).append(node)

    def alike(self, a: Node | None, b: Node | None) -> bool:
        """Do two tensors play the same part: the same ops on alike tensors and the same weights?

        Other weights are leaves of the op itself, and further down those that are used again and again: of two gates
        of one step, or of a gate and the state, each has its own.
        """
        if a is None or b is None or a is b or a.op is None or a.op is not b.op:
            return False
        if (a, b) not in self.known:
            self.known[a, b] = self.known[b, a] = _alike(self.graph, a, b)
        return self.known[a, b]

    def rows(self, edges: Sequence[Edge]) -> list[list[Edge]]:
        """The edges of ops that repeat, each row in the order of time."""
        found: list[list[Edge]] = []
        for edge in edges:
            for row in found:
                if row[0][1] == edge[1] and self.alike(row[0][0], edge[0]):
                    row.append(edge)
                    break
            else:
                found.append([edge])
        return [row[::-1] for row in found if len(row) > 1]

    def others(self, node: Node | None) -> list[Node]:
        """The other tensors of the same part, in the order of time."""
        if node not in self.found:
            same = () if node is None or node.op is None else self.of_op[node.op]
            self.found[node] = [n for n in same if self.alike(n, node)]
        return self.found[node]

    def read(self, row: list[Edge], name: str, place: int) -> Series | None:
        """What the rule of an op takes under a name, at each repetition."""
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
        return Series(self, tuple(nodes), tuple(arrays))

    @cached_property
    def all_rows(self) -> list[list[Edge]]:
        """The rows of the whole graph."""
        return self.rows([(node, k) for node in self.graph.order for k in range(len(node.parents))])

    def place(self, row: list[Edge]) -> tuple[int, int]:
        """Where a row of a part of the graph begins in that of the whole, and how long that is."""
        whole = next((one for one in self.all_rows if row[0] in one), row)
        return whole.index(row[0]), len(whole)

    @cached_property
    def series(self) -> list[Series]:
        """All series of the graph, each once: what repeated ops were given."""
        found: dict[tuple[int, ...], Series] = {}
        for row in self.all_rows:
            node, k = row[0]
            if node.op is None or node.parents[k] is None or (node.saved or ())[k] is None:
                continue
            for place, name in enumerate(node.op.names[node.op.slot(k)]):
                series = self.read(row, name, place) if name == "y" or name in node.op.arrays else None
                if series is not None and len(set(series.key)) > 1:
                    found.setdefault(series.key, series)
        return list(found.values())


def _alike(graph: Recorded, a: Node, b: Node) -> bool:
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
