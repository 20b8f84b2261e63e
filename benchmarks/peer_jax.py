"""The networks in JAX: a pure function for the loss, its gradient and the update together under `jit`.

Weights are donated, so that they can be updated where they lie. Results are waited for in each step, as a loop that
prints its loss would. The LSTM's steps are unrolled for the row of cells; its own layer is a `scan`, after one
product of all inputs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import cycle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .problems import Array, Builder, Problem

jax.config.update("jax_enable_x64", True)


class Jitted(ABC):
    """The weights in the hand-written layout and the examples; each network adds its loss."""

    def __init__(self, problem: Problem) -> None:
        self.parameters = tuple(jnp.array(w) for w in problem.weights)
        self.examples = cycle([tuple(jnp.asarray(array) for array in self.example(*e)) for e in problem.examples])
        self.last: Any = np.nan

        def update(parameters: Any, *example: Any) -> Any:
            loss, gradients = jax.value_and_grad(self.criterion)(parameters, *example)
            return loss, tuple(w - problem.alpha * g for w, g in zip(parameters, gradients, strict=True))

        self.update = jax.jit(update, donate_argnums=0)

    def example(self, *arrays: Any) -> tuple[Any, ...]:
        """An example as the network takes it."""
        return arrays

    @staticmethod
    @abstractmethod
    def criterion(parameters: Any, *example: Any) -> Any:
        """The loss on an example."""

    def step(self) -> None:
        """One example or batch."""
        self.last, self.parameters = self.update(self.parameters, *next(self.examples))
        jax.block_until_ready(self.parameters)

    def loss(self) -> float:
        """The loss that the last step computed."""
        return float(self.last)

    def weights(self) -> list[Array]:
        """The weights."""
        return [np.asarray(w) for w in self.parameters]


class Streetlights(Jitted):
    """3-4-1, relu, squared error."""

    @staticmethod
    def criterion(parameters: Any, *example: Any) -> Any:
        """The squared error."""
        (w0, w1), (x, target) = parameters, example
        return jnp.sum((jax.nn.relu(x @ w0) @ w1 - target) ** 2)


class MnistOne(Jitted):
    """784-40-10, relu, half the squared error."""

    @staticmethod
    def criterion(parameters: Any, *example: Any) -> Any:
        """Half the squared error."""
        return Streetlights.criterion(parameters, *example) / 2


def cross_entropy(scores: Any, labels: Any) -> Any:
    """The mean over the rows."""
    return -jnp.sum(labels * jax.nn.log_softmax(scores)) / len(labels)


class MnistBatch(Jitted):
    """784-100-10, tanh, dropout, softmax cross-entropy."""

    @staticmethod
    def criterion(parameters: Any, *example: Any) -> Any:
        """The mean cross-entropy."""
        (w0, w1), (x, labels, mask) = parameters, example
        return cross_entropy((jnp.tanh(x @ w0) * (mask * 2)) @ w1, labels)


class Conv(Jitted):
    """3x3 kernels over the images, tanh, dropout, softmax cross-entropy; features position by position."""

    @staticmethod
    def criterion(parameters: Any, *example: Any) -> Any:
        """The mean cross-entropy."""
        (w0, w1), (images, labels, mask) = parameters, example
        kernels = w0.reshape(3, 3, 1, -1)
        dimensions = ("NHWC", "HWIO", "NHWC")
        found = jax.lax.conv_general_dilated(
            images[:, :27, :27, None], kernels, (1, 1), "VALID", dimension_numbers=dimensions
        )
        return cross_entropy((jnp.tanh(found.reshape(len(images), -1)) * (mask * 2)) @ w1, labels)


class Embedding(Jitted):
    """Rows summed, sigmoid, one output, sigmoid, binary cross-entropy."""

    @staticmethod
    def criterion(parameters: Any, *example: Any) -> Any:
        """The cross-entropy, from the logit."""
        (w0, w1), (words, positive) = parameters, example
        logit = (jax.nn.sigmoid(jnp.sum(w0[words], axis=0)) @ w1)[0]
        return jnp.sum(jnp.logaddexp(0.0, logit) - logit * positive)


def gated(gates: Any, cell: Any) -> tuple[Any, Any]:
    """The hidden state and the cell after the four gates."""
    i, f, g, o = jnp.split(gates, 4, axis=1)
    cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(cell), cell


class LSTM(Jitted):
    """Cells over the steps, softmax cross-entropy in each step."""

    @staticmethod
    def states(sequence: Any, first: Any, inputs: Any, recurrent: Any, bias: Any) -> Any:
        """The hidden state after each step."""
        hidden = cell = first
        states = []
        for x in sequence:
            hidden, cell = gated(x @ inputs + hidden @ recurrent + bias, cell)
            states.append(hidden)
        return jnp.stack(states)

    @classmethod
    def criterion(cls, parameters: Any, *example: Any) -> Any:
        """The mean cross-entropy."""
        (*layer, output), (sequence, labels) = parameters, example
        first = jnp.zeros((sequence.shape[1], len(output)), sequence.dtype)
        scores = cls.states(sequence, first, *layer) @ output
        return cross_entropy(scores.reshape(-1, scores.shape[2]), labels.reshape(-1, labels.shape[2]))


class LSTMLayer(LSTM):
    """A scan over the steps."""

    @staticmethod
    def states(sequence: Any, first: Any, inputs: Any, recurrent: Any, bias: Any) -> Any:
        """The hidden state after each step."""

        def body(carry: Any, x: Any) -> Any:
            hidden, cell = carry
            hidden, cell = gated(x + hidden @ recurrent, cell)
            return (hidden, cell), hidden

        return jax.lax.scan(body, (first, first), sequence @ inputs + bias)[1]


BUILDERS: dict[str, Builder] = {
    "streetlights": Streetlights,
    "mnist-one": MnistOne,
    "mnist-batch": MnistBatch,
    "conv": Conv,
    "embedding": Embedding,
    "lstm": LSTM,
    "lstm-layer": LSTMLayer,
}
