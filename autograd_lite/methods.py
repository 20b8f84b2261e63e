"""What a Tensor can do: its operators and methods, as one table, bound to the class below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from warnings import warn
from weakref import ref

import numpy as np
import numpy.typing as npt

from autograd_lite import interop, ops
from autograd_lite.conversions import Conversions
from autograd_lite.core import GraphError, Node, Tensor, leaf
from autograd_lite.gradients import tensor_backward
from autograd_lite.inplace import Writes
from autograd_lite.memory import Array, name_of, set_name, tick
from autograd_lite.modes import changes, contexts, mode
from autograd_lite.opmethods import OpMethods
from autograd_lite.sparse import RowSparse
from autograd_lite.updates import Updates

if TYPE_CHECKING:
    from typing_extensions import Self
else:
    Self = Any


Operator = Callable[..., Tensor]


def _swapped(op: Operator) -> Operator:
    def reflected(self: Any, other: Any) -> Tensor:
        return op(other, self)

    return reflected


class Handle:
    """A registered hook: `remove()` takes it away."""

    def __init__(self, hooks: dict[int, Callable[[Any], Any]], hook: Callable[[Any], Any]) -> None:
        changes.count += 1
        self._hooks, self._key = hooks, tick()
        hooks[self._key] = hook

    def remove(self) -> None:
        """Take the hook away; again does nothing."""
        changes.count += 1
        self._hooks.pop(self._key, None)


class Members(Updates, OpMethods, Conversions):
    """The members of Tensor. Ops are functions in `ops`; as methods they take the tensor first."""

    if not TYPE_CHECKING:
        __slots__ = ()
    data: Array
    _array: Array
    node: Node | None

    # Operators

    __add__: Operator = ops.add
    __radd__: Operator = _swapped(ops.add)
    __sub__: Operator = ops.subtract
    __rsub__: Operator = _swapped(ops.subtract)
    __mul__: Operator = ops.multiply
    __rmul__: Operator = _swapped(ops.multiply)
    __truediv__: Operator = ops.divide
    __rtruediv__: Operator = _swapped(ops.divide)
    __floordiv__: Operator = ops.floor_divide
    __rfloordiv__: Operator = _swapped(ops.floor_divide)
    __mod__: Operator = ops.remainder
    __rmod__: Operator = _swapped(ops.remainder)
    __matmul__: Operator = ops.matmul
    __rmatmul__: Operator = _swapped(ops.matmul)
    __pow__: Operator = ops.power
    __rpow__: Operator = _swapped(ops.power)
    __neg__: Operator = ops.negative
    __pos__: Operator = ops.positive
    __abs__: Operator = ops.absolute
    __invert__: Operator = ops.invert
    __gt__: Operator = ops.greater
    __ge__: Operator = ops.greater_equal
    __lt__: Operator = ops.less
    __le__: Operator = ops.less_equal
    __and__: Operator = ops.bitwise_and
    __rand__: Operator = _swapped(ops.bitwise_and)
    __or__: Operator = ops.bitwise_or
    __ror__: Operator = _swapped(ops.bitwise_or)
    __xor__: Operator = ops.bitwise_xor
    __rxor__: Operator = _swapped(ops.bitwise_xor)
    __lshift__: Operator = ops.bitwise_left_shift
    __rshift__: Operator = ops.bitwise_right_shift
    __eq__: Operator = ops.eq  # type: ignore[assignment]
    __ne__: Operator = ops.not_equal  # type: ignore[assignment]
    __hash__ = object.__hash__
    __getitem__: Operator = ops.getitem
    __array_ufunc__, __array_function__ = interop.array_ufunc, interop.array_function

    backward = tensor_backward

    # Values

    def numpy(self) -> Array:
        """The array itself, shared. Raises GraphError where the tensor requires a gradient: detach() it first."""
        if self.node is not None:
            raise GraphError(
                "this tensor requires a gradient, which its array cannot carry: x.detach().numpy() is its value "
                "without the graph, and al.f(x) or np.f(x) keeps the graph"
            )
        return self.data

    def item(self) -> float:
        """The one number, as Python's. Raises ValueError where there is not exactly one."""
        if self.data.size != 1:
            raise ValueError(f"item() is for one number, and this tensor has shape {self.data.shape}")
        number: float = self.data.item()
        return number

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        return self.data.tolist()

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: Any = None) -> Array:
        """For np.asarray: refused where a gradient would be lost."""
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __len__(self) -> int:
        if not self.data.ndim:
            raise TypeError("a number (a tensor of no dimensions) has no length")
        return len(self.data)

    def __iter__(self) -> Iterator[Tensor]:
        return (ops.getitem(self, k) for k in range(len(self)))

    def __contains__(self, value: Any) -> Any:
        return bool(np.any(self.data == (value.data if isinstance(value, Tensor) else value)))

    def __bool__(self) -> bool:
        return bool(self.data)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        return self.data.__index__()

    def __format__(self, form: str) -> str:
        return format(self.item(), form) if form else str(self)

    def __repr__(self) -> str:
        text = np.array2string(self.data, separator=", ", prefix="tensor(")
        if self.data.dtype not in (np.float64, np.int64, np.bool_):
            text += f", dtype={self.data.dtype}"
        if self.node is not None:
            text += ", requires_grad=True" if self.node.op is None else f", grad_fn=<{self.node.op.name}>"
        return f"tensor({text})"

    # The graph

    @property
    def requires_grad(self) -> bool:
        """Whether ops on it are recorded; settable on a leaf."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, value: Any) -> None:
        changes.count += 1
        if self.node is None:
            if value:
                self.node = getattr(self, "_frozen", None) or leaf(self)  # type: ignore[arg-type]
                self.node.annotate().name = name_of(self.data)
        elif not value:
            if self.node.op is not None:
                raise GraphError("only a leaf can stop requiring gradients; x.detach() is this value as a constant")
            set_name(self.data, self.node.name)
            self._frozen, self.node = self.node, None  # thawed, it is the same leaf to graphs that have it

    def requires_grad_(self, requires_grad: Any = True) -> Self:
        """Set `requires_grad`, and return the tensor."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether it is not the result of a recorded op."""
        return self.node is None or self.node.op is None

    @property
    def grad_fn(self) -> Node | None:
        """The node that made it; None for a leaf."""
        return None if self.is_leaf else self.node

    @property
    def name(self) -> str | None:
        """What reports and pictures call it; settable."""
        return name_of(self.data) if self.node is None else self.node.name

    @name.setter
    def name(self, name: str | None) -> None:
        if self.node is None:
            set_name(self.data, name)
        else:
            notes = self.node.annotate()
            notes.name, notes.holder = name, ref(self)  # type: ignore[arg-type]

    def detach(self) -> Tensor:
        """The same array as a constant."""
        return Tensor(self.data)

    @property
    def grad(self) -> Any:
        """The gradient that `backward` left here: a Tensor, or None before it. Settable.

        An embedding's is a `RowSparse` inside; it is made dense when it is read, unless the layer was made
        `sparse=True`.
        """
        if contexts.special and mode.tracer is not None:
            mode.tracer.array_of(self)
        node = self.node or getattr(self, "_frozen", None)
        notes = None if node is None else node.notes
        if notes is None or notes.grad is None:
            if self.node is not None and (notes is None or not notes.keeps_grad):
                warn(
                    "this tensor is the result of an op, and its gradient is not kept: call retain_grad() on it before "
                    "backward(), or ask al.autograd.grad for it",
                    stacklevel=2,
                )
            return None
        if isinstance(notes.grad, RowSparse):
            if notes.keeps_sparse:
                notes.grad = notes.grad if notes.grad.owned else notes.grad.coalesce().copy()
                return notes.grad
            notes.grad = notes.grad.to_dense()  # and kept so: a change to what was read must not be lost
        return notes.grad if isinstance(notes.grad, Tensor) else Tensor(notes.grad)

    @grad.setter
    def grad(self, value: Any) -> None:
        if self.node is None:
            if value is None:
                return
            raise GraphError("a constant has no gradient: make it with requires_grad=True")
        if value is not None and not isinstance(value, Tensor | np.ndarray | RowSparse):
            raise TypeError(f"a gradient is a Tensor, and this is a {type(value).__name__}")
        if value is not None and value.shape != self.data.shape:
            raise ValueError(f"a gradient of shape {value.shape} for a tensor of shape {self.data.shape}")
        if contexts.special and mode.tracer is not None:
            mode.tracer.array_of(self)
        self.node.annotate().grad = value.data if isinstance(value, Tensor) and value.node is None else value

    def detach_(self) -> Self:
        """Cut this tensor itself off from its graph: it becomes a constant."""
        if self.is_leaf:
            self.requires_grad = False
        else:
            changes.count += 1
            self.node = None
        return self

    def retain_grad(self) -> None:
        """Keep the gradient of this inner tensor in `grad`, as leaves do."""
        if self.node is None:
            raise GraphError("retain_grad() on a tensor that requires no gradient")
        self.node.annotate().keeps_grad = True

    def register_hook(self, hook: Callable[[Tensor], Any]) -> Handle:
        """Call `hook(gradient)` when this tensor's gradient is complete; what it returns, if anything, replaces it.

        >>> import autograd_lite as al
        >>> w = al.tensor(1.0, requires_grad=True)
        >>> handle = w.register_hook(lambda g: g * 10)
        >>> (w * 3).backward(); w.grad
        tensor(30.)
        >>> handle.remove()
        """
        if self.node is None:
            raise GraphError("a hook on a tensor that requires no gradient would never be called")
        notes = self.node.annotate()
        notes.hooks = {} if notes.hooks is None else notes.hooks
        return Handle(notes.hooks, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> Handle:
        """Call `hook(tensor)` when `backward` has added to this leaf's `grad`, such as to make its step at once.

        Raises GraphError for a tensor that is no leaf, or requires no gradient.

        >>> import autograd_lite as al
        >>> w = al.tensor(1.0, requires_grad=True)
        >>> handle = w.register_post_accumulate_grad_hook(lambda p: print(p.grad))
        >>> (w * 3).backward()
        tensor(3.)
        """
        if self.node is None or self.node.op is not None:
            raise GraphError("a hook after the gradient is for a leaf with requires_grad=True, and this is none")
        notes = self.node.annotate()
        notes.after = {} if notes.after is None else notes.after
        return Handle(notes.after, hook)

    # Copies

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if not self.is_leaf:
            raise GraphError(
                "only leaves can be copied deeply, a recorded result would take its graph along: detach() it"
            )
        twin = object.__new__(self.__class__)
        memo[id(self)] = twin
        twin._array, twin.node = self.data.copy(), None
        twin.name = self.name
        twin.requires_grad = self.requires_grad
        return twin

    def __reduce__(self) -> Any:
        if not self.is_leaf:
            raise GraphError("only leaves can be pickled: detach() the result of an op first")
        return _restored, (self.__class__, self.data, self.requires_grad, self.name)


def _restored(kind: Any, data: Array, requires_grad: bool, name: str | None) -> Any:
    made = object.__new__(kind)
    made._array, made.node = data, None
    made.name, made.requires_grad = name, requires_grad
    return made


class _Plain:
    """What a class has whatever is in it: Tensor keeps its own of these."""


_of_any_class = {*vars(_Plain), "__slots__", "__annotations__", "__annotate_func__"}

for _members in (Writes, Updates, OpMethods, Conversions, Members):
    for _name, _member in vars(_members).items():
        if _name not in _of_any_class:
            setattr(Tensor, _name, _member)
