"""The corrected line of a delta: NumPy text for what a region does to the deltas above it, in the user's names.

The text is not kept anywhere: the recorded rules are run once more, as Tensors that are watched, and what they do is
written down. A line is handed out only after it was executed and gave the region's own numbers.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd_lite.check.region import Region, dense
from autograd_lite.check.rounding import RELATIVE
from autograd_lite.check.value_text import RESERVED, Values, delta_name
from autograd_lite.core import Node
from autograd_lite.derive import helpers
from autograd_lite.derive.numpy_shapes import summed_to
from autograd_lite.derive.numpy_text import ONE, ZERO, Formula, Unprintable, number, plus
from autograd_lite.derive.numpy_text import times as product
from autograd_lite.derive.statement import statement
from autograd_lite.derive.trace import raw, run
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


def _through(region: Region, edge: Edge, above: Formula, values: Values) -> Formula:
    """What a rule makes of a formula."""
    trace, result = run(edge, dense(region.above[edge[0]]), values, lambda: above)
    formula = ZERO if result is None else trace.formula(result)
    return formula if formula.statement else summed_to(formula, np.shape(raw(result)), Region.below(edge).shape)


# Statements


def _statement(target: str, formula: Formula, node: Node, values: Values) -> str:
    return "; ".join(statement(target, formula, node.shape, _own(node, values)))


def _own(node: Node, values: Values) -> str | None:
    """The name of the tensor itself, where its array is known."""
    if node.name is None or node not in values.graph.values:
        return None
    return values.of(node).text


# Execution


def _gives(line: str, target: str, values: Values, region: Region, expected: Any) -> bool:
    """Does the line, executed, give what is expected?"""
    tree = ast.parse(line)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    scope = {name: thing for name, thing in helpers.functions().items() if name in RESERVED}
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
