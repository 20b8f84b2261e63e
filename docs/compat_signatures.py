"""The parameters that PyTorch says its functions have, and how ours compare with them.

Where `inspect.signature` knows nothing (functions written in C++) the overloads come from the stubs in PyTorch's
wheel, made of the same declarations as the functions, or from the signatures that docstrings begin with.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

UNKNOWN = object()  # a default that the declaration leaves out
REQUIRED = inspect.Parameter.empty
STUBS = {"torch": ("_VariableFunctions.pyi", None), "Tensor": ("__init__.pyi", "TensorBase")}


@dataclass(frozen=True)
class Parameter:
    """A parameter: its name, whether it can be given by position, whether it is starred, its default."""

    name: str
    positional: bool
    default: Any = REQUIRED
    star: bool = False


@dataclass(frozen=True)
class Verdict:
    """What the comparison found: `level` is "same", "names", "differs" or "not given"; the others are for the table."""

    level: str
    text: str
    lacks: tuple[str, ...] = ()


def of_callable(thing: Any) -> list[Parameter] | None:
    """The parameters that Python knows, without self; None where it knows only *args and **kwargs, or nothing."""
    try:
        found = list(inspect.signature(thing).parameters.values())
    except (TypeError, ValueError):
        return None
    kinds = inspect.Parameter
    if found and all(p.kind in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD) for p in found) and len(found) > 1:
        return None
    return [
        Parameter(
            p.name,
            p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD, kinds.VAR_POSITIONAL),
            REQUIRED if p.kind in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD) else p.default,
            p.kind in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD),
        )
        for p in found
    ]


def _of_definition(node: ast.FunctionDef) -> list[Parameter]:
    """The parameters of a function in a stub."""
    a = node.args
    names = [*a.posonlyargs, *a.args]
    defaults = [REQUIRED] * (len(names) - len(a.defaults)) + [_value(d) for d in a.defaults]
    made = [Parameter(n.arg, True, d) for n, d in zip(names, defaults, strict=True)]
    if a.vararg:
        made.append(Parameter(a.vararg.arg, True, REQUIRED, True))
    keywords = zip(a.kwonlyargs, a.kw_defaults, strict=True)
    return made + [Parameter(n.arg, False, REQUIRED if d is None else _value(d)) for n, d in keywords]


def _value(node: ast.expr) -> Any:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)
    return UNKNOWN if value is Ellipsis else value


@cache
def _stub(file: str, owner: str | None) -> dict[str, list[list[Parameter]]]:
    """All functions of a stub of PyTorch's, or of a class in it, by name, with their overloads."""
    import torch

    path = Path(torch.__file__).parent / "_C" / file
    if not path.exists():
        return {}
    body: list[ast.stmt] = ast.parse(path.read_text("utf-8")).body
    if owner is not None:
        body = next(n for n in body if isinstance(n, ast.ClassDef) and n.name == owner).body
    found: dict[str, list[list[Parameter]]] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef) and not any("property" in ast.unparse(d) for d in node.decorator_list):
            found.setdefault(node.name, []).append(_of_definition(node))
    return found


def of_docstring(thing: Any, name: str) -> list[list[Parameter]]:
    """The signatures that a docstring begins with or shows as its own, such as `inv(A, *, out=None) -> Tensor`."""
    found = []
    for match in re.finditer(rf"^\s*(?:[\w.]+\.)?{name}\((.*?)\)(?: ->|$)", thing.__doc__ or "", re.MULTILINE):
        try:
            node = ast.parse(f"def f({match[1].replace('|', ',')}): ...").body[0]
        except SyntaxError:
            continue
        assert isinstance(node, ast.FunctionDef)
        found.append(_of_definition(node))
    return found[:1]


def theirs(space: str, name: str, thing: Any) -> list[list[Parameter]]:
    """PyTorch's overloads of a name; none where it says nothing."""
    known = of_callable(thing)
    if known is not None:
        return [known]
    overloads = []
    if space in STUBS:
        overloads = [o for o in _stub(*STUBS[space]).get(name, []) if not (space == "torch" and _deprecated(o))]
    elif space == "linalg":
        overloads = of_schema(f"aten::{thing.__name__}")
    return overloads or of_docstring(thing, name)


def of_schema(name: str) -> list[list[Parameter]]:
    """The overloads of an operator as PyTorch has them registered, where `self` is what Python calls `input`."""
    import torch

    found = []
    for schema in torch._C._jit_get_schemas_for_operator(name):
        made = []
        for a in schema.arguments:
            default = a.default_value if a.has_default_value() else REQUIRED
            made.append(Parameter("input" if a.name == "self" else a.name, not a.kwarg_only, default))
        found.append(made)
    return found


def _deprecated(overload: list[Parameter]) -> bool:
    """Old forms that the declarations keep: with `self`, and a factor before the tensor."""
    return any(p.name == "self" for p in overload)


def compare(ours: Any, overloads: list[list[Parameter]], method: bool = False) -> Verdict:
    """How our parameters are to those of the overload that fits best; of a method without the tensor itself."""
    mine = of_callable(ours)
    if mine is None or not overloads:
        return Verdict("not given", "not given")
    if method:
        mine, overloads = mine[1:], [o[1:] for o in overloads]
    judged = [(*_disagreements(mine, o), o) for o in overloads]
    serious, renamed, _ = min(judged, key=lambda found: (len(found[0]), len(found[1]), -len(found[2])))
    have = {p.name for p in mine} | set(renamed.values())
    if any(p.star and not p.positional for p in mine):
        lacks = {}  # **more may be any
    else:
        lacks = dict.fromkeys(
            p.name for o in overloads for p in o if p.name not in have and p.name[0] != "_" and not p.star
        )
    names = [f"`{a}` for `{b}`" for a, b in renamed.items()]
    level = "differs" if serious else "names" if names else "same"
    return Verdict(level, "; ".join([*serious, *names]) or "same", tuple(lacks))


def _disagreements(mine: list[Parameter], other: list[Parameter]) -> tuple[list[str], dict[str, str]]:
    """What is not the same, in words, and the parameters that have another name in the same place."""
    places = [p.name for p in other if p.positional]
    known, have = {p.name: p for p in other}, {p.name for p in mine}
    starred = any(p.star and p.positional for p in mine)
    renamed: dict[str, str] = {}
    serious: list[str] = []
    for k, p in enumerate(mine):
        if p.name in known:
            serious += _of_one(p, known[p.name], places, have, starred)
        elif p.positional and not p.star and k < len(places) and places[k] not in have:
            renamed[p.name] = places[k]
        elif p.default is REQUIRED and not p.star:
            serious.append(f"`{p.name}` has to be given")
    both = [renamed.get(p.name, p.name) for p in mine if p.positional]
    ours, theirs = [n for n in both if n in places], [n for n in places if n in both]
    if ours != theirs:
        serious.append(f"order: {', '.join(f'`{n}`' for n in ours)}")
    return serious, renamed


def _of_one(p: Parameter, twin: Parameter, places: list[str], have: set[str], starred: bool) -> Iterator[str]:
    """How a parameter is not as PyTorch's of the same name; where ours is `starred`, positions go there."""
    skipped = places[: places.index(p.name)] if p.name in places else []
    if not p.positional and twin.positional and not starred and all(name in have for name in skipped):
        yield f"`{p.name}` by keyword only"
    if not (p.star or twin.star or _same_default(p.default, twin.default)):
        yield f"`{p.name}` is {_shown(p.default)}, there {_shown(twin.default)}"


def _same_default(a: Any, b: Any) -> bool:
    """Whether two defaults are the same; ours may be one where there is none, as another overload has."""
    if b is UNKNOWN or b is REQUIRED:
        return True
    if a is REQUIRED:
        return False
    empty = (None, ())
    if any(a is e or a == e for e in empty) and any(b is e or b == e for e in empty):
        return True
    if callable(a) and callable(b):
        return a.__name__ == b.__name__
    if type(b).__name__ == "Generator":  # the one that None stands for
        return a is None
    try:
        return bool(a == b) or str(a) == str(b) or tuple(a) == tuple(b)
    except (TypeError, ValueError):
        return False


def _shown(default: Any) -> str:
    """A default as it would be written; dtypes by their name."""
    if default is REQUIRED:
        return "required"
    return f"`{default.__name__ if isinstance(default, type) else repr(default)}`"
