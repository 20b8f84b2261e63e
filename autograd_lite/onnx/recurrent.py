"""Recurrent ops in ONNX: a `Scan` over the steps, so that the file is as short for long sequences."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from autograd_lite.memory import Array
from autograd_lite.onnx.builder import Builder

Body = Callable[[Builder, str, str], str]  # from the step's part of z and the state to the next state


def _scan(b: Builder, z: str, state: str, like: Array, width: int, reverse: bool, body: Body) -> tuple[str, str]:
    """Go through the steps; returns the last state and all states. `like` is the state that it begins with."""
    helper, kind, shape = b.onnx.helper, b.kind(like.dtype), like.shape
    inside = Builder(b.parameters)
    inside.used = b.used
    before, part = inside.fresh("state"), inside.fresh("step")
    after = inside.add("Identity", body(inside, part, before))
    shown = inside.add("Identity", after)
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        inside.nodes,
        inside.fresh("steps"),
        [info(before, kind, shape), info(part, kind, (shape[0], width))],
        [info(s, kind, shape) for s in (after, shown)],
        initializer=inside.initializers,
    )
    last, steps = b.fresh("state"), b.fresh("states")
    z = _turned(b, z) if reverse else z
    b.nodes.append(helper.make_node("Scan", [state, z], [last, steps], body=graph, num_scan_inputs=1))
    return last, _turned(b, steps) if reverse else steps


def _turned(b: Builder, x: str) -> str:
    """The rows in the opposite order."""
    return b.add("Slice", x, b.ints(-1), b.ints(-(2**62)), b.ints(0), b.ints(-1))


def _joined(b: Builder, first: str, steps: str, reverse: bool, *more: str) -> str:
    """The states as the ops have them: the first one before (or with `reverse` after) all, and more rows."""
    first = b.add("Unsqueeze", first, b.ints(0))
    rows = [b.add("Unsqueeze", m, b.ints(0)) for m in more]
    return b.add("Concat", *([steps, first] if reverse else [first, steps]), *rows, axis=0)


def _parts(b: Builder, x: str, count: int, width: int, axis: int = 1) -> list[str]:
    at = [k * width for k in range(count + 1)]
    return [b.add("Slice", x, b.ints(at[k]), b.ints(at[k + 1]), b.ints(axis)) for k in range(count)]


def _weight(b: Builder, array: Array) -> Callable[[Builder], str]:
    """What names an array inside the loop, a matrix transposed: it is one of the loop's own, unless it was computed."""
    if id(array) in b.names:
        outside = b.name(array) if array.ndim == 1 else b.add("Transpose", b.name(array), perm=[1, 0])
        return lambda inside: outside
    name = b.parameters.get(id(array), "constant")
    return lambda inside: inside.constant(array.T, name)


def lstm(b: Builder, args: Sequence[Array], reverse: bool) -> str:
    """z, h, c, w. The loop has one state, h and c side by side: older programs take no more."""
    (z, h, c), w, width = (b.name(a) for a in args[:3]), _weight(b, args[3]), args[1].shape[1]

    def body(b: Builder, part: str, state: str) -> str:
        before, cell = _parts(b, state, 2, width)
        gates = _parts(b, b.add("Add", part, b.add("MatMul", before, w(b))), 4, width)
        i, f, g, o = (b.add("Tanh" if k == 2 else "Sigmoid", x) for k, x in enumerate(gates))
        cell = b.add("Add", b.add("Mul", f, cell), b.add("Mul", i, g))
        return b.add("Concat", b.add("Mul", o, b.add("Tanh", cell)), cell, axis=1)

    both = np.concatenate(args[1:3], axis=1)
    last, steps = _scan(b, z, b.add("Concat", h, c, axis=1), both, 4 * width, reverse, body)
    return _joined(b, h, _parts(b, steps, 1, width, 2)[0], reverse, _parts(b, last, 2, width)[1])


def gru(b: Builder, args: Sequence[Array], reverse: bool) -> str:
    """z, h, w, b."""
    z, h, w, bias, width = b.name(args[0]), b.name(args[1]), *(_weight(b, a) for a in args[2:]), args[1].shape[1]

    def body(b: Builder, part: str, state: str) -> str:
        above = _parts(b, part, 3, width)
        inner = _parts(b, b.add("Add", b.add("MatMul", state, w(b)), bias(b)), 3, width)
        r, u = (b.add("Sigmoid", b.add("Add", above[k], inner[k])) for k in range(2))
        new = b.add("Tanh", b.add("Add", above[2], b.add("Mul", r, inner[2])))
        return b.add("Add", new, b.add("Mul", u, b.add("Sub", state, new)))

    _, steps = _scan(b, z, h, args[1], 3 * width, reverse, body)
    return _joined(b, h, steps, reverse)


def rnn(b: Builder, args: Sequence[Array], reverse: bool, flat: bool) -> str:
    """z, h, w."""
    z, h, w = b.name(args[0]), b.name(args[1]), _weight(b, args[2])

    def body(b: Builder, part: str, state: str) -> str:
        return b.add("Relu" if flat else "Tanh", b.add("Add", part, b.add("MatMul", state, w(b))))

    _, steps = _scan(b, z, h, args[1], args[1].shape[1], reverse, body)
    return _joined(b, h, steps, reverse)
