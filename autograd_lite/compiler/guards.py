"""What a program takes for granted of the Python around it: arguments, and what the step's code looks up."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Iterator
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from autograd_lite.compiler.proxy import Proxy
from autograd_lite.core import Op, Tensor
from autograd_lite.nn.module import Module
from autograd_lite.optim.optimizer import Optimizer

PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...), np.generic, np.dtype)
MOST = 64  # items up to which a list or dict is compared; a longer one counts as data, which is asked who it is


class Same:
    """Something that equals itself alone: a thing whose state is not looked into."""

    __slots__ = ("thing",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.thing is self.thing


class Never:
    """What equals nothing."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return False


def frozen(thing: Any, most: int = MOST) -> Any:
    """What can be compared later with what the thing is then: plain values by type and value, containers by their
    items, objects of plain attributes by these too; anything else only by who it is."""
    if isinstance(thing, float):
        return type(thing), repr(thing)  # 0.0 is not -0.0 here, and nan is nan
    if isinstance(thing, PLAIN):
        return type(thing), thing
    if isinstance(thing, tuple | list | set | frozenset | dict) and len(thing) <= most:
        items = list(thing.items()) if isinstance(thing, dict) else list(thing)
        return (type(thing), *(frozen(item, most // 2) for item in items))
    if isinstance(thing, slice):
        return slice, *map(frozen, (thing.start, thing.stop, thing.step))
    inside = None if _opaque(thing) or most < MOST else getattr(thing, "__dict__", None)
    if isinstance(inside, dict) and len(inside) <= MOST:
        return Same(thing), *((name, frozen(value, most // 2)) for name, value in inside.items())
    return Same(thing)


def _opaque(thing: Any) -> bool:
    kinds = (Tensor, Module, Optimizer, Proxy, Op, type, ModuleType, np.ndarray, np.random.Generator)
    return isinstance(thing, kinds) or callable(thing)


def fixed(thing: Any) -> bool:
    """Is who it is all that has to be asked?"""
    return isinstance(thing, PLAIN) or _opaque(thing)


def as_it_was(thing: Any) -> Any:
    """What to compare a thing's inside with later; None where it is enough to ask whether it is the same thing.

    What an iterator gives next is another thing each time: it is never as it was.
    """
    return Never() if isinstance(thing, Iterator) else None if fixed(thing) else frozen(thing)


def still(now: Any, value: Any, then: Any) -> bool:
    """Is what was `value`, and looked like `then` inside, as it was?"""
    return (now is value or not differs(now, value)) if then is None else bool(frozen(now) == then)


def numeric(thing: Any) -> type | None:
    """float or tuple, for a float or a tuple of floats; None for anything else."""
    if type(thing) is tuple:
        return tuple if thing and all(type(item) is float for item in thing) else None
    return float if type(thing) is float else None


class Guards:
    """Conditions in the text of a program, each with the values it is about, and which of them do not hold."""

    def __init__(self) -> None:
        self.found: list[tuple[str, Any, Any, Any]] = []  # what it is called, its container, the key, what it was
        self._seen: set[tuple[int, Any]] = set()
        self.words: set[Any] = set()  # that the step's own code has: it may read settings by them

    def code(self, function: Any, owner: Any = None) -> None:
        """All that a function of the user's looks up outside: its own cells and globals, and those of such
        functions that it calls by name; of a method, attributes of its object too."""
        queue: list[tuple[Any, Any]] = [(function, owner)]
        while queue:
            function, owner = queue.pop()
            if isinstance(function, MethodType):
                function, owner = function.__func__, function.__self__
            function = inspect.unwrap(function)
            if not isinstance(function, FunctionType) or not _users(function):
                continue
            self.words.update(w for code in _codes(function.__code__) for w in code.co_consts if isinstance(w, str))
            for container, key, value in _looked_up(function, owner):
                if (id(container), key) in self._seen:
                    continue
                self._seen.add((id(container), key))
                if isinstance(value, FunctionType | MethodType):
                    op = getattr(value, "op", None)
                    queue.append((op.forward if isinstance(op, Op) else value, None))
                if isinstance(value, Optimizer):
                    queue += [(type(value).step, value), (type(value).update, value)]
                if not isinstance(value, ModuleType | type):
                    self.found.append((str(key), container, key, (value, as_it_was(value))))
            methods = (getattr(type(owner), name, None) for name in _attributes(function))
            queue += [(m, owner) for m in methods if isinstance(m, FunctionType)] if _new(self._seen, function) else []

    def things(self, kind: type) -> list[Any]:
        """What the step's code can name, of one kind."""
        return [value for _, _, _, (value, _) in self.found if isinstance(value, kind)]

    def lines(self, emitter: Any) -> Iterator[str]:
        """The conditions under which something is not as it was."""
        for name, container, key, (value, then) in self.found:
            now = read(emitter, container, key)
            thing = emitter.object(value, f"{name}_then")
            if then is None:
                yield f"({now} is not {thing} and {emitter.object(differs, 'differs')}({now}, {thing}))"
            else:
                yield f"{emitter.object(frozen, 'frozen')}({now}) != {emitter.object(then, f'{name}_inside')}"

    def broken(self) -> list[str]:
        """The names of what is not as it was."""
        broken = []
        for name, container, key, (value, then) in self.found:
            now = container.get(key) if isinstance(container, dict) else _content(container)
            if not still(now, value, then):
                broken.append(name)
        return broken


def read(emitter: Any, container: Any, key: Any) -> str:
    """The text that looks it up now."""
    if isinstance(container, dict):
        return f"{emitter.object(container, 'outside')}[{key!r}]"
    return f"{emitter.object(container, f'{key}_cell')}.cell_contents"


def differs(now: Any, then: Any) -> bool:
    """Are two values that are not one object not even equal? Only plain ones can be."""
    if type(now) is not type(then) or not isinstance(now, PLAIN):
        return True
    if isinstance(now, float):
        return repr(now) != repr(then)  # 0.0 is not -0.0 here, and nan is nan
    return bool(now != then)


def _new(seen: set[tuple[int, Any]], function: Any) -> bool:
    """Is it the first time that a function's methods are gone through?"""
    if (id(function), "methods") in seen:
        return False
    seen.add((id(function), "methods"))
    return True


def _users(function: FunctionType) -> bool:
    """Is it neither this package's nor NumPy's?"""
    return str(function.__module__).partition(".")[0] not in ("autograd_lite", "numpy")


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # an empty cell
        return Same


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A code object and those of the functions written inside it."""
    queue = [code]
    while queue:
        code = queue.pop()
        yield code
        queue += [c for c in code.co_consts if isinstance(c, CodeType)]


def _looked_up(function: FunctionType, owner: Any) -> Iterator[tuple[Any, Any, Any]]:
    """(container, key, value) of a function's cells, of its globals, and of its object's attributes."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        if name != "__class__" and _content(cell) is not Same:
            yield cell, name, _content(cell)
    used = [i for code in _codes(function.__code__) for i in dis.get_instructions(code)]
    names = {i.argval for i in used if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    around = function.__globals__
    yield from ((around, name, around[name]) for name in sorted(names & around.keys()))
    inside = getattr(owner, "__dict__", None)
    if isinstance(inside, dict) and not isinstance(owner, Module | Optimizer):
        yield from ((inside, name, inside[name]) for name in sorted(_attributes(function) & inside.keys()))


def _attributes(function: FunctionType) -> set[str]:
    """The attributes of its object, its first argument, that a method asks for."""
    found, me = set[str](), function.__code__.co_varnames[:1]
    for code in _codes(function.__code__) if me else ():
        before: Any = None
        for now in dis.get_instructions(code):
            if now.opname in ("LOAD_ATTR", "LOAD_METHOD") and before in me:
                found.add(now.argval)
            loads = now.opname.startswith(("LOAD_FAST", "LOAD_DEREF"))
            before = (now.argval[-1] if isinstance(now.argval, tuple) else now.argval) if loads else None
    return found
