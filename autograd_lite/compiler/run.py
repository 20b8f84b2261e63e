"""One program, ready to run: its text, what it takes for granted, and the arrays that it works in."""

from __future__ import annotations

import hashlib
import linecache
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd_lite import memory
from autograd_lite.compiler.emit import Emitter, view
from autograd_lite.compiler.given import Reader
from autograd_lite.compiler.guards import Guards, as_it_was, numeric, still
from autograd_lite.compiler.ir import Var
from autograd_lite.compiler.layout import Planner, Slot
from autograd_lite.compiler.passes import optimised
from autograd_lite.compiler.session import Session
from autograd_lite.core import Node, Tensor
from autograd_lite.modes import changes, contexts, mode
from autograd_lite.nn.module import Module

MISS: Any = object()  # what a program returns that is not made for its arguments


def constant_of(array: Any) -> Tensor:
    """A copy as a Tensor."""
    made = object.__new__(Tensor)
    made._array, made.node = array.copy(), None
    return made


class Run:
    """A traced step as a function: `call(args)` gives its result, or `MISS` where something is not as it was traced.

    What changes rarely (modes, settings, arrays that are exchanged) is counted where it changes, in `modes.changes`:
    a call compares one number, and only where that differs looks at everything, in `fits`.
    """

    def __init__(
        self,
        session: Session,
        parameters: list[tuple[str, Any]],
        result: Any,
        guards: Guards,
        emitter: type[Emitter] = Emitter,
    ) -> None:
        self.program = session.trace.program
        self.before = len(self.program.instructions)
        result = optimised(self.program, session.trace.var_like, result, emitter.prepare)
        self.layout = Planner(self.program, emitter.joins).plan()
        self.names: dict[str, Any] = {}
        self.call: Callable[..., Any]
        self.guards, self.parameters = guards, parameters
        self._objects, self._optimizers, self._met, self._kept = (
            [(thing, inside) for thing, inside in session.objects if isinstance(thing, Module)],
            session.optimizers,
            session.met,
            session.kept,
        )
        self._read = session.changing - guards.words
        self._grad = mode.grad  # of the caller: under no_grad() it is another program
        self._groups = [(g, {k: (v, as_it_was(v)) for k, v in self._settings(g).items()}) for g in session.groups]
        self._emitter = emitter(self.program, self.layout)
        self._hooks = [(notes, _hooks(notes)) for notes in map(Node.annotate, session.leaves)]
        self._write(session, result)
        self._bind()
        for place in {v.place for v in self._emitter.text if v.place is not None and v.place.kind == "argument"}:
            place.owner = None  # the first call's array

    # Text

    def _write(self, session: Session, result: Any) -> None:
        e, parameters = self._emitter, self.parameters
        parameters = [(e.name(name), shown) for name, shown in parameters]
        writes = any(place.kind == "tensor" for place, _ in self.program.writes)
        head, guards = Reader(e, writes).read(parameters)
        body = [*e.lines()]
        states, settings = self._numbers(session)
        names = [name for name, _ in parameters]
        first = [f"if len(given) != {len(names)}:", "    return miss"]
        first += [f"{', '.join(names)}{',' * (len(names) == 1)} = given"] if names else []
        guards = ["changes.count != seen", "contexts.special != special", *guards, *self._outside(session)]
        tests = [f"        {'or ' * bool(k)}{text}" for k, text in enumerate(guards)]
        guard = ["try:", "    if (", *tests, "    ):", "        return miss", *(f"    {line}" for line in states)]
        guard += ["except (KeyError, ValueError):  # a name is gone, a cell is empty", "    return miss"]
        wrote = ["wrote()"] if writes else []
        lines = [*first, *head, *guard, *body, *wrote, f"return {self._returned(result)}"]
        text = "".join(e.quiet) + "def step(given, special=0):\n"
        text += "".join(f"    {line}\n" for line in lines if line)
        early = [e.text[v] for v in e.early if v in e.text]
        if early:
            text += f"\n\ndef refresh():\n    global {', '.join(early)}\n"
            text += "".join(f"    {line}\n" for line in [*settings, *e.refreshed])
        self.source = e.preamble() + text
        self.file = f"<autograd_lite compiled step {hashlib.sha256(text.encode()).hexdigest()[:12]} #{memory.tick()}>"
        linecache.cache[self.file] = len(text), None, text.splitlines(keepends=True), self.file
        weakref.finalize(self, linecache.cache.pop, self.file, None)
        self._code = compile(text, self.file, "exec")
        self._bound = [(array, place) for _, array, place in e.tensors.values()]

    def _outside(self, session: Session) -> Iterator[str]:
        """The conditions under which something is not as it was that may change without being counted."""
        e = self._emitter
        yield from self.guards.lines(e)
        for owner, array, place in e.tensors.values():
            if place.kind == "grad":
                yield f"{owner}.grad is not {array}"
            elif place.kind == "state":
                yield f"{owner}.get({place.key!r}) is not {array}"
        yield from (f"{e.object(notes, 'leaf')}.grad is not None" for notes in session.absent)
        written = {id(place): (owner, array) for owner, array, place in e.tensors.values()}
        for place, var in self.program.writes:
            given = [v for v in e.text if v.place is not None and v.place.kind == "argument"]
            alike = [v for v in given if (v.shape, v.dtype) == (var.shape, var.dtype) and id(place) in written]
            yield from (f"{e.text[v]} is {written[id(place)][1]}" for v in alike)
        for optimizer, p, state in self._kept:
            if state is not None:
                names = e.object(optimizer, "optimizer"), e.object(p, "parameter"), e.object(state, "states")
                yield "{}.state.get({}) is not {}".format(*names)

    def _numbers(self, session: Session) -> tuple[list[str], list[str]]:
        """Lines that read Python numbers: those of states in each step, those of settings where they change."""
        e, states, settings = self._emitter, list[str](), list[str]()
        for found in session.trace.places.values():
            if found.var in e.locals and found.place.kind in ("setting", "state"):
                owner = e.object(found.place.owner, f"{found.place.kind}s")
                lines = states if found.place.kind == "state" else settings
                key = found.place.key
                where = f"[{key[0]!r}][{key[1]}]" if isinstance(key, tuple) else f"[{key!r}]"
                lines.append(f"{e.text[found.var]} = {owner}{where}")
        return states, settings

    def _returned(self, result: Any) -> str:
        e = self._emitter
        if isinstance(result, Var):
            return f"constant_of({e.value(result)})"
        if isinstance(result, tuple) and hasattr(result, "_fields"):
            return f"{e.object(type(result), type(result).__name__)}({', '.join(map(self._returned, result))})"
        if isinstance(result, tuple | list):
            items = ", ".join(map(self._returned, result))
            return f"[{items}]" if isinstance(result, list) else f"({items}{',' * (len(result) == 1)})"
        if isinstance(result, dict):
            return "{" + ", ".join(f"{k!r}: {self._returned(v)}" for k, v in result.items()) + "}"
        return e.constant(result)

    # Arrays

    def _bind(self) -> None:
        """Make the arrays that stay, and the views of them: of buffers, and of the parameters as they are now."""
        fixed = {"constant_of": constant_of, "miss": MISS, "changes": changes, "contexts": contexts}
        names = self.names = {**self.names, **fixed, **self._emitter.names}
        for array, place in self._bound:
            names[array] = place.get()
        for text, (base, made) in self._emitter.fixed:
            names[text] = base.array(made) if isinstance(base, Slot) else view(made, names[base])
        self._emitter.bind(names)
        written = [place.get() for place, _ in self.program.writes if place.kind == "tensor"]
        names["wrote"] = memory.rewriter(written, "a compiled step")
        names["owners"] = {id(memory.owner(array)) for array in written}
        exec(self._code, names)
        self.call = names["step"]
        self._refresh()

    def _refresh(self) -> None:
        if "refresh" in self.names:
            self.names["refresh"]()
        self.names["seen"] = changes.count

    def _settings(self, group: dict[str, Any]) -> dict[str, Any]:
        """What a program is made for: all but the learning rate, which is read where it changes; that, too, if the
        step's own code asks for it. Of other settings that are read it is made for their being 0, or not."""
        shown = {key: value for key, value in group.items() if key != "lr" or "lr" in self.guards.words}
        return shown | {key: _zeros(shown[key]) for key in self._read & shown.keys()}

    def moved(self) -> set[str]:
        """The settings that are other numbers than those the program was made for."""
        return {
            key
            for group, settings in self._groups
            for key, (then, _) in settings.items()
            if numeric(then) is not None and numeric(group.get(key)) is numeric(then) and group[key] != then
        }

    def fits(self) -> bool:
        """Is everything outside as it was traced? Arrays exchanged for others of the same kind are taken over."""
        if mode.watchers or mode.tracer is not None or mode.grad is not self._grad:
            return False
        if not all(_as_it_was(vars(thing), attributes) for thing, attributes in self._objects):
            return False
        if not all(_as_it_was(self._settings(group), settings) for group, settings in self._groups):
            return False
        if any(list(map(id, o.param_groups)) != list(map(id, groups)) for o, groups in self._optimizers):
            return False
        if any(tensor.node is not node for tensor, node in self._met):
            return False
        if any(_hooks(notes) != hooks for notes, hooks in self._hooks):
            return False
        if any(optimizer.state.get(p) is not state for optimizer, p, state in self._kept):
            return False
        now = [(array, place.get()) for array, place in self._bound]
        if not all(_alike(self.names[array], new) and self._emitter.takes(array, new) for array, new in now):
            return False
        if any(new is not self.names[array] for array, new in now):
            self._bind()
        self._refresh()
        return True


def _hooks(notes: memory.Notes) -> tuple[int, ...]:
    """The hooks on a leaf, by when they were registered."""
    return (*(notes.hooks or ()), *(notes.after or ()))


def _as_it_was(now: dict[str, Any], traced: dict[str, Any]) -> bool:
    """Has a dict the keys and the values that it had?"""
    return len(now) == len(traced) and all(key in now and still(now[key], *then) for key, then in traced.items())


def _zeros(setting: Any) -> Any:
    """What a program that reads a setting's numbers still takes for granted of it."""
    kind = numeric(setting)
    return setting if kind is None else (kind.__name__, *(not n for n in (setting if kind is tuple else (setting,))))


def _alike(old: Any, new: Any) -> bool:
    return type(new) is np.ndarray and (new.shape, new.dtype, new.strides) == (old.shape, old.dtype, old.strides)
