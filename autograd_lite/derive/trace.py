"""A derivative rule, run once more on Tensors that are watched: which ops it is made of, and the formula of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np

from autograd_lite.core import Node, Op, Tensor
from autograd_lite.derive.numpy_ops import Call, formula_of
from autograd_lite.derive.numpy_text import Formula, number
from autograd_lite.memory import Array
from autograd_lite.modes import watch
from autograd_lite.recorded import Edge


class Written(Protocol):
    """Values of a graph as formulas. Both raise Unprintable where there is none."""

    def of(self, node: Node) -> Formula:
        """A tensor's."""

    def constant(self, array: Any) -> Formula:
        """A constant's."""


class _alone(watch):  # noqa: N801
    """A watcher that is the only one, and nothing is recorded."""

    def _wanted(self) -> dict[str, Any]:
        return {"watchers": (self._watcher,), "grad": False}


def run(edge: Edge, g: Array, values: Written, above: Callable[[], Formula]) -> tuple[Trace, Any]:
    """Run the rule of an edge on a gradient that is written as `above`; returns what it did, and its result."""
    trace, given = Trace(values), Tensor(np.asarray(g))
    trace.given[id(given)] = above
    trace.kept.append(given)
    saved = [trace.argument(edge, name, value) for name, value in edge[0].saved_by_name(edge[1]).items()]
    op = edge[0].op
    assert op is not None
    rule = op.rules[op.slot(edge[1])]
    assert rule is not None
    with _alone(trace.note):
        result = rule(given, *saved)
    return trace, result


class Trace:
    """What a rule did, and with what: each Tensor that it was given or made, as a formula when asked."""

    def __init__(self, values: Written) -> None:
        self.values = values
        self.assumed: list[str] = []  # what simpler formulas take for granted
        self.given: dict[int, Callable[[], Formula]] = {}
        self.made: dict[int, tuple[Op, Sequence[Any], dict[str, Any], Tensor]] = {}
        self.kept: list[Tensor] = []  # so that no two have one id

    def note(self, op: Op, args: Sequence[Any], attrs: dict[str, Any], result: Any) -> None:
        """Called after every op."""
        self.kept += [a for a in (*args, result) if isinstance(a, Tensor)]
        if isinstance(result, Tensor):
            self.made[id(result)] = op, args, attrs, result

    def watched(self) -> watch:
        """Inside, what more is done to the result is noted."""
        return _alone(self.note)

    def leading_to(self, result: Any) -> list[tuple[Op, Sequence[Any], dict[str, Any], Tensor]]:
        """The ops that a result is made by, in their order."""
        wanted, found = {id(result)}, []
        for made in reversed(self.made.values()):
            if id(made[3]) in wanted and id(made[3]) not in self.given:
                wanted |= {id(a) for a in made[1]}
                found.append(made)
        return found[::-1]

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
        shapes = [np.shape(raw(a)) for a in args]
        formula = formula_of(Call(op, arguments, shapes, attrs, result.shape, result.data, self.assumed))
        self.given[id(value)] = lambda: formula
        return formula


def raw(value: Any) -> Any:
    """Its array, of a Tensor."""
    return value.data if isinstance(value, Tensor) else value
