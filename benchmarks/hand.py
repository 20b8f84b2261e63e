"""Backpropagation as a person writes it in NumPy: the unit of all ratios.

The code keeps to the form in which these networks are taught, with the true gradient. It allocates as such
code does: no `out=`, no buffers.
"""

from __future__ import annotations

from itertools import cycle

import numpy as np

from .problems import Array, Builder, Problem


def relu(x: Array) -> Array:
    """x where positive, else 0."""
    return (x > 0) * x


def sigmoid(x: Array) -> Array:
    """Logistic function."""
    return 1 / (1 + np.exp(-x))


def softmax(x: Array) -> Array:
    """Rows that sum to 1."""
    e = np.exp(x)
    total: Array = np.sum(e, axis=1, keepdims=True)
    return e / total


def sections(images: Array, size: int = 3) -> Array:
    """The `size` x `size` window at each position of each image, a row for each."""
    rows, columns = images.shape[1] - size, images.shape[2] - size
    windows = [
        images[:, row : row + size, column : column + size].reshape(-1, 1, size * size)
        for row in range(rows)
        for column in range(columns)
    ]
    return np.concatenate(windows, axis=1).reshape(-1, size * size)


class HandWritten:
    """Two weight matrices and the examples; each network adds its step."""

    def __init__(self, problem: Problem) -> None:
        self.weights_0_1, self.weights_1_2 = (w.copy() for w in problem.weights)
        self.examples = cycle(problem.examples)
        self.alpha = problem.alpha
        self.error: float = np.nan

    def loss(self) -> float:
        """The loss that the last step computed."""
        return float(self.error)

    def weights(self) -> list[Array]:
        """Both weight matrices."""
        return [self.weights_0_1, self.weights_1_2]


class Streetlights(HandWritten):
    """3-4-1, relu, squared error."""

    def step(self) -> None:
        """One example."""
        layer_0, walk = next(self.examples)
        layer_1 = relu(np.dot(layer_0, self.weights_0_1))
        layer_2 = np.dot(layer_1, self.weights_1_2)
        self.error = np.sum((layer_2 - walk) ** 2)
        layer_2_delta = 2 * (layer_2 - walk)
        layer_1_delta = layer_2_delta.dot(self.weights_1_2.T) * (layer_1 > 0)
        self.weights_1_2 -= self.alpha * layer_1.T.dot(layer_2_delta)
        self.weights_0_1 -= self.alpha * layer_0.T.dot(layer_1_delta)


class MnistOne(HandWritten):
    """784-40-10, relu, half the squared error."""

    def step(self) -> None:
        """One image."""
        layer_0, label = next(self.examples)
        layer_1 = relu(np.dot(layer_0, self.weights_0_1))
        layer_2 = np.dot(layer_1, self.weights_1_2)
        self.error = np.sum((layer_2 - label) ** 2) / 2
        layer_2_delta = layer_2 - label
        layer_1_delta = layer_2_delta.dot(self.weights_1_2.T) * (layer_1 > 0)
        self.weights_1_2 -= self.alpha * layer_1.T.dot(layer_2_delta)
        self.weights_0_1 -= self.alpha * layer_0.T.dot(layer_1_delta)


class MnistBatch(HandWritten):
    """784-100-10, tanh, dropout, softmax cross-entropy."""

    def step(self) -> None:
        """One batch."""
        layer_0, labels, mask = next(self.examples)
        layer_1 = np.tanh(np.dot(layer_0, self.weights_0_1))
        dropout = mask * 2
        dropped = layer_1 * dropout
        layer_2 = softmax(np.dot(dropped, self.weights_1_2))
        self.error = -np.sum(labels * np.log(layer_2)) / len(labels)
        layer_2_delta = (layer_2 - labels) / len(labels)
        layer_1_delta = layer_2_delta.dot(self.weights_1_2.T) * dropout * (1 - layer_1**2)
        self.weights_1_2 -= self.alpha * dropped.T.dot(layer_2_delta)
        self.weights_0_1 -= self.alpha * layer_0.T.dot(layer_1_delta)


class Conv(HandWritten):
    """3x3 kernels over the images, tanh, dropout, softmax cross-entropy."""

    def step(self) -> None:
        """One batch."""
        images, labels, mask = next(self.examples)
        layer_0 = sections(images)
        layer_1 = np.tanh(layer_0.dot(self.weights_0_1).reshape(len(images), -1))
        dropout = mask * 2
        dropped = layer_1 * dropout
        layer_2 = softmax(np.dot(dropped, self.weights_1_2))
        self.error = -np.sum(labels * np.log(layer_2)) / len(labels)
        layer_2_delta = (layer_2 - labels) / len(labels)
        layer_1_delta = layer_2_delta.dot(self.weights_1_2.T) * dropout * (1 - layer_1**2)
        self.weights_1_2 -= self.alpha * dropped.T.dot(layer_2_delta)
        self.weights_0_1 -= self.alpha * layer_0.T.dot(layer_1_delta.reshape(len(layer_0), -1))


class Embedding(HandWritten):
    """Rows summed, sigmoid, one output, sigmoid, binary cross-entropy."""

    def step(self) -> None:
        """One review; its words are distinct, so rows can be updated by index."""
        words, positive = next(self.examples)
        layer_1 = sigmoid(np.sum(self.weights_0_1[words], axis=0))
        layer_2 = sigmoid(np.dot(layer_1, self.weights_1_2))
        self.error = -np.log(layer_2 if positive else 1 - layer_2)[0]
        layer_2_delta = layer_2 - positive
        layer_1_delta = layer_2_delta.dot(self.weights_1_2.T) * layer_1 * (1 - layer_1)
        self.weights_0_1[words] -= self.alpha * layer_1_delta
        self.weights_1_2 -= self.alpha * np.outer(layer_1, layer_2_delta)


BUILDERS: dict[str, Builder] = {
    "streetlights": Streetlights,
    "mnist-one": MnistOne,
    "mnist-batch": MnistBatch,
    "conv": Conv,
    "embedding": Embedding,
}
