"""Recurrent ops in ONNX: a `Scan` over the steps, so that the file is as short for long sequences."""

from __future__ import annotations

from collections.abc import Callable

from autograd_lite.memory import Array
from autograd_lite.onnx.builder import Builder

Body = Callable[[Builder, str, list[str]], list[str]]  # from the step's part of z and the states to the next states


def _scan(b: Builder, z: str, states: list[str], like: Array, width: int, reverse: bool, body: Body) -> list[str]:
    """Go through the steps; returns the last states and all first states."""
    helper, kind, shape = b.onnx.helper, b.kind(like.dtype), like.shape
    inside = Builder({})
    inside.used = b.used
    before = [inside.fresh("state") for _ in states]
    part = inside.fresh("step")
    after = [inside.add("Identity", s) for s in body(inside, part, before)]
    shown = inside.add("Identity", after[0])
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        inside.nodes,
        inside.fresh("steps"),
        [*(info(s, kind, shape) for s in before), info(part, kind, (shape[0], width))],
        [info(s, kind, shape) for s in (*after, shown)],
        initializer=inside.initializers,
    )
    outputs = [b.fresh("state") for _ in (*states, shown)]
    z = _turned(b, z) if reverse else z
    b.nodes.append(helper.make_node("Scan", [*states, z], outputs, body=graph, num_scan_inputs=1))
    return [*outputs[:-1], _turned(b, outputs[-1]) if reverse else outputs[-1]]


def _turned(b: Builder, x: str) -> str:
    """The rows in the opposite order."""
    return b.add("Slice", x, b.ints(-1), b.ints(-(2**62)), b.ints(0), b.ints(-1))


def _joined(b: Builder, first: str, steps: str, reverse: bool, *more: str) -> str:
    """The states as the ops have them: the first one before (or with `reverse` after) all, and more rows."""
    first = b.add("Unsqueeze", first, b.ints(0))
    rows = [b.add("Unsqueeze", m, b.ints(0)) for m in more]
    return b.add("Concat", *([steps, first] if reverse else [first, steps]), *rows, axis=0)


def _parts(b: Builder, x: str, count: int, width: int) -> list[str]:
    at = [k * width for k in range(count + 1)]
    return [b.add("Slice", x, b.ints(at[k]), b.ints(at[k + 1]), b.ints(1)) for k in range(count)]


def lstm(b: Builder, names: list[str], like: Array, reverse: bool) -> str:
    """z, h, c, w."""
    z, h, c, w = names
    wt, width = b.add("Transpose", w, perm=[1, 0]), like.shape[1]

    def body(b: Builder, part: str, states: list[str]) -> list[str]:
        gates = _parts(b, b.add("Add", part, b.add("MatMul", states[0], wt)), 4, width)
        i, f, g, o = (b.add("Tanh" if k == 2 else "Sigmoid", x) for k, x in enumerate(gates))
        cell = b.add("Add", b.add("Mul", f, states[1]), b.add("Mul", i, g))
        return [b.add("Mul", o, b.add("Tanh", cell)), cell]

    _, last, steps = _scan(b, z, [h, c], like, 4 * width, reverse, body)
    return _joined(b, h, steps, reverse, last)


def gru(b: Builder, names: list[str], like: Array, reverse: bool) -> str:
    """z, h, w, b."""
    z, h, w, bias = names
    wt, width = b.add("Transpose", w, perm=[1, 0]), like.shape[1]

    def body(b: Builder, part: str, states: list[str]) -> list[str]:
        above = _parts(b, part, 3, width)
        inner = _parts(b, b.add("Add", b.add("MatMul", states[0], wt), bias), 3, width)
        r, u = (b.add("Sigmoid", b.add("Add", above[k], inner[k])) for k in range(2))
        new = b.add("Tanh", b.add("Add", above[2], b.add("Mul", r, inner[2])))
        return [b.add("Add", new, b.add("Mul", u, b.add("Sub", states[0], new)))]

    _, steps = _scan(b, z, [h], like, 3 * width, reverse, body)
    return _joined(b, h, steps, reverse)


def rnn(b: Builder, names: list[str], like: Array, reverse: bool, flat: bool) -> str:
    """z, h, w."""
    z, h, w = names
    wt = b.add("Transpose", w, perm=[1, 0])

    def body(b: Builder, part: str, states: list[str]) -> list[str]:
        return [b.add("Relu" if flat else "Tanh", b.add("Add", part, b.add("MatMul", states[0], wt)))]

    _, steps = _scan(b, z, [h], like, like.shape[1], reverse, body)
    return _joined(b, h, steps, reverse)
