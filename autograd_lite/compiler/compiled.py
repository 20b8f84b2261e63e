"""`compile`: a training step that is traced at its first call, and is straight-line NumPy from then on."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd_lite.compiler.emit import Emitter
from autograd_lite.compiler.fused import FusedEmitter
from autograd_lite.compiler.ir import Place
from autograd_lite.compiler.jit import numba
from autograd_lite.compiler.run import MISS, Run
from autograd_lite.compiler.session import Session, commit
from autograd_lite.compiler.traced import Traced
from autograd_lite.core import Tensor
from autograd_lite.modes import contexts
from autograd_lite.nn.module import Module

MOST = 64  # programs that are kept: one for each kind of arguments, the least recently used goes
BACKENDS = {"numpy": Emitter, "numba": FusedEmitter}


class Compiled:
    """A step as NumPy: called as the step is. Made by `al.compile`.

    `source` is the text of the program that ran last, `stats()` its size, `recompiles` how often the step was traced
    again after the first time.
    """

    def __init__(self, step: Callable[..., Any], backend: str, keep_grads: bool) -> None:
        functools.update_wrapper(self, step)
        self._step, self._backend, self._keep = step, backend, keep_grads
        self._signature = inspect.signature(step)
        self._runs: list[Run] = []
        self._call: Callable[[Any], Any] = _never
        self._traces = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Do the step."""
        if kwargs:
            bound = self._signature.bind(*args, **kwargs)
            bound.apply_defaults()
            args = bound.args
        result = self._call(args)
        return result if result is not MISS else self._other(args)

    def _other(self, args: tuple[Any, ...]) -> Any:
        """By another program, or by one that only looked out of date; traced, where there is none."""
        for run in self._runs:
            if run.fits():
                result = run.call(args, contexts.special)
                if result is not MISS:
                    self._chosen(run)
                    return result
        return self._traced(args)

    def _chosen(self, run: Run) -> None:
        self._runs = [run, *(other for other in self._runs if other is not run)][:MOST]
        self._call = run.call

    def _traced(self, args: tuple[Any, ...]) -> Any:
        """Run the step as it is, following it."""
        session = Session()
        names = list(self._signature.parameters)
        names = [*names[: len(args)], *(f"argument_{k}" for k in range(len(names), len(args)))]
        with session:
            for name, tensor in _tensors_of(self._step):
                session.name(tensor, name)
            given = [_given(session, name, arg) for name, arg in zip(names, args, strict=True)]
            result = self._step(*(value for _, value in given))
            shown, value = _result(session, result)
            writes = session.finish(self._keep)
        commit(writes)
        self._traces += 1
        if session.final:
            parameters = [(name, var) for name, (var, _) in zip(names, given, strict=True)]
            self._chosen(Run(session, parameters, shown, BACKENDS[self._backend]))
        return value

    @property
    def source(self) -> str:
        """The text of the program that ran last. Raises RuntimeError before there is one."""
        return self._last().source

    @property
    def recompiles(self) -> int:
        """How often the step was traced again after the first time: for other shapes, dtypes, modes or settings."""
        return max(0, self._traces - 1)

    def stats(self) -> dict[str, int]:
        """Of the program that ran last: instructions before and after, buffers, and their bytes."""
        run = self._last()
        slots = set(run.layout.slots.values())
        return {
            "ops_before": run.before,
            "ops_after": len(run.program.instructions),
            "buffers": len(slots),
            "bytes": sum(slot.nbytes for slot in slots),
        }

    def _last(self) -> Run:
        if not self._runs:
            raise RuntimeError(
                "the step has no program yet: call it once (twice with an optimizer that keeps a state, since the "
                "first step is another one than those that find a state)"
            )
        return self._runs[0]


def _never(given: Any) -> Any:
    return MISS


def _tensors_of(step: Callable[..., Any]) -> Iterator[tuple[str, Tensor]]:
    """The tensors that a function finds outside, under the names by which its source knows them."""
    function = inspect.unwrap(getattr(step, "__func__", step))
    found = dict(inspect.getclosurevars(function).nonlocals) if inspect.isfunction(function) else {}
    if inspect.isfunction(function):
        found |= inspect.getclosurevars(function).globals
    owner = getattr(step, "__self__", step if isinstance(step, Module) else None)
    found |= {k: v for k, v in getattr(owner, "__dict__", {}).items() if isinstance(v, Module | Tensor)}
    if isinstance(owner, Module):
        found[""] = owner
    modules = [name for name, thing in found.items() if isinstance(thing, Module)]
    for name, thing in found.items():
        if isinstance(thing, Tensor):
            yield name, thing
        elif isinstance(thing, Module):
            for path, tensor in (*thing.named_parameters(), *thing.named_buffers()):
                yield path if len(modules) == 1 and not path[:1].isdigit() else f"{name}_{path}", tensor


def _given(session: Session, name: str, arg: Any) -> tuple[Any, Any]:
    """What stands for an argument in the program, and what the step is given in its place."""
    if isinstance(arg, Tensor) and arg.node is None:
        traced = session.trace.found(Place("argument", arg._array, "tensor", name))
        return traced.var, Tensor(traced)
    if type(arg) is np.ndarray:
        traced = session.trace.found(Place("argument", arg, "array", name))
        return traced.var, traced
    if type(arg) in (tuple, list):
        pairs = [_given(session, f"{name}_{k}", item) for k, item in enumerate(arg)]
        return type(arg)(var for var, _ in pairs), type(arg)(value for _, value in pairs)
    return arg, arg


def _result(session: Session, result: Any) -> tuple[Any, Any]:
    """What a step returns, as values of the program, and as it is returned now: without a graph."""
    if isinstance(result, Tensor):
        traced = session.array_of(result)
        session.trace.program.results.append(traced.current())
        return traced.current(), Tensor(np.array(traced.value))
    if isinstance(result, Traced):
        return _result(session, Tensor(result))
    if type(result) in (tuple, list):
        pairs = [_result(session, item) for item in result]
        return type(result)(var for var, _ in pairs), type(result)(value for _, value in pairs)
    if isinstance(result, dict):
        found = {k: _result(session, v) for k, v in result.items()}
        return {k: var for k, (var, _) in found.items()}, {k: value for k, (_, value) in found.items()}
    return result, result


def compile(step: Any = None, *, backend: str = "numpy", keep_grads: bool = False) -> Any:
    """A training step, or any function of Tensors, as straight-line NumPy; also a decorator.

    The first call with each shape and dtype runs the step as it is and follows it; later ones run what was found:
    nothing twice, nothing in vain, in buffers that are kept (`out=`). Python's control flow is as it was in the
    first call: it may depend on shapes, dtypes, `train()` and `eval()`, `requires_grad` and settings of modules and
    optimizers, which trace anew where they change; a learning rate may change from step to step. What is no Tensor
    or array among the arguments is compared: another value is traced anew. Random draws are made in each step.
    Arrays that the step finds outside are read where they are.

    Returned tensors are copies, without a graph. A gradient that the step itself forgets (`zero_grad`) is not left
    in `.grad`, unless `keep_grads`. One thread at a time.

    `backend="numba"` (extra `jit`) makes loops of the elementwise and the small parts, which Numba compiles: seconds
    the first time, then they are found on disk, in NUMBA_CACHE_DIR or the user's cache directory. The rest stays
    NumPy's: large products and sums, exp and its like on many numbers, functions that loops do not know. Results are
    those of NumPy but for the order of sums; no floating-point error is reported from inside loops, whatever
    `np.errstate` says.

    Raises TraceError (a GraphError) where the step reads numbers (`.item()`, `if tensor:`), with the line,
    ValueError for an unknown backend, and ImportError where Numba is missing.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = al.optim.SGD([w], lr=0.1)
    >>> @al.compile
    ... def step(x):
    ...     optimizer.zero_grad()
    ...     loss = al.square(w * x).sum()
    ...     loss.backward()
    ...     optimizer.step()
    ...     return loss
    >>> [round(step(al.ones(2)).item(), 3) for _ in range(3)]
    [5.0, 3.2, 2.048]
    """
    if backend not in BACKENDS:
        raise ValueError(f"backend is {' or '.join(map(repr, BACKENDS))}, and not {backend!r}")
    if step is None:
        return functools.partial(compile, backend=backend, keep_grads=keep_grads)
    if backend == "numba":
        numba()
    return Compiled(step, backend, keep_grads)
