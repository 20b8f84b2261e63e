"""Pieces of a formula and the op that they are put together by: what a table of texts is written with."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from autograd_lite.core import Node, Op
from autograd_lite.derive.labels import shortened

CHOICE, SUM, NEGATIVE, PRODUCT, JUXTAPOSED, POWER, ATOM = range(7)  # what binds tighter is larger

Shape = tuple[int, ...]

_layout = re.compile(r"\s+")
_unfit = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A formula, as text and as LaTeX. `open` is one that ends in what a sum sign stands before.

    `kind` and `parts` say what it was made of, where something simpler can be made of it later.
    """

    plain: str
    latex: str = ""
    level: int = ATOM
    kind: str = ""
    open: bool = False
    parts: tuple[Piece, ...] = ()

    def inside(self, level: int, last: bool = True) -> Piece:
        """With parentheses, unless it binds at least as tightly as `level` and nothing after it is drawn in."""
        if self.level >= level and (last or not self.open):
            return self
        return Piece(f"({self.plain})", rf"\left({self.latex}\right)")


@dataclass(frozen=True, slots=True)
class Call:
    """One recorded op: its node, and its arguments as formulas and by shape (None: not known)."""

    node: Node
    arguments: Sequence[Piece]
    shapes: Sequence[Shape | None]

    def __getitem__(self, k: int) -> Piece:
        return self.arguments[k]

    @property
    def op(self) -> Op:
        """The op, which every node but a leaf has."""
        assert self.node.op is not None
        return self.node.op

    def dims(self, k: int = 0) -> tuple[tuple[int, ...], int, bool]:
        """Along which dimensions it goes, over how many elements, and whether these are all dimensions."""
        given = self.node.attrs.get("dim")
        over = self.shapes[k] or ()
        dims = tuple(range(len(over))) if given is None else given if isinstance(given, tuple) else (given,)
        return dims, math.prod(over[d] for d in dims), len(dims) == len(over)


def clean(name: str) -> str:
    """A name on one line, at most 40 characters of it, without what no text can hold."""
    return shortened(_layout.sub(" ", _unfit.sub("\ufffd", name)).strip() or "“”")
