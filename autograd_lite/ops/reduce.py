"""Reductions. All take `dim` (or NumPy's `axis`): None for all, a number, or several; and `keepdim` (`keepdims`)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autograd_lite.core import Tensor, ndarray, primitive
from autograd_lite.memory import Array
from autograd_lite.ops.elementwise import exp, maximum, minimum, square
from autograd_lite.ops.shape import Dims, axes, clone, kept, reduced, squeeze, stretched, unsqueeze

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "logsumexp",
    "max",
    "mean",
    "min",
    "std",
    "sum",
    "var",
]

Axes = tuple[int, ...]
add_reduce: Any = np.add.reduce  # Any: their overloads know no `keepdims` that is a variable
maximum_reduce: Any = np.maximum.reduce
minimum_reduce: Any = np.minimum.reduce


def _spread(g: Any, shape: tuple[int, ...], dim: Axes) -> Any:
    """The gradient of a reduction, at every element that was reduced."""
    if type(g) is ndarray and len(dim) == len(shape) and g.size == 1:
        filled = np.empty(shape, g.dtype)
        filled.fill(g.item())  # 0.6 µs against 4 for a broadcast view, for a small loss (2026-11)
        return filled
    return stretched(g if dim == (0,) else g.reshape(kept(shape, dim)), shape)


def _ndim(x: Any) -> int:
    return x._array.ndim if isinstance(x, Tensor) else np.ndim(x)


def _either(dim: Any, axis: Any) -> Any:
    """`dim` under whichever of its names it was given."""
    if dim is not None and axis is not None:
        raise TypeError("give dim or axis, not both: they are two names of one thing")
    return axis if dim is None else dim


def _in(x: Any, dtype: Any) -> Any:
    return x.to(dtype) if isinstance(x, Tensor) else np.asarray(x, dtype)


def _over(reduction: Any, x: Any, dim: Any, keepdim: bool, axis: Any, keepdims: bool) -> Tensor:
    """A reduction, its arguments under whichever of their names they were given."""
    found: Tensor = reduction(x, dim=reduced(_either(dim, axis), _ndim(x)), keepdim=keepdim or keepdims)
    return found


@primitive(x=lambda g, x_shape, dim: _spread(g, x_shape, dim))
def _sum(x: Array, *, dim: Axes, keepdim: bool) -> Any:
    return add_reduce(x, axis=dim, keepdims=keepdim)


def sum(
    input: Any,
    dim: Dims | None = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    axis: Dims | None = None,
    keepdims: bool = False,
) -> Tensor:
    """The sum over `dim`.

    >>> import autograd_lite as al
    >>> al.sum(al.ones(2, 3), dim=0)
    tensor([2., 2., 2.])
    """
    input = input if dtype is None else _in(input, dtype)
    return _over(_sum, input, dim, keepdim, axis, keepdims)


@primitive(x=lambda g, x_shape, dim: _spread(g, x_shape, dim) / _count(x_shape, dim))
def _mean(x: Array, *, dim: Axes, keepdim: bool) -> Any:
    count = _count(x.shape, dim)
    if not count:
        raise ValueError(f"the mean of nothing: shape {x.shape} over dim {dim}")
    return add_reduce(x, axis=dim, keepdims=keepdim) / count


def _count(shape: tuple[int, ...], dim: Axes) -> float:
    count = 1.0
    for d in dim:
        count *= shape[d]
    return count


def mean(
    input: Any,
    dim: Dims | None = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    axis: Dims | None = None,
    keepdims: bool = False,
) -> Tensor:
    """The mean over `dim`. Raises ValueError where there is nothing to average.

    >>> import autograd_lite as al
    >>> al.mean(al.arange(4.0))
    tensor(1.5)
    """
    input = input if dtype is None else _in(input, dtype)
    return _over(_mean, input, dim, keepdim, axis, keepdims)


def var(
    input: Any,
    dim: Dims | None = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: int | None = None,
    axis: Dims | None = None,
    keepdims: bool = False,
) -> Tensor:
    """The variance over `dim`: squares about the mean, divided by n - 1 (`unbiased`), or by n - `correction`.

    Raises ValueError where that is not above 0.

    >>> import autograd_lite as al
    >>> al.var(al.tensor([1.0, 3.0])), al.var(al.tensor([1.0, 3.0]), unbiased=False)
    (tensor(2.), tensor(1.))
    """
    dim, unbiased = (None, dim) if isinstance(dim, bool) else (dim, unbiased)  # var(x, False), as PyTorch has it
    dims = reduced(_either(dim, axis), _ndim(input))
    ddof = int(unbiased) if correction is None else correction
    centred = input - mean(input, dims, True)
    total = sum(square(centred), dims, keepdim or keepdims)
    count = _count(np.shape(input.data if isinstance(input, Tensor) else input), dims) - ddof
    if count <= 0:
        raise ValueError(
            f"var: no degrees of freedom are left over dim {dims} with correction {ddof}; unbiased=False divides by n"
        )
    return total / count


@primitive(x=lambda g, y: np.where(y == 0, 0.0, g * 0.5 / np.where(y == 0, 1.0, y)))
def _root(x: Array) -> Any:
    return np.sqrt(x)


def std(input: Any, dim: Dims | None = None, unbiased: bool = True, keepdim: bool = False, **more: Any) -> Tensor:
    """The square root of `var`, with the same arguments; its slope where all are equal is taken as 0.

    >>> import autograd_lite as al
    >>> al.std(al.tensor([1.0, 3.0])), al.std(al.tensor([1.0, 3.0]), unbiased=False)
    (tensor(1.41421356), tensor(1.))
    """
    return _root(var(input, dim, unbiased, keepdim, **more))


def _extreme_rule(g: Any, x: Any, y: Any, x_shape: tuple[int, ...], dim: Axes) -> Any:
    """Shared evenly among the elements that attain the extreme."""
    hit = x == y.reshape(kept(x_shape, dim))
    share = g.reshape(kept(x_shape, dim)) / np.sum(hit, axis=dim, keepdims=True)
    return hit * share


@primitive(x=_extreme_rule)
def _amax(x: Array, *, dim: Axes, keepdim: bool) -> Any:
    return maximum_reduce(x, axis=dim, keepdims=keepdim)


@primitive(x=_extreme_rule)
def _amin(x: Array, *, dim: Axes, keepdim: bool) -> Any:
    return minimum_reduce(x, axis=dim, keepdims=keepdim)


def amax(
    input: Any,
    dim: Dims | None = None,
    keepdim: bool = False,
    *,
    axis: Dims | None = None,
    keepdims: bool = False,
) -> Tensor:
    """The largest over `dim`; equal ones share the gradient evenly.

    >>> import autograd_lite as al
    >>> al.amax(al.tensor([[1.0, 4.0], [3.0, 2.0]]), dim=1)
    tensor([4., 3.])
    >>> al.func.grad(al.amax)(al.tensor([4.0, 1.0, 4.0]))
    tensor([0.5, 0. , 0.5])
    """
    return _over(_amax, input, dim, keepdim, axis, keepdims)


def amin(
    input: Any,
    dim: Dims | None = None,
    keepdim: bool = False,
    *,
    axis: Dims | None = None,
    keepdims: bool = False,
) -> Tensor:
    """The smallest over `dim`; equal ones share the gradient evenly.

    >>> import autograd_lite as al
    >>> al.amin(al.tensor([[1.0, 4.0], [3.0, 2.0]]), dim=1)
    tensor([1., 2.])
    >>> al.func.grad(al.amin)(al.tensor([4.0, 1.0, 1.0]))
    tensor([0. , 0.5, 0.5])
    """
    return _over(_amin, input, dim, keepdim, axis, keepdims)


@primitive(x=None)
def _argmax(x: Array, *, dim: int | None, keepdim: bool) -> Any:
    return np.argmax(x, axis=dim, keepdims=keepdim)


@primitive(x=None)
def _argmin(x: Array, *, dim: int | None, keepdim: bool) -> Any:
    return np.argmin(x, axis=dim, keepdims=keepdim)


def argmax(
    input: Any, dim: int | None = None, keepdim: bool = False, *, axis: int | None = None, keepdims: bool = False
) -> Tensor:
    """Where the largest is, along `dim` or, for None, in the flattened tensor; the first of equals.

    >>> import autograd_lite as al
    >>> x = al.tensor([[1, 9], [7, 2]])
    >>> al.argmax(x), al.argmax(x, dim=1), al.argmax(x, dim=1, keepdim=True).shape
    (tensor(1), tensor([1, 0]), (2, 1))
    """
    return _argmax(input, dim=_either(dim, axis), keepdim=keepdim or keepdims)


def argmin(
    input: Any, dim: int | None = None, keepdim: bool = False, *, axis: int | None = None, keepdims: bool = False
) -> Tensor:
    """Where the smallest is, along `dim` or, for None, in the flattened tensor; the first of equals.

    >>> import autograd_lite as al
    >>> x = al.tensor([[1, 9], [7, 2]])
    >>> al.argmin(x), al.argmin(x, dim=1), al.argmin(x, dim=1, keepdim=True).shape
    (tensor(0), tensor([0, 1]), (2, 1))
    """
    return _argmin(input, dim=_either(dim, axis), keepdim=keepdim or keepdims)


@primitive(x=None)
def _any(x: Array, *, dim: Axes, keepdim: bool) -> Any:
    return np.any(x, axis=dim, keepdims=keepdim)


@primitive(x=None)
def _all(x: Array, *, dim: Axes, keepdim: bool) -> Any:
    return np.all(x, axis=dim, keepdims=keepdim)


def any(
    input: Any,
    dim: Dims | None = None,
    keepdim: bool = False,
    *,
    axis: Dims | None = None,
    keepdims: bool = False,
) -> Tensor:
    """Whether any element over `dim` is true.

    >>> import autograd_lite as al
    >>> al.any(al.tensor([[0, 1], [0, 0]]), dim=1)
    tensor([ True, False])
    """
    return _over(_any, input, dim, keepdim, axis, keepdims)


def all(
    input: Any,
    dim: Dims | None = None,
    keepdim: bool = False,
    *,
    axis: Dims | None = None,
    keepdims: bool = False,
) -> Tensor:
    """Whether all elements over `dim` are true.

    >>> import autograd_lite as al
    >>> al.all(al.tensor([[1, 1], [0, 1]]), dim=1)
    tensor([ True, False])
    """
    return _over(_all, input, dim, keepdim, axis, keepdims)


class Extremes(NamedTuple):
    """What `max(x, dim)` and `min(x, dim)` give: the values, and where along `dim` they were."""

    values: Tensor
    indices: Tensor


def _extremes(x: Any, dim: int, keepdim: bool, places: Any) -> Extremes:
    from autograd_lite.ops.index import gather

    axes(dim, _ndim(x) or 1)
    indices = unsqueeze(places(x, dim), dim) if _ndim(x) else places(x)
    values = gather(x, dim, indices) if _ndim(x) else clone(x)
    return (
        Extremes(values, indices) if keepdim or not _ndim(x) else Extremes(squeeze(values, dim), squeeze(indices, dim))
    )


def max(
    input: Any,
    dim: Any = None,
    keepdim: bool = False,
    *,
    other: Any = None,
    axis: int | None = None,
    keepdims: bool = False,
) -> Any:
    """The largest of all, or with `dim` a pair (values, indices) along it, the first of equals.

    With NumPy's `axis` in place of `dim`, the values alone; with another tensor, `maximum`.

    >>> import autograd_lite as al
    >>> x = al.tensor([[1.0, 5.0], [7.0, 2.0]])
    >>> al.max(x), al.max(x, dim=1).values, al.max(x, axis=1)
    (tensor(7.), tensor([5., 7.]), tensor([5., 7.]))
    """
    if other is not None or isinstance(dim, Tensor | ndarray):
        return maximum(input, dim if other is None else other)
    if dim is None or axis is not None:
        return _over(_amax, input, dim, keepdim, axis, keepdims)
    return _extremes(input, dim, keepdim or keepdims, argmax)


def min(
    input: Any,
    dim: Any = None,
    keepdim: bool = False,
    *,
    other: Any = None,
    axis: int | None = None,
    keepdims: bool = False,
) -> Any:
    """The smallest of all, or with `dim` a pair (values, indices) along it; with `axis`, the values alone.

    With another tensor, `minimum`.

    >>> import autograd_lite as al
    >>> x = al.tensor([[1.0, 5.0], [7.0, 2.0]])
    >>> al.min(x), al.min(x, dim=1).indices, al.min(x, axis=1)
    (tensor(1.), tensor([0, 1]), tensor([1., 2.]))
    """
    if other is not None or isinstance(dim, Tensor | ndarray):
        return minimum(input, dim if other is None else other)
    if dim is None or axis is not None:
        return _over(_amin, input, dim, keepdim, axis, keepdims)
    return _extremes(input, dim, keepdim or keepdims, argmin)


@primitive(x=lambda g, x, y, x_shape, dim: g.reshape(kept(x_shape, dim)) * exp(x - y.reshape(kept(x_shape, dim))))
def _logsumexp(x: Array, *, dim: Axes, keepdim: bool) -> Any:
    top = maximum_reduce(x, axis=dim, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0.0)
    total = add_reduce(np.exp(x - top), axis=dim, keepdims=True)
    with np.errstate(divide="ignore"):
        out = np.log(total) + top
    return out if keepdim else np.squeeze(out, axis=dim)


def logsumexp(
    input: Any, dim: Dims | None = None, keepdim: bool = False, *, axis: Dims | None = None, keepdims: bool = False
) -> Tensor:
    """log(sum(exp(x))) over `dim`, without overflow.

    >>> import autograd_lite as al
    >>> al.logsumexp(al.tensor([1000.0, 1000.0]), 0)
    tensor(1000.69314718)
    """
    return _over(_logsumexp, input, dim, keepdim, axis, keepdims)


def euclidean(x: Any, dim: Dims | None = None, keepdim: bool = False) -> Tensor:
    """The Euclidean length over `dim`; its slope at 0 is taken as 0."""
    return _root(sum(square(x), dim, keepdim))
