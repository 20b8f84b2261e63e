"""Where each value of a program is kept: in buffers that are used again, or in the place that it is written to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.compiler.ir import Instruction, Place, Program, Var

ALIGNED = 64  # bytes: a cache line
INTO = {  # kinds that can be told where to
    "ufunc", "reduce", "inner", "product", "copy", "take", "where", "cat", "fill", "filled", "draw", "set", "rows",
}  # fmt: skip
OVER = ("set", "rows")  # write over a part of their first argument


@dataclass(eq=False, slots=True)
class Slot:
    """A piece of memory, as large as the largest value that is kept in it."""

    nbytes: int
    memory: Any = None

    def array(self, var: Var) -> Any:
        """A value's array in it."""
        if self.memory is None:
            raw = np.empty(self.nbytes + ALIGNED, np.uint8)
            start = -raw.ctypes.data % ALIGNED
            self.memory = raw[start : start + self.nbytes]
        assert var.dtype is not None
        return self.memory[: var.size * var.dtype.itemsize].view(var.dtype).reshape(var.shape)


@dataclass(eq=False, slots=True)
class Part(Slot):
    """A piece of a slot, from a byte on."""

    whole: Slot | None = None
    start: int = 0

    def array(self, var: Var) -> Any:
        """A value's array in it."""
        assert self.whole is not None
        assert var.dtype is not None
        kind = Var(0, (self.start + self.nbytes,), np.dtype(np.uint8))
        memory = self.whole.array(kind)[self.start :]
        return memory[: var.size * var.dtype.itemsize].view(var.dtype).reshape(var.shape)


@dataclass(eq=False)
class Layout:
    """The slot or the place of each value that has one, and for views the value whose memory they see."""

    slots: dict[Var, Slot] = field(default_factory=dict)
    places: dict[Var, Place] = field(default_factory=dict)
    root: dict[Var, Var] = field(default_factory=dict)
    contiguous: dict[Var, bool] = field(default_factory=dict)
    copies: set[Instruction] = field(default_factory=set)  # reshapes that have to copy
    joined: set[Instruction] = field(default_factory=set)  # concatenations whose parts are made where they belong

    @property
    def nbytes(self) -> int:
        """The memory of all slots."""
        return sum(slot.nbytes for slot in self.buffers)

    @property
    def buffers(self) -> set[Slot]:
        """All slots, without the parts of others."""
        return {slot for slot in self.slots.values() if not isinstance(slot, Part)}


class Planner:
    """Buffers by liveness: a value's memory is free after the last use of it, or of a view of it."""

    def __init__(self, program: Program, joins: bool) -> None:
        self.program, self.layout, self.joins = program, Layout(), joins
        self.contiguous = self.layout.contiguous
        self.wholes: set[Var] = set()
        self.maker = {made.out: k for k, made in enumerate(program.instructions)}
        self._roots()
        self.last = self._last_uses()
        self._placed()

    def _roots(self) -> None:
        layout = self.layout
        for made in self.program.instructions:
            out = made.out
            if made.shares is not None:
                layout.root[out] = layout.root.get(made.shares, made.shares)
                self.contiguous[out] = False
            elif made.kind == "view":
                base = made.args[0]
                if made.function == "reshape" and not self._in_order(base) and not _argument(base, layout):
                    layout.copies.add(made)
                    self.contiguous[out] = True
                    continue
                layout.root[out] = layout.root.get(base, base)
                self.contiguous[out] = made.function == "reshape" and self._in_order(base)
            else:
                self.contiguous[out] = True

    def _in_order(self, var: Var) -> bool:
        """Are its numbers in row-major order, one after the other? Of an argument nobody knows."""
        if var not in self.contiguous:
            place = var.place
            known = place is not None and place.kind in ("tensor", "state", "grad") and var.shape is not None
            self.contiguous[var] = bool(known and place.get().flags.c_contiguous)  # type: ignore[union-attr]
        return self.contiguous[var]

    def _root(self, var: Var) -> Var:
        return self.layout.root.get(var, var)

    def _last_uses(self) -> dict[Var, int]:
        end = len(self.program.instructions)
        last: dict[Var, int] = {}
        for k, made in enumerate(self.program.instructions):
            for var in made.uses():
                last[self._root(var)] = k
        for var in (*self.program.results, *(v for _, v in self.program.writes)):
            last[self._root(var)] = end
        return last

    def _placed(self) -> None:
        """Values that are written into a parameter's array are made there, if nothing reads the old ones later."""
        found = {id(v.place): v for made in self.program.instructions for v in made.uses() if self._fixed(v)}
        for place, var in self.program.writes:
            if place.kind not in ("tensor", "state") or var not in self.maker or var.shape is None:
                continue
            if not place.get().flags.c_contiguous:
                continue  # flat views of the value would be copies
            self._made_there(place, var, found.get(id(place)))

    def _made_there(self, place: Place, var: Var, first: Var | None) -> None:
        """Make a value in its place, and what it is made of there, too, as far back as that goes."""
        while True:
            k = self.maker.get(var)
            if k is None or var in self.layout.places or self._root(var) is not var:
                return
            made = self.program.instructions[k]
            if made.kind not in INTO or not self._free_at(first, k, made):
                return
            self.layout.places[var] = place
            before = [a for a in made.uses() if a.shape == var.shape and a.dtype == var.dtype and a in self.maker]
            before = [a for a in before if self.last[self._root(a)] == k and self._root(a) is a]
            if len(before) != 1 or made.kind not in ("ufunc", "copy", "filled", *OVER):
                return
            var = before[0]

    @staticmethod
    def _fixed(var: Var) -> bool:
        return var.place is not None and var.place.kind in ("tensor", "state") and var.shape is not None

    def _free_at(self, first: Var | None, k: int, made: Instruction) -> bool:
        """Is the old value of a place read no more after instruction k, and by it number by number at most?"""
        if first is None:
            return True
        last = self.last.get(first, -1)
        if last > k:
            return False
        if last < k:
            return True
        return made.kind in OVER or (
            made.kind in ("ufunc", "copy") and first in made.uses() and not self._seen(made, first)
        )

    def _seen(self, made: Instruction, first: Var) -> bool:
        """Does it read a view of the value, rather than the value?"""
        return any(v is not first and self._root(v) is first for v in made.uses())

    def plan(self) -> Layout:
        """All values that can be told where to go have a place or a slot."""
        layout, free = self.layout, list[Slot]()
        ends: dict[int, list[Var]] = {}
        tenant: dict[Slot, Var] = {}
        parts = self._parts() if self.joins else {}
        for k, made in enumerate(self.program.instructions):
            out = made.out
            told = made.kind in INTO or made in layout.copies
            if out in parts:
                whole, start = parts[out]
                if whole not in layout.slots:
                    layout.slots[whole] = slot = self._taken(free, whole)
                    tenant[slot] = whole
                    end = max(self.last.get(v, k) for v in (whole, *(p for p, (w, _) in parts.items() if w is whole)))
                    ends.setdefault(end, []).append(whole)
                assert out.dtype is not None
                layout.slots[out] = Part(out.size * out.dtype.itemsize, whole=layout.slots[whole], start=start)
            elif told and out not in layout.places and out not in layout.slots and out.shape is not None:
                slot = self._same(made, k) or self._taken(free, out)
                layout.slots[out] = slot
                tenant[slot] = out
                ends.setdefault(self.last.get(out, k), []).append(out)
            for var in ends.pop(k, ()):
                slot = layout.slots[var]
                if tenant[slot] is var:
                    free.append(slot)
        return layout

    def _parts(self) -> dict[Var, tuple[Var, int]]:
        """Values that are made in a piece of what they are put together to, and at which byte."""
        found: dict[Var, tuple[Var, int]] = {}
        for made in self.program.instructions:
            parts: Any = made.args[0] if made.kind == "cat" and made.attrs["axis"] == 0 else ()
            makers = [self.program.instructions[self.maker[v]] if v in self.maker else None for v in parts]
            fine = all(
                m is not None
                and m.kind in INTO
                and v not in found
                and v not in self.layout.places
                and v.dtype == made.out.dtype
                and m.kind not in (*OVER, "cat")
                for v, m in zip(parts, makers, strict=True)
            )
            if not fine or made.out in self.layout.places or len(set(parts)) != len(parts) or not parts:
                continue
            start = 0
            for v in parts:
                found[v] = made.out, start
                start += v.size * v.dtype.itemsize
            self.layout.joined.add(made)
            self.wholes.add(made.out)
        return found

    def _same(self, made: Instruction, k: int) -> Slot | None:
        """The memory of an argument that is used for the last time, where numbers are taken one by one."""
        if made.kind not in ("ufunc", *OVER):
            return None
        args = made.args[:1] if made.kind in OVER else made.args
        for arg in args:
            if not isinstance(arg, Var) or arg not in self.layout.slots or self.last.get(arg) != k:
                continue
            if isinstance(self.layout.slots[arg], Part) or arg in self.wholes:
                continue
            if arg.shape != made.out.shape or arg.dtype != made.out.dtype:
                continue
            if not any(v is not arg and self._root(v) is arg for v in made.uses()):
                return self.layout.slots[arg]
        return None

    @staticmethod
    def _taken(free: list[Slot], var: Var) -> Slot:
        assert var.dtype is not None
        need = var.size * var.dtype.itemsize
        fits = [slot for slot in free if slot.nbytes >= need]
        best = min(fits, key=lambda s: s.nbytes) if fits else max(free, key=lambda s: s.nbytes, default=None)
        if best is None or (best.nbytes > 4 * need + 4096):
            return Slot(need)
        best.nbytes = max(best.nbytes, need)
        free.remove(best)
        return best


def _argument(var: Var, layout: Layout) -> bool:
    place = layout.root.get(var, var).place
    return place is not None and place.kind == "argument"
