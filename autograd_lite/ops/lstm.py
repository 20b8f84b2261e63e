"""The LSTM's recurrence (Hochreiter and Schmidhuber, 1997; forget gates: Gers et al., 2000) as one op.

The inputs' product, for all steps at once, is made before; here are the steps, each with one product. What comes out
is a stack of rows (batch, hidden): the states, the initial one before the first step (with `reverse`, after the last),
and at the end the last cell state. So the states before all steps are a slice of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.core import Tensor, primitive
from autograd_lite.memory import Array
from autograd_lite.modes import mode
from autograd_lite.ops.elementwise import sigmoid, tanh
from autograd_lite.ops.shape import _operand, cat, stack
from autograd_lite.ops.tape import Tape, once, recording, recurrent_weight, rows

Kept = tuple[Array, Array, Array]


def _shapes_of_gates(hidden: int, dtype: Any) -> tuple[Array, Array]:
    """Factors and shifts that make of one tanh σ for i, f and o, and tanh for g: σ(a) = tanh(a / 2) / 2 + 1 / 2."""
    factor = np.full(4 * hidden, 0.5, dtype)
    shift = factor.copy()
    factor[2 * hidden : 3 * hidden], shift[2 * hidden : 3 * hidden] = 1.0, 0.0
    return factor, shift


def _forward(z: Array, h: Array, c: Array, w: Array, reverse: bool, keep: bool) -> tuple[Array, Kept]:
    """The output, and with `keep` what the way back needs: the gates i, f, g, o of each step, the cell states before
    it, and tanh of those after it, in the order of the steps."""
    (steps, n, hidden), wt, kept = (z.shape[0], *h.shape), w.T, z.shape[0] if keep else 1
    factor, shift = _shapes_of_gates(hidden, z.dtype)
    y, cells = (np.empty((steps + more, n, hidden), z.dtype) for more in (2, 1))
    gates, curved = np.empty((kept, *z.shape[1:]), z.dtype), np.empty((kept, n, hidden), z.dtype)
    part = np.empty((n, hidden), z.dtype)
    y[steps if reverse else 0], cells[0] = h, c
    for k, t in enumerate(rows(steps, reverse)):
        a, cell, u = gates[k % kept], cells[k + 1], curved[k % kept]
        np.dot(y[t + reverse], wt, out=a)
        a += z[t]
        a *= factor
        np.tanh(a, out=a)
        a *= factor
        a += shift
        np.multiply(a[:, hidden : 2 * hidden], cells[k], out=cell)
        cell += np.multiply(a[:, :hidden], a[:, 2 * hidden : 3 * hidden], out=part)
        np.tanh(cell, out=u)
        np.multiply(a[:, 3 * hidden :], u, out=y[t + (not reverse)])
    y[steps + 1] = cells[steps]
    return y, (gates, cells, curved)


@primitive(g=None, out=None, z=None, h=None, c=None, w=None)
def _lstm_back(g: Array, out: Array, z: Array, h: Array, c: Array, w: Array, *, reverse: bool, tape: Any = None) -> Any:
    """The gradient of z, and in one more row those of h and c."""
    g, out, z, h, c, w = (np.asarray(a) for a in (g, out, z, h, c, w))
    gates, cells, curved = (tape and tape.found(out)) or _forward(z, h, c, w, reverse, True)[1]
    steps, n, hidden = z.shape[0], *h.shape
    gz = np.empty((steps + 1, n, 4 * hidden), z.dtype)
    gh, gc, part = np.zeros_like(h), g[steps + 1].copy(), np.empty_like(h)
    slopes = np.empty((n, 4 * hidden), z.dtype)
    slope = slopes[:, 2 * hidden : 3 * hidden]
    for k, t in reversed(list(enumerate(rows(steps, reverse)))):
        gh += g[t + (not reverse)]
        a, d, u = gates[k], gz[t], curved[k]
        i, f, m, o = (a[:, j * hidden : (j + 1) * hidden] for j in range(4))
        np.multiply(u, u, out=part)
        np.subtract(1.0, part, out=part)
        part *= o
        part *= gh
        gc += part
        np.multiply(gc, m, out=d[:, :hidden])
        np.multiply(gc, cells[k], out=d[:, hidden : 2 * hidden])
        np.multiply(gc, i, out=d[:, 2 * hidden : 3 * hidden])
        np.multiply(gh, u, out=d[:, 3 * hidden :])
        np.subtract(1.0, a, out=slopes)
        slopes *= a
        np.multiply(m, m, out=slope)
        np.subtract(1.0, slope, out=slope)
        d *= slopes
        gc *= f
        np.dot(d, w, out=gh)
    gz[steps] = 0.0
    gz[steps, :, :hidden], gz[steps, :, hidden : 2 * hidden] = gh + g[steps if reverse else 0], gc
    return gz


def _back_by_steps(g: Any, z: Any, h: Any, c: Any, w: Any, reverse: bool) -> tuple[Any, Any, Any]:
    """The same by ops on Tensors, so that it can be differentiated again."""
    z, h, c, w = (_operand(a) for a in (z, h, c, w))
    (steps, _, width), went = z.shape, []
    start = steps if reverse else 0
    for t in rows(steps, reverse):
        a = z[t] + h @ w.T
        parts = [a[:, j * width // 4 : (j + 1) * width // 4] for j in range(4)]
        i, f, m, o = (tanh(x) if j == 2 else sigmoid(x) for j, x in enumerate(parts))
        before, c = c, f * c + i * m
        u = tanh(c)
        h = o * u
        went.append((t, i, f, m, o, u, before))
    gh, gc, found = g[start] * 0.0, g[steps + 1], {}
    for t, i, f, m, o, u, before in reversed(went):
        gh = gh + g[t + (not reverse)]
        gc = gc + gh * o * (1.0 - u * u)
        di, df, dm, do = gc * m, gc * before, gc * i, gh * u
        parts = [di * i * (1.0 - i), df * f * (1.0 - f), dm * (1.0 - m * m), do * o * (1.0 - o)]
        gc, found[t] = gc * f, cat(parts, -1)
        gh = found[t] @ w
    return stack([found[t] for t in range(steps)], 0), gh + g[start], gc


def _back(g: Any, y: Any, z: Any, h: Any, c: Any, w: Any, reverse: bool, tape: Tape | None, part: int) -> Any:
    """The gradient of z, h or c."""
    if isinstance(g, Tensor) and mode.grad:
        return once(tape, g, lambda: _back_by_steps(g, z, h, c, w, reverse))[part]
    gz = once(tape, g, lambda: _lstm_back(g, y, z, h, c, w, reverse=reverse, tape=tape))
    steps, hidden = z.shape[0], h.shape[-1]
    return (gz[:steps], gz[steps, :, :hidden], gz[steps, :, hidden : 2 * hidden])[part]


@primitive(
    z=lambda g, y, z, h, c, w, reverse, tape: _back(g, y, z, h, c, w, reverse, tape, 0),
    h=lambda g, y, z, h, c, w, reverse, tape: _back(g, y, z, h, c, w, reverse, tape, 1),
    c=lambda g, y, z, h, c, w, reverse, tape: _back(g, y, z, h, c, w, reverse, tape, 2),
    w=lambda g, y, z, h, c, w, reverse, tape: recurrent_weight(_back(g, y, z, h, c, w, reverse, tape, 0), y, reverse),
)
def _lstm(z: Array, h: Array, c: Array, w: Array, *, reverse: bool = False, tape: Any = None) -> Any:
    z, h, c, w = (np.asarray(a) for a in (z, h, c, w))
    y, kept = _forward(z, h, c, w, reverse, tape is not None)
    if tape is not None:
        tape.keep(y, kept)
    return y


def lstm_steps(z: Any, h: Any, c: Any, w: Any, reverse: bool = False) -> tuple[Any, Any, Any]:
    """All states, the last state and the last cell state.

    z (steps, batch, 4 hidden) is what the inputs bring to the gates i, f, g, o; h and c (batch, hidden) are the states
    before the first step, w is (4 hidden, hidden). With `reverse` the last row of z is the first step.
    """
    steps = z.shape[0]
    y = recording(_lstm, (z, h, c, w), reverse=reverse)
    return (y[:steps], y[0], y[steps + 1]) if reverse else (y[1 : steps + 1], y[steps], y[steps + 1])
