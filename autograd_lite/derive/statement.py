"""Formulas as statements: a name that gets a formula's value, in lines that are not too long."""

from __future__ import annotations

import ast

import numpy as np

from autograd_lite.derive.numpy_shapes import filled
from autograd_lite.derive.numpy_text import POWER, Formula, Shape, Term
from autograd_lite.derive.numpy_text import times as product

WIDTH = 84  # of a line, before the spaces around powers


def statement(target: str, formula: Formula, shape: Shape, own: str | None, kind: str = "") -> list[str]:
    """The lines that give a name a formula's value at a shape: an expression, or zeros that rows are added to.

    `own` is a name for an array of that shape and dtype, if there is one; `kind` says the dtype where there is none.
    """
    scatters = [t for t in formula.terms if any(a.kind in {"part", "rows"} for a in t.factors)]
    rest = Formula(tuple(t for t in formula.terms if t not in scatters))
    if not scatters:
        return [f"{target} = {whole(formula, shape, own, kind)}"]
    lines = [f"{target} = {_uniform('zeros', None, shape, own, kind)}"]
    for term in scatters:
        (one,) = term.factors
        text, g = one.parts
        g = product(Formula((type(term)(term.over, term.under),)), g)
        if one.kind == "rows":
            lines.append(f"np.add.at({target}, {_tuple(text)}, {g.text})")
        else:
            lines.append(f"{target}[{text}] {'=' if len(formula.terms) == 1 else '+='} {g.text}")
    lines += [f"{target} += {rest.text}"] * bool(rest.terms)
    return lines


def _tuple(index: str) -> str:
    if ":" in index or "None" in index:
        return f"np.s_[{index}]"
    return f"({index})" if "," in index and "(" not in index else index


def whole(formula: Formula, shape: Shape, own: str | None, kind: str = "") -> str:
    """The text at a shape."""
    value = formula.number
    if formula.shape == shape and (value is None or not kind):
        return formula.text if value is None else repr(float(value))
    if value is not None:
        return _uniform({0.0: "zeros", 1.0: "ones"}.get(value, "full"), formula, shape, own, kind)
    if formula.shape and np.prod(formula.shape) != np.prod(shape):
        return f"np.broadcast_to({formula.text}, {f'{own}.shape' if own else shape})"
    return filled(formula, shape).text


def _uniform(name: str, formula: Formula | None, shape: Shape, own: str | None, kind: str) -> str:
    more = f", {formula.text}" if name == "full" and formula is not None else ""
    if own is not None:
        return f"np.{name}_like({own}{more})"
    return f"np.{name}({shape[0] if len(shape) == 1 else shape}{more}{kind})"


def fitting(target: str, formula: Formula, lines: list[str]) -> list[str]:
    """An assignment that is too long as several: term by term, factor by factor."""
    if len(lines) != 1 or len(lines[0]) <= WIDTH or lines[0] != f"{target} = {formula.text}":
        return lines
    if len(formula.terms) > 1:
        return _terms(target, formula)
    one = formula.terms[0]
    if one.divisors or len(one.factors) < 2:
        return lines
    first, done = Term(one.over, one.under, one.factors[:1]), 1
    while done < len(one.factors) - 1 and _length(target, Term(one.over, one.under, one.factors[: done + 1])) <= WIDTH:
        done += 1
        first = Term(one.over, one.under, one.factors[:done])
    rest = " * ".join(Formula((Term(factors=(f,)),)).inside(POWER) for f in one.factors[done:])
    return [f"{target} = {Formula((first,)).text}", f"{target} = {target} * {rest}"]


def _length(target: str, term: Term) -> int:
    return len(f"{target} = {Formula((term,)).text}")


def _terms(target: str, formula: Formula) -> list[str]:
    """The first two terms, which are a new array, and what is added to it; as much in a line as it holds."""
    terms = sorted(formula.terms, key=lambda t: t.over < 0)
    lines, have = [f"{target} = "], list[Term]()
    for i, term in enumerate(terms):
        text = Formula((*have, term)).text
        room = WIDTH - len(lines[-1])
        if not i or len(text) <= (WIDTH + 4 - len(f"{target} = ") if i == 1 else room):
            have.append(term)
            lines[-1] = lines[-1][: lines[-1].index("= ") + 2] + Formula(tuple(have)).text
            continue
        have, text = [term], Formula((term,)).text
        sign, rest = ("-", text[1:]) if text.startswith("-") else ("+", text)
        lines.append(f"{target} {sign}= {rest}" if i > 1 else f"{target} = {target} {sign} {rest}")
    return lines


def wrapped(code: str, width: int) -> str:
    """An assignment of a call with a list, in more lines where it is too long for one; other code as it is.

    >>> print(wrapped("y = np.stack([first, second], axis=1)", 30))
    y = np.stack(
        [first, second], axis=1
    )
    """
    if len(code) <= width or "([" not in code:
        return code
    (made,) = ast.parse(code).body
    if not isinstance(made, ast.Assign) or not isinstance(made.value, ast.Call):
        return code
    call, parts = made.value, [ast.get_source_segment(code, part) or "" for part in (made.targets[0], made.value.func)]
    given = [*call.args, *call.keywords]
    texts = [ast.get_source_segment(code, one) or "" for one in given]
    lines = [f"    {', '.join(texts)}"]
    if len(lines[0]) > width:
        lines = []
        for one, text in zip(given, texts, strict=True):
            items = one.elts if isinstance(one, ast.List) else []
            inner = [f"        {ast.get_source_segment(code, item)}," for item in items]
            lines += ["    [", *inner, "    ],"] if len(text) + 5 > width else [f"    {text},"]
    return "\n".join([f"{parts[0]} = {parts[1]}(", *lines, ")"])
