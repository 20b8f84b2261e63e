"""Writing into a tensor's array: only where no gradient is lost, and noted for graphs that saved the old values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_lite import ops
from autograd_lite.core import GraphError, Node, Tensor
from autograd_lite.memory import Array, written
from autograd_lite.modes import mode

if TYPE_CHECKING:
    from typing_extensions import Self
else:
    Self = Any


class Writes:
    """The members of Tensor that write in place.

    `x += y` makes a new tensor and rebinds the name, but for a leaf that requires a gradient: there it is PyTorch's,
    in place inside `no_grad`, and an error where it would be recorded.
    """

    if not TYPE_CHECKING:
        __slots__ = ()
    data: Array
    node: Node | None

    def __setitem__(self, index: Any, value: Any) -> None:
        raw = self._writable("x[...] = value", value)
        items = index if isinstance(index, tuple) else (index,)
        where = tuple(i.data if isinstance(i, Tensor) else i for i in items)
        self.data[where if isinstance(index, tuple) else where[0]] = raw
        basic = all(i is None or (isinstance(i, int | np.integer | slice) and not isinstance(i, bool)) for i in where)
        written([self.data[where + (...,)] if basic else self.data], "x[...] = value")  # noqa: RUF005 (Python 3.10)

    def _writable(self, what: str, value: Any) -> Any:
        """The array to write, if writing would lose no gradient."""
        if mode.grad and self.node is not None:
            if self.node.op is None:
                raise GraphError(
                    f"{what} on a leaf that requires a gradient: the change could not be differentiated. Inside "
                    "`with al.no_grad():` it is allowed"
                )
            raise GraphError(
                f"{what} on a recorded result, {self.node!r}: a graph's values cannot be changed. Make a new tensor: "
                "al.where(mask, value, x), al.stack or al.cat of the pieces, x = x + value"
            )
        if mode.grad and isinstance(value, Tensor) and value.node is not None:
            raise GraphError(
                f"{what} with a value that requires a gradient: the gradient would be lost in the array. Collect the "
                "pieces in a list and al.stack or al.cat them, or write value.detach()"
            )
        return value.data if isinstance(value, Tensor) else value

    def _in_place(self, what: str, function: np.ufunc, value: Any) -> Self:
        function(self.data, self._writable(what, value), out=self.data, casting="same_kind")
        written([self.data], what)
        return self

    def _augmented(self, other: Any, op: Callable[..., Any], write: Callable[..., Any], sign: str) -> Any:
        if self.node is not None and self.node.op is None:
            if mode.grad:
                raise GraphError(
                    f"x {sign}= ... on a leaf that requires a gradient: inside `with al.no_grad():` it changes the "
                    f"leaf in place; x = x {sign} ... makes a new tensor"
                )
            return write(self, other)
        return op(self, other)

    def __iadd__(self, other: Any) -> Any:
        return self._augmented(other, ops.add, Writes.add_, "+")

    def __isub__(self, other: Any) -> Any:
        return self._augmented(other, ops.subtract, Writes.sub_, "-")

    def __imul__(self, other: Any) -> Any:
        return self._augmented(other, ops.multiply, Writes.mul_, "*")

    def __itruediv__(self, other: Any) -> Any:
        return self._augmented(other, ops.divide, Writes.div_, "/")

    def add_(self, other: Any, *, alpha: Any = 1) -> Self:
        """Add alpha times the other, in place; not while recording on a tensor that requires a gradient."""
        return self._in_place("add_", np.add, other if alpha == 1 else other * alpha)

    def sub_(self, other: Any, *, alpha: Any = 1) -> Self:
        """Subtract alpha times the other, in place."""
        return self._in_place("sub_", np.subtract, other if alpha == 1 else other * alpha)

    def mul_(self, other: Any) -> Self:
        """Multiply in place."""
        return self._in_place("mul_", np.multiply, other)

    def div_(self, other: Any) -> Self:
        """Divide in place."""
        return self._in_place("div_", np.true_divide, other)

    def _overwritten(self, what: str, value: Any) -> Self:
        self.data[...] = self._writable(what, value)
        written([self.data], what)
        return self

    def copy_(self, other: Any) -> Self:
        """Take over the other's values, in place."""
        return self._overwritten("copy_", other)

    def fill_(self, value: Any) -> Self:
        """One value everywhere, in place."""
        return self._overwritten("fill_", value)

    def zero_(self) -> Self:
        """Zero everywhere, in place."""
        return self._overwritten("zero_", 0)
