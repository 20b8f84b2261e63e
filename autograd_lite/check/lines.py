"""The corrected line of a delta: NumPy text for what a region does to the deltas above it, in the user's names.

The text is not kept anywhere: the recorded rules are run once more, as Tensors that are watched, and what they do is
written down. A line is handed out only after it was executed and gave the region's own numbers.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from autograd_lite.check.numpy_ops import Call, formula_of
from autograd_lite.check.numpy_shapes import filled, summed_to
from autograd_lite.check.numpy_text import ONE, ZERO, Formula, Unprintable, number, plus
from autograd_lite.check.numpy_text import times as product
from autograd_lite.check.region import Region, dense
from autograd_lite.check.rounding import RELATIVE
from autograd_lite.check.value_text import Values, delta_name
from autograd_lite.core import Node, Op, Tensor
from autograd_lite.modes import watch
from autograd_lite.recorded import Edge

EDGES = 64


def corrected_line(region: Region, name: str, names: Mapping[Node, str], times: float) -> str | None:
    """NumPy code for `times` times the gradient of a region's target, from the deltas of its sources.

    None where there is no short way to write it, or an array that it needs has no name. `names` are those of the
    tensors whose deltas are given; a delta is called `<name>_delta`. `softmax` and `sigmoid` are taken as known.
    """
    try:
        with np.errstate(all="ignore"):
            return _line(region, name, names, times)
    except Exception:  # a line is a service: without one the report is whole
        return None


def _line(region: Region, name: str, names: Mapping[Node, str], factor: float) -> str | None:
    if len(region.edges) > EDGES:
        return None
    values = Values(region.graph)
    target = delta_name(name)
    formula = product(number(factor), gradient_formula(region, names, values))
    line = _statement(target, formula, region.target, values)
    return line if _gives(line, target, values, region, region.truth * factor) else None


# Gradients


def gradient_formula(region: Region, names: Mapping[Node, str], values: Values) -> Formula:
    """The gradient of a region's target, from those of its sources."""
    above: dict[Node, Formula] = {}
    into: dict[Node, list[Formula]] = {}
    for node in (*region.nodes, region.target):
        if node in region.sources:
            above[node] = _source(region, node, names, values)
        else:
            above[node] = plus(*into.get(node, ()))
        for edge in region.of.get(node, ()) if node is not region.target else ():
            into.setdefault(Region.below(edge), []).append(_through(region, edge, above[node], values))
    return above[region.target]


def _source(region: Region, node: Node, names: Mapping[Node, str], values: Values) -> Formula:
    if node in names and node is not region.target:
        return values.bind(delta_name(names[node]), dense(region.sources[node]))
    if node is region.graph.root:
        return ONE
    raise Unprintable("a gradient without a name")


class _alone(watch):  # noqa: N801
    """A watcher that is the only one, and nothing is recorded."""

    def _wanted(self) -> dict[str, Any]:
        return {"watchers": (self._watcher,), "grad": False}


def _through(region: Region, edge: Edge, above: Formula, values: Values) -> Formula:
    """What a rule makes of a formula."""
    g = Tensor(np.asarray(dense(region.above[edge[0]])))
    trace = _Trace(values)
    trace.given[id(g)] = lambda: above
    saved = [trace.argument(edge, name, value) for name, value in edge[0].saved_by_name(edge[1]).items()]
    op = edge[0].op
    assert op is not None
    rule = op.rules[op.slot(edge[1])]
    assert rule is not None
    with _alone(trace.note):
        result = rule(g, *saved)
    formula = ZERO if result is None else trace.formula(result)
    return formula if formula.statement else summed_to(formula, np.shape(_raw(result)), Region.below(edge).shape)


class _Trace:
    """What a rule did, and with what: each Tensor that it was given or made, as a formula when asked."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self.given: dict[int, Callable[[], Formula]] = {}
        self.made: dict[int, tuple[Op, Sequence[Any], dict[str, Any], Tensor]] = {}
        self.kept: list[Tensor] = []  # so that no two have one id

    def note(self, op: Op, args: Sequence[Any], attrs: dict[str, Any], result: Any) -> None:
        """Called after every op."""
        self.kept += [a for a in (*args, result) if isinstance(a, Tensor)]
        if isinstance(result, Tensor):
            self.made[id(result)] = op, args, attrs, result

    def argument(self, edge: Edge, name: str, value: Any) -> Any:
        """What a rule is given: arrays as Tensors of which the formula is known."""
        node = edge[0]
        assert node.op is not None
        if name == "y":
            return self._tensor(value, partial(self.values.of, node))
        if name not in node.op.arrays:
            return value
        at = node.op.arrays.index(name)
        if node.op.variadic and at == len(node.op.arrays) - 1:
            parents = node.parents[at:]
            return tuple(self._value(p, v) for p, v in zip(parents, value, strict=True))
        return self._value(node.parents[at], value)

    def _value(self, parent: Node | None, value: Any) -> Any:
        if parent is not None:
            return self._tensor(value, partial(self.values.of, parent))
        return self._tensor(value, partial(self.values.constant, value))

    def _tensor(self, value: Any, formula: Callable[[], Formula]) -> Tensor:
        tensor = Tensor(value)
        self.kept.append(tensor)
        self.given[id(tensor)] = formula
        return tensor

    def formula(self, value: Any) -> Formula:
        """The formula of what a rule works with: rules are short, and so is this recursion."""
        if id(value) in self.given:
            return self.given[id(value)]()
        if not isinstance(value, Tensor):
            return number(value, reciprocal=True) if np.ndim(value) == 0 else self.values.constant(value)
        op, args, attrs, result = self.made[id(value)]
        arguments = [partial(self.formula, a) for a in args]
        shapes = [np.shape(_raw(a)) for a in args]
        formula = formula_of(Call(op, arguments, shapes, attrs, result.shape, result.data))
        self.given[id(value)] = lambda: formula
        return formula


def _raw(value: Any) -> Any:
    return value.data if isinstance(value, Tensor) else value


# Statements


def _statement(target: str, formula: Formula, node: Node, values: Values) -> str:
    """The line: an expression, or zeros that rows are added to."""
    scatters = [t for t in formula.terms if any(a.kind in {"part", "rows"} for a in t.factors)]
    rest = Formula(tuple(t for t in formula.terms if t not in scatters))
    if not scatters:
        return f"{target} = {_whole(formula, node, values)}"
    lines = [f"{target} = {_uniform('zeros', None, node, values)}"]
    for term in scatters:
        (one,) = term.factors
        text, g = one.parts
        g = product(Formula((type(term)(term.over, term.under),)), g)
        if one.kind == "rows":
            lines.append(f"np.add.at({target}, {_tuple(text)}, {g.text})")
        else:
            lines.append(f"{target}[{text}] {'=' if len(formula.terms) == 1 else '+='} {g.text}")
    lines += [f"{target} += {rest.text}"] * bool(rest.terms)
    return "; ".join(lines)


def _tuple(index: str) -> str:
    return f"({index})" if "," in index and "(" not in index else index


def _whole(formula: Formula, node: Node, values: Values) -> str:
    """The text at the tensor's shape."""
    if formula.shape == node.shape:
        return formula.text
    value = formula.number
    if value is not None:
        return _uniform({0.0: "zeros", 1.0: "ones"}.get(value, "full"), formula, node, values)
    if formula.shape and np.prod(formula.shape) != np.prod(node.shape):
        shape = f"{_own(node, values)}.shape" if _own(node, values) else str(node.shape)
        return f"np.broadcast_to({formula.text}, {shape})"
    return filled(formula, node.shape).text


def _own(node: Node, values: Values) -> str | None:
    """The name of the tensor itself, where its array is known."""
    if node.name is None or node not in values.graph.values:
        return None
    return values.of(node).text


def _uniform(kind: str, formula: Formula | None, node: Node, values: Values) -> str:
    own = _own(node, values)
    more = f", {formula.text}" if kind == "full" and formula is not None else ""
    return f"np.{kind}({node.shape}{more})" if own is None else f"np.{kind}_like({own}{more})"


# Execution


def _softmax(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _gives(line: str, target: str, values: Values, region: Region, expected: Any) -> bool:
    """Does the line, executed, give what is expected?"""
    tree = ast.parse(line)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    scope: dict[str, Any] = {"np": np, "softmax": _softmax, "sigmoid": _sigmoid}
    if target in values.bound and target in used:
        return False  # a tensor has the name that the delta would have
    for name in used & set(values.bound):
        array, *others = values.bound[name]
        if name in scope or not all(np.array_equal(array, other) for other in others):
            return False  # one name for two arrays
        scope[name] = array
    exec(compile(tree, "<the corrected line>", "exec"), scope)
    made, expected = np.asarray(scope[target]), np.asarray(expected)
    size = min(8, region.target.dtype.itemsize, *(n.dtype.itemsize for n in region.nodes))
    off = np.abs(made - expected) if made.shape == expected.shape else np.inf
    largest = float(np.max(np.abs(expected), initial=0.0))
    return bool(np.max(off, initial=0.0) <= RELATIVE[size] * largest)
