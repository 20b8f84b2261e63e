"""The error function."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.core import primitive
from autograd_lite.memory import Array

__all__ = ["erf"]

# Numerators and denominators, highest power first, of the rational approximations in W. J. Cody, "Rational Chebyshev
# approximations for the error function", Mathematics of Computation 23 (1969): for |x| up to 0.46875, up to 4, and
# beyond (in 1 / x²).
_NEAR = (
    (1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2, 3.77485237685302021e2,
     3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)  # fmt: skip
_MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1,
     2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
     1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
     3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
)  # fmt: skip
_FAR = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
     1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1, 6.05183413124413191e-2,
     2.33520497626869185e-3),
)  # fmt: skip
_SLOPE = 1.1283791670955126  # 2 / √π


def _ratio(parts: tuple[tuple[float, ...], tuple[float, ...]], x: Array) -> Array:
    """One polynomial over another, at x."""
    above, below = (np.full_like(x, part[0]) for part in parts)
    for a, b in zip(parts[0][1:], parts[1][1:], strict=True):
        above *= x
        above += a
        below *= x
        below += b
    above /= below
    return above


def _erf(x: Array) -> Array:
    size = np.abs(x)
    near, far = size <= 0.46875, size > 4.0
    out = np.where(np.isnan(x), x, np.sign(x))
    small = x[near]
    out[near] = small * _ratio(_NEAR, small * small)
    middle = size[~(near | far | np.isnan(x))]
    out[~(near | far | np.isnan(x))] = 1.0 - np.exp(-middle * middle) * _ratio(_MIDDLE, middle)
    far &= size < 6.0  # beyond, 1 - erf(x) is under 2.2e-17
    large = size[far]
    inverse = 1.0 / (large * large)
    out[far] = 1.0 - np.exp(-large * large) / large * (0.5 * _SLOPE - inverse * _ratio(_FAR, inverse))
    return np.where(x < -0.46875, -np.abs(out), out)


@primitive(x=lambda g, x: g * np.exp(np.negative(np.square(x))) * _SLOPE)
def erf(x: Array) -> Any:
    """The error function 2/√π ∫ exp(-t²) dt from 0 to x, exact to 1e-15.

    >>> import autograd_lite as al
    >>> al.erf(al.tensor([-10.0, 0.0, 0.5]))
    tensor([-1.        ,  0.        ,  0.52049988])
    """
    x = np.asarray(x)
    if x.dtype.kind != "f":
        x = x.astype(float)
    return _erf(np.atleast_1d(x)).reshape(x.shape)
