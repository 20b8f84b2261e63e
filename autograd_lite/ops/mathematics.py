"""More elementwise mathematics, by PyTorch's names: powers and logarithms, rounding, pairs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_lite.callpath import spelled
from autograd_lite.core import Tensor, primitive, ufunc
from autograd_lite.memory import Array
from autograd_lite.ops.compare import eq, isnan, less_equal, logical_and, logical_or
from autograd_lite.ops.elementwise import (
    _flat,
    add,
    clamp,
    divide,
    floor,
    floor_divide,
    log,
    log1p,
    logistic,
    multiply,
    negative,
    power,
    sigmoid,
    sign,
    subtract,
    where,
)
from autograd_lite.ops.shape import _data

__all__ = [
    "addcdiv",
    "addcmul",
    "clamp_max",
    "clamp_min",
    "clip",
    "copysign",
    "div",
    "exp2",
    "expit",
    "fix",
    "float_power",
    "fmax",
    "fmin",
    "fmod",
    "frac",
    "heaviside",
    "hypot",
    "ldexp",
    "lerp",
    "log10",
    "logaddexp",
    "logaddexp2",
    "logit",
    "nan_to_num",
    "positive",
    "remainder",
    "rsqrt",
    "rsub",
    "sgn",
    "signbit",
    "sinc",
    "sub",
    "true_divide",
    "trunc",
    "xlog1py",
    "xlogy",
]

LOG_2, LOG_10 = math.log(2.0), math.log(10.0)

# Exponents, logarithms and lengths

hypot = ufunc(
    np.hypot,
    "The square root of a² + b², without overflow.",
    ">>> al.hypot(al.tensor(3e300), al.tensor(4e300))",
    "tensor(5.e+300)",
    a=lambda g, a, y: g * (a / y),
    b=lambda g, b, y: g * (b / y),
)

exp2 = ufunc(
    np.exp2,
    "2 to the power x.",
    ">>> al.exp2(al.tensor([3.0, -1.0]))",
    "tensor([8. , 0.5])",
    x=lambda g, y: g * y * LOG_2,
)
log10 = ufunc(
    np.log10,
    "The logarithm to base 10.",
    ">>> al.log10(al.tensor([1.0, 1000.0]))",
    "tensor([0., 3.])",
    x=lambda g, x: g / (x * LOG_10),
)
logaddexp = ufunc(
    np.logaddexp,
    "log(exp(a) + exp(b)), without overflow.",
    ">>> al.logaddexp(al.tensor(1000.0), al.tensor(1000.0))",
    "tensor(1000.69314718)",
    a=lambda g, a, b: g * logistic(np.subtract(a, b)),
    b=lambda g, a, b: g * logistic(np.subtract(b, a)),
)
logaddexp2 = ufunc(
    np.logaddexp2,
    "log2(2^a + 2^b), without overflow.",
    ">>> al.logaddexp2(al.tensor(2000.0), al.tensor(2000.0))",
    "tensor(2001.)",
    a=lambda g, a, b: g * logistic(np.subtract(a, b) * LOG_2),
    b=lambda g, a, b: g * logistic(np.subtract(b, a) * LOG_2),
)


def _sinc_slope(g: Any, x: Any, y: Any) -> Any:
    at_0 = np.equal(x, 0)
    return g * np.where(at_0, 0.0, (np.cos(x * math.pi) - y) / np.where(at_0, 1.0, x))


@primitive(x=_sinc_slope)
@spelled("input")
def sinc(x: Array) -> Any:
    """sin(pi x) / (pi x), and 1 at 0, where its first and second slopes are taken as 0.

    >>> import autograd_lite as al
    >>> al.sinc(al.tensor([0.0, 0.5]))
    tensor([1.        , 0.63661977])
    """
    return np.sinc(x)


@primitive(x=lambda g, y: g * -0.5 * y * y * y)
@spelled("input")
def rsqrt(x: Array) -> Any:
    """1 / sqrt(x).

    >>> import autograd_lite as al
    >>> al.rsqrt(al.tensor([4.0, 1.0]))
    tensor([0.5, 1. ])
    """
    return np.reciprocal(np.sqrt(x))


def logit(input: Any, eps: float | None = None) -> Tensor:
    """log(x / (1 - x)), the inverse of the sigmoid; with `eps`, x is first clamped to [eps, 1 - eps].

    >>> import autograd_lite as al
    >>> al.logit(al.sigmoid(al.tensor([-2.0, 3.0])))
    tensor([-2.,  3.])
    """
    input = input if eps is None else clamp(input, eps, 1.0 - eps)
    return subtract(log(input), log1p(negative(input)))


def xlogy(input: Any, other: Any) -> Tensor:
    """x log(y), and 0 where x is 0, whatever y is (but for NaN).

    >>> import autograd_lite as al
    >>> al.xlogy(al.tensor([0.0, 2.0]), al.tensor([0.0, 10.0]))
    tensor([0.        , 4.60517019])
    """
    if isinstance(other, int | float):
        other = np.asarray(other, _data(input).dtype)
    nothing = logical_and(eq(input, 0), less_equal(other, 0))
    return multiply(input, log(where(nothing, 1.0, other)))


def xlog1py(input: Any, other: Any) -> Any:
    """x log(1 + y), and 0 where x is 0.

    >>> import autograd_lite as al
    >>> al.xlog1py(al.tensor([0.0, 2.0]), al.tensor([-1.0, 9.0]))
    tensor([0.        , 4.60517019])
    """
    return xlogy(input, add(1.0, other))


def float_power(input: Any, exponent: Any) -> Tensor:
    """x to a power, in float64.

    >>> import autograd_lite as al
    >>> al.float_power(al.tensor([2, 3]), -1)
    tensor([0.5       , 0.33333333])
    """
    return power(multiply(input, np.float64(1.0)), exponent)


def ldexp(input: Any, other: Any) -> Tensor:
    """x times 2 to the power of the other.

    >>> import autograd_lite as al
    >>> al.ldexp(al.tensor([1.0, 3.0]), al.tensor([2, -1]))
    tensor([4. , 1.5])
    """
    if isinstance(other, Tensor) and other.dtype.kind != "f" and _data(input).dtype.kind == "f":
        other = other.to(_data(input).dtype)
    return multiply(input, exp2(other))


# Signs and rounding


positive = ufunc(np.positive, "+x.", ">>> al.positive(al.tensor([-1.0, 2.0]))", "tensor([-1.,  2.])", x=lambda g: g)
trunc = fix = ufunc(
    np.trunc, "The integer part, towards 0.", ">>> al.trunc(al.tensor([1.7, -1.7]))", "tensor([ 1., -1.])", x=_flat
)
signbit = ufunc(
    np.signbit,
    "Where the sign is set: below 0, and at -0.",
    ">>> al.signbit(al.tensor([-1.0, -0.0, 0.0]))",
    "tensor([ True,  True, False])",
    x=None,
)
sgn = sign
copysign = ufunc(
    np.copysign,
    "a's size with b's sign; the slope is 0 where a is 0.",
    ">>> al.copysign(al.tensor([1.0, 2.0]), al.tensor([-0.0, 3.0]))",
    "tensor([-1.,  2.])",
    a=lambda g, a, y: g * np.sign(a) * np.sign(y),
    b=_flat,
)


def frac(input: Any) -> Tensor:
    """What trunc leaves: x - trunc(x), with x's sign.

    >>> import autograd_lite as al
    >>> al.frac(al.tensor([1.5, -2.25]))
    tensor([ 0.5 , -0.25])
    """
    return subtract(input, trunc(input))


fmod = ufunc(
    np.fmod,
    "What division towards 0 leaves: its sign is a's.",
    ">>> al.fmod(al.tensor([5.0, -5.0]), 3.0)",
    "tensor([ 2., -2.])",
    a=lambda g: g,
    b=lambda g, a, b: -g * np.trunc(np.true_divide(a, b)),
)
remainder = ufunc(
    np.remainder,
    "What division towards minus infinity leaves: its sign is b's, as Python's %.",
    ">>> al.remainder(al.tensor([5.0, -5.0]), 3.0)",
    "tensor([2., 1.])",
    a=lambda g: g,
    b=lambda g, a, b: -g * np.floor(np.true_divide(a, b)),
)


@primitive(x=lambda g, x: np.where(np.isfinite(x), g, 0.0))
def _nan_to_num(x: Array, *, nan: float, posinf: float | None, neginf: float | None) -> Any:
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


def nan_to_num(
    input: Any, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """Numbers in place of NaN (0) and of infinities (the largest and the lowest of the dtype), unless given.

    >>> import autograd_lite as al
    >>> al.nan_to_num(al.tensor([float("nan"), 1.0, float("inf")]), posinf=9.0)
    tensor([0., 1., 9.])
    """
    return _nan_to_num(input, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)


# Pairs


fmax = ufunc(
    np.fmax,
    "The larger of a and b, and the number where one is NaN; of equals, a has the gradient.",
    ">>> al.fmax(al.tensor([1.0, al.nan]), al.tensor([0.0, 2.0]))",
    "tensor([1., 2.])",
    a=lambda g, a, b: np.where(logical_or(np.greater_equal(a, b), isnan(b)), g, 0.0),
    b=lambda g, a, b: np.where(logical_or(np.greater_equal(a, b), isnan(b)), 0.0, g),
)
fmin = ufunc(
    np.fmin,
    "The smaller of a and b, and the number where one is NaN; of equals, a has the gradient.",
    ">>> al.fmin(al.tensor([1.0, al.nan]), al.tensor([0.0, 2.0]))",
    "tensor([0., 2.])",
    a=lambda g, a, b: np.where(logical_or(np.less_equal(a, b), isnan(b)), g, 0.0),
    b=lambda g, a, b: np.where(logical_or(np.less_equal(a, b), isnan(b)), 0.0, g),
)
heaviside = ufunc(
    np.heaviside,
    "0 where a is below 0, 1 above, b at 0. No derivative.",
    ">>> al.heaviside(al.tensor([-1.0, 0.0, 2.0]), al.tensor(0.5))",
    "tensor([0. , 0.5, 1. ])",
    a=None,
    b=None,
)


def clamp_min(input: Any, min: Any) -> Tensor:
    """Nothing under `min`, a number or a tensor.

    >>> import autograd_lite as al
    >>> al.clamp_min(al.tensor([-1.0, 2.0]), 0.0)
    tensor([0., 2.])
    """
    return clamp(input, min=min)


def clamp_max(input: Any, max: Any) -> Tensor:
    """Nothing over `max`, a number or a tensor.

    >>> import autograd_lite as al
    >>> al.clamp_max(al.tensor([-1.0, 2.0]), 0.0)
    tensor([-1.,  0.])
    """
    return clamp(input, max=max)


def lerp(input: Any, end: Any, weight: Any) -> Tensor:
    """On the way from `input` to `end`: input + weight (end - input); of weights from 0.5 up reckoned from the end.

    >>> import autograd_lite as al
    >>> al.lerp(al.tensor([0.0, 1.0]), al.tensor([10.0, 3.0]), 0.5)
    tensor([5., 2.])
    """
    way = subtract(end, input)
    if isinstance(weight, int | float):
        return add(input, way * weight) if abs(weight) < 0.5 else subtract(end, way * (1.0 - weight))
    near = np.abs(_data(weight)) < 0.5
    return where(near, add(input, multiply(weight, way)), subtract(end, multiply(way, subtract(1.0, weight))))


def addcmul(input: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Tensor:
    """input + value * tensor1 * tensor2.

    >>> import autograd_lite as al
    >>> al.addcmul(al.ones(2), al.tensor([1.0, 2.0]), al.tensor([3.0, 4.0]), value=0.5)
    tensor([2.5, 5. ])
    """
    product = multiply(tensor1, tensor2)
    return add(input, product if value == 1 else product * value)


def addcdiv(input: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Tensor:
    """input + value * tensor1 / tensor2.

    >>> import autograd_lite as al
    >>> al.addcdiv(al.ones(2), al.tensor([1.0, 2.0]), al.tensor([2.0, 4.0]))
    tensor([1.5, 1.5])
    """
    quotient = divide(tensor1, tensor2)
    return add(input, quotient if value == 1 else quotient * value)


def rsub(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """other - alpha * input.

    >>> import autograd_lite as al
    >>> al.rsub(al.tensor([1.0, 2.0]), 10.0)
    tensor([9., 8.])
    """
    return subtract(other, input if alpha == 1 else multiply(input, alpha))


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """input / other, rounded towards 0 ("trunc") or down ("floor") if wanted: then its slopes are 0.

    Raises ValueError for another mode.

    >>> import autograd_lite as al
    >>> al.div(al.tensor([-3.0]), 2.0), al.div(al.tensor([-3.0]), 2.0, rounding_mode="trunc")
    (tensor([-1.5]), tensor([-1.]))
    """
    if rounding_mode is None:
        return divide(input, other)
    if rounding_mode not in ("trunc", "floor"):
        raise ValueError(f"div: rounding_mode is None, 'trunc' or 'floor', and not {rounding_mode!r}")
    if _data(input).dtype.kind in "iub" and np.asarray(_data(other)).dtype.kind in "iub":
        floored = floor_divide(input, other)
        return floored if rounding_mode == "floor" else floored + (floored < 0) * (floored * other != input)
    return (floor if rounding_mode == "floor" else trunc)(divide(input, other))


def sub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """input - alpha * other.

    >>> import autograd_lite as al
    >>> al.sub(al.tensor([3.0]), al.tensor([1.0]), alpha=2)
    tensor([1.])
    """
    return subtract(input, other if alpha == 1 else multiply(other, alpha))


clip, expit, true_divide = clamp, sigmoid, div
