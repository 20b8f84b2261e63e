"""`gradcheck` and `gradgradcheck`: gradients against differences, and the op that is to blame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_lite.check import blame
from autograd_lite.check.judge import STEP, Entry, Judge, Verdict
from autograd_lite.check.problem import Problem, as_outputs
from autograd_lite.check.purity import impure
from autograd_lite.check.replay import Replay
from autograd_lite.check.report import Finding, GradcheckError, Report, place
from autograd_lite.core import Tensor
from autograd_lite.gradients import grad
from autograd_lite.memory import Array, name_of

FEW = 3  # findings of one kind that are listed for an input


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float | None = None,
    rtol: float = 1e-6,
    seed: int = 0,
    raise_exception: bool = False,
    max_entries: int = 2000,
) -> Report:
    """Compare the gradients of `func(*inputs)`, by every input that requires one, with central differences.

    The result is true if they agree, and printed it says what was compared, where it differs, and which op is to
    blame. A rule or forward function that writes into what it is given fails, right or not.

    Everything runs in float64 (float32 inputs are upcast), from the same random draws each time; inputs and
    their `grad` are left as they are. All entries are compared up to `max_entries`, above it random directions and
    a sample. `eps` is the first step, relative to each entry's magnitude (2⁻⁹); where that does not settle it, all
    steps are tried. There is no absolute tolerance: beyond `rtol`, only the measured rounding is allowed.

    Raises ValueError or TypeError for inputs and outputs that have no derivative, and with `raise_exception` a
    GradcheckError where the gradients are wrong.

    >>> import autograd_lite as al
    >>> import numpy as np
    >>> from autograd_lite.check import gradcheck
    >>> x = al.tensor([0.5, 2.0], requires_grad=True, name="x")
    >>> bool(gradcheck(lambda x: al.log(x) * x, x))
    True
    >>> @al.primitive(x=lambda g, y: g * y)
    ... def logistic(x):
    ...     return 1 / (1 + np.exp(-x))
    >>> report = gradcheck(lambda x: logistic(x * 2).sum(), x)
    >>> bool(report), report.op, report.blame.argument
    (False, 'logistic', 'x')
    """
    given = _as_inputs(inputs)
    places = _checked(given)
    replay = Replay(func)

    def evaluate(tensors: list[Tensor]) -> Any:
        return func(*_merged(given, places, tensors))

    problem = Problem(evaluate, [given[k].data for k in places], [_label(given[k], k) for k in places], replay)
    report = Report("gradcheck", rtol)
    _note_upcasts(report, given)
    settings = {"rtol": rtol, "seed": seed, "limit": max_entries, "step": eps or STEP}
    return finish(examine(problem, report, settings), raise_exception)


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float | None = None,
    rtol: float = 1e-6,
    seed: int = 0,
    raise_exception: bool = False,
    max_entries: int = 2000,
) -> Report:
    """Compare second derivatives: the gradient's own gradients, by the inputs and by `grad_outputs`, with differences.

    `grad_outputs` are the cotangents of the outputs, random ones unless given. The first derivatives are what is
    differentiated, so check them with `gradcheck` first; the other options are as there.

    >>> import autograd_lite as al
    >>> from autograd_lite.check import gradgradcheck
    >>> x = al.tensor([0.5, 2.0], requires_grad=True)
    >>> bool(gradgradcheck(lambda x: (x**3).sum(), x))
    True
    """
    given = _as_inputs(inputs)
    places = _checked(given)
    replay = Replay(func)

    def forward(tensors: list[Tensor]) -> Any:
        return func(*_merged(given, places, tensors))

    labels = [_label(given[k], k) for k in places]
    first = Problem(forward, [given[k].data for k in places], labels, replay)
    report = Report("gradgradcheck", rtol)
    if not _pure(first, report):  # here with arrays for g; on Tensors a write is an error
        return finish(report, raise_exception)
    calls, _, outputs = blame.watched(first, first.arrays)
    weights = _cotangents(grad_outputs, outputs, seed)
    names = [*labels, *(f"grad_output {k}" for k in range(len(weights)))]
    problem = Problem(_gradient_of(forward, len(places)), [*first.arrays, *weights], names, replay)
    _note_upcasts(report, given)
    settings = {"rtol": rtol, "seed": seed, "limit": max_entries, "step": eps or STEP}
    return finish(examine(problem, report, settings, [c for c in calls if c.recorded]), raise_exception)


def _gradient_of(forward: Callable[[list[Tensor]], Any], count: int) -> Callable[[list[Tensor]], Any]:
    """The gradient as a function of `count` inputs and of the outputs' cotangents after them."""

    def evaluate(tensors: list[Tensor]) -> Any:
        xs = tensors[:count]
        pairs = zip(as_outputs(forward(xs)), tensors[count:], strict=True)
        reached = [(y, g) for y, g in pairs if y.node is not None]
        if not reached:
            raise ValueError("no output of the function has a graph: there is no gradient to differentiate")
        ys, gs = zip(*reached, strict=True)
        grads = grad(ys, xs, list(gs), create_graph=True, allow_unused=True)
        return [Tensor(np.zeros(x.shape)) if g is None else g for x, g in zip(xs, grads, strict=True)]

    return evaluate


def examine(
    problem: Problem, report: Report, settings: dict[str, Any], second: list[blame.Call] | None = None
) -> Report:
    """Fill in a report: is it pure, the same each time, finite, right, and if not, who is to blame."""
    try:
        if not _pure(problem, report):
            return report
        before = [a.copy() for a in problem.arrays]
        judge = Judge(problem, **settings)
        if any(not np.array_equal(a, b) for a, b in zip(before, problem.arrays, strict=True)):
            raise ValueError("the function changes its input in place: there is no point to take differences at")
        if not (_repeats(problem, judge.y, report) and _finite(judge.y, report)):
            return report
        report.verdicts = judge.run()
        wrong = {v.input for v in report.verdicts if v.of("wrong")}
        if wrong:
            report.blame = blame.find(problem, wrong, settings, second)
            if report.blame.kind == "kinks" and _right_nearby(problem, settings):
                _excuse(report)
        for verdict in report.verdicts:
            report.findings += _findings(verdict)
        report.findings.sort(key=lambda f: not f.fails)
        return report
    finally:
        problem.replay.restore()


def finish(report: Report, raise_exception: bool) -> Report:
    """The report, or if it is asked for, the error."""
    if raise_exception and not report:
        raise GradcheckError(report)
    return report


def _pure(problem: Problem, report: Report) -> bool:
    """Does no op write into what it was given? It comes first: such writes reach what everything else looks at."""
    copies = [a.copy() for a in problem.arrays]
    try:
        calls, _, _ = problem.replay.watched(lambda: blame.watched(problem, copies))
        report.blame = impure(calls)
    finally:
        problem.replay.restore()
    if report.blame is not None:
        report.findings.append(Finding("impure", report.blame.what))
    return report.blame is None


def _repeats(problem: Problem, y: Array, report: Report) -> bool:
    for _ in range(2):
        again = problem.values(problem.arrays)
        if again.shape != y.shape:
            text = f"outputs: {y.size} numbers at one call, and {again.size} at the next, at the same inputs"
        elif np.allclose(again, y, rtol=1e-12, atol=0.0, equal_nan=True):
            continue
        else:
            k = int(np.nanargmax(np.abs(again - y)))
            text = f"output {k} was {y[k]:.8g} at one call, and {again[k]:.8g} at the next, at the same inputs"
        advice = (
            "the function is not deterministic, so its gradients cannot be checked. Draws from NumPy's and Python's "
            "global generators, al's, and generators that the function refers to are replayed; pass it one of these, "
            "seeded, or let it keep no state between calls"
        )
        report.findings.append(Finding("nondeterministic", f"{text}: {advice}"))
        return False
    return True


def _finite(y: Array, report: Report) -> bool:
    bad = np.flatnonzero(~np.isfinite(y))
    if not bad.size:
        return True
    text = f"{bad.size} of {y.size} outputs are not finite, the first is number {bad[0]}: {y[bad[0]]}"
    report.findings.append(Finding("nonfinite", f"{text}; check where the function is finite"))
    return False


def _right_nearby(problem: Problem, settings: dict[str, Any]) -> bool:
    """At a point a few percent away, off the kinks, is all right?"""
    random = np.random.default_rng(1)
    moved = [a + 0.03 * np.where(a == 0, 1.0, np.abs(a)) * random.uniform(-1, 1, a.shape) for a in problem.arrays]
    try:
        twin = Problem(problem.evaluate, moved, problem.labels, problem.replay)
        return not any(v.of("wrong") for v in Judge(twin, **settings).run())
    except Exception:
        return False


def _excuse(report: Report) -> None:
    for entry in (e for v in report.verdicts for e in v.entries):
        entry.state = "kink" if entry.state == "wrong" else entry.state
    report.blame = None
    report.note(
        "kink",
        "several ops are at kinks at once (as relu at 0), and the slopes they take there do not add up to a "
        "difference; every op is right alone, and all agrees at a point nearby",
    )


def _findings(v: Verdict) -> list[Finding]:
    found = [_wrong(v, e) for e in sorted(v.of("wrong"), key=lambda e: -e.relative)[:FEW]]
    kinks = v.of("kink")
    found += [
        Finding("kink", _kink_text(v, e), v.input, e.index, e.analytic, e.numeric) for e in kinks[:FEW] if e.slope
    ]
    if len(kinks) > FEW:
        found.append(Finding("kink", f"{v.label}: {len(kinks)} entries in all are at a kink or a jump", v.input))
    unclear = v.of("unresolved")
    if unclear:
        size = max(e.noise for e in unclear)
        text = (
            f"{v.label}: {len(unclear)} of the gradients are lost in rounding (up to {size:.1e}): too small to be told"
        )
        found.append(Finding("unresolved", text, v.input))
    if v.checked < np.prod(v.shape):
        found.append(Finding("coverage", f"{v.label}: compared in {v.covered}, not at every entry", v.input))
    if v.zero and np.prod(v.shape):
        found.append(Finding("unused", f"{v.label}: the outputs do not change with it, and its gradient is 0", v.input))
    return found


def _wrong(v: Verdict, e: Entry) -> Finding:
    text = (
        f"{v.label} at {place(e)}: analytic {e.analytic:.8g}, numeric {e.numeric:.8g} (relative error {e.relative:.1e})"
    )
    if e.slope is not None and e.slope.kind in ("kink", "jump"):
        text += f", at a {e.slope.kind}: left {e.slope.left:.6g}, right {e.slope.right:.6g}, yours is not between"
    return Finding("wrong", text + (f"; {e.what}" if e.what else ""), v.input, e.index, e.analytic, e.numeric)


def _kink_text(v: Verdict, e: Entry) -> str:
    assert e.slope is not None
    sides = f"left {e.slope.left:.6g}, right {e.slope.right:.6g}, yours {e.analytic:.6g}"
    return f"{v.label} at {place(e)} is at a {e.slope.kind}: {sides}: acceptable"


# Inputs


def _as_inputs(inputs: Any) -> list[Any]:
    if isinstance(inputs, list | tuple):
        return list(inputs)
    if not isinstance(inputs, Tensor):
        raise TypeError(
            f"inputs are a Tensor or a tuple of them, and not {type(inputs).__name__}: al.tensor(...) makes one"
        )
    return [inputs]


def _label(tensor: Tensor, k: int) -> str:
    name = name_of(tensor.data) if tensor.node is None else tensor.node.name
    return f"input {k}" if name is None else f"input {k} ({name})"


def _checked(given: Sequence[Any]) -> list[int]:
    """Which inputs are to be checked. Raises ValueError where there is none, or one is not finite."""
    places = [k for k, t in enumerate(given) if isinstance(t, Tensor) and t.node is not None]
    if not places:
        kinds = ", ".join(f"{t.dtype}" if isinstance(t, Tensor) else type(t).__name__ for t in given) or "none"
        raise ValueError(
            f"no input requires a gradient, so there is nothing to check (inputs: {kinds}): make one with "
            "al.tensor(..., dtype=float, requires_grad=True)"
        )
    for k in places:
        refuse_nonfinite(given[k].data, _label(given[k], k))
    return places


def refuse_nonfinite(array: Array, label: str) -> None:
    """Raises ValueError, naming the first entry that is NaN or infinite."""
    bad = np.argwhere(~np.isfinite(array))
    if bad.size or (array.ndim == 0 and not np.isfinite(array)):
        index = tuple(int(i) for i in bad[0])
        raise ValueError(f"{label} is {array[index]} at {list(index)}: gradients are checked at finite points")


def _merged(given: Sequence[Any], places: Sequence[int], tensors: Sequence[Tensor]) -> list[Any]:
    args = [upcast(a) for a in given]
    for k, tensor in zip(places, tensors, strict=True):
        args[k] = tensor
    return args


def upcast(value: Any) -> Any:
    """A constant in float64 where it is floating point; anything else as it is."""
    if isinstance(value, Tensor) and value.dtype.kind == "f" and value.dtype != np.float64:
        return Tensor(value.data.astype(float))
    return value


def _note_upcasts(report: Report, given: Sequence[Any]) -> None:
    narrow = [
        _label(t, k) for k, t in enumerate(given) if isinstance(t, Tensor) and t.dtype in (np.float32, np.float16)
    ]
    if narrow:
        report.note("upcast", f"{', '.join(narrow)}: checked in float64 (differences in float32 are too coarse)")


def _cotangents(grad_outputs: Any, outputs: Sequence[Tensor], seed: int) -> list[Array]:
    if grad_outputs is None:
        random = np.random.default_rng(seed)
        return [random.standard_normal(t.shape) for t in outputs]
    items = list(grad_outputs) if isinstance(grad_outputs, list | tuple) else [grad_outputs]
    arrays = [np.asarray(g.data if isinstance(g, Tensor) else g, dtype=float) for g in items]
    if [a.shape for a in arrays] != [t.shape for t in outputs]:
        raise ValueError(
            f"grad_outputs have shapes {[a.shape for a in arrays]}, and the outputs {[t.shape for t in outputs]}: one "
            "for each, of its shape"
        )
    return arrays
