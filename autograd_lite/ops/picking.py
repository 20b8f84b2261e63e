"""Reading and writing at indices and masks, by PyTorch's names. What writes gives a new tensor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_lite.core import Tensor, primitive
from autograd_lite.memory import Array
from autograd_lite.ops.compare import less
from autograd_lite.ops.diagonals import places
from autograd_lite.ops.elementwise import multiply
from autograd_lite.ops.elementwise import where as chosen
from autograd_lite.ops.index import ARRAY, _filled, _pick, _refuse_range, gather, scatter_at
from autograd_lite.ops.moving import movedim
from autograd_lite.ops.reduce import amax, amin
from autograd_lite.ops.shape import _data, _operand, along, axes, broadcast_to, flatten, reshape
from autograd_lite.ops.statistics import prod

__all__ = [
    "diagonal_scatter",
    "index_add",
    "index_copy",
    "index_fill",
    "index_put",
    "scatter",
    "scatter_add",
    "scatter_reduce",
    "select_scatter",
    "slice_scatter",
    "take",
    "take_along_dim",
]


@primitive(
    x=lambda g, arrays, form: put_at(g, 0.0, *arrays, form=form),
    value=lambda g, arrays, form: _pick(g, *arrays, form=form),
    arrays=None,
)
def put_at(x: Array, value: Array, *arrays: Array, form: tuple[Any, ...]) -> Any:
    """A copy of x with a value at an index; of an entry that is named twice the last value stays."""
    out = np.array(x)
    out[_filled(form, arrays)] = value
    return out


def _index(index: Any, size: int, what: str) -> tuple[Any, Any]:
    """An index as it was given (a Tensor, or an array of what else), and its array, looked at."""
    raw = _data(index)
    _refuse_range(raw, size, what)
    return (index if isinstance(index, Tensor) else raw), raw


# Reading


def take(input: Any, index: Any) -> Tensor:
    """The elements at places of the flattened tensor, in the shape of `index`. Raises IndexError for one not there.

    >>> import autograd_lite as al
    >>> al.take(al.tensor([[1, 2], [3, 4]]), al.tensor([0, -1]))
    tensor([1, 4])
    """
    x, raw = flatten(input), _data(index)
    _refuse_range(raw, x.shape[0], "take", least=-x.shape[0])
    return x[index if isinstance(index, Tensor) else raw]


def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Tensor:
    """`gather` with the index broadcast to the tensor off `dim`; without `dim`, of the flattened tensor.

    Raises ValueError where dimensions are not as many.

    >>> import autograd_lite as al
    >>> x = al.tensor([[3, 1], [4, 2]])
    >>> al.take_along_dim(x, al.argsort(x, 1), 1).tolist()
    [[1, 3], [2, 4]]
    """
    if dim is None:
        return take(input, flatten(indices))
    x, index = _operand(input), _operand(indices)
    (d,) = axes(dim, x.ndim)
    if index.ndim != x.ndim:
        raise ValueError(f"take_along_dim: indices {np.shape(index)} must have as many dimensions as {np.shape(x)}")
    off = np.broadcast_shapes(*([1 if k == d else n for k, n in enumerate(t.shape)] for t in (x, index)))
    x = broadcast_to(x, [x.shape[k] if k == d else n for k, n in enumerate(off)])
    return gather(x, d, broadcast_to(index, [index.shape[k] if k == d else n for k, n in enumerate(off)]))


# Writing


def index_put(input: Any, indices: Sequence[Any], values: Any, accumulate: bool = False) -> Tensor:
    """Values at x[indices], replacing or (`accumulate`) added to what is there.

    >>> import autograd_lite as al
    >>> al.index_put(al.zeros(3), (al.tensor([0, 0]),), al.tensor(1.0), accumulate=True)
    tensor([2., 0., 0.])
    """
    x, arrays = _operand(input), [i if isinstance(i, Tensor) else np.asarray(i) for i in indices]
    form = (ARRAY,) * len(arrays)
    if not accumulate:
        return put_at(x, values, *arrays, form=form)
    place = np.shape(_data(x)[tuple(_data(a) for a in arrays)])
    return x + scatter_at(broadcast_to(values, place), *arrays, form=form, shape=x.shape)


def _places(x: Any, dim: int, index: Any, what: str) -> tuple[tuple[Any, ...], int]:
    """For `scatter`: an array of places for each dimension, that along `dim` given."""
    (d,) = axes(dim, x.ndim)
    given, raw = _index(index, x.shape[d], what)
    if raw.ndim != x.ndim or any(n > x.shape[k] for k, n in enumerate(raw.shape) if k != d):
        raise ValueError(
            f"{what}: index {raw.shape} must have as many dimensions as the input {x.shape}, and be no larger off "
            f"dim {d}"
        )
    at: list[Any] = list(np.ogrid[tuple(slice(n) for n in raw.shape)])
    at[d] = given
    return tuple(at), d


def _source(src: Any, index: Any, what: str) -> Any:
    """The part of a source that an index has places for."""
    source, want = _operand(src), np.shape(_data(index))
    if source.ndim != len(want) or any(n < m for n, m in zip(source.shape, want, strict=True)):
        raise ValueError(f"{what}: src {np.shape(source)} must be as large as the index {want}, or larger")
    return source[tuple(slice(n) for n in want)]


def _one_number(x: Any) -> tuple[Any, bool]:
    return (x, False) if x.ndim else (reshape(x, (1,)), True)


def scatter(
    input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """out[index[i][j]][j] = src[i][j] for dim 0, and so on; `src` may be one number. See also `scatter_add`.

    With `reduce` "add" or "multiply" the source is added to, or multiplied with, what is there. Raises ValueError for
    another `reduce`, and where shapes do not fit.

    >>> import autograd_lite as al
    >>> al.scatter(al.zeros(2, 2), 1, al.tensor([[1], [0]]), al.tensor([[5.0], [6.0]])).tolist()
    [[0.0, 5.0], [6.0, 0.0]]
    """
    src = value if src is None else src
    if src is None:
        raise TypeError("scatter needs src or value")
    if reduce is not None:
        ways = {"add": "sum", "multiply": "prod"}
        if reduce not in ways:
            raise ValueError(f"scatter: reduce is 'add' or 'multiply', and not {reduce!r}: see scatter_reduce")
        src = broadcast_to(src, np.shape(_data(index))) if not np.ndim(_data(src)) else src
        return scatter_reduce(input, dim, index, src, ways[reduce])
    x = _operand(input)
    if not x.ndim:
        return reshape(scatter(reshape(x, (1,)), 0, reshape(index, (1,)), reshape(src, (1,))), ())
    at, _ = _places(x, dim, index, "scatter")
    values = _source(src, index, "scatter") if np.ndim(_data(src)) else src
    return put_at(x, values, *at, form=(ARRAY,) * x.ndim)


def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Tensor:
    """out[index[i][j]][j] += src[i][j] for dim 0, and so on; entries that are named twice add up.

    Raises ValueError where shapes do not fit.

    >>> import autograd_lite as al
    >>> al.scatter_add(al.zeros(3), 0, al.tensor([0, 0, 2]), al.tensor([1.0, 2.0, 3.0]))
    tensor([3., 0., 3.])
    """
    x = _operand(input)
    at, _ = _places(x, dim, index, "scatter_add")
    source = _source(src, index, "scatter_add")
    return x + scatter_at(source, *at, form=(ARRAY,) * x.ndim, shape=x.shape)


def scatter_reduce(input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True) -> Tensor:
    """What `src` sends to each place, reduced: "sum", "mean", "prod", "amax" or "amin", with what is there unless not.

    Raises ValueError for another `reduce`, and where shapes do not fit.

    >>> import autograd_lite as al
    >>> al.scatter_reduce(al.zeros(2), 0, al.tensor([0, 0, 1]), al.tensor([1.0, 3.0, -1.0]), "amax")
    tensor([3., 0.])
    """
    x = _operand(input)
    at, _ = _places(x, dim, index, "scatter_reduce")
    source, form = _source(src, index, "scatter_reduce"), (ARRAY,) * x.ndim
    held = np.zeros(x.shape, np.int64)
    raw = np.broadcast_arrays(*(_data(p) for p in at))
    np.add.at(held, tuple(raw), 1)
    free = np.zeros((), x.dtype)
    if reduce in ("sum", "mean"):
        kept = x if include_self else chosen(held > 0, free, x)
        total = kept + scatter_at(source, *at, form=form, shape=x.shape)
        if reduce == "sum":
            return total
        return total / np.maximum(held + bool(include_self), 1).astype(x.dtype)
    if reduce not in ("prod", "amax", "amin"):
        raise ValueError(f"scatter_reduce: reduce is sum, mean, prod, amax or amin, and not {reduce!r}")
    return _folded(x, source, tuple(raw), held, reduce, include_self)


def _folded(x: Any, source: Any, at: tuple[Array, ...], held: Array, reduce: str, include_self: bool) -> Tensor:
    """A reduction by rows: each place's sources side by side, filled up with what changes nothing."""
    neutral = {"prod": 1.0, "amax": -np.inf, "amin": np.inf}[reduce]
    flat = np.ravel_multi_index(at, held.shape).reshape(-1)
    order = np.argsort(flat, kind="stable")
    starts = np.concatenate([[0], np.cumsum(held.reshape(-1))])
    column = np.arange(flat.size) - starts[flat[order]]
    width = int(held.max(initial=0)) + 1
    rows: Any = np.full((held.size, width), neutral).astype(x.dtype)
    own = flatten(x) if include_self else chosen(held.reshape(-1) > 0, rows[:, 0], flatten(x))
    rows = put_at(rows, own, form=(slice(None), 0))
    rows = put_at(rows, flatten(source)[order], flat[order], column + 1, form=(ARRAY, ARRAY))
    ways: dict[str, Callable[..., Any]] = {"prod": prod, "amax": amax, "amin": amin}
    return reshape(ways[reduce](rows, 1), x.shape)


def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Tensor:
    """alpha times the slices of `source` along `dim`, added to those that a vector of integers names.

    >>> import autograd_lite as al
    >>> al.index_add(al.zeros(2, 1), 0, al.tensor([1, 1]), al.ones(2, 1)).tolist()
    [[0.0], [2.0]]
    """
    x, scalar = _one_number(_operand(input))
    (d,) = axes(dim, x.ndim)
    given, _ = _index(index, x.shape[d], "index_add")
    source = _operand(source) if not scalar else reshape(source, (-1,))
    source = source if alpha == 1 else multiply(source, alpha)
    made = x + scatter_at(source, given, form=along(d, ARRAY), shape=x.shape)
    return reshape(made, ()) if scalar else made


def _replaced(input: Any, dim: int, index: Any, value: Any, what: str) -> Tensor:
    x, scalar = _one_number(_operand(input))
    (d,) = axes(dim, x.ndim)
    given, _ = _index(index, x.shape[d], what)
    made = put_at(x, value, given.reshape(-1), form=along(d, ARRAY))
    return reshape(made, ()) if scalar else made


def index_copy(input: Any, dim: int, index: Any, source: Any) -> Tensor:
    """The slices of `source` along `dim` in place of those that a vector of integers names.

    >>> import autograd_lite as al
    >>> al.index_copy(al.zeros(2, 1), 0, al.tensor([1]), al.ones(1, 1)).tolist()
    [[0.0], [1.0]]
    """
    return _replaced(input, dim, index, source, "index_copy")


def index_fill(input: Any, dim: int, index: Any, value: Any) -> Tensor:
    """One value in the slices along `dim` that a vector of integers names, negative ones from the end.

    Raises ValueError for more values than one.

    >>> import autograd_lite as al
    >>> al.index_fill(al.zeros(3), 0, al.tensor([0, 2]), 1.0)
    tensor([1., 0., 1.])
    """
    if np.ndim(_data(value)):
        raise ValueError(f"index_fill takes one value, and this has shape {np.shape(_data(value))}: see index_copy")
    x = _operand(input)
    size = x.shape[axes(dim, x.ndim)[0]] if x.ndim else 1
    counted = index if isinstance(index, Tensor) else _data(index)
    return _replaced(x, dim, chosen(less(counted, 0), counted + size, counted), value, "index_fill")


def select_scatter(input: Any, src: Any, dim: int, index: int) -> Tensor:
    """`src` in place of `select(input, dim, index)`.

    >>> import autograd_lite as al
    >>> al.select_scatter(al.zeros(2, 2), al.ones(2), 0, 1).tolist()
    [[0.0, 0.0], [1.0, 1.0]]
    """
    x = _operand(input)
    (d,) = axes(dim, x.ndim)
    return put_at(x, src, form=along(d, int(index)))


def slice_scatter(
    input: Any, src: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """`src` in place of the slice from start to end along `dim`.

    >>> import autograd_lite as al
    >>> al.slice_scatter(al.zeros(3), al.ones(2), 0, 1)
    tensor([0., 1., 1.])
    """
    x = _operand(input)
    (d,) = axes(dim, x.ndim)
    return put_at(x, src, form=along(d, slice(start, end, step)))


def diagonal_scatter(input: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """`src` in place of `diagonal(input, offset, dim1, dim2)`.

    >>> import autograd_lite as al
    >>> al.diagonal_scatter(al.zeros(2, 2), al.ones(2)).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    x = movedim(input, (dim1, dim2), (-2, -1))
    made = put_at(x, src, *places(x.shape[-2], x.shape[-1], offset), form=(..., ARRAY, ARRAY))
    return movedim(made, (-2, -1), (dim1, dim2))
