"""Interleaved timing: all implementations take turns, so that a slow spell of the machine hits them alike."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from statistics import median, quantiles
from time import perf_counter, sleep
from typing import Any

from . import memory
from .gemms import products
from .libraries import GEMMS, HAND, PEERS, build_all, verify
from .problems import Row, Work

LEAST = 5  # rounds, whatever they take
PAUSE = 0.03  # seconds after which idle threads of BLAS and OpenMP sleep, and no longer keep the next one's core


@dataclass(frozen=True)
class Setting:
    """Threads for matrix products, and the dtype."""

    threads: int
    dtype: str


@dataclass(frozen=True)
class Effort:
    """How long to measure: rounds, as many as fit into so many seconds; seconds of a turn in a round, and before it."""

    rounds: int
    turn: float
    seconds: float
    pause: float = 0.0


FULL = Effort(rounds=41, turn=0.03, seconds=15)
BRIEF = Effort(rounds=11, turn=0.02, seconds=4)
QUICK = Effort(rounds=5, turn=0.002, seconds=1)


@dataclass(frozen=True)
class Timing:
    """Microseconds a step, and the ratio to the hand-written step of the same round with its quartiles."""

    microseconds: float
    ratio: float
    lower: float
    upper: float
    steps: int


def run(work: Work, steps: int) -> float:
    """Seconds per step; where steps are short, one before the clock starts brings the arrays back into the cache."""
    step = work.step
    if steps > 1:
        step()
    start = perf_counter()
    for _ in range(steps):
        step()
    return (perf_counter() - start) / steps


def calibrate(work: Work, turn: float) -> int:
    """Steps that fill one turn."""
    steps = 1
    while (seconds := run(work, steps) * steps) < turn / 4:
        steps *= 4
    return max(1, round(steps * turn / seconds))


def summarise(seconds: list[float], unit: list[float], steps: int) -> Timing:
    """Medians over the rounds."""
    ratios = [mine / hand for mine, hand in zip(seconds, unit, strict=True)]
    lower, _, upper = quantiles(ratios, n=4)
    return Timing(1e6 * median(seconds), median(ratios), lower, upper, steps)


def interleave(works: Mapping[str, Work], effort: Effort) -> dict[str, Timing]:
    """Time all in rounds; each round starts with another one."""
    steps = {name: calibrate(work, effort.turn) for name, work in works.items()}
    seconds: dict[str, list[float]] = {name: [] for name in works}
    names = list(works)
    end = perf_counter() + effort.seconds
    for turn in range(effort.rounds):
        if turn >= LEAST and perf_counter() > end:
            break
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            sleep(effort.pause)
            seconds[name].append(run(works[name], steps[name]))
    unit = seconds[HAND.name]
    return {name: summarise(seconds[name], unit, steps[name]) for name in names}


def limit_threads(names: Container[str], threads: int) -> None:
    """PyTorch's threads; those of BLAS and of XLA are set before they are loaded."""
    if any(library.package == "torch" for library in PEERS if library.name in names):
        import_module("torch").set_num_threads(threads)


def measure(row: Row, setting: Setting, effort: Effort, quick: bool, with_memory: bool) -> dict[str, dict[str, Any]]:
    """Verify, then time, every implementation of a row: its timing, with its peak in bytes, or why there is none."""
    problem = (row.small if quick else row.problem)().astype(setting.dtype)
    libraries = tuple(library for library in PEERS if not (quick and library.slow))
    built = build_all(row, problem, libraries)
    limit_threads(built.trainings, setting.threads)
    verify(built.trainings, problem.weights)
    works: dict[str, Work] = {**built.trainings, GEMMS: products(row.name, problem)}
    timings = interleave(works, replace(effort, pause=PAUSE if setting.threads > 1 else 0.0))
    peaks = memory.measure(row, problem, (HAND, *libraries)) if with_memory else {}
    measured = {name: asdict(timing) | peak_of(peaks, name) for name, timing in timings.items()}
    skipped = {library.name: "not in --quick" for library in PEERS if library not in libraries}
    return measured | {name: {"left_out": reason} for name, reason in (built.left_out | skipped).items()}


def peak_of(peaks: dict[str, int], name: str) -> dict[str, int]:
    """The peak, where it was measured."""
    return {"bytes": peaks[name]} if name in peaks else {}
