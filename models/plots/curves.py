"""Training and test curves: error and share of right answers by epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.plots.style import BLUE, DASHES, PALETTE, SMALL, VERMILION, label_end, part, settle, sheet, styled
from models.records import Array, Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation

TRAINING, TEST = "training", "test"
ERROR, ACCURACY = "error", "accuracy"
MEASURES = (ERROR, ACCURACY)
RIGHT = "share of right answers"
COLUMNS = {  # what the books call it, and what it is
    (ERROR, TRAINING): {
        "Train-Err": "squared error of an image",
        "Error": "squared error, all examples",
        "MSE": "mean squared error",
        "cost": "cost",
        "Cross-Entropy": "cross-entropy of an example",
    },
    (ERROR, TEST): {"Test-Err": "squared error of an image"},
    (ACCURACY, TRAINING): {"Train-Acc": RIGHT, "accuracy": RIGHT},
    (ACCURACY, TEST): {"Test-Acc": RIGHT},
}
COLOR = {TRAINING: BLUE, TEST: VERMILION}


@dataclass(frozen=True, eq=False)
class Curve:
    """Values by epoch, those epochs that have one, and what the values are."""

    words: str
    epochs: Array
    values: Array


def curve(records: Iterable[Record], measure: str, of: str) -> Curve | None:
    """The error or the accuracy, of the training or the test, as the records' rows have it; None where they do not.

    Where no row has an error, it is the cross-entropy that was counted, by example.
    """
    kept = list(records)
    for column, words in COLUMNS[measure, of].items():
        found = [(r.epoch.iteration, r.row[column]) for r in kept if column in r.row]
        if found:
            return _curve(words, found)
    return _curve("cross-entropy of an example", _counted(kept, of)) if measure == ERROR else None


def _counted(records: Sequence[Record], of: str) -> list[tuple[int, object]]:
    counts = [(r.epoch.iteration, r.epoch.train if of == TRAINING else r.epoch.test) for r in records]
    return [(i, f.cross_entropy / f.examples) for i, f in counts if f is not None and f.cross_entropy is not None]


def _curve(words: str, points: Sequence[tuple[int, object]]) -> Curve | None:
    if not points:
        return None
    epochs, values = zip(*points, strict=True)
    return Curve(words, np.array(epochs), np.array(values, dtype=float))


def curves(runs: Mapping[str, Iterable[Record]]) -> Figure:
    """Error and accuracy by epoch, a panel for each that was counted; `runs` are records by what to call them.

    One run has a colour for training and one for test; of several, each has a colour, and the dashed line is the test.
    Raises ValueError where nothing was counted.

    >>> from models import find, train
    >>> figure = curves({"streetlights": train(find("6.2"), "corrected")})
    >>> figure.axes[0].lines[0].get_ydata()[0].round(6).item()
    2.656123
    """
    if len(runs) > len(PALETTE):
        raise ValueError(f"{len(runs)} runs are too many to tell apart; at most {len(PALETTE)}")
    found = {(name, *key): line for name, kept in _kept(runs).items() for key, line in _all(kept).items()}
    shown = [measure for measure in MEASURES if any(m == measure for _, m, _ in found)]
    if not shown:
        raise ValueError("the records have neither errors nor accuracies to draw")
    words = f"{' and '.join(shown)} by epoch: {', '.join(runs)}".capitalize()
    with styled():
        figure, grid = sheet(1, len(shown), (4.2 * len(shown), 3.0), words)
        labels = [_panel(axes, measure, list(runs), found) for axes, measure in zip(grid[0], shown, strict=True)]
        if len(runs) == 1:
            figure.suptitle(*runs, x=0.01, ha="left", fontsize=11)
        settle(figure)
        for notes in labels:
            part(notes)
    return figure


def _kept(runs: Mapping[str, Iterable[Record]]) -> dict[str, list[Record]]:
    return {name: list(records) for name, records in runs.items()}


def _all(records: Sequence[Record]) -> dict[tuple[str, str], Curve]:
    every = {key: curve(records, *key) for key in COLUMNS}
    return {key: line for key, line in every.items() if line is not None}


def _panel(
    axes: Axes, measure: str, names: Sequence[str], found: Mapping[tuple[str, str, str], Curve]
) -> list[Annotation]:
    notes, one = [], len(names) == 1
    lines = {(name, of): line for (name, what, of), line in found.items() if what == measure}
    tested = any(of == TEST for _, of in lines)
    for (name, of), line in lines.items():
        color = COLOR[of] if one else PALETTE[names.index(name)]
        words = of if one else f"{name}, {of}" if tested else name
        notes.append(_draw(axes, line, words, color, of))
    _axis(axes, measure, lines.values())
    return notes


def _draw(axes: Axes, line: Curve, words: str, color: str, of: str) -> Annotation:
    marker = "o" if len(line.epochs) < 3 else ""
    style = DASHES[of == TEST]
    axes.plot(line.epochs, line.values, color=color, linestyle=style, marker=marker, markersize=4, label=words)
    (finite,) = np.nonzero(np.isfinite(line.values))
    end = (line.epochs[finite[-1]], line.values[finite[-1]]) if len(finite) else (line.epochs[-1], 0.0)
    return label_end(axes, end, words, color)


def _axis(axes: Axes, measure: str, lines: Iterable[Curve]) -> None:
    """Axes that end where the lines end, so that their labels stand outside; sizes are counted from 0."""
    from matplotlib.ticker import MaxNLocator

    shown = list(lines)
    last = max((int(line.epochs[-1]) for line in shown), default=0)
    words = " or ".join(dict.fromkeys(line.words for line in shown))
    axes.set(xlabel="epoch", ylabel=words, xlim=(-0.03 * last - 0.1, last + 0.01 * last + 0.05))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    if measure == ACCURACY:
        axes.set_ylim(0, 1.02)
    else:
        finite = (float(value) for line in shown for value in line.values[np.isfinite(line.values)])
        axes.set_ylim(0, 1.05 * max(finite, default=1.0) or 1.0)


def chapter_08(runs: Mapping[tuple[str, str], Iterable[Record]], measure: str = ERROR) -> Figure:
    """Overfitting, dropout and batches side by side: a column for each network, a row for each version.

    `runs` are records by network and version, both as they are to be called: ("8.1 overfit", "as-printed"). Every
    panel has the same scale; the dot is where the test was best. A pair that is not there leaves its panel empty.
    """
    names, versions = (list(dict.fromkeys(key[place] for key in runs)) for place in (0, 1))
    size = (1.0 + 2.7 * len(names), 0.6 + 2.3 * len(versions))
    words = f"Training and test {measure} by epoch of {', '.join(names)}: {', '.join(versions)}"
    found = {key: _pair(records, measure) for key, records in runs.items()}
    every = [line for pair in found.values() for line in pair.values()]
    with styled():
        figure, grid = sheet(len(versions), len(names), size, words, sharex=True, sharey=True)
        labels = []
        for (name, version), pair in found.items():
            axes = grid[versions.index(version), names.index(name)]
            _axis(axes, measure, every)
            labels.append(_compared(axes, pair, measure))
        _name(grid, names, versions)
        settle(figure)
        for notes in labels:
            part(notes)
    return figure


def _pair(records: Iterable[Record], measure: str) -> dict[str, Curve]:
    kept = list(records)
    both = {of: curve(kept, measure, of) for of in (TRAINING, TEST)}
    return {of: line for of, line in both.items() if line is not None}


def _name(grid: Array, names: Sequence[str], versions: Sequence[str]) -> None:
    for axes in grid.flat:
        axes.label_outer()
    for axes, name in zip(grid[0], names, strict=True):
        axes.set_title(name)
    for axes, version in zip(grid[:, 0], versions, strict=True):
        axes.set_ylabel(f"{version}\n{axes.get_ylabel()}")


def _compared(axes: Axes, pair: Mapping[str, Curve], measure: str) -> list[Annotation]:
    notes = [_draw(axes, line, f"{of} {line.values[-1]:.2f}", COLOR[of], of) for of, line in pair.items()]
    if TEST in pair:
        line = pair[TEST]
        best = int(np.argmin(line.values) if measure == ERROR else np.argmax(line.values))
        at, value = line.epochs[best], line.values[best]
        axes.plot([at], [value], "o", color=VERMILION, markersize=5)
        place: dict[str, Any] = {"y": 0.97, "va": "top"} if measure == ERROR else {"y": 0.06, "va": "bottom"}
        words = f"best test {value:.2f} at epoch {at}"
        axes.text(x=0.98, s=words, ha="right", transform=axes.transAxes, fontsize=SMALL, color=VERMILION, **place)
    return notes
