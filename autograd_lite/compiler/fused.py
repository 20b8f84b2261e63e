"""Programs whose small and elementwise parts are machine code: `backend="numba"`.

The instructions are cut into runs that loops can express (`units`) and the rest, which stays NumPy's lines. In a run,
elementwise operations that may go through their numbers together are one nest of loops (`nests`), in which a value
that nothing else needs is never written to memory. Memory is as it was planned for NumPy. A function gets the arrays
that stay where they are as a table of addresses, since Numba takes 0.05 µs for each array that it is given.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from autograd_lite.compiler import jit
from autograd_lite.compiler.emit import Emitter
from autograd_lite.compiler.ir import Instruction, Program, Var
from autograd_lite.compiler.layout import OVER, Layout
from autograd_lite.compiler.nests import Group, Op
from autograd_lite.compiler.spots import Memory, Spot, Spots, regular
from autograd_lite.compiler.units import Unit, Units

MOST = 24  # operations in one function: 1,000 compile in 6 s with 24 in each, in 22 with 40, in 48 with 120 (2026-11)
WORTH = 4096  # numbers up to which a single instruction is better in loops


@dataclass(eq=False, slots=True)
class Segment:
    """Consecutive instructions that become one function."""

    made: list[Instruction] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)

    def pays(self) -> bool:
        """Is it better than NumPy's calls?"""
        return len(self.made) > 1 or any(made.kind in OVER or made.out.size <= WORTH for made in self.made)


class _Names:
    """Names of what one function uses: pointers into memory, numbers that it is given, numbers that it makes."""

    def __init__(self, emitter: Emitter | None) -> None:
        self.emitter = emitter  # without one, names are the same for the same loops
        self.memories: dict[Memory, str] = {}
        self.count = 0

    def memory(self, memory: Memory) -> str:
        """The name of a pointer or of a number."""
        if memory not in self.memories:
            text = f"m{len(self.memories)}"
            if self.emitter is not None and memory.source[0] != "slot":
                text = f"{memory.source[1]}_"
            self.memories[memory] = text
        return self.memories[memory]

    def fresh(self) -> str:
        """A new name."""
        self.count += 1
        return f"v{self.count}"


def _shared(names: _Names, pairs: list[tuple[Memory, Memory]]) -> list[str]:
    """Lines that leave a function before anything is written, if an argument is in the memory of what is."""
    tests = [f"shared({names.memory(a)}, {a.nbytes}, {names.memory(m)}, {m.nbytes})" for a, m in pairs]
    return [line for test in tests for line in (f"if {test}:", "    return 1")]


class FusedEmitter(Emitter):
    """As Emitter; runs of instructions that loops can express are functions that Numba compiles."""

    def __init__(self, program: Program, layout: Layout) -> None:
        super().__init__(program, layout)
        self.spots = Spots(self)
        self.units = Units(self.spots, layout)
        self.functions: dict[str, str] = {}  # texts without names of their own, and the functions that have them
        self.signatures: dict[str, tuple[Any, ...]] = {}
        self.text_of: list[str] = []
        self.tables: list[tuple[str, list[Memory]]] = []
        self.machine: tuple[dict[str, Any], Any] | None = None
        self.solid: set[str] = set()  # arrays of places that have to stay in the order of their memory
        self.sizes: dict[Var, int] = {}  # how many nests a value is made by
        self.readers: dict[Var, set[int]] = defaultdict(set)
        self.order = {id(made): k for k, made in enumerate(program.instructions)}
        for k, made in enumerate(program.instructions):
            for var in made.uses():
                self.readers[layout.root.get(var, var)].add(-1 if made.kind in OVER and var is made.args[0] else k)
        for var in (*program.results, *(v for _, v in program.writes)):
            self.readers[layout.root.get(var, var)].add(-1)

    # Cutting

    def _segments(self) -> list[Segment | Instruction]:
        """Runs of instructions that become functions, and those that stay lines. What needs no array is put first."""
        parts: list[Segment | Instruction] = []
        now = Segment()
        for made in self.program.instructions:
            if made.out in self.early:
                deque(self.instruction(made), 0)  # a line of `refresh`, before those that its users add there
                continue
            if self._early(made, now):
                parts.append(made)
                continue
            units = self.units.of(made)
            if units is not None and len(now.units) < MOST:
                now.made.append(made)
                now.units += units
                self.sizes[made.out] = len(units)
                continue
            parts += [now] if now.made else []
            now = Segment([made], units) if units is not None else Segment()
            self.sizes[made.out] = len(units or ())
            parts += [made] if units is None else []
        parts += [now] if now.made else []
        result: list[Segment | Instruction] = []
        for part in parts:
            result += [part] if not isinstance(part, Segment) or part.pays() else part.made
        return result

    def _early(self, made: Instruction, now: Segment) -> bool:
        """May the line stand before the segment that is being made?"""
        if made.kind == "draw":  # into memory that the segment does not visit
            return self.layout.slots.get(made.out) not in {s.memory.key for unit in now.units for s in unit.spots()}
        if made.kind == "call":
            return not any(True for _ in made.uses())
        return made.kind == "scalar" or (made.kind == "view" and made not in self.layout.copies)

    def _needed(self, parts: list[Segment | Instruction]) -> set[Var]:
        """Values that lines use, and those that these are views of."""
        needed = set(self.program.results) | {var for _, var in self.program.writes}
        for part in reversed(parts):
            if isinstance(part, Instruction) and (part.kind not in ("view", "scalar") or part.out in needed):
                needed.update(part.uses())
            elif isinstance(part, Segment):
                needed.update(v for made in part.made for v in made.uses() if self._number(v))
        return needed

    def _number(self, var: Var) -> bool:
        made = self.makers.get(var)
        return var.shape is None or (made is not None and made.kind == "scalar")

    # Text

    def body(self) -> Iterator[str]:
        """Calls of functions, and NumPy's lines between them."""
        parts = self._segments()
        needed = self._needed(parts)
        given: dict[str, Spot] = {}
        calls = [line for part in parts for line in self._part(part, needed, given)]
        for name in sorted(given):
            yield f"if {name}.flags.num & 257 != 257:  # in the order of its memory, and aligned"
            yield f"    {self._solid(name, given[name])}"
        yield from calls

    def _part(self, part: Segment | Instruction, needed: set[Var], given: dict[str, Spot]) -> Iterator[str]:
        if isinstance(part, Segment):
            yield from self._function_of(part, given)
            return
        if part.kind in ("view", "scalar") and part not in self.layout.copies and part.out not in needed:
            return
        lines = [*self.instruction(part)]
        if part.errors and lines:
            yield f"with {self.object(np.errstate, 'errstate')}({', '.join(f'{k}={v!r}' for k, v in part.errors)}):"
            lines = [f"    {line}" for line in lines]
        yield from lines
        spot = self.spots.spot(part.out) if part.kind == "call" and part.out.shape is not None else None
        if spot is not None and spot.memory.source[0] == "array":
            yield self._solid(self.value(part.out), spot)

    def _solid(self, name: str, spot: Spot) -> str:
        dtype = self.object(spot.dtype, str(spot.dtype))
        return f"{name} = {self.object(jit.solid, 'solid')}({name}, {dtype}, {spot.shape})"

    def _nests(self, segment: Segment) -> list[Any]:
        """Elementwise operations put together."""
        nests: list[Any] = []
        group: Group | None = None
        for unit in segment.units:
            if isinstance(unit, Op):
                if prod(unit.target.shape) == 0:
                    continue
                if group is None or not group.takes(unit):
                    group = Group()
                    group.takes(unit)
                    nests.append(group)
            else:
                group = None
                nests.append(unit)
        return nests

    def _stored(self, group: Any) -> Any:
        """Says of an operation whether anything outside its loop needs the result."""
        if not isinstance(group, Group):
            return None
        here = Counter(op.var for op in group.ops)
        inside = {self.order[id(self.makers[var])] for var, n in here.items() if n == self.sizes[var]}

        def stored(op: Op) -> bool:
            return not op.whole or op.var in self.layout.places or not self.readers[op.var] <= inside

        return stored

    def _function_of(self, segment: Segment, given: dict[str, Spot]) -> Iterator[str]:
        nests = self._nests(segment)
        key_names, names = _Names(None), _Names(self)
        key = "\n".join(line for nest in nests for line in nest.lines(key_names, self._stored(nest)))
        lines = [line for nest in nests for line in nest.lines(names, self._stored(nest))]
        memories = list(names.memories)
        key += repr([(m.dtype.name, m.source[0], m.ndim) for m in memories])
        written = {unit.spots()[0].memory for unit in segment.units}
        fixed = [m for m in memories if m.source[0] in ("slot", "name")]
        arrays = [m for m in memories if m.source[0] in ("array", "number")]
        table = self.name("table")
        self.tables.append((table, fixed))
        for memory in fixed:
            if memory.source[0] == "name":
                self.solid.add(memory.source[1])
        for var, spot in self.spots.known.items():
            if spot is not None and spot.memory in arrays and var.place is not None:
                given[spot.memory.source[1]] = spot
        pairs = [
            (a, m) for a in arrays if a.source[0] == "array" for m in fixed if m in written and m.source[0] == "name"
        ]
        head = _shared(names, pairs)
        key += "\n".join(_shared(key_names, pairs))
        if key not in self.functions:
            self.functions[key] = self._defined(segment, names, fixed, arrays, head, lines)
        function, given_to = self.functions[key], [m.source[1] for m in arrays]
        yield ("if " if pairs else "") + f"{function}({', '.join([table, *given_to])})" + (":" if pairs else "")
        if pairs:  # an argument shares memory with what is written
            copies = [f"{n}.copy()" if m.source[0] == "array" else n for n, m in zip(given_to, arrays, strict=True)]
            yield f"    {function}({', '.join([table, *copies])})"

    def _defined(
        self,
        segment: Segment,
        names: _Names,
        fixed: list[Memory],
        arrays: list[Memory],
        checks: list[str],
        lines: list[str],
    ) -> str:
        """Write a function. Its first argument is the address of a table of addresses."""
        function = self.name("loops")
        parameters = ["table", *(m.source[1] + ("_" if m.source[0] == "number" else "_in") for m in arrays)]
        head = []
        for k, memory in enumerate(fixed):
            kind = "uint8" if memory.dtype == np.bool_ else memory.dtype.name
            head.append(f"{names.memories[memory]} = pointer(table, {k}, {kind})")
        head += [f"{names.memories[m]} = data({m.source[1]}_in)" for m in arrays if m.source[0] == "array"]
        called = ", ".join(getattr(made.function, "__name__", None) or made.kind for made in segment.made)
        doc = [f"# {called}"[:110]]
        self.text_of.append(
            f"def {function}({', '.join(parameters)}):\n"
            + "".join(
                f"    {line}\n" for line in (*doc, *head, *checks, *(lines or ["pass"]), *["return 0"] * bool(checks))
            )
        )
        kinds = ((m.dtype, m.ndim) if m.source[0] == "array" else float for m in arrays)
        self.signatures[function] = int if checks else None, int, *kinds
        return function

    def lines(self) -> Iterator[str]:
        """The body, and what is left behind."""
        yield from self.body()
        for place, var in self.program.writes:
            yield from self._left(place, var)

    # What Run asks for

    joins = False  # loops tell memory apart by the slot that it is

    @staticmethod
    def prepare(program: Program, fresh: Any) -> None:
        """Nothing: loops read rows again sooner than they would find them in a buffer."""

    def preamble(self) -> str:
        """The functions, as they are shown before the step."""
        return "".join(f"{text}\n\n" for text in self.text_of)

    def takes(self, name: str, array: Any) -> bool:
        """May an array be put in the place of one that loops go through?"""
        return name not in self.solid or regular(array)

    def bind(self, names: dict[str, Any]) -> None:
        """Put the functions, and the addresses of the arrays as they are now, among the names of the program."""
        if self.machine is None:
            text = jit.HEADER + "".join(f"\n\n{text}" for text in self.text_of)
            self.machine = jit.compiled(text, self.signatures)
        names.update(self.machine[0])
        for table, memories in self.tables:
            arrays = [names[m.source[1]] if m.source[0] == "name" else m.source[1].array(m.source[2]) for m in memories]
            addresses = np.array([jit.address(array) for array in arrays] or [0], np.int64)
            names[f"{table}_of"] = addresses, arrays  # which keeps them
            names[table] = jit.address(addresses)
