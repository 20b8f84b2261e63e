"""Ways to fill a parameter before training, in place; all return it. Draws are from a generator, or the default one.

`fan_in` is the number of inputs of one output: the product of all sizes of a weight but the first; `fan_out` counts
the other way. Formulas: Glorot and Bengio 2010 (xavier), He et al. 2015 (kaiming).
"""

from __future__ import annotations

import math
from statistics import NormalDist
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
    """One value everywhere.

    >>> import autograd_lite as al
    >>> al.nn.init.constant_(al.zeros(2, 2), 0.5).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    return _fill(tensor, val)


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros.

    >>> import autograd_lite as al
    >>> al.nn.init.zeros_(al.ones(3))
    tensor([0., 0., 0.])
    """
    return _fill(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Ones.

    >>> import autograd_lite as al
    >>> al.nn.init.ones_(al.zeros(3))
    tensor([1., 1., 1.])
    """
    return _fill(tensor, 1.0)


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform draws from a to b, b not included.

    >>> import autograd_lite as al
    >>> w = al.nn.init.uniform_(al.zeros(1000), -2.0, 2.0)
    >>> bool((w >= -2).all() and (w < 2).all())
    True
    """
    drawn = a + (b - a) * draws(generator=draw_from(generator), method="random", size=tensor.shape)
    return _fill(tensor, below(drawn, b, tensor.dtype) if a < b else drawn)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Normal draws with this mean and standard deviation.

    >>> import autograd_lite as al
    >>> _ = al.manual_seed(0)
    >>> w = al.nn.init.normal_(al.zeros(1000), mean=5.0, std=0.1)
    >>> w.mean().round(decimals=2), w.std().round(decimals=2)
    (tensor(5.), tensor(0.1))
    """
    drawn = draws(generator=draw_from(generator), method="standard_normal", size=tensor.shape)
    return _fill(tensor, mean + std * drawn)


def fans(tensor: Tensor | Array) -> tuple[int, int]:
    """fan_in and fan_out of a weight (out, in, ...). Raises ValueError for fewer than two dimensions.

    >>> import autograd_lite as al
    >>> al.nn.init.fans(al.zeros(16, 3, 5, 5))
    (75, 400)
    """
    if tensor.ndim < 2:
        raise ValueError(f"fan in and fan out are of a weight (out, in, ...), and this one has shape {tensor.shape}")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that keeps the variance through an activation: 1 but for relu √2, leaky_relu, tanh 5/3, selu 3/4.

    For leaky_relu it is √(2 / (1 + param²)), `param` being the slope below zero, 0.01 unless given. Raises ValueError
    for a name that is not known.

    >>> import autograd_lite as al
    >>> al.nn.init.calculate_gain("tanh"), al.nn.init.calculate_gain("leaky_relu", 1.0)
    (1.6666666666666667, 1.0)
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2.0 / (1.0 + (0.01 if param is None else param) ** 2))
    gains = {"relu": math.sqrt(2.0), "tanh": 5.0 / 3.0, "selu": 0.75}
    convolutions = (f"conv{kind}{n}d" for kind in ("", "_transpose") for n in (1, 2, 3))
    plain = ("linear", "sigmoid", *convolutions)
    if nonlinearity not in gains and nonlinearity not in plain:
        raise ValueError(f"no gain is known for {nonlinearity!r}: one of {', '.join([*gains, 'leaky_relu', *plain])}")
    return gains.get(nonlinearity, 1.0)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform within ± gain √(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010).

    Raises ValueError for fewer than two dimensions.

    >>> import autograd_lite as al
    >>> w = al.nn.init.xavier_uniform_(al.zeros(200, 400))
    >>> bool(0.09 < abs(w).max() <= 0.1)
    True
    """
    bound = gain * math.sqrt(6.0 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with deviation gain √(2 / (fan_in + fan_out)) (Glorot and Bengio, 2010).

    Raises ValueError for fewer than two dimensions.

    >>> import autograd_lite as al
    >>> _ = al.manual_seed(0)
    >>> w = al.nn.init.xavier_normal_(al.zeros(80, 120))
    >>> w.std().round(decimals=2)
    tensor(0.1)
    """
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
    """Uniform within ± gain √(3 / fan) (He et al., 2015); a is the slope of leaky_relu below zero.

    The gain is that of `nonlinearity` and a, the fan what `mode` says, "fan_in" or "fan_out". Raises ValueError for
    others, and for fewer than two dimensions.

    >>> import autograd_lite as al
    >>> w = al.nn.init.kaiming_uniform_(al.zeros(100, 600), nonlinearity="relu")
    >>> bool(0.09 < abs(w).max() <= 0.1)
    True
    """
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """Normal with deviation gain / √fan (He et al., 2015); a is the slope of leaky_relu below zero.

    The gain is that of `nonlinearity` and a, the fan what `mode` says, "fan_in" or "fan_out". Raises ValueError for
    others, and for fewer than two dimensions.

    >>> import autograd_lite as al
    >>> _ = al.manual_seed(0)
    >>> w = al.nn.init.kaiming_normal_(al.zeros(100, 200), nonlinearity="relu")
    >>> w.std().round(decimals=2)
    tensor(0.1)
    """
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def eye_(tensor: Tensor) -> Tensor:
    """Ones on the diagonal of a matrix. Raises ValueError for another number of dimensions.

    >>> import autograd_lite as al
    >>> al.nn.init.eye_(al.zeros(2, 3)).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    if tensor.ndim != 2:
        raise ValueError(f"eye_ is for matrices, and this tensor has shape {tensor.shape}")
    return _fill(tensor, np.eye(tensor.shape[0], tensor.shape[1]))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """A convolution's kernels (out, in / groups, ...) that leave as many channels as they can as they are.

    Raises ValueError for other than three to five dimensions, or outputs that do not divide by groups.

    >>> import autograd_lite as al
    >>> w = al.nn.init.dirac_(al.zeros(2, 2, 3))
    >>> al.nn.functional.conv1d(al.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), w, padding=1).tolist()
    [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    """
    if not 3 <= tensor.ndim <= 5 or tensor.shape[0] % groups:
        raise ValueError(f"dirac_ is for kernels (out, in, ...) with out divisible by groups, not {tensor.shape}")
    each = tensor.shape[0] // groups
    values = np.zeros(tensor.shape)
    middle = tuple(n // 2 for n in tensor.shape[2:])
    for group in range(groups):
        for k in range(min(each, tensor.shape[1])):
            place = (group * each + k, k, *middle)
            values[place] = 1.0
    return _fill(tensor, values)


def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Rows, or columns if there are fewer, at right angles and of length `gain` (Saxe et al., 2013).

    Of (out, in, ...) all but the first dimension are taken together. Raises ValueError for fewer than two dimensions.

    >>> import numpy as np
    >>> import autograd_lite as al
    >>> w = al.nn.init.orthogonal_(al.zeros(2, 3))
    >>> bool((abs(w.data @ w.data.T - np.eye(2)) < 1e-12).all())
    True
    """
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_ is for weights (out, in, ...), and this one has shape {tensor.shape}")
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    drawn = draws(
        generator=draw_from(generator), method="standard_normal", size=(max(rows, columns), min(rows, columns))
    )
    q, r = np.linalg.qr(drawn)
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)  # so that all such matrices are alike probable
    return _fill(tensor, gain * (q if rows >= columns else q.T).reshape(tensor.shape))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Normal draws, of which in each column a fraction, drawn, is zero (Martens, 2010), rounded up.

    Raises ValueError for other than two dimensions.

    >>> import autograd_lite as al
    >>> w = al.nn.init.sparse_(al.zeros(10, 3), sparsity=0.25)
    >>> (w == 0).sum(dim=0)
    tensor([3, 3, 3])
    """
    if tensor.ndim != 2:
        raise ValueError(f"sparse_ is for matrices, and this tensor has shape {tensor.shape}")
    normal_(tensor, 0.0, std, generator)
    chance = draws(generator=draw_from(generator), method="random", size=tensor.shape)
    order = np.argsort(chance, axis=0)
    zeros = math.ceil(sparsity * tensor.shape[0])
    values = tensor.data.copy()
    np.put_along_axis(values, order[:zeros], 0.0, axis=0)
    return _fill(tensor, values)


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> Tensor:
    """Normal draws between a and b: those of others are made impossible, not cut. Raises ValueError unless a < b.

    >>> import autograd_lite as al
    >>> w = al.nn.init.trunc_normal_(al.zeros(1000), std=2.0, a=-1.0, b=3.0)
    >>> bool((w >= -1).all() and (w <= 3).all())
    True
    """
    if not a < b:
        raise ValueError(f"trunc_normal_ draws between a and b, and {a} is not less than {b}")
    normal, flip = NormalDist(mean, std), a > mean  # far up 1 - p is lost in rounding: draw below the mean, turn round
    ends = (2 * mean - b, 2 * mean - a) if flip else (a, b)
    low, high = (0.5 * math.erfc((mean - end) / (std * math.sqrt(2.0))) for end in ends)
    chance = low + (high - low) * draws(generator=draw_from(generator), method="random", size=tensor.shape)
    tiny = float(np.finfo(float).tiny)
    values = np.frompyfunc(lambda p: normal.inv_cdf(min(max(p, tiny), 1.0 - 1e-16)), 1, 1)(chance)
    values = np.asarray(values, float)
    return _fill(tensor, np.clip(2 * mean - values if flip else values, a, b))
