"""What type checkers may know of most modules here: calling one gives one tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autograd_lite.core import Tensor
from autograd_lite.nn.module import Module

if TYPE_CHECKING:

    class Layer(Module):
        """A module whose result is one tensor."""

        def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
            """Call `forward`."""
            ...

else:
    Layer = Module
