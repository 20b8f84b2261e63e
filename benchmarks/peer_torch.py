"""The networks in PyTorch, eager.

Functional calls on parameters and a manual update under `no_grad`: this saves some 50 µs a step against
`torch.optim.SGD` (plain, foreach or fused). `embedding_bag` with a sparse gradient sums the words, which is
faster than `embedding` and `sum`. `torch.lstm_cell` and `torch.lstm` are what `nn.LSTMCell` and `nn.LSTM` call; the
second bias is left out where it can be, and zero where it cannot.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib import import_module
from itertools import cycle
from typing import Any

from .chains import chain, mixed
from .layout import Channels, Classes, Layout, Words
from .problems import Array, Builder, Problem

torch: Any = import_module("torch")
F: Any = import_module("torch.nn.functional")


class Eager(ABC):
    """The parameters and the examples; each network adds its loss."""

    layout = Layout()

    def __init__(self, problem: Problem) -> None:
        arrays = self.layout.from_hand(*problem.weights)
        self.parameters = [torch.nn.Parameter(torch.from_numpy(array)) for array in arrays]
        examples = [self.layout.example(*example) for example in problem.examples]
        self.examples = cycle([tuple(torch.from_numpy(array) for array in example) for example in examples])
        self.alpha, self.ops = problem.alpha, problem.ops
        self.last: Any = None
        self.train: Callable[..., Any] = self.train_on

    @abstractmethod
    def criterion(self, weights: Any, *example: Any) -> Any:
        """The loss on an example."""

    def train_on(self, weights: Any, *example: Any) -> Any:
        """A step on an example; returns the loss."""
        loss = self.criterion(weights, *example)
        loss.backward()
        with torch.no_grad():
            for parameter in weights:
                parameter.add_(parameter.grad, alpha=-self.alpha)
                parameter.grad = None
        return loss

    def step(self) -> None:
        """One example or batch."""
        self.last = self.train(self.parameters, *next(self.examples))

    def loss(self) -> float:
        """The loss that the last step computed."""
        return float(self.last.item())

    def weights(self) -> list[Array]:
        """The weights in the hand-written layout."""
        return self.layout.to_hand(*(parameter.detach().numpy() for parameter in self.parameters))


class Streetlights(Eager):
    """3-4-1, relu, squared error."""

    def criterion(self, weights: Any, *example: Any) -> Any:
        """The squared error."""
        (hidden, output), (x, target) = weights, example
        return F.mse_loss(F.linear(F.relu(F.linear(x, hidden)), output), target, reduction="sum")


class MnistOne(Eager):
    """784-40-10, relu, half the squared error."""

    def criterion(self, weights: Any, *example: Any) -> Any:
        """Half the squared error."""
        (hidden, output), (x, target) = weights, example
        return F.mse_loss(F.linear(F.relu(F.linear(x, hidden)), output), target, reduction="sum") / 2


class MnistBatch(Eager):
    """784-100-10, tanh, dropout, softmax cross-entropy."""

    layout = Classes()

    def criterion(self, weights: Any, *example: Any) -> Any:
        """The mean cross-entropy."""
        (hidden, output), (images, classes, mask) = weights, example
        layer_1 = torch.tanh(F.linear(images, hidden)) * (mask * 2)
        return F.cross_entropy(F.linear(layer_1, output), classes)


class Conv(Eager):
    """3x3 kernels over the images, tanh, dropout, softmax cross-entropy."""

    layout = Channels()

    def criterion(self, weights: Any, *example: Any) -> Any:
        """The mean cross-entropy."""
        (hidden, output), (images, classes, mask) = weights, example
        layer_1 = torch.tanh(F.conv2d(images, hidden)).flatten(1) * (mask * 2)
        return F.cross_entropy(F.linear(layer_1, output), classes)


class Bags(Words):
    """A batch of one bag of words."""

    def example(self, *arrays: Any) -> tuple[Any, ...]:
        """Words and target, each with a batch axis."""
        words, positive = super().example(*arrays)
        return words[None], positive[None]


class Embedding(Eager):
    """Rows summed, sigmoid, one output, sigmoid, binary cross-entropy; the gradient is row-sparse."""

    layout = Bags()
    sparse = True

    def criterion(self, weights: Any, *example: Any) -> Any:
        """The cross-entropy, from the logit."""
        (hidden, output), (words, positive) = weights, example
        layer_1 = torch.sigmoid(F.embedding_bag(words, hidden, mode="sum", sparse=self.sparse))
        return F.binary_cross_entropy_with_logits(F.linear(layer_1, output), positive)


class LSTM(Eager):
    """Cells over the steps, softmax cross-entropy in each step."""

    layout = Classes()

    def states(self, sequence: Any, first: Any, inputs: Any, recurrent: Any, bias: Any) -> Any:
        """The hidden state after each step."""
        hidden = cell = first
        states = []
        for x in sequence:
            hidden, cell = torch.lstm_cell(x, (hidden, cell), inputs, recurrent, bias)
            states.append(hidden)
        return torch.stack(states)

    def criterion(self, weights: Any, *example: Any) -> Any:
        """The mean cross-entropy."""
        (*layer, output), (sequence, classes) = weights, example
        first = sequence.new_zeros(sequence.shape[1], output.shape[1])
        scores = F.linear(self.states(sequence, first, *layer), output)
        return F.cross_entropy(scores.flatten(0, 1), classes.flatten())


class LSTMLayer(LSTM):
    """All steps in one op."""

    def states(self, sequence: Any, first: Any, inputs: Any, recurrent: Any, bias: Any) -> Any:
        """The hidden state after each step."""
        layer = [inputs, recurrent, bias, torch.zeros_like(bias)]
        options: dict[str, Any] = {"has_biases": True, "num_layers": 1, "dropout": 0.0, "train": True}
        options |= {"bidirectional": False, "batch_first": False}
        return torch.lstm(sequence, (first[None], first[None]), layer, **options)[0]


class Chain(Eager):
    """A vector through many tanh, summed."""

    def criterion(self, weights: Any, *example: Any) -> Any:
        """The sum."""
        return chain(torch.tanh, self.ops, *weights)


class Mixed(Eager):
    """A vector through tanh, multiply, add and matmul in turn, summed."""

    def criterion(self, weights: Any, *example: Any) -> Any:
        """The sum."""
        return mixed(torch.tanh, self.ops, *weights, *example)


BUILDERS: dict[str, Builder] = {
    "streetlights": Streetlights,
    "mnist-one": MnistOne,
    "mnist-batch": MnistBatch,
    "conv": Conv,
    "embedding": Embedding,
    "lstm": LSTM,
    "lstm-layer": LSTMLayer,
    "chain": Chain,
    "mixed": Mixed,
}
