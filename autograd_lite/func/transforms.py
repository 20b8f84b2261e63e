"""Derivatives as functions. They can be nested, and differentiated by `backward` from outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_lite.core import Node, Tensor, leaf
from autograd_lite.func.trees import leaves, mapped, rebuilt, tensors
from autograd_lite.gradients import grad as gradients
from autograd_lite.graph import reach
from autograd_lite.modes import enable_grad, is_grad_enabled
from autograd_lite.ops import clone, reshape, stack

Argnums = int | tuple[int, ...]
Function = Callable[..., Any]


class _Call:
    """A call of a function on stand-ins for some of its arguments, by which its outputs can be differentiated."""

    def __init__(self, function: Function, args: Sequence[Any], argnums: Argnums, who: str, aux: bool) -> None:
        self.who, self.outside = who, is_grad_enabled()
        chosen = (argnums,) if isinstance(argnums, int) else argnums
        if any(not -len(args) <= k < len(args) for k in chosen):
            raise ValueError(f"{who}: argnums={argnums} for a call with {len(args)} positional arguments")
        self.tree: Any = [args[k] for k in chosen]
        given = tensors(self.tree, who, "an argument to differentiate by")
        with enable_grad():
            self.inputs = [self._stand_in(t) for t in given]
            replaced, taken = list(args), rebuilt(self.tree, self.inputs)
            for k, value in zip(chosen, taken, strict=True):
                replaced[k] = value
            self.tree = self.tree[0] if isinstance(argnums, int) else tuple(self.tree)
            result = function(*replaced)
        self.aux = None
        if aux:
            if not isinstance(result, tuple) or len(result) != 2:
                raise TypeError(f"{who}: with has_aux=True the function returns a pair: the output and what goes along")
            result, self.aux = result[0], mapped(self._settled, result[1])
        self.output = result
        self.outputs = tensors(result, who, "the function's output")

    def _stand_in(self, tensor: Tensor) -> Tensor:
        """Another tensor with the same array: only what is computed from this one counts."""
        if self.outside and tensor.node is not None:
            made: Tensor = clone(tensor)
            return made
        made = Tensor(tensor.data)
        made.node = leaf(made)
        return made

    def leads_outside(self, outputs: Sequence[Tensor]) -> bool:
        """Do outputs depend on anything but the stand-ins that can be differentiated?"""
        own = {t.node for t in self.inputs}
        roots = {t.node for t in outputs if t.node is not None}
        found: list[Node] = reach(roots) if roots else []
        alone = {node for node in own if node is not None and not node.parents}
        return self.outside and any(node.op is None and node not in alone for node in found)

    def _settled(self, value: Any) -> Any:
        """A value for the caller: without a graph unless it leads outside."""
        if isinstance(value, Tensor) and value.node is not None and not self.leads_outside([value]):
            return value.detach()
        return value

    def value(self) -> Any:
        """What the function returned, for the caller."""
        return mapped(self._settled, self.output)

    def back(self, outputs: Sequence[Tensor], cotangents: Any, keep: bool = False, create: bool = False) -> list[Any]:
        """The gradient of each input, zeros where there is none."""
        live = [k for k, t in enumerate(outputs) if t.node is not None]
        if not live:
            return [_zeros(t) for t in self.inputs]
        given = None if cotangents is None else [cotangents[k] for k in live]
        tracked = [outputs[k] for k in live]
        follow = create or self.leads_outside(tracked) or any(isinstance(c, Tensor) and c.node for c in given or ())
        with enable_grad():
            found = gradients(tracked, self.inputs, given, keep or follow, follow, allow_unused=True)
        return [_zeros(t) if g is None else g for g, t in zip(found, self.inputs, strict=True)]


def _zeros(t: Tensor) -> Tensor:
    return Tensor(np.zeros(t.shape, t.dtype))


def grad_and_value(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns the gradient of `func` by an argument, and its value.

    `func` returns a scalar tensor; with `has_aux` a pair of it and something that goes along, and then the value is
    that pair. `argnums` are the numbers of arguments to differentiate by: tensors, or tuples, lists and dicts of them;
    the gradient has the same form. Raises ValueError for an output that is no scalar, TypeError for no tensors.

    >>> import autograd_lite as al
    >>> al.func.grad_and_value(lambda x: (x**3).sum())(al.tensor([1.0, 2.0]))
    (tensor([ 3., 12.]), tensor(9.))
    """

    def transformed(*args: Any, **kwargs: Any) -> Any:
        call = _Call(lambda *a: func(*a, **kwargs), args, argnums, "grad", has_aux)
        if len(call.outputs) != 1 or call.outputs[0].shape != () or call.outputs[0] is not call.output:
            shape = [t.shape for t in call.outputs]
            raise ValueError(f"grad: the function returns one scalar tensor, and this one shapes {shape}: .sum() it?")
        value = call.value()
        found = rebuilt(call.tree, call.back(call.outputs, None))
        return found, ((value, call.aux) if has_aux else value)

    return transformed


def value_and_grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """As `grad_and_value`, the value first.

    >>> import autograd_lite as al
    >>> al.func.value_and_grad(lambda x: x * x)(al.tensor(3.0))
    (tensor(9.), tensor(6.))
    """
    both = grad_and_value(func, argnums, has_aux)

    def transformed(*args: Any, **kwargs: Any) -> Any:
        gradient, value = both(*args, **kwargs)
        return value, gradient

    return transformed


def grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns the gradient of `func`, of a scalar value; with `has_aux` what goes along, too.

    >>> import autograd_lite as al
    >>> al.func.grad(al.func.grad(lambda x: x**3))(al.tensor(2.0))
    tensor(12.)
    """
    both = grad_and_value(func, argnums, has_aux)

    def transformed(*args: Any, **kwargs: Any) -> Any:
        gradient, value = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return transformed


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """The value of `func`, and a function from a cotangent of the value's form to the gradients, one for each primal.

    It may be called more than once. With `has_aux` what goes along is third. Raises ValueError for a cotangent of
    another form.

    >>> import autograd_lite as al
    >>> y, back = al.func.vjp(lambda x: x * x, al.tensor([1.0, 2.0]))
    >>> back(al.tensor([1.0, 10.0]))
    (tensor([ 2., 40.]),)
    """
    call = _Call(func, primals, tuple(range(len(primals))), "vjp", has_aux)

    def pulled(*cotangents: Any) -> Any:
        given = leaves(cotangents[0] if len(cotangents) == 1 else cotangents)
        if [np.shape(getattr(c, "data", c)) for c in given] != [t.shape for t in call.outputs]:
            raise ValueError(f"vjp: cotangents have the outputs' shapes, {[t.shape for t in call.outputs]}")
        return rebuilt(call.tree, call.back(call.outputs, given, keep=True))

    return (call.value(), pulled, call.aux) if has_aux else (call.value(), pulled)


class _Forward:
    """Forward derivatives by two backward passes: the first is linear in a cotangent u, and is differentiated by it."""

    def __init__(self, function: Function, args: Sequence[Any], argnums: Argnums, who: str, aux: bool) -> None:
        self.call = call = _Call(function, args, argnums, who, aux)
        self.cotangents = [_zeros(t) for t in call.outputs]
        for u in self.cotangents:
            u.node = leaf(u)
        self.pulled = call.back(call.outputs, self.cotangents, keep=True, create=True)

    def push(self, tangents: Sequence[Any]) -> list[Any]:
        """The derivative of each output in a direction."""
        live = [k for k, g in enumerate(self.pulled) if g.node is not None]
        if not live:
            return [_zeros(u) for u in self.cotangents]
        given = [tangents[k] if isinstance(tangents[k], Tensor) else Tensor(np.asarray(tangents[k])) for k in live]
        follow = self.call.leads_outside(self.call.outputs) or any(t.node is not None for t in given)
        with enable_grad():
            found = gradients([self.pulled[k] for k in live], self.cotangents, given, True, follow, allow_unused=True)
        return [_zeros(u) if g is None else g for g, u in zip(found, self.cotangents, strict=True)]


def jvp(func: Callable[..., Any], primals: Any, tangents: Any, *, has_aux: bool = False) -> tuple[Any, ...]:
    """The value of `func`, and its derivative in the direction of the tangents, which have the primals' form.

    It takes two backward passes. With `has_aux` what goes along is third. Raises TypeError unless both are tuples, and
    ValueError where their shapes differ.

    >>> import autograd_lite as al
    >>> al.func.jvp(lambda x: x * x, (al.tensor([1.0, 2.0]),), (al.tensor([1.0, 10.0]),))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    if not isinstance(primals, tuple | list) or not isinstance(tangents, tuple | list):
        raise TypeError("jvp: primals and tangents are tuples, one entry for each argument: (x,), (v,)")
    forward = _Forward(func, primals, tuple(range(len(primals))), "jvp", has_aux)
    given = leaves(list(tangents))
    if [np.shape(getattr(t, "data", t)) for t in given] != [t.shape for t in forward.call.inputs]:
        raise ValueError(f"jvp: tangents have the primals' shapes, {[t.shape for t in forward.call.inputs]}")
    call = forward.call
    pushed = rebuilt(call.output, [call._settled(t) for t in forward.push(given)])
    return (call.value(), pushed, call.aux) if has_aux else (call.value(), pushed)


def _units(t: Tensor) -> list[Tensor]:
    """All tensors of a shape with a single one in them."""
    size = int(np.prod(t.shape))
    return [Tensor(np.eye(1, size, k, dtype=t.dtype).reshape(t.shape)) for k in range(size)]


def jacrev(func: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns the Jacobian of `func` by an argument: (*output's shape, *argument's shape).

    It takes a backward pass for each number of the output. Of outputs and arguments in tuples, lists and dicts there is
    one for each pair, the outputs' form outside. With `has_aux` it returns what goes along, too.

    >>> import autograd_lite as al
    >>> al.func.jacrev(lambda x: x * x)(al.tensor([1.0, 2.0])).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """

    def transformed(*args: Any, **kwargs: Any) -> Any:
        call = _Call(lambda *a: func(*a, **kwargs), args, argnums, "jacrev", has_aux)
        blocks = []
        for output in call.outputs:
            rows = [call.back([output], [unit], keep=True) for unit in _units(output)]
            blocks.append(rebuilt(call.tree, _stacked(rows, output.shape, [t.shape for t in call.inputs], call.inputs)))
        found = rebuilt(call.output, blocks)
        return (found, call.aux) if has_aux else found

    return transformed


def _stacked(rows: list[list[Any]], shape: Any, shapes: list[Any], like: Sequence[Tensor]) -> list[Any]:
    """Rows of gradients as one tensor for each input, the rows' shape in front."""
    if not rows:
        return [Tensor(np.zeros((*shape, *s), t.dtype)) for s, t in zip(shapes, like, strict=True)]
    return [reshape(stack([row[k] for row in rows], 0), (*shape, *s)) for k, s in enumerate(shapes)]


def jacfwd(func: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False) -> Callable[..., Any]:
    """The Jacobian as `jacrev` has it, a column at a time: for each number of the argument a backward pass, after two.

    Where a function has fewer inputs than outputs it takes fewer passes.

    >>> import autograd_lite as al
    >>> al.func.jacfwd(lambda x: al.stack([x, x * x], 0))(al.tensor(3.0))
    tensor([1., 6.])
    """

    def transformed(*args: Any, **kwargs: Any) -> Any:
        forward = _Forward(lambda *a: func(*a, **kwargs), args, argnums, "jacfwd", has_aux)
        call, blocks = forward.call, [list[Any]() for _ in forward.call.outputs]
        for k, t in enumerate(call.inputs):
            zeros = [_zeros(other) for other in call.inputs]
            columns = [forward.push([*zeros[:k], unit, *zeros[k + 1 :]]) for unit in _units(t)]
            for j, output in enumerate(call.outputs):
                whole = (
                    stack([column[j] for column in columns], -1) if columns else Tensor(np.zeros((*output.shape, 0)))
                )
                blocks[j].append(call._settled(reshape(whole, (*output.shape, *t.shape))))
        found = rebuilt(call.output, [rebuilt(call.tree, block) for block in blocks])
        return (found, call.aux) if has_aux else found

    return transformed


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that returns the second derivatives of `func`: of a scalar value (*shape, *shape).

    It takes a backward pass for each number of the argument.

    >>> import autograd_lite as al
    >>> al.func.hessian(lambda x: (x**3).sum())(al.tensor([1.0, 2.0])).tolist()
    [[6.0, 0.0], [0.0, 12.0]]
    """
    return jacrev(jacrev(func, argnums), argnums)


def hvp(func: Callable[..., Any], primals: Any, tangents: Any) -> tuple[Any, Any]:
    """The value of `func`, a scalar, and the product of its second derivatives with the tangents, by two passes.

    Primals and tangents are tuples, one entry for each argument, and so is the product. Raises TypeError for anything
    else.

    >>> import autograd_lite as al
    >>> al.func.hvp(lambda x: (x**3).sum(), (al.tensor([1.0, 2.0]),), (al.tensor([1.0, 1.0]),))
    (tensor(9.), (tensor([ 6., 12.]),))
    """
    if not isinstance(primals, tuple | list) or not isinstance(tangents, tuple | list):
        raise TypeError("hvp: primals and tangents are tuples, one entry for each argument: (x,), (v,)")
    both = grad_and_value(func, tuple(range(len(primals))))
    (_, value), back = vjp(both, *primals)
    zero = Tensor(np.zeros((), value.dtype))
    return value, back((tuple(tangents), zero))
