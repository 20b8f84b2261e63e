"""NumPy's functions on Tensors: recorded where there is a rule, refused by name where there is none."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from autograd_lite import ops
from autograd_lite.core import Tensor, ufuncs
from autograd_lite.numpy_names import ACCUMULATIONS, FUNCTIONS, INSTEAD, PLAIN, REDUCTIONS, REMEDY, UFUNCS, served

_more = served(UFUNCS)


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
    if function not in PLAIN and any(t.node is not None for t in _tensors((*args, *kwargs.values()))):
        instead = INSTEAD.get(name)
        write = f"Write {instead}" if instead else "Write it with al's functions, define it with al.primitive"
        raise TypeError(
            f"{name} has no derivative rule here, and a tensor that requires a gradient was given to it. {write}, or "
            "pass x.detach() if no gradient is meant"
        )
    result = function(*map(_arrays, args), **{k: _arrays(v) for k, v in kwargs.items()})
    return Tensor(result) if isinstance(result, np.ndarray) else result


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


def array_ufunc(self: Any, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """NumPy's protocol for its ufuncs: `np.exp(x)`, `array * x`, `np.add.reduce(x, axis=0)`."""
    if method == "__call__" and ufunc in ufuncs and not kwargs:
        return ufuncs[ufunc](*inputs)
    if method == "__call__" and ufunc in _more and kwargs.keys() <= {"axis"}:
        return _more[ufunc](*inputs, **kwargs)
    reduction, running = REDUCTIONS.get(ufunc, ""), ACCUMULATIONS.get(ufunc, "")
    if method == "reduce" and hasattr(ops, reduction) and kwargs.keys() <= {"axis", "keepdims"} and len(inputs) == 1:
        return getattr(ops, reduction)(inputs[0], kwargs.get("axis", 0), kwargs.get("keepdims", False))
    if method == "accumulate" and hasattr(ops, running) and kwargs.keys() <= {"axis"} and len(inputs) == 1:
        return getattr(ops, running)(inputs[0], kwargs.get("axis", 0))
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
