"""`Optimizer`: parameter groups, and what every rule of learning shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.memory import Array, written
from autograd_lite.modes import changes, contexts, mode
from autograd_lite.nn.parameter import clear_grad
from autograd_lite.optim.states import loaded, saved
from autograd_lite.sparse import RowSparse

LARGE = 4096  # elements from which a product goes into a buffer that is kept: a fresh one costs page faults
FOREIGN = {"params", "foreach", "fused", "capturable", "differentiable"}  # settings of PyTorch's kernels


class Group(dict[str, Any]):
    """Parameters with their settings, which compiled steps take for constant: a change is counted."""


class Items(list[Any]):
    """Groups, or the parameters of one: as in `Group`, a change is counted."""


class States(dict[Tensor, dict[str, Any]]):
    """What is remembered of parameters: compiled steps know where, so that another place is counted."""

    def __setitem__(self, p: Tensor, state: dict[str, Any]) -> None:
        changes.count += 1
        super().__setitem__(p, state)

    def setdefault(self, p: Tensor, default: Any = None) -> Any:
        """As a dict's, counted where something is added."""
        if p not in self:
            self[p] = default
        return self[p]


def _counted(kind: type, name: str) -> Any:
    change = getattr(kind.__base__, name)

    @wraps(change)
    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        changes.count += 1
        if name != "__init__" and contexts.special and mode.tracer is not None:
            mode.tracer.refuse("changing an optimizer's settings")
        return change(self, *args, **kwargs)

    return counted


_own = {
    Group: ("__setitem__", "__ior__", "update", "setdefault", "popitem"),
    States: ("__ior__", "update", "popitem"),  # rules make states in steps, one at a time
    Items: ("__setitem__", "__iadd__", "append", "extend", "insert", "remove", "reverse", "sort"),
}
for _kind, _names in _own.items():
    for _name in ("__init__", "__delitem__", "pop", "clear", *_names):
        setattr(_kind, _name, _counted(_kind, _name))


class Optimizer:
    """A rule of learning over parameters, given as tensors or as groups, dicts with "params" and settings of their own.

    A subclass defines `update(parameter, gradient, group)`, which changes `parameter.data` in place; what it wants to
    remember of a parameter is in `self.state[parameter]`. Raises ValueError where there is nothing to train.

    >>> import numpy as np
    >>> import autograd_lite as al
    >>> class Signs(al.optim.Optimizer):
    ...     def update(self, parameter, gradient, group):
    ...         parameter.data -= group["lr"] * np.sign(gradient)
    >>> w = al.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Signs([w], lr=0.25)
    >>> (w**2).sum().backward()
    >>> optimizer.step()
    >>> w.data
    array([ 0.75, -1.75])
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
        self.param_groups: list[dict[str, Any]] = Items()
        for group in groups:
            self.add_param_group(group)
        self.state = States()
        self._scratch: dict[np.dtype[Any], Array] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        changes.count += 1
        object.__setattr__(self, name, States(value) if name == "state" else value)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Train more parameters, with settings of their own. Raises where one is no leaf, or is there already."""
        params = param_group["params"]
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
        unknown = param_group.keys() - self.defaults.keys() - {"params", "initial_lr"}
        if unknown:
            raise TypeError(f"{type(self).__name__} has no setting {', '.join(sorted(unknown))}")
        self.param_groups.append(Group({**self.defaults, **param_group, "params": Items(params)}))

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

    # State, in PyTorch's form

    def state_dict(self) -> dict[str, Any]:
        """What is remembered, and the settings: {"state": {number: {...}}, "param_groups": [{..., "params": [...]}]}.

        Parameters go by number, in the order of the groups. Arrays come as constants that share their memory, counts
        of steps as tensors of one number, as in PyTorch.

        >>> import autograd_lite as al
        >>> w = al.tensor([1.0], requires_grad=True)
        >>> al.optim.SGD([w], lr=0.1).state_dict()["param_groups"][0]["params"]
        [0]
        """
        numbers = {id(p): k for k, p in enumerate(self._all())}
        groups = [{**g, "params": [numbers[id(p)] for p in g["params"]]} for g in self.param_groups]
        state = {numbers[id(p)]: {k: saved(k, v) for k, v in s.items()} for p, s in self.state.items()}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a state that `state_dict` gave, of ours or of PyTorch's optimizer of the same name; it is copied.

        Raises ValueError, and changes nothing, where groups, numbers of parameters or shapes do not fit.
        """
        groups, state = list(state_dict["param_groups"]), state_dict["state"]
        sizes, own = [len(g["params"]) for g in groups], [len(g["params"]) for g in self.param_groups]
        if sizes != own:
            raise ValueError(f"load_state_dict: groups of {sizes} parameters for an optimizer with groups of {own}")
        names = [k for g in groups for k in g["params"]]
        by_name = dict(zip(names, self._all(), strict=True))
        if unknown := [k for k in state if k not in by_name and int(k) not in by_name]:
            raise ValueError(f"load_state_dict: a state for parameters {unknown}, which are in no group")
        known = {by_name[k] if k in by_name else by_name[int(k)]: s for k, s in state.items()}
        new = {p: {k: loaded(k, v, p) for k, v in s.items()} for p, s in known.items()}
        for group, given in zip(self.param_groups, groups, strict=True):
            settings = {k: v for k, v in given.items() if k not in FOREIGN}
            group.update({k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()})
        self.state = States(new)

    def _all(self) -> list[Tensor]:
        """All parameters, in order."""
        return [p for group in self.param_groups for p in group["params"]]

    # What rules are made of

    def memory(self, p: Tensor, *names: str) -> dict[str, Any]:
        """What is remembered of a parameter: at first the number of steps, 0, and arrays of zeros of these names."""
        state: dict[str, Any] = self.state.setdefault(p, {})
        if not state:
            state["step"] = 0
            state.update((name, np.zeros_like(p._array)) for name in names)
        return state

    def dense(self, p: Tensor, g: Array | RowSparse, group: dict[str, Any]) -> Array:
        """The gradient as an array of its own, its sign changed for `maximize`, weight decay added."""
        sign = -1.0 if group["maximize"] else 1.0
        if group["weight_decay"]:
            whole: Array = np.multiply(p._array, group["weight_decay"], out=np.empty_like(p._array))
            self.add(whole, g, sign)
            return whole
        return (g.to_dense() if isinstance(g, RowSparse) else g) * sign

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


def root(v: Array) -> Array:
    """√v as an array of its own, of no dimensions, too."""
    result: Array = np.sqrt(v, out=np.empty_like(v))
    return result


def refuse_negative(**settings: float) -> None:
    """Raise ValueError for a setting that cannot be below zero and is."""
    for name, value in settings.items():
        if not value >= 0:
            raise ValueError(f"{name} is {value}, and cannot be negative")
