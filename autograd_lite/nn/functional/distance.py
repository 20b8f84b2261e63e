"""Lengths, distances and angles of vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_lite import ops
from autograd_lite.core import Tensor
from autograd_lite.ops.shape import _operand

__all__ = ["cosine_similarity", "normalize", "pairwise_distance"]


def length(x: Any, p: float, dim: int, keepdim: bool) -> Tensor:
    """The p-norm along a dimension; at 0 its slope is taken as 0."""
    if p == 2:
        return ops.norm(x, 2, dim, keepdim)
    size = ops.absolute(x)
    if p == 1:
        return ops.sum(size, dim, keepdim)
    if math.isinf(p):
        return (ops.amax if p > 0 else ops.amin)(size, dim, keepdim)
    if p <= 0:
        raise ValueError(f"the order of a norm is positive or infinite, and not {p}")
    total = ops.sum(ops.power(size, p), dim, keepdim)
    somewhere = total > 0
    return ops.where(somewhere, ops.power(ops.where(somewhere, total, 1.0), 1.0 / p), 0.0)


def normalize(input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """The vectors along `dim` over their p-norms, or over eps where these are less.

    >>> import autograd_lite as al
    >>> al.nn.functional.normalize(al.tensor([[3.0, 4.0]]))
    tensor([[0.6, 0.8]])
    """
    x = _operand(input)
    return x / ops.clamp(length(x, p, dim, True), min=eps)


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along `dim`, which broadcast; lengths count as at least eps.

    >>> import autograd_lite as al
    >>> al.nn.functional.cosine_similarity(al.tensor([[1.0, 0.0]]), al.tensor([[1.0, 1.0]]))
    tensor([0.70710678])
    """
    a, b = _operand(x1), _operand(x2)
    shape = np.broadcast_shapes(a.shape, b.shape)
    a, b = (v if v.shape == shape else ops.broadcast_to(v, shape) for v in (a, b))
    lengths = (ops.clamp(length(v, 2, dim, False), min=eps) for v in (a, b))
    return ops.sum(a * b, dim) / next(lengths) / next(lengths)


def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The p-norm of x1 - x2 + eps along the last dimension.

    >>> import autograd_lite as al
    >>> al.nn.functional.pairwise_distance(al.tensor([[3.0, 4.0]]), al.tensor([[0.0, 0.0]]), eps=0.0)
    tensor([5.])
    """
    return length(_operand(x1) - _operand(x2) + eps, p, -1, keepdim)
