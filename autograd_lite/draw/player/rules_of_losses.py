"""The rules of losses that are one op, and the choice of an op's rule."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.core import Node, Op
from autograd_lite.draw.player.numbers import Index, added, fill, inside, number
from autograd_lite.draw.player.rules import Elementwise, Rule, formulas
from autograd_lite.draw.player.rules_of_arrays import Counted, Extreme, Moved, Product, Softmax, Total
from autograd_lite.memory import Array
from autograd_lite.ops import conv, fused, linalg, reduce, shape
from autograd_lite.ops import index as indexing

_F: Any = fused  # Any: type checkers do not see that what `primitive` makes has an `op`


class PairLoss(Rule):
    """A loss of pairs of numbers that reduces itself."""

    @property
    def _reduction(self) -> tuple[str, str]:
        how, count = self.node.attrs["reduction"], int(np.prod(self.shape(0)))
        return ("Σ " if how != "none" else ""), (f" / {count}" if how == "mean" else "")

    def forward(self) -> str:  # noqa: D102
        sign, over = self._reduction
        text = fill(_pairs[self.op][0], self._letters())
        several = sign and " − " in text and not text.endswith("²")
        text = f"{sign}({text})" if several else sign + text
        return f"({text}){over}" if over else text

    def _letters(self) -> dict[str, str]:
        return {"a": self.names[0], "b": self.names[1], "g": self.g_name}

    def _numbers(self, template: str, at: Index) -> str:
        a, b = self.given
        letters = {"a": number(a[at]), "b": number(np.broadcast_to(b, np.shape(a))[at])}
        return fill(template, letters | {"g": "" if self.g is None else number(np.broadcast_to(self.g, a.shape)[at])})

    def forward_at(self, at: Index) -> str:  # noqa: D102
        if any(v is None for v in self.given):
            return ""
        sign, over = self._reduction
        template = _pairs[self.op][0]
        if not sign:
            return self._numbers(template, at)
        losses = np.asarray(self.op.forward(*self.given, reduction="none"))
        text = added(
            losses, lambda i: self._numbers(template, tuple(int(j) for j in np.unravel_index(i, losses.shape)))
        )
        return f"({text}){over}" if over else text

    def back(self, k: int) -> str:  # noqa: D102
        return fill(_pairs[self.op][1 + k], self._letters()) + self._reduction[1]

    def back_at(self, k: int, at: Index) -> str:  # noqa: D102
        if any(v is None for v in self.given):
            return ""
        return self._numbers(_pairs[self.op][1 + k], at) + self._reduction[1]


class CrossEntropy(Rule):
    """Softmax and cross-entropy in one, by class numbers or by probabilities."""

    @property
    def _by_class(self) -> bool:
        return self.op is _F._cross_entropy.op

    def _row(self, at: Index) -> tuple[Array, Any] | None:
        """The probabilities of a row, and its target; None where they are not known or do not count."""
        x, t = self.given
        if x is None or t is None or (self._by_class and t[at] == self.node.attrs["ignore"]):
            return None
        return _F._softmax(np.asarray(x)[at], dim=0), np.asarray(t)[at]

    def forward(self) -> str:  # noqa: D102
        x, t = self.names
        return f"−log softmax({x})[{t}]" if self._by_class else f"−Σ {t} · log softmax({x})"

    def forward_at(self, at: Index) -> str:  # noqa: D102
        found = self._row(at)
        if found is None:
            return ""
        p, t = found
        if self._by_class:
            return f"−log({number(p[int(t)])})"
        with np.errstate(all="ignore"):
            return f"−({added(t * np.log(p), lambda i: f'{inside(number(t[i]))} · log({number(p[i])})')})"

    def back(self, k: int) -> str:  # noqa: D102
        x, t = self.names
        if self._by_class:
            return f"{self.g_name} · (softmax({x}) − 1 at class {t})"
        return f"{self.g_name} · (softmax({x}) − {t})"

    def back_at(self, k: int, at: Index) -> str:  # noqa: D102
        found = self._row(at[:-1])
        if found is None or self.g is None:
            return ""
        (p, t), g = found, inside(number(self.g[at[:-1]]))
        if self._by_class:
            return f"{g} · ({number(p[at[-1]])} − {int(t == at[-1])})"
        whole = number(np.sum(t))
        times = "" if whole == "1" else f" · {inside(whole)}"
        return f"{g} · ({number(p[at[-1]])}{times} − {inside(number(t[at[-1]]))})"


def rule_of(node: Node, given: list[Any], y: Array, names: list[str]) -> Rule:
    """The texts of one op; those of an op without a family are its name."""
    assert node.op is not None
    return _families.get(node.op, Rule)(node, given, y, names)


_C: Any = conv
_L: Any = linalg
_R: Any = reduce
_S: Any = shape
_I: Any = indexing
_pairs: dict[Op, tuple[str, str, str]] = {
    _F._squared_error.op: ("(a − b)²", "g · 2 · (a − b)", "g · 2 · (b − a)"),
    _F._absolute_error.op: ("|a − b|", "g · sign(a − b)", "g · sign(b − a)"),
    _F._logistic_loss.op: ("log(1 + exp(a)) − a · b", "g · (1 / (1 + exp(−a)) − b)", "−g · a"),
}
_moving = (_S._reshape, _S._permute, _S._broadcast_to, _S._cat, _S._pad, _I._slice, _I._pick, _I.take_rows, _C._unfold)
_families: dict[Op, type[Rule]] = {
    **dict.fromkeys(formulas, Elementwise),
    **dict.fromkeys(_pairs, PairLoss),
    **dict.fromkeys((_L.matmul.op, _L._linear.op, _L._affine.op), Product),
    **dict.fromkeys((_R._sum.op, _R._mean.op), Total),
    **dict.fromkeys((_R._amax.op, _R._amin.op), Extreme),
    **dict.fromkeys((call.op for call in _moving), Moved),
    **dict.fromkeys((_F._softmax.op, _F._log_softmax.op), Softmax),
    **dict.fromkeys((_F._cross_entropy.op, _F._cross_entropy_of_rows.op), CrossEntropy),
    _F._mean.op: Counted,
}
