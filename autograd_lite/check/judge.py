"""Is a gradient what the differences say it is? Entry by entry, or in random directions and a sample of entries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.check.differences import Line, Slope, ladder, quick
from autograd_lite.check.problem import Problem
from autograd_lite.memory import Array

STEP = 2.0**-9  # of the first attempt, relative to the entry: rounding about 1e-13, truncation about 1e-11
ENOUGH = 4  # wrong entries that are looked at closely, before the others are only counted


@dataclass
class Entry:
    """One comparison. `index` is None for a direction."""

    input: int
    index: tuple[int, ...] | None
    analytic: float
    numeric: float
    noise: float
    state: str  # "right", "kink", "unresolved", "wrong"
    slope: Slope | None = None
    what: str = ""  # more words, where the state does not say it all

    @property
    def relative(self) -> float:
        """The difference, relative to the larger of the two."""
        size = max(abs(self.analytic), abs(self.numeric))
        gap = abs(self.analytic - self.numeric)
        return gap / size if size and np.isfinite(size) else (0.0 if gap == 0 else np.inf)


@dataclass
class Verdict:
    """What was found for one input."""

    input: int
    label: str
    shape: tuple[int, ...]
    covered: str
    checked: int = 0
    entries: list[Entry] = field(default_factory=list)  # all that are not plainly right, and the worst that is
    worst: Entry | None = None
    zero: bool = False  # gradient and differences are zero throughout

    def of(self, *states: str) -> list[Entry]:
        """The entries in these states."""
        return [e for e in self.entries if e.state in states]

    def add(self, entry: Entry) -> None:
        """Count an entry, and keep it where it is of interest."""
        self.checked += entry.index is not None
        if entry.state != "right":
            self.entries.append(entry)
        rank = (entry.state == "wrong", entry.index is not None, _rank(entry))
        if entry.state in ("right", "wrong") and (
            self.worst is None or rank > (self.worst.state == "wrong", self.worst.index is not None, _rank(self.worst))
        ):
            self.worst = entry


def _rank(entry: Entry) -> tuple[bool, float]:
    """Worst first: what is beyond its own rounding, and by how much of the larger number."""
    gap = abs(entry.analytic - entry.numeric)
    return not gap <= entry.noise, np.inf if np.isnan(gap) else entry.relative


class Judge:
    """Compares a problem's gradients with its differences, at a cotangent drawn from `seed`."""

    def __init__(
        self, problem: Problem, *, rtol: float, seed: int, limit: int, step: float = STEP, sample: int = 24
    ) -> None:
        self.problem, self.rtol, self.limit, self.step, self.sample = problem, rtol, limit, step, sample
        self.random = np.random.default_rng(seed)
        self.y = problem.first()
        signs = self.random.choice([-1.0, 1.0], self.y.size)
        self.weights = signs * self.random.uniform(0.5, 1.5, self.y.size)
        self.eps = problem.resolution()
        self.analytic = problem.gradients(self.weights)
        self.typical = [_typical(a) for a in problem.arrays]
        self._doubt: list[Array] | None = None
        self.looked = 0

    def run(self) -> list[Verdict]:
        """A verdict for every input."""
        total = sum(a.size for a in self.problem.arrays)
        verdicts = [self._all(k) if total <= self.limit else self._some(k) for k in range(len(self.analytic))]
        for verdict in verdicts:
            g = self.analytic[verdict.input]
            verdict.zero = not g.any() and all(e.numeric == 0 for e in verdict.entries)
        self._tied(verdicts)
        return verdicts

    # Which entries

    def _all(self, k: int) -> Verdict:
        verdict = self._verdict(k, "every entry")
        for e in range(self.problem.arrays[k].size):
            verdict.add(self.entry(k, e))
        return verdict

    def _some(self, k: int) -> Verdict:
        """Random directions, some of them through what has no gradient alone, and a sample of entries."""
        array, g = self.problem.arrays[k], self.analytic[k].reshape(-1)
        chosen = self._sample(g)
        if chosen.size == array.size:
            return self._all(k)
        zero = g == 0
        masks = [np.ones_like(zero)] * 6 + [zero] * (2 if zero.any() and not zero.all() else 0)
        verdict = self._verdict(k, f"{len(masks)} directions, {chosen.size} entries of {array.size}")
        for e in chosen:
            verdict.add(self.entry(k, int(e)))
        for mask in masks:
            if verdict.of("wrong"):
                break
            found = self.direction(k, mask)
            if found.state == "wrong":
                verdict.add(self._locate(k, mask, found))
            elif found.state != "right":
                verdict.add(found)
        return verdict

    def _sample(self, g: Array) -> Array:
        order = np.argsort(-np.abs(g), kind="stable")
        nonzero, zero = np.flatnonzero(g), np.flatnonzero(g == 0)
        picks = [self.random.permutation(part)[: self.sample] for part in (nonzero, zero)]
        return np.unique(np.concatenate([order[: self.sample], *picks]))

    def _verdict(self, k: int, covered: str) -> Verdict:
        return Verdict(k, self.problem.labels[k], self.problem.arrays[k].shape, covered)

    def _locate(self, k: int, mask: Array, whole: Entry) -> Entry:
        """An entry that is wrong, by halving what a wrong direction moves; the direction itself if none is found."""
        places = np.flatnonzero(mask)
        while places.size > 1:
            for half in np.array_split(places, 2):
                part = np.zeros_like(mask)
                part[half] = True
                if self.direction(k, part).state == "wrong":
                    places = half
                    break
            else:
                return whole
        entry = self.entry(k, int(places[0]))
        return entry if entry.state == "wrong" else whole

    # One comparison

    def entry(self, k: int, e: int) -> Entry:
        """Compare at one entry, numbered in row-major order."""
        array = self.problem.arrays[k]
        x = float(array.reshape(-1)[e])
        index = tuple(int(i) for i in np.unravel_index(e, array.shape))
        scale = max(abs(x), 0.1 * self.typical[k])

        def at(t: float) -> tuple[Array | None, float]:
            moved = array.copy()
            moved.reshape(-1)[e] += t
            return self._values({k: moved}), float(moved.reshape(-1)[e]) - x

        top = max(abs(x), self.typical[k], 1.0) / 4
        bottom = max(1e-14 * (abs(x) or self.typical[k]), 1e-26 * top)
        a = float(self.analytic[k].reshape(-1)[e])
        line = Line(at, self.y, self.weights, self.eps)
        found = self._compare(line, k, index, a, scale, top, bottom, (e,))
        if found.state == "wrong" and 0 < abs(x) < 1e-10 * top:  # far smaller than its neighbours: in its own steps
            closer = self._compare(line, k, index, a, abs(x), abs(x) / 4, 1e-14 * abs(x), (e,))
            found = closer if closer.state == "right" else found
        return found

    def direction(self, k: int, mask: Array) -> Entry:
        """Compare along a random direction through the entries of a mask, each moved by its own magnitude."""
        array = self.problem.arrays[k]
        r = self.random.choice([-1.0, 1.0], array.size) * self.random.uniform(0.5, 1.5, array.size)
        d = (mask * r * np.maximum(np.abs(array.reshape(-1)), 0.1 * self.typical[k])).reshape(array.shape)
        line = Line(lambda t: (self._values({k: array + t * d}), t), self.y, self.weights, self.eps)
        a = float(np.sum(d * self.analytic[k]))
        return self._compare(line, k, None, a, 1.0, 0.25, 1e-13, np.flatnonzero(d), d.reshape(-1))

    def _values(self, changed: dict[int, Array]) -> Array | None:
        return self.problem.nearby([changed.get(k, a) for k, a in enumerate(self.problem.arrays)])

    def _compare(
        self,
        line: Line,
        k: int,
        index: tuple[int, ...] | None,
        a: float,
        scale: float,
        top: float,
        bottom: float,
        places: Any,
        d: Array | None = None,
    ) -> Entry:
        if not np.isfinite(a):
            return Entry(k, index, a, np.nan, 0.0, "wrong", what="the gradient is not finite")
        with np.errstate(all="ignore"):
            first = quick(line, scale * self.step)
        gap, size = abs(a - first.value), max(abs(a), abs(first.value))
        jump = abs(first.jumps[1]) if abs(first.jumps[1]) > 0.75 * abs(first.jumps[0]) else 0.0
        near = gap <= self.rtol * size + first.noise and first.noise <= 10 * self.rtol * size
        if near and jump <= 1e-3 * size + first.noise:
            return Entry(k, index, a, first.value, first.noise, "right")
        bent = jump > 0.01 * gap
        if self.looked >= ENOUGH and not bent and gap > 50 * max(first.noise, abs(first.change)):
            return Entry(k, index, a, first.value, first.noise, "wrong")
        with np.errstate(all="ignore"):
            slope = ladder(line, top, bottom)
        return self._close(k, index, a, slope, float(self._rounding(k, places, d)))

    def _close(self, k: int, index: tuple[int, ...] | None, a: float, slope: Slope, doubt: float) -> Entry:
        """The judgement after a ladder of steps."""
        n, noise = slope.value, 3 * slope.error + doubt
        size, room = max(abs(a), abs(n)), self.rtol * max(abs(a), abs(n)) + noise
        entry = Entry(k, index, a, n, noise, "wrong", slope)
        if slope.kind == "none":
            entry.what = "the function gives no finite values next to this point"
        elif slope.kind in ("kink", "jump"):
            entry.state = "kink" if slope.low - room <= a <= slope.high + room else "wrong"
        elif abs(a - n) <= room:
            entry.state = "unresolved" if a != n and noise > 0.1 * size else "right"
        elif slope.still and abs(a) <= 32 * float(np.max(self.eps * np.abs(self.weights), initial=0.0)):
            entry.state = "unresolved"
        self.looked += entry.state == "wrong"
        return entry

    def _rounding(self, k: int, places: Any, d: Array | None) -> float:
        """How far the analytic gradient itself moves with its last digits: measured, and relative to its largest."""
        if self._doubt is None:
            self._doubt = self._measured()
        at, g = np.asarray(places, dtype=int), self.analytic[k].reshape(-1)
        each = self._doubt[k].reshape(-1)[at] + 16 * np.finfo(float).eps * np.max(np.abs(g), initial=0.0)
        return float(np.sqrt(np.sum((each * (1.0 if d is None else d[at])) ** 2)))

    def _measured(self) -> list[Array]:
        """Gradients at points some 1e-13 away, all entries scaled alike so that ties and zeros stay what they are.

        Of the two sides the steadier counts: at a bound one of them is another piece of the function.
        """
        sides = []
        for sign in (-1, 1):
            runs = []
            for j in (1, 2, 3):
                near = [a * (1 + sign * j * 2.0**-43) for a in self.problem.arrays]
                runs.append([np.abs(g - h) for g, h in zip(self._there(near), self.analytic, strict=True)])
            sides.append([np.max(each, axis=0) for each in zip(*runs, strict=True)])
        weight = float(np.max(np.abs(self.weights), initial=0.0)) * (1 + float(np.max(np.abs(self.y), initial=0.0)))
        caps = [np.max(np.abs(g), initial=0.0) + weight / t for g, t in zip(self.analytic, self.typical, strict=True)]
        return [
            np.minimum(8 * np.minimum(a, b), 1e4 * np.finfo(float).eps * cap)
            for a, b, cap in zip(*sides, caps, strict=True)
        ]

    def _there(self, arrays: Sequence[Array]) -> list[Array]:
        try:
            return self.problem.gradients(self.weights, arrays)
        except Exception:
            return [np.full(g.shape, np.inf) for g in self.analytic]

    # Ties

    def _tied(self, verdicts: list[Verdict]) -> None:
        """Equal entries at a kink may be tied: each alone has room between its sides, together they have less."""
        groups: dict[float, list[Entry]] = {}
        for entry in (e for v in verdicts for e in v.of("kink")):
            if entry.index is not None and entry.slope is not None and entry.slope.kind == "kink":
                groups.setdefault(float(self.problem.arrays[entry.input][entry.index]), []).append(entry)
        for x, group in groups.items():
            if len(group) > 1:
                self._together(x, group)

    def _together(self, x: float, group: list[Entry]) -> None:
        masks = {k: np.zeros_like(self.problem.arrays[k]) for k in {e.input for e in group}}
        for e in group:
            masks[e.input][e.index] = 1.0

        def at(t: float) -> tuple[Array | None, float]:
            moved = {k: self.problem.arrays[k] + t * m for k, m in masks.items()}
            return self._values(moved), (x + t) - x

        size = max(abs(x), 1e-3)
        with np.errstate(all="ignore"):
            slope = ladder(Line(at, self.y, self.weights, self.eps), max(size, 1.0) / 4, 1e-14 * size)
        slopes = [e.slope for e in group if e.slope is not None]
        sums = sum(s.left for s in slopes), sum(s.right for s in slopes)
        room = (
            3 * slope.error + 3 * sum(s.error for s in slopes) + 1e-6 * sum(abs(s.right) + abs(s.left) for s in slopes)
        )
        if abs(sums[0] - slope.left) <= room and abs(sums[1] - slope.right) <= room:
            return  # they do not meet: what holds for each holds for all
        total = sum(e.analytic for e in group)
        if not slope.low - room <= total <= slope.high + room:
            for e in group:
                e.state = "wrong"
                e.what = (
                    f"{len(group)} entries are tied at {x:g}: moved together the slope is {slope.value:.6g}, and their "
                    f"gradients add up to {total:.6g}"
                )


def _typical(array: Array) -> float:
    """The root of the mean square, or 1 where all is zero."""
    top = float(np.max(np.abs(array), initial=0.0))
    return top * float(np.sqrt(np.mean((array / top) ** 2))) if top else 1.0


def entries_of(verdicts: Sequence[Verdict], *states: str) -> Iterator[Entry]:
    """The entries in these states, over all inputs."""
    for verdict in verdicts:
        yield from verdict.of(*states)
