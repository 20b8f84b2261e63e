"""Whether ops are recorded, and who watches: settings of the current thread, as contexts and decorators."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ContextDecorator
from types import TracebackType
from typing import Any


class _Mode(threading.local):
    grad: bool = True
    watchers: tuple[Callable[..., None], ...] = ()


class _Contexts:
    """How many contexts, over all threads, make recording anything but ordinary: one attribute read an op."""

    __slots__ = ("lock", "special")

    def __init__(self) -> None:
        self.special, self.lock = 0, threading.Lock()


mode = _Mode()
contexts = _Contexts()


def is_grad_enabled() -> bool:
    """Whether ops are recorded in this thread."""
    return mode.grad


class _Setting(ContextDecorator):
    """A setting of this thread's mode; may be nested and reused."""

    def __init__(self, **settings: Any) -> None:
        self._settings = settings
        self._before: list[dict[str, Any]] = []

    def _recreate_cm(self) -> _Setting:
        """A decorated function may run in several threads at once, each with a context of its own."""
        return _Setting(**self._settings)

    def __enter__(self) -> None:
        with contexts.lock:
            contexts.special += 1
        self._before.append({name: getattr(mode, name) for name in self._settings})
        for name, value in self._settings.items():
            setattr(mode, name, value)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name, value in self._before.pop().items():
            setattr(mode, name, value)
        with contexts.lock:
            contexts.special -= 1


class no_grad(_Setting):  # noqa: N801 (PyTorch's spelling)
    """Nothing is recorded inside, in this thread. Also a decorator.

    >>> import autograd_lite as al
    >>> w = al.tensor(2.0, requires_grad=True)
    >>> with al.no_grad():
    ...     y = w * 3
    >>> y.requires_grad
    False
    """

    def __init__(self) -> None:
        super().__init__(grad=False)


class enable_grad(_Setting):  # noqa: N801
    """Recording on again inside a `no_grad`, in this thread. Also a decorator."""

    def __init__(self) -> None:
        super().__init__(grad=True)


class set_grad_enabled(_Setting):  # noqa: N801
    """Recording on or off by a condition, in this thread. Takes effect on entering the context.

    >>> import autograd_lite as al
    >>> with al.set_grad_enabled(False):
    ...     al.is_grad_enabled()
    False
    """

    def __init__(self, mode: bool) -> None:
        super().__init__(grad=mode)


class watch(_Setting):  # noqa: N801
    """Call `watcher(op, args, attrs, result)` after every op of this thread, constants and all."""

    def __init__(self, watcher: Callable[..., None]) -> None:
        super().__init__()
        self._watcher = watcher

    def __enter__(self) -> None:
        self._settings = {"watchers": (*mode.watchers, self._watcher)}
        super().__enter__()
