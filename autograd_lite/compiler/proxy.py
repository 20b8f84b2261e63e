"""What stands for a value in a trace, and what its concrete value is."""

from __future__ import annotations

from typing import Any

from autograd_lite.compiler.ir import Place, Var
from autograd_lite.core import GraphError


class TraceError(GraphError):
    """A step does what cannot be compiled.

    >>> import autograd_lite as al
    >>> @al.compile
    ... def step(x):
    ...     return x if x.sum() > 0 else -x
    >>> step(al.ones(2))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    autograd_lite.compiler.proxy.TraceError: a condition at ... reads numbers in a step that is compiled: ...
    """


class Storage:
    """Memory that arrays share: `version` counts the writes into it."""

    __slots__ = ("place", "version")

    def __init__(self, place: Place | None = None) -> None:
        self.place, self.version = place, 0


class Proxy:
    """What stands for a value in a trace: `value` is the concrete one."""

    __slots__ = ()
    trace: Any
    value: Any
    var: Var
    shape: Any
    view: Any
    overwrite: Any

    def current(self) -> Var:
        """The value that it stands for now."""
        return self.var


def value_of(x: Any) -> Any:
    """The concrete value of what may be traced."""
    if isinstance(x, Proxy):
        x.current()
        return x.value
    return type(x)(value_of(item) for item in x) if type(x) in (tuple, list) else x


def values_of(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Concrete keyword arguments."""
    return {k: value_of(v) for k, v in kwargs.items()}
