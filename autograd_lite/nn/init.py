"""Ways to fill a parameter before training, in place; all return it. Draws are from a generator, or the default one.

`fan_in` is the number of inputs of one output: the product of all sizes of a weight but the first; `fan_out` counts
the other way. Formulas: Glorot and Bengio 2010 (xavier), He et al. 2015 (kaiming).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.creation import below, draws
from autograd_lite.memory import Array, written
from autograd_lite.random import draw_from


def _fill(tensor: Tensor, values: Any) -> Tensor:
    tensor.data[...] = values
    written([tensor.data], "nn.init")
    return tensor


def constant_(tensor: Tensor, val: float) -> Tensor:
    """One value everywhere."""
    return _fill(tensor, val)


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros."""
    return _fill(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Ones."""
    return _fill(tensor, 1.0)


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform draws from a to b, b not included."""
    drawn = a + (b - a) * draws(generator=draw_from(generator), method="random", size=tensor.shape)
    return _fill(tensor, below(drawn, b, tensor.dtype) if a < b else drawn)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Normal draws."""
    drawn = draws(generator=draw_from(generator), method="standard_normal", size=tensor.shape)
    return _fill(tensor, mean + std * drawn)


def fans(tensor: Tensor | Array) -> tuple[int, int]:
    """fan_in and fan_out of a weight (out, in, ...). Raises ValueError for fewer than two dimensions."""
    if tensor.ndim < 2:
        raise ValueError(f"fan in and fan out are of a weight (out, in, ...), and this one has shape {tensor.shape}")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that keeps the variance through an activation: 1 but for relu √2, leaky_relu, tanh 5/3, selu 3/4."""
    if nonlinearity == "leaky_relu":
        return math.sqrt(2.0 / (1.0 + (0.01 if param is None else param) ** 2))
    gains = {"relu": math.sqrt(2.0), "tanh": 5.0 / 3.0, "selu": 0.75}
    plain = ("linear", "sigmoid", "conv1d", "conv2d", "conv3d")
    if nonlinearity not in gains and nonlinearity not in plain:
        raise ValueError(f"no gain is known for {nonlinearity!r}: one of {', '.join([*gains, 'leaky_relu', *plain])}")
    return gains.get(nonlinearity, 1.0)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform within ± gain √(6 / (fan_in + fan_out))."""
    bound = gain * math.sqrt(6.0 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with deviation gain √(2 / (fan_in + fan_out))."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(fans(tensor))), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode is 'fan_in' or 'fan_out', and not {mode!r}")
    return calculate_gain(nonlinearity, a) / math.sqrt(fans(tensor)[mode == "fan_out"])


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """Uniform within ± gain √(3 / fan); a is the slope of leaky_relu below zero."""
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """Normal with deviation gain / √fan; a is the slope of leaky_relu below zero."""
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def eye_(tensor: Tensor) -> Tensor:
    """Ones on the diagonal of a matrix."""
    return _fill(tensor, np.eye(tensor.shape[0], tensor.shape[1]))
