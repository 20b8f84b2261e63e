"""Angles: trigonometric and hyperbolic functions, and their inverses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_lite.core import ufunc

__all__ = [
    "acos",
    "acosh",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cosh",
    "deg2rad",
    "rad2deg",
    "sinh",
    "tan",
]

tan = ufunc(
    np.tan,
    "The tangent, of radians.",
    ">>> al.tan(al.tensor([0.0, al.pi / 4]))",
    "tensor([0., 1.])",
    x=lambda g, y: g * (1.0 + y * y),
)
arcsin = asin = ufunc(
    np.arcsin,
    "The angle of a sine, from -π/2 to π/2; of x outside [-1, 1] NaN.",
    ">>> al.asin(al.tensor([0.0, 1.0]))",
    "tensor([0.        , 1.57079633])",
    x=lambda g, x: g / np.sqrt(1.0 - x * x),
)
arccos = acos = ufunc(
    np.arccos,
    "The angle of a cosine, from 0 to π; of x outside [-1, 1] NaN.",
    ">>> al.acos(al.tensor([1.0, 0.0]))",
    "tensor([0.        , 1.57079633])",
    x=lambda g, x: -g / np.sqrt(1.0 - x * x),
)
arctan = atan = ufunc(
    np.arctan,
    "The angle of a tangent, between -π/2 and π/2; its slope is 1 / (1 + x²).",
    ">>> al.func.grad(al.atan)(al.tensor(1.0))",
    "tensor(0.5)",
    x=lambda g, x: g / (1.0 + x * x),
)
sinh = ufunc(
    np.sinh,
    "The hyperbolic sine.",
    ">>> al.sinh(al.tensor([0.0, 1.0]))",
    "tensor([0.        , 1.17520119])",
    x=lambda g, x: g * np.cosh(x),
)
cosh = ufunc(
    np.cosh,
    "The hyperbolic cosine.",
    ">>> al.cosh(al.tensor([0.0, 1.0]))",
    "tensor([1.        , 1.54308063])",
    x=lambda g, x: g * np.sinh(x),
)
arcsinh = asinh = ufunc(
    np.arcsinh,
    "The inverse of sinh.",
    ">>> al.asinh(al.sinh(al.tensor([-2.0, 3.0])))",
    "tensor([-2.,  3.])",
    x=lambda g, x: g / np.sqrt(x * x + 1.0),
)
arccosh = acosh = ufunc(
    np.arccosh,
    "The inverse of cosh, from 1 up.",
    ">>> al.acosh(al.tensor([1.0, 2.0]))",
    "tensor([0.       , 1.3169579])",
    x=lambda g, x: g / np.sqrt(x * x - 1.0),
)
arctanh = atanh = ufunc(
    np.arctanh,
    "The inverse of tanh, in (-1, 1).",
    ">>> al.atanh(al.tanh(al.tensor([0.5, -1.0])))",
    "tensor([ 0.5, -1. ])",
    x=lambda g, x: g / (1.0 - x * x),
)
deg2rad = ufunc(
    np.deg2rad,
    "Radians of degrees.",
    ">>> al.deg2rad(al.tensor([90.0, 180.0]))",
    "tensor([1.57079633, 3.14159265])",
    x=lambda g: g * (math.pi / 180.0),
)
rad2deg = ufunc(
    np.rad2deg,
    "Degrees of radians.",
    ">>> al.rad2deg(al.tensor([al.pi, al.pi / 4]))",
    "tensor([180.,  45.])",
    x=lambda g: g * (180.0 / math.pi),
)


def _distance(a: Any, b: Any) -> Any:
    """The square of it from (0, 0); there infinite, so that slopes are 0, as PyTorch has them."""
    square = np.multiply(a, a) + np.multiply(b, b)
    return np.where(np.equal(square, 0), math.inf, square)


arctan2 = atan2 = ufunc(
    np.arctan2,
    "The angle of the point (b, a): arctan(a / b), in the quadrant of both signs.",
    ">>> al.rad2deg(al.atan2(al.tensor([1.0, -1.0]), al.tensor([-1.0, -1.0])))",
    "tensor([ 135., -135.])",
    a=lambda g, a, b: g * b / _distance(a, b),
    b=lambda g, a, b: -g * a / _distance(a, b),
)
