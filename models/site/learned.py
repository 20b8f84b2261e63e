"""What a network learned: its trainings, their curves, and pictures of its weights chosen by what the network is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models import plots, training, words
from models.chapter_04 import OneWeight
from models.network import CORRECTED, PRINTED, Network
from models.plots import Walk
from models.records import Array, Data, Epoch, Figures, Record, Weights
from models.slopes import activations, from_output
from models.small import Small
from models.word_network import WordNetwork

QUICK = 5000  # training examples that a quick training sees
SMALL = 500  # examples of which a training is always a full one
# examples that are trained on, quickly and in full, where each of them is hundreds of steps, or a long one
FEW = {"11.3": (50, 2000), "14.2": (5, 195), "14.3": (2, 50)}
UNITS = 40  # hidden units whose weights are shown as pictures
ASKED = ("beautiful", "terrible")  # words of a map, where the network is not asked for others
NUMBERS = 40  # of weights that are shown as numbers
ROWS = 8  # examples whose pressure is shown


@dataclass(frozen=True, eq=False)
class Run:
    """One training of one version: what was counted, without layers and deltas, and the weights that came of it."""

    version: str
    records: list[Record]
    weights: Weights

    @property
    def last(self) -> str:
        """The last line that the training prints, as the book would."""
        return next((r.line for r in reversed(self.records) if r.line), "")


@dataclass(frozen=True, eq=False)
class Learned:
    """The trainings of a network, in words how far they went and on what, and whether that was cut short."""

    runs: Mapping[str, Run]
    extent: str
    short: bool = False


@dataclass(frozen=True)
class Figure:
    """A picture as SVG with a caption."""

    svg: str
    caption: str


def learn(network: Network, quick: bool) -> Learned:
    """Train the hand-written versions; quickly, on no more than `QUICK` examples. Raises FileNotFoundError."""
    data = network.data()
    size, epochs = len(data.x_train), network.epochs
    if network.id in FEW:
        data = words.first(data, FEW[network.id][not quick])
    elif quick and size > SMALL:
        data, epochs = words.first(data, QUICK), max(1, min(epochs, QUICK // size))
    versions = [name for name in (PRINTED, CORRECTED) if name in network.versions]
    runs = {name: _run(network, name, epochs, data) for name in versions}
    used = len(data.x_train)
    return Learned(runs, _extent(network, epochs, used, size), quick and (used < size or epochs < network.epochs))


def _extent(network: Network, epochs: int, used: int, size: int) -> str:
    parts = [f"{epochs:,} of {network.epochs:,} epochs" if epochs < network.epochs else _counted(epochs, "epoch")]
    parts += [f"the first {used:,} of {size:,} examples"] if used < size else []
    return " on ".join(parts)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _run(network: Network, version: str, epochs: int, data: Data) -> Run:
    records, weights = [], Weights()
    for record in training.train(network, version, epochs, data):
        weights = record.epoch.weights
        records.append(replace(record, epoch=_thin(record.epoch)))
    return Run(version, records, {name: weight.copy() for name, weight in weights.items()})


def _thin(epoch: Epoch) -> Epoch:
    """An epoch without its arrays: thousands of them are kept."""
    counted = [None if f is None else replace(f, output=None) for f in (epoch.train, epoch.test)]
    assert isinstance(counted[0], Figures)
    return replace(epoch, train=counted[0], test=counted[1], layers={}, deltas={}, weights={})


# Curves


def curves(network: Network, learned: Learned, told: bool) -> Figure | None:
    """Errors and accuracies by epoch, of both versions where something is `told` of the text's, else of one."""
    runs = list(learned.runs.values())
    shown = runs if told else runs[:1]
    if not shown or (learned.runs and len(shown[0].records) < 2):
        return None
    named = {f"{network.id} {network.alias}, {run.version}" if len(shown) == 1 else run.version: run for run in shown}
    try:
        figure = plots.curves({_plain(name): run.records for name, run in named.items()})
    except ValueError:  # nothing was counted
        return None
    return Figure(plots.svg(figure, "plot-curves"), f"Training by epoch: {', '.join(r.version for r in shown)}.")


def _plain(text: str) -> str:
    """A short title."""
    return text if len(text) <= 60 else f"{text[:59]}…"


# Pictures


def pictures(network: Network, learned: Learned) -> list[Figure]:
    """Whatever there is to see of what was learned, in pictures."""
    made = [*_bowls(network, learned), *_pressures(network, learned), *_weights(network, learned)]
    return _figures("picture", [*made, *_words(network, learned)])


def slopes(ops: set[str]) -> list[Figure]:
    """The activations among the ops of a graph with their slopes; of those that bend, by their output, too."""
    shown = [a for a in activations if a.name in ops]
    bent = [a for a in from_output if a.name in ops and a.name != "relu"]
    made = [(plots.slopes(shown), "The output, and the slope that the backward pass multiplies by.")] if shown else []
    made += [(plots.slopes_from_output(bent), "The same slope by the activation's own output.")] if bent else []
    return _figures("slope", made)


def _figures(prefix: str, made: Sequence[tuple[Any, str]]) -> list[Figure]:
    return [Figure(plots.svg(figure, f"plot-{prefix}-{k}"), caption) for k, (figure, caption) in enumerate(made, 1)]


def trained(learned: Learned) -> Run | None:
    """The training whose weights are shown: that by the gradient, where there is one."""
    return learned.runs.get(CORRECTED) or learned.runs.get(PRINTED)


def _bowls(network: Network, learned: Learned) -> Iterator[tuple[Any, str]]:
    if isinstance(network, OneWeight):
        walks = [Walk.of(network, run.records) for run in learned.runs.values() if "weight" in run.records[0].row]
        walks = [
            replace(walk, title=_plain(version))
            for walk, version in zip(walks, learned.runs, strict=False)
            if np.ptp(walk.weights)
        ]
        if walks:
            yield plots.bowls(walks), "The error by weight, and the steps of the training in it."


def _pressures(network: Network, learned: Learned) -> Iterator[tuple[Any, str]]:
    if not isinstance(network, Small) or network.goals is None:
        return
    data, run = network.data(), trained(learned)
    goals = data.labels_train.reshape(len(data.x_train), -1)
    yes_or_no = goals.shape[1] == 1 and bool(np.isin(goals, (0, 1)).all())
    if yes_or_no and 1 < len(goals) <= ROWS and data.x_train.shape[1:] > (1,) and data.x_train.min() >= 0:
        alone = next(iter(run.weights.values())) if run is not None and len(run.weights) == 1 else None
        figure = plots.pressures(data.x_train, goals, title=_plain(network.alias), trained=alone)
        what = "each weight" if alone is not None else "one weight for each input, without a hidden layer"
        yield figure, f"Which way each example pushes {what}, and what the pushes come to together."


def _weights(network: Network, learned: Learned) -> Iterator[tuple[Any, str]]:
    run, (start, _) = trained(learned), network.start()
    for name, weight in () if run is None else run.weights.items():
        if name == "kernels":
            yield plots.kernels(weight), f"The kernels, three by three pixels each, after {learned.extent}."
        elif weight.shape[1:] == (784,):
            yield plots.digits(weight), f"The weights of each digit, after {learned.extent}."
        elif weight.shape[:1] == (784,):
            units = (weight - start[name]).T.reshape(-1, 28, 28)[:UNITS]
            names = [f"{k + 1}" for k in range(len(units))]
            few = f"the first {UNITS} of {weight.shape[1]}" if weight.shape[1] > UNITS else f"the {len(units)}"
            figure = plots.images(units, names, columns=8, inches=0.85)
            yield figure, f"What {few} hidden units learned: by pixel, the change of their weights, {learned.extent}."


def _words(network: Network, learned: Learned) -> Iterator[tuple[Any, str]]:
    run = trained(learned)
    if isinstance(network, WordNetwork) and run is not None:
        vocabulary = network.corpus().vocabulary
        asked = [word for word in network.asked if word in vocabulary] or [w for w in ASKED if w in vocabulary]
        if asked:
            figure = plots.word_map(run.weights["weights_0_1"], vocabulary, asked)
            yield figure, f"The words nearest to {' and '.join(asked)}, after {learned.extent}."


def numbers(network: Network, learned: Learned) -> list[tuple[str, Array, Array]]:
    """Small weights before and after the training, by name."""
    run, (start, _) = trained(learned), network.start()
    if run is None or not run.records:
        return []
    return [
        (name, weight, run.weights[name])
        for name, weight in start.items()
        if weight.size <= NUMBERS and not np.array_equal(weight, run.weights[name])
    ]
