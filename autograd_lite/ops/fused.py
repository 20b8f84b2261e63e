"""Softmax, losses and dropout: ops whose derivative is simpler, or stabler, than that of their parts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.core import Op, Tensor, op_of, primitive
from autograd_lite.memory import Array
from autograd_lite.misfit import loss_error
from autograd_lite.modes import mode
from autograd_lite.ops.elementwise import less, log, logistic, multiply, not_equal, sigmoid, where
from autograd_lite.ops.index import _refuse_range, gather
from autograd_lite.ops.reduce import mean, sum
from autograd_lite.ops.shape import _data, _operand, axes, squeeze, unsqueeze
from autograd_lite.random import draw_from

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "dropout",
    "l1_loss",
    "log_softmax",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "softmax",
]


@primitive(x=lambda g, y, dim: y * (g - np.sum(g * y, axis=dim, keepdims=True)))
def _softmax(x: Array, *, dim: int) -> Any:
    e = np.exp(x - np.maximum.reduce(x, axis=dim, keepdims=True, initial=-np.inf))
    e /= np.add.reduce(e, axis=dim, keepdims=True)
    return e


def softmax(input: Any, dim: int = -1) -> Any:
    """exp(x) / sum(exp(x)) along `dim`, without overflow.

    >>> import autograd_lite as al
    >>> al.softmax(al.tensor([0.0, 1000.0]), 0)
    tensor([0., 1.])
    """
    return _softmax(input, dim=axes(dim, np.ndim(_data(input)))[0])


@primitive(x=lambda g, y, dim: g - np.exp(y) * np.sum(g, axis=dim, keepdims=True))
def _log_softmax(x: Array, *, dim: int) -> Any:
    shifted = x - np.maximum.reduce(x, axis=dim, keepdims=True, initial=-np.inf)
    if not shifted.size:
        return shifted
    shifted -= np.log(np.add.reduce(np.exp(shifted), axis=dim, keepdims=True))
    return shifted


def log_softmax(input: Any, dim: int = -1) -> Any:
    """log(softmax(x)) along `dim`, without overflow or log(0)."""
    return _log_softmax(input, dim=axes(dim, np.ndim(_data(input)))[0])


@primitive(index=None)
def _one_hot(index: Array, *, classes: int, dtype: Any = np.float64) -> Any:
    return np.equal(index[..., None], np.arange(classes)).astype(dtype)


def one_hot(index: Any, num_classes: int = -1) -> Any:
    """1.0 at the place that each integer names, along a new last dimension; no derivative.

    >>> import autograd_lite as al
    >>> al.nn.functional.one_hot(al.tensor([2, 0]), 3).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    raw = _data(index)
    classes = int(raw.max()) + 1 if num_classes == -1 else num_classes
    _refuse_range(raw, classes, "one_hot")
    return _one_hot(index if isinstance(index, Tensor) else raw, classes=classes)


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
    logs = _log_softmax(x, dim=x.ndim - 1)
    starts = np.arange(0, logs.size, logs.shape[-1])
    losses = -logs.reshape(-1).take(_counted(index, ignore).reshape(-1) + starts, 0).reshape(index.shape)
    return np.where(index == ignore, 0.0, losses)


@primitive(losses=lambda g, index, ignore: g * (index != ignore) / _count(index, ignore, g.dtype), index=None)
def _mean(losses: Array, index: Array, *, ignore: int = -100) -> Any:
    return np.add.reduce(losses, axis=None) / _count(index, ignore, losses.dtype)


def _count(index: Any, ignore: int, dtype: Any) -> Any:
    """How many targets count: a Python number, or where a step is compiled an array, looked at in each step."""
    if isinstance(index, Tensor):  # where a rule is watched
        return sum(not_equal(index, ignore))
    if mode.tracer is None or isinstance(index, np.ndarray):
        count = float(np.count_nonzero(index != ignore))
        _refuse_none(count, ignore)
        return count
    total = np.add.reduce(np.not_equal(index, ignore), axis=None, dtype=dtype)
    mode.tracer.check(_refuse_none, total, ignore)
    return total


def _refuse_none(count: float, ignore: int) -> None:
    if not count:
        raise ValueError(f"every target is ignore_index ({ignore}), which leaves nothing to average")


def reduced(losses: Any, reduction: str) -> Any:
    """The mean or the sum of losses, or with "none" all of them. Raises ValueError for anything else."""
    if reduction == "none":
        return losses
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction is 'mean', 'sum' or 'none', and not {reduction!r}")
    return mean(losses) if reduction == "mean" else sum(losses)


def _channels_last(x: Any) -> Any:
    """Classes from dimension 1 to the last."""
    x = _operand(x)
    return x if x.ndim < 3 else np.transpose(x, (0, *range(2, x.ndim), 1))


def cross_entropy(
    input: Any,
    target: Any,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """Softmax and cross-entropy in one, in nats, from logits: stable for any finite input.

    input (N, C), (C,) or (N, C, ...); target either class numbers (the input's shape without C), of which
    `ignore_index` does not count, or probabilities of the input's shape. The mean is over the rows that count.
    Raises ValueError where the shapes do not fit, IndexError for a class number out of range.

    >>> import autograd_lite as al
    >>> al.nn.functional.cross_entropy(al.tensor([[0.0, 1000.0]]), al.tensor([0]))
    tensor(1000.)
    """
    x, t = _channels_last(input), _data(target)
    shape = np.shape(_data(x))
    if not shape or not np.size(_data(x)):
        raise ValueError(f"cross_entropy: the input has shape {np.shape(_data(input))}: there is nothing to compare")
    if t.dtype.kind in "iu" and t.shape == shape[:-1]:
        return _from_classes(x, target, t, shape[-1], ignore_index, reduction, label_smoothing)
    if t.dtype.kind != "f" or t.shape != np.shape(_data(input)):
        raise ValueError(
            f"cross_entropy: for logits {np.shape(_data(input))} the target is integers of shape {shape[:-1]} or "
            f"probabilities of the logits' shape, and not {t.dtype} of shape {t.shape}"
        )
    p = _channels_last(target)
    if label_smoothing:
        p = p * (1.0 - label_smoothing) + label_smoothing / shape[-1]
    if isinstance(p, Tensor) and p.node is not None:
        losses = -sum(log_softmax(x) * p, -1)
    else:
        losses = _cross_entropy_of_rows(x, p if isinstance(p, Tensor) else _data(p))
    return reduced(losses, reduction)


def _from_classes(
    x: Any, target: Any, t: Array, classes: int, ignore_index: int, reduction: str, smoothing: float
) -> Any:
    _refuse_range(_counted(t, ignore_index), classes, "cross_entropy: target")
    index = target if isinstance(target, Tensor) else t
    losses = _cross_entropy(x, index, ignore=ignore_index)
    if smoothing:
        counts = np.not_equal(index, ignore_index)
        losses = losses * (1.0 - smoothing) - mean(log_softmax(x), -1) * counts * smoothing
    return _mean(losses, index, ignore=ignore_index) if reduction == "mean" else reduced(losses, reduction)


def nll_loss(input: Any, target: Any, *, ignore_index: int = -100, reduction: str = "mean") -> Any:
    """Minus the log-probability of each target class, from log-probabilities (N, C), (C,) or (N, C, ...).

    The target is integers of the input's shape without C, of which `ignore_index` does not count. The mean is over
    those that count. Raises ValueError where the shapes do not fit, IndexError for a class number out of range.

    >>> import autograd_lite as al
    >>> al.nn.functional.nll_loss(al.tensor([[-1.0, -2.0], [-3.0, -4.0]]), al.tensor([1, -100]))
    tensor(2.)
    """
    x, index = _channels_last(input), _operand(target)
    raw, shape = _data(index), np.shape(_data(x))
    if not shape or raw.shape != shape[:-1]:
        raise ValueError(
            f"nll_loss: for input {np.shape(_data(input))} the target has shape {shape[:-1]}, and not {raw.shape}"
        )
    _refuse_range(_counted(raw, ignore_index), shape[-1], "nll_loss: target")
    losses = -squeeze(gather(x, -1, unsqueeze(_counted(index, ignore_index), -1)), -1)
    losses = where(np.not_equal(index, ignore_index), losses, 0.0)
    return _mean(losses, index, ignore=ignore_index) if reduction == "mean" else reduced(losses, reduction)


# Elementwise losses


def _compared(name: str, input: Any, target: Any, reduction: str) -> tuple[Any, Any]:
    """Both, if they have one shape: a loss does not broadcast."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{name}: reduction is 'mean', 'sum' or 'none', and not {reduction!r}")
    tensors = isinstance(input, Tensor) and isinstance(target, Tensor)
    shapes = (input._array.shape, target._array.shape) if tensors else (np.shape(_data(input)), np.shape(_data(target)))
    if shapes[0] != shapes[1]:
        raise loss_error(name, input, target)
    return _operand(input), _operand(target)


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


def mse_loss(input: Any, target: Any, *, reduction: str = "mean") -> Any:
    """The squared difference; input and target have one shape. Raises ValueError where they have not.

    >>> import autograd_lite as al
    >>> al.nn.functional.mse_loss(al.tensor([1.0, 2.0]), al.tensor([0.0, 0.0]))
    tensor(2.5)
    """
    return _squared_error(*_compared("mse_loss", input, target, reduction), reduction=reduction)


def l1_loss(input: Any, target: Any, *, reduction: str = "mean") -> Any:
    """The absolute difference; input and target have one shape. Raises ValueError where they have not."""
    return _absolute_error(*_compared("l1_loss", input, target, reduction), reduction=reduction)


def binary_cross_entropy_with_logits(input: Any, target: Any, weight: Any = None, *, reduction: str = "mean") -> Any:
    """Sigmoid and binary cross-entropy in one, in nats: stable for any finite logit. One shape for both.

    >>> import autograd_lite as al
    >>> al.nn.functional.binary_cross_entropy_with_logits(al.tensor([-1000.0]), al.tensor([1.0]))
    tensor(1000.)
    """
    x, t = _compared("binary_cross_entropy_with_logits", input, target, reduction)
    if weight is None:
        return _logistic_loss(x, t, reduction=reduction)
    return reduced(_logistic_loss(x, t, reduction="none") * weight, reduction)


def binary_cross_entropy(input: Any, target: Any, weight: Any = None, *, reduction: str = "mean") -> Any:
    """Binary cross-entropy of probabilities, in nats; logarithms are cut at -100. Prefer the one from logits."""
    p, t = _compared("binary_cross_entropy", input, target, reduction)
    if not ((_data(p) >= 0) & (_data(p) <= 1)).all():
        raise ValueError(
            "binary_cross_entropy takes probabilities, and some are not in 0 to 1: for logits there is "
            "binary_cross_entropy_with_logits"
        )
    losses = -(t * _safe_log(p) + (1.0 - t) * _safe_log(1.0 - p))
    return reduced(losses if weight is None else losses * weight, reduction)


def _safe_log(p: Any) -> Any:
    tiny = 3.720075976020836e-44  # exp(-100)
    return log(where(less(p, tiny), tiny, p))


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


def dropout(input: Any, p: float = 0.5, training: bool = True, generator: Any = None) -> Any:
    """Each element zeroed with probability p, the others divided by 1 - p; the input itself when not training.

    `generator` is a NumPy generator, or anything with `random(shape)` giving numbers from 0 to 1; without one the
    default generator, which `manual_seed` seeds. Raises ValueError for p outside 0 to 1.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p is a probability, and {p} is not between 0 and 1")
    if not training or p == 0:
        return input
    x = _data(input)
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(float)
    return multiply(input, keep_mask(shape=x.shape, p=p, generator=draw_from(generator), dtype=dtype))
