"""What a check found, as a table of at most 100 columns, in a few sentences, or as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from models.checking import DIFFERS, MULTIPLE, Finding
from models.network import FRAMEWORK, Network

HEADING = (
    f"{'':26}{'delta':^37}   {'step':^20}".rstrip()
    + f"\n{'parameter':12} {'version':11} {'error':>8} {'cosine':>9} {'ratio':>9} {'verdict':8}"
    f"   {'cosine':>9} {'ratio':>9} verdict"
)
LEGEND = """\
autograd: its gradient against finite differences, to 1e-6 and their own rounding. The others: the
delta as written, and minus what a step did to the parameter over the learning rate; both against
autograd's gradient g of the error that is named, to 1e-8. error: |delta - g| / |g|. ratio: of the
multiple of g that is nearest. multiple: it is that multiple, which is a way of writing; differs: it
is no multiple of g. The numbers are the worse of two places, the start and after some steps."""


def table(network: Network, findings: Sequence[Finding]) -> str:
    """One network: a heading, and three lines for each parameter."""
    lines = [f"{network.id} {network.alias}: {network.objective}"]
    rows: dict[tuple[str, str], dict[str, Finding]] = {}
    for finding in findings:
        rows.setdefault((finding.parameter, finding.version), {})[finding.what] = finding
    named = ""
    for (parameter, version), row in rows.items():
        label = "autograd" if version == FRAMEWORK else version.replace("-", " ")
        lines.append(f"{parameter if parameter != named else '':12} {label:11} {_cells(row)}".rstrip())
        named = parameter
    return "\n".join(lines)


def _cells(row: dict[str, Finding]) -> str:
    first, step = row.get("gradient") or row["delta"], row.get("step")
    cells = f"{_short(first.error, 1, 'e'):>8} {_numbers(first)}"
    return cells if step is None else f"{cells}   {_numbers(step)}"


def _numbers(finding: Finding) -> str:
    return f"{_short(finding.cosine, 5, 'f'):>9} {_short(finding.ratio, 4, 'g'):>9} {finding.verdict:8}"


def _short(value: float | None, digits: int, kind: str) -> str:
    return "" if value is None else f"{value:.{digits}{kind}}"


def summary(findings: Sequence[Finding]) -> str:
    """In a few sentences: what agrees, what does not, and what the text writes that is not the gradient."""
    return "\n".join(_sentences(findings))


def _sentences(findings: Sequence[Finding]) -> Iterator[str]:
    for version, what in ((FRAMEWORK, "autograd and finite differences"), ("corrected", "corrected and autograd")):
        of_version = [f for f in findings if f.version == version]
        failed = [f for f in of_version if not f.passed]
        agree = f"{what} agree for all {len({(f.network, f.parameter) for f in of_version})} parameters"
        yield f"{what} DISAGREE: {_listed(failed)}" if failed else agree
    printed = [f for f in findings if f.version == "as-printed" and f.what == "delta"]
    wrong = [f for f in printed if f.verdict == DIFFERS]
    multiples = sum(f.verdict == MULTIPLE for f in printed)
    yield f"as printed, {multiples} of {len(printed)} deltas are a multiple of the gradient, {len(wrong)} are not"
    if wrong:
        yield f"  no multiple: {_listed(wrong)}"
    uphill = [f for f in findings if f.version == "as-printed" and f.what == "step" and (f.cosine or 0) < 0]
    if uphill:
        yield f"  uphill goes the step of: {_listed(uphill)}"


def _listed(findings: Sequence[Finding]) -> str:
    names = dict.fromkeys(f"{finding.network} {finding.parameter}" for finding in findings)
    return ", ".join(names)


def as_json(findings: Sequence[Finding]) -> str:
    """A list of objects, one for each finding; a number that is not finite becomes null."""
    return json.dumps([_plain(finding) for finding in findings], indent=2)


def _plain(finding: Finding) -> dict[str, object]:
    values = {**asdict(finding), "passed": finding.passed}
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()}
