"""NumPy's functions in a trace: which kind of instruction each call is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.compiler.proxy import Proxy, TraceError, value_of, values_of

# Ufuncs


def _known(x: Any) -> bool:
    return isinstance(x, Proxy | np.ndarray | list | tuple | int | float | np.generic) or x is None


def dispatched(trace: Any, ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A ufunc, or one of its methods, on arrays of which some are traced."""
    if not all(map(_known, inputs)):
        return NotImplemented
    out = kwargs.pop("out", (None,))[0]
    where = kwargs.get("where", True)
    if method == "reduce":
        return _reduced(trace, ufunc, inputs, kwargs, out)
    concrete = [value_of(x) for x in inputs]
    if method != "__call__" or kwargs.keys() - {"dtype", "casting"} or where is not True or ufunc.nout > 1:
        if out is not None or method == "at":
            raise TraceError(f"np.{ufunc.__name__}.{method} into an array cannot be compiled")
        value = getattr(ufunc, method)(*concrete, **values_of(kwargs))
        return trace.made("call", getattr(ufunc, method), inputs, value, kwargs)
    if out is not None and not isinstance(out, Proxy):
        raise TraceError(f"np.{ufunc.__name__} writes into an array from outside (out=), which is not followed")
    if out is None:
        kind = "product" if ufunc is np.matmul else "ufunc"
        return trace.made(kind, ufunc, inputs, ufunc(*concrete, **kwargs), kwargs)
    target = np.array(value_of(out))
    ufunc(*concrete, out=target, **kwargs)
    out.overwrite("ufunc", ufunc, inputs, target, {k: v for k, v in kwargs.items() if k != "casting"})
    return out


def _reduced(trace: Any, ufunc: Any, inputs: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Any:
    x, *rest = inputs
    names = ("axis", "dtype")
    attrs = {**dict(zip(names, rest, strict=False)), **kwargs}
    if attrs.get("where", True) is not True or out is not None:
        raise TraceError(f"np.{ufunc.__name__}.reduce with where= or out= cannot be compiled")
    attrs = {k: v for k, v in attrs.items() if v is not np._NoValue and not (k == "keepdims" and not v)}
    attrs.setdefault("axis", 0)
    if attrs.get("dtype", 0) is None:
        attrs.pop("dtype")
    value = ufunc.reduce(value_of(x), **attrs)
    return trace.made("reduce", ufunc, (x,), value, attrs)


# Other functions


def called(trace: Any, function: Any, args: Any, kwargs: Any) -> Any:
    """A function of NumPy on arrays of which some are traced: as its kind, or called as it is in each step."""
    special = FUNCTIONS.get(function)
    if special is not None:
        return special(trace, *args, **kwargs)
    value = function(*map(value_of, args), **values_of(kwargs))
    if not isinstance(value, np.ndarray | np.generic):
        trace.leak(f"np.{function.__name__} (printing a tensor calls it)" if isinstance(value, str) else "np.asarray")
        raise TraceError(f"np.{function.__name__} returns a {type(value).__name__}, which is not followed in a trace")
    if any(isinstance(v, Proxy) for v in kwargs.values()):
        raise TraceError(f"np.{function.__name__}: pass arrays by position in a step that is compiled")
    return trace.made("call", function, tuple(_frozen(a) for a in args), value, kwargs)


def _frozen(arg: Any) -> Any:
    return tuple(arg) if isinstance(arg, list) else arg


class Here:
    """Where an array stands in an index."""


def pick(x: Any, *arrays: Any, form: tuple[Any, ...]) -> Any:
    """x at an index with arrays."""
    rest = iter(arrays)
    return x[tuple(next(rest) if i is Here else i for i in form)]


def basic(index: Any) -> bool:
    """An index that makes a view."""
    items, plain = index if isinstance(index, tuple) else (index,), (slice, int, np.integer)
    return all(i is None or i is Ellipsis or (isinstance(i, plain) and not isinstance(i, bool)) for i in items)


# Functions of NumPy that have a kind of their own


def _like(function: Any) -> Callable[..., Any]:
    def make(trace: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        value = function(value_of(x), *args, **kwargs)
        filling = 0 if function is np.zeros_like else 1 if function is np.ones_like else None
        if function is np.full_like:
            filling = args[0]
        if filling is None:
            return trace.made("fill", None, (0,), np.zeros_like(value), {"empty": True})
        return trace.made("fill", None, (filling,), value)

    return make


def _where(trace: Any, condition: Any, a: Any, b: Any) -> Any:
    args = condition, a, b
    return trace.made("where", np.where, args, np.where(*map(value_of, args)))


def _broadcast(trace: Any, x: Any, shape: Any, subok: bool = False) -> Any:
    if not isinstance(x, Proxy):
        return np.broadcast_to(x, shape)
    value = np.broadcast_to(value_of(x), shape)
    return x if value.shape == x.shape else x.view("broadcast_to", value, shape=value.shape)


def _cat(trace: Any, arrays: Any, axis: int = 0) -> Any:
    arrays = tuple(arrays)
    return trace.made("cat", np.concatenate, (arrays,), np.concatenate(value_of(arrays), axis=axis), {"axis": axis})


def _shape(trace: Any, x: Any) -> Any:
    return x.shape


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.shape: _shape,
    np.ndim: lambda trace, x: x.ndim,
    np.size: lambda trace, x: x.size,
    np.sum: lambda trace, x, axis=None, keepdims=False, **k: np.add.reduce(x, axis=axis, keepdims=keepdims),
    np.where: _where,
    np.broadcast_to: _broadcast,
    np.concatenate: _cat,
    np.reshape: lambda trace, x, shape: x.reshape(shape),
    np.ravel: lambda trace, x: x.reshape(-1),
    np.transpose: lambda trace, x, axes=None: x.transpose(*(() if axes is None else (axes,))),
    np.swapaxes: lambda trace, x, a, b: x.swapaxes(a, b),
    np.dot: lambda trace, a, b: trace.made("product", np.dot, (a, b), np.dot(value_of(a), value_of(b))),
    np.clip: lambda trace, x, low, high: trace.made(
        "filled", np.clip, (x, low, high), np.clip(*map(value_of, (x, low, high)))
    ),
    np.squeeze: lambda trace, x, axis=None: x.reshape(np.squeeze(value_of(x), axis).shape),
    np.expand_dims: lambda trace, x, axis: x.reshape(np.expand_dims(value_of(x), axis).shape),
    np.take: lambda trace, x, indices, axis=None: x.take(indices, axis),
    np.copy: lambda trace, x, **k: x.copy(),
    **{function: _like(function) for function in (np.zeros_like, np.ones_like, np.empty_like, np.full_like)},
}
