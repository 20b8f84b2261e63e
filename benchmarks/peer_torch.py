"""The networks in PyTorch, eager, float64.

Functional calls on two parameters and a manual update under `no_grad`: this saves some 50 µs a step against
`torch.optim.SGD` (plain, foreach or fused). `embedding_bag` with a sparse gradient sums the words, which is
faster than `embedding` and `sum`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib import import_module
from itertools import cycle
from typing import Any

from .layout import Channels, Classes, Layout, Words
from .problems import Array, Builder, Problem

torch: Any = import_module("torch")
F: Any = import_module("torch.nn.functional")


class Eager(ABC):
    """Two parameters and the examples; each network adds its loss."""

    layout = Layout()

    def __init__(self, problem: Problem) -> None:
        arrays = self.layout.from_hand(*problem.weights)
        self.parameters = [torch.nn.Parameter(torch.from_numpy(array)) for array in arrays]
        examples = [self.layout.example(*example) for example in problem.examples]
        self.examples = cycle([tuple(torch.from_numpy(array) for array in example) for example in examples])
        self.alpha = problem.alpha
        self.last: Any = None

    @abstractmethod
    def criterion(self, hidden: Any, output: Any) -> Any:
        """The loss on the next example."""

    def step(self) -> None:
        """One example or batch."""
        self.last = self.criterion(*self.parameters)
        self.last.backward()
        with torch.no_grad():
            for parameter in self.parameters:
                parameter.add_(parameter.grad, alpha=-self.alpha)
                parameter.grad = None

    def loss(self) -> float:
        """The loss that the last step computed."""
        return float(self.last.item())

    def weights(self) -> list[Array]:
        """Both weight matrices in the hand-written layout."""
        return self.layout.to_hand(*(parameter.detach().numpy() for parameter in self.parameters))


class Streetlights(Eager):
    """3-4-1, relu, squared error."""

    def criterion(self, hidden: Any, output: Any) -> Any:
        """The squared error."""
        x, target = next(self.examples)
        return F.mse_loss(F.linear(F.relu(F.linear(x, hidden)), output), target, reduction="sum")


class MnistOne(Eager):
    """784-40-10, relu, half the squared error."""

    def criterion(self, hidden: Any, output: Any) -> Any:
        """Half the squared error."""
        x, target = next(self.examples)
        return F.mse_loss(F.linear(F.relu(F.linear(x, hidden)), output), target, reduction="sum") / 2


class MnistBatch(Eager):
    """784-100-10, tanh, dropout, softmax cross-entropy."""

    layout = Classes()

    def criterion(self, hidden: Any, output: Any) -> Any:
        """The mean cross-entropy."""
        images, classes, mask = next(self.examples)
        layer_1 = torch.tanh(F.linear(images, hidden)) * (mask * 2)
        return F.cross_entropy(F.linear(layer_1, output), classes)


class Conv(Eager):
    """3x3 kernels over the images, tanh, dropout, softmax cross-entropy."""

    layout = Channels()

    def criterion(self, hidden: Any, output: Any) -> Any:
        """The mean cross-entropy."""
        images, classes, mask = next(self.examples)
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

    def criterion(self, hidden: Any, output: Any) -> Any:
        """The cross-entropy, from the logit."""
        words, positive = next(self.examples)
        layer_1 = torch.sigmoid(F.embedding_bag(words, hidden, mode="sum", sparse=True))
        return F.binary_cross_entropy_with_logits(F.linear(layer_1, output), positive)


BUILDERS: dict[str, Builder] = {
    "streetlights": Streetlights,
    "mnist-one": MnistOne,
    "mnist-batch": MnistBatch,
    "conv": Conv,
    "embedding": Embedding,
}
