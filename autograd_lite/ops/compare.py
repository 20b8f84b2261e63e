"""Comparisons and questions, by PyTorch's names. None has a derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.callpath import spelled
from autograd_lite.core import Tensor, primitive, ufunc
from autograd_lite.memory import Array
from autograd_lite.ops.shape import _data

__all__ = [
    "allclose",
    "bitwise_and",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "eq",
    "equal",
    "gcd",
    "ge",
    "greater",
    "greater_equal",
    "gt",
    "invert",
    "is_floating_point",
    "is_nonzero",
    "is_tensor",
    "isclose",
    "isfinite",
    "isin",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "isreal",
    "lcm",
    "le",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "ne",
    "not_equal",
    "numel",
    "result_type",
]

gt = greater = ufunc(
    np.greater, "a > b.", ">>> al.greater(al.tensor([1, 2, 3]), 2)", "tensor([False, False,  True])", a=None, b=None
)
ge = greater_equal = ufunc(
    np.greater_equal,
    "a >= b.",
    ">>> al.greater_equal(al.tensor([1, 2, 3]), 2)",
    "tensor([False,  True,  True])",
    a=None,
    b=None,
)
lt = less = ufunc(
    np.less, "a < b.", ">>> al.less(al.tensor([1, 2, 3]), 2)", "tensor([ True, False, False])", a=None, b=None
)
le = less_equal = ufunc(
    np.less_equal,
    "a <= b.",
    ">>> al.less_equal(al.tensor([1, 2, 3]), 2)",
    "tensor([ True,  True, False])",
    a=None,
    b=None,
)
eq = ufunc(np.equal, "a == b.", ">>> al.eq(al.tensor([1, 2, 3]), 2)", "tensor([False,  True, False])", a=None, b=None)
ne = not_equal = ufunc(
    np.not_equal,
    "a != b.",
    ">>> al.not_equal(al.tensor([1, 2, 3]), 2)",
    "tensor([ True, False,  True])",
    a=None,
    b=None,
)
logical_and = ufunc(
    np.logical_and,
    "Both.",
    ">>> al.logical_and(al.tensor([True, True, False]), al.tensor([True, False, False]))",
    "tensor([ True, False, False])",
    a=None,
    b=None,
)
logical_or = ufunc(
    np.logical_or,
    "Either.",
    ">>> al.logical_or(al.tensor([True, True, False]), al.tensor([True, False, False]))",
    "tensor([ True,  True, False])",
    a=None,
    b=None,
)
logical_not = ufunc(np.logical_not, "Not.", ">>> al.logical_not(al.tensor([0, 2]))", "tensor([ True, False])", x=None)
bitwise_and = ufunc(
    np.bitwise_and,
    "a & b, of integers or booleans.",
    ">>> al.bitwise_and(al.tensor([6, 5]), 3)",
    "tensor([2, 1])",
    a=None,
    b=None,
)
bitwise_or = ufunc(
    np.bitwise_or,
    "a | b, of integers or booleans.",
    ">>> al.bitwise_or(al.tensor([6, 4]), 1)",
    "tensor([7, 5])",
    a=None,
    b=None,
)
bitwise_not = invert = ufunc(
    np.invert,
    "~x, of integers or booleans.",
    ">>> al.invert(al.tensor([0, 5])), al.invert(al.tensor([True, False]))",
    "(tensor([-1, -6]), tensor([False,  True]))",
    x=None,
)
logical_xor = ufunc(
    np.logical_xor,
    "Exactly one of both.",
    ">>> al.logical_xor(al.tensor([True, True]), al.tensor([True, False]))",
    "tensor([False,  True])",
    a=None,
    b=None,
)
bitwise_xor = ufunc(
    np.bitwise_xor,
    "a ^ b, of integers or booleans.",
    ">>> al.bitwise_xor(al.tensor([6, 5]), 3)",
    "tensor([5, 6])",
    a=None,
    b=None,
)
bitwise_left_shift = ufunc(
    np.left_shift,
    "a << b, of integers.",
    ">>> al.bitwise_left_shift(al.tensor([1, 3]), 2)",
    "tensor([ 4, 12])",
    a=None,
    b=None,
)
bitwise_right_shift = ufunc(
    np.right_shift,
    "a >> b, of integers.",
    ">>> al.bitwise_right_shift(al.tensor([8, 5]), 1)",
    "tensor([4, 2])",
    a=None,
    b=None,
)
gcd = ufunc(
    np.gcd,
    "The greatest common divisor, of integers.",
    ">>> al.gcd(al.tensor([12, 7]), 18)",
    "tensor([6, 1])",
    a=None,
    b=None,
)
lcm = ufunc(
    np.lcm,
    "The least common multiple, of integers.",
    ">>> al.lcm(al.tensor([4, 6]), 10)",
    "tensor([20, 30])",
    a=None,
    b=None,
)
isnan = ufunc(
    np.isnan, "Where x is not a number.", ">>> al.isnan(al.tensor([1.0, al.nan]))", "tensor([False,  True])", x=None
)
isfinite = ufunc(
    np.isfinite,
    "Where x is finite.",
    ">>> al.isfinite(al.tensor([1.0, al.inf, al.nan]))",
    "tensor([ True, False, False])",
    x=None,
)
isinf = ufunc(
    np.isinf,
    "Where x is infinite.",
    ">>> al.isinf(al.tensor([1.0, -al.inf, al.nan]))",
    "tensor([False,  True, False])",
    x=None,
)


@primitive(input=None, other=None)
def _isclose(input: Array, other: Array, *, rtol: float, atol: float, equal_nan: bool) -> Any:
    return np.isclose(input, other, rtol, atol, equal_nan)


def isclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Where |input - other| <= atol + rtol |other|.

    >>> import autograd_lite as al
    >>> al.isclose(al.tensor([1.0, 2.0]), al.tensor([1.0, 2.1]))
    tensor([ True, False])
    """
    return _isclose(input, other, rtol=rtol, atol=atol, equal_nan=equal_nan)


def allclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether `isclose` holds everywhere: Python's True or False.

    >>> import autograd_lite as al
    >>> al.allclose(al.tensor([1.0, 2.0]), al.tensor([1.0, 2.0 + 1e-9]))
    True
    """
    return bool(np.allclose(_data(input), _data(other), rtol, atol, equal_nan))


def equal(input: Any, other: Any) -> bool:
    """Whether both have one shape and the same elements: Python's True or False; `eq` compares elementwise.

    >>> import autograd_lite as al
    >>> al.equal(al.tensor([1, 2]), al.tensor([1, 2])), al.equal(al.tensor([1]), al.tensor([1, 1]))
    (True, False)
    """
    return bool(np.array_equal(_data(input), _data(other)))


@primitive(elements=None, test_elements=None)
def _isin(elements: Array, test_elements: Array, *, invert: bool) -> Any:
    return np.isin(elements, test_elements, invert=invert)


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Where an element is among the others.

    >>> import autograd_lite as al
    >>> al.isin(al.tensor([1, 2, 3]), al.tensor([3, 1]))
    tensor([ True, False,  True])
    """
    return _isin(elements, test_elements, invert=invert)


@primitive(x=None)
@spelled("input")
def isposinf(x: Array) -> Any:
    """Where x is plus infinity.

    >>> import autograd_lite as al
    >>> al.isposinf(al.tensor([al.inf, -al.inf, 1.0]))
    tensor([ True, False, False])
    """
    return np.isposinf(x)


@primitive(x=None)
@spelled("input")
def isneginf(x: Array) -> Any:
    """Where x is minus infinity.

    >>> import autograd_lite as al
    >>> al.isneginf(al.tensor([al.inf, -al.inf, 1.0]))
    tensor([False,  True, False])
    """
    return np.isneginf(x)


@primitive(x=None)
@spelled("input")
def isreal(x: Array) -> Any:
    """Where x is a real number: everywhere.

    >>> import autograd_lite as al
    >>> al.isreal(al.tensor([1.0, 2.0]))
    tensor([ True,  True])
    """
    return np.isreal(x)


def is_tensor(obj: Any) -> bool:
    """Whether it is a Tensor.

    >>> import autograd_lite as al
    >>> al.is_tensor(al.zeros(2)), al.is_tensor([0.0, 0.0])
    (True, False)
    """
    return isinstance(obj, Tensor)


def is_floating_point(input: Any) -> bool:
    """Whether the dtype is one of floats.

    >>> import autograd_lite as al
    >>> al.is_floating_point(al.tensor([1.0])), al.is_floating_point(al.tensor([1]))
    (True, False)
    """
    return bool(_data(input).dtype.kind == "f")


def is_nonzero(input: Any) -> bool:
    """Whether the one element is not 0. Raises ValueError where there is not exactly one.

    >>> import autograd_lite as al
    >>> al.is_nonzero(al.tensor([2.0])), al.is_nonzero(al.tensor(0))
    (True, False)
    """
    if np.size(_data(input)) != 1:
        raise ValueError(f"is_nonzero is for one number, and this tensor has shape {np.shape(_data(input))}")
    return bool(_data(input).item() != 0)


def numel(input: Any) -> int:
    """The number of elements.

    >>> import autograd_lite as al
    >>> al.numel(al.zeros(2, 3))
    6
    """
    return int(np.size(_data(input)))


def result_type(tensor1: Any, tensor2: Any) -> np.dtype[Any]:
    """The dtype of what both make together, as NumPy promotes: Python's numbers are weak.

    >>> import autograd_lite as al
    >>> al.result_type(al.tensor([1.0]).float(), 2.0).name
    'float32'
    """
    given = [x if isinstance(x, bool | int | float) else _data(x) for x in (tensor1, tensor2)]
    return np.result_type(*given)
