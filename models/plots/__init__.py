"""Plots of what the networks do and learn, with matplotlib: each function returns a Figure, `svg` makes it a picture.

Nothing here touches pyplot: figures belong to whoever asked for them. They need the extra `models`.

>>> from models import find, train
>>> picture = svg(curves({"streetlights": train(find("6.2"), "corrected")}))
>>> picture.startswith("<svg "), "epoch</text>" in picture
(True, True)
"""

from __future__ import annotations

from models.plots.bowl import Walk, bowls
from models.plots.curves import chapter_08, curves
from models.plots.images import digits, images, kernels
from models.plots.pressure import pressure, pressures
from models.plots.slopes import slopes, slopes_from_output
from models.plots.style import svg
from models.plots.word_map import word_map

__all__ = [
    "Walk",
    "bowls",
    "chapter_08",
    "curves",
    "digits",
    "images",
    "kernels",
    "pressure",
    "pressures",
    "slopes",
    "slopes_from_output",
    "svg",
    "word_map",
]
