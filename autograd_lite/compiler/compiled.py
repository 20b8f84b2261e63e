"""`compile`: a training step that is traced at its first call, and is straight-line NumPy from then on."""

from __future__ import annotations

import functools
import inspect
import threading
import warnings
from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any

import numpy as np

from autograd_lite.compiler.emit import Emitter
from autograd_lite.compiler.fused import FusedEmitter
from autograd_lite.compiler.given import Items, Keywords, given, made, other
from autograd_lite.compiler.guards import Guards
from autograd_lite.compiler.jit import numba
from autograd_lite.compiler.passes import renamed
from autograd_lite.compiler.proxy import TraceError
from autograd_lite.compiler.run import MISS, Run
from autograd_lite.compiler.session import Session, commit
from autograd_lite.compiler.traced import Traced
from autograd_lite.core import Tensor
from autograd_lite.modes import contexts, mode
from autograd_lite.nn.module import Module
from autograd_lite.optim.optimizer import Optimizer

MOST = 64  # programs that are kept: one for each kind of arguments, the least recently used goes
MANY = 16  # traces because of values that are no arrays, after which that is said
BACKENDS = {"numpy": Emitter, "numba": FusedEmitter}


class Compiled:
    """A step as NumPy: called as the step is. Made by `al.compile`.

    `source` is the text of the program that ran last, `stats()` its size, `recompiles` how often the step was traced
    again after the first time. On a class it is a method, compiled for each object. Attributes are the step's own.

    >>> import autograd_lite as al
    >>> step = al.compile(lambda x: (x * 2.0 + 1.0).sum())
    >>> step(al.ones(3)), step(al.ones(4))
    (tensor(9.), tensor(12.))
    >>> step.recompiles, step.stats()["ops_after"] > 0
    (1, True)
    """

    def __init__(self, step: Callable[..., Any], backend: str, keep_grads: bool) -> None:
        functools.update_wrapper(self, step, updated=())
        self._step, self._backend, self._keep = step, backend, keep_grads
        self._signature = inspect.signature(step)
        self._runs: list[Run] = []
        self._call: Callable[[Any], Any] = _never
        self._lock = threading.RLock()  # one step at a time: its buffers are there once
        self._traces = self._by_value = 0
        self._changing: set[str] = set()  # settings of optimizers that were other numbers in another step

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Do the step."""
        if contexts.special and (mode.tracer is not None or mode.watchers):
            return self._step(*args, **kwargs)  # as a part of what is traced; watched, op by op
        if kwargs:
            bound = self._signature.bind(*args, **kwargs)
            bound.apply_defaults()
            args = (*bound.args, Keywords(bound.kwargs)) if bound.kwargs else bound.args
        with self._lock:
            result = self._call(args)
            return result if result is not MISS else self._other(args)

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        """As a method: each object has a compiled one of its own."""
        if owner is None:
            return self
        made = Compiled(MethodType(self._step, owner), self._backend, self._keep)
        if hasattr(owner, "__dict__"):
            vars(owner)[self._step.__name__] = made
        return made

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._step, name)

    def __reduce__(self) -> Any:
        return Compiled, (self._step, self._backend, self._keep)

    def __repr__(self) -> str:
        return f"<compiled {getattr(self, '__qualname__', self._step)}, backend={self._backend!r}>"

    def _other(self, args: tuple[Any, ...]) -> Any:
        """By another program, or by one that only looked out of date; traced, where there is none."""
        for run in self._runs:
            if run.fits():
                result = run.call(args, contexts.special)
                if result is not MISS:
                    self._chosen(run)
                    return result
        self._warn_of_values(args)
        return self._traced(args)

    def _chosen(self, run: Run) -> None:
        self._runs = [run, *(other for other in self._runs if other is not run)][:MOST]
        self._call = run.call

    def _warn_of_values(self, args: tuple[Any, ...]) -> None:
        """Say once, where values that are no arrays make one program after another, which they are."""
        if not self._runs:
            return
        run = self._runs[0]
        names = run.guards.broken()
        if len(args) == len(run.parameters):
            names += [name for (name, shown), arg in zip(run.parameters, args, strict=True) if other(shown, arg)]
        self._by_value += bool(names)
        if self._by_value == MANY and names:
            warnings.warn(
                f"{self!r} was traced {MANY} times because values differed that are no arrays, this time "
                f"{', '.join(sorted(set(names)))}: each trace takes milliseconds. Pass what changes as a tensor",
                stacklevel=4,
            )

    def _traced(self, args: tuple[Any, ...]) -> Any:
        """Run the step as it is, following it."""
        guards = Guards()
        guards.code(self._step)
        self._changing.update(*(run.moved() for run in self._runs))
        session = Session(frozenset(self._changing - guards.words))
        names = [n for n, p in self._signature.parameters.items() if p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD)]
        names = [*names[: len(args)], *(f"argument_{k}" for k in range(len(names), len(args)))]
        with session:
            self._met(session, guards)
            pairs = [given(session, name, arg) for name, arg in zip(names, args, strict=True)]
            parameters = [(name, shown) for name, (shown, _) in zip(names, pairs, strict=True)]
            values = [value for _, value in pairs]
            keywords = values.pop() if values and isinstance(values[-1], Keywords) else {}
            result = self._step(*values, **keywords)
            if any(type(value) in (list, dict) and other(shown, value) for shown, value in pairs):
                raise TraceError("the step changes a list or a dict that it was given, which a program would not do")
            shown, value = _result(session, result)
            before = list(session.trace.program.results)
            writes = session.finish(self._keep)
            shown = renamed(shown, dict(zip(before, session.trace.program.results, strict=True)))
        if changed := guards.broken():
            raise TraceError(
                f"the step changes {', '.join(changed)}, outside, which a program would not do: do it where the step "
                "is called"
            )
        for thing, _ in session.objects:
            guards.code(getattr(type(thing), "forward", None), thing)
        del pairs, result, values, keywords
        session.refuse_leaks()
        session.refuse_overlaps()
        commit(writes)
        self._traces += 1
        if session.final:
            self._chosen(Run(session, parameters, shown, guards, BACKENDS[self._backend]))
        return value

    def _met(self, session: Session, guards: Guards) -> None:
        """Tell a session what the step's code can name, before it runs."""
        owner = getattr(self._step, "__self__", None)
        if hasattr(owner, "__dict__"):
            session.entered(owner)
        for name, tensor in _tensors_of(self._step):
            session.name(tensor, name)
        session.watch(guards.things(np.random.Generator))
        for optimizer in guards.things(Optimizer):
            session.stepping(optimizer)
        for module in guards.things(Module):
            session.entered(module)

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
        return {
            "ops_before": run.before,
            "ops_after": len(run.program.instructions),
            "buffers": len(run.layout.buffers),
            "bytes": run.layout.nbytes,
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


def _result(session: Session, result: Any) -> tuple[Any, Any]:
    """What a step returns, as values of the program, and as it is returned now: without a graph."""
    if isinstance(result, Tensor):
        traced = session.array_of(result)
        session.trace.program.results.append(traced.current())
        return traced.current(), Tensor(np.array(traced.value))
    if isinstance(result, Traced):
        return _result(session, Tensor(result))
    if type(result) in (tuple, list) or (isinstance(result, tuple) and hasattr(result, "_fields")):
        pairs = [_result(session, item) for item in result]
        items = Items(type(result), [])
        return made(items, [var for var, _ in pairs]), made(items, [value for _, value in pairs])
    if isinstance(result, dict):
        found = {k: _result(session, v) for k, v in result.items()}
        return {k: var for k, (var, _) in found.items()}, {k: value for k, (_, value) in found.items()}
    return result, result


def compile(step: Any = None, *, backend: str = "numpy", keep_grads: bool = False) -> Any:
    """A training step, or any function of Tensors, as straight-line NumPy; also a decorator.

    The first call with each shape and dtype runs the step as it is and follows it; later ones run what was found:
    nothing twice, nothing in vain, in buffers that are kept (`out=`). Python's control flow is as it was in the
    first call. Another program is made for other shapes, dtypes, `train()` and `eval()`, `requires_grad`, settings of
    modules and optimizers, and other values of what is no array among the arguments or among what the step's code
    looks up. A learning rate may change from step to step; so may other settings of optimizers that are floats, after
    one more program, which reads them. Random draws are made in each step. Arrays that the step finds outside are read
    where they are.

    Returned tensors are copies, without a graph. A gradient that the step itself forgets (`zero_grad`) is not left
    in `.grad`, unless `keep_grads`. Threads that call one compiled step wait for one another.

    `backend="numba"` (extra `jit`) makes loops of the elementwise and the small parts, which Numba compiles: seconds
    the first time, then they are found on disk, in NUMBA_CACHE_DIR or the user's cache directory. The rest stays
    NumPy's: large products and sums, exp and its like on many numbers, functions that loops do not know. Results are
    those of NumPy but for the order of sums; no floating-point error is reported from inside loops, whatever
    `np.errstate` says.

    Raises TraceError (a GraphError) where the step reads numbers (`.item()`, `if tensor:`), with the line, keeps a
    tensor outside, counts, draws from generators that are not `al`'s, or writes to memory that is shared;
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
