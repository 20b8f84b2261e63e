"""Random numbers: seeds, generators of one's own, and the record of who drew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.nn import functional as F
from autograd_lite.random import default_generator, draw_from, set_state, state_of, watch_draws

DRAWS: list[tuple[str, Callable[[Any], Any]]] = [
    ("rand", lambda g: al.rand(5, generator=g)),
    ("randn", lambda g: al.randn(5, generator=g)),
    ("randint", lambda g: al.randint(1000, size=(5,), generator=g)),
    ("dropout", lambda g: F.dropout(al.ones(64), 0.5, generator=g)),
    ("Dropout", lambda g: al.nn.Dropout(0.5, generator=g)(al.ones(64))),
    ("uniform_", lambda g: al.nn.init.uniform_(al.zeros(5), generator=g)),
    ("normal_", lambda g: al.nn.init.normal_(al.zeros(5), generator=g)),
    ("Linear", lambda g: al.nn.Linear(3, 2, generator=g).weight),
    ("Linear's bias", lambda g: al.nn.Linear(3, 2, generator=g).bias),
    ("Conv2d", lambda g: al.nn.Conv2d(1, 2, 3, generator=g).weight),
    ("Embedding", lambda g: al.nn.Embedding(4, 2, generator=g).weight),
]
EVERY_DRAW = pytest.mark.parametrize("draw", [f for _, f in DRAWS], ids=[name for name, _ in DRAWS])
SOURCES = pytest.mark.parametrize("source", [np.random.default_rng, np.random.RandomState], ids=["new", "legacy"])


@EVERY_DRAW
def test_the_same_seed_gives_the_same_draws_and_another_seed_others(draw: Callable[[Any], Any]):
    al.manual_seed(7)
    first, second = draw(None).data.copy(), draw(None).data.copy()
    al.manual_seed(7)
    again = draw(None).data.copy()
    al.manual_seed(8)
    other = draw(None).data.copy()
    np.testing.assert_array_equal(first, again)
    assert (first != second).any()
    assert (first != other).any()


@EVERY_DRAW
@SOURCES
def test_a_generator_of_ones_own_decides_alone_and_leaves_the_default_one_be(draw: Any, source: Any):
    before = state_of(default_generator)
    first = draw(source(3)).data.copy()
    al.manual_seed(0)
    middle = state_of(default_generator)
    np.testing.assert_array_equal(draw(source(3)).data, first)
    assert (draw(source(4)).data != first).any()
    assert state_of(default_generator) == middle
    set_state(default_generator, before)


def test_manual_seed_seeds_in_place_as_numpy_would():
    generator = al.manual_seed(42)
    assert generator is default_generator
    np.testing.assert_array_equal(al.rand(4), np.random.default_rng(42).random(4))
    np.testing.assert_array_equal(al.manual_seed(42).random(4), np.random.default_rng(42).random(4))


def test_numpys_global_seed_is_not_touched():
    np.random.seed(1)
    want = np.random.RandomState(1).rand(3)
    al.manual_seed(5)
    al.rand(10)
    np.testing.assert_array_equal(np.random.rand(3), want)


# ------------------------------------------------------------------------------------------- who drew


@SOURCES
def test_watched_draws_can_be_replayed_from_the_states_before_the_first_one(source: Any):
    own, unused = source(1), source(2)
    own.random(3)

    def compute() -> list[Any]:
        return [al.rand(3), F.dropout(al.ones(20), 0.5, generator=own), al.randn(2, generator=own), al.randn(2)]

    with watch_draws() as seen:
        first = compute()
    assert {id(generator) for generator, _ in seen.values()} == {id(default_generator), id(own)}
    assert id(unused) not in seen
    for generator, state in seen.values():
        set_state(generator, state)
    for a, b in zip(first, compute(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert (al.rand(3).data != first[0].data).any()


def test_nothing_is_seen_before_or_after():
    al.rand(1)
    with watch_draws() as seen:
        assert not seen
    al.rand(1)
    assert not seen


def test_a_dropout_that_does_not_draw_is_not_seen():
    with watch_draws() as seen:
        F.dropout(al.ones(3), 0.5, training=False)
        F.dropout(al.ones(3), 0.0)
        al.nn.Dropout(0.5).eval()(al.ones(3))
    assert not seen


@SOURCES
def test_watches_may_be_nested_and_the_outer_one_goes_on_when_the_inner_one_ends(source: Any):
    early, late = source(0), source(1)
    with watch_draws() as outer:
        with watch_draws() as empty:
            pass
        draw_from(early)
        with watch_draws() as inner:
            draw_from(early)
        draw_from(late)
    assert not empty
    assert list(inner) == [id(early)]
    assert list(outer) == [id(early), id(late)]


def test_a_watch_ends_when_an_error_leaves_it():
    with pytest.raises(ZeroDivisionError), watch_draws() as seen:
        raise ZeroDivisionError
    al.rand(1)
    assert not seen


class Halves:
    """No generator of NumPy's, but it has what a dropout needs."""

    def random(self, shape: Any) -> Any:
        return np.arange(np.prod(shape)).reshape(shape) % 2 / 2.0


def test_anything_that_draws_will_do_and_has_no_state_to_put_back():
    with watch_draws() as seen:
        kept = F.dropout(al.ones(4), 0.25, generator=Halves())
    np.testing.assert_allclose(kept.data, [0.0, 4 / 3, 0.0, 4 / 3])
    ((generator, state),) = seen.values()
    assert state is None
    set_state(generator, state)
