"""What a compiled step spends its time on: its program, line by line, with a clock between the lines."""

from __future__ import annotations

import ast
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

from .libraries import Library, build
from .problems import Row

COMPILED = Library("compiled", "ours_compiled", "autograd_lite", "autograd-lite")
STEPS = {"conv": 60, "lstm": 7, "mnist-batch": 600}
MOST = 4000  # steps of the small ones
ROUNDS = 7
AROUND = "guards and result"
KINDS = {  # by what is called; the first that fits
    "matrix products": ("dot", "matmul"),
    "exp, tanh, log": ("exp", "tanh", "log", "logaddexp", "without_warnings"),
    "rows of tables": ("take", "add_rows"),
    "copies": ("copyto", "concatenate", "fill", "="),
    "sums and maxima": ("reduce",),
    "arithmetic": (),
}


def kind_of(statement: ast.stmt) -> str:
    """Which kind of work a line of a program is."""
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return "copies" if isinstance(statement, ast.Assign | ast.With) else AROUND
    called = statement.value.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    if name.startswith(("refuse", "wrote")):
        return AROUND
    return next((kind for kind, names in KINDS.items() if any(part in name for part in names)), "arithmetic")


def clocked(source: str) -> tuple[ast.Module, list[str]]:
    """A program that adds up, in `spent`, the seconds of each line; and the kinds of the lines."""
    tree = ast.parse(source)
    step = next(part for part in tree.body if isinstance(part, ast.FunctionDef) and part.name == "step")
    start = next(k for k, part in enumerate(step.body) if isinstance(part, ast.Try)) + 1
    kinds: list[str] = []
    body = [*step.body[:start], *ast.parse("since = clock()").body]
    for statement in step.body[start:]:
        body.append(statement)
        if not isinstance(statement, ast.Return):
            body += ast.parse(f"now = clock(); spent[{len(kinds)}] += now - since; since = clock()").body
            kinds.append(kind_of(statement))
    step.body = body
    return ast.fix_missing_locations(tree), kinds


def per_step(step: Callable[[], Any], steps: int) -> float:
    """Seconds of a step."""
    start = perf_counter()
    for _ in range(steps):
        step()
    return (perf_counter() - start) / steps


def measure(row: Row) -> dict[str, float]:
    """The shares of the compiled step's time by kind, and its microseconds."""
    steps = max(1, STEPS.get(row.name, MOST) // ROUNDS)
    ours = build(COMPILED, row, row.problem())
    per_step(ours.step, 3)
    run = ours.train._runs[0]  # type: ignore[attr-defined]
    tree, kinds = clocked(run.source)
    spent, empty = [0.0] * len(kinds), min(-perf_counter() + perf_counter() for _ in range(1000))
    names = {**run.names, "clock": perf_counter, "spent": spent}
    exec(compile(tree, "<clocked step>", "exec"), names)
    program, rounds = names["step"], list[float]()
    for _ in range(ROUNDS):
        rounds.append(per_step(ours.step, steps))
        for _ in range(steps):
            program(next(ours.examples))  # type: ignore[attr-defined]
    whole, shares = median(rounds), dict.fromkeys([*KINDS, AROUND], 0.0)
    for kind, seconds in zip(kinds, spent, strict=True):
        shares[kind] += max(0.0, seconds / (ROUNDS * steps) - empty) / whole
    shares[AROUND] = max(0.0, 1 - sum(share for kind, share in shares.items() if kind != AROUND))
    return {**shares, "microseconds": 1e6 * whole}
