"""What is seen at one op of a step: the modules and the losses that run, the line, what made an operand."""

from __future__ import annotations

from types import FrameType
from typing import Any

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.nn import Module
from autograd_lite.operands import frames, inside

LOSSES = {  # functions of input and target
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "nll_loss",
    "smooth_l1_loss",
}
MOVES = {"broadcast_to", "cast", "clone", "getitem", "permute", "reshape"}


class Sight:
    """The frames of the calls around an op, read once."""

    def __init__(self) -> None:
        self.modules: list[Module] = []  # the outermost first
        self.call = 0  # when the innermost one was called
        self.losses: list[tuple[str, FrameType]] = []
        self.dropped = False  # inside a function that drops out
        line: FrameType | None = None
        for frame in frames():
            name = frame.f_code.co_name
            if not inside(frame):
                line = line or frame
                continue
            if name == "__call__" and isinstance(module := frame.f_locals.get("self"), Module):
                if not self.modules or self.modules[-1] is not module:
                    self.call = self.call or frame.f_locals.get("start", 0)
                    self.modules.append(module)
            elif name in LOSSES and {"input", "target"} <= frame.f_locals.keys():
                self.losses.append((name, frame))
            self.dropped |= "dropout" in name
        self.modules.reverse()
        self.line = "" if line is None else f"{line.f_code.co_filename}:{line.f_lineno}"

    @property
    def model(self) -> Module | None:
        """The outermost module that runs."""
        return self.modules[0] if self.modules else None

    def path(self) -> str:
        """Where in its model the innermost running module is."""
        return path_of(self.modules[0], self.modules[-1]) if self.modules else ""

    def where(self) -> str:
        """Path and line."""
        return ", ".join(part for part in (self.path(), self.line) if part)


def path_of(model: Module, module: Module) -> str:
    """A module's path in its model, after the model's class."""
    path = next((path for path, other in model.named_modules() if other is module), "")
    return f"{type(model).__name__}{'.' if path else ''}{path}"


def made_by(value: Any) -> tuple[str | None, Any]:
    """The name of the op that made a tensor, and its node, past ops that only move numbers."""
    node = value.node if isinstance(value, Tensor) else None
    while node is not None and node.op is not None and node.op.name in MOVES and node.parents:
        node = node.parents[0]
    return (None, None) if node is None or node.op is None else (node.op.name, node)


def is_norm(module: Module) -> bool:
    """Does it keep running statistics of batches?"""
    return any("BatchNorm" in kind.__name__ for kind in type(module).__mro__)


def is_dropout(module: Module) -> bool:
    """Does it drop out while it trains?"""
    return any("Dropout" in kind.__name__ for kind in type(module).__mro__)


def raw(value: Any) -> Any:
    """The array of a tensor, or an array of anything else."""
    return value._array if isinstance(value, Tensor) else np.asarray(value)
