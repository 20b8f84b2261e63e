"""Activations with their slopes, by the input and by the output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from models.plots.style import BLUE, DASHES, PALETTE, SMALL, VERMILION, settle, sheet, styled
from models.slopes import Activation, OutputSlope, activations, from_output

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from models.records import Array

REACH = 4.0
POINTS = 401  # odd: 0 is one of them


def slopes(shown: Sequence[Activation] = activations, reach: float = REACH) -> Figure:
    """Each activation and its slope by the input, from -reach to reach; a slope that jumps is drawn as a jump.

    >>> figure = slopes()
    >>> [axes.get_title("left") for axes in figure.axes]
    ['sigmoid', 'tanh', 'relu', 'leaky relu']
    """
    z = np.linspace(-reach, reach, POINTS)
    names = ", ".join(activation.name for activation in shown)
    with styled():
        figure, grid = sheet(1, len(shown), (2.3 * len(shown), 2.6), f"Activations and their slopes by input: {names}")
        for axes, activation in zip(grid[0], shown, strict=True):
            _both(axes, z, activation.function(z), activation.slope(z))
            axes.set(xlabel="input", title=activation.name, ylim=(-1.15, 2.1))
        for axes in grid[0, 1:]:
            axes.tick_params(labelleft=False)
        return settle(figure)


def _both(axes: Axes, z: Array, outputs: Array, slopes: Array) -> None:
    axes.axhline(0, linewidth=0.5, color="#73737380")
    axes.axvline(0, linewidth=0.5, color="#73737380")
    axes.plot(z, np.where(outputs <= 2.1, outputs, np.nan), color=BLUE)
    axes.plot(z, slopes, color=VERMILION, linestyle=DASHES[1])
    axes.text(0.03, 0.97, "output", color=BLUE, fontsize=SMALL, transform=axes.transAxes, va="top")
    axes.text(0.03, 0.88, "slope", color=VERMILION, fontsize=SMALL, transform=axes.transAxes, va="top")


RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}  # of what comes out; of others it is taken to be 0 to 1
LABELED = {"relu": 0.75, "tanh": 0.42}  # where along the curve its name stands; of others in the middle


def slopes_from_output(shown: Sequence[OutputSlope] = from_output) -> Figure:
    """The slope of each activation by its own output, which is all that backpropagation has kept of it."""
    with styled():
        names = ", ".join(activation.name for activation in shown)
        figure, grid = sheet(1, 1, (4.2, 2.8), f"Slopes of activations by their output: {names}")
        axes = grid[0, 0]
        for place, activation in enumerate(shown):
            outputs = np.linspace(*RANGES.get(activation.name, (0.0, 1.0)), POINTS)
            slope = activation.slope(outputs)
            color = PALETTE[place % len(PALETTE)]
            axes.plot(outputs, slope, color=color, linestyle=DASHES[place % len(DASHES)])
            at = int(LABELED.get(activation.name, 0.5) * POINTS)
            top = (float(outputs[at]), float(slope[at]))
            label = {"textcoords": "offset points", "ha": "center", "va": "bottom", "fontsize": SMALL}
            axes.annotate(activation.name, top, (0, 5), color=color, **label)
        axes.set(xlabel="output of the activation", ylabel="slope", ylim=(-0.03, 1.1))
        return settle(figure)
