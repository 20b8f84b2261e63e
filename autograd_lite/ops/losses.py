"""Losses. Input and target of an elementwise one have one shape: a loss does not broadcast."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.layer_misfit import classes_error
from autograd_lite.memory import Array
from autograd_lite.misfit import loss_error
from autograd_lite.modes import mode
from autograd_lite.ops.compare import less
from autograd_lite.ops.elementwise import log, softplus, where
from autograd_lite.ops.fused import (
    _absolute_error,
    _counted,
    _cross_entropy,
    _cross_entropy_of_rows,
    _logistic_loss,
    _mean,
    _squared_error,
    log_softmax,
)
from autograd_lite.ops.index import _refuse_range, gather, take_rows
from autograd_lite.ops.reduce import mean, sum
from autograd_lite.ops.shape import _data, _operand, squeeze, unsqueeze

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "l1_loss",
    "mse_loss",
    "nll_loss",
]


def reduced(losses: Any, reduction: str) -> Tensor:
    """The mean or the sum of losses, or with "none" all of them. Raises ValueError for anything else."""
    if reduction == "none":
        return _operand(losses)
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
    weight: Any = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Softmax and cross-entropy in one, in nats, from logits: stable for any finite input.

    input (N, C), (C,) or (N, C, ...); target either class numbers (the input's shape without C), of which
    `ignore_index` does not count, or probabilities of the input's shape. `weight` (C,) has a factor for each class.
    The mean is over the rows that count, each as often as its class's weight says; of none it is NaN, its gradient 0.
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
        _refuse_range(_counted(t, ignore_index), shape[-1], "cross_entropy: target")
        index = target if isinstance(target, Tensor) else t
        if weight is not None:
            return _weighted(log_softmax(x), index, weight, ignore_index, reduction, label_smoothing)
        return _from_classes(x, index, ignore_index, reduction, label_smoothing)
    if t.dtype.kind != "f" or t.shape != np.shape(_data(input)):
        raise classes_error("cross_entropy", input, target, str(t.dtype), probabilities=True)
    p = _channels_last(target)
    if label_smoothing:
        p = p * (1.0 - label_smoothing) + label_smoothing / shape[-1]
    if weight is not None:
        losses = -sum(log_softmax(x) * p * _weights(weight, shape[-1]), -1)
    elif isinstance(p, Tensor) and p.node is not None:
        losses = -sum(log_softmax(x) * p, -1)
    else:
        losses = _cross_entropy_of_rows(x, p if isinstance(p, Tensor) else _data(p))
    return reduced(losses, reduction)


def _from_classes(x: Any, index: Any, ignore_index: int, reduction: str, smoothing: float) -> Tensor:
    losses = _cross_entropy(x, index, ignore=ignore_index)
    if smoothing:
        counts = np.not_equal(index, ignore_index)
        losses = losses * (1.0 - smoothing) - mean(log_softmax(x), -1) * counts * smoothing
    return _mean(losses, index, ignore=ignore_index) if reduction == "mean" else reduced(losses, reduction)


def _weights(weight: Any, classes: int) -> Any:
    """A factor for each class. Raises ValueError where there are more or fewer."""
    if np.shape(_data(weight)) != (classes,):
        raise ValueError(f"weight has a factor for each of {classes} classes, and its shape is {_data(weight).shape}")
    return _operand(weight)


def _weighted(logs: Any, index: Any, weight: Any, ignore_index: int, reduction: str, smoothing: float) -> Tensor:
    """The loss of class numbers from log-probabilities, each weighted as its class is; those ignored weigh nothing."""
    factors = _weights(weight, np.shape(_data(logs))[-1])
    counted = _counted(index, ignore_index)
    counts = np.not_equal(index, ignore_index)
    each = where(counts, take_rows(factors, counted), 0.0)
    losses = -squeeze(gather(logs, -1, unsqueeze(counted, -1)), -1) * each
    if smoothing:
        losses = losses * (1.0 - smoothing) - mean(logs * factors, -1) * smoothing
    losses = where(counts, losses, 0.0)  # the gradient of nothing at all is 0, that of its mean NaN
    if reduction != "mean":
        return reduced(losses, reduction)
    total = sum(each)
    return sum(losses) / where(total > 0, total, np.nan)


def nll_loss(
    input: Any, target: Any, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean"
) -> Tensor:
    """Minus the log-probability of each target class, from log-probabilities (N, C), (C,) or (N, C, ...).

    The target is integers of the input's shape without C, of which `ignore_index` does not count. `weight` (C,) has a
    factor for each class. The mean is over those that count, each as often as its class's weight says; of none it is
    NaN, its gradient 0. Raises ValueError where the shapes do not fit, IndexError for a class number out of range.

    >>> import autograd_lite as al
    >>> al.nn.functional.nll_loss(al.tensor([[-1.0, -2.0], [-3.0, -4.0]]), al.tensor([1, -100]))
    tensor(2.)
    """
    x, index = _channels_last(input), _operand(target)
    raw, shape = _data(index), np.shape(_data(x))
    if not shape or raw.shape != shape[:-1]:
        raise classes_error("nll_loss", input, target, str(raw.dtype), probabilities=False)
    _refuse_range(_counted(raw, ignore_index), shape[-1], "nll_loss: target")
    if weight is not None:
        return _weighted(x, index, weight, ignore_index, reduction, 0.0)
    losses = -squeeze(gather(x, -1, unsqueeze(_counted(index, ignore_index), -1)), -1)
    losses = where(np.not_equal(index, ignore_index), losses, 0.0)
    return _mean(losses, index, ignore=ignore_index) if reduction == "mean" else reduced(losses, reduction)


def compared(name: str, input: Any, target: Any, reduction: str) -> tuple[Any, Any]:
    """Both, if they have one shape: a loss does not broadcast."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{name}: reduction is 'mean', 'sum' or 'none', and not {reduction!r}")
    tensors = isinstance(input, Tensor) and isinstance(target, Tensor)
    shapes = (input._array.shape, target._array.shape) if tensors else (np.shape(_data(input)), np.shape(_data(target)))
    if shapes[0] != shapes[1]:
        raise loss_error(name, input, target)
    return _operand(input), _operand(target)


def factors(name: str, weight: Any, losses: Any) -> Any:
    """A factor for each loss. Raises ValueError where the shapes differ."""
    if np.shape(_data(weight)) != losses.shape:
        raise ValueError(f"{name}: weight {np.shape(_data(weight))} has a factor for each of losses {losses.shape}")
    return _operand(weight)


def _factored(name: str, losses: Tensor, weight: Any, reduction: str) -> Tensor:
    """Weighted, the mean being over the sum of the weights."""
    w = factors(name, weight, losses)
    return sum(losses * w) / sum(w) if reduction == "mean" else reduced(losses * w, reduction)


def mse_loss(input: Any, target: Any, *, reduction: str = "mean", weight: Any = None) -> Tensor:
    """The squared difference; input and target have one shape. Raises ValueError where they have not.

    `weight` has a factor for each loss; the mean is then over the sum of the factors.

    >>> import autograd_lite as al
    >>> al.nn.functional.mse_loss(al.tensor([1.0, 2.0]), al.tensor([0.0, 0.0]))
    tensor(2.5)
    """
    x, t = compared("mse_loss", input, target, reduction)
    if weight is not None:
        return _factored("mse_loss", _squared_error(x, t, reduction="none"), weight, reduction)
    return _squared_error(x, t, reduction=reduction)


def l1_loss(input: Any, target: Any, *, reduction: str = "mean", weight: Any = None) -> Tensor:
    """The absolute difference; input and target have one shape. Raises ValueError where they have not.

    `weight` has a factor for each loss; the mean is then over the sum of the factors.

    >>> import autograd_lite as al
    >>> al.nn.functional.l1_loss(al.tensor([1.0, 4.0]), al.zeros(2), weight=al.tensor([3.0, 1.0]))
    tensor(1.75)
    """
    x, t = compared("l1_loss", input, target, reduction)
    if weight is not None:
        return _factored("l1_loss", _absolute_error(x, t, reduction="none"), weight, reduction)
    return _absolute_error(x, t, reduction=reduction)


def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None
) -> Tensor:
    """Sigmoid and binary cross-entropy in one, in nats: stable for any finite logit. One shape for both.

    `weight` is multiplied to the losses, `pos_weight` to their parts where the target is 1; both broadcast.

    >>> import autograd_lite as al
    >>> al.nn.functional.binary_cross_entropy_with_logits(al.tensor([-1000.0]), al.tensor([1.0]))
    tensor(1000.)
    """
    x, t = compared("binary_cross_entropy_with_logits", input, target, reduction)
    if weight is None and pos_weight is None:
        return _logistic_loss(x, t, reduction=reduction)
    losses = (
        _logistic_loss(x, t, reduction="none")
        if pos_weight is None
        else ((1.0 - t) * x + ((_operand(pos_weight) - 1.0) * t + 1.0) * softplus(-x))
    )
    return reduced(losses if weight is None else losses * weight, reduction)


def binary_cross_entropy(input: Any, target: Any, weight: Any = None, *, reduction: str = "mean") -> Tensor:
    """Binary cross-entropy of probabilities, in nats; logarithms are cut at -100. Prefer the one from logits.

    -(t log(x) + (1 - t) log(1 - x)) of input x and target t, which have one shape; `weight` broadcasts with it. Raises
    ValueError for other shapes, and where an input is not from 0 to 1.

    >>> import autograd_lite as al
    >>> al.nn.functional.binary_cross_entropy(al.tensor([0.5, 0.0]), al.tensor([1.0, 1.0]), reduction="none")
    tensor([  0.69314718, 100.        ])
    """
    p, t = compared("binary_cross_entropy", input, target, reduction)
    _refuse_outside(_data(p))
    losses = -(t * _safe_log(p) + (1.0 - t) * _safe_log(1.0 - p))
    return reduced(losses if weight is None else losses * weight, reduction)


def _refuse_outside(p: Array) -> None:
    if mode.tracer is not None and type(p) is not np.ndarray:  # the compiler's: looked at in each step
        mode.tracer.check(_refuse_outside, p)
    elif not ((p >= 0) & (p <= 1)).all():
        raise ValueError(
            "binary_cross_entropy takes probabilities, and some are not in 0 to 1: for logits there is "
            "binary_cross_entropy_with_logits"
        )


def _safe_log(p: Any) -> Any:
    """log p from -100 on; its slope is 1e12 where that is reached, and 0 at 1, so that the loss's is PyTorch's."""
    tiny = 3.720075976020836e-44  # exp(-100)
    under = less(p, tiny)
    return where(under, -100.0 + p * 1e12, log(where(under, tiny, where(less(p, 1.0), p, 1.0))))
