"""Chapter 15's federated learning: holders who train on their own mails, and what is made of their models.

A holder is whoever trains: here a function in this process. What they send each other is arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from models.network import FRAMEWORK, Network
from models.records import Array, Data, Weights
from models.training import trainer

Holder = Callable[[Weights], Weights]
Aggregate = Callable[[Sequence[Weights]], Weights]


def holder(network: Network, data: Data, version: str = FRAMEWORK) -> Holder:
    """One who trains a copy of the model that is sent, one pass over `data`, and returns the trained weights."""

    def train(weights: Weights) -> Weights:
        learner = trainer(network, version, {name: weight.copy() for name, weight in weights.items()})
        for batch in network.batches(data, np.random.RandomState(0)):
            learner.step(batch)
        return {name: weight.copy() for name, weight in learner.weights.items()}

    return train


def split(data: Data, bounds: Sequence[int] = (1000, 2000)) -> list[Data]:
    """The training examples of each holder: rows up to the first bound, up to the next, and the rest.

    >>> [part.x_train.tolist() for part in split(Data(np.arange(5), np.zeros(5)), (2, 4))]
    [[0, 1], [2, 3], [4]]
    """
    cuts = zip(np.split(data.x_train, bounds), np.split(data.labels_train, bounds), strict=True)
    return [Data(x, labels, data.x_test, data.labels_test) for x, labels in cuts]


def mean(models: Sequence[Weights]) -> Weights:
    """Federated averaging: the mean of the models, weight by weight (McMahan et al., 2017)."""
    return {name: np.mean([model[name] for model in models], axis=0) for name in models[0]}


def masked_mean(models: Sequence[Weights], seed: int = 0, scale: float = 1.0) -> Weights:
    """The mean of models that nobody sees: what is added up are those of `masked`, whose masks cancel."""
    return mean(masked(models, seed, scale))


def masked(models: Sequence[Weights], seed: int = 0, scale: float = 1.0) -> list[Weights]:
    """What each holder sends: its model, and for each pair of holders a mask that one adds and the other takes off.

    The sum is that of the models, to rounding; each alone is noise. (Bonawitz et al., 2017, without holders who drop
    out and without an exchange of keys: here the seeds of the pairs are drawn from one.)

    >>> sent = masked([{"w": np.array([1.0])}, {"w": np.array([3.0])}], seed=0)
    >>> round(float(sent[0]["w"][0]), 3), round(float(sum(model["w"][0] for model in sent)), 12)
    (1.126, 4.0)
    """
    sent = [{name: weight.copy() for name, weight in model.items()} for model in models]
    pairs = list(combinations(range(len(models)), 2))
    for (one, other), seeds in zip(pairs, np.random.SeedSequence(seed).spawn(len(pairs)), strict=True):
        rng = np.random.default_rng(seeds)
        for name, weight in models[one].items():
            mask = rng.normal(0.0, scale, weight.shape)
            sent[one][name] += mask
            sent[other][name] -= mask
    return sent


def aggregate_as_printed(models: Sequence[Weights]) -> Weights:
    """What the text decrypts: each holder's encrypted model takes the place of the one before, none is added."""
    total = Weights()
    for model in models:
        total = model
    return {name: weight / len(models) for name, weight in total.items()}


def rounds(
    holders: Sequence[Holder], weights: Weights, count: int = 3, aggregate: Aggregate = mean
) -> Iterator[Weights]:
    """So many times: every holder trains from the same model, and the aggregate is the next one.

    >>> doubled, halved = (lambda w: {"w": 2 * w["w"]}), (lambda w: {"w": w["w"] / 2})
    >>> [float(model["w"]) for model in rounds([doubled, halved], {"w": np.array(4.0)}, 2)]
    [5.0, 6.25]
    """
    for _ in range(count):
        weights = aggregate([train(weights) for train in holders])
        yield weights


def leaked(before: Mapping[str, Array], after: Mapping[str, Array], vocabulary: Sequence[str]) -> dict[str, float]:
    """The words whose weight a step changed, and by how much: those of the mails that it was made on.

    `before` and `after` hold a table `embed` of one weight for each word.
    """
    change = (after["embed"] - before["embed"])[:, 0]
    return {vocabulary[number]: float(change[number]) for number in map(int, np.flatnonzero(change))}
