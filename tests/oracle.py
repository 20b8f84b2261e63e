"""An independent check of gradients: differences, entry by entry, that know nothing of graphs or rules.

The four-point formula with a step of 1e-3 is exact to about 1e-11 of the values in float64, so what it finds
wrong is wrong. Inputs must keep a distance of 2e-3 to the kinks of the function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import autograd_lite as al

STEP = 1e-3
Arrays = Sequence[np.ndarray]


def differences(scalar: Callable[..., float], arrays: Arrays) -> list[np.ndarray]:
    """The gradient of a scalar function of arrays, by changing one entry at a time."""
    arrays = [np.array(a) for a in arrays]
    gradients = []
    for array in arrays:
        gradient = np.zeros(array.shape)
        for place in np.ndindex(array.shape):
            here, total = array[place], 0.0
            for steps, weight in ((1, 8.0), (-1, -8.0), (2, -1.0), (-2, 1.0)):
                array[place] = here + steps * STEP
                total += weight * scalar(*arrays)
            array[place] = here
            gradient[place] = total / (12.0 * STEP)
        gradients.append(gradient)
    return gradients


def leaves(arrays: Arrays) -> list[al.Tensor]:
    """Tensors that require gradients, on these very arrays."""
    return [al.Tensor(a).requires_grad_() for a in arrays]


def vjp(function: Callable[..., Any], arrays: Arrays, cotangent: np.ndarray) -> list[np.ndarray]:
    """The gradients that the engine gives; zeros for an input that the result does not depend on."""
    inputs = leaves(arrays)
    y = function(*inputs)
    if y.node is None:
        return [np.zeros_like(a) for a in arrays]
    found = al.autograd.grad(y, inputs, cotangent, allow_unused=True)
    return [np.zeros_like(a) if g is None else g.data for a, g in zip(arrays, found, strict=True)]


def double_vjp(function: Callable[..., Any], arrays: Arrays, weights: Arrays) -> list[np.ndarray]:
    """The gradients of sum(weights * gradients) by the inputs and by the cotangent, which is the last of `arrays`."""
    *inputs, cotangent = leaves(arrays)
    first = al.autograd.grad(function(*inputs), inputs, cotangent, create_graph=True, allow_unused=True)
    terms = [al.sum(g * w) for g, w in zip(first, weights, strict=True) if g is not None and g.requires_grad]
    total = sum(terms, al.tensor(0.0))
    if total.node is None:
        return [np.zeros_like(a) for a in arrays]
    found = al.autograd.grad(total, [*inputs, cotangent], allow_unused=True)
    return [np.zeros_like(a) if g is None else g.data for a, g in zip(arrays, found, strict=True)]


def check_first_order(function: Callable[..., Any], arrays: Arrays, rng: np.random.Generator) -> None:
    """Fail unless the engine's gradients are the differences', on a random cotangent."""
    cotangent = rng.normal(size=np.shape(function(*arrays)))
    want = differences(lambda *xs: float(np.sum(cotangent * function(*xs))), arrays)
    for got, expected, array in zip(vjp(function, arrays, cotangent), want, arrays, strict=True):
        assert got.shape == array.shape
        assert got.dtype == array.dtype
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-8)


def check_second_order(function: Callable[..., Any], arrays: Arrays, rng: np.random.Generator) -> None:
    """Fail unless the gradients of the gradients are the differences of the (already checked) gradients."""
    cotangent = rng.normal(size=np.shape(function(*arrays)))
    weights = [rng.normal(size=a.shape) for a in arrays]

    def first(*xs: np.ndarray) -> float:
        gradients = vjp(function, xs[:-1], xs[-1])
        return sum(float(np.sum(w * g)) for w, g in zip(weights, gradients, strict=True))

    everything = [*arrays, cotangent]
    want = differences(first, everything)
    for got, expected in zip(double_vjp(function, everything, weights), want, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-8)
