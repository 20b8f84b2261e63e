"""`Trace`: a step while it runs, as instructions."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any
from weakref import ref

import numpy as np

from autograd_lite.compiler.ir import Instruction, Place, Program, Var
from autograd_lite.compiler.proxy import Proxy, Storage, TraceError
from autograd_lite.compiler.traced import Scalar, Setting, Traced


@dataclass(eq=False, slots=True)
class Found:
    """What a trace found at a place: the object that stands for it, its first value, and what was there."""

    place: Place
    traced: Any
    var: Var
    original: Any


class Trace:
    """A step while it runs: its instructions so far, and the places that it read."""

    def __init__(self) -> None:
        self.program = Program()
        self.count = 0
        self.places: dict[tuple[int, Any], Found] = {}
        self.errors = np.geterr()
        self.lowering: Any = None  # the code from which functions are looked into
        self.leaked = False
        self.alive: list[ref[Traced]] = []  # all that were made

    def var(self, value: Any, place: Place | None = None) -> Var:
        """A new value like a concrete one."""
        self.count += 1
        if isinstance(value, np.ndarray | np.generic):
            return Var(self.count, value.shape, value.dtype, place)
        return Var(self.count, None, None, place)

    def var_like(self, var: Var, shape: Any = None) -> Var:
        """A new value of the same kind, or in another shape."""
        self.count += 1
        return Var(self.count, var.shape if shape is None else shape, var.dtype)

    def found(self, place: Place) -> Any:
        """The array or number at a place, traced: the same object each time."""
        known = self.places.get((id(place.owner), place.key))
        if known is not None:
            return known.traced
        value = place.get()
        var = self.var(value, place)
        number = Setting if place.kind == "setting" and place.key != "lr" else Scalar
        made: Any = (
            Traced(self, value, var, Storage(place)) if isinstance(value, np.ndarray) else number(self, value, var)
        )
        self.places[id(place.owner), place.key] = Found(place, made, var, value)
        return made

    def note(self, kind: str, function: Any, args: Any, value: Any, attrs: Any = None, effect: bool = False) -> Var:
        """Note an instruction whose result has a concrete value."""
        errors = np.geterr()
        out = self.var(value)
        changed: Any = tuple(errors.items()) if errors != self.errors else None
        noted = tuple(self.argument(arg) for arg in args)
        self.program.instructions.append(Instruction(kind, function, noted, attrs or {}, out, effect, changed))
        return out

    def argument(self, arg: Any) -> Any:
        """What stands for an argument in an instruction."""
        if isinstance(arg, Proxy):
            return arg.current()
        if isinstance(arg, tuple):
            return tuple(self.argument(item) for item in arg)
        return arg

    def made(self, kind: str, function: Any, args: Any, value: Any, attrs: Any = None, effect: bool = False) -> Traced:
        """A Traced with fresh memory that an instruction makes."""
        value = np.asarray(value)
        out = self.note(kind, function, args, value, attrs, effect)
        for arg in args if kind == "call" else ():
            if isinstance(arg, Traced) and np.may_share_memory(arg.value, value):
                self.program.instructions[-1].shares = arg.current()
                return Traced(self, value, out, arg.storage)
        return Traced(self, value, out)

    def leak(self, what: str) -> None:
        """An array is asked for its numbers: where an op is looked into, it is then called as a whole; else refused."""
        site = None
        frame: Any = sys._getframe(2)
        while frame is not None:
            code = frame.f_code
            if code is self.lowering:
                self.leaked = True
                return
            if site is None and not str(frame.f_globals.get("__name__")).startswith(("autograd_lite", "numpy")):
                site = f"{code.co_filename}:{frame.f_lineno}"
            frame = frame.f_back
        raise TraceError(
            f"{what} at {site or 'an unknown line'} reads numbers in a step that is compiled: what it decides would "
            "stay as it is now. Return the tensor and read it outside, or use al.where in place of if"
        )
