"""One program, ready to run: its text, what it takes for granted, and the arrays that it works in."""

from __future__ import annotations

import hashlib
import linecache
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from autograd_lite import memory
from autograd_lite.compiler.emit import Emitter, view
from autograd_lite.compiler.ir import Var
from autograd_lite.compiler.layout import Planner, Slot
from autograd_lite.compiler.passes import optimised
from autograd_lite.compiler.session import Session
from autograd_lite.core import Tensor
from autograd_lite.modes import changes, contexts, mode

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
        self, session: Session, parameters: list[tuple[str, Any]], result: Any, emitter: type[Emitter] = Emitter
    ) -> None:
        self.program = session.trace.program
        self.before = len(self.program.instructions)
        optimised(self.program, session.trace.var_like)
        self.layout = Planner(self.program).plan()
        self.names: dict[str, Any] = {}
        self.call: Callable[..., Any]
        self._modules, self._met, self._trace = session.modules, session.met, session.trace
        self._grad = mode.grad  # of the caller: under no_grad() it is another program
        self._settings = [(g, {k: v for k, v in g.items() if k not in ("lr", "params")}) for g in session.groups]
        self._emitter = emitter(self.program, self.layout)
        self._write(parameters, result)
        self._bind()

    # Text

    def _write(self, parameters: list[tuple[str, Any]], result: Any) -> None:
        e = self._emitter
        e.taken.update(name for name, _ in parameters)
        head, guards = _Given(e).read(parameters)
        body = [*e.lines()]
        for owner, array, place in e.tensors.values():
            if place.kind == "grad":
                guards.append(f"{owner}.grad is not {array}")
        states, settings = self._numbers()
        names = [name for name, _ in parameters]
        first = [f"if len(given) != {len(names)}:", "    return miss"]
        first += [f"{', '.join(names)}{',' * (len(names) == 1)} = given"] if names else []
        guards = ["changes.count != seen", "contexts.special != special", *guards]
        guard = ["if (", *(f"    {'or ' * bool(k)}{text}" for k, text in enumerate(guards)), "):", "    return miss"]
        wrote = ["wrote()"] if any(place.kind == "tensor" for place, _ in self.program.writes) else []
        lines = [*first, *head, *guard, *states, *body, *wrote, f"return {self._returned(result)}"]
        text = "def step(given, special=0):\n" + "".join(f"    {line}\n" for line in lines if line)
        early = [e.text[v] for v in e.early if v in e.text]
        if early:
            text += f"\n\ndef refresh():\n    global {', '.join(early)}\n"
            text += "".join(f"    {line}\n" for line in [*settings, *e.refreshed])
        self.source = e.preamble() + text
        self.file = f"<autograd_lite compiled step {hashlib.sha256(text.encode()).hexdigest()[:12]}>"
        linecache.cache[self.file] = len(text), None, text.splitlines(keepends=True), self.file
        self._code = compile(text, self.file, "exec")
        self._bound = [(array, place) for _, array, place in e.tensors.values()]

    def _numbers(self) -> tuple[list[str], list[str]]:
        """Lines that read Python numbers: those of states in each step, those of settings where they change."""
        e, states, settings = self._emitter, list[str](), list[str]()
        for found in self._trace.places.values():
            if found.var in e.locals and found.place.kind in ("setting", "state"):
                owner = e.object(found.place.owner, f"{found.place.kind}s")
                lines = states if found.place.kind == "state" else settings
                lines.append(f"{e.text[found.var]} = {owner}[{found.place.key!r}]")
        return states, settings

    def _returned(self, result: Any) -> str:
        e = self._emitter
        if isinstance(result, Var):
            return f"constant_of({e.value(result)})"
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
        exec(self._code, names)
        self.call = names["step"]
        self._refresh()

    def _refresh(self) -> None:
        if "refresh" in self.names:
            self.names["refresh"]()
        self.names["seen"] = changes.count

    def fits(self) -> bool:
        """Is everything outside as it was traced? Arrays exchanged for others of the same kind are taken over."""
        if mode.watchers or mode.tracer is not None or mode.grad is not self._grad:
            return False
        if any(not _same(vars(module), attributes) for module, attributes in self._modules):
            return False
        if any(not _same(group, settings) for group, settings in self._settings):
            return False
        if any(tensor.node is not node for tensor, node in self._met):
            return False
        now = [(array, place.get()) for array, place in self._bound]
        if not all(_alike(self.names[array], new) and self._emitter.takes(array, new) for array, new in now):
            return False
        if any(new is not self.names[array] for array, new in now):
            self._bind()
        self._refresh()
        return True


def _same(now: dict[str, Any], traced: dict[str, Any]) -> bool:
    return all(now.get(key, MISS) == value for key, value in traced.items())


def _alike(old: Any, new: Any) -> bool:
    return type(new) is np.ndarray and (new.shape, new.dtype) == (old.shape, old.dtype)


class _Given:
    """The lines that take the arguments apart, and the conditions under which they are not what was traced."""

    def __init__(self, emitter: Emitter) -> None:
        self.emitter = emitter
        self.head: list[str] = []
        self.guards: list[str] = []

    def read(self, parameters: Iterable[tuple[str, Any]]) -> tuple[list[str], list[str]]:
        """Lines and conditions for all of them."""
        for name, given in parameters:
            self._one(name, given)
        return self.head, self.guards

    def _one(self, name: str, given: Any) -> None:
        e = self.emitter
        if isinstance(given, tuple | list):
            kind = type(given).__name__
            self.head += [f"if type({name}) is not {kind} or len({name}) != {len(given)}:", "    return miss"]
            items = [e.name(f"{name}_{k}") for k in range(len(given))]
            if items:
                self.head.append(f"{', '.join(items)}{',' * (len(items) == 1)} = {name}")
            for item, value in zip(items, given, strict=True):
                self._one(item, value)
        elif isinstance(given, Var):
            self._array(name, given)
        else:
            self.guards.append(f"{name} != {e.constant(given)}")

    def _array(self, name: str, given: Var) -> None:
        e, array = self.emitter, name
        place = given.place
        assert place is not None
        if place.key == "tensor":
            array = e.name(f"{name}_array")
            self.head += [f"if type({name}) is not {e.object(Tensor, 'Tensor')}:", "    return miss"]
            self.head.append(f"{array} = {name}._array")
            self.guards.append(f"{name}.node is not None")
        else:
            self.head += [f"if type({name}) is not {e.object(np.ndarray, 'ndarray')}:", "    return miss"]
        e.text[given] = array
        self.guards.append(f"{array}.shape != {given.shape}")
        self.guards.append(f"{array}.dtype is not {e.object(given.dtype, str(given.dtype))}")
