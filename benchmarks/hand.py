"""Backpropagation as a person writes it in NumPy: the unit of all ratios.

The code keeps to the form in which these networks are taught, with the true gradient. It allocates as such
code does: no `out=`, no buffers.
"""

from __future__ import annotations

from itertools import cycle
from typing import Any

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
    """The weights and the examples; each network adds its step."""

    def __init__(self, problem: Problem) -> None:
        self.parameters = [w.copy() for w in problem.weights]
        self.examples = cycle(problem.examples)
        self.alpha, self.ops = problem.alpha, problem.ops
        self.error: float = np.nan

    def loss(self) -> float:
        """The loss that the last step computed."""
        return float(self.error)

    def weights(self) -> list[Array]:
        """The weights, which steps change in place."""
        return self.parameters


class TwoLayers(HandWritten):
    """Two weight matrices."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.weights_0_1, self.weights_1_2 = self.parameters


class Streetlights(TwoLayers):
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


class MnistOne(TwoLayers):
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


class MnistBatch(TwoLayers):
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


class Conv(TwoLayers):
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


class Embedding(TwoLayers):
    """Rows summed, sigmoid, one output, sigmoid, binary cross-entropy."""

    def step(self) -> None:
        """One review; its words are distinct, so rows can be updated by index."""
        words, (positive,) = next(self.examples)
        layer_1 = sigmoid(np.sum(self.weights_0_1[words], axis=0))
        layer_2 = sigmoid(np.dot(layer_1, self.weights_1_2))
        self.error = -np.log(layer_2 if positive else 1 - layer_2)[0]
        layer_2_delta = layer_2 - positive
        layer_1_delta = layer_2_delta.dot(self.weights_1_2.T) * layer_1 * (1 - layer_1)
        self.weights_0_1[words] -= self.alpha * layer_1_delta
        self.weights_1_2 -= self.alpha * np.outer(layer_1, layer_2_delta)


class LSTM(HandWritten):
    """Cells with four gates over the steps, softmax cross-entropy in each step; backpropagation through time."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.inputs, self.recurrent, self.bias, self.output = self.parameters

    def step(self) -> None:
        """One batch of sequences."""
        sequence, labels = next(self.examples)
        count = len(sequence) * len(sequence[0])
        hidden = cell = np.zeros_like(sequence[0], shape=(len(sequence[0]), len(self.recurrent)))
        self.error, tape = 0.0, []
        for x, label in zip(sequence, labels, strict=True):
            i, f, g, o = np.split(x.dot(self.inputs) + hidden.dot(self.recurrent) + self.bias, 4, axis=1)
            i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
            next_cell = f * cell + i * g
            squashed = np.tanh(next_cell)
            next_hidden = o * squashed
            predicted = softmax(next_hidden.dot(self.output))
            self.error -= np.sum(label * np.log(predicted)) / count
            predicted_delta = (predicted - label) / count
            tape.append((x, hidden, cell, i, f, g, o, squashed, next_hidden, predicted_delta))
            hidden, cell = next_hidden, next_cell
        inputs_delta, recurrent_delta, bias_delta, output_delta = self.backward(tape)
        self.inputs -= self.alpha * inputs_delta
        self.recurrent -= self.alpha * recurrent_delta
        self.bias -= self.alpha * bias_delta
        self.output -= self.alpha * output_delta

    def backward(self, tape: list[tuple[Any, ...]]) -> list[Array]:
        """The gradient of each of the weights, from the last step to the first."""
        deltas = inputs_delta, recurrent_delta, bias_delta, output_delta = [np.zeros_like(w) for w in self.parameters]
        hidden_delta = cell_delta = np.zeros_like(tape[0][1])
        for x, hidden, cell, i, f, g, o, squashed, next_hidden, predicted_delta in reversed(tape):
            output_delta += next_hidden.T.dot(predicted_delta)
            hidden_delta = hidden_delta + predicted_delta.dot(self.output.T)
            cell_delta = cell_delta + hidden_delta * o * (1 - squashed**2)
            i_delta = cell_delta * g * i * (1 - i)
            f_delta = cell_delta * cell * f * (1 - f)
            g_delta = cell_delta * i * (1 - g**2)
            o_delta = hidden_delta * squashed * o * (1 - o)
            gates_delta = np.concatenate([i_delta, f_delta, g_delta, o_delta], axis=1)
            inputs_delta += x.T.dot(gates_delta)
            recurrent_delta += hidden.T.dot(gates_delta)
            bias_delta += gates_delta.sum(axis=0)
            hidden_delta, cell_delta = gates_delta.dot(self.recurrent.T), cell_delta * f
        return deltas


class Chain(HandWritten):
    """A vector through many tanh, summed."""

    def step(self) -> None:
        """Once through all and back."""
        (weights,) = self.parameters
        layers = [weights]
        for _ in range(self.ops):
            layers.append(np.tanh(layers[-1]))
        self.error = np.sum(layers[-1])
        delta = np.ones_like(weights)
        for layer in layers[:0:-1]:
            delta = delta * (1 - layer**2)
        weights -= self.alpha * delta


class Mixed(HandWritten):
    """A vector through tanh, multiply, add and matmul in turn, summed."""

    def step(self) -> None:
        """Once through all and back."""
        (weights,) = self.parameters
        scale, turn = next(self.examples)
        layer, squashed = weights, []
        for _ in range(self.ops // 4):
            squashed.append(np.tanh(layer))
            layer = (squashed[-1] * scale + weights).dot(turn)
        self.error = np.sum(layer)
        delta, weights_delta = np.ones_like(weights), np.zeros_like(weights)
        for y in reversed(squashed):
            delta = delta.dot(turn.T)
            weights_delta += delta
            delta = delta * scale * (1 - y**2)
        weights -= self.alpha * (weights_delta + delta)


BUILDERS: dict[str, Builder] = {
    "streetlights": Streetlights,
    "mnist-one": MnistOne,
    "mnist-batch": MnistBatch,
    "conv": Conv,
    "embedding": Embedding,
    "lstm": LSTM,
    "lstm-layer": LSTM,
    "chain": Chain,
    "mixed": Mixed,
}
