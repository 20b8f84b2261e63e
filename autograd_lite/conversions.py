"""The members of Tensor that convert it, ask for its form, or make others like it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from autograd_lite import creation, ops
from autograd_lite.core import Tensor
from autograd_lite.devices import device, names_device
from autograd_lite.memory import Array

if TYPE_CHECKING:
    from typing_extensions import Self
else:
    Self = Any


def _dtype_of(given: Any) -> Any:
    """The dtype in an argument of `to`: a Tensor's, or the one that it names; None for a device."""
    if isinstance(given, Tensor):
        return given.dtype
    return None if names_device(given) else given


def asked_dtype(args: Sequence[Any], dtype: Any, device: Any) -> np.dtype[Any] | None:
    """The dtype that the arguments of `to` ask for, if they do. Raises ValueError for a device that is not here."""
    given = [_dtype_of(a) for a in (*args, device) if a is not None and not isinstance(a, np.bool_ | bool)]
    kinds = [k for k in (*given, dtype) if k is not None]
    return np.dtype(kinds[-1]) if kinds else None


class Conversions:
    """Dtypes, forms, and new tensors like this one."""

    if not TYPE_CHECKING:
        __slots__ = ()
    data: Array
    node: Any

    # Dtypes

    def to(
        self, *args: Any, dtype: Any = None, device: Any = None, non_blocking: Any = False, copy: Any = False
    ) -> Tensor:
        """In another dtype, recorded; itself where it has it already. Also like a tensor, or to the device "cpu".

        >>> import autograd_lite as al
        >>> al.tensor([1.5]).to("cpu", al.float32).dtype.name
        'float32'
        """
        kind = asked_dtype(args, dtype, device)
        if kind is None or self.data.dtype == kind:
            return ops.clone(self) if copy else cast(Tensor, self)
        return (ops.cast if kind.kind == "f" else ops.discrete)(self, dtype=kind)

    astype = to

    def type(self, dtype: Any = None) -> Tensor:
        """In another dtype; without one, the name of this one's."""
        return self.data.dtype.name if dtype is None else self.to(dtype)

    def type_as(self, other: Any) -> Tensor:
        """In the other's dtype."""
        return self.to(other.dtype)

    def double(self) -> Tensor:
        """As float64."""
        return self.to(np.float64)

    def float(self) -> Tensor:
        """As float32, PyTorch's float."""
        return self.to(np.float32)

    def half(self) -> Tensor:
        """As float16."""
        return self.to(np.float16)

    def long(self) -> Tensor:
        """As int64."""
        return self.to(np.int64)

    def int(self) -> Tensor:
        """As int32."""
        return self.to(np.int32)

    def short(self) -> Tensor:
        """As int16."""
        return self.to(np.int16)

    def char(self) -> Tensor:
        """As int8."""
        return self.to(np.int8)

    def byte(self) -> Tensor:
        """As uint8."""
        return self.to(np.uint8)

    def bool(self) -> Tensor:
        """As booleans."""
        return self.to(np.bool_)

    # Where it is: NumPy's memory

    def cpu(self) -> Self:
        """Itself: there is no other device."""
        return self

    @property
    def device(self) -> Any:
        """Where it is: `device("cpu")`, always."""
        return device("cpu")

    def get_device(self) -> Any:
        """-1, as of every tensor on the CPU."""
        return -1

    @property
    def is_cpu(self) -> Any:
        """True."""
        return True

    def cuda(self, device: Any = None) -> Any:
        """Raises ValueError: there is none."""
        return self.to("cuda")

    def is_inference(self) -> Any:
        """False: what is made inside `inference_mode` is as any other tensor."""
        return False

    @property
    def is_cuda(self) -> Any:
        """False."""
        return False

    def contiguous(self) -> Tensor:
        """Itself where the array lies row by row, else a copy that does, recorded."""
        return cast(Tensor, self) if self.data.flags.c_contiguous else ops.reshape(ops.flatten(self), self.data.shape)

    def is_contiguous(self) -> Any:
        """Whether the array lies in memory row by row."""
        return self.data.flags.c_contiguous

    def stride(self, dim: Any = None) -> Any:
        """How many elements to step for the next one along each dimension, or along one."""
        steps = tuple(s // self.data.itemsize for s in self.data.strides)
        return steps if dim is None else steps[dim]

    def element_size(self) -> Any:
        """The bytes of an element."""
        return self.data.itemsize

    @property
    def itemsize(self) -> Any:
        """The bytes of an element."""
        return self.data.itemsize

    @property
    def nbytes(self) -> Any:
        """The bytes of all elements."""
        return self.data.nbytes

    # Form

    def size(self, dim: Any = None) -> Any:
        """The shape, or one of its sizes."""
        return self.data.shape if dim is None else self.data.shape[dim]

    def dim(self) -> Any:
        """The number of dimensions."""
        return self.data.ndim

    ndimension = dim

    # Others like it: of its dtype, unless another is given

    def new_tensor(self, data: Any, dtype: Any = None, device: Any = None, requires_grad: Any = False) -> Tensor:
        """A tensor with this data."""
        return creation.tensor(data, dtype=dtype or self.data.dtype, device=device, requires_grad=requires_grad)

    def new_zeros(self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: Any = False) -> Tensor:
        """Zeros of a shape."""
        return creation.zeros(*size, dtype=dtype or self.data.dtype, device=device, requires_grad=requires_grad)

    def new_ones(self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: Any = False) -> Tensor:
        """Ones of a shape."""
        return creation.ones(*size, dtype=dtype or self.data.dtype, device=device, requires_grad=requires_grad)

    def new_empty(self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: Any = False) -> Tensor:
        """Anything of a shape."""
        return creation.empty(*size, dtype=dtype or self.data.dtype, device=device, requires_grad=requires_grad)

    def new_full(
        self, size: Any, fill_value: Any, dtype: Any = None, device: Any = None, requires_grad: Any = False
    ) -> Tensor:
        """One value all over a shape."""
        return creation.full(
            size, fill_value, dtype=dtype or self.data.dtype, device=device, requires_grad=requires_grad
        )
