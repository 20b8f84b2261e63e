"""What can go wrong in a backward pass written by hand: each slip as a change to an edge of a recorded graph.

Nothing here knows a network. A slip is made of the graph's own rules and arrays: a derivative left out or taken
elsewhere, another array in an operand's place, rows written over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import numpy as np

from autograd_lite.check.cause import Slip
from autograd_lite.check.clues import NEAR, Clues
from autograd_lite.check.factors import mask_scale
from autograd_lite.check.region import Change, Region, dense
from autograd_lite.check.updates import made_of, way_down
from autograd_lite.core import Node, Op, op_of
from autograd_lite.memory import Array
from autograd_lite.ops import elementwise
from autograd_lite.recorded import Edge

slopes: dict[str, Op] = {
    op.name: op for op in (op_of(getattr(elementwise, name)) for name in ("sigmoid", "tanh", "relu", "softplus", "exp"))
}
nearly: dict[str, Callable[[Array], Array]] = {  # what people write for a slope
    "1 - y": lambda y: 1 - y,
    "1 + y**2": lambda y: 1 + y**2,
    "y * (1 + y)": lambda y: y * (1 + y),
}


def slips(region: Region, clues: Clues) -> Iterator[Slip]:
    """All slips at single edges of a region."""
    for edge in region.edges:
        yield from At(region, edge, clues).all()


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
            yield from self.misremembered()
            yield from self.other_dimension()
        if self.below is self.region.target:
            yield from self.extra()
            yield from self.one_row()
        if len(self.region.into[self.below]) > 1:
            text = f"what comes to {self.clues.graph.label(self.below)} through {self.made} is missing"
            yield self.slip("missing-path", text, 1.3, nothing(self.edge))
        yield from self.upstream()
        yield from self.operands()
        yield from self.overwritten()

    def slip(self, kind: str, text: str, cost: float, change: Change, key: Any = None, **more: Any) -> Slip:
        """One at this edge."""
        named = None if key is None else (kind, key)
        return Slip(kind, self.op.name, text, cost, {self.edge: change}, named, **more)

    def swap(self, kind: str, text: str, cost: float, arrays: dict[str, Any], key: Any = None) -> Slip:
        """The rule on other arrays, by name; "g" is the gradient that comes in."""
        g = arrays.get("g")
        rest = {name: array for name, array in arrays.items() if name != "g"}

        def change(above: Any) -> Any:
            return self.rule(above if g is None else g, **rest)

        return self.slip(kind, text, cost, change, key, swaps=arrays)

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
                key = "own" if own else value.label
                text = f"the derivative of {self.op.name} was taken at {value.label} instead of at {true}"
                kind, cost = (
                    ("shifted", 2.5)
                    if self.clues.parts.alike(value.node, self.node)
                    else ("wrong-point", 2.0 if own else 2.2)
                )
                yield self.swap(kind, text, cost, {name: value.array}, key)
            text = f"the derivative of {self.op.name} was taken at the gradient above it instead of at {true}"
            yield self.slip("wrong-point", text, 2.6, _at_itself(self.rule, name), "g")
            again = np.asarray(self.op.forward(array, **self.node.attrs))
            text = f"the derivative of {self.op.name} was taken at {self.op.name}({true}) instead of at {true}"
            if name == "y" and again.shape == array.shape:
                yield self.swap("wrong-point", text, 2.3, {name: again}, "again")

    def other_dimension(self) -> Iterator[Slip]:
        """The derivative along another dimension than the op's."""
        if isinstance(self.saved.get("dim"), int):
            for dim in range(len(self.node.shape)):
                if dim != self.saved["dim"]:
                    text = (
                        f"the derivative of {self.made} was taken along dimension {dim} instead of {self.saved['dim']}"
                    )
                    yield self.swap("wrong-derivative", text, 2.0, {"dim": dim}, ("dim", dim))

    def other_slopes(self) -> Iterator[Slip]:
        """Another activation's derivative, at this op's input or written for its output, or at other arrays."""
        x, y = self.clues.graph.values.get(self.below), self.clues.graph.values.get(self.node)
        inputs, outputs = self.clues.graph.label(self.below), self.clues.graph.label(self.node)
        for name, act in slopes.items():
            if act is self.op:
                continue
            first = f"the derivative of {name} stands where that of {self.made} belongs"
            if x is not None:
                yield self.slip("wrong-derivative", f"{first}, taken at {inputs}", 2.2, _slope(act, x=x), (name, "x"))
            if "y" not in act.names[0] or name == "exp":
                continue
            if y is not None:
                yield self.slip("wrong-derivative", f"{first}, taken of {outputs}", 2.1, _slope(act, y=y), (name, "y"))
            for value in self.clues.near(self.node.shape, self.node):
                if value.node not in (self.node, None):
                    second = "wrong-point", f"it is taken of {value.label} instead of {outputs}"
                    yield self.slip("wrong-derivative", first, 4.5, _slope(act, y=value.array), None, second=second)
        for value in self.clues.near(self.node.shape, self.node):
            if mask_scale(value.array) is None:
                text = f"{value.label} was multiplied in where the derivative of {self.made} belongs"
                yield self.slip("wrong-operand", text, 2.8, _scaling(value.array))

    def misremembered(self) -> Iterator[Slip]:
        """A slope that is nearly the op's, written for its output y."""
        y = self.saved.get("y")
        if isinstance(y, np.ndarray):
            for text, slope in nearly.items():
                first = f"{text.replace('y', self.clues.graph.label(self.node))} stands where the derivative of"
                yield self.slip("wrong-derivative", f"{first} {self.op.name} belongs", 2.0, _scaling(slope(y)), text)

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
        if g.ndim == 2 and g.shape[0] == g.shape[1]:
            text = f"the delta of {label} is transposed where it should not be, or not where it should"
            yield self.swap("transposed", text, 1.6, {"g": g.T}, "g.T")
        for other, array, node in self.clues.near_deltas(g.shape, self.node, self.region.target):
            yield self._replaced(other, array, node, f"the delta of {label}")
        for value in self.clues.near(g.shape, self.node):
            yield self._replaced(value.label, value.array, None, f"the delta of {label}")
        for edge in self.clues.regions[self.node].into.get(self.node, ()) if self.node in self.clues.regions else ():
            part = dense(self.clues.regions[self.node].results[edge])
            if not np.array_equal(part, g):
                way = self.clues.graph.label(edge[0])
                text = f"of the delta of {label} only what comes through {way} was used"
                yield self.swap("missing-path", text, 2.5, {"g": part})
        steps = sorted(self.clues.parts.others(self.node), key=lambda node: abs(node.seq - self.node.seq))
        for node in steps[:NEAR]:
            above = self.region.above.get(node)
            if isinstance(above, np.ndarray):
                text = f"the gradient of {self.clues.graph.label(node)} stands where that of {label} belongs"
                yield self.swap("shifted", text, 2.8, {"g": above})

    def _replaced(self, other: str, array: Array, node: Node | None, place: str) -> Slip:
        kind = "shifted" if self.clues.parts.alike(node, self.node) else "wrong-operand"
        text = f"{other} stands where {place} belongs"
        return self.swap(kind, text, 2.6 if kind == "shifted" else 2.9, {"g": array})

    def operands(self) -> Iterator[Slip]:
        """Another array where an operand belongs; the operand transposed, or already updated."""
        for name in self.order:
            array = self.saved[name]
            if name not in self.op.arrays or self.unary or not isinstance(array, np.ndarray) or array.dtype.kind != "f":
                continue
            at = self.op.arrays.index(name)
            parent = self.node.parents[at]
            label = self.clues.graph.constant(self.node, at) if parent is None else self.clues.graph.label(parent)
            if array.ndim == 2 and array.shape[0] == array.shape[1] and not np.array_equal(array, array.T):
                text = f"{label} is transposed where it should not be, or not where it should"
                yield self.swap("transposed", text, 1.5, {name: array.T}, (name, "T"))
            if parent is not None:
                yield from self.stale(name, array, parent, label)
            leaf = parent is not None and parent.op is None
            for value in self.clues.near(array.shape, self.node, array, leaf):
                if parent is not None and value.node is parent:
                    continue
                kind = "shifted" if self.clues.parts.alike(value.node, parent) else "wrong-operand"
                text = f"{value.label} stands where {label} belongs"
                cost = 2.5 if kind == "shifted" else 2.7
                yield self.swap(kind, text, cost, {name: value.array}, (name, value.label))
            for other, delta, _ in self.clues.near_deltas(array.shape, self.node, self.region.target):
                text = f"{other} stands where {label} belongs"
                yield self.swap("wrong-operand", text, 2.7, {name: delta}, (name, other))

    def stale(self, name: str, array: Array, parent: Node, label: str) -> Iterator[Slip]:
        """Weights as they are after the update, perhaps reshaped on their way to the op."""
        way = way_down(parent)
        delta = self.clues.deltas.get(way[-1])
        weights = self.clues.graph.values.get(way[-1])
        if delta is None or self.clues.lr is None or weights is None:
            return
        for sign in (-1, +1):
            updated = made_of(weights + sign * self.clues.lr * delta, way[:-1])
            text = f"{label} had been updated already: the pass needs the weights that the forward pass used"
            yield self.swap("stale-weights", text, 1.8, {name: updated}, (name, sign))

    # Where it goes

    def overwritten(self) -> Iterator[Slip]:
        """What is read more than once keeps its last gradient only."""
        places = self.read()
        if places is None or len(np.unique(places[places >= 0])) == np.count_nonzero(places >= 0):
            return
        label = self.clues.graph.label(self.below)
        text = f"what is read of {label} more than once has its gradients overwritten, not added up (np.add.at adds)"
        below = self.below

        def assign(g: Any, order: Any = "C") -> Any:
            out = np.zeros(prod(below.shape), below.dtype)
            written = places.ravel(order) >= 0
            out[places.ravel(order)[written]] = np.broadcast_to(dense(g), self.node.shape).ravel(order)[written]
            return out.reshape(below.shape)

        yield self.slip("overwritten-rows", text, 1.4, assign, "rows")
        yield self.slip("overwritten-rows", text, 1.5, lambda g: assign(g, "F"), "columns")

    def read(self) -> Array | None:
        """Where each element of the output was read from, of an op that only reads; -1 for what it fills in."""
        others = [self.region.graph.arguments.get((self.node, k)) for k in range(1, len(self.node.parents))]
        if self.k != 0 or {"y", self.op.arrays[0]} & set(self.order) or any(array is None for array in others):
            return None
        numbers = np.arange(1.0, prod(self.below.shape) + 1).reshape(self.below.shape)
        twice = [self.op.forward(n, *others, **self.node.attrs) for n in (numbers, 2 * numbers, 3 * numbers % 7)]
        places = np.asarray(twice[0])
        if places.shape != self.node.shape or not np.array_equal(twice[1], 2 * places):
            return None
        index = np.rint(places).astype(np.intp) - 1
        if np.any(places != index + 1) or np.any(index >= numbers.size) or np.any(index < -1):
            return None
        again = np.where(index < 0, 0.0, (3 * numbers % 7).ravel()[index])
        return index if np.array_equal(again, twice[2]) else None

    def one_row(self) -> Iterator[Slip]:
        """One example alone where the derivative sums over them."""
        g = self.region.above[self.node]
        if not isinstance(g, np.ndarray) or g.ndim == 0 or g.shape[0] < 2:
            return
        if self.below.op is not None and g.shape[:1] == self.below.shape[:1]:
            return  # an example's own
        for row, which in ((0, "first"), (-1, "last")):
            alone = np.zeros(g.shape[0])
            alone[row] = 1
            mask = alone.reshape(-1, *[1] * (g.ndim - 1))
            text = (
                f"only the {which} row of the delta of {self.clues.graph.label(self.node)} counts, not the sum of all"
            )
            yield self.slip("missing-sum", text, 2.6, _masked(self.rule, mask), ("row", which))
        if len(self.below.shape) == 1 and g.ndim == 2 and g.shape[0] == g.shape[1]:
            text = f"the delta of {self.clues.graph.label(self.node)} is summed over the wrong axis"
            yield self.swap("missing-sum", text, 2.2, {"g": g.T})


def nothing(edge: Edge) -> Change:
    """No gradient at all, of the shape of what the edge leads to."""
    below = Region.below(edge)
    return lambda g: np.zeros(below.shape, below.dtype)


# Changes are made by functions, so that each holds its own arrays


def _at_itself(rule: Callable[..., Any], name: str) -> Change:
    return lambda g: rule(g, **{name: dense(g)})


def _times(rule: Callable[..., Any], array: Array) -> Change:
    return lambda g: dense(rule(g)) * array


def _scaling(array: Array) -> Change:
    return lambda g: g * array


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
