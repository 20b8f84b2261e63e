"""Chapter 13's recurrent layer: five words of a line of the stories go in, and the sixth is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.nn import functional as F
from models.activations import stable_softmax
from models.demonstrations import Ids
from models.network import Handwritten, Network, Tensors
from models.records import Array, Batch, Data, Deltas, Epoch, Figures, Layers, Weights
from models.slopes import sigmoid
from models.stories import Stories, babi

WIDTH = 6  # words of a line
SIZE = 16
ROWS = 100  # in training: the first of them, at each iteration
TENTHS = 10  # the text divides the mean error of its one batch by the number of batches that all 1,000 lines make


@dataclass(frozen=True, kw_only=True, eq=False)
class CorrectedQuestions(Handwritten):
    """Backpropagation through the time of five words, from the scores after the last.

    `factor` is what the gradient of the error of each row is multiplied with; None is the mean's, one over the rows.
    """

    factor: float | None = None
    activation: str = "sigmoid"
    signs: ClassVar[Mapping[str, int]] = dict.fromkeys(
        ("embed", "weights_ih", "bias_ih", "weights_hh", "bias_hh", "weights_ho", "bias_ho"), -1
    )

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """A state after each word, and the probabilities of the sixth."""
        layers, hidden = Layers(), np.zeros((len(batch.x), SIZE))
        for k, words in enumerate(batch.x.T, 1):
            given = weights["embed"][words].dot(weights["weights_ih"]) + weights["bias_ih"]
            kept = hidden.dot(weights["weights_hh"]) + weights["bias_hh"]
            hidden = (sigmoid if self.activation == "sigmoid" else np.tanh)(kept + given)
            layers[f"hidden_{k}"] = hidden
        return layers | {"pred": stable_softmax(hidden.dot(weights["weights_ho"]) + weights["bias_ho"])}

    def slope(self, output: Array) -> Array:
        """The slope of the activation, from its output."""
        found: Array = output * (1 - output) if self.activation == "sigmoid" else 1 - output**2
        return found

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The scores' delta, then those of the states from the last to the first; the weights' add up over time."""
        n, steps = batch.x.shape
        right = np.eye(weights["weights_ho"].shape[1])[batch.labels]
        scores = (layers["pred"] - right) * (1 / n if self.factor is None else self.factor)
        deltas, sums = Deltas(scores=scores), {name: np.zeros_like(array) for name, array in weights.items()}
        sums["weights_ho"], sums["bias_ho"] = layers[f"hidden_{steps}"].T.dot(scores), scores.sum(axis=0)
        hidden = scores.dot(weights["weights_ho"].T)
        for k in range(steps, 0, -1):
            deltas[f"hidden_{k}"] = hidden
            deltas[f"hidden_{k}_in"] = into = hidden * self.slope(layers[f"hidden_{k}"])
            words = batch.x[:, k - 1]
            sums["weights_ih"] += weights["embed"][words].T.dot(into)
            sums["bias_ih"] += into.sum(axis=0)
            sums["bias_hh"] += into.sum(axis=0)
            if k > 1:
                sums["weights_hh"] += layers[f"hidden_{k - 1}"].T.dot(into)
            np.add.at(sums["embed"], words, into.dot(weights["weights_ih"].T))
            hidden = into.dot(weights["weights_hh"].T)
        return deltas | sums


class QuestionModule(nn.Module):
    """The network built with the framework; with tanh the recurrent layer is `nn.RNNCell`."""

    def __init__(self, words: int, activation: str) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, SIZE)
        self.cell: nn.Module = nn.RNNCell(SIZE, SIZE) if activation == "tanh" else SigmoidCell()
        self.output = nn.Linear(SIZE, words)

    def forward(self, words: Array) -> al.Tensor:
        """Rows of word numbers to the scores of the word that follows."""
        hidden = al.zeros(len(words), SIZE)
        for column in words.T:
            hidden = self.cell(self.embed(column), hidden)
        scores: al.Tensor = self.output(hidden)
        return scores


class SigmoidCell(nn.RNNCell):
    """A step of an RNN with sigmoid in place of tanh."""

    weight_ih: nn.Parameter
    weight_hh: nn.Parameter

    def __init__(self) -> None:
        super().__init__(SIZE, SIZE)

    def forward(self, x: al.Tensor, hidden: al.Tensor | None = None) -> al.Tensor:
        """From the words' vectors and the states before them to the next states, (rows, 16)."""
        assert hidden is not None
        kept = F.linear(hidden, self.weight_hh, self.bias_hh)
        return F.sigmoid(kept + F.linear(x, self.weight_ih, self.bias_ih))


@dataclass(frozen=True, kw_only=True, eq=False)
class Questions(Network):
    """The first hundred lines of the stories, padded to six words, all at once at each iteration.

    "Loss" is a tenth of the cross-entropy: the text divides the mean over its one batch by the number of batches.
    """

    activation: str = "sigmoid"
    objective: ClassVar[str | None] = "the cross-entropy of the sixth word, averaged over the rows"
    parameters: ClassVar[Mapping[str, str]] = {
        "embed": "embed.weight",
        "weights_ih": "cell.weight_ih",
        "bias_ih": "cell.bias_ih",
        "weights_hh": "cell.weight_hh",
        "bias_hh": "cell.bias_hh",
        "weights_ho": "output.weight",
        "bias_ho": "output.bias",
    }
    tables: ClassVar[tuple[str, ...]] = ("embed",)

    @property
    def stories(self) -> Stories:
        """All the lines, for the vocabulary is theirs."""
        return babi(WIDTH)

    def data(self) -> Data:
        """Rows of five words, and the sixth of each."""
        rows = np.stack(list(self.stories.lines[:ROWS]))
        return Data(rows[:, :-1], rows[:, -1])

    def start(self) -> tuple[Weights, np.random.RandomState]:
        """The weights as the chapter's stream has them, with a row for each word."""
        ids, words = Ids(0), len(self.stories.vocabulary)
        embed = ids.table(words, SIZE)
        weights = {"embed": embed}
        for name in ("ih", "hh", "ho"):
            weights[f"weights_{name}"], weights[f"bias_{name}"] = ids.linear(SIZE, words if name == "ho" else SIZE)
        return weights, ids.rng

    def batches(self, data: Data, rng: np.random.RandomState) -> Iterator[Batch]:
        """All rows."""
        yield Batch(data.x_train, data.labels_train)

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """A state after each word, before and after its activation, and the scores of the sixth."""
        layers, hidden = Tensors(), al.zeros(len(batch.x), SIZE)
        active = F.sigmoid if self.activation == "sigmoid" else F.tanh
        for k, words in enumerate(batch.x.T, 1):
            given = F.embedding(words, weights["embed"]) @ weights["weights_ih"] + weights["bias_ih"]
            layers[f"hidden_{k}_in"] = (hidden @ weights["weights_hh"] + weights["bias_hh"]) + given
            layers[f"hidden_{k}"] = hidden = active(layers[f"hidden_{k}_in"])
        return layers | {"scores": hidden @ weights["weights_ho"] + weights["bias_ho"]}

    def error(self, output: al.Tensor, batch: Batch) -> al.Tensor:
        """The cross-entropy, averaged."""
        error: al.Tensor = F.cross_entropy(output, batch.labels)
        return error

    def answer(self, output: Array) -> Array:
        """The scores as probabilities."""
        return stable_softmax(output)

    def module(self) -> nn.Module:
        """Embedding, a cell, linear."""
        return QuestionModule(len(self.stories.vocabulary), self.activation)

    def output(self, model: nn.Module, batch: Batch) -> al.Tensor:
        """The module's scores, (rows, words)."""
        scores: al.Tensor = model(batch.x)
        return scores

    def figures(self, output: Array, batch: Batch) -> Figures:
        """How many rows were told rightly, and the cross-entropy, summed."""
        right = int(np.count_nonzero(np.argmax(output, axis=1) == batch.labels))
        given = output[np.arange(len(output)), batch.labels]
        return Figures(len(output), right, cross_entropy=-float(np.sum(np.log(given))))

    def row(self, epoch: Epoch) -> dict[str, object]:
        """What the text prints, and the cross-entropy itself."""
        assert epoch.train.cross_entropy is not None
        mean = epoch.train.cross_entropy / epoch.train.examples
        return {"Loss": mean / TENTHS, "Correct": epoch.train.correct / epoch.train.examples, "Cross-Entropy": mean}
