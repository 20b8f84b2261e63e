"""NumPy's functions on Tensors: recorded where there is a rule, refused by name where there is none."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from autograd_lite import ops
from autograd_lite.core import Tensor, ufuncs
from autograd_lite.ops import elementwise


def _tensors(values: Iterable[Any]) -> list[Tensor]:
    """The tensors among arguments, lists and tuples of them included."""
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += _tensors(value)
    return found


def _arrays(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.data
    return type(value)(map(_arrays, value)) if isinstance(value, list | tuple) else value


def _untracked(name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A function without a rule: run on constants, refused where a gradient would be lost."""
    if any(t.node is not None for t in _tensors((*args, *kwargs.values()))):
        raise TypeError(
            f"{name} has no derivative rule here, and a tensor that requires a gradient was given to it. Write it with "
            "al's functions, define it with al.primitive, or pass x.detach() if no gradient is meant"
        )
    result = function(*map(_arrays, args), **{k: _arrays(v) for k, v in kwargs.items()})
    return Tensor(result) if isinstance(result, np.ndarray) else result


REMEDY = "writes behind the graph's back into a Tensor: write x[...] = v or x.copy_(v), which are noted"

WRITERS = {np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis}  # into their first argument


def _refuse_writes(name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise TypeError where a Tensor is what the function would write into."""
    given = _by_numpys_names(function, args, kwargs)
    if isinstance(given.get("out"), Tensor):
        raise TypeError(f"{name} with out= {REMEDY}")
    writes = function in WRITERS or (function is np.nan_to_num and not given.get("copy", True))
    first = args[0] if args else next((kwargs[k] for k in ("dst", "a", "arr", "x") if k in kwargs), None)
    if writes and isinstance(first, Tensor):
        raise TypeError(f"{name} {REMEDY}")


def _by_numpys_names(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call under the names that NumPy gives them; if it gives none, our own, or a number."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # some of those written in C
        signature = inspect.signature(FUNCTIONS.get(function, lambda: None))
    names = [p.name for p in signature.parameters.values() if p.kind is not p.KEYWORD_ONLY]
    return {**{names[k] if k < len(names) else f"number {k + 1}": a for k, a in enumerate(args)}, **kwargs}


REDUCTIONS: dict[np.ufunc, Callable[..., Any]] = {np.add: ops.sum, np.maximum: ops.amax, np.minimum: ops.amin}


def array_ufunc(self: Any, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """NumPy's protocol for its ufuncs: `np.exp(x)`, `array * x`, `np.add.reduce(x, axis=0)`."""
    if method == "__call__" and ufunc in ufuncs and not kwargs:
        return ufuncs[ufunc](*inputs)
    if method == "reduce" and ufunc in REDUCTIONS and kwargs.keys() <= {"axis", "keepdims"} and len(inputs) == 1:
        return REDUCTIONS[ufunc](inputs[0], **{"axis": 0, **kwargs})
    name = f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
    if method == "at" and isinstance(inputs[0], Tensor):
        raise TypeError(f"{name} {REMEDY}")
    if any(isinstance(out, Tensor) for out in kwargs.get("out") or ()):
        raise TypeError(f"{name} into out= {REMEDY}")
    if kwargs.get("out") is not None:
        raise TypeError(
            f"{name} into out= with a Tensor: an array cannot carry a graph. Write a = a + x in place of a += x"
        )
    return _untracked(name, getattr(ufunc, method), inputs, kwargs)


# NumPy's third positional argument is a dtype or out=, which nothing here serves: so the rest is by keyword


def _amax(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return ops.amax(a, axis, keepdims)


def _amin(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return ops.amin(a, axis, keepdims)


def _var(a: Any, axis: Any = None, *, ddof: int = 0, keepdims: bool = False) -> Any:
    return ops.var(a, axis=axis, correction=ddof, keepdims=keepdims)


def _std(a: Any, axis: Any = None, *, ddof: int = 0, keepdims: bool = False) -> Any:
    return ops.std(a, axis=axis, correction=ddof, keepdims=keepdims)


def _clip(a: Any, a_min: Any = None, a_max: Any = None) -> Any:
    return ops.clamp(a, a_min, a_max)


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    matrix = x.ndim == 2 if axis is None else np.size(axis) == 2
    if ord not in (None, 2, "fro") or (ord == 2 and matrix):
        raise TypeError(f"np.linalg.norm with ord={ord!r} has no derivative rule here; the Euclidean norm has")
    return ops.norm(x, 2, axis, keepdims)


def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """np.split: equal parts, or cuts at places."""
    size, sections = ary.shape[axis], indices_or_sections
    if isinstance(sections, int | np.integer):
        if size % sections:
            raise ValueError(f"np.split: {size} does not divide into {sections} equal parts")
        return list(ops.split(ary, size // sections, axis))
    cuts = [0, *sections, size]
    return list(ops.split(ary, [b - a for a, b in pairwise(cuts)], axis))


def _concatenate(arrays: Any, /, axis: int | None = 0) -> Any:
    return ops.cat([ops.flatten(x) for x in arrays], 0) if axis is None else ops.cat(arrays, axis)


FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.sum: lambda a, axis=None, *, keepdims=False: ops.sum(a, axis, keepdims),
    np.mean: lambda a, axis=None, *, keepdims=False: ops.mean(a, axis, keepdims),
    np.var: _var,
    np.std: _std,
    np.max: _amax,
    np.amax: _amax,
    np.min: _amin,
    np.amin: _amin,
    np.argmax: lambda a, axis=None, *, keepdims=False: ops.argmax(a, axis, keepdims),
    np.argmin: lambda a, axis=None, *, keepdims=False: ops.argmin(a, axis, keepdims),
    np.dot: ops.dot,
    np.clip: _clip,
    np.where: elementwise.where,
    np.round: lambda a: ops.round(a),
    np.linalg.norm: _norm,
    np.reshape: lambda a, shape: ops.reshape(a, shape),
    np.ravel: lambda a: ops.flatten(a),
    np.transpose: lambda a, axes=None: ops.transpose(a, axes),
    np.swapaxes: lambda a, axis1, axis2: ops.transpose(a, axis1, axis2),
    np.squeeze: lambda a, axis=None: ops.reshape(a, np.squeeze(a.data, axis).shape),
    np.expand_dims: lambda a, axis: ops.reshape(a, np.expand_dims(a.data, axis).shape),
    np.broadcast_to: lambda array, shape: ops.broadcast_to(array, shape),
    np.concatenate: _concatenate,
    np.stack: lambda arrays, axis=0: ops.stack(arrays, axis),
    np.split: _split,
    np.copy: lambda a: ops.clone(a),
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.size: lambda a, axis=None: a.data.size if axis is None else a.shape[axis],
    np.zeros_like: lambda a, dtype=None: Tensor(np.zeros_like(a.data, dtype=dtype)),
    np.ones_like: lambda a, dtype=None: Tensor(np.ones_like(a.data, dtype=dtype)),
}


def array_function(self: Any, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
    """NumPy's protocol for its other functions: `np.sum(x, axis=0)`, `np.concatenate([x, y])`."""
    ours = FUNCTIONS.get(function)
    name = f"{function.__module__.replace('numpy', 'np', 1)}.{function.__name__}"
    if ours is None:
        _refuse_writes(name, function, args, kwargs)
        return _untracked(name, function, args, kwargs)
    try:
        return ours(*args, **kwargs)
    except TypeError as error:
        raise _explained(error, name, function, args, kwargs) from None


def _explained(error: TypeError, name: str, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> TypeError:
    """The error itself, unless it came of an argument that the registered function does not take."""
    signature = inspect.signature(FUNCTIONS[function])
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        given, parameters = _by_numpys_names(function, args, kwargs), list(signature.parameters)
        if isinstance(given.get("out"), Tensor):
            return TypeError(f"{name} with out= {REMEDY}")
        unserved = [f"{a}=" for a in given if a not in parameters]
        what = f"does not serve {', '.join(unserved)}" if unserved else f"was called with what it cannot take ({error})"
        return TypeError(f"{name} of a Tensor {what}: here it takes {', '.join(parameters)}")
    return error
