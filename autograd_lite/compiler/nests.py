"""Loops over the numbers of arrays, as text: elementwise ones that are fused, sums, small products, rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any, Protocol

import numpy as np

from autograd_lite.compiler.ir import Shape, Var
from autograd_lite.compiler.scalars import BOOL, F4, F8, cast, literal
from autograd_lite.compiler.spots import Memory, Spot, collapsed, refined, split


class Names(Protocol):
    """What gives names to the memories that loops use, and to new numbers."""

    def memory(self, memory: Memory) -> str:
        """Of a pointer, or of a number."""

    def fresh(self) -> str:
        """Of a number."""


@dataclass(eq=False, slots=True)
class Input:
    """An operand: numbers at a spot, or a text; `index` says which of `rows` rows of the spot, each `step` apart."""

    spot: Spot | None
    dtype: np.dtype[Any]
    text: str = ""
    index: Spot | None = None
    rows: int = 0
    step: int = 0


@dataclass(eq=False, slots=True)
class Op:
    """`target` is for each index what `text` makes of the inputs, which it calls a, b and c, as `dtype`."""

    target: Spot
    inputs: list[Input]
    text: str
    dtype: np.dtype[Any]
    var: Var
    whole: bool = True  # whether nothing of what was there before is left

    def spots(self) -> list[Spot]:
        """All that it visits, the target first."""
        found = [self.target]
        for item in self.inputs:
            found += [spot.wide(self.target.shape) for spot in (item.spot, item.index) if spot is not None]
        return found


@dataclass(eq=False, slots=True)
class Group:
    """Elementwise operations in one nest of loops. `steps` are the strides of each one's spots over `dims`."""

    dims: Shape = ()
    ops: list[Op] = field(default_factory=list)
    spots: list[list[Spot]] = field(default_factory=list)
    steps: list[list[tuple[int, ...]]] = field(default_factory=list)

    def takes(self, op: Op) -> bool:
        """Add an operation, if it may go through the numbers together with the others."""
        spots = op.spots()
        dims, steps = collapsed(op.target.shape, [spot.strides for spot in spots])
        fine = refined(self.dims, dims) if self.ops else dims
        if fine is None or len(self.ops) >= MOST:
            return False
        old = [[split(s, self.dims, fine) for s in each] for each in self.steps] if self.ops else []
        new = [split(s, dims, fine) for s in steps]
        if not self._apart([*zip(self.spots, old, strict=True)], spots, new, op):
            return False
        self.dims, self.steps = fine, [*old, new]
        self.ops.append(op)
        self.spots.append(spots)
        return True

    @staticmethod
    def _apart(before: list[Any], spots: list[Spot], steps: list[tuple[int, ...]], op: Op) -> bool:
        """Is what one writes and another visits visited number by number in the same order?"""
        gathered = {id(item.spot.memory.key) for item in op.inputs if item.index is not None and item.spot is not None}
        if id(op.target.memory.key) in gathered:
            return False
        entries = [_visit(spot, step) for spot, step in zip(spots, steps, strict=True)]
        if any(e[0] == entries[0][0] and e != entries[0] for e in entries):
            return False
        for other, their in before:
            theirs = [_visit(spot, step) for spot, step in zip(other, their, strict=True)]
            for e in entries:
                if e[0] == theirs[0][0] and (e != theirs[0] or id(e[0]) in gathered):
                    return False
            if any(t[0] == entries[0][0] and t != entries[0] for t in theirs[1:]):
                return False
        return True

    def lines(self, names: Names, stored: Any) -> list[str]:
        """The loops. `stored` says of an operation whether its result is needed elsewhere."""
        flat = [s for each in self.steps for s in each]
        dims, joined = collapsed(self.dims, flat)
        return _Writer(dims, names).group(self, joined, stored)


MOST = 48  # operations in one loop


def _visit(spot: Spot, steps: tuple[int, ...]) -> tuple[Any, ...]:
    return spot.memory.key, spot.memory.dtype, spot.offset, steps


def at(offset: int, steps: tuple[int, ...], indices: list[str], more: str = "") -> str:
    """An index into memory."""
    terms = [i if s == 1 else f"{i} * {s}" for i, s in zip(indices, steps, strict=True) if s and i != "0"]
    terms += [more] if more else []
    if offset or not terms:
        terms.append(str(offset))
    return " + ".join(terms).replace("+ -", "- ")


def read(names: Names, memory: Memory, index: str) -> str:
    """A number in memory."""
    name = names.memory(memory)
    if memory.source[0] == "number":
        return name
    return f"{name}[{index}] != 0" if memory.dtype == BOOL else f"{name}[{index}]"


def write(names: Names, memory: Memory, index: str, text: str) -> str:
    """A line that puts a number into memory."""
    return f"{names.memory(memory)}[{index}] = " + (f"uint8({text})" if memory.dtype == BOOL else text)


def in_range(index: str, size: int) -> list[str]:
    """Lines that refuse an index that is none, and count a negative one from the end."""
    return [
        f"if ({index} < {-size}) | ({index} >= {size}):",
        f'    raise IndexError("an index is out of range for {size} rows")',
        f"if {index} < 0:",
        f"    {index} = {index} + {size}",
    ]


def nested(sizes: Shape, levels: list[list[str]], indices: list[str]) -> list[str]:
    """Lines at each level of a nest of loops."""
    text = list(levels[0])
    for k, n in enumerate(sizes):
        text.append("    " * k + f"for {indices[k]} in range({n}):")
        text += ["    " * (k + 1) + line for line in levels[k + 1]]
    return text


class _Writer:
    """The text of one group: each line as far outside as what it depends on allows."""

    def __init__(self, dims: Shape, names: Names) -> None:
        self.dims, self.names = dims, names
        self.indices = [f"i{k}" for k in range(len(dims))]
        self.levels: list[list[str]] = [[] for _ in range(len(dims) + 1)]
        self.known: dict[Any, tuple[str, int]] = {}  # numbers that have a name, and the level of it

    def group(self, group: Group, joined: list[tuple[int, ...]], stored: Any) -> list[str]:
        rest = iter(joined)
        for op, spots in zip(group.ops, group.spots, strict=True):
            self._op(op, [(spot, next(rest)) for spot in spots], stored(op))
        return nested(self.dims, self.levels, self.indices)

    def _op(self, op: Op, visits: list[tuple[Spot, tuple[int, ...]]], stored: bool) -> None:
        target, *rest = visits
        given = iter(rest)
        level, operands = 0, []
        for item in op.inputs:
            text, depth = self._input(item, given)
            operands.append(text)
            level = max(level, depth)
        text = op.text
        parts = dict(zip("abc", operands, strict=False))
        text = _filled(text, parts)
        made = cast(f"({text})" if " " in text else text, op.dtype, op.target.dtype)
        text = text if op.dtype == op.target.dtype else made or text
        name = text
        if not text.isidentifier():
            name = self.names.fresh()
            self.levels[level].append(f"{name} = {text}")
        self.known[_visit(*target)] = name, level
        if stored:
            index = at(target[0].offset, target[1], self.indices)
            self.levels[-1].append(write(self.names, op.target.memory, index, name))

    def _input(self, item: Input, given: Any) -> tuple[str, int]:
        if item.spot is None:
            return item.text, 0
        spot, steps = next(given)
        more, level = "", _depth(steps)
        if item.index is not None:
            index, deep = self._load(*next(given))
            row = self.names.fresh()
            self.levels[deep] += [f"{row} = int64({index})", *in_range(row, item.rows)]
            more, level = f"{row} * {item.step}", max(level, deep)
        name, level = self._load(spot, steps, more, level)
        return cast(name, spot.dtype, item.dtype) or name, level

    def _load(self, spot: Spot, steps: tuple[int, ...], more: str = "", level: int = 0) -> tuple[str, int]:
        key = (*_visit(spot, steps), more) if more else _visit(spot, steps)
        if key not in self.known:
            level = max(level, _depth(steps))
            text = read(self.names, spot.memory, at(spot.offset, steps, self.indices, more))
            if spot.memory.source[0] == "number":
                return text, 0
            name = self.names.fresh()
            self.levels[level].append(f"{name} = {text}")
            self.known[key] = name, level
        return self.known[key]


def _depth(steps: tuple[int, ...]) -> int:
    return max((k + 1 for k, s in enumerate(steps) if s), default=0)


def _filled(text: str, parts: dict[str, str]) -> str:
    """An expression with its operands in place of a, b and c."""
    words = "".join(ch if ch.isalnum() or ch in "_." else f"\0{ch}\0" for ch in text).split("\0")
    return "".join(parts.get(word, word) for word in words)


@dataclass(eq=False, slots=True)
class Total:
    """A reduction: over the dimensions `axes` of x, into `target`, which has the others."""

    target: Spot
    x: Spot
    axes: tuple[int, ...]
    start: str
    text: str  # of the total a and the next number b
    dtype: np.dtype[Any]

    def spots(self) -> list[Spot]:
        """All that it visits."""
        return [self.target, self.x]

    def lines(self, names: Names, stored: Any) -> list[str]:
        """Loops over what is kept, and inside them over what is not."""
        kept = [k for k in range(len(self.x.shape)) if k not in self.axes]
        shape = tuple(self.x.shape[k] for k in kept)
        outer, (mine, theirs) = collapsed(shape, [self.target.strides, tuple(self.x.strides[k] for k in kept)])
        inner, (steps,) = collapsed(
            tuple(self.x.shape[k] for k in self.axes), [tuple(self.x.strides[k] for k in self.axes)]
        )
        indices = [f"i{k}" for k in range(len(outer) + len(inner))]
        total, name = names.fresh(), names.fresh()
        wide = F8 if self.dtype == F4 else self.dtype
        index = at(self.x.offset, (*theirs, *steps), indices)
        value = read(names, self.x.memory, index)
        value = cast(f"({value})" if " " in value else value, self.x.dtype, wide) or value
        body = [f"{name} = {value}", f"{total} = {_filled(self.text, {'a': total, 'b': name})}"]
        deep: list[list[str]] = [[] for _ in range(len(inner) + 1)]
        deep[-1] += body
        text = [f"{total} = {self.start}", *nested(inner, deep, indices[len(outer) :])]
        made = cast(total, wide, self.target.dtype) or total
        text.append(write(names, self.target.memory, at(self.target.offset, mine, indices[: len(outer)]), made))
        levels: list[list[str]] = [[] for _ in range(len(outer) + 1)]
        levels[-1] += text
        return nested(outer, levels, indices)


@dataclass(eq=False, slots=True)
class Product:
    """A product of matrices: `target` (..., m, n), a (..., m, k), b (..., k, n)."""

    target: Spot
    a: Spot
    b: Spot

    def spots(self) -> list[Spot]:
        """All that it visits."""
        return [self.target, self.a, self.b]

    @property
    def rowwise(self) -> bool:
        """Do rows of b lie in order, so that rows of the result are sums of them?"""
        return self.b.strides[-1] == 1 and self.target.strides[-1] == 1 and self.b.shape[-1] > 3

    def lines(self, names: Names, stored: Any) -> list[str]:
        """Row by row of b, or number by number."""
        *batch, m, k = self.a.shape
        n = self.b.shape[-1]
        outer = (*batch, m)
        indices = [f"i{d}" if size > 1 else "0" for d, size in enumerate(outer)]
        spots = self.target, self.a, self.b
        lead = [spot.strides[:-2] for spot in spots]
        target = at(self.target.offset, (*lead[0], self.target.strides[-2], self.target.strides[-1]), [*indices, "j"])
        b_steps = (*lead[2], 0, self.b.strides[-2], self.b.strides[-1])
        a_steps = (*lead[1], self.a.strides[-2], self.a.strides[-1])

        def a_at(index: str) -> str:
            return read(names, self.a.memory, at(self.a.offset, a_steps, [*indices, index]))

        def b_at(index: str) -> str:
            return read(names, self.b.memory, at(self.b.offset, b_steps, [*indices, index, "j"]))

        zero, memory = literal(0.0, self.target.dtype), self.target.memory
        if self.rowwise:
            factor = names.fresh()
            body = [f"for j in range({n}):", "    " + write(names, memory, target, zero)]
            body += [f"for k in range({k}):", f"    {factor} = {a_at('k')}", f"    for j in range({n}):"]
            body.append(f"        {names.memory(memory)}[{target}] += {factor} * {b_at('k')}")
        else:
            text, total = _dotted(names, k, zero, a_at, b_at)
            body = [f"for j in range({n}):", *("    " + line for line in text)]
            body.append("    " + write(names, memory, target, total))
        loops = tuple(size for size in outer if size > 1)
        levels: list[list[str]] = [[] for _ in range(len(loops) + 1)]
        levels[-1] += body
        return nested(loops, levels, [index for index in indices if index != "0"])


def _dotted(names: Names, k: int, zero: str, a_at: Any, b_at: Any) -> tuple[list[str], str]:
    """The sum of k products, in four parts where they are many."""
    if k < 16:
        total = names.fresh()
        return [f"{total} = {zero}", f"for k in range({k}):", f"    {total} += {a_at('k')} * {b_at('k')}"], total
    parts = [names.fresh() for _ in range(4)]
    text = [f"{part} = {zero}" for part in parts]
    text.append(f"for q in range({k // 4}):")
    text += [f"    {part} += {a_at(f'(q * 4 + {d})')} * {b_at(f'(q * 4 + {d})')}" for d, part in enumerate(parts)]
    if k % 4:
        text += [f"for k in range({k // 4 * 4}, {k}):", f"    {parts[0]} += {a_at('k')} * {b_at('k')}"]
    return text, f"(({parts[0]} + {parts[1]}) + ({parts[2]} + {parts[3]}))"


@dataclass(eq=False, slots=True)
class AddRows:
    """Rows added to a table in place, times alpha: `rows` says to which."""

    table: Spot
    rows: Spot
    values: Spot
    alpha: Input

    def spots(self) -> list[Spot]:
        """All that it visits."""
        return [self.table, self.rows, self.values]

    def lines(self, names: Names, stored: Any) -> list[str]:
        """A look at all row numbers before anything is written, then the rows."""
        n, step = self.table.shape[0], self.table.strides[0]
        inner, (mine, theirs) = collapsed(self.table.shape[1:], [self.table.strides[1:], self.values.strides[1:]])
        indices = [f"j{d}" for d in range(len(inner))]
        row, name, factor = names.fresh(), names.fresh(), names.fresh()
        number = f"int64({read(names, self.rows.memory, at(self.rows.offset, self.rows.strides, ['i']))})"
        alpha = self.alpha.text or read(names, self.alpha.spot.memory, "0") if self.alpha.spot else self.alpha.text
        if self.alpha.spot is not None:
            alpha = cast(alpha, self.alpha.spot.dtype, self.values.dtype) or alpha
        value = read(
            names, self.values.memory, at(self.values.offset, (self.values.strides[0], *theirs), ["i", *indices])
        )
        here = f"{names.memory(self.table.memory)}[{at(self.table.offset, (step, *mine), [row, *indices])}]"
        levels: list[list[str]] = [[] for _ in range(len(inner) + 1)]
        levels[0] += [f"{row} = {number}", *in_range(row, n)[2:]]
        levels[-1] += [f"{name} = {value} * {factor}", f"{here} += {name}"]
        count = self.rows.shape[0]
        return [
            f"for i in range({count}):",
            f"    {row} = {number}",
            *("    " + line for line in in_range(row, n)[:2]),
            f"{factor} = {alpha}",
            f"for i in range({count}):",
            *("    " + line for line in nested(inner, levels, indices)),
        ]


def numbers(nest: Any) -> int:
    """How many numbers a nest goes through."""
    return prod(nest.dims) if isinstance(nest, Group) else 0
