"""What the demonstrations of chapter 13 share: two layers by hand and built, and rows by their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.nn import functional as F
from models.activations import stable_softmax
from models.chapter_03 import Forward
from models.network import Handwritten, Tensors
from models.records import Array, Batch, Data, Deltas, Epoch, Figures, Layers, Weights
from models.slopes import sigmoid
from models.small import Small

WEIGHTS = ("weights_0_1", "weights_1_2")
BIASES = ("bias_0_1", "bias_1_2")
SQUARES = "the squared error, summed over rows"


class Ids:
    """The chapter's random stream: each of its tensors draws an id, which shifts what is drawn after it."""

    def __init__(self, tensors: int, ids: bool = True) -> None:
        self.rng, self.ids = np.random.RandomState(0), ids
        self.named(tensors)

    def named(self, tensors: int) -> None:
        """Draw so many ids."""
        for _ in range(tensors if self.ids else 0):
            self.rng.randint(0, 100000)

    def uniform(self, *shape: int) -> Array:
        """A tensor of numbers in [0, 1)."""
        drawn: Array = self.rng.random_sample(shape)
        self.named(1)
        return drawn

    def table(self, words: int, size: int) -> Array:
        """An embedding: small numbers of both signs."""
        return (self.uniform(words, size) - 0.5) / size

    def linear(self, inputs: int, outputs: int) -> tuple[Array, Array]:
        """A matrix, and a bias of zeros."""
        matrix = self.rng.randn(inputs, outputs) * np.sqrt(2.0 / inputs)
        self.named(2)
        return matrix, np.zeros(outputs)


def two_matrices(ids: Ids) -> Weights:
    """2-3-1 without biases."""
    return {"weights_0_1": ids.uniform(2, 3), "weights_1_2": ids.uniform(3, 1)}


def two_linear(ids: Ids) -> Weights:
    """2-3-1 with biases."""
    weights_0_1, bias_0_1 = ids.linear(2, 3)
    weights_1_2, bias_1_2 = ids.linear(3, 1)
    return {"weights_0_1": weights_0_1, "bias_0_1": bias_0_1, "weights_1_2": weights_1_2, "bias_1_2": bias_1_2}


def words_and_linear(words: int, outputs: int) -> Callable[[Ids], Weights]:
    """A table of three numbers a word, and a layer from three to the outputs."""

    def drawn(ids: Ids) -> Weights:
        table = ids.table(words, 3)
        matrix, bias = ids.linear(3, outputs)
        return {"weights_0_1": table, "weights_1_2": matrix, "bias_1_2": bias}

    return drawn


def by_first(weights: Weights, batch: Batch, delta: Array) -> Array:
    """What the first weights have to do with it: the rows of a table that were read, or all of a matrix."""
    found: Array = np.zeros_like(weights["weights_0_1"])
    if batch.x.dtype.kind == "i":
        np.add.at(found, batch.x, delta)
    else:
        found += batch.x.T.dot(delta)
    return found


@dataclass(frozen=True, kw_only=True, eq=False)
class TwoLayers(Handwritten):
    """Two layers by hand. `factor` is what the output's delta is multiplied with: 2 in the derivative of the square."""

    factor: float = 2.0
    activated: bool = False  # tanh after the first layer
    ending: str = ""  # "sigmoid" or "softmax" after the second
    signs: ClassVar[Mapping[str, int]] = dict.fromkeys(WEIGHTS, -1)

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """The two layers, before and after their activations where they have one; rows of a table for numbers."""
        table, rows = weights["weights_0_1"], batch.x.dtype.kind == "i"
        first = (table[batch.x] if rows else batch.x.dot(table)) + weights.get("bias_0_1", 0.0)
        layers = {"layer_1_in": first, "layer_1": np.tanh(first)} if self.activated else {"layer_1": first}
        second = layers["layer_1"].dot(weights["weights_1_2"]) + weights.get("bias_1_2", 0.0)
        if not self.ending:
            return {**layers, "layer_2": second}
        return {
            **layers,
            "layer_2_in": second,
            "layer_2": (sigmoid if self.ending == "sigmoid" else stable_softmax)(second),
        }

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The deltas, the output's first."""
        out, layer_1, deltas = layers["layer_2"], layers["layer_1"], Deltas()
        delta = self.factor * (out - batch.labels)
        if self.ending != "softmax":
            deltas["layer_2"] = delta
        if self.ending:
            delta = delta * out * (1 - out) if self.ending == "sigmoid" else delta
            deltas["layer_2_in"] = delta
        deltas["layer_1"] = first = delta.dot(weights["weights_1_2"].T)
        if self.activated:
            deltas["layer_1_in"] = first = first * (1 - layer_1**2)
        biases = {"bias_0_1": first.sum(axis=0), "bias_1_2": delta.sum(axis=0)}
        deltas |= {name: bias for name, bias in biases.items() if name in weights}
        return deltas | {"weights_1_2": layer_1.T.dot(delta), "weights_0_1": by_first(weights, batch, first)}


@dataclass(frozen=True, kw_only=True, eq=False)
class TwoLinear(TwoLayers):
    """Two layers with biases by hand."""

    signs: ClassVar[Mapping[str, int]] = dict.fromkeys((*WEIGHTS, *BIASES), -1)


@dataclass(frozen=True, kw_only=True, eq=False)
class WordsAndLinear(TwoLayers):
    """A table of words and a layer with a bias by hand."""

    signs: ClassVar[Mapping[str, int]] = dict.fromkeys((*WEIGHTS, "bias_1_2"), -1)


class TwoLayerModule(nn.Module):
    """Two layers, built with the framework, up to the scores where a softmax follows."""

    def __init__(self, first: nn.Module, second: nn.Module, activated: bool, ending: str) -> None:
        super().__init__()
        self.first, self.second = first, second
        self.activation = nn.Tanh() if activated else nn.Identity()
        self.ending = nn.Sigmoid() if ending == "sigmoid" else nn.Identity()

    def forward(self, x: al.Tensor) -> al.Tensor:
        """Rows, or numbers of words, to outputs."""
        output: al.Tensor = self.ending(self.second(self.activation(self.first(x))))
        return output


@dataclass(frozen=True, kw_only=True, eq=False)
class Demonstration(Small):
    """Four rows, ten steps on all of them. `drawn` draws the weights; `activated` and `ending` as in `TwoLayers`."""

    epochs: int = 10
    batch_size: int = 4
    columns: tuple[str, ...] = ("Error",)
    drawn: Callable[[Ids], Weights] = two_matrices
    ids: bool = True
    activated: bool = False
    ending: str = ""
    objective: ClassVar[str | None] = SQUARES
    parameters: ClassVar[Mapping[str, str]] = {"weights_0_1": "first.weight", "weights_1_2": "second.weight"}

    def start(self) -> tuple[Weights, np.random.RandomState]:
        """The weights as the chapter's stream has them."""
        ids = Ids(2, self.ids)  # the data and the targets
        return self.drawn(ids), ids.rng

    def first(self, weights: Tensors, batch: Batch) -> al.Tensor:
        """What goes into the first activation."""
        return al.tensor(batch.x, name="layer_0") @ weights["weights_0_1"]

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """The two layers, before and after their activations."""
        layers = {"layer_1": self.first(weights, batch)}
        if self.activated:
            layers = {"layer_1_in": layers["layer_1"], "layer_1": F.tanh(layers["layer_1"])}
        second = layers["layer_1"] @ weights["weights_1_2"]
        second = second + weights["bias_1_2"] if "bias_1_2" in weights else second
        if not self.ending:
            return layers | {"layer_2": second}
        return layers | {"layer_2_in": second} | ({"layer_2": F.sigmoid(second)} if self.ending == "sigmoid" else {})

    def error(self, output: al.Tensor, batch: Batch) -> al.Tensor:
        """The squared error, summed."""
        error: al.Tensor = ((output - al.tensor(batch.labels, name="goal")) ** 2).sum()
        return error

    def figures(self, output: Array, batch: Batch) -> Figures:
        """The squared error, summed."""
        return Figures(len(batch.labels), error=float(np.sum((output - batch.labels) ** 2)))

    def module(self) -> nn.Module:
        """Linear, linear."""
        bias = "bias_0_1" in self.parameters
        layers = nn.Linear(2, 3, bias=bias), nn.Linear(3, 1, bias=bias)
        return TwoLayerModule(*layers, self.activated, self.ending)


@dataclass(frozen=True, kw_only=True, eq=False)
class Biased(Demonstration):
    """With biases."""

    drawn: Callable[[Ids], Weights] = two_linear
    parameters: ClassVar[Mapping[str, str]] = {
        "weights_0_1": "first.weight",
        "bias_0_1": "first.bias",
        "weights_1_2": "second.weight",
        "bias_1_2": "second.bias",
    }

    def first(self, weights: Tensors, batch: Batch) -> al.Tensor:
        """What goes into the first activation."""
        return super().first(weights, batch) + weights["bias_0_1"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Words(Demonstration):
    """Numbers of words, in place of rows of inputs: the first weights are a table."""

    words: int
    activated: bool = True
    parameters: ClassVar[Mapping[str, str]] = {**Demonstration.parameters, "bias_1_2": "second.bias"}
    tables: ClassVar[tuple[str, ...]] = ("weights_0_1",)

    def data(self) -> Data:
        """The numbers, and the targets."""
        return Data(np.array(self.inputs), super().data().labels_train)

    def first(self, weights: Tensors, batch: Batch) -> al.Tensor:
        """The rows of the words."""
        return F.embedding(batch.x, weights["weights_0_1"])

    def module(self) -> nn.Module:
        """Embedding, tanh, linear."""
        outputs = self.data().labels_train.shape[1]
        return TwoLayerModule(nn.Embedding(self.words, 3), nn.Linear(3, outputs), self.activated, self.ending)

    def output(self, model: nn.Module, batch: Batch) -> al.Tensor:
        """The module's output for the words."""
        output: al.Tensor = model(batch.x)
        return output


@dataclass(frozen=True, kw_only=True, eq=False)
class Classes(Words):
    """Words in classes: softmax and cross-entropy, averaged."""

    ending: str = "softmax"
    columns: tuple[str, ...] = ("Cross-Entropy",)
    objective: ClassVar[str | None] = "the cross-entropy, averaged over the rows"

    def error(self, output: al.Tensor, batch: Batch) -> al.Tensor:
        """The cross-entropy, averaged."""
        error: al.Tensor = F.cross_entropy(output, np.argmax(batch.labels, axis=1))
        return error

    def answer(self, output: Array) -> Array:
        """The scores as probabilities."""
        return stable_softmax(output)

    def figures(self, output: Array, batch: Batch) -> Figures:
        """The cross-entropy, averaged."""
        return Figures(len(output), cross_entropy=float(-np.mean(np.log(np.sum(output * batch.labels, axis=1)))))

    def row(self, epoch: Epoch) -> dict[str, object]:
        """The cross-entropy."""
        return {"Cross-Entropy": epoch.train.cross_entropy}


# 13.9: rows by their numbers, and copies along a new dimension


@dataclass(frozen=True, kw_only=True, eq=False)
class Selected(Handwritten):
    """Rows of a table by their numbers, and back: what meets in a row adds up."""

    lr: float = 0.1
    signs: ClassVar[Mapping[str, int]] = {"weight": -1}

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """The rows."""
        return {"selected": weights["weight"][batch.x]}

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """Ones, added to the row that each was read from."""
        ones, table = np.ones_like(layers["selected"]), np.zeros_like(weights["weight"])
        np.add.at(table, batch.x, ones)
        return {"selected": ones, "weight": table}


@dataclass(frozen=True, kw_only=True, eq=False)
class Selecting(Small):
    """Rows of the identity matrix by their numbers."""

    columns: tuple[str, ...] = ("delta of weight",)
    objective: ClassVar[str | None] = "the sum of the rows that were read"

    def data(self) -> Data:
        """The numbers of the rows, as one batch."""
        return Data(np.array(self.inputs)[None], np.zeros((1, 0)))

    def batches(self, data: Data, rng: np.random.RandomState) -> Iterator[Batch]:
        """The one batch."""
        yield Batch(data.x_train[0], data.labels_train[0])

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """The rows."""
        return {"selected": F.embedding(batch.x, weights["weight"])}

    def error(self, output: al.Tensor, batch: Batch) -> al.Tensor:
        """The sum, of which the gradient is one everywhere."""
        total: al.Tensor = output.sum()
        return total


@dataclass(frozen=True, kw_only=True, eq=False)
class Copied(Forward):
    """Copies along a new last dimension."""

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """Four copies."""
        return {"copies": np.repeat(weights["weight"][..., None], 4, axis=2)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Copying(Small):
    """Copies along a new last dimension; nothing is learnt."""

    columns: tuple[str, ...] = ("copies",)

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """Four copies."""
        return {"copies": weights["weight"].unsqueeze(2).expand(2, 3, 4)}
