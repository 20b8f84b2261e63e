"""What a step changes, as it was before: parameters, buffers, gradients, modes, optimizers, schedules, generators."""

from __future__ import annotations

import copy
import random
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd_lite.core import Node, Tensor
from autograd_lite.memory import Array, written
from autograd_lite.modes import changes
from autograd_lite.nn import Module
from autograd_lite.optim import Optimizer
from autograd_lite.random import set_state, state_of


class _Values:
    """The values of a dict: arrays by what is in them, dicts and lists by what is in these, anything else as it is."""

    def __init__(self, values: dict[Any, Any]) -> None:
        self.values, self.before = values, {key: _saved(value) for key, value in values.items()}

    def restore(self) -> dict[Any, Any]:
        """The dict as it was, the arrays in it the same ones."""
        before = {key: back() for key, back in self.before.items()}
        for key in [k for k in self.values if k not in before]:
            dict.pop(self.values, key)
        for key, value in before.items():
            dict.__setitem__(self.values, key, value)
        return self.values


def _saved(value: Any) -> Callable[[], Any]:
    """A function that gives a value back as it is now."""
    if isinstance(value, np.ndarray):
        numbers = value.copy()
        return lambda: _written(value, numbers)
    if isinstance(value, dict):
        return _Values(value).restore
    if type(value) is list:
        items = list(value)
        return lambda: _refilled(value, items)
    return lambda: value


def _written(array: Array, numbers: Array) -> Array:
    if array.flags.writeable:
        array[...] = numbers
    return array


def _refilled(items: list[Any], before: list[Any]) -> list[Any]:
    items[:] = before
    return items


class State:
    """Everything met so far, as it was when it was met."""

    def __init__(self) -> None:
        self._tensors: dict[int, tuple[Tensor, Array, Array, Node | None, Callable[[], Any]]] = {}
        self._things: dict[int, tuple[Any, _Values]] = {}
        self._generators: dict[int, tuple[Any, Any]] = {}
        self._numpy, self._python = np.random.get_state(), random.getstate()

    def tensor(self, tensor: Tensor) -> None:
        """Keep a tensor's numbers, its gradient, and whether it requires one."""
        if id(tensor) not in self._tensors:
            grad = None if tensor.node is None or tensor.node.notes is None else tensor.node.notes.grad
            self._tensors[id(tensor)] = tensor, tensor._array, tensor._array.copy(), tensor.node, _saved(grad)

    def module(self, module: Module) -> None:
        """Keep a module with all under it: attributes, modes, parameters and buffers."""
        if id(module) in self._things:
            return
        for part in module.modules():
            self._thing(part)
            for tensor in (*part._parameters.values(), *part._buffers.values()):
                if tensor is not None:
                    self.tensor(tensor)

    def optimizer(self, optimizer: Optimizer) -> None:
        """Keep an optimizer's settings and state, and what it trains."""
        self._thing(optimizer)
        for group in optimizer.param_groups:
            self._thing(group, group)
            for p in group["params"]:
                self.tensor(p)

    def generator(self, generator: Any, state: Any = None) -> None:
        """Keep a generator's state."""
        self._generators.setdefault(id(generator), (generator, state or state_of(generator)))

    def _thing(self, thing: Any, values: dict[Any, Any] | None = None) -> None:
        if id(thing) not in self._things:
            self._things[id(thing)] = thing, _Values(vars(thing) if values is None else values)

    def met(self, value: Any) -> None:
        """Keep whatever this is, if it is something that a step may change."""
        if isinstance(value, Tensor):
            if value.node is not None and value.node.op is None:
                self.tensor(value)
        elif isinstance(value, Module):
            self.module(value)
        elif isinstance(value, Optimizer):
            self.optimizer(value)
        elif isinstance(value, np.random.Generator | np.random.RandomState):
            self.generator(value, copy.deepcopy(state_of(value)))
        elif type(value).__module__.startswith("autograd_lite.optim"):  # a schedule
            self._thing(value)

    def restore(self) -> None:
        """Put everything back."""
        for _, values in self._things.values():
            values.restore()
        for tensor, array, numbers, node, grad in self._tensors.values():
            _written(array, numbers)
            tensor._array, tensor.node = array, node
            if node is not None and (grad() is not None or node.notes is not None):
                node.annotate().grad = grad()
        written([array for _, array, *_ in self._tensors.values()], "al.lint()")
        for generator, state in self._generators.values():
            set_state(generator, state)
        np.random.set_state(self._numpy)
        random.setstate(self._python)
        changes.count += 1


def outside(step: Any, args: tuple[Any, ...]) -> Iterator[Any]:
    """What a step can reach by name: its arguments, its closure, the globals that its code names, its own object."""
    stack: list[Any] = [step, *args]
    seen: set[int] = set()
    while stack:
        value = stack.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        yield value
        if isinstance(value, types.MethodType):
            stack += [value.__func__, value.__self__, *vars(value.__self__).values()] if _plain(value.__self__) else []
            stack.append(value.__func__)
        elif isinstance(value, types.FunctionType) and not str(value.__module__).startswith("autograd_lite."):
            stack += [cell.cell_contents for cell in value.__closure__ or () if cell != types.CellType()]
            stack += [value.__globals__[n] for n in _named(value.__code__) if n in value.__globals__]
            stack += value.__defaults__ or ()
        elif isinstance(value, list | tuple):
            stack += value if len(value) < 1000 else ()
        elif isinstance(value, dict):
            stack += value.values() if len(value) < 1000 else ()
        elif hasattr(value, "func") and hasattr(value, "args"):  # functools.partial
            stack += [value.func, *value.args]


def _plain(thing: Any) -> bool:
    return hasattr(thing, "__dict__") and not isinstance(thing, types.ModuleType)


def _named(code: types.CodeType) -> set[str]:
    """The names that code asks for, with those of the functions in it."""
    names, stack = set[str](), [code]
    while stack:
        one = stack.pop()
        names.update(one.co_names)
        stack += [constant for constant in one.co_consts if isinstance(constant, types.CodeType)]
    return names
