"""What a check found, as a table of at most 100 columns, in a few sentences, or as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from models.checking import AGREES, DIFFERS, Finding
from models.network import FRAMEWORK, Network

LEGEND = """\
framework: autograd's gradient against finite differences; allowed is 1e-6 of it plus its rounding.
corrected, as-printed: by hand, against autograd's. delta: as computed. step: (old - new) / rate.
multiple: the gradient times the ratio. differs: no multiple of it, since the cosine is not 1 or -1."""
HEADING = f"""\
{"":24}{" delta ":-^33}  {" step ":-^34}
{"parameter":12}{"version":12}{"verdict":12}{"cosine":>9}{"ratio":>11}   {"verdict":12}{"cosine":>9}{"ratio":>11}"""


def table(network: Network, findings: Sequence[Finding]) -> str:
    """One network: a heading, and three lines for each parameter."""
    lines = [f"{network.id} {network.alias}: {network.objective}"]
    rows: dict[tuple[str, str], dict[str, Finding]] = {}
    for finding in findings:
        rows.setdefault((finding.parameter, finding.version), {})[finding.what] = finding
    named = ""
    for (parameter, version), row in rows.items():
        gradient = row.get("gradient")
        cells = f"{_cell(row['delta'])}   {_cell(row['step'])}" if gradient is None else _by_differences(gradient)
        lines.append(f"{parameter if parameter != named else '':12}{version:12}{cells}".rstrip())
        named = parameter
    return "\n".join(lines)


def _by_differences(finding: Finding) -> str:
    word = "agrees with" if finding.verdict == AGREES else "DIFFERS from"
    return f"{word} finite differences: at worst {finding.error:.1e} off, allowed {finding.allowed:.1e}"


def _cell(finding: Finding) -> str:
    """The verdict, and of what is not the gradient itself how it lies to it."""
    if finding.verdict == AGREES:
        return f"{finding.verdict:32}"
    return f"{finding.verdict:12}{_short(finding.cosine, 5, 'f'):>9}{_short(finding.ratio, 4, 'g'):>11}"


def _short(value: float | None, digits: int, kind: str) -> str:
    return "" if value is None else f"{value:.{digits}{kind}}"


def summary(findings: Sequence[Finding]) -> str:
    """In a few sentences: what agrees, what does not, and what the text writes that is not the gradient."""
    return "\n".join(_sentences(findings))


def _sentences(findings: Sequence[Finding]) -> Iterator[str]:
    for version, what in ((FRAMEWORK, "autograd and finite differences"), ("corrected", "corrected and autograd")):
        of_version = [f for f in findings if f.version == version]
        failed = [f for f in of_version if f.passed is False]
        agree = f"{what} agree for all {len({(f.network, f.parameter) for f in of_version})} parameters"
        yield f"{what} DISAGREE: {_listed(failed)}" if failed else agree
    printed = [f for f in findings if f.version == "as-printed" and f.what == "delta"]
    wrong = [f for f in printed if f.verdict == DIFFERS]
    if printed:
        yield f"as-printed: {len(printed) - len(wrong)} of {len(printed)} deltas are the gradient or a multiple of it"
    if wrong:
        yield f"  the others: {_listed(wrong)}"
    uphill = [f for f in findings if f.version == "as-printed" and f.what == "step" and (f.cosine or 0) < 0]
    if uphill:
        yield f"  uphill goes the step of {_listed(uphill)}"


def _listed(findings: Sequence[Finding]) -> str:
    names = dict.fromkeys(f"{finding.network} {finding.parameter}" for finding in findings)
    return ", ".join(names)


def as_json(findings: Sequence[Finding]) -> str:
    """A list of objects, one for each finding; a number that is not finite becomes null."""
    return json.dumps([_plain(finding) for finding in findings], indent=2)


def _plain(finding: Finding) -> dict[str, object]:
    values = {**asdict(finding), "passed": finding.passed}
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()}
