"""`Traced`: an array that notes what NumPy is asked to do with it. And `Scalar`, a Python number that does.

A Traced is no ndarray. What it does not know how to note, it refuses, or hands to `Trace.leak`; nothing that depends
on it goes unseen.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any
from weakref import ref

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from autograd_lite.compiler.calls import Here, basic, called, dispatched, pick
from autograd_lite.compiler.ir import Var
from autograd_lite.compiler.proxy import Proxy, Storage, TraceError, value_of
from autograd_lite.core import Tensor, array_types


class Scalar(Proxy):
    """A Python number of a place, or what was made of one: a learning rate, a count of steps."""

    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, trace: Any, value: Any, var: Var) -> None:
        self.trace, self.value, self.var = trace, value, var

    def _apply(self, function: Any, *args: Any) -> Any:
        if any(isinstance(a, Traced | np.ndarray | Tensor) for a in args):
            return NotImplemented
        value = function(*map(value_of, args))
        return Scalar(self.trace, value, self.trace.note("scalar", function, args, value))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, Traced | np.ndarray) for x in (*inputs, *kwargs.get("out", ()))):
            return dispatched(self.trace, ufunc, method, inputs, kwargs)
        if method != "__call__" or kwargs:
            return NotImplemented
        return self._apply(ufunc, *inputs)

    def __neg__(self) -> Any:
        return self._apply(operator.neg, self)

    def __bool__(self) -> bool:
        self.trace.leak("a condition")
        return bool(self.value)

    def __float__(self) -> float:
        self.trace.leak("float()")
        return float(self.value)


class Setting(Scalar):
    """A setting of an optimizer that changes from step to step: a program is for its being 0, or not."""

    def __bool__(self) -> bool:
        return bool(self.value)


def _operator(name: str, function: Any) -> None:
    def forward(self: Scalar, other: Any) -> Any:
        return self._apply(function, self, other)

    def backward(self: Scalar, other: Any) -> Any:
        return self._apply(function, other, self)

    setattr(Scalar, f"__{name}__", forward)
    setattr(Scalar, f"__r{name}__", backward)


for _name in ("add", "sub", "mul", "truediv", "pow"):
    _operator(_name, getattr(operator, _name))


def _comparison(name: str) -> None:
    def compare(self: Scalar, other: Any) -> Any:
        self.trace.leak("a comparison")
        return getattr(operator, name)(self.value, value_of(other))

    setattr(Scalar, f"__{name}__", compare)


for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    _comparison(_name)


class Traced(NDArrayOperatorsMixin, Proxy):
    """An array in a trace: its concrete value, and the value that it stands for."""

    __slots__ = ("__weakref__", "seen", "storage", "trace", "value", "var")
    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, trace: Any, value: Any, var: Var, storage: Storage | None = None) -> None:
        self.trace, self.value, self.var = trace, value, var
        self.storage = storage or Storage()
        self.seen = self.storage.version
        trace.alive.append(ref(self))

    def current(self) -> Var:
        """The value that it stands for now. Raises TraceError where its memory was written through another view."""
        if self.seen != self.storage.version:
            raise TraceError("an array is read after another view of its memory was written: copy it before")
        return self.var

    def overwrite(self, kind: str, function: Any, args: Any, value: Any, attrs: Any = None) -> None:
        """Its memory has new numbers, which an instruction makes."""
        self.current()
        self.var = self.trace.note(kind, function, args, value, attrs)
        self.value = value
        self.storage.version += 1
        self.seen = self.storage.version

    def owned(self) -> Traced:
        """The same numbers as an array of its own: a write into one of the two is not one into the other."""
        return Traced(self.trace, self.value, self.current())

    def view(self, name: str, value: Any, **attrs: Any) -> Traced:
        """The same numbers seen otherwise."""
        var = self.trace.note("view", name, (self,), value, attrs)
        shared = np.may_share_memory(value, self.value)
        return Traced(self.trace, value, var, self.storage if shared else None)

    # What arrays are asked for

    shape = property(lambda self: self.value.shape)
    dtype = property(lambda self: self.value.dtype)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)
    itemsize = property(lambda self: self.value.itemsize)
    nbytes = property(lambda self: self.value.nbytes)
    flags = property(lambda self: self.value.flags)
    base = None
    T = property(lambda self: self.transpose())
    mT = property(lambda self: self.swapaxes(-1, -2))  # noqa: N815

    def __len__(self) -> int:
        return len(self.value)

    def reshape(self, *shape: Any, **kwargs: Any) -> Traced:
        """As an array's."""
        value = value_of(self).reshape(*shape, **kwargs)
        if value.shape == self.shape:
            return self
        return self.view("reshape", value, shape=value.shape)

    def ravel(self) -> Traced:
        """As an array's."""
        return self.reshape(-1)

    def transpose(self, *dims: Any) -> Traced:
        """As an array's."""
        order = dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims
        order = tuple(int(d) % self.ndim for d in order or range(self.ndim)[::-1])
        return self.view("transpose", value_of(self).transpose(order), axes=order)

    def swapaxes(self, a: int, b: int) -> Traced:
        """As an array's."""
        order = list(range(self.ndim))
        order[a], order[b] = order[b], order[a]
        return self.transpose(tuple(order))

    def __getitem__(self, index: Any) -> Any:
        if basic(index):
            return self.view("getitem", np.asarray(value_of(self)[index]), index=index)
        items = index if isinstance(index, tuple) else (index,)
        form = tuple(Here if isinstance(i, Traced | np.ndarray | list) else i for i in items)
        arrays = [i for i in items if isinstance(i, Traced | np.ndarray | list)]
        args = (self, *arrays)
        return self.trace.made("call", pick, args, pick(*map(value_of, args), form=form), {"form": form})

    def __setitem__(self, index: Any, value: Any) -> None:
        if not basic(index):
            raise TraceError("an entry named by an array is written in a step that is compiled: use where, or scatter")
        target = np.array(value_of(self))
        target[index] = value_of(value)
        self.overwrite("set", None, (self, value), target, {"index": index})

    def dot(self, other: Any) -> Any:
        """As an array's."""
        return self.trace.made("product", np.dot, (self, other), value_of(self).dot(value_of(other)))

    def take(self, indices: Any, axis: Any = None, mode: str = "raise") -> Any:
        """As an array's."""
        value = value_of(self).take(value_of(indices), axis=axis)
        return self.trace.made("take", np.take, (self, indices), value, {"axis": axis})

    def astype(self, dtype: Any, copy: bool = True, **kwargs: Any) -> Any:
        """As an array's."""
        if not copy and self.dtype == np.dtype(dtype):
            return self
        return self.trace.made("copy", None, (self,), value_of(self).astype(dtype))

    def copy(self, order: str = "C") -> Any:
        """As an array's."""
        return self.trace.made("copy", None, (self,), value_of(self).copy())

    def fill(self, value: Any) -> None:
        """As an array's."""
        self.overwrite("fill", None, (value,), np.full_like(self.value, value_of(value)))

    def sum(self, axis: Any = None, keepdims: bool = False, **kwargs: Any) -> Any:
        """As an array's."""
        return _reduce(np.add, self, axis, keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Any:
        """As an array's."""
        return _reduce(np.maximum, self, axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Any:
        """As an array's."""
        return _reduce(np.minimum, self, axis, keepdims)

    def all(self, axis: Any = None, keepdims: bool = False) -> Any:
        """As an array's."""
        return _reduce(np.logical_and, self, axis, keepdims)

    def any(self, axis: Any = None, keepdims: bool = False) -> Any:
        """As an array's."""
        return _reduce(np.logical_or, self, axis, keepdims)

    # NumPy's own functions

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return dispatched(self.trace, ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(issubclass(t, Tensor) for t in types):
            return NotImplemented
        return called(self.trace, function, args, kwargs)

    # Numbers that leave the trace

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        self.trace.leak("np.asarray")
        return np.array(self.value, dtype=dtype)

    def item(self, *args: Any) -> Any:
        """As an array's, where an op that is called as a whole asks for it."""
        self.trace.leak("item()")
        return self.value.item(*args)

    def tolist(self) -> Any:
        """As `item`."""
        self.trace.leak("tolist()")
        return self.value.tolist()

    def __bool__(self) -> bool:
        self.trace.leak("a condition")
        return bool(self.value)

    def __float__(self) -> float:
        self.trace.leak("float()")
        return float(self.value)

    def __int__(self) -> int:
        self.trace.leak("int()")
        return int(self.value)

    def __index__(self) -> int:
        self.trace.leak("an index")
        return operator.index(self.value)

    def __iter__(self) -> Iterator[Any]:
        return (self[k] for k in range(len(self)))


def _reduce(ufunc: Any, x: Traced, axis: Any, keepdims: bool) -> Any:
    return ufunc.reduce(x, axis=axis, keepdims=keepdims)


array_types.add(Traced)
