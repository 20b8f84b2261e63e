"""What each op is in NumPy: from a call, whose arguments are formulas, to the formula of its result."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from autograd_lite.core import Op
from autograd_lite.derive.numpy_shapes import filled, index_text, permuted, product, reshaped, summed, summed_to
from autograd_lite.derive.numpy_text import (
    ATOM,
    CHOICE,
    ONE,
    STATEMENT,
    SUM,
    ZERO,
    Atom,
    Formula,
    Shape,
    Unprintable,
    atom,
    call,
    linear,
    negative,
    number,
    over,
    plus,
    power,
    times,
)
from autograd_lite.memory import Array
from autograd_lite.ops import compare, elementwise, fused, index, linalg, reduce, shape
from autograd_lite.ops.index import ARRAY


@dataclass(frozen=True, eq=False)
class Call:
    """One call of an op. Arguments are asked for when they are needed: one that is not may be unknown."""

    op: Op
    arguments: Sequence[Callable[[], Formula]]
    shapes: Sequence[Shape]
    attrs: dict[str, Any]
    shape: Shape
    value: Array | None = None
    assumed: list[str] = field(default_factory=list)  # what holds for this value, and makes the formula simpler

    def __getitem__(self, k: int) -> Formula:
        return self.arguments[k]()

    def whole(self, k: int) -> Formula:
        """An argument at the shape that the op is given."""
        return filled(self[k], self.shapes[k])


def formula_of(made: Call) -> Formula:
    """The formula of an op's result. Raises Unprintable for an op that has no short one."""
    write = _written.get(made.op)
    if write is None and isinstance(made.op.forward, np.ufunc) and len(made.arguments) == 1:
        return call(f"np.{made.op.name}", made[0].shape, made[0])
    if write is None:
        raise Unprintable(f"the op {made.op.name}")
    return write(made)


# Products


def _matmul(made: Call) -> Formula:
    a, (rows, columns) = made[0], (made.shapes[0], made.shapes[1])
    row = len(rows) == 2 and rows[0] == 1 and len(a.shape) == 1 and len(columns) == 2
    return product(a if row else filled(a, rows), made.whole(1))


def _multiply(made: Call) -> Formula:
    for x, y in ((made[0], made[1]), (made[1], made[0])):
        base = _column(x)
        if base is not None and len(made.shape) == 2 and len(y.shape) == 1:
            return linear(y, partial(_outer, base))
    return times(made[0], made[1])


def _column(x: Formula) -> Formula | None:
    """v of v[:, None]."""
    one = x.atom
    if one is None or one.kind != "reshape" or len(one.shape) != 2 or one.shape != (*one.parts[0].shape, 1):
        return None
    base: Formula = one.parts[0]
    return base


def _outer(a: Formula, b: Formula) -> Formula:
    return atom(f"np.outer({a.text}, {b.text})", (*a.shape, *b.shape), (a, b))


def _linear(made: Call) -> Formula:
    y = product(made.whole(0), permuted(made[1], made.shapes[1], (1, 0)))
    return y if len(made.arguments) == 2 else plus(y, made[2])


# Choices


def _everywhere(made: Call, value: float) -> bool:
    return made.value is not None and bool(np.all(made.value == value))


def _compared(sign: str) -> Callable[[Call], Formula]:
    def write(made: Call) -> Formula:
        if sign == "==" and _everywhere(made, 0):  # a tie that does not occur
            made.assumed.append(f"{made[0].text} != {made[1].text} everywhere")
            return ZERO
        if sign == "!=" and _everywhere(made, 1):
            made.assumed.append(f"{made[0].text} != {made[1].text} everywhere")
            return ONE
        a, b = made[0], made[1]
        if any(x.number is not None and not math.isfinite(x.number) for x in (a, b)) and _everywhere(made, 1):
            return ONE
        if sign == ">" and b.number == 0 and a.atom is not None and a.atom.kind == "relu":
            a = a.atom.parts[0]
        new = np.broadcast_shapes(a.shape, b.shape)
        return atom(f"{a.inside(SUM)} {sign} {b.inside(SUM)}", new, (a, b), level=CHOICE)

    return write


def _both(made: Call) -> Formula:
    a, b = made[0], made[1]
    if a.number is not None or b.number is not None:
        return times(a, b)
    return atom(f"{a.inside(ATOM)} & {b.inside(ATOM)}", np.broadcast_shapes(a.shape, b.shape), (a, b), level=CHOICE)


def _where(made: Call) -> Formula:
    condition = made[0]
    if condition.number is not None:
        return made[1] if condition.number else made[2]
    a, b = made[1], made[2]
    if b.number == 0:
        return times(a, condition)
    new = np.broadcast_shapes(condition.shape, a.shape, b.shape)
    return call("np.where", new, condition, a, b)


# Indices


def _items(made: Call) -> tuple[Any, ...]:
    """The index of a picking op, its arrays as formulas."""
    arrays = iter(range(1, len(made.arguments)))
    return tuple(made[next(arrays)] if item is ARRAY else item for item in made.attrs["form"])


def _slice(made: Call) -> Formula:
    items = made.attrs["index"] if isinstance(made.attrs["index"], tuple) else (made.attrs["index"],)
    if made[0].number is not None:
        return made[0]
    full = all(i is None or i is Ellipsis or (isinstance(i, slice) and i == slice(None)) for i in items)
    if full or (
        math.prod(made.shape) == math.prod(made.shapes[0])
        and all(not isinstance(i, slice) or i == slice(None) for i in items)
    ):
        return reshaped(made[0], made.shapes[0], made.shape)
    text = index_text(items, len(made.shapes[0]))
    return linear(
        made.whole(0),
        lambda a: atom(f"{a.inside(ATOM)}[{text}]", made.shape, (a,), kind="slice", parts=(a, items)),
    )


def _picked(made: Call) -> Formula:
    items = (made[1],) if made.op.name == "take_rows" else _items(made)
    a, text = made.whole(0), index_text(items, len(made.shapes[0]))
    return atom(f"{a.inside(ATOM)}[{text}]", made.shape, (a,))


def _scattered(made: Call) -> Formula:
    """Only a statement can do it: a term that waits for one."""
    if made.op.name == "add_at":
        at = made.attrs["index"] if isinstance(made.attrs["index"], tuple) else (made.attrs["index"],)
        kind, text = "part", index_text(at, len(made.shape))
    else:
        items = (made[1],) if made.op.name == "scatter_rows" else _items(made)
        kind, text = "rows", index_text(items, len(made.shape))
        first = isinstance(items[0], Formula) and len(items) == len(made.shape) == 2
        if first and isinstance(items[1], Formula) and items[0].text.split("[")[0] == f"np.arange({made.shape[0]})":
            return _chosen(made, items[1])
    g = made[0]
    key = f"scatter({kind}, {text}, {g.text})"
    return Formula((_term(Atom(key, STATEMENT, made.shape, False, kind, (text, g))),))


def _chosen(made: Call, column: Formula) -> Formula:
    """One entry in each row."""
    rows = reshaped(column, column.shape, made.shape[:1])
    one = atom(f"np.eye({made.shape[1]})[{rows.text}]", made.shape, (rows,))
    return times(reshaped(made[0], made.shapes[0], (made.shape[0], 1)), one)


def _term(one: Atom) -> Any:
    return atom(one.text, one.shape, level=one.level, constant=False, kind=one.kind, parts=one.parts).terms[0]


def _one_hot(made: Call) -> Formula:
    where = made[0]
    return atom(f"np.eye({made.attrs['classes']})[{where.text}]", made.shape, (where,))


# Functions of rows


def _along(function: str) -> Callable[[Call], Formula]:
    def write(made: Call) -> Formula:
        x, dim = made.whole(0), made.attrs["dim"]
        how = "" if dim == len(made.shape) - 1 else f", axis={dim}"
        soft = atom(f"softmax({x.text}{how})", made.shape, (x,))
        return (
            soft if function == "softmax" else atom(f"np.log({soft.text})", made.shape, (x,), kind="log", parts=(soft,))
        )

    return write


def _exp(made: Call) -> Formula:
    one = made[0].atom
    if one is not None and one.kind == "log":
        inner: Formula = one.parts[0]
        return inner
    return call("np.exp", made[0].shape, made[0])


def _relu(made: Call) -> Formula:
    x = made[0]
    return atom(f"np.maximum({x.text}, 0)", x.shape, (x,), kind="relu", parts=(x,))


def _sum(made: Call) -> Formula:
    total = summed(made[0], made.shapes[0], made.attrs["dim"], made.attrs["keepdim"])
    front, rest = total.split()
    if rest.constant and rest.number is None and made.value is not None and front.number:
        ones = np.allclose(made.value, front.number, rtol=1e-12, atol=0)  # as the sums of probabilities are
        made.assumed.extend([f"{rest.text} is 1 everywhere"] * ones)
        return front if ones else total
    return total


def _mean(made: Call) -> Formula:
    dims = made.attrs["dim"]
    return over(_sum(made), number(math.prod(made.shapes[0][d] for d in dims)))


def _power(made: Call) -> Formula:
    return power(made[0], float(made.attrs["exponent"]))


def _float_power(made: Call) -> Formula:
    exponent = made[1].number
    if exponent is not None:
        return power(made[0], exponent)
    a, b = made[0], made[1]
    return atom(f"{a.inside(ATOM)}**{b.inside(ATOM)}", np.broadcast_shapes(a.shape, b.shape), (a, b), level=ATOM - 1)


def _pair(function: str) -> Callable[[Call], Formula]:
    return lambda made: call(f"np.{function}", np.broadcast_shapes(made[0].shape, made[1].shape), made[0], made[1])


_E: Any = elementwise  # Any: type checkers do not see that what `primitive` makes has an `op`
_O: Any = compare
_F: Any = fused
_I: Any = index
_L: Any = linalg
_R: Any = reduce
_S: Any = shape
_written: dict[Op, Callable[[Call], Formula]] = {
    _E.add.op: lambda made: plus(made[0], made[1]),
    _E.subtract.op: lambda made: plus(made[0], negative(made[1])),
    _E.multiply.op: _multiply,
    _E.divide.op: lambda made: over(made[0], made[1]),
    _E.negative.op: lambda made: negative(made[0]),
    _E.square.op: lambda made: power(made[0], 2),
    _E.reciprocal.op: lambda made: over(ONE, made[0]),
    _E._power.op: _power,
    _E.float_power.op: _float_power,
    _E.exp.op: _exp,
    _E.sigmoid.op: lambda made: call("sigmoid", made[0].shape, made[0]),
    _E.relu.op: _relu,
    _E.maximum.op: _pair("maximum"),
    _E.minimum.op: _pair("minimum"),
    _E.softplus.op: lambda made: call("np.logaddexp", made[0].shape, made[0], ZERO),
    _E.where.op: _where,
    _O.bitwise_and.op: _both,
    _O.greater.op: _compared(">"),
    _O.greater_equal.op: _compared(">="),
    _O.less.op: _compared("<"),
    _O.less_equal.op: _compared("<="),
    _O.eq.op: _compared("=="),
    _O.not_equal.op: _compared("!="),
    _L.matmul.op: _matmul,
    _L._linear.op: _linear,
    _L._affine.op: _linear,
    _R._sum.op: _sum,
    _R._mean.op: _mean,
    _S._reshape.op: lambda made: reshaped(made[0], made.shapes[0], made.shape),
    _S._permute.op: lambda made: permuted(made[0], made.shapes[0], made.attrs["dims"]),
    _S._broadcast_to.op: lambda made: made[0],
    _S.sum_to.op: lambda made: summed_to(made[0], made.shapes[0], made.shape),
    _S.cast.op: lambda made: made[0],
    _S.clone.op: lambda made: made[0],
    _I._slice.op: _slice,
    _I._pick.op: _picked,
    _I.take_rows.op: _picked,
    _I.add_at.op: _scattered,
    _I.scatter_at.op: _scattered,
    _I.scatter_rows.op: _scattered,
    _F._one_hot.op: _one_hot,
    _F._softmax.op: _along("softmax"),
    _F._log_softmax.op: _along("log_softmax"),
}
