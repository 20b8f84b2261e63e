"""The activations of the chapters on MNIST, and their slopes in terms of the output."""

from __future__ import annotations

import numpy as np

from models.records import Array


def relu(x: Array) -> Array:
    """x where it is not negative, else -0.0."""
    return (x >= 0) * x


def relu2deriv(output: Array) -> Array:
    """The factor that the text writes for relu, from relu's output."""
    return output >= 0


def tanh2deriv(output: Array) -> Array:
    """The slope of tanh from the output of tanh."""
    return 1 - output**2


def softmax(x: Array) -> Array:
    """Along the last axis, as probabilities; overflows for entries above 709."""
    exponentials: Array = np.exp(x)
    total: Array = np.sum(exponentials, axis=-1, keepdims=True)
    return exponentials / total


def stable_softmax(x: Array) -> Array:
    """The same, the largest entry taken off before the exponential."""
    return softmax(x - np.max(x, axis=-1, keepdims=True))
