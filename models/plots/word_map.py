"""Words nearest to a word on a map: the plane in which their vectors differ most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from models.plots.style import NORMAL, PALETTE, SMALL, settle, sheet, styled
from models.records import Array
from models.words import nearest, unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

MARKERS = "osD^"
AWAY = (5.0, 9.0, 14.0, 22.0, 32.0)  # how far from its dot a label may stand, in points
LED = 11.0  # from where on a line leads to it
LONGEST = 24  # letters of a word
RING = 8.0  # what a dot with a ring needs

_Place: TypeAlias = tuple[float, float, str, str]  # right, up, which side and edge of the word


@dataclass(frozen=True, eq=False)
class Plane:
    """Vectors as points (n, 2) of the plane in which they differ most; the share of the variance along each axis."""

    points: Array
    shares: Array


def plane(vectors: Array) -> Plane:
    """Principal components by singular values; of each direction, the largest entry points up.

    >>> found = plane(np.array([[0.0, 1.0, 5.0], [4.0, 1.0, 5.0], [2.0, 2.0, 5.0], [2.0, 0.0, 5.0]]))
    >>> found.points.round(9).tolist(), found.shares.round(2).tolist()
    ([[-2.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, -1.0]], [0.8, 0.2])
    """
    centred = vectors - np.mean(vectors, axis=0)
    _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    points, shares = np.zeros((len(vectors), 2)), np.zeros(2)
    total = float(np.sum(lengths**2)) or 1.0
    for axis, direction in enumerate(directions[:2]):
        sign = -1.0 if direction[np.argmax(np.abs(direction))] < 0 else 1.0
        points[:, axis] = sign * (centred @ direction)
        shares[axis] = lengths[axis] ** 2 / total
    return Plane(points + 0.0, shares)


def word_map(
    table: Array, vocabulary: Sequence[str], words: Sequence[str], count: int = 10, *, cosine: bool = False
) -> Figure:
    """The `count` words nearest to each of `words`, that word with them, on one map; a colour and a shape for each.

    `table` is (words, d). Neighbours are those of `models.words.nearest`; what several words share counts for the
    first. The axes are the principal components of the neighbours' vectors (unit vectors with `cosine`).
    """
    if not 1 <= len(words) <= len(PALETTE):
        raise ValueError(f"a map can show the neighbours of 1 to {len(PALETTE)} words, not of {len(words)}")
    owner: dict[str, int] = {}
    for number, word in enumerate(words):
        for near, _ in nearest(table, vocabulary, word, count, cosine=cosine):
            owner.setdefault(near, number)
    owner |= {word: number for number, word in enumerate(words)}
    rows = table[[vocabulary.index(word) for word in owner]]
    found = plane(unit(rows) if cosine else rows)
    with styled():
        wide, high = np.ptp(found.points, axis=0)
        height = float(np.clip(0.9 + 4.2 * high / (wide or 1.0), 3.0, 5.6))
        figure, grid = sheet(1, 1, (6.4, height), f"A map of the words nearest to {' and '.join(words)}")
        axes = grid[0, 0]
        _dots(axes, found, np.array(list(owner.values())), [word in words for word in owner])
        settle(figure)
        _labels(axes, found.points, list(owner.items()), set(words))
    return figure


def _dots(axes: Axes, found: Plane, owners: Array, asked: Sequence[bool]) -> None:
    for number in range(int(owners.max()) + 1):
        points = found.points[owners == number]
        across, up = points.T
        axes.scatter(across, up, s=16, color=PALETTE[number], marker=MARKERS[number], linewidths=0)
    for point, number in zip(found.points[asked], owners[asked], strict=True):
        ring: dict[str, Any] = {"s": 90, "facecolors": "none", "edgecolors": PALETTE[number], "marker": MARKERS[number]}
        axes.scatter(point[:1], point[1:], linewidths=1.2, **ring)
    for name, share in zip("xy", found.shares, strict=True):
        which = "first" if name == "x" else "second"
        axes.set(**{f"{name}label": f"{which} direction ({share:.0%} of the variance)"})
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.16, 0.1)


def _labels(axes: Axes, points: Array, words: Sequence[tuple[str, int]], asked: set[str]) -> None:
    """Each word beside its dot, at the first of some places where it stands on nothing; asked words choose first."""
    from matplotlib.transforms import Bbox

    pixels = axes.transData.transform(points)
    wide = [RING if word in asked else 4.0 for word, _ in words]
    taken = [Bbox.from_extents(x - w, y - w, x + w, y + w) for (x, y), w in zip(pixels, wide, strict=True)]
    for place in sorted(range(len(words)), key=lambda place: words[place][0] not in asked):
        word, number = words[place]
        bold = word in asked
        taken += _label(axes, points[place], word, PALETTE[number], bold, taken)


def _label(axes: Axes, point: Array, word: str, color: str, bold: bool, taken: Sequence[Bbox]) -> list[Bbox]:
    """Write a word where it hides least of what is taken; returns what it takes, the line that leads to it with it."""
    at = (float(point[0]), float(point[1]))
    shown = word if len(word) <= LONGEST else f"{word[: LONGEST - 1]}…"
    size, weight = (NORMAL + 1, "bold") if bold else (SMALL, "normal")
    look: dict[str, Any] = {"color": color, "fontsize": size, "fontweight": weight, "annotation_clip": False}
    note = axes.annotate(shown, at, (0, 0), textcoords="offset points", **look)
    fits: list[tuple[float, _Place, list[Bbox]]] = []
    for right, up, across, along in _places(RING if bold else 0):
        note.set(position=(right, up), ha=across, va=along)
        box = note.get_window_extent().padded(1.0)
        takes = [box, *_leader(axes.transData.transform(at), right, up)]
        outside = box.width * box.height - _shared(box, axes.bbox)
        hidden = sum(_shared(mine, other) for mine in takes for other in taken) + 9 * outside
        fits.append((hidden, (right, up, across, along), takes))
        if hidden <= 0:
            break
    _, (right, up, across, along), takes = min(fits, key=lambda fit: fit[0])
    note.set(position=(right, up), ha=across, va=along)
    if takes[1:]:
        line = {"arrowstyle": "-", "color": color, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 2}
        axes.annotate("", at, (right, up), textcoords="offset points", arrowprops=line)
    return takes


def _leader(start: Array, right: float, up: float) -> list[Bbox]:
    """Small boxes along the line from a dot to its word; none where the word stands near enough."""
    from matplotlib.transforms import Bbox

    if np.hypot(right, up) <= LED:
        return []
    places = [(start[0] + part * right, start[1] + part * up) for part in (0.4, 0.55, 0.7, 0.85)]
    return [Bbox.from_extents(x - 1.5, y - 1.5, x + 1.5, y + 1.5) for x, y in places]


def _places(least: float) -> Iterator[_Place]:
    for away in AWAY:
        if away < least:
            continue
        yield (away, 0, "left", "center")
        yield (-away, 0, "right", "center")
        yield (0, away, "center", "bottom")
        yield (0, -away, "center", "top")
        for across, right in (("left", away), ("right", -away)):
            yield (right, away, across, "bottom")
            yield (right, -away, across, "top")


def _shared(one: Bbox, other: Bbox) -> float:
    """The area that two boxes have in common."""
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return float(max(width, 0.0) * max(height, 0.0))
