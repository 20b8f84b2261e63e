"""The networks in HIPS autograd: a loss function of the weights, and `value_and_grad`.

The convolution is a matrix product with the images' sections (its own `convolve` needs SciPy). `square` and
a mask for relu are faster here than `**` and `maximum`. The gradient of the embedding is dense: it has no
other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib import import_module
from itertools import cycle
from typing import Any

from .chains import chain, mixed
from .hand import sections
from .problems import Array, Builder, Problem

anp: Any = import_module("autograd.numpy")
value_and_grad: Any = import_module("autograd").value_and_grad


def relu(x: Any) -> Any:
    """x where positive, else 0."""
    return x * (x > 0)


def sigmoid(x: Any) -> Any:
    """Logistic function."""
    return 1 / (1 + anp.exp(-x))


def cross_entropy(logits: Any, labels: Array) -> Any:
    """The mean over rows, for one-hot labels."""
    log_total = anp.log(anp.sum(anp.exp(logits), axis=1, keepdims=True))
    return anp.sum(labels * (log_total - logits)) / len(labels)


class Eager(ABC):
    """The weights and the examples; each network adds its loss."""

    def __init__(self, problem: Problem) -> None:
        self.parameters = [w.copy() for w in problem.weights]
        self.examples = cycle(problem.examples)
        self.alpha, self.ops = problem.alpha, problem.ops
        self.value_and_gradients = value_and_grad(self.criterion, tuple(range(len(problem.weights))))
        self.last: Any = None

    @abstractmethod
    def criterion(self, *weights: Any) -> Any:
        """The loss on the next example."""

    def step(self) -> None:
        """One example or batch."""
        self.last, gradients = self.value_and_gradients(*self.parameters)
        for i, gradient in enumerate(gradients):
            self.parameters[i] -= self.alpha * gradient

    def loss(self) -> float:
        """The loss that the last step computed."""
        return float(self.last)

    def weights(self) -> list[Array]:
        """The weights."""
        return self.parameters


class Streetlights(Eager):
    """3-4-1, relu, squared error."""

    def criterion(self, hidden: Any, output: Any) -> Any:
        """The squared error."""
        x, target = next(self.examples)
        return anp.sum(anp.square(anp.dot(relu(anp.dot(x, hidden)), output) - target))


class MnistOne(Eager):
    """784-40-10, relu, half the squared error."""

    def criterion(self, hidden: Any, output: Any) -> Any:
        """Half the squared error."""
        x, target = next(self.examples)
        return anp.sum(anp.square(anp.dot(relu(anp.dot(x, hidden)), output) - target)) / 2


class MnistBatch(Eager):
    """784-100-10, tanh, dropout, softmax cross-entropy."""

    def criterion(self, hidden: Any, output: Any) -> Any:
        """The mean cross-entropy."""
        images, labels, mask = next(self.examples)
        layer_1 = anp.tanh(anp.dot(images, hidden)) * (mask * 2)
        return cross_entropy(anp.dot(layer_1, output), labels)


class Conv(Eager):
    """3x3 kernels over the images, tanh, dropout, softmax cross-entropy."""

    def criterion(self, hidden: Any, output: Any) -> Any:
        """The mean cross-entropy."""
        images, labels, mask = next(self.examples)
        layer_1 = anp.tanh(anp.reshape(anp.dot(sections(images), hidden), (len(images), -1))) * (mask * 2)
        return cross_entropy(anp.dot(layer_1, output), labels)


class Embedding(Eager):
    """Rows summed, sigmoid, one output, sigmoid, binary cross-entropy; the gradient is dense."""

    def criterion(self, hidden: Any, output: Any) -> Any:
        """The cross-entropy."""
        words, (positive,) = next(self.examples)
        layer_2 = sigmoid(anp.dot(sigmoid(anp.sum(hidden[words], axis=0)), output))
        return -anp.log(layer_2 if positive else 1 - layer_2)[0]


class LSTM(Eager):
    """Cells over the steps, softmax cross-entropy in each step."""

    def criterion(self, *weights: Any) -> Any:
        """The mean cross-entropy."""
        inputs, recurrent, bias, output = weights
        sequence, labels = next(self.examples)
        hidden = cell = anp.zeros_like(sequence[0], shape=(len(sequence[0]), len(recurrent)))
        states = []
        for x in sequence:
            gates = anp.dot(x, inputs) + anp.dot(hidden, recurrent) + bias
            i, f, g, o = anp.split(gates, 4, axis=1)
            cell = sigmoid(f) * cell + sigmoid(i) * anp.tanh(g)
            hidden = sigmoid(o) * anp.tanh(cell)
            states.append(hidden)
        return cross_entropy(anp.dot(anp.concatenate(states), output), labels.reshape(-1, labels.shape[2]))


class Chain(Eager):
    """A vector through many tanh, summed."""

    def criterion(self, *weights: Any) -> Any:
        """The sum."""
        return chain(anp.tanh, self.ops, *weights)


class Mixed(Eager):
    """A vector through tanh, multiply, add and matmul in turn, summed."""

    def criterion(self, *weights: Any) -> Any:
        """The sum."""
        return mixed(anp.tanh, self.ops, *weights, *next(self.examples))


BUILDERS: dict[str, Builder] = {
    "streetlights": Streetlights,
    "mnist-one": MnistOne,
    "mnist-batch": MnistBatch,
    "conv": Conv,
    "embedding": Embedding,
    "lstm": LSTM,
    "chain": Chain,
    "mixed": Mixed,
}
