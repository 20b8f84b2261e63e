"""Diagonals and triangles of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.ops.elementwise import where
from autograd_lite.ops.moving import movedim
from autograd_lite.ops.reduce import sum
from autograd_lite.ops.shape import _data, _operand, axes, flatten, pad, unsqueeze

__all__ = ["diag", "diag_embed", "diagflat", "diagonal", "trace", "tril", "triu"]


def places(rows: int, columns: int, offset: int) -> tuple[Any, Any]:
    """Where the elements of a diagonal are; an offset above 0 is right of the main one."""
    first, count = max(-offset, 0), max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)
    numbers = np.arange(count)
    return numbers + first, numbers + max(offset, 0)


def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of the matrices in two dimensions, as a new last one.

    >>> import autograd_lite as al
    >>> al.diagonal(al.tensor([[1, 2], [3, 4]])), al.diagonal(al.tensor([[1, 2], [3, 4]]), 1)
    (tensor([1, 4]), tensor([2]))
    """
    x = _operand(input)
    axes((dim1, dim2), x.ndim)
    return _on_diagonal(movedim(x, (dim1, dim2), (-2, -1)), offset)


def _on_diagonal(x: Tensor, offset: int) -> Tensor:
    """Of the last two dimensions."""
    rows, columns = places(x.shape[-2], x.shape[-1], offset)
    return x[..., rows, columns]


def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices with the last dimension on a diagonal, zeros elsewhere, in two new dimensions.

    Raises ValueError for a number.

    >>> import autograd_lite as al
    >>> al.diag_embed(al.tensor([1.0, 2.0])).tolist()
    [[1.0, 0.0], [0.0, 2.0]]
    """
    x = _operand(input)
    if not x.ndim:
        raise ValueError("diag_embed takes at least one dimension: x.reshape(1) has one")
    axes((dim1, dim2), x.ndim + 1)
    n = x.shape[-1] + abs(offset)
    by_row = pad(x, [(0, 0)] * (x.ndim - 1) + [(max(-offset, 0), max(offset, 0))])
    made = where(np.eye(n, k=offset, dtype=bool), unsqueeze(by_row, -1), np.zeros((), x.dtype))
    return movedim(made, (-2, -1), (dim1, dim2))


def diag(input: Any, diagonal: int = 0) -> Tensor:
    """Of a vector the matrix with it on a diagonal, of a matrix the vector that is there.

    Raises ValueError for more dimensions.

    >>> import autograd_lite as al
    >>> al.diag(al.tensor([1.0, 2.0])).tolist(), al.diag(al.tensor([[1.0, 2.0], [3.0, 4.0]]))
    ([[1.0, 0.0], [0.0, 2.0]], tensor([1., 4.]))
    """
    ndim = np.ndim(_data(input))
    if ndim not in (1, 2):
        raise ValueError(f"diag takes a vector or a matrix, and this has shape {np.shape(_data(input))}")
    return diag_embed(input, diagonal) if ndim == 1 else _on_diagonal(_operand(input), diagonal)


def diagflat(input: Any, offset: int = 0) -> Tensor:
    """The matrix with all elements on a diagonal.

    >>> import autograd_lite as al
    >>> al.diagflat(al.tensor([[1.0], [2.0]])).tolist()
    [[1.0, 0.0], [0.0, 2.0]]
    """
    return diag_embed(flatten(input), offset)


def _triangle(input: Any, diagonal: int, lower: bool) -> Tensor:
    x = _operand(input)
    if x.ndim < 2:
        raise ValueError(f"{'tril' if lower else 'triu'} takes matrices, and this has shape {np.shape(x)}")
    inside = np.tri(x.shape[-2], x.shape[-1], diagonal if lower else diagonal - 1, dtype=bool)
    return where(inside if lower else ~inside, x, np.zeros((), x.dtype))


def tril(input: Any, diagonal: int = 0) -> Tensor:
    """Zeros above a diagonal of matrices.

    >>> import autograd_lite as al
    >>> al.tril(al.ones(2, 2)).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    return _triangle(input, diagonal, True)


def triu(input: Any, diagonal: int = 0) -> Tensor:
    """Zeros below a diagonal of matrices.

    >>> import autograd_lite as al
    >>> al.triu(al.ones(2, 2), 1).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    return _triangle(input, diagonal, False)


def trace(input: Any) -> Tensor:
    """The sum of the diagonal of a matrix. Raises ValueError for anything else.

    >>> import autograd_lite as al
    >>> al.trace(al.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    """
    if np.ndim(_data(input)) != 2:
        raise ValueError(f"trace takes a matrix, and this has shape {np.shape(_data(input))}")
    return sum(diagonal(input))
