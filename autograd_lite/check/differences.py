"""Slopes by differences: central, extrapolated, with their own error; and from either side, for kinks.

Outputs are subtracted one by one and only then weighed with the cotangent, so that an output that does not move
adds no rounding, however large it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from autograd_lite.memory import Array

RATIO = 8.0  # between steps of the ladder; a power of two, so that scaling a step is exact


class Line:
    """A function along a direction: `at(t)` gives its outputs there, or None, and how far it really went."""

    def __init__(self, at: Callable[[float], tuple[Array | None, float]], y: Array, weights: Array, eps: Array) -> None:
        self._at, self.y, self.weights, self.eps = at, y, weights, eps

    def at(self, t: float) -> tuple[Array, float]:
        """Outputs and distance; outputs that cannot be had are NaN."""
        y, distance = self._at(t)
        if y is None or y.shape != self.y.shape or not distance:
            return np.full(self.y.shape, np.nan), t
        return y, distance

    def weigh(self, slopes: Array) -> Any:
        """Slopes of the outputs, (..., outputs), contracted with the cotangent."""
        return slopes @ self.weights

    def rounding(self, moved: Array, size: Array) -> Any:
        """What rounding may do to a weighed difference: of the outputs that moved, and of no others."""
        return np.sqrt(np.sum((moved * size * self.eps * self.weights) ** 2, axis=-1))


class Quick(NamedTuple):
    """From four evaluations: the slope, its rounding, how much the halves differ, and the jumps at two steps."""

    value: float
    noise: float
    change: float
    jumps: tuple[float, float]


def quick(line: Line, step: float) -> Quick:
    """Central differences at a step and half of it, extrapolated."""
    central, jumps, noise = [], [], 0.0
    for t in (step, step / 2):
        (above, right), (below, left) = line.at(t), line.at(-t)
        central.append((above - below) / (right - left))
        jumps.append(float(line.weigh((above - line.y) / right - (line.y - below) / -left)))
        size = np.maximum(np.abs(above), np.abs(below))
        noise = 4 * float(line.rounding(above != below, size)) / step
    value = float(line.weigh((4 * central[1] - central[0]) / 3))
    return Quick(value, noise, float(line.weigh(central[1] - central[0])), (jumps[0], jumps[1]))


class Estimate(NamedTuple):
    """The best of a ladder of estimates, its error, its rung; an error of infinity where nothing converges."""

    value: float
    error: float
    rung: int


class Slope(NamedTuple):
    """What a ladder of steps says of a slope.

    `low` to `high` is what is acceptable: one value, but at a kink all between the sides. A side that is missing
    (outside the function's domain) or that grows without bound (a jump) is NaN or infinite.
    """

    value: float
    error: float
    left: float
    right: float
    kind: str  # "smooth", "kink", "jump", "edge" of the domain, or "none" where nothing could be evaluated
    low: float
    high: float
    still: bool  # no output moves at the smallest steps


def ladder(line: Line, top: float, bottom: float) -> Slope:
    """The slope at every step from `top` down to `bottom`, and what they say together."""
    steps = top * RATIO ** -np.arange(int(np.ceil(np.log(top / bottom) / np.log(RATIO))) + 1)
    up, down = [line.at(t) for t in steps], [line.at(-t) for t in steps]
    above, right = np.array([y for y, _ in up]), np.array([[t] for _, t in up])
    below, left = np.array([y for y, _ in down]), np.array([[-t] for _, t in down])
    moved = np.any(_moving(above, line.y) | _moving(below, line.y), axis=0)
    moved = moved if moved.any() else np.ones_like(moved)
    rounding = 2 * float(line.rounding(moved, np.abs(line.y)))
    forward, backward = (above - line.y) / right, (line.y - below) / left
    sides = [_best(line, s, steps, 2, rounding) for s in (backward, forward)]
    middle = (above - below) / (right + left)
    both = _best(line, middle, steps, 1, rounding)
    rests = [int(np.flatnonzero(_moving(y, line.y).any(axis=1)).max(initial=-1)) + 1 for y in (below, above)]
    rest = max(rests)
    steppy = min(rests) > 0 and abs(rests[0] - rests[1]) <= 1 and _as_rounding(line.y, above, below, moved, rest - 1)
    return _conclude(line, both, sides, (backward, forward), rounding / steps, rest, steppy)


def _as_rounding(y: Array, above: Array, below: Array, moved: Array, rung: int) -> bool:
    """Is the least movement as small as rounding, in float32 at worst? A flat piece ends in larger ones."""
    far = np.abs(np.concatenate((above, below)))[:, moved]
    least = np.maximum(np.abs(above[rung] - y), np.abs(below[rung] - y))[moved]
    return bool(np.max(least) < 1e-6 * np.max(far, where=np.isfinite(far), initial=0.0))


def _moving(y: Array, base: Array) -> Any:
    return np.isfinite(y) & (y != base)


def _best(line: Line, slopes: Array, steps: Array, order: int, rounding: float) -> Estimate:
    """Richardson on neighbouring rungs; the error is how far neighbours differ, plus rounding, measured and derived.

    `order` is 1 for central differences, whose error falls with the square of the step, and 2 for one-sided ones.
    """
    rungs = np.flatnonzero(np.isfinite(slopes).all(axis=-1))
    if rungs.size < 3:
        return Estimate(np.nan, np.inf, 0)
    raw, h = line.weigh(slopes[rungs]), steps[rungs]
    factor = RATIO**2 if order == 1 else RATIO
    better = (factor * raw[1:] - raw[:-1]) / (factor - 1)
    apart = np.abs(np.diff(better))
    spread = np.minimum(np.append(apart, np.inf), np.append(np.inf, apart))
    scatter = np.abs(np.diff(raw)) * h[1:]
    scatter = scatter[raw[1:] != 0][-5:]  # where outputs are stepped, the finest steps move nothing and tell nothing
    noise = rounding + 2 * float(np.median(scatter)) if scatter.size else rounding
    error = spread + order * noise / h[1:]
    size = np.abs(better)
    relative = np.where(error == 0, 0.0, error / np.where(size == 0, np.nan, size))
    standing = ~_refuted(better, error)
    relative = np.where(standing & ~np.isnan(relative), relative, np.inf)
    k = int(np.argmin(relative) if relative.min() < 1e-3 else np.argmin(np.where(standing, error, np.inf)))
    return Estimate(float(better[k]), float(error[k]), int(rungs[k + 1]))


def _refuted(slopes: Array, error: Array) -> Array:
    """Which rungs two finer ones contradict, beyond the errors: a slope is what small steps say.

    Rungs that do not move at all contradict nobody: the step may be too fine for the outputs.
    """
    apart = np.abs(slopes[:, None] - slopes) > 10 * (error[:, None] + error)
    finer = np.triu(np.ones_like(apart), 1)
    return np.asarray(np.sum(apart & finer & (slopes != 0), axis=1) >= 2)


def _conclude(
    line: Line,
    both: Estimate,
    sides: list[Estimate],
    slopes: tuple[Array, Array],
    rounding: Array,
    rest: int,
    steppy: bool,
) -> Slope:
    """All that the rungs say; from `rest` on nothing moves, and `steppy` is whether rounding may be why."""
    left, right = sides
    still = rest <= len(rounding) - 4
    size = max(abs(left.value), abs(right.value))
    if not np.isfinite(left.error) and not np.isfinite(right.error):
        return Slope(np.nan, np.inf, np.nan, np.nan, "none", np.nan, np.nan, False)
    if not np.isfinite(left.error) or not np.isfinite(right.error):
        one = left if np.isfinite(left.error) else right
        return Slope(one.value, one.error, left.value, right.value, "edge", one.value, one.value, still)
    gap = abs(left.value - right.value)
    clear = both.error < 0.01 * abs(both.value) and gap < 0.05 * abs(both.value)
    if still and not (steppy and clear):  # flat here, whatever is further out; or in steps too coarse to tell
        step = RATIO * max(abs(line.weigh(s[rest - 1])) for s in slopes) if steppy else 0.0
        return Slope(0.0, float(max(rounding[rest], step)), 0.0, 0.0, "smooth", 0.0, 0.0, still)
    grows = [_grows(line.weigh(s)) for s in slopes]
    if any(grows) and not all(grows):
        one = right if grows[0] else left
        ends = [np.copysign(np.inf, s.value) if grew else s.value for s, grew in zip(sides, grows, strict=True)]
        return Slope(one.value, one.error, ends[0], ends[1], "jump", one.value, one.value, still)
    if not gap > 10 * (left.error + right.error) + 1e-6 * size or not _lasting(line, slopes, left, right):
        value, error = both.value, both.error
        middle, doubt = (left.value + right.value) / 2, left.error + right.error
        if not abs(value - middle) <= 10 * (error + doubt):  # central steps that reach over a kink nearby
            value, error = middle, doubt
        return Slope(value, error, left.value, right.value, "smooth", value, value, still)
    error = max(left.error, right.error)
    middle = (left.value + right.value) / 2
    spare = _interval(line, slopes, max(left.rung, right.rung), rounding)
    return Slope(middle, error, left.value, right.value, "kink", middle - spare, middle + spare, still)


def _grows(slopes: Array) -> bool:
    """Does a side's slope grow as its step shrinks, as at a jump?"""
    last = np.abs(slopes[np.isfinite(slopes)])[-5:]
    return bool(last.size == 5 and last[0] > 0 and np.all(last[1:] > 0.9 * RATIO * last[:-1]))


def _lasting(line: Line, slopes: tuple[Array, Array], left: Estimate, right: Estimate) -> bool:
    """Is the gap between the sides there at smaller steps too? Curvature's would shrink with the step."""
    gaps = line.weigh(slopes[1] - slopes[0])
    k = max(left.rung, right.rung)
    here = gaps[max(k - 1, 0) : k + 1]
    gap = right.value - left.value
    return bool(np.all(np.abs(here - gap) < 0.3 * abs(gap)))


def _interval(line: Line, slopes: tuple[Array, Array], rung: int, rounding: Array) -> float:
    """Half the width of what is acceptable: every output that has a kink may take either of its own sides."""
    left, right = slopes[0][rung], slopes[1][rung]
    gap = np.abs(right - left)
    bent = gap > 1e-3 * np.maximum(np.abs(left), np.abs(right)) + rounding[rung]
    return float(np.sum(gap[bent] * np.abs(line.weights[bent])) / 2)
