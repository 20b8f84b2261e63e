"""Random numbers. One default generator, seeded by `manual_seed`; whoever draws can name another.

Everything here that draws tells `watch_draws` first which generator it uses, so that a gradient check can replay
the same draws in every evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd_lite.modes import contexts, mode

default_generator = np.random.default_rng()
_watched: list[dict[int, Any]] = []


def manual_seed(seed: int) -> np.random.Generator:
    """Seed the default generator, in place, and return it.

    >>> import autograd_lite as al
    >>> _ = al.manual_seed(3)
    >>> first = al.rand(2)
    >>> _ = al.manual_seed(3)
    >>> al.equal(al.rand(2), first)
    True
    """
    if contexts.special and mode.tracer is not None:
        mode.tracer.refuse("manual_seed()")
    default_generator.bit_generator.state = np.random.default_rng(seed).bit_generator.state
    return default_generator


def get_rng_state() -> dict[str, Any]:
    """The default generator's state, to be saved, and given to `set_rng_state`.

    >>> import autograd_lite as al
    >>> state = al.get_rng_state()
    >>> a = al.rand(3)
    >>> al.set_rng_state(state)
    >>> bool((al.rand(3) == a).all())
    True
    """
    return dict(default_generator.bit_generator.state)


def set_rng_state(new_state: dict[str, Any]) -> None:
    """Put the default generator, in place, to a state that `get_rng_state` gave.

    >>> import autograd_lite as al
    >>> state = al.get_rng_state()
    >>> first = al.randn(2)
    >>> al.set_rng_state(state)
    >>> al.equal(al.randn(2), first)
    True
    """
    default_generator.bit_generator.state = new_state


def draw_from(generator: Any = None) -> Any:
    """The generator to draw from now: the one given, else the default one."""
    generator = default_generator if generator is None else generator
    if not hasattr(generator, "random"):
        raise TypeError(
            f"a generator has a method random(shape), and {generator!r} has not: np.random.default_rng(seed)"
        )
    for seen in _watched:
        seen.setdefault(id(generator), (generator, state_of(generator)))
    return generator


def state_of(generator: Any) -> Any:
    """A generator's state: of a Generator or a RandomState, or None for another object with a `random` method."""
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    return generator.get_state() if hasattr(generator, "get_state") else None


def set_state(generator: Any, state: Any) -> None:
    """Put a generator back to a state that `state_of` gave."""
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif state is not None:
        generator.set_state(state)


@contextmanager
def watch_draws() -> Iterator[dict[int, Any]]:
    """Collect the generators that are drawn from inside, each with its state before the first draw."""
    seen: dict[int, Any] = {}
    _watched.append(seen)
    try:
        yield seen
    finally:
        _watched[:] = [other for other in _watched if other is not seen]  # remove() would take an equal one
