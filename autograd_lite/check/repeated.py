"""Slips that are made at every repetition of an op: at each time step, in each layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from autograd_lite.check.cause import Slip
from autograd_lite.check.clues import Clues, squeezed
from autograd_lite.check.parts import Parts, Series
from autograd_lite.check.region import Change, Region, dense
from autograd_lite.check.slips import nothing
from autograd_lite.core import Node
from autograd_lite.memory import Array
from autograd_lite.recorded import Edge

MOST = 12  # series that are tried in one place


def repeated(region: Region, clues: Clues) -> Iterator[Slip]:
    """The same slip at all repetitions of an op."""
    graph, parts, deltas = clues.graph, clues.parts, clues.deltas
    for row in parts.rows(region.edges):
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
        yield from _other_deltas(region, row, clues, many)
        yield from _operands(region, row, parts, many)


def _other_deltas(region: Region, row: list[Edge], clues: Clues, many: str) -> Iterator[Slip]:
    """Each repetition with another tensor's delta, of those handed in: that before a slope for that after."""
    node = row[0][0]
    start, length = clues.parts.place(row)
    for nodes in clues.given_rows:
        part = nodes[start : start + len(row)] if len(nodes) == length else nodes
        if len(part) != len(row) or squeezed(part[0].shape) != squeezed(node.shape) or part[0] is node:
            continue
        labels = [f"{clues.graph.label(one)}, ..." for one in (part[0], node)]
        text = f"{many} {_op(node)} takes the deltas of {labels[0]} in place of those of {labels[1]}"
        pairs = zip(row, part, strict=True)
        changes = {e: _fed(region, e, np.reshape(dense(clues.deltas[n]), e[0].shape)) for e, n in pairs}
        yield Slip("wrong-operand", _op(node), text, 2.35, changes)


def _op(node: Node) -> str:
    return "" if node.op is None else node.op.name


def _operands(region: Region, row: list[Edge], parts: Parts, many: str) -> Iterator[Slip]:
    node, k = row[0]
    op = node.op
    assert op is not None
    for place, name in enumerate(op.names[op.slot(k)]):
        if name != "y" and name not in op.arrays:
            continue
        own = parts.read(row, name, place)
        if own is None:
            continue
        start, length = parts.place(row)
        shape = squeezed(own.arrays[0].shape)
        fitting = [s for s in parts.series if len(s.arrays) == length and squeezed(s.arrays[0].shape) == shape]
        others = [s.cut(start, len(row)) for s in fitting]
        own = next((s for s in others if s.key == own.key), own)
        for series in (one for by in (-1, 1) for one in own.rolled(by)):
            text = f"{many} {op.name} takes another step's array, at the end that of the other end: [-1] is the last"
            yield Slip("shifted", op.name, text, 2.4, _with_series(region, row, place, series))
        for series in own.wrapped():
            text = f"{many} {op.name} takes {series.label} in place of {own.label}: [-1] is the last"
            yield Slip("shifted", op.name, text, 2.35, _with_series(region, row, place, series))
        steps = [own.moved(by) for by in (-1, 1)]
        seen = {own.key}
        for series in [*steps, *others[:MOST], *(s.moved(by) for s in others[:MOST] for by in (-1, 1))]:
            if series.key in seen:
                continue
            seen.add(series.key)
            same = sum(a is b or parts.alike(a, b) for a, b in zip(series.nodes, own.nodes, strict=True))
            other = "wrong-point" if len(op.arrays) == 1 else "wrong-operand"
            kind = "shifted" if 2 * same > len(row) or series in steps else other
            given = f"{series.label} in place of {own.label}" if series.label != own.label else "another step's array"
            text = f"{many} {op.name} takes {given}"
            yield Slip(kind, op.name, text, 2.3, _with_series(region, row, place, series))


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
