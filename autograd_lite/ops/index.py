"""Indexing, and its pairs: what reads rows or entries has for its rule what adds to them."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autograd_lite.core import Tensor, ndarray, primitive
from autograd_lite.memory import Array
from autograd_lite.modes import mode
from autograd_lite.ops.shape import _data, along, axes
from autograd_lite.sparse import RowSparse

__all__ = ["embedding", "gather", "getitem", "index_select"]

# x[index]. Arrays in an index are operands (so that a recorded graph shows them); `form` holds the rest, with
# ARRAY where each array goes.


class _Array:
    def __repr__(self) -> str:
        return "ARRAY"


ARRAY = _Array()


def _filled(form: tuple[Any, ...], arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    rest = iter(arrays)
    return tuple(next(rest) if item is ARRAY else item for item in form)


@primitive(x=lambda g, x_shape, index: add_at(g, index=index, shape=x_shape))
def _slice(x: Array, *, index: Any) -> Any:
    return x[index]


@primitive(g=lambda g, index: _slice(g, index=index))
def add_at(g: Array, *, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of a shape, with g at a basic index, which names no entry twice: the pair of slicing."""
    out = np.zeros_like(g, shape=shape)
    out[index] = g
    return out


@primitive(x=lambda g, x_shape, arrays, form: scatter_at(g, *arrays, form=form, shape=x_shape), arrays=None)
def _pick(x: Array, *arrays: Array, form: tuple[Any, ...]) -> Any:
    return x[_filled(form, arrays)]


@primitive(g=lambda g, arrays, form: _pick(g, *arrays, form=form), arrays=None)
def scatter_at(g: Array, *arrays: Array, form: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """Zeros of a shape, with g added at an index of arrays, repeated entries adding up: the pair of picking."""
    out = np.zeros(shape, g.dtype)
    index = _filled(form, arrays)
    if all(np.asarray(a).dtype == bool for a in arrays):
        out[index] = g
    else:
        np.add.at(out, index, g)
    return out


def getitem(x: Any, index: Any) -> Tensor:
    """x[index], for every form of index that NumPy has: numbers, slices, None, Ellipsis, arrays, masks, tensors.

    Raises IndexError for what is out of range.

    >>> import autograd_lite as al
    >>> x = al.arange(6.0).reshape(2, 3)
    >>> x[1, ::2], x[x > 3], x[[0, 0], [1, 2]]
    (tensor([3., 5.]), tensor([4., 5.]), tensor([1., 2.]))
    """
    items = index if isinstance(index, tuple) else (index,)
    form: list[Any] = []
    arrays: list[Any] = []
    for item in items:
        if isinstance(item, Tensor | np.ndarray | list | tuple | range | bool | np.bool_):
            raw = _data(item)
            if raw.size == 0 and isinstance(item, list | tuple | range):
                raw = raw.astype(np.intp)  # an empty list is an array of floats
            if raw.dtype.kind not in "biu":
                raise IndexError(
                    f"an index must be of integers or booleans, and this one is {raw.dtype}: convert it with .long()"
                )
            arrays.append(item if isinstance(item, Tensor) else raw)
            form.append(ARRAY)
        else:
            form.append(slice(*map(_whole, (item.start, item.stop, item.step))) if isinstance(item, slice) else item)
    if arrays:
        return _pick(x, *arrays, form=tuple(form))
    return _slice(x, index=tuple(form) if isinstance(index, tuple) else form[0])


def _whole(end: Any) -> Any:
    return operator.index(end) if isinstance(end, Tensor) else end


# Rows of a table: the gradient names the rows, and no array of the table's size is made.


@primitive(table=lambda g, index, table_shape: scatter_rows(g, index, shape=table_shape), index=None)
def take_rows(table: Array, index: Array) -> Any:
    """Rows of a table (rows, ...) by an integer index of any shape: (*index.shape, ...)."""
    return table.take(index.astype(np.intp, copy=False), axis=0)


@primitive(g=lambda g, index: take_rows(g, index), index=None)
def scatter_rows(g: Array, index: Array, *, shape: tuple[int, ...]) -> RowSparse:
    """g's rows at the rows of a table of a shape, repeated rows adding up: the pair of `take_rows`.

    On arrays a `RowSparse`; on Tensors (in a higher derivative) a dense one.
    """
    rows = np.asarray(index).astype(np.intp).reshape(-1)
    return RowSparse(rows, g.reshape((rows.size, *shape[1:])), shape)


def _refuse_range(index: Array, size: int, what: str, least: int = 0) -> None:
    """Raise TypeError unless these are integers, IndexError unless they are from `least` to size - 1."""
    if mode.tracer is not None and type(index) is not ndarray:  # the compiler's: looked at in each step
        mode.tracer.check(_refuse_range, index, size, what, least)
        return
    if index.dtype.kind not in "iu":
        raise TypeError(f"{what}: indices must be integers, and these are {index.dtype}: convert them with .long()")
    if index.size and not (least <= index.min() and index.max() < size):
        where = tuple(int(i) for i in np.argwhere((index < least) | (index >= size))[0])
        low, high, fix = int(index.min()), int(index.max()), ""
        if what == "embedding" and low >= least:
            fix = f": num_embeddings={high + 1} would fit"
        elif what.endswith("target") and low >= 1 and high == size:
            fix = ": they count from 1, and one less would fit"
        raise IndexError(
            f"{what}: index {index[where]} at {where} is out of range for {size} rows (0 to {size - 1}){fix}"
        )


def embedding(input: Any, weight: Any) -> Tensor:
    """Rows of weight (rows, d) by the integers of input, any shape: (*input.shape, d). The gradient is row-sparse.

    Raises IndexError for an index out of range, naming it, and TypeError for indices that are not integers.

    >>> import autograd_lite as al
    >>> al.nn.functional.embedding(al.tensor([2, 0]), al.eye(3)).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    index = _data(input)
    if index.dtype.kind not in "iu":
        raise TypeError(f"embedding: indices must be integers, and these are {index.dtype}: convert them with .long()")
    try:
        return take_rows(weight, input if isinstance(input, Tensor) else index)
    except IndexError:
        rows = np.shape(_data(weight))[0]
        _refuse_range(index, rows, "embedding", least=-rows)
        raise


def index_select(input: Any, dim: int, index: Any) -> Tensor:
    """The slices of x along `dim` that a vector of integers names, in that order, repeats allowed.

    Raises IndexError for one that is out of range.

    >>> import autograd_lite as al
    >>> al.index_select(al.eye(3), 1, al.tensor([2, 2])).tolist()
    [[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]]
    """
    (d,) = axes(dim, np.ndim(_data(input)))
    raw = _data(index)
    if raw.ndim > 1:
        raise ValueError(f"index_select needs a vector of indices, and got shape {raw.shape}")
    _refuse_range(raw, np.shape(_data(input))[d], "index_select")
    index = index if isinstance(index, Tensor) else raw
    index = index.reshape(-1)
    return take_rows(input, index) if d == 0 else _pick(input, index, form=along(d, ARRAY))


def gather(input: Any, dim: int, index: Any) -> Tensor:
    """out[i][j] = x[index[i][j]][j] for dim 0, and so on: one entry of x along `dim` for every entry of index.

    x and index have the same number of dimensions; off `dim` the index is no larger than x. Raises ValueError where
    they have not, IndexError for an index out of range.

    >>> import autograd_lite as al
    >>> al.gather(al.tensor([[1.0, 2.0], [3.0, 4.0]]), 1, al.tensor([[0], [1]])).tolist()
    [[1.0], [4.0]]
    """
    shape, raw = np.shape(_data(input)), _data(index)
    (d,) = axes(dim, len(shape))
    if raw.ndim != len(shape) or any(n > shape[k] for k, n in enumerate(raw.shape) if k != d):
        raise ValueError(
            f"gather: index {raw.shape} must have as many dimensions as the input {shape}, and be no larger off dim {d}"
        )
    _refuse_range(raw, shape[d], "gather")
    places: list[Any] = list(np.ogrid[tuple(slice(n) for n in raw.shape)])
    places[d] = index if isinstance(index, Tensor) else raw
    return _pick(input, *places, form=(ARRAY,) * len(shape))
