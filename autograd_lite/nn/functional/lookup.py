"""Rows of tables by their numbers, and linear maps."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite import ops
from autograd_lite.core import Tensor, primitive
from autograd_lite.memory import Array
from autograd_lite.nn.functional.parts import constant, shape_of
from autograd_lite.ops import linear, one_hot
from autograd_lite.ops.index import ARRAY, scatter_at
from autograd_lite.ops.shape import _data, _operand, pad

__all__ = ["bilinear", "embedding", "embedding_bag", "linear", "one_hot"]


def embedding(input: Any, weight: Any, padding_idx: int | None = None) -> Tensor:
    """Rows of weight (rows, d) by the integers of input, any shape: (*input.shape, d). The gradient is row-sparse.

    The row `padding_idx` gets no gradient. Raises IndexError for an index out of range, naming it, and TypeError for
    indices that are not integers.

    >>> import autograd_lite as al
    >>> al.nn.functional.embedding(al.tensor([2, 0]), al.eye(3)).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    rows = ops.embedding(input, weight)
    if padding_idx is None:
        return rows
    padding = ops.unsqueeze(_operand(input) == row_number("embedding", padding_idx, weight), -1)
    return ops.where(padding, constant(rows), rows)


def row_number(name: str, padding_idx: int, weight: Any) -> int:
    """A row, counted from 0. Raises ValueError for one that is not there."""
    count = shape_of(weight)[0]
    if not -count <= padding_idx < count:
        raise ValueError(f"{name}: padding_idx {padding_idx} is none of {count} rows")
    return padding_idx + count if padding_idx < 0 else padding_idx


@primitive(offsets=None)
def _bag_of(offsets: Array, *, count: int, bags: int) -> Any:
    """Which bag each of `count` entries is in, from where the bags start."""
    offsets = np.asarray(offsets)
    if bags and (offsets[0] != 0 or (offsets[1:] < offsets[:-1]).any() or offsets[-1] > count):
        raise ValueError(f"embedding_bag: offsets start at 0 and rise up to {count} at most: {offsets[:bags]}")
    return np.searchsorted(offsets[:bags], np.arange(count), side="right") - 1


def embedding_bag(
    input: Any,
    weight: Any,
    offsets: Any = None,
    *,
    mode: str = "mean",
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The sum, mean or largest (in each column) of several rows of weight (rows, d): (bags, d), row-sparse gradient.

    input (bags, n), or (entries,) with `offsets` (bags,), where each bag starts (with `include_last_offset` also where
    the last one ends). `per_sample_weights`, of the input's shape, are factors for a sum. The row `padding_idx` does
    not count. An empty bag gives zeros. Raises ValueError where shapes do not fit.

    >>> import autograd_lite as al
    >>> al.nn.functional.embedding_bag(al.tensor([0, 1, 2]), al.eye(3), al.tensor([0, 2]), mode="sum").tolist()
    [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"embedding_bag: mode is 'sum', 'mean' or 'max', and not {mode!r}")
    if per_sample_weights is not None and (mode != "sum" or shape_of(per_sample_weights) != shape_of(input)):
        raise ValueError("embedding_bag: per_sample_weights are for mode 'sum', and have the input's shape")
    index, table = _operand(input), _operand(weight)
    if index.ndim == 2 and offsets is None:
        bags = index.shape[0]
        bag: Any = np.repeat(np.arange(bags), index.shape[1])
    elif index.ndim == 1 and offsets is not None:
        starts = _operand(offsets)
        bags = starts.shape[0] - include_last_offset
        bag = _bag_of(starts, count=index.shape[0], bags=bags)
    else:
        raise ValueError(f"embedding_bag: an input (bags, n), or (entries,) with offsets; this one is {index.shape}")
    flat = index.reshape(-1)
    rows = ops.embedding(flat, table)
    factors = None if per_sample_weights is None else _operand(per_sample_weights).reshape((-1, 1))
    counts: Any
    if padding_idx is not None:
        counts = ops.unsqueeze(flat, -1) != row_number("embedding_bag", padding_idx, table)
    else:
        counts = np.ones((shape_of(flat)[0], 1), bool)
    if mode == "max":
        return _largest(rows, bag, bags, counts)
    rows = ops.where(counts, rows if factors is None else rows * factors, 0.0)
    total = _bag_sums(rows, bag, bags=bags)
    if mode == "sum":
        return total
    sizes = _bag_sums(ops.where(counts, 1.0, 0.0), bag, bags=bags)
    return total / ops.maximum(sizes, 1.0).astype(_data(rows).dtype)


def _bag_sums(rows: Any, bag: Any, bags: int) -> Tensor:
    """Rows (entries, d) added up by bag: (bags, d)."""
    return scatter_at(rows, bag, form=(ARRAY,), shape=(bags, rows.shape[1]))


@primitive(values=None, bag=None)
def _first_largest(values: Array, bag: Array, *, bags: int) -> Any:
    """For each bag and column the first row that is the largest; the number of rows where there is none."""
    values, bag = np.asarray(values), np.asarray(bag)
    top = np.full((bags, values.shape[1]), -np.inf, values.dtype)
    np.maximum.at(top, bag, values)
    hit = (values == top[bag]) & np.isfinite(values)
    best = np.full(top.shape, len(values))
    np.minimum.at(best, bag, np.where(hit, np.arange(len(values))[:, None], len(values)))
    return best


def _largest(rows: Any, bag: Any, bags: int, counts: Any) -> Tensor:
    """In each column the largest of each bag, zero in an empty one."""
    best = _first_largest(ops.where(counts, rows, -np.inf), bag, bags=bags)
    return ops.gather(pad(rows, [(0, 1), (0, 0)]), 0, best)


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Tensor:
    """x1ᵀ W x2 + b for each matrix of weight (out, in1, in2): (..., in1) and (..., in2) give (..., out).

    >>> import autograd_lite as al
    >>> al.nn.functional.bilinear(al.ones(1, 2), al.ones(1, 3), al.ones(4, 2, 3)).tolist()
    [[6.0, 6.0, 6.0, 6.0]]
    """
    a, b, w = _operand(input1), _operand(input2), _operand(weight)
    if w.ndim != 3 or a.shape[:-1] != b.shape[:-1] or (a.shape[-1], b.shape[-1]) != w.shape[1:]:
        raise ValueError(f"bilinear: inputs {a.shape} and {b.shape} do not fit a weight {w.shape}, (out, in1, in2)")
    out, n, m = w.shape
    right = ops.reshape(linear(b, ops.reshape(w, (out * n, m))), (*b.shape[:-1], out, n))
    y = ops.sum(right * ops.unsqueeze(a, -2), -1)
    return y if bias is None else y + _operand(bias)
