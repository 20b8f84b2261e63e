"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.memory import Array
from autograd_lite.optim.optimizer import Optimizer, refuse_negative
from autograd_lite.sparse import RowSparse


class SGD(Optimizer):
    """w -= lr * g; with weight decay λ, g + λw in place of g; with momentum μ, v = μv + g in place of g.

    Of a row-sparse gradient only its rows are touched, unless decay or momentum move the others too; the result
    is the dense one. With `maximize` it goes uphill. Raises ValueError for negative settings.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0], requires_grad=True)
    >>> optimizer = al.optim.SGD([w], lr=0.1)
    >>> (w * 3).sum().backward()
    >>> optimizer.step(); w
    tensor([0.7], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        refuse_negative(lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum == 0 or dampening != 0):
            raise ValueError("nesterov needs momentum, and no dampening")
        super().__init__(
            params,
            lr=lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
            maximize=maximize,
        )

    def update(self, p: Tensor, g: Array | RowSparse, group: dict[str, Any]) -> None:
        """One step of one parameter."""
        lr, momentum, decay = group["lr"], group["momentum"], group["weight_decay"]
        sign = -1.0 if group["maximize"] else 1.0
        if not momentum:
            if decay:
                p._array *= 1.0 - lr * decay
            self.add(p._array, g, -lr * sign)
            return
        state = self.state.setdefault(p, {})
        if state.get("momentum_buffer") is None:
            state["momentum_buffer"] = velocity = np.zeros_like(p._array)
            fresh = 1.0
        else:
            velocity, fresh = state["momentum_buffer"], 1.0 - group["dampening"]
            velocity *= momentum
        if decay:
            self.add(velocity, p._array, fresh * decay)
        self.add(velocity, g, fresh * sign)
        if group["nesterov"]:
            if decay:
                p._array *= 1.0 - lr * decay
            self.add(p._array, g, -lr * sign)
        self.add(p._array, velocity, -lr * momentum if group["nesterov"] else -lr)
