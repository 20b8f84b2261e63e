"""Tensors joined, cut and brought to one shape, by PyTorch's names."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.ops.shape import _data, _operand, along, axes, broadcast_to, cat, reshape, split, stack

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "block_diag",
    "broadcast_shapes",
    "broadcast_tensors",
    "cartesian_prod",
    "column_stack",
    "combinations",
    "concat",
    "concatenate",
    "dsplit",
    "dstack",
    "hsplit",
    "hstack",
    "meshgrid",
    "row_stack",
    "split_with_sizes",
    "tensor_split",
    "vsplit",
    "vstack",
]


def _given(tensors: tuple[Any, ...]) -> Sequence[Any]:
    """Tensors given one by one, or as one sequence."""
    return tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors


def _each(grow: Any, tensors: tuple[Any, ...]) -> Any:
    made = tuple(grow(_operand(t)) for t in _given(tensors))
    return made[0] if len(tensors) == 1 and not isinstance(tensors[0], list | tuple) else made


def atleast_1d(*tensors: Any) -> Any:
    """With at least one dimension: one tensor, or a tuple of several.

    >>> import autograd_lite as al
    >>> al.atleast_1d(al.tensor(2.0))
    tensor([2.])
    """
    return _each(lambda x: x if x.ndim else reshape(x, (1,)), tensors)


def atleast_2d(*tensors: Any) -> Any:
    """With at least two dimensions, new ones in front.

    >>> import autograd_lite as al
    >>> al.atleast_2d(al.zeros(3)).shape
    (1, 3)
    """
    return _each(lambda x: x if x.ndim > 1 else reshape(x, (1, -1) if x.size else (1, 0)), tensors)


def atleast_3d(*tensors: Any) -> Any:
    """With at least three dimensions: a vector is (1, n, 1), a matrix (n, m, 1).

    >>> import autograd_lite as al
    >>> al.atleast_3d(al.zeros(2, 3)).shape
    (2, 3, 1)
    """
    return _each(
        lambda x: x if x.ndim > 2 else reshape(x, {0: (1, 1, 1), 1: (1, *x.shape, 1)}.get(x.ndim, (*x.shape, 1))),
        tensors,
    )


def hstack(tensors: Sequence[Any]) -> Tensor:
    """Side by side: along the second dimension, vectors along the first.

    >>> import autograd_lite as al
    >>> al.hstack([al.zeros(2, 1), al.zeros(2, 3)]).shape
    (2, 4)
    """
    parts = [atleast_1d(t) for t in tensors]
    return cat(parts, 0 if parts and parts[0].ndim == 1 else 1)


def vstack(tensors: Sequence[Any]) -> Tensor:
    """One above the other, vectors as rows.

    >>> import autograd_lite as al
    >>> al.vstack([al.zeros(3), al.zeros(2, 3)]).shape
    (3, 3)
    """
    return cat([atleast_2d(t) for t in tensors], 0)


def dstack(tensors: Sequence[Any]) -> Tensor:
    """One behind the other, along the third dimension.

    >>> import autograd_lite as al
    >>> al.dstack([al.zeros(2, 3), al.zeros(2, 3)]).shape
    (2, 3, 2)
    """
    return cat([atleast_3d(t) for t in tensors], 2)


def column_stack(tensors: Sequence[Any]) -> Tensor:
    """Side by side, vectors and numbers as columns.

    >>> import autograd_lite as al
    >>> al.column_stack([al.zeros(2), al.zeros(2, 3)]).shape
    (2, 4)
    """
    columns = [_operand(t) for t in tensors]
    return cat([reshape(t, (-1 if t.ndim else 1, 1)) if t.ndim < 2 else t for t in columns], 1)


def tensor_split(input: Any, indices_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """So many pieces along `dim`, as equal as can be, the first ones longer; or cuts at these places.

    Raises ValueError for fewer than one piece.

    >>> import autograd_lite as al
    >>> [p.tolist() for p in al.tensor_split(al.arange(5), 2)]
    [[0, 1, 2], [3, 4]]
    """
    x = _operand(input)
    (d,) = axes(dim, x.ndim)
    cuts = _data(indices_or_sections) if isinstance(indices_or_sections, Tensor) else indices_or_sections
    if np.ndim(cuts):
        ends = [None, *(int(c) for c in cuts), None]
        return tuple(x[along(d, slice(a, b))] for a, b in itertools.pairwise(ends))
    count = int(cuts)
    if count < 1:
        raise ValueError(f"tensor_split: a positive number of pieces, and not {count}")
    least, longer = divmod(x.shape[d], count)
    return split(x, [least + (k < longer) for k in range(count)], d)


def _cut(input: Any, indices_or_sections: Any, dim: int, least: int, what: str) -> tuple[Any, ...]:
    shape = np.shape(_data(input))
    if len(shape) < least:
        raise ValueError(f"{what} takes {least} dimensions or more, and this has shape {shape}")
    if isinstance(indices_or_sections, int) and shape[dim] % indices_or_sections:
        raise ValueError(f"{what}: {shape[dim]} does not divide into {indices_or_sections} equal parts")
    return tensor_split(input, indices_or_sections, dim)


def hsplit(input: Any, indices_or_sections: Any) -> tuple[Any, ...]:
    """Cut along the second dimension, a vector along the first: so many equal pieces, or at these places.

    Raises ValueError where it does not divide into so many.

    >>> import autograd_lite as al
    >>> [p.shape for p in al.hsplit(al.zeros(2, 4), 2)]
    [(2, 2), (2, 2)]
    """
    return _cut(input, indices_or_sections, 0 if np.ndim(_data(input)) == 1 else 1, 1, "hsplit")


def vsplit(input: Any, indices_or_sections: Any) -> tuple[Any, ...]:
    """Cut along the first dimension of two or more.

    Raises ValueError for fewer, and where it does not divide into so many.

    >>> import autograd_lite as al
    >>> [p.shape for p in al.vsplit(al.zeros(4, 2), [1])]
    [(1, 2), (3, 2)]
    """
    return _cut(input, indices_or_sections, 0, 2, "vsplit")


def dsplit(input: Any, indices_or_sections: Any) -> tuple[Any, ...]:
    """Cut along the third dimension of three or more. Raises ValueError for fewer, and where it does not divide.

    >>> import autograd_lite as al
    >>> [p.shape for p in al.dsplit(al.zeros(1, 1, 4), 2)]
    [(1, 1, 2), (1, 1, 2)]
    """
    return _cut(input, indices_or_sections, 2, 3, "dsplit")


def broadcast_tensors(*tensors: Any) -> tuple[Any, ...]:
    """All repeated to the shape that they have together.

    >>> import autograd_lite as al
    >>> [t.shape for t in al.broadcast_tensors(al.zeros(2, 1), al.zeros(3))]
    [(2, 3), (2, 3)]
    """
    whole = np.broadcast_shapes(*(np.shape(_data(t)) for t in tensors))
    return tuple(broadcast_to(t, whole) for t in tensors)


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """The shape that tensors of these shapes have together.

    >>> import autograd_lite as al
    >>> al.broadcast_shapes((2, 1), (3,))
    (2, 3)
    """
    return np.broadcast_shapes(*shapes)


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Any, ...]:
    """The coordinates of all points of a grid, each vector along a dimension of its own ("xy": the first two swapped).

    Raises ValueError for another indexing.

    >>> import autograd_lite as al
    >>> al.meshgrid(al.tensor([1, 2]), al.tensor([3, 4, 5]), indexing="ij")[1].tolist()
    [[3, 4, 5], [3, 4, 5]]
    """
    indexing = indexing or "ij"
    if indexing not in ("ij", "xy"):
        raise ValueError(f"meshgrid: indexing is 'ij' or 'xy', and not {indexing!r}")
    vectors = [atleast_1d(t) for t in _given(tensors)]
    n = len(vectors)
    order = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else list(range(n))
    sizes = [vectors[d].shape[0] for d in order]
    shaped = [reshape(v, tuple(v.shape[0] if order[d] == k else 1 for d in range(n))) for k, v in enumerate(vectors)]
    return tuple(broadcast_to(v, sizes) for v in shaped)


def cartesian_prod(*tensors: Any) -> Tensor:
    """All combinations of one element from each vector, as rows.

    >>> import autograd_lite as al
    >>> al.cartesian_prod(al.tensor([1, 2]), al.tensor([3, 4])).tolist()
    [[1, 3], [1, 4], [2, 3], [2, 4]]
    """
    if len(tensors) == 1:
        return _operand(tensors[0])
    return stack([reshape(grid, (-1,)) for grid in meshgrid(*tensors)], 1)


def combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of r elements of a vector, as rows.

    >>> import autograd_lite as al
    >>> al.combinations(al.tensor([1, 2, 3])).tolist()
    [[1, 2], [1, 3], [2, 3]]
    """
    x = _operand(input)
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = np.array(list(choose(range(x.shape[0]), r)), np.int64).reshape(-1, r)
    return x[rows]


def block_diag(*tensors: Any) -> Tensor:
    """Matrices along the diagonal of a larger one, zeros elsewhere; vectors are rows.

    >>> import autograd_lite as al
    >>> al.block_diag(al.ones(1, 2), al.tensor([[3.0]])).tolist()
    [[1.0, 1.0, 0.0], [0.0, 0.0, 3.0]]
    """
    blocks = [atleast_2d(t) for t in tensors]
    width, rows, done = sum(b.shape[1] for b in blocks), [], 0
    for b in blocks:
        before, after = (np.zeros((b.shape[0], n), b.dtype) for n in (done, width - done - b.shape[1]))
        rows.append(cat([before, b, after], 1))
        done += b.shape[1]
    return cat(rows, 0)


concat = concatenate = cat
row_stack, split_with_sizes = vstack, split
