"""What the ops that go through a sequence step by step share: what they keep for their own way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import ref

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.memory import Array
from autograd_lite.modes import mode
from autograd_lite.ops.linalg import _weight_gradient

ndarray = np.ndarray


class Tape:
    """Activations that a forward pass leaves for its backward pass, and the one answer that all rules take from it.

    It saves time, and changes no result: what is not on it, or belongs to another output, is computed again.
    """

    __slots__ = ("__weakref__", "answer", "kept", "of")

    def __init__(self) -> None:
        self.of: Any = None  # a weak reference to the output that `kept` belongs to
        self.kept: Any = None
        self.answer: tuple[Any, Any] | None = None  # a weak reference to a gradient, and what came of it

    def keep(self, output: Array, kept: Any) -> None:
        """Leave something for the way back from an output."""
        self.of, self.kept, self.answer = ref(output), kept, None

    def found(self, output: Array) -> Any:
        """What was kept with this output, or None."""
        return self.kept if self.of is not None and self.of() is output else None

    def _forget(self, _: Any) -> None:
        self.answer = None


def once(tape: Tape | None, g: Any, compute: Callable[[], Any]) -> Any:
    """What comes of a gradient, computed for the first rule that asks, and kept for the others while g lives."""
    if tape is None or type(g) not in (ndarray, Tensor):  # a compiled step computes once what is the same
        return compute()
    if tape.answer is None or tape.answer[0]() is not g:
        tape.answer = ref(g, tape._forget), compute()
    return tape.answer[1]


def recording(op: Callable[..., Any], args: tuple[Any, ...], **attrs: Any) -> Any:
    """Call such an op, with a tape where it will be differentiated; the tape goes when the graph is freed."""
    wanted = mode.grad and any(isinstance(a, Tensor) and a.node is not None for a in args)
    if not wanted:
        return op(*args, **attrs)
    y = op(*args, **attrs, tape=Tape())
    y.node.attrs = attrs
    return y


def recurrent_weight(gz: Any, y: Any, reverse: bool) -> Any:
    """gzᵀ h over all steps in one product, h being the states before them, which stand one row off in y."""
    steps = gz.shape[0]
    return _weight_gradient(gz, y[1 : steps + 1] if reverse else y[:steps])


def rows(steps: int, reverse: bool) -> range:
    """The steps in the order in which they are made."""
    return range(steps)[::-1] if reverse else range(steps)
