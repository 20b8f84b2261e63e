"""The rule of an op as text: what it computes and what it does to a gradient, in symbols and in numbers.

Each family of ops is a class with four texts: `forward` and `back(k)` in symbols, `forward_at` and `back_at` with the
numbers of one entry. An op without a family is named, and its numbers are shown as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from autograd_lite.core import Node, Op
from autograd_lite.derive.labels import attributes
from autograd_lite.draw.player.numbers import Index, _token, added, fill, inside, number
from autograd_lite.memory import Array
from autograd_lite.ops import elementwise, shape


@dataclass
class Rule:
    """An op's call: what it was given (None: not known), the names of its operands, its result and the gradients.

    `g` is the gradient of its result, or None.
    """

    node: Node
    given: list[Any]
    y: Array
    names: list[str]
    y_name: str = "y"
    g_name: str = "g"
    g: Array | None = None

    @property
    def op(self) -> Op:
        """The op."""
        assert self.node.op is not None
        return self.node.op

    def shape(self, k: int) -> Index:
        """The shape of operand k."""
        parent = self.node.parents[k]
        return np.shape(self.given[k]) if parent is None else parent.shape

    def forward(self) -> str:
        """What it computes, in symbols."""
        said = attributes(self.node)
        return f"{self.op.name}({', '.join(self.names)}{f'; {said}' if said else ''})"

    def forward_at(self, at: Index) -> str:
        """What it computes for an entry of the result, in numbers; empty where there is no formula."""
        return ""

    def back(self, k: int) -> str:
        """What operand k gets, in symbols."""
        return f"the rule of {self.op.name} for {self.op.arrays[self.op.slot(k)]}, on {self.g_name}"

    def back_at(self, k: int, at: Index) -> str:
        """What an entry of operand k gets, in numbers; empty where there is no formula."""
        return ""

    def letters(self) -> dict[str, str]:
        """Each letter of a template, and the name that it stands for."""
        return {**dict(zip(self.op.arrays, self.names, strict=False)), "y": self.y_name, "g": self.g_name}


class Elementwise(Rule):
    """One number of the result from one of each operand."""

    @cached_property
    def templates(self) -> tuple[str, ...]:
        """The formula, and those of the gradients."""
        forward, back = formulas[self.op]
        texts = [forward, *back]
        for name, value in self.node.attrs.items():
            if isinstance(value, int | float):
                texts = [text.replace(f"{{{name}}}", inside(number(value))) for text in texts]
        return tuple(texts)

    def _filled(self, template: str, at: Index) -> str:
        known = dict(zip(self.op.arrays, self.given, strict=True)) | {"y": self.y, "g": self.g}
        numbers: dict[str, str] = {}
        for letter in _token.findall(template):
            if known.get(letter) is None:
                return ""
            numbers[letter] = number(np.broadcast_to(known[letter], self.y.shape)[at])
        return fill(template, numbers)

    def forward(self) -> str:  # noqa: D102
        return fill(self.templates[0], self.letters())

    def forward_at(self, at: Index) -> str:  # noqa: D102
        return self._filled(self.templates[0], at)

    def back(self, k: int) -> str:  # noqa: D102
        text = fill(self.templates[1 + k], self.letters())
        return text if self.shape(k) == self.y.shape else f"Σ {text}, over what was broadcast"

    def back_at(self, k: int, at: Index) -> str:  # noqa: D102
        template, of = self.templates[1 + k], self.shape(k)
        if of == self.y.shape or not self._filled(template, (0,) * self.y.ndim):
            return self._filled(template, at)
        rule, saved = self.op.rules[k], self.node.saved
        assert rule is not None
        assert saved is not None
        places = np.arange(math.prod(of)).reshape(of)
        where = np.argwhere(np.broadcast_to(places, self.y.shape) == places[at])
        values = np.broadcast_to(rule(self.g, *(saved[k] or ())), self.y.shape)[tuple(where.T)]
        return added(values, lambda i: self._filled(template, tuple(int(j) for j in where[i])))


_E: Any = elementwise  # Any: type checkers do not see that what `primitive` makes has an `op`
_S: Any = shape
formulas: dict[Op, tuple[str, tuple[str, ...]]] = {
    _E.add.op: ("a + b", ("g", "g")),
    _E.subtract.op: ("a − b", ("g", "−g")),
    _E.multiply.op: ("a · b", ("g · b", "g · a")),
    _E.divide.op: ("a / b", ("g / b", "−g · y / b")),
    _E.negative.op: ("−x", ("−g",)),
    _E.absolute.op: ("|x|", ("g · sign(x)",)),
    _E.square.op: ("x²", ("g · 2 · x",)),
    _E.sqrt.op: ("√x", ("g / (2 · y)",)),
    _E.reciprocal.op: ("1 / x", ("−g · y · y",)),
    _E._power.op: ("x ^ {exponent}", ("g · {exponent} · x ^ ({exponent} − 1)",)),
    _E.exp.op: ("exp(x)", ("g · y",)),
    _E.expm1.op: ("exp(x) − 1", ("g · (y + 1)",)),
    _E.log.op: ("log(x)", ("g / x",)),
    _E.log1p.op: ("log(1 + x)", ("g / (1 + x)",)),
    _E.sin.op: ("sin(x)", ("g · cos(x)",)),
    _E.cos.op: ("cos(x)", ("−g · sin(x)",)),
    _E.tanh.op: ("tanh(x)", ("g · (1 − y · y)",)),
    _E.sigmoid.op: ("1 / (1 + exp(−x))", ("g · y · (1 − y)",)),
    _E.relu.op: ("max(0, x)", ("g · [y > 0]",)),
    _E.softplus.op: ("log(1 + exp(x))", ("g / (1 + exp(−x))",)),
    _E.maximum.op: ("max(a, b)", ("g · ([a > b] + [a = b] / 2)", "g · ([b > a] + [a = b] / 2)")),
    _E.minimum.op: ("min(a, b)", ("g · ([a < b] + [a = b] / 2)", "g · ([b < a] + [a = b] / 2)")),
    _E._clip.op: ("min(max(x, {low}), {high})", ("g · [{low} ≤ x ≤ {high}]",)),
    _S.clone.op: ("x", ("g",)),
    _S.cast.op: ("x", ("g",)),
}
