"""Interleaved timing: all implementations take turns, so that a slow spell of the machine hits them alike."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib import import_module
from statistics import median, quantiles
from time import perf_counter
from typing import Any

from .libraries import HAND, build_all, verify
from .problems import ROWS, Training


@dataclass(frozen=True)
class Effort:
    """How long to measure: rounds, and the seconds of each turn in a round."""

    rounds: int
    turn: float


FULL = Effort(rounds=41, turn=0.03)
QUICK = Effort(rounds=7, turn=0.005)


@dataclass(frozen=True)
class Timing:
    """Microseconds a step, and the ratio to the hand-written step of the same round with its quartiles."""

    microseconds: float
    ratio: float
    lower: float
    upper: float
    steps: int


def run(training: Training, steps: int) -> float:
    """Seconds per step; one step before the clock starts brings its arrays back into the cache."""
    step = training.step
    step()
    start = perf_counter()
    for _ in range(steps):
        step()
    return (perf_counter() - start) / steps


def calibrate(training: Training, turn: float) -> int:
    """Steps that fill one turn."""
    steps = 1
    while (seconds := run(training, steps) * steps) < turn / 4:
        steps *= 4
    return max(1, round(steps * turn / seconds))


def summarise(seconds: list[float], unit: list[float], steps: int) -> Timing:
    """Medians over the rounds."""
    ratios = [mine / hand for mine, hand in zip(seconds, unit, strict=True)]
    lower, _, upper = quantiles(ratios, n=4)
    return Timing(1e6 * median(seconds), median(ratios), lower, upper, steps)


def interleave(trainings: dict[str, Training], effort: Effort) -> dict[str, Timing]:
    """Time all in rounds; each round starts with another one."""
    steps = {name: calibrate(training, effort.turn) for name, training in trainings.items()}
    seconds: dict[str, list[float]] = {name: [] for name in trainings}
    names = list(trainings)
    for turn in range(effort.rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            seconds[name].append(run(trainings[name], steps[name]))
    unit = seconds[HAND.name]
    return {name: summarise(seconds[name], unit, steps[name]) for name in names}


def measure(name: str, effort: Effort, threads: int) -> dict[str, dict[str, Any]]:
    """Verify, then time, every installed implementation of the row called `name`."""
    row = next(row for row in ROWS if row.name == name)
    trainings = build_all(row)
    if "PyTorch" in trainings:
        import_module("torch").set_num_threads(threads)
    verify(trainings, row.problem().weights)
    return {library: asdict(timing) for library, timing in interleave(trainings, effort).items()}
