"""Contents as HTML: Jinja2 templates, everything escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from models.network import CORRECTED, PRINTED
from models.records import Array
from models.site.content import Content
from models.site.verdict import LABELS, Verdict, counted

TEMPLATES = Path(__file__).parent / "templates"
STYLE = "style.css"
# What UTF-8 or HTML cannot hold, and what would turn the direction of the text around it
_unfit = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
TITLES = {
    PRINTED: "As printed: the text's arithmetic, in this project's words",
    CORRECTED: "Corrected: the gradient, written by hand",
}
MEANINGS = {
    "wrong": "a delta or a step is not what the deltas above it, or the gradient, say",
    "disagrees": "our own versions and finite differences disagree: a defect of this program",
    "exact": "every hand-written delta is the gradient",
    "constant": "the hand-written pass is one constant times the gradient",
    "signs": "it is trained by trial, against the gradient's sign",
    "outputs": "there is nothing to differentiate; the output is the framework's",
    "unprinted": "the text describes it; only our versions were checked",
    "skipped": "its data are not here",
}


@dataclass(frozen=True)
class Entry:
    """A page in the index: where it is, and what it says at a glance."""

    folder: str
    chapter: str
    id: str
    alias: str
    sentence: str
    verdict: Verdict


@dataclass(frozen=True)
class Neighbour:
    """The page before or after one."""

    folder: str
    id: str


@cache
def _environment() -> Any:
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise ImportError('the report needs Jinja2: pip install "autograd_lite[models]" brings it') from error
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {
        "short": short,
        "cosine": cosine,
        "commas": commas,
        "colour": colour,
        "rounded": rounded,
        "fewer": fewer,
    }
    return made


def network_page(content: Content, chapter: str, before: Neighbour | None, after: Neighbour | None) -> bytes:
    """The page of one network, in its own folder."""
    every = sorted(content.versions, key=lambda version: version.name)  # as the text has it, first
    same = [version for version in every[1:] if replace(version, name=every[0].name) == every[0]]
    by_hand = [version for version in every if version not in same]
    shown = [version for version in by_hand if version.sides]
    given = {"page": content, "chapter": chapter, "previous": before, "next": after, "shown": shown, "root": "../"}
    given |= {"by_hand": by_hand, "same": [version.name for version in same], "titles": TITLES}
    return _rendered("network.html", given)


def index_page(entries: Sequence[Entry], quick: bool) -> bytes:
    """The page of all networks, by chapter."""
    titles = dict.fromkeys(entry.chapter for entry in entries)
    chapters = [(title, [entry for entry in entries if entry.chapter == title]) for title in titles]
    kinds = [(k, label) for k, label in LABELS.items() if any(e.verdict.kind == k for e in entries)]
    counts = counted(entry.verdict for entry in entries)
    given = {"chapters": chapters, "kinds": kinds, "counts": counts, "meanings": MEANINGS, "quick": quick, "root": ""}
    return _rendered("index.html", given)


def style() -> bytes:
    """The one style sheet."""
    return (TEMPLATES / STYLE).read_bytes()


def _rendered(template: str, given: Mapping[str, Any]) -> bytes:
    text: str = _environment().get_template(template).render(given)
    return _unfit.sub("\ufffd", text).encode()


# Filters


def short(value: float) -> str:
    """Three digits, with a real minus.

    >>> short(-0.5), short(1.23456e-17)
    ('−0.5', '1.23e−17')
    """
    return f"{float(value) + 0.0:.3g}".replace("-", "−")


def cosine(value: float) -> str:
    """Five decimals.

    >>> cosine(-0.9999999)
    '−1.00000'
    """
    return f"{value:.5f}".replace("-", "−")


def commas(count: int) -> str:
    """A count, its thousands apart.

    >>> commas(31360)
    '31,360'
    """
    return f"{count:,}"


def fewer(line: str) -> str:
    """Numbers of more than ten decimals in six digits.

    >>> fewer("I:0 Error:0.9556500000000002 pred:[-0.125, -0.0013000000000000001]")
    'I:0 Error:0.95565 pred:[-0.125, -0.0013]'
    """
    return re.sub(r"-?\d+\.\d{11,}(?:e[-+]?\d+)?", lambda found: f"{float(found[0]):.6g}", line)


def rounded(array: Array) -> str:
    """A small array as text."""
    return np.array2string(np.asarray(array, dtype=float), precision=4, suppress_small=True, floatmode="maxprec")


_white, _blue, _vermilion = np.array([247, 247, 247]), np.array([0, 114, 178]), np.array([196, 79, 0])


def colour(tone: float) -> str:
    """Blue at -1, nearly white at 0, vermilion at 1.

    >>> colour(0), colour(-1), colour(1)
    ('#f7f7f7', '#0072b2', '#c44f00')
    """
    size = min(1.0, abs(float(tone))) ** 0.5  # small entries are seen, too
    end = _blue if tone < 0 else _vermilion
    return "#" + "".join(f"{round(float(c)):02x}" for c in _white + size * (end - _white))
