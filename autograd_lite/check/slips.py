"""What can go wrong in a backward pass written by hand: each slip as a change to an edge of a recorded graph.

Nothing here knows a network. A slip is made of the graph's own rules and arrays: a derivative left out or taken
elsewhere, another array in an operand's place, rows written over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from autograd_lite.check.factors import mask_scale
from autograd_lite.check.recorded import Change, Edge, Recorded, Region, Value, dense
from autograd_lite.core import Node, Op, op_of
from autograd_lite.memory import Array
from autograd_lite.ops import elementwise
from autograd_lite.sparse import RowSparse

NEAR = 16  # arrays of a shape that are tried in one place: those nearest to it in the order of the ops

slopes: dict[str, Op] = {
    op.name: op for op in (op_of(getattr(elementwise, name)) for name in ("sigmoid", "tanh", "relu", "softplus", "exp"))
}


@dataclass(frozen=True, eq=False)
class Slip:
    """A possible mistake: what it is, how simple (`cost`), and what edges do instead of their rules.

    `key` is what the same slip at another op has in common with it; None where it belongs to one place.
    """

    kind: str
    op: str
    text: str
    cost: float
    changes: Mapping[Edge, Change]
    key: tuple[Any, ...] | None = None
    second: tuple[str, str] | None = None  # kind and text of another slip that is made at the same place


@dataclass(frozen=True, eq=False)
class Clues:
    """What a person at the desk could have taken by mistake: every array of the graph, the deltas, updated weights."""

    graph: Recorded
    values: list[Value]
    deltas: Mapping[Node, Any]
    lr: float | None = None
    by_shape: dict[tuple[int, ...], list[Value]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for value in self.values:
            self.by_shape.setdefault(value.array.shape, []).append(value)

    def near(self, shape: tuple[int, ...], node: Node, array: Array | None = None) -> list[Value]:
        """The arrays of a shape that are nearest to an op, but for `array` itself and its equals."""
        age = {id(v): abs((v.node.seq if v.node is not None else 0) - node.seq) for v in self.by_shape.get(shape, ())}
        found = sorted(self.by_shape.get(shape, ()), key=lambda v: age[id(v)])[:NEAR]
        return [v for v in found if array is None or not np.array_equal(v.array, array)]

    def near_deltas(self, shape: tuple[int, ...], node: Node, target: Node) -> list[tuple[str, Array, Node]]:
        """The hand-written deltas of a shape, but for the one in question."""
        found = [n for n in self.deltas if n.shape == shape and n is not target and n is not node]
        found.sort(key=lambda n: abs(n.seq - node.seq))
        return [(f"the delta of {self.graph.label(n)}", self.deltas[n], n) for n in found[:NEAR]]


def alike(a: Node | None, b: Node | None) -> bool:
    """Do two tensors play the same part, as two time steps do: the same op, of the same shapes?"""
    if a is None or b is None or a is b or a.op is None or a.op is not b.op or a.shape != b.shape:
        return False
    return [p and (p.op, p.shape) for p in a.parents] == [p and (p.op, p.shape) for p in b.parents]


def slips(region: Region, clues: Clues) -> Iterator[Slip]:
    """All slips at single edges of a region."""
    for edge in region.edges:
        yield from At(region, edge, clues).all()


def repeated(region: Region) -> Iterator[Slip]:
    """Slips over ops that repeat, as time steps do: every one takes its neighbour's arrays, or passes nothing on."""
    rows: list[list[Edge]] = []
    for edge in region.edges:
        for row in rows:
            if row[0][1] == edge[1] and alike(row[0][0], edge[0]):
                row.append(edge)
                break
        else:
            rows.append([edge])
    for row in (row for row in rows if len(row) > 1):
        op = row[0][0].op
        assert op is not None
        if any(len(region.into[region.below(edge)]) > 1 for edge in row):
            text = f"what comes back through {op.name} is missing at all {len(row)} of its repetitions"
            yield Slip("missing-path", op.name, text, 1.7, dict.fromkeys(row, _nothing))
        for by, words in ((1, "before"), (-1, "after")):
            text = f"each of the {len(row)} repetitions of {op.name} has the gradient of the one {words} it"
            yield Slip("shifted", op.name, text, 2.4, _neighbours(region, row, by))
            for i, name in enumerate(op.names[op.slot(row[0][1])]):
                if name == "y" or name in op.arrays:
                    text = f"each of the {len(row)} repetitions of {op.name} has the array {name} of the one {words} it"
                    yield Slip("shifted", op.name, text, 2.3, _neighbours(region, row, by, i))


def _neighbours(region: Region, row: list[Edge], by: int, place: int | None = None) -> dict[Edge, Change]:
    """Each edge with its neighbour's gradient, or the saved array at a place; the one at the end has nothing."""
    changes: dict[Edge, Change] = {}
    for i, edge in enumerate(row):
        other = row[i + by] if 0 <= i + by < len(row) else None
        if other is None:
            changes[edge] = _nothing
        elif place is None:
            changes[edge] = _fed(partial(region.rule, edge), region.above[other[0]])
        else:
            saved = list((edge[0].saved or ())[edge[1]] or ())
            saved[place] = ((other[0].saved or ())[other[1]] or ())[place]
            changes[edge] = partial(_ruled, region, edge, saved)
        if place is not None and other is None and (array := _beyond(region, edge, place, by)) is not None:
            saved = list((edge[0].saved or ())[edge[1]] or ())
            saved[place] = array
            changes[edge] = partial(_ruled, region, edge, saved)
    return changes


def _beyond(region: Region, edge: Edge, place: int, by: int) -> Array | None:
    """The neighbour of the last repetition's operand: a tensor that plays the same part, and that no edge reads."""
    node, op = edge[0], edge[0].op
    assert op is not None
    name = op.names[op.slot(edge[1])][place]
    operand = node if name == "y" else node.parents[op.arrays.index(name)] if name in op.arrays else None
    found = [n for n in region.graph.order if alike(n, operand) and n in region.graph.values]
    later = [n for n in found if operand is not None and (n.seq < operand.seq) == (by > 0)]
    if not later:
        return None
    return region.graph.values[(max if by > 0 else min)(later, key=lambda n: n.seq)]


def _ruled(region: Region, edge: Edge, saved: list[Any], g: Any) -> Any:
    return region.rule(edge, g, saved)


def _nothing(g: Any) -> Any:
    return g * 0.0


class At:
    """The slips at one edge."""

    def __init__(self, region: Region, edge: Edge, clues: Clues) -> None:
        self.region, self.edge, self.clues = region, edge, clues
        self.node, self.k = edge
        op = self.node.op
        assert op is not None
        self.op = op
        self.below = region.below(edge)
        self.saved = self.node.saved_by_name(self.k)
        self.order = list(self.saved)
        self.unary = len(op.arrays) == 1 and not op.variadic
        self.made = f"{op.name} (which makes {clues.graph.label(self.node)})"

    def all(self) -> Iterator[Slip]:
        """Every slip that makes sense here."""
        same_shape = self.below.shape == self.node.shape
        depends = any(isinstance(v, np.ndarray) for v in self.saved.values())
        if same_shape and depends:
            yield self.left_out()
            yield self.twice()
        if self.unary and same_shape and depends:
            yield from self.elsewhere()
            yield from self.other_slopes()
        if self.below is self.region.target:
            yield from self.extra()
            yield from self.one_row()
        yield from self.upstream()
        yield from self.operands()
        yield from self.overwritten()

    def slip(self, kind: str, text: str, cost: float, change: Change, key: Any = None, **more: Any) -> Slip:
        """One at this edge."""
        named = None if key is None else (kind, key)
        return Slip(kind, self.op.name, text, cost, {self.edge: change}, named, **more)

    def rule(self, g: Any, **other: Any) -> Any:
        """The true derivative, some saved arrays replaced by others."""
        saved = None if not other else [other.get(name, self.saved[name]) for name in self.order]
        return self.region.rule(self.edge, g, saved)

    # The derivative itself

    def left_out(self) -> Slip:
        """The gradient passes unchanged."""
        masks = [v for n, v in self.saved.items() if n in self.op.arrays and not self.unary]
        if self.op.name == "where" or any(mask_scale(m) is not None for m in masks if isinstance(m, np.ndarray)):
            text = f"the mask of {self.made} was left out: what it switched off gets a gradient"
            return self.slip("missing-mask", text, 1.0, lambda g: g, "left out")
        what = "derivative" if self.unary else f"factor ({', '.join(n for n in self.order if n in self.op.arrays)})"
        text = f"the {what} of {self.made} was left out, as if it were 1 everywhere"
        return self.slip("missing-derivative", text, 1.0 if self.unary else 1.6, lambda g: g, "left out")

    def twice(self) -> Slip:
        """The derivative, once too often."""
        text = f"the derivative of {self.made} was taken twice"
        return self.slip("extra-derivative", text, 2.0, lambda g: self.rule(self.rule(g)), "twice")

    def elsewhere(self) -> Iterator[Slip]:
        """The own derivative, at another array of the graph."""
        for name, array in self.saved.items():
            if not isinstance(array, np.ndarray):
                continue
            true = self.clues.graph.label(self.node if name == "y" else self.below)
            for value in self.clues.near(array.shape, self.node, array):
                if value.node is None:
                    continue
                own = value.node is (self.below if name == "y" else self.node)
                key = "own" if own else id(value.array)
                text = f"the derivative of {self.op.name} was taken at {value.label} instead of at {true}"
                kind, cost = ("shifted", 2.5) if alike(value.node, self.node) else ("wrong-point", 2.0 if own else 2.2)
                yield self.slip(kind, text, cost, _with(self.rule, name, value.array), key)

    def other_slopes(self) -> Iterator[Slip]:
        """Another activation's derivative, at this op's input or written for its output, or at other arrays."""
        x, y = self.clues.graph.values.get(self.below), self.clues.graph.values.get(self.node)
        inputs, outputs = self.clues.graph.label(self.below), self.clues.graph.label(self.node)
        for name, act in slopes.items():
            if act is self.op:
                continue
            if y is not None and "y" in act.names[0]:
                text = f"the derivative of {name}, written for an output, was applied to {outputs} ({self.made})"
                yield self.slip("wrong-derivative", text, 2.1, _slope(act, y=y), (name, "y"))
            if x is not None:
                text = f"the derivative of {name} at {inputs} stands where that of {self.op.name} belongs"
                yield self.slip("wrong-derivative", text, 2.2, _slope(act, x=x), (name, "x"))
            for value in self.clues.near(self.node.shape, self.node):
                if "y" in act.names[0] and value.node not in (self.node, None):
                    first = f"the derivative of {name} stands where that of {self.op.name} belongs"
                    second = "wrong-point", f"and is taken at {value.label} instead of at {outputs}"
                    more = {"second": second}
                    yield self.slip("wrong-derivative", first, 4.5, _slope(act, y=value.array), None, **more)

    def extra(self) -> Iterator[Slip]:
        """A slope on top, of an activation that is not there, or that the op has already dealt with."""
        for value in self.clues.near(self.below.shape, self.node):
            if value.node is None:
                continue
            for name, act in slopes.items():
                if "y" in act.names[0] and name != "exp":
                    text = f"a derivative of {name} at {value.label} was multiplied in, and none belongs there"
                    change = _then(self.rule, _slope(act, y=value.array))
                    yield self.slip("extra-derivative", text, 3.0, change)
                    change = _then(self.rule, _slope(act, x=value.array))
                    text = f"a derivative of {name} at {name}({value.label}) was multiplied in, and none belongs there"
                    yield self.slip("extra-derivative", text, 3.2, change)
            if mask_scale(value.array) is None:
                text = f"{value.label} was multiplied in, and does not belong there"
                yield self.slip("extra-derivative", text, 3.4, _times(self.rule, value.array))

    # What comes in

    def upstream(self) -> Iterator[Slip]:
        """Another array where the gradient from above belongs, or none."""
        g = self.region.above[self.node]
        if self.node is self.clues.graph.root or not isinstance(g, np.ndarray):
            return
        label = self.clues.graph.label(self.node)
        ones = np.ones_like(g)
        text = f"the delta of {label} was overwritten, not multiplied: only the derivative of {self.op.name} is left"
        yield self.slip("overwritten-upstream", text, 2.4, lambda _: self.rule(ones), "upstream")
        for other, array, node in self.clues.near_deltas(g.shape, self.node, self.region.target):
            yield self._replaced(other, array, node, f"the delta of {label}")
        for value in self.clues.near(g.shape, self.node):
            yield self._replaced(value.label, value.array, None, f"the delta of {label}")
        for node, array in self.region.above.items():
            if alike(node, self.node) and isinstance(array, np.ndarray):
                text = f"the gradient of {self.clues.graph.label(node)} stands where that of {label} belongs"
                yield self.slip("shifted", text, 2.8, _fed(self.rule, array))

    def _replaced(self, other: str, array: Array, node: Node | None, place: str) -> Slip:
        kind = "shifted" if alike(node, self.node) else "wrong-operand"
        text = f"{other} stands where {place} belongs"
        return self.slip(kind, text, 2.6 if kind == "shifted" else 2.9, _fed(self.rule, array))

    def operands(self) -> Iterator[Slip]:
        """Another array where an operand belongs; the operand transposed, or already updated."""
        for name in self.order:
            array = self.saved[name]
            if name not in self.op.arrays or self.unary or not isinstance(array, np.ndarray) or array.dtype.kind != "f":
                continue
            parent = self.node.parents[self.op.arrays.index(name)]
            label = self.clues.graph.label(parent) if parent is not None else f"{name} of {self.op.name}"
            if array.ndim == 2 and array.shape[0] == array.shape[1] and not np.array_equal(array, array.T):
                text = f"{label} is transposed where it should not be, or not where it should"
                yield self.slip("transposed", text, 1.5, _with(self.rule, name, array.T), (name, "T"))
            if parent is not None:
                yield from self.stale(name, array, parent, label)
            for value in self.clues.near(array.shape, self.node, array):
                kind = "shifted" if alike(value.node, parent) else "wrong-operand"
                text = f"{value.label} stands where {label} belongs"
                cost = 2.5 if kind == "shifted" else 2.7
                yield self.slip(kind, text, cost, _with(self.rule, name, value.array), (name, id(value.array)))
            for other, delta, _ in self.clues.near_deltas(array.shape, self.node, self.region.target):
                text = f"{other} stands where {label} belongs"
                yield self.slip("wrong-operand", text, 2.7, _with(self.rule, name, delta), (name, id(delta)))

    def stale(self, name: str, array: Array, parent: Node, label: str) -> Iterator[Slip]:
        """Weights as they are after the update."""
        delta = self.clues.deltas.get(parent)
        if delta is None or self.clues.lr is None:
            return
        for sign in (-1, +1):
            text = f"{label} had been updated already: the pass needs the weights that the forward pass used"
            updated = array + sign * self.clues.lr * delta
            yield self.slip("stale-weights", text, 1.8, _with(self.rule, name, updated), (name, sign))

    # Where it goes

    def overwritten(self) -> Iterator[Slip]:
        """Rows that are named more than once keep their last gradient only."""
        rows = self.node.saved_by_name(self.k).get("index")
        if self.op.name == "pick":
            text = "entries that the index names more than once were overwritten instead of added up"
            yield self.slip("overwritten-rows", text, 1.4, self._assigned, "rows")
        elif isinstance(rows, np.ndarray) and isinstance(self.region.results[self.edge], RowSparse):
            text = "rows that the index names more than once were overwritten instead of added up (np.add.at adds)"
            yield self.slip("overwritten-rows", text, 1.4, lambda g: _last(self.rule(g)), "rows")

    def _assigned(self, g: Any) -> Any:
        from autograd_lite.ops.index import _filled

        out = np.zeros(self.below.shape, g.dtype)
        out[_filled(self.node.attrs["form"], self.saved["arrays"])] = g
        return out

    def one_row(self) -> Iterator[Slip]:
        """One example alone where the derivative sums over them."""
        g = self.region.above[self.node]
        if not isinstance(g, np.ndarray) or g.ndim == 0 or g.shape[0] < 2 or g.shape[:1] == self.below.shape[:1]:
            return
        for row, which in ((0, "first"), (-1, "last")):
            alone = np.zeros(g.shape[0])
            alone[row] = 1
            mask = alone.reshape(-1, *[1] * (g.ndim - 1))
            text = (
                f"only the {which} row of the delta of {self.clues.graph.label(self.node)} counts, not the sum of all"
            )
            yield self.slip("missing-sum", text, 2.6, _masked(self.rule, mask))


def _last(rows: Any) -> Any:
    """Of rows that are named more than once, the last one alone."""
    out = np.zeros(rows.shape, rows.dtype)
    out[rows.rows] = rows.values
    return out


# Changes are made by functions, so that each holds its own arrays


def _with(rule: Callable[..., Any], name: str, array: Array) -> Change:
    return lambda g: rule(g, **{name: array})


def _fed(rule: Callable[..., Any], array: Array) -> Change:
    return lambda _: rule(array)


def _times(rule: Callable[..., Any], array: Array) -> Change:
    return lambda g: dense(rule(g)) * array


def _masked(rule: Callable[..., Any], mask: Array) -> Change:
    return lambda g: rule(g * mask)


def _then(rule: Callable[..., Any], slope: Change) -> Change:
    return lambda g: slope(dense(rule(g)))


def _slope(op: Op, **at: Any) -> Change:
    """An activation's derivative at an input `x`, or, where its rule is written for the output, at an output `y`."""
    rule = op.rules[0]
    assert rule is not None
    names = ["y" if name == "y" else "x" for name in op.names[0]]

    def change(g: Any) -> Any:
        known = at if "y" in at or "y" not in names else {**at, "y": np.asarray(op.forward(at["x"]))}
        return rule(g, *[known[name] for name in names])

    return change
