"""The recurrences of the GRU (Cho et al., 2014) and of the simple network (Elman, 1990), each as one op.

As in `lstm.py`, the inputs' product is made before, and what comes out is a stack of rows (batch, hidden): the states
of all steps, with the initial one before the first (with `reverse`, after the last).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.core import Tensor, primitive
from autograd_lite.memory import Array
from autograd_lite.modes import mode
from autograd_lite.ops.elementwise import relu, sigmoid, tanh, where
from autograd_lite.ops.shape import _operand, cat, stack
from autograd_lite.ops.tape import Tape, once, recording, recurrent_weight, rows

Three = tuple[Any, Any, Any]


def _logistic(a: Array) -> None:
    """σ(a) = tanh(a / 2) / 2 + 1 / 2, in place."""
    a *= 0.5
    np.tanh(a, out=a)
    a *= 0.5
    a += 0.5


def _forward(z: Array, h: Array, w: Array, b: Array, reverse: bool, keep: bool) -> tuple[Array, Array]:
    """The states, and with `keep` what the way back needs of each step: r, u, what r is multiplied with, and n."""
    (steps, n, hidden), wt, kept = (z.shape[0], *h.shape), w.T, z.shape[0] if keep else 1
    y, gates = np.empty((steps + 1, n, hidden), z.dtype), np.empty((kept, n, 4 * hidden), z.dtype)
    y[steps if reverse else 0] = h
    for k, t in enumerate(rows(steps, reverse)):
        before, a, after = y[t + reverse], gates[k % kept], y[t + (not reverse)]
        a[:, : 3 * hidden] = np.dot(before, wt)
        a[:, : 3 * hidden] += b
        a[:, : 2 * hidden] += z[t, :, : 2 * hidden]
        _logistic(a[:, : 2 * hidden])
        r, u, m, new = (a[:, j * hidden : (j + 1) * hidden] for j in range(4))
        np.multiply(r, m, out=new)
        new += z[t, :, 2 * hidden :]
        np.tanh(new, out=new)
        np.subtract(before, new, out=after)
        after *= u
        after += new
    return y, gates


@primitive(g=None, out=None, z=None, h=None, w=None, b=None)
def _gru_back(g: Array, out: Array, z: Array, h: Array, w: Array, b: Array, *, reverse: bool, tape: Any = None) -> Any:
    """The gradients of what is under r, u, of what r is multiplied with, and of what is under n; one more row: of h."""
    g, out, z, h, w, b = (np.asarray(a) for a in (g, out, z, h, w, b))
    gates = tape and tape.found(out)
    gates = _forward(z, h, w, b, reverse, True)[1] if gates is None else gates
    steps, n, hidden = z.shape[0], *h.shape
    ga, gh = np.zeros((steps + 1, n, 4 * hidden), z.dtype), np.zeros_like(h)
    for k, t in reversed(list(enumerate(rows(steps, reverse)))):
        gh += g[t + (not reverse)]
        r, u, m, new = (gates[k][:, j * hidden : (j + 1) * hidden] for j in range(4))
        dr, du, dm, dn = (ga[t][:, j * hidden : (j + 1) * hidden] for j in range(4))
        np.subtract(out[t + reverse], new, out=du)
        du *= gh
        du *= u
        du *= 1.0 - u
        np.multiply(gh, 1.0 - u, out=dn)
        dn *= 1.0 - new * new
        np.multiply(dn, r, out=dm)
        np.multiply(dm, m, out=dr)
        dr *= 1.0 - r
        gh *= u
        gh += np.dot(ga[t][:, : 3 * hidden], w)
    ga[steps, :, :hidden] = gh + g[steps if reverse else 0]
    return ga


def _back_by_steps(g: Any, z: Any, h: Any, w: Any, b: Any, reverse: bool) -> Three:
    """The same by ops on Tensors, so that it can be differentiated again: of z, of w h + b, of h."""
    z, h, w, b = (_operand(a) for a in (z, h, w, b))
    steps, hidden, went, found = z.shape[0], h.shape[-1], [], {}
    start = steps if reverse else 0
    for t in rows(steps, reverse):
        a = h @ w.T + b
        ru = sigmoid(z[t][:, : 2 * hidden] + a[:, : 2 * hidden])
        r, u, m = ru[:, :hidden], ru[:, hidden:], a[:, 2 * hidden :]
        new = tanh(z[t][:, 2 * hidden :] + r * m)
        before, h = h, new + u * (h - new)
        went.append((t, r, u, m, new, before))
    gh = g[start] * 0.0
    for t, r, u, m, new, before in reversed(went):
        gh = gh + g[t + (not reverse)]
        dn, du = gh * (1.0 - u) * (1.0 - new * new), gh * (before - new) * u * (1.0 - u)
        dr = dn * m * r * (1.0 - r)
        found[t] = cat([dr, du, dn], -1), cat([dr, du, dn * r], -1)
        gh = gh * u + found[t][1] @ w
    gz, ga = (stack([found[t][k] for t in range(steps)], 0) for k in range(2))
    return gz, ga, gh + g[start]


def _back(g: Any, y: Any, z: Any, h: Any, w: Any, b: Any, reverse: bool, tape: Tape | None) -> Three:
    """The gradients of z, of w h + b, and of h."""
    if isinstance(g, Tensor) and mode.grad:
        gradients: Three = once(tape, g, lambda: _back_by_steps(g, z, h, w, b, reverse))
        return gradients
    ga = once(tape, g, lambda: _gru_back(g, y, z, h, w, b, reverse=reverse, tape=tape))
    steps, hidden = z.shape[0], h.shape[-1]
    gz = np.concatenate((ga[:steps, :, : 2 * hidden], ga[:steps, :, 3 * hidden :]), axis=-1)
    return gz, ga[:steps, :, : 3 * hidden], ga[steps, :, :hidden]


@primitive(
    z=lambda g, y, z, h, w, b, reverse, tape: _back(g, y, z, h, w, b, reverse, tape)[0],
    h=lambda g, y, z, h, w, b, reverse, tape: _back(g, y, z, h, w, b, reverse, tape)[2],
    w=lambda g, y, z, h, w, b, reverse, tape: recurrent_weight(_back(g, y, z, h, w, b, reverse, tape)[1], y, reverse),
    b=lambda g, y, z, h, w, b, reverse, tape: np.sum(_back(g, y, z, h, w, b, reverse, tape)[1], axis=(0, 1)),
)
def _gru(z: Array, h: Array, w: Array, b: Array, *, reverse: bool = False, tape: Any = None) -> Any:
    z, h, w, b = (np.asarray(a) for a in (z, h, w, b))
    y, gates = _forward(z, h, w, b, reverse, tape is not None)
    if tape is not None:
        tape.keep(y, gates)
    return y


def gru_steps(z: Any, h: Any, w: Any, b: Any, reverse: bool = False) -> tuple[Any, Any]:
    """All states, and the last one.

    z (steps, batch, 3 hidden) is what the inputs bring to the gates r, u and to n; h (batch, hidden) is the state
    before the first step, w is (3 hidden, hidden), b (3 hidden,).
    """
    return _taken(recording(_gru, (z, h, w, b), reverse=reverse), z.shape[0], reverse)


def _taken(y: Any, steps: int, reverse: bool) -> tuple[Any, Any]:
    return (y[:steps], y[0]) if reverse else (y[1:], y[steps])


# The simple network: h = tanh(z + w h), or relu in place of tanh. Its states are all that the way back needs


@primitive(g=None, out=None, z=None, h=None, w=None)
def _rnn_back(g: Array, out: Array, z: Array, h: Array, w: Array, *, reverse: bool, flat: bool) -> Any:
    """The gradient of z, and in one more row that of h."""
    g, out, z, h, w = (np.asarray(a) for a in (g, out, z, h, w))
    gz, gh = np.empty_like(out), np.zeros_like(h)
    steps = z.shape[0]
    for t in reversed(rows(steps, reverse)):
        after, d = out[t + (not reverse)], gz[t]
        gh += g[t + (not reverse)]
        np.multiply(gh, after > 0 if flat else 1.0 - after * after, out=d)
        np.dot(d, w, out=gh)
    gz[steps] = gh + g[steps if reverse else 0]
    return gz


def _rnn_back_by_steps(g: Any, z: Any, h: Any, w: Any, reverse: bool, flat: bool) -> tuple[Any, Any]:
    """The same by ops on Tensors."""
    z, h, w = (_operand(a) for a in (z, h, w))
    steps, went, found = z.shape[0], [], {}
    start = steps if reverse else 0
    for t in rows(steps, reverse):
        a = z[t] + h @ w.T
        h = relu(a) if flat else tanh(a)
        went.append((t, h))
    gh = g[start] * 0.0
    for t, after in reversed(went):
        gh = gh + g[t + (not reverse)]
        found[t] = where(after > 0, gh, 0.0) if flat else gh * (1.0 - after * after)
        gh = found[t] @ w
    return stack([found[t] for t in range(steps)], 0), gh + g[start]


def _rnn_gradients(g: Any, y: Any, z: Any, h: Any, w: Any, reverse: bool, flat: bool, tape: Any) -> tuple[Any, Any]:
    if isinstance(g, Tensor) and mode.grad:
        found: tuple[Any, Any] = once(tape, g, lambda: _rnn_back_by_steps(g, z, h, w, reverse, flat))
        return found
    gz = once(tape, g, lambda: _rnn_back(g, y, z, h, w, reverse=reverse, flat=flat))
    return gz[: z.shape[0]], gz[z.shape[0]]


@primitive(
    z=lambda g, y, z, h, w, reverse, flat, tape: _rnn_gradients(g, y, z, h, w, reverse, flat, tape)[0],
    h=lambda g, y, z, h, w, reverse, flat, tape: _rnn_gradients(g, y, z, h, w, reverse, flat, tape)[1],
    w=lambda g, y, z, h, w, reverse, flat, tape: recurrent_weight(
        _rnn_gradients(g, y, z, h, w, reverse, flat, tape)[0], y, reverse
    ),
)
def _rnn(z: Array, h: Array, w: Array, *, reverse: bool = False, flat: bool = False, tape: Any = None) -> Any:
    z, h, w = (np.asarray(a) for a in (z, h, w))
    steps = z.shape[0]
    y = np.empty((steps + 1, *h.shape), z.dtype)
    y[steps if reverse else 0] = h
    for t in rows(steps, reverse):
        after = y[t + (not reverse)]
        np.dot(y[t + reverse], w.T, out=after)
        after += z[t]
        if flat:
            np.maximum(after, 0.0, out=after)
        else:
            np.tanh(after, out=after)
    if tape is not None:
        tape.keep(y, ())
    return y


def rnn_steps(z: Any, h: Any, w: Any, reverse: bool = False, nonlinearity: str = "tanh") -> tuple[Any, Any]:
    """All states, and the last one: h = tanh(z + w h), or relu.

    z (steps, batch, hidden) is what the inputs bring; h (batch, hidden) is the state before the first step.
    """
    y = recording(_rnn, (z, h, w), reverse=reverse, flat=nonlinearity == "relu")
    return _taken(y, z.shape[0], reverse)
