"""Chapter 12: recurrence: sentences of any length, and backpropagation through time."""

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
from models.network import CORRECTED, PRINTED, Handwritten, Network, Tensors
from models.records import Array, Batch, Data, Deltas, Epoch, Figures, Layers, Printed, Weights
from models.small import Small
from models.stories import Stories, babi


def surprise(scores: al.Tensor, batch: Batch) -> al.Tensor:
    """The cross-entropy of what came, averaged over the words: how surprised the network was by each."""
    error: al.Tensor = F.cross_entropy(scores, batch.labels)
    return error


# 12.0: the identity matrix


@dataclass(frozen=True, kw_only=True, eq=False)
class ForwardIdentity(Forward):
    """Vectors times the identity matrix."""

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """Each vector as it was; and a sentence: what came before times the matrix, plus the next word."""
        before = weights["this"].dot(weights["identity"]) + weights["movie"]
        sentence = before.dot(weights["identity"]) + weights["rocks"]
        return {"vectors": batch.x.dot(weights["identity"]), "sentence": sentence}


@dataclass(frozen=True, kw_only=True, eq=False)
class IdentityNetwork(Small):
    """Vectors times the identity matrix; nothing is learnt."""

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """Each vector as it was; and a sentence: what came before times the matrix, plus the next word."""
        identity = weights["identity"]
        sentence = (weights["this"] @ identity + weights["movie"]) @ identity + weights["rocks"]
        return {"vectors": al.tensor(batch.x, name="input") @ identity, "sentence": sentence}


# 12.1: three words, one step


@dataclass(frozen=True, kw_only=True, eq=False)
class CorrectedSentence(Handwritten):
    """The gradient of the cross-entropy of the word that follows."""

    signs: ClassVar[Mapping[str, int]] = dict.fromkeys(("red", "socks", "defeat", "identity", "sent2output"), -1)

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """A state for each word: the one before times the matrix, plus the word."""
        layer_1 = weights["red"].dot(weights["identity"]) + weights["socks"]
        layer_2 = layer_1.dot(weights["identity"]) + weights["defeat"]
        return {"layer_1": layer_1, "layer_2": layer_2, "pred": stable_softmax(layer_2.dot(weights["sent2output"]))}

    def layer_0(self, weights: Weights, delta: Array) -> Array:
        """The first state, the vector of the first word, as the deltas of the weights read it."""
        return weights["red"]

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """From the prediction back, word by word; the delta of a state is that of its word."""
        pred_delta = layers["pred"] - batch.labels
        layer_2_delta = pred_delta.dot(weights["sent2output"].T)
        layer_1_delta = layer_2_delta.dot(weights["identity"].T)
        layer_0_delta = layer_1_delta.dot(weights["identity"].T)
        first = self.layer_0(weights, layer_0_delta)
        return {
            "scores": pred_delta,
            "layer_2": layer_2_delta,
            "layer_1": layer_1_delta,
            "red": layer_0_delta,
            "socks": layer_1_delta,
            "defeat": layer_2_delta,
            "identity": np.outer(first, layer_1_delta) + np.outer(layers["layer_1"], layer_2_delta),
            "sent2output": np.outer(layers["layer_2"], pred_delta),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class PrintedSentence(CorrectedSentence):
    """The step as the text writes it: its first state is the array of the first word, which is updated first."""

    def layer_0(self, weights: Weights, delta: Array) -> Array:
        """What the array of the first word holds after its update."""
        updated: Array = weights["red"] - self.lr * delta
        return updated


@dataclass(frozen=True, kw_only=True, eq=False)
class SentenceNetwork(Small):
    """Which of nine words follows "red socks defeat"? Its words are no batch: there is one sentence."""

    columns: tuple[str, ...] = ("Cross-Entropy", "pred")
    objective: ClassVar[str] = "the cross-entropy of the word that follows"

    def start(self) -> tuple[Weights, np.random.RandomState]:
        """The vectors of zeros, and the weights of the output uniform in [0, 1)."""
        rng = np.random.RandomState(0)
        weights = {name: np.zeros(3) for name in ("red", "socks", "defeat")}
        return {**weights, "identity": np.eye(3), "sent2output": rng.random_sample((3, 9))}, rng

    def batches(self, data: Data, rng: np.random.RandomState) -> Iterator[Batch]:
        """The one sentence."""
        yield Batch(data.x_train[0], data.labels_train[0])

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """A state for each word, and the scores of the nine words after the last."""
        layer_1 = weights["red"] @ weights["identity"] + weights["socks"]
        layer_2 = layer_1 @ weights["identity"] + weights["defeat"]
        return {"layer_1": layer_1, "layer_2": layer_2, "scores": layer_2 @ weights["sent2output"]}

    def error(self, output: al.Tensor, batch: Batch) -> al.Tensor:
        """The cross-entropy."""
        return surprise(output, batch)

    def answer(self, output: Array) -> Array:
        """The scores as probabilities."""
        return stable_softmax(output)

    def figures(self, output: Array, batch: Batch) -> Figures:
        """The cross-entropy."""
        return Figures(1, cross_entropy=-float(np.log(output @ batch.labels)))

    def row(self, epoch: Epoch) -> dict[str, object]:
        """The cross-entropy, and all else by name."""
        shown = super().row(epoch) | {"Cross-Entropy": epoch.train.cross_entropy}
        return shown | {"pred": list(epoch.layers.values())[-1].tolist()}


# 12.2: stories, word by word


@dataclass(frozen=True, kw_only=True, eq=False)
class CorrectedRecurrence(Handwritten):
    """Backpropagation through time: the gradient of the cross-entropy, averaged over the words of a line.

    A state meets the loss twice: in the prediction of the next word, and in the next state.
    """

    signs: ClassVar[Mapping[str, int]] = dict.fromkeys(("start", "decoder", "embed", "recurrent"), -1)

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """Before each word its prediction from the state, then the next state; at the start, and after n words."""
        layers, hidden, predictions = Layers(), weights["start"], []
        for k, word in enumerate(batch.x, 1):
            predictions.append(stable_softmax(hidden.dot(weights["decoder"])))
            hidden = hidden.dot(weights["recurrent"]) + weights["embed"][word]
            layers[f"hidden_{k}"] = hidden
        return layers | {"pred": np.array(predictions)}

    def through_time(self, weights: Weights, output_deltas: Array) -> Array:
        """The deltas of the states 0 to n, (n + 1, d), from those of the n predictions, the last state first."""
        n = len(output_deltas)
        deltas = np.zeros((n + 1, len(weights["start"])))
        for k in range(n - 1, -1, -1):
            deltas[k] = output_deltas[k].dot(weights["decoder"].T) + deltas[k + 1].dot(weights["recurrent"].T)
        return deltas

    def hidden_0(self, weights: Weights, delta: Array) -> Array:
        """The first state, as the deltas of the weights read it."""
        return weights["start"]

    def of_words(self, hidden_deltas: Array) -> Array:
        """The deltas of the vectors of the n words, from those of all states: each is a part of the state after it."""
        return hidden_deltas[1:]

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The predictions' deltas, then those of the states, back through time, then those of the weights."""
        n = len(batch.x)
        output_deltas = (layers["pred"] - np.eye(len(weights["embed"]))[batch.labels]) / n
        hidden_deltas = self.through_time(weights, output_deltas)
        before = np.array([self.hidden_0(weights, hidden_deltas[0]), *(layers[f"hidden_{k}"] for k in range(1, n))])
        embed_delta = np.zeros_like(weights["embed"])
        np.add.at(embed_delta, batch.x, self.of_words(hidden_deltas))
        return {
            **{f"scores_{k}": delta for k, delta in enumerate(output_deltas, 1)},
            **{f"hidden_{k}": hidden_deltas[k] for k in range(n, 0, -1)},
            "start": hidden_deltas[0],
            "decoder": before.T.dot(output_deltas),
            "embed": embed_delta,
            "recurrent": before.T.dot(hidden_deltas[1:]),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class PrintedRecurrence(CorrectedRecurrence):
    """The step as the text writes it: one list holds for each word its prediction and the state after it.

    The first state is the array of the start itself, which is updated before the others.
    """

    def through_time(self, weights: Weights, output_deltas: Array) -> Array:
        """The deltas of the states 0 to n, each from the prediction that stands beside it in the list."""
        n = len(output_deltas)
        deltas = np.zeros((n + 1, len(weights["start"])))
        deltas[n] = output_deltas[n - 1].dot(weights["decoder"].T)
        for k in range(n - 1, 0, -1):
            deltas[k] = output_deltas[k - 1].dot(weights["decoder"].T) + deltas[k + 1].dot(weights["recurrent"].T)
        deltas[0] = deltas[1].dot(weights["recurrent"].T)
        return deltas

    def hidden_0(self, weights: Weights, delta: Array) -> Array:
        """What the array of the start holds after its update."""
        updated: Array = weights["start"] - self.lr * delta
        return updated

    def of_words(self, hidden_deltas: Array) -> Array:
        """The deltas of the states before each word."""
        return hidden_deltas[:-1]


class StoryModule(nn.Module):
    """The network built with the framework: the scores of each word before it comes."""

    def __init__(self, words: int, hidden: int) -> None:
        super().__init__()
        self.start = nn.Parameter(al.zeros(hidden))
        self.embed = nn.Embedding(words, hidden)
        self.recurrent = nn.Linear(hidden, hidden, bias=False)
        self.decoder = nn.Linear(hidden, words, bias=False)

    def forward(self, line: Array) -> al.Tensor:
        """The numbers of n words to (n, words)."""
        hidden: al.Tensor = self.start
        scores = []
        for vector in self.embed(line):
            scores.append(self.decoder(hidden))
            hidden = self.recurrent(hidden) + vector
        return al.stack(scores)


@dataclass(frozen=True, kw_only=True, eq=False)
class StoryNetwork(Network):
    """Which word comes next? The lines of the stories in their order, the first word of each left out.

    The printed line is of the epoch's first step.
    """

    stories: Callable[[], Stories] = babi
    hidden: int = 10
    objective: ClassVar[str | None] = "the cross-entropy of the words of a line, averaged over them"
    parameters: ClassVar[Mapping[str, str]] = {
        "start": "start",
        "embed": "embed.weight",
        "recurrent": "recurrent.weight",
        "decoder": "decoder.weight",
    }
    tables: ClassVar[tuple[str, ...]] = ("embed",)

    def data(self) -> Data:
        """The words of each line after its first; what is to be predicted are the words themselves."""
        return Data(self.stories().tails, self.stories().tails)

    def start(self) -> tuple[Weights, np.random.RandomState]:
        """Small words and decoder, the identity matrix, a start of zeros."""
        rng, words = np.random.RandomState(1), len(self.stories().vocabulary)
        embed = (rng.random_sample((words, self.hidden)) - 0.5) * 0.1
        decoder = (rng.random_sample((self.hidden, words)) - 0.5) * 0.1
        start, recurrent = np.zeros(self.hidden), np.eye(self.hidden)
        return {"start": start, "embed": embed, "recurrent": recurrent, "decoder": decoder}, rng

    def batches(self, data: Data, rng: np.random.RandomState) -> Iterator[Batch]:
        """Line by line."""
        for line in data.x_train:
            yield Batch(line, line)

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """States and scores by their number; after the last word, too, where nothing comes that could be scored."""
        layers, hidden, rows = Tensors(), weights["start"], []
        for k, word in enumerate(batch.x, 1):
            layers[f"scores_{k}"] = hidden @ weights["decoder"]
            rows.append(layers[f"scores_{k}"].unsqueeze(0))
            hidden = hidden @ weights["recurrent"] + F.embedding(word, weights["embed"])
            layers[f"hidden_{k}"] = hidden
        last = layers[f"scores_{len(batch.x) + 1}"] = hidden @ weights["decoder"]
        return layers | {"scores": al.cat([*rows, last.unsqueeze(0)])[: len(batch.x)]}

    def error(self, output: al.Tensor, batch: Batch) -> al.Tensor:
        """The cross-entropy, averaged over the words."""
        return surprise(output, batch)

    def answer(self, output: Array) -> Array:
        """The scores as probabilities."""
        return stable_softmax(output)

    def module(self) -> nn.Module:
        """Embedding, two linear layers, a start."""
        return StoryModule(len(self.stories().vocabulary), self.hidden)

    def output(self, model: nn.Module, batch: Batch) -> al.Tensor:
        """The module's scores of a line, (n, words)."""
        scores: al.Tensor = model(batch.x)
        return scores

    def figures(self, output: Array, batch: Batch) -> Figures:
        """How many words were foreseen, and their cross-entropy, summed; of the first line, what was given to each."""
        given = output[np.arange(len(batch.x)), batch.labels]
        kept = given if batch.x is self.stories().tails[0] else None
        right = int(np.count_nonzero(np.argmax(output, axis=1) == batch.labels))
        return Figures(len(output), right, cross_entropy=-float(np.sum(np.log(given))), output=kept)

    def row(self, epoch: Epoch) -> dict[str, object]:
        """The perplexity of the first line as it came, and the share of words that were foreseen."""
        given = epoch.train.output
        assert given is not None
        loss = -sum(np.log(given).tolist())
        return {"Perplexity": float(np.exp(loss / len(given))), "Train-Acc": epoch.train.correct / epoch.train.examples}


matrices = IdentityNetwork(
    id="12.0",
    alias="identity",
    sentence="Matrices that change nothing: with them a sentence is the sum of the vectors of its words.",
    columns=("vectors", "sentence"),
    inputs=((1, 2, 3), (0.1, 0.2, 0.3), (-1, -0.5, 0), (0, 0, 0)),
    batch_size=4,
    initial={"identity": np.eye(3), "this": (2, 4, 6), "movie": (10, 10, 10), "rocks": (1, 1, 1)},
    frozen=("identity", "this", "movie", "rocks"),
    versions={PRINTED: ForwardIdentity()},
    printed=Printed({0: {"vectors": [[1, 2, 3], [0.1, 0.2, 0.3], [-1, -0.5, 0], [0, 0, 0]], "sentence": [13, 15, 17]}}),
)

sentence = SentenceNetwork(
    id="12.1",
    alias="red-socks",
    sentence="A sentence of three words, and one step that learns the vectors, the matrix between them and the output.",
    inputs=((3, 4, 6),),
    goals=(np.eye(9)[0],),
    versions={PRINTED: PrintedSentence(lr=0.01), CORRECTED: CorrectedSentence(lr=0.01)},
    printed=Printed({0: {"pred": [1 / 9] * 9}}),
)

stories = StoryNetwork(
    id="12.2",
    alias="stories",
    sentence="A state is carried from word to word through a matrix that is learnt; each word is told from it.",
    epochs=30,
    columns=("Perplexity",),
    versions={PRINTED: PrintedRecurrence(lr=0.001), CORRECTED: CorrectedRecurrence(lr=0.001)},
    printed=Printed(
        {
            0: {"Perplexity": 81.94009027613271},
            1: {"Perplexity": 81.85534314118429},
            2: {"Perplexity": 81.71905473544616},
            3: {"Perplexity": 81.45316435924049},
            4: {"Perplexity": 80.9044869625085},
            5: {"Perplexity": 79.71575940161105},
            6: {"Perplexity": 76.84808386902766},
            7: {"Perplexity": 67.70605588988163},
            8: {"Perplexity": 37.525750371346206},
            9: {"Perplexity": 22.332938427124084},
            10: {"Perplexity": 19.5483750704137},
            28: {"Perplexity": 4.279494652905223},
            29: {"Perplexity": 4.197921063699387},
        }
    ),
)

networks: tuple[Network, ...] = (matrices, sentence, stories)
