"""What each op is in ONNX: a table of functions that write nodes and return the name of the result."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.core import Op
from autograd_lite.memory import Array
from autograd_lite.onnx.builder import Builder, ExportError
from autograd_lite.onnx.indexing import picked, sliced, windows
from autograd_lite.onnx.recurrent import gru, lstm, rnn


@dataclass(frozen=True)
class Made:
    """A call of an op: its arrays and attributes, and what came of it."""

    b: Builder
    args: Sequence[Any]
    attrs: dict[str, Any]
    y: Array

    def name(self, k: int = 0) -> str:
        """The name of an argument, as it is."""
        return self.b.name(np.asarray(self.args[k]) if not isinstance(self.args[k], np.ndarray) else self.args[k])

    def alike(self) -> list[str]:
        """The names of all arguments, in the dtype in which NumPy computes with them."""
        dtype = np.result_type(*(a if type(a) in (int, float, bool) else np.asarray(a).dtype for a in self.args))
        if self.y.dtype.kind == "f" and dtype.kind != "f":
            dtype = self.y.dtype
        return [self.as_type(k, dtype) for k in range(len(self.args))]

    def as_type(self, k: int, dtype: Any) -> str:
        """The name of an argument in a dtype."""
        a = self.args[k]
        if not isinstance(a, np.ndarray):
            return self.number(a, dtype)
        return self.b.cast(self.b.name(a), a.dtype, dtype)

    def number(self, value: Any, dtype: Any = None) -> str:
        """A constant number in the result's dtype, or another."""
        return self.b.constant(np.array(value, dtype or self.y.dtype))


Writer = Callable[[Made], str]
DRAWS = ("draws", "keep_mask")


def written(b: Builder, op: Op, args: Sequence[Any], attrs: dict[str, Any], y: Any) -> str:
    """The nodes of an op's call; returns the name of its result. Raises ExportError for an op that is not here."""
    write = TABLE.get(op.name)
    if write is None or (op.name == "mean" and "dim" not in attrs):
        raise ExportError(
            f"export: the op {op.name} has no ONNX form here; those that have one are {', '.join(sorted(TABLE))}"
        )
    return write(Made(b, args, attrs, np.asarray(y)))


def _plain(kind: str) -> Writer:
    return lambda m: m.b.add(kind, *m.alike())


def _of_result(kind: str) -> Writer:
    """Arguments in the result's dtype."""
    return lambda m: m.b.add(kind, *(m.as_type(k, m.y.dtype) for k in range(len(m.args))))


def _logical(kind: str) -> Writer:
    return lambda m: m.b.add(kind, *(m.as_type(k, np.bool_) for k in range(len(m.args))))


def _not(kind: str) -> Writer:
    return lambda m: m.b.add("Not", m.b.add(kind, *m.alike()))


def _bitwise(kind: str) -> Writer:
    return lambda m: m.b.add(kind if m.y.dtype == np.bool_ else f"Bitwise{kind}", *m.alike())


def _axes(m: Made) -> tuple[int, ...]:
    dim = m.attrs["dim"]
    ndim = np.ndim(m.args[0])
    return tuple(range(ndim)) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)


def _reduce(kind: str) -> Writer:
    def write(m: Made) -> str:
        axes, x = _axes(m), m.as_type(0, m.y.dtype)
        if not axes:
            return m.b.add("Identity", x)
        return m.b.add(kind, x, m.b.ints(*axes), keepdims=int(m.attrs["keepdim"]))

    return write


def _truth(kind: str) -> Writer:
    def write(m: Made) -> str:
        axes, x = _axes(m), m.b.cast(m.as_type(0, np.bool_), np.bool_, np.int32)
        if axes:
            x = m.b.add(kind, x, m.b.ints(*axes), keepdims=int(m.attrs["keepdim"]))
        return m.b.cast(x, np.int32, np.bool_)

    return write


def _place(kind: str) -> Writer:
    def write(m: Made) -> str:
        x, dim, keep = m.name(), m.attrs["dim"], m.attrs["keepdim"]
        if dim is None or isinstance(dim, tuple):
            axes = _axes(m)
            if len(axes) == 1:
                return m.b.add(kind, x, axis=axes[0], keepdims=int(keep))
            flat = m.b.add(kind, m.b.add("Reshape", x, m.b.ints(-1)), axis=0, keepdims=0)
            return m.b.add("Reshape", flat, m.b.ints(*m.y.shape))
        return m.b.add(kind, x, axis=dim, keepdims=int(keep))

    return write


def _softplus(m: Made) -> str:
    x, b = m.name(), m.b
    small = b.add("Exp", b.add("Neg", b.add("Abs", x)))
    return b.add("Add", b.add("Max", x, m.number(0)), b.add("Log", b.add("Add", small, m.number(1))))


def _power(m: Made) -> str:
    if "exponent" in m.attrs:
        return m.b.add("Pow", m.as_type(0, m.y.dtype), m.number(m.attrs["exponent"]))
    return m.b.add("Pow", *m.alike())


def _clip(m: Made) -> str:
    x = m.as_type(0, m.y.dtype)
    for kind, name in (("Max", "low"), ("Min", "high")):
        if m.attrs[name] is not None:
            x = m.b.add(kind, x, m.number(m.attrs[name]))
    return x if m.attrs["low"] is not None or m.attrs["high"] is not None else m.b.add("Identity", x)


def _where(m: Made) -> str:
    return m.b.add("Where", m.as_type(0, np.bool_), m.as_type(1, m.y.dtype), m.as_type(2, m.y.dtype))


def _linear(m: Made) -> str:
    x, w = m.as_type(0, m.y.dtype), m.b.add("Transpose", m.as_type(1, m.y.dtype), perm=[1, 0])
    y = m.b.add("MatMul", x, w)
    return y if len(m.args) == 2 else m.b.add("Add", y, m.as_type(2, m.y.dtype))


def _sum_to(m: Made) -> str:
    x, shape = m.args[0], m.attrs["shape"]
    new = x.ndim - len(shape)
    axes = [*range(new), *(d + new for d, n in enumerate(shape) if n == 1 and x.shape[d + new] != 1)]
    name = m.b.add("ReduceSum", m.name(), m.b.ints(*axes), keepdims=1) if axes else m.name()
    return m.b.add("Reshape", name, m.b.ints(*shape))


def _one_hot(m: Made) -> str:
    index = m.b.add("Unsqueeze", m.as_type(0, np.int64), m.b.ints(-1))
    places = m.b.constant(np.arange(m.attrs["classes"]))
    return m.b.cast(m.b.add("Equal", index, places), np.bool_, m.y.dtype)


def _pad(m: Made) -> str:
    before, after = zip(*m.attrs["widths"], strict=True) if m.attrs["widths"] else ((), ())
    return m.b.add("Pad", m.name(), m.b.ints(*before, *after), m.number(m.attrs["value"]))


def _cat(m: Made) -> str:
    return m.b.add("Concat", *(m.as_type(k, m.y.dtype) for k in range(len(m.args))), axis=m.attrs["dim"])


def _cast(m: Made) -> str:
    return m.b.add("Cast", m.name(), to=m.b.kind(m.y.dtype))


def _finite(m: Made) -> str:
    return m.b.add("Not", m.b.add("Or", m.b.add("IsNaN", m.name()), m.b.add("IsInf", m.name())))


_same: dict[str, str] = {
    **{"add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "matmul": "MatMul"},
    **{"maximum": "Max", "minimum": "Min", "greater": "Greater", "greater_equal": "GreaterOrEqual"},
    **{"less": "Less", "less_equal": "LessOrEqual", "equal": "Equal"},
}
_one: dict[str, str] = {
    **{"negative": "Neg", "absolute": "Abs", "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "root": "Sqrt", "sin": "Sin"},
    **{"cos": "Cos", "tanh": "Tanh", "sigmoid": "Sigmoid", "relu": "Relu", "reciprocal": "Reciprocal"},
    **{"floor": "Floor", "ceil": "Ceil", "rint": "Round", "sign": "Sign", "clone": "Identity"},
}
TABLE: dict[str, Writer] = {
    **{name: _plain(kind) for name, kind in _same.items()},
    **{name: _of_result(kind) for name, kind in _one.items()},
    "not_equal": _not("Equal"),
    "floor_divide": lambda m: m.b.add("Floor", m.b.add("Div", *m.alike())),
    "square": lambda m: m.b.add("Mul", m.name(), m.name()),
    "expm1": lambda m: m.b.add("Sub", m.b.add("Exp", m.name()), m.number(1)),
    "log1p": lambda m: m.b.add("Log", m.b.add("Add", m.name(), m.number(1))),
    "log2": lambda m: m.b.add("Div", m.b.add("Log", m.name()), m.number(math.log(2.0))),
    "softplus": _softplus,
    "power": _power,
    "clip": _clip,
    "where": _where,
    "isnan": lambda m: m.b.add("IsNaN", m.name()),
    "isinf": lambda m: m.b.add("IsInf", m.name()),
    "isfinite": _finite,
    "logical_and": _logical("And"),
    "logical_or": _logical("Or"),
    "logical_not": _logical("Not"),
    "bitwise_and": _bitwise("And"),
    "bitwise_or": _bitwise("Or"),
    "invert": _bitwise("Not"),
    "cast": _cast,
    "discrete": _cast,
    "sum": _reduce("ReduceSum"),
    "mean": _reduce("ReduceMean"),
    "amax": _reduce("ReduceMax"),
    "amin": _reduce("ReduceMin"),
    "logsumexp": _reduce("ReduceLogSumExp"),
    "all": _truth("ReduceMin"),
    "any": _truth("ReduceMax"),
    "argmax": _place("ArgMax"),
    "argmin": _place("ArgMin"),
    "softmax": lambda m: m.b.add("Softmax", m.name(), axis=m.attrs["dim"]),
    "log_softmax": lambda m: m.b.add("LogSoftmax", m.name(), axis=m.attrs["dim"]),
    "linear": _linear,
    "affine": _linear,
    "sum_to": _sum_to,
    "reshape": lambda m: m.b.add("Reshape", m.name(), m.b.ints(*m.y.shape)),
    "permute": lambda m: m.b.add("Transpose", m.name(), perm=list(m.attrs["dims"])),
    "broadcast_to": lambda m: m.b.add("Expand", m.name(), m.b.ints(*m.y.shape)),
    "cat": _cat,
    "pad": _pad,
    "one_hot": _one_hot,
    "take_rows": lambda m: m.b.add("Gather", m.name(), m.name(1), axis=0),
    "slice": lambda m: sliced(m.b, m.name(), m.args[0].shape, m.attrs["index"]),
    "pick": lambda m: picked(m.b, m.name(), m.args[1:], m.args[0].shape, m.attrs["form"]),
    "unfold": lambda m: windows(m.b, m.name(), m.args[0].shape, m.y.shape, m.attrs),
    "lstm": lambda m: lstm(m.b, m.args, m.attrs["reverse"]),
    "gru": lambda m: gru(m.b, m.args, m.attrs["reverse"]),
    "rnn": lambda m: rnn(m.b, m.args, m.attrs["reverse"], m.attrs["flat"]),
}
