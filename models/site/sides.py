"""Hand-written deltas and derived ones side by side: the lines that make them, and their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

import autograd_lite as al
from autograd_lite.check import DeltaFinding, DeltaReport
from autograd_lite.check.lines import corrected_line
from autograd_lite.check.region import Region
from autograd_lite.memory import name_of
from autograd_lite.recorded import Recorded
from models import checking
from models.checking import Checked, Place
from models.network import PRINTED, Network
from models.records import Array
from models.site.source import delta_lines

NUMBERS = 40  # of an array that is shown as numbers
CELLS = 12  # rows and columns that are shown of a larger one
SAME = 1e-9  # relative to the largest entry: what differs by less is not marked


@dataclass(frozen=True)
class Cell:
    """An entry as text, and whether the two sides differ there; `tone` is -1 to 1 where it is a colour instead."""

    text: str
    differs: bool
    tone: float = 0.0


Grid = tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Side:
    """One delta twice: the lines of each side and, cell by cell, their numbers, or a corner of them as colours.

    `derived` is `times` times the gradient of the error. `apart` is their largest difference; None where the shapes
    differ. `differing` entries of `size` do. `shown` says which rows and columns are there of an array too large.
    """

    name: str
    verdict: str
    wrong: bool
    hand_lines: str | None
    derived_lines: str | None
    apart: float | None
    cosine: float | None
    times: float
    shape: tuple[int, ...]
    hand_shape: tuple[int, ...]
    hand: Grid
    derived: Grid
    coloured: bool
    differing: int
    size: int
    shown: str
    rows: str
    columns: str
    largest: float


def sides(network: Network, version: str, checked: Checked) -> list[Side]:
    """A `Side` for each delta of a hand-written version, the error's end first; what most is to be seen of it."""
    if not checked.deltas:
        return []
    told, derived = list(_told(checked)), _Derived(network, version)
    lines = delta_lines(network.versions[version], [finding.name for _, _, finding in told])
    return [_side(lines, derived, k, report, finding) for k, report, finding in told]


def _told(checked: Checked) -> Iterator[tuple[int, DeltaReport, DeltaFinding]]:
    """For each delta the place, the report and the finding: those that tell most of what was introduced."""
    most = {finding.name: finding for finding, _ in checked.introduced}
    for finding in checked.deltas[checked.shown]:
        chosen = most.get(finding.name, finding)
        yield next((k, r, chosen) for k, r in enumerate(checked.deltas) if any(f is chosen for f in r))


def constant(report: DeltaReport, finding: DeltaFinding, leaf: bool) -> float:
    """The k of which the pass is k times the gradient at this delta, by its convention."""
    inner = report.inner is not None and not leaf
    return float(report.inner if inner and report.inner is not None else report.scale)


def _side(lines: Mapping[str, str], derived: _Derived, place: int, report: DeltaReport, finding: DeltaFinding) -> Side:
    times = constant(report, finding, finding.name in derived.weights)
    true = finding.true * times
    alike = finding.hand.shape == true.shape
    marks = differing(finding.hand, true) if alike and finding.verdict != "agrees" else np.zeros(true.shape, bool)
    coloured = max(true.size, finding.hand.size) > NUMBERS
    largest = float(max(np.max(np.abs(a), initial=0.0, where=np.isfinite(a)) for a in (finding.hand, true)))
    own = marks if alike else np.ones(finding.hand.shape, bool)
    window = _Window(np.abs(finding.hand - true) if marks.any() else np.abs(true), coloured)
    return Side(
        name=finding.name,
        verdict=_verdict(finding, bool(marks.any()), times),
        wrong=finding.verdict == "introduced" and not finding.convention,
        hand_lines=lines.get(finding.name),
        derived_lines=(finding.line or derived.line(place, report, finding, times) or "").replace("; ", "\n") or None,
        apart=float(np.max(np.abs(finding.hand - true), initial=0.0)) if alike else None,
        cosine=finding.cosine,
        times=times,
        shape=true.shape,
        hand_shape=finding.hand.shape,
        hand=(window if alike else _Window(finding.hand, coloured)).grid(finding.hand, own, largest),
        derived=window.grid(true, marks, largest),
        coloured=coloured,
        differing=int(np.count_nonzero(own)),
        size=true.size,
        shown=window.words("differences" if marks.any() else "entries"),
        rows=places(window.rows),
        columns=places(window.columns),
        largest=largest,
    )


def differing(hand: Array, derived: Array) -> Array:
    """Where two arrays of one shape differ by more than rounding.

    >>> differing(np.array([1.0, 2.0, 0.0]), np.array([1.0 + 1e-12, 2.5, 0.0]))
    array([False,  True, False])
    """
    size = float(np.max(np.abs(derived), initial=0.0)) or float(np.max(np.abs(hand), initial=0.0))
    marks: Array = ~(np.abs(hand - derived) <= SAME * size)
    return marks


def _verdict(finding: DeltaFinding, marked: bool, times: float) -> str:
    constant = f"the constant of the whole pass, {_number(times)}"
    if finding.verdict == "introduced":
        return constant if finding.convention else "introduced here"
    if finding.verdict == "inherited":
        given = f"right, given {' and '.join(finding.above) or constant}"
        return f"inherited: {given}" if marked else given
    return "agrees"


class _Window:
    """Which rows and columns of an array are shown: of a large one those with the largest of some numbers."""

    def __init__(self, sizes: Array, coloured: bool) -> None:
        grid = _laid_out(sizes)
        self.of = grid.shape
        rows, columns = (np.max(grid, axis=axis, initial=0.0) for axis in (1, 0))
        self.rows, self.columns = (_largest(n) if coloured else np.arange(n.size) for n in (rows, columns))

    def grid(self, array: Array, marks: Array, largest: float) -> Grid:
        """Its cells; colours go from -1 to 1 at the largest entry."""
        values, marked = (_laid_out(a)[np.ix_(self.rows, self.columns)] for a in (array, marks))
        tones = np.round(np.nan_to_num(values.astype(float)) / (largest or 1.0), 3)
        rows = zip(values.tolist(), marked.tolist(), tones.tolist(), strict=True)
        return tuple(tuple(Cell(_number(v), m, t) for v, m, t in zip(*row, strict=True)) for row in rows)

    def words(self, what: str) -> str:
        """What is shown of a large array; nothing where it is shown whole."""
        counts = list(zip((self.rows.size, self.columns.size), self.of, ("rows", "columns"), strict=True))
        parts = [f"{few} of {all_} {name}" for few, all_, name in counts if few < all_]
        return f"{' and '.join(parts)}, those with the largest {what}" if parts else ""


def _laid_out(array: Array) -> Array:
    """An array as rows and columns."""
    return array.reshape(-1, array.shape[-1] if array.ndim else 1)


def _largest(sizes: Array) -> Array:
    """The places of the largest numbers, in their order."""
    return np.sort(np.argsort(-np.nan_to_num(sizes), kind="stable")[:CELLS])


def places(which: Array) -> str:
    """Places, those beside each other as a range.

    >>> places(np.array([0, 1, 2, 7, 9]))
    '0–2, 7, 9'
    """
    runs = np.split(which, np.flatnonzero(np.diff(which) != 1) + 1)
    return ", ".join(f"{run[0]}" if run.size == 1 else f"{run[0]}–{run[-1]}" for run in runs if run.size)


def _number(value: float) -> str:
    return f"{float(value) + 0.0:.5g}".replace("-", "−")


class _Derived:
    """Lines of those deltas for which the check had none, since an array in them had no name: here it has one."""

    def __init__(self, network: Network, version: str) -> None:
        self.network, self.version = network.small(), version
        self.weights = set(network.start()[0])
        self._places: list[Place] | None = None

    def line(self, place: int, report: DeltaReport, finding: DeltaFinding, times: float) -> str | None:
        """NumPy text for a delta from the deltas above it."""
        if self._places is None:
            self._places = checking.places(self.network)
        weights, batch = self.network.focus(self._places[place].weights, self._places[place].batch)
        graph = self.network.graph(weights, batch, stated=self.version == PRINTED)
        if graph.error is None or graph.error.node is None:
            return None
        recorded = Recorded(graph.error.node)
        kept = [_named(array) for array in _like(batch.labels, recorded)]
        named = {node.name: node for node in recorded.order if node.name}
        hands = {named[f.name]: f.hand for f in report if f.name in finding.above}
        above = {recorded.root: np.ones(recorded.root.shape), **hands}
        region = Region(recorded, named[finding.name], above)
        line = corrected_line(region, finding.name, {node: node.name or "" for node in hands}, times)
        return line if kept else None


def _like(labels: Array, recorded: Recorded) -> list[Array]:
    """The labels wherever the graph has them, and once more: what no rule kept is found by its numbers."""
    given = [a for a in recorded.arguments.values() if isinstance(a, np.ndarray) and name_of(a) is None]
    return [
        np.array(labels, dtype=float),
        *(a for a in given if a.size > 1 and np.array_equal(a.ravel(), labels.ravel())),
    ]


def _named(array: Array) -> al.Tensor:
    """A constant's name lasts as long as its array, which the tensor keeps alive."""
    tensor = al.from_numpy(array)
    tensor.name = "labels"
    return tensor
