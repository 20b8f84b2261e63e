"""Normalizations. Statistics are of all numbers that share a scale: variances are not unbiased."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite import ops
from autograd_lite.core import Tensor
from autograd_lite.layer_misfit import ending_error, features_error
from autograd_lite.modes import no_grad
from autograd_lite.nn.functional.parts import constant, shape_of
from autograd_lite.ops.shape import _operand, pad

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm", "rms_norm"]


def _standard(x: Any, dims: tuple[int, ...], eps: float) -> tuple[Any, Any, Any]:
    """x with mean 0 and variance 1 over some dimensions, and what these were."""
    mean = ops.mean(x, dims, True)
    centred = x - mean
    variance = ops.mean(ops.square(centred), dims, True)
    return centred / ops.sqrt(variance + eps), mean, variance


def _scaled(x: Tensor, weight: Any, bias: Any, shape: tuple[int, ...]) -> Tensor:
    """x weight + bias, where these are given, in a shape that broadcasts."""
    if weight is not None:
        x = x * _operand(weight).reshape(shape)
    return x if bias is None else x + _operand(bias).reshape(shape)


def _move(running: Tensor, value: Any, momentum: Any) -> None:
    """A running statistic, a step nearer to a value, in place."""
    with no_grad():
        running.copy_(running * (1 - momentum) + constant(value).reshape(running.shape) * momentum)


def _channels(name: str, x: Any, least: int) -> tuple[int, ...]:
    """The shape in which one number for each channel broadcasts."""
    if x.ndim < least:
        raise ValueError(f"{name}: the input has at least {least} dimensions, (N, C, ...), and this one is {x.shape}")
    return (1, x.shape[1], *(1,) * (x.ndim - 2))


def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel (dimension 1) to mean 0 and variance 1, times weight, plus bias (Ioffe and Szegedy 2015).

    In training the statistics are those of the batch, and the running ones, where given, move by `momentum` towards
    them, in place (the running variance to the unbiased one); else they are the running ones. Raises ValueError where
    the batch has one number for each channel, or where the running ones are missing.

    >>> import autograd_lite as al
    >>> al.nn.functional.batch_norm(al.tensor([[1.0], [3.0]]), None, None, training=True, eps=0.0)
    tensor([[-1.],
            [ 1.]])
    """
    x = _operand(input)
    shape = _channels("batch_norm", x, 2)
    for role, given in (
        ("running_mean", running_mean),
        ("running_var", running_var),
        ("weight", weight),
        ("bias", bias),
    ):
        if given is not None and shape_of(given) != (x.shape[1],):
            raise features_error("batch_norm", input, given, role)
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError("batch_norm: without training=True it needs running_mean and running_var")
        spread = ops.sqrt(_operand(running_var).reshape(shape) + eps)
        return _scaled((x - _operand(running_mean).reshape(shape)) / spread, weight, bias, shape)
    count = x.shape[0] * math.prod(x.shape[2:])
    if count < 2:
        raise ValueError(f"batch_norm: in training it needs more than one number for each channel; input {x.shape}")
    y, mean, variance = _standard(x, (0, *range(2, x.ndim)), eps)
    if running_mean is not None:
        _move(running_mean, mean, momentum)
    if running_var is not None:
        _move(running_var, constant(variance) * (count / (count - 1)), momentum)
    return _scaled(y, weight, bias, shape)


def instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel of each example of (N, C, ...) to mean 0 and variance 1, times weight, plus bias.

    The running statistics, where given, move towards the mean over the examples; without `use_input_stats` they are
    the ones that are used.

    >>> import autograd_lite as al
    >>> al.nn.functional.instance_norm(al.tensor([[[1.0, 3.0]]]), eps=0.0)
    tensor([[[-1.,  1.]]])
    """
    x = _operand(input)
    shape = _channels("instance_norm", x, 3)
    if not use_input_stats:
        return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    count = math.prod(x.shape[2:])
    if count < 2:
        raise ValueError(f"instance_norm: it needs more than one number for each channel; input {x.shape}")
    y, mean, variance = _standard(x, tuple(range(2, x.ndim)), eps)
    if running_mean is not None:
        _move(running_mean, ops.mean(constant(mean), 0), momentum)
    if running_var is not None:
        _move(running_var, ops.mean(constant(variance), 0) * (count / (count - 1)), momentum)
    return _scaled(y, weight, bias, shape)


def _last(name: str, x: Any, normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    """The last dimensions of x, if their sizes are those."""
    sizes = (normalized_shape,) if isinstance(normalized_shape, int | np.integer) else tuple(normalized_shape)
    if not sizes or x.shape[-len(sizes) :] != sizes:
        raise ending_error(name, x, sizes)
    return tuple(range(x.ndim - len(sizes), x.ndim))


def layer_norm(
    input: Any, normalized_shape: int | Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Tensor:
    """The last dimensions together to mean 0 and variance 1, times weight, plus bias (Ba et al. 2016).

    >>> import autograd_lite as al
    >>> al.nn.functional.layer_norm(al.tensor([[1.0, 3.0]]), (2,), eps=0.0)
    tensor([[-1.,  1.]])
    """
    x = _operand(input)
    dims = _last("layer_norm", x, normalized_shape)
    y = _standard(x, dims, eps)[0]
    return _scaled(y, weight, bias, tuple(x.shape[d] for d in dims))


def rms_norm(input: Any, normalized_shape: int | Sequence[int], weight: Any = None, eps: float | None = None) -> Tensor:
    """The last dimensions over the root of their mean square, times weight (Zhang and Sennrich 2019).

    `eps` is added under the root; without one it is the smallest step from 1 of the input's dtype.

    >>> import autograd_lite as al
    >>> al.nn.functional.rms_norm(al.tensor([[3.0, 3.0, -3.0]]), 3, eps=0.0)
    tensor([[ 1.,  1., -1.]])
    """
    x = _operand(input)
    dims = _last("rms_norm", x, normalized_shape)
    eps = float(np.finfo(x.dtype).eps) if eps is None else eps
    y = x / ops.sqrt(ops.mean(ops.square(x), dims, True) + eps)
    return _scaled(y, weight, None, tuple(x.shape[d] for d in dims))


def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    """Groups of channels of each example of (N, C, ...) to mean 0 and variance 1, times weight, plus bias of a channel.

    >>> import autograd_lite as al
    >>> al.nn.functional.group_norm(al.tensor([[1.0, 3.0, 5.0, 5.5]]), 2, eps=0.0)
    tensor([[-1.,  1., -1.,  1.]])
    """
    x = _operand(input)
    shape = _channels("group_norm", x, 2)
    if num_groups < 1 or x.shape[1] % num_groups:
        raise ValueError(f"group_norm: {x.shape[1]} channels do not divide into {num_groups} groups")
    if x.shape[0] * math.prod(x.shape[1:]) // num_groups < 2:
        raise ValueError(f"group_norm: it needs more than one number in each group; input {x.shape}")
    grouped = x.reshape((x.shape[0], num_groups, x.shape[1] // num_groups, *x.shape[2:]))
    y = _standard(grouped, tuple(range(2, grouped.ndim)), eps)[0].reshape(x.shape)
    return _scaled(y, weight, bias, shape)


def local_response_norm(input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """x over (k + alpha times the mean square of `size` channels around it) to the power beta (Krizhevsky et al. 2012).

    >>> import autograd_lite as al
    >>> al.nn.functional.local_response_norm(al.ones(1, 2, 1), 2, alpha=2.0, beta=1.0)[0, :, 0]
    tensor([0.5       , 0.33333333])
    """
    x = _operand(input)
    _channels("local_response_norm", x, 3)
    widths = [(0, 0), (size // 2, (size - 1) // 2), *[(0, 0)] * (x.ndim - 2)]
    squares = pad(ops.square(x), widths)
    total = sum((squares[:, j : j + x.shape[1]] for j in range(1, size)), squares[:, : x.shape[1]])
    return x / ops.power(total * (alpha / size) + k, beta)
