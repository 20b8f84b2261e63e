"""`torch.linalg`'s names: inverses, determinants, decompositions, norms of matrices, in the last two dimensions."""

from typing import Any

from autograd_lite.core import Tensor
from autograd_lite.ops.diagonals import diagonal as _diagonal
from autograd_lite.ops.linalg import matmul
from autograd_lite.ops.matrices import (
    cholesky,
    det,
    eigh,
    eigvalsh,
    inv,
    pinv,
    qr,
    slogdet,
    solve,
    svd,
    svdvals,
)
from autograd_lite.ops.matrix_functions import (
    cond,
    lstsq,
    matrix_norm,
    matrix_power,
    matrix_rank,
    norm,
    solve_triangular,
    vector_norm,
)
from autograd_lite.ops.matrix_functions import vander as _vander
from autograd_lite.ops.products import cross as _cross
from autograd_lite.ops.products import multi_dot, vecdot

__all__ = [
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "lstsq",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "vander",
    "vecdot",
    "vector_norm",
]


def diagonal(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:  # noqa: N803
    """The diagonals of matrices, as a new last dimension.

    >>> import autograd_lite as al
    >>> al.linalg.diagonal(al.ones(5, 2, 3)).shape
    (5, 2)
    """
    return _diagonal(A, offset, dim1, dim2)


def cross(input: Any, other: Any, *, dim: int = -1) -> Tensor:
    """The cross product of vectors of three along `dim`, the rest broadcast.

    >>> import autograd_lite as al
    >>> al.linalg.cross(al.tensor([1.0, 0.0, 0.0]), al.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    return _cross(input, other, dim)


def vander(x: Any, *, N: int | None = None) -> Tensor:  # noqa: N803
    """The powers of x as columns, the lowest first.

    >>> import autograd_lite as al
    >>> al.linalg.vander(al.tensor([2.0, 3.0])).tolist()
    [[1.0, 2.0], [1.0, 3.0]]
    """
    return _vander(x, N, True)
