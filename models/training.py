"""Training a version of a network: an epoch for each record asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

import autograd_lite as al
from models.network import CORRECTED, FRAMEWORK, Graph, Handwritten, Network
from models.records import Array, Batch, Data, Deltas, Epoch, Figures, Layers, Record, Weights


class Trainer(ABC):
    """One version of a network in training; `weights` are the arrays that it changes."""

    network: Network
    weights: Weights

    @abstractmethod
    def step(self, batch: Batch) -> tuple[Layers, Deltas]:
        """Train on one batch; returns the layers before it, the output last, and what deltas are known."""

    @abstractmethod
    def slow_down(self, factor: float) -> None:
        """Multiply the learning rate."""

    def predict(self, x: Array) -> Array:
        """The output for each row of `x`, without dropout."""
        return self.network.predict(self.weights, x)


class ByHand(Trainer):
    """Trains a hand-written version, on the weights that it is given."""

    def __init__(self, network: Network, handwritten: Handwritten, weights: Weights) -> None:
        self.network, self.handwritten, self.weights = network, handwritten, weights

    def step(self, batch: Batch) -> tuple[Layers, Deltas]:
        """The hand-written step."""
        return self.handwritten.step(self.weights, batch)

    def slow_down(self, factor: float) -> None:
        """Multiply the learning rate."""
        self.handwritten = replace(self.handwritten, lr=self.handwritten.lr * factor)


class Plain(Trainer):
    """Trains plain tensors, from a copy of the weights, at the corrected version's rate."""

    def __init__(self, network: Network, weights: Weights) -> None:
        self.network, self.tensors = network, network.tensors(weights)
        self.handwritten = network.versions.get(CORRECTED)
        self.weights = {name: tensor.data for name, tensor in self.tensors.items()}
        trained = [tensor for tensor in self.tensors.values() if tensor.requires_grad]
        lr = 0.0 if self.handwritten is None else self.handwritten.lr
        self.optimizer = al.optim.SGD(trained, lr=lr) if trained and lr else None

    def step(self, batch: Batch) -> tuple[Layers, Deltas]:
        """Forward, backward, and a step of gradient descent, or of its sign's."""
        graph = self.network.graph(self.tensors, batch)
        deltas = self._learn(graph) if graph.error is not None and self.optimizer is not None else {}
        layers = {name: layer.data for name, layer in graph.layers.items()}
        return layers | {"answer": self.network.answer(list(layers.values())[-1])}, deltas

    def slow_down(self, factor: float) -> None:
        """Multiply the learning rate."""
        if self.optimizer is not None:
            _slow_down(self.optimizer, factor)

    def _learn(self, graph: Graph) -> Deltas:
        assert graph.error is not None
        assert self.optimizer is not None
        assert self.handwritten is not None
        self.optimizer.zero_grad()
        graph.error.backward()
        deltas = {name: tensor.grad.data for name, tensor in self.tensors.items() if tensor.grad is not None}
        if self.handwritten.follows == "sign":
            for name, delta in deltas.items():
                self.tensors[name].grad = al.tensor(np.sign(delta))
        self.optimizer.step()
        return deltas


class Modular(Trainer):
    """Trains the network's module: from a copy of the weights, at the corrected version's rate."""

    def __init__(self, network: Network, weights: Weights) -> None:
        self.network, self.model = network, network.build(weights)
        by_path = {**dict(self.model.named_buffers()), **dict(self.model.named_parameters())}
        trained = dict.fromkeys(path for name, path in network.parameters.items() if name not in network.frozen)
        self.optimizer = al.optim.SGD([by_path[path] for path in trained], lr=network.versions[CORRECTED].lr)
        self.weights = network.arrays({path: parameter.data for path, parameter in by_path.items()})

    def step(self, batch: Batch) -> tuple[Layers, Deltas]:
        """Forward, backward, and a step of gradient descent."""
        output = self.network.output(self.model, batch)
        self.optimizer.zero_grad()
        self.network.error(output, batch).backward()
        self.optimizer.step()
        return {**self.network.handed_on(self.model), "answer": self.network.answer(output.data)}, {}

    def slow_down(self, factor: float) -> None:
        """Multiply the learning rate."""
        _slow_down(self.optimizer, factor)


def _slow_down(optimizer: al.optim.Optimizer, factor: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] *= factor


class Parallel(Modular):
    """Trains the network's module on all ranks, each on its part of every batch: the steps are those of one process."""

    def __init__(self, network: Network, weights: Weights) -> None:
        super().__init__(network, weights)
        self.parallel = al.distributed.DistributedDataParallel(self.model)

    def step(self, batch: Batch) -> tuple[Layers, Deltas]:
        """As in one process; the answer is that for the whole batch, of which every rank has a part."""
        rank, ranks = al.distributed.get_rank(), al.distributed.get_world_size()
        part = batch.part(rank, ranks)
        output = self.network.output(self.parallel, part)
        self.optimizer.zero_grad()
        self.network.error(output, part).backward()
        self.optimizer.step()
        whole = np.empty((len(batch.x), *output.shape[1:]))
        for other, rows in enumerate(_of_all_ranks(output.data)):
            whole[other::ranks] = rows
        return {"answer": self.network.answer(whole)}, {}

    def predict(self, x: Array) -> Array:
        """Each rank predicts its part of the rows; all get the whole."""
        rank, ranks = al.distributed.get_rank(), al.distributed.get_world_size()
        mine = super().predict(np.array_split(x, ranks)[rank])
        return np.concatenate(_of_all_ranks(mine))


def _of_all_ranks(mine: Array) -> list[Array]:
    found = [mine] * al.distributed.get_world_size()
    al.distributed.all_gather_object(found, mine)
    return found


def trainer(network: Network, version: str, weights: Weights, distributed: bool = False) -> Trainer:
    """Whoever trains this version, from these weights on. Raises ValueError for an unknown one."""
    if distributed:
        return Parallel(network, weights)
    if version == FRAMEWORK:
        return Plain(network, weights) if network.module() is None else Modular(network, weights)
    if version not in network.versions:
        names = ", ".join((*network.versions, FRAMEWORK))
        raise ValueError(f"network {network.id} has no version {version!r}; it has {names}")
    return ByHand(network, network.versions[version], weights)


def train(
    network: Network,
    version: str = FRAMEWORK,
    epochs: int | None = None,
    data: Data | None = None,
    distributed: bool = False,
) -> Iterator[Record]:
    """Train from the start, an epoch for each record asked for; the last epoch is always tested.

    With `distributed` all ranks train together, on parts of the batches.
    """
    epochs = network.epochs if epochs is None else epochs
    if epochs < 0:
        raise ValueError(f"epochs must be 0 or more, not {epochs}")
    weights, rng = network.start()
    learner = trainer(network, version, weights, distributed)
    data = network.data() if data is None else data
    return _records(network, learner, rng, epochs, data)


def _records(
    network: Network, learner: Trainer, rng: np.random.RandomState, epochs: int, data: Data
) -> Iterator[Record]:
    counted = Figures()
    for iteration in range(epochs):
        counted = counted if network.running else Figures()
        layers, deltas = Layers(), Deltas()
        network.forget(learner.weights)
        for batch in network.batches(data, rng):
            layers, deltas = learner.step(batch)
            network.carry(learner.weights, layers)
            counted += network.figures(list(layers.values())[-1], batch)
        tested = iteration % network.test_every == 0 or iteration == epochs - 1
        learner.slow_down(network.decay)
        test = _test(network, learner, data) if tested else None
        epoch = Epoch(iteration, len(data.x_train), counted, test, layers, deltas, learner.weights)
        row = network.row(epoch)
        complete = tested and all(column in row for column in network.columns)
        yield Record(epoch, row, network.line(iteration, row) if complete else None)


def _test(network: Network, learner: Trainer, data: Data) -> Figures | None:
    if data.x_test is None or data.labels_test is None:
        return None
    return network.test_figures(learner.predict(data.x_test), data)


class EarlyStopping:
    """The records of a training, until the test error has not become smaller for so many tests.

    At the end, however it was reached, the weights in training are again those of `best`, the record with the
    smallest test error. That is the error by example where it is counted, else the share of wrong answers. Raises
    ValueError for a patience below 1, and where no record was tested.

    >>> from models import find
    >>> records = EarlyStopping(train(find("8.3"), epochs=1), patience=3)
    >>> last = list(records)[-1]
    >>> records.best is last, records.stopped
    (True, False)
    """

    def __init__(self, records: Iterable[Record], patience: int) -> None:
        if patience < 1:
            raise ValueError(f"patience must be 1 or more, not {patience}")
        self.records, self.patience = records, patience
        self.best: Record | None = None
        self.stopped = False

    def __iter__(self) -> Iterator[Record]:
        """The records as they come; the last is the one that made it stop."""
        smallest, kept, waited = np.inf, Weights(), 0
        for record in self.records:
            if record.epoch.test is not None:
                error = error_of_test(record.epoch.test)
                waited = 0 if error < smallest else waited + 1
                if waited == 0:
                    smallest, self.best = error, record
                    kept = {name: array.copy() for name, array in record.epoch.weights.items()}
                self.stopped = waited == self.patience
            yield record
            if self.stopped:
                break
        if self.best is None:
            raise ValueError(
                "no epoch was tested with an error that can be compared: there is nothing to stop early by"
            )
        for name, array in self.best.epoch.weights.items():
            array[...] = kept[name]


def error_of_test(test: Figures) -> float:
    """The test error by example: the squared error or cross-entropy where it was counted, else wrong answers."""
    for total in (test.error, test.cross_entropy):
        if total is not None:
            return total / test.examples
    return 1 - test.correct / test.examples
