"""What `check_deltas` found, as a page to read and for programs."""

from __future__ import annotations

import linecache
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from autograd_lite.check.cause import Cause, Reading
from autograd_lite.memory import Array, Site


@dataclass(frozen=True, eq=False, kw_only=True)
class DeltaFinding:
    """What was found of one delta.

    `verdict` is "agrees", "inherited" (wrong, but right given the delta above it) or "introduced". `readings` are the
    explanations that fit, the simplest first, each of one cause or of two that were made together; `causes` are
    theirs, flat. `hand` is the array handed in, `expected` what the deltas `above` make of it, `true` the gradient.
    `line` is NumPy code that gives `expected`, or None where there is no short way to write it.

    >>> import autograd_lite as al
    >>> import numpy as np
    >>> x, w = np.array([[1.0, 2.0]]), al.tensor([[0.5], [-1.0]], requires_grad=True, name="w")
    >>> loss = (x @ w).square().sum()
    >>> report = al.check_deltas(loss, {"w": x.T @ (x @ w.data)})
    >>> finding = report["w"]
    >>> finding.verdict, finding.causes[0].kind
    ('introduced', 'factor')
    >>> (finding.true / finding.hand).tolist()
    [[2.0], [2.0]]
    """

    name: str
    verdict: str
    readings: list[Reading] = field(default_factory=list)
    above: list[str] = field(default_factory=list)
    hand: Array
    expected: Array
    true: Array
    line: str | None = None
    site: Site | None = None
    ended: bool = False

    @property
    def causes(self) -> list[Cause]:
        """All causes that are named, each once: the simplest reading's first."""
        return list(dict.fromkeys(cause for reading in self.readings for cause in reading))

    @property
    def convention(self) -> bool:
        """Is it no more than the constant that the whole pass is written with?"""
        return bool(self.readings) and all(cause.convention for cause in self.readings[0])

    @property
    def worst(self) -> tuple[tuple[int, ...], float, float] | None:
        """The entry that is farthest from what is expected: its index, the hand-written number, the expected one."""
        if self.hand.shape != self.expected.shape or not self.hand.size:
            return None
        with np.errstate(all="ignore"):
            off = np.abs(self.hand - self.expected)
        index = np.unravel_index(int(np.argmax(np.where(np.isnan(off), np.inf, off))), off.shape)
        return tuple(int(i) for i in index), float(self.hand[index]), float(self.expected[index])

    @property
    def cosine(self) -> float | None:
        """The cosine between the array and the gradient; None where one is zero, not finite, or of another shape."""
        return lie(self.hand, self.true)[0]

    @property
    def ratio(self) -> float | None:
        """The k for which k times the gradient is nearest to the array."""
        return lie(self.hand, self.true)[1]

    def to_dict(self) -> dict[str, Any]:
        """For JSON: numbers that are not finite become None."""
        worst = self.worst
        return {
            "name": self.name,
            "verdict": self.verdict,
            "convention": self.convention,
            "causes": [cause.to_dict() for cause in self.causes],
            "readings": [[cause.to_dict() for cause in reading] for reading in self.readings],
            "above": self.above,
            "line": self.line,
            "cosine": self.cosine,
            "ratio": self.ratio,
            "worst": None
            if worst is None
            else {"index": list(worst[0]), "hand": _plain(worst[1]), "expected": _plain(worst[2])},
        }


def _plain(value: float) -> float | None:
    return value if np.isfinite(value) else None


def lie(hand: Array, true: Array) -> tuple[float | None, float | None]:
    """How an array lies to the gradient: their cosine, and the k that makes k times the gradient nearest to it."""
    if hand.shape != true.shape:
        return None, None
    h, t = np.ravel(hand).astype(float), np.ravel(true).astype(float)
    size, length = float(np.linalg.norm(h)), float(np.linalg.norm(t))
    if not size or not length or not np.isfinite(size * length):
        return None, None
    cosine = float((h / size) @ (t / length))
    return cosine, cosine * size / length


class DeltaReport:
    """All findings, the loss's end first: iterable, and true if every delta agrees. `print(report)` tells all.

    `scale` is the k for which the whole pass, apart from what was introduced, is the gradient of k times the loss.
    `report[name]` is the finding of one delta.

    >>> import autograd_lite as al
    >>> import numpy as np
    >>> x, w = np.array([[1.0, 2.0]]), al.tensor([[0.5], [-1.0]], requires_grad=True, name="w")
    >>> loss = (x @ w).square().sum()
    >>> report = al.check_deltas(loss, {"w": x.T @ (x @ w.data)})
    >>> bool(report), report.scale
    (False, 0.5)
    >>> print(str(report).splitlines()[0])
    check_deltas: the pass is half the gradient: that of half the loss
    """

    def __init__(
        self,
        findings: list[DeltaFinding],
        scale: float,
        exact: bool,
        up_to_scale: bool,
        inner: float | None = None,
        rate_known: bool = True,
    ) -> None:
        self.findings, self.scale, self.exact, self.up_to_scale = findings, scale, exact, up_to_scale
        self.inner, self.rate_known = inner, rate_known

    def __bool__(self) -> bool:
        return self.exact if self.up_to_scale else all(f.verdict == "agrees" for f in self.findings)

    def __iter__(self) -> Iterator[DeltaFinding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __getitem__(self, name: str) -> DeltaFinding:
        for finding in self.findings:
            if finding.name == name:
                return finding
        raise KeyError(f"no delta of {name!r} was handed in; there are {', '.join(f.name for f in self.findings)}")

    @property
    def introduced(self) -> list[DeltaFinding]:
        """The deltas at which something went wrong, those that are a convention of the whole pass left out."""
        return [f for f in self.findings if f.verdict == "introduced" and not f.convention]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "agrees": bool(self),
            "scale": self.scale,
            "exact": self.exact,
            "findings": [finding.to_dict() for finding in self.findings],
        }

    def __str__(self) -> str:
        return "\n".join(_page(self))


# The page


def _page(report: DeltaReport) -> Iterator[str]:
    yield _headline(report)
    yield ""
    width = max([5, *(len(f.name) for f in report)])
    yield f"  {'delta':{width}}  {'shape':14}  {'cosine':>8}  {'ratio':>11}  verdict"
    for finding in report:
        yield f"  {finding.name:{width}}  {_shape(finding):14}  {_numbers(finding)}  {_verdict(finding)}"
    told: dict[tuple[Any, ...], list[DeltaFinding]] = {}
    for finding in report:
        if finding.verdict == "introduced":
            alike = tuple((c.kind, c.op) for c in finding.readings[0]) if finding.readings else (finding.name,)
            told.setdefault((*alike, finding.convention), []).append(finding)
    for findings in told.values():
        yield ""
        yield from _section(findings[0])
        if len(findings) > 1:
            yield f"  the same at {', '.join(f.name for f in findings[1:])}"
    yield from _hints(report)


def _headline(report: DeltaReport) -> str:
    if all(f.verdict == "agrees" for f in report):
        return f"check_deltas: all {len(report)} agree with the gradient"
    whole = "" if report.scale == 1 and report.inner is None else _convention(report)
    names = [f.name for f in report.introduced]
    if not names:
        return f"check_deltas: {whole}" if whole else "check_deltas: nothing was introduced"
    wrong = f"{_counted(len(names))} introduced: {', '.join(names)}"
    return f"check_deltas: WRONG, {wrong}" + (f"; apart from that, {whole}" if whole else "")


def _convention(report: DeltaReport) -> str:
    if report.inner is None:
        return f"the pass is {times_words(report.scale)}"
    return f"the deltas of the parameters are {times_words(report.scale)}, {inner_words(report)}"


def inner_words(report: DeltaReport) -> str:
    """In words: the inner deltas have another constant than those of the parameters."""
    times = (report.inner or 1.0) / report.scale
    return f"and the inner deltas {times:g} times that: the parameters take it back"


def times_words(k: float) -> str:
    """In words: k times the gradient."""
    if k == 1:
        return "the gradient"
    if k == -1:
        return "minus the gradient (right with +=)"
    if abs(k) == 0.5:
        return (
            "half the gradient: that of half the loss" if k > 0 else "minus half the gradient: of half the loss, for +="
        )
    return f"{k:.6g} times the gradient" + (" (minus: for +=)" if k < 0 else "")


def distinct(readings: list[Reading]) -> list[Reading]:
    """Without those that call a sum or a mean in the place of the other, named already, a mere factor."""
    shown: dict[tuple[str, ...], Reading] = {}
    for reading in readings:
        kinds = ("factor" if c.kind in ("mean-for-sum", "sum-for-mean") else c.kind for c in reading)
        shown.setdefault(tuple(kinds), reading)
    return list(shown.values())


def _counted(n: int) -> str:
    return "one mistake was" if n == 1 else f"{n} mistakes were"


def _shape(finding: DeltaFinding) -> str:
    if finding.hand.shape == finding.expected.shape:
        return str(finding.hand.shape)
    return f"{finding.hand.shape}!"


def _numbers(finding: DeltaFinding) -> str:
    cosine, ratio = finding.cosine, finding.ratio
    if cosine is None or ratio is None:
        return f"{'':8}  {'':11}"
    return f"{cosine:8.5f}  {ratio:11.5g}"


def _verdict(finding: DeltaFinding) -> str:
    if finding.verdict == "agrees":
        return "agrees"
    if finding.verdict == "inherited":
        return f"inherited: right, given {_listed(finding.above) or 'the constant of the whole pass'}"
    return "INTRODUCED here" if not finding.convention else "a constant of the whole pass"


def _listed(names: list[str]) -> str:
    if not names:
        return ""
    return f"the delta of {names[0]}" if len(names) == 1 else f"the deltas of {', '.join(names)}"


def _section(finding: DeltaFinding) -> Iterator[str]:
    above = _listed(finding.above) or "the loss"
    yield f"{finding.name}, given {above}:"
    if finding.readings:
        simplest, *others = distinct(finding.readings)
        yield from _reading(simplest, "  ")
        for other in others:
            yield "  fits as well:"
            yield from _reading(other, "    ")
    elif not np.isfinite(finding.hand).all():
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(finding.hand))[0])
        yield f"  it is not finite: {finding.hand[at]} at {list(at)}"
    elif finding.hand.shape != finding.expected.shape:
        yield f"  its shape is {finding.hand.shape}, and the tensor's is {finding.expected.shape}"
    else:
        yield "  no known slip, nor two together, explains this array"
        if finding.ended:
            yield "  (the search ended before all pairs were tried: hand in deltas nearer to it)"
        if finding.cosine is not None and finding.ratio is not None and _as_float32(finding.cosine, finding.ratio):
            yield "  it differs as float32 rounding does: are both passes of the same dtype?"
    worst = finding.worst
    if worst is not None and not finding.convention:
        index, hand, expected = worst
        yield f"  worst at {list(index)}: {hand + 0.0:.8g} by hand, {expected + 0.0:.8g} expected"
    if finding.line is not None and not finding.convention:
        first, *more = finding.line.split("; ")
        yield f"  corrected: {first}"
        yield from (f"             {line}" for line in more)
    elif not finding.convention:
        yield '  no corrected line: something that it needs has no name (al.tensor(x, name="x")), or it is too long'
    if finding.site is not None:
        file, number = finding.site
        yield f"  made at {Path(file).name}:{number}  {linecache.getline(file, number).strip()}".rstrip()


def _as_float32(cosine: float, ratio: float) -> bool:
    return abs(cosine - 1) < 1e-6 and abs(ratio - 1) < 1e-5


def _hints(report: DeltaReport) -> Iterator[str]:
    """What to do next, where causes are missing."""
    dark = [f for f in report.introduced if not f.readings]
    if len(report.introduced) > 2 and not any(f.above for f in report.introduced):
        yield "\nNo delta was handed in between these and the loss: hand in inner ones to see where it begins."
    if len(dark) > 1:
        yield "\nSeveral have no cause: do both passes use the same weights and data? Compare their outputs first."
    if dark and not report.rate_known:
        yield "\nWith lr=, weights that were updated too early are tried, too."


def _reading(reading: Reading, indent: str) -> Iterator[str]:
    for i, cause in enumerate(reading):
        yield f"{indent}{'and ' if i else ''}{cause.kind}: {cause.explanation}"
