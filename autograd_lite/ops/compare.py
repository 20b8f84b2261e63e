"""Comparisons and questions, by PyTorch's names. None has a derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.core import Tensor, primitive, spelled, ufunc
from autograd_lite.memory import Array
from autograd_lite.ops.elementwise import equal as eq
from autograd_lite.ops.elementwise import greater as gt
from autograd_lite.ops.elementwise import greater_equal as ge
from autograd_lite.ops.elementwise import invert as bitwise_not
from autograd_lite.ops.elementwise import less as lt
from autograd_lite.ops.elementwise import less_equal as le
from autograd_lite.ops.elementwise import not_equal as ne
from autograd_lite.ops.shape import _data

__all__ = [
    "allclose",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_right_shift",
    "bitwise_xor",
    "eq",
    "equal",
    "gcd",
    "ge",
    "gt",
    "is_floating_point",
    "is_nonzero",
    "is_tensor",
    "isclose",
    "isin",
    "isneginf",
    "isposinf",
    "isreal",
    "lcm",
    "le",
    "logical_xor",
    "lt",
    "ne",
    "numel",
    "result_type",
]

logical_xor = ufunc(np.logical_xor, "Exactly one of both.", a=None, b=None)
bitwise_xor = ufunc(np.bitwise_xor, "a ^ b, of integers or booleans.", a=None, b=None)
bitwise_left_shift = ufunc(np.left_shift, "a << b, of integers.", a=None, b=None)
bitwise_right_shift = ufunc(np.right_shift, "a >> b, of integers.", a=None, b=None)
gcd = ufunc(np.gcd, "The greatest common divisor, of integers.", a=None, b=None)
lcm = ufunc(np.lcm, "The least common multiple, of integers.", a=None, b=None)


@primitive(input=None, other=None)
def _isclose(input: Array, other: Array, *, rtol: float, atol: float, equal_nan: bool) -> Any:
    return np.isclose(input, other, rtol, atol, equal_nan)


def isclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
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


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Any:
    """Where an element is among the others.

    >>> import autograd_lite as al
    >>> al.isin(al.tensor([1, 2, 3]), al.tensor([3, 1]))
    tensor([ True, False,  True])
    """
    return _isin(elements, test_elements, invert=invert)


@primitive(x=None)
@spelled("input")
def isposinf(x: Array) -> Any:
    """Where x is plus infinity."""
    return np.isposinf(x)


@primitive(x=None)
@spelled("input")
def isneginf(x: Array) -> Any:
    """Where x is minus infinity."""
    return np.isneginf(x)


@primitive(x=None)
@spelled("input")
def isreal(x: Array) -> Any:
    """Where x is a real number: everywhere."""
    return np.isreal(x)


def is_tensor(obj: Any) -> bool:
    """Whether it is a Tensor."""
    return isinstance(obj, Tensor)


def is_floating_point(input: Any) -> bool:
    """Whether the dtype is one of floats."""
    return bool(_data(input).dtype.kind == "f")


def is_nonzero(input: Any) -> bool:
    """Whether the one element is not 0. Raises ValueError where there is not exactly one."""
    if np.size(_data(input)) != 1:
        raise ValueError(f"is_nonzero is for one number, and this tensor has shape {np.shape(_data(input))}")
    return bool(_data(input).item() != 0)


def numel(input: Any) -> int:
    """The number of elements."""
    return int(np.size(_data(input)))


def result_type(tensor1: Any, tensor2: Any) -> np.dtype[Any]:
    """The dtype of what both make together, as NumPy promotes: Python's numbers are weak.

    >>> import autograd_lite as al
    >>> al.result_type(al.tensor([1.0]).float(), 2.0).name
    'float32'
    """
    given = [x if isinstance(x, bool | int | float) else _data(x) for x in (tensor1, tensor2)]
    return np.result_type(*given)
