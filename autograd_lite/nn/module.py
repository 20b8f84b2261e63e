"""`Parameter` and `Module`: named parameters in the order of their definition, nested."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from weakref import ref

import numpy as np
import numpy.typing as npt

from autograd_lite.core import Tensor, leaf
from autograd_lite.memory import tick, written
from autograd_lite.modes import changes, contexts, mode
from autograd_lite.nn.html import table


class Parameter(Tensor):
    """A leaf that a Module lists among its parameters; it takes over the data without a copy.

    >>> import autograd_lite as al
    >>> al.nn.Parameter(al.zeros(2))
    Parameter containing:
    tensor([0., 0.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: npt.ArrayLike | Tensor, requires_grad: bool = True) -> None:
        super().__init__(data.data if isinstance(data, Tensor) else np.asarray(data))
        if requires_grad:
            self.node = leaf(self)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Module:
    """Something with parameters and a `forward`. Assigning a Parameter or a Module to an attribute registers it.

    >>> import autograd_lite as al
    >>> class Line(al.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.slope = al.nn.Parameter(al.ones(1))
    ...     def forward(self, x):
    ...         return x * self.slope
    >>> line = Line()
    >>> line(al.tensor([3.0])), [name for name, _ in line.named_parameters()]
    (tensor([3.], grad_fn=<multiply>), ['slope'])
    """

    training: bool
    _parameters: dict[str, Parameter]
    _buffers: dict[str, Tensor]
    _modules: dict[str, Module]

    def __init__(self) -> None:
        for name, value in (("_parameters", {}), ("_buffers", {}), ("_modules", {}), ("training", True)):
            object.__setattr__(self, name, value)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What calling the module computes; each Module defines its own."""
        raise TypeError(f"{type(self).__name__} has no forward: define `def forward(self, x)`")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call `forward`; the nodes of what it returns note the call, for pictures."""
        if contexts.special and mode.tracer is not None:
            mode.tracer.entered(self)
        start = tick()
        output = self.forward(*args, **kwargs)
        if isinstance(output, Tensor):
            node = output.node
            if node is not None and node.seq > start:
                node.call = (ref(self), type(self), start, tick(), node.call)
        elif isinstance(output, tuple | list | dict):
            _note_call(output, (ref(self), type(self), start, tick()))
        return output

    # Registered things stand in `__dict__` as well, where attribute look-up finds them without a detour.

    def __setattr__(self, name: str, value: Any) -> None:
        changes.count += 1
        buffers = self.__dict__.get("_buffers", {})
        home = "_parameters" if isinstance(value, Parameter) else "_modules" if isinstance(value, Module) else None
        if home is None and name in buffers and isinstance(value, Tensor):
            home = "_buffers"
        if home is not None and home not in self.__dict__:
            raise AttributeError(
                f"{type(self).__name__}.__init__ must call super().__init__() before it assigns {name!r}"
            )
        if home != "_parameters" and value is not None and name in self.__dict__.get("_parameters", {}):
            raise TypeError(
                f"{name!r} is a parameter of {type(self).__name__}, and a {type(value).__name__} cannot take its "
                "place: assign an nn.Parameter, or None, or delete it first"
            )
        for other in ("_parameters", "_buffers", "_modules"):
            if other != home:
                self.__dict__.get(other, {}).pop(name, None)
        if home is not None:
            self.__dict__[home][name] = value
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        for home in ("_parameters", "_buffers", "_modules"):
            self.__dict__[home].pop(name, None)

    def register_buffer(self, name: str, tensor: Tensor) -> None:
        """A tensor that belongs to the state but is not trained."""
        self._buffers[name] = tensor
        setattr(self, name, tensor)

    # Walks: definition order, each tensor and module once

    def named_modules(self, prefix: str = "", remove_duplicate: bool = True) -> Iterator[tuple[str, Module]]:
        """This module and all under it, with their paths: "", "0", "0.1"...; a shared one once, or at every path."""
        seen: set[int] = set()
        stack: list[tuple[str | None, Module]] = [(prefix, self)]
        while stack:
            path, module = stack.pop()
            if path is None:
                seen.discard(id(module))
            elif id(module) not in seen:
                seen.add(id(module))
                yield path, module
                if not remove_duplicate:
                    stack.append((None, module))
                dot = f"{path}." if path else ""
                stack += [(dot + name, child) for name, child in reversed(module._modules.items())]

    def _named(self, home: str, prefix: str) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, module in self.named_modules(prefix):
            for name, value in module.__dict__[home].items():
                if id(value) not in seen:
                    seen.add(id(value))
                    yield (f"{path}.{name}" if path else name), value

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """All parameters with their paths, in order of definition; a shared one once."""
        return self._named("_parameters", prefix)

    def parameters(self) -> Iterator[Parameter]:
        """All parameters, in order of definition."""
        return (p for _, p in self.named_parameters())

    def named_buffers(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """All buffers with their paths."""
        return self._named("_buffers", prefix)

    def buffers(self) -> Iterator[Tensor]:
        """All buffers."""
        return (b for _, b in self.named_buffers())

    def modules(self) -> Iterator[Module]:
        """This module and all under it."""
        return (m for _, m in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly under this one, with their names."""
        return iter(self._modules.items())

    def children(self) -> Iterator[Module]:
        """The modules directly under this one."""
        return iter(self._modules.values())

    def apply(self, function: Callable[[Module], Any]) -> Module:
        """Call the function on every module under this one, and then on this one."""
        for module in reversed(list(self.modules())):
            function(module)
        return self

    # Modes

    def train(self, mode: bool = True) -> Module:
        """Training behaviour on or off (dropout), for all modules."""
        changes.count += 1
        for module in self.modules():
            object.__setattr__(module, "training", mode)
        return self

    def eval(self) -> Module:
        """Evaluation behaviour: `train(False)`."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        """Freeze all parameters, or thaw them."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or with `set_to_none=False` make them zero."""
        for parameter in self.parameters():
            clear_grad(parameter, set_to_none)

    # State

    def state_dict(self) -> dict[str, Tensor]:
        """All parameters and buffers by path, as constants that share their memory; a shared one under every path."""
        state: dict[str, Tensor] = {}
        for path, module in self.named_modules(remove_duplicate=False):
            for name, value in (*module._parameters.items(), *module._buffers.items()):
                state[f"{path}.{name}" if path else name] = value.detach()
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> tuple[list[str], list[str]]:
        """Copy values into the parameters and buffers, in place; returns the missing and the unexpected names.

        Nothing is changed unless all fits. Raises RuntimeError with both lists of names where they do not match
        (unless `strict=False`), ValueError with all shapes and kinds of number that do not fit.
        """
        own = self.state_dict()
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        if strict and (missing or unexpected):
            raise RuntimeError(
                f"load_state_dict for {type(self).__name__}: missing {missing or 'nothing'}, unexpected "
                f"{unexpected or 'nothing'}; strict=False loads what matches"
            )
        new = {n: np.asarray(v.data if isinstance(v, Tensor) else v) for n, v in state_dict.items() if n in own}
        wrong = [f"{n}: {v.shape} for {own[n].shape}" for n, v in new.items() if v.shape != own[n].shape]
        if wrong:
            raise ValueError(f"load_state_dict for {type(self).__name__}: shapes differ: {'; '.join(wrong)}")
        wrong = [f"{n}: {v.dtype}" for n, v in new.items() if not np.can_cast(v.dtype, own[n].dtype, "same_kind")]
        if wrong:
            raise ValueError(f"load_state_dict for {type(self).__name__}: not such numbers: {'; '.join(wrong)}")
        for name, value in new.items():
            own[name].data[...] = value
        written([own[name].data for name in new], "load_state_dict")
        return missing, unexpected

    def extra_repr(self) -> str:
        """What the repr says between the parentheses."""
        return ""

    def __repr__(self) -> str:
        lines: list[str] = []
        stack: list[tuple[int, str, Module | None]] = [(0, "", self)]
        while stack:
            depth, name, module = stack.pop()
            head = "  " * depth + (f"({name}): " if name else "")
            if module is None:
                lines.append("  " * depth + ")")
            elif module._modules:
                lines.append(f"{head}{type(module).__name__}(")
                lines += ["  " * (depth + 1) + line for line in module.extra_repr().splitlines()]
                stack.append((depth, "", None))
                stack += [(depth + 1, n, m) for n, m in reversed(module._modules.items())]
            else:
                lines.append(f"{head}{type(module).__name__}({module.extra_repr()})")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return table(type(self).__name__, self.named_modules())


def clear_grad(parameter: Tensor, set_to_none: bool) -> None:
    """Forget a gradient, or make it zero."""
    node = parameter.node or getattr(parameter, "_frozen", None)
    if node is not None and node.notes is not None:
        if contexts.special and mode.tracer is not None:
            mode.tracer.clear(node)
        if node.notes.grad is None:
            return
        node.notes.grad = None if set_to_none else np.zeros_like(parameter.data)


def _note_call(outputs: Any, call: tuple[ref[Any], type, int, int]) -> None:
    """Note a call in the nodes of all Tensors in tuples, lists and dicts, each once."""
    stack, seen = [outputs], set()
    while stack:
        output = stack.pop()
        if id(output) in seen:
            continue
        seen.add(id(output))
        if isinstance(output, Tensor):
            if output.node is not None and output.node.seq > call[2]:
                output.node.call = (*call, output.node.call)
        elif isinstance(output, tuple | list):
            stack += output
        elif isinstance(output, dict):
            stack += output.values()
