"""Activations. At a kink the slope is PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite import ops
from autograd_lite.core import Tensor
from autograd_lite.creation import draws
from autograd_lite.nn.functional.parts import constant, shape_of
from autograd_lite.ops import log_softmax, sigmoid, softmax, tanh
from autograd_lite.ops.shape import _data, _operand, axes
from autograd_lite.random import draw_from

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "rrelu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
]

# `inplace` is PyTorch's: the result is the same, in a new tensor.


def relu(input: Any, inplace: bool = False) -> Tensor:
    """max(x, 0); its slope at 0 is taken as 0.

    >>> import autograd_lite as al
    >>> al.nn.functional.relu(al.tensor([-1.0, 0.0, 2.0]))
    tensor([0., 0., 2.])
    """
    return ops.relu(input)


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x between the bounds, the nearer bound elsewhere; flat at and beyond them.

    >>> import autograd_lite as al
    >>> al.nn.functional.hardtanh(al.tensor([-3.0, 0.5, 2.0]))
    tensor([-1. ,  0.5,  1. ])
    """
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val {min_val} is over max_val {max_val}")
    x = _operand(input)
    return ops.where(x <= min_val, float(min_val), ops.where(x >= max_val, float(max_val), x))


def relu6(input: Any, inplace: bool = False) -> Tensor:
    """min(max(x, 0), 6).

    >>> import autograd_lite as al
    >>> al.nn.functional.relu6(al.tensor([-1.0, 3.0, 7.0]))
    tensor([0., 3., 6.])
    """
    return hardtanh(input, 0.0, 6.0)


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x above 0, `negative_slope` times x elsewhere.

    >>> import autograd_lite as al
    >>> al.nn.functional.leaky_relu(al.tensor([-1.0, 2.0]), 0.1)
    tensor([-0.1,  2. ])
    """
    x = _operand(input)
    return ops.where(x > 0, x, x * negative_slope)


def prelu(input: Any, weight: Any) -> Tensor:
    """x above 0, x times a learned weight elsewhere: one number, or one for each channel (dimension 1).

    >>> import autograd_lite as al
    >>> al.nn.functional.prelu(al.tensor([-1.0, 2.0]), al.tensor([0.25]))
    tensor([-0.25,  2.  ])
    """
    x, w = _operand(input), _operand(weight)
    channels = (x.shape[1] if x.ndim > 1 else 1,)
    if w.ndim > 1 or (w.ndim == 1 and w.shape not in ((1,), channels)):
        raise ValueError(f"prelu: weight {w.shape} is one number, or one for each channel of an input {x.shape}")
    if w.ndim and w.shape != (1,):
        w = w.reshape((*w.shape, *(1,) * (x.ndim - 2)))
    elif x.ndim == 0:
        w = w.reshape(())
    return ops.where(x > 0, x, x * w)


def rrelu(
    input: Any, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """Leaky relu; in training every slope is drawn between the bounds, else it is their mean.

    >>> import autograd_lite as al
    >>> al.nn.functional.rrelu(al.tensor([-6.0, 1.0]), 0.0, 0.5)
    tensor([-1.5,  1. ])
    """
    x = _operand(input)
    if not training:
        return leaky_relu(x, (lower + upper) / 2)
    slopes = draws(generator=draw_from(), method="random", size=x.shape).astype(x.dtype, copy=False)
    return ops.where(x > 0, x, x * (slopes * (upper - lower) + lower))


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x above 0, alpha (exp(x) - 1) elsewhere.

    >>> import autograd_lite as al
    >>> al.nn.functional.elu(al.tensor([-1000.0, 2.0]))
    tensor([-1.,  2.])
    """
    x = _operand(input)
    return ops.where(x > 0, x, ops.expm1(ops.clamp(x, max=0.0)) * alpha)


def selu(input: Any, inplace: bool = False) -> Tensor:
    """elu with the factors that keep mean 0 and variance 1 (Klambauer et al. 2017).

    >>> import autograd_lite as al
    >>> al.nn.functional.selu(al.tensor([0.0, 1.0]))
    tensor([0.        , 1.05070099])
    """
    return elu(input, 1.6732632423543772) * 1.0507009873554805


def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x above 0, alpha (exp(x / alpha) - 1) elsewhere.

    >>> import autograd_lite as al
    >>> al.nn.functional.celu(al.tensor([-1000.0, 2.0]), 2.0)
    tensor([-2.,  2.])
    """
    if alpha == 0:
        raise ValueError("celu: alpha must not be 0")
    x = _operand(input)
    return ops.where(x > 0, x, ops.expm1(ops.clamp(x, max=0.0) / alpha) * alpha)


def gelu(input: Any, approximate: str = "none") -> Tensor:
    """x times the normal distribution's share under x; with "tanh" an approximation (Hendrycks and Gimpel 2016).

    >>> import autograd_lite as al
    >>> al.nn.functional.gelu(al.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.15865525,  0.        ,  0.84134475])
    """
    x = _operand(input)
    if approximate == "none":
        return x * 0.5 * (ops.erf(x * 0.7071067811865476) + 1.0)
    if approximate != "tanh":
        raise ValueError(f"gelu: approximate is 'none' or 'tanh', and not {approximate!r}")
    return x * 0.5 * (tanh((x * ops.square(x) * 0.044715 + x) * 0.7978845608028654) + 1.0)


def silu(input: Any, inplace: bool = False) -> Tensor:
    """x times its sigmoid.

    >>> import autograd_lite as al
    >>> al.nn.functional.silu(al.tensor([0.0, 1.0]))
    tensor([0.        , 0.73105858])
    """
    x = _operand(input)
    return x * sigmoid(x)


def mish(input: Any, inplace: bool = False) -> Tensor:
    """x times the tanh of its softplus.

    >>> import autograd_lite as al
    >>> al.nn.functional.mish(al.tensor([0.0, 1.0]))
    tensor([0.        , 0.86509839])
    """
    x = _operand(input)
    return x * tanh(ops.softplus(x))


def hardsigmoid(input: Any, inplace: bool = False) -> Tensor:
    """(x + 3) / 6 between 0 and 1.

    >>> import autograd_lite as al
    >>> al.nn.functional.hardsigmoid(al.tensor([-4.0, 0.0, 4.0]))
    tensor([0. , 0.5, 1. ])
    """
    return hardtanh(_operand(input) + 3.0, 0.0, 6.0) / 6.0


def hardswish(input: Any, inplace: bool = False) -> Tensor:
    """x times its hardsigmoid.

    >>> import autograd_lite as al
    >>> al.nn.functional.hardswish(al.tensor([-4.0, 1.5, 4.0]))
    tensor([0.   , 1.125, 4.   ])
    """
    x = _operand(input)
    return ops.where(x <= -3, 0.0, ops.where(x < 3, x * (x + 3.0) / 6.0, x))


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta x)) / beta, and x where beta x is over the threshold; with the defaults without one.

    Without a threshold it is exact, and differs by less than 2.1e-9 from what the default threshold gives.

    >>> import autograd_lite as al
    >>> al.nn.functional.softplus(al.tensor([0.0, 1000.0]))
    tensor([6.93147181e-01, 1.00000000e+03])
    """
    if beta == 1 and threshold == 20:
        return ops.softplus(input)
    x = _operand(input)
    return ops.where(x * beta > threshold, x, ops.softplus(x * beta) / beta)


def logsigmoid(input: Any) -> Tensor:
    """log(sigmoid(x)), without overflow.

    >>> import autograd_lite as al
    >>> al.nn.functional.logsigmoid(al.tensor([-1000.0, 0.0]))
    tensor([-1.00000000e+03, -6.93147181e-01])
    """
    return -ops.softplus(-_operand(input))


def softsign(input: Any) -> Tensor:
    """x / (1 + |x|).

    >>> import autograd_lite as al
    >>> al.nn.functional.softsign(al.tensor([-1.0, 3.0]))
    tensor([-0.5 ,  0.75])
    """
    x = _operand(input)
    return x / (ops.absolute(x) + 1.0)


def tanhshrink(input: Any) -> Tensor:
    """x - tanh(x).

    >>> import autograd_lite as al
    >>> al.nn.functional.tanhshrink(al.tensor([0.0, 1.0]))
    tensor([0.        , 0.23840584])
    """
    x = _operand(input)
    return x - tanh(x)


def softshrink(input: Any, lambd: float = 0.5) -> Tensor:
    """x moved by lambd towards 0, and 0 where it is nearer than that.

    >>> import autograd_lite as al
    >>> al.nn.functional.softshrink(al.tensor([-2.0, 0.3, 1.0]))
    tensor([-1.5,  0. ,  0.5])
    """
    if lambd < 0:
        raise ValueError(f"softshrink: lambd must not be negative, and is {lambd}")
    x = _operand(input)
    return ops.where(x > lambd, x - lambd, ops.where(x < -lambd, x + lambd, x * 0.0))


def hardshrink(input: Any, lambd: float = 0.5) -> Tensor:
    """x, and 0 where it is within lambd of 0.

    >>> import autograd_lite as al
    >>> al.nn.functional.hardshrink(al.tensor([-2.0, 0.3, 1.0]))
    tensor([-2.,  0.,  1.])
    """
    x = _operand(input)
    return ops.where((x >= -lambd) & (x <= lambd), 0.0, x)


def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x above the threshold, the value elsewhere.

    >>> import autograd_lite as al
    >>> al.nn.functional.threshold(al.tensor([0.5, 2.0]), 1.0, -1.0)
    tensor([-1.,  2.])
    """
    x = _operand(input)
    return ops.where(x <= threshold, float(value), x)


def glu(input: Any, dim: int = -1) -> Tensor:
    """The first half of `dim` times the sigmoid of the second. Raises ValueError for an odd size.

    >>> import autograd_lite as al
    >>> al.nn.functional.glu(al.tensor([1.0, 2.0, 0.0, 0.0]))
    tensor([0.5, 1. ])
    """
    shape = shape_of(input)
    if not shape:
        raise ValueError("glu: a number has no halves")
    size = shape[axes(dim, len(shape))[0]]
    if size % 2:
        raise ValueError(f"glu: dim {dim} has {size} entries, which do not halve; the input's shape is {shape}")
    a: Tensor
    a, b = ops.split(_operand(input), size // 2, dim) if size else (_operand(input),) * 2
    return a * sigmoid(b)


def softmin(input: Any, dim: int = -1, dtype: Any = None) -> Tensor:
    """softmax(-x).

    >>> import autograd_lite as al
    >>> al.nn.functional.softmin(al.tensor([0.0, 1000.0]), 0)
    tensor([1., 0.])
    """
    return softmax(-_operand(input), dim, dtype)


def gumbel_softmax(logits: Any, tau: float = 1.0, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A draw from the classes of some logits that has a gradient (Jang et al. 2016): softmax of (logits + noise) / tau.

    With `hard` it is one-hot, and its gradient that of the soft one. `eps` is not used.

    >>> import autograd_lite as al
    >>> al.nn.functional.gumbel_softmax(al.zeros(3, 4), hard=True).sum(1)
    tensor([1., 1., 1.])
    """
    x = _operand(logits)
    uniform = draws(generator=draw_from(), method="random", size=x.shape).astype(x.dtype, copy=False)
    noise = -np.log(-np.log1p(-uniform) + np.finfo(x.dtype).tiny)  # from 0 to 1, 0 included
    soft = softmax((x + noise) / tau, dim)
    if not hard:
        return soft
    (d,) = axes(dim, x.ndim)
    places = np.arange(x.shape[d]).reshape([-1 if k == d else 1 for k in range(x.ndim)])
    chosen = ops.unsqueeze(ops.argmax(constant(soft), d), d) == places
    return (
        chosen * 1.0 - constant(soft) + soft
        if _data(x).dtype == np.float64
        else (ops.cast(chosen, dtype=x.dtype) - constant(soft) + soft)
    )
