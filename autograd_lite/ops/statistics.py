"""Reductions beyond sum and mean: products, medians, counts, lengths, covariances."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from autograd_lite.core import Tensor, primitive
from autograd_lite.memory import Array
from autograd_lite.ops.compare import eq, isinf, isnan, logical_not, logical_or
from autograd_lite.ops.elementwise import absolute, power, where
from autograd_lite.ops.index import gather
from autograd_lite.ops.order import Sorted, at_places, kthvalue, sort
from autograd_lite.ops.reduce import _either, _extreme_rule, _root, amax, amin, any, euclidean, mean, std, sum, var
from autograd_lite.ops.shape import (
    Dims,
    _data,
    _operand,
    along,
    axes,
    cat,
    flatten,
    reduced,
    reshape,
    squeeze,
    unsqueeze,
)

__all__ = [
    "aminmax",
    "cdist",
    "corrcoef",
    "count_nonzero",
    "cov",
    "dist",
    "median",
    "nanmean",
    "nanmedian",
    "nanquantile",
    "nansum",
    "norm",
    "prod",
    "quantile",
    "std_mean",
    "var_mean",
]


def prod(
    input: Any,
    dim: Dims | None = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    axis: Dims | None = None,
    keepdims: bool = False,
) -> Tensor:
    """The product over `dim`.

    By halves: about log2(n) multiplications of whole arrays, whose derivatives are right at zeros, too.

    >>> import autograd_lite as al
    >>> al.prod(al.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1)
    tensor([ 2., 12.])
    >>> al.func.grad(al.prod)(al.tensor([0.0, 2.0, 3.0]))
    tensor([6., 0., 0.])
    """
    x = _operand(input) if dtype is None else _operand(input).astype(dtype)
    x = x * (1 if x.dtype.kind == "f" or dtype is not None else np.add.reduce(np.ones(1, x.dtype)))
    dims = reduced(_either(dim, axis), x.ndim)
    for d in dims:
        while x.shape[d] > 1:
            half = x.shape[d] // 2
            rest = x[along(d, slice(2 * half, None))]
            x = x[along(d, slice(None, half))] * x[along(d, slice(half, 2 * half))]
            x = cat([x, rest], d) if rest.shape[d] else x
        if not x.shape[d]:
            x = sum(x, d, True) + 1
    return x if keepdim or keepdims else squeeze(x, dims)


def nansum(
    input: Any, dim: Dims | None = None, keepdim: bool = False, *, axis: Dims | None = None, keepdims: bool = False
) -> Tensor:
    """The sum over `dim` of what is not NaN.

    >>> import autograd_lite as al
    >>> al.nansum(al.tensor([1.0, float("nan")]))
    tensor(1.)
    """
    return sum(where(isnan(input), 0, input), _either(dim, axis), keepdim or keepdims)


def nanmean(
    input: Any, dim: Dims | None = None, keepdim: bool = False, *, axis: Dims | None = None, keepdims: bool = False
) -> Tensor:
    """The mean over `dim` of what is not NaN.

    >>> import autograd_lite as al
    >>> al.nanmean(al.tensor([1.0, float("nan"), 2.0]))
    tensor(1.5)
    """
    dims, keep = _either(dim, axis), keepdim or keepdims
    count = sum(logical_not(isnan(input)), dims, keep)
    return nansum(input, dims, keep) / count.astype(_data(input).dtype)


@primitive(x=lambda g, x, y, x_shape: _extreme_rule(g, x, y, x_shape, tuple(range(len(x_shape)))))
def _median(x: Array) -> Any:
    """The lower median of all; NaN if there is one."""
    return np.sort(x, axis=None)[(x.size - 1) // 2 if not np.isnan(x).any() else -1]


def _middle(x: Any, dim: int, keepdim: bool, skip: bool) -> Sorted:
    (d,) = axes(dim, max(x.ndim, 1))
    if not x.ndim:
        return kthvalue(x, 1, dim, keepdim)
    ranked, raw = sort(x, d).indices, _data(x)
    numbers = np.sum(~np.isnan(raw), axis=d, keepdims=True) if raw.dtype.kind == "f" else np.array(raw.shape[d])
    last = raw.shape[d] - 1
    place = (
        np.maximum(numbers - 1, 0) // 2 if skip else np.where(numbers == raw.shape[d], last // 2, numbers)
    )  # of NaN the first
    place = np.broadcast_to(place, [1 if k == d else n for k, n in enumerate(raw.shape)])
    return at_places(x, d, gather(ranked, d, place), keepdim)


def median(input: Any, dim: int | None = None, keepdim: bool = False, *, axis: int | None = None) -> Any:
    """The lower median of all, or with `dim` a pair (values, indices) along it. NaN counts as the largest.

    Raises ValueError for the median of nothing.

    >>> import autograd_lite as al
    >>> al.median(al.tensor([3.0, 1.0, 2.0, 4.0]))
    tensor(2.)
    """
    x, dim = _operand(input), _either(dim, axis)
    if dim is not None:
        return _middle(x, dim, keepdim, False)
    if not np.size(x):
        raise ValueError("the median of nothing")
    return _median(x)


def nanmedian(input: Any, dim: int | None = None, keepdim: bool = False, *, axis: int | None = None) -> Any:
    """The lower median of what is not NaN, or with `dim` a pair (values, indices) along it.

    >>> import autograd_lite as al
    >>> al.nanmedian(al.tensor([3.0, float("nan"), 2.0]))
    tensor(2.)
    """
    x, dim = _operand(input), _either(dim, axis)
    if dim is not None:
        return _middle(x, dim, keepdim, True)
    numbers = flatten(x)[~np.isnan(flatten(_data(x)))]
    return median(numbers if np.size(numbers) else x)


def quantile(
    input: Any, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """What a share q of the elements along `dim` is below: between two of them by `interpolation`.

    q is a number or a vector from 0 to 1, which becomes the first dimension. `interpolation` is linear, lower,
    higher, midpoint or nearest. Raises ValueError for another q or interpolation.

    >>> import autograd_lite as al
    >>> al.quantile(al.tensor([1.0, 2.0, 3.0, 4.0]), 0.5)
    tensor(2.5)
    """
    x, share = _operand(input), np.asarray(_data(q), np.float64)
    if share.ndim > 1 or not np.all((share >= 0) & (share <= 1)):
        raise ValueError(f"quantile: q is a number or a vector of numbers from 0 to 1, and this is {q!r}")
    kept_shape = [1] * x.ndim if dim is None else [1 if k == dim % x.ndim else n for k, n in enumerate(x.shape)]
    rows = flatten(x) if dim is None or not x.ndim else x.swapaxes(dim, -1)
    ranked = sort(rows, -1).values
    place = share.reshape(-1) * (ranked.shape[-1] - 1)
    below, above = np.floor(place).astype(np.int64), np.ceil(place).astype(np.int64)
    ways = {"linear": place - below, "midpoint": np.where(above > below, 0.5, 0.0), "lower": place * 0.0}
    ways |= {"higher": np.where(above > below, 1.0, 0.0), "nearest": np.rint(place) - below}
    if interpolation not in ways:
        raise ValueError(f"quantile: interpolation is one of {', '.join(ways)}, and not {interpolation!r}")
    weight = ways[interpolation].astype(_data(x).dtype)
    low, high = ranked[..., below], ranked[..., above]
    found = low + (high - low) * weight
    found = where(any(isnan(rows), -1, True), np.nan, found)
    order = (found.ndim - 1, *range(found.ndim - 1))
    parts = found.transpose(order)
    parts = parts if dim is None or not x.ndim else parts[..., None].swapaxes(1 + dim % x.ndim, -1)
    parts = reshape(parts, (share.size, *kept_shape))
    parts = parts if keepdim else squeeze(parts, _gone(dim, x.ndim))
    return parts if share.ndim else parts[0]


def _gone(dim: int | None, ndim: int) -> tuple[int, ...]:
    """The reduced dimensions, behind a new first one."""
    return tuple(range(1, ndim + 1)) if dim is None else (1 + dim % max(ndim, 1),) * bool(ndim)


def nanquantile(
    input: Any, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """`quantile` of what is not NaN, of a whole tensor or of rows that hold as many numbers each.

    Raises ValueError where they hold different numbers.

    >>> import autograd_lite as al
    >>> al.nanquantile(al.tensor([1.0, float("nan"), 3.0]), 0.5)
    tensor(2.)
    """
    x = _operand(input)
    if dim is None:
        return quantile(flatten(x)[~np.isnan(flatten(_data(x)))], q, 0, interpolation=interpolation)
    rows = x.swapaxes(dim, -1)
    numbers = ~np.isnan(_data(rows))
    counts = numbers.sum(-1)
    if np.unique(counts).size > 1:
        raise ValueError("nanquantile along a dimension needs as many numbers in each row")
    kept_rows = reshape(rows[numbers], (*rows.shape[:-1], -1))
    return quantile(kept_rows.swapaxes(dim, -1), q, dim, keepdim, interpolation=interpolation)


def var_mean(
    input: Any,
    dim: Dims | None = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: int | None = None,
    axis: Dims | None = None,
    keepdims: bool = False,
) -> tuple[Any, Any]:
    """(`var`, `mean`), with the arguments of `var`.

    >>> import autograd_lite as al
    >>> al.var_mean(al.tensor([1.0, 3.0]))
    (tensor(2.), tensor(2.))
    """
    dim, unbiased = (None, dim) if isinstance(dim, bool) else (dim, unbiased)
    dims, keep = _either(dim, axis), keepdim or keepdims
    return var(input, dims, unbiased, keep, correction=correction), mean(input, dims, keep)


def std_mean(
    input: Any, dim: Dims | None = None, unbiased: bool = True, keepdim: bool = False, **more: Any
) -> tuple[Tensor, ...]:
    """(`std`, `mean`), with the arguments of `std`.

    >>> import autograd_lite as al
    >>> al.std_mean(al.tensor([1.0, 3.0]), unbiased=False)
    (tensor(1.), tensor(2.))
    """
    dim, unbiased = (None, dim) if isinstance(dim, bool) else (dim, unbiased)
    averaged = {k: v for k, v in more.items() if k != "correction"}
    return std(input, dim, unbiased, keepdim, **more), mean(input, dim, keepdim, **averaged)


class MinMax(NamedTuple):
    """What `aminmax` gives."""

    min: Tensor
    max: Tensor


def aminmax(input: Any, *, dim: int | None = None, keepdim: bool = False) -> MinMax:
    """The smallest and the largest over `dim`: (min, max).

    >>> import autograd_lite as al
    >>> al.aminmax(al.tensor([2.0, 1.0, 3.0]))
    MinMax(min=tensor(1.), max=tensor(3.))
    """
    return MinMax(amin(input, dim, keepdim), amax(input, dim, keepdim))


@primitive(x=None)
def _count_nonzero(x: Array, *, dim: tuple[int, ...]) -> Any:
    return np.sum(x != 0, axis=dim)


def count_nonzero(input: Any, dim: Dims | None = None) -> Tensor:
    """How many elements over `dim` are not 0.

    >>> import autograd_lite as al
    >>> al.count_nonzero(al.tensor([[0, 1], [2, 3]]), dim=0)
    tensor([1, 2])
    """
    return _count_nonzero(input, dim=axes(dim, np.ndim(_data(input))))


# Lengths and distances


def norm(input: Any, p: Any = "fro", dim: Dims | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The p-norm of the elements over `dim`: sum(|x|^p)^(1/p). p is a number, infinity of either sign, 0, or "fro" (2).

    The slope of a length of 0 is taken as 0. Of matrices' norms `al.linalg.norm` knows more. Raises ValueError for
    another word.

    >>> import autograd_lite as al
    >>> al.norm(al.tensor([3.0, 4.0])), al.norm(al.tensor([3.0, 4.0]), 1)
    (tensor(5.), tensor(7.))
    """
    x = input if dtype is None else _operand(input).astype(dtype)
    if p in ("fro", None):
        return euclidean(x, dim, keepdim)
    if isinstance(p, str):
        raise ValueError(f"norm: p={p!r} is none of a number, infinity and 'fro': al.linalg.norm has those of matrices")
    return p_norm(x, float(p), dim, keepdim)


def p_norm(x: Any, p: float, dim: Dims | None, keepdim: bool) -> Tensor:
    """The p-norm over some dimensions, p a number or infinite."""
    if p == 2:
        return euclidean(x, dim, keepdim)
    size = absolute(x)
    if math.isinf(p):
        return (amax if p > 0 else amin)(size, dim, keepdim)
    if p == 1:
        return sum(size, dim, keepdim)
    if p == 0:
        return sum(where(eq(x, 0), 0.0, size * 0.0 + 1.0), dim, keepdim)
    powers = power(size, p)
    if p < 2:  # whose second slope at 0 is infinite
        none = eq(x, 0)
        powers = where(none, 0.0 if p > 0 else np.inf, power(where(none, 1.0, size), p))
    total = sum(powers, dim, keepdim)
    flat = logical_or(eq(total, 0), isinf(total))
    return where(flat, 0.0, power(where(flat, 1.0, total), 1.0 / p))


def dist(input: Any, other: Any, p: float = 2) -> Tensor:
    """The p-norm of the difference.

    >>> import autograd_lite as al
    >>> al.dist(al.tensor([1.0, 1.0]), al.tensor([4.0, 5.0]))
    tensor(5.)
    """
    return norm(_operand(input) - _operand(other), p)


def cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: str | None = None) -> Tensor:
    """The p-norm distances between all rows of x1 (..., n, d) and all of x2 (..., m, d): (..., n, m).

    Raises ValueError for vectors, and where d differs.

    >>> import autograd_lite as al
    >>> al.cdist(al.zeros(1, 2), al.tensor([[3.0, 4.0], [0.0, 1.0]]))
    tensor([[5., 1.]])
    """
    a, b = _operand(x1), _operand(x2)
    if a.ndim < 2 or b.ndim < 2 or a.shape[-1] != b.shape[-1]:
        raise ValueError(f"cdist needs rows of one length, and got {np.shape(a)} and {np.shape(b)}")
    return norm(unsqueeze(a, -2) - unsqueeze(b, -3), p, -1)


def cov(input: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Tensor:
    """The covariances of variables (rows) over observations (columns), with frequencies and weights if given.

    Raises ValueError for more dimensions than two.

    >>> import autograd_lite as al
    >>> al.cov(al.tensor([[1.0, 3.0], [2.0, 8.0]])).tolist()
    [[2.0, 6.0], [6.0, 18.0]]
    """
    x = _operand(input)
    if x.ndim > 2:
        raise ValueError(f"cov takes a matrix of variables by observations, and this has shape {np.shape(x)}")
    rows = reshape(x, (1, -1)) if x.ndim < 2 else x
    weights = np.ones(rows.shape[-1]) if fweights is None else np.asarray(_data(fweights), float)
    total, extra = weights.sum(), None if aweights is None else np.asarray(_data(aweights), float)
    weights = weights if extra is None else weights * extra
    sum_of = weights.sum()
    freedom = total - correction if extra is None else sum_of - correction * (weights * extra).sum() / sum_of
    weights = weights.astype(_data(x).dtype)
    centred = rows - sum(rows * weights, 1, True) / float(sum_of)
    found = (centred * weights) @ centred.swapaxes(0, 1) / float(max(freedom, 0.0))
    return found if x.ndim == 2 else found[0, 0]


def corrcoef(input: Any) -> Tensor:
    """The correlations of variables (rows) over observations (columns).

    >>> import autograd_lite as al
    >>> al.corrcoef(al.tensor([[1.0, 3.0, 2.0], [2.0, 6.0, 4.0]])).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    c = cov(input)
    if not c.ndim:
        return c / c
    spread = _root(c[np.arange(len(c)), np.arange(len(c))])
    return c / spread[:, None] / spread[None, :]
