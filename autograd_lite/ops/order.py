"""Sorting, ranking and counting."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autograd_lite.core import Tensor, primitive
from autograd_lite.memory import Array
from autograd_lite.ops.index import gather
from autograd_lite.ops.shape import _data, _operand, along, axes, squeeze

__all__ = [
    "argsort",
    "bincount",
    "bucketize",
    "histc",
    "kthvalue",
    "mode",
    "msort",
    "searchsorted",
    "sort",
    "topk",
    "unique",
    "unique_consecutive",
]


class Sorted(NamedTuple):
    """What sorting and choosing give: the values, and where in the input they were."""

    values: Tensor
    indices: Tensor


@primitive(x=None)
def _ranks(x: Array, *, dim: int, descending: bool) -> Any:
    """The stable order; NaN counts as the largest."""
    if not descending:
        return np.argsort(x, axis=dim, kind="stable")
    turned = np.argsort(np.flip(x, dim), axis=dim, kind="stable")
    return np.flip(x.shape[dim] - 1 - turned, dim)


@primitive(x=None)
def first_place(x: Array) -> Any:
    """Where a number is in itself: 0."""
    return np.zeros(x.shape, np.int64)


def _either(dim: int, axis: int | None) -> int:
    return dim if axis is None else axis


def argsort(
    input: Any, dim: int = -1, descending: bool = False, stable: bool = False, *, axis: int | None = None
) -> Tensor:
    """Where along `dim` the elements are, from the smallest up; equal ones stay in their order.

    >>> import autograd_lite as al
    >>> al.argsort(al.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """
    x = _operand(input)
    (d,) = axes(_either(dim, axis), max(x.ndim, 1))
    return _ranks(x, dim=d, descending=descending) if x.ndim else first_place(x)


def sort(
    input: Any, dim: int = -1, descending: bool = False, stable: bool = False, *, axis: int | None = None
) -> Sorted:
    """The elements along `dim` from the smallest up, and where they were: (values, indices).

    >>> import autograd_lite as al
    >>> al.sort(al.tensor([3.0, 1.0, 2.0]), descending=True)
    Sorted(values=tensor([3., 2., 1.]), indices=tensor([0, 2, 1]))
    """
    x, indices = _operand(input), argsort(input, dim, descending, axis=axis)
    return Sorted(gather(x, _either(dim, axis), indices) if x.ndim else x, indices)


def msort(input: Any) -> Tensor:
    """Sorted along the first dimension: the values.

    >>> import autograd_lite as al
    >>> al.msort(al.tensor([3.0, 1.0, 2.0]))
    tensor([1., 2., 3.])
    """
    return sort(input, 0).values


def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Sorted:
    """The k largest (or smallest) along `dim`, the extreme first, and where they are: (values, indices).

    Raises ValueError where k is under 0 or over the size.

    >>> import autograd_lite as al
    >>> al.topk(al.tensor([3.0, 1.0, 2.0]), 2).values
    tensor([3., 2.])
    """
    x = _operand(input)
    (d,) = axes(dim, max(x.ndim, 1))
    size = x.shape[d] if x.ndim else 1
    if not 0 <= k <= size:
        raise ValueError(f"topk: k={k} is out of range for the {size} elements along dim {dim}")
    if not x.ndim:
        return Sorted(x, first_place(x))
    indices = _ranks(x, dim=d, descending=largest)[along(d, slice(None, k))]
    return Sorted(gather(x, d, indices), indices)


def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> Sorted:
    """The k-th smallest along `dim`, counted from 1, and where it is: (values, indices).

    Raises ValueError where there is no such place.

    >>> import autograd_lite as al
    >>> al.kthvalue(al.tensor([3.0, 1.0, 2.0]), 2).values
    tensor(2.)
    """
    x = _operand(input)
    (d,) = axes(dim, max(x.ndim, 1))
    size = x.shape[d] if x.ndim else 1
    if not 1 <= k <= size:
        raise ValueError(f"kthvalue: k={k} is out of range for the {size} elements along dim {dim}: it counts from 1")
    if not x.ndim:
        return Sorted(x, first_place(x))
    return at_places(x, d, _ranks(x, dim=d, descending=False)[along(d, slice(k - 1, k))], keepdim)


def at_places(x: Any, d: int, indices: Any, keepdim: bool) -> Sorted:
    """The elements at one place along `d` each, and the places."""
    values = gather(x, d, indices)
    return Sorted(values, indices) if keepdim else Sorted(squeeze(values, d), squeeze(indices, d))


@primitive(x=None)
def _commonest(x: Array, *, dim: int) -> Any:
    """Where the last of the most frequent element is, the smallest of equally frequent ones."""
    rows = np.moveaxis(x, dim, -1)
    alike = rows[..., :, None] == rows[..., None, :]
    count = alike.sum(-1)
    candidates = np.where(count == count.max(-1, keepdims=True), rows, rows.max(-1, keepdims=True))
    hit = (rows == candidates.min(-1, keepdims=True)) & (count == count.max(-1, keepdims=True))
    last = rows.shape[-1] - 1 - np.argmax(hit[..., ::-1], axis=-1)
    return np.expand_dims(last, dim)


def mode(input: Any, dim: int = -1, keepdim: bool = False) -> Sorted:
    """The most frequent element along `dim`, the smallest of equals, and where its last is: (values, indices).

    >>> import autograd_lite as al
    >>> al.mode(al.tensor([3.0, 1.0, 3.0]))
    Sorted(values=tensor(3.), indices=tensor(2))
    """
    x = _operand(input)
    (d,) = axes(dim, max(x.ndim, 1))
    return at_places(x, d, _commonest(x, dim=d), keepdim) if x.ndim else Sorted(x, first_place(x))


# Counting


def _like(input: Any, made: Any) -> Tensor:
    return Tensor(made) if isinstance(input, Tensor) else made


def unique(
    input: Any,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The elements, each once, from the smallest up; on request with where each input went, and how often it was there.

    >>> import autograd_lite as al
    >>> al.unique(al.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    x = _data(input)
    values, _, inverse, counts = np.unique(x, True, True, True, dim)
    found = [_like(input, values)]
    found += [_like(input, inverse.reshape(x.shape if dim is None else -1))] * return_inverse
    found += [_like(input, counts)] * return_counts
    return found[0] if len(found) == 1 else tuple(found)


def unique_consecutive(
    input: Any, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """Without the elements (along `dim`: the slices) that are equal to the one before.

    >>> import autograd_lite as al
    >>> al.unique_consecutive(al.tensor([1, 1, 2, 1]))
    tensor([1, 2, 1])
    """
    x = _data(input)
    rows = x.reshape(-1) if dim is None else np.moveaxis(x, dim, 0)
    changed = (rows[1:] != rows[:-1]).reshape(max(len(rows) - 1, 0), -1).any(1)
    first = np.concatenate([np.ones(min(len(rows), 1), bool), changed])
    kept = rows[first]
    starts = np.append(np.flatnonzero(first), len(rows))
    inverse = np.cumsum(first) - 1
    found = [_like(input, kept if dim is None else np.moveaxis(kept, 0, dim))]
    found += [_like(input, inverse.reshape(x.shape) if dim is None else inverse)] * return_inverse
    found += [_like(input, np.diff(starts))] * return_counts
    return found[0] if len(found) == 1 else tuple(found)


@primitive(edges=None, values=None)
def _searched(edges: Array, values: Array, *, side: Any) -> Any:
    if edges.ndim == 1:
        return np.asarray(np.searchsorted(edges, values, side))
    out = np.empty(values.shape, np.int64)
    for row in np.ndindex(edges.shape[:-1]):
        out[row] = np.searchsorted(edges[row], values[row], side)
    return out


def searchsorted(
    sorted_sequence: Any,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Any = None,
) -> Tensor:
    """Where the values would go into a sorted sequence; of equals before them, or after them with `right`.

    The leading sizes of both are equal, or the sequence has one dimension. Raises ValueError where their leading
    dimensions differ.

    >>> import autograd_lite as al
    >>> al.searchsorted(al.tensor([1.0, 3.0, 5.0]), al.tensor([3.0, 6.0]))
    tensor([1, 3])
    """
    edges, values = _operand(sorted_sequence), _operand(input)
    if edges.ndim > 1 and np.shape(edges)[:-1] != np.shape(values)[:-1]:
        raise ValueError(
            f"searchsorted: the leading sizes of {np.shape(edges)} and {np.shape(values)} must be equal, or the "
            "sequence must have one dimension"
        )
    edges = edges if sorter is None else gather(edges, -1, sorter)
    found = _searched(edges, values, side="right" if right or side == "right" else "left")
    return found.astype(np.int32) if out_int32 else found


def bucketize(input: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """Into which of the buckets between sorted boundaries each value falls.

    >>> import autograd_lite as al
    >>> al.bucketize(al.tensor([0.5, 3.0]), al.tensor([1.0, 3.0]))
    tensor([0, 1])
    """
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Tensor:
    """How often each number from 0 up is in a vector, or the sums of their weights. No derivative.

    Raises ValueError for anything but a vector of integers, none below 0.

    >>> import autograd_lite as al
    >>> al.bincount(al.tensor([1, 1, 3]))
    tensor([0, 2, 0, 1])
    """
    x = _data(input)
    if x.ndim != 1 or x.dtype.kind not in "iu" or (x.size and x.min() < 0):
        raise ValueError(f"bincount is for a vector of integers from 0 up, and this is {x.dtype} of shape {x.shape}")
    if weights is None:
        return _like(input, np.bincount(x, minlength=minlength))
    w = _data(weights)
    return _like(input, np.bincount(x, w, minlength).astype(w.dtype if w.dtype.kind == "f" else np.float64))


def histc(input: Any, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements fall into each of `bins` equal intervals from min to max (both 0: of the data).

    >>> import autograd_lite as al
    >>> al.histc(al.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    x = _data(input)
    bounds = (x.min(), x.max()) if min == max == 0 and x.size else (min, max)
    bounds = (bounds[0] - 1, bounds[1] + 1) if bounds[0] == bounds[1] else bounds
    return _like(input, np.histogram(x, bins, bounds)[0].astype(x.dtype))
