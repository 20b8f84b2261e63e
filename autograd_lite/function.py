"""`Function`: PyTorch's way to write an op, as an adapter to `primitive`'s."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from autograd_lite.core import GraphError, Node, Op, Tensor
from autograd_lite.memory import Array
from autograd_lite.modes import enable_grad, no_grad


class Context:
    """What `forward` leaves for `backward`: `save_for_backward(...)`, and attributes of any name."""

    needs_input_grad: tuple[bool, ...] = ()
    again: Callable[..., Any]  # `apply` anew on other Tensors: what a gradient check takes differences of

    def __init__(self) -> None:
        self._saved: list[Tensor | None] = []
        self._nodes: list[Node | None] = []  # of what is saved, like the two that follow
        self._keeps_output: list[bool] = []
        self._last: tuple[Callable[[], Any], tuple[Any, ...]] | None = None

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for `backward`, where they are `saved_tensors`, in this order; None stays None."""
        for tensor in tensors:
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(
                    f"save_for_backward takes Tensors, and got a {type(tensor).__name__}: what is none can be an "
                    "attribute, ctx.p = p"
                )
        self._saved = list(tensors)

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What `save_for_backward` kept."""
        return tuple(self._saved)

    def _settle(self, inputs: tuple[Any, ...], output: Tensor) -> tuple[Array | None, ...]:
        """The arrays saved; only nodes stay here, not handles, since the output's would close a cycle."""
        nodes = {id(t): t.node for t in inputs if isinstance(t, Tensor)}
        saved, self._saved = self._saved, []
        self._keeps_output = [t is output for t in saved]
        self._nodes = [nodes.get(id(t)) for t in saved]
        return tuple(None if t is None else t.data for t in saved)

    def _run(self, function: type[Function], g: Any, kept: tuple[Array | None, ...], y: Any) -> tuple[Any, ...]:
        """What `backward` returns, one for each argument; arrays, if g is one."""
        recorded = isinstance(g, Tensor)
        self._saved = [
            None if array is None else (y if recorded else Tensor(y)) if mine else Tensor(array, node)
            for mine, array, node in zip(self._keeps_output, kept, self._nodes, strict=True)
        ]
        try:
            with enable_grad() if recorded else no_grad():
                grads = function.backward(self, g if recorded else Tensor(g))
        finally:
            self._saved = []
        grads = grads if isinstance(grads, tuple) else (grads,)
        if len(grads) != len(self.needs_input_grad):
            raise GraphError(
                f"{function.__name__}.backward returned {len(grads)} gradients for {len(self.needs_input_grad)} "
                "arguments of forward: one for each, None where there is none"
            )
        return tuple(x if recorded or not isinstance(x, Tensor) else x.data for x in grads)

    def _remember(self, g: Any, grads: tuple[Any, ...]) -> None:
        """For the other arguments; recorded ones lead back to here, so they go with g, or there would be a cycle."""
        who = weakref.ref(g, lambda _: setattr(self, "_last", None)) if isinstance(g, Tensor) else lambda: g
        self._last = who, grads


def _in_places(rest: tuple[Any, ...], places: tuple[int, ...], tensors: tuple[Any, ...]) -> list[Any]:
    args = list(rest)
    for k, tensor in zip(places, tensors, strict=True):
        args[k] = tensor
    return args


def _rule(function: type[Function]) -> Any:
    def rule(g: Any, i: int, ctx: Context, kept: tuple[Array | None, ...], places: tuple[int, ...], y: Any) -> Any:
        if ctx._last is None or ctx._last[0]() is not g:
            ctx._remember(g, ctx._run(function, g, kept, y))
        assert ctx._last is not None
        answer = ctx._last[1][places[i]]
        if places[i] == max(p for p in places if ctx.needs_input_grad[p]):
            ctx._last = None
        return answer

    return rule


class Function:
    """An op with a `forward` and a `backward`, both on Tensors; called by `apply`. It has one output.

    `forward(ctx, *args)` computes, unrecorded; `backward(ctx, g)` returns a gradient for each argument, None for
    those that have none. It can be differentiated again where `backward` is written with ops.

    >>> import autograd_lite as al
    >>> class Cube(al.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x * x
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return g * 3 * x * x
    >>> x = al.tensor(2.0, requires_grad=True)
    >>> Cube.apply(x).backward(); x.grad
    tensor(12.)
    """

    _op: Op

    def __init__(self, *args: Any) -> None:
        raise TypeError(f"{type(self).__name__} is called by {type(self).__name__}.apply(...)")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)

        def forward(*xs: Array, again: Any, output: Array | None = None, **others: Any) -> Any:
            return again(*xs) if output is None else output

        attrs = dict.fromkeys(("ctx", "output", "kept", "places", "again"))
        cls._op = Op(cls.__name__, forward, ["*xs"], attrs, {"xs": _rule(cls)})

    @staticmethod
    def forward(ctx: Context, *args: Any) -> Any:
        """The value; what `backward` needs goes to `ctx`."""
        raise TypeError("a Function defines a static method forward(ctx, *args)")

    @staticmethod
    def backward(ctx: Context, g: Any) -> Any:
        """The gradient of each argument of forward, from that of its result."""
        raise TypeError("a Function defines a static method backward(ctx, g)")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Compute, and record."""
        ctx = Context()
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.node is not None for a in args)
        with no_grad():
            output = cls.forward(ctx, *args)
        if not isinstance(output, Tensor):
            raise TypeError(f"{cls.__name__}.forward returned a {type(output).__name__}: it returns one Tensor")
        kept = ctx._settle(args, output)
        places = tuple(k for k, a in enumerate(args) if isinstance(a, Tensor))
        rest = tuple(None if isinstance(a, Tensor) else a for a in args)
        ctx.again = lambda *tensors: cls.apply(*_in_places(rest, places, tensors))
        if not places:
            return output

        def again(*arrays: Array) -> Any:
            with no_grad():
                return cls.forward(Context(), *_in_places(rest, places, tuple(map(Tensor, arrays)))).data

        given = [args[k] for k in places]
        result = cls._op.call(*given, ctx=ctx, output=output.data, kept=kept, places=places, again=again)
        if result.node is not None:
            result.node.attrs = {"again": again}  # so that what is saved goes when the graph is freed
            if not any(ctx._keeps_output):
                result.node.saved = tuple(s and (*s[:-1], None) for s in result.node.saved)
        return result
