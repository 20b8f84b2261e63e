"""The recording core: `Tensor`, `Node`, `Op`, and the two ways to make an op, `primitive` and `ufunc`.

A `Tensor` is a handle: an ndarray and, when a gradient is wanted, the `Node` that made it. Nodes point to their
parents only, so a graph has no cycles and goes away with its last handle. A derivative rule is a plain function
whose parameter *names* say what it needs: `g` (the incoming gradient), `y` (the output), an argument's name,
`<argument>_shape`, or an attribute. What a rule names is what its node keeps alive, and nothing else.
"""

from __future__ import annotations

import inspect
import linecache
import sys
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from autograd_lite.callpath import call_source
from autograd_lite.memory import Array, Notes, tick
from autograd_lite.misfit import explained
from autograd_lite.modes import changes, contexts, mode

if TYPE_CHECKING:
    from autograd_lite.methods import Members
else:
    Members = object  # bound when `methods.py` is imported

Rule = Callable[..., Any]
# The module, its class, the clock before and after, and the call inside this one that returned the same node, if any.
ModuleCall = tuple[weakref.ref[Any], type, int, int, "ModuleCall | None"]

ndarray, asarray, shape_of = np.ndarray, np.asarray, np.shape
array_types: set[type] = {ndarray}  # what a Tensor may hold: the compiler's stand-ins for arrays come in as well
numbers = {int, float}
no_attrs: dict[str, Any] = {}  # shared by all nodes that have none


def as_array(data: Any) -> Any:
    """An ndarray, or what stands for one, as it is; an array of anything else."""
    return data if type(data) in array_types else asarray(data)


class GraphError(RuntimeError):
    """A graph was used in a way that it cannot serve: freed, changed underneath, or not there at all.

    >>> import autograd_lite as al
    >>> al.tensor(1.0).backward()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    autograd_lite.core.GraphError: backward() of a tensor that has no graph: ...
    """


# ---------------------------------------------------------------------------------------------- the graph


class Node:
    """One recorded op: its parents (nodes, or None for a constant) and, by argument, what its rules need.

    `saved[k]` is the tuple that argument k's rule takes after `g`. For an argument that needs no gradient it is None,
    or holds a Python number that no rule asks for, so that pictures and code can show it. `saved` itself is None once
    the graph is freed. A leaf has no op. `call` is that of the outermost module that returned the node.

    >>> import autograd_lite as al
    >>> x = al.tensor([1.0, 2.0], requires_grad=True)
    >>> node = (x * 3.0).node
    >>> node.op, node.parents[0] is x.node, node.shape
    (<op multiply(a, b)>, True, (2,))
    """

    __slots__ = ("__weakref__", "attrs", "call", "dtype", "notes", "op", "parents", "saved", "seq", "shape")

    def __init__(
        self,
        op: Op | None,
        parents: tuple[Node | None, ...],
        saved: tuple[tuple[Any, ...] | None, ...] | None,
        attrs: dict[str, Any],
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
    ) -> None:
        self.op, self.parents, self.saved, self.attrs = op, parents, saved, attrs
        self.shape, self.dtype = shape, dtype
        self.seq: int = tick()
        self.notes: Notes | None = None
        self.call: ModuleCall | None = None

    def annotate(self) -> Notes:
        """This node's notes, made at the first call."""
        if self.notes is None:
            self.notes = Notes()
        return self.notes

    @property
    def name(self) -> str | None:
        """What reports and pictures call it, if it has a name."""
        return None if self.notes is None else self.notes.name

    def saved_by_name(self, argument: int) -> dict[str, Any]:
        """What the rule of one argument needs, under the names by which it asks for it."""
        if self.op is None or self.saved is None or self.saved[argument] is None:
            return {}
        return dict(zip(self.op.names[self.op.slot(argument)], self.saved[argument] or (), strict=True))

    def __repr__(self) -> str:
        kind = "leaf" if self.op is None else self.op.name
        label = "" if self.name is None else f" {self.name!r}"
        return f"<{kind}{label} {self.shape} #{self.seq}>"


def leaf(tensor: Tensor) -> Node:
    """A node without an op for a tensor: where its gradient is kept. Only floating point can have one."""
    array = tensor._array
    if array.dtype.kind != "f":
        raise TypeError(
            f"only floating-point tensors can require gradients, and this one is {array.dtype}: "
            "make it with dtype=float, or convert it with .double()"
        )
    node = Node(None, (), (), {}, array.shape, array.dtype)
    notes = node.annotate()
    notes.keeps_grad, notes.holder = True, weakref.ref(tensor)
    return node


class Tensor(Members):
    """An array, and the node that made it (None: a constant). Its methods are the table in `methods.py`.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0, 2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> w.grad
    tensor([2., 4.])
    """

    __slots__ = ("__weakref__", "_array", "_frozen", "node")
    _array: Array
    _frozen: Node | None  # a leaf's node, while it does not require a gradient
    node: Node | None

    def __init__(self, data: npt.ArrayLike, node: Node | None = None) -> None:
        if node is not None and not isinstance(node, Node):
            raise TypeError("Tensor(data) is of an array or nested lists; al.empty(2, 3) makes a tensor of a shape")
        self._array = data if type(data) in array_types else asarray(data)  # type: ignore[assignment]
        self.node = node

    @property
    def data(self) -> Array:
        """The ndarray. Settable, unrecorded: `w.data -= alpha * w.grad.data`."""
        if contexts.special and mode.tracer is not None:
            traced: Array = mode.tracer.array_of(self)
            return traced
        return self._array

    @data.setter
    def data(self, array: npt.ArrayLike) -> None:
        if isinstance(array, Tensor):
            raise TypeError(
                "data is an ndarray, and this is a Tensor: assign its .data, as in w.data = w.data - x.data"
            )
        if contexts.special and mode.tracer is not None:
            array = mode.tracer.assigned(self, array)
        self._array = as_array(array)
        changes.count += 1
        if self.node is not None and (self.node.shape, self.node.dtype) != (self.shape, self.dtype):
            if self.node.op is not None:
                raise GraphError(f"a result of shape {self.node.shape} cannot become one of shape {self.shape}")
            self.node.shape, self.node.dtype = self.shape, self.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the dimensions."""
        return self._array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy's dtype of the elements."""
        return self._array.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim


# ---------------------------------------------------------------------------------------------- ops


class Op:
    """An op as data: its forward function on arrays, and a derivative rule for each array argument.

    `rules[k]` is None for an argument declared to have no derivative; `names[k]` are the names that rule k asks
    for after `g`. `call` is the function that users call, and `source` its text. `arrays` are the names of the array
    arguments in rules, `spelled` those that callers use.

    >>> import autograd_lite as al
    >>> al.tanh.op, al.tanh.op.names  # its rule needs the output alone
    (<op tanh(x)>, (('y',),))
    """

    def __init__(
        self,
        name: str,
        forward: Callable[..., Any],
        arrays: Sequence[str],
        attrs: dict[str, Any],
        rules: dict[str, Rule | None],
        spelled: Sequence[str] = (),
    ) -> None:
        if not name.isidentifier():
            raise TypeError(f"an op needs a name, and {name!r} is none: define its forward function with def")
        self.name, self.forward, self.attrs = name, forward, attrs
        self.variadic = bool(arrays) and arrays[-1].startswith("*")
        self.arrays = tuple(a.lstrip("*") for a in arrays)
        self.spelled = tuple(spelled) or self.arrays
        words = {*_call_words, *_call_globals}
        given = (*self.arrays, *self.spelled, *attrs)
        taken = [a for a in given if a in words or a.startswith("_")] + [name] * (name in words)
        if taken:
            raise TypeError(f"{name}: the name {', '.join(taken)} is taken: what calls and records an op uses it")
        if set(rules) != set(self.arrays):
            raise TypeError(
                f"{name}: rules are for {sorted(rules)} but the array arguments are {list(self.arrays)}: give each "
                "one a rule, or None if it has no derivative"
            )
        self.rules = tuple(rules[a] for a in self.arrays)
        self.names = tuple(() if rule is None else self._names(rule) for rule in self.rules)
        self.differentiable = any(rule is not None for rule in self.rules)
        self.source = call_source(self)
        self.call = self._compile()

    def _names(self, rule: Rule) -> tuple[str, ...]:
        """The parameters of a rule after `g`; a parameter with a default is the rule's own business."""
        parameters = list(inspect.signature(rule).parameters.values())
        if not parameters or parameters[0].name != "g":
            raise TypeError(f"{self.name}: a rule's first parameter is g, the incoming gradient")
        names = tuple(p.name for p in parameters[1:] if p.default is p.empty)
        known = {"y", *self.arrays, *self.attrs, *(f"{a}_shape" for a in self.arrays), *("i" * self.variadic)}
        for name in names:
            if name not in known:
                raise TypeError(f"{self.name}: a rule asks for {name!r}; it can have {', '.join(sorted(known))}")
        return names

    def _compile(self) -> Callable[..., Any]:
        file = f"<autograd_lite op {self.name} #{tick()}>"
        linecache.cache[file] = len(self.source), None, self.source.splitlines(keepends=True), file
        scope: dict[str, Any] = {}
        exec(compile(self.source, file, "exec"), _call_globals, scope)
        call: Callable[..., Any] = scope["make"](self, self.forward, self.apply, self.finish)
        call.__kwdefaults__ = {k: v for k, v in self.attrs.items() if v is not inspect.Parameter.empty}
        call.__name__ = call.__qualname__ = self.name
        call.__module__ = getattr(self.forward, "__module__", None) or __name__
        call.__doc__ = self.forward.__doc__
        call.op = self  # type: ignore[attr-defined]
        return call

    def slot(self, argument: int) -> int:
        """Which rule is an argument's: the arrays of a variadic argument share one."""
        return min(argument, len(self.rules) - 1)

    def save(self, argument: int, arrays: Sequence[Any], attrs: dict[str, Any], y: Array) -> tuple[Any, ...]:
        """What the rule of one argument needs, from a call's arrays, attributes and output."""
        fixed = len(self.arrays) - self.variadic
        values: dict[str, Any] = {**attrs, "y": y, "i": argument - fixed}
        for name, array in zip(self.arrays[:fixed], arrays, strict=False):
            values[name], values[f"{name}_shape"] = array, shape_of(array)
        if self.variadic:
            rest = tuple(arrays[fixed:])
            values[self.arrays[-1]], values[f"{self.arrays[-1]}_shape"] = rest, tuple(map(shape_of, rest))
        return tuple(values[name] for name in self.names[self.slot(argument)])

    def record(self, args: Sequence[Any], attrs: dict[str, Any], y: Array) -> Node | None:
        """The node of a call, or None where no argument needs a gradient: what `source` does, in loops."""
        nodes = [a.node if isinstance(a, Tensor) else None for a in args]
        parents = tuple(None if self.rules[self.slot(k)] is None else n for k, n in enumerate(nodes))
        if all(p is None for p in parents):
            return None
        arrays = [a._array if isinstance(a, Tensor) else a for a in args]
        saved = tuple(
            self._number(k, arrays[k]) if p is None else self.save(k, arrays, attrs, y) for k, p in enumerate(parents)
        )
        return Node(self, parents, saved, attrs, y.shape, y.dtype)

    def _number(self, argument: int, value: Any) -> tuple[Any, ...] | None:
        """A constant that is a Python number, where no rule asks for it."""
        asked = self.variadic or any(self.arrays[argument] in names for names in self.names)
        return None if asked or self.rules[argument] is None or type(value) not in numbers else (value,)

    def apply(self, args: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
        """A call in a context that makes recording anything but ordinary: traced, watched, under `no_grad`."""
        if mode.tracer is not None:
            return self.finish(args, attrs, mode.tracer.call(self, args, attrs))
        arrays = [a._array if isinstance(a, Tensor) else a for a in args]
        try:
            y = self.forward(*arrays, **attrs)
        except ValueError as error:
            raise explained(self, args, attrs, error)  # noqa: B904 (it has its cause)
        return self.finish(args, attrs, y)

    def finish(self, args: tuple[Any, ...], attrs: dict[str, Any], y: Any) -> Any:
        """The result of a call off the ordinary path: arrays or constants alone, watched, unrecorded, or variadic."""
        result = y
        if any(isinstance(a, Tensor) for a in args):
            y = as_array(y)
            result = Tensor(y, self.record(args, attrs, y) if mode.grad else None)
        for watcher in mode.watchers:
            watcher(self, args, attrs, result)
        return result

    def __repr__(self) -> str:
        return f"<op {self.name}({', '.join(self.arrays)})>"


_call_words = ("y", "op", "error", "node", "result", "forward", "apply", "finish", "args", "isinstance", "type")
_call_globals: dict[str, Any] = {  # what the text of a call path can see
    "__name__": __name__,  # a frame of this package: call sites are looked for outside
    "Node": Node, "Tensor": Tensor, "asarray": asarray, "contexts": contexts, "explained": explained,
    "ndarray": ndarray, "new": object.__new__, "no_attrs": no_attrs, "numbers": numbers, "shape_of": shape_of,
    "tick": tick,
}  # fmt: skip


def op_of(call: Callable[..., Any]) -> Op:
    """The op behind the function that users call. Raises AttributeError for another function."""
    op: Op = call.op  # type: ignore[attr-defined]
    return op


def primitive(**rules: Rule | None) -> Callable[[Callable[..., Any]], Callable[..., Tensor]]:
    """Make an op of a forward function on arrays: one rule for each positional argument, by its name.

    Arrays are positional and differentiable; attributes are keyword-only and are not. A rule is a function of
    `g` and of whatever else it names: `y`, an argument, `<argument>_shape`, an attribute, and for `*arrays` also
    `i`, the place of the one in question. It is pure, and written with operators, NumPy functions and ops, so
    that it runs on arrays and, for higher derivatives, on Tensors. `None` declares that there is no derivative.
    Called with arrays alone, an op returns an array. The gradient may have a broadcast shape: the engine sums it.

    Raises TypeError where an array argument has no rule, or a rule names something that is not there.

    >>> import autograd_lite as al
    >>> import numpy as np
    >>> @al.primitive(x=lambda g, y: g * y * (1 - y))
    ... def logistic(x):
    ...     return 1 / (1 + np.exp(-x))
    >>> x = al.tensor([0.0, 1.0], requires_grad=True)
    >>> bool(al.gradcheck(logistic, x))
    True
    """

    def define(forward: Callable[..., Any]) -> Callable[..., Tensor]:
        arrays, attrs = [], {}
        for p in inspect.signature(forward).parameters.values():
            if p.kind is p.KEYWORD_ONLY:
                attrs[p.name] = p.default
            elif p.kind is p.VAR_KEYWORD or p.default is not p.empty:
                raise TypeError(
                    f"{forward.__name__}: {p.name} is neither an array (positional, no default) nor an attribute "
                    f"(keyword-only): write `*, {p.name}`, with or without a default, for an attribute"
                )
            else:
                arrays.append(f"*{p.name}" if p.kind is p.VAR_POSITIONAL else p.name)
        return Op(forward.__name__.lstrip("_"), forward, arrays, attrs, rules, getattr(forward, "spelled", ())).call

    return define


ufuncs: dict[np.ufunc, Callable[..., Any]] = {}  # the ops that NumPy's own ufuncs stand for


def ufunc(function: np.ufunc, doc: str, *example: str, **rules: Rule | None) -> Callable[..., Tensor]:
    """Make an op of a NumPy ufunc, arguments in the order of the rules; `function(tensor)` is then recorded too.

    Callers spell the arguments `input` and `other`, as PyTorch does. `example` is the lines of a doctest, which ends
    the op's docstring; it is found there as one of the module that calls this.

    >>> import autograd_lite as al
    >>> import numpy as np
    >>> radians = al.ufunc(np.radians, "Of degrees.", ">>> radians(180.0)", "3.14159...", x=lambda g: g * 0.0174533)
    >>> al.func.grad(np.radians)(al.tensor(90.0))
    tensor(0.0174533)
    """
    spelled = ("input", "other")[: len(rules)]
    ufuncs[function] = call = Op(function.__name__, function, list(rules), {}, rules, spelled).call
    call.__module__ = sys._getframe(1).f_globals.get("__name__", __name__)
    call.__doc__ = "\n".join([doc, "", ">>> import autograd_lite as al", *example]) if example else doc
    return call
