"""Methods of Tensor that are no ops: in place, conversions, new tensors; random tensors; what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from op_calls import numbers

import autograd_lite as al
from autograd_lite.nn import functional as F

X = numbers(2, 3)
POSITIVE, SHARE = np.abs(X) + 0.2, np.abs(X) / 4 + 0.1
SQUARE = numbers(3, 3, seed=3)
MASK = X > 0
INDEX = np.array([[0, 2, 1]])

IN_PLACE: list[tuple[Any, ...]] = [
    *[(n, X) for n in ("abs_", "neg_", "negative_", "square_", "reciprocal_", "sign_", "floor_", "ceil_", "trunc_")],
    *[(n, X) for n in ("frac_", "exp_", "exp2_", "expm1_", "sin_", "cos_", "tan_", "atan_", "sinh_", "cosh_", "tanh_")],
    *[(n, X) for n in ("sigmoid_", "relu_", "erf_", "erfc_", "round_", "nan_to_num_", "logical_not_")],
    *[(n, X) for n in ("tril_", "triu_")],
    *[(n, POSITIVE) for n in ("sqrt_", "rsqrt_", "log_", "log1p_", "log2_", "log10_")],
    *[(n, SHARE) for n in ("asin_", "acos_", "logit_")],
    *[(n, X, X[0] + 3.0) for n in ("add_", "sub_", "mul_", "div_", "fmod_", "remainder_", "atan2_")],
    *[(n, X, X[0] + 3.0) for n in ("hypot_", "xlogy_")],
    *[(n, X, X[0]) for n in ("eq_", "ne_", "gt_", "ge_", "lt_", "le_", "logical_and_", "logical_or_", "logical_xor_")],
    *[("pow_", X, 2), ("clamp_", X, -0.5, 0.5), ("clip_", X, -0.5, 0.5), ("clamp_min_", X, 0.1)],
    ("clamp_max_", X, 0.1),
    *[("lerp_", X, X[::-1].copy(), 0.3), ("addcmul_", X, X, X), ("addcdiv_", X, X, POSITIVE, {"value": 2.0})],
    *[("cumsum_", X, 1), ("cumprod_", X, 0), ("floor_divide_", POSITIVE * 5, 2.0), ("fill_", X, 3.0), ("zero_", X)],
    *[("copy_", X, X[0]), ("addmm_", SQUARE, SQUARE, SQUARE), ("addmv_", SQUARE[0], SQUARE, SQUARE[1])],
    *[("addr_", SQUARE, SQUARE[0], SQUARE[1]), ("fill_diagonal_", SQUARE, 0.0), ("masked_fill_", X, MASK, 0.0)],
    *[("masked_scatter_", X, MASK, numbers(9)), ("index_fill_", X, 1, np.array([0, 2]), 1.5)],
    *[("index_add_", X, 1, np.array([0, 0]), X[:, :2]), ("index_copy_", X, 1, np.array([2, 0]), X[:, :2])],
    *[("scatter_", X, 1, INDEX, X), ("scatter_", X, 1, INDEX, 2.0), ("scatter_add_", X, 1, INDEX, X)],
    *[("index_put_", X, (np.array([0, 1]), np.array([2, 2])), np.array(5.0)), ("round_", X, {"decimals": 1})],
    *[(n, np.array([5, 6]), np.array([3, 3])) for n in ("bitwise_and_", "bitwise_or_", "bitwise_xor_")],
    ("bitwise_not_", np.array([5, 6])),
]  # fmt: skip


def called(case: tuple[Any, ...], make: Callable[[Any], Any]) -> tuple[Any, Any]:
    """The tensor, and what the method returned."""
    name, x, *args = case
    keywords = args.pop() if args and isinstance(args[-1], dict) else {}
    deep = lambda a: tuple(map(deep, a)) if isinstance(a, tuple) else make(a) if isinstance(a, np.ndarray) else a
    tensor = make(x)
    return tensor, getattr(tensor, name)(*map(deep, args), **keywords)


@pytest.mark.parametrize("case", IN_PLACE, ids=lambda c: c[0])
def test_in_place_is_pytorchs(case: tuple[Any, ...]):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference of these tests, and it is not installed")
    with np.errstate(all="ignore"):
        ours, returned = called(case, al.tensor)
    theirs, _ = called(case, lambda a: torch.tensor(np.array(a)))
    assert returned is ours
    assert ours.dtype == theirs.numpy().dtype
    np.testing.assert_allclose(ours.data, theirs.numpy(), rtol=1e-12)


@pytest.mark.parametrize("case", IN_PLACE, ids=lambda c: c[0])
def test_in_place_writes_into_the_array_and_is_noted(case: tuple[Any, ...]):
    if case[1].dtype.kind != "f":
        return
    array = np.array(case[1])
    weight = al.tensor(np.ones(array.shape), requires_grad=True)
    held: list[al.Tensor] = []

    def make(a: Any) -> al.Tensor:
        held.append(al.from_numpy(array if a is case[1] and not held else np.array(a)))
        if len(held) == 1:
            held.append((weight * held[0]).sum())  # a graph that has saved the old values
        return held[0] if len(held) == 2 else held[-1]

    with np.errstate(all="ignore"):
        tensor, _ = called(case, make)
    assert tensor.data is array
    with pytest.raises(al.GraphError, match=case[0]):
        held[1].backward()


@pytest.mark.parametrize("name", ["abs_", "exp_", "tril_", "round_", "normal_", "uniform_", "bernoulli_", "random_"])
def test_in_place_on_what_requires_a_gradient_is_refused(name: str):
    leaf = al.tensor(SQUARE, requires_grad=True)
    with pytest.raises(al.GraphError, match=f"{name} on a leaf that requires a gradient"):
        getattr(leaf, name)()
    with pytest.raises(al.GraphError, match=f"{name} on a recorded result"):
        getattr(leaf * 2, name)()
    with al.no_grad():
        getattr(leaf, name)()
    with pytest.raises(al.GraphError, match="with a value that requires a gradient"):
        al.zeros(3, 3).clamp_(leaf)


def test_in_place_keeps_shape_and_dtype():
    with pytest.raises(ValueError, match=r"fmod_: a result of shape \(2, 3\) does not fit in place of shape \(3,\)"):
        al.tensor(X[0]).fmod_(al.tensor(X))
    with pytest.raises(TypeError, match="sqrt_: a result of float64 does not fit into int64"):
        al.tensor([4, 9]).sqrt_()
    assert al.tensor([1.0]).float().exp_().dtype == np.float32


def test_detach_in_place():
    w = al.tensor(X, requires_grad=True)
    y = (w * 2).detach_()
    assert not y.requires_grad
    assert y.is_leaf
    assert not w.detach_().requires_grad


# ------------------------------------------------------------------------------------------- random tensors


def test_draws_have_their_distributions():
    al.manual_seed(0)
    n = 20000
    for drawn, mean, std in (
        (al.zeros(n).uniform_(2.0, 4.0), 3.0, 12**-0.5 * 2),
        (al.zeros(n).normal_(1.0, 3.0), 1.0, 3.0),
        (al.zeros(n).exponential_(2.0), 0.5, 0.5),
        (al.zeros(n).bernoulli_(0.3), 0.3, 0.21**0.5),
        (al.zeros(n).random_(2, 5), 3.0, (2 / 3) ** 0.5),
        (al.normal(1.0, 2.0, (n,)), 1.0, 2.0),
        (al.normal(al.zeros(n), 2.0), 0.0, 2.0),
        (al.bernoulli(al.full((n,), 0.3)), 0.3, 0.21**0.5),
        (al.rand_like(al.zeros(n)), 0.5, 12**-0.5),
        (al.randn_like(al.zeros(n)), 0.0, 1.0),
        (al.randint_like(al.zeros(n), 2, 5), 3.0, (2 / 3) ** 0.5),
    ):
        assert abs(drawn.mean().item() - mean) < 0.05
        assert abs(drawn.std().item() - std) < 0.05


@pytest.mark.parametrize("replacement", [True, False])
def test_multinomial_draws_by_weight(replacement: bool):
    al.manual_seed(0)
    weights = al.tensor([[1.0, 0.0, 3.0], [2.0, 2.0, 0.0]])
    drawn = np.stack([al.multinomial(weights, 2, replacement).data for _ in range(3000)])
    share = [[np.mean(drawn[:, row, 0] == k) for k in range(3)] for row in range(2)]
    np.testing.assert_allclose(share, weights.data / weights.data.sum(1, keepdims=True), atol=0.03)
    if not replacement:
        assert (drawn[..., 0] != drawn[..., 1]).all()


def test_randperm_is_one():
    al.manual_seed(0)
    assert sorted(al.randperm(50).tolist()) == list(range(50))
    first = al.randperm(10, generator=np.random.default_rng(1))
    assert first.tolist() == al.randperm(10, generator=np.random.default_rng(1)).tolist()


def test_compiled_steps_draw_anew():
    x = al.zeros(4)

    @al.compile
    def step(scale: Any) -> Any:
        return al.rand_like(x) * scale + al.normal(0.0, 1.0, (4,)) + al.bernoulli(x + 0.5) + al.randperm(4)

    al.manual_seed(3)
    compiled = [step(al.tensor(1.0)).tolist() for _ in range(3)]
    al.manual_seed(3)
    eager = [
        (al.rand_like(x) + al.normal(0.0, 1.0, (4,)) + al.bernoulli(x + 0.5) + al.randperm(4)).tolist()
        for _ in range(3)
    ]
    np.testing.assert_allclose(compiled, eager, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: al.bernoulli(al.tensor([1.5])), "probabilities are from 0 to 1"),
        (lambda: al.multinomial(al.tensor([1.0, 0.0]), 2), "without replacement, and fewer weights"),
        (lambda: al.multinomial(al.tensor([-1.0, 2.0]), 1), "none below 0"),
        (lambda: al.multinomial(al.zeros(2), 1), "add up to 0"),
        (lambda: al.normal(0.0, -1.0, (2,)), "below 0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call: Callable[[], Any], text: str):
    with pytest.raises(ValueError, match=text):
        call()


# --------------------------------------------------------------------------------------------- conversions


def test_conversions():
    x = al.tensor(X, requires_grad=True)
    kinds = {"double": "float64", "float": "float32", "half": "float16", "long": "int64", "int": "int32"}
    kinds |= {"short": "int16", "char": "int8", "byte": "uint8", "bool": "bool"}
    for name, kind in kinds.items():
        assert getattr(al.tensor([1.0, 0.0]), name)().dtype.name == kind
    assert x.to("cpu") is x
    assert x.to(al.float32).dtype == x.to(dtype=al.float32).dtype == x.type_as(al.zeros(1).float()).dtype == np.float32
    assert x.to(al.zeros(1).float(), copy=True).requires_grad
    assert x.cpu() is x
    assert (x.device, x.is_cuda, x.type()) == ("cpu", False, "float64")
    with pytest.raises(ValueError, match="there is no device 'cuda'"):
        x.to("cuda")
    assert x.contiguous() is x
    assert x.T.contiguous().is_contiguous()
    assert not x.T.is_contiguous()
    assert (x.stride(), x.T.stride(), x.stride(0), x.element_size(), x.nbytes) == ((3, 1), (1, 3), 3, 8, 48)
    assert (x.dim(), x.ndimension(), x.numel(), x.nelement(), x.size(), x.size(-1)) == (2, 2, 6, 6, (2, 3), 3)
    assert x.is_floating_point()
    assert not al.tensor([1]).is_floating_point()


def test_new_tensors_have_the_dtype_of_the_old():
    x = al.tensor(X).float()
    for made in (x.new_zeros(2, 3), x.new_ones((2, 3)), x.new_full((2, 3), 1), x.new_empty(2, 3), x.new_tensor(X)):
        assert (made.shape, made.dtype) == ((2, 3), np.float32)
    assert x.new_zeros(2, dtype=al.int64).dtype == np.int64


def test_creation():
    np.testing.assert_array_equal(al.full_like(al.tensor(X), 2.0).data, np.full_like(X, 2.0))
    assert al.empty(2, 3).shape == al.empty_like(al.tensor(X)).shape == (2, 3)
    np.testing.assert_allclose(al.logspace(-1, 2, 4, base=2.0).data, [0.5, 1, 2, 4])
    np.testing.assert_array_equal(al.tril_indices(3, 4, -1).data, np.stack(np.tril_indices(3, -1, 4)))
    np.testing.assert_array_equal(al.triu_indices(3, 4, 1).data, np.stack(np.triu_indices(3, 1, 4)))


# ------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: al.mm(al.ones(2), al.ones(2, 2)), ValueError, "mm takes a matrix and a matrix"),
        (lambda: al.mv(al.ones(2, 2), al.ones(2, 2)), ValueError, "mv takes a matrix and a vector"),
        (lambda: al.bmm(al.ones(2, 1, 2), al.ones(3, 2, 1)), ValueError, "as many of both"),
        (lambda: al.vdot(al.ones(2, 2), al.ones(2)), ValueError, "vdot takes a vector and a vector"),
        (
            lambda: al.einsum("ij,jk", al.ones(2, 3), al.ones(2, 3)),
            ValueError,
            "'j' is both 3, in number 1, and 2, in number 2",
        ),
        (lambda: al.einsum("ij", al.ones(2, 3), al.ones(2, 3)), ValueError, "is for 1 operands, and got 2"),
        (lambda: al.einsum("ij->k", al.ones(2, 3)), ValueError, "each letter of the result"),
        (lambda: al.einsum("i", al.ones(2, 3)), ValueError, "has not a letter for each dimension"),
        (lambda: al.tensordot(al.ones(2, 3), al.ones(2, 3), 1), ValueError, "have other sizes along"),
        (lambda: al.cross(al.ones(2), al.ones(2)), ValueError, "no dimension of .* has the size 3"),
        (lambda: al.topk(al.ones(3), 4), ValueError, "k=4 is out of range for the 3"),
        (lambda: al.kthvalue(al.ones(3), 0), ValueError, "it counts from 1"),
        (lambda: al.cumsum(al.ones(3)), TypeError, "needs dim"),
        (lambda: al.cumsum(al.ones(3), 2), IndexError, "out of range"),
        (lambda: al.diff(al.tensor(1.0)), ValueError, "no neighbours"),
        (lambda: al.quantile(al.ones(3), 1.5), ValueError, "from 0 to 1"),
        (lambda: al.quantile(al.ones(3), 0.5, interpolation="cubic"), ValueError, "interpolation is one of"),
        (lambda: al.median(al.zeros(0)), ValueError, "the median of nothing"),
        (lambda: al.norm(al.ones(3), "max"), ValueError, "al.linalg.norm has those of matrices"),
        (lambda: al.narrow(al.ones(3), 0, 2, 2), IndexError, "out of range for the size 3"),
        (lambda: al.select(al.ones(3), 0, 3), IndexError, "out of range for the size 3"),
        (lambda: al.unflatten(al.ones(5), 0, (2, -1)), ValueError, "do not multiply to 5"),
        (lambda: al.movedim(al.ones(2, 3), (0, 1), 0), ValueError, "different numbers of dimensions"),
        (lambda: al.ones(2, 3).repeat(2), ValueError, "fewer dimensions"),
        (lambda: al.repeat_interleave(al.ones(3), al.tensor([1, 2]), 0), ValueError, "2 repeats for the 3 slices"),
        (lambda: al.roll(al.ones(3), (1, 2), 0), ValueError, "must be as many"),
        (lambda: al.hsplit(al.ones(2, 3), 2), ValueError, "3 does not divide into 2"),
        (lambda: al.tensor_split(al.ones(3), 0), ValueError, "a positive number of pieces"),
        (lambda: al.meshgrid(al.ones(2), indexing="ab"), ValueError, "indexing is 'ij' or 'xy'"),
        (lambda: al.diag(al.ones(1, 1, 1)), ValueError, "diag takes a vector or a matrix"),
        (lambda: al.trace(al.ones(2)), ValueError, "trace takes a matrix"),
        (lambda: al.tril(al.ones(2)), ValueError, "tril takes matrices"),
        (lambda: al.ones(3).unfold(0, 4, 1), ValueError, "do not fit the size 3"),
        (lambda: F.pad(al.ones(3), (3, 0), "reflect"), ValueError, "can add at most 2"),
        (lambda: F.pad(al.ones(3), (1, 0, 1)), ValueError, "no list of"),
        (lambda: F.pad(al.ones(3), (1, 0), "mirror"), ValueError, "mode is one of"),
        (lambda: al.take(al.ones(3), al.tensor([3])), IndexError, "index 3 at"),
        (lambda: al.take(al.ones(3), al.tensor([0.0])), TypeError, "indices must be integers"),
        (lambda: al.masked_fill(al.ones(3), al.ones(3), 0.0), TypeError, "a mask is of booleans"),
        (lambda: al.masked_fill(al.ones(3), al.ones(3) > 0, al.ones(3)), ValueError, "takes one value"),
        (lambda: al.masked_scatter(al.ones(3), al.ones(3) > 0, al.ones(2)), ValueError, "3 places and 2 elements"),
        (lambda: al.scatter(al.ones(3), 0, al.tensor([0, 1]), al.ones(1)), ValueError, "must be as large as the index"),
        (lambda: al.scatter(al.ones(3), 0, al.tensor([3]), al.ones(1)), IndexError, "scatter: index 3"),
        (lambda: al.scatter(al.ones(3), 0, al.tensor([0])), TypeError, "needs src or value"),
        (lambda: al.scatter_reduce(al.ones(3), 0, al.tensor([0]), al.ones(1), "max"), ValueError, "reduce is sum"),
        (lambda: al.bincount(al.tensor([-1])), ValueError, "integers from 0 up"),
        (lambda: al.div(al.ones(1), 2.0, rounding_mode="up"), ValueError, "rounding_mode is None"),
        (lambda: al.is_nonzero(al.ones(2)), ValueError, "is for one number"),
        (lambda: al.cdist(al.ones(2, 3), al.ones(2, 2)), ValueError, "rows of one length"),
        (lambda: al.adjoint(al.ones(2)), ValueError, "adjoint takes matrices"),
        (lambda: al.searchsorted(al.ones(2, 3), al.ones(3, 1)), ValueError, "leading sizes"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(call: Callable[[], Any], kind: type, text: str):
    with pytest.raises(kind, match=text):
        call()


def test_answers_in_python():
    assert al.equal(al.ones(2), al.ones(2)) is True
    assert al.equal(al.ones(2), al.ones(2, 1)) is False
    assert al.allclose(al.ones(2), al.ones(2) + 1e-9) is True
    assert al.is_tensor(al.ones(1)) is True
    assert al.is_tensor(np.ones(1)) is False
    assert al.is_nonzero(al.tensor(2.0)) is True
    assert al.numel(al.ones(2, 3)) == 6
    assert al.broadcast_shapes((2, 1), (3,)) == (2, 3)
    assert al.heaviside(al.tensor([-1.0, 0.0, 2.0]), al.tensor([0.5])).tolist() == [0.0, 0.5, 1.0]
    assert al.max(al.tensor([1.0, 5.0]), al.tensor([3.0, 2.0])).tolist() == [3.0, 5.0]
    assert al.var(al.tensor([1.0, 3.0]), False).item() == 1.0
    assert al.sum(al.tensor([1, 2]), dtype=al.float32).dtype == np.float32


def test_more_operators_are_numpys():
    x, k = al.tensor(X), al.tensor([6, 3])
    np.testing.assert_array_equal((x % 0.3).data, X % 0.3)
    np.testing.assert_array_equal((2.0 % x).data, 2.0 % X)
    np.testing.assert_array_equal((X % x).data, np.zeros_like(X))
    np.testing.assert_array_equal((+x).data, X)
    assert [(k ^ 5).tolist(), (5 ^ k).tolist(), (k << 1).tolist(), (k >> 1).tolist()] == [
        [3, 6],
        [3, 6],
        [12, 6],
        [3, 1],
    ]
    w = al.tensor(5.0, requires_grad=True)
    (w % 3.0).backward()
    assert w.grad.item() == 1.0


def test_a_hook_after_the_gradient_has_been_added():
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    seen = []
    for lib in (al, torch):
        w, v = (lib.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
        met = []

        def step(p, lib=lib, met=met, w=w):
            met.append((p is w, p.grad.tolist()))
            with lib.no_grad():
                p -= 0.1 * p.grad

        handle = w.register_post_accumulate_grad_hook(step)
        for _ in range(2):
            (w * w * v).sum().backward()
        handle.remove()
        (w * v).sum().backward()
        with pytest.raises(RuntimeError):
            (w * 2).register_post_accumulate_grad_hook(step)
        seen.append((met, w.tolist(), w.grad.tolist(), v.grad.tolist()))
    assert len(seen[0][0]) == 2
    np.testing.assert_allclose(seen[0][1:], seen[1][1:], rtol=1e-6)
    for (same, ours), (_, theirs) in zip(seen[0][0], seen[1][0], strict=True):
        assert same
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("decimals", [-1, 0, 2])
def test_round_to_decimals(decimals):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    x = np.array([12.345, -7.005, 25.0, 0.125])
    ours = al.round(al.tensor(x), decimals=decimals)
    np.testing.assert_allclose(ours, torch.round(torch.tensor(x), decimals=decimals), rtol=1e-15)
    np.testing.assert_array_equal(ours, np.round(al.tensor(x), decimals))
