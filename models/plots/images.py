"""Weights as pictures: the ten of a network that reads digits, the kernels of a convolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.plots.style import SMALL, diverging, settle, sheet, styled
from models.records import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def digits(weights: Array) -> Figure:
    """The weights of 5.5, a row of 784 for each digit, as ten pictures."""
    return images(weights.reshape(len(weights), 28, 28), [f"{digit}" for digit in range(len(weights))], 5)


def kernels(weights: Array) -> Figure:
    """The kernels of 10.1, a column of nine weights for each, as pictures of 3 by 3."""
    return images(weights.T.reshape(-1, 3, 3), [f"{kernel + 1}" for kernel in range(weights.shape[1])], 8, 0.85)


def images(weights: npt.ArrayLike, names: Sequence[str], columns: int = 5, inches: float = 1.3) -> Figure:
    """Arrays (n, rows, columns) as pictures of one scale: blue below 0, white at 0, vermilion above.

    Raises ValueError without a picture, and where there are more or fewer names.

    >>> figure = images(np.eye(3).reshape(1, 3, 3), ["one"])
    >>> figure.axes[0].images[0].get_array().tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    pictures = np.asarray(weights, dtype=float)
    if len(pictures) == 0:
        raise ValueError("there is no picture to draw")
    if len(pictures) != len(names):
        raise ValueError(f"{len(pictures)} pictures have {len(names)} names")
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    most = float(np.max(np.abs(pictures))) or 1.0
    size = (inches * columns + 0.9, (0.88 * inches + 0.26) * rows)
    words = f"Weights as {len(pictures)} pictures of {pictures.shape[1]} by {pictures.shape[2]}"
    with styled():
        figure, grid = sheet(rows, columns, size, words)
        shown = None
        for axes, picture, name in zip(grid.flat, pictures, names, strict=False):
            shown = axes.imshow(picture, cmap=diverging(), vmin=-most, vmax=most, interpolation="none")
            axes.set_title(name, fontsize=SMALL, pad=3)
        for axes in grid.flat:
            axes.set_axis_off()
        assert shown is not None
        bar = figure.colorbar(shown, ax=grid, label="weight", shrink=0.9, aspect=14 * rows)
        bar.outline.set_visible(False)
        return settle(figure)
