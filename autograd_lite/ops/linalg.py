"""Matrix products."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from autograd_lite.callpath import spelled
from autograd_lite.core import Tensor, as_array, primitive, ufuncs
from autograd_lite.memory import Array
from autograd_lite.ops.elementwise import multiply
from autograd_lite.ops.shape import _data, _operand, permute, reshape

__all__ = ["dot", "linear", "matmul"]


def product(a: Any, b: Any) -> Any:
    """a b. Of vectors and matrices by `dot`: matmul keeps (40, 1) by (1, 784) from BLAS, 36 against 7 µs (2026-11)."""
    if isinstance(b, Tensor):  # an array's own `dot` knows no Tensors
        return matmul(a, b)
    return a.dot(b) if 1 <= a.ndim <= 2 >= b.ndim >= 1 else a @ b


def _left(g: Any, b: Any, a_shape: tuple[int, ...]) -> Any:
    """g bᵀ; a vector is a matrix with one row (a) or one column (b)."""
    b = _operand(b)
    if b.ndim == 1:
        return g[..., None] * b
    if len(a_shape) == 1:
        return (g[..., None, :] @ np.swapaxes(b, -1, -2))[..., 0, :]
    return product(g, b.mT)


def _right(g: Any, a: Any, b_shape: tuple[int, ...]) -> Any:
    """aᵀ g."""
    a = _operand(a)
    if a.ndim == 1 and len(b_shape) == 1:
        return g * a
    if a.ndim == 1:
        return a[:, None] * g[..., None, :]
    if len(b_shape) == 1:
        return (np.swapaxes(a, -1, -2) @ g[..., None])[..., 0]
    return product(a.mT, g)


@primitive(a=_left, b=_right)
@spelled("input", "other")
def matmul(a: Array, b: Array) -> Any:
    """The matrix product of the last two dimensions, leading ones broadcast; vectors as in NumPy.

    Shapes (..., n, k) and (..., k, m) give (..., n, m). Raises ValueError where they do not fit.

    >>> import autograd_lite as al
    >>> al.matmul(al.tensor([[1.0, 2.0], [3.0, 4.0]]), al.tensor([1.0, 10.0]))
    tensor([21., 43.])
    >>> al.matmul(al.ones(5, 2, 3), al.ones(3, 4)).shape
    (5, 2, 4)
    """
    return product(as_array(a), as_array(b))


ufuncs[np.matmul] = matmul


def dot(input: Any, tensor: Any) -> Tensor:
    """NumPy's `dot`: the inner product of vectors, the product of matrices, a sum over the last dimension of `a`
    and the last but one of `b` beyond that; with a number, the product.

    >>> import autograd_lite as al
    >>> al.tensor([1.0, 2.0]).dot(al.tensor([3.0, 4.0]))
    tensor(11.)
    """
    n, m = np.ndim(_data(input)), np.ndim(_data(tensor))
    if n == 0 or m == 0:
        return multiply(input, tensor)
    if m <= 2:
        return matmul(input, tensor)
    b_shape = np.shape(_data(tensor))
    order = (m - 2, *range(m - 2), m - 1)
    flat = reshape(permute(tensor, order), (b_shape[-2], prod(b_shape[:-2]) * b_shape[-1]))
    return reshape(matmul(input, flat), (*np.shape(_data(input))[:-1], *b_shape[:-2], b_shape[-1]))


def _weight_gradient(g: Any, x: Any) -> Any:
    """gᵀ x over all leading dimensions together, in the weight's own layout."""
    if g.ndim != 2:
        rows = prod(g.shape[:-1])  # by name: -1 cannot be worked out of an empty array
        g, x = g.reshape((rows, g.shape[-1])), x.reshape((rows, x.shape[-1]))
    return g.T.dot(x)


@primitive(x=lambda g, w: product(g, w), w=_weight_gradient)
def _linear(x: Array, w: Array) -> Any:
    return product(x, w.T)


@primitive(x=lambda g, w: product(g, w), w=_weight_gradient, b=lambda g: g)
def _affine(x: Array, w: Array, b: Array) -> Any:
    if b.ndim != 1:
        raise ValueError("a bias has one dimension")
    y: Array = product(x, w.T)
    if b.dtype != y.dtype:
        return y + b
    y += b
    return y


def linear(input: Any, weight: Any, bias: Any = None) -> Tensor:
    """x wᵀ + b: input (..., in), weight (out, in), bias (out,) give (..., out); a weight (in,), a bias () give (...).

    Raises ValueError where the sizes do not fit.

    >>> import autograd_lite as al
    >>> al.nn.functional.linear(al.ones(1, 2), al.ones(3, 2), al.ones(3)).tolist()
    [[3.0, 3.0, 3.0]]
    """
    if not (isinstance(input, Tensor) and isinstance(weight, Tensor) and (bias is None or isinstance(bias, Tensor))):
        input, weight = _operand(input), _operand(weight)
        bias = None if bias is None else _operand(bias)
    if weight._array.ndim == 1 if isinstance(weight, Tensor) else weight.ndim == 1:
        y = matmul(input, weight)
        return y if bias is None else y + bias
    return _linear(input, weight) if bias is None else _affine(input, weight, bias)
