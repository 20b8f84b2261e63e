"""A textbook's notation for each op, as text and as LaTeX at once: relu(x W), xᵀ, a ∘ b, 1/4 ∑ (a − b)²."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from autograd_lite.core import Op
from autograd_lite.derive.labels import attribute, attributes
from autograd_lite.derive.pieces import ATOM, CHOICE, JUXTAPOSED, NEGATIVE, POWER, PRODUCT, SUM, Call, Piece, clean
from autograd_lite.ops import compare, elementwise, fused, index, linalg, reduce, shape
from autograd_lite.ops.index import ARRAY

ARGUMENTS = 8  # of a call that are written out
INDICES = "ijklmn"  # a letter for each dimension


# Names and numbers

_escapes = {
    **{c: f"\\{c}" for c in "_#%&$"},
    **{"{": r"\lbrace{}", "}": r"\rbrace{}", "\\": r"\backslash{}", "<": r"\lt{}", ">": r"\gt{}", " ": r"\ "},
    **{"^": r"\wedge{}", "~": r"\sim{}", '"': r"\text{”}", "'": r"\text{’}", "`": r"\text{‘}"},
}


def named(name: str) -> Piece:
    r"""A name: as it is where it is a word or a path, in quotation marks otherwise; in LaTeX upright.

    >>> named("weights_0_1").latex, named("W12").latex, named("a<b").plain
    ('\\mathrm{weights\\_0\\_1}', 'W_{12}', '“a<b”')
    """
    name = clean(name)
    letter = re.fullmatch(r"([A-Za-z])([0-9]*)", name)
    if letter is not None:
        digits = letter[2] if len(letter[2]) < 2 else f"{{{letter[2]}}}"
        return Piece(name, f"{letter[1]}_{digits}" if digits else name, kind="name")
    text = name if re.fullmatch(r"[\w.]+", name) else f"“{name}”"
    return Piece(text, rf"\mathrm{{{escaped(name)}}}", kind="name")


def escaped(text: str) -> str:
    """Any text for LaTeX's mathematics, such as notebooks and browsers draw it."""
    return "".join(_escapes.get(c, c if c.isascii() else rf"\text{{{c}}}") for c in text)


def number(value: Any) -> Piece:
    """A number, in at most six digits: 3 for 3.0."""
    value = value.item() if isinstance(value, np.generic | np.ndarray) else value
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        return called(str(value))
    digits = f"{abs(value):.6g}" if isinstance(value, float) else str(abs(value))
    digits = "∞" if math.isinf(value) else digits
    front, _, exponent = digits.partition("e")
    latex = rf"{front} \cdot 10^{{{int(exponent)}}}" if exponent else digits.replace("∞", r"\infty")
    if value < 0:
        return Piece(f"−{digits}", f"-{latex}", NEGATIVE, "number")
    return Piece(digits, latex, JUXTAPOSED if exponent else ATOM, "number")


# How pieces are put together


def absolute(x: Piece) -> Piece:
    """|x|."""
    return Piece(f"|{x.plain}|", rf"\left|{x.latex}\right|")


def binary(a: Piece, sign: str, b: Piece, latex: str, level: int) -> Piece:
    """Two operands of an operator that is read from the left."""
    return Piece(f"{a.plain}{sign}{b.plain}", f"{a.latex}{latex}{b.latex}", level, "", b.open)


def called(name: str, arguments: Iterable[Piece] = (), more: str = "", latex: str | None = None) -> Piece:
    """A function of its arguments, and what else there is to say."""
    parts = list(arguments)
    if len(parts) > ARGUMENTS:
        parts = [*parts[: ARGUMENTS - 2], Piece("…", r"\dots"), parts[-1]]
    texts = [p.plain for p in parts] + [more] * bool(more)
    codes = [p.latex for p in parts] + [rf"\mathrm{{{escaped(more)}}}"] * bool(more)
    latex = rf"\operatorname{{{escaped(name)}}}" if latex is None else latex
    if not texts:
        return Piece(name, latex)
    return Piece(f"{name}({', '.join(texts)})", rf"{latex}\left({', '.join(codes)}\right)")


def juxtaposed(a: Piece, b: Piece) -> Piece:
    """A product without a sign: a number stands first, and one after another thing in parentheses."""
    if b.kind == "number" and a.kind != "number":
        a, b = b, a
    if a.plain == "1" and a.kind == "number":
        return b
    if a.kind == b.kind == "number":
        return binary(a.inside(JUXTAPOSED), " · ", b.inside(JUXTAPOSED), r" \cdot ", PRODUCT)
    return matrices(a, b)


def matrices(a: Piece, b: Piece) -> Piece:
    """The matrix product."""
    left, digits = a.inside(JUXTAPOSED, last=False), b.plain[0].isdigit() and b.kind not in {"name", "transposed"}
    right = b.inside(ATOM + 1) if digits else b if b.kind == "sum" else b.inside(JUXTAPOSED)
    return binary(left, " ", right, r"\, ", JUXTAPOSED)


def plus(a: Piece, b: Piece) -> Piece:
    """The sum; what is added with a minus is subtracted."""
    if b.kind == "negative":
        return minus(a, b.parts[0])
    return binary(a.inside(SUM, last=False), " + ", b.inside(ATOM if b.level == NEGATIVE else SUM), " + ", SUM)


def minus(a: Piece, b: Piece) -> Piece:
    """The difference."""
    return binary(a.inside(SUM, last=False), " − ", b.inside(PRODUCT), " - ", SUM)


def negative(x: Piece) -> Piece:
    """Minus x."""
    inner = x.inside(PRODUCT)
    return Piece(f"−{inner.plain}", f"-{inner.latex}", NEGATIVE, "negative", inner.open, (x,))


def over(a: Piece, b: Piece) -> Piece:
    """The quotient; of a sum, a fraction in front of it."""
    if b.kind == "number" and b.plain == "1":
        return a
    if b.kind == "number" and b.level == ATOM and a.kind == "sum" and a.plain.startswith("∑"):
        return Piece(f"1/{b.plain} {a.plain}", rf"\frac{{1}}{{{b.latex}}} {a.latex}", PRODUCT, "sum", True)
    left, right = a.inside(PRODUCT, last=False), b.inside(POWER)
    return Piece(f"{left.plain} / {right.plain}", rf"\frac{{{a.latex}}}{{{b.latex}}}", PRODUCT)


def power(x: Piece, exponent: float) -> Piece:
    """x to a number."""
    base = x.inside(ATOM)
    if exponent == int(exponent) and abs(exponent) < 100:
        raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        return Piece(f"{base.plain}{raised}", f"{base.latex}^{{{int(exponent)}}}", POWER)
    to = number(exponent)
    return Piece(f"{base.plain}^{to.inside(ATOM).plain}", f"{base.latex}^{{{to.latex}}}", POWER)


def root(x: Piece) -> Piece:
    """The square root."""
    inner = x if re.fullmatch(r"\w+", x.plain) else x.inside(ATOM + 1)
    return Piece(f"√{inner.plain}", rf"\sqrt{{{x.latex}}}", POWER)


def transposed(x: Piece) -> Piece:
    """x with a superscript T; without it where it has one."""
    if x.kind == "transposed":
        return x.parts[0]
    base = x.inside(ATOM)
    return Piece(f"{base.plain}ᵀ", f"{base.latex}^T", POWER, "transposed", False, (x,))


def below(dims: Iterable[int]) -> tuple[str, str]:
    """The letters of some dimensions as a subscript; none where a dimension has no letter."""
    letters = "".join(INDICES[d] for d in dims if d < len(INDICES))
    plain = letters.translate(str.maketrans("ijklmn", "ᵢⱼₖₗₘₙ"))
    return plain, f"_{{{letters}}}" if letters else ""


def total(x: Piece, count: int = 1, dims: Iterable[int] = ()) -> Piece:
    """The sum sign before x, with 1/count; over the letters of `dims`, or over all."""
    body, (plain, latex) = x.inside(PRODUCT), below(dims)
    front, code = ("", "") if count == 1 else (f"1/{count} ", rf"\frac{{1}}{{{count}}} ")
    return Piece(f"{front}∑{plain} {body.plain}", rf"{code}\sum{latex} {body.latex}", PRODUCT, "sum", True)


# The ops


def notation(made: Call) -> Piece:
    """An op in a textbook's notation, or one without any as a call with its name and attributes."""
    write = _written.get(made.op)
    return called(made.op.name, made.arguments, attributes(made.node)) if write is None else write(made)


def _multiply(made: Call) -> Piece:
    a, b = made.arguments
    if "number" in {a.kind, b.kind} or any(s is not None and math.prod(s) == 1 for s in made.shapes):
        return juxtaposed(a, b)
    return binary(a.inside(PRODUCT, last=False), " ∘ ", b.inside(PRODUCT), r" \circ ", PRODUCT)


def _matmul(made: Call) -> Piece:
    a, b = made.arguments
    if all(s is not None and len(s) == 1 for s in made.shapes):
        return binary(a.inside(JUXTAPOSED, last=False), " · ", b.inside(JUXTAPOSED), r" \cdot ", PRODUCT)
    return matrices(a, b)


def _linear(made: Call) -> Piece:
    product = matrices(made[0], transposed(made[1]))
    return product if len(made.arguments) == 2 else plus(product, made[2])


def _sum(made: Call) -> Piece:
    dims, _, everything = made.dims()
    return total(made[0], 1, () if everything else dims) if dims else made[0]


def _mean(made: Call) -> Piece:
    dims, count, everything = made.dims()
    return made[0] if count == 1 else total(made[0], count, () if everything else dims)


def _reduction(name: str) -> Callable[[Call], Piece]:
    def write(made: Call) -> Piece:
        dims, _, everything = made.dims()
        plain, latex = ("", "") if everything else below(dims)
        return called(name + plain, made.arguments, latex=_function(name) + latex)

    return write


def _softmax(made: Call) -> Piece:
    last = made.node.attrs["dim"] == len(made.node.shape) - 1
    plain, latex = ("", "") if last else below((made.node.attrs["dim"],))
    soft = called(f"softmax{plain}", (made[0],), latex=rf"\operatorname{{softmax}}{latex}")
    return soft if made.op is _F._softmax.op else _log(soft)


def _raised(made: Call) -> Piece:
    base, to = made[0].inside(ATOM), made[1].inside(ATOM)
    return Piece(f"{base.plain}^{to.plain}", f"{base.latex}^{{{made[1].latex}}}", POWER)


def _loss(of_one: Callable[[Call], Piece]) -> Callable[[Call], Piece]:
    """A loss that reduces itself."""

    def write(made: Call) -> Piece:
        one, how, all_ = of_one(made), made.node.attrs["reduction"], made.shapes[0] or made.shapes[1] or ()
        count = math.prod(all_)
        return one if how == "none" or count == 1 else total(one, count if how == "mean" else 1)

    return write


def _entropy(function: str) -> Callable[[Call], Piece]:
    return lambda made: called("cross_entropy", (called(function, (made[0],)), made[1]))


def _indexed(made: Call) -> Piece:
    arrays = iter(made.arguments[1:])
    given = made.node.attrs.get("form", made.node.attrs.get("index", (ARRAY,)))
    items = [
        next(arrays) if item is ARRAY else Piece(attribute(item), escaped(attribute(item)).replace(":", "{:}"))
        for item in (given if isinstance(given, tuple) else (given,))
    ]
    base = made[0].inside(ATOM)
    inside = ", ".join(i.plain for i in items), ", ".join(i.latex for i in items)
    return Piece(f"{base.plain}[{inside[0]}]", f"{base.latex}[{inside[1]}]")


def _reshape(made: Call) -> Piece:
    """Dimensions of one element are not told."""
    before, after = made.shapes[0], made.node.shape
    if before is None or [n for n in before if n != 1] == [n for n in after if n != 1]:
        return made[0]
    return called("reshape", (made[0], *map(number, after)))


def _permute(made: Call) -> Piece:
    dims = made.node.attrs["dims"]
    n = len(dims)
    if n < 2 or dims == tuple(range(n)):
        return made[0]
    if dims == (*range(n - 2), n - 1, n - 2):
        return transposed(made[0])
    return called("permute", (made[0], *map(number, dims)))


def _log(x: Piece) -> Piece:
    return called("log", (x,), latex=r"\log")


def _function(name: str) -> str:
    known = {"exp", "log", "sin", "cos", "tanh", "max", "min"}
    return f"\\{name}" if name in known else rf"\operatorname{{{escaped(name)}}}"


def _named(name: str, latex: str | None = None) -> Callable[[Call], Piece]:
    return lambda made: called(name, made.arguments, latex=latex or _function(name))


def _between(sign: str, latex: str) -> Callable[[Call], Piece]:
    return lambda made: binary(made[0].inside(SUM), f" {sign} ", made[1].inside(SUM), f" {latex} ", CHOICE)


_E: Any = elementwise  # Any: type checkers do not see that what `primitive` makes has an `op`
_O: Any = compare
_F: Any = fused
_I: Any = index
_L: Any = linalg
_R: Any = reduce
_S: Any = shape
ONE = Piece("1", "1", ATOM, "number")
_pairs = {
    **{_O.greater: (">", r"\gt"), _O.greater_equal: ("≥", r"\ge"), _O.less: ("<", r"\lt")},
    **{_O.less_equal: ("≤", r"\le"), _O.eq: ("=", "="), _O.not_equal: ("≠", r"\ne")},
}
_written: dict[Op, Callable[[Call], Piece]] = {
    **{getattr(_E, name).op: _named(name) for name in ("exp", "log", "sin", "cos", "tanh", "sigmoid", "relu")},
    **{call.op: _between(*signs) for call, signs in _pairs.items()},
    **{call.op: lambda made: made[0] for call in (_S._broadcast_to, _S.cast, _S.discrete, _S.clone)},
    **{call.op: _indexed for call in (_I._slice, _I._pick, _I.take_rows)},
    **{call.op: _softmax for call in (_F._softmax, _F._log_softmax)},
    **{call.op: _linear for call in (_L._linear, _L._affine)},
    **{call.op: lambda made: root(made[0]) for call in (_E.sqrt, _R._root)},
    _E.add.op: lambda made: plus(made[0], made[1]),
    _E.subtract.op: lambda made: minus(made[0], made[1]),
    _E.multiply.op: _multiply,
    _E.divide.op: lambda made: over(made[0], made[1]),
    _E.negative.op: lambda made: negative(made[0]),
    _E.absolute.op: lambda made: absolute(made[0]),
    _E.square.op: lambda made: power(made[0], 2),
    _E.reciprocal.op: lambda made: over(ONE, made[0]),
    _E._power.op: lambda made: power(made[0], float(made.node.attrs["exponent"])),
    _E.float_power.op: _raised,
    _E.expm1.op: lambda made: minus(_named("exp")(made), ONE),
    _E.log1p.op: lambda made: _log(plus(ONE, made[0])),
    _E.log2.op: _named("log₂", r"\log_2"),
    _E.maximum.op: _named("max"),
    _E.minimum.op: _named("min"),
    _L.matmul.op: _matmul,
    _R._sum.op: _sum,
    _R._mean.op: _mean,
    _R._amax.op: _reduction("max"),
    _R._amin.op: _reduction("min"),
    _R._logsumexp.op: lambda made: _log(_sum(Call(made.node, (_named("exp")(made),), made.shapes))),
    _S._reshape.op: _reshape,
    _S._permute.op: _permute,
    _F._squared_error.op: _loss(lambda made: power(minus(made[0], made[1]), 2)),
    _F._absolute_error.op: _loss(lambda made: absolute(minus(made[0], made[1]))),
    _F._logistic_loss.op: _loss(_entropy("sigmoid")),
    _F._cross_entropy_of_rows.op: _entropy("softmax"),
    _F._cross_entropy.op: _entropy("softmax"),
    _F._mean.op: _mean,
}
