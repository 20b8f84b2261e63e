"""What was found of a network, as one verdict: measured, never listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from models import report
from models.checking import Checked
from models.network import PRINTED

WRONG, DISAGREES, SKIPPED = "wrong", "disagrees", "skipped"
EXACT, CONSTANT, SIGNS, OUTPUTS, UNPRINTED = "exact", "constant", "signs", "outputs", "unprinted"
LABELS = {  # a word and a shape for each kind; colours are the style sheet's
    WRONG: ("mistake", "▲"),
    DISAGREES: ("disagreement", "✖"),
    EXACT: ("the gradient", "●"),
    CONSTANT: ("a constant times the gradient", "◐"),
    SIGNS: ("by trial", "◆"),
    OUTPUTS: ("forward only", "■"),
    UNPRINTED: ("not printed as code", "○"),
    SKIPPED: ("not checked", "?"),
}
_sentences = {  # one, and more
    WRONG: (
        "1 has a mistake in its backward pass or its step",
        "{} have a mistake in their backward pass or their step",
    ),
    EXACT: ("the backward pass of 1 is the gradient", "the backward passes of {} are the gradient"),
    CONSTANT: (
        "the backward pass of 1 is a constant times the gradient",
        "the backward passes of {} are a constant times the gradient",
    ),
    SIGNS: ("1 learns by trial", "{} learn by trial"),
    OUTPUTS: ("1 is a forward pass alone", "{} are forward passes alone"),
    UNPRINTED: ("1 is not printed as code", "{} are not printed as code"),
    SKIPPED: ("1 was not checked, since its data are not here", "{} were not checked, since their data are not here"),
    DISAGREES: ("in 1 our own versions DISAGREE", "in {} our own versions DISAGREE"),
}


@dataclass(frozen=True)
class Verdict:
    """One of the kinds above, and what was found in words."""

    kind: str
    words: str

    @property
    def label(self) -> str:
        """The kind in words."""
        return LABELS[self.kind][0]

    @property
    def shape(self) -> str:
        """The kind as a shape."""
        return LABELS[self.kind][1]


def verdict(checked: Sequence[Checked]) -> Verdict:
    """The verdict on what the text prints; where it prints no code, that; before all, where our own code fails."""
    failed = [c for c in checked if c.passed is False]
    if failed:
        return Verdict(DISAGREES, "; ".join(f"{c.version}: {report.words(c)}" for c in failed))
    one = next((c for c in checked if c.what == "skipped" or c.version == PRINTED), None)
    if one is None:
        return Verdict(UNPRINTED, "; ".join(f"{c.version}: {report.words(c)}" for c in checked))
    return Verdict(_kind(one), report.words(one))


def _kind(one: Checked) -> str:
    if one.what == "skipped":
        return SKIPPED
    if one.what in ("signs", "outputs"):
        return one.what
    if one.introduced or report.strayed(one):
        return WRONG
    return CONSTANT if report.whole(one) else EXACT


def counted(verdicts: Iterable[Verdict]) -> str:
    """How many there are of each kind, in a sentence.

    >>> counted([Verdict(EXACT, ""), Verdict(WRONG, ""), Verdict(WRONG, "")])
    'Of 3 networks, 2 have a mistake in their backward pass or their step; the backward pass of 1 is the gradient.'
    """
    counts = Counter(verdict.kind for verdict in verdicts)
    parts = [_sentences[kind][counts[kind] > 1].format(counts[kind]) for kind in _sentences if counts[kind]]
    return f"Of {_networks(counts.total())}, {'; '.join(parts)}."


def _networks(count: int) -> str:
    return f"{count} network{'' if count == 1 else 's'}"
