"""Functions called otherwise: on each row of a batch, or with other parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.func.trees import leaves, rebuilt, spread
from autograd_lite.nn.module import Module
from autograd_lite.ops import stack


def vmap(func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0) -> Callable[..., Any]:
    """A function that calls `func` on each slice of its arguments along a dimension, and stacks what it returns.

    `in_dims` says along which: a number for all arguments, or a tuple with one for each, or for each thing in it, None
    for what each call gets as it is. `out_dims` is where the new dimension goes, in the same way, None for an output
    that is the same in all calls, and is not stacked. This is a loop: it costs what the calls cost, and saves writing
    it; for speed write the function for a whole batch. Random draws differ from call to call. Raises ValueError for
    arguments of different lengths, none to map over, dimensions that are not of the arguments' or outputs' form, or
    where an output of None differs between calls.

    >>> import autograd_lite as al
    >>> x = al.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> al.func.vmap(al.func.grad(lambda row: (row**2).sum()))(x).tolist()
    [[2.0, 4.0], [6.0, 8.0]]
    """

    def transformed(*args: Any, **kwargs: Any) -> Any:
        given, dims = leaves(args), spread(in_dims, args, "vmap: in_dims")
        pairs = [(t, d) for t, d in zip(given, dims, strict=True) if d is not None]
        if any(not isinstance(t, Tensor) or not -t.ndim <= d < t.ndim for t, d in pairs):
            raise ValueError(f"vmap: in_dims={in_dims} names dimensions of tensors, and not all arguments have them")
        sizes = {t.shape[d] for t, d in pairs}
        if len(sizes) != 1 or sizes == {0}:
            raise ValueError(f"vmap: the arguments have one length, from 1 on, along in_dims, and not {sorted(sizes)}")
        results = []
        for k in range(sizes.pop()):
            row = [t if d is None else _slice(d, k, t) for t, d in zip(given, dims, strict=True)]
            results.append(func(*rebuilt(args, row), **kwargs))
        return _joined(results, out_dims)

    return transformed


def _slice(dim: int, k: int, t: Tensor) -> Any:
    return t[(slice(None),) * (dim % t.ndim) + (k,)]


def _joined(results: list[Any], out_dims: Any) -> Any:
    """What the calls returned, stacked one by one."""
    found = [leaves(result) for result in results]
    if any(not isinstance(t, Tensor) for t in found[0]):
        raise TypeError("vmap: the function returns tensors, or tuples, lists and dicts of them")
    # one output takes a number, or a tuple of one
    whole = (results[0],) if isinstance(results[0], Tensor) and isinstance(out_dims, tuple) else results[0]
    places = spread(out_dims, whole, "vmap: out_dims")
    return rebuilt(results[0], [_output([row[k] for row in found], place) for k, place in enumerate(places)])


def _output(found: list[Tensor], place: int | None) -> Tensor:
    if place is not None:
        return stack(found, place)
    if any(not np.array_equal(t.data, found[0].data, equal_nan=True) for t in found[1:]):
        raise ValueError("vmap: out_dims is None for an output that is not the same in all calls: say where it goes")
    return found[0]


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with tensors in place of some or all of its parameters and buffers, by name; it stays as it was.

    `args` is one argument or a tuple of them. A parameter that is shared is replaced everywhere under any of its names,
    unless `tie_weights=False`. Raises ValueError for names that it has not, and with `strict` for missing ones.

    >>> import autograd_lite as al
    >>> model = al.nn.Linear(2, 1)
    >>> params = {"weight": al.ones(1, 2), "bias": al.zeros(1)}
    >>> loss = lambda p, x: al.func.functional_call(model, p, x).sum()
    >>> al.func.grad(loss)(params, al.tensor([[3.0, 4.0]]))["weight"].tolist()
    [[3.0, 4.0]]
    """
    one = isinstance(parameter_and_buffer_dicts, Mapping)
    dicts: Any = [parameter_and_buffer_dicts] if one else parameter_and_buffer_dicts
    new = {name: tensor for given in dicts for name, tensor in given.items()}
    places = {
        (f"{path}.{name}" if path else name): (owner, name, value)
        for path, owner in module.named_modules(remove_duplicate=False)
        for name, value in (*owner._parameters.items(), *owner._buffers.items())
    }
    unknown, missing = [n for n in new if n not in places], [n for n in places if n not in new]
    by_tensor = {id(places[name][2]): tensor for name, tensor in new.items() if name in places} if tie_weights else {}
    missing = [name for name in missing if id(places[name][2]) not in by_tensor]
    if unknown or (strict and missing):
        raise ValueError(f"functional_call of {type(module).__name__}: unknown {unknown}, missing {missing * strict}")
    swapped = []
    try:
        for name, (owner, attribute, value) in places.items():
            tensor = new.get(name, by_tensor.get(id(value)))
            if tensor is not None:
                swapped.append((owner, attribute, value))
                owner.__dict__[attribute] = tensor
        arguments = () if args is None else args if isinstance(args, tuple) else (args,)
        return module(*arguments, **(kwargs or {}))
    finally:
        for owner, attribute, value in swapped:
            owner.__dict__[attribute] = value
