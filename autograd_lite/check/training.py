"""`check_training`: is one step of a training loop written by hand minus the learning rate times the gradient?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from autograd_lite import engine
from autograd_lite.check.cause import Cause
from autograd_lite.check.factors import Factors
from autograd_lite.check.region import Region, saved_with
from autograd_lite.check.rounding import Roundings
from autograd_lite.check.step_report import StepFinding, TrainingReport
from autograd_lite.core import Node, Tensor, leaf
from autograd_lite.memory import Array
from autograd_lite.recorded import Recorded

RELATIVE = {8: 1e-8, 4: 1e-4, 2: 5e-2}  # of an entry of the step; beside it what rounding the weights leaves of it
RUNS = 40  # sets of weights that may have been updated too early
OFTEN = 8  # repetitions of whole steps that are tried

Weights = dict[str, Array]
Step = Callable[[Weights], Any]
Loss = Callable[[dict[str, Tensor]], Tensor]


def check_training(
    step: Step,
    loss: Loss,
    weights: Mapping[str, Any],
    *,
    lr: float,
    deltas: Mapping[str, Any] | Callable[[Weights], Mapping[str, Any]] | None = None,
) -> TrainingReport:
    """Audit the update of a training step written by hand.

    `step` takes a dict of weights (copies, that it may change in place) and returns the dict of new ones, or None if
    it changed them in place. `loss` gets the same weights as Tensors and returns the loss of the same examples.
    Every parameter is said to agree (it moved by minus lr times the gradient), or why not: `forgotten`, `sign`
    (uphill), `repeated` (the update applied k times), `factor`, `stale-weights` (the gradient was taken after other
    weights had been updated), `wrong-operand` (computed from another weight).

    With `deltas`, those that the code computed by parameter (or a function that computes them for given weights), a
    step that follows its delta is "inherited": then the delta is what is wrong, see `check_deltas`.

    Raises ValueError where step or loss do not return what they should.

    >>> import autograd_lite as al
    >>> import numpy as np
    >>> def step(w):
    ...     for _ in range(3):  # the update, three times from one forward pass
    ...         w["w"] -= 0.1 * g
    >>> w, x = np.array([1.0, -2.0]), np.array([3.0, 0.5])
    >>> g = 2 * (x @ w - 1) * x
    >>> report = al.check_training(step, lambda w: ((w["w"] * x).sum() - 1) ** 2, {"w": w}, lr=0.1)
    >>> [(f.name, f.verdict, f.causes[0].kind, f.causes[0].factor) for f in report]
    [('w', 'introduced', 'repeated', 3.0)]
    """
    if not callable(step) or not callable(loss) or not isinstance(weights, Mapping):
        raise TypeError("check_training takes a step and a loss, which are functions, and a dict of weights")
    old = {name: np.array(w.data if isinstance(w, Tensor) else w) for name, w in weights.items()}
    return _Audit(step, loss, old, lr, deltas).report()


class _Audit:
    def __init__(self, step: Step, loss: Loss, old: Weights, lr: float, deltas: Any) -> None:
        if not lr or not np.isfinite(lr):
            raise ValueError(f"check_training: lr is {lr}, and no step could be told from another")
        self.step, self.loss, self.lr = step, loss, lr
        self.old = {name: np.asarray(w, dtype=float) for name, w in old.items()}
        self.size = 8
        self.new = self._stepped(old)
        self.tensors = self._leaves(self.old)
        root = loss(self.tensors)
        if not isinstance(root, Tensor) or root.node is None or root.data.size != 1:
            raise ValueError("check_training: loss must return one number, a Tensor that depends on the weights")
        self.graph = Recorded(root.node)
        self.factors = Factors(self.graph, list(self.graph.all_values()))
        self.gradients = {name: self._gradient(name, {}) for name in old}
        roundings, reached = Roundings(self.graph), self.graph.consumers
        self.rounding = {
            name: roundings.tolerance(self._region(name), self.size).absolute
            if self._node(name) in reached
            else np.zeros(())
            for name in old
        }
        self.deltas = deltas
        self.times = {name: self._multiple(name, self.gradients[name]) for name in old}
        self.sign = self._sign_of_step()

    def _stepped(self, old: Mapping[str, Any]) -> Weights:
        """The new weights, of whatever floats the step works in: the coarsest decide what is equal."""
        mine = {name: w.copy() if w.dtype.kind == "f" else w.astype(float) for name, w in old.items()}
        made = self.step(mine)
        made = mine if made is None else made
        if not isinstance(made, Mapping):
            raise ValueError(
                f"check_training: step must return a dict of {', '.join(old)}, or change them in place; this one "
                f"returned a {type(made).__name__}"
            )
        odd = sorted(set(made) ^ set(old))
        if odd:
            raise ValueError(
                f"check_training: step must return a dict of {', '.join(old)}, or change them in place; in its dict "
                f"{', '.join(odd)} is missing, or too many"
            )
        arrays = {name: np.asarray(w.data if isinstance(w, Tensor) else w) for name, w in made.items()}
        kinds = [w.dtype for w in (*mine.values(), *arrays.values()) if w.dtype.kind == "f"]
        self.size = min([8, *(kind.itemsize for kind in kinds)])
        return {name: w.astype(float) for name, w in arrays.items()}

    @staticmethod
    def _leaves(weights: Weights) -> dict[str, Tensor]:
        tensors = {name: Tensor(w.copy()) for name, w in weights.items()}
        for name, tensor in tensors.items():
            tensor.node = leaf(tensor)
            tensor.name = name
        return tensors

    def _node(self, name: str) -> Node:
        node = self.tensors[name].node
        assert node is not None
        return node

    def _gradient(self, name: str, instead: Weights) -> Array:
        """The gradient by one weight, with other arrays in place of some weights on the way back."""
        node = self._node(name)
        if node not in self.graph.consumers:
            return np.zeros(node.shape)
        region = self._region(name)
        if not instead:
            return np.asarray(region.truth)
        values = {self._node(n): w for n, w in instead.items()}
        for inner in reversed(self.graph.order):  # weights are often used reshaped or transposed
            op, parent = inner.op, inner.parents[0] if len(inner.parents) == 1 else None
            if op is not None and parent in values and isinstance(parent, Node):
                values[inner] = np.asarray(op.forward(values[parent], **inner.attrs))
        changes = {edge: _instead(region, edge, saved_with(edge, values)) for edge in region.edges}
        return np.asarray(region.run(changes))

    def _region(self, name: str) -> Region:
        return Region(self.graph, self._node(name), {self.graph.root: np.ones(self.graph.root.shape)})

    # Comparing

    def _off(self, name: str) -> Array:
        """What rounding leaves of the step: of the weights a few units in their last place, over lr; the gradient's."""
        size = np.maximum(np.abs(self.old[name]), np.abs(self.new[name]))
        off: Array = 16 * float(np.finfo(f"f{self.size}").eps) * size / abs(self.lr) + self.rounding[name]
        return off

    def _moved(self, name: str) -> Array | None:
        if self.new[name].shape != self.old[name].shape:
            return None
        moved: Array = (self.old[name] - self.new[name]) / self.lr
        return moved

    def _equal(self, name: str, a: Array | None, b: Array) -> bool:
        if a is None or a.shape != b.shape or not np.isfinite(a).all():
            return False
        with np.errstate(all="ignore"):
            slack = RELATIVE[self.size] * np.abs(b) + 1e-12 * np.max(np.abs(b), initial=0.0) + self._off(name)
            return bool(np.all(np.abs(a - b) <= slack))

    def _multiple(self, name: str, of: Array) -> float | None:
        """k, where the step is k times an array."""
        moved = self._moved(name)
        square = float(np.vdot(of, of))
        if moved is None or not square or not np.isfinite(square) or not np.isfinite(moved).all():
            return None
        k = float(np.vdot(of, moved)) / square
        return k if self._equal(name, moved, of * k) else None

    # Findings

    def report(self) -> TrainingReport:
        """A finding for each weight."""
        return TrainingReport([self._finding(name) for name in self.old], self.lr)

    def _finding(self, name: str) -> StepFinding:
        moved, gradient = self._moved(name), self.gradients[name]
        if self._equal(name, moved, gradient):
            return StepFinding(name, "agrees", gradient, moved)
        sign = self._applied(name)
        if sign is not None and sign == self.sign and not self._equal(name, moved, -gradient):
            return StepFinding(name, "inherited", gradient, moved)
        if sign is not None and sign != self.sign:
            how = "added to the weights" if sign > 0 else "subtracted from the weights"
            text = f"its delta is {how}, and those of the others are not: one of them goes the wrong way"
            return StepFinding(name, "introduced", gradient, moved, [Cause("sign", None, text, -1.0)])
        return StepFinding(name, "introduced", gradient, moved, list(self._causes(name, moved)))

    def _applied(self, name: str) -> int | None:
        """+1 where the step adds lr times the delta, -1 where it subtracts it, None where it does neither."""
        delta, moved = self._delta(name, self.old), self._moved(name)
        if delta is None or not np.any(delta):
            return None
        return next((sign for sign in (-1, 1) if self._equal(name, moved, -sign * delta)), None)

    def _sign_of_step(self) -> int | None:
        """The sign in which deltas are applied, by those that go downhill, or else by most."""
        signs = {name: sign for name in self.old if (sign := self._applied(name)) is not None}
        down = [s for name, s in signs.items() if float(np.vdot(self._moved(name), self.gradients[name])) > 0]
        chosen = down or list(signs.values())
        return max(chosen, key=chosen.count) if chosen else None

    def _delta(self, name: str, weights: Weights) -> Array | None:
        found = self._deltas(weights) if callable(self.deltas) else self.deltas
        array = None if found is None else found.get(name)
        return None if array is None else np.asarray(array, dtype=float)

    def _deltas(self, weights: Weights) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.deltas({name: w.copy() for name, w in weights.items()})
        return found

    def _causes(self, name: str, moved: Array | None) -> Iterator[Cause]:
        if moved is None:
            yield from self._from_another(name)
            text = f"the new array has shape {self.new[name].shape}, the old one {self.old[name].shape}"
            yield Cause("shape", None, text)
            return
        if not np.isfinite(moved).all():
            at = tuple(int(i) for i in np.argwhere(~np.isfinite(moved))[0])
            yield Cause("not-finite", None, f"the new {name} is {self.new[name][at]} at {list(at)}")
            return
        if not np.any(moved):
            yield Cause("forgotten", None, "it did not move, and its gradient is not zero")
            return
        delta = self._delta(name, self.old)
        of_delta = None if delta is None else self._multiple(name, delta)
        if of_delta is not None and round(abs(of_delta)) > 1:
            yield self._multiplied(abs(of_delta), "its delta")
            return
        k = self.times[name]
        if k is not None:
            yield self._multiplied(k)
            return
        for found in (self._stale(name, moved), self._repeated(name), self._from_another(name)):
            named = list(found)
            yield from named
            if named:
                return

    def _multiplied(self, k: float, what: str = "the gradient") -> Cause:
        whole = round(k)
        if whole > 1 and abs(k - whole) < 1e-6 * whole:
            text = f"the step is {whole} times lr times {what}: applied {whole} times, or with {whole} times the rate"
            return Cause("repeated", None, text, float(whole))
        if abs(k + 1) < 1e-6:
            return Cause("sign", None, "the step goes uphill: plus lr times the gradient", -1.0)
        name = self.factors.name(k, 1e-6)
        uphill = ", which goes uphill" if k < 0 else ""
        where = f" ({'minus ' if k < 0 else ''}{name})" if name else ""
        return Cause("factor", None, f"the step is {k:.8g}{where} times minus lr times the gradient{uphill}", k)

    def _stale(self, name: str, moved: Array) -> Iterator[Cause]:
        """Was the gradient taken when other weights had been updated: on the way back, or for a new pass?"""
        others = [n for n in self.old if n != name and self.new[n].shape == self.old[n].shape]
        runs = (
            [[n] for n in others]
            + [others[i:] for i in range(len(others))]
            + [others[:i] for i in range(2, len(others))]
        )
        for chosen in runs[:RUNS]:
            instead = {n: self.new[n] for n in chosen}
            listed = ", ".join(chosen)
            if self._equal(name, moved, self._gradient(name, instead)):
                text = f"{listed} had been updated already when the gradient was taken back through it"
                yield Cause("stale-weights", None, text)
                return
            if self._equal(name, moved, self._at({**self.old, **instead})[name]):
                yield Cause(
                    "stale-weights", None, f"the gradient was taken of a new pass, with {listed} updated already"
                )

    def _at(self, weights: Weights) -> Weights:
        """The gradients at other weights."""
        tensors = self._leaves(weights)
        root = self.loss(tensors).node
        assert root is not None
        nodes = {name: t.node for name, t in tensors.items() if t.node is not None}
        found = engine.flow({root: np.ones(root.shape)}, list(nodes.values()))
        return {n: np.asarray(found.get(node, np.zeros(node.shape))) for n, node in nodes.items()}

    def _repeated(self, name: str) -> Iterator[Cause]:
        """Several updates: of one pass while the weights move, of whole passes, or as the deltas say."""
        every = [abs(k) for k in (*self.times.values(), *self._times_delta()) if k is not None]
        counts = {round(k) for k in every if k > 1.5 and abs(k - round(k)) < 1e-6 * k}
        for k in sorted(counts):
            between = {n: w + (k - 1) / (2 * k) * (self.new[n] - w) for n, w in self.old.items() if self._moves(n)}
            moved = self._moved(name)
            if self._equal(name, moved, k * self._gradient(name, between)):
                text = f"the update of one pass was applied {k} times, each with weights that the one before had moved"
                yield Cause("repeated", None, text, float(k))
                return
        for how, k, weights in self._walks(max([OFTEN, *counts])):
            if self._equal(name, self._moved(name), (self.old[name] - weights[name]) / self.lr):
                yield Cause("repeated", None, f"{k} updates of {how} were applied, and not one", float(k))
                return

    def _times_delta(self) -> Iterator[float | None]:
        for name in self.old:
            delta = self._delta(name, self.old)
            yield None if delta is None else self._multiple(name, delta)

    def _moves(self, name: str) -> bool:
        return self.new[name].shape == self.old[name].shape

    def _walks(self, most: int) -> Iterator[tuple[str, int, Weights]]:
        """The weights after 2, 3, ... updates: by the gradient of whole passes, or by deltas that are a function."""
        down = dict.fromkeys(self.old, -1)
        for k, weights in self._walk(most, self._at, down):
            yield "whole passes", k, weights
        if callable(self.deltas):
            guessed = {name: self._sign(name) for name in self.old}
            for signs in (guessed, down, dict.fromkeys(self.old, 1)):
                for k, weights in self._walk(most, self._deltas, signs):
                    yield "its deltas", k, weights

    def _walk(
        self, most: int, by: Callable[[Weights], Mapping[str, Any]], signs: Mapping[str, int]
    ) -> Iterator[tuple[int, Weights]]:
        weights = {name: w.copy() for name, w in self.old.items()}
        for k in range(1, most + 1):
            moves = {name: signs[name] * self.lr * np.asarray(d) for name, d in by(weights).items() if name in weights}
            weights = {name: w + moves.get(name, 0.0) for name, w in weights.items()}
            if k > 1:
                yield k, weights

    def _sign(self, name: str) -> int:
        delta, moved = self._delta(name, self.old), self._moved(name)
        return -1 if delta is None or moved is None or float(np.vdot(delta, moved)) > 0 else 1

    def _from_another(self, name: str) -> Iterator[Cause]:
        """Was the new array made of another weight, or with another's gradient?"""
        for other in (n for n in self.old if n != name):
            for w, text in (
                (self.old[other], f"the new {name} was computed from {other}"),
                (self.new[other], f"the new {name} was computed from {other}, as already updated"),
            ):
                for step, how in (
                    (self.gradients[name], f"{other} - lr times the gradient of {name}"),
                    (self.gradients[other], f"{other} - lr times the gradient of {other}"),
                    (np.zeros(()), f"{other} itself"),
                ):
                    if self._is_new(name, w, step):
                        yield Cause("wrong-operand", None, f"{text}: {how}")
                        return
            if self._is_new(name, self.old[name], self.gradients[other]):
                yield Cause("wrong-operand", None, f"{name} moved by lr times the gradient of {other}")
                return

    def _is_new(self, name: str, w: Array, step: Array) -> bool:
        try:
            made = w - self.lr * step
        except ValueError:
            return False
        new = self.new[name]
        return made.shape == new.shape and np.allclose(
            made, new, rtol=RELATIVE[self.size], atol=1e-12 * np.max(np.abs(new), initial=0.0)
        )


def _instead(region: Region, edge: Any, saved: list[Any]) -> Callable[[Any], Any]:
    return lambda g: region.rule(edge, g, saved)
