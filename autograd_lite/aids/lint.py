"""`lint`: run a training step a few times, watch it, put everything back, and say what is probably a mistake."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_lite.aids.report import Finding, LintReport
from autograd_lite.aids.sights import LOSSES, Sight
from autograd_lite.aids.state import State, outside
from autograd_lite.aids.training import Training
from autograd_lite.aids.values import Values
from autograd_lite.anomaly import backward_anomaly
from autograd_lite.core import GraphError, Node, Op, Tensor
from autograd_lite.memory import call_site
from autograd_lite.modes import watch
from autograd_lite.optim import Optimizer
from autograd_lite.random import watch_draws


class _Watched(watch):
    """The runs of a step: everything that happens in them goes to those who tell of it."""

    def __init__(self, state: State) -> None:
        super().__init__(self._saw)
        self.state, self.values, self.training = state, Values(), Training()
        self._updating = False

    def _wanted(self) -> dict[str, Any]:
        return {**super()._wanted(), "listener": self, "trap": self._flowed}

    def _saw(self, op: Op, args: Sequence[Any], attrs: dict[str, Any], result: Any) -> None:
        sight = Sight()
        if isinstance(result, Tensor) and result.node is not None:
            result.node.annotate().site = call_site()
        if sight.model is not None:
            self.state.module(sight.model)
        for arg in args:
            self.state.met(arg)
        self.values.saw(op, args, attrs, result, sight)
        self.training.saw(op, args, result, sight)

    def _flowed(self, node: Node, argument: int, g: Any, gx: Any) -> None:
        """A rule gave a gradient."""
        if any(kind == "not-finite" for kind, _ in self.values.findings):
            return
        error = backward_anomaly(node, argument, g, gx)
        if error is not None:
            where = "" if error.site is None else f"{error.site[0]}:{error.site[1]}"
            head, _, rest = str(error).partition("\n")
            self.values.tell("not-finite", where, head.partition(" at ")[0], rest.rpartition("remedy: ")[2])

    def flowing(self, roots: dict[Node, Any], targets: Sequence[Node] | None) -> None:
        """A backward pass begins."""
        self.training.flowing(roots, targets)

    def stepping(self, optimizer: Optimizer) -> None:
        """An optimizer is about to step."""
        self.state.optimizer(optimizer)
        self.training.stepping(optimizer)


def lint(step: Callable[..., Any], *args: Any, steps: int = 3) -> LintReport:
    """Run `step(*args)` a few times, and say what in it is probably a mistake, where, and what to do.

    The step does what one step of training does: forward, backward, optimizer. One that never calls backward is taken
    for an evaluation. Found are: gradients that are never cleared, graphs that grow over steps, parameters that get no
    gradient, and why, or are in no optimizer, dropout and batch norm in the wrong mode, a loss that leads nowhere, a
    learning rate of 0, NaN and infinity, relus that are never active, saturated sigmoids, softmax or sigmoid before a
    loss that has its own, targets that do not fit.

    Afterwards parameters, gradients, buffers, modes, optimizers and generators are as before; what the step keeps in
    lists and files of its own is not. Raises whatever the step raises, unless that is one of the findings.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0, 2.0], requires_grad=True, name="w")
    >>> optimizer = al.optim.SGD([w], lr=0.1)
    >>> def step():
    ...     loss = (w * w).sum()
    ...     loss.backward()
    ...     optimizer.step()
    >>> report = al.lint(step)
    >>> report.kinds, w
    (['no-zero-grad'], tensor([1., 2.], requires_grad=True))
    """
    if steps < 1:
        raise ValueError(f"lint runs the step at least once, and steps is {steps}")
    if not isinstance(step, types.FunctionType | types.MethodType | functools.partial):
        step = getattr(step, "_step", step)  # of a compiled one, what was compiled
    state = State()
    watched = _Watched(state)
    failed: Finding | None = None
    with watch_draws() as draws, np.errstate(all="ignore"):
        try:
            for value in outside(step, args):
                state.met(value)
            with watched:
                for _ in range(steps):
                    watched.training.began()
                    failed = _run(step, args)
                    watched.training.ended()
                    if failed is not None:
                        break
            findings = _all(watched, failed)
        finally:
            for generator, before in draws.values():
                state.generator(generator, before)
            state.restore()
    return LintReport(findings, len(watched.training.made), watched.training.flowed or failed is not None)


def _all(watched: _Watched, failed: Finding | None) -> list[Finding]:
    training = watched.training
    if failed is not None and not training.flowed:  # where nothing flowed there is nothing to tell of gradients
        return [failed, *watched.values.done()]
    return [*([] if failed is None else [failed]), *training.done(), *watched.values.done()]


def _run(step: Callable[..., Any], args: tuple[Any, ...]) -> Finding | None:
    """One run; an error that is a finding is returned as one."""
    try:
        step(*args)
    except (GraphError, ValueError, TypeError, IndexError) as error:
        finding = _of_error(error)
        if finding is None:
            raise
        return finding
    return None


def _of_error(error: Exception) -> Finding | None:
    lines, names, trace = [], set[str](), error.__traceback__
    while trace is not None:
        code, package = trace.tb_frame.f_code, trace.tb_frame.f_globals.get("__name__", "").partition(".")[0]
        if package == "autograd_lite":
            names.add(code.co_name)
        else:
            lines.append(f"{code.co_filename}:{trace.tb_lineno}")
        trace = trace.tb_next
    where, text = lines[-1] if lines else "", str(error)
    if isinstance(error, GraphError) and "has no graph" in text:
        to_do = (
            "is the forward pass under no_grad(), are all parameters frozen, or does .detach(), .data, .item() or "
            "NumPy stand between them and the loss?"
        )
        return Finding(
            "loss-without-graph", "the loss does not require a gradient: backward() has no graph", where, to_do
        )
    if isinstance(error, GraphError) and "was freed" in text:
        what = "backward() goes into the graph of an earlier step, which was freed with it"
        to_do = "carry a state from step to step as state.detach(), and compute the loss anew in each step"
        return Finding("graph-grows", what, where, to_do)
    if names & LOSSES:
        return Finding("targets", text.partition("\n")[0], where, "give the loss what it takes")
    return None
