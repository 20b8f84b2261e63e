"""Relatives of Adam: NAdam (Dozat, 2016), RAdam (Liu et al., 2020), Adamax (Kingma and Ba, 2015, algorithm 2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.memory import Array
from autograd_lite.optim.adam import refuse_betas
from autograd_lite.optim.optimizer import Optimizer, refuse_negative, root
from autograd_lite.sparse import RowSparse


class _Moments(Optimizer):
    """What the three share: a mean of gradients, and one of their squares."""

    def _moments(self, p: Tensor, g: Any, group: dict[str, Any]) -> tuple[dict[str, Any], Array, Array, Array]:
        """The state after this gradient, its means of g and g², and the gradient itself."""
        (beta1, beta2), decay = group["betas"], group["weight_decay"]
        state = self.memory(p, "exp_avg", "exp_avg_sq")
        state["step"] += 1
        if group.get("decoupled_weight_decay") and decay:
            p._array *= 1.0 - group["lr"] * decay
            group = {**group, "weight_decay": 0.0}
        g = self.dense(p, g, group)
        m, v = state["exp_avg"], state["exp_avg_sq"]
        m *= beta1
        self.add(m, g, 1.0 - beta1)
        v *= beta2
        self.add(v, g * g, 1.0 - beta2)
        return state, m, v, g


class NAdam(_Moments):
    """Adam with Nesterov's momentum, μ rising by step: μ(t) = β₁ (1 - 0.5 · 0.96^(t ψ)), ψ being `momentum_decay`.

    Dozat, 2016.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0], requires_grad=True)
    >>> optimizer = al.optim.NAdam([w], lr=0.1)
    >>> (w * 3).sum().backward()
    >>> optimizer.step(); bool(w < 1.0)
    True
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        refuse_negative(lr=lr, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay)
        refuse_betas(betas)
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
        )

    def update(self, p: Tensor, g: Array | RowSparse, group: dict[str, Any]) -> None:
        """One step of one parameter."""
        state, m, v, g = self._moments(p, g, group)
        if "mu_product" not in state:
            state["mu_product"] = 1.0
        (beta1, beta2), lr, step = group["betas"], group["lr"], state["step"]
        mu = beta1 * (1.0 - 0.5 * 0.96 ** (step * group["momentum_decay"]))
        after = beta1 * (1.0 - 0.5 * 0.96 ** ((step + 1) * group["momentum_decay"]))
        state["mu_product"] = product = state["mu_product"] * mu
        spread = root(v)
        spread /= np.sqrt(1.0 - beta2**step)
        spread += group["eps"]
        change = g * (lr * (1.0 - mu) / (1.0 - product))
        change += m * (lr * after / (1.0 - product * after))
        change /= spread
        p._array -= change


class RAdam(_Moments):
    """Adam whose step waits for its variance: m̂ alone at first, and then m̂ / √v̂ times a factor that rises to 1.

    Liu et al., 2019.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0], requires_grad=True)
    >>> optimizer = al.optim.RAdam([w], lr=0.1)
    >>> (w * 3).sum().backward()
    >>> optimizer.step(); w
    tensor([0.7], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        refuse_negative(lr=lr, eps=eps, weight_decay=weight_decay)
        refuse_betas(betas)
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
        )

    def update(self, p: Tensor, g: Array | RowSparse, group: dict[str, Any]) -> None:
        """One step of one parameter."""
        state, m, v, _ = self._moments(p, g, group)
        (beta1, beta2), step = group["betas"], state["step"]
        most = 2.0 / (1.0 - beta2) - 1.0
        length = most - 2.0 * step * beta2**step / (1.0 - beta2**step)
        ready = np.greater(length, 5.0) * 1.0  # a number, so that a compiled step need not choose
        scale = (most - 4.0) * (most - 2.0) if most > 5.0 else 1.0  # else no step is ever ready
        part = (length - 4.0) * (length - 2.0) * most / (scale * length)
        factor = np.sqrt(np.maximum(part, 0.0) * (1.0 - beta2**step)) * ready
        change = root(v)
        change += group["eps"]
        np.divide(factor, change, out=change)
        change += 1.0 - ready
        change *= m
        change *= group["lr"] / (1.0 - beta1**step)
        p._array -= change


class Adamax(Optimizer):
    """Adam by the largest gradient: u = max(β₂u, |g| + eps), w -= lr m̂ / u (Kingma and Ba, 2014).

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0], requires_grad=True)
    >>> optimizer = al.optim.Adamax([w], lr=0.1)
    >>> (w * 3).sum().backward()
    >>> optimizer.step(); w
    tensor([0.9], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        refuse_negative(lr=lr, eps=eps, weight_decay=weight_decay)
        refuse_betas(betas)
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize)

    def update(self, p: Tensor, g: Array | RowSparse, group: dict[str, Any]) -> None:
        """One step of one parameter."""
        beta1, beta2 = group["betas"]
        state = self.memory(p, "exp_avg", "exp_inf")
        state["step"] += 1
        g = self.dense(p, g, group)
        m, most = state["exp_avg"], state["exp_inf"]
        m *= beta1
        self.add(m, g, 1.0 - beta1)
        most *= beta2
        size = np.absolute(g)
        size += group["eps"]
        np.maximum(most, size, out=most)
        p._array -= m / most * (group["lr"] / (1.0 - beta1 ** state["step"]))
