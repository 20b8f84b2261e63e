"""Attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_lite import ops
from autograd_lite.core import Tensor
from autograd_lite.layer_misfit import scores_error
from autograd_lite.nn.functional.parts import shape_of
from autograd_lite.ops.shape import _data, _operand

__all__ = ["scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(query keyᵀ scale + mask) value, of (..., L, E), (..., S, E) and (..., S, V) (Vaswani et al. 2017).

    The scale is 1 / √E unless given. A mask (..., L, S) of booleans is True where a query sees a key, and one of
    numbers is added; with `is_causal` query i sees the keys up to i. A query that a mask lets see nothing, by False
    or -inf for all keys, gets zeros. Dropout is applied whenever `dropout_p` is over 0. With `enable_gqa` the heads of
    key and value (dimension -3) are repeated to as many as the query has.

    >>> import autograd_lite as al
    >>> q, v = al.zeros(1, 2, 4), al.tensor([[[1.0], [3.0]]])
    >>> al.nn.functional.scaled_dot_product_attention(q, q, v, is_causal=True).tolist()
    [[[1.0], [2.0]]]
    """
    q, k, v = _operand(query), _operand(key), _operand(value)
    if min(q.ndim, k.ndim, v.ndim) < 2 or q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise scores_error(query, key, value)
    if enable_gqa:
        k, v = (_repeated(heads, q.shape[-3]) for heads in (k, v))
    return ops.matmul(ops.dropout(shares(q, k, attn_mask, is_causal, scale), dropout_p), v)


def shares(
    q: Any, k: Any, attn_mask: Any = None, is_causal: bool = False, scale: float | None = None, blind: bool = True
) -> Tensor:
    """softmax(q kᵀ scale + mask): what part of each value a query takes.

    One that the mask lets see nothing takes 0 of each, or NaN where `blind` queries are not provided for.
    """
    scores = ops.matmul(q, ops.transpose(k, -1, -2)) * (1.0 / math.sqrt(q.shape[-1]) if scale is None else scale)
    if is_causal:
        if attn_mask is not None:
            raise ValueError("scaled_dot_product_attention: give attn_mask or is_causal, not both")
        return ops.softmax(ops.where(np.tri(q.shape[-2], k.shape[-2], dtype=bool), scores, -np.inf), -1)
    if attn_mask is None:
        return ops.softmax(scores, -1)
    mask = _operand(attn_mask)
    scores = ops.where(mask, scores, -np.inf) if _data(mask).dtype.kind == "b" else scores + mask
    if not blind:
        return ops.softmax(scores, -1)
    nothing = ops.all(scores == -np.inf, -1, keepdims=True)
    return ops.where(nothing, 0.0, ops.softmax(ops.where(nothing, 0.0, scores), -1))


def _repeated(heads: Any, count: int) -> Any:
    """Each head of (..., H, S, E) so often that there are `count`."""
    shape = shape_of(heads)
    if count % shape[-3]:
        raise ValueError(f"enable_gqa: {count} heads of the query are no multiple of {shape[-3]}")
    wide = ops.unsqueeze(heads, -3)
    return ops.expand(wide, *shape[:-2], count // shape[-3], *shape[-2:]).reshape((*shape[:-3], count, *shape[-2:]))
