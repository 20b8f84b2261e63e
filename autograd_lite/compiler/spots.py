"""Where the numbers of values are, as loops reach them: a piece of memory, an offset and strides."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_lite.compiler.emit import view
from autograd_lite.compiler.ir import Instruction, Shape, Var
from autograd_lite.compiler.scalars import F4, F8, KINDS

if TYPE_CHECKING:
    from autograd_lite.compiler.emit import Emitter


@dataclass(eq=False, slots=True)
class Memory:
    """Memory that begins at an address: an entry of a table, or an argument of the loops.

    `source` is ("slot", slot, var), ("name", name of an array that stays), ("array", name of one that does not), or
    ("number", name of a Python number).
    """

    key: Hashable
    source: tuple[Any, ...]
    dtype: np.dtype[Any]
    ndim: int = 0
    nbytes: int = 0


@dataclass(frozen=True, slots=True)
class Spot:
    """Numbers in memory, for each index of a shape: at `offset` plus index times `strides`, counted in numbers."""

    memory: Memory
    offset: int
    shape: Shape
    strides: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the numbers."""
        return self.memory.dtype

    def wide(self, shape: Shape) -> Spot:
        """Broadcast to a shape."""
        new = len(shape) - len(self.shape)
        strides = tuple(s if n != 1 else 0 for n, s in zip(self.shape, self.strides, strict=True))
        return replace(self, shape=shape, strides=(0,) * new + strides)

    def mapping(self) -> tuple[Any, ...]:
        """What two spots have in common that are the same numbers in the same order."""
        dims = tuple((n, s) for n, s in zip(self.shape, self.strides, strict=True) if n != 1)
        return self.memory.dtype, self.offset, dims


def strides_of(shape: Shape) -> tuple[int, ...]:
    """Of an array in row-major order, in numbers."""
    return tuple(prod(shape[k + 1 :]) for k in range(len(shape)))


class Spots:
    """Where the values of a program are. None where loops cannot go: the dtype, the order of an array, its owner."""

    def __init__(self, emitter: Emitter) -> None:
        self.emitter, self.layout = emitter, emitter.layout
        self.known: dict[Var, Spot | None] = {}
        self.memories: dict[Hashable, Memory] = {}
        self.arguments: set[str] = set()  # names of arrays that have to be solid

    def spot(self, var: Var) -> Spot | None:
        """Where a value's numbers are."""
        if var not in self.known:
            self.known[var] = self._spot(var)
        return self.known[var]

    def _memory(self, key: Hashable, source: tuple[Any, ...], dtype: np.dtype[Any], shape: Shape = ()) -> Memory:
        nbytes = prod(shape) * dtype.itemsize
        return self.memories.setdefault((key, dtype), Memory(key, source, dtype, len(shape), nbytes))

    def _spot(self, var: Var) -> Spot | None:
        made = self.emitter.makers.get(var)
        root = self.layout.root.get(var, var)
        if root is not var and made is not None and made.kind == "view":
            base = self.spot(made.args[0])
            return None if base is None else seen(base, made)
        if var.shape is None or var.dtype not in KINDS or (made is not None and made.shares is not None):
            return None
        memory = self._rooted(var, made)
        return None if memory is None else Spot(memory, 0, var.shape, strides_of(var.shape))

    def _rooted(self, var: Var, made: Instruction | None) -> Memory | None:
        assert var.dtype is not None
        assert var.shape is not None
        e = self.emitter
        place = self.layout.places.get(var) or (var.place if made is None else None)
        if place is not None and place.kind in ("tensor", "state", "grad"):
            if not regular(place.get()) or place.get().dtype != var.dtype:
                return None
            name = e._array_at(place)
            return self._memory(("name", name), ("name", name), var.dtype, var.shape)
        if made is not None and made.kind == "scalar" and var.shape == () and var.dtype == F8:
            name = e.value(var)
            return self._memory(("number", name), ("number", name), F8)
        if var in self.layout.slots:
            slot = self.layout.slots[var]
            return self._memory(slot, ("slot", slot, var), var.dtype)
        if (place is not None and place.kind == "argument") or (made is not None and made.kind == "call"):
            name = e.value(var)
            return self._memory(("array", name), ("array", name), var.dtype, var.shape)
        return None

    def constant(self, array: Any) -> Spot | None:
        """Where an array is that the program has from the start."""
        if (
            type(array) is not np.ndarray
            or array.dtype not in KINDS
            or not (array.flags.aligned and array.dtype.isnative)
        ):
            return None
        name = self.emitter.object(array, "constant")
        memory = self._memory(("name", name), ("name", name), array.dtype)
        return Spot(memory, 0, array.shape, tuple(s // array.itemsize for s in array.strides))

    def number(self, made: Instruction, var: Var) -> Spot | None:
        """Where a Python number is: made an array where settings alone decide it, else an argument."""
        e = self.emitter
        kinds = {a.dtype for a in made.uses() if a.dtype is not None}
        if not kinds <= {F8, F4} or not kinds:
            return None
        if var in e.early:
            name = e._operand(made, var, e.value(var))
            return Spot(self._memory(("name", name), ("name", name), e.names[name].dtype), 0, (), ())
        name = e.value(var)
        return Spot(self._memory(("number", name), ("number", name), F8), 0, (), ())


def regular(array: Any) -> bool:
    """Is an array in row-major order, aligned, in the machine's byte order, and may it be written?"""
    return type(array) is np.ndarray and array.flags.carray and array.dtype.isnative


def seen(base: Spot, made: Instruction) -> Spot | None:
    """Where a view's numbers are."""
    size = base.dtype.itemsize
    room = np.empty(1, base.dtype)  # stands for the memory: nothing is read
    strides = tuple(s * size for s in base.strides)
    start = np.lib.stride_tricks.as_strided(room, base.shape, strides)
    if made.function == "reshape":
        merged = reshaped(base.shape, base.strides, made.out.shape or ())
        return None if merged is None else replace(base, shape=made.out.shape or (), strides=merged)
    after = view(made, start)
    moved = after.__array_interface__["data"][0] - start.__array_interface__["data"][0]
    if 0 in after.shape:
        moved = 0
    return Spot(base.memory, base.offset + moved // size, after.shape, tuple(s // size for s in after.strides))


def reshaped(shape: Shape, strides: tuple[int, ...], new: Shape) -> tuple[int, ...] | None:
    """Strides of the same numbers in another shape, where there are some."""
    if 0 in shape:
        return strides_of(new)
    dims, (steps,) = collapsed(shape, [strides])
    result = [0] * len(new)
    k = len(dims) - 1
    rest = dims[k] if k >= 0 else 1
    step = steps[k] if k >= 0 else 0
    for d in reversed(range(len(new))):
        if new[d] == 1:
            continue
        if rest == 1:
            k -= 1
            rest, step = dims[k], steps[k]
        if rest % new[d]:
            return None
        result[d] = step
        rest, step = rest // new[d], step * new[d]
    return tuple(result)


def collapsed(shape: Shape, all_strides: list[tuple[int, ...]]) -> tuple[Shape, list[tuple[int, ...]]]:
    """The fewest dimensions with which the same numbers are visited in the same order."""
    dims: list[int] = []
    steps: list[list[int]] = [[] for _ in all_strides]
    for d, n in enumerate(shape):
        if n == 1:
            continue
        now = [s[d] for s in all_strides]
        if dims and all(before[-1] == s * n for before, s in zip(steps, now, strict=True)):
            dims[-1] *= n
            for before, s in zip(steps, now, strict=True):
                before[-1] = s
        else:
            dims.append(n)
            for before, s in zip(steps, now, strict=True):
                before.append(s)
    return tuple(dims), [tuple(s) for s in steps]


def refined(a: Shape, b: Shape) -> Shape | None:
    """The coarsest shape of which both are made by joining neighbouring dimensions, if there is one."""
    if prod(a) != prod(b) or prod(a) == 0:
        return a if a == b else None
    ends = sorted({prod(s[k:]) for s in (a, b) for k in range(len(s) + 1)})
    if any(high % low for low, high in pairwise(ends)):
        return None
    return tuple(high // low for low, high in pairwise(ends))[::-1]


def split(strides: tuple[int, ...], shape: Shape, fine: Shape) -> tuple[int, ...]:
    """Strides for a shape, for one that refines it."""
    result: list[int] = []
    k = len(fine)
    for n, s in zip(reversed(shape), reversed(strides), strict=True):
        step = s
        done = 1
        while done < n:
            k -= 1
            result.append(step)
            step, done = step * fine[k], done * fine[k]
    return tuple(result[::-1])
