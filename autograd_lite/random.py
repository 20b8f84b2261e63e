"""Random numbers. One default generator, seeded by `manual_seed`; whoever draws can name another.

Everything here that draws tells `watch_draws` first which generator it uses, so that a gradient check can replay
the same draws in every evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd_lite.devices import on
from autograd_lite.modes import contexts, mode

SEED = 67280421310721  # PyTorch's, of a generator that was not seeded


class Generator(np.random.Generator):
    """A source of random numbers with PyTorch's methods besides NumPy's; its draws are those of NumPy's `default_rng`.

    >>> import autograd_lite as al
    >>> import numpy as np
    >>> g = al.Generator().manual_seed(3)
    >>> bool((al.rand(4, generator=g) == al.rand(4, generator=np.random.default_rng(3))).all())
    True
    """

    def __init__(self, device: Any = "cpu") -> None:
        given = isinstance(device, np.random.BitGenerator)  # so that spawn() works
        on(None if given else device)
        super().__init__(device if given else np.random.PCG64(SEED))
        self._seed = SEED

    def manual_seed(self, seed: int) -> Generator:
        """Start anew from a seed, in place; also below 0, as in PyTorch. Returns the generator."""
        if contexts.special and mode.tracer is not None:
            mode.tracer.refuse("manual_seed()")
        self._seed = int(seed) % 2**64
        self.bit_generator.state = np.random.PCG64(self._seed).state
        return self

    def initial_seed(self) -> int:
        """The seed that it started from."""
        return self._seed

    def seed(self) -> int:
        """Start anew from a seed of the system's, and return that."""
        self.manual_seed(int(np.random.SeedSequence().generate_state(1, np.uint64)[0]))
        return self._seed

    def get_state(self) -> dict[str, Any]:
        """Where it is, to be saved, and given to `set_state`."""
        return dict(self.bit_generator.state)

    def set_state(self, new_state: dict[str, Any]) -> Generator:
        """Put it, in place, where it was when `get_state` was called."""
        self.bit_generator.state = new_state
        return self

    def __reduce__(self) -> Any:
        return _rebuilt, (self._seed, self.bit_generator.state)


def _rebuilt(seed: int, state: dict[str, Any]) -> Generator:
    made = Generator()
    made._seed = seed
    return made.set_state(state)


default_generator = Generator()
default_generator.seed()
_watched: list[dict[int, Any]] = []


def manual_seed(seed: int) -> Generator:
    """Seed the default generator, in place, and return it.

    >>> import autograd_lite as al
    >>> _ = al.manual_seed(3)
    >>> first = al.rand(2)
    >>> _ = al.manual_seed(3)
    >>> al.equal(al.rand(2), first)
    True
    """
    return default_generator.manual_seed(seed)


def initial_seed() -> int:
    """The seed that the default generator started from.

    >>> import autograd_lite as al
    >>> _ = al.manual_seed(3)
    >>> _ = al.rand(2)
    >>> al.initial_seed()
    3
    """
    return default_generator.initial_seed()


def seed() -> int:
    """Seed the default generator by the system, and return the seed.

    >>> import autograd_lite as al
    >>> given = al.seed()
    >>> first = al.rand(2)
    >>> _ = al.manual_seed(given)
    >>> al.equal(al.rand(2), first)
    True
    """
    return default_generator.seed()


def get_rng_state() -> dict[str, Any]:
    """The default generator's state, to be saved, and given to `set_rng_state`.

    >>> import autograd_lite as al
    >>> state = al.get_rng_state()
    >>> a = al.rand(3)
    >>> al.set_rng_state(state)
    >>> bool((al.rand(3) == a).all())
    True
    """
    return default_generator.get_state()


def set_rng_state(new_state: dict[str, Any]) -> None:
    """Put the default generator, in place, to a state that `get_rng_state` gave.

    >>> import autograd_lite as al
    >>> state = al.get_rng_state()
    >>> first = al.randn(2)
    >>> al.set_rng_state(state)
    >>> al.equal(al.randn(2), first)
    True
    """
    default_generator.set_state(new_state)


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
