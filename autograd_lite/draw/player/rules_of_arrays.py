"""The rules of ops on whole arrays: products of matrices, sums, largest numbers, and what moves numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from autograd_lite.draw.player.numbers import Index, added, entry, flat, inside, number, plain_sum, product, unflat
from autograd_lite.draw.player.rules import Rule
from autograd_lite.memory import Array
from autograd_lite.ops import fused, linalg, reduce
from autograd_lite.ops import shape as shapes

_F: Any = fused
_L: Any = linalg
_R: Any = reduce
_S: Any = shapes


class Product(Rule):
    """A product of matrices: `x wᵀ` and `a b`, which may have leading dimensions."""

    @property
    def _plain(self) -> bool:
        return self.op is _L.matmul.op

    @cached_property
    def _matrices(self) -> tuple[Array, Array, Index] | None:
        """Both operands as matrices, and the leading dimensions of their product; None where one is not known."""
        a, b = self.given[:2]
        if a is None or b is None:
            return None
        a, b = np.asarray(a), np.asarray(b)
        if not self._plain:
            return a.reshape(-1, a.shape[-1]), b.T, ()
        a, b = (a[None] if a.ndim == 1 else a), (b[:, None] if b.ndim == 1 else b)
        return a, b, np.broadcast_shapes(a.shape[:-2], b.shape[:-2])

    def forward(self) -> str:  # noqa: D102
        a, b = (inside(name) for name in self.names[:2])
        return " + ".join([f"{a} {b}" if self._plain else f"{a} {b}ᵀ", *self.names[2:]])

    def forward_at(self, at: Index) -> str:  # noqa: D102
        if self._matrices is None:
            return ""
        a, b, lead = self._matrices
        *where, i, j = unflat(flat(at, self.y.shape), (*lead, a.shape[-2], b.shape[-1]))
        text = product(_at(a, lead, where)[i], _at(b, lead, where)[:, j])
        return f"{text} + {inside(number(self.given[2][j]))}" if self.given[2:] else text

    def back(self, k: int) -> str:  # noqa: D102
        a, b = self.names[:2]
        if k == 2:
            return f"Σ {self.g_name}, over rows"
        if k == 0:
            return f"{self.g_name} {b}{'ᵀ' if self._plain else ''}"
        return f"{a}ᵀ {self.g_name}" if self._plain else f"{self.g_name}ᵀ {a}"

    def back_at(self, k: int, at: Index) -> str:  # noqa: D102
        if self.g is None:
            return ""
        if k == 2:
            return plain_sum(self.g.reshape(-1, self.g.shape[-1])[:, at[0]])
        if self._matrices is None:
            return ""
        a, b, lead = self._matrices
        if (b if k else a).shape[:-2] != lead:
            return ""  # it is a sum over leading dimensions, too
        g = self.g.reshape(*lead, a.shape[-2], b.shape[-1])
        if k == 0:
            *where, i, j = unflat(flat(at, self.shape(0)), a.shape)
            return product(_at(g, lead, where)[i], _at(b, lead, where)[j])
        if not self._plain:
            at = at[::-1]  # a weight is (out, in)
        *where, i, j = at if len(at) > 1 else (*at, 0)
        return product(_at(a, lead, where)[:, i], _at(g, lead, where)[:, j])


def _at(matrices: Array, lead: Index, where: Sequence[int]) -> Array:
    """One of some matrices."""
    one: Array = np.broadcast_to(matrices, (*lead, *matrices.shape[-2:]))[tuple(where)]
    return one


class Total(Rule):
    """A sum or a mean, over some dimensions or all."""

    @cached_property
    def map(self) -> Array:
        """For each number that is added up, the place of the result that it goes to."""
        of = self.shape(0)
        dims = self.node.attrs.get("dim", tuple(range(len(of))))
        kept = tuple(1 if d in dims else n for d, n in enumerate(of))
        return np.broadcast_to(np.arange(self.y.size).reshape(kept), of)

    @property
    def _divisor(self) -> str:
        if self.op is _R._sum.op:
            return ""
        return f" / {math.prod(self.shape(0)) // max(self.y.size, 1)}"

    def forward(self) -> str:  # noqa: D102
        over = self._divisor
        return f"(Σ {self.names[0]}){over}" if over else f"Σ {self.names[0]}"

    def forward_at(self, at: Index) -> str:  # noqa: D102
        if self.given[0] is None:
            return ""
        text = plain_sum(np.asarray(self.given[0])[self.map == flat(at, self.y.shape)])
        return f"({text}){self._divisor}" if self._divisor and " + " in text else f"{text}{self._divisor}"

    def back(self, k: int) -> str:  # noqa: D102
        return f"{self.g_name}{self._divisor}, for each"

    def back_at(self, k: int, at: Index) -> str:  # noqa: D102
        return "" if self.g is None else f"{number(np.ravel(self.g)[self.map[at]])}{self._divisor}"


class Counted(Total):
    """A mean over those targets that count."""

    @cached_property
    def _counts(self) -> Array | None:
        index = self.given[1]
        return None if index is None else np.asarray(index) != self.node.attrs["ignore"]

    @property
    def _divisor(self) -> str:
        return " / n" if self._counts is None else f" / {np.count_nonzero(self._counts)}"

    def back_at(self, k: int, at: Index) -> str:  # noqa: D102
        if self._counts is None:
            return ""
        return super().back_at(k, at) if self._counts[at] else "0"


class Extreme(Total):
    """The largest or the smallest; those that are equal share the gradient."""

    @property
    def _word(self) -> str:
        return "max" if self.op is _R._amax.op else "min"

    def forward(self) -> str:  # noqa: D102
        return f"{self._word} {self.names[0]}"

    def forward_at(self, at: Index) -> str:  # noqa: D102
        return ""

    def back(self, k: int) -> str:  # noqa: D102
        return f"{self.g_name} where {self.names[0]} is the {self._word}, else 0"

    def back_at(self, k: int, at: Index) -> str:  # noqa: D102
        if self.given[0] is None or self.g is None:
            return ""
        x, place = np.asarray(self.given[0]), self.map[at]
        y = np.ravel(self.y)[place]
        ties = np.count_nonzero(x[self.map == place] == y)
        text = f"{inside(number(np.ravel(self.g)[place]))} · [{number(x[at])} = {number(y)}]"
        return f"{text} / {ties}" if ties > 1 else text


class Moved(Rule):
    """The same numbers in other places: reshaped, picked, joined, padded."""

    @cached_property
    def _source(self) -> Array | None:
        """For each number of the result, its place among all numbers of the operands; -1 for what is put in."""
        if self._joined:
            starts = np.cumsum([0, *(math.prod(self.shape(k)) for k in range(len(self.given)))])
            pieces = [starts[k] + _places(self.shape(k)) for k in range(len(self.given))]
            return np.asarray(self.op.forward(*pieces, **self.node.attrs))
        if any(v is None for v in self.given[1:]):
            return None
        attrs = self.node.attrs | ({"value": -1} if "value" in self.node.attrs else {})
        return np.asarray(self.op.forward(_places(self.shape(0)), *self.given[1:], **attrs))

    @property
    def _joined(self) -> bool:
        return self.op is _S._cat.op

    def forward_at(self, at: Index) -> str:  # noqa: D102
        if self._source is None:
            return ""
        place, k = int(self._source[at]), 0
        if place < 0:
            return ""
        while self._joined and place >= math.prod(self.shape(k)):
            place -= math.prod(self.shape(k))
            k += 1
        return f"{self.names[k]}{entry(unflat(place, self.shape(k)))}"

    def back(self, k: int) -> str:  # noqa: D102
        return f"{self.g_name}, each number back in its place"

    def back_at(self, k: int, at: Index) -> str:  # noqa: D102
        if self._source is None or self.g is None:
            return ""
        start = sum(math.prod(self.shape(i)) for i in range(k))
        return plain_sum(self.g[self._source == start + flat(at, self.shape(k))])


def _places(shape: Index) -> Array:
    return np.arange(math.prod(shape)).reshape(shape)


class Softmax(Rule):
    """Softmax and its logarithm, along a dimension."""

    @property
    def _logarithm(self) -> bool:
        return self.op is _F._log_softmax.op

    def _along(self, array: Array, at: Index) -> Array:
        dim = self.node.attrs["dim"]
        row: Array = np.moveaxis(array, dim, -1)[at[:dim] + at[dim + 1 :]]
        return row

    def forward(self) -> str:  # noqa: D102
        x = self.names[0]
        return f"{x} − log Σ exp({x})" if self._logarithm else f"exp({x}) / Σ exp({x})"

    def forward_at(self, at: Index) -> str:  # noqa: D102
        if self.given[0] is None:
            return ""
        x = np.asarray(self.given[0])
        row = self._along(x, at).astype(float)
        with np.errstate(all="ignore"):
            total = float(np.sum(np.exp(row)))
        if not 0 < total < math.inf:
            return ""
        if self._logarithm:
            return f"{number(x[at])} − {inside(number(math.log(total)))}"
        return f"exp({number(x[at])}) / ({added(row, lambda i: f'exp({number(row[i])})')})"

    def back(self, k: int) -> str:  # noqa: D102
        if self._logarithm:
            return f"{self.g_name} − exp({self.y_name}) · Σ {self.g_name}"
        return f"{self.y_name} · ({self.g_name} − Σ {self.g_name} · {self.y_name})"

    def back_at(self, k: int, at: Index) -> str:  # noqa: D102
        if self.g is None:
            return ""
        g, y, row = number(self.g[at]), number(self.y[at]), self._along(self.g, at)
        if self._logarithm:
            return f"{g} − exp({y}) · {inside(number(row.sum()))}"
        return f"{y} · ({g} − {inside(number((row * self._along(self.y, at)).sum()))})"
