"""What `lint` found, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Finding:
    """One thing found: its `kind` (a word with hyphens), `what` is wrong, `where` (path and line), what `to_do`.

    >>> import autograd_lite as al
    >>> w = al.tensor([-1.0, 2.0], requires_grad=True, name="w")
    >>> report = al.lint(lambda: al.log(w).sum().backward())
    >>> report.findings[0].kind
    'not-finite'
    >>> print(report.findings[0].what)
    log made nan
    """

    kind: str
    what: str
    where: str
    to_do: str

    def __str__(self) -> str:
        place = f"\n    at {self.where}" if self.where and self.where not in self.what else ""
        return f"{self.kind}: {self.what}{place}\n    {self.to_do}"


@dataclass
class LintReport:
    """The findings of some runs of a step; true where there are none.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0, 2.0], requires_grad=True)
    >>> report = al.lint(lambda: (w * w).sum())
    >>> bool(report)
    True
    >>> print(report)
    lint: nothing found in 3 runs of the step, which never calls backward(): taken for an evaluation
    """

    findings: list[Finding] = field(default_factory=list)
    steps: int = 0
    trained: bool = True

    def __bool__(self) -> bool:
        return not self.findings

    @property
    def kinds(self) -> list[str]:
        """The kinds of all findings, in order."""
        return [finding.kind for finding in self.findings]

    def __str__(self) -> str:
        runs = f"{self.steps} run{'' if self.steps == 1 else 's'} of the step" + (
            "" if self.trained else ", which never calls backward(): taken for an evaluation"
        )
        if not self.findings:
            return f"lint: nothing found in {runs}"
        return "\n\n".join([f"lint: {len(self.findings)} found in {runs}", *map(str, self.findings)])
