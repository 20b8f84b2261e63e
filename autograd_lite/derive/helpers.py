"""Small functions that derived code is printed with, where an expression would be unreadable."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np

from autograd_lite.derive import recurrent

sources = {
    "sigmoid": """\
def sigmoid(x):
    return 1 / (1 + np.exp(-x))
""",
    "softmax": """\
def softmax(x, axis=-1):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)
""",
    "log_softmax": """\
def log_softmax(x, axis=-1):
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))
""",
    "logsumexp": """\
def logsumexp(x, axis=None, keepdims=False):
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    total = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return total if keepdims else np.squeeze(total, axis=axis)
""",
    "cross_entropy": """\
def cross_entropy(x, index, ignore=-100):
    counted = np.where(index == ignore, 0, index)
    losses = -np.take_along_axis(log_softmax(x), counted[..., None], axis=-1)[..., 0]
    return np.where(index == ignore, 0, losses)
""",
    "erf": """\
def erf(x):
    from math import erf
    x = np.asarray(x)
    return np.vectorize(erf, otypes=[x.dtype])(x)
""",
    "erfc": """\
def erfc(x):
    from math import erfc
    x = np.asarray(x)
    return np.vectorize(erfc, otypes=[x.dtype])(x)
""",
    "erfinv": """\
def erfinv(x):
    from statistics import NormalDist
    x = np.asarray(x)
    size = np.abs(x)
    quantile = np.vectorize(NormalDist().inv_cdf, otypes=[float])
    y = -quantile((1 - np.where(size < 1, size, 0)) / 2) / np.sqrt(2)
    y = y - np.where(size < 0.5, erf(y) - size, 0) * np.sqrt(np.pi) / 2 * np.exp(y * y)  # a step of Newton's
    y = np.where(size < 1, y, np.where(size == 1, np.inf, np.nan))
    return np.copysign(y, x).astype(x.dtype)
""",
    "put": """\
def put(x, index, value):
    x = np.array(x)
    x[index] = value
    return x
""",
    "scattered": """\
def scattered(values, index, shape):
    # zeros with values added at an index, those of one place adding up
    x = np.zeros(shape, values.dtype)
    np.add.at(x, index, values)
    return x
""",
    "packed": """\
def packed(parts, batch):
    # several matrices in one array, one behind the other
    return np.concatenate([np.reshape(p, (*batch, -1)) for p in parts], axis=-1)
""",
    **recurrent.sources,
    "windows": """\
def windows(size, kernel, stride, dilation):
    # rows and columns of an image: an entry of the kernel by a position of it
    shifts = np.indices(kernel).reshape(2, -1, 1) * np.reshape(dilation, (2, 1, 1))
    rest = np.subtract(size, np.multiply(dilation, np.subtract(kernel, 1))) - 1
    places = np.indices(rest // stride + 1).reshape(2, 1, -1)
    return shifts + places * np.reshape(stride, (2, 1, 1))
""",
    "unfold": """\
def unfold(x, kernel, stride=(1, 1), dilation=(1, 1)):
    # the windows of images (n, channels, height, width), one column for each
    rows, columns = windows(x.shape[2:], kernel, stride, dilation)
    shape = len(x), x.shape[1] * rows.shape[0], rows.shape[1]
    return x[:, :, rows, columns].reshape(shape)
""",
    "fold": """\
def fold(y, size, kernel, stride=(1, 1), dilation=(1, 1)):
    # columns added up where `unfold` takes them from
    rows, columns = windows(size, kernel, stride, dilation)
    x = np.zeros((len(y), y.shape[1] // len(rows), *size), y.dtype)
    np.add.at(x, np.s_[:, :, rows, columns], y.reshape(*x.shape[:2], *rows.shape))
    return x
""",
}
names = frozenset(sources)
used_by = {
    name: {other for other in sources if f"{other}(" in text.partition(":\n")[2]} for name, text in sources.items()
}
taken = names | {"np"} | {name for name in dir(builtins) if any(f"{name}(" in text for text in sources.values())}


def used_in(text: Iterable[str]) -> list[str]:
    """The names of those that some lines need, a function before those that call it."""
    called = set(re.findall(r"\b(\w+)\(", "\n".join(text)))
    wanted = names & called
    for _ in sources:
        wanted |= {other for name in wanted for other in used_by[name]}
    return [name for name in sources if name in wanted]


@cache
def functions() -> dict[str, Any]:
    """All of them, compiled, and NumPy as `np`: not to be written into."""
    scope: dict[str, Any] = {"np": np}
    for text in sources.values():
        exec(text.replace("keepdims=True)", "keepdims=True, initial=-np.inf)", 1) if "np.max" in text else text, scope)
    return scope
