"""What the user's own source calls tensors: the variables that a recorded line assigns to, and those that it reads.

A node knows the line that made it where the forward pass was inside `record_lines()`.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Sequence
from functools import lru_cache

from autograd_lite.core import Node
from autograd_lite.derive.names import Names, missing, operands
from autograd_lite.memory import Site

_operators: dict[type[ast.AST], set[str]] = {
    ast.Add: {"add"},
    ast.Sub: {"subtract"},
    ast.Mult: {"multiply"},
    ast.Div: {"divide"},
    ast.MatMult: {"matmul"},
    ast.Pow: {"square", "power", "float_power"},
}


def guess(names: Names, order: Sequence[Node]) -> None:
    """Give tensors and constants without a name those of the variables in the source of the lines that made them."""
    by_statement: dict[tuple[str, int], list[Node]] = {}
    found: dict[tuple[str, int], ast.stmt] = {}
    for node in sorted(order, key=lambda n: n.seq):
        site = None if node.notes is None else node.notes.site
        statement = None if site is None or node.op is None else _statement(site)
        if site is not None and statement is not None:
            key = site[0], statement.lineno
            found[key] = statement
            by_statement.setdefault(key, []).append(node)
    for key, nodes in by_statement.items():
        period = _period([node.op.name for node in nodes if node.op is not None])
        for start in range(0, len(nodes), period):
            _named(names, found[key], nodes[start : start + period])


def _period(ops: Sequence[str]) -> int:
    """After how many ops they repeat, as in a loop: a line that ran several times."""
    return next(p for p in range(1, len(ops) + 1) if len(ops) % p == 0 and list(ops[:p]) * (len(ops) // p) == list(ops))


def _named(names: Names, statement: ast.stmt, nodes: Sequence[Node]) -> None:
    """Names from one statement that ran once."""
    target = _target(statement)
    if target is not None:
        names.guessed.setdefault(nodes[-1], target)
    calls: dict[str, list[list[ast.expr]]] = {}
    for ops, given in _calls(statement):
        for op in ops:
            calls.setdefault(op, []).append(given)
    for name, found in calls.items():
        made = [node for node in nodes if node.op is not None and node.op.name == name]
        for node, given in zip(made, found, strict=False) if len(made) == len(found) else ():
            for operand, read in zip(operands(node), given, strict=False):
                text = _variable(read)
                if text is None or operand is missing:
                    continue
                if not isinstance(operand, Node):
                    names.guess_array(operand, text)
                elif operand.op is None:
                    names.guessed.setdefault(operand, text)


def _target(statement: ast.stmt) -> str | None:
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return _variable(targets[0]) if len(targets) == 1 and targets[0] is not None else None


def _variable(read: ast.expr) -> str | None:
    """x of x, and of self.x."""
    name = read.id if isinstance(read, ast.Name) else read.attr if isinstance(read, ast.Attribute) else None
    return None if name in {None, "T", "mT", "data", "grad"} else name


def _calls(statement: ast.stmt) -> list[tuple[set[str], list[ast.expr]]]:
    """The ops that a statement may be made of, with what they are given, innermost first."""
    found: list[tuple[set[str], list[ast.expr]]] = []
    todo: list[ast.AST] = [statement]
    for node in todo:  # grows while it is walked
        todo += ast.iter_child_nodes(node)
    for node in reversed(todo):
        if isinstance(node, ast.BinOp):
            found.append((_operators.get(type(node.op), set()), [node.left, node.right]))
        elif isinstance(node, ast.Call) and not node.keywords and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            found.append(({name}, node.args))
            if isinstance(node.func, ast.Attribute):
                method = [node.func.value, *node.args]
                found[-1] = ({name}, node.args) if _is_module(node.func.value) else ({name}, method)
    return found


def _is_module(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id in {"al", "F", "np", "autograd_lite", "functional"}


def _statement(site: Site) -> ast.stmt | None:
    """The innermost simple statement of a line."""
    lines = linecache.getlines(site[0])
    found = [s for s in _statements("".join(lines)) if s.lineno <= site[1] <= (s.end_lineno or s.lineno)]
    return max(found, key=lambda s: s.lineno, default=None)


@lru_cache(maxsize=8)
def _statements(text: str) -> tuple[ast.stmt, ...]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ()
    return tuple(
        s for s in ast.walk(tree) if isinstance(s, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr | ast.Return)
    )
