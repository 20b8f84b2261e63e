"""Which loops an instruction is, if it is any that pay."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from autograd_lite.compiler.ir import Instruction, Var
from autograd_lite.compiler.layout import Layout
from autograd_lite.compiler.nests import AddRows, Input, Op, Product, Total
from autograd_lite.compiler.scalars import BOOL, COUNTED, F8, I4, I8, U1, cast, literal, loop_dtypes, template
from autograd_lite.compiler.spots import Spot, Spots, seen

SUMMED = 4096, 512  # numbers in all, and to each sum, from which NumPy's sums are as fast, and finer
SMALL, LONG = 1024, 16384  # multiplications from which BLAS is faster: in general, and where rows are LINED long
LINED = 64

Unit = Op | Total | Product | AddRows


class Units:
    """The loops of instructions, as lists; None where NumPy is to be called."""

    def __init__(self, spots: Spots, layout: Layout) -> None:
        self.spots, self.layout = spots, layout

    def of(self, made: Instruction) -> list[Unit] | None:
        """The loops of one instruction."""
        if made in self.layout.copies:
            return self._op(made, self._turned(made), [made.args[0]], "a", made.out.dtype)
        find: Callable[[Instruction], list[Any] | None] | None = getattr(self, f"_{made.kind}", None)
        if find is None or made.out.shape is None or made.effect:
            return None
        return find(made)

    # Elementwise

    def _turned(self, made: Instruction) -> Spot | None:
        """The memory of a reshape that copies, in the shape of what is copied."""
        spot = self.spots.spot(made.out)
        back = Instruction("view", "reshape", (made.out,), {"shape": made.args[0].shape}, made.args[0])
        return seen(spot, back) if spot is not None else None

    def _op(
        self, made: Instruction, target: Spot | None, args: Any, text: str, dtype: Any, kinds: Any = None
    ) -> list[Any] | None:
        """One operation; `kinds` are the dtypes that its operands are converted to, which is that of all by default."""
        if target is None or cast("x", dtype, target.dtype) is None:
            return None
        inputs = []
        for arg, kind in zip(args, kinds or [dtype] * len(args), strict=True):
            one = self._input(made, arg, kind)
            if one is None or (one.spot is not None and len(one.spot.shape) > len(target.shape)):
                return None
            inputs.append(one)
        return [Op(target, inputs, text, dtype, made.out)]

    def _input(self, made: Instruction, arg: Any, dtype: Any) -> Input | None:
        if isinstance(arg, Var) and arg.shape is not None:
            spot = self.spots.spot(arg)
        elif isinstance(arg, Var):
            spot = self.spots.number(made, arg)
        elif isinstance(arg, np.ndarray) and arg.ndim:
            spot = self.spots.constant(arg)
        else:
            return _literal(arg, dtype)
        if spot is None or cast("x", spot.dtype, dtype) is None:
            return None
        return Input(spot, dtype)

    def _ufunc(self, made: Instruction) -> list[Unit] | None:
        kinds = loop_dtypes(made) if isinstance(made.function, np.ufunc) and made.function.nout == 1 else None
        text = template(made.function, kinds, made.out.size) if kinds else None
        if text is None or kinds is None:
            return None
        found: list[Unit] | None = self._op(made, self.spots.spot(made.out), made.args, text, kinds[-1], kinds[:-1])
        return found

    def _where(self, made: Instruction) -> Any:
        dtype = made.out.dtype
        return self._op(made, self.spots.spot(made.out), made.args, "b if a else c", dtype, (BOOL, dtype, dtype))

    def _copy(self, made: Instruction) -> Any:
        return self._op(made, self.spots.spot(made.out), made.args[:1], "a", made.out.dtype)

    def _fill(self, made: Instruction) -> Any:
        return self._op(made, self.spots.spot(made.out), made.args[:1], "a", made.out.dtype)

    def _filled(self, made: Instruction) -> Any:
        dtype = made.out.dtype
        if made.function is not np.clip or made.attrs or None in made.args[1:] or dtype not in COUNTED:
            return None
        low = "a if (a >= b) | (a != a) else b"
        text = f"({low}) if (({low}) <= c) | (({low}) != ({low})) else c"
        return self._op(made, self.spots.spot(made.out), made.args, text, dtype)

    def _set(self, made: Instruction) -> Any:
        out = self.spots.spot(made.out)
        index = Instruction("view", "getitem", (made.out,), made.attrs, made.out)
        part = seen(out, index) if out is not None else None
        before = self._before(made)
        op = self._op(made, part, made.args[1:2], "a", made.out.dtype)
        if op is None or before is None:
            return None
        op[0].whole = False
        return [*before, *op]

    def _before(self, made: Instruction) -> list[Unit] | None:
        """What stands where a part is written over: copied, where it is elsewhere."""
        old, slots, places = made.args[0], self.layout.slots, self.layout.places
        here = places.get(made.out)
        if slots.get(old) is slots.get(made.out) if made.out in slots else here in (places.get(old), old.place):
            return []
        copied: list[Unit] | None = self._op(made, self.spots.spot(made.out), [old], "a", made.out.dtype)
        for op in copied or ():
            assert isinstance(op, Op)
            op.whole = False
        return copied

    def _cat(self, made: Instruction) -> list[Unit] | None:
        out, axis = self.spots.spot(made.out), made.attrs["axis"]
        if out is None or not isinstance(axis, int):
            return None
        ops: list[Unit] = []
        start = 0
        for arg in made.args[0]:
            if not isinstance(arg, Var) or not arg.shape:
                return None
            end = start + arg.shape[axis]
            index = (*[slice(None)] * (axis % len(arg.shape)), slice(start, end))
            part = seen(out, Instruction("view", "getitem", (made.out,), {"index": index}, made.out))
            op = self._op(made, part, [arg], "a", made.out.dtype)
            if op is None:
                return None
            op[0].whole = False
            ops += op
            start = end
        return ops

    def _take(self, made: Instruction) -> list[Unit] | None:
        x, index, out = made.args[0], made.args[1], self.spots.spot(made.out)
        base = self.spots.spot(x) if isinstance(x, Var) else None
        named = self.spots.spot(index) if isinstance(index, Var) else None
        if isinstance(index, np.ndarray):
            named = self.spots.constant(index)
        if base is None or named is None or out is None or named.dtype not in (I8, I4, U1) or base.dtype != out.dtype:
            return None
        axis = made.attrs["axis"]
        if axis is None:
            base = seen(base, Instruction("view", "reshape", (x,), {"shape": (prod(base.shape),)}, _flat(x)))
            axis = 0
        if base is None or not base.shape or 0 in base.shape or axis not in range(-len(base.shape), len(base.shape)):
            return None
        axis %= len(base.shape)
        k = len(named.shape)
        before, after = base.shape[:axis], base.shape[axis + 1 :]
        shape = (*before, *named.shape, *after)
        strides = (*base.strides[:axis], *[0] * k, *base.strides[axis + 1 :])
        where = (*[0] * len(before), *named.strides, *[0] * len(after))
        taken = Spot(base.memory, base.offset, shape, strides)
        which = Spot(named.memory, named.offset, shape, where)
        item = Input(taken, base.dtype, index=which, rows=base.shape[axis], step=base.strides[axis])
        return [Op(out, [item], "a", base.dtype, made.out)]

    # Others

    def _reduce(self, made: Instruction) -> list[Unit] | None:
        x, out = self._read(made.args[0]), self.spots.spot(made.out)
        attrs = {"axis": 0, "keepdims": False, **made.attrs}
        if x is None or out is None or attrs.keys() - {"axis", "keepdims", "dtype", "initial"}:
            return None
        n = len(x.shape)
        axis = attrs["axis"]
        axes = tuple(range(n)) if axis is None else tuple(a % n for a in (axis if isinstance(axis, tuple) else (axis,)))
        each = prod(x.shape[a] for a in axes)
        if prod(x.shape) > SUMMED[0] or each > SUMMED[1]:
            return None
        dtype = out.dtype
        found = _total(made.function, dtype, attrs.get("initial"))
        if found is None or cast("x", x.dtype, dtype) is None or dtype not in (*COUNTED, BOOL):
            return None
        if attrs["keepdims"]:
            kept = [k for k in range(n) if k not in axes]
            out = Spot(out.memory, out.offset, tuple(out.shape[k] for k in kept), tuple(out.strides[k] for k in kept))
        return [Total(out, x, axes, *found, dtype)]

    def _inner(self, made: Instruction) -> list[Unit] | None:
        a, b = (self._read(arg) for arg in made.args)
        out = self.spots.spot(made.out)
        if a is None or b is None or out is None or prod(a.shape) > SUMMED[1]:
            return None
        flat = []
        for spot, arg in ((a, made.args[0]), (b, made.args[1])):
            one = seen(spot, Instruction("view", "reshape", (arg,), {"shape": (prod(spot.shape),)}, _flat(arg)))
            if one is None:
                return None
            flat.append(one)
        return self._multiplied(out, *flat)

    def _product(self, made: Instruction) -> list[Unit] | None:
        a, b = (self._read(arg) for arg in made.args)
        out = self.spots.spot(made.out)
        if a is None or b is None or out is None or not a.shape or not b.shape or made.attrs:
            return None
        if made.function is np.dot and max(len(a.shape), len(b.shape)) > 2:
            return None
        if len(a.shape) == len(out.shape) == 2 and a.shape[1] == 1:
            text, kinds = "a * b", (out.dtype, out.dtype)
            if not {a.dtype, b.dtype, out.dtype} <= {F8} and not a.dtype == b.dtype == out.dtype:
                return None
            found: list[Unit] = [
                Op(out, [Input(s, k) for s, k in zip((a, b), kinds, strict=True)], text, out.dtype, made.out)
            ]
            return found
        return self._multiplied(out, a, b)

    def _multiplied(self, out: Spot, a: Spot, b: Spot) -> list[Unit] | None:
        if not a.dtype == b.dtype == out.dtype or out.dtype.kind != "f":
            return None
        one_row, one_column = len(a.shape) == 1, len(b.shape) == 1
        if one_row:
            a = Spot(a.memory, a.offset, (1, *a.shape), (0, *a.strides))
        if one_column:
            b = Spot(b.memory, b.offset, (*b.shape, 1), (*b.strides, 0))
        shape, strides = list(out.shape), list(out.strides)
        if one_column:
            shape.append(1)
            strides.append(0)
        if one_row:
            shape.insert(len(shape) - 1, 1)
            strides.insert(len(strides) - 1, 0)
        batch = tuple(shape[:-2])
        nest = Product(
            Spot(out.memory, out.offset, tuple(shape), tuple(strides)),
            a.wide((*batch, *a.shape[-2:])),
            b.wide((*batch, *b.shape[-2:])),
        )
        work = prod(shape) * a.shape[-1]
        return [nest] if work <= (LONG if nest.rowwise and shape[-1] >= LINED else SMALL) else None

    def _rows(self, made: Instruction) -> list[Unit] | None:
        target, index, values, alpha, squares = made.args
        table, rows, new = self.spots.spot(made.out), self._read(index), self._read(values)
        before = self._before(made)
        if table is None or rows is None or new is None or before is None or squares or len(rows.shape) != 1:
            return None
        if rows.dtype not in (I8, I4) or new.dtype != table.dtype or 0 in new.shape or table.dtype.kind != "f":
            return None
        scale = Instruction("ufunc", np.multiply, (target, alpha), {}, made.out)
        factor = self._input(scale, alpha, table.dtype)
        if factor is None:
            return None
        return [*before, AddRows(table, rows, new.wide((*rows.shape, *table.shape[1:])), factor)]

    def _read(self, arg: Any) -> Spot | None:
        if isinstance(arg, Var):
            return self.spots.spot(arg) if arg.shape is not None else None
        return self.spots.constant(arg)


def _flat(x: Var) -> Var:
    """A value of as many numbers in one dimension."""
    return Var(0, (x.size,), x.dtype)


def _literal(arg: Any, dtype: Any) -> Input | None:
    """A number that is written into the text."""
    if isinstance(arg, np.ndarray | np.generic):
        arg = arg.item() if arg.ndim == 0 else None
    if not isinstance(arg, int | float):
        return None
    if dtype not in (*COUNTED, BOOL) or (dtype.kind == "i" and (isinstance(arg, float) or abs(arg) >= 2**62)):
        return None
    text = literal(arg, dtype)
    return Input(None, dtype, f"({text})" if text.startswith("-") else text)


def _total(function: Any, dtype: Any, initial: Any) -> tuple[str, str] | None:
    """Where a reduction begins, and how it goes on."""
    wide = I8 if dtype == I8 else BOOL if dtype == BOOL else F8
    first = None if initial is None or initial is np._NoValue else initial
    if function in (np.logical_and, np.logical_or):
        return repr(function is np.logical_and), "a & b" if function is np.logical_and else "a | b"
    if dtype == BOOL:
        return None
    if function is np.add:
        return literal(first or 0, wide), "a + b"
    if function in (np.maximum, np.minimum):
        sign = ">=" if function is np.maximum else "<="
        if dtype.kind == "i" and first is None:
            return None
        worst = -np.inf if function is np.maximum else np.inf
        text = literal(worst if first is None else first, wide)
        return text, f"a if (a {sign} b) | (a != a) else b"
    return None
