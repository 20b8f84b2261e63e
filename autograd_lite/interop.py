"""NumPy's functions on Tensors: recorded where there is a rule, refused by name where there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from autograd_lite import ops
from autograd_lite.core import Tensor, ufuncs


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


REDUCTIONS: dict[np.ufunc, Callable[..., Any]] = {np.add: ops.sum, np.maximum: ops.amax, np.minimum: ops.amin}


def array_ufunc(self: Any, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """NumPy's protocol for its ufuncs: `np.exp(x)`, `array * x`, `np.add.reduce(x, axis=0)`."""
    if method == "__call__" and ufunc in ufuncs and not kwargs:
        return ufuncs[ufunc](*inputs)
    if method == "reduce" and ufunc in REDUCTIONS and kwargs.keys() <= {"axis", "keepdims"} and len(inputs) == 1:
        return REDUCTIONS[ufunc](inputs[0], **{"axis": 0, **kwargs})
    name = f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
    if kwargs.get("out") is not None:
        raise TypeError(
            f"{name} into out= with a Tensor: an array cannot carry a graph. Write a = a + x in place of a += x"
        )
    return _untracked(name, getattr(ufunc, method), inputs, kwargs)


# NumPy's third positional argument is a dtype or out=, which nothing here serves: so the rest is by keyword


def _amax(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return ops.amax(x, axis, keepdims)


def _amin(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return ops.amin(x, axis, keepdims)


def _var(x: Any, axis: Any = None, *, ddof: int = 0, keepdims: bool = False) -> Any:
    return ops.var(x, axis=axis, correction=ddof, keepdims=keepdims)


def _std(x: Any, axis: Any = None, *, ddof: int = 0, keepdims: bool = False) -> Any:
    return ops.std(x, axis=axis, correction=ddof, keepdims=keepdims)


def _clip(x: Any, a_min: Any = None, a_max: Any = None) -> Any:
    return ops.clamp(x, a_min, a_max)


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    matrix = x.ndim == 2 if axis is None else np.size(axis) == 2
    if ord not in (None, 2, "fro") or (ord == 2 and matrix):
        raise TypeError(f"np.linalg.norm with ord={ord!r} has no derivative rule here; the Euclidean norm has")
    return ops.norm(x, 2, axis, keepdims)


def _array_split(x: Any, sections: Any, axis: int = 0) -> list[Any]:
    """np.split: equal parts, or cuts at places."""
    size = x.shape[axis]
    if isinstance(sections, int | np.integer):
        if size % sections:
            raise ValueError(f"np.split: {size} does not divide into {sections} equal parts")
        return list(ops.split(x, size // sections, axis))
    cuts = [0, *sections, size]
    return list(ops.split(x, [b - a for a, b in pairwise(cuts)], axis))


def _concatenate(xs: Any, axis: int | None = 0) -> Any:
    return ops.cat([ops.flatten(x) for x in xs], 0) if axis is None else ops.cat(xs, axis)


FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.sum: lambda x, axis=None, *, keepdims=False: ops.sum(x, axis, keepdims),
    np.mean: lambda x, axis=None, *, keepdims=False: ops.mean(x, axis, keepdims),
    np.var: _var,
    np.std: _std,
    np.max: _amax,
    np.amax: _amax,
    np.min: _amin,
    np.amin: _amin,
    np.argmax: lambda x, axis=None, *, keepdims=False: ops.argmax(x, axis, keepdims),
    np.argmin: lambda x, axis=None, *, keepdims=False: ops.argmin(x, axis, keepdims),
    np.dot: ops.dot,
    np.clip: _clip,
    np.where: ops.where,
    np.round: lambda x: ops.round(x),
    np.linalg.norm: _norm,
    np.reshape: lambda x, shape: ops.reshape(x, shape),
    np.ravel: lambda x: ops.flatten(x),
    np.transpose: lambda x, axes=None: ops.transpose(x, axes),
    np.swapaxes: ops.transpose,
    np.squeeze: lambda x, axis=None: ops.reshape(x, np.squeeze(x.data, axis).shape),
    np.expand_dims: lambda x, axis: ops.reshape(x, np.expand_dims(x.data, axis).shape),
    np.broadcast_to: ops.broadcast_to,
    np.concatenate: _concatenate,
    np.stack: lambda xs, axis=0: ops.stack(xs, axis),
    np.split: _array_split,
    np.copy: lambda x: ops.clone(x),
    np.shape: lambda x: x.shape,
    np.ndim: lambda x: x.ndim,
    np.size: lambda x, axis=None: x.data.size if axis is None else x.shape[axis],
    np.zeros_like: lambda x, dtype=None: Tensor(np.zeros_like(x.data, dtype=dtype)),
    np.ones_like: lambda x, dtype=None: Tensor(np.ones_like(x.data, dtype=dtype)),
}


def array_function(self: Any, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
    """NumPy's protocol for its other functions: `np.sum(x, axis=0)`, `np.concatenate([x, y])`."""
    ours = FUNCTIONS.get(function)
    if ours is not None:
        return ours(*args, **kwargs)
    module = function.__module__.replace("numpy", "np", 1)
    return _untracked(f"{module}.{function.__name__}", function, args, kwargs)
