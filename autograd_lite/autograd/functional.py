"""`torch.autograd.functional`: its spellings of the transforms in `al.func`.

`inputs` are a tensor or a tuple of them, and so is what is returned. Results are constants, unless `create_graph`;
what an output does not depend on has zeros, and `strict=True` is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from autograd_lite import func as transforms
from autograd_lite.core import Tensor
from autograd_lite.creation import ones_like
from autograd_lite.modes import no_grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Function = Callable[..., Any]


def _numbers(inputs: Any) -> int | tuple[int, ...]:
    return 0 if isinstance(inputs, Tensor) else tuple(range(len(inputs)))


def _tuple(inputs: Any) -> tuple[Any, ...]:
    return (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)


def _recording(create_graph: bool, strict: bool) -> AbstractContextManager[None]:
    if strict:
        raise ValueError("strict=True is not there: where an output does not depend on an input there are zeros")
    made: AbstractContextManager[None] = nullcontext() if create_graph else no_grad()
    return made


def _direction(v: Any, like: Any, what: str) -> tuple[Any, ...]:
    """The vectors given, or one for a single number."""
    like = _tuple(like)
    if v is not None:
        return _tuple(v)
    if len(like) != 1 or like[0].numel() != 1:
        raise ValueError(f"without v, {what} is a single number, and this has shapes {[t.shape for t in like]}: give v")
    return (ones_like(like[0].detach()),)


def jacobian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian, of shape (*output, *input); for tuples one for each pair. `vectorize` changes nothing.

    Raises ValueError for a strategy that is neither "reverse-mode" nor "forward-mode".

    >>> import autograd_lite as al
    >>> al.autograd.functional.jacobian(lambda x: x * x, al.tensor([1.0, 2.0])).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """
    ways = {"reverse-mode": transforms.jacrev, "forward-mode": transforms.jacfwd}
    if strategy not in ways:
        raise ValueError(f"strategy={strategy!r}: it is 'reverse-mode' or 'forward-mode'")
    with _recording(create_graph, strict):
        return ways[strategy](func, _numbers(inputs))(*_tuple(inputs))


def hessian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of a scalar function, (*input, *input); for a tuple one for each pair.

    >>> import autograd_lite as al
    >>> al.autograd.functional.hessian(lambda x: (x**3).sum(), al.tensor([1.0, 2.0])).tolist()
    [[6.0, 0.0], [0.0, 12.0]]
    """
    with _recording(create_graph, strict):
        return transforms.hessian(func, _numbers(inputs))(*_tuple(inputs))


def vjp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The output, and the product of v, of the output's shape, with the Jacobian.

    >>> import autograd_lite as al
    >>> al.autograd.functional.vjp(lambda x: x * x, al.tensor([1.0, 2.0]), al.tensor([1.0, 10.0]))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    with _recording(create_graph, strict):
        output, back = transforms.vjp(func, *_tuple(inputs))
        return output, _like(inputs, back(*_direction(v, output, "the output")))


def jvp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The output, and the product of the Jacobian with v, of the input's shape.

    >>> import autograd_lite as al
    >>> al.autograd.functional.jvp(lambda x: x * x, al.tensor([1.0, 2.0]), al.tensor([1.0, 10.0]))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    with _recording(create_graph, strict):
        return transforms.jvp(func, _tuple(inputs), _direction(v, inputs, "the input"))


def hvp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The value of a scalar function, and the product of its second derivatives with v.

    >>> import autograd_lite as al
    >>> al.autograd.functional.hvp(lambda x: (x**3).sum(), al.tensor([1.0, 2.0]), al.tensor([1.0, 1.0]))
    (tensor(9.), tensor([ 6., 12.]))
    """
    with _recording(create_graph, strict):
        value, product = transforms.hvp(func, _tuple(inputs), _direction(v, inputs, "the input"))
        return value, _like(inputs, product)


vhp = hvp  # second derivatives are symmetric


def _like(inputs: Any, found: tuple[Any, ...]) -> Any:
    return found[0] if isinstance(inputs, Tensor) else found
