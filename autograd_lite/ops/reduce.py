"""Reductions. All take `dim` (or NumPy's `axis`): None for all, a number, or several; and `keepdim` (`keepdims`)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autograd_lite.core import Array, Tensor, primitive
from autograd_lite.ops.elementwise import exp, sqrt, square
from autograd_lite.ops.shape import Dims, axes, kept, squeeze, unsqueeze

Axes = tuple[int, ...]


def _spread(g: Any, shape: tuple[int, ...], dim: Axes) -> Any:
    """The gradient of a reduction, at every element that was reduced."""
    return np.broadcast_to(np.reshape(g, kept(shape, dim)), shape)


def _ndim(x: Any) -> int:
    return x.ndim if isinstance(x, Tensor | np.ndarray) else np.ndim(x)


def _dims(x: Any, dim: Dims | None, axis: Dims | None) -> Axes:
    if dim is not None and axis is not None:
        raise TypeError("give dim or axis, not both: they are two names of one thing")
    return axes(axis if dim is None else dim, _ndim(x))


@primitive(x=lambda g, x_shape, dim: _spread(g, x_shape, dim))
def _sum(x: Array, *, dim: Axes, keepdim: bool) -> Array:
    return np.add.reduce(x, axis=dim, keepdims=keepdim)


def sum(
    x: Any,
    dim: Dims | None = None,
    keepdim: bool = False,
    *,
    axis: Dims | None = None,
    keepdims: bool = False,
) -> Any:
    """The sum over `dim`.

    >>> import autograd_lite as al
    >>> al.sum(al.ones(2, 3), dim=0)
    tensor([2., 2., 2.])
    """
    return _sum(x, dim=_dims(x, dim, axis), keepdim=keepdim or keepdims)


@primitive(x=lambda g, y, x_shape, dim: _spread(g, x_shape, dim) / _count(x_shape, dim))
def _mean(x: Array, *, dim: Axes, keepdim: bool) -> Array:
    return np.add.reduce(x, axis=dim, keepdims=keepdim) / _count(x.shape, dim)


def _count(shape: tuple[int, ...], dim: Axes) -> float:
    count = 1.0
    for d in dim:
        count *= shape[d]
    return count


def mean(
    x: Any,
    dim: Dims | None = None,
    keepdim: bool = False,
    *,
    axis: Dims | None = None,
    keepdims: bool = False,
) -> Any:
    """The mean over `dim`. Raises ValueError where there is nothing to average.

    >>> import autograd_lite as al
    >>> al.mean(al.arange(4.0))
    tensor(1.5)
    """
    dims = _dims(x, dim, axis)
    if not _count(np.shape(x.data if isinstance(x, Tensor) else x), dims):
        raise ValueError(
            f"the mean of nothing: shape {np.shape(x.data if isinstance(x, Tensor) else x)} over dim {dims}"
        )
    return _mean(x, dim=dims, keepdim=keepdim or keepdims)


def var(
    x: Any,
    dim: Dims | None = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: int | None = None,
    axis: Dims | None = None,
    keepdims: bool = False,
) -> Any:
    """The variance over `dim`: squares about the mean, divided by n - 1 (`unbiased`), or by n - `correction`.

    >>> import autograd_lite as al
    >>> al.var(al.tensor([1.0, 3.0])), al.var(al.tensor([1.0, 3.0]), unbiased=False)
    (tensor(2.), tensor(1.))
    """
    dims = _dims(x, dim, axis)
    ddof = int(unbiased) if correction is None else correction
    centred = x - mean(x, dims, True)
    total = sum(square(centred), dims, keepdim or keepdims)
    count = _count(np.shape(x.data if isinstance(x, Tensor) else x), dims) - ddof
    if count <= 0:
        raise ValueError(
            f"var: no degrees of freedom are left over dim {dims} with correction {ddof}; unbiased=False divides by n"
        )
    return total / count


def std(x: Any, dim: Dims | None = None, unbiased: bool = True, keepdim: bool = False, **more: Any) -> Any:
    """The square root of `var`, with the same arguments."""
    return sqrt(var(x, dim, unbiased, keepdim, **more))


def _extreme_rule(g: Any, x: Any, y: Any, x_shape: tuple[int, ...], dim: Axes) -> Any:
    """Shared evenly among the elements that attain the extreme."""
    hit = x == np.reshape(y, kept(x_shape, dim))
    share = np.reshape(g, kept(x_shape, dim)) / np.sum(hit, axis=dim, keepdims=True)
    return hit * share


@primitive(x=_extreme_rule)
def _amax(x: Array, *, dim: Axes, keepdim: bool) -> Array:
    return np.maximum.reduce(x, axis=dim, keepdims=keepdim)


@primitive(x=_extreme_rule)
def _amin(x: Array, *, dim: Axes, keepdim: bool) -> Array:
    return np.minimum.reduce(x, axis=dim, keepdims=keepdim)


def amax(
    x: Any,
    dim: Dims | None = None,
    keepdim: bool = False,
    *,
    axis: Dims | None = None,
    keepdims: bool = False,
) -> Any:
    """The largest over `dim`; equal ones share the gradient evenly."""
    return _amax(x, dim=_dims(x, dim, axis), keepdim=keepdim or keepdims)


def amin(
    x: Any,
    dim: Dims | None = None,
    keepdim: bool = False,
    *,
    axis: Dims | None = None,
    keepdims: bool = False,
) -> Any:
    """The smallest over `dim`; equal ones share the gradient evenly."""
    return _amin(x, dim=_dims(x, dim, axis), keepdim=keepdim or keepdims)


@primitive(x=None)
def _argmax(x: Array, *, dim: int | None, keepdim: bool) -> Array:
    return np.argmax(x, axis=dim, keepdims=keepdim)


@primitive(x=None)
def _argmin(x: Array, *, dim: int | None, keepdim: bool) -> Array:
    return np.argmin(x, axis=dim, keepdims=keepdim)


def argmax(
    x: Any, dim: int | None = None, keepdim: bool = False, *, axis: int | None = None, keepdims: bool = False
) -> Any:
    """Where the largest is, along `dim` or, for None, in the flattened tensor; the first of equals."""
    return _argmax(x, dim=axis if dim is None else dim, keepdim=keepdim or keepdims)


def argmin(
    x: Any, dim: int | None = None, keepdim: bool = False, *, axis: int | None = None, keepdims: bool = False
) -> Any:
    """Where the smallest is, along `dim` or, for None, in the flattened tensor; the first of equals."""
    return _argmin(x, dim=axis if dim is None else dim, keepdim=keepdim or keepdims)


class Extremes(NamedTuple):
    """What `max(x, dim)` and `min(x, dim)` give: the values, and where along `dim` they were."""

    values: Any
    indices: Any


def _extremes(x: Any, dim: int, keepdim: bool, places: Any) -> Extremes:
    from autograd_lite.ops.index import gather

    indices = unsqueeze(places(x, dim), dim) if _ndim(x) else places(x)
    values = gather(x, dim, indices) if _ndim(x) else x
    return (
        Extremes(values, indices)
        if keepdim or not _ndim(x)
        else Extremes(squeeze(values, dim), squeeze(indices, dim))
    )


def max(
    x: Any, dim: int | None = None, keepdim: bool = False, *, axis: int | None = None, keepdims: bool = False
) -> Any:
    """The largest of all, or with `dim` a pair (values, indices) along it, the first of equals.

    With NumPy's `axis` in place of `dim`, the values alone.

    >>> import autograd_lite as al
    >>> x = al.tensor([[1.0, 5.0], [7.0, 2.0]])
    >>> al.max(x), al.max(x, dim=1).values, al.max(x, axis=1)
    (tensor(7.), tensor([5., 7.]), tensor([5., 7.]))
    """
    if dim is None:
        return amax(x, axis=axis, keepdim=keepdim or keepdims)
    return _extremes(x, dim, keepdim, argmax)


def min(
    x: Any, dim: int | None = None, keepdim: bool = False, *, axis: int | None = None, keepdims: bool = False
) -> Any:
    """The smallest of all, or with `dim` a pair (values, indices) along it; with `axis`, the values alone."""
    if dim is None:
        return amin(x, axis=axis, keepdim=keepdim or keepdims)
    return _extremes(x, dim, keepdim, argmin)


@primitive(
    x=lambda g, x, y, x_shape, dim: (
        np.reshape(g, kept(x_shape, dim)) * exp(x - np.reshape(y, kept(x_shape, dim)))
    )
)
def _logsumexp(x: Array, *, dim: Axes, keepdim: bool) -> Array:
    top = np.maximum.reduce(x, axis=dim, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    total = np.add.reduce(np.exp(x - top), axis=dim, keepdims=True)
    with np.errstate(divide="ignore"):
        out = np.log(total) + top
    return out if keepdim else np.squeeze(out, axis=dim)


def logsumexp(
    x: Any,
    dim: Dims | None = None,
    keepdim: bool = False,
    *,
    axis: Dims | None = None,
    keepdims: bool = False,
) -> Any:
    """log(sum(exp(x))) over `dim`, without overflow.

    >>> import autograd_lite as al
    >>> al.logsumexp(al.tensor([1000.0, 1000.0]), 0)
    tensor(1000.69314718)
    """
    return _logsumexp(x, dim=_dims(x, dim, axis), keepdim=keepdim or keepdims)


def norm(x: Any, dim: Dims | None = None, keepdim: bool = False) -> Any:
    """The Euclidean length over `dim`; its slope at 0 is not defined."""
    return sqrt(sum(square(x), dim, keepdim))
