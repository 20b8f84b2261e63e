"""Matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.core import Array, Tensor, primitive, ufunc
from autograd_lite.ops.elementwise import multiply
from autograd_lite.ops.shape import _data, permute, reshape


def _left(g: Any, b: Any, a_shape: tuple[int, ...]) -> Any:
    """g bᵀ; a vector is a matrix with one row (a) or one column (b)."""
    if b.ndim == 1:
        return g[..., None] * b
    if len(a_shape) == 1:
        return (g[..., None, :] @ np.swapaxes(b, -1, -2))[..., 0, :]
    return g @ np.swapaxes(b, -1, -2)


def _right(g: Any, a: Any, b_shape: tuple[int, ...]) -> Any:
    """aᵀ g."""
    if a.ndim == 1 and len(b_shape) == 1:
        return g * a
    if a.ndim == 1:
        return a[:, None] * g[..., None, :]
    if len(b_shape) == 1:
        return (np.swapaxes(a, -1, -2) @ g[..., None])[..., 0]
    return np.swapaxes(a, -1, -2) @ g


matmul = ufunc(
    np.matmul,
    """The matrix product of the last two dimensions, leading ones broadcast; vectors as in NumPy.

    Shapes (..., n, k) and (..., k, m) give (..., n, m).

    >>> import autograd_lite as al
    >>> al.matmul(al.ones(2, 3), al.ones(3)).tolist()
    [3.0, 3.0]
    """,
    a=_left,
    b=_right,
)


def dot(a: Any, b: Any) -> Any:
    """NumPy's `dot`: the inner product of vectors, the product of matrices, a sum over the last dimension of `a`
    and the last but one of `b` beyond that; with a number, the product.

    >>> import autograd_lite as al
    >>> al.tensor([1.0, 2.0]).dot(al.tensor([3.0, 4.0]))
    tensor(11.)
    """
    n, m = np.ndim(_data(a)), np.ndim(_data(b))
    if n == 0 or m == 0:
        return multiply(a, b)
    if m <= 2:  # noqa: PLR2004
        return matmul(a, b)
    b_shape = np.shape(_data(b))
    order = (m - 2, *range(m - 2), m - 1)
    flat = reshape(permute(b, order), (b_shape[-2], -1))
    return reshape(matmul(a, flat), (*np.shape(_data(a))[:-1], *b_shape[:-2], b_shape[-1]))


def _weight_gradient(g: Any, x: Any) -> Any:
    """gᵀ x over all leading dimensions together, in the weight's own layout."""
    if g.ndim != 2:  # noqa: PLR2004
        g, x = np.reshape(g, (-1, g.shape[-1])), np.reshape(x, (-1, x.shape[-1]))
    return np.transpose(g) @ x


@primitive(x=lambda g, w: g @ w, w=_weight_gradient)
def _linear(x: Array, w: Array) -> Array:
    return x @ w.T


@primitive(x=lambda g, w: g @ w, w=_weight_gradient, b=lambda g: g)
def _affine(x: Array, w: Array, b: Array) -> Array:
    y: Array = x @ w.T
    y += b
    return y


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """x wᵀ + b: input (..., in), weight (out, in), bias (out,) give (..., out).

    >>> import autograd_lite as al
    >>> al.nn.functional.linear(al.ones(1, 2), al.ones(3, 2), al.ones(3)).tolist()
    [[3.0, 3.0, 3.0]]
    """
    x, w = np.shape(_data(input)), np.shape(_data(weight))
    if len(w) != 2 or not x or x[-1] != w[1]:  # noqa: PLR2004
        raise ValueError(
            f"linear: input {x} and weight {w} do not fit: the input's last size must be the weight's second "
            "(a weight is (out, in))"
        )
    return _linear(input, weight) if bias is None else _affine(input, weight, bias)


def is_tensor(x: Any) -> bool:
    """Whether x is a Tensor."""
    return isinstance(x, Tensor)
