"""Dimensions moved, turned, repeated and taken apart, by PyTorch's names: compositions of the ops in `shape`."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.ops.index import index_select
from autograd_lite.ops.shape import (
    Dims,
    _data,
    _given,
    _operand,
    along,
    axes,
    broadcast_to,
    cat,
    clone,
    expand,
    flatten,
    permute,
    reshape,
    split,
    squeeze,
    transpose,
    unsqueeze,
)

__all__ = [
    "adjoint",
    "expand_as",
    "flip",
    "fliplr",
    "flipud",
    "moveaxis",
    "movedim",
    "narrow",
    "ravel",
    "repeat",
    "repeat_interleave",
    "reshape_as",
    "roll",
    "rot90",
    "select",
    "swapaxes",
    "swapdims",
    "tile",
    "unbind",
    "unflatten",
    "unfold_dimension",
    "view_as",
]


def _sizes(several: tuple[Any, ...], named: Any = None) -> tuple[int, ...]:
    """Numbers given one by one, as one sequence, or as one by its name."""
    return tuple(int(n) for n in _given(several, named))


def _listed(dims: Dims) -> tuple[int, ...]:
    return (int(dims),) if isinstance(dims, int | np.integer) else tuple(dims)


def reshape_as(input: Any, other: Any) -> Tensor:
    """In the other's shape.

    >>> import autograd_lite as al
    >>> al.arange(4).reshape_as(al.zeros(2, 2)).shape
    (2, 2)
    """
    return reshape(input, np.shape(_data(other)))


def expand_as(input: Any, other: Any) -> Tensor:
    """Repeated to the other's shape.

    >>> import autograd_lite as al
    >>> al.ones(2).expand_as(al.zeros(3, 2)).shape
    (3, 2)
    """
    return expand(input, np.shape(_data(other)))


def unflatten(input: Any, dim: int, sizes: Sequence[int]) -> Tensor:
    """One dimension as several of these sizes, one of which may be -1.

    Raises ValueError where they do not multiply to its size.

    >>> import autograd_lite as al
    >>> al.zeros(6, 2).unflatten(0, (2, -1)).shape
    (2, 3, 2)
    """
    shape = np.shape(_data(input))
    (d,) = axes(dim, len(shape))
    known = prod(n for n in sizes if n != -1)
    sizes = [shape[d] // known if n == -1 and known else n for n in sizes]
    if prod(sizes) != shape[d]:
        raise ValueError(f"unflatten: the sizes {tuple(sizes)} do not multiply to {shape[d]}, the size of dim {dim}")
    return reshape(input, (*shape[:d], *sizes, *shape[d + 1 :]))


def movedim(input: Any, source: Dims, destination: Dims) -> Tensor:
    """Dimensions moved to other places, the rest in their order.

    Raises ValueError where the two name different numbers of dimensions.

    >>> import autograd_lite as al
    >>> al.zeros(2, 3, 4).movedim(0, -1).shape
    (3, 4, 2)
    """
    ndim = np.ndim(_data(input))
    from_, to = axes(_listed(source), ndim), axes(_listed(destination), ndim)
    if len(from_) != len(to):
        raise ValueError(f"movedim: {source} and {destination} name different numbers of dimensions")
    order = [d for d in range(ndim) if d not in from_]
    for place, d in sorted(zip(to, from_, strict=True)):
        order.insert(place, d)
    return permute(input, tuple(order))


def swapdims(input: Any, dim0: int, dim1: int) -> Tensor:
    """Two dimensions swapped.

    >>> import autograd_lite as al
    >>> al.zeros(2, 3, 4).swapdims(0, 2).shape
    (4, 3, 2)
    """
    return transpose(input, dim0, dim1)


def adjoint(input: Any) -> Tensor:
    """The last two dimensions swapped. Raises ValueError for fewer dimensions than two.

    >>> import autograd_lite as al
    >>> al.adjoint(al.zeros(4, 2, 3)).shape
    (4, 3, 2)
    """
    if np.ndim(_data(input)) < 2:
        raise ValueError(f"adjoint takes matrices, and this has shape {np.shape(_data(input))}")
    return transpose(input, -2, -1)


def flip(input: Any, *several: Any, dims: Dims | None = None) -> Tensor:
    """The other way round along some dimensions: a copy.

    >>> import autograd_lite as al
    >>> al.flip(al.tensor([1, 2, 3]), (0,))
    tensor([3, 2, 1])
    """
    x = _operand(input)
    turned = axes(dims if isinstance(dims, int) else _sizes(several, dims), x.ndim)
    return clone(x[tuple(slice(None, None, -1) if d in turned else slice(None) for d in range(x.ndim))])


def _at_least(x: Any, ndim: int, what: str) -> None:
    if np.ndim(_data(x)) < ndim:
        raise ValueError(f"{what} takes {ndim} dimensions or more, and this has shape {np.shape(_data(x))}")


def fliplr(input: Any) -> Tensor:
    """Columns in the opposite order. Raises ValueError for fewer dimensions than two.

    >>> import autograd_lite as al
    >>> al.fliplr(al.tensor([[1, 2], [3, 4]])).tolist()
    [[2, 1], [4, 3]]
    """
    _at_least(input, 2, "fliplr")
    return flip(input, 1)


def flipud(input: Any) -> Tensor:
    """Rows in the opposite order. Raises ValueError for a number.

    >>> import autograd_lite as al
    >>> al.flipud(al.tensor([[1, 2], [3, 4]])).tolist()
    [[3, 4], [1, 2]]
    """
    _at_least(input, 1, "flipud")
    return flip(input, 0)


def rot90(input: Any, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Turned by k quarters in the plane of two dimensions, from the first towards the second.

    >>> import autograd_lite as al
    >>> al.rot90(al.tensor([[1, 2], [3, 4]])).tolist()
    [[2, 4], [1, 3]]
    """
    a, b = axes(dims, np.ndim(_data(input)))
    k = k % 4
    if k in (0, 2):
        return flip(input, a, b) if k else clone(input)
    return flip(transpose(input, a, b), a) if k == 1 else flip(transpose(input, a, b), b)


def roll(input: Any, shifts: Dims, dims: Dims | None = None) -> Tensor:
    """Shifted along dimensions, what leaves at one end entering at the other; without `dims`, as one row.

    Raises ValueError where shifts and dims are not as many.

    >>> import autograd_lite as al
    >>> al.roll(al.tensor([1, 2, 3]), 1)
    tensor([3, 1, 2])
    """
    x = _operand(input)
    if dims is None:
        return reshape(roll(flatten(x), shifts, 0), x.shape)
    if len(_listed(shifts)) != len(_listed(dims)):
        raise ValueError(f"roll: shifts {shifts} and dims {dims} must be as many")
    for shift, dim in zip(_listed(shifts), _listed(dims), strict=True):
        (d,) = axes(dim, x.ndim)
        cut = -shift % x.shape[d] if x.shape[d] else 0
        x = cat([x[along(d, slice(cut, None))], x[along(d, slice(None, cut))]], d)
    return x


def repeat(input: Any, *repeats: Any) -> Tensor:
    """The whole tensor so many times along each dimension, new ones in front: a copy; NumPy's `tile`.

    Raises ValueError for fewer numbers than dimensions.

    >>> import autograd_lite as al
    >>> al.tensor([1, 2]).repeat(2, 2).tolist()
    [[1, 2, 1, 2], [1, 2, 1, 2]]
    """
    times, shape = _sizes(repeats), np.shape(_data(input))
    if len(times) < len(shape):
        raise ValueError(f"repeat: {times} names fewer dimensions than the shape {shape} has")
    shape = (1,) * (len(times) - len(shape)) + shape
    apart = reshape(input, [n for size in shape for n in (1, size)])
    spread = broadcast_to(apart, [n for t, size in zip(times, shape, strict=True) for n in (t, size)])
    return reshape(clone(spread), [t * size for t, size in zip(times, shape, strict=True)])


def tile(input: Any, *several: Any, dims: Sequence[int] | None = None) -> Tensor:
    """`repeat`, with fewer numbers than dimensions allowed: the leading ones are not repeated.

    >>> import autograd_lite as al
    >>> al.tile(al.tensor([[1, 2]]), (2,)).tolist()
    [[1, 2, 1, 2]]
    """
    times = _sizes(several, dims)
    return repeat(input, (1,) * (np.ndim(_data(input)) - len(times)) + times)


def repeat_interleave(input: Any, repeats: Any, dim: int | None = None, *, output_size: int | None = None) -> Tensor:
    """Each element so many times, one behind the other, along `dim`; without it, of the flattened tensor.

    Raises ValueError unless there is one number, or one for each slice.

    >>> import autograd_lite as al
    >>> al.repeat_interleave(al.tensor([1, 2]), al.tensor([2, 3]))
    tensor([1, 1, 2, 2, 2])
    """
    x = flatten(input) if dim is None else _operand(input)
    (d,) = axes(0 if dim is None else dim, x.ndim)
    times = np.broadcast_to(_data(repeats), x.shape[d] if np.size(_data(repeats)) == 1 else np.shape(_data(repeats)))
    if len(times) != x.shape[d]:
        raise ValueError(f"repeat_interleave: {len(times)} repeats for the {x.shape[d]} slices along dim {d}")
    if np.size(_data(repeats)) == 1:
        n = int(times[0]) if len(times) else 1
        spread = broadcast_to(unsqueeze(x, d + 1), (*x.shape[: d + 1], n, *x.shape[d + 1 :]))
        return flatten(clone(spread), d, d + 1)
    return index_select(x, d, np.repeat(np.arange(x.shape[d]), times))


def narrow(input: Any, dim: int, start: int, length: int) -> Tensor:
    """A part along `dim`: `length` slices from `start`. Raises IndexError where that is not all inside.

    >>> import autograd_lite as al
    >>> al.narrow(al.tensor([1, 2, 3, 4]), 0, 1, 2)
    tensor([2, 3])
    """
    x = _operand(input)
    (d,) = axes(dim, x.ndim)
    first = int(start) + x.shape[d] if start < 0 else int(start)
    if not (0 <= first <= x.shape[d] and 0 <= length <= x.shape[d] - first):
        raise IndexError(f"narrow: {length} from {start} is out of range for the size {x.shape[d]} of dim {dim}")
    return x[along(d, slice(first, first + length))]


def select(input: Any, dim: int, index: int) -> Tensor:
    """One slice along `dim`, which goes away. Raises IndexError where it is not there.

    >>> import autograd_lite as al
    >>> al.select(al.tensor([[1, 2], [3, 4]]), 1, 0)
    tensor([1, 3])
    """
    x = _operand(input)
    (d,) = axes(dim, x.ndim)
    if not -x.shape[d] <= index < x.shape[d]:
        raise IndexError(f"select: index {index} is out of range for the size {x.shape[d]} of dim {dim}")
    return x[along(d, int(index))]


def unbind(input: Any, dim: int = 0) -> tuple[Any, ...]:
    """All slices along `dim`, which goes away.

    >>> import autograd_lite as al
    >>> al.unbind(al.tensor([[1, 2], [3, 4]]), 1)
    (tensor([1, 3]), tensor([2, 4]))
    """
    x = _operand(input)
    (d,) = axes(dim, x.ndim)
    return tuple(squeeze(piece, d) for piece in split(x, 1, d)) if x.shape[d] else ()


def unfold_dimension(input: Any, dimension: int, size: int, step: int) -> Tensor:
    """`Tensor.unfold`: all windows of a size along a dimension, `step` apart, in a new last dimension.

    Raises ValueError where they do not fit.

    >>> import autograd_lite as al
    >>> al.arange(5).unfold(0, 3, 2).tolist()
    [[0, 1, 2], [2, 3, 4]]
    """
    x = unsqueeze(input, 0) if not np.ndim(_data(input)) else _operand(input)
    (d,) = axes(dimension, x.ndim)
    if not 0 <= size <= x.shape[d] or step < 1:
        raise ValueError(
            f"unfold: windows of {size}, {step} apart, do not fit the size {x.shape[d]} of dim {dimension}"
        )
    starts = np.arange(0, x.shape[d] - size + 1, step)
    return movedim(x[along(d, starts[:, None] + np.arange(size))], d + 1, -1)


def ravel(input: Any) -> Tensor:
    """As one row.

    >>> import autograd_lite as al
    >>> al.ravel(al.zeros(2, 3)).shape
    (6,)
    """
    return flatten(input)


def swapaxes(input: Any, axis0: int, axis1: int) -> Tensor:
    """Two dimensions swapped, by NumPy's name.

    >>> import autograd_lite as al
    >>> al.swapaxes(al.zeros(2, 3, 4), 0, 2).shape
    (4, 3, 2)
    """
    return transpose(input, axis0, axis1)


view_as, moveaxis = reshape_as, movedim
