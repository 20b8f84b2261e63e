"""Weight pressure: which way each example pushes each weight, and what comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.plots.style import BLUE, INK, NORMAL, SMALL, VERMILION, settle, sheet, styled
from models.records import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UNDECIDED = 0.5  # a prediction between the goals 0 and 1
GAP = 1.6  # between the groups of columns, in columns
UP, DOWN = (BLUE, "^"), (VERMILION, "v")


def pressure(inputs: npt.ArrayLike, goals: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Array:
    """The push of each example on each weight, (examples, inputs): above 0 up, below 0 down, 0 not at all.

    It is against the slope of the squared error, halved: input * (goal - prediction). Without weights the prediction
    is 0.5, so that a goal of 1 pushes up and a goal of 0 down, as in the text's tables.

    >>> pressure([[1, 0], [1, 1]], [1, 0])
    array([[ 0.5,  0. ],
           [-0.5, -0.5]])
    """
    x, goal = np.asarray(inputs, dtype=float), np.asarray(goals, dtype=float).reshape(-1)
    prediction = np.full(len(x), UNDECIDED) if weights is None else x @ np.asarray(weights, dtype=float)
    pushes: Array = x * (goal - prediction)[:, None]
    return pushes + 0.0


def pressures(
    inputs: npt.ArrayLike,
    goals: npt.ArrayLike,
    *,
    title: str,
    weights: npt.ArrayLike | None = None,
    trained: npt.ArrayLike | None = None,
    answers: tuple[str, str] = ("stop", "walk"),
) -> Figure:
    """A table of pushes: a row for each example with its inputs, its goal and an arrow for each weight; then the sums.

    Weights are those at which the pushes are measured, as `pressure` has it; `trained` those that came of it.
    """
    x, goal = np.asarray(inputs, dtype=float), np.asarray(goals, dtype=float).reshape(-1)
    pushes = pressure(x, goal, weights)
    rows, columns = x.shape
    with styled():
        below = rows + 2.3 + 0.9 * (trained is not None)
        size = (0.5 * (2 * columns + GAP + 2.2) + 0.4, 0.31 * (below + 1.9) + 0.3)
        figure, grid = sheet(1, 1, size, f"{title}: which way each example pushes each weight")
        axes = grid[0, 0]
        axes.set_title(title)
        _examples(axes, x, goal, answers)
        _arrows(axes, pushes, columns + GAP + 1)
        _sums(axes, pushes, trained, columns + GAP + 1)
        axes.text(-0.5, below, _caption(weights), va="center", fontsize=SMALL)
        axes.set(xlim=(-0.6, 2 * columns + GAP + 0.6), ylim=(below + 0.3, -1.7))
        axes.set_axis_off()
        return settle(figure)


def _caption(weights: npt.ArrayLike | None) -> str:
    prediction = f"taken to be {UNDECIDED:g}" if weights is None else "that of the weights at the start"
    return f"▲ up, ▼ down, · not at all: the light is off.\nThe prediction is {prediction}."


def _examples(axes: Axes, x: Array, goal: Array, answers: tuple[str, str]) -> None:
    rows, columns = np.nonzero(np.ones(x.shape))
    axes.scatter(columns, rows, s=90, facecolors="none", edgecolors=INK, linewidths=0.9)
    rows, columns = np.nonzero(x > 0)
    axes.scatter(columns, rows, s=90 * x[x > 0] / x.max(), color=INK, linewidths=0)
    _heads(axes, x.shape[1], 0, "lights")
    axes.text(x.shape[1] + GAP / 2 - 0.2, -0.75, "goal", ha="center", va="center", fontsize=NORMAL)
    for row, value in enumerate(goal):
        word = answers[int(value)] if value in (0, 1) else f"{value:g}"
        axes.text(x.shape[1] + GAP / 2 - 0.2, row, word, ha="center", va="center", fontsize=NORMAL)


def _heads(axes: Axes, columns: int, left: float, group: str) -> None:
    axes.text(left + (columns - 1) / 2, -1.35, group, ha="center", va="center", fontsize=NORMAL)
    for column in range(columns):
        axes.text(left + column, -0.75, f"{column + 1}", ha="center", va="center", fontsize=SMALL)


def _arrows(axes: Axes, pushes: Array, left: float) -> None:
    most = float(np.max(np.abs(pushes))) or 1.0
    for (color, marker), chosen, label in ((UP, pushes > 0, "up"), (DOWN, pushes < 0, "down")):
        sizes = 30 + 70 * np.abs(pushes[chosen]) / most
        rows, columns = np.nonzero(chosen)
        axes.scatter(left + columns, rows, s=sizes, color=color, marker=marker, label=label, lw=0)
    rows, columns = np.nonzero(pushes == 0)
    axes.scatter(left + columns, rows, s=5, color=INK, label="none", linewidths=0)
    _heads(axes, pushes.shape[1], left, "push on weight")


def _sums(axes: Axes, pushes: Array, trained: npt.ArrayLike | None, left: float) -> None:
    rows, columns = pushes.shape
    axes.plot([-0.5, left + columns - 0.5], [rows - 0.35, rows - 0.35], color=INK, linewidth=0.8)
    axes.text(left - 1, rows + 0.2, "up : down", ha="right", va="center")
    axes.text(left - 1, rows + 1.1, "together", ha="right", va="center")
    for column, push in enumerate(pushes.T):
        ups, downs, total = int(np.sum(push > 0)), int(np.sum(push < 0)), float(np.sum(push))
        axes.text(left + column, rows + 0.2, f"{ups} : {downs}", ha="center", va="center")
        color, word = (INK, "even") if abs(total) < 1e-12 else (BLUE, "up") if total > 0 else (VERMILION, "down")
        axes.text(left + column, rows + 1.1, word, ha="center", va="center", color=color, weight="bold")
    if trained is not None:
        axes.text(left - 1, rows + 2.0, "weight after training", ha="right", va="center")
        for column, weight in enumerate(np.asarray(trained, dtype=float).reshape(-1)):
            axes.text(left + column, rows + 2.0, f"{weight:.2f}".replace("-", "−"), ha="center", va="center")
