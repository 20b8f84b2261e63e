"""Chapter 11: words as rows of a table, trained on 25,000 movie reviews."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.nn import functional as F
from models.fill_in import CorrectedFillIn, FillIn, PrintedFillIn
from models.network import CORRECTED, PRINTED, Handwritten, Network, Tensors
from models.records import Array, Batch, Data, Deltas, Epoch, Figures, Layers, Printed, Weights
from models.slopes import sigmoid
from models.word_network import ByRows, WordNetwork, answered
from models.words import Corpus, analogy, imdb_distinct, nearest, reviews_like


@dataclass(frozen=True, kw_only=True, eq=False)
class ForwardBag(Handwritten):
    """A sentence is the sum of the vectors of its words."""

    follows: ClassVar[str] = "nothing"

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """The vectors of the words, and their sum."""
        vectors = weights["onehots"][batch.x]
        return {"vectors": vectors, "sentence": np.sum(vectors, axis=0)}


@dataclass(frozen=True, kw_only=True, eq=False)
class BagOfWords(Network):
    """One vector for each word of a sentence; nothing is learnt."""

    words: tuple[str, ...]
    text: str
    columns: tuple[str, ...] = ("sentence",)
    frozen: tuple[str, ...] = ("onehots",)

    def data(self) -> Data:
        """The one sentence, as word numbers; the label is nothing's."""
        return Data(np.array([[self.words.index(word) for word in self.text.split(" ")]]), np.zeros((1, 1)))

    def start(self) -> tuple[Weights, np.random.RandomState]:
        """A one-hot row for each word."""
        return {"onehots": np.eye(len(self.words), dtype=int)}, np.random.RandomState(1)

    def batches(self, data: Data, rng: np.random.RandomState) -> Iterator[Batch]:
        """Sentence by sentence."""
        for x, labels in zip(data.x_train, data.labels_train, strict=True):
            yield Batch(x, labels)

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """The vectors of the words, and their sum."""
        vectors = F.embedding(batch.x, weights["onehots"])
        return {"vectors": vectors, "sentence": vectors.sum(0)}

    def figures(self, output: Array, batch: Batch) -> Figures:
        """The sum."""
        return Figures(1, output=output)

    def row(self, epoch: Epoch) -> dict[str, object]:
        """The sum."""
        return {"sentence": epoch.train.output}


@dataclass(frozen=True, kw_only=True, eq=False)
class PrintedSentiment(ByRows):
    """The step on one review as the text writes it."""

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """The sum of the rows of the review's words, sigmoid; the score of the review, sigmoid."""
        layer_1_in = np.sum(weights["weights_0_1"][batch.x], axis=0)
        layer_1 = sigmoid(layer_1_in)
        layer_2_in = np.dot(layer_1, weights["weights_1_2"])
        return {"layer_1_in": layer_1_in, "layer_1": layer_1, "layer_2_in": layer_2_in, "answer": sigmoid(layer_2_in)}

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The deltas, output first; one array is the delta of layer 1 and of what went into its sigmoid."""
        layer_2_delta = layers["answer"] - batch.labels
        layer_1_delta = layer_2_delta.dot(weights["weights_1_2"].T)
        weights_0_1_delta = np.zeros_like(weights["weights_0_1"])
        weights_0_1_delta[batch.x] = layer_1_delta
        return {
            "layer_2_in": layer_2_delta,
            "layer_1": layer_1_delta,
            "layer_1_in": layer_1_delta,
            "weights_1_2": np.outer(layers["layer_1"], layer_2_delta),
            "weights_0_1": weights_0_1_delta,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class CorrectedSentiment(PrintedSentiment):
    """The gradient of the binary cross-entropy of one review."""

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The derivative of the error by each layer, by what goes into each sigmoid, and by the weights."""
        layer_1 = layers["layer_1"]
        layer_2_delta = layers["answer"] - batch.labels
        by_layer_1 = layer_2_delta.dot(weights["weights_1_2"].T)
        layer_1_delta = by_layer_1 * layer_1 * (1 - layer_1)
        times = np.bincount(batch.x, minlength=len(weights["weights_0_1"]))
        return {
            "layer_2_in": layer_2_delta,
            "layer_1": by_layer_1,
            "layer_1_in": layer_1_delta,
            "weights_1_2": np.outer(layer_1, layer_2_delta),
            "weights_0_1": np.outer(times, layer_1_delta),
        }


class SentimentModule(nn.Module):
    """The network built with the framework, up to the last sigmoid."""

    def __init__(self, words: int, hidden: int) -> None:
        super().__init__()
        self.words = nn.Embedding(words, hidden)
        self.output = nn.Linear(hidden, 1, bias=False)

    def forward(self, x: Array) -> al.Tensor:
        """The numbers of a review's words to its score."""
        score: al.Tensor = self.output(F.sigmoid(self.words(x).sum(0)))
        return score


@dataclass(frozen=True, kw_only=True, eq=False)
class Sentiment(WordNetwork):
    """Is a review positive? It is the set of its words; the last `tested` reviews are kept for the test."""

    corpus: Callable[[], Corpus] = imdb_distinct
    hidden: int = 100
    tested: int = 1000
    running: bool = True
    objective: ClassVar[str | None] = "the binary cross-entropy of a review"
    parameters: ClassVar[Mapping[str, str]] = {"weights_0_1": "words.weight", "weights_1_2": "output.weight"}
    tables: ClassVar[tuple[str, ...]] = ("weights_0_1",)

    def data(self) -> Data:
        """The reviews, each an array of word numbers, and for each a row of one label."""
        corpus = self.corpus()
        x, labels, end = corpus.reviews, corpus.labels[:, None], len(corpus.reviews) - self.tested
        return Data(x[:end], labels[:end], x[end:], labels[end:])

    def start(self) -> tuple[Weights, np.random.RandomState]:
        """Both matrices uniform in [-0.1, 0.1)."""
        rng = np.random.RandomState(1)
        weights_0_1 = 0.2 * rng.random_sample((len(self.corpus().vocabulary), self.hidden)) - 0.1
        weights_1_2 = 0.2 * rng.random_sample((self.hidden, 1)) - 0.1
        return {"weights_0_1": weights_0_1, "weights_1_2": weights_1_2}, rng

    def batches(self, data: Data, rng: np.random.RandomState) -> Iterator[Batch]:
        """Review by review."""
        for x, labels in zip(data.x_train, data.labels_train, strict=True):
            yield Batch(x, labels)

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """The sum of the rows of the review's words, sigmoid, score."""
        layer_1_in = F.embedding(batch.x, weights["weights_0_1"]).sum(0)
        layer_1 = F.sigmoid(layer_1_in)
        return {"layer_1_in": layer_1_in, "layer_1": layer_1, "layer_2_in": layer_1 @ weights["weights_1_2"]}

    def module(self) -> nn.Module:
        """Embedding, sum, sigmoid, linear."""
        return SentimentModule(len(self.corpus().vocabulary), self.hidden)

    def output(self, model: nn.Module, batch: Batch) -> al.Tensor:
        """The module's score of a review, (1,)."""
        score: al.Tensor = model(batch.x)
        return score

    def predict(self, weights: Weights, x: Array) -> Array:
        """The probability of each review, (reviews, 1)."""
        sums = np.array([np.sum(weights["weights_0_1"][words], axis=0) for words in x])
        return sigmoid(np.dot(sigmoid(sums), weights["weights_1_2"]))

    def test_figures(self, output: Array, data: Data) -> Figures:
        """Correct answers and cross-entropy on the reviews kept for the test."""
        assert data.labels_test is not None
        return answered(output, data.labels_test)

    def row(self, epoch: Epoch) -> dict[str, object]:
        """The share of right answers in all passes so far, and in the test; then what the table answers."""
        row: dict[str, object] = {"Train-Acc": epoch.train.correct / epoch.train.examples}
        if epoch.test is not None:
            row["Test-Acc"] = epoch.test.correct / epoch.test.examples
        return row | super().row(epoch)


bag = BagOfWords(
    id="11.0",
    alias="bag-of-words",
    sentence="A sentence is the sum of the one-hot vectors of its words.",
    words=("cat", "the", "dog", "sat"),
    text="the cat sat",
    versions={PRINTED: ForwardBag()},
    printed=Printed(rows={0: {"sentence": "[1 1 0 1]"}}),
)

sentiment = Sentiment(
    id="11.1",
    alias="sentiment",
    sentence="The words of a movie review, each a row of a table, say whether it is positive.",
    epochs=2,
    accuracy=0.84,
    columns=("Train-Acc", "Test-Acc"),
    versions={PRINTED: PrintedSentiment(lr=0.01), CORRECTED: CorrectedSentiment(lr=0.01)},
    printed=Printed(
        rows={0: {"Train-Acc": "0.8350833333333333"}, 1: {"Train-Acc": "0.868125", "Test-Acc": "0.847"}},
        sums={"weights_0_1": -710.174438030858, "weights_1_2": 1.04067427088921},
    ),
)

embeddings = replace(
    sentiment,
    id="11.2",
    alias="embeddings",
    sentence="Trained on sentiment, the table has words of one kind near each other.",
    columns=("beautiful", "terrible"),
    asked={
        **{word: partial(nearest, word=word) for word in ("beautiful", "terrible")},
        "reviews like boring, awful": partial(reviews_like, words=("boring", "awful")),  # chapter 12's use of the table
    },
    printed=Printed(
        rows={
            1: {
                "beautiful": "beautiful -0.000000, fun -0.719354, friendship -0.734832, surprisingly -0.738456, "
                "captures -0.739076, liked -0.749806, subtle -0.751689, heart -0.755418, best -0.757652, "
                "different -0.757950",
                "terrible": "terrible -0.000000, annoying -0.822171, laughable -0.830423, mess -0.832465, "
                "lacks -0.832698, effort -0.848736, save -0.849372, lame -0.850399, disappointing -0.862731, "
                "boring -0.867099",
            }
        }
    ),
)

fill_in = FillIn(
    id="11.3",
    alias="fill-in",
    sentence="Words are filled in between others, told from words drawn at random; the table then solves analogies.",
    epochs=2,
    columns=("Cross-Entropy", "terrible", "king - man + woman"),
    asked={
        "terrible": partial(nearest, word="terrible"),
        "king - man + woman": partial(analogy, positive=("king", "woman"), negative=("man",)),
    },
    versions={PRINTED: PrintedFillIn(lr=0.05), CORRECTED: CorrectedFillIn(lr=0.05)},
)

networks: tuple[Network, ...] = (bag, sentiment, embeddings, fill_in)
