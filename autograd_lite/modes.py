"""Whether ops are recorded, and who watches: settings of the current thread, as contexts and decorators."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from contextlib import ContextDecorator
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from typing_extensions import Self


class _Mode(threading.local):
    reducer: Any = None  # of all threads: takes gradients as backward() has them, to average them with other processes

    def __init__(self) -> None:
        self.grad = True
        self.inference = False
        self.watchers: tuple[Callable[..., None], ...] = ()
        self.trap: Callable[..., None] | None = None  # looks at every gradient on its way, while there is one
        self.listener: Any = None  # is told of backward passes and of optimizers' steps, while there is one
        self.tracer: Any = None  # the compiler's, while it follows a step
        self.before: list[dict[str, Any]] = []  # what each context of this thread found, the innermost last
        self.switched_off = False  # by set_grad_enabled(False) as a statement


class _Contexts:
    """How many contexts, over all threads, make recording anything but ordinary: one attribute read an op."""

    __slots__ = ("lock", "special")

    def __init__(self) -> None:
        self.special, self.lock = 0, threading.Lock()

    def count(self, more: int) -> None:
        with self.lock:
            self.special += more


class _Changes:
    """How often something changed that compiled steps took for constant: one attribute read a step."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


mode = _Mode()
contexts = _Contexts()
changes = _Changes()


def is_grad_enabled() -> bool:
    """Whether ops are recorded in this thread.

    >>> import autograd_lite as al
    >>> al.is_grad_enabled()
    True
    >>> al.no_grad(al.is_grad_enabled)()
    False
    """
    return mode.grad


def is_inference_mode_enabled() -> bool:
    """Whether this is inside an `inference_mode`, in this thread.

    >>> import autograd_lite as al
    >>> with al.inference_mode():
    ...     al.is_inference_mode_enabled()
    True
    >>> al.is_inference_mode_enabled()
    False
    """
    return mode.inference


F = TypeVar("F", bound=Callable[..., Any])


class _Setting(ContextDecorator):
    """A setting of this thread's mode; may be nested, reused, and shared by threads: what it found is the thread's."""

    def _wanted(self) -> dict[str, Any]:
        return {}

    def __enter__(self) -> None:
        contexts.count(1)
        wanted = self._wanted()
        mode.before.append({name: getattr(mode, name) for name in wanted})
        for name, value in wanted.items():
            setattr(mode, name, value)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name, value in mode.before.pop().items():
            setattr(mode, name, value)
        contexts.count(-1)

    def __call__(self, function: F) -> F:
        """As a decorator; of a generator function, each of its steps is inside."""
        if not inspect.isgeneratorfunction(function):
            return super().__call__(function)

        @wraps(function)
        def steps(*args: Any, **kwargs: Any) -> Any:
            generator, sent = function(*args, **kwargs), None
            while True:
                with self:
                    try:
                        item = generator.send(sent)
                    except StopIteration as stop:
                        return stop.value
                sent = yield item

        return cast(F, steps)


class _GradSetting(_Setting):
    """On or off, with and without parentheses as a decorator."""

    _grad: bool

    def __new__(cls, function: Callable[..., Any] | None = None) -> Self:
        made = super().__new__(cls)
        return made if function is None else made(function)  # type: ignore[return-value]

    def _wanted(self) -> dict[str, Any]:
        return {"grad": self._grad}


class no_grad(_GradSetting):  # noqa: N801 (PyTorch's spelling)
    """Nothing is recorded inside, in this thread. Also a decorator.

    >>> import autograd_lite as al
    >>> w = al.tensor(2.0, requires_grad=True)
    >>> with al.no_grad():
    ...     y = w * 3
    >>> y.requires_grad
    False
    """

    _grad = False


class enable_grad(_GradSetting):  # noqa: N801
    """Recording on again inside a `no_grad`, in this thread. Also a decorator.

    >>> import autograd_lite as al
    >>> w = al.tensor(2.0, requires_grad=True)
    >>> with al.no_grad(), al.enable_grad():
    ...     y = w * 3
    >>> y.requires_grad
    True
    """

    _grad = True


class inference_mode(_Setting):  # noqa: N801
    """As `no_grad`, and as `enable_grad` with `mode=False`; tensors made inside are as all others. Also a decorator.

    >>> import autograd_lite as al
    >>> with al.inference_mode():
    ...     al.is_grad_enabled(), al.is_inference_mode_enabled()
    (False, True)
    """

    _on: bool

    def __new__(cls, mode: Any = True) -> Any:
        """With `mode`, or as a decorator without parentheses."""
        made = super().__new__(cls)
        made._on = True if callable(mode) else bool(mode)
        return made(mode) if callable(mode) else made

    def _wanted(self) -> dict[str, Any]:
        return {"grad": not self._on, "inference": self._on}


class set_grad_enabled(_Setting):  # noqa: N801
    """Recording on or off by a condition, in this thread: as a statement from now on, as a context inside.

    >>> import autograd_lite as al
    >>> with al.set_grad_enabled(False):
    ...     al.is_grad_enabled()
    False
    """

    def __init__(self, enabled: bool) -> None:
        self._enabled, self._found = enabled, mode.grad
        self._switch(enabled)

    def _wanted(self) -> dict[str, Any]:
        return {"grad": self._enabled}

    @staticmethod
    def _switch(enabled: bool) -> None:
        contexts.count((not enabled) - mode.switched_off)
        mode.switched_off, mode.grad = not enabled, enabled

    def __enter__(self) -> None:
        self._switch(self._found)  # it was no statement
        super().__enter__()

    def __call__(self, function: F) -> F:
        """As a decorator."""
        self._switch(self._found)
        return super().__call__(function)


class watch(_Setting):  # noqa: N801
    """Call `watcher(op, args, attrs, result)` after every op of this thread, constants and all. Also a decorator.

    >>> import autograd_lite as al
    >>> seen = []
    >>> with al.watch(lambda op, args, attrs, result: seen.append(op.name)):
    ...     _ = al.exp(al.ones(2)).sum()
    >>> seen
    ['exp', 'sum']
    """

    def __init__(self, watcher: Callable[..., None]) -> None:
        self._watcher = watcher

    def _wanted(self) -> dict[str, Any]:
        return {"watchers": (*mode.watchers, self._watcher)}
