"""Chapter 11's second half: words that stand between others are filled in, with negative sampling."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.nn import functional as F
from models.network import Tensors
from models.records import Array, Batch, Data, Deltas, Epoch, Layers, Weights
from models.slopes import sigmoid
from models.word_network import ByRows, WordNetwork
from models.words import Corpus, imdb


@dataclass(frozen=True, kw_only=True, eq=False)
class PrintedFillIn(ByRows):
    """The step on one position of a review as the text writes it.

    Its updates assign to rows of a table by their numbers: where a row is named more than once, NumPy keeps what was
    assigned last, and so does the delta of the table.
    """

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """The mean of the context's rows, and the score and probability of each sample."""
        layer_1 = np.mean(weights["weights_0_1"][batch.x], axis=0)
        layer_2_in = np.dot(layer_1, weights["weights_1_2"][batch.samples].T)
        return {"layer_1": layer_1, "layer_2_in": layer_2_in, "answer": sigmoid(layer_2_in)}

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The deltas, output first."""
        layer_2_delta = layers["answer"] - batch.labels
        layer_1_delta = layer_2_delta.dot(weights["weights_1_2"][batch.samples])
        weights_0_1_delta, weights_1_2_delta = (np.zeros_like(weights[name]) for name in ("weights_0_1", "weights_1_2"))
        weights_0_1_delta[batch.x] = layer_1_delta
        weights_1_2_delta[batch.samples] = np.outer(layer_2_delta, layers["layer_1"])
        return {
            "layer_2_in": layer_2_delta,
            "layer_1": layer_1_delta,
            "weights_1_2": weights_1_2_delta,
            "weights_0_1": weights_0_1_delta,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class CorrectedFillIn(PrintedFillIn):
    """The gradient of the binary cross-entropy, summed over the samples."""

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The derivative of the error by the scores, the mean and the tables; what meets in a row adds up."""
        assert batch.samples is not None
        layer_2_delta = layers["answer"] - batch.labels
        layer_1_delta = layer_2_delta.dot(weights["weights_1_2"][batch.samples])
        weights_0_1_delta, weights_1_2_delta = (np.zeros_like(weights[name]) for name in ("weights_0_1", "weights_1_2"))
        np.add.at(weights_0_1_delta, batch.x, layer_1_delta / len(batch.x))
        np.add.at(weights_1_2_delta, batch.samples, np.outer(layer_2_delta, layers["layer_1"]))
        return {
            "layer_2_in": layer_2_delta,
            "layer_1": layer_1_delta,
            "weights_1_2": weights_1_2_delta,
            "weights_0_1": weights_0_1_delta,
        }


class FillInModule(nn.Module):
    """The network built with the framework, up to the sigmoid."""

    def __init__(self, words: int, hidden: int) -> None:
        super().__init__()
        self.context = nn.Embedding(words, hidden)
        self.sampled = nn.Embedding(words, hidden)

    def forward(self, x: Array, samples: Array) -> al.Tensor:
        """The numbers of the words around a position, and those of the samples, to a score for each sample."""
        scores: al.Tensor = self.sampled(samples) @ self.context(x).mean(0)
        return scores


@dataclass(frozen=True, kw_only=True, eq=False)
class FillIn(WordNetwork):
    """Which word stands between these? For each position its own word is sampled, and others drawn from all reviews.

    The context is the words up to `window` to the left, and up to `window` - 1 to the right. A review has to have
    two words or more.
    """

    corpus: Callable[[], Corpus] = imdb
    hidden: int = 50
    window: int = 2
    negative: int = 5
    objective: ClassVar[str | None] = "the binary cross-entropy of the samples of a position, summed"
    parameters: ClassVar[Mapping[str, str]] = {"weights_0_1": "context.weight", "weights_1_2": "sampled.weight"}
    tables: ClassVar[tuple[str, ...]] = ("weights_0_1", "weights_1_2")

    def data(self) -> Data:
        """The reviews, each an array of word numbers in the review's order; the labels play no part."""
        corpus = self.corpus()
        return Data(corpus.reviews, corpus.labels)

    def start(self) -> tuple[Weights, np.random.RandomState]:
        """The first table uniform in [-0.1, 0.1); the second is drawn, too, and made zero."""
        rng, shape = np.random.RandomState(1), (len(self.corpus().vocabulary), self.hidden)
        return {"weights_0_1": (rng.rand(*shape) - 0.5) * 0.2, "weights_1_2": rng.rand(*shape) * 0}, rng

    def batches(self, data: Data, rng: np.random.RandomState) -> Iterator[Batch]:
        """Position by position, through the reviews in an order that is the same in every pass."""
        every = np.concatenate(data.x_train)
        order = list(range(len(data.x_train)))
        random.Random(1).shuffle(order)
        labels = np.eye(1 + self.negative)[0]
        for review in data.x_train[order]:
            for i in range(len(review)):
                drawn = every[(rng.rand(self.negative) * len(every)).astype(int)]
                context = np.concatenate((review[max(0, i - self.window) : i], review[i + 1 : i + self.window]))
                yield Batch(context, labels, samples=np.concatenate((review[i : i + 1], drawn)))

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """The mean of the context's rows, and the score of each sample."""
        assert batch.samples is not None
        context, samples = al.tensor(batch.x, name="context"), al.tensor(batch.samples, name="samples")
        layer_1 = F.embedding(context, weights["weights_0_1"]).mean(0)
        return {"layer_1": layer_1, "layer_2_in": F.embedding(samples, weights["weights_1_2"]) @ layer_1}

    def module(self) -> nn.Module:
        """Two embeddings: of the context, averaged, and of the samples."""
        return FillInModule(len(self.corpus().vocabulary), self.hidden)

    def output(self, model: nn.Module, batch: Batch) -> al.Tensor:
        """The module's score of each sample."""
        scores: al.Tensor = model(batch.x, batch.samples)
        return scores

    def row(self, epoch: Epoch) -> dict[str, object]:
        """The cross-entropy of an answer in this pass, then what the table answers."""
        cross_entropy = epoch.train.cross_entropy or 0.0
        return {"Cross-Entropy": cross_entropy / epoch.train.examples, **super().row(epoch)}
