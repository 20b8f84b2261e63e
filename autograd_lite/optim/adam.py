"""Adam (Kingma and Ba, 2015, algorithm 1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.memory import Array
from autograd_lite.optim.optimizer import Optimizer, refuse_negative
from autograd_lite.sparse import RowSparse


class Adam(Optimizer):
    """m = β₁m + (1 - β₁)g, v = β₂v + (1 - β₂)g², w -= lr m̂ / (√v̂ + eps), m̂ and v̂ being corrected for their start at 0.

    Weight decay λ adds λw to g. Of a row-sparse gradient no dense copy is made, unless there is decay; the result is
    the dense one.
    Raises ValueError for settings out of range.

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
    ) -> None:
        refuse_negative(lr=lr, eps=eps, weight_decay=weight_decay)
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas are from 0 to under 1, and are {betas}")
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def update(self, p: Tensor, g: Array | RowSparse, group: dict[str, Any]) -> None:
        """One step of one parameter."""
        (beta1, beta2), decay = group["betas"], group["weight_decay"]
        state = self.state.setdefault(p, {})
        if not state:
            state.update(step=0, m=np.zeros_like(p.data), v=np.zeros_like(p.data))
        state["step"] += 1
        m, v = state["m"], state["v"]
        if decay:
            g = g + self.scaled(p.data, decay)
        m *= beta1
        self.add(m, g, 1.0 - beta1)
        v *= beta2
        self.add(v, g.squared() if isinstance(g, RowSparse) else g * g, 1.0 - beta2)
        spread = np.sqrt(v, out=np.empty_like(v))
        spread /= np.sqrt(1.0 - beta2 ** state["step"])
        spread += group["eps"]
        np.divide(m, spread, out=spread)
        spread *= group["lr"] / (1.0 - beta1 ** state["step"])
        p.data -= spread
