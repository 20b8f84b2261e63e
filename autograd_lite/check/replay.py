"""The same random draws in every evaluation: states noted once, and put back before each call."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd_lite.random import default_generator, set_state, state_of, watch_draws


class Replay:
    """Puts every known source of randomness back to where it was when the check began."""

    def __init__(self, *functions: Callable[..., Any]) -> None:
        self._python, self._legacy = random.getstate(), np.random.get_state()
        self._states: dict[int, tuple[Any, Any]] = {}
        self._note(default_generator)
        for function in functions:
            for found in _generators(function):
                self._note(found)

    def _note(self, generator: Any) -> None:
        self._states.setdefault(id(generator), (generator, state_of(generator)))

    def restore(self) -> None:
        """Back to the beginning."""
        random.setstate(self._python)
        np.random.set_state(self._legacy)
        for generator, state in self._states.values():
            set_state(generator, state)

    def watched(self, run: Callable[[], Any]) -> Any:
        """Run once, from the beginning, and learn which other generators are drawn from."""
        self.restore()
        with watch_draws() as seen:
            result = run()
        for key, (generator, state) in seen.items():
            self._states.setdefault(key, (generator, state))
        return result


def _generators(function: Any) -> Iterator[Any]:
    """NumPy generators that a function refers to: its closure, defaults, globals that it names, and its object."""
    for value in _values(function):
        for item in (
            value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
        ):
            if isinstance(item, np.random.Generator | np.random.RandomState):
                yield item


def _values(function: Any) -> Iterator[Any]:
    owner = getattr(function, "__self__", None if hasattr(function, "__code__") else function)
    if owner is not None and hasattr(owner, "__dict__"):
        yield from vars(owner).values()
    function = getattr(function, "func", function)  # functools.partial
    code = getattr(function, "__code__", None)
    if code is None:
        return
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            continue
    for name in code.co_names:
        if name in function.__globals__:
            yield function.__globals__[name]
