"""Losses. The options are keywords; input and target have one shape, since a loss that broadcasts hides mistakes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite import ops
from autograd_lite.core import Tensor
from autograd_lite.memory import Array
from autograd_lite.modes import mode
from autograd_lite.nn.functional.distance import pairwise_distance
from autograd_lite.nn.functional.parts import constant, shape_of
from autograd_lite.ops import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    l1_loss,
    mse_loss,
    nll_loss,
)
from autograd_lite.ops.index import _refuse_range, take_rows
from autograd_lite.ops.losses import compared, factors, reduced
from autograd_lite.ops.shape import _data, _operand

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cross_entropy",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "margin_ranking_loss",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


def smooth_l1_loss(input: Any, target: Any, *, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """Half the squared difference over beta where it is under beta, else its absolute value less beta / 2.

    >>> import autograd_lite as al
    >>> al.nn.functional.smooth_l1_loss(al.tensor([0.5, 3.0]), al.zeros(2), reduction="none")
    tensor([0.125, 2.5  ])
    """
    if beta < 0:
        raise ValueError(f"smooth_l1_loss: beta must not be negative, and is {beta}")
    x, t = compared("smooth_l1_loss", input, target, reduction)
    if beta == 0:
        return l1_loss(x, t, reduction=reduction)
    size = ops.absolute(x - t)
    losses = ops.where(size < beta, ops.square(x - t) * (0.5 / beta), size - 0.5 * beta)
    return reduced(losses, reduction)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Tensor:
    """Half the squared difference up to delta, beyond it delta times (its absolute value less delta / 2).

    `weight` has a factor for each loss; the mean is that of the products.

    >>> import autograd_lite as al
    >>> al.nn.functional.huber_loss(al.tensor([0.5, 3.0]), al.zeros(2), reduction="none", delta=2.0)
    tensor([0.125, 4.   ])
    """
    if delta <= 0:
        raise ValueError(f"huber_loss: delta must be positive, and is {delta}")
    x, t = compared("huber_loss", input, target, reduction)
    size = ops.absolute(x - t)
    losses = ops.where(size <= delta, ops.square(x - t) * 0.5, (size - 0.5 * delta) * delta)
    return reduced(losses if weight is None else losses * factors("huber_loss", weight, losses), reduction)


def kl_div(input: Any, target: Any, *, reduction: str = "mean", log_target: bool = False) -> Tensor:
    """target (log(target) - input), of log-probabilities and probabilities (or with `log_target` logarithms, too).

    The mean is over all elements; "batchmean" divides the sum by the size of dimension 0, as the divergence does.

    >>> import autograd_lite as al
    >>> p = al.tensor([[0.5, 0.5]])
    >>> al.nn.functional.kl_div(al.log(al.tensor([[0.25, 0.75]])), p, reduction="batchmean")
    tensor(0.14384104)
    """
    x, t = compared("kl_div", input, target, "sum" if reduction == "batchmean" else reduction)
    losses = ops.exp(t) * (t - x) if log_target else t * (ops.log(ops.where(t == 0, 1.0, t)) - x)
    if reduction == "batchmean":
        return ops.sum(losses) / shape_of(x)[0]
    return reduced(losses, reduction)


def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    *,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Tensor:
    """Minus the logarithm of a count's Poisson probability, of the rate or (`log_input`) its logarithm.

    The term log(target!) is left out; `full` adds Stirling's approximation of it for counts over 1.

    >>> import autograd_lite as al
    >>> al.nn.functional.poisson_nll_loss(al.tensor([0.0]), al.tensor([2.0]))
    tensor(1.)
    """
    x, t = compared("poisson_nll_loss", input, target, reduction)
    losses = ops.exp(x) - t * x if log_input else x - t * ops.log(x + eps)
    if full:
        safe = ops.where(t > 1, t, 1.0)
        stirling = safe * ops.log(safe) - safe + ops.log(safe * (2 * math.pi)) * 0.5
        losses = losses + ops.where(t > 1, stirling, 0.0)
    return reduced(losses, reduction)


def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """Half of log(var) + (input - target)² / var, the variance being at least eps; `full` adds log(2π) / 2.

    `var` is a number, has the input's shape, or that shape with 1 for or without its last size. Its gradient is as
    if it were not raised to eps. Raises ValueError for a negative one.

    >>> import autograd_lite as al
    >>> al.nn.functional.gaussian_nll_loss(al.tensor([1.0]), al.tensor([3.0]), al.tensor([4.0]))
    tensor(1.19314718)
    """
    x, t = compared("gaussian_nll_loss", input, target, reduction)
    v = _operand(var)
    if v.ndim and v.shape != x.shape:
        if v.shape == x.shape[:-1]:
            v = ops.unsqueeze(v, -1)
        elif v.shape != (*x.shape[:-1], 1):
            raise ValueError(f"gaussian_nll_loss: var {v.shape} does not fit an input of {x.shape}")
    _refuse_negative(_data(v))
    v = v + ops.clamp(eps - constant(v), min=0.0)
    losses = (ops.log(v) + ops.square(x - t) / v) * 0.5
    return reduced(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


def _refuse_negative(variance: Array) -> None:
    if mode.tracer is not None and type(variance) is not np.ndarray:  # the compiler's: looked at in each step
        mode.tracer.check(_refuse_negative, variance)
    elif (variance < 0).any():
        raise ValueError("gaussian_nll_loss: a variance is negative")


def hinge_embedding_loss(input: Any, target: Any, margin: float = 1.0, *, reduction: str = "mean") -> Tensor:
    """The input where the target is 1, max(0, margin - input) where it is -1.

    >>> import autograd_lite as al
    >>> al.nn.functional.hinge_embedding_loss(al.tensor([0.3, 0.3]), al.tensor([1.0, -1.0]), reduction="none")
    tensor([0.3, 0.7])
    """
    x, t = compared("hinge_embedding_loss", input, target, reduction)
    far = ops.where(t != 1, ops.clamp(margin - x, min=0.0), 0.0)
    return reduced(far + ops.where(t != -1, x, 0.0), reduction)


def _floats(target: Any, like: Any) -> Tensor:
    """Whole numbers in the dtype of what they are multiplied with."""
    whole = _data(target).dtype.kind in "iub"
    return ops.cast(target, dtype=_data(like).dtype) if whole else target


def margin_ranking_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, *, reduction: str = "mean"
) -> Tensor:
    """max(0, margin - target (input1 - input2)); the target is 1 where the first is to rank higher, else -1.

    >>> import autograd_lite as al
    >>> al.nn.functional.margin_ranking_loss(al.tensor([1.0]), al.tensor([3.0]), al.tensor([1.0]))
    tensor(2.)
    """
    a, b = compared("margin_ranking_loss", input1, input2, reduction)
    a, t = compared("margin_ranking_loss", a, target, reduction)
    return reduced(ops.clamp(-_floats(t, a) * (a - b) + margin, min=0.0), reduction)


def soft_margin_loss(input: Any, target: Any, *, reduction: str = "mean") -> Tensor:
    """log(1 + exp(-target input)), targets being 1 or -1.

    >>> import autograd_lite as al
    >>> al.nn.functional.soft_margin_loss(al.tensor([-1000.0]), al.tensor([1.0]))
    tensor(1000.)
    """
    x, t = compared("soft_margin_loss", input, target, reduction)
    return reduced(ops.softplus(-_floats(t, x) * x), reduction)


def multilabel_soft_margin_loss(input: Any, target: Any, weight: Any = None, *, reduction: str = "mean") -> Tensor:
    """Binary cross-entropy from logits, averaged over the classes, which are the last dimension.

    >>> import autograd_lite as al
    >>> al.nn.functional.multilabel_soft_margin_loss(al.zeros(1, 2), al.tensor([[1.0, 0.0]]))
    tensor(0.69314718)
    """
    compared("multilabel_soft_margin_loss", input, target, reduction)
    losses = binary_cross_entropy_with_logits(input, target, weight, reduction="none")
    return reduced(ops.mean(losses, -1), reduction)


def multi_margin_loss(
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    *,
    reduction: str = "mean",
) -> Tensor:
    """Of scores (N, C) or (C,): max(0, margin - right score + score) to the power p, over C, summed over wrong classes.

    `weight` (C,) has a factor for each right class. Raises ValueError for a p other than 1 and 2.

    >>> import autograd_lite as al
    >>> al.nn.functional.multi_margin_loss(al.tensor([[0.1, 0.2, 0.9]]), al.tensor([1]))
    tensor(0.86666667)
    """
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: p is 1 or 2, and not {p}")
    x, index = _operand(input), _operand(target)
    if x.ndim not in (1, 2) or index.shape != x.shape[:-1]:
        raise ValueError(f"multi_margin_loss: scores (N, C) and targets (N,), and not {x.shape} and {index.shape}")
    classes = x.shape[-1]
    _refuse_range(_data(index), classes, "multi_margin_loss: target")
    right = ops.gather(x, -1, ops.unsqueeze(index, -1))
    each = ops.clamp(x - right + margin, min=0.0)
    each = ops.square(each) if p == 2 else each
    if weight is not None:
        each = each * ops.unsqueeze(take_rows(_operand(weight), index), -1)
    wrong = ops.unsqueeze(index, -1) != np.arange(classes)
    return reduced(ops.sum(ops.where(wrong, each, 0.0), -1) / classes, reduction)


def cosine_embedding_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, *, reduction: str = "mean"
) -> Tensor:
    """Of vectors (N, D) or (D,): 1 - cosine where the target is 1, max(0, cosine - margin) where it is -1.

    >>> import autograd_lite as al
    >>> a, b = al.tensor([[1.0, 0.0]]), al.tensor([[0.0, 1.0]])
    >>> al.nn.functional.cosine_embedding_loss(a, b, al.tensor([1]))
    tensor(1.)
    """
    a, b = compared("cosine_embedding_loss", input1, input2, reduction)
    t = _operand(target)
    if a.ndim not in (1, 2) or t.shape != a.shape[:-1]:
        raise ValueError(f"cosine_embedding_loss: vectors (N, D) and targets (N,), and not {a.shape} and {t.shape}")
    lengths = (ops.sum(ops.square(a), -1) + 1e-12) * (ops.sum(ops.square(b), -1) + 1e-12)
    cosine = ops.sum(a * b, -1) / ops.sqrt(lengths)
    near = ops.where(t == 1, 1.0 - cosine, 0.0)
    return reduced(near + ops.where(t == -1, ops.clamp(cosine - margin, min=0.0), 0.0), reduction)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    *,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin + distance to the positive - distance to the negative), of vectors (..., D).

    The distances are `pairwise_distance` with p and eps. With `swap`, the negative's is the lesser of those from the
    anchor and from the positive (Balntas et al. 2016).

    >>> import autograd_lite as al
    >>> a, b, c = al.tensor([[0.0, 0.0]]), al.tensor([[3.0, 4.0]]), al.tensor([[6.0, 8.0]])
    >>> round(al.nn.functional.triplet_margin_loss(a, c, b).item(), 4)
    6.0
    """

    def distance(a: Any, b: Any) -> Any:
        return pairwise_distance(a, b, p, eps)

    return _triplets(anchor, positive, negative, distance, margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Callable[[Any, Any], Any] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with another distance.

    >>> import autograd_lite as al
    >>> a, b = al.tensor([[0.0, 0.0]]), al.tensor([[3.0, 4.0]])
    >>> near = lambda x, y: al.amax(al.abs(x - y), 1)
    >>> al.nn.functional.triplet_margin_with_distance_loss(a, b, a, distance_function=near)
    tensor(5.)
    """
    distance = pairwise_distance if distance_function is None else distance_function
    return _triplets(anchor, positive, negative, distance, margin, swap, reduction)


def _triplets(
    anchor: Any,
    positive: Any,
    negative: Any,
    distance: Callable[[Any, Any], Any],
    margin: float,
    swap: bool,
    reduction: str,
) -> Tensor:
    a, b = compared("triplet_margin_loss", anchor, positive, reduction)
    a, c = compared("triplet_margin_loss", a, negative, reduction)
    to_negative = distance(a, c)
    if swap:
        to_negative = ops.minimum(to_negative, distance(b, c))
    return reduced(ops.clamp(distance(a, b) - to_negative + margin, min=0.0), reduction)
