"""What every network of the book has in common: its versions, an epoch's batches, a printed line.

A `Network` knows how its weights start, in which order it sees its examples, what its error is and how
it is built with the framework; a `Handwritten` is its forward and backward pass written out in NumPy.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

import autograd_lite as al
from autograd_lite import nn
from models.records import Array, Batch, Data, Deltas, Figures, Layers, Printed, Record, Weights

FRAMEWORK = "framework"


@dataclass(frozen=True, kw_only=True, eq=False)
class Handwritten(ABC):
    """A training step written out in NumPy.

    `lr` is the learning rate and `signs` how each delta is applied: +1 for `weights += lr * delta`, -1 for
    `weights -= lr * delta`. `updates` is how many times one forward pass is followed by deltas and update.
    """

    lr: float
    updates: int = 1
    signs: ClassVar[Mapping[str, int]]

    @abstractmethod
    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """The layers of one training step, the network's output last."""

    @abstractmethod
    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The deltas of these layers and of the weights, with nothing updated and nothing written into."""

    def deltas(self, weights: Weights, batch: Batch) -> Deltas:
        """Every delta that the step computes at these weights, by name, in the sign in which it is written.

        "layer_1" and "layer_2" are the deltas of what goes into the layer's activation.
        """
        return self.backward(weights, batch, self.forward(weights, batch))

    def step(self, weights: Weights, batch: Batch) -> Array:
        """Train on one batch, changing the weights in place; returns the network's output before it."""
        layers = self.forward(weights, batch)
        for _ in range(self.updates):
            self.update(weights, self.backward(weights, batch, layers))
        return layers[-1]

    def update(self, weights: Weights, deltas: Deltas) -> None:
        """Apply the deltas of the weights, each in its sign."""
        for name, sign in self.signs.items():
            weights[name] += sign * self.lr * deltas[name]


@dataclass(frozen=True, kw_only=True, eq=False)
class Network(ABC):
    """A network of the book: its start, its examples in their order, its error, its versions.

    `versions` are the hand-written ones, "as-printed" and "corrected"; "framework" trains what `module` builds,
    at the corrected one's learning rate. `parameters` says where in the module each matrix of theirs is.
    """

    id: str
    alias: str
    sentence: str
    epochs: int
    accuracy: float  # on the test examples after all epochs, corrected and framework: rounded down
    columns: tuple[str, ...]  # of the printed line, after the iteration, in its order
    versions: Mapping[str, Handwritten]
    printed: Printed = field(default_factory=Printed)
    test_every: int = 1
    objective: ClassVar[str]
    parameters: ClassVar[Mapping[str, str]]

    @abstractmethod
    def data(self) -> Data:
        """The examples that the book uses."""

    @abstractmethod
    def start(self) -> tuple[Weights, np.random.RandomState]:
        """Fresh initial weights, and the random state as it is after they were drawn."""

    @abstractmethod
    def batches(self, data: Data, rng: np.random.RandomState) -> Iterator[Batch]:
        """The batches of one epoch in order; a mask is drawn from `rng` when its batch is asked for."""

    @abstractmethod
    def predict(self, weights: Weights, x: Array) -> Array:
        """The network's scores for each row of `x` as the book tests it: without dropout."""

    @abstractmethod
    def module(self) -> nn.Module:
        """The network built with the framework, from images to scores; its weights are anything yet."""

    @abstractmethod
    def criterion(self, scores: al.Tensor, labels: Array) -> al.Tensor:
        """The error that training goes down, from the scores of one batch: `objective` says it in words."""

    @abstractmethod
    def output(self, scores: Array) -> Array:
        """What the network puts out for its scores: what `figures` takes."""

    @abstractmethod
    def figures(self, output: Array, labels: Array) -> Figures:
        """What a step with this output adds to the figures of its epoch."""

    @abstractmethod
    def test_figures(self, scores: Array, labels: Array) -> Figures:
        """What is counted on the test examples."""

    @abstractmethod
    def row(self, train: Figures, test: Figures | None, size: int) -> dict[str, float]:
        """The values of the printed line, uncut, by column; without `test`, only those of the training."""

    def cell(self, column: str, value: float) -> str:
        """A value as the book prints it in this column."""
        return str(value)

    def line(self, iteration: int, row: Mapping[str, float]) -> str:
        """One line of the printed table."""
        return " ".join([f"I:{iteration}", *(f"{name}:{self.cell(name, row[name])}" for name in self.columns)])

    # Built with the framework

    def build(self, weights: Weights) -> nn.Module:
        """The module with a copy of these weights, which have a row for each input, as in the text."""
        model = self.module()
        state = model.state_dict()
        places = self.parameters.items()
        model.load_state_dict({path: weights[name].T.reshape(state[path].shape) for name, path in places})
        return model

    def arrays(self, values: Mapping[str, Array]) -> Weights:
        """Arrays of the framework's layout, by parameter path, as hand-written matrices: views."""
        return {name: values[path].reshape(len(values[path]), -1).T for name, path in self.parameters.items()}

    def scores(self, model: nn.Module, batch: Batch) -> al.Tensor:
        """The module's scores for a batch, dropout with the batch's mask; without one there is no dropout."""
        model.train(batch.mask is not None)
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.generator = Given(batch.mask)
        scores: al.Tensor = model(al.from_numpy(batch.x))
        return scores

    def error(self, model: nn.Module, batch: Batch) -> al.Tensor:
        """The error of a module on a batch, ready for `backward()`."""
        return self.criterion(self.scores(model, batch), batch.labels)

    # Training

    def trainer(self, version: str, weights: Weights) -> Trainer:
        """Whoever trains this version, from these weights on. Raises ValueError for an unknown one."""
        if version == FRAMEWORK:
            return Modular(self, weights)
        if version not in self.versions:
            names = ", ".join((*self.versions, FRAMEWORK))
            raise ValueError(f"network {self.id} has no version {version!r}; it has {names}")
        return ByHand(self, self.versions[version], weights)

    def train(self, version: str = FRAMEWORK, epochs: int | None = None, data: Data | None = None) -> Iterator[Record]:
        """Train from the start, an epoch for each record asked for; the last epoch is always tested."""
        epochs = self.epochs if epochs is None else epochs
        if epochs < 0:
            raise ValueError(f"epochs must be 0 or more, not {epochs}")
        weights, rng = self.start()
        return self._train(self.trainer(version, weights), rng, epochs, self.data() if data is None else data)

    def _train(self, trainer: Trainer, rng: np.random.RandomState, epochs: int, data: Data) -> Iterator[Record]:
        size = len(data.x_train)
        for iteration in range(epochs):
            train = Figures()
            for batch in self.batches(data, rng):
                train += self.figures(trainer.step(batch), batch.labels)
            tested = iteration % self.test_every == 0 or iteration == epochs - 1
            test = self._test(trainer, data) if tested else None
            row = self.row(train, test, size)
            line = None if test is None else self.line(iteration, row)
            yield Record(iteration, size, train, test, trainer.weights, row, line)

    def _test(self, trainer: Trainer, data: Data) -> Figures | None:
        if data.x_test is None or data.labels_test is None:
            return None
        return self.test_figures(trainer.predict(data.x_test), data.labels_test)


class Trainer(ABC):
    """One version of a network in training; `weights` are the arrays that it changes."""

    network: Network
    weights: Weights

    @abstractmethod
    def step(self, batch: Batch) -> Array:
        """Train on one batch; returns the network's output before it."""

    @abstractmethod
    def predict(self, x: Array) -> Array:
        """The scores for each row of `x`, without dropout."""


class ByHand(Trainer):
    """Trains a hand-written version, on the weights that it is given."""

    def __init__(self, network: Network, handwritten: Handwritten, weights: Weights) -> None:
        self.network, self.handwritten, self.weights = network, handwritten, weights

    def step(self, batch: Batch) -> Array:
        """The hand-written step."""
        return self.handwritten.step(self.weights, batch)

    def predict(self, x: Array) -> Array:
        """The hand-written prediction."""
        return self.network.predict(self.weights, x)


class Modular(Trainer):
    """Trains the network's module: from a copy of the weights, at the corrected version's rate."""

    def __init__(self, network: Network, weights: Weights) -> None:
        self.network, self.model = network, network.build(weights)
        self.optimizer = al.optim.SGD(self.model.parameters(), lr=network.versions["corrected"].lr)
        self.weights = network.arrays({path: p.data for path, p in self.model.named_parameters()})

    def step(self, batch: Batch) -> Array:
        """Forward, backward, and a step of gradient descent."""
        scores = self.network.scores(self.model, batch)
        self.optimizer.zero_grad()
        self.network.criterion(scores, batch.labels).backward()
        self.optimizer.step()
        return self.network.output(scores.data)

    def predict(self, x: Array, chunk: int = 250) -> Array:
        """The module in evaluation, so many images at a time."""
        self.model.eval()
        with al.no_grad():
            parts = [self.model(al.from_numpy(x[i : i + chunk])).data for i in range(0, len(x), chunk)]
        return np.concatenate(parts)


class Given:
    """What `nn.Dropout(0.5)` draws from where the draws were made before: a 1 in the mask keeps."""

    def __init__(self, mask: Array | None) -> None:
        self.mask = mask

    def random(self, shape: tuple[int, ...]) -> Array:
        """A number for each draw, 0.5 for a 1 and 0.0 for a 0. Raises ValueError for another shape."""
        if self.mask is None or self.mask.shape != shape:
            drawn = "none was" if self.mask is None else f"one of {self.mask.shape} was"
            raise ValueError(f"dropout asks for a mask of {shape}, and {drawn} drawn")
        draws: Array = self.mask * 0.5
        return draws
