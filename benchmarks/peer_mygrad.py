"""The networks in MyGrad.

Memory guarding is off, as MyGrad's documentation advises for speed. The convolution is a matrix product with
the images' sections, which is faster here than `conv_nd`. The gradient of the embedding is dense: MyGrad
has no other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib import import_module
from itertools import cycle
from typing import Any

import numpy as np

from .chains import chain, mixed
from .hand import sections
from .problems import Array, Builder, Problem

mg: Any = import_module("mygrad")
nnet: Any = import_module("mygrad.nnet")


class Eager(ABC):
    """The weights as tensors and the examples; each network adds its loss."""

    def __init__(self, problem: Problem) -> None:
        mg.turn_memory_guarding_off()
        self.parameters = [mg.tensor(w.copy()) for w in problem.weights]
        self.examples = cycle([self.example(*example) for example in problem.examples])
        self.alpha, self.ops = problem.alpha, problem.ops
        self.last: Any = None

    def example(self, *arrays: Any) -> tuple[Any, ...]:
        """An example as the network takes it."""
        return arrays

    @abstractmethod
    def criterion(self, *weights: Any) -> Any:
        """The loss on the next example."""

    def step(self) -> None:
        """One example or batch; the next graph drops the gradients."""
        self.last = self.criterion(*self.parameters)
        self.last.backward()
        for parameter in self.parameters:
            parameter.data -= self.alpha * parameter.grad

    def loss(self) -> float:
        """The loss that the last step computed."""
        return float(self.last.item())

    def weights(self) -> list[Array]:
        """The weights."""
        return [parameter.data for parameter in self.parameters]


class Streetlights(Eager):
    """3-4-1, relu, squared error."""

    def criterion(self, hidden: Any, output: Any) -> Any:
        """The squared error."""
        x, target = next(self.examples)
        return mg.sum(mg.square(nnet.relu(x @ hidden) @ output - target))


class MnistOne(Eager):
    """784-40-10, relu, half the squared error."""

    def criterion(self, hidden: Any, output: Any) -> Any:
        """Half the squared error."""
        x, target = next(self.examples)
        return mg.sum(mg.square(nnet.relu(x @ hidden) @ output - target)) / 2


class MnistBatch(Eager):
    """784-100-10, tanh, dropout, softmax cross-entropy."""

    def example(self, *arrays: Any) -> tuple[Any, ...]:
        """Labels are class numbers."""
        inputs, labels, *masks = arrays
        return inputs, np.argmax(labels, axis=-1), *masks

    def criterion(self, hidden: Any, output: Any) -> Any:
        """The mean cross-entropy."""
        images, classes, mask = next(self.examples)
        return nnet.softmax_crossentropy((mg.tanh(images @ hidden) * (mask * 2)) @ output, classes)


class Conv(MnistBatch):
    """3x3 kernels over the images, tanh, dropout, softmax cross-entropy."""

    def criterion(self, hidden: Any, output: Any) -> Any:
        """The mean cross-entropy."""
        images, classes, mask = next(self.examples)
        layer_1 = mg.tanh((sections(images) @ hidden).reshape(len(images), -1)) * (mask * 2)
        return nnet.softmax_crossentropy(layer_1 @ output, classes)


class Embedding(Eager):
    """Rows summed, sigmoid, one output, sigmoid, binary cross-entropy; the gradient is dense."""

    def criterion(self, hidden: Any, output: Any) -> Any:
        """The cross-entropy."""
        words, (positive,) = next(self.examples)
        layer_2 = nnet.sigmoid(nnet.sigmoid(mg.sum(hidden[words], axis=0)) @ output)
        return -mg.log(layer_2 if positive else 1 - layer_2)


class LSTM(MnistBatch):
    """Cells over the steps, softmax cross-entropy in each step."""

    def criterion(self, *weights: Any) -> Any:
        """The mean cross-entropy."""
        inputs, recurrent, bias, output = weights
        sequence, classes = next(self.examples)
        size = len(recurrent)
        hidden = cell = np.zeros_like(sequence[0], shape=(len(sequence[0]), size))
        states = []
        for x in sequence:
            gates = x @ inputs + hidden @ recurrent + bias
            i, f, g, o = (gates[:, k * size : (k + 1) * size] for k in range(4))
            cell = nnet.sigmoid(f) * cell + nnet.sigmoid(i) * mg.tanh(g)
            hidden = nnet.sigmoid(o) * mg.tanh(cell)
            states.append(hidden)
        return nnet.softmax_crossentropy(mg.concatenate(states) @ output, classes.reshape(-1))


class Chain(Eager):
    """A vector through many tanh, summed."""

    def criterion(self, *weights: Any) -> Any:
        """The sum."""
        return chain(mg.tanh, self.ops, *weights)


class Mixed(Eager):
    """A vector through tanh, multiply, add and matmul in turn, summed."""

    def criterion(self, *weights: Any) -> Any:
        """The sum."""
        return mixed(mg.tanh, self.ops, *weights, *next(self.examples))


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
