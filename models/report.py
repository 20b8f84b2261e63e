"""What a check found: a line for each version, the full pages, or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from autograd_lite.check import Cause, DeltaFinding, StepFinding
from autograd_lite.check.cause import Reading
from autograd_lite.check.delta_report import distinct, inner_words, times_words
from models.checking import Checked
from models.network import PRINTED, Network

LEGEND = """\
framework: autograd against finite differences. corrected, as-printed: every delta of the hand-written pass against
the recorded graph, and the step that its update makes. Of a pass that is k times the gradient, k is said; of another,
which deltas introduce a mistake, and which."""


def table(network: Network, checked: Sequence[Checked]) -> str:
    """One network: a heading, and a line for each version."""
    heading = f"{network.id} {network.alias}" + (f": {network.objective}" if network.objective else "")
    return "\n".join([heading, *(f"  {c.version:12}{line}" for c in checked for line in [words(c)])])


def brief(network: Network, checked: Sequence[Checked]) -> str:
    """A line for each version that something is wrong with; nothing where all is as it should be."""
    told = [c for c in checked if c.passed is False or (c.passed is None and (c.introduced or strayed(c)))]
    return "\n".join(f"{network.id:5} {network.alias}, {c.version}: {words(c)}" for c in told)


def words(checked: Checked) -> str:
    """What was found of one version, in a line."""
    return "; ".join(_words(checked))


def _words(checked: Checked) -> Iterator[str]:
    if checked.what == "skipped":
        yield f"skipped: {checked.note.splitlines()[0]}"
    elif checked.what == "gradients":
        yield from _gradients(checked)
    elif checked.what == "outputs":
        yield "the output agrees" if checked.passed else f"DIFFERS: {checked.note}"
    elif checked.what == "signs":
        yield checked.note if checked.passed else f"DIFFERS: only {checked.note}"
    else:
        yield from _deltas(checked)


def _gradients(checked: Checked) -> Iterator[str]:
    wrong = [d.name for d in checked.differences if not d.right]
    if wrong:
        yield f"DIFFERS from finite differences: {', '.join(wrong)}"
    elif checked.differences:
        worst = max(checked.differences, key=lambda d: d.error / d.allowed)
        yield f"agrees with finite differences (at worst {worst.error:.0e} off, {worst.allowed:.0e} allowed)"
    if checked.note:
        yield f"DIFFERS: {checked.note}"


def _deltas(checked: Checked) -> Iterator[str]:
    introduced = checked.introduced
    if not introduced:
        yield whole(checked) or "agrees"
    for finding, readings in introduced:
        yield f"{finding.name} WRONG: {causes(readings)}"
    for step in strayed(checked):
        yield f"step of {step.name} WRONG: {causes([(cause,) for cause in step.causes])}"
    if introduced and (constant := whole(checked)):
        yield f"otherwise {constant}"


def whole(checked: Checked) -> str:
    """What constant the hand-written pass has, in words; nothing where it has none."""
    if not checked.deltas or checked.deltas[checked.shown].inner is None:
        return "" if checked.scale == 1 else times_words(checked.scale)
    return f"{times_words(checked.scale)}, {inner_words(checked.deltas[checked.shown])}"


def strayed(checked: Checked) -> list[StepFinding]:
    """The parameters whose step is neither the gradient's, up to the constant of the pass, nor their delta's."""
    return [step for step in checked.strayed if not _is_scale(checked, step.causes)]


def _is_scale(checked: Checked, found: Sequence[Cause]) -> bool:
    """Does a step differ by no more than the constant of the whole pass?"""
    return bool(found) and found[0].factor is not None and abs(found[0].factor) == abs(checked.scale)


def causes(readings: Sequence[Reading]) -> str:
    """The simplest explanation, and how many others fit."""
    if not readings:
        return "no cause found"
    first, *others = (" and ".join(_cause(cause) for cause in reading) for reading in distinct(list(readings))[:3])
    return f"{first} (or {' or '.join(others)})" if others else first


def _cause(cause: Cause) -> str:
    if cause.factor is not None and cause.kind in ("factor", "repeated", "mean-for-sum", "sum-for-mean"):
        return f"{cause.kind} {cause.factor:.4g}"
    return f"{cause.kind} ({cause.op})" if cause.op else cause.kind


def summary(checked: Sequence[Checked]) -> str:
    """In a few sentences: what agrees, what does not, and what the text writes that is not the gradient."""
    return "\n".join(_sentences(checked))


def _sentences(checked: Sequence[Checked]) -> Iterator[str]:
    ours = [c for c in checked if c.passed is not None]
    failed = [c for c in ours if not c.passed]
    if ours:
        learn, forward = ({c.network for c in ours if (c.what == "outputs") is only} for only in (False, True))
        good = f"{len(learn)} networks: framework, corrected and finite differences agree"
        good += f"; {len(forward)} forward pass{'es agree' if len(forward) > 1 else ' agrees'}" if forward else ""
        listed = ", ".join(f"{c.network} {c.version}" for c in failed)
        yield f"DISAGREE: {listed}" if failed else good
    printed = [c for c in checked if c.version == PRINTED and c.what == "deltas"]
    wrong = [c for c in printed if c.introduced]
    if printed:
        yield f"as printed: {len(printed) - len(wrong)} of {len(printed)} are the gradient or a constant times it"
    if wrong:
        yield f"  with mistakes introduced: {', '.join(c.network for c in wrong)}"
    astray = [c for c in printed if strayed(c)]
    if astray:
        yield f"  with a step that is not what its delta says: {', '.join(c.network for c in astray)}"
    skipped = [c for c in checked if c.what == "skipped"]
    if skipped:
        yield f"skipped, since their data are not here: {', '.join(c.network for c in skipped)}"


def explained(network: Network, checked: Sequence[Checked]) -> str:
    """One network: the full page of each version."""
    heading = f"{network.id} {network.alias}: {network.sentence}\nthe error: {network.objective or 'none'}"
    return "\n\n".join([heading, *(page for c in checked for page in _pages(c))])


def _pages(checked: Checked) -> Iterator[str]:
    yield f"== {checked.version}: {words(checked)}"
    told = {id(finding) for finding, _ in checked.introduced}
    numbered = list(enumerate(checked.deltas, 1))
    pages = [(k, report) for k, report in numbered if any(id(finding) in told for finding in report)]
    if not pages and checked.deltas and checked.scale != 1:
        pages = [numbered[checked.shown]]
    for k, report in pages:
        batch = f"-- batch {k} of the {len(numbered)} that are looked at --\n\n" if len(pages) > 1 else ""
        yield f"{batch}{report}"
    if checked.steps and not checked.steps[-1]:
        yield str(checked.steps[-1])


def as_json(checked: Sequence[Checked]) -> str:
    """A list of objects, one for each version of each network; a number that is not finite becomes null."""
    return json.dumps([_plain(c) for c in checked], indent=2, allow_nan=False)


def _plain(checked: Checked) -> dict[str, Any]:
    return {
        "network": checked.network,
        "version": checked.version,
        "what": checked.what,
        "passed": checked.passed,
        "words": words(checked),
        "note": checked.note,
        "scale": checked.scale,
        "gradients": [
            {"name": d.name, "agrees": d.right, "error": min(d.error, 1e300), "allowed": d.allowed}
            for d in checked.differences
        ],
        "deltas": [finding.to_dict() for finding in _told(checked)],
        "introduced": [
            {"name": finding.name, "causes": [[cause.to_dict() for cause in reading] for reading in readings]}
            for finding, readings in checked.introduced
        ],
        "steps": [finding.to_dict() for report in checked.steps[-1:] for finding in report],
    }


def _told(checked: Checked) -> list[DeltaFinding]:
    """A finding for each delta: where something is introduced the one that tells most, else that of one place."""
    most = {finding.name: finding for finding, _ in checked.introduced}
    return [most.get(finding.name, finding) for finding in checked.deltas[checked.shown]] if checked.deltas else []
