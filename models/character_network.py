"""What the networks that read characters share: stretches of a text, a state that goes from one to the next."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

import autograd_lite as al
from autograd_lite import nn
from models.activations import stable_softmax
from models.characters import State, Text, shakespeare, stretches
from models.network import Network
from models.records import Array, Batch, Data, Epoch, Figures, Layers, Weights

BEGINNING = 200  # characters of which derivatives are checked


@dataclass(frozen=True, eq=False)
class Stretch(Batch):
    """Characters (rows, steps), those that follow them, and which stretch of the text it is."""

    number: int = 0


class Remembers(nn.Module):
    """A module with states of its own to begin with, and those at the end of what it read last."""

    def __init__(self) -> None:
        super().__init__()
        self.ended: Layers = {}

    @abstractmethod
    def reads(self, x: Array, state: State | None) -> tuple[Array, State]:
        """The scores after each character of x (rows, steps), and the state: from a state, or from the first one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CharacterNetwork(Network):
    """A network that reads a text in `rows` side by side, `steps` characters at a time.

    Its states, by the names in `states`, are frozen weights: what a stretch ends with is data for the next one, and
    no derivative goes back beyond the beginning of a stretch. Each epoch begins with the states of the start.
    `counted` is after how many stretches the running perplexity is printed, None for all.
    """

    text: Callable[[], Text] = shakespeare
    hidden: int = 512
    rows: int
    steps: int
    counted: int | None = None
    columns: tuple[str, ...] = ("Perplexity",)
    states: ClassVar[tuple[str, ...]]

    def data(self) -> Data:
        """What is read and what follows, (stretches, rows, steps)."""
        return Data(*stretches(self.text().indices, self.rows, self.steps))

    def batches(self, data: Data, rng: np.random.RandomState) -> Iterator[Batch]:
        """Stretch by stretch."""
        for number, (x, labels) in enumerate(zip(data.x_train, data.labels_train, strict=True)):
            yield Stretch(x, labels, number=number)

    def small(self) -> Network:
        """The same with few units, rows and steps, on the beginning of the text."""
        whole = self.text
        return replace(self, hidden=3, rows=3, steps=3, text=lambda: whole().beginning(BEGINNING))

    @abstractmethod
    def first_state(self, rows: int) -> Weights:
        """The states before anything was read."""

    @abstractmethod
    def module(self) -> Remembers:
        """Embedding, recurrence, linear: (rows, steps) to the scores."""

    def forget(self, weights: Weights) -> None:
        """Forget what was read."""
        for name, state in self.first_state(self.rows).items():
            weights[name][...] = state

    def carry(self, weights: Weights, layers: Layers) -> None:
        """The states at the end are those that the next stretch begins with."""
        for name in self.states:
            weights[name][...] = layers[f"{name.removesuffix('_0')}_{self.steps}"]

    def output(self, model: nn.Module, batch: Batch) -> al.Tensor:
        """The module's scores."""
        scores: al.Tensor = model(al.tensor(batch.x))
        return scores

    def handed_on(self, model: nn.Module) -> Layers:
        """The states at the end of what the module read."""
        assert isinstance(model, Remembers)
        return {f"{name}_{self.steps}": state for name, state in model.ended.items()}

    def answer(self, output: Array) -> Array:
        """The scores as probabilities."""
        return stable_softmax(output)

    def figures(self, output: Array, batch: Batch) -> Figures:
        """A step, and the mean cross-entropy of what its error asks about."""
        if self.counted is not None and isinstance(batch, Stretch) and batch.number >= self.counted:
            return Figures()
        given = np.take_along_axis(output, self.answered(batch.labels)[..., None], -1)[..., 0]
        by_step = np.atleast_1d(-np.mean(np.log(given), axis=0))
        return Figures(1, cross_entropy=float(sum(by_step) / len(by_step)))

    def answered(self, labels: Array) -> Array:
        """Those of the labels that the output answers."""
        return labels

    def row(self, epoch: Epoch) -> dict[str, object]:
        """exp of the mean cross-entropy of this epoch."""
        assert epoch.train.cross_entropy is not None
        return {"Perplexity": float(np.exp(epoch.train.cross_entropy / epoch.train.examples))}

    def cell(self, column: str, value: object) -> str:
        """To two decimals."""
        return f"{value:.2f}"


class Draws:
    """Initial weights in the order in which the text's framework draws them, after each a number under `below`."""

    def __init__(self, seed: int, below: int) -> None:
        self.rng, self.below = np.random.RandomState(seed), below

    def uniform(self, rows: int, columns: int) -> Array:
        """The table of an embedding: uniform in ±1 / (2 columns)."""
        return self._then((self.rng.rand(rows, columns) - 0.5) / columns)

    def normal(self, rows: int, columns: int) -> Array:
        """The matrix of a linear layer: normal, with the standard deviation √(2 / rows)."""
        return self._then(self.rng.randn(rows, columns) * np.sqrt(2.0 / rows))

    def zeros(self, size: int) -> Array:
        """A bias."""
        return self._then(np.zeros(size))

    def _then(self, drawn: Array) -> Array:
        self.rng.randint(0, self.below)
        return drawn
