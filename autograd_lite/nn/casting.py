"""What of `Module` takes it to another dtype, or to a device: there is one, the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_lite.conversions import asked_dtype
from autograd_lite.core import Tensor
from autograd_lite.nn.parameter import cast_grad

if TYPE_CHECKING:
    from typing_extensions import Self


class Casting:
    """Dtypes and devices of a module. `parameters` and `buffers` are the module's."""

    if TYPE_CHECKING:

        def parameters(self, recurse: bool = True) -> Iterator[Any]:
            """The parameters."""

        def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
            """The buffers."""

    def to(self, *args: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False) -> Self:
        """All floating-point parameters and buffers in another dtype, or a tensor's, in place; "cpu" changes nothing.

        Raises TypeError for a dtype that is not floating point, ValueError for a device that is not the CPU.

        >>> import autograd_lite as al
        >>> al.nn.Linear(2, 1).to("cpu", al.float32).weight.dtype.name
        'float32'
        """
        kind = asked_dtype(args, dtype, device)
        if kind is None:
            return self
        if kind.kind != "f":
            raise TypeError(f"a module's parameters are floating point, and {kind} is not")
        for tensor in (*self.parameters(), *self.buffers()):
            if tensor.dtype.kind == "f" and tensor.dtype != kind:
                tensor.data = tensor.data.astype(kind)
                cast_grad(tensor, kind)
        return self

    def double(self) -> Self:
        """All floating-point parameters and buffers as float64."""
        return self.to(np.float64)

    def float(self) -> Self:
        """All floating-point parameters and buffers as float32."""
        return self.to(np.float32)

    def half(self) -> Self:
        """All floating-point parameters and buffers as float16."""
        return self.to(np.float16)

    def cpu(self) -> Self:
        """Itself: there is no other device."""
        return self

    def cuda(self, device: Any = None) -> Self:
        """Raises ValueError: there is none."""
        return self.to("cuda")
