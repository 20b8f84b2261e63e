"""The error function, its complement and its inverse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite.callpath import spelled
from autograd_lite.core import primitive
from autograd_lite.memory import Array

__all__ = ["erf", "erfc", "erfinv"]

# W. J. Cody, "Rational Chebyshev approximations for the error function", Mathematics of Computation 23 (1969),
# 631-637: erf(x) = x P(x²) / Q(x²) up to 0.46875, erfc(x) = exp(-x²) P(x) / Q(x) up to 4, and beyond it
# exp(-x²) / x (1 / sqrt(pi) - P(1/x²) / (x² Q(1/x²))). Coefficients from the highest power down.
SMALL = (
    (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)
MIDDLE = (
    (
        *(2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1),
        *(2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3),
        1.23033935479799725e3,
    ),
    (
        *(1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3),
        *(3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
    ),
)
FAR = (
    (
        *(1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1),
        *(1.60837851487422766e-2, 6.58749161529837803e-4),
    ),
    (
        *(1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2),
        2.33520497626869185e-3,
    ),
)
EDGE, SLOPE = 0.46875, 2.0 / math.sqrt(math.pi)


def _ratio(x: Array, polynomials: tuple[Sequence[float], Sequence[float]]) -> Any:
    top, bottom = (np.polyval(p, x) for p in polynomials)
    return top / bottom


def _decay(x: Array) -> Any:
    """exp(-x²), the square in two parts so that its rounding does not count: x² = c² + (x - c) (x + c)."""
    coarse = np.trunc(x * 16.0) / 16.0
    return np.exp(-coarse * coarse) * np.exp(-(x - coarse) * (x + coarse))


def _complement(x: Array) -> Any:
    """erfc of numbers from 0.46875 up."""
    with np.errstate(under="ignore"):
        x = np.minimum(x, 30.0)
        square = 1.0 / (x * x)
        far = (1.0 / math.sqrt(math.pi) - square * _ratio(square, FAR)) / x
        return _decay(x) * np.where(x <= 4.0, _ratio(np.minimum(x, 4.0), MIDDLE), far)


def _both(x: Any, complement: bool) -> Any:
    x = np.asarray(x)
    x = x if x.dtype.kind == "f" else x.astype(np.float64)
    wide = x.astype(np.float64, copy=False)
    size = np.abs(wide)
    inner = np.where(size < EDGE, wide, 0.0)
    small, tail = inner * _ratio(inner * inner, SMALL), _complement(np.maximum(size, EDGE))
    if complement:
        y = np.where(size < EDGE, 1.0 - small, np.where(wide < 0, 2.0 - tail, tail))
    else:
        y = np.where(size < EDGE, small, np.copysign(1.0 - tail, wide))
    return np.where(np.isnan(wide), np.nan, y).astype(x.dtype, copy=False)


@primitive(x=lambda g, x: g * SLOPE * np.exp(-(x * x)))
@spelled("input")
def erf(x: Array) -> Any:
    """The error function, 2 / sqrt(pi) times the integral of exp(-t²) from 0 to x; exact to 1e-15.

    >>> import autograd_lite as al
    >>> al.erf(al.tensor([0.0, 0.5, -3.0]))
    tensor([ 0.        ,  0.52049988, -0.99997791])
    """
    return _both(x, False)


@primitive(x=lambda g, x: g * -SLOPE * np.exp(-(x * x)))
@spelled("input")
def erfc(x: Array) -> Any:
    """1 - erf(x), to a relative 1e-14 also where it is small.

    >>> import autograd_lite as al
    >>> al.erfc(al.tensor([0.0, 0.5, 5.0])).tolist()
    [1.0, 0.4795001221869535, 1.537459794428035e-12]
    """
    return _both(x, True)


@primitive(x=lambda g, y: g * (1.0 / SLOPE) * np.exp(y * y))
@spelled("input")
def erfinv(x: Array) -> Any:
    """The inverse of erf on [-1, 1], infinite at its ends, NaN outside.

    Winitzki's approximation ("A handy approximation for the error function and its inverse", 2008), made exact by
    three of Halley's steps on erfc.

    >>> import autograd_lite as al
    >>> al.erfinv(al.erf(al.tensor([0.5, -2.0])))
    tensor([ 0.5, -2. ])
    """
    x = np.asarray(x)
    x = x if x.dtype.kind == "f" else x.astype(np.float64)
    wide = x.astype(np.float64, copy=False)
    inside = np.abs(wide) < 1.0
    size = np.where(inside, np.abs(wide), 0.0)
    shape = 8.0 * (math.pi - 3.0) / (3.0 * math.pi * (4.0 - math.pi))
    bend = np.log1p(-size * size)
    middle = 2.0 / (math.pi * shape) + bend / 2.0
    y = np.sqrt(np.maximum(np.sqrt(middle * middle - bend / shape) - middle, 0.0))
    for _ in range(3):
        off = np.where(size < 0.5, _both(y, False) - size, (1.0 - size) - _both(y, True)) / (SLOPE * np.exp(-y * y))
        y = y - off / (1.0 + y * off)
    y = np.copysign(y, wide)
    return np.where(inside, y, np.where(np.abs(wide) == 1.0, np.copysign(np.inf, wide), np.nan)).astype(x.dtype)
