"""Steps divided by the size of past gradients: RMSprop (Hinton, 2012), Adagrad (Duchi et al., 2011), Adadelta."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.memory import Array
from autograd_lite.optim.optimizer import Optimizer, refuse_negative, root
from autograd_lite.sparse import RowSparse


class RMSprop(Optimizer):
    """v = αv + (1 - α)g², w -= lr g / (√v + eps); `centered` subtracts the square of the mean gradient from v.

    Tieleman and Hinton, 2012.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0], requires_grad=True)
    >>> optimizer = al.optim.RMSprop([w], lr=0.01)
    >>> (w * 3).sum().backward()
    >>> optimizer.step(); w
    tensor([0.9], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        refuse_negative(lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum)
        super().__init__(
            params,
            lr=lr,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
            maximize=maximize,
        )

    def update(self, p: Tensor, g: Array | RowSparse, group: dict[str, Any]) -> None:
        """One step of one parameter."""
        alpha, more = group["alpha"], ["momentum_buffer"] * bool(group["momentum"]) + ["grad_avg"] * group["centered"]
        state = self.memory(p, "square_avg", *more)
        state["step"] += 1
        g, v = self.dense(p, g, group), state["square_avg"]
        v *= alpha
        self.add(v, g * g, 1.0 - alpha)
        if group["centered"]:
            mean = state["grad_avg"]
            mean *= alpha
            self.add(mean, g, 1.0 - alpha)
            spread = root(v - mean * mean)
        else:
            spread = root(v)
        spread += group["eps"]
        step = np.divide(g, spread, out=spread)
        if group["momentum"]:
            velocity = state["momentum_buffer"]
            velocity *= group["momentum"]
            velocity += step
            step = velocity
        self.add(p._array, step, -group["lr"])


class Adagrad(Optimizer):
    """s += g², w -= lr / (1 + (t - 1) lr_decay) g / (√s + eps); s starts at `initial_accumulator_value`.

    Duchi et al., 2011; t counts the steps.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0], requires_grad=True)
    >>> optimizer = al.optim.Adagrad([w], lr=0.1)
    >>> (w * 3).sum().backward()
    >>> optimizer.step(); w
    tensor([0.9], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        settings = {"lr": lr, "lr_decay": lr_decay, "weight_decay": weight_decay, "eps": eps}
        refuse_negative(**settings, initial_accumulator_value=initial_accumulator_value)
        super().__init__(params, **settings, initial_accumulator_value=initial_accumulator_value, maximize=maximize)

    def update(self, p: Tensor, g: Array | RowSparse, group: dict[str, Any]) -> None:
        """One step of one parameter."""
        fresh = not self.state.get(p)
        state = self.memory(p, "sum")
        total, g = state["sum"], self.dense(p, g, group)
        if fresh:
            total += group["initial_accumulator_value"]
        total += g * g
        state["step"] += 1
        spread = root(total)
        spread += group["eps"]
        np.divide(g, spread, out=spread)
        self.add(p._array, spread, -group["lr"] / (1.0 + (state["step"] - 1) * group["lr_decay"]))


class Adadelta(Optimizer):
    """v = ρv + (1 - ρ)g², d = √(u + eps) / √(v + eps) g, u = ρu + (1 - ρ)d², w -= lr d (Zeiler, 2012).

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0], requires_grad=True)
    >>> optimizer = al.optim.Adadelta([w])
    >>> (w * 3).sum().backward()
    >>> optimizer.step(); bool(w < 1.0)
    True
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        refuse_negative(lr=lr, eps=eps, weight_decay=weight_decay)
        if not 0 <= rho <= 1:
            raise ValueError(f"rho is from 0 to 1, and is {rho}")
        super().__init__(params, lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize)

    def update(self, p: Tensor, g: Array | RowSparse, group: dict[str, Any]) -> None:
        """One step of one parameter."""
        rho, eps = group["rho"], group["eps"]
        state = self.memory(p, "square_avg", "acc_delta")
        state["step"] += 1
        g, v, u = self.dense(p, g, group), state["square_avg"], state["acc_delta"]
        v *= rho
        self.add(v, g * g, 1.0 - rho)
        change = np.sqrt(u + eps)
        change /= np.sqrt(v + eps)
        change *= g
        u *= rho
        self.add(u, change * change, 1.0 - rho)
        self.add(p._array, change, -group["lr"])
