"""What `check_training` found, as a page to read and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from autograd_lite.check.cause import Cause
from autograd_lite.check.delta_report import lie
from autograd_lite.memory import Array

NOTHING = "no slip that is known here gives this step (deltas= tells a wrong delta from a wrong update)"


@dataclass(frozen=True, eq=False)
class StepFinding:
    """What a step did to one parameter.

    `verdict` is "agrees" (minus lr times the gradient), "inherited" (as its hand-written delta says, which is not the
    gradient) or "introduced". `step` is (old - new) / lr, None where the shape changed. `causes` say what fits.

    >>> import autograd_lite as al
    >>> import numpy as np
    >>> def uphill(w):
    ...     return {"w": w["w"] + 0.1 * 2 * w["w"]}
    >>> report = al.check_training(uphill, lambda w: (w["w"] ** 2).sum(), {"w": np.array([1.0, -2.0])}, lr=0.1)
    >>> finding = report["w"]
    >>> finding.verdict, finding.causes[0].kind, round(finding.cosine, 9), round(finding.ratio, 9)
    ('introduced', 'sign', -1.0, -1.0)
    """

    name: str
    verdict: str
    gradient: Array
    step: Array | None
    causes: list[Cause] = field(default_factory=list)

    @property
    def cosine(self) -> float | None:
        """Between the step and the gradient; negative goes uphill."""
        return None if self.step is None else lie(self.step, self.gradient)[0]

    @property
    def ratio(self) -> float | None:
        """The k for which k times the gradient is nearest to the step."""
        return None if self.step is None else lie(self.step, self.gradient)[1]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        causes = [cause.to_dict() for cause in self.causes]
        numbers = {"cosine": self.cosine, "ratio": self.ratio}
        return {"name": self.name, "verdict": self.verdict, "causes": causes, **numbers}


@dataclass(frozen=True, eq=False)
class TrainingReport:
    """All findings: iterable, and true if every parameter moved by minus lr times its gradient.

    >>> import autograd_lite as al
    >>> import numpy as np
    >>> def uphill(w):
    ...     return {"w": w["w"] + 0.1 * 2 * w["w"]}
    >>> report = al.check_training(uphill, lambda w: (w["w"] ** 2).sum(), {"w": np.array([1.0, -2.0])}, lr=0.1)
    >>> bool(report), [finding.name for finding in report]
    (False, ['w'])
    >>> print(str(report).splitlines()[0])
    check_training: the step is NOT minus 0.1 times the gradient for w
    """

    findings: list[StepFinding]
    lr: float

    def __bool__(self) -> bool:
        return all(finding.verdict == "agrees" for finding in self.findings)

    def __iter__(self) -> Iterator[StepFinding]:
        return iter(self.findings)

    def __getitem__(self, name: str) -> StepFinding:
        for finding in self.findings:
            if finding.name == name:
                return finding
        raise KeyError(f"no parameter is called {name!r}; there are {', '.join(f.name for f in self.findings)}")

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"agrees": bool(self), "lr": self.lr, "findings": [finding.to_dict() for finding in self.findings]}

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        if self:
            yield f"check_training: the step is minus {self.lr:g} times the gradient, for all {len(self.findings)}"
            return
        wrong = [f.name for f in self.findings if f.verdict != "agrees"]
        yield f"check_training: the step is NOT minus {self.lr:g} times the gradient for {', '.join(wrong)}"
        width = max(9, *(len(f.name) for f in self.findings))
        yield f"\n  {'parameter':{width}}  {'cosine':>8}  {'ratio':>11}  verdict"
        for f in self.findings:
            numbers = f"{'':8}  {'':11}" if f.cosine is None else f"{f.cosine:8.5f}  {f.ratio:11.5g}"
            yield f"  {f.name:{width}}  {numbers}  {f.verdict}"
        told: dict[tuple[str, ...], list[str]] = {}
        for f in self.findings:
            if f.verdict == "introduced":
                told.setdefault(tuple(f"{c.kind}: {c.explanation}" for c in f.causes), []).append(f.name)
        for causes, names in told.items():
            yield f"\n{', '.join(names)}:"
            yield from (f"  {cause}" for cause in causes or (NOTHING,))
        followed = [f.name for f in self.findings if f.verdict == "inherited"]
        if followed:
            yield f"\n{', '.join(followed)}: the step is what the delta says, and the delta is wrong: see check_deltas"
