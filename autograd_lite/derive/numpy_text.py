"""Formulas on arrays as NumPy text: sums of products, kept simple while they are built, printed with few parentheses.

A formula knows the shape of what its text gives. That may have fewer dimensions, or a 1, where the array that is meant
is broadcast from it: a gradient of ones is the number 1 until something needs it whole.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

LONGEST = 240  # characters of a formula
EXPANDED = 48  # terms of a product that is multiplied out
STATEMENT, CHOICE, SUM, PRODUCT, MATMUL, NEGATIVE, POWER, ATOM = range(8)  # what binds tighter is larger

Shape = tuple[int, ...]


class Unprintable(Exception):  # noqa: N818
    """There is no short text for this."""


@dataclass(frozen=True, eq=False)
class Atom:
    """What sums and products do not look into: a name, a call, a matrix product, a sum in parentheses.

    `kind` and `parts` say what it was made of, where something simpler can be made of it later.
    """

    text: str
    level: int
    shape: Shape
    constant: bool = False
    kind: str = ""
    parts: tuple[Any, ...] = ()

    def inside(self, level: int) -> str:
        """The text where only what binds at least as tightly as `level` may stand without parentheses."""
        if self.level == STATEMENT:
            raise Unprintable("a statement inside a formula")
        return self.text if self.level >= level else f"({self.text})"


@dataclass(frozen=True, eq=False)
class Term:
    """A number over numbers, times factors, over divisors."""

    over: float = 1.0
    under: tuple[float, ...] = ()
    factors: tuple[Atom, ...] = ()
    divisors: tuple[Atom, ...] = ()

    @property
    def key(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Equal for terms that differ by a number only."""
        return tuple(sorted(a.text for a in self.factors)), tuple(sorted(a.text for a in self.divisors))

    @property
    def value(self) -> float:
        """The number in front."""
        return self.over / math.prod(self.under)

    def piece(self) -> tuple[str, int]:
        """Text and level, the sign left out."""
        front = abs(self.over)
        if front == 1 and not self.under and not self.divisors and len(self.factors) == 1:
            return self.factors[0].inside(CHOICE), self.factors[0].level
        above = [number_text(front)] if front != 1 or not self.factors else []
        above += _powers(self.factors)
        below = _powers(self.divisors)
        below += [number_text(math.prod(self.under))] if self.under else []
        text = "".join([" * ".join(above), *(f" / {d}" for d in below)])
        single = len(above) == 1 and not below
        return text, (POWER if self.factors else ATOM) if single else PRODUCT


def _powers(atoms: Sequence[Atom]) -> list[str]:
    counts = Counter(atom.text for atom in atoms)
    once = {atom.text: atom for atom in atoms}
    return [atom.inside(POWER) if counts[t] == 1 else f"{atom.inside(ATOM)}**{counts[t]}" for t, atom in once.items()]


def number_text(value: float) -> str:
    """A number as one writes it: 5 for 5.0."""
    if math.isclose(value, math.log(2), rel_tol=1e-15):
        return "np.log(2)"
    if not math.isfinite(value):
        return {math.inf: "np.inf", -math.inf: "-np.inf"}.get(value, "np.nan")
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


@dataclass(frozen=True, eq=False)
class Formula:
    """A sum of terms; none of them: zero."""

    terms: tuple[Term, ...]

    @cached_property
    def atoms(self) -> tuple[Atom, ...]:
        """All factors and divisors."""
        return tuple(a for t in self.terms for a in (*t.factors, *t.divisors))

    @cached_property
    def shape(self) -> Shape:
        """Of what the text gives."""
        return np.broadcast_shapes(*(a.shape for a in self.atoms))

    @property
    def constant(self) -> bool:
        """Is it made of constants alone?"""
        return all(a.constant for a in self.atoms)

    @property
    def number(self) -> float | None:
        """Its value, if it is a number."""
        if not self.terms:
            return 0.0
        return self.terms[0].value if len(self.terms) == 1 and not self.atoms else None

    @property
    def atom(self) -> Atom | None:
        """The one atom that it is, if it is one."""
        one = self.terms[0] if len(self.terms) == 1 else Term()
        bare = one.over == 1 and not one.under and not one.divisors and len(one.factors) == 1
        return one.factors[0] if bare else None

    @property
    def statement(self) -> bool:
        """Can it be written only as a statement?"""
        return any(a.level == STATEMENT for a in self.atoms)

    @cached_property
    def printed(self) -> tuple[str, int]:
        """Text and level. Raises Unprintable for one that is too long."""
        terms = list(self.terms)
        if terms and terms[0].over < 0:  # b - a, not -a + b
            first = next((t for t in terms if t.over > 0), terms[0])
            terms = [first, *(t for t in terms if t is not first)]
        text, level = "", ATOM
        for i, term in enumerate(terms):
            part, level = term.piece()
            negative = term.over < 0
            if negative and level in {CHOICE, SUM, MATMUL}:
                part = f"({part})"
            text += (" - " if negative else " + ") + part if i else ("-" if negative else "") + part
            level = min(level, NEGATIVE) if negative else level
        text = text or "0"
        if len(text) > LONGEST:
            raise Unprintable(f"{len(text)} characters")
        return text, SUM if len(terms) > 1 else level

    @property
    def text(self) -> str:
        """As it stands alone, or between commas."""
        return self.printed[0]

    def inside(self, level: int) -> str:
        """The text where only what binds at least as tightly as `level` may stand without parentheses."""
        text, own = self.printed
        return text if own >= level else f"({text})"

    def split(self) -> tuple[Formula, Formula]:
        """The number in front, and the rest: linear functions leave the one alone."""
        if len(self.terms) != 1:
            return (ONE, self) if self.terms else (self, ONE)
        term = self.terms[0]
        return Formula((Term(term.over, term.under),)), _unwrapped(Term(1.0, (), term.factors, term.divisors))


ONE, ZERO = Formula((Term(),)), Formula(())


def number(value: Any, reciprocal: bool = False) -> Formula:
    """A constant. One that is an integer's reciprocal and long, or meant as one, is kept as that integer."""
    c = float(str(value)) if isinstance(value, np.floating) else float(value)  # float32's 0.1 is 0.1
    if not c:
        return ZERO
    n = round(1 / c) if math.isfinite(c) and abs(c) > 1e-15 else 0
    if abs(n) > 2 and math.isclose(n * c, 1.0, rel_tol=1e-12) and (reciprocal or len(repr(abs(c))) > 6):
        return Formula((Term(math.copysign(1.0, c), (float(abs(n)),)),))
    return Formula((Term(c),))


def atom(text: str, shape: Shape, of: Iterable[Formula] = (), **more: Any) -> Formula:
    """A formula that is one atom: a name, or what is made `of` others."""
    more.setdefault("constant", all(f.constant for f in of))
    made = Atom(text, more.pop("level", ATOM), shape, **more)
    if len(text) > LONGEST:
        raise Unprintable(f"{len(text)} characters")
    return Formula((Term(factors=(made,)),))


def _grouped(formula: Formula) -> Term:
    """A formula as one term: a sum becomes an atom."""
    if len(formula.terms) == 1:
        return formula.terms[0]
    text, level = formula.printed
    return Term(factors=(Atom(text, level, formula.shape, formula.constant, "sum", (formula,)),))


def _unwrapped(term: Term) -> Formula:
    """A term as a formula: a sum that stands alone is no atom any more."""
    one = Formula((term,)).atom
    if one is not None and one.kind == "sum":
        inner: Formula = one.parts[0]
        return inner
    return Formula((term,)) if term.over else ZERO


def _reduced(term: Term) -> Term:
    """With what cancels left out, in the numbers and in the rest."""
    over, under = term.over, list[float]()
    for n in term.under:
        if (over / n).is_integer():
            over /= n
        else:
            under.append(n)
    factors, divisors = list(term.factors), list[Atom]()
    for d in term.divisors:
        same = next((f for f in factors if f.text == d.text), None)
        if same is None:
            divisors.append(d)
        else:
            factors.remove(same)
    return Term(over, tuple(under), tuple(factors), tuple(divisors))


def times(a: Formula, b: Formula) -> Formula:
    """The product, elementwise, broadcast."""
    if not a.terms or not b.terms:
        return ZERO
    for x, y in ((a, b), (b, a)):
        if x.number is not None and y.statement:
            return plus(*(Formula((_joined(t, x.terms[0]),)) for t in y.terms))
    return _shortest(_joined(_grouped(a), _grouped(b)))


def _joined(a: Term, b: Term) -> Term:
    return _reduced(Term(a.over * b.over, a.under + b.under, a.factors + b.factors, a.divisors + b.divisors))


def _shortest(term: Term) -> Formula:
    """The product as it is or, where a sum in it is over one of its factors, multiplied out if that is shorter."""
    plain = _unwrapped(term)
    names = {f.text for f in term.factors}
    over = [f for f in term.factors if f.kind == "sum" and any(d.text in names for d in _divisors(f))]
    if not over:
        return plain
    found = [plain]
    for sums in (over, [f for f in term.factors if f.kind == "sum"]):
        expanded = _expanded(term, sums)
        if expanded is not None:
            found.append(expanded)
            again = [_expanded(t, [f for f in t.factors if f.kind == "sum"]) for t in _flat(expanded)]
            whole = [f for f in again if f is not None]
            if len(whole) == len(again):
                found.append(plus(*whole))
    return min(found, key=_length)


def _length(formula: Formula) -> int:
    try:
        return len(formula.text)
    except Unprintable:
        return LONGEST + 1


def _divisors(sum_: Atom) -> list[Atom]:
    return [d for t in _flat(sum_.parts[0]) for d in t.divisors]


def _flat(formula: Formula) -> tuple[Term, ...]:
    """The terms of a sum; of one that a number was taken out of, with it in each."""
    one = formula.terms[0] if len(formula.terms) == 1 else Term()
    if len(one.factors) == 1 and one.factors[0].kind == "sum" and not one.divisors:
        return tuple(_joined(t, Term(one.over, one.under)) for t in one.factors[0].parts[0].terms)
    return formula.terms


def _expanded(term: Term, sums: Sequence[Atom]) -> Formula | None:
    """A term with some of the sums in it multiplied out."""
    rest = replace(term, factors=tuple(f for f in term.factors if f not in sums))
    if math.prod(len(s.parts[0].terms) for s in sums) > EXPANDED:
        return None
    products = []
    for choice in itertools.product(*(s.parts[0].terms for s in sums)):
        product = rest
        for chosen in choice:
            product = _joined(product, chosen)
        products.append(Formula((product,)))
    return plus(*products)


def over(a: Formula, b: Formula) -> Formula:
    """The quotient, elementwise."""
    if not b.terms:
        raise Unprintable("a division by zero")
    term = _grouped(b)
    sign, n = math.copysign(1.0, term.over), abs(term.over)
    under = (n,) if n != 1 else ()
    return times(a, Formula((Term(sign * math.prod(term.under), under, term.divisors, term.factors),)))


def negative(a: Formula) -> Formula:
    """-a."""
    return times(a, Formula((Term(-1.0),)))


def plus(*formulas: Formula) -> Formula:
    """The sum: like terms become one, and a number that all have in common is taken out."""
    if len(formulas) == 1:
        return formulas[0]
    apart = _sum([t for f in formulas for t in _flat(f)])
    if all(_flat(f) is f.terms for f in formulas):
        return apart
    return min(apart, _sum([t for f in formulas for t in f.terms]), key=_length)


def _sum(flat: Sequence[Term]) -> Formula:
    merged: dict[Any, Term] = {}
    for term in flat:
        have = merged.get(term.key)
        merged[term.key] = term if have is None else _alike(have, term)
    terms = [_reduced(t) for t in merged.values() if t.over]
    if len(terms) < 2 or Formula(tuple(terms)).statement:
        return _unwrapped(terms[0]) if len(terms) == 1 else Formula(tuple(terms))
    under, front = sorted(terms[0].under), abs(terms[0].over)
    common = tuple(under) if all(sorted(t.under) == under for t in terms) else ()
    shared = front if all(abs(t.over) == front for t in terms) and len(common) == len(under) else 1.0
    if not common and shared == 1:
        return Formula(tuple(terms))
    inner = [replace(t, over=t.over / shared, under=() if common else t.under) for t in terms]
    return times(Formula((Term(shared, common),)), Formula(tuple(inner)))


def _alike(a: Term, b: Term) -> Term:
    if sorted(a.under) == sorted(b.under):
        return replace(a, over=a.over + b.over)
    total = number(a.value + b.value)
    return replace(a, over=total.terms[0].over, under=total.terms[0].under) if total.terms else replace(a, over=0.0)


def power(a: Formula, exponent: float) -> Formula:
    """A power with a number as exponent; integers become factors or divisors."""
    if exponent == int(exponent) and abs(exponent) <= 16:
        result = ONE
        for _ in range(abs(int(exponent))):
            result = times(result, Formula((_grouped(a),)))
        return result if exponent >= 0 else over(ONE, result)
    return atom(f"{a.inside(ATOM)}**{_signed(exponent)}", a.shape, (a,), level=POWER)


def _signed(value: float) -> str:
    return number_text(value) if value >= 0 else f"-{number_text(-value)}"


def linear(a: Formula, function: Callable[[Formula], Formula]) -> Formula:
    """A linear function of a formula: the number in front stays there."""
    front, rest = a.split()
    return times(front, function(rest))


def call(function: str, shape: Shape, *arguments: Formula) -> Formula:
    """`function(arguments)`, elementwise."""
    return atom(f"{function}({', '.join(a.text for a in arguments)})", shape, arguments)
