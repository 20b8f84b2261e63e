"""Making tensors: values, dtypes, what is copied and what is shared, and data that is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import autograd_lite as al


@pytest.fixture
def single() -> Iterator[None]:
    al.set_default_dtype(np.float32)
    yield
    al.set_default_dtype(np.float64)


# ---------------------------------------------------------------------------------------------- dtypes


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1, np.int64),
        ([1, 2], np.int64),
        ([True, False], np.bool_),
        (1.5, np.float64),
        ([1, 2.5], np.float64),
        ([], np.float64),
        ([[1.0], [2.0]], np.float64),
        (np.float32(2.0), np.float32),
        (np.zeros(2, np.float32), np.float32),
        (np.zeros(2, np.int16), np.int16),
        (np.zeros(2, np.uint8), np.uint8),
        ([np.float32(1.0), np.float32(2.0)], np.float32),
        (range(3), np.int64),
    ],
    ids=repr,
)
def test_data_of_every_kind_keeps_its_values_and_gets_its_dtype(data: Any, dtype: Any):
    made = al.tensor(data)
    assert made.dtype == dtype
    np.testing.assert_array_equal(made.data, np.asarray(data))


@pytest.mark.usefixtures("single")
def test_the_default_dtype_is_that_of_python_floats_and_of_fillers_and_never_that_of_arrays():
    assert al.get_default_dtype() == np.float32
    for made in (
        al.tensor(1.5),
        al.tensor([1, 2.5]),
        al.as_tensor([1.5]),
        al.zeros(2),
        al.ones(2),
        al.full((2,), 1.5),
        al.eye(2),
        al.arange(0.0, 1.0, 0.5),
        al.linspace(0, 1, 3),
        al.rand(2),
        al.randn(2),
        al.nn.Linear(2, 2).weight,
        al.nn.Embedding(2, 2).weight,
        al.nn.Conv2d(1, 1, 1).bias,
    ):
        assert made.dtype == np.float32
    assert al.tensor(np.zeros(2)).dtype == np.float64
    assert al.as_tensor(np.zeros(2)).dtype == np.float64
    assert al.tensor(np.float64(1.0)).dtype == np.float64
    assert al.tensor([1.0], dtype=np.float64).dtype == np.float64
    assert al.tensor([1, 2]).dtype == np.int64
    assert al.arange(3).dtype == np.int64


@pytest.mark.parametrize("dtype", [int, bool, complex, np.uint8])
def test_the_default_dtype_must_be_floating_point_and_stays_when_refused(dtype: Any):
    with pytest.raises(TypeError, match="floating point"):
        al.set_default_dtype(dtype)
    assert al.get_default_dtype() == np.float64


@pytest.mark.parametrize("dtype", ["float32", np.float32, np.dtype("float32"), float, int, bool])
@pytest.mark.parametrize(
    "make",
    [
        lambda dtype: al.tensor([1, 0], dtype=dtype),
        lambda dtype: al.as_tensor([1, 0], dtype=dtype),
        lambda dtype: al.zeros(2, dtype=dtype),
        lambda dtype: al.ones(2, dtype=dtype),
        lambda dtype: al.full((2,), 1, dtype=dtype),
        lambda dtype: al.eye(2, dtype=dtype),
        lambda dtype: al.arange(2, dtype=dtype),
        lambda dtype: al.linspace(0, 1, 2, dtype=dtype),
        lambda dtype: al.zeros_like(al.ones(2), dtype=dtype),
        lambda dtype: al.ones_like(np.ones(2), dtype=dtype),
    ],
)
def test_a_dtype_that_is_given_is_the_one_of_the_result(make: Callable[..., al.Tensor], dtype: Any):
    assert make(dtype).dtype == np.dtype(dtype)


# ---------------------------------------------------------------------------------------------- requires_grad


@pytest.mark.parametrize(
    "make",
    [
        lambda: al.tensor([1, 2], requires_grad=True),
        lambda: al.tensor([True], requires_grad=True),
        lambda: al.arange(3, requires_grad=True),
        lambda: al.full((2,), 1, requires_grad=True),
        lambda: al.zeros(2, dtype=int, requires_grad=True),
        lambda: al.ones_like(al.arange(3), requires_grad=True),
        lambda: al.tensor([1, 2]).requires_grad_(),
        lambda: al.nn.Parameter(al.arange(3)),
    ],
)
def test_integers_cannot_require_gradients_and_the_error_says_what_to_do(make: Callable[[], Any]):
    with pytest.raises(TypeError, match=r"floating-point.*dtype=float"):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda **more: al.tensor([1.0], **more),
        lambda **more: al.zeros(2, **more),
        lambda **more: al.ones((2,), **more),
        lambda **more: al.full((2,), 0.5, **more),
        lambda **more: al.eye(2, **more),
        lambda **more: al.arange(2.0, **more),
        lambda **more: al.linspace(0, 1, 2, **more),
        lambda **more: al.rand(2, **more),
        lambda **more: al.randn(2, **more),
        lambda **more: al.zeros_like(al.ones(2), **more),
        lambda **more: al.ones_like(al.ones(2), **more),
    ],
)
def test_what_is_made_is_a_constant_unless_a_gradient_is_asked_for(make: Callable[..., al.Tensor]):
    assert not make().requires_grad
    leaf = make(requires_grad=True)
    assert leaf.is_leaf
    (leaf * 3.0).sum().backward()
    np.testing.assert_array_equal(leaf.grad, np.full(leaf.shape, 3.0))


def test_a_tensor_made_of_a_recorded_one_is_a_constant_copy():
    w = al.tensor([1.0, 2.0], requires_grad=True)
    twin = al.tensor(w * 2)
    assert not twin.requires_grad
    np.testing.assert_array_equal(twin, [2.0, 4.0])


def test_as_tensor_with_another_dtype_keeps_the_graph():
    w = al.tensor([1.0, 2.0], requires_grad=True)
    al.as_tensor(w * 2, dtype=np.float32).sum().backward()
    np.testing.assert_array_equal(w.grad, [2.0, 2.0])
    assert w.grad.dtype == np.float64


# ---------------------------------------------------------------------------------------------- copies


def test_tensor_copies_whatever_it_is_given():
    array = np.array([1.0, 2.0])
    for made in (al.tensor(array), al.tensor(al.from_numpy(array)), al.tensor(array, dtype=float)):
        made.data[0] = 9.0
        assert not np.shares_memory(made.data, array)
    np.testing.assert_array_equal(array, [1.0, 2.0])


def test_from_numpy_and_as_tensor_share_the_memory_of_an_array_and_as_tensor_gives_a_tensor_back():
    array = np.array([1.0, 2.0])
    shared, also = al.from_numpy(array), al.as_tensor(array)
    array[0] = 5.0
    assert shared.data[0] == also.data[0] == 5.0
    assert al.as_tensor(shared) is shared
    assert al.as_tensor(shared, dtype=float) is shared
    assert not np.shares_memory(al.as_tensor(array, dtype=np.float32).data, array)


def test_a_parameter_takes_over_the_data():
    array = np.zeros(2)
    assert al.nn.Parameter(array).data is array
    assert al.nn.Parameter(al.from_numpy(array)).data is array


# ---------------------------------------------------------------------------------------------- bad data


@pytest.mark.parametrize("data", ["abc", ["a", "b"], None, [object], 1j, [1.0, 2j], {"a": 1}, b"x"], ids=repr)
@pytest.mark.parametrize("make", [al.tensor, al.as_tensor])
def test_what_is_not_numbers_is_refused_and_named(make: Callable[..., Any], data: Any):
    with pytest.raises(
        TypeError, match=re.escape(f"floats, integers or booleans, and this data is {np.asarray(data).dtype}")
    ):
        make(data)


def test_a_ragged_list_is_refused_with_numpys_words():
    with pytest.raises(ValueError, match="inhomogeneous"):
        al.tensor([[1.0, 2.0], [3.0]])


def test_from_numpy_refuses_what_has_no_memory_to_share_and_arrays_that_are_not_of_numbers():
    with pytest.raises(TypeError, match=r"takes an array.*list.*al\.tensor"):
        al.from_numpy([1.0, 2.0])
    with pytest.raises(TypeError, match="complex128"):
        al.from_numpy(np.array([1j]))


def test_an_array_that_requires_a_gradient_cannot_be_lost_in_a_list():
    with pytest.raises(al.GraphError, match="detach"):
        al.tensor([al.tensor(1.0, requires_grad=True), al.tensor(2.0)])
    np.testing.assert_array_equal(al.tensor([al.tensor(1.0), al.tensor(2.0)]), [1.0, 2.0])


@pytest.mark.parametrize("fill", [al.zeros, al.ones, al.rand])
def test_negative_sizes_are_refused(fill: Callable[..., Any]):
    with pytest.raises(ValueError, match="negative"):
        fill(2, -1)


# ---------------------------------------------------------------------------------------------- fillers

FILLERS: list[tuple[str, Callable[[Any], Any]]] = [
    ("zeros", lambda m: m.zeros(2, 3)),
    ("zeros of a tuple", lambda m: m.zeros((2, 3))),
    ("zeros, no dimensions", lambda m: m.zeros(())),
    ("zeros, empty", lambda m: m.zeros(0, 3)),
    ("ones", lambda m: m.ones(4)),
    ("ones of a list", lambda m: m.ones([2, 1])),
    ("full of floats", lambda m: m.full((2, 2), 1.5)),
    ("full of integers", lambda m: m.full((2, 2), 7)),
    ("full of booleans", lambda m: m.full((2,), True)),
    ("eye", lambda m: m.eye(3)),
    ("eye, wide", lambda m: m.eye(2, 4)),
    ("arange of integers", lambda m: m.arange(5)),
    ("arange with a start", lambda m: m.arange(2, 7)),
    ("arange downwards", lambda m: m.arange(7, 2, -2)),
    ("arange of floats", lambda m: m.arange(0.0, 1.0, 0.25)),
    ("arange, mixed", lambda m: m.arange(0, 2, 0.5)),
    ("linspace", lambda m: m.linspace(-1.0, 1.0, 5)),
    ("linspace of integers", lambda m: m.linspace(0, 4, 5)),
    ("linspace of one", lambda m: m.linspace(3.0, 5.0, 1)),
    ("zeros_like", lambda m: m.zeros_like(m.ones(2, 3))),
    ("zeros_like of integers", lambda m: m.zeros_like(m.arange(3))),
    ("ones_like", lambda m: m.ones_like(m.zeros(2, 3))),
    ("ones_like of booleans", lambda m: m.ones_like(m.tensor([True, False]))),
    ("tensor, nested", lambda m: m.tensor([[1.0, 2.0], [3.0, 4.0]])),
    ("tensor, a number", lambda m: m.tensor(5)),
]


@pytest.mark.parametrize("make", [f for _, f in FILLERS], ids=[name for name, _ in FILLERS])
def test_fillers_give_what_pytorch_gives(make: Callable[[Any], Any]):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        ours, theirs = make(al), make(torch).numpy()
    finally:
        torch.set_default_dtype(before)
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours.data, theirs, rtol=1e-15)


def test_random_fillers_have_the_shape_the_range_and_the_moments_of_their_distribution():
    rng = np.random.default_rng(0)
    uniform = al.rand(200, 100, generator=rng).data
    assert uniform.shape == (200, 100)
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert abs(uniform.mean() - 0.5) < 0.01
    assert abs(uniform.var() - 1 / 12) < 0.002
    normal = al.randn((200, 100), generator=rng).data
    assert abs(normal.mean()) < 0.03
    assert abs(normal.std() - 1) < 0.02


class AlmostOne:
    """A source of draws that are as near to one as float64 comes."""

    def random(self, shape: Any) -> Any:
        return np.full(shape, 1 - 2.0**-53)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_uniform_draws_never_reach_their_upper_bound(dtype: Any):
    source = AlmostOne()
    for shape in ((), (3,)):
        made = al.rand(shape, generator=source, dtype=dtype)
        assert (made.shape, made.dtype) == (shape, dtype)
        assert np.all(made.data < 1)
        assert np.all(made.data > 0.99)
        for a, b in ((-0.3, 0.3), (0.0, 1.0), (-3.0, -1.0)):
            drawn = al.nn.init.uniform_(al.zeros(shape, dtype=dtype), a, b, source)
            assert np.all(drawn.data < dtype(b))
            assert np.all(drawn.data > b - 0.01)
    np.testing.assert_array_equal(al.nn.init.uniform_(al.zeros(2), 2.0, 2.0, source).data, [2.0, 2.0])


def test_a_generator_draws_in_the_dtype_that_is_asked_for():
    for dtype in (np.float32, np.float64):
        made = al.rand(5, generator=np.random.default_rng(0), dtype=dtype)
        np.testing.assert_array_equal(made.data, np.random.default_rng(0).random(5, dtype=dtype))


@pytest.mark.parametrize(
    "call",
    [
        lambda g: al.randint(10, (300,), generator=g),
        lambda g: al.randint(10, size=(300,), generator=g),
        lambda g: al.randint(0, 10, (300,), generator=g),
    ],
)
@pytest.mark.parametrize("source", [np.random.default_rng, np.random.RandomState])
def test_randint_draws_every_integer_below_the_bound_however_it_is_called(call: Any, source: Any):
    made = call(source(0))
    assert made.shape == (300,)
    assert made.dtype == np.int64
    assert set(made.tolist()) == set(range(10))


# ---------------------------------------------------------------------------------------------- repr


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: al.tensor(2.0), "tensor(2.)"),
        (lambda: al.tensor([1, 2]), "tensor([1, 2])"),
        (lambda: al.tensor([True]), "tensor([ True])"),
        (lambda: al.tensor([1.0], dtype=np.float32), "tensor([1.], dtype=float32)"),
        (lambda: al.tensor([1.0], requires_grad=True), "tensor([1.], requires_grad=True)"),
        (lambda: al.tensor([1.0], requires_grad=True) * 2, "tensor([2.], grad_fn=<multiply>)"),
        (lambda: al.eye(2), "tensor([[1., 0.],\n        [0., 1.]])"),
        (lambda: al.zeros(0), "tensor([])"),
        (lambda: al.nn.Parameter(al.zeros(1)), "Parameter containing:\ntensor([0.], requires_grad=True)"),
    ],
)
def test_the_repr_shows_values_dtype_and_where_it_comes_from(make: Callable[[], Any], text: str):
    assert repr(make()) == text


def test_a_name_given_at_making_is_the_tensors():
    assert al.tensor([1.0], name="alpha").name == "alpha"
    assert al.tensor([1.0], requires_grad=True, name="beta").name == "beta"
    assert al.tensor([1.0]).name is None
