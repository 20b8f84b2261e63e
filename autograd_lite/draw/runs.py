"""Where a sequence of codes repeats itself, found by holding it against itself a period later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.draw.groups import Group

LEAST = 3  # repetitions
_longest = 400  # ops in a block
_handed_on, _alone = 8, 16  # boxes that a fold must save, where a block hands something to the next, and elsewhere
_most = 500  # runs looked at in a round
_shifts = 64  # places looked at for a run to begin

Ints = npt.NDArray[np.int64]


@dataclass(slots=True)
class Codes:
    """Ops by age, as numbers: `base` each one's code, `first[i]` to `first[i + 1]` its operands.

    Of operands: the leaf or the id of the constant (`who`), whose they are, from which op (-1: none), what they are
    themselves, of which kind and size (-1: unknown).
    """

    who: list[Any]
    base: Ints
    first: Ints
    owner: Ints
    source: Ints
    itself: Ints
    kind: Ints
    size: Ints


@dataclass(frozen=True, slots=True)
class Run:
    """`count` equal blocks of `period` ops, from `start` on, in a group."""

    start: int
    period: int
    count: int
    group: Group | None
    saves: int


def best_runs(codes: Codes, groups: Sequence[Group | None]) -> list[Run]:
    """Runs that do not overlap, what saves most first."""
    found = sorted(_candidates(codes), key=lambda run: (-run[2], run[0]))[:_most]
    walls = _Walls(groups)
    runs = [run for place in found if (run := _worth(codes, walls, *place)) is not None]
    runs.sort(key=lambda run: (-run.saves, run.period, run.start))
    taken = np.zeros(len(groups), bool)
    chosen = []
    for run in runs:
        whole = slice(run.start, run.start + run.period * run.count)
        if not taken[whole].any():
            taken[whole] = True
            chosen.append(run)
    return chosen


def _stretches(equal: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Where stretches of True begin and end."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], equal, [False]]).view(np.int8)))
    return edges[::2], edges[1::2]


def _candidates(codes: Codes) -> Iterator[tuple[int, int, int]]:
    """(start, period, length): from start on, as many ops as length are as those a period later."""
    n, most = len(codes.base), 0
    for period in range(1, min(_longest, n // LEAST) + 1):
        if most >= n - period:
            return
        equal = codes.base[:-period] == codes.base[period:]
        if np.count_nonzero(equal) < 2 * period:
            continue
        starts, ends = _stretches(equal)
        long = ends - starts >= 2 * period
        change = np.zeros(len(equal) + 1, np.int8)
        change[starts[long]], change[ends[long]] = 1, -1
        equal = np.cumsum(change[:-1], dtype=np.int8).view(bool)
        if not equal.any():
            continue
        _strike_out(codes, equal, period)
        for start, end in zip(*_stretches(equal), strict=True):
            if end - start >= period:
                start = _widened(codes, int(start), period)  # noqa: PLW2901
                most = max(most, int(end) - start)
                yield start, period, int(end) - start


def _strike_out(codes: Codes, equal: npt.NDArray[np.bool_], period: int) -> None:
    """Not equal after all are ops whose operands do not correspond."""
    inside = np.flatnonzero(equal)
    counts = codes.first[inside + 1] - codes.first[inside]
    ends = np.cumsum(counts)
    one = np.repeat(codes.first[inside] - (ends - counts), counts) + np.arange(ends[-1] if len(ends) else 0)
    other = np.repeat(codes.first[inside + period] - codes.first[inside], counts) + one
    from_one, from_other = codes.source[one], codes.source[other]
    fits = codes.itself[one] == codes.itself[other]
    fits |= (from_one >= 0) & (from_other - from_one == period)
    fits |= (from_one < 0) & (from_other < 0) & (codes.kind[one] == codes.kind[other])
    equal[codes.owner[one[~fits]]] = False


def _widened(codes: Codes, start: int, period: int) -> int:
    """A start further to the left, where the first block takes from outside what the next takes from the first."""
    least = max(start - period, 0)
    while start > least and _hands_over(codes, start - 1, period, least):
        start -= 1
    return start


def _hands_over(codes: Codes, i: int, period: int, least: int) -> bool:
    if codes.base[i] != codes.base[i + period]:
        return False
    shift = codes.first[i + period] - codes.first[i]
    for e in range(codes.first[i], codes.first[i + 1]):
        one, other = codes.source[e], codes.source[e + shift]
        if codes.itself[e] == codes.itself[e + shift] or (one >= 0 and other - one == period):
            continue
        if one < 0 and other < 0 and codes.kind[e] == codes.kind[e + shift]:
            continue
        sizes = {int(codes.size[e]), int(codes.size[e + shift])} - {-1}
        if not (other >= least and one < least + period and other < i + period and len(sizes) <= 1):
            return False
    return True


class _Walls:
    """Where groups begin and end: a block holds groups whole, or lies inside of one."""

    def __init__(self, groups: Sequence[Group | None]) -> None:
        self.groups = groups
        self.depth: dict[Group | None, int] = {None: 0}
        for group in dict.fromkeys(groups):
            path = [g for g in (group.path() if group is not None else ()) if g not in self.depth]
            for g in reversed(path):
                self.depth[g] = self.depth[g.parent] + 1
        around: dict[tuple[Group | None, Group | None], Group | None] = {}
        self.ids: dict[Group | None, int] = {None: 0}
        self.shared: list[Group | None] = [None] * (len(groups) + 1)  # around both neighbours of a gap
        for gap in range(1, len(groups)):
            pair = groups[gap - 1], groups[gap]
            if pair not in around:
                around[pair] = self._shared(*pair)
            self.shared[gap] = around[pair]
        numbers = [self.ids.setdefault(group, len(self.ids)) for group in self.shared]
        self.number = np.array(numbers)
        self.levels = np.array([self.depth[group] for group in self.shared])

    def _shared(self, one: Group | None, other: Group | None) -> Group | None:
        while one is not other:
            if self.depth[one] >= self.depth[other]:
                assert one is not None
                one = one.parent
            else:
                assert other is not None
                other = other.parent
        return one

    def best(self, start: int, period: int, length: int) -> list[tuple[int, int, Group | None]]:
        """The most whole blocks, for each place where they can start: (start, count, group)."""
        best: list[tuple[int, int, Group | None]] = []
        most = LEAST
        for shift in range(period):
            count = (length - shift) // period
            if count < most or (best and shift > _shifts):
                break
            gaps = np.arange(start + shift, start + shift + (count + 1) * period, period)
            for begin, end in self._within(gaps):
                if end - begin > most:
                    most, best = end - begin, []
                if end - begin == most:
                    best.append((int(gaps[begin]), most, self.shared[gaps[begin + 1]]))
        return best

    def _within(self, gaps: Ints) -> Iterator[tuple[int, int]]:
        """Stretches of gaps that have the same group around them, with an end of that group or a gap in it either
        side.
        """
        inner = self.number[gaps[1:-1]]
        cuts = np.flatnonzero(np.diff(inner)) + 1
        for begin, end in zip([0, *cuts], [*cuts, len(inner)], strict=True):
            group = self.shared[gaps[begin + 1]]
            first = int(begin) if self._ends(group, gaps[begin], gaps[begin]) else int(begin) + 1
            last = int(end) + 1 if self._ends(group, gaps[end + 1], gaps[end + 1] - 1) else int(end)
            yield first, last

    def _ends(self, group: Group | None, gap: int, op: int) -> bool:
        """Whether a block in a group can end at a gap, `op` being the one on its side."""
        if group is None:
            return self.shared[gap] is None
        if self.levels[gap] > self.depth[group]:
            return False
        inner = self.groups[op]
        return inner is not None and any(g is group for g in inner.path())


def _handed(codes: Codes, start: int, period: int) -> Ints:
    """Which ops the first block hands to the second: the fewer, the more it is a block by nature."""
    taken = codes.source[codes.first[start + period] : codes.first[start + 2 * period]]
    return np.unique(taken[(taken >= start) & (taken < start + period)])


def _worth(codes: Codes, walls: _Walls, start: int, period: int, length: int) -> Run | None:
    """The blocks of a stretch, if folding them saves enough boxes."""
    places = walls.best(start, period, length + period)
    if not places:
        return None
    start, count, group = min(places, key=lambda place: len(_handed(codes, place[0], period)))
    second = np.arange(codes.first[start + period], codes.first[start + 2 * period])
    shift = np.repeat(
        codes.first[start + period : start + 2 * period] - codes.first[start : start + period],
        np.diff(codes.first[start + period : start + 2 * period + 1]),
    )
    alone = (codes.source[second] < 0) & (codes.itself[second] != codes.itself[second - shift])
    saves = (count - 1) * (2 * period + int(np.count_nonzero(alone)))
    least = max(
        _handed_on if len(_handed(codes, start, period)) else _alone, len(codes.base) // 1000
    )  # little is not worth it in much
    return Run(start, period, count, group, saves) if saves >= least else None
