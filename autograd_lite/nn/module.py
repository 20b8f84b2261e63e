"""`Module`: named parameters in the order of their definition, nested."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ref

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.memory import tick, written
from autograd_lite.modes import changes, contexts, mode
from autograd_lite.nn.casting import Casting
from autograd_lite.nn.hooks import Handle, Hooks
from autograd_lite.nn.html import table
from autograd_lite.nn.parameter import Parameter, clear_grad

if TYPE_CHECKING:
    from typing_extensions import Self


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` found no value for, and no place."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module(Casting):
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
    _transient: frozenset[str] = frozenset()  # buffers that are not saved
    _hooks: Hooks | None = None  # made when the first is registered

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
        output = self.forward(*args, **kwargs) if self._hooks is None else self._hooks.call(self, args, kwargs)
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

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *self._parameters, *self._buffers, *self._modules})

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """A tensor that belongs to the state but is not trained; without `persistent` it is not saved."""
        self._refuse_name(name)
        if tensor is not None:
            self._buffers[name] = tensor
        setattr(self, name, tensor)
        object.__setattr__(self, "_transient", self._transient - {name} if persistent else self._transient | {name})

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """What `self.name = param` does, for a name that is computed."""
        self._refuse_name(name)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"{name!r} is to be an nn.Parameter or None, and this is a {type(param).__name__}")
        setattr(self, name, param)

    def register_module(self, name: str, module: Module | None) -> None:
        """What `self.name = module` does, for a name that is computed."""
        self._refuse_name(name)
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{name!r} is to be a Module or None, and this is a {type(module).__name__}")
        setattr(self, name, module)

    add_module = register_module

    def _refuse_name(self, name: str) -> None:
        """Raise KeyError for a name that no path could have, or that is an attribute already."""
        registered = any(name in self.__dict__.get(home, {}) for home in ("_parameters", "_buffers", "_modules"))
        if not name or "." in name or (hasattr(self, name) and not registered):
            why = (
                "is empty" if not name else "has a dot" if "." in name else f"is an attribute of {type(self).__name__}"
            )
            raise KeyError(f"the name {name!r} {why}: choose another")

    def get_submodule(self, target: str) -> Module:
        """The module at a path such as "encoder.0"; "" is this one. Raises AttributeError where there is none."""
        module = self
        for name in target.split(".") if target else ():
            if name not in module._modules:
                raise AttributeError(f"{type(module).__name__} has no module {name!r}, of the path {target!r}")
            module = module._modules[name]
        return module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a path such as "0.weight". Raises AttributeError where there is none."""
        found: Parameter = self._at(target, "_parameters", "parameter")
        return found

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a path such as "1.running_mean". Raises AttributeError where there is none."""
        found: Tensor = self._at(target, "_buffers", "buffer")
        return found

    def _at(self, target: str, home: str, what: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if name not in module.__dict__[home]:
            raise AttributeError(f"{type(module).__name__} has no {what} {name!r}, of the path {target!r}")
        return module.__dict__[home][name]

    # Hooks

    def _with_hooks(self) -> Hooks:
        if self._hooks is None:
            changes.count += 1
            object.__setattr__(self, "_hooks", Hooks())
        assert self._hooks is not None
        return self._hooks

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """Call `hook(module, args)` before `forward`; what it returns, if anything, takes the place of the arguments.

        With `with_kwargs` it is called `hook(module, args, kwargs)`, and returns both or None.
        """
        return self._with_hooks().add("before", hook, prepend, with_kwargs)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """Call `hook(module, args, output)` after `forward`; what it returns, if anything, takes the output's place.

        >>> import autograd_lite as al
        >>> layer = al.nn.Tanh()
        >>> handle = layer.register_forward_hook(lambda module, args, output: print(output.shape))
        >>> y = layer(al.zeros(2, 3))
        (2, 3)
        >>> handle.remove()
        """
        return self._with_hooks().add("after", hook, prepend, with_kwargs)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Handle:
        """Call `hook(module, grad_input, grad_output)` in the backward pass, both tuples of Tensors or None.

        `grad_input` has an entry for each positional argument, `grad_output` for each tensor that `forward` returns.
        What the hook returns, if anything, takes the place of `grad_input`.
        """
        return self._with_hooks().add("backward", hook, prepend, False)

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

    def _named(self, home: str, prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, module in self.named_modules(prefix, remove_duplicate) if recurse else [(prefix, self)]:
            for name, value in module.__dict__[home].items():
                if id(value) not in seen:
                    if remove_duplicate:
                        seen.add(id(value))
                    yield (f"{path}.{name}" if path else name), value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their paths, in order of definition; a shared one once, or under every path."""
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, in order of definition; without `recurse` those of this module alone."""
        return (p for _, p in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All buffers with their paths."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers; without `recurse` those of this module alone."""
        return (b for _, b in self.named_buffers(recurse=recurse))

    def modules(self) -> Iterator[Module]:
        """This module and all under it."""
        return (m for _, m in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly under this one, with their names."""
        return iter(self._modules.items())

    def children(self) -> Iterator[Module]:
        """The modules directly under this one."""
        return iter(self._modules.values())

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call a function on every module under this one, in their order, and then on this one."""
        order: dict[Module, None] = {}
        waiting: list[Module] = [self]
        while waiting:
            module = waiting.pop()
            if module not in order:
                order[module] = None
                waiting += module.children()
        for module in reversed(order):
            fn(module)
        return self

    # Modes

    def train(self, mode: bool = True) -> Self:
        """Training behaviour on or off (dropout), for all modules."""
        changes.count += 1
        for module in self.modules():
            object.__setattr__(module, "training", mode)
        return self

    def eval(self) -> Self:
        """Evaluation behaviour: `train(False)`."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freeze all parameters, or thaw them."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or with `set_to_none=False` make them zero."""
        for parameter in self.parameters():
            clear_grad(parameter, set_to_none)

    # State

    def state_dict(self, *, prefix: str = "") -> dict[str, Tensor]:
        """All parameters and buffers by path, as constants that share their memory; a shared one under every path.

        `prefix` stands before every path, and ends with its dot.
        """
        state: dict[str, Tensor] = {}
        for path, module in self.named_modules(prefix.removesuffix("."), remove_duplicate=False):
            saved = [(n, b) for n, b in module._buffers.items() if n not in module._transient]
            for name, value in (*module._parameters.items(), *saved):
                state[f"{path}.{name}" if path else name] = value.detach()
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Copy values into the parameters and buffers, in place; returns `missing_keys` and `unexpected_keys`.

        A parameter that has several names needs one of them.

        Nothing is changed unless all fits. Raises RuntimeError with both lists of names where they do not match
        (unless `strict=False`), ValueError with all shapes and kinds of number that do not fit.
        """
        own = self.state_dict()
        held = {id(own[name].data) for name in own if name in state_dict}  # a tied one has one name in some files
        missing = [name for name in own if name not in state_dict and id(own[name].data) not in held]
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
        return IncompatibleKeys(missing, unexpected)

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
