"""What is called before and after a module's `forward`, and in its backward pass."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from autograd_lite.core import Tensor
from autograd_lite.memory import tick
from autograd_lite.ops import cat, clone

if TYPE_CHECKING:
    from autograd_lite.nn.module import Module

Hook = tuple[Callable[..., Any], bool]  # and whether it takes the keyword arguments too


class Handle:
    """A registered hook: `remove()` takes it away."""

    def __init__(self, hooks: dict[int, Hook], key: int) -> None:
        self._hooks, self._key = hooks, key

    def remove(self) -> None:
        """Take the hook away; again does nothing."""
        self._hooks.pop(self._key, None)


class Hooks:
    """The hooks of one module, by when they are called, each kind in order."""

    def __init__(self) -> None:
        self.before: dict[int, Hook] = {}
        self.after: dict[int, Hook] = {}
        self.backward: dict[int, Hook] = {}

    def add(self, when: str, hook: Callable[..., Any], prepend: bool, with_kwargs: bool) -> Handle:
        """One more, at the end of its kind or at its beginning."""
        hooks: dict[int, Hook] = getattr(self, when)
        key, others = tick(), dict(hooks)
        hooks.clear()
        hooks.update({key: (hook, with_kwargs), **others} if prepend else {**others, key: (hook, with_kwargs)})
        return Handle(hooks, key)

    def call(self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """`forward`, with all that is called around it."""
        for hook, with_kwargs in list(self.before.values()):
            made = hook(module, args, kwargs) if with_kwargs else hook(module, args)
            if made is not None and with_kwargs:
                args, kwargs = made
            elif made is not None:
                args = made if isinstance(made, tuple) else (made,)
        around = _Backward(module, [hook for hook, _ in self.backward.values()]) if self.backward else None
        output = module.forward(*(args if around is None else around.inputs(args)), **kwargs)
        for hook, with_kwargs in list(self.after.values()):
            made = hook(module, args, kwargs, output) if with_kwargs else hook(module, args, output)
            output = output if made is None else made
        return output if around is None else around.outputs(output)


class _Backward:
    """The gradients around one call of a module: those of its outputs are kept until those of its inputs are there.

    Several tensors go through one op, so that their gradients are complete together.
    """

    def __init__(self, module: Module, hooks: list[Callable[..., Any]]) -> None:
        self.module, self.hooks = module, hooks
        self.grad_output: tuple[Any, ...] = ()
        self.arguments: list[int] | None = None  # which positional arguments need a gradient
        self.count = 0

    def inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, watched."""
        self.count = len(args)
        self.arguments = [k for k, a in enumerate(args) if isinstance(a, Tensor) and a.node is not None]
        watched = iter(_watched([args[k] for k in self.arguments], self._input_gradients))
        return tuple(next(watched) if k in self.arguments else a for k, a in enumerate(args))

    def outputs(self, output: Any) -> Any:
        """What `forward` returned, watched."""
        parts = list(output) if isinstance(output, tuple | list) else [output]
        places = [k for k, p in enumerate(parts) if isinstance(p, Tensor) and p.node is not None]
        for k, watched in zip(places, _watched([parts[k] for k in places], self._output_gradients), strict=True):
            parts[k] = watched
        if isinstance(output, tuple):
            return type(output)(*parts) if hasattr(output, "_fields") else tuple(parts)
        return parts if isinstance(output, list) else parts[0]

    def _output_gradients(self, gradients: tuple[Any, ...]) -> None:
        self.grad_output = gradients
        if not self.arguments:
            for hook in self.hooks:
                hook(self.module, (None,) * self.count, gradients)

    def _input_gradients(self, gradients: tuple[Any, ...]) -> tuple[Any, ...]:
        given = iter(gradients)
        everything = tuple(next(given) if k in (self.arguments or ()) else None for k in range(self.count))
        for hook in self.hooks:
            made = hook(self.module, everything, self.grad_output)
            if made is not None:
                everything = made if isinstance(made, tuple) else (made,)
        return tuple(everything[k] for k in self.arguments or ())


def _watched(tensors: list[Tensor], seen: Callable[[tuple[Any, ...]], Any]) -> list[Tensor]:
    """The same tensors; `seen` gets their gradients all at once, and may give others in their place."""
    if not tensors:
        return []
    if len(tensors) == 1:
        one: Tensor = clone(tensors[0])
        one.register_hook(lambda g: (seen((g,)) or (None,))[0])
        return [one]
    ends = [0]
    for tensor in tensors:
        ends.append(ends[-1] + tensor.data.size)
    spans = [slice(a, b) for a, b in pairwise(ends)]
    shapes = [tensor.shape for tensor in tensors]
    joined = cat([tensor.reshape(-1) for tensor in tensors])

    def all_at_once(g: Any) -> Any:
        made = seen(tuple(g[span].reshape(shape) for span, shape in zip(spans, shapes, strict=True)))
        return None if made is None else cat([part.reshape(-1) for part in made])

    joined.register_hook(all_at_once)
    return [joined[span].reshape(shape) for span, shape in zip(spans, shapes, strict=True)]
