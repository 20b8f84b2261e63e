"""`al.autograd`: gradients on request, and PyTorch's way to write an op."""

from __future__ import annotations

from typing import Any

from autograd_lite.core import Node, Op, Tensor
from autograd_lite.engine import backward, grad
from autograd_lite.modes import enable_grad, is_grad_enabled, no_grad, set_grad_enabled

__all__ = ["Function", "backward", "enable_grad", "grad", "is_grad_enabled", "no_grad", "set_grad_enabled"]
