"""`Function`: PyTorch's way to write an op, as an adapter to `primitive`'s."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any, NamedTuple

import numpy as np

from autograd_lite.core import GraphError, Node, Op, Tensor, primitive
from autograd_lite.memory import Array
from autograd_lite.modes import enable_grad, is_grad_enabled, no_grad
from autograd_lite.ops import cast, cat, getitem, reshape

__all__ = ["Function", "FunctionCtx", "once_differentiable"]


class _Part(NamedTuple):
    """One of several outputs. Those with a gradient stand one after the other in the op's one output, the pack."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    live: bool  # can it have a gradient?
    start: int  # in the pack

    def of(self, pack: Any) -> Any:
        """This part of a pack, recorded."""
        y = reshape(getitem(pack, slice(self.start, self.start + math.prod(self.shape))), self.shape)
        return y if y.dtype == self.dtype else cast(y, dtype=self.dtype)


class FunctionCtx:
    """What `forward` leaves for `backward`: `save_for_backward(...)`, and attributes of any name."""

    needs_input_grad: tuple[bool, ...] = ()
    again: Callable[..., Any]  # the pack anew of other Tensors: what a gradient check takes differences of

    def __init__(self) -> None:
        self._saved: list[Tensor | None] = []
        self._nodes: list[Node | None] = []  # of what is saved, like the one that follows
        self._outputs: list[int | None] = []  # which output it is, if it is one
        self._marked: tuple[Any, ...] = ()
        self._materialize = True
        self._parts: list[_Part | None] | None = None  # where forward returns a tuple; None for what is no Tensor
        self._arrived: set[int] = set()  # the outputs that had a gradient in this pass
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
    def saved_tensors(self) -> tuple[Any, ...]:
        """What `save_for_backward` kept."""
        return tuple(self._saved)

    def mark_non_differentiable(self, *outputs: Tensor) -> None:
        """These outputs are constants, as integers always are."""
        self._marked = outputs

    def set_materialize_grads(self, value: bool) -> None:
        """What `backward` has of an output that no gradient comes to: zeros, as it is without this call, or None."""
        self._materialize = value

    def _lay_out(self, given: Any, who: str) -> Tensor | None:
        """All outputs that can have a gradient as one tensor, None where there are none."""
        marked, self._marked = self._marked, ()
        if not isinstance(given, tuple):
            if not isinstance(given, Tensor):
                raise TypeError(
                    f"{who}.forward returned a {type(given).__name__}: it returns one Tensor, or a tuple of them"
                )
            return None if given.dtype.kind != "f" or any(given is m for m in marked) else given
        self._parts, start = [], 0
        for t in given:
            if not isinstance(t, Tensor):
                self._parts.append(None)
                continue
            live = t.dtype.kind == "f" and not any(t is m for m in marked)
            self._parts.append(_Part(t.shape, t.dtype, live, start))
            start += math.prod(t.shape) * live
        pieces = [reshape(t, (-1,)) for t, p in zip(given, self._parts, strict=True) if p is not None and p.live]
        kind = np.result_type(*(piece.dtype for piece in pieces)) if pieces else None
        return cat([x if x.dtype == kind else cast(x, dtype=kind) for x in pieces], 0) if pieces else None

    def _unpacked(self, pack: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
        """The outputs for the caller."""
        assert self._parts is not None
        outputs = [
            t if p is None else p.of(pack) if p.live else Tensor(t.data)
            for t, p in zip(given, self._parts, strict=True)
        ]
        for k, t in enumerate(outputs):
            node = t.node if isinstance(t, Tensor) and not self._materialize else None
            while node is not None and node.parents[0] is not pack.node:
                node = node.parents[0]
            if node is not None:
                node.annotate().hooks = {0: partial(self._note, k)}
        return tuple(outputs)

    def _note(self, k: int, _: Any) -> None:
        self._arrived.add(k)

    def _settle(self, inputs: tuple[Any, ...], given: Any, pack: Tensor) -> tuple[Array | None, ...]:
        """The arrays saved; only nodes stay here, not handles, since the output's would close a cycle."""
        nodes = {id(t): t.node for t in inputs if isinstance(t, Tensor)}
        saved, self._saved = self._saved, []
        outputs = {id(t): k for k, t in enumerate(given if self._parts is not None else (given,))}
        self._outputs = [None if t is None else outputs.get(id(t)) for t in saved]
        self._nodes = [nodes.get(id(t)) for t in saved]
        own = [self._output(pack, k, t) for k, t in zip(self._outputs, saved, strict=True)]
        return tuple(None if t is None else t.data for t in own)

    def _output(self, pack: Any, k: int | None, other: Any) -> Any:
        """An output as it is in the pack; what is not there is the other."""
        if k is None or self._parts is None:
            return other if k is None else pack
        part = self._parts[k]
        return other if part is None or not part.live else part.of(pack)

    def _gradients(self, g: Tensor) -> list[Any]:
        """What `backward` takes: a gradient for each output."""
        arrived, self._arrived = self._arrived, set()
        if self._parts is None:
            return [g]
        gs: list[Any] = []
        for k, part in enumerate(self._parts):
            if part is None or not (self._materialize or k in arrived):
                gs.append(None)
            else:
                gs.append(part.of(g) if part.live else Tensor(np.zeros(part.shape, part.dtype)))
        return gs

    def _restored(self, array: Array | None, output: int | None, node: Node | None, y: Any) -> Tensor | None:
        if array is None:
            return None
        plain = Tensor(array, node)
        return plain if y is None else Tensor(array, self._output(y, output, plain).node)

    def _run(self, function: type[Function], g: Any, kept: tuple[Array | None, ...], y: Any) -> tuple[Any, ...]:
        """What `backward` returns, one for each argument; arrays, if g is one."""
        recorded = isinstance(g, Tensor)
        if recorded and self._parts is not None:
            y = Tensor(np.broadcast_to(np.zeros((), g.dtype), g.shape), y.node)  # of which the nodes alone are used
        with enable_grad() if recorded else no_grad():
            found = zip(kept, self._outputs, self._nodes, strict=True)
            self._saved = [self._restored(*one, y if recorded else None) for one in found]
            try:
                grads = function.backward(self, *self._gradients(g if recorded else Tensor(g)))
            finally:
                self._saved = []
        grads, count = grads if isinstance(grads, tuple) else (grads,), len(self.needs_input_grad)
        if len(grads) < count or any(x is not None for x in grads[count:]):
            raise GraphError(
                f"{function.__name__}.backward returned {len(grads)} gradients for {count} arguments of forward: one "
                "for each, None where there is none"
            )
        return tuple(x if recorded or not isinstance(x, Tensor) else x.data for x in grads[:count])

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
    def rule(g: Any, i: int, ctx: FunctionCtx, kept: tuple[Array | None, ...], places: tuple[int, ...], y: Any) -> Any:
        if ctx._last is None or ctx._last[0]() is not g:
            ctx._remember(g, ctx._run(function, g, kept, y))
        assert ctx._last is not None
        answer = ctx._last[1][places[i]]
        if places[i] == max(p for p in places if ctx.needs_input_grad[p]):
            ctx._last = None
        return answer

    return rule


class Function:
    """An op with a `forward` and a `backward`, both on Tensors; called by `apply`.

    `forward(ctx, *args)` computes, unrecorded, and returns a Tensor or a tuple; what `backward` needs goes to `ctx`,
    there or in `setup_context(ctx, inputs, output)`: where that is defined, forward takes the arguments alone.
    `backward(ctx, *gs)` takes a gradient for each output and returns one for each argument, None for those that have
    none. It can be differentiated again where `backward` is written with ops.

    >>> import autograd_lite as al
    >>> class Cube(al.autograd.Function):
    ...     @staticmethod
    ...     def forward(x):
    ...         return x * x * x
    ...     @staticmethod
    ...     def setup_context(ctx, inputs, output):
    ...         ctx.save_for_backward(*inputs)
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
    def forward(*args: Any) -> Any:
        """The value; what `backward` needs goes to `ctx`."""
        raise TypeError("a Function defines a static method forward(ctx, *args)")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Leave in `ctx` what `backward` needs, where forward does not take it."""
        raise TypeError("setup_context(ctx, inputs, output) is for a subclass to define")

    @staticmethod
    def backward(ctx: Any, *gs: Any) -> Any:
        """The gradient of each argument of forward, from that of its result."""
        raise TypeError("a Function defines a static method backward(ctx, g)")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Compute, and record."""
        ctx = FunctionCtx()
        given, pack = cls._call(ctx, args)
        if ctx._parts is not None:
            return ctx._unpacked(pack, given)
        return Tensor(given.data) if pack is None else pack

    @classmethod
    def _call(cls, ctx: FunctionCtx, args: Sequence[Any]) -> tuple[Any, Tensor | None]:
        """What forward returned, and the outputs that can have a gradient as one tensor, recorded."""
        args = tuple(args)
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.node is not None for a in args)
        with no_grad():
            if cls.setup_context is Function.setup_context:
                given = cls.forward(ctx, *args)
            else:
                given = cls.forward(*args)
                cls.setup_context(ctx, args, given)
            pack = ctx._lay_out(given, cls.__name__)
            kept = () if pack is None else ctx._settle(args, given, pack)
        places = tuple(k for k, a in enumerate(args) if isinstance(a, Tensor))
        if not places or pack is None:
            return given, pack
        rest = tuple(None if isinstance(a, Tensor) else a for a in args)

        def anew(*tensors: Tensor) -> Any:
            return cls._call(FunctionCtx(), _in_places(rest, places, tensors))[1]

        def again(*arrays: Array) -> Any:
            with no_grad():
                return anew(*map(Tensor, arrays)).data

        ctx.again = anew
        tensors = [args[k] for k in places]
        result = cls._op.call(*tensors, ctx=ctx, output=pack.data, kept=kept, places=places, again=again)
        if result.node is not None:
            result.node.attrs = {"again": again}  # so that what is saved goes when the graph is freed
            if ctx._parts is not None or all(k is None for k in ctx._outputs):  # what is saved of a pack is in `kept`
                result.node.saved = tuple(s and (*s[:-1], None) for s in result.node.saved)
        return given, result


def _refused(g: Any) -> Any:
    raise GraphError(
        "a backward that is marked with once_differentiable was differentiated again: its derivative was not recorded. "
        "Write it with ops, without the mark"
    )


@primitive(xs=_refused)
def _once_differentiable(*xs: Any) -> Any:
    """The first; it counts as made of all of them."""
    return xs[0]


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Of a Function's `backward`: it runs unrecorded, and to differentiate its result again is a GraphError.

    So it may use NumPy. The decorator stands below `@staticmethod`.
    """

    @wraps(backward)
    def once(ctx: Any, *gs: Any) -> Any:
        with no_grad():
            grads = backward(ctx, *gs)
        given = (*gs, *ctx.saved_tensors)
        origins = [t for t in given if isinstance(t, Tensor) and t.node is not None]
        if not is_grad_enabled() or not origins:
            return grads
        found = grads if isinstance(grads, tuple) else (grads,)
        barred = tuple(_once_differentiable(x, *origins) if isinstance(x, Tensor) else x for x in found)
        return barred if isinstance(grads, tuple) else barred[0]

    return once
