"""Inverses, determinants and decompositions of matrices, in the last two dimensions: `al.linalg`.

What gives several arrays is one op whose result holds them side by side, row-major, in its last dimension: so that
one rule sees all gradients.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np

from autograd_lite.core import Tensor, primitive
from autograd_lite.memory import Array
from autograd_lite.ops.diagonals import diag_embed, diagonal, tril
from autograd_lite.ops.elementwise import where
from autograd_lite.ops.linalg import matmul
from autograd_lite.ops.shape import _data, _operand, cat, reshape, transpose, unsqueeze

__all__ = [
    "cholesky",
    "det",
    "eigh",
    "eigvalsh",
    "inv",
    "inverse",
    "pinv",
    "pinverse",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
]


def _square(a: Any, what: str) -> Any:
    """The operand. Raises ValueError unless it is a square matrix, or a batch of such."""
    a = _matrix(a, what)
    if a.shape[-1] != a.shape[-2]:
        raise ValueError(f"{what} takes square matrices, and this has shape {np.shape(a)}")
    return a


def _matrix(a: Any, what: str) -> Any:
    a = _operand(a)
    if a.ndim < 2:
        raise ValueError(f"{what} takes matrices, and this has shape {np.shape(a)}")
    if _data(a).dtype.kind != "f":
        raise TypeError(f"{what} takes floats, and this is {_data(a).dtype}: convert it with .double()")
    return a


def _pack(parts: tuple[Any, ...], batch: tuple[int, ...]) -> Any:
    return np.concatenate([np.reshape(p, (*batch, prod(p.shape[len(batch) :]))) for p in parts], -1)


def _unpack(y: Any, *shapes: tuple[int, ...]) -> tuple[Any, ...]:
    found, start = [], 0
    for shape in shapes:
        found.append(reshape(y[..., start : start + prod(shape)], (*y.shape[:-1], *shape)))
        start += prod(shape)
    return tuple(found)


def _turned(a: Any) -> Tensor:
    return transpose(a, -2, -1)


# Inverses


@primitive(a=lambda g, y: -matmul(_turned(y), matmul(g, _turned(y))))
def _inv(a: Array) -> Any:
    return np.linalg.inv(a)


def inv(A: Any) -> Tensor:  # noqa: N803
    """The inverse of square matrices. Raises np.linalg.LinAlgError where there is none.

    >>> import autograd_lite as al
    >>> al.linalg.inv(al.tensor([[2.0, 0.0], [0.0, 4.0]])).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    return _inv(_square(A, "inv"))


@primitive(
    a=lambda g, a, y: -matmul(_solve(_turned(a), g), _turned(y)),
    b=lambda g, a: _solve(_turned(a), g),
)
def _solve(a: Array, b: Array) -> Any:
    return np.linalg.solve(a, b)


def solve(A: Any, B: Any, *, left: bool = True) -> Tensor:  # noqa: N803
    """X of A X = B, or with left=False of X A = B; B is a matrix, or a vector for each matrix of A.

    Raises np.linalg.LinAlgError where A is singular.

    >>> import autograd_lite as al
    >>> al.linalg.solve(al.tensor([[2.0, 0.0], [0.0, 4.0]]), al.tensor([2.0, 2.0]))
    tensor([1. , 0.5])
    """
    a, b = _square(A, "solve"), _operand(B)
    if not left:
        return _turned(solve(_turned(a), _turned(b)))
    vector = b.ndim == 1 or (b.ndim == a.ndim - 1 and tuple(b.shape) == tuple(a.shape[:-1]))
    columns = unsqueeze(b, -1) if vector else b
    if columns.shape[-2] != a.shape[-1]:
        raise ValueError(f"solve: A {np.shape(a)} and B {np.shape(b)} do not fit: B has as many rows as A")
    x = _solve(a, columns)
    return x[..., 0] if vector else x


def _pinv_rule(g: Any, a: Any, y: Any) -> Any:
    """G. H. Golub and V. Pereyra, SIAM Journal on Numerical Analysis 10 (1973), 413-432: the differential, turned."""
    yt, gt = _turned(y), _turned(g)
    left = matmul(matmul(gt - matmul(a, matmul(y, gt)), y), yt)
    right = matmul(yt, matmul(y, gt - matmul(matmul(gt, y), a)))
    return left + right - matmul(yt, matmul(g, yt))


@primitive(a=_pinv_rule)
def _pinv(a: Array, *, rcond: float | None) -> Any:
    return np.linalg.pinv(a, rcond=max(a.shape[-2:]) * np.finfo(a.dtype).eps if rcond is None else rcond)


def pinv(A: Any, *, rtol: float | None = None) -> Tensor:  # noqa: N803
    """The pseudoinverse; singular values under rtol times the largest count as 0. The rank must not change nearby.

    Raises ValueError for fewer dimensions than two.

    >>> import autograd_lite as al
    >>> al.linalg.pinv(al.tensor([[2.0], [0.0]])).tolist()
    [[0.5, 0.0]]
    """
    return _pinv(_matrix(A, "pinv"), rcond=rtol)


# Determinants


@primitive(a=lambda g, a, y: unsqueeze(unsqueeze(g * y, -1), -1) * _turned(_inv(a)))
def _det(a: Array) -> Any:
    return np.linalg.det(a)


def det(A: Any) -> Tensor:  # noqa: N803
    """The determinant. Its gradient needs the inverse: of a singular matrix that is an error.

    Raises ValueError for what is not square.

    >>> import autograd_lite as al
    >>> al.linalg.det(al.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor(8.)
    """
    return _det(_square(A, "det"))


class SignedLog(NamedTuple):
    """What `slogdet` gives."""

    sign: Tensor
    logabsdet: Tensor


@primitive(a=lambda g, a: unsqueeze(unsqueeze(g, -1), -1) * _turned(_inv(a)))
def _logdet(a: Array) -> Any:
    return np.linalg.slogdet(a)[1]


@primitive(a=lambda g, a: np.where(False, a, 0.0))
def _sign_of_det(a: Array) -> Any:
    return np.linalg.slogdet(a)[0]


def slogdet(A: Any) -> SignedLog:  # noqa: N803
    """The sign of the determinant, and the logarithm of its size: (sign, logabsdet).

    Raises ValueError for what is not square.

    >>> import autograd_lite as al
    >>> sign, logabsdet = al.linalg.slogdet(al.tensor([[0.0, 2.0], [1.0, 0.0]]))
    >>> sign, logabsdet
    (tensor(-1.), tensor(0.69314718))
    """
    a = _square(A, "slogdet")
    return SignedLog(_sign_of_det(a), _logdet(a))


# Decompositions


def _halved(a: Any) -> Any:
    """The lower triangle, the diagonal halved."""
    return tril(a) - diag_embed(diagonal(a, 0, -2, -1)) * 0.5


def _cholesky_rule(g: Any, y: Any) -> Any:
    """I. Murray, "Differentiation of the Cholesky decomposition" (2016), section 3.1, made symmetric."""
    middle = _halved(matmul(_turned(y), g))
    s = _turned(_solve(_turned(y), _turned(_solve(_turned(y), middle))))
    return (s + _turned(s)) * 0.5


@primitive(a=_cholesky_rule)
def _cholesky(a: Array) -> Any:
    return np.linalg.cholesky(a)


def cholesky(A: Any, *, upper: bool = False) -> Tensor:  # noqa: N803
    """The lower triangular L of a symmetric positive definite A = L Lᵀ (`upper`: Lᵀ). The gradient is symmetric.

    Raises np.linalg.LinAlgError where A is not positive definite.

    >>> import autograd_lite as al
    >>> al.linalg.cholesky(al.tensor([[4.0, 2.0], [2.0, 2.0]])).tolist()
    [[2.0, 0.0], [1.0, 1.0]]
    """
    lower = _cholesky(_square(A, "cholesky"))
    return _turned(lower) if upper else lower


def _quotient(a: Any, by: Any) -> Any:
    """a / by, and 0 where `by` is 0."""
    none = _data(by) == 0
    return where(none, 0.0, a / where(none, 1.0, by))


def _eigh_rule(g: Any, y: Any, n: int) -> Any:
    (w, v), (gw, gv) = (_unpack(z, (n,), (n, n)) for z in (y, g))
    apart = unsqueeze(w, -2) - unsqueeze(w, -1)
    inner = _quotient(matmul(_turned(v), gv), apart)
    return matmul(v, matmul((inner + _turned(inner)) * 0.5 + diag_embed(gw), _turned(v)))


@primitive(a=_eigh_rule)
def _eigh(a: Array, *, n: int, lower: bool) -> Any:
    return _pack(tuple(np.linalg.eigh(a, "L" if lower else "U")), a.shape[:-2])


class Eigen(NamedTuple):
    """What `eigh` gives."""

    eigenvalues: Tensor
    eigenvectors: Tensor


def eigh(A: Any, UPLO: str = "L") -> Eigen:  # noqa: N803
    """The eigenvalues of symmetric matrices, from the smallest up, and the eigenvectors, as columns.

    Of A the lower triangle is read (UPLO "U": the upper). The eigenvectors have a gradient where no two eigenvalues
    are equal, and only what does not depend on their signs has a meaning. Raises ValueError for what is not square.

    >>> import autograd_lite as al
    >>> al.linalg.eigh(al.tensor([[2.0, 1.0], [1.0, 2.0]])).eigenvalues
    tensor([1., 3.])
    """
    a = _square(A, "eigh")
    n = a.shape[-1]
    return Eigen(*_unpack(_eigh(a, n=n, lower=UPLO == "L"), (n,), (n, n)))


def eigvalsh(A: Any, UPLO: str = "L") -> Tensor:  # noqa: N803
    """The eigenvalues of symmetric matrices, from the smallest up.

    >>> import autograd_lite as al
    >>> al.linalg.eigvalsh(al.tensor([[2.0, 1.0], [1.0, 2.0]]))
    tensor([1., 3.])
    """
    return eigh(A, UPLO).eigenvalues


def _svd_rule(g: Any, y: Any, shapes: tuple[tuple[int, ...], ...]) -> Any:
    """J. Townsend, "Differentiating the singular value decomposition" (2016)."""
    (u, s, vh), (gu, gs, gvh) = (_unpack(z, *shapes) for z in (y, g))
    v, gv, row = _turned(vh), _turned(gvh), unsqueeze(s, -2)
    column = unsqueeze(s, -1)
    apart = row * row - column * column
    by_u, by_v = matmul(_turned(u), gu), matmul(vh, gv)
    inner = _quotient(by_u - _turned(by_u), apart) * row + _quotient(by_v - _turned(by_v), apart) * column
    found = matmul(matmul(u, inner + diag_embed(gs)), vh)
    if shapes[0][0] > shapes[0][1]:
        found = found + matmul((gu - matmul(u, by_u)) / row, vh)
    if shapes[2][1] > shapes[2][0]:
        found = found + matmul(u, _turned((gv - matmul(v, by_v)) / row))
    return found


@primitive(a=_svd_rule)
def _svd(a: Array, *, shapes: tuple[tuple[int, ...], ...]) -> Any:
    return _pack(tuple(np.linalg.svd(a, full_matrices=False)), a.shape[:-2])


class Singular(NamedTuple):
    """What `svd` gives: A = U diag(S) Vh."""

    U: Tensor
    S: Tensor
    Vh: Tensor


def svd(A: Any, full_matrices: bool = True) -> Singular:  # noqa: N803
    """The singular values of matrices, from the largest down, with U and Vh: A = U diag(S) Vh.

    The columns that `full_matrices` adds to U or Vh are constants. U and Vh have a gradient where no two singular
    values are equal, and only what does not depend on their signs has a meaning. Raises ValueError for fewer dimensions
    than two.

    >>> import autograd_lite as al
    >>> al.linalg.svd(al.tensor([[3.0, 0.0], [0.0, 4.0]])).S
    tensor([4., 3.])
    """
    a = _matrix(A, "svd")
    m, n = a.shape[-2:]
    k = min(m, n)
    shapes = ((m, k), (k,), (k, n))
    u, s, vh = _unpack(_svd(a, shapes=shapes), *shapes)
    if full_matrices and m != n:
        whole_u, _, whole_vh = np.linalg.svd(_data(a), full_matrices=True)
        u = cat([u, whole_u[..., k:]], -1) if m > k else u
        vh = cat([vh, whole_vh[..., k:, :]], -2) if n > k else vh
    return Singular(u, s, vh)


def svdvals(A: Any) -> Tensor:  # noqa: N803
    """The singular values of matrices, from the largest down.

    >>> import autograd_lite as al
    >>> al.linalg.svdvals(al.tensor([[3.0, 0.0], [0.0, 4.0]]))
    tensor([4., 3.])
    """
    return svd(A, False).S


def _qr_rule(g: Any, y: Any, shapes: tuple[tuple[int, int], ...]) -> Any:
    """S. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra functions" (2010), of full rank."""
    (q, r), (gq, gr) = (_unpack(z, *shapes) for z in (y, g))
    m = matmul(r, _turned(gr)) - matmul(_turned(gq), q)
    lower = tril(m, -1)
    right = gq + matmul(q, lower + _turned(lower) + diag_embed(diagonal(m, 0, -2, -1)))
    return _turned(_solve(r, _turned(right)))


@primitive(a=_qr_rule)
def _qr(a: Array, *, shapes: tuple[tuple[int, int], ...]) -> Any:
    return _pack(tuple(np.linalg.qr(a)), a.shape[:-2])


class Orthogonal(NamedTuple):
    """What `qr` gives: A = Q R."""

    Q: Tensor
    R: Tensor


def qr(A: Any, mode: str = "reduced") -> Orthogonal:  # noqa: N803
    """Q with orthonormal columns and an upper triangular R: A = Q R. `mode` is reduced, complete or r (Q is empty).

    "complete" has a gradient where A has no more rows than columns. Raises ValueError for another mode, and for fewer
    dimensions than two.

    >>> import autograd_lite as al
    >>> q, r = al.linalg.qr(al.tensor([[3.0], [4.0]]))
    >>> abs(r).tolist()
    [[5.0]]
    """
    a = _matrix(A, "qr")
    m, n = a.shape[-2:]
    if mode not in ("reduced", "complete", "r"):
        raise ValueError(f"qr: mode is reduced, complete or r, and not {mode!r}")
    if mode == "complete" and m > n:
        if getattr(a, "node", None) is not None:
            raise ValueError("qr: mode='complete' of more rows than columns has no gradient: mode='reduced' has one")
        full = np.linalg.qr(_data(a), "complete")
        return Orthogonal(*(type(A)(x) if a is A and not isinstance(a, np.ndarray) else x for x in full))
    k = min(m, n)
    shapes = ((m, k), (k, k))
    q, r = _unpack(_qr(a[..., :k] if n > k else a, shapes=shapes), *shapes)
    r = cat([r, matmul(_turned(q), a[..., k:])], -1) if n > k else r
    return Orthogonal(q[..., :0, :0] if mode == "r" else q, r)


inverse, pinverse = inv, pinv
