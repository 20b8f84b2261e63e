"""From instructions and their places to Python: a function without loops, its arrays made beforehand."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import numpy as np

from autograd_lite.compiler.ir import Instruction, Place, Program, Var
from autograd_lite.compiler.layout import INTO, Layout
from autograd_lite.compiler.merge import merged
from autograd_lite.compiler.passes import with_rows_taken
from autograd_lite.compiler.rows import add_rows, take

_simple = re.compile(r"\W+")
_call = re.compile(r"[\w.]+\(")
OWN = (
    *("step", "given", "miss", "special", "seen", "changes", "contexts"),
    *("constant_of", "wrote", "owners", "refresh", "Tensor"),
)


class Emitter:
    """The text of a program, and the names that it uses: `names` of objects, `arrays` of what `bind` makes."""

    def __init__(self, program: Program, layout: Layout) -> None:
        self.program, self.layout = program, layout
        self.names: dict[str, Any] = {}
        self.known: dict[int, str] = {}
        self.taken = {*OWN, *dir(builtins), *keyword.kwlist}
        self.counts: Counter[str] = Counter()
        self.text: dict[Var, str] = {}
        self.fixed: list[tuple[str, Any]] = []  # names of arrays that are made once, and how: in order
        self.tensors: dict[tuple[int, Any], tuple[str, str, Place]] = {}  # of each tensor: its name, its array's
        self.makers = {made.out: made for made in program.instructions}
        self.locals: set[Var] = set()
        self.quiet: list[str] = []  # the texts of functions that the step calls
        self.numbers: dict[Any, str] = {}
        self.refreshed: list[str] = []  # lines that are run when a setting changes
        self.early: set[Var] = set()  # Python numbers that settings alone decide
        self._settings()

    def _settings(self) -> None:
        for made in self.program.instructions:
            self.early.update(v for v in made.uses() if v.place is not None and v.place.kind == "setting")
            if made.kind == "scalar" and all(v in self.early for v in made.uses()):
                self.early.add(made.out)

    # Names

    def name(self, wanted: str) -> str:
        """A name that nothing has."""
        base = _simple.sub("_", unicodedata.normalize("NFKC", wanted)).strip("_") or "t"
        base = base if base.isidentifier() else f"t_{base}"
        base = base if base.isidentifier() else "t"
        text = base
        while text in self.taken:
            self.counts[base] += 1
            text = f"{base}_{self.counts[base] + 1}"
        self.taken.add(text)
        return text

    def object(self, thing: Any, wanted: str) -> str:
        """The name of an object that the program uses."""
        if id(thing) not in self.known:
            self.known[id(thing)] = text = self.name(wanted)
            self.names[text] = thing
        return self.known[id(thing)]

    def _function(self, function: Any) -> str:
        if isinstance(function, np.ufunc):
            return self.object(function, function.__name__)
        owner = getattr(function, "__self__", None)
        if isinstance(owner, np.ufunc):
            return self.object(function, f"{owner.__name__}_{function.__name__}")
        name = getattr(function, "__name__", type(function).__name__)
        return self.object(function, "rule" if name == "<lambda>" else name.lstrip("_"))

    def constant(self, value: Any) -> str:
        """A number as it is written, another thing by a name."""
        if value is None or value is True or value is False or isinstance(value, str | type(...)):
            return repr(value) if value is not ... else "..."
        if type(value) in (int, float) and np.isfinite(value):
            return repr(value)
        if isinstance(value, tuple):
            return f"({', '.join(map(self.argument, value))}{',' if len(value) == 1 else ''})"
        if isinstance(value, slice):
            return f"slice({', '.join(map(self.constant, (value.start, value.stop, value.step)))})"
        if type(value) is int:
            return repr(value)
        return self.object(value, "constant")

    def argument(self, arg: Any) -> str:
        """What stands for an argument in the text."""
        if isinstance(arg, Var):
            return self.value(arg)
        if isinstance(arg, tuple):
            return f"({', '.join(map(self.argument, arg))}{',' if len(arg) == 1 else ''})"
        return self.constant(arg)

    def value(self, var: Var) -> str:
        """The name of a value's array, which is made once if its memory stays where it is."""
        if var in self.text:
            return self.text[var]
        made = self.makers.get(var)
        place = self.layout.places.get(var) or (var.place if made is None else None)
        if place is not None and place.kind in ("tensor", "state", "grad") and var.shape is not None:
            text = self._array_at(place)
        elif var in self.layout.slots:
            text = self.name("t")
            self.fixed.append((text, (self.layout.slots[var], var)))
        elif made is not None and made.kind == "view" and self._static(made.args[0]):
            base = self.value(made.args[0])
            text = self.name(f"{base}_{_called(made)}")
            self.fixed.append((text, (base, made)))
        else:
            text = self.name(var.place.name if var.place is not None and var.place.name else "v")
            self.locals.add(var)
        self.text[var] = text
        return text

    def _static(self, var: Var) -> bool:
        root, made = self.layout.root.get(var, var), self.makers.get(var)
        while made is not None and made.kind == "view":
            made = self.makers.get(made.args[0])
        if made is not None and made.shares is not None:
            return False  # what a call returns may be in memory that stays, and is another array each time
        if root in self.layout.slots or root in self.layout.places:
            return True
        return root.place is not None and root.place.kind in ("tensor", "state")

    def _array_at(self, place: Place) -> str:
        known = self.tensors.get((id(place.owner), place.key))
        if known is None:
            array = self.name(place.name or ("w" if place.kind == "tensor" else place.kind))
            owner = self.object(place.owner, f"{array}_tensor" if place.kind == "tensor" else f"{array}_owner")
            known = self.tensors[id(place.owner), place.key] = owner, array, place
        return known[1]

    # What other backends do otherwise

    joins = True  # may a value be made in a piece of what it is put together to?

    @staticmethod
    def prepare(program: Program, fresh: Any) -> None:
        """Change a program for this backend, before its memory is planned."""
        with_rows_taken(program)
        merged(program, fresh)

    def preamble(self) -> str:
        """What is shown before the step."""
        return ""

    def takes(self, name: str, array: Any) -> bool:
        """May an array be put in the place of another one of its shape and dtype?"""
        return True

    def bind(self, names: dict[str, Any]) -> None:
        """Add to the names of the program, whenever its arrays are exchanged."""

    # Lines

    def lines(self) -> Iterator[str]:
        """The body: one line for most instructions."""
        for errors, group in groupby(self.program.instructions, key=lambda made: made.errors):
            body = [line for made in group for line in self.instruction(made)]
            yield from self._quiet(errors, body) if errors and body else body
        for place, var in self.program.writes:
            yield from self._left(place, var)

    def _quiet(self, errors: tuple[tuple[str, str], ...], body: list[str]) -> Iterator[str]:
        """Lines under an errstate: a function, if they assign nothing (0.4 against 1.5 µs, 2026-11)."""
        state = f"{self.object(np.errstate, 'errstate')}({', '.join(f'{k}={v!r}' for k, v in errors)})"
        if any(not _call.match(line) for line in body):
            yield f"with {state}:"
            yield from (f"    {line}" for line in body)
            return
        given = {text for var, text in self.text.items() if var in self.locals or (var.place and not self._static(var))}
        used = ", ".join(sorted(given & set(_simple.split(" ".join(body)))))
        name = self.name("without_warnings")
        self.quiet.append(f"@{state}\ndef {name}({used}):\n" + "".join(f"    {line}\n" for line in body) + "\n\n")
        yield f"{name}({used})"

    def _left(self, place: Place, var: Var) -> Iterator[str]:
        if self.layout.places.get(var) is place:
            return
        if place.kind == "argument":
            argument = next(text for given, text in self.text.items() if given.place is place)
            yield f"{self.object(np.copyto, 'copyto')}({argument}, {self.value(var)})"
            return
        if var.shape is not None and (place.kind == "tensor" or (id(place.owner), place.key) in self.tensors):
            yield f"{self.object(np.copyto, 'copyto')}({self._array_at(place)}, {self.value(var)})"
        else:
            owner = self.object(place.owner, f"{place.kind}_owner")
            target = f"{owner}.{place.key}" if place.kind == "grad" else f"{owner}[{place.key!r}]"
            yield f"{target} = {self.value(var)}" + (".copy()" if var.shape is not None else "")

    def instruction(self, made: Instruction) -> Iterator[str]:
        """The text of one instruction."""
        args = [self.argument(a) for a in made.args]
        if made in self.layout.copies:
            yield f"{self.object(np.copyto, 'copyto')}({self._reshaped(made)}, {args[0]})"
        elif made.kind in INTO:
            yield from getattr(self, f"_{made.kind}")(made, args, self.value(made.out))
        elif made.kind == "view":
            text = self.value(made.out)
            if made.out in self.locals:
                yield f"{text} = {_view_text(made, args[0], self)}"
        elif made.kind == "scalar":
            line = f"{self.value(made.out)} = {self._function(made.function)}({', '.join(args)})"
            if made.out in self.early:
                self.refreshed.append(line)
            else:
                yield line
        else:
            more = [f"{k}={self.constant(v)}" for k, v in made.attrs.items()]
            call = f"{self._function(made.function)}({', '.join([*args, *more])})"
            if made.out.shape is None:
                yield call if made.effect else f"{self.value(made.out)} = {call}"
                return
            yield f"{self.value(made.out)} = {call}"
            shaped = self.object(refuse_other_shape, "refuse_other_shape")
            yield f"if {self.value(made.out)}.shape != {made.out.shape}:"
            yield f"    {shaped}({self.value(made.out)}, {made.out.shape}, {self._function(made.function)!r})"

    def _reshaped(self, made: Instruction) -> str:
        """The memory of a reshape that copies, in the shape of what is copied."""
        base = made.args[0]
        text = self.value(made.out)
        name = self.name(f"{text}_as_before")
        self.fixed.append((name, (text, Instruction("view", "reshape", (base,), {"shape": base.shape}, made.out))))
        return name

    def _ufunc(self, made: Instruction, args: list[str], out: str) -> Iterator[str]:
        args = [self._operand(made, arg, text) for arg, text in zip(made.args, args, strict=True)]
        more = "".join(f", {k}={self.constant(v)}" for k, v in made.attrs.items())
        into = f"out={out}" if made.function in (np.maximum, np.minimum) else out  # by position it is deprecated
        yield f"{self._function(made.function)}({', '.join(args)}, {into}{more})"

    def _operand(self, made: Instruction, arg: Any, text: str) -> str:
        """A number as an array of no dimensions, in the dtype that it would get: NumPy takes it in half the time."""
        number = type(arg) in (int, float) or (isinstance(arg, Var) and arg.shape is None)
        arrays = [a.dtype for a in made.args if isinstance(a, Var) and a.dtype is not None]
        arrays += [a.dtype for a in made.args if isinstance(a, np.ndarray | np.generic)]
        if not number or not arrays or made.attrs:
            return text
        dtype = np.result_type(*arrays, 0.0 if isinstance(arg, Var) else arg)
        key: Any = (arg, type(arg), dtype)
        if not isinstance(arg, Var):
            if key not in self.numbers:
                self.numbers[key] = self.name(_spelled(arg))
                self.names[self.numbers[key]] = np.array(arg, dtype)
            return self.numbers[key]
        if arg not in self.early:
            return text
        if key not in self.numbers:
            self.numbers[key] = self.name(f"{text}_array")
            self.names[self.numbers[key]] = np.empty((), dtype)
            self.refreshed.append(f"{self.numbers[key]}[()] = {text}")
        return self.numbers[key]

    def _product(self, made: Instruction, args: list[str], out: str) -> Iterator[str]:
        if made.function is np.dot:
            yield f"{args[0]}.dot({args[1]}, {out})"
        else:
            yield f"{self._function(made.function)}({', '.join(args)}, {out})"

    def _inner(self, made: Instruction, args: list[str], out: str) -> Iterator[str]:
        flat = []
        for arg, text in zip(made.args, args, strict=True):
            name, stays = f"{text}_as_vector", self._static(arg) and self.layout.contiguous.get(arg, False)
            if name not in self.names and stays:
                self.names[name] = None
                self.fixed.append((name, (text, Instruction("view", "reshape", (arg,), {"shape": (arg.size,)}, arg))))
            flat.append(name if stays else f"{text}.ravel()")
        yield f"{flat[0]}.dot({flat[1]}, {out})"

    def _reduce(self, made: Instruction, args: list[str], out: str) -> Iterator[str]:
        attrs = {"axis": 0, "dtype": None, "out": ..., **made.attrs}
        given = [args[0], self.constant(attrs.pop("axis")), self.constant(attrs.pop("dtype")), out]
        attrs.pop("out")
        more = [f"{k}={self.constant(v)}" for k, v in attrs.items()]
        yield f"{self._function(made.function.reduce)}({', '.join([*given, *more])})"

    def _copy(self, made: Instruction, args: list[str], out: str) -> Iterator[str]:
        same = isinstance(made.args[0], Var) and made.args[0].dtype == made.out.dtype
        yield f"{self.object(np.copyto, 'copyto')}({out}, {args[0]}" + (")" if same else ", casting='unsafe')")

    def _take(self, made: Instruction, args: list[str], out: str) -> Iterator[str]:
        yield f"{self.object(take, 'take')}({args[0]}, {args[1]}, {self.constant(made.attrs['axis'])}, {out})"

    def _where(self, made: Instruction, args: list[str], out: str) -> Iterator[str]:
        copyto = self.object(np.copyto, "copyto")
        yield f"{copyto}({out}, {args[2]}, casting='unsafe')"
        yield f"{copyto}({out}, {args[1]}, casting='unsafe', where={args[0]})"

    def _cat(self, made: Instruction, args: list[str], out: str) -> Iterator[str]:
        if made in self.layout.joined:
            return
        yield f"{self.object(np.concatenate, 'concatenate')}({args[0]}, {made.attrs['axis']}, {out})"

    def _fill(self, made: Instruction, args: list[str], out: str) -> Iterator[str]:
        if made.attrs.get("empty"):
            return
        yield (
            f"{out}[...] = {args[0]}"
            if not made.out.shape or isinstance(made.args[0], Var)
            else f"{out}.fill({args[0]})"
        )

    def _filled(self, made: Instruction, args: list[str], out: str) -> Iterator[str]:
        more = [f"{k}={self.constant(v)}" for k, v in made.attrs.items()]
        yield f"{self._function(made.function)}({', '.join([*args, *more, f'out={out}'])})"

    def _draw(self, made: Instruction, args: list[str], out: str) -> Iterator[str]:
        yield f"{self.object(made.function, 'random')}(out={out})"

    def _set(self, made: Instruction, args: list[str], out: str) -> Iterator[str]:
        yield from self._before(made, args, out)
        yield f"{out}[{_index_text(made.attrs['index'])}] = {args[1]}"

    def _rows(self, made: Instruction, args: list[str], out: str) -> Iterator[str]:
        yield from self._before(made, args, out)
        yield f"{self.object(add_rows, 'add_rows')}({', '.join([out, *args[1:]])})"

    def _before(self, made: Instruction, args: list[str], out: str) -> Iterator[str]:
        old = made.args[0]
        slots, places = self.layout.slots, self.layout.places
        here = places.get(made.out)
        same = slots.get(old) is slots.get(made.out) if made.out in slots else here in (places.get(old), old.place)
        if not same:
            yield f"{self.object(np.copyto, 'copyto')}({out}, {args[0]})"


def refuse_other_shape(found: Any, shape: tuple[int, ...], name: str) -> None:
    """Raise ValueError: the shape of what a function returned depends on numbers."""
    raise ValueError(
        f"{name} returned an array of shape {np.shape(found)} in a compiled step, and of shape {shape} when that was "
        "traced: a shape that depends on values (x[mask], nonzero) cannot be compiled; use al.where"
    )


def _spelled(number: Any) -> str:
    """A number as a part of a name."""
    return "number_" + repr(number).replace("-", "minus_").replace(".", "_").replace("+", "")


def _called(made: Instruction) -> str:
    return {"transpose": "T", "getitem": "part", "broadcast_to": "wide"}.get(made.function, "flat")


def _index_text(index: Any) -> str:
    items = index if isinstance(index, tuple) else (index,)
    texts = []
    for i in items:
        if isinstance(i, slice):
            ends = ":".join("" if e is None else str(e) for e in (i.start, i.stop))
            texts.append(ends + (f":{i.step}" if i.step is not None else ""))
        else:
            texts.append("..." if i is ... else str(i))
    return ", ".join(texts) + ("," if isinstance(index, tuple) and len(texts) == 1 else "") or "()"


def _view_text(made: Instruction, x: str, emitter: Emitter) -> str:
    if made.function == "transpose":
        axes = made.attrs["axes"]
        return f"{x}.T" if axes == tuple(range(len(axes)))[::-1] else f"{x}.transpose({axes})"
    if made.function == "reshape":
        return f"{x}.reshape({made.attrs['shape']})"
    if made.function == "getitem":
        text = f"{x}[{_index_text(made.attrs['index'])}]"
        return text if made.out.shape else f"{emitter.object(np.asarray, 'asarray')}({text})"
    return f"{emitter.object(np.broadcast_to, 'broadcast_to')}({x}, {made.attrs['shape']})"


def view(made: Instruction, x: Any) -> Any:
    """The view that an instruction makes of an array."""
    if made.function == "transpose":
        return x.transpose(made.attrs["axes"])
    if made.function == "reshape":
        return x.reshape(made.attrs["shape"])
    if made.function == "getitem":
        index = made.attrs["index"]
        items = index if isinstance(index, tuple) else (index,)
        return x[items if ... in items else (*items, ...)]  # an array even where it is one number
    return np.broadcast_to(x, made.attrs["shape"])
