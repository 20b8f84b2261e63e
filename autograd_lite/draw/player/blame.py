"""The findings of a check of hand-written deltas, by the tensors that they are of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autograd_lite.derive.labels import shortened
from autograd_lite.draw.player.numbers import entry, number
from autograd_lite.draw.player.story import Story, said

WORDS = {  # a sign beside each, so that a colour is never alone
    "agrees": "✓ agrees",
    "inherited": "↓ inherited",
    "introduced": "✗ introduced here",
    "convention": "≈ a constant times it",
}


def blame(report: Iterable[Any], story: Story) -> list[dict[str, Any]]:
    """What the page shows of each finding: `id` is its tensor's, or None where no tensor has that name alone.

    A finding has `name`, `verdict` and `causes`; what else those of `check_deltas` have is shown where it is there.
    """
    ids: dict[str, list[str]] = {}
    for node, id in story.ids.items():
        for name in {node.name, story.names.of_node(node)} - {None}:
            ids.setdefault(str(name), []).append(id)
    return [_shown(finding, ids.get(str(finding.name), [])) for finding in report]


def _shown(finding: Any, ids: list[str]) -> dict[str, Any]:
    verdict = "convention" if getattr(finding, "convention", False) else str(finding.verdict)
    wrong = verdict == "introduced"
    worst, line = getattr(finding, "worst", None), getattr(finding, "line", None)
    by_hand = []
    if wrong and worst is not None:
        index, hand, expected = worst
        by_hand.append(f"worst at {entry(index) or 'the number'}: {number(hand)} by hand, {number(expected)} expected")
    if wrong and line is not None:
        by_hand.append(f"corrected: {said(line)}")
    above = getattr(finding, "above", None)
    if verdict == "inherited" and above is not None:
        by_hand.append(f"right, given that of {said(', '.join(above))}" if above else "right, but for a constant")
    return {
        "name": shortened(said(finding.name)),
        "id": ids[0] if len(ids) == 1 else None,
        "verdict": verdict if verdict in WORDS else "other",
        "words": WORDS.get(verdict, said(verdict)),
        "causes": list(dict.fromkeys(map(_cause, finding.causes))),
        "more": by_hand,
    }


def _cause(cause: Any) -> str:
    parts = [str(getattr(cause, part)) for part in ("kind", "explanation") if getattr(cause, part, None)]
    return said(": ".join(parts) or cause)
