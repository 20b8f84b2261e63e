"""What a gradient check found, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.check.blame import Blame
from autograd_lite.check.judge import Entry, Verdict


class GradcheckError(AssertionError):
    """A gradient check failed; the message is its report, which is also the attribute `report`.

    >>> import autograd_lite as al
    >>> @al.primitive(x=lambda g: 3.0 * g)
    ... def double(x):
    ...     return 2.0 * x
    >>> al.gradcheck(double, al.tensor(1.0, requires_grad=True), raise_exception=True)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    autograd_lite.check.report.GradcheckError: gradcheck: WRONG for input 0 ...
    """

    def __init__(self, report: Report) -> None:
        super().__init__(str(report))
        self.report = report


@dataclass
class Finding:
    """One thing found. `kind` is "wrong", "impure", "nondeterministic", "nonfinite" (these fail), or that of a note.

    >>> import autograd_lite as al
    >>> x = al.tensor([0.0, 1.0], requires_grad=True, name="x")
    >>> report = al.gradcheck(al.abs, x)
    >>> [(finding.kind, finding.index, finding.fails) for finding in report]
    [('kink', (0,), False)]
    """

    kind: str
    text: str
    input: int | None = None
    index: tuple[int, ...] | None = None
    analytic: float | None = None
    numeric: float | None = None

    @property
    def fails(self) -> bool:
        """Whether the check fails by it."""
        return self.kind in ("wrong", "impure", "nondeterministic", "nonfinite")

    def to_dict(self) -> dict[str, Any]:
        """For JSON; what is not finite is text."""
        return {
            "kind": self.kind,
            "text": self.text,
            "input": self.input,
            "index": None if self.index is None else list(self.index),
            "analytic": _plain(self.analytic),
            "numeric": _plain(self.numeric),
        }


@dataclass
class Report:
    """The result of a check: true if the gradients are right. `print(report)` tells all, `to_dict()` is for programs.

    Iterating gives the `Finding`s: wrong entries first, then notes (kinks, upcasts, what could not be resolved).
    `verdicts` has a record for every input, `blame` says which op is behind a failure.

    >>> import autograd_lite as al
    >>> x = al.tensor([0.5, 2.0], requires_grad=True, name="x")
    >>> report = al.gradcheck(al.log, x)
    >>> bool(report), report.op, report.to_dict()["ok"]
    (True, None, True)
    >>> print(str(report).splitlines()[0])
    gradcheck: the gradients are right
    """

    what: str
    rtol: float
    verdicts: list[Verdict] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    blame: Blame | None = None
    column: str = "input"

    def __bool__(self) -> bool:
        return not any(f.fails for f in self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    @property
    def op(self) -> str | None:
        """The name of the op that is wrong, or not pure, if one was found."""
        return None if self.blame is None or self.blame.kind not in ("op", "second", "impure") else self.blame.op

    def note(self, kind: str, text: str) -> None:
        """Add a finding that does not fail the check."""
        self.findings.append(Finding(kind, text))

    def __str__(self) -> str:
        lines = [f"{self.what}: {self._headline()}"]
        if self.verdicts:
            lines += ["", *_aligned([self._heading(), *(_row(v) for v in self.verdicts)])]
        lines += ["", *(f"- {f.text}" for f in self.findings)] if self.findings else []
        if self.blame is not None and not self:
            lines += ["", *blame_lines(self.blame)]
        rule = (
            f"Rule: |analytic - numeric| <= {self.rtol:g} x the larger of the two + noise, the noise measured for "
            "each entry,\nfrom the rounding of the outputs that move. Numeric: central differences, extrapolated, "
            "weighed with a random\ncotangent; analytic: the rules of the ops, in float64."
        )
        return "\n".join([*lines, "", rule])

    __repr__ = __str__

    def _headline(self) -> str:
        if self:
            return "the gradients are right"
        failing = [f for f in self.findings if f.fails]
        kinds = {f.kind for f in failing}
        if "impure" in kinds:
            return "IMPURE, an op writes into what it was given; the gradients were not compared"
        if "nondeterministic" in kinds:
            return "NO VERDICT, the function gives other values each time"
        names = [v.label for v in self.verdicts if v.of("wrong")]
        return f"WRONG for {', '.join(names)}" if names else "NO VERDICT"

    def _heading(self) -> list[str]:
        return [
            self.column, "shape", "checked", "wrong", "worst at", "analytic", "numeric", "rel. error", "verdict",
        ]  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, numbers and text, for JSON."""
        return {
            "check": self.what,
            "ok": bool(self),
            "rtol": self.rtol,
            "inputs": [_verdict_dict(v) for v in self.verdicts],
            "findings": [f.to_dict() for f in self.findings],
            "blame": None if self.blame is None else _blame_dict(self.blame),
        }


def _plain(value: float | None) -> float | str | None:
    return value if value is None or np.isfinite(value) else str(value)


def _verdict_dict(v: Verdict) -> dict[str, Any]:
    worst = v.worst
    return {
        "input": v.input,
        "name": v.label,
        "shape": list(v.shape),
        "entries": int(np.prod(v.shape)),
        "checked": v.checked,
        "covered": v.covered,
        "wrong": len(v.of("wrong")),
        "kinks": len(v.of("kink")),
        "unresolved": len(v.of("unresolved")),
        "worst": None
        if worst is None
        else {
            "index": None if worst.index is None else list(worst.index),
            "analytic": _plain(worst.analytic),
            "numeric": _plain(worst.numeric),
            "relative_error": _plain(worst.relative),
        },
        "verdict": verdict_word(v),
    }


def _blame_dict(b: Blame) -> dict[str, Any]:
    return {
        "kind": b.kind,
        "op": b.op,
        "argument": b.argument,
        "file": None if b.site is None else b.site[0],
        "line": None if b.site is None else b.site[1],
        "source": b.line,
        "index": None if b.entry is None or b.entry.index is None else list(b.entry.index),
        "analytic": None if b.entry is None else _plain(b.entry.analytic),
        "numeric": None if b.entry is None else _plain(b.entry.numeric),
        "ops_checked": b.ops,
        "what": b.what,
    }


def verdict_word(v: Verdict) -> str:
    """One word or two for the table."""
    if v.of("wrong"):
        return "WRONG"
    if not np.prod(v.shape):
        return "empty"
    if v.of("kink"):
        return "right, at kinks"
    return "right"


def _row(v: Verdict) -> list[str]:
    total = int(np.prod(v.shape))
    wrong = str(len([e for e in v.of("wrong") if e.index is not None])) if v.of("wrong") else "0"
    checked = f"{v.checked} of {total}" if v.checked < total else str(total)
    row = [v.label, str(v.shape), checked, wrong]
    if v.worst is None:
        return [*row, "", "", "", "", verdict_word(v)]
    w = v.worst
    numbers = [place(w), f"{w.analytic:.8g}", f"{w.numeric:.8g}", f"{w.relative:.1e}"]
    return [*row, *numbers, verdict_word(v)]


def place(entry: Entry) -> str:
    """An index as one writes it; a direction has none."""
    if entry.index is None:
        return "a direction"
    return f"[{', '.join(map(str, entry.index))}]" if entry.index else "the number"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]


LAW = (
    "Rules and forward functions are pure: what they are given belongs to others too (g to the rules of other ops,",
    "x and y to the graph and to the caller), so a write makes other gradients wrong. Write `g = g * ...` in place of",
    "`g *= ...`, g * 2 in place of g.mul_(2), and write into a copy: out = np.array(g).",
)


def blame_lines(b: Blame) -> list[str]:
    """What is behind it, where, and what to do."""
    checked = f"{b.ops} checked op{'s' * (b.ops != 1)}"
    where = [] if b.site is None else [f"  at    {b.site[0]}:{b.site[1]}", f"        {b.line}"]
    if b.kind in ("op", "second") and b.entry is not None:
        which = "the rule" if b.kind == "op" else "the second derivative, through the rule,"
        advice = (
            "Correct the rule of this op for this argument; the ops before it in this run are right."
            if b.kind == "op"
            else "The rule itself is consistent, but Tensors do not pass through it: .data, detach() or a constant "
            "in it, or a NumPy call on arrays, hides a dependence."
        )
        numbers = f"analytic {b.entry.analytic:.8g}, numeric {b.entry.numeric:.8g}"
        what = f" ({b.entry.what})" if b.entry.what else ""
        return [
            f"The op: {which} of {b.op} for its argument {b.argument} is wrong, checked alone on what it was given:",
            f"  {place(b.entry)}  {numbers}{what}; wrong at {b.wrong[0]} of {b.wrong[1]} entries",
            *where,
            advice,
        ]
    if b.kind == "impure":
        return [f"The op: {b.what}:", *where, *LAW]
    if b.kind == "cut":
        more = [f"  (and {len(b.more)} more such arguments)"] if b.more else []
        return [
            f"A path is cut: argument {b.argument} of {b.op} depends on the input, and comes in as a constant:",
            *where,
            *more,
            f"All {checked} that were recorded are right alone. What leaves the graph is detach(), .data, a NumPy call "
            "on\narrays, or no_grad(): write that part with Tensors, or do not count on its gradient.",
        ]
    if b.kind == "kinks":
        return [
            f"All {checked} are right alone, some of them at a kink (as relu at 0), where each op takes one slope of "
            "several;\ntogether these need not make a derivative. Check at another point."
        ]
    loose = f"No recorded path leads from {', '.join(b.more)} to the outputs. " if b.more else ""
    return [
        f"{loose}All {checked} of the recorded graph are right alone, so a part of the computation is not recorded:",
        "detach(), .data, a NumPy call on arrays, a value kept from an earlier call, or state read from outside.",
    ]
