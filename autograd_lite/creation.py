"""Making tensors: `tensor` and its kin, with PyTorch's names. Floats are float64 unless told otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.core import Tensor, array_types, as_array, leaf, primitive
from autograd_lite.devices import on
from autograd_lite.modes import contexts, mode

__all__ = [
    "arange",
    "as_tensor",
    "empty",
    "empty_like",
    "eye",
    "from_numpy",
    "full",
    "full_like",
    "get_default_dtype",
    "linspace",
    "logspace",
    "ones",
    "ones_like",
    "set_default_dtype",
    "tensor",
    "tril_indices",
    "triu_indices",
    "zeros",
    "zeros_like",
]

_default: np.dtype[Any] = np.dtype(np.float64)


def set_default_dtype(dtype: npt.DTypeLike) -> None:
    """The dtype of Python floats and of new tensors from now on: float64 unless changed.

    Raises TypeError where it is not a floating-point dtype.

    >>> import autograd_lite as al
    >>> al.set_default_dtype(al.float32)
    >>> al.tensor([1.5])
    tensor([1.5], dtype=float32)
    >>> al.set_default_dtype(al.float64)
    """
    global _default
    if np.dtype(dtype).kind != "f":
        raise TypeError(f"the default dtype must be floating point, and {np.dtype(dtype)} is not")
    _default = np.dtype(dtype)


def get_default_dtype() -> np.dtype[Any]:
    """The dtype that Python floats become: see `set_default_dtype`.

    >>> import autograd_lite as al
    >>> al.get_default_dtype().name
    'float64'
    """
    return _default


def _made(array: npt.NDArray[Any], requires_grad: bool, device: Any = None) -> Tensor:
    on(device)
    made = Tensor(array if not contexts.special or mode.tracer is None else mode.tracer.fresh(array))
    if requires_grad:
        made.node = leaf(made)
    return made


def _array(data: Any, dtype: npt.DTypeLike | None, convert: Callable[..., npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """An array of numbers; Python floats get the default dtype."""
    raw = data.data if isinstance(data, Tensor) else data
    if type(raw) is not np.ndarray and type(raw) in array_types:
        return raw.astype(raw.dtype if dtype is None else dtype, copy=convert is np.array)
    array = convert(raw, dtype=dtype)
    if dtype is None and array.dtype == np.float64 and not isinstance(raw, np.ndarray | np.generic):
        array = array.astype(_default, copy=False)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"a tensor holds floats, integers or booleans, and this data is {array.dtype}")
    return array


def tensor(
    data: npt.ArrayLike | Tensor,
    dtype: npt.DTypeLike | None = None,
    requires_grad: bool = False,
    name: str | None = None,
    *,
    device: Any = None,
) -> Tensor:
    """A tensor with a copy of the data: numbers, nested lists, an array, another tensor.

    Python floats become the default dtype (float64); an array keeps its own. `name` is how reports and pictures
    call it. Raises TypeError where a gradient is asked for and the dtype is not floating point.

    >>> import autograd_lite as al
    >>> al.tensor([[1, 2], [3, 4]], dtype=float, requires_grad=True)
    tensor([[1., 2.],
            [3., 4.]], requires_grad=True)
    """
    array = _array(data, dtype, np.array)
    made = _made(array, requires_grad, device)
    if name is not None:
        made.name = name
    return made


def as_tensor(data: npt.ArrayLike | Tensor, dtype: npt.DTypeLike | None = None, device: Any = None) -> Tensor:
    """The tensor itself (cast, recorded, to another dtype), or a constant that shares an array's memory if it can.

    >>> import autograd_lite as al
    >>> import numpy as np
    >>> x, array = al.zeros(2), np.zeros(2)
    >>> al.as_tensor(x) is x, np.shares_memory(al.as_tensor(array).data, array)
    (True, True)
    """
    on(device)
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    return Tensor(_array(data, dtype, np.asarray))


def from_numpy(array: npt.NDArray[Any]) -> Tensor:
    """A constant that shares the array's memory. Raises TypeError for anything but an array of numbers.

    >>> import autograd_lite as al
    >>> import numpy as np
    >>> array = np.zeros(2)
    >>> shared = al.from_numpy(array)
    >>> array[0] = 5.0
    >>> shared
    tensor([5., 0.])
    """
    if type(array) not in array_types and not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy takes an array, and got a {type(array).__name__}: al.tensor copies what is none")
    return Tensor(_array(array, None, np.asarray))


def _sizes(size: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int | np.integer) else size


def _filler(name: str, fill: Callable[..., npt.NDArray[Any]], what: str) -> Callable[..., Tensor]:
    def make(*size: Any, dtype: npt.DTypeLike | None = None, device: Any = None, requires_grad: bool = False) -> Tensor:
        return _made(fill(_sizes(size), dtype=dtype or _default), requires_grad, device)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = what
    return make


zeros = _filler(
    "zeros",
    np.zeros,
    """Zeros of a shape: `zeros(2, 3)` or `zeros((2, 3))`.

    >>> import autograd_lite as al
    >>> al.zeros(2, 3).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """,
)
ones = _filler(
    "ones",
    np.ones,
    """Ones of a shape: `ones(2, 3)` or `ones((2, 3))`.

    >>> import autograd_lite as al
    >>> al.ones(3, dtype=al.int64)
    tensor([1, 1, 1])
    """,
)


def full(
    size: Any, fill_value: float, dtype: npt.DTypeLike | None = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """One value all over a shape.

    >>> import autograd_lite as al
    >>> al.full((2, 3), 7.0).tolist()
    [[7.0, 7.0, 7.0], [7.0, 7.0, 7.0]]
    """
    return _made(
        np.full(size, fill_value, dtype=dtype or (_default if isinstance(fill_value, float) else None)),
        requires_grad,
        device,
    )


def eye(
    n: int, m: int | None = None, dtype: npt.DTypeLike | None = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """Ones on the diagonal of an (n, m) matrix, zeros off it; m is n unless given.

    >>> import autograd_lite as al
    >>> al.eye(2, 3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    return _made(np.eye(n, m, dtype=dtype or _default), requires_grad, device)


def arange(
    start: float | None = None,
    end: float | None = None,
    step: float = 1,
    *,
    dtype: npt.DTypeLike | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Evenly spaced numbers: `arange(end)`, from 0; `arange(start, end)`; `arange(start, end, step)`.

    Raises TypeError without an end.

    >>> import autograd_lite as al
    >>> al.arange(3), al.arange(1.0, 2.0, 0.5)
    (tensor([0, 1, 2]), tensor([1. , 1.5]))
    """
    if end is None:
        start, end = None, start
    if end is None:
        raise TypeError("arange needs an end: arange(end), arange(start, end) or arange(start, end, step)")
    start = 0 if start is None else start
    if dtype is None and any(isinstance(bound, float) for bound in (start, end, step)):
        dtype = _default
    return _made(np.arange(start, end, step, dtype=dtype), requires_grad, device)


def linspace(
    start: float,
    end: float,
    steps: int,
    dtype: npt.DTypeLike | None = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """`steps` numbers from start to end, both included.

    >>> import autograd_lite as al
    >>> al.linspace(0.0, 1.0, 5)
    tensor([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    return _made(np.linspace(start, end, steps, dtype=dtype or _default), requires_grad, device)


@primitive()
def draws(*, generator: Any, method: str, size: Any, params: tuple[Any, ...] = (), dtype: Any = None) -> Any:
    """Random numbers of a shape: what a method of a generator gives. An op, so that a compiled step draws anew."""
    drawn = getattr(generator, method)(*params, size, **({} if dtype is None else {"dtype": dtype}))
    return np.asarray(drawn)


def below(values: Any, bound: float, dtype: npt.DTypeLike) -> Any:
    """Draws in a dtype, those that rounding takes to their open upper bound put one place under it."""
    array = as_array(values).astype(dtype, copy=False)
    if array.dtype.kind != "f":
        return array
    return as_array(np.minimum(array, np.nextafter(array.dtype.type(bound), array.dtype.type(-np.inf))))


def zeros_like(
    input: Any, dtype: npt.DTypeLike | None = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """Zeros of the shape and dtype of x.

    >>> import autograd_lite as al
    >>> al.zeros_like(al.tensor([1, 2]))
    tensor([0, 0])
    """
    return _made(np.zeros(input.shape, dtype or input.dtype), requires_grad, device)


def ones_like(
    input: Any, dtype: npt.DTypeLike | None = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """Ones of the shape and dtype of x.

    >>> import autograd_lite as al
    >>> al.ones_like(al.tensor([1.5, 2.5]), dtype=al.float32)
    tensor([1., 1.], dtype=float32)
    """
    return _made(np.ones(input.shape, dtype or input.dtype), requires_grad, device)


def full_like(
    input: Any, fill_value: Any, dtype: npt.DTypeLike | None = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """One value all over the shape of x, in its dtype.

    >>> import autograd_lite as al
    >>> al.full_like(al.zeros(2), 3.0)
    tensor([3., 3.])
    """
    return _made(np.full(input.shape, fill_value, dtype or input.dtype), requires_grad, device)


empty = _filler(
    "empty",
    np.empty,
    """Whatever is in memory, of a shape: to be written over.

    >>> import autograd_lite as al
    >>> al.empty(2).copy_(al.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """,
)


def empty_like(
    input: Any, dtype: npt.DTypeLike | None = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """Whatever is in memory, of the shape and dtype of x.

    >>> import autograd_lite as al
    >>> al.empty_like(al.zeros(2, 3)).shape
    (2, 3)
    """
    return _made(np.empty(input.shape, dtype or input.dtype), requires_grad, device)


def logspace(
    start: float,
    end: float,
    steps: int,
    base: float = 10.0,
    dtype: npt.DTypeLike | None = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """`steps` powers of a base, their exponents evenly spaced from start to end.

    >>> import autograd_lite as al
    >>> al.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    return _made(np.logspace(start, end, steps, base=base, dtype=dtype or _default), requires_grad, device)


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: npt.DTypeLike = np.int64) -> Tensor:
    """Where the elements on and below a diagonal of a (row, col) matrix are: their rows, and their columns.

    >>> import autograd_lite as al
    >>> al.tril_indices(2, 2).tolist()
    [[0, 1, 1], [0, 0, 1]]
    """
    return Tensor(np.stack(np.tril_indices(row, offset, col)).astype(dtype, copy=False))


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: npt.DTypeLike = np.int64) -> Tensor:
    """Where the elements on and above a diagonal of a (row, col) matrix are: their rows, and their columns.

    >>> import autograd_lite as al
    >>> al.triu_indices(2, 2).tolist()
    [[0, 0, 1], [0, 1, 1]]
    """
    return Tensor(np.stack(np.triu_indices(row, offset, col)).astype(dtype, copy=False))
