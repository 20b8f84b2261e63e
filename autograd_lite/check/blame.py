"""Which op is it? A run is watched, and every op that was recorded in it is checked alone."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.check.judge import Entry, Judge, Verdict, entries_of
from autograd_lite.check.problem import Problem
from autograd_lite.check.replay import Replay
from autograd_lite.core import Op, Tensor
from autograd_lite.gradients import grad
from autograd_lite.graph import reach
from autograd_lite.memory import Array, Site, call_site
from autograd_lite.modes import watch


@dataclass
class Call:
    """One call of an op, as a watcher saw it."""

    op: Op
    args: tuple[Any, ...]
    attrs: dict[str, Any]
    result: Any
    site: Site

    def name(self, k: int) -> str:
        """What the op calls its argument number k."""
        own = self.op.arrays
        fixed = len(own) - self.op.variadic
        return own[k] if k < fixed else f"{own[-1]}[{k - fixed}]"

    def ruled(self, k: int) -> bool:
        """Does this argument have a derivative?"""
        return self.op.rules[self.op.slot(k)] is not None

    @property
    def recorded(self) -> list[int]:
        """The arguments through which gradients go."""
        if not isinstance(self.result, Tensor) or self.result.node is None or self.result.dtype.kind != "f":
            return []
        return [k for k, a in enumerate(self.args) if isinstance(a, Tensor) and a.node is not None and self.ruled(k)]

    def again(self, tensors: Sequence[Tensor]) -> Any:
        """Call the op once more, other Tensors in the places of the recorded ones."""
        args = [_upcast(a) for a in self.args]
        for k, tensor in zip(self.recorded, tensors, strict=True):
            args[k] = tensor
        anew = getattr(self.attrs.get("ctx"), "again", None)  # a Function's forward is not its op's
        return self.op.call(*args, **self.attrs) if anew is None else anew(*args)


def _upcast(value: Any) -> Any:
    raw = value.data if isinstance(value, Tensor) else value
    if isinstance(raw, np.ndarray) and raw.dtype.kind == "f" and raw.dtype != np.float64:
        raw = raw.astype(float)
    return Tensor(raw) if isinstance(value, Tensor) else raw


@dataclass
class Blame:
    """What is behind a failure.

    `kind` is "op" (its rule is wrong), "second" (its rule, differentiated, is), "cut" (something enters as a
    constant that depends on the inputs), "kinks" (all rules are right, and at kinks), "impure" (an op writes into
    what it was given, whatever the gradients are: `what` says it in words) or "unknown".
    """

    kind: str
    op: str | None = None
    argument: str | None = None
    site: Site | None = None
    entry: Entry | None = None
    wrong: tuple[int, int] = (0, 0)  # entries of the argument: wrong, and checked
    ops: int = 0  # how many were checked alone
    more: tuple[str, ...] = ()
    what: str = ""

    @property
    def line(self) -> str:
        """The text of the line that called the op."""
        return "" if self.site is None else linecache.getline(*self.site).strip()


def watched(problem: Problem, arrays: Sequence[Array]) -> tuple[list[Call], list[Tensor], list[Tensor]]:
    """All calls of one evaluation, in order; its inputs and outputs."""
    calls: list[Call] = []

    def watcher(op: Op, args: tuple[Any, ...], attrs: dict[str, Any], result: Any) -> None:
        calls.append(Call(op, tuple(args), attrs, result, call_site()))

    with watch(watcher):
        inputs, outputs = problem.outputs(arrays)
    return calls, inputs, outputs


def find(problem: Problem, wrong: set[int], settings: dict[str, Any], second: list[Call] | None = None) -> Blame:
    """Who is to blame for wrong gradients of these inputs. `second` are the calls whose rules are to be derived."""
    calls, inputs, outputs = watched(problem, problem.arrays)
    used = set(reach([t.node for t in outputs if t.node is not None]))
    own = [c for c in calls if c.recorded and c.result.node in used]
    kinks = skipped = 0
    for kind, checked, make in (("op", own, alone), ("second", second or [], derived)):
        for call in checked:
            verdicts = _verdicts(call, make, settings)
            if verdicts is None:
                skipped += kind == "op"
                continue
            if any(v.of("wrong") for v in verdicts):
                return _named(kind, call, verdicts, len(own) - skipped)
            kinks += any(v.of("kink") for v in verdicts)
    cuts = _cuts(problem, calls, wrong)
    if cuts:
        call, text = cuts[0]
        return Blame("cut", call.op.name, text, call.site, ops=len(own) - skipped, more=tuple(t for _, t in cuts[1:4]))
    loose = [problem.labels[k] for k in sorted(wrong) if inputs[k].node not in used]
    return Blame("kinks" if kinks and not loose else "unknown", ops=len(own) - skipped, more=tuple(loose))


def _named(kind: str, call: Call, verdicts: list[Verdict], ops: int) -> Blame:
    worst = max(entries_of(verdicts, "wrong"), key=lambda e: (e.index is not None, e.relative))
    verdict = verdicts[worst.input]
    counted = len(verdict.of("wrong")), max(verdict.checked, 1)
    return Blame(kind, call.op.name, verdict.label, call.site, worst, counted, ops)


def _verdicts(call: Call, make: Callable[[Call], Problem | None], settings: dict[str, Any]) -> list[Verdict] | None:
    """The verdict on an op alone, or None where it cannot be called alone; it is not thereby wrong."""
    try:
        problem = make(call)
        if problem is None:
            return []
        work = sum(a.size for a in problem.arrays) * sum(a.size for a in (*problem.arrays, call.result.data))
        limit = settings["limit"] if work < 2e7 else 100
        return Judge(problem, **{**settings, "limit": limit}).run()
    except Exception:
        return None


def alone(call: Call) -> Problem | None:
    """An op as a function of its own arguments."""
    recorded = call.recorded
    arrays = [call.args[k].data for k in recorded]
    return Problem(call.again, arrays, [call.name(k) for k in recorded], Replay())


def derived(call: Call) -> Problem | None:
    """An op's rules as functions of its arguments and of g, for the second derivative."""
    recorded = call.recorded
    g = np.random.default_rng(0).standard_normal(call.result.shape)

    def evaluate(tensors: list[Tensor]) -> Any:
        *arguments, weight = tensors
        y = call.again(arguments)
        grads = grad(y, arguments, weight, create_graph=True, allow_unused=True)
        return [t for t in grads if t is not None]

    names = [*(call.name(k) for k in recorded), "g"]
    return Problem(evaluate, [*(call.args[k].data for k in recorded), g], names, Replay())


def _cuts(problem: Problem, calls: list[Call], wrong: set[int]) -> list[tuple[Call, str]]:
    """Constants that change with the inputs: where a path is cut. Those that enter a recorded op come first."""
    random = np.random.default_rng(0)
    moved = [
        a + 1e-6 * np.where(a == 0, 1.0, np.abs(a)) * random.uniform(0.5, 1.5, a.shape) if k in wrong else a
        for k, a in enumerate(problem.arrays)
    ]
    try:
        others, _, _ = watched(problem, moved)
    except Exception:
        return []
    if [c.op for c in calls] != [c.op for c in others]:
        return []
    found = [
        (call, call.name(k))
        for call, other in zip(calls, others, strict=True)
        for k, (a, b) in enumerate(zip(call.args, other.args, strict=True))
        if call.ruled(k) and _constant(a) and not np.array_equal(_raw(a), _raw(b), equal_nan=True)
    ]
    return sorted(found, key=lambda item: not item[0].recorded)


def _constant(value: Any) -> bool:
    node = value.node if isinstance(value, Tensor) else None
    return node is None and np.asarray(_raw(value)).dtype.kind == "f"


def _raw(value: Any) -> Any:
    return value.data if isinstance(value, Tensor) else value
