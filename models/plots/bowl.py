"""The bowl that the error of one weight makes, and the steps of gradient descent in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.chapter_04 import OneWeight
from models.plots.style import INK, SMALL, VERMILION, power, settle, sheet, styled
from models.records import Array, Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3
NOTE = SMALL + 0.5  # points
ROOM = 1.8  # how much wider the bowl is drawn than the walk in it: the first step's name stands outside
SEEN = 3  # steps that are shown of a training that runs away


@dataclass(frozen=True, eq=False)
class Walk:
    """One weight in training: where it has been, from the start on, on the bowl of (input * weight - goal) ** 2."""

    title: str
    input: float
    goal: float
    weights: Array

    @classmethod
    def of(cls, network: OneWeight, records: Iterable[Record]) -> Walk:
        """The walk that records of a network of chapter 4 tell of."""
        data, (start, _) = network.data(), network.start()
        weights = [float(start["weight"]), *(float(r.row["weight"]) for r in records)]  # type: ignore[arg-type]
        return cls(f"{network.id} {network.alias}", data.x_train.item(), data.labels_train.item(), np.array(weights))

    def error(self, weights: Array) -> Array:
        """The error at these weights."""
        error: Array = (self.input * weights - self.goal) ** 2
        return error

    @property
    def bottom(self) -> float:
        """The weight without error."""
        return self.goal / self.input

    @property
    def seen(self) -> int:
        """How many of the weights to show: all, or the first ones of a walk that leads out of the bowl."""
        away = np.abs(self.weights - self.bottom)
        return len(away) if away[-1] <= away[0] else min(SEEN + 1, len(away))


def bowls(walks: Sequence[Walk]) -> Figure:
    """A bowl for each walk, its steps in it, numbered as far as there is room. Raises ValueError without a walk.

    >>> from models import find, train
    >>> network = find("4.4")
    >>> figure = bowls([Walk.of(network, train(network, "as-printed"))])
    >>> len(figure.axes[0].lines[1].get_xdata())
    21
    """
    if not walks:
        raise ValueError("there is no walk to draw")
    columns = min(COLUMNS, len(walks))
    rows = -(-len(walks) // columns)
    words = f"Error by weight with the steps of gradient descent: {', '.join(walk.title for walk in walks)}"
    with styled():
        figure, grid = sheet(rows, columns, (3.0 * columns, 2.7 * rows), words)
        for axes, walk in zip(grid.flat, walks, strict=False):
            _bowl(axes, walk)
        for axes in grid.flat[len(walks) :]:
            axes.set_axis_off()
        for axes in grid[:, 0]:
            axes.set_ylabel("error")
        return settle(figure)


def _bowl(axes: Axes, walk: Walk) -> None:
    from matplotlib.ticker import MaxNLocator

    weights = walk.weights[: walk.seen]
    radius = ROOM * float(np.max(np.abs(weights - walk.bottom))) or 1.0
    line = np.linspace(walk.bottom - radius, walk.bottom + radius, 201)
    axes.plot(line, walk.error(line), color=INK, linewidth=1.2)
    errors = walk.error(weights)
    axes.plot(weights, errors, "o-", color=VERMILION, markersize=4, linewidth=0.9)
    top = 1.4 * float(errors.max()) or 1.0
    axes.set(xlabel="weight", xlim=(line[0], line[-1]), ylim=(-0.04 * top, top))
    axes.set_title(f"{walk.title}\n{_words(walk)}", fontsize=NOTE)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    _numbers(axes, weights, errors, walk.bottom, radius, top)


def _words(walk: Walk) -> str:
    steps, first, last = len(walk.weights) - 1, walk.weights[0], walk.weights[-1]
    count = f"{steps} step" + "s" * (steps != 1)
    if walk.seen == len(walk.weights):
        return f"input {walk.input:g}, {count}: {first:.4g} to {last:.4g}"
    return f"input {walk.input:g}, {count}: {first:.4g} to {power(last)};\nfrom step {walk.seen} on out of the picture"


def _numbers(axes: Axes, weights: Array, errors: Array, bottom: float, radius: float, top: float) -> None:
    """The number of each step outside the bowl beside its dot, where no other dot is in its way."""
    for number, (weight, error) in enumerate(zip(weights, errors, strict=True)):
        left = weight < bottom
        outward = (weights - weight) * (-1 if left else 1) / radius
        hidden = (outward > -0.02) & (outward < 0.2) & (np.abs(errors - error) < 0.07 * top)
        hidden[number] = False
        if number and hidden.any():
            continue
        text = "start" if number == 0 else str(number)
        axes.annotate(
            text,
            (weight, error),
            (-6 if left else 6, -1),
            textcoords="offset points",
            ha="right" if left else "left",
            va="center",
            fontsize=SMALL,
            color=VERMILION,
        )
