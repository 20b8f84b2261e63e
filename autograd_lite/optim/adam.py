"""Adam (Kingma and Ba, 2015, algorithm 1) and AdamW (Loshchilov and Hutter, 2019)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.memory import Array
from autograd_lite.optim.optimizer import Optimizer, refuse_negative
from autograd_lite.sparse import RowSparse


def refuse_betas(betas: tuple[float, float]) -> None:
    """Raise ValueError unless both are from 0 to under 1."""
    if not all(0 <= beta < 1 for beta in betas):
        raise ValueError(f"betas are from 0 to under 1, and are {betas}")


class Adam(Optimizer):
    """m = β₁m + (1 - β₁)g, v = β₂v + (1 - β₂)g², w -= lr m̂ / (√v̂ + eps), m̂ and v̂ being corrected for their start at 0.

    Kingma and Ba, 2014. Weight decay λ adds λw to g, or with `decoupled_weight_decay` takes lr λw from w. With
    `amsgrad` the largest v so far stands for v (Reddi et al., 2018); with `maximize` it goes uphill. Of a row-sparse
    gradient no dense copy is made, unless decay is added to it; the result is the dense one. Raises ValueError for
    settings out of range.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0], requires_grad=True)
    >>> optimizer = al.optim.Adam([w], lr=0.1)
    >>> (w * 3).sum().backward()
    >>> optimizer.step(); w
    tensor([0.9], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        refuse_negative(lr=lr, eps=eps, weight_decay=weight_decay)
        refuse_betas(betas)
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            amsgrad=amsgrad,
            maximize=maximize,
            decoupled_weight_decay=decoupled_weight_decay,
        )

    def update(self, p: Tensor, g: Array | RowSparse, group: dict[str, Any]) -> None:
        """One step of one parameter."""
        (beta1, beta2), decay, lr = group["betas"], group["weight_decay"], group["lr"]
        sign = -1.0 if group["maximize"] else 1.0
        names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
        state = self.memory(p, *names[: 2 + group["amsgrad"]])
        state["step"] += 1
        m, v = state["exp_avg"], state["exp_avg_sq"]
        if decay and group["decoupled_weight_decay"]:
            p._array *= 1.0 - lr * decay
        elif decay:
            g, sign = self.dense(p, g, group), 1.0
        m *= beta1
        self.add(m, g, (1.0 - beta1) * sign)
        v *= beta2
        self.add(v, g.squared() if isinstance(g, RowSparse) else g * g, 1.0 - beta2)
        if group["amsgrad"]:
            v = np.maximum(state["max_exp_avg_sq"], v, out=state["max_exp_avg_sq"])
        spread = np.sqrt(v, out=np.empty_like(v))
        spread /= np.sqrt(1.0 - beta2 ** state["step"])
        spread += group["eps"]
        np.divide(m, spread, out=spread)
        spread *= lr / (1.0 - beta1 ** state["step"])
        p._array -= spread


class AdamW(Adam):
    """Adam with weight decay of its own: w -= lr λw, beside the step (Loshchilov and Hutter, 2017).

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0], requires_grad=True)
    >>> optimizer = al.optim.AdamW([w], lr=0.1, weight_decay=0.5)
    >>> (w * 3).sum().backward()
    >>> optimizer.step(); w
    tensor([0.85], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True)
