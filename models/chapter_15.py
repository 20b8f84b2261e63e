"""Chapter 15: mails of several holders train one network, and what their models give away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

import autograd_lite as al
from autograd_lite import data, nn
from autograd_lite.nn import functional as F
from models.network import CORRECTED, PRINTED, Handwritten, Network, Tensors
from models.records import Array, Batch, Data, Deltas, Epoch, Figures, Layers, Weights
from models.slopes import sigmoid

UNKNOWN = "<unk>"
LENGTH = 500  # words that a mail is filled up to


@dataclass(frozen=True, eq=False)
class Mails:
    """Mails as rows of word numbers, filled up with `UNKNOWN`, and a row of one label for each: spam is 1."""

    vocabulary: tuple[str, ...]
    examples: Data

    @property
    def padding(self) -> int:
        """The number of `UNKNOWN`."""
        return self.vocabulary.index(UNKNOWN)

    def encode(self, words: Iterable[str]) -> Array:
        """A mail of these words as a row. Raises LookupError for a word that no mail has."""
        return _rows([list(words)], {word: number for number, word in enumerate(self.vocabulary)})


def mails(spam: Sequence[str], ham: Sequence[str], tested: int = 1000) -> Mails:
    """Unwanted and wanted mails in turn; of each kind the last are for the test, and the shorter row is gone round.

    A mail is the set of its words, sorted; those with 500 or more are left out.

    >>> found = mails(("win win now", "win"), ("at noon", "at one", "not now"), tested=1)
    >>> found.vocabulary
    ('<unk>', 'at', 'noon', 'not', 'now', 'one', 'win')
    >>> found.examples.x_train[:, :3].tolist(), found.examples.labels_train.ravel().tolist()
    ([[4, 6, 0], [1, 2, 0], [4, 6, 0], [1, 5, 0]], [1.0, 0.0, 1.0, 0.0])
    """
    kinds = [[sorted(set(mail.rstrip("\n").split(" ")) - {""}) for mail in kind] for kind in (spam, ham)]
    vocabulary = tuple(sorted({UNKNOWN, *(word for kind in kinds for mail in kind for word in mail)}))
    place = {word: number for number, word in enumerate(vocabulary)}
    rows = [_rows([mail for mail in kind if len(mail) < LENGTH], place) for kind in kinds]
    parts = (_in_turn(*(kind[:-tested] for kind in rows)), _in_turn(*(kind[-tested:] for kind in rows)))
    return Mails(vocabulary, Data(*parts[0], *parts[1]))


def _rows(found: Sequence[Sequence[str]], place: Mapping[str, int]) -> Array:
    rows = np.full((len(found), LENGTH), place[UNKNOWN])
    for row, mail in zip(rows, found, strict=True):
        row[: len(mail)] = [place[word] for word in mail]
    return rows


def _in_turn(spam: Array, ham: Array) -> tuple[Array, Array]:
    turns = np.arange(max(len(spam), len(ham)))
    x = np.stack([spam[turns % len(spam)], ham[turns % len(ham)]], axis=1).reshape(-1, LENGTH)
    return x, np.tile([[1.0], [0.0]], (len(turns), 1))


@cache
def enron() -> Mails:
    """The mails of Enron. Raises FileNotFoundError, saying what to do, where they are not there."""
    found = data.enron()
    return mails(found.spam, found.ham)


@dataclass(frozen=True, kw_only=True, eq=False)
class PrintedSpam(Handwritten):
    """The step on a batch of mails as the text's framework makes it."""

    padding: Callable[[], int]
    signs: ClassVar[Mapping[str, int]] = {"embed": -1}

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """The summed weights of the words, but for padding, and the probability."""
        known = (batch.x != self.padding())[..., None]
        score = np.sum(weights["embed"][batch.x] * known, axis=1)
        return {"score": score, "answer": sigmoid(score)}

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The deltas, output first."""
        answer_delta = 2 * (layers["answer"] - batch.labels)
        score_delta = answer_delta * layers["answer"] * (1 - layers["answer"])
        embed_delta = np.zeros_like(weights["embed"])
        rows, columns = np.nonzero(batch.x != self.padding())
        np.add.at(embed_delta, batch.x[rows, columns], score_delta[rows])
        return {"answer": answer_delta, "score": score_delta, "embed": embed_delta}


class SpamModule(nn.Module):
    """The network built with the framework; the padding has no part in the sum."""

    def __init__(self, words: int, padding: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, 1, padding_idx=padding)

    def forward(self, x: Array) -> al.Tensor:
        """The probability that each mail, a row of word numbers, is spam: (rows, 1)."""
        answer: al.Tensor = F.sigmoid(self.embed(al.tensor(x)).sum(1))
        return answer


@dataclass(frozen=True, kw_only=True, eq=False)
class Spam(Network):
    """Is a mail unwanted? Each word has one weight; their sum decides."""

    corpus: Callable[[], Mails] = enron
    size: int = 500
    columns: tuple[str, ...] = ("Test-Acc",)
    objective: ClassVar[str | None] = "the squared error, summed over the mails of a batch"
    parameters: ClassVar[Mapping[str, str]] = {"embed": "embed.weight"}
    tables: ClassVar[tuple[str, ...]] = ("embed",)

    def data(self) -> Data:
        """The mails, and a row of one label for each."""
        return self.corpus().examples

    def start(self) -> tuple[Weights, np.random.RandomState]:
        """Zeros."""
        return {"embed": np.zeros((len(self.corpus().vocabulary), 1))}, np.random.RandomState(0)

    def batches(self, data: Data, rng: np.random.RandomState) -> Iterator[Batch]:
        """Whole batches in order."""
        for start in range(0, len(data.x_train) - self.size + 1, self.size):
            yield Batch(data.x_train[start : start + self.size], data.labels_train[start : start + self.size])

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """The summed weights of the words, but for padding, and the probability."""
        known = al.tensor((batch.x != self.corpus().padding)[..., None] * 1.0)
        score = (F.embedding(al.tensor(batch.x), weights["embed"]) * known).sum(1)
        return {"score": score, "answer": F.sigmoid(score)}

    def error(self, output: al.Tensor, batch: Batch) -> al.Tensor:
        """The summed square."""
        error: al.Tensor = F.mse_loss(output, al.tensor(batch.labels), reduction="sum")
        return error

    def focus(self, weights: Weights, batch: Batch) -> tuple[Weights, Batch]:
        """Few mails of the batch."""
        return weights, batch.first(3)

    def module(self) -> nn.Module:
        """Embedding, sum, sigmoid."""
        return SpamModule(len(self.corpus().vocabulary), self.corpus().padding)

    def output(self, model: nn.Module, batch: Batch) -> al.Tensor:
        """The module's probabilities."""
        answer: al.Tensor = model(batch.x)
        return answer

    def predict(self, weights: Weights, x: Array) -> Array:
        """The probability of each mail."""
        known = (x != self.corpus().padding)[..., None]
        return sigmoid(np.sum(weights["embed"][x] * known, axis=1))

    def figures(self, output: Array, batch: Batch) -> Figures:
        """Right answers, and the squared error."""
        right = int(np.count_nonzero(np.abs(output - batch.labels) < 0.5))
        return Figures(len(output), right, float(np.sum((output - batch.labels) ** 2)))

    def test_figures(self, output: Array, data: Data) -> Figures:
        """The same of the mails kept for the test."""
        assert data.labels_test is not None
        return self.figures(output, Batch(output, data.labels_test))

    def row(self, epoch: Epoch) -> dict[str, object]:
        """The share of right answers in the test."""
        return {} if epoch.test is None else {"Test-Acc": epoch.test.correct / epoch.test.examples}

    def cell(self, column: str, value: object) -> str:
        """In percent."""
        return f"{100 * value:.2f}"  # type: ignore[operator]


def _padding() -> int:
    return enron().padding


spam = Spam(
    id="15.1",
    alias="spam",
    sentence="The words of a mail, one weight each, say whether it is spam.",
    epochs=3,
    accuracy=0.95,
    versions={
        PRINTED: PrintedSpam(lr=0.01, padding=_padding),
        CORRECTED: PrintedSpam(lr=0.01, padding=_padding),
    },
)

networks: tuple[Network, ...] = (spam,)
