"""Values, gradients and second gradients are PyTorch's, for every call that both have under the same name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.nn import functional as F

torch = pytest.importorskip("torch", reason="PyTorch is the reference of these tests, and it is not installed")

DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
WHERE = {"torch": (al, torch), "Tensor": (al.Tensor, torch.Tensor), "F": (F, torch.nn.functional)}


def close(ours: Any, theirs: Any, dtype: Any, what: str) -> None:
    a, b = np.asarray(ours), theirs.detach().numpy()
    assert a.shape == b.shape, what
    assert a.dtype == b.dtype, what
    exact = a.dtype.kind != "f"
    tolerance = 0 if exact else 1e-10 if dtype == np.float64 else 2e-5
    scale = 1.0 if exact or not b.size or not np.isfinite(b).any() else max(1.0, np.abs(b[np.isfinite(b)]).max())
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale, err_msg=what)


def floats(result: Any) -> list[Any]:
    """The outputs that gradients flow from."""
    parts = list(result) if isinstance(result, tuple | list) else [result]
    return [p for p in parts if p.requires_grad]


def everything(result: Any) -> list[Any]:
    return list(result) if isinstance(result, tuple | list) else [result]


def agree(
    ours: Callable[..., Any],
    theirs: Callable[..., Any],
    *arrays: Any,
    dtype: Any = np.float64,
    second: bool = True,
) -> None:
    """Both on the same numbers: outputs, gradients on a random cotangent, and the gradients' gradients."""
    arrays = tuple(np.array(a, dtype, order="C") for a in arrays)
    x = [al.tensor(a, requires_grad=True) for a in arrays]
    z = [torch.tensor(a, requires_grad=True) for a in arrays]
    y, w = ours(*x), theirs(*z)
    for k, (a, b) in enumerate(zip(everything(y), everything(w), strict=True)):
        close(a.detach(), b, dtype, f"output {k}")
    rng = np.random.default_rng(0)
    cotangents = [rng.normal(size=p.shape).astype(dtype) for p in floats(y)]
    assert len(cotangents) == len(floats(w))
    if not cotangents:
        return
    got = al.autograd.grad(floats(y), x, cotangents, create_graph=second, allow_unused=True)
    want = torch.autograd.grad(
        floats(w), z, [torch.tensor(c) for c in cotangents], create_graph=second, allow_unused=True
    )
    for k, (a, b) in enumerate(zip(got, want, strict=True)):
        if b is None or a is None:  # PyTorch gives None where we give zeros, or the other way round
            assert not np.any(0 if a is None else a.data)
            assert not np.any(0 if b is None else b.numpy())
            continue
        close(a.detach(), b, dtype, f"gradient of input {k}")
    if not second:
        return
    weights = [rng.normal(size=a.shape).astype(dtype) for a in arrays]
    kept = [k for k, (a, b) in enumerate(zip(got, want, strict=True)) if a is not None and b is not None]
    s = al.sum(al.cat([(got[k] * weights[k]).reshape(-1) for k in kept] + [x[0].reshape(-1) * 0.0]))
    u = torch.cat([(want[k] * torch.tensor(weights[k])).reshape(-1) for k in kept] + [z[0].reshape(-1) * 0.0]).sum()
    twice = al.autograd.grad(s, x, allow_unused=True)
    theirs_twice = torch.autograd.grad(u, z, allow_unused=True)
    for k, (a, b) in enumerate(zip(twice, theirs_twice, strict=True)):
        mine = np.zeros(arrays[k].shape, dtype) if a is None else a.detach()
        close(mine, torch.zeros(arrays[k].shape, dtype=z[k].dtype) if b is None else b, dtype, f"second, input {k}")


def numbers(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, shape)


def same_call(where: str, name: str, *args: Any, dtype: Any, second: bool = True, **kwargs: Any) -> None:
    """`name` of both libraries on the same arguments: float arrays are differentiated, the rest goes along."""
    tracked = [isinstance(a, np.ndarray) and a.dtype.kind == "f" for a in args]
    mine, theirs = (getattr(namespace, name) for namespace in WHERE[where])

    def caller(function: Callable[..., Any], make: Callable[[Any], Any]) -> Callable[..., Any]:
        def call(*floats: Any) -> Any:
            rest = iter(floats)
            full = [next(rest) if t else make(a) if isinstance(a, np.ndarray) else a for t, a in zip(tracked, args)]  # noqa: B905
            more = {k: make(v) if isinstance(v, np.ndarray) else v for k, v in kwargs.items()}
            return function(*full, **more)

        return call

    inputs = [a for a, t in zip(args, tracked, strict=True) if t]
    agree(caller(mine, al.tensor), caller(theirs, torch.tensor), *inputs, dtype=dtype, second=second)


X = numbers(2, 3, 4)
POSITIVE = numbers(2, 3, low=0.2)
SQUARE = numbers(3, 3)
ONES = np.array([[1.0, 1.0], [0.0, 1.0]])

CALLS: list[tuple[Any, ...]] = [
    # elementwise
    *[("torch", name, X) for name in ("exp", "expm1", "sin", "cos", "tanh", "sigmoid", "relu", "abs", "square")],
    *[("torch", name, POSITIVE) for name in ("log", "log1p", "log2", "sqrt", "reciprocal")],
    *[("torch", name, X) for name in ("neg", "negative", "absolute", "sign", "floor", "ceil", "round")],
    *[("Tensor", name, X) for name in ("exp", "expm1", "sin", "cos", "tanh", "sigmoid", "relu", "abs", "square")],
    *[("Tensor", name, POSITIVE) for name in ("log", "log1p", "log2", "sqrt", "reciprocal")],
    *[("Tensor", name, X) for name in ("neg", "sign", "floor", "ceil", "round", "clone")],
    *[("F", name, X) for name in ("relu", "sigmoid", "tanh", "softplus")],
    *[("torch", name, X, X[0] + 0.1) for name in ("sub", "mul", "div", "maximum", "minimum", "subtract")],
    *[("torch", name, X, X[0] + 0.1) for name in ("multiply", "divide")],
    *[("Tensor", name, X, X[0] + 0.1) for name in ("add", "sub", "mul", "div", "maximum", "minimum")],
    ("torch", "add", X, X[0]),
    ("torch", "mul", X, 3.0),
    *[("torch", name, X, X) for name in ("eq", "ne", "lt", "le", "gt", "ge") if hasattr(al, name)],
    *[("Tensor", name, X, X.round()) for name in ("eq", "ne", "lt", "le", "gt", "ge")],
    *[("torch", name, X) for name in ("isnan", "isfinite", "isinf")],
    ("Tensor", "where", X, X > 0, X * 2),
    ("torch", "where", X > 0, X, X * 2),
    ("torch", "where", X > 0, X, 1.5),
    # the kinks: |x| and relu at 0, clamp at its bounds, equal operands
    ("torch", "abs", np.array([-1.0, 0.0, 2.0])),
    ("torch", "relu", np.array([-1.0, 0.0, 2.0])),
    ("torch", "sign", np.array([-1.0, 0.0, 2.0])),
    ("torch", "clamp", np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), -1.0, 1.0),
    ("torch", "clamp", np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), None, 1.0),
    ("torch", "clamp", np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), -1.0),
    ("Tensor", "clip", np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), -1.0, 1.0),
    ("torch", "clamp", X, X[0] - 0.5, X[1] + 0.9),
    ("torch", "clamp", np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), np.array([-1.0]), np.array([1.0])),
    ("Tensor", "clamp", np.array([-2.0, -1.0, 0.0]), np.array([-1.0, -1.0, 1.0])),
    ("Tensor", "clamp", np.array([-2.0, -1.0, 0.0]), None, np.array([-1.0, -1.0, 1.0])),
    ("torch", "maximum", ONES, ONES[::-1]),
    ("torch", "minimum", ONES, ONES[::-1]),
    # powers
    *[("torch", "pow", np.array([-2.0, -0.5, 0.5, 3.0]), k) for k in (0, 1, 2, 3, 4, -1, -2, 1.0, 2.0, 3.0)],
    *[("torch", "pow", np.array([0.0, 1.0]), k) for k in (0, 1, 2, 3, 2.0, 2.5)],
    *[("Tensor", "pow", np.array([0.5, 3.0]), k) for k in (0.5, -0.5, 1.5)],
    ("torch", "pow", POSITIVE, numbers(2, 3)),
    ("torch", "pow", POSITIVE, numbers(3)),
    ("torch", "pow", POSITIVE, np.array([-1.0, 1.0, 2.0])),
    ("torch", "pow", 2.0, X),
    # reductions
    *[("torch", name, X) for name in ("sum", "mean", "var", "std", "amax", "amin", "max", "min")],
    *[("torch", name, X, dim) for name in ("sum", "mean", "amax", "amin") for dim in (0, -1, (0, 2), (1, -1))],
    *[("torch", name, X, dim, True) for name in ("sum", "mean", "amax", "amin") for dim in (0, -1, (0, 2))],
    *[("Tensor", name, X, dim) for name in ("sum", "mean", "amax", "amin") for dim in (1, (0, 1))],
    *[("torch", name, X, 1, unbiased) for name in ("var", "std") for unbiased in (True, False)],
    *[("torch", name, X, (0, 2), False, True) for name in ("var", "std")],
    *[("Tensor", name, X, -1, True, True) for name in ("var", "std")],
    *[("torch", "var", X, 1, correction) for correction in ()],
    *[("torch", name, X, dim) for name in ("max", "min", "argmax", "argmin") for dim in (0, 1, -1)],
    *[("torch", name, X, dim, True) for name in ("max", "min", "argmax", "argmin") for dim in (0, -1)],
    *[("Tensor", name, X, dim) for name in ("max", "min", "argmax", "argmin") for dim in (0, -1)],
    *[("torch", name, X) for name in ("argmax", "argmin")],
    *[("torch", name, ONES) for name in ("amax", "amin", "max", "min")],
    *[("torch", name, ONES, dim) for name in ("amax", "amin", "max", "min") for dim in (0, 1)],
    *[("torch", "logsumexp", X, dim) for dim in (0, -1, (0, 2))],
    *[("torch", "logsumexp", X, 1, True), ("torch", "logsumexp", X * 500, 1), ("Tensor", "logsumexp", X, 0)],
    # products
    ("torch", "matmul", X, numbers(4, 2)),
    ("torch", "mm", SQUARE, SQUARE) if hasattr(al, "mm") else ("Tensor", "mm", SQUARE, SQUARE),
    ("Tensor", "mv", SQUARE, numbers(3)),
    ("Tensor", "bmm", X, numbers(2, 4, 2)),
    ("torch", "dot", numbers(3), numbers(3, seed=2)),
    ("F", "linear", X, numbers(5, 4)),
    ("F", "linear", X, numbers(5, 4), numbers(5)),
    ("F", "linear", numbers(4), numbers(5, 4), numbers(5)),
    # shapes
    ("torch", "reshape", X, (4, 6)),
    ("Tensor", "reshape", X, -1, 3),
    ("Tensor", "view", X, 2, 12),
    ("torch", "permute", X, (2, 0, 1)),
    ("Tensor", "permute", X, 2, 0, 1),
    ("torch", "transpose", X, 0, -1),
    ("Tensor", "swapaxes", X, 0, 1),
    ("torch", "t", SQUARE[:2]),
    ("Tensor", "t", numbers(3)),
    ("torch", "squeeze", numbers(1, 3, 1)),
    *[("torch", "squeeze", numbers(1, 3, 1), dim) for dim in (0, 1, -1, (0, 2))],
    *[("torch", "unsqueeze", X, dim) for dim in (0, 1, -1, -4)],
    *[("torch", "flatten", X, *ends) for ends in ((), (1,), (0, 1), (-2, -1))],
    ("torch", "flatten", np.array(2.0)),
    ("Tensor", "ravel", X),
    ("torch", "broadcast_to", numbers(3, 1), (2, 3, 4)),
    ("Tensor", "expand", numbers(3, 1), 2, -1, 4),
    ("Tensor", "expand", numbers(3, 1), (3, 2)),
    *[("torch", "split", X, *args) for args in ((1,), (2, 1), (3, -1), ([1, 3], 2))],
    *[("torch", "chunk", X, *args) for args in ((2,), (2, 1), (3, 2), (9, 1))],
    # picking
    *[("torch", "index_select", X, dim, np.array([1, 0, 1])) for dim in (0, 1, -1)],
    ("Tensor", "index_select", numbers(4, 2), 0, np.array([3, 3, 3, 0])),
    *[("torch", "gather", X, dim, np.array([[[0, 1, 1, 0], [1, 0, 1, 1]]])) for dim in (0, 1, 2)],
    ("Tensor", "gather", X, -1, np.array([[[0, 3, 3]], [[1, 2, 0]]])),
    ("F", "embedding", np.array([[1, 2, 1], [0, 1, 3]]), numbers(4, 2)),
    # softmax and losses
    *[("torch", name, X, dim) for name in ("softmax", "log_softmax") for dim in (0, 1, -1)],
    *[("F", name, X, dim) for name in ("softmax", "log_softmax") for dim in (1, -1)],
    *[("F", name, np.array([[-1000.0, 0.0, 1000.0]]), 1) for name in ("softmax", "log_softmax")],
    ("torch", "sigmoid", np.array([-1000.0, -30.0, 0.0, 30.0, 1000.0])),
    ("F", "softplus", np.array([-1000.0, -1.0, 0.0, 1.0, 15.0])),
]  # fmt: skip


def identity(case: tuple[Any, ...]) -> str:
    shown = [str(list(a.shape)) if isinstance(a, np.ndarray) else str(a) for a in case[2:]]
    return f"{case[0]}.{case[1]}({', '.join(shown)})"


@DTYPES
@pytest.mark.parametrize("case", CALLS, ids=identity)
def test_the_same_call_gives_pytorchs_values_and_gradients(case: tuple[Any, ...], dtype: Any):
    same_call(*case, dtype=dtype)


@DTYPES
@pytest.mark.parametrize(
    ("a", "b"),
    [
        *[((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((4, 2, 3), (3,)), ((3,), (4, 3, 2))],
        *[((4, 2, 3), (3, 2)), ((2, 3), (4, 3, 2)), ((4, 2, 3), (4, 3, 2)), ((4, 1, 2, 3), (5, 3, 2))],
        *[((1, 2, 3), (4, 3, 2)), ((2, 0), (0, 3)), ((0, 2, 3), (3, 1))],
    ],
)
def test_matmul_agrees_for_vectors_matrices_and_batches(a: tuple[int, ...], b: tuple[int, ...], dtype: Any):
    same_call("torch", "matmul", numbers(*a), numbers(*b, seed=2), dtype=dtype)


@DTYPES
@pytest.mark.parametrize(("joined", "dims"), [("cat", (0, 1, -1)), ("stack", (0, 2, -1))])
def test_cat_and_stack_agree_along_every_dimension(joined: str, dims: tuple[int, ...], dtype: Any):
    for dim in dims:
        ours, theirs = getattr(al, joined), getattr(torch, joined)
        parts = numbers(2, 3), numbers(2, 3, seed=2), numbers(2, 3, seed=3)
        agree(lambda *p: ours(p, dim), lambda *p: theirs(p, dim), *parts, dtype=dtype)  # noqa: B023


INDICES: list[Any] = [
    *[0, -1, (1, 2), (1, 2, 3), slice(1, None), (slice(None), 1), (slice(None), slice(0, 3, 2)), (..., 0), ()],
    *[None, (None, 1), (slice(None), None), (0, ..., None), Ellipsis, (..., slice(1, 3)), slice(2, 2)],
    *[[0, 1, 1], ([0, 1], [2, 0]), ([[0], [1]], [0, 2]), (slice(None), [2, 2, 0]), (1, [0, 0, 1]), ([1, 1], ..., 0)],
    *[np.array([1, 0, 1, 1]), (np.array([0, 0]), slice(None), np.array([1, 1])), (None, [0, 1]), [], (0, [1], None)],
    *[X > 0, X[:, :, 0] > 0, X[:, 0, 0] > 0, (slice(None), X[0] > 0), (X[:, 0, 0] > -9, [0, 1]), X > 9, [True, False]],
    *[([-1, -2], [-3, 1]), np.array(1), (..., [[0, 1], [1, 0]]), (slice(0, 1), [0, 2], slice(None, None, 2))],
]  # fmt: skip
NEGATIVE_STEPS: list[Any] = [
    *[slice(None, None, -1), (..., slice(None, None, -2)), (slice(None), slice(2, 0, -1), [0, 0, 3])],
    *[(slice(None, None, -1), None, slice(None, None, -1)), (1, slice(None, None, -1))],
]


@DTYPES
@pytest.mark.parametrize("index", INDICES, ids=lambda i: str(i)[:40].replace("\n", " "))
def test_indexing_agrees_for_every_form(index: Any, dtype: Any):
    def theirs(x: Any) -> Any:
        convert = lambda i: torch.tensor(i, dtype=torch.long if not len(i) else None) if isinstance(i, list) else i
        convert_all = lambda i: torch.from_numpy(np.asarray(i)) if isinstance(i, np.ndarray) else convert(i)
        return x[tuple(map(convert_all, index)) if isinstance(index, tuple) else convert_all(index)]

    agree(lambda x: x[index], theirs, X, dtype=dtype)


@pytest.mark.parametrize("index", NEGATIVE_STEPS + INDICES, ids=lambda i: str(i)[:40].replace("\n", " "))
def test_indexing_is_numpys_and_its_gradient_is_that_of_adding_at_the_index(index: Any):
    x = al.tensor(X, requires_grad=True)
    y = x[index]
    np.testing.assert_array_equal(y.data, X[index])
    g = numbers(*y.shape, seed=4)
    y.backward(g)
    want = np.zeros_like(X)
    np.add.at(want, index, g)
    np.testing.assert_allclose(x.grad, want, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize(
    "index", [((0, 0, 1),), ((0, 1, 0), (1, 1, 1)), range(2), (0, (1, 1)), al.tensor([1, 1]), True]
)
def test_sequences_and_tensors_in_an_index_add_up_repeated_entries(index: Any):
    x = al.tensor(X, requires_grad=True)
    raw = index.data if isinstance(index, al.Tensor) else index
    y = x[index]
    np.testing.assert_array_equal(y.data, X[raw])
    y.backward(np.ones(y.shape))
    want = np.zeros_like(X)
    np.add.at(want, raw, 1.0)
    np.testing.assert_array_equal(x.grad, want)


# ------------------------------------------------------------------------------------------------ losses

LOGITS = numbers(4, 3)
IMAGES = numbers(2, 3, 2, 2)


@DTYPES
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize(
    ("logits", "target", "ignored"),
    [
        (LOGITS, [0, 2, 1, 1], -100),
        (LOGITS, [0, 2, -100, 1], -100),
        (LOGITS, [0, 2, 1, 1], 1),
        (LOGITS[0], 2, -100),
        (IMAGES, [[[0, 1], [2, 2]], [[1, 1], [0, 2]]], -100),
        (IMAGES, [[[0, 1], [2, 2]], [[1, 1], [0, 2]]], 2),
        (LOGITS * 500, [0, 2, 1, 1], -100),
    ],
)
def test_cross_entropy_of_class_numbers(
    logits: Any, target: Any, ignored: int, smoothing: float, reduction: str, dtype: Any
):
    options = {"ignore_index": ignored, "label_smoothing": smoothing, "reduction": reduction}
    same_call("F", "cross_entropy", logits, np.array(target), dtype=dtype, **options)


@DTYPES
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("shape", [(4, 3), (3,)])
def test_cross_entropy_of_probabilities(shape: Any, smoothing: float, reduction: str, dtype: Any):
    target = numbers(*shape, low=0.0, seed=5)
    options = {"label_smoothing": smoothing, "reduction": reduction}
    same_call("F", "cross_entropy", numbers(*shape), target, dtype=dtype, **options)
    ours = lambda x: F.cross_entropy(x, al.tensor(target.astype(dtype)), **options)
    theirs = lambda x: torch.nn.functional.cross_entropy(x, torch.tensor(target.astype(dtype)), **options)
    agree(ours, theirs, numbers(*shape), dtype=dtype)


@DTYPES
@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_cross_entropy_of_probabilities_in_higher_dimensions(reduction: str, dtype: Any):
    same_call("F", "cross_entropy", IMAGES, np.abs(IMAGES), reduction=reduction, dtype=dtype)


@DTYPES
def test_mean_cross_entropy_of_probabilities_in_higher_dimensions_is_over_every_position(dtype: Any):
    same_call("F", "cross_entropy", IMAGES, np.abs(IMAGES), dtype=dtype)


@DTYPES
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(
    ("logs", "target", "ignored"),
    [
        (LOGITS, [0, 2, 1, 1], -100),
        (LOGITS, [0, 2, -100, 1], -100),
        (LOGITS, [0, 2, 1, 1], 1),
        (LOGITS[0], 2, -100),
        (IMAGES[..., 0], [[0, 1], [1, 2]], -100),
        (IMAGES[..., 0], [[0, 1], [-1, 2]], -1),
        (IMAGES, [[[0, 1], [2, 2]], [[1, 1], [0, 2]]], -100),
        (IMAGES, [[[0, 1], [2, 2]], [[1, 1], [0, 2]]], 2),
    ],
)
def test_nll_loss(logs: Any, target: Any, ignored: int, reduction: str, dtype: Any):
    same_call("F", "nll_loss", logs, np.array(target), ignore_index=ignored, reduction=reduction, dtype=dtype)


@pytest.mark.parametrize("bad", [-1, 3])
@pytest.mark.parametrize(
    "call",
    [
        lambda f, make, i: f.cross_entropy(make(LOGITS), make(np.array([0, i, 1, 1]))),
        lambda f, make, i: f.nll_loss(make(LOGITS), make(np.array([0, i, 1, 1]))),
        lambda f, make, i: f.one_hot(make(np.array([0, i])), 3),
        lambda f, make, i: WHERE["torch"][f is not F].index_select(make(SQUARE), 1, make(np.array([0, i]))),
        lambda f, make, i: WHERE["torch"][f is not F].gather(make(SQUARE), 1, make(np.array([[0, i]]))),
    ],
)
def test_indices_under_zero_are_refused_as_those_that_are_too_large(call: Callable[..., Any], bad: int):
    with pytest.raises(IndexError, match=rf"index {bad} at \(.*1,?\) is out of range.*\(0 to 2\)"):
        call(F, al.tensor, bad)
    with pytest.raises((IndexError, RuntimeError)):
        call(torch.nn.functional, torch.tensor, bad)


@DTYPES
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(
    ("name", "input", "target"),
    [
        ("mse_loss", X, X[::-1]),
        ("l1_loss", X, X[::-1]),
        ("l1_loss", X, X),
        ("binary_cross_entropy", numbers(3, low=0.1, high=0.9), numbers(3, low=0.1, high=0.9, seed=2)),
        ("binary_cross_entropy_with_logits", X, numbers(2, 3, 4, low=0.0, high=1.0, seed=2)),
        ("binary_cross_entropy_with_logits", np.array([-1000.0, 1000.0, -1000.0, 1000.0]), np.array([0.0, 0, 1, 1])),
    ],
)
def test_elementwise_losses(name: str, input: Any, target: Any, reduction: str, dtype: Any):
    same_call("F", name, input, target, reduction=reduction, dtype=dtype)


@DTYPES
@pytest.mark.parametrize("name", ["binary_cross_entropy", "binary_cross_entropy_with_logits"])
def test_weighted_binary_losses(name: str, dtype: Any):
    p, weight = numbers(2, 3, low=0.1, high=0.9), numbers(3, low=0.5, seed=7).astype(dtype)
    call = lambda f, make: lambda x: f(x, make(np.ones((2, 3), dtype) * 0.5), make(weight))
    agree(call(getattr(F, name), al.tensor), call(getattr(torch.nn.functional, name), torch.tensor), p, dtype=dtype)


def test_binary_cross_entropy_of_certain_probabilities_is_cut_at_100():
    p, target = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0, 0.0])
    ours = F.binary_cross_entropy(al.tensor(p), al.tensor(target), reduction="none")
    theirs = torch.nn.functional.binary_cross_entropy(torch.tensor(p), torch.tensor(target), reduction="none")
    close(ours, theirs, np.float64, "values")


def test_one_hot_marks_the_same_places():
    index = np.array([[0, 2], [1, 1]])
    for classes in (-1, 5):
        ours, theirs = F.one_hot(al.tensor(index), classes), torch.nn.functional.one_hot(torch.tensor(index), classes)
        np.testing.assert_array_equal(ours.data, theirs.numpy())


# ----------------------------------------------------------------------------------------------- windows

PICTURE = numbers(2, 4, 7, 6)


@DTYPES
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("stride", "padding", "dilation", "groups"),
    [(1, 0, 1, 1), (2, 1, 1, 1), ((2, 1), (0, 2), 1, 1), (1, 1, 2, 1), (1, 0, 1, 2), (2, 1, (1, 2), 4), (3, 2, 1, 2)],
)
def test_conv2d(stride: Any, padding: Any, dilation: Any, groups: int, bias: bool, dtype: Any):
    weight = numbers(4, 4 // groups, 3, 2, seed=3)
    operands = [PICTURE, weight, numbers(4, seed=4)] if bias else [PICTURE, weight, None]
    same_call("F", "conv2d", *operands, stride, padding, dilation, groups, dtype=dtype)


@DTYPES
@pytest.mark.parametrize(
    ("name", "args"),
    [
        *[
            ("max_pool2d", a)
            for a in ((2,), (3, 2), ((2, 3), (1, 2)), (3, 1, 1), (2, 2, 1), (2, 1, 0, 2), (2, 1, 1, 2))
        ],
        *[("avg_pool2d", a) for a in ((2,), (3, 2), ((2, 3), (1, 2)), (3, 1, 1), (2, 2, 1))],
        *[("unfold", a) for a in ((2,), (3, 1, 1, 2), ((3, 2), 2, (2, 0), (1, 2)))],
    ],
)
def test_pooling_and_unfold(name: str, args: tuple[Any, ...], dtype: Any):
    same_call("F", name, PICTURE, *args, dtype=dtype)


@DTYPES
@pytest.mark.parametrize("args", [((4, 5), 2), ((4, 5), (2, 3), 1, 1, 2), ((5, 5), 2, 2, 1, 1)])
def test_fold(args: tuple[Any, ...], dtype: Any):
    ours = lambda x: F.fold(F.unfold(x, *args[1:]) * 1.5, *args)
    theirs = lambda x: torch.nn.functional.fold(torch.nn.functional.unfold(x, *args[1:]) * 1.5, *args)
    agree(ours, theirs, numbers(2, 2, *args[0]), dtype=dtype)


def test_max_pool_sends_the_gradient_to_the_first_of_equals():
    agree(lambda x: F.max_pool2d(x, 2), lambda x: torch.nn.functional.max_pool2d(x, 2), np.ones((1, 1, 4, 4)))


# --------------------------------------------------------------------------- slopes where there is a choice


@DTYPES
def test_a_tensor_to_the_power_of_zeros(dtype: Any):
    # PyTorch's second derivative by base and exponent is 0 there, where 1 / base is right: first order only
    agree(lambda a, b: a**b, lambda a, b: a**b, POSITIVE, np.zeros(3), dtype=dtype, second=False)


@DTYPES
@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0])
def test_zero_to_the_power_of_a_tensor_has_pytorchs_slopes(exponent: float, dtype: Any):
    agree(lambda a, b: a**b, lambda a, b: a**b, np.zeros(2), np.full(2, exponent), dtype=dtype, second=False)


@DTYPES
def test_negative_bases_take_integer_exponents_in_a_tensor(dtype: Any):
    for exponents in (np.array([2.0, 3.0, -1.0]), np.array([0.0, 1.0, 4.0])):
        constant = exponents.astype(dtype)
        agree(
            lambda x: x ** al.tensor(constant),  # noqa: B023
            lambda x: x ** torch.tensor(constant),  # noqa: B023
            np.array([-2.0, -0.5, -3.0]),
            dtype=dtype,
        )


@pytest.mark.parametrize("name", ["std", "norm"])
def test_the_slope_of_a_length_of_zero_is_zero(name: str):
    for x in (np.zeros(3), np.zeros((2, 3)), np.array([[0.0, 0.0], [3.0, 4.0]])):
        agree(lambda x: getattr(al, name)(x, dim=-1), lambda x: getattr(torch, name)(x, dim=-1), x, second=False)


@pytest.mark.parametrize("args", [(), (2,), ("fro",), (2, 1), (2, -1, True), (2, (0, 1))])
def test_norm_takes_its_order_first(args: tuple[Any, ...]):
    agree(lambda x: x.norm(*args), lambda x: x.norm(*args), X)


@pytest.mark.parametrize("a", [(), (2,), (2, 3), (2, 2, 3)])
@pytest.mark.parametrize("swap", [False, True])
def test_matmul_with_a_number_is_refused_as_in_pytorch_and_numpy(a: tuple[int, ...], swap: bool):
    operands = [np.ones(a), np.array(2.0)][:: -1 if swap else 1]
    with pytest.raises(RuntimeError):
        torch.matmul(*map(torch.tensor, operands))
    with pytest.raises(ValueError, match="a number is no matrix"):
        al.matmul(*map(al.tensor, operands))


@pytest.mark.parametrize("bounds", [(1, 3), (None, 2), (1, None)])
def test_clamp_of_integers_stays_integer(bounds: tuple[Any, Any]):
    ours, theirs = al.clamp(al.arange(5), *bounds), torch.clamp(torch.arange(5), *bounds)
    close(ours, theirs, np.float64, "values")


def test_integer_casts_carry_no_gradient():
    for name in ("long", "bool"):
        x, z = al.tensor([1.7, 0.0], requires_grad=True), torch.tensor([1.7, 0.0], requires_grad=True)
        ours, theirs = getattr(x, name)(), getattr(z, name)()
        assert ours.requires_grad is theirs.requires_grad is False
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_float_casts_are_recorded():
    x, z = al.tensor([1.7, 0.5], requires_grad=True), torch.tensor([1.7, 0.5], requires_grad=True, dtype=torch.float64)
    (x.float() * 3).sum().backward()
    (z.float() * 3).sum().backward()
    close(x.grad, z.grad, np.float64, "gradient")
