"""L-BFGS with a line search for the strong Wolfe conditions (Nocedal and Wright, Numerical Optimization, 2006)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from autograd_lite.core import GraphError, Tensor
from autograd_lite.memory import Array, written
from autograd_lite.modes import contexts, enable_grad, mode
from autograd_lite.optim.optimizer import Optimizer, refuse_negative


class LBFGS(Optimizer):
    """Steps along -H g, where H, the inverse of the second derivatives, is estimated from the last gradients.

    Liu and Nocedal, 1989. One group of parameters; `step(closure)` makes up to `max_iter` such steps, and calls the
    closure, which computes the loss and its gradients anew, up to `max_eval` times. `line_search_fn` is None (steps of
    lr) or "strong_wolfe". A step decides by the numbers it finds, so that it cannot be compiled. Raises ValueError for
    settings out of range.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = al.optim.LBFGS([w], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((w - al.tensor([3.0, 5.0])) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> _ = optimizer.step(closure)
    >>> w.detach().round().tolist()
    [3.0, 5.0]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        refuse_negative(lr=lr, tolerance_grad=tolerance_grad, tolerance_change=tolerance_change)
        if line_search_fn not in (None, "strong_wolfe"):
            raise ValueError(f"line_search_fn is None or 'strong_wolfe', and not {line_search_fn!r}")
        super().__init__(
            params,
            lr=lr,
            max_iter=max_iter,
            max_eval=max_iter * 5 // 4 if max_eval is None else max_eval,
            tolerance_grad=tolerance_grad,
            tolerance_change=tolerance_change,
            history_size=history_size,
            line_search_fn=line_search_fn,
        )
        if len(self.param_groups) != 1:
            raise ValueError(f"LBFGS has one group of parameters, and got {len(self.param_groups)}")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Up to `max_iter` steps; returns the loss before the first. Raises TypeError without a closure."""
        if closure is None:
            raise TypeError("LBFGS.step needs a closure: a function that computes the loss and calls backward()")
        if contexts.special and mode.tracer is not None:
            raise GraphError("LBFGS decides by the numbers that it finds: a step with it cannot be compiled")
        group, state = self.param_groups[0], self.state.setdefault(self._all()[0], {})
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        evaluate = enable_grad()(closure)
        first = evaluate()
        if mode.listener is not None:
            mode.listener.stepping(self)
        loss, g, evals = _number(first), self._gradient(), 1
        state["func_evals"] += 1
        if np.abs(g).max(initial=0.0) <= group["tolerance_grad"]:
            return first
        for left in reversed(range(group["max_iter"])):
            state["n_iter"] += 1
            d = state["d"] = _direction(state, g, group["history_size"])
            before = state["prev_loss"] = loss
            state["prev_flat_grad"] = g.copy()
            begun = state["n_iter"] > 1
            state["t"] = group["lr"] if begun else min(1.0, 1.0 / float(np.abs(g).sum())) * group["lr"]
            slope = float(g @ d)
            if slope > -group["tolerance_change"]:
                break
            loss, g, count = self._along(evaluate, state, Point(0.0, loss, g, slope), group["max_eval"] - evals, left)
            evals += count
            state["func_evals"] += count
            if not left or evals >= group["max_eval"] or np.abs(g).max() <= group["tolerance_grad"]:
                break
            if min(float(np.abs(d * state["t"]).max()), abs(loss - before)) < group["tolerance_change"]:
                break
        return first

    def _along(
        self, evaluate: Callable[[], Any], state: dict[str, Any], start: Point, most: int, left: int
    ) -> tuple[float, Array, int]:
        """Move along a direction: the loss and gradient there, and how often the closure was called."""
        group, d, t = self.param_groups[0], state["d"], state["t"]
        if group["line_search_fn"] is None:
            self._move(t, d)
            if not left:
                return start.loss, start.gradient, 0
            return _number(evaluate()), self._gradient(), 1
        here = [p._array.copy() for p in self._all()]

        def at(t: float) -> Point:
            self._move(t, d)
            loss = _number(evaluate())
            g = self._gradient()
            for p, array in zip(self._all(), here, strict=True):
                p._array[...] = array
            return Point(t, loss, g, float(g @ d))

        reached, count = _search(at, start, t, float(np.abs(d).max()), group["tolerance_change"], most)
        state["t"] = reached.step
        self._move(reached.step, d)
        return reached.loss, reached.gradient, count

    def _gradient(self) -> Array:
        """All gradients in one vector, of its own."""
        parts = []
        for p in self._all():
            g = None if p.node is None else p.node.annotate().grad
            g = np.zeros(p.shape, p.dtype) if g is None else np.asarray(g.data if isinstance(g, Tensor) else g)
            parts.append(g.reshape(-1))
        return np.concatenate(parts)

    def _move(self, t: float, d: Array) -> None:
        """Add t d to the parameters."""
        start = 0
        for p in self._all():
            p._array[...] += t * d[start : start + p._array.size].reshape(p.shape)
            start += p._array.size
        written([p._array for p in self._all()], "optimizer.step()")


def _number(loss: Any) -> float:
    return float(loss.item() if isinstance(loss, Tensor) else loss)


def _direction(state: dict[str, Any], g: Array, size: int) -> Array:
    """-H g by the two loops over the last changes of the gradient (y) and of the parameters (s)."""
    if state["n_iter"] == 1:
        state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
        return -g
    ys, steps, ro = state["old_dirs"], state["old_stps"], state["ro"]
    y, s = g - state["prev_flat_grad"], state["d"] * state["t"]
    product = float(y @ s)
    if product > 1e-10:
        for memory, item in ((ys, y), (steps, s), (ro, 1.0 / product)):
            if len(memory) == size:
                memory.pop(0)
            memory.append(item)
        state["H_diag"] = product / float(y @ y)
    d, factors = -g, []
    for y, s, r in zip(reversed(ys), reversed(steps), reversed(ro), strict=True):
        factors.append(float(s @ d) * r)
        d -= factors[-1] * y
    d *= state["H_diag"]
    for y, s, r, factor in zip(ys, steps, ro, reversed(factors), strict=True):
        d += (factor - float(y @ d) * r) * s
    return d


class Point(NamedTuple):
    """A place on the line: how far, the loss and gradient there, and the slope along the line."""

    step: float
    loss: float
    gradient: Array
    slope: float


def _search(
    at: Callable[[float], Point], start: Point, t: float, size: float, tolerance: float, most: int
) -> tuple[Point, int]:
    """A point that the strong Wolfe conditions hold at, or the best found in `most` tries; and the number of tries."""
    new, last, count = at(t), start, 0
    while count < most:
        if _high(new, start) or (count > 1 and new.loss >= last.loss):
            return _zoom(at, start, (last, new), size, tolerance, most, count)
        if _flat(new, start):
            return new, count + 1
        if new.slope >= 0:
            return _zoom(at, start, (last, new), size, tolerance, most, count)
        further = _cubic(last, new, (new.step + 0.01 * (new.step - last.step), new.step * 10.0))
        last, new, count = new, at(further), count + 1
    return min((start, new), key=lambda p: p.loss), count + 1


def _high(new: Point, start: Point) -> bool:
    """Is the loss higher than the slope at the start promised?"""
    return new.loss > start.loss + 1e-4 * new.step * start.slope


def _flat(new: Point, start: Point) -> bool:
    """Is the slope small enough?"""
    return abs(new.slope) <= -0.9 * start.slope


def _zoom(
    at: Callable[[float], Point],
    start: Point,
    ends: tuple[Point, Point],
    size: float,
    tolerance: float,
    most: int,
    count: int,
) -> tuple[Point, int]:
    """Narrow an interval that holds such a point down to it; `low` is the end with the lower loss."""
    low, high = sorted(ends, key=lambda p: p.loss)
    stuck = False
    while count < most and abs(high.step - low.step) * size >= tolerance:
        t, stuck = _inside(_cubic(low, high), low.step, high.step, stuck)
        new, count = at(t), count + 1
        if _high(new, start) or new.loss >= low.loss:
            low, high = sorted((low, new), key=lambda p: p.loss)
            continue
        if _flat(new, start):
            return new, count + 1
        if new.slope * (high.step - low.step) >= 0:
            high = low
        low = new
    return low, count + 1


def _inside(t: float, a: float, b: float, stuck: bool) -> tuple[float, bool]:
    """A trial near an end of the interval twice running, or beyond it, is moved a tenth of its length inside."""
    least, most = min(a, b), max(a, b)
    margin = 0.1 * (most - least)
    if min(most - t, t - least) >= margin:
        return t, False
    if not stuck and least < t < most:
        return t, True
    return (most - margin if abs(t - most) < abs(t - least) else least + margin), False


def _cubic(a: Point, b: Point, bounds: tuple[float, float] | None = None) -> float:
    """Where the cubic through two points with their slopes is least, between bounds; else their middle."""
    least, most = bounds or (min(a.step, b.step), max(a.step, b.step))
    if a.step > b.step:
        a, b = b, a
    one = a.slope + b.slope - 3.0 * (a.loss - b.loss) / (a.step - b.step)
    square = one * one - a.slope * b.slope
    if square < 0:
        return (least + most) / 2.0
    two = math.sqrt(square)
    t = b.step - (b.step - a.step) * ((b.slope + two - one) / (b.slope - a.slope + 2.0 * two))
    return min(max(t, least), most)
