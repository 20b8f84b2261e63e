"""Elementwise ops. Broadcasting is the engine's business: a rule may return the broadcast shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.callpath import spelled
from autograd_lite.core import Tensor, primitive, ufunc, ufuncs
from autograd_lite.memory import Array
from autograd_lite.ops.compare import greater, isnan, less, logical_or

__all__ = [
    "absolute",
    "add",
    "ceil",
    "clamp",
    "cos",
    "divide",
    "exp",
    "expm1",
    "floor",
    "floor_divide",
    "log",
    "log1p",
    "log2",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "power",
    "reciprocal",
    "relu",
    "round",
    "sigmoid",
    "sign",
    "sin",
    "softplus",
    "sqrt",
    "square",
    "subtract",
    "tanh",
]

# Rules that choose do so with `where`: a product with a mask makes NaN of an infinite gradient


def _flat(g: Any) -> Any:
    """The gradient of what is flat almost everywhere: zeros, as PyTorch has it."""
    return np.where(False, g, 0.0)


def _where_over(g: Any, over: Any, under: Any) -> Any:
    """The gradient where over > under or one is NaN, half of it where they are equal."""
    return np.where(np.less(over, under), 0.0, np.where(np.equal(over, under), g * 0.5, g))


# Arithmetic

add = ufunc(
    np.add,
    "a + b, broadcast.",
    ">>> al.add(al.tensor([[1.0], [2.0]]), al.tensor([10.0, 20.0])).tolist()",
    "[[11.0, 21.0], [12.0, 22.0]]",
    a=lambda g: g,
    b=lambda g: g,
)
subtract = ufunc(
    np.subtract,
    "a - b, broadcast.",
    ">>> al.subtract(al.tensor([5.0, 7.0]), al.tensor([2.0, 3.0]))",
    "tensor([3., 4.])",
    a=lambda g: g,
    b=lambda g: -g,
)
multiply = ufunc(
    np.multiply,
    "a * b, broadcast.",
    ">>> al.func.grad(al.multiply, (0, 1))(al.tensor(2.0), al.tensor(3.0))",
    "(tensor(3.), tensor(2.))",
    a=lambda g, b: g * b,
    b=lambda g, a: g * a,
)
divide = ufunc(
    np.true_divide,
    "a / b, broadcast.",
    ">>> al.divide(al.tensor([1, 2]), 2)",
    "tensor([0.5, 1. ])",
    a=lambda g, b: g / b,
    b=lambda g, y, b: -g * y / b,
)
floor_divide = ufunc(
    np.floor_divide, "a // b.", ">>> al.floor_divide(al.tensor([7, -7]), 2)", "tensor([ 3, -4])", a=None, b=None
)
negative = ufunc(np.negative, "-x.", ">>> al.negative(al.tensor([1.0, -2.0]))", "tensor([-1.,  2.])", x=lambda g: -g)
absolute = ufunc(
    np.absolute,
    "|x|; its slope at 0 is taken as 0.",
    ">>> al.func.grad(lambda x: al.abs(x).sum())(al.tensor([-2.0, 0.0, 3.0]))",
    "tensor([-1.,  0.,  1.])",
    x=lambda g, x: g * np.sign(x),
)
square = ufunc(
    np.square, "x².", ">>> al.square(al.tensor([-3.0, 2.0]))", "tensor([9., 4.])", x=lambda g, x: g * x * 2.0
)
sqrt = ufunc(
    np.sqrt, "The square root.", ">>> al.sqrt(al.tensor([4.0, 9.0]))", "tensor([2., 3.])", x=lambda g, y: g * 0.5 / y
)


@primitive(x=lambda g, y: -g * y * y)
@spelled("input")
def reciprocal(x: Array) -> Any:
    """1 / x, of integers too.

    >>> import autograd_lite as al
    >>> al.reciprocal(al.tensor([2.0, 4.0])), al.reciprocal(al.tensor([2, 4]))
    (tensor([0.5 , 0.25]), tensor([0.5 , 0.25]))
    """
    return np.true_divide(1.0, x)


ufuncs[np.reciprocal] = reciprocal

# 0 to the power 0 has the slopes 0; at a = 0 the slope by b is 0.
float_power = ufunc(
    np.power,
    "a to the power b, both arrays, broadcast. `power` is the public one.",
    a=lambda g, a, b: g * b * a ** np.where(np.equal(a, 0) & np.equal(b, 0), 1.0, np.subtract(b, 1.0)),  # lists too
    b=lambda g, a, y: g * y * np.log(np.where(np.equal(a, 0), 1.0, a)),
)


@primitive(x=lambda g, x, exponent: g * exponent * power(x, exponent - 1) if exponent else _flat(g))
def _power(x: Array, *, exponent: float) -> Any:
    return np.power(x, exponent)


_FLOATS = {np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64)}


def power(input: Any, exponent: Any) -> Tensor:
    """x to a power, elementwise; the exponent is a number or a tensor.

    >>> import autograd_lite as al
    >>> al.tensor([1.0, 2.0]) ** 3
    tensor([1., 8.])
    """
    if isinstance(exponent, int | float) and not isinstance(exponent, np.generic):
        if exponent in (1, 2) and getattr(input, "dtype", None) in _FLOATS:  # of integers, 2.0 makes floats
            return square(input) if exponent == 2 else input * 1
        return _power(input, exponent=exponent)
    return float_power(input, exponent)


# Exponential and trigonometric

exp = ufunc(
    np.exp,
    "e to the power x.",
    ">>> al.exp(al.tensor([0.0, 1.0]))",
    "tensor([1.        , 2.71828183])",
    x=lambda g, y: g * y,
)
expm1 = ufunc(
    np.expm1,
    "exp(x) - 1, exact near 0.",
    ">>> al.expm1(al.tensor(1e-20)).item(), al.exp(al.tensor(1e-20)).item() - 1.0",
    "(1e-20, 0.0)",
    x=lambda g, y: g * (y + 1.0),
)
log = ufunc(
    np.log,
    "The natural logarithm.",
    ">>> al.log(al.tensor([1.0, 10.0]))",
    "tensor([0.        , 2.30258509])",
    x=lambda g, x: g / x,
)
log1p = ufunc(
    np.log1p,
    "log(1 + x), exact near 0.",
    ">>> al.log1p(al.tensor(1e-20)).item()",
    "1e-20",
    x=lambda g, x: g / (x + 1.0),
)
log2 = ufunc(
    np.log2,
    "The logarithm to base 2.",
    ">>> al.log2(al.tensor([1.0, 8.0]))",
    "tensor([0., 3.])",
    x=lambda g, x: g / (x * 0.6931471805599453),
)
sin = ufunc(
    np.sin,
    "The sine, of radians.",
    ">>> al.sin(al.tensor([0.0, al.pi / 2]))",
    "tensor([0., 1.])",
    x=lambda g, x: g * np.cos(x),
)
cos = ufunc(
    np.cos,
    "The cosine, of radians.",
    ">>> al.cos(al.tensor([0.0, al.pi]))",
    "tensor([ 1., -1.])",
    x=lambda g, x: -g * np.sin(x),
)
tanh = ufunc(
    np.tanh,
    "The hyperbolic tangent.",
    ">>> al.tanh(al.tensor([-100.0, 0.0, 0.5]))",
    "tensor([-1.        ,  0.        ,  0.46211716])",
    x=lambda g, y: g * (1.0 - y * y),
)

# Activations


def logistic(x: Any) -> Tensor:
    """`sigmoid`, for rules: on an array it is not worth an op's call."""
    return sigmoid(x) if isinstance(x, Tensor) else _logistic(x)


@np.errstate(over="ignore", under="ignore")  # far out exp(-x) is infinite, which gives the 0 that is meant
def _logistic(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(np.multiply(x, -1.0)))


@primitive(x=lambda g, y: g * y * (1.0 - y))
@spelled("input")
def sigmoid(x: Array) -> Any:
    """The logistic function 1 / (1 + exp(-x)), exact to 3 units in the last place; under -709 (float32: -88) it is 0.

    >>> import autograd_lite as al
    >>> al.sigmoid(al.tensor([-1000.0, 0.0, 1000.0]))
    tensor([0. , 0.5, 1. ])
    """
    return _logistic(x)


@primitive(x=lambda g, y: g * (y > 0))  # `where` takes 5 times as long on 100 by 1000 (2026-11); see differences.md
@spelled("input")
def relu(x: Array) -> Any:
    """max(x, 0); its slope at 0 is taken as 0.

    >>> import autograd_lite as al
    >>> al.relu(al.tensor([-1.0, 0.0, 2.0]))
    tensor([0., 0., 2.])
    >>> al.func.grad(lambda x: al.relu(x).sum())(al.tensor([-1.0, 0.0, 2.0]))
    tensor([0., 0., 1.])
    """
    return np.maximum(x, 0)


@primitive(x=lambda g, x: g * logistic(x))
@spelled("input")
def softplus(x: Array) -> Any:
    """log(1 + exp(x)), without overflow; its slope is the sigmoid.

    >>> import autograd_lite as al
    >>> al.softplus(al.tensor([-1000.0, 0.0, 10.0]))
    tensor([ 0.        ,  0.69314718, 10.0000454 ])
    >>> al.func.grad(al.softplus)(al.tensor(0.0))
    tensor(0.5)
    """
    return np.logaddexp(x, 0)


# Choice

maximum = ufunc(
    np.maximum,
    "The larger of a and b; where they are equal each gets half the gradient.",
    ">>> al.func.grad(lambda a: al.maximum(a, al.tensor(2.0)).sum())(al.tensor([1.0, 2.0, 3.0]))",
    "tensor([0. , 0.5, 1. ])",
    a=lambda g, a, b: _where_over(g, a, b),
    b=lambda g, a, b: _where_over(g, b, a),
)
minimum = ufunc(
    np.minimum,
    "The smaller of a and b; where they are equal each gets half the gradient.",
    ">>> al.func.grad(lambda a: al.minimum(a, al.tensor(2.0)).sum())(al.tensor([1.0, 2.0, 3.0]))",
    "tensor([1. , 0.5, 0. ])",
    a=lambda g, a, b: _where_over(g, b, a),
    b=lambda g, a, b: _where_over(g, a, b),
)


@primitive(
    condition=None,
    a=lambda g, condition: np.where(condition, g, 0.0),
    b=lambda g, condition: np.where(condition, 0.0, g),
)
def where(condition: Array, a: Array, b: Array) -> Any:
    """a where the condition holds, b elsewhere; all three broadcast.

    >>> import autograd_lite as al
    >>> al.where(al.tensor([True, False]), 1.0, 2.0)
    tensor([1., 2.])
    """
    return np.where(condition, a, b)


@primitive(x=lambda g, x, low, high: np.where((x >= low) & (x <= high), g, 0.0))
def _clip(x: Array, *, low: float, high: float) -> Any:
    return np.clip(x, low, high)


def clamp(input: Any, min: Any = None, max: Any = None) -> Tensor:
    """x, with everything under `min` raised to it and everything over `max` lowered to it: numbers, or tensors.

    The gradient is that of what was neither raised nor lowered. Raises ValueError without both bounds.

    >>> import autograd_lite as al
    >>> al.clamp(al.tensor([-2.0, 0.5, 3.0]), min=-1.0, max=1.0)
    tensor([-1. ,  0.5,  1. ])
    >>> al.func.grad(lambda x: al.clamp(x, 0.0, 1.0).sum())(al.tensor([-2.0, 0.5, 1.0]))
    tensor([0., 1., 1.])
    """
    if min is None and max is None:
        raise ValueError("clamp needs min, max or both")
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        if min is not None:
            input = where(logical_or(less(input, min), isnan(min)), min, input)
        return input if max is None else where(logical_or(greater(input, max), isnan(max)), max, input)
    raw = input.data if isinstance(input, Tensor) else np.asarray(input)
    lowest, highest = (
        (np.iinfo(raw.dtype).min, np.iinfo(raw.dtype).max) if raw.dtype.kind in "iu" else (-np.inf, np.inf)
    )
    return _clip(input, low=lowest if min is None else min, high=highest if max is None else max)


# Flat almost everywhere: the gradient is zero, as PyTorch has it

sign = ufunc(np.sign, "-1, 0 or 1.", ">>> al.sign(al.tensor([-2.0, 0.0, 3.0]))", "tensor([-1.,  0.,  1.])", x=_flat)
floor = ufunc(
    np.floor, "The largest integer not above x.", ">>> al.floor(al.tensor([1.7, -1.2]))", "tensor([ 1., -2.])", x=_flat
)
ceil = ufunc(
    np.ceil, "The smallest integer not below x.", ">>> al.ceil(al.tensor([1.7, -1.2]))", "tensor([ 2., -1.])", x=_flat
)
_rint = ufunc(np.rint, "The nearest integer, halves to even.", x=_flat)


def round(input: Any, *, decimals: int = 0) -> Tensor:
    """The nearest integer, or the nearest number of so many decimals; halves to even.

    >>> import autograd_lite as al
    >>> al.round(al.tensor([0.5, 1.5, 2.7])), al.round(al.tensor([12.345]), decimals=1)
    (tensor([0., 2., 3.]), tensor([12.3]))
    """
    scale = 10.0 ** abs(decimals)
    if decimals < 0:
        return multiply(_rint(divide(input, scale)), scale)
    return divide(_rint(multiply(input, scale)), scale) if decimals else _rint(input)
