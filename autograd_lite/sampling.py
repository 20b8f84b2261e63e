"""Random tensors of given distributions. All draw through `creation.draws`: a compiled step draws anew in each call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.core import Tensor, as_array, primitive
from autograd_lite.creation import _made, _sizes, below, draws, get_default_dtype
from autograd_lite.devices import on
from autograd_lite.memory import Array
from autograd_lite.modes import mode
from autograd_lite.random import draw_from

__all__ = [
    "bernoulli",
    "multinomial",
    "normal",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
]


def _raw(x: Any) -> Any:
    return x.data if isinstance(x, Tensor) else as_array(x)


def _look_at(refuse: Callable[..., None], array: Any, *more: Any) -> None:
    """Refuse what cannot be drawn from: now, or in a compiled step each time."""
    if mode.tracer is not None and type(array) is not np.ndarray:
        mode.tracer.check(refuse, array, *more)
    else:
        refuse(np.asarray(array), *more)


def _refuse_spread(spread: Array) -> None:
    if not np.all(spread >= 0):
        raise ValueError("normal: a standard deviation is below 0")


def _refuse_chance(chance: Array) -> None:
    if not np.all((chance >= 0) & (chance <= 1)):
        raise ValueError("bernoulli: probabilities are from 0 to 1")


def _refuse_weights(weights: Array, num_samples: int, replacement: bool) -> None:
    if not (np.all(np.isfinite(weights)) and np.all(weights >= 0)):
        raise ValueError("multinomial takes weights that are finite, none below 0")
    if not np.all(weights.sum(-1) > 0):
        raise ValueError("multinomial: weights of a row add up to 0")
    if not replacement and np.any((weights > 0).sum(-1) < num_samples):
        raise ValueError(f"multinomial: {num_samples} places without replacement, and fewer weights are above 0")


def rand(
    *size: Any,
    generator: Any = None,
    dtype: npt.DTypeLike | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Uniform draws from 0 to 1, 1 not included, from the generator given or the default one.

    >>> import autograd_lite as al
    >>> _ = al.manual_seed(0)
    >>> x = al.rand(2, 3)
    >>> x.shape, bool((x >= 0).all() and (x < 1).all())
    ((2, 3), True)
    """
    source, kind = draw_from(generator), np.dtype(dtype or get_default_dtype())
    drawn_so = isinstance(source, np.random.Generator) and kind in (np.float32, np.float64)
    drawn: Any = draws(generator=source, method="random", size=_sizes(size), dtype=kind if drawn_so else None)
    return _made(drawn if drawn_so else below(drawn, 1.0, kind), requires_grad, device)


def randn(
    *size: Any,
    generator: Any = None,
    dtype: npt.DTypeLike | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Draws from the standard normal distribution, from the generator given or the default one.

    >>> import autograd_lite as al
    >>> _ = al.manual_seed(0)
    >>> x = al.randn(10_000)
    >>> bool(abs(x.mean()) < 0.03), bool(abs(x.std() - 1.0) < 0.03)
    (True, True)
    """
    drawn: Any = draws(generator=draw_from(generator), method="standard_normal", size=_sizes(size))
    return _made(drawn.astype(dtype or get_default_dtype(), copy=False), requires_grad, device)


def randint(
    low: int,
    high: Any = None,
    size: Any = (),
    *,
    generator: Any = None,
    dtype: npt.DTypeLike | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Integers from low to high - 1, or from 0 to low - 1: `randint(2, 10, (3,))`, `randint(10, (3,))`.

    >>> import autograd_lite as al
    >>> _ = al.manual_seed(0)
    >>> x = al.randint(2, 10, (100,))
    >>> x.min(), x.max(), x.dtype.name
    (tensor(2), tensor(9), 'int64')
    """
    if isinstance(high, tuple | list):
        high, size = None, high
    low, high = (0, low) if high is None else (low, high)
    source = draw_from(generator)
    method = "integers" if hasattr(source, "integers") else "randint"
    drawn: Any = draws(generator=source, method=method, size=size, params=(low, high))
    return _made(drawn.astype(dtype or np.int64, copy=False), requires_grad, device)


def rand_like(
    input: Any,
    *,
    generator: Any = None,
    dtype: npt.DTypeLike | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Uniform draws from 0 to 1 of the shape and dtype of the input.

    >>> import autograd_lite as al
    >>> al.rand_like(al.zeros(2, 3)).shape
    (2, 3)
    """
    on(device)
    return rand(tuple(input.shape), generator=generator, dtype=dtype or input.dtype, requires_grad=requires_grad)


def randn_like(
    input: Any,
    *,
    generator: Any = None,
    dtype: npt.DTypeLike | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Draws from the standard normal distribution, of the shape and dtype of the input.

    >>> import autograd_lite as al
    >>> al.randn_like(al.zeros(2, 3)).shape
    (2, 3)
    """
    on(device)
    return randn(tuple(input.shape), generator=generator, dtype=dtype or input.dtype, requires_grad=requires_grad)


def randint_like(input: Any, low: int, high: int | None = None, *, generator: Any = None) -> Tensor:
    """Integers from low to high - 1, or from 0 to low - 1, of the shape and dtype of the input.

    >>> import autograd_lite as al
    >>> al.randint_like(al.zeros(2), 1).tolist()
    [0.0, 0.0]
    """
    drawn = randint(low, high, tuple(input.shape), generator=generator)
    return Tensor(drawn.data.astype(input.dtype, copy=False))


def randperm(
    n: int, *, generator: Any = None, dtype: npt.DTypeLike = np.int64, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The numbers from 0 to n - 1 in random order.

    >>> import autograd_lite as al
    >>> sorted(al.randperm(4).tolist())
    [0, 1, 2, 3]
    """
    drawn = np.argsort(draws(generator=draw_from(generator), method="random", size=(int(n),)), kind="stable")
    return _made(drawn.astype(dtype, copy=False), requires_grad, device)


def normal(
    mean: Any, std: Any = 1.0, size: Any = None, *, generator: Any = None, requires_grad: bool = False
) -> Tensor:
    """Draws from normal distributions, of means and standard deviations that are numbers (with a `size`) or tensors.

    Constants: no gradient leads to means and deviations; randn(...) * std + mean has one.

    >>> import autograd_lite as al
    >>> al.normal(al.tensor([1.0, 2.0]), 0.0)
    tensor([1., 2.])
    """
    middle, spread = _raw(mean), _raw(std)
    _look_at(_refuse_spread, spread)
    shape = np.broadcast_shapes(middle.shape, spread.shape) if size is None else tuple(size)
    given = [x.dtype for x in (mean, std) if isinstance(x, Tensor)]
    kind = np.result_type(*given) if given else get_default_dtype()
    drawn: Any = draws(generator=draw_from(generator), method="standard_normal", size=shape)
    return _made((drawn * spread + middle).astype(kind, copy=False), requires_grad)


def bernoulli(input: Any, p: float | None = None, *, generator: Any = None) -> Tensor:
    """1 with the probabilities of the input (or p), else 0, in its dtype.

    >>> import autograd_lite as al
    >>> al.bernoulli(al.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    chance = _raw(input)
    if p is None:
        _look_at(_refuse_chance, chance)
    uniform = below(draws(generator=draw_from(generator), method="random", size=chance.shape), 1.0, np.float64)
    return Tensor((uniform < (chance if p is None else p)).astype(chance.dtype))


@primitive(weights=None, uniform=None)
def _chosen(weights: Array, uniform: Array, *, count: int, replacement: bool) -> Any:
    """With replacement by the cumulative weights; without, the smallest of exponential times at these rates.

    P. S. Efraimidis and P. G. Spirakis, "Weighted random sampling with a reservoir", Information Processing Letters
    97 (2006), 181-185.
    """
    share = weights / weights.sum(-1, keepdims=True)
    if not replacement:
        with np.errstate(divide="ignore"):
            return np.argsort(-np.log1p(-uniform) / share, axis=-1, kind="stable")[..., :count]
    edges = np.cumsum(share, -1)
    edges /= edges[..., -1:]
    return (uniform[..., :, None] >= edges[..., None, :]).sum(-1)


def multinomial(input: Any, num_samples: int, replacement: bool = False, *, generator: Any = None) -> Tensor:
    """Places drawn with probabilities in proportion to weights: (n,) gives (num_samples,), and so each row of a matrix.

    Raises ValueError for weights below 0, and where too few are above it.

    >>> import autograd_lite as al
    >>> al.multinomial(al.tensor([0.0, 3.0, 0.0]), 2, replacement=True)
    tensor([1, 1])
    """
    weights = _raw(input)
    if weights.ndim not in (1, 2):
        raise ValueError(f"multinomial takes a vector or a matrix of weights, and this has shape {weights.shape}")
    _look_at(_refuse_weights, weights, num_samples, replacement)
    size = (*weights.shape[:-1], num_samples if replacement else weights.shape[-1])
    uniform = below(draws(generator=draw_from(generator), method="random", size=size), 1.0, np.float64)
    return Tensor(_chosen(weights, uniform, count=num_samples, replacement=replacement))
