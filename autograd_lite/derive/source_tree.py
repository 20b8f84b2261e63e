"""A statement of the user's source as places: the expressions that ops may come from, in the order of evaluation."""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import ModuleType
from typing import Any

from autograd_lite.core import Op
from autograd_lite.memory import Site

_operators: dict[type[ast.AST], frozenset[str]] = {
    ast.Add: frozenset({"add"}),
    ast.Sub: frozenset({"subtract"}),
    ast.Mult: frozenset({"multiply"}),
    ast.Div: frozenset({"divide"}),
    ast.MatMult: frozenset({"matmul"}),
    ast.Pow: frozenset({"square", "power", "float_power"}),
    ast.USub: frozenset({"negative"}),
}
_index = frozenset({"slice", "pick", "take_rows"})
_called: dict[str, frozenset[str]] = {
    "sub": frozenset({"subtract"}),
    "mul": frozenset({"multiply"}),
    "div": frozenset({"divide"}),
    "neg": frozenset({"negative"}),
    "linear": frozenset({"linear", "affine"}),
    "cross_entropy": frozenset({"cross_entropy", "cross_entropy_of_rows"}),
    "binary_cross_entropy_with_logits": frozenset({"logistic_loss"}),
    "mse_loss": frozenset({"squared_error"}),
    "l1_loss": frozenset({"absolute_error"}),
    "embedding": frozenset({"take_rows"}),
}
_modules = {"al", "F", "np", "nn", "autograd_lite", "functional"}
_simple = ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr | ast.Return
_plain = ast.Name | ast.Attribute | ast.Constant | ast.Tuple | ast.List | ast.Slice | ast.Load | ast.Store
_read = _plain | ast.BinOp | ast.UnaryOp | ast.operator | ast.unaryop | ast.Subscript | ast.Call


@dataclass(eq=False)
class Place:
    """An expression that an op may come from, and the expressions of its operands.

    `strict` is an operator, which is one op and nothing else; of a call there may be more. `parent` is the place whose
    operand `at` this is; `root` says that it is the whole of what is assigned to `target`, or returned.
    """

    expression: ast.expr
    ops: frozenset[str]
    given: tuple[ast.expr, ...]
    strict: bool
    parent: Place | None = None
    at: int = 0
    root: bool = False
    target: str | None = None

    def fits(self, op: Op) -> bool:
        """May this be where the op comes from? A method with more arguments than it has is a function of a module."""
        fewer = len(self.given) <= len(op.arrays) or op.variadic or bool(op.attrs)
        return op.name in self.ops and op.arrays[:1] != ("losses",) and (fewer or self.strict)


@dataclass(eq=False)
class Tree:
    """What runs on a line: `places` in the order of evaluation.

    `plain` says that there is nothing else that could run ops; `target` is what one assignment assigns to.
    """

    places: list[Place] = field(default_factory=list)
    of: dict[ast.expr, Place] = field(default_factory=dict)
    target: str | None = None
    calls: bool = False  # is what is assigned a call?
    returns: bool = False  # is it a return?
    stores: set[str] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)
    plain: bool = True


def variable(read: ast.expr) -> str | None:
    """x of x, and of self.x."""
    name = read.id if isinstance(read, ast.Name) else read.attr if isinstance(read, ast.Attribute) else None
    return None if name in {None, "T", "mT", "data", "grad"} else name


class Trees:
    """The trees of lines, each made once."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._sites: dict[Site, Tree | None] = {}
        self._trees: dict[tuple[str, tuple[int, ...]], Tree] = {}

    def at(self, site: Site) -> Tree | None:
        """What runs on a line; lines of one statement have one tree. None where there is no source."""
        if site not in self._sites:
            file, line = site
            text = self._texts.setdefault(file, "".join(linecache.getlines(file)))
            found = tuple(i for i, s in enumerate(_statements(text)) if _stands(s, line))
            if found and (file, found) not in self._trees:
                self._trees[file, found] = _tree([_statements(text)[i] for i in found], _imported(text))
            self._sites[site] = self._trees[file, found] if found else None
        return self._sites[site]


def _stands(statement: ast.stmt, line: int) -> bool:
    """Has a statement expressions of its own on a line?"""
    lines = [n for e in _expressions(statement) for n in (e.lineno, e.end_lineno or e.lineno)]
    return bool(lines) and min(lines) <= line <= max(lines)


def _tree(statements: Sequence[ast.stmt], modules: frozenset[str]) -> Tree:
    found = Tree()
    for statement in statements:
        for expression in _expressions(statement):
            _add(found, expression, modules)
        if isinstance(statement, ast.AugAssign):
            _augmented(found, statement)
        for root, target in _assigned(statement) if isinstance(statement, _simple) else ():
            if root in found.of:
                found.of[root].root, found.of[root].target = True, target
    found.plain &= all(isinstance(s, _simple) for s in statements)
    if len(statements) == 1 and isinstance(statements[0], _simple):
        found.target, found.calls = _target(statements[0]), isinstance(statements[0].value, ast.Call)
        found.returns = isinstance(statements[0], ast.Return)
    return found


@lru_cache(maxsize=8)
def _statements(text: str) -> tuple[ast.stmt, ...]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ()
    definitions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return tuple(s for s in ast.walk(tree) if isinstance(s, ast.stmt) and not isinstance(s, definitions))


@lru_cache(maxsize=8)
def _imported(text: str) -> frozenset[str]:
    imports = [s for s in _statements(text) if isinstance(s, ast.Import | ast.ImportFrom)]
    return frozenset((alias.asname or alias.name).partition(".")[0] for s in imports for alias in s.names) | _modules


def _expressions(statement: ast.stmt) -> list[ast.expr]:
    """The expressions of a statement itself, not of those that stand in it."""
    found: list[ast.expr] = []
    for child in ast.iter_child_nodes(statement):
        found += [child] if isinstance(child, ast.expr) else []
        found += [child.context_expr] if isinstance(child, ast.withitem) else []
    return found


def _add(tree: Tree, expression: ast.expr, modules: frozenset[str]) -> None:
    """The places of an expression: what is evaluated first comes first."""
    stack: list[tuple[ast.AST, bool]] = [(expression, False)]
    while stack:
        node, opened = stack.pop()
        if not opened:
            stack.append((node, True))
            stack += [(child, False) for child in reversed(list(ast.iter_child_nodes(node)))]
            continue
        if isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            (tree.reads if isinstance(node.ctx, ast.Load) else tree.stores).add(name)
        place = _place(node, modules) if isinstance(node, ast.expr) else None
        tree.plain &= isinstance(node, _read) and (place is not None or not isinstance(node, ast.Call))
        if place is not None:
            _keep(tree, place)


def _keep(tree: Tree, place: Place) -> None:
    tree.places.append(place)
    tree.of[place.expression] = place
    for k, given in enumerate(place.given):
        if given in tree.of:
            tree.of[given].parent, tree.of[given].at = place, k


def _place(node: ast.expr, modules: frozenset[str]) -> Place | None:
    if isinstance(node, ast.BinOp) and type(node.op) in _operators:
        return Place(node, _operators[type(node.op)], (node.left, node.right), True)
    if isinstance(node, ast.UnaryOp) and type(node.op) in _operators:
        return Place(node, _operators[type(node.op)], (node.operand,), True)
    if isinstance(node, ast.Attribute) and node.attr in {"T", "mT"}:
        return Place(node, frozenset({"permute"}), (node.value,), False)
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        arrays = items if all(isinstance(i, ast.Name | ast.Attribute) for i in items) else []
        return Place(node, _index, (node.value, *arrays), False)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
        return _call(node, node.func, modules)
    return None


def _call(node: ast.Call, function: ast.Name | ast.Attribute, modules: frozenset[str]) -> Place | None:
    name = function.id if isinstance(function, ast.Name) else function.attr
    given = list(node.args)
    if isinstance(function, ast.Attribute) and not _is_module(function.value, modules):
        given = [function.value, *given]
    if any(isinstance(one, ast.Starred) for one in given) or any(k.arg is None for k in node.keywords):
        return None
    given = given[1::-1] if name == "embedding" else given
    return Place(node, _called.get(name, frozenset({name})), tuple(given), False)


def _is_module(value: ast.expr, modules: frozenset[str]) -> bool:
    while isinstance(value, ast.Attribute):
        value = value.value
    if not isinstance(value, ast.Name):
        return False
    main = getattr(sys.modules.get("__main__"), value.id, None)  # of a notebook, whose imports are in another cell
    return value.id in modules or isinstance(main, ModuleType)


def _augmented(tree: Tree, statement: ast.AugAssign) -> None:
    """a += b as a + b that a is assigned."""
    name = variable(statement.target)
    if type(statement.op) not in _operators or name is None:
        tree.plain = False
        return
    whole = ast.BinOp(statement.target, statement.op, statement.value)
    tree.reads.add(name)
    given = statement.target, statement.value
    _keep(tree, Place(whole, _operators[type(statement.op)], given, True, root=True, target=name))


def _assigned(statement: Any) -> list[tuple[ast.expr, str | None]]:
    """What a statement evaluates, and the variables that it is assigned to: item by item of a tuple."""
    value = statement.value
    if value is None or isinstance(statement, ast.AugAssign):
        return []
    several = statement.targets if isinstance(statement, ast.Assign) and len(statement.targets) == 1 else []
    if several and isinstance(several[0], ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
        items = [*several[0].elts, *value.elts]
        if len(several[0].elts) == len(value.elts) and not any(isinstance(i, ast.Starred) for i in items):
            return [(v, variable(t)) for t, v in zip(several[0].elts, value.elts, strict=True)]
    return [(value, _target(statement))]


def _target(statement: ast.stmt) -> str | None:
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return variable(targets[0]) if len(targets) == 1 and targets[0] is not None else None
