"""Running sums, products and extremes along a dimension, and differences of neighbours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from autograd_lite.core import Tensor, primitive
from autograd_lite.memory import Array
from autograd_lite.ops.compare import not_equal
from autograd_lite.ops.elementwise import multiply
from autograd_lite.ops.index import gather
from autograd_lite.ops.mathematics import logaddexp
from autograd_lite.ops.order import first_place
from autograd_lite.ops.shape import _data, _operand, along, axes, cat, clone, reshape

__all__ = [
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "cumulative_trapezoid",
    "diff",
    "logcumsumexp",
    "trapezoid",
    "trapz",
]


def _of(input: Any, dim: Any, axis: Any, what: str) -> tuple[Any, int]:
    """The operand, a number as a vector of one, and the dimension from 0 up."""
    if (dim is None) is (axis is None):
        raise TypeError(f"{what} needs dim (or axis, its other name), and not both")
    x = _operand(input)
    (d,) = axes(dim if axis is None else axis, max(x.ndim, 1))
    return x, d


@primitive(x=lambda g, dim: _sums(g[along(dim, slice(None, None, -1))], dim=dim)[along(dim, slice(None, None, -1))])
def _sums(x: Array, *, dim: int) -> Any:
    return np.cumsum(x, axis=dim)


def cumsum(input: Any, dim: int | None = None, *, dtype: Any = None, axis: int | None = None) -> Tensor:
    """Sums of the elements up to each one, along `dim`.

    >>> import autograd_lite as al
    >>> al.cumsum(al.tensor([1.0, 2.0, 3.0]), 0)
    tensor([1., 3., 6.])
    """
    x, d = _of(input, dim, axis, "cumsum")
    y = _sums(x, dim=d) if x.ndim else x * 1
    return y if dtype is None else y.astype(dtype)


def scan(combine: Callable[..., Any], x: Any, d: int) -> Any:
    """Each element combined with all before it, by doubling: log2(n) steps on whole arrays.

    W. D. Hillis and G. L. Steele, "Data parallel algorithms", Communications of the ACM 29 (1986), 1170-1183. Made
    of ops, so that its derivatives are right wherever those of `combine` are, as at zeros in a product.
    """
    step = 1
    while step < x.shape[d]:
        moved = combine(x[along(d, slice(step, None))], x[along(d, slice(None, -step))])
        x = cat([x[along(d, slice(None, step))], moved], d)
        step *= 2
    return x


def cumprod(input: Any, dim: int | None = None, *, dtype: Any = None, axis: int | None = None) -> Tensor:
    """Products of the elements up to each one, along `dim`.

    >>> import autograd_lite as al
    >>> al.cumprod(al.tensor([1.0, 2.0, 3.0]), 0)
    tensor([1., 2., 6.])
    """
    x, d = _of(input, dim, axis, "cumprod")
    y: Tensor = scan(multiply, x * 1, d) if x.ndim else x * 1
    return y if dtype is None else y.astype(dtype)


def logcumsumexp(input: Any, dim: int | None = None, *, axis: int | None = None) -> Tensor:
    """log of the cumulative sums of exp(x), without overflow.

    >>> import autograd_lite as al
    >>> al.logcumsumexp(al.tensor([1000.0, 1000.0]), 0)
    tensor([1000.        , 1000.69314718])
    """
    x, d = _of(input, dim, axis, "logcumsumexp")
    y: Tensor = scan(logaddexp, x * 1, d) if x.ndim else x * 1
    return y


class Cumulative(NamedTuple):
    """What `cummax` and `cummin` give: the values, and where each was found."""

    values: Tensor
    indices: Tensor


@primitive(x=None)
def _places(x: Array, *, dim: int, largest: bool) -> Any:
    """Of each running extreme, the last place at which it stood."""
    extreme = (np.maximum if largest else np.minimum).accumulate(x, axis=dim)
    sizes = [n if d == dim else 1 for d, n in enumerate(x.shape)]
    numbers = np.arange(x.shape[dim]).reshape(sizes)
    return np.maximum.accumulate(np.where((x == extreme) | np.isnan(x), numbers, 0), axis=dim)


def _running(input: Any, dim: Any, axis: Any, what: str, largest: bool) -> Cumulative:
    x, d = _of(input, dim, axis, what)
    if not x.ndim:
        return Cumulative(x * 1, first_place(x))
    indices = _places(x, dim=d, largest=largest)
    return Cumulative(gather(x, d, indices), indices)


def cummax(input: Any, dim: int | None = None, *, axis: int | None = None) -> Cumulative:
    """The largest so far along `dim`, and where it is, the last of equals: (values, indices).

    >>> import autograd_lite as al
    >>> al.cummax(al.tensor([1.0, 3.0, 2.0]), 0).values
    tensor([1., 3., 3.])
    """
    return _running(input, dim, axis, "cummax", True)


def cummin(input: Any, dim: int | None = None, *, axis: int | None = None) -> Cumulative:
    """The smallest so far along `dim`, and where it is, the last of equals: (values, indices).

    >>> import autograd_lite as al
    >>> al.cummin(al.tensor([2.0, 3.0, 1.0]), 0).indices
    tensor([0, 0, 2])
    """
    return _running(input, dim, axis, "cummin", False)


def diff(input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Tensor:
    """Differences of neighbours along `dim`, n times over; `prepend` and `append` are joined on first.

    Raises ValueError for a number.

    >>> import autograd_lite as al
    >>> al.diff(al.tensor([1.0, 4.0, 9.0]))
    tensor([3., 5.])
    """
    x = _operand(input)
    if not x.ndim:
        raise ValueError("diff: a number has no neighbours: it takes at least one dimension")
    (d,) = axes(dim, x.ndim)
    parts = [p for p in (prepend, x, append) if p is not None]
    x = cat(parts, d) if len(parts) > 1 else x
    for _ in range(min(n, x.shape[d])):
        upper, lower = x[along(d, slice(1, None))], x[along(d, slice(None, -1))]
        x = not_equal(upper, lower) if _data(x).dtype == np.bool_ else upper - lower
    return x if n else clone(x)


def _areas(y: Any, x: Any, dx: float, dim: int) -> Tensor:
    y = _operand(y)
    (d,) = axes(dim, y.ndim)
    heights = (y[along(d, slice(1, None))] + y[along(d, slice(None, -1))]) * 0.5
    if x is None:
        return multiply(heights, dx)
    x = _operand(x)
    x = reshape(x, tuple(-1 if k == d else 1 for k in range(y.ndim))) if x.ndim == 1 else x
    return multiply(heights, diff(x, dim=d - y.ndim + x.ndim))


def trapezoid(y: Any, x: Any = None, *, dx: float = 1.0, dim: int = -1) -> Tensor:
    """The area under y along `dim`, at the places x or a distance of dx apart, by the trapezoid rule.

    >>> import autograd_lite as al
    >>> al.trapezoid(al.tensor([1.0, 2.0, 3.0]))
    tensor(4.)
    """
    return _areas(y, x, dx, dim).sum(dim)


def cumulative_trapezoid(y: Any, x: Any = None, *, dx: float = 1.0, dim: int = -1) -> Tensor:
    """The area under y up to each place, by the trapezoid rule: one shorter than y.

    >>> import autograd_lite as al
    >>> al.cumulative_trapezoid(al.tensor([1.0, 2.0, 3.0]))
    tensor([1.5, 4. ])
    """
    return cumsum(_areas(y, x, dx, dim), dim)


trapz = trapezoid
