"""Softmax, dropout and parts of losses: ops whose derivative is simpler, or stabler, than that of their parts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.core import Op, Tensor, op_of, primitive
from autograd_lite.memory import Array
from autograd_lite.modes import mode
from autograd_lite.ops.compare import not_equal
from autograd_lite.ops.elementwise import logistic, multiply, sigmoid
from autograd_lite.ops.index import _refuse_range
from autograd_lite.ops.reduce import sum
from autograd_lite.ops.shape import _data, _operand, axes, cast
from autograd_lite.random import draw_from

__all__ = [
    "dropout",
    "log_softmax",
    "one_hot",
    "softmax",
]


@primitive(x=lambda g, y, dim: y * (g - np.sum(g * y, axis=dim, keepdims=True)))
def _softmax(x: Array, *, dim: int) -> Any:
    e = np.exp(x - np.maximum.reduce(x, axis=dim, keepdims=True, initial=-np.inf))
    e /= np.add.reduce(e, axis=dim, keepdims=True)
    return e


def softmax(input: Any, dim: int = -1, dtype: Any = None) -> Tensor:
    """exp(x) / sum(exp(x)) along `dim`, without overflow; of the input in another dtype, if one is given.

    >>> import autograd_lite as al
    >>> al.softmax(al.tensor([0.0, 1000.0]), 0)
    tensor([0., 1.])
    """
    x = input if dtype is None else cast(input, dtype=np.dtype(dtype))
    return _softmax(x, dim=axes(dim, np.ndim(_data(x)) or 1)[0])


@primitive(x=lambda g, y, dim: g - np.exp(y) * np.sum(g, axis=dim, keepdims=True))
def _log_softmax(x: Array, *, dim: int) -> Any:
    shifted = x - np.maximum.reduce(x, axis=dim, keepdims=True, initial=-np.inf)
    if not shifted.size:
        return shifted
    shifted -= np.log(np.add.reduce(np.exp(shifted), axis=dim, keepdims=True))
    return shifted


def log_softmax(input: Any, dim: int = -1, dtype: Any = None) -> Tensor:
    """log(softmax(x)) along `dim`, without overflow or log(0); of the input in another dtype, if one is given.

    >>> import autograd_lite as al
    >>> al.log_softmax(al.tensor([0.0, 1000.0]), 0)
    tensor([-1000.,     0.])
    """
    x = input if dtype is None else cast(input, dtype=np.dtype(dtype))
    return _log_softmax(x, dim=axes(dim, np.ndim(_data(x)) or 1)[0])


@primitive(index=None)
def _one_hot(index: Array, *, classes: int, dtype: Any = np.float64) -> Any:
    return np.equal(index[..., None], np.arange(classes)).astype(dtype)


def one_hot(tensor: Any, num_classes: int = -1) -> Tensor:
    """1.0 at the place that each integer names, along a new last dimension; no derivative.

    >>> import autograd_lite as al
    >>> al.nn.functional.one_hot(al.tensor([2, 0]), 3).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    raw = _data(tensor)
    classes = int(raw.max()) + 1 if num_classes == -1 else num_classes
    _refuse_range(raw, classes, "one_hot")
    return _one_hot(tensor if isinstance(tensor, Tensor) else raw, classes=classes)


# Cross-entropy from the logits, a row at a time: the textbook's softmax(x) - target


@primitive(
    x=lambda g, x, target: g[..., None] * (softmax(x) * np.sum(target, axis=-1, keepdims=True) - target),
    target=None,
)
def _cross_entropy_of_rows(x: Array, target: Array) -> Any:
    return -np.add.reduce(_log_softmax(x, dim=x.ndim - 1) * target, axis=-1)


def _counted(index: Any, ignore: int) -> Any:
    """Class 0 in place of the number that does not count."""
    return np.where(index == ignore, 0, index)


@primitive(
    x=lambda g, x, index, x_shape, ignore: (
        (g * (index != ignore))[..., None]
        * (softmax(x) - _one_hot(_counted(index, ignore), classes=x_shape[-1], dtype=x.dtype))
    ),
    index=None,
)
def _cross_entropy(x: Array, index: Array, *, ignore: int = -100) -> Any:
    logs: Any = _log_softmax(x, dim=x.ndim - 1)
    starts = np.arange(0, logs.size, logs.shape[-1])
    losses = -logs.reshape(-1).take(_counted(index, ignore).reshape(-1) + starts, 0).reshape(index.shape)
    return np.where(index == ignore, 0.0, losses)


@primitive(losses=lambda g, index, ignore: g * (index != ignore) / _count(index, ignore, g.dtype, 1.0), index=None)
def _mean(losses: Array, index: Array, *, ignore: int = -100) -> Any:
    return np.add.reduce(losses, axis=None) / _count(index, ignore, losses.dtype, math.nan)


def _count(index: Any, ignore: int, dtype: Any, none: float) -> Any:
    """How many targets count, `none` in place of 0: a Python number, or where a step is compiled an array."""
    if isinstance(index, Tensor):  # where a rule is watched
        total = sum(not_equal(index, ignore))
        return total if total._array.any() else none
    if mode.tracer is None or isinstance(index, np.ndarray):
        return float(np.count_nonzero(index != ignore)) or none
    total = np.add.reduce(np.not_equal(index, ignore), axis=None, dtype=dtype)
    return np.where(total > 0, total, none)


# An elementwise loss is one op, its reduction included: the rule broadcasts a number instead of filling an array.


def _total(losses: Array, reduction: str) -> Any:
    if reduction == "none":
        return losses
    if reduction == "sum":
        return np.add.reduce(losses, axis=None)
    if not losses.size:
        raise ValueError(f"the mean of no losses at all: shape {losses.shape}")
    return np.add.reduce(losses, axis=None) / losses.size


def _share(g: Any, reduction: str, shape: tuple[int, ...]) -> Any:
    """The gradient of each loss, from that of their reduction."""
    return g * (1.0 / math.prod(shape)) if reduction == "mean" else g


@primitive(
    a=lambda g, a, b, a_shape, reduction: (a - b) * (_share(g, reduction, a_shape) * 2.0),
    b=lambda g, a, b, b_shape, reduction: (b - a) * (_share(g, reduction, b_shape) * 2.0),
)
def _squared_error(a: Array, b: Array, *, reduction: str) -> Any:
    d = a - b
    return _total(d * d, reduction)


@primitive(
    a=lambda g, a, b, a_shape, reduction: np.sign(a - b) * _share(g, reduction, a_shape),
    b=lambda g, a, b, b_shape, reduction: np.sign(b - a) * _share(g, reduction, b_shape),
)
def _absolute_error(a: Array, b: Array, *, reduction: str) -> Any:
    return _total(np.absolute(a - b), reduction)


@primitive(
    x=lambda g, x, target, x_shape, reduction: (logistic(x) - target) * _share(g, reduction, x_shape),
    target=lambda g, x, target_shape, reduction: -x * _share(g, reduction, target_shape),
)
def _logistic_loss(x: Array, target: Array, *, reduction: str) -> Any:
    return _total(np.logaddexp(0.0, x) - x * target, reduction)


# What these ops compute on the way, from their first argument: a hand-written pass may use it, for right or wrong

hidden_outputs: dict[Op, Callable[[Any], Any]] = {
    op_of(_cross_entropy_of_rows): softmax,
    op_of(_cross_entropy): softmax,
    op_of(_logistic_loss): sigmoid,
}

# Dropout


@primitive()
def keep_mask(*, shape: tuple[int, ...], p: float, generator: Any, dtype: Any) -> Any:
    """1 / (1 - p) with probability 1 - p, else 0: a draw of `shape` from a generator."""
    kept = generator.random(shape) >= p
    return np.multiply(kept, 1.0 / (1.0 - p) if p < 1 else 0.0, dtype=dtype)


def dropout(input: Any, p: float = 0.5, training: bool = True, generator: Any = None) -> Tensor:
    """Each element zeroed with probability p, the others divided by 1 - p; the input itself when not training.

    `generator` is a NumPy generator, or anything with `random(shape)` giving numbers from 0 to 1; without one the
    default generator, which `manual_seed` seeds. Raises ValueError for p outside 0 to 1.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p is a probability, and {p} is not between 0 and 1")
    if not training or p == 0:
        return _operand(input)
    x = _data(input)
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(float)
    return multiply(input, keep_mask(shape=x.shape, p=p, generator=draw_from(generator), dtype=dtype))
