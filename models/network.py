"""What every network of the book has in common: its examples, its versions, its graph, its printed line.

A `Network` knows how its weights start, in which order it sees its examples, and its forward pass and error in plain
tensors, under the book's names. A `Handwritten` is a training step written out in NumPy: "as-printed" is the text's
arithmetic, "corrected" is the gradient. What trains them is in `training.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

import autograd_lite as al
from autograd_lite import nn
from models.records import Array, Batch, Data, Deltas, Epoch, Figures, Layers, Printed, Weights

FRAMEWORK = "framework"
PRINTED, CORRECTED = "as-printed", "corrected"
Tensors = dict[str, al.Tensor]


@dataclass(frozen=True, kw_only=True, eq=False)
class Handwritten(ABC):
    """A training step written out in NumPy.

    `lr` is the learning rate and `signs` how each delta of a weight is applied: +1 for `weights += lr * delta`, -1
    for `weights -= lr * delta`; a weight that is not named there stays as it is. `updates` is how many times one
    forward pass is followed by deltas and update. `follows` is what the step is meant to follow: the "gradient", or
    the gradient's "sign" alone, with a step of fixed length; "nothing" is a forward pass that learns nothing.
    """

    lr: float = 0.0
    updates: int = 1
    signs: ClassVar[Mapping[str, int]] = {}
    follows: ClassVar[str] = "gradient"

    @abstractmethod
    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """The layers of one training step by name, the network's output last."""

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The deltas of layers and weights, output first, with nothing updated and nothing written into.

        Each goes by the name of the tensor of `Network.forward` that it belongs to, in the sign in which it is
        written.
        """
        return {}

    def deltas(self, weights: Weights, batch: Batch) -> Deltas:
        """Every delta that the step computes at these weights."""
        return self.backward(weights, batch, self.forward(weights, batch))

    def step(self, weights: Weights, batch: Batch) -> tuple[Layers, Deltas]:
        """Train on one batch, changing the weights in place; returns the layers before, and the last deltas."""
        layers, deltas = self.forward(weights, batch), Deltas()
        for _ in range(self.updates):
            deltas = self.backward(weights, batch, layers)
            self.update(weights, deltas)
        return layers, deltas

    def update(self, weights: Weights, deltas: Deltas) -> None:
        """Apply the deltas of the weights, each in its sign."""
        for name, sign in self.signs.items():
            weights[name] += sign * self.lr * deltas[name]


@dataclass(frozen=True, eq=False)
class Graph:
    """A forward pass in plain tensors: weights and layers by name, output last, and the error (None: forward only)."""

    weights: Tensors
    layers: Tensors
    error: al.Tensor | None

    @property
    def result(self) -> al.Tensor:
        """The error, or where there is none the output."""
        return list(self.layers.values())[-1] if self.error is None else self.error


@dataclass(frozen=True, kw_only=True, eq=False)
class Network(ABC):
    """A network of the book: its start, its examples in their order, its error, its versions.

    `versions` are the hand-written ones, by name: "as-printed", "corrected", either may be missing. `columns` are
    those of the printed line after the iteration. `objective` says `error` in words; without one the network is a
    forward pass alone. `frozen` weights are not trained.
    """

    id: str
    alias: str
    sentence: str
    epochs: int = 1
    columns: tuple[str, ...] = ()
    versions: Mapping[str, Handwritten]
    printed: Printed = field(default_factory=Printed)
    test_every: int = 1
    accuracy: float | None = None  # on the test examples after all epochs, corrected and framework: rounded down
    frozen: tuple[str, ...] = ()
    running: bool = False  # figures of the training run on from epoch to epoch
    decay: float = 1.0  # what the learning rate is multiplied by after each epoch
    objective: ClassVar[str | None] = None
    parameters: ClassVar[Mapping[str, str]] = {}  # where in the module each weight is; empty without a module
    tables: ClassVar[tuple[str, ...]] = ()  # weights with the same rows in both, as the vectors of words have

    @abstractmethod
    def data(self) -> Data:
        """The examples that the book uses. Raises FileNotFoundError, saying what to do, where they are not there."""

    @abstractmethod
    def start(self) -> tuple[Weights, np.random.RandomState]:
        """Fresh initial weights, and the random state as it is after they were drawn."""

    @abstractmethod
    def batches(self, data: Data, rng: np.random.RandomState) -> Iterator[Batch]:
        """The batches of one epoch in order; what is drawn for a batch is drawn when it is asked for."""

    @abstractmethod
    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """The layers in plain tensors, by the book's names, the output last: what `Handwritten.forward` computes."""

    def error(self, output: al.Tensor, batch: Batch) -> al.Tensor:
        """The error that training goes down, from the output for one batch: `objective` says it in words."""
        raise NotImplementedError(f"network {self.id} is a forward pass alone")

    def stated(self, output: al.Tensor, batch: Batch) -> al.Tensor:
        """The error as the text writes it, against which its deltas are held; `error`, unless that has a slip."""
        return self.error(output, batch)

    # What follows has an answer for all of them; a network overrides what differs.

    def module(self) -> nn.Module | None:
        """The network as a module, from inputs to output, its weights anything yet; None where there are no layers."""
        return None

    def answer(self, output: Array) -> Array:
        """What the hand-written versions put out last, from the output of `forward`: of scores, probabilities."""
        return output

    def predict(self, weights: Weights, x: Array) -> Array:
        """The network's output for each row of `x` as the book tests it: without dropout."""
        raise NotImplementedError(f"network {self.id} is not tested")

    def figures(self, output: Array, batch: Batch) -> Figures:
        """What a step with this output adds to the figures of its epoch."""
        return Figures(1)

    def test_figures(self, output: Array, data: Data) -> Figures:
        """What is counted on the test examples."""
        raise NotImplementedError(f"network {self.id} is not tested")

    def row(self, epoch: Epoch) -> dict[str, object]:
        """The values of the printed line, uncut, by column; columns that need a test are left out without one."""
        return {}

    def cell(self, column: str, value: object) -> str:
        """A value as the book prints it in this column."""
        return str(value)

    def focus(self, weights: Weights, batch: Batch) -> tuple[Weights, Batch]:
        """The same step on no more rows of its weights than it reads, so that it can be checked entry by entry."""
        return weights, batch

    def forget(self, weights: Weights) -> None:  # noqa: B027 - most have no state
        """Before an epoch of training: put the states that are kept among the weights back, in place."""

    def carry(self, weights: Weights, layers: Layers) -> None:  # noqa: B027 - most have no state
        """After a step: write what it hands on to the next, beside what it learned, into the weights that keep it."""

    def handed_on(self, model: nn.Module) -> Layers:
        """Of what the module computed last, the layers that `carry` asks for."""
        return {}

    def small(self) -> Network:
        """The same network in a size in which its derivatives can be checked entry by entry."""
        return self

    # The same for all

    def line(self, iteration: int, row: Mapping[str, object]) -> str:
        """One line of the printed table."""
        return " ".join([f"I:{iteration}", *(f"{name}:{self.cell(name, row[name])}" for name in self.columns)])

    def tensors(self, weights: Weights) -> Tensors:
        """A copy of the weights as leaf tensors under their names; the frozen ones require no gradient."""
        return {
            name: al.tensor(array, requires_grad=name not in self.frozen, name=name) for name, array in weights.items()
        }

    def graph(self, weights: Weights | Tensors, batch: Batch, stated: bool = False) -> Graph:
        """Run forward and error in plain tensors, each under its name."""
        given = {n: w for n, w in weights.items() if isinstance(w, al.Tensor)}
        leaves = given or self.tensors(weights)  # type: ignore[arg-type]
        layers = self.forward(leaves, batch)
        for name, layer in layers.items():
            layer.name = name
        output = list(layers.values())[-1]
        if self.objective is None:
            return Graph(leaves, layers, None)
        error = self.stated(output, batch) if stated else self.error(output, batch)
        error.name = error.name or "error"
        return Graph(leaves, layers, error)

    def build(self, weights: Weights) -> nn.Module:
        """The module with a copy of these weights, which have a row for each input, as in the text."""
        model = self.module()
        if model is None:
            raise TypeError(f"network {self.id} has no module: it is made of plain tensors")
        state = model.state_dict()
        laid_out = {name: weights[name] if name in self.tables else weights[name].T for name in self.parameters}
        places = self.parameters.items()
        model.load_state_dict({path: laid_out[name].reshape(state[path].shape) for name, path in places})
        return model

    def arrays(self, values: Mapping[str, Array]) -> Weights:
        """Arrays of the module's layout, by parameter path, as hand-written matrices: views of those that are there."""
        found = {name: values[path] for name, path in self.parameters.items() if path in values}
        same = {name for name, array in found.items() if array.ndim < 2 or name in self.tables}
        return {name: a if name in same else a.reshape(len(a), -1).T for name, a in found.items()}

    def output(self, model: nn.Module, batch: Batch) -> al.Tensor:
        """The module's output for a batch, dropout with the batch's mask; without one there is no dropout."""
        model.train(batch.mask is not None)
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.generator = Given(batch.mask)
        output: al.Tensor = model(al.from_numpy(batch.x))
        return output


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
