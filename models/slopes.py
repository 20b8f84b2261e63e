"""Activations with their slopes: part B's from the input, chapter 9's table from the output.

The slope of relu and of leaky relu at 0, where they have none, is the one to the left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import autograd_lite as al
from models.activations import tanh2deriv
from models.records import Array

LEAK = 0.01  # the slope of leaky relu where the input is negative


@dataclass(frozen=True)
class Activation:
    """An activation on arrays, its slope at an input, and the same activation on tensors."""

    name: str
    function: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    tensor: Callable[[al.Tensor], al.Tensor]


@dataclass(frozen=True)
class OutputSlope:
    """An activation on arrays, and its slope from its own output alone."""

    name: str
    function: Callable[[Array], Array]
    slope: Callable[[Array], Array]


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)); NumPy warns of an overflow for z under -709."""
    output: Array = 1 / (1 + np.exp(-z))
    return output


def sigmoid_slope(z: Array) -> Array:
    """The slope of sigmoid at the input z."""
    output = sigmoid(z)
    slope: Array = output * (1 - output)
    return slope


def tanh(z: Array) -> Array:
    """The hyperbolic tangent."""
    output: Array = np.tanh(z)
    return output


def tanh_slope(z: Array) -> Array:
    """The slope of tanh at the input z."""
    slope: Array = 1 - np.tanh(z) ** 2
    return slope


def relu(z: Array) -> Array:
    """The larger of z and 0."""
    output: Array = np.maximum(z, 0)
    return output


def relu_slope(z: Array) -> Array:
    """1 where z is positive, else 0; relu's output serves as well as its input."""
    return np.where(z > 0, 1.0, 0.0)


def leaky_relu(z: Array) -> Array:
    """z where it is positive, else a hundredth of it."""
    return np.where(z > 0, z, LEAK * z)


def leaky_relu_slope(z: Array) -> Array:
    """1 where z is positive, else a hundredth."""
    return np.where(z > 0, 1.0, LEAK)


def leaky_relu_tensor(z: al.Tensor) -> al.Tensor:
    """`leaky_relu` of a tensor."""
    output: al.Tensor = al.where(z > 0, z, LEAK * z)
    return output


SIGMOID = Activation("sigmoid", sigmoid, sigmoid_slope, al.sigmoid)
TANH = Activation("tanh", tanh, tanh_slope, al.tanh)
RELU = Activation("relu", relu, relu_slope, al.relu)
LEAKY_RELU = Activation("leaky relu", leaky_relu, leaky_relu_slope, leaky_relu_tensor)
activations = (SIGMOID, TANH, RELU, LEAKY_RELU)

# Softmax has no slope for each entry alone: its row of chapter 9's table is `softmax_delta`.
from_output = (
    OutputSlope("relu", relu, relu_slope),
    OutputSlope("sigmoid", sigmoid, lambda output: output * (1 - output)),
    OutputSlope("tanh", tanh, tanh2deriv),
)


def softmax_delta(output: Array, true: Array) -> Array:
    """The derivative, by the scores before a softmax, of the cross-entropy of its output, averaged over the rows.

    >>> softmax_delta(np.array([[0.25, 0.75]]), np.array([[0.0, 1.0]]))
    array([[ 0.25, -0.25]])
    """
    return (output - true) / len(true)
