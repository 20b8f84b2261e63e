"""Norms, powers and least squares of matrices, made of the ops in `matrices`: the rest of `al.linalg`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.ops import statistics
from autograd_lite.ops.compare import less
from autograd_lite.ops.diagonals import tril, triu
from autograd_lite.ops.elementwise import absolute, where
from autograd_lite.ops.linalg import matmul
from autograd_lite.ops.matrices import _matrix, _square, inv, pinv, slogdet, solve, svdvals
from autograd_lite.ops.moving import movedim
from autograd_lite.ops.reduce import amax, amin, sum
from autograd_lite.ops.scan import cumprod
from autograd_lite.ops.shape import Dims, _data, _operand, axes, broadcast_to, cat, clone, transpose, unsqueeze

__all__ = [
    "cholesky_solve",
    "cond",
    "logdet",
    "lstsq",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "solve_triangular",
    "vander",
    "vector_norm",
]


def vector_norm(x: Any, ord: Any = 2, dim: Dims | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The `ord`-norm of all elements over `dim`, as one vector: see `al.norm`.

    >>> import autograd_lite as al
    >>> al.linalg.vector_norm(al.tensor([[3.0, 4.0]]), 1)
    tensor(7.)
    """
    return statistics.norm(x, float(ord), dim, keepdim, dtype=dtype)


def matrix_norm(
    A: Any,  # noqa: N803
    ord: Any = "fro",
    dim: tuple[int, int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """The norm of matrices: "fro", "nuc" (of singular values), 2, -2 (the largest, the smallest of these), inf, -inf
    (the largest, the smallest sum of a row's sizes), 1, -1 (of a column's). Raises ValueError for another ord.

    >>> import autograd_lite as al
    >>> al.linalg.matrix_norm(al.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
    tensor(6.)
    """
    a = _matrix(A if dtype is None else _operand(A).astype(dtype), "matrix_norm")
    places = axes(dim, a.ndim)
    if ord == "fro":
        return statistics.norm(a, 2, places, keepdim)
    a = movedim(a, places, (-2, -1))
    extreme: Callable[..., Any] = amax if ord in ("nuc", 2, 1, np.inf) else amin
    if ord in ("nuc", 2, -2):
        s = svdvals(a)
        y = sum(s, -1) if ord == "nuc" else extreme(s, -1)
    elif ord in (1, -1, np.inf, -np.inf):
        y = extreme(sum(absolute(a), -2 if abs(ord) == 1 else -1), -1)
    else:
        raise ValueError(f"matrix_norm: ord is fro, nuc, inf, -inf, 1, -1, 2 or -2, and not {ord!r}")
    if not keepdim:
        return y
    return movedim(unsqueeze(unsqueeze(y, -1), -1), (-2, -1), places)


def norm(
    A: Any,  # noqa: N803
    ord: Any = None,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """`al.linalg.norm`: of a vector, or over one `dim`, `vector_norm`; of matrices `matrix_norm`.

    Without `ord` the Euclidean norm of all elements over `dim`. Raises ValueError for another `ord`, and for an `ord`
    of three or more dimensions.

    >>> import autograd_lite as al
    >>> al.linalg.norm(al.tensor([[3.0, 0.0], [0.0, 4.0]])), al.linalg.norm(al.tensor([[3.0, 0.0], [0.0, 4.0]]), 2)
    (tensor(5.), tensor(4.))
    """
    a = _operand(A)
    if ord is None:
        return statistics.norm(a, 2, dim, keepdim, dtype=dtype)
    several = a.ndim == 2 if dim is None else np.size(dim) == 2
    if several:
        return matrix_norm(a, ord, (-2, -1) if dim is None else dim, keepdim, dtype=dtype)
    if dim is None and a.ndim != 1:
        raise ValueError(f"linalg.norm with ord={ord!r} takes a vector or a matrix, and this has shape {np.shape(a)}")
    return vector_norm(a, ord, dim, keepdim, dtype=dtype)


def cond(A: Any, p: Any = None) -> Tensor:  # noqa: N803
    """The condition number: the largest singular value by the smallest (p None or 2), or norm(A, p) norm(inv(A), p).

    >>> import autograd_lite as al
    >>> al.linalg.cond(al.tensor([[1.0, 0.0], [0.0, 4.0]]))
    tensor(4.)
    """
    if p in (None, 2, -2):
        s = svdvals(A)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return matrix_norm(A, p) * matrix_norm(inv(A), p)


def matrix_power(A: Any, n: int) -> Tensor:  # noqa: N803
    """A multiplied n times with itself, by squaring; of a negative n the inverse's power.

    Raises ValueError for what is not square.

    >>> import autograd_lite as al
    >>> al.linalg.matrix_power(al.tensor([[1.0, 1.0], [0.0, 1.0]]), 3).tolist()
    [[1.0, 3.0], [0.0, 1.0]]
    """
    a = _square(A, "matrix_power")
    if n == 1:
        return clone(a)
    a, n = (inv(a), -n) if n < 0 else (a, n)
    found: Tensor | None = None
    while n:
        if n % 2:
            found = a if found is None else matmul(found, a)
        n //= 2
        a = matmul(a, a) if n else a
    return a * 0.0 + np.eye(a.shape[-1], dtype=a.dtype) if found is None else found


def matrix_rank(A: Any, *, atol: float | None = None, rtol: float | None = None) -> Tensor:  # noqa: N803
    """How many singular values are over atol and over rtol times the largest. No derivative.

    Raises ValueError for fewer dimensions than two.

    >>> import autograd_lite as al
    >>> al.linalg.matrix_rank(al.tensor([[1.0, 2.0], [2.0, 4.0]])).item()
    1
    """
    a = _data(_matrix(A, "matrix_rank"))
    s = np.linalg.svd(a, compute_uv=False)
    relative = (max(a.shape[-2:]) * np.finfo(a.dtype).eps if atol is None else 0.0) if rtol is None else rtol
    over = s > np.maximum(0.0 if atol is None else atol, relative * s[..., :1])
    return Tensor(np.asarray(over.sum(-1))) if isinstance(A, Tensor) else over.sum(-1)


def logdet(input: Any) -> Tensor:
    """The logarithm of the determinant; NaN where that is negative.

    >>> import autograd_lite as al
    >>> al.logdet(al.tensor([[2.0, 0.0], [0.0, 5.0]])), al.log(al.tensor(10.0))
    (tensor(2.30258509), tensor(2.30258509))
    """
    sign, size = slogdet(input)
    return where(less(sign, 0), np.nan, size)


def solve_triangular(
    A: Any,  # noqa: N803
    B: Any,  # noqa: N803
    *,
    upper: bool,
    left: bool = True,
    unitriangular: bool = False,
) -> Tensor:
    """X of A X = B (left=False: X A = B), of A only a triangle read; `unitriangular`: its diagonal taken for ones.

    Raises ValueError for an A that is not square.

    >>> import autograd_lite as al
    >>> al.linalg.solve_triangular(al.tensor([[2.0, 9.0], [0.0, 4.0]]), al.tensor([[2.0], [4.0]]), upper=False).tolist()
    [[1.0], [1.0]]
    """
    a = _square(A, "solve_triangular")
    if unitriangular:
        a = (triu(a, 1) if upper else tril(a, -1)) + np.eye(a.shape[-1], dtype=a.dtype)
    else:
        a = triu(a) if upper else tril(a)
    return solve(a, B, left=left)


def cholesky_solve(B: Any, L: Any, upper: bool = False) -> Tensor:  # noqa: N803
    """X of A X = B, of the Cholesky factor L of A (`upper`: its transpose).

    >>> import autograd_lite as al
    >>> lower = al.linalg.cholesky(al.tensor([[4.0, 2.0], [2.0, 2.0]]))
    >>> al.cholesky_solve(al.tensor([[8.0], [6.0]]), lower).tolist()
    [[1.0], [2.0]]
    """
    lower = transpose(L, -2, -1) if upper else L
    return solve_triangular(transpose(lower, -2, -1), solve_triangular(lower, B, upper=False), upper=True)


class LeastSquares(NamedTuple):
    """What `lstsq` gives."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


def lstsq(A: Any, B: Any, rcond: float | None = None, *, driver: str | None = None) -> LeastSquares:  # noqa: N803
    """The X for which A X is nearest B, through the pseudoinverse, and the sums of the squares that are left.

    Raises ValueError for an A that is no matrix.

    >>> import autograd_lite as al
    >>> al.linalg.lstsq(al.tensor([[1.0], [1.0]]), al.tensor([[1.0], [3.0]])).solution
    tensor([[2.]])
    """
    a, b = _matrix(A, "lstsq"), _operand(B)
    x = matmul(pinv(a, rtol=rcond), b)
    rank = matrix_rank(a, rtol=rcond)
    full = a.shape[-2] > a.shape[-1] and np.all(_data(rank) == a.shape[-1])
    left = matmul(a, x) - b
    residuals = sum(left * left, -2) if full else left[..., :0, 0]
    return LeastSquares(x, residuals, rank, svdvals(a))


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:  # noqa: N803
    """The powers of x as columns, the highest first unless `increasing`.

    >>> import autograd_lite as al
    >>> al.vander(al.tensor([2.0, 3.0]), 3).tolist()
    [[4.0, 2.0, 1.0], [9.0, 3.0, 1.0]]
    """
    x = _operand(x)
    n = x.shape[-1] if N is None else N
    ones = unsqueeze(x, -1) * 0 + 1
    columns = broadcast_to(unsqueeze(x, -1), (*x.shape, max(n - 1, 0)))

    powers = cat([ones[..., : min(n, 1)], cumprod(columns, -1) if n > 1 else columns], -1)
    return powers if increasing else powers[..., ::-1]
