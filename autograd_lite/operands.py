"""What an operand is called: by its own name, by its place in a module, or by the variable of the code that calls.

Frames are looked at, so this is for what is on its way to raise, and for the tools that watch a step: never for an
ordinary call.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

from autograd_lite import memory


def frames() -> Iterator[FrameType]:
    """The frames of the calls that are running, the innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def inside(frame: FrameType) -> bool:
    """Is it code of this package?"""
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] == "autograd_lite"


def caller() -> FrameType | None:
    """The nearest frame outside this package: the user's line."""
    return next((frame for frame in frames() if not inside(frame)), None)


def running_modules() -> list[Any]:
    """The modules whose calls are running, the outermost first."""
    found: list[Any] = []
    for frame in frames():
        if frame.f_code.co_name == "__call__" and inside(frame):
            module = frame.f_locals.get("self")
            if hasattr(type(module), "named_parameters") and (not found or found[-1] is not module):
                found.append(module)
    return found[::-1]


def operand_names(values: Sequence[Any]) -> list[str | None]:
    """What each value is called: its `name`, its path in the outermost running module, a variable of the caller."""
    paths = _paths(running_modules()[:1])
    frame = caller()
    variables: dict[int, str] = {}
    if frame is not None:
        for name, value in (*frame.f_globals.items(), *frame.f_locals.items()):
            if not name.startswith("_"):
                variables[id(value)] = name
    return [_own_name(v) or paths.get(id(v)) or variables.get(id(v)) or _made_by(v) for v in values]


def labels(op: Any, args: Sequence[Any]) -> list[str]:
    """What a message calls the operands of an op: what they are called, else the op's word, else their number."""
    roles = [op.arrays[op.slot(k)] for k in range(len(args))]
    plain = op.variadic or set(roles) <= {"a", "b"}  # names that say nothing
    return [
        name or (f"number {k + 1}" if plain else role)
        for k, (name, role) in enumerate(zip(operand_names(args), roles, strict=True))
    ]


def _paths(modules: list[Any]) -> dict[int, str]:
    return {
        id(tensor): path
        for module in modules
        for walk in (module.named_parameters(), module.named_buffers())
        for path, tensor in walk
    }


def _own_name(value: Any) -> str | None:
    node, array = getattr(value, "node", None), getattr(value, "_array", None)
    if node is not None:
        return node.name  # type: ignore[no-any-return]
    return None if array is None else memory.name_of(array)


def _made_by(value: Any) -> str | None:
    """A result without a name is called by its op, and the line where one was noted."""
    node = getattr(value, "node", None)
    if node is None or node.op is None:
        return None
    site = None if node.notes is None else node.notes.site
    return f"{node.op.name}(...)" + ("" if site is None else f" of {site[0].rpartition('/')[2]}:{site[1]}")
