"""The hand-written code as text: the methods of a step, and the lines that make each delta."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from types import FunctionType
from typing import Any

import numpy as np

from models import activations
from models.network import Handwritten
from models.records import Layers

STEP = ("forward", "backward", "step", "update")


def code_of(function: Callable[..., Any]) -> str:
    """The source of a function or class, without its docstrings and decorators.

    >>> from models.activations import tanh2deriv
    >>> print(code_of(tanh2deriv))
    def tanh2deriv(output: Array) -> Array:
        return 1 - output**2
    """
    source = textwrap.dedent(inspect.getsource(function))
    lines = source.splitlines()
    left_out: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                left_out |= set(range(decorator.lineno, (decorator.end_lineno or decorator.lineno) + 1))
            if ast.get_docstring(node) is not None:
                said = node.body[0]
                left_out |= set(range(said.lineno, (said.end_lineno or said.lineno) + 1))
    kept = [line for number, line in enumerate(lines, 1) if number not in left_out]
    return "\n".join(kept).strip("\n")


def step_code(handwritten: Handwritten) -> str:
    """All code of a hand-written step: its methods, those that they call, and the functions of `models` in them."""
    owner = type(handwritten)
    todo = [(method, at) for name in STEP for method, at in _method(owner, name, 0)]
    found: list[Any] = []
    for method, at in todo:  # grows while it is walked
        if method in found:
            continue
        found.append(method)
        for name, above in _methods_called(method):
            todo += _method(owner, name, at + 1 if above else 0)
    functions = dict.fromkeys(f for function in found for f in _functions_called(function))
    return "\n\n".join(map(code_of, [*found, *functions]))


def settings(handwritten: Handwritten) -> str:
    """The numbers that a step is made with, in words.

    >>> from models import find
    >>> settings(find("8.1").versions["as-printed"])
    'lr = 0.005, batch_size = 1'
    """
    values = {f.name: getattr(handwritten, f.name) for f in fields(handwritten) if f.name != "updates"}
    return ", ".join(f"{name} = {value:g}" for name, value in values.items() if isinstance(value, int | float))


def _method(owner: type, name: str, start: int) -> Iterator[tuple[Any, int]]:
    """A method, and where in the order of resolution it is; what every step has in common is left out."""
    for place, base in enumerate(owner.__mro__):
        if place >= start and name in vars(base):
            if base is not Handwritten and isinstance(vars(base)[name], FunctionType):
                yield vars(base)[name], place
            return


def _tree(function: Callable[..., Any]) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(function)))


def _methods_called(method: Callable[..., Any]) -> Iterator[tuple[str, bool]]:
    """Names of the methods that a method calls on itself, and whether through super()."""
    for node in ast.walk(_tree(method)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            on = node.func.value
            if isinstance(on, ast.Name) and on.id == "self":
                yield node.func.attr, False
            elif isinstance(on, ast.Call) and isinstance(on.func, ast.Name) and on.func.id == "super":
                yield node.func.attr, True


def _functions_called(method: Any) -> Iterator[Any]:
    """The functions of `models` that a method calls by name."""
    for node in ast.walk(_tree(method)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called = method.__globals__.get(node.func.id)
            if isinstance(called, FunctionType) and called.__module__.startswith("models."):
                yield called


def delta_lines(handwritten: Handwritten, names: Sequence[str]) -> dict[str, str]:
    """By name of the delta, the lines that make it; `names` are those of the deltas, the error's end first.

    Of names that a loop makes up there are the lines with their placeholders.

    >>> from models import find
    >>> print(delta_lines(find("8.1").versions["as-printed"], ["layer_2", "layer_1_in"])["layer_1_in"])
    layer_1_delta = layer_2_delta.dot(weights["weights_1_2"].T) * relu2deriv(layer_1)
    if batch.mask is not None:
        layer_1_delta *= batch.mask
    """
    found: list[_Lines] = []
    for base in type(handwritten).__mro__:
        method = vars(base).get("backward")
        if base is not Handwritten and isinstance(method, FunctionType):
            found += _lines(handwritten, method)
            if not any(name == "backward" and above for name, above in _methods_called(method)):
                break
    made = {name: [line for line in found if line.name.fullmatch(name)] for name in names}
    return {
        name: min(lines, key=lambda line: line.looped == (name == names[0])).text
        for name, lines in made.items()
        if lines
    }


@dataclass(frozen=True)
class _Lines:
    """The text that makes the deltas of this name, and whether it stands in a loop."""

    name: re.Pattern[str]
    looped: bool
    text: str


def _lines(handwritten: Handwritten, method: FunctionType) -> Iterator[_Lines]:
    source = textwrap.dedent(inspect.getsource(method))
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    for statement in function.body:
        looped = isinstance(statement, ast.For | ast.While)
        for node in ast.walk(statement):
            for key, value, text in _entries(source, node):
                own = [
                    _segment(source, s)
                    for s in _opened(function.body, statement)
                    if isinstance(value, ast.Name) and value.id in _assigned(s)
                ]
                yield _Lines(key, looped, _with_methods(handwritten, "\n".join(own) or text))


def _opened(body: Sequence[ast.stmt], around: ast.stmt) -> Iterator[ast.stmt]:
    """The statements of a function, of the loop `around` those that stand in it."""
    for statement in body:
        if statement is around and isinstance(statement, ast.For | ast.While):
            yield from statement.body
        else:
            yield statement


def _entries(source: str, node: ast.AST) -> Iterator[tuple[re.Pattern[str], ast.expr, str]]:
    """Entries of a dict that is written out, and assignments to one: the key, the value, and the text of both."""
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if key is not None and (name := _pattern(key)) is not None:
                yield name, value, f"{_segment(source, key)}: {_segment(source, value)}"
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
        name = _pattern(node.targets[0].slice)
        if name is not None:
            yield name, node.value, _segment(source, node)


def _pattern(key: ast.expr) -> re.Pattern[str] | None:
    """What a string, or a string with placeholders for numbers, may be."""
    parts = key.values if isinstance(key, ast.JoinedStr) else [key]
    texts = [part.value if isinstance(part, ast.Constant) else None for part in parts]
    if not all(isinstance(text, str | None) for text in texts) or texts == [None]:
        return None
    return re.compile("".join(r"\d+" if text is None else re.escape(str(text)) for text in texts))


def _with_methods(handwritten: Handwritten, text: str) -> str:
    """The text, and the methods of its own that it calls."""
    called = dict.fromkeys(n.func.attr for n in ast.walk(_parsed(text)) if _own(n))  # type: ignore[attr-defined]
    return "\n\n".join([text, *(code_of(getattr(type(handwritten), name)) for name in called)])


def _parsed(text: str) -> ast.AST:
    """Statements, or an entry of a dict."""
    try:
        return ast.parse(text)
    except SyntaxError:
        return ast.parse(f"{{{text}}}")


def slopes_of_one(handwritten: Handwritten, text: str, layers: Sequence[Layers]) -> list[str]:
    """Calls of the book's activations, in the text of a delta, on layers for all of which they are 1 everywhere.

    >>> import numpy as np
    >>> from models import find
    >>> by_hand = find("8.1").versions["as-printed"]
    >>> slopes_of_one(by_hand, "a = b * relu2deriv(layer_1)", [{"layer_1": np.array([0.0, 2.0])}])
    ['relu2deriv(layer_1)']
    """
    found = []
    for node in ast.walk(_parsed(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1:
            function = type(handwritten).backward.__globals__.get(node.func.id)
            (given,) = node.args
            if not isinstance(function, FunctionType) or function.__module__ != activations.__name__:
                continue
            if isinstance(given, ast.Name):
                known = [one[given.id] for one in layers if given.id in one]
                found += [ast.unparse(node)] if known and all(np.all(function(a) == 1) for a in known) else []
    return list(dict.fromkeys(found))


def _own(node: ast.AST) -> bool:
    """Is it a call of a method of its own?"""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    return isinstance(node.func.value, ast.Name) and node.func.value.id == "self"


def _assigned(statement: ast.stmt) -> set[str]:
    """The variables that a statement assigns to, as a whole or in part, or hands to a call that it is."""
    found = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name | ast.Subscript) and isinstance(node.ctx, ast.Store):
            name = node.value if isinstance(node, ast.Subscript) else node
            found |= {name.id} if isinstance(name, ast.Name) else set()
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        found |= {arg.id for arg in statement.value.args[:1] if isinstance(arg, ast.Name)}
    return found


def _segment(source: str, node: ast.stmt | ast.expr) -> str:
    """The text of a statement or an expression, moved to the left."""
    text = ast.get_source_segment(source, node) or ""
    first, _, rest = text.partition("\n")
    if not rest:
        return first
    return f"{first}\n{textwrap.indent(textwrap.dedent(rest), '    ')}"
