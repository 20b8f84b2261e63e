"""The networks in autograd_lite: modules, functional losses and an optimizer; eager, and compiled."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from itertools import cycle
from typing import Any

import autograd_lite as al
import autograd_lite.nn.functional as F
from autograd_lite import Tensor, nn

from .layout import Channels, Classes, Layout, Words
from .problems import Array, Builder, Problem, Training


class TwoLayers(nn.Module):
    """Two linear layers."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, hidden, bias=False)
        self.output = nn.Linear(hidden, outputs, bias=False)


class Relu(TwoLayers):
    """With relu between them."""

    def forward(self, x: Tensor) -> Any:
        """The outputs."""
        return self.output(F.relu(self.hidden(x)))


class DropoutTanh(TwoLayers):
    """With tanh and a given dropout mask between them."""

    def forward(self, x: Tensor, mask: Tensor) -> Any:
        """The logits."""
        return self.output(F.tanh(self.hidden(x)) * (mask * 2))


class DropoutConv(nn.Module):
    """A convolution, tanh, a given dropout mask and a linear layer."""

    def __init__(self, kernels: int, features: int, outputs: int) -> None:
        super().__init__()
        self.hidden = nn.Conv2d(1, kernels, 3, bias=False)
        self.output = nn.Linear(features, outputs, bias=False)

    def forward(self, images: Tensor, mask: Tensor) -> Any:
        """The logits."""
        return self.output(F.tanh(self.hidden(images)).flatten(1) * (mask * 2))


class SumOfWords(nn.Module):
    """Embeddings summed, sigmoid, one linear output."""

    def __init__(self, words: int, hidden: int) -> None:
        super().__init__()
        self.hidden = nn.Embedding(words, hidden)
        self.output = nn.Linear(hidden, 1, bias=False)

    def forward(self, words: Tensor) -> Any:
        """The logit."""
        return self.output(F.sigmoid(self.hidden(words).sum(dim=0)))


class Ours(ABC):
    """A model, its optimizer and the examples; each network adds its model and its loss."""

    layout = Layout()

    def __init__(self, problem: Problem) -> None:
        hidden, output = self.layout.from_hand(*problem.weights)
        self.model = self.build(hidden.shape, output.shape)
        self.model.load_state_dict({"hidden.weight": al.tensor(hidden), "output.weight": al.tensor(output)})
        self.optimizer = al.optim.SGD(self.model.parameters(), lr=problem.alpha)
        examples = [self.layout.example(*example) for example in problem.examples]
        self.examples = cycle([tuple(al.tensor(array) for array in example) for example in examples])
        self.last: Tensor | None = None
        self.train: Callable[..., Tensor] = self.train_on

    def build(self, hidden: tuple[int, ...], output: tuple[int, ...]) -> nn.Module:
        """The model for weights of these shapes."""
        return Relu(hidden[1], hidden[0], output[0])

    @abstractmethod
    def criterion(self, *example: Tensor) -> Any:
        """The loss on an example."""

    def train_on(self, *example: Tensor) -> Any:
        """A step on an example; returns the loss."""
        self.optimizer.zero_grad()
        loss = self.criterion(*example)
        loss.backward()
        self.optimizer.step()
        return loss

    def step(self) -> None:
        """One example or batch."""
        self.last = self.train(*next(self.examples))

    def loss(self) -> float:
        """The loss that the last step computed."""
        assert self.last is not None
        return float(self.last.item())

    def weights(self) -> list[Array]:
        """Both weight matrices in the hand-written layout."""
        state = self.model.state_dict()
        return self.layout.to_hand(state["hidden.weight"].numpy(), state["output.weight"].numpy())


class Streetlights(Ours):
    """3-4-1, relu, squared error."""

    def criterion(self, *example: Tensor) -> Any:
        """The squared error."""
        x, target = example
        return F.mse_loss(self.model(x), target, reduction="sum")


class MnistOne(Ours):
    """784-40-10, relu, half the squared error."""

    def criterion(self, *example: Tensor) -> Any:
        """Half the squared error."""
        x, target = example
        return F.mse_loss(self.model(x), target, reduction="sum") / 2


class MnistBatch(Ours):
    """784-100-10, tanh, dropout, softmax cross-entropy."""

    layout = Classes()

    def build(self, hidden: tuple[int, ...], output: tuple[int, ...]) -> nn.Module:
        """The model for weights of these shapes."""
        return DropoutTanh(hidden[1], hidden[0], output[0])

    def criterion(self, *example: Tensor) -> Any:
        """The mean cross-entropy."""
        images, classes, mask = example
        return F.cross_entropy(self.model(images, mask), classes)


class Conv(MnistBatch):
    """3x3 kernels over the images, tanh, dropout, softmax cross-entropy."""

    layout = Channels()

    def build(self, hidden: tuple[int, ...], output: tuple[int, ...]) -> nn.Module:
        """The model for weights of these shapes."""
        return DropoutConv(hidden[0], output[1], output[0])


class Embedding(Ours):
    """Rows summed, sigmoid, one output, sigmoid, binary cross-entropy."""

    layout = Words()

    def build(self, hidden: tuple[int, ...], output: tuple[int, ...]) -> nn.Module:
        """The model for weights of these shapes."""
        return SumOfWords(hidden[0], hidden[1])

    def criterion(self, *example: Tensor) -> Any:
        """The cross-entropy, from the logit."""
        words, positive = example
        return F.binary_cross_entropy_with_logits(self.model(words), positive)


BUILDERS: dict[str, Builder] = {
    "streetlights": Streetlights,
    "mnist-one": MnistOne,
    "mnist-batch": MnistBatch,
    "conv": Conv,
    "embedding": Embedding,
}


def compiled(backend: str) -> dict[str, Builder]:
    """The same networks, their step compiled."""

    def builder(eager: Builder) -> Builder:
        def build(problem: Problem) -> Training:
            made = eager(problem)
            assert isinstance(made, Ours)
            made.train = al.compile(made.train_on, backend=backend)
            return made

        return build

    return {name: builder(eager) for name, eager in BUILDERS.items()}
