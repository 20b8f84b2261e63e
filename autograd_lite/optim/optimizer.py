"""`Optimizer`: parameter groups, and what every rule of learning shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.memory import Array, written
from autograd_lite.modes import changes, contexts, mode
from autograd_lite.nn.module import clear_grad
from autograd_lite.sparse import RowSparse

LARGE = 4096  # elements from which a product goes into a buffer that is kept: a fresh one costs page faults


class Group(dict[str, Any]):
    """Parameters with their settings, which compiled steps take for constant: a change is counted."""


def _counted(name: str) -> Any:
    change = getattr(dict, name)

    @wraps(change)
    def counted(self: Group, *args: Any, **kwargs: Any) -> Any:
        changes.count += 1
        if name != "__init__" and contexts.special and mode.tracer is not None:
            mode.tracer.refuse("changing an optimizer's settings")
        return change(self, *args, **kwargs)

    return counted


for _name in ("__init__", "__setitem__", "__delitem__", "__ior__", "update", "setdefault", "pop", "popitem", "clear"):
    setattr(Group, _name, _counted(_name))


class Optimizer:
    """A rule of learning over parameters, given as tensors or as groups, dicts with "params" and settings of their own.

    A subclass defines `update(parameter, gradient, group)`, which changes `parameter.data` in place; what it wants
    to remember of a parameter is in `self.state[parameter]`. Raises ValueError where there is nothing to train.
    """

    def __init__(self, params: Iterable[Any], **defaults: Any) -> None:
        if isinstance(params, Tensor):
            raise TypeError("an optimizer takes a list of parameters, and got one Tensor: pass [w]")
        items = list(params)
        if not items:
            raise ValueError(
                "an optimizer needs parameters, and got none: pass model.parameters(); Modules in a plain list are not "
                "found, in a Sequential they are"
            )
        groups = items if isinstance(items[0], dict) else [{"params": items}]
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        for group in groups:
            self.add_param_group(group)
        self.state: dict[Tensor, dict[str, Any]] = {}
        self._scratch: dict[np.dtype[Any], Array] = {}

    def add_param_group(self, group: dict[str, Any]) -> None:
        """Train more parameters, with settings of their own. Raises where one is no leaf, or is there already."""
        params = group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        seen = {id(p) for g in self.param_groups for p in g["params"]}
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(f"an optimizer trains tensors, and got {type(p).__name__}: pass model.parameters()")
            if not p.is_leaf:
                raise TypeError(f"an optimizer trains leaf tensors, and got the result of an op: {p.node!r}")
            if id(p) in seen:
                raise ValueError("a parameter was given to the optimizer twice")
            seen.add(id(p))
        unknown = group.keys() - self.defaults.keys() - {"params"}
        if unknown:
            raise TypeError(f"{type(self).__name__} has no setting {', '.join(sorted(unknown))}")
        self.param_groups.append(Group({**self.defaults, **group, "params": params}))

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or with `set_to_none=False` make them zero."""
        for group in self.param_groups:
            for p in group["params"]:
                clear_grad(p, set_to_none)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient, in place; returns what the closure, if given, returns."""
        loss = None if closure is None else closure()
        changed, tracer = [], mode.tracer if contexts.special else None
        if tracer is not None:
            tracer.stepping(self)
        if mode.listener is not None:
            mode.listener.stepping(self)
        for group in self.param_groups:
            for p in group["params"]:
                g = None if p.node is None else p.node.notes.grad
                if g is not None:
                    g = g if not isinstance(g, Tensor) else g.data
                    if tracer is None:
                        self.update(p, g, group)
                        changed.append(p._array)
                    else:
                        tracer.updating(self, p, g, group)
        if changed:
            written(changed, "optimizer.step()")
        return loss

    def update(self, p: Tensor, g: Array | RowSparse, group: dict[str, Any]) -> None:
        """Change one parameter."""
        raise TypeError(f"{type(self).__name__} defines no update")

    def scaled(self, g: Array, factor: float) -> Array:
        """factor * g, to be used at once: for large arrays in a buffer that the next call uses again."""
        if g.size < LARGE or type(g) is not np.ndarray:
            return g * factor
        buffer = self._scratch.get(g.dtype)
        if buffer is None or buffer.size < g.size:
            buffer = self._scratch[g.dtype] = np.empty(g.size, g.dtype)
        return np.multiply(g, factor, out=buffer[: g.size].reshape(g.shape))

    def add(self, target: Array, g: Array | RowSparse, factor: float) -> None:
        """target += factor * g in place; of a row-sparse g only its rows are touched."""
        if isinstance(g, RowSparse):
            g.add_to(target, factor)
        else:
            target += g * factor if g.size < LARGE else self.scaled(g, factor)

    def __repr__(self) -> str:
        groups = ["  " + ", ".join(f"{k}={v!r}" for k, v in g.items() if k != "params") for g in self.param_groups]
        return f"{type(self).__name__}(\n" + "\n".join(groups) + "\n)"


def refuse_negative(**settings: float) -> None:
    """Raise ValueError for a setting that cannot be below zero and is."""
    for name, value in settings.items():
        if not value >= 0:
            raise ValueError(f"{name} is {value}, and cannot be negative")
