"""The networks in autograd_lite: modules, functional losses and an optimizer; eager, and compiled."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from itertools import cycle
from typing import Any

import autograd_lite as al
import autograd_lite.nn.functional as F
from autograd_lite import Tensor, nn

from .chains import chain, mixed
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


class Cells(nn.Module):
    """An LSTM written out: for each step one product of the input, one of the hidden state, and the four gates."""

    def __init__(self, *weights: Array) -> None:
        super().__init__()
        self.inputs, self.recurrent, self.bias, self.output = (nn.Parameter(al.tensor(w)) for w in weights)

    def forward(self, sequence: Tensor) -> Any:
        """The logits of each step."""
        hidden = cell = al.zeros(sequence.shape[1], self.output.shape[1], dtype=sequence.dtype)
        states = []
        for x in sequence:
            gates = F.linear(x, self.inputs, self.bias) + F.linear(hidden, self.recurrent)
            i, f, g, o = gates.chunk(4, dim=1)
            cell = F.sigmoid(f) * cell + F.sigmoid(i) * F.tanh(g)
            hidden = F.sigmoid(o) * F.tanh(cell)
            states.append(hidden)
        return F.linear(al.stack(states), self.output)


class Vector(nn.Module):
    """One parameter that is a vector."""

    def __init__(self, value: Array) -> None:
        super().__init__()
        self.weight = nn.Parameter(al.tensor(value))


class Ours(ABC):
    """A model, its optimizer and the examples; each network adds its model and its loss."""

    layout = Layout()

    def __init__(self, problem: Problem) -> None:
        weights = self.layout.from_hand(*problem.weights)
        self.model, self.ops = self.build(*weights), problem.ops
        for parameter, array in zip(self.model.parameters(), weights, strict=True):
            parameter.data = array
        self.optimizer = al.optim.SGD(self.model.parameters(), lr=problem.alpha)
        examples = [self.layout.example(*example) for example in problem.examples]
        self.examples = cycle([tuple(al.tensor(array) for array in example) for example in examples])
        self.last: Tensor | None = None
        self.train: Callable[..., Tensor] = self.train_on

    @abstractmethod
    def build(self, *weights: Array) -> nn.Module:
        """The model for weights of these shapes."""

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
        """The weights in the hand-written layout."""
        return self.layout.to_hand(*(parameter.detach().numpy() for parameter in self.model.parameters()))


class Streetlights(Ours):
    """3-4-1, relu, squared error."""

    def build(self, *weights: Array) -> nn.Module:
        """The model for weights of these shapes."""
        hidden, output = weights
        return Relu(hidden.shape[1], hidden.shape[0], output.shape[0])

    def criterion(self, *example: Tensor) -> Any:
        """The squared error."""
        x, target = example
        return F.mse_loss(self.model(x), target, reduction="sum")


class MnistOne(Streetlights):
    """784-40-10, relu, half the squared error."""

    def criterion(self, *example: Tensor) -> Any:
        """Half the squared error."""
        x, target = example
        return F.mse_loss(self.model(x), target, reduction="sum") / 2


class MnistBatch(Ours):
    """784-100-10, tanh, dropout, softmax cross-entropy."""

    layout = Classes()

    def build(self, *weights: Array) -> nn.Module:
        """The model for weights of these shapes."""
        hidden, output = weights
        return DropoutTanh(hidden.shape[1], hidden.shape[0], output.shape[0])

    def criterion(self, *example: Tensor) -> Any:
        """The mean cross-entropy."""
        images, classes, mask = example
        return F.cross_entropy(self.model(images, mask), classes)


class Conv(MnistBatch):
    """3x3 kernels over the images, tanh, dropout, softmax cross-entropy."""

    layout = Channels()

    def build(self, *weights: Array) -> nn.Module:
        """The model for weights of these shapes."""
        hidden, output = weights
        return DropoutConv(hidden.shape[0], output.shape[1], output.shape[0])


class Embedding(Ours):
    """Rows summed, sigmoid, one output, sigmoid, binary cross-entropy."""

    layout = Words()

    def build(self, *weights: Array) -> nn.Module:
        """The model for weights of these shapes."""
        hidden, _ = weights
        return SumOfWords(*hidden.shape)

    def criterion(self, *example: Tensor) -> Any:
        """The cross-entropy, from the logit."""
        words, positive = example
        return F.binary_cross_entropy_with_logits(self.model(words), positive)


class LSTM(Ours):
    """Cells over the steps, softmax cross-entropy in each step."""

    layout = Classes()

    def build(self, *weights: Array) -> nn.Module:
        """The model for weights of these shapes."""
        return Cells(*weights)

    def criterion(self, *example: Tensor) -> Any:
        """The mean cross-entropy."""
        sequence, classes = example
        return F.cross_entropy(self.model(sequence).flatten(0, 1), classes.flatten())


class Layer(nn.Module):
    """An LSTM, all steps in one op, and a linear layer; its second bias is zero and not learned."""

    def __init__(self, *weights: Array) -> None:
        super().__init__()
        inputs, recurrent, bias, output = weights
        self.lstm = nn.LSTM(inputs.shape[1], recurrent.shape[1])
        delattr(self.lstm, "bias_hh_l0")
        self.lstm.register_buffer("bias_hh_l0", al.tensor(0 * bias))
        self.output = nn.Linear(output.shape[1], output.shape[0], bias=False)

    def forward(self, sequence: Tensor) -> Any:
        """The logits of each step."""
        return self.output(self.lstm(sequence)[0])


class LSTMLayer(LSTM):
    """All steps in one op."""

    def build(self, *weights: Array) -> nn.Module:
        """The model for weights of these shapes."""
        return Layer(*weights)


class Chain(Ours):
    """A vector through many tanh, summed."""

    def build(self, *weights: Array) -> nn.Module:
        """The vector."""
        return Vector(*weights)

    def criterion(self, *example: Tensor) -> Any:
        """The sum."""
        return chain(al.tanh, self.ops, *self.model.parameters())


class Mixed(Chain):
    """A vector through tanh, multiply, add and matmul in turn, summed."""

    def criterion(self, *example: Tensor) -> Any:
        """The sum."""
        return mixed(al.tanh, self.ops, *self.model.parameters(), *example)


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
