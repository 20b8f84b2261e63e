"""A recorded graph as formulas in a textbook's notation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autograd_lite.core import Tensor
from autograd_lite.derive.lines import Line, Lines, Style, TooLong
from autograd_lite.derive.names import Names
from autograd_lite.derive.pieces import Piece, clean
from autograd_lite.draw.latex import escaped, named, notation, number

LINES = 40  # lines that are shown


@dataclass(frozen=True)
class Algebra:
    """A network in a textbook's notation: `str()` gives text, `latex` LaTeX, and a notebook shows it by itself.

    `lines` are all lines as pairs of text, left and right; of very many, `str()` and `latex` show some.

    >>> import autograd_lite as al
    >>> x, w = al.tensor([[1.0, 2.0]], name="x"), al.tensor([[0.5], [0.25]], requires_grad=True, name="w")
    >>> formula = al.algebra(al.relu(x @ w).sum())
    >>> print(formula)
    result = ∑ relu(x w)
    >>> formula.lines
    (('result', '∑ relu(x w)'),)
    """

    lines: tuple[tuple[str, str], ...]
    text: str
    latex: str

    def __str__(self) -> str:
        return self.text

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex}\n$$"


def algebra(loss: Tensor, *, names: Any = None) -> Algebra:
    """The graph under a Tensor as formulas: one for all if it is short, else a line for each named tensor.

    A matrix product is written a b, a product of elements a ∘ b, a product with a number 3 a, a transpose aᵀ, a
    sum over errors ∑ (a − b)², over one dimension ∑ⱼ; a mean is 1/n ∑. An op without a notation is a call. What
    has no name is written out in place or called h1, h2, ...; leaves without one are w1, w2, ..., constants c1,
    c2, ... `names` is as in `to_dot`. Before `backward()` lets the graph go, constants are known. Raises TypeError
    for what is not a Tensor.

    >>> import autograd_lite as al
    >>> a, b, c = (al.tensor(n, requires_grad=True, name=name) for n, name in ((5.0, "a"), (3.0, "b"), (2.0, "c")))
    >>> print(al.algebra(3 * (a + b * c)))
    result = 3 (a + b c)
    """
    refuse_other(loss)
    if loss.node is None or loss.node.op is None:
        made = [Line(named("result"), _alone(loss, Names(names)), 0)]
    else:
        try:
            made = Lines(loss, names, _textbook, whole=True).write()
        except TooLong:
            made = Lines(loss, names, _textbook).write()
    shown: list[Line | int] = list(made)
    if len(made) > LINES:
        first, last = made[: LINES * 3 // 4], made[-(LINES // 4) :]
        shown = [*first, sum(line.ops for line in made[len(first) : -len(last)]), *last]
    return Algebra(
        tuple((line.left.plain, line.right.plain) for line in made),
        "\n".join(_left_out(s) if isinstance(s, int) else f"{s.left.plain} = {s.right.plain}" for s in shown),
        "\n".join([r"\begin{aligned}", " \\\\\n".join(map(_aligned, shown)), r"\end{aligned}"]),
    )


def refuse_other(t: Any) -> None:
    """Raises TypeError for what is not a Tensor."""
    if not isinstance(t, Tensor):
        raise TypeError(f"the graph of a Tensor is written down, and this is {type(t).__name__}")


def _alone(t: Tensor, names: Names) -> Piece:
    """A tensor that no op made."""
    name = names.of_array(t.data) if t.node is None else names.of_node(t.node)
    if name is not None:
        return named(name)
    return number(t.data) if t.data.size == 1 else Piece(of := str(t.shape), escaped(of))


def _left_out(ops: int) -> str:
    return f"⋮ ({ops:,} ops left out)"


def _aligned(line: Line | int) -> str:
    if isinstance(line, int):
        return rf"& \vdots \quad \text{{({line:,} ops left out)}}"
    return f"{line.left.latex} &= {line.right.latex}"


_textbook = Style(clean, named, number, notation)
