"""Padding as Modules: (N, C, ...), or (C, ...), with something around its last dimensions."""

from __future__ import annotations

from typing import Any

from autograd_lite.nn import functional as F
from autograd_lite.nn.layer import Layer


class _Pad(Layer):
    """`padding` is one number for all sides, or (before, after) of the last dimension, then of the one before it."""

    _dims: int
    _mode = "constant"
    value = 0.0

    def __init__(self, padding: Any) -> None:
        super().__init__()
        count = 2 * self._dims
        self.padding = (padding,) * count if isinstance(padding, int) else tuple(padding)
        if len(self.padding) != count:
            raise ValueError(f"{type(self).__name__}: padding is a number, or {count} of them, and not {padding!r}")

    def forward(self, input: Any) -> Any:
        """With something around it."""
        value = self.value if self._mode == "constant" else None
        return F.pad(input, self.padding, self._mode, value)

    def extra_repr(self) -> str:
        """The widths."""
        return str(self.padding)


class _ConstantPad(_Pad):
    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        """The widths and the value."""
        return f"padding={self.padding}, value={self.value}"


class ZeroPad1d(_Pad):
    """(N, C, L) or (C, L) with zeros around it: `padding` is a width for both sides, or (left, right).

    As in all of these, a negative width cuts off.

    >>> import autograd_lite as al
    >>> al.nn.ZeroPad1d((1, 2))(al.ones(1, 1, 2)).tolist()
    [[[0.0, 1.0, 1.0, 0.0, 0.0]]]
    """

    _dims = 1


class ZeroPad2d(_Pad):
    """(N, C, H, W) or (C, H, W) with zeros around it: one width for all sides, or (left, right, top, bottom).

    >>> import autograd_lite as al
    >>> al.nn.ZeroPad2d((1, 2, 0, 1))(al.ones(1, 1, 2, 2)).shape
    (1, 1, 3, 5)
    """

    _dims = 2


class ZeroPad3d(_Pad):
    """(N, C, D, H, W) or (C, D, H, W) with zeros around it: one width, or (left, right, top, bottom, front, back).

    >>> import autograd_lite as al
    >>> al.nn.ZeroPad3d((1, 2, 0, 1, 3, 0))(al.ones(1, 1, 2, 2, 2)).shape
    (1, 1, 5, 3, 5)
    """

    _dims = 3


class ConstantPad1d(_ConstantPad):
    """(N, C, L) or (C, L) with a value around it: widths as in `ZeroPad1d`.

    >>> import autograd_lite as al
    >>> al.nn.ConstantPad1d((1, 2), 5.0)(al.ones(1, 1, 2)).tolist()
    [[[5.0, 1.0, 1.0, 5.0, 5.0]]]
    """

    _dims = 1


class ConstantPad2d(_ConstantPad):
    """(N, C, H, W) or (C, H, W) with a value around it: widths as in `ZeroPad2d`.

    >>> import autograd_lite as al
    >>> al.nn.ConstantPad2d((1, 0, 0, 1), 5.0)(al.ones(1, 1, 2, 2)).tolist()
    [[[[5.0, 1.0, 1.0], [5.0, 1.0, 1.0], [5.0, 5.0, 5.0]]]]
    """

    _dims = 2


class ConstantPad3d(_ConstantPad):
    """(N, C, D, H, W) or (C, D, H, W) with a value around it: widths as in `ZeroPad3d`.

    >>> import autograd_lite as al
    >>> al.nn.ConstantPad3d(1, 5.0)(al.ones(1, 1, 2, 2, 2)).shape
    (1, 1, 4, 4, 4)
    """

    _dims = 3


class ReflectionPad1d(_Pad):
    """(N, C, L) or (C, L) mirrored at its edges, which are not repeated: widths as in `ZeroPad1d`.

    Raises ValueError, here and in two and three dimensions, for widths that are not less than the size.

    >>> import autograd_lite as al
    >>> al.nn.ReflectionPad1d(2)(al.tensor([[[1.0, 2.0, 3.0]]])).tolist()
    [[[3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]]]
    """

    _dims, _mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """(N, C, H, W) or (C, H, W) mirrored at its edges: see `ReflectionPad1d`, widths as in `ZeroPad2d`.

    >>> import autograd_lite as al
    >>> al.nn.ReflectionPad2d((1, 0, 0, 1))(al.arange(4.0).reshape(1, 1, 2, 2)).tolist()
    [[[[1.0, 0.0, 1.0], [3.0, 2.0, 3.0], [1.0, 0.0, 1.0]]]]
    """

    _dims, _mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """(N, C, D, H, W) or (C, D, H, W) mirrored at its edges: see `ReflectionPad1d`, widths as in `ZeroPad3d`.

    >>> import autograd_lite as al
    >>> al.nn.ReflectionPad3d(1)(al.ones(1, 1, 2, 2, 2)).shape
    (1, 1, 4, 4, 4)
    """

    _dims, _mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """(N, C, L) or (C, L) with its edges repeated: widths as in `ZeroPad1d`.

    >>> import autograd_lite as al
    >>> al.nn.ReplicationPad1d(2)(al.tensor([[[1.0, 2.0, 3.0]]])).tolist()
    [[[1.0, 1.0, 1.0, 2.0, 3.0, 3.0, 3.0]]]
    """

    _dims, _mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """(N, C, H, W) or (C, H, W) with its edges repeated: widths as in `ZeroPad2d`.

    >>> import autograd_lite as al
    >>> al.nn.ReplicationPad2d((1, 0, 0, 1))(al.arange(4.0).reshape(1, 1, 2, 2)).tolist()
    [[[[0.0, 0.0, 1.0], [2.0, 2.0, 3.0], [2.0, 2.0, 3.0]]]]
    """

    _dims, _mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """(N, C, D, H, W) or (C, D, H, W) with its edges repeated: widths as in `ZeroPad3d`.

    >>> import autograd_lite as al
    >>> al.nn.ReplicationPad3d(1)(al.ones(1, 1, 2, 2, 2)).shape
    (1, 1, 4, 4, 4)
    """

    _dims, _mode = 3, "replicate"


class CircularPad1d(_Pad):
    """(N, C, L) or (C, L) gone on with from its other end: widths as in `ZeroPad1d`.

    Raises ValueError, here and in two and three dimensions, for widths that are more than the size.

    >>> import autograd_lite as al
    >>> al.nn.CircularPad1d(2)(al.tensor([[[1.0, 2.0, 3.0]]])).tolist()
    [[[2.0, 3.0, 1.0, 2.0, 3.0, 1.0, 2.0]]]
    """

    _dims, _mode = 1, "circular"


class CircularPad2d(_Pad):
    """(N, C, H, W) or (C, H, W) gone on with from its other end: widths as in `ZeroPad2d`.

    >>> import autograd_lite as al
    >>> al.nn.CircularPad2d((1, 0, 0, 1))(al.arange(4.0).reshape(1, 1, 2, 2)).tolist()
    [[[[1.0, 0.0, 1.0], [3.0, 2.0, 3.0], [1.0, 0.0, 1.0]]]]
    """

    _dims, _mode = 2, "circular"


class CircularPad3d(_Pad):
    """(N, C, D, H, W) or (C, D, H, W) gone on with from its other end: widths as in `ZeroPad3d`.

    >>> import autograd_lite as al
    >>> al.nn.CircularPad3d(1)(al.ones(1, 1, 2, 2, 2)).shape
    (1, 1, 4, 4, 4)
    """

    _dims, _mode = 3, "circular"
