"""`nn.functional` against PyTorch: values, gradients and second gradients of every function, in both precisions."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.nn import functional as F

torch = pytest.importorskip("torch", reason="PyTorch is the reference of these tests, and it is not installed")

from test_ops_torch import DTYPES, agree, identity, numbers, same_call  # noqa: E402

T = torch.nn.functional
pytestmark = [  # what PyTorch warns of
    pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss:UserWarning"),
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning"),
    pytest.mark.filterwarnings("ignore:`nn.functional.upsample:UserWarning"),
]
# PyTorch has no second derivative of these
FIRST_ONLY = {"hardsigmoid", "multi_margin_loss"}
X = numbers(2, 3, 4)
KINKS = np.array([-6.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0, 7.5])
FAR = np.array([-1000.0, 1000.0])
LINE, PICTURE, BODY = numbers(2, 4, 9), numbers(2, 4, 6, 5), numbers(2, 2, 5, 4, 6)
SIGNS = np.where(numbers(2, 3, seed=9) > 0, 1.0, -1.0)

Case = tuple[Any, ...]  # a name, arguments, and perhaps keyword arguments at the end

ACTIVATIONS: list[Case] = [
    *[(name, X) for name in ("relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "hardtanh")],
    *[(name, X * 3) for name in ("hardswish", "softsign", "tanhshrink", "softshrink", "hardshrink")],
    *[(name, X) for name in ("logsigmoid", "relu", "rrelu", "softplus", "sigmoid", "tanh")],
    *[(name, KINKS) for name in ("relu6", "leaky_relu", "elu", "celu", "hardtanh", "hardswish")],
    *[(name, KINKS) for name in ("softshrink", "hardshrink", "relu", "rrelu", "softsign")],
    *[(name, np.array(0.7)) for name in ("relu6", "leaky_relu", "elu", "gelu", "silu", "hardtanh", "softshrink")],
    *[(name, np.zeros((0, 3))) for name in ("relu6", "elu", "gelu", "hardswish", "logsigmoid")],
    *[(name, FAR) for name in ("elu", "celu", "selu", "gelu", "silu", "mish", "logsigmoid")],
    ("leaky_relu", X, 0.2),
    ("hardtanh", X, -0.5, 0.25),
    ("elu", X, 1.7),
    ("elu", KINKS, 1.7),
    ("celu", X, 0.5),
    ("celu", KINKS, 2.0),
    ("gelu", X, {"approximate": "tanh"}),
    ("gelu", KINKS),
    ("softplus", X * 4, 2.0),
    ("softplus", X * 4, 1.0, 3.0),
    ("softplus", X * 4, 3.0, 2.5),
    ("softshrink", X, 0.2),
    ("hardshrink", X, 0.2),
    ("threshold", X, 0.3, -7.0),
    ("threshold", KINKS, 0.5, 20.0),
    ("rrelu", X, 0.1, 0.4),
    ("prelu", X, np.array([0.3])),
    ("prelu", X, np.array([0.3, -0.2, 1.5])),
    ("prelu", KINKS, np.array([0.3])),
    ("prelu", numbers(4, 3), np.array([0.3, -0.2, 1.5])),
    *[("glu", X, *dim) for dim in ((), (2,), (0,), (-1,))],
    *[("softmin", X, dim) for dim in (0, 1, -1)],
    *[("softmax", X, dim) for dim in (0, -2)],
    *[("log_softmax", X, dim) for dim in (0, -2)],
]


def split(case: Case) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """The name, the arguments and the keyword arguments of a case."""
    name, *args = case
    return (name, tuple(args[:-1]), args[-1]) if args and isinstance(args[-1], dict) else (name, tuple(args), {})


def check(case: Case, dtype: Any) -> None:
    name, args, options = split(case)
    far = args[0] is FAR and name == "mish"  # PyTorch's second derivative is NaN there
    kinks = args[0] is KINKS and name in ("prelu", "elu", "celu")  # and 0 here, at 0
    same_call("F", name, *args, dtype=dtype, second=not (name in FIRST_ONLY or kinks or far), **options)


def said(case: Case) -> str:
    name, args, options = split(case)
    return identity(("F", name, *args, *[f"{k}={v}"[:30] for k, v in options.items()]))


@DTYPES
@pytest.mark.parametrize("case", ACTIVATIONS, ids=said)
def test_activations(case: Case, dtype: Any):
    check(case, dtype)


# ------------------------------------------------------------------------------------------------ losses

A, B, C = numbers(2, 3), numbers(2, 3, seed=2), numbers(2, 3, seed=3)
PROBABILITIES = numbers(2, 3, low=0.05, high=0.95, seed=4)
SCORES, CLASSES = numbers(4, 3), np.array([0, 2, 1, 2])
MAPS, MAP_CLASSES = numbers(2, 3, 2, 2), np.array([[[0, 1], [2, 2]], [[1, 1], [0, 2]]])

LOSSES: list[Case] = [
    *[(name, A, B) for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")],
    *[(name, np.array([-1.0, 0.0, 1.0, 0.5]), np.zeros(4)) for name in ("smooth_l1_loss", "l1_loss")],
    ("smooth_l1_loss", A, B, {"beta": 0.3}),
    ("smooth_l1_loss", A, B, {"beta": 0.0}),
    ("huber_loss", A, B, {"delta": 0.3}),
    ("binary_cross_entropy", PROBABILITIES, PROBABILITIES[::-1]),
    ("binary_cross_entropy_with_logits", A, PROBABILITIES),
    ("kl_div", A, PROBABILITIES),
    ("kl_div", A, B, {"log_target": True}),
    ("poisson_nll_loss", A, np.abs(B) * 3),
    ("poisson_nll_loss", A, np.abs(B) * 3, True, True),
    ("poisson_nll_loss", PROBABILITIES, np.abs(B) * 3, False),
    ("poisson_nll_loss", PROBABILITIES, np.abs(B) * 3, False, {"eps": 0.1}),
    ("gaussian_nll_loss", A, B, PROBABILITIES),
    ("gaussian_nll_loss", A, B, PROBABILITIES[:, :1], True),
    ("gaussian_nll_loss", A, B, PROBABILITIES[:, 0]),
    ("gaussian_nll_loss", A, B, PROBABILITIES, {"eps": 0.5}),
    ("hinge_embedding_loss", A, SIGNS),
    ("hinge_embedding_loss", A, SIGNS, 0.4),
    ("margin_ranking_loss", A, B, SIGNS),
    ("margin_ranking_loss", A, B, SIGNS, 0.4),
    ("multilabel_soft_margin_loss", A, PROBABILITIES),
    ("multi_margin_loss", SCORES, CLASSES),
    ("multi_margin_loss", SCORES, CLASSES, 2, 0.7),
    ("cosine_embedding_loss", A, B, SIGNS[:, 0]),
    ("cosine_embedding_loss", A, B, SIGNS[:, 1], -0.5),
    ("cosine_embedding_loss", A[0], B[0], np.array(1)),
    ("triplet_margin_loss", A, B, C),
    ("triplet_margin_loss", A, B, C, 2.5, 2, 1e-6, True),
    ("triplet_margin_loss", A, B, C, 5.0, 1),
    ("triplet_margin_loss", A, B, C, 5.0, 3.0),
    ("triplet_margin_loss", A[0], B[0], C[0]),
    ("triplet_margin_with_distance_loss", A, B, C, {"margin": 3.0}),
    ("cross_entropy", SCORES, CLASSES),
    ("nll_loss", SCORES, CLASSES),
]


@DTYPES
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("case", LOSSES, ids=said)
def test_losses(case: Case, reduction: str, dtype: Any):
    name, args, options = split(case)
    check((name, *args, {**options, "reduction": reduction}), dtype)


@DTYPES
@pytest.mark.parametrize("log_target", [False, True])
def test_kl_div_of_a_batch_is_divided_by_its_size(log_target: bool, dtype: Any):
    check(("kl_div", A, PROBABILITIES, {"reduction": "batchmean", "log_target": log_target}), dtype)


@DTYPES
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("ignored", [-100, 2])
@pytest.mark.parametrize(("scores", "target"), [(SCORES, CLASSES), (MAPS, MAP_CLASSES), (SCORES[0], CLASSES[1])])
def test_weighted_cross_entropy(scores: Any, target: Any, ignored: int, smoothing: float, reduction: str, dtype: Any):
    if np.ndim(target) == 0 and ignored == 2:
        pytest.skip("PyTorch gives NaN for the mean of nothing")
    options = {"ignore_index": ignored, "label_smoothing": smoothing, "reduction": reduction}
    check(("cross_entropy", scores, np.array(target), {"weight": np.array([0.5, 2.0, 1.5], dtype), **options}), dtype)


@DTYPES
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("scores", [SCORES, MAPS, SCORES[0]])
def test_weighted_cross_entropy_of_probabilities(scores: Any, smoothing: float, reduction: str, dtype: Any):
    options = {"weight": np.array([0.5, 2.0, 1.5], dtype), "label_smoothing": smoothing, "reduction": reduction}
    check(("cross_entropy", scores, np.abs(scores) + 0.1, options), dtype)


@DTYPES
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("nll_loss", (SCORES, CLASSES)),
        ("nll_loss", (MAPS, MAP_CLASSES)),
        ("multi_margin_loss", (SCORES, CLASSES)),
        ("multilabel_soft_margin_loss", (A, PROBABILITIES)),
        ("binary_cross_entropy_with_logits", (A, PROBABILITIES)),
    ],
)
def test_weights(name: str, args: Any, reduction: str, dtype: Any):
    weight = np.array([0.5, 2.0, 1.5], dtype)
    check((name, *args, {"weight": weight, "reduction": reduction}), dtype)


@DTYPES
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_weights_of_each_loss_and_of_positives(reduction: str, dtype: Any):
    weight, positive = np.abs(C).astype(dtype), np.array([0.5, 2.0, 3.0], dtype)
    for name in ("mse_loss", "l1_loss", "huber_loss"):
        check((name, A, B, {"weight": weight, "reduction": reduction}), dtype)
    check(("soft_margin_loss", A * 5, {"target": SIGNS.astype(dtype), "reduction": reduction}), dtype)
    for options in ({"pos_weight": positive}, {"pos_weight": positive, "weight": weight}):
        check(("binary_cross_entropy_with_logits", A, PROBABILITIES, {**options, "reduction": reduction}), dtype)
    ignored = {"weight": positive, "ignore_index": 2, "reduction": reduction}
    check(("nll_loss", SCORES, CLASSES, ignored), dtype)


@pytest.mark.parametrize("name", [c[0] for c in LOSSES if c[0] not in ("gaussian_nll_loss", "huber_loss")])
def test_a_loss_refuses_shapes_that_only_broadcast(name: str):
    args = next(split(case)[1] for case in LOSSES if case[0] == name)
    tensors = [al.tensor(a) for a in args if isinstance(a, np.ndarray)]
    tensors[-1] = tensors[-1].reshape(-1, 1)
    with pytest.raises(ValueError, match=r"shape|vectors \(N, D\)|scores \(N, C\)"):
        getattr(F, name)(*tensors)


@DTYPES
@pytest.mark.parametrize("delta", [0.5, 1.0])
def test_slopes_at_the_kinks(delta: float, dtype: Any):
    x = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    same_call("F", "huber_loss", x, np.zeros(5), delta=delta, reduction="none", dtype=dtype, second=False)
    same_call("F", "normalize", np.array([[0.0, 0.0], [3.0, 4.0]]), dtype=dtype, second=False)


@pytest.mark.parametrize("x", [X * 3, KINKS])
def test_hardsigmoid(x: Any):
    """In float32: PyTorch's slope is 1 / 6 in float32, also of float64."""
    same_call("F", "hardsigmoid", x, dtype=np.float32, second=False)


def test_targets_and_settings_that_make_no_sense_are_refused():
    x = al.tensor(A)
    for call, words in [
        (lambda: F.gaussian_nll_loss(x, x, -x * x), "a variance is negative"),
        (lambda: F.gaussian_nll_loss(x, x, al.ones(5)), "does not fit"),
        (lambda: F.huber_loss(x, x, delta=0.0), "must be positive"),
        (lambda: F.smooth_l1_loss(x, x, beta=-1.0), "must not be negative"),
        (lambda: F.multi_margin_loss(al.tensor(SCORES), al.tensor(CLASSES), p=3), "p is 1 or 2"),
        (lambda: F.cross_entropy(al.tensor(SCORES), al.tensor(CLASSES), al.ones(2)), "each of 3 classes"),
        (lambda: F.mse_loss(x, x, reduction="average"), "reduction is"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
    with pytest.raises(IndexError, match="out of range"):
        F.multi_margin_loss(al.tensor(SCORES), al.tensor([0, 3, 0, 0]))


# ------------------------------------------------------------------------------------------------ distances, norms

VECTORS: list[Case] = [
    *[("normalize", X, p, dim) for p in (2.0, 1.0, 3.0, float("inf")) for dim in (1, -1)],
    ("cosine_similarity", A, B),
    ("cosine_similarity", X, X[0] + 0.5, -1),
    ("cosine_similarity", X, X[:, :1] + 0.5, 2),
    *[("pairwise_distance", A, B, p) for p in (2.0, 1.0, 3.0, float("inf"))],
    ("pairwise_distance", A, B, 2.0, 0.1, True),
    ("pairwise_distance", A[0], B),
]
W4, B4 = numbers(4, seed=5), numbers(4, seed=6)
NORMS: list[Case] = [
    *[("layer_norm", X, sizes) for sizes in ((4,), (3, 4), (2, 3, 4))],
    ("layer_norm", X, (4,), W4, B4),
    ("layer_norm", X, (3, 4), numbers(3, 4, seed=5), numbers(3, 4, seed=6), 0.1),
    ("rms_norm", X, (4,)),
    ("rms_norm", X, (3, 4), numbers(3, 4, seed=5), 0.1),
    *[("group_norm", PICTURE, groups, W4, B4) for groups in (1, 2, 4)],
    ("group_norm", LINE, 2),
    ("group_norm", numbers(3, 4), 2, W4, B4, 0.1),
    *[("instance_norm", x, None, None, W4, B4) for x in (LINE, PICTURE)],
    ("instance_norm", BODY),
    *[("batch_norm", x, None, None, W4, B4, True) for x in (LINE, PICTURE, numbers(5, 4))],
    ("batch_norm", BODY, None, None, None, None, True, 0.1, 0.1),
    *[("local_response_norm", PICTURE, *args) for args in ((2,), (3, 0.5, 0.6, 2.0), (5, 1.0))],
    ("local_response_norm", LINE, 3),
]


@DTYPES
@pytest.mark.parametrize("case", VECTORS + NORMS, ids=said)
def test_distances_and_normalizations(case: Case, dtype: Any):
    check(case, dtype)


@DTYPES
@pytest.mark.parametrize("name", ["batch_norm", "instance_norm"])
@pytest.mark.parametrize("training", [True, False])
def test_running_statistics(name: str, training: bool, dtype: Any):
    start = numbers(4, seed=7).astype(dtype), numbers(4, low=0.5, seed=8).astype(dtype)
    mine, theirs = [al.tensor(a) for a in start], [torch.tensor(a) for a in start]
    call = lambda f, make, running: lambda x, w, b: f(x, *running, w, b, training, 0.3)
    agree(call(getattr(F, name), al, mine), call(getattr(T, name), torch, theirs), PICTURE, W4, B4, dtype=dtype)
    for a, b in zip(mine, theirs, strict=True):
        assert a.dtype == dtype
        np.testing.assert_allclose(a.data, b.numpy(), rtol=1e-12 if dtype == np.float64 else 1e-5)


# ------------------------------------------------------------------------------------------------ windows


def kernel(dims: int, groups: int, sizes: tuple[int, ...], transposed: bool = False) -> np.ndarray:
    channels = 4 if dims < 3 else 2
    first, second = (channels, 4 // groups) if transposed else (4, channels // groups)
    return numbers(first, second, *sizes, seed=3)


CONVOLUTIONS: list[Case] = [
    *[
        ("conv1d", LINE, kernel(1, g, (3,)), B4, s, p, d, g)
        for g, s, p, d in ((1, 1, 0, 1), (2, 2, 1, 2), (4, 3, 2, 1))
    ],
    ("conv1d", LINE, kernel(1, 1, (4,)), None, 1, "same"),
    ("conv1d", LINE, kernel(1, 1, (3,)), B4, 1, "same", 2),
    ("conv1d", LINE[0], kernel(1, 1, (3,)), B4, 2, "valid"),
    *[
        ("conv2d", PICTURE, kernel(2, g, (3, 2)), B4, s, p, d, g)
        for g, s, p, d in ((1, 1, 0, 1), (2, (2, 1), (0, 2), 1))
    ],
    ("conv2d", PICTURE, kernel(2, 1, (2, 4)), None, 1, "same", (2, 1)),
    ("conv2d", PICTURE[0], kernel(2, 4, (3, 2)), B4, 2, 1, (1, 2), 4),
    *[("conv3d", BODY, kernel(3, g, (2, 3, 2)), B4, *a, g) for *a, g in ((1, 0, 1, 1), ((2, 1, 3), 1, 1, 2))],
    ("conv3d", BODY, kernel(3, 1, (2, 2, 2)), None, 1, (1, 0, 2), (2, 1, 3)),
    ("conv3d", BODY, kernel(3, 1, (2, 2, 3)), B4, 1, "same"),
    ("conv3d", BODY[0], kernel(3, 1, (1, 2, 3)), B4),
    *[
        ("conv_transpose1d", LINE, kernel(1, g, (3,), True), B4, s, p, o, g, d)
        for g, s, p, o, d in ((1, 1, 0, 0, 1), (2, 3, 1, 2, 1), (4, 2, 0, 1, 3), (1, 1, 1, 1, 2))
    ],
    ("conv_transpose1d", LINE[0], kernel(1, 1, (3,), True)),
    *[
        ("conv_transpose2d", PICTURE, kernel(2, g, (3, 2), True), B4, s, p, o, g, d)
        for g, s, p, o, d in ((1, 1, 0, 0, 1), (2, (3, 2), (1, 0), (2, 1), 1), (1, 2, 1, 0, (1, 2)))
    ],
    *[
        ("conv_transpose3d", BODY, kernel(3, g, (2, 3, 2), True), np.resize(B4, 4), s, p, o, g, d)
        for g, s, p, o, d in ((1, 1, 0, 0, 1), (2, (2, 1, 3), (1, 0, 1), (1, 0, 2), 1), (1, 2, 1, 1, (1, 2, 1)))
    ],
    ("unfold", PICTURE[0], 2, 1, 1, 2),
    ("fold", numbers(8, 20, seed=4), (6, 5), 2, 1, 0, 1),
]
POOLS: list[Case] = [
    *[("max_pool1d", LINE, *a) for a in ((2,), (3, 2, 1), (3, 1, 0, 2), (2, 3, 1, 1, True))],
    *[("max_pool2d", PICTURE, *a) for a in (((2, 3), (1, 2)), (3, 2, 1, 1, True), (2, 3, 1, (2, 1), True))],
    *[("max_pool3d", BODY, *a) for a in ((2,), (3, 2, 1), ((1, 2, 3), 1, 0, (1, 2, 1)), (2, 3, 1, 1, True))],
    ("max_pool2d", PICTURE[0], 2),
    *[("max_pool1d", LINE, 3, 2, 1, 1, c, True) for c in (False, True)],
    *[("max_pool2d", PICTURE, 3, 2, 1, 1, c, True) for c in (False, True)],
    ("max_pool2d", PICTURE, (2, 3), (2, 1), 0, (2, 1), False, True),
    ("max_pool3d", BODY, 2, 2, 1, 1, True, True),
    *[
        ("avg_pool1d", LINE, *a)
        for a in ((2,), (3, 2, 1), (2, 3, 1, True), (3, 2, 1, True, False), (3, 2, 1, False, False))
    ],
    *[("avg_pool2d", PICTURE, 3, 2, 1, c, i) for c in (False, True) for i in (False, True)],
    *[("avg_pool2d", PICTURE, (2, 3), (2, 1), (0, 1), c, i, 5) for c in (False, True) for i in (False, True)],
    *[("avg_pool3d", BODY, 3, 2, 1, c, i) for c in (False, True) for i in (False, True)],
    ("avg_pool2d", PICTURE[0], 2),
    *[("adaptive_avg_pool1d", LINE, n) for n in (1, 3, 4, 9, 11)],
    *[("adaptive_avg_pool2d", PICTURE, n) for n in (1, (3, 5), (4, 3), (None, 2))],
    *[("adaptive_avg_pool3d", BODY, n) for n in (1, 2, (5, 3, 4))],
    *[("adaptive_max_pool1d", LINE, n) for n in (1, 3, 4, 9, 11)],
    *[("adaptive_max_pool2d", PICTURE, n) for n in (1, (3, 5), (4, 3), (None, 2))],
    *[("adaptive_max_pool3d", BODY, n) for n in (1, 2, (5, 3, 4))],
    *[("adaptive_max_pool2d", PICTURE, n, True) for n in (1, (4, 3))],
    ("adaptive_max_pool1d", LINE[0], 4, True),
    ("adaptive_avg_pool2d", PICTURE[0], (4, 3)),
    *[("lp_pool1d", np.abs(LINE), p, 2) for p in (1, 2, 3.0)],
    *[("lp_pool2d", np.abs(PICTURE), 2, 3, 2, c) for c in (False, True)],
    ("lp_pool2d", PICTURE, 2, (2, 3)),
    ("lp_pool3d", np.abs(BODY), 2, 2),
]


@DTYPES
@pytest.mark.parametrize("case", CONVOLUTIONS + POOLS, ids=said)
def test_convolutions_and_pools(case: Case, dtype: Any):
    check(case, dtype)


def test_pools_send_the_gradient_to_the_first_of_equals():
    ones = np.ones((1, 1, 5, 5))
    for call in (lambda f, x: f.max_pool2d(x, 3, 2, 1), lambda f, x: f.adaptive_max_pool2d(x, (2, 3))):
        agree(lambda x: call(F, x), lambda x: call(T, x), ones)  # noqa: B023


@pytest.mark.parametrize(
    "call",
    [
        lambda f, make: f.conv1d(make(LINE), make(kernel(2, 1, (3, 3)))),
        lambda f, make: f.conv2d(make(LINE[None, None]), make(kernel(2, 1, (3, 3)))),
        lambda f, make: f.conv2d(make(PICTURE), make(numbers(4, 3, 2, 2))),
        lambda f, make: f.conv2d(make(PICTURE), make(numbers(4, 4, 7, 2))),
        lambda f, make: f.conv2d(make(PICTURE), make(numbers(4, 4, 2, 2)), stride=0),
        lambda f, make: f.conv2d(make(PICTURE), make(numbers(4, 4, 2, 2)), padding=-1),
        lambda f, make: f.conv2d(make(PICTURE), make(numbers(4, 4, 2, 2)), stride=2, padding="same"),
        lambda f, make: f.conv2d(make(PICTURE), make(numbers(4, 4, 2, 2)), padding="full"),
        lambda f, make: f.conv2d(make(PICTURE), make(numbers(4, 4, 2, 2)), make(numbers(3))),
        lambda f, make: f.conv_transpose2d(make(PICTURE), make(numbers(4, 4, 2, 2)), output_padding=1),
        lambda f, make: f.conv_transpose2d(make(PICTURE), make(numbers(3, 4, 2, 2))),
        lambda f, make: f.max_pool2d(make(PICTURE), 3, padding=2),
        lambda f, make: f.max_pool2d(make(PICTURE), 7),
        lambda f, make: f.max_pool2d(make(PICTURE[0, 0]), 2),
        lambda f, make: f.avg_pool1d(make(PICTURE), 2),
        lambda f, make: f.avg_pool2d(make(PICTURE), 2, divisor_override=0),
        lambda f, make: f.adaptive_avg_pool2d(make(PICTURE), (1, 2, 3)),
        lambda f, make: f.layer_norm(make(PICTURE), (4,)),
        lambda f, make: f.group_norm(make(PICTURE), 3),
        lambda f, make: f.batch_norm(make(numbers(1, 4)), None, None, training=True),
        lambda f, make: f.batch_norm(make(PICTURE), None, None),
        lambda f, make: f.instance_norm(make(numbers(2, 4, 1))),
        lambda f, make: f.glu(make(numbers(3, 3))),
        lambda f, make: f.gelu(make(X), approximate="erf"),
        lambda f, make: f.softshrink(make(X), -1.0),
        lambda f, make: f.prelu(make(X), make(numbers(2))),
        lambda f, make: f.pixel_shuffle(make(PICTURE), 3),
        lambda f, make: f.pixel_unshuffle(make(PICTURE), 4),
        lambda f, make: f.interpolate(make(PICTURE), 3, mode="linear"),
        lambda f, make: f.interpolate(make(PICTURE)),
        lambda f, make: f.interpolate(make(PICTURE), 3, 2.0),
        lambda f, make: f.interpolate(make(PICTURE), 3, align_corners=True),
        lambda f, make: f.pad(make(PICTURE), (1, 2, 3)),
        lambda f, make: f.pad(make(PICTURE), (5, 1), mode="reflect"),
        lambda f, make: f.pad(make(PICTURE), (6, 1), mode="circular"),
        lambda f, make: f.pad(make(PICTURE), (1, 1), mode="mirror"),
        lambda f, make: f.pad(make(PICTURE), (-3, -3)),
        lambda f, make: f.dropout2d(make(PICTURE), 1.5),
        lambda f, make: f.alpha_dropout(make(PICTURE), -0.5, True),
        lambda f, make: f.embedding(make(np.array([1])), make(A), padding_idx=2),
        lambda f, make: f.embedding_bag(make(np.array([1])), make(A)),
        lambda f, make: f.embedding_bag(make(np.array([1])), make(A), make(np.array([1]))),
        lambda f, make: f.embedding_bag(make(np.array([1])), make(A), make(np.array([0])), mode="min"),
        lambda f, make: f.bilinear(make(A), make(B), make(numbers(2, 3, 4))),
        lambda f, make: f.scaled_dot_product_attention(make(A), make(numbers(2, 4)), make(A)),
    ],
)
def test_what_pytorch_refuses_is_refused(call: Callable[..., Any]):
    with pytest.raises((ValueError, RuntimeError, AssertionError, NotImplementedError, TypeError, ZeroDivisionError)):
        call(T, torch.tensor)
    with pytest.raises(ValueError, match=r"\w+ .*\w+"):
        call(F, al.tensor)


# ------------------------------------------------------------------------------------------------ the rest

SIZES: list[Case] = [
    *[
        ("interpolate", LINE, {"size": n, "mode": m})
        for n in (4, 9, 20)
        for m in ("nearest", "nearest-exact", "linear")
    ],
    *[("interpolate", LINE, {"scale_factor": s, "mode": m}) for s in (0.4, 1.7, 2) for m in ("nearest", "linear")],
    *[
        ("interpolate", PICTURE, {"size": n, "mode": "bilinear", "align_corners": c})
        for n in (3, (1, 9))
        for c in (False, True)
    ],
    *[("interpolate", PICTURE, {"scale_factor": (1.5, 2.3), "mode": m}) for m in ("nearest", "bilinear", "area")],
    ("interpolate", PICTURE, {"scale_factor": 1.7, "mode": "bilinear", "recompute_scale_factor": True}),
    *[("interpolate", BODY, {"scale_factor": 1.5, "mode": m}) for m in ("nearest", "trilinear", "area")],
    ("upsample", PICTURE, {"scale_factor": 2}),
    ("pixel_shuffle", PICTURE, 2),
    ("pixel_shuffle", numbers(9, 2, 3), 3),
    ("pixel_unshuffle", numbers(2, 1, 6, 4), 2),
    ("pixel_unshuffle", numbers(1, 6, 9), 3),
    ("channel_shuffle", PICTURE, 2),
    *[("pad", PICTURE, p) for p in ((1, 2), (0, 1, 2, 0), (1, -1), (-1, -2, 3, 0), (0, 0, 0, 0, 1, 2))],
    ("pad", PICTURE, (1, 2), "constant", 3.5),
    *[("pad", PICTURE, (1, 2, 3, 0), mode) for mode in ("reflect", "replicate", "circular")],
    *[("pad", LINE, (4, 3), mode) for mode in ("reflect", "replicate", "circular")],
    *[("pad", BODY, (1, 2, 0, 1, 2, 2), mode) for mode in ("reflect", "replicate", "circular")],
    ("bilinear", A, numbers(2, 4), numbers(5, 3, 4)),
    ("bilinear", X, numbers(2, 3, 2), numbers(5, 4, 2), numbers(5)),
    ("embedding", np.array([[1, 2, 1], [0, 1, 3]]), numbers(4, 2), 1),
    ("embedding", np.array([1, 3, 0]), numbers(4, 2), -1),
]
Q, K, V = numbers(2, 3, 5, 4), numbers(2, 3, 6, 4, seed=2), numbers(2, 3, 6, 2, seed=3)
SEEN = numbers(5, 6, seed=5) > -1.0
ATTENTION: list[Case] = [
    (Q, K, V),
    (Q[0, 0], K[0, 0], V[0, 0]),
    (Q, K, V, {"is_causal": True}),
    (Q, K, V, {"scale": 0.3}),
    (Q, K, V, {"attn_mask": SEEN}),
    (Q, K, V, numbers(5, 6, seed=6)),
    (Q, K, V, numbers(2, 1, 5, 6, seed=6)),
    (Q, K[:, :1], V[:, :1], {"enable_gqa": True}),
]  # fmt: skip


@DTYPES
@pytest.mark.parametrize("case", SIZES, ids=said)
def test_sizes_and_tables(case: Case, dtype: Any):
    check(case, dtype)


@DTYPES
@pytest.mark.parametrize("case", ATTENTION, ids=lambda c: said(("attention", *c)))
def test_attention(case: Case, dtype: Any):
    check(("scaled_dot_product_attention", *case), dtype)


def test_a_query_that_sees_nothing_gets_zeros():
    seen = SEEN.copy()
    seen[2] = False
    check(("scaled_dot_product_attention", Q, K, V, {"attn_mask": seen}), np.float64)


BAGS = np.array([1, 2, 1, 0, 1, 3, 3])


@DTYPES
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding", [None, 1])
@pytest.mark.parametrize("offsets", [[0, 3], [0, 2, 2, 6], [0]])
def test_embedding_bag(offsets: list[int], padding: int | None, mode: str, dtype: Any):
    options = {"mode": mode, "padding_idx": padding}
    starts = np.array(offsets)
    same_call("F", "embedding_bag", BAGS, numbers(4, 3), starts, dtype=dtype, second=False, **options)
    same_call("F", "embedding_bag", BAGS[:6].reshape(2, 3), numbers(4, 3), dtype=dtype, second=False, **options)
    ends = np.array([*offsets, 7])
    more = {**options, "include_last_offset": True}
    same_call("F", "embedding_bag", BAGS, numbers(4, 3), ends, dtype=dtype, second=False, **more)


@DTYPES
def test_embedding_bag_with_factors(dtype: Any):
    factors = numbers(7, seed=5)
    call = lambda f, make: (
        lambda table, w: f.embedding_bag(make(BAGS), table, make(np.array([0, 3])), mode="sum", per_sample_weights=w)
    )
    agree(call(F, al.tensor), call(T, torch.tensor), numbers(4, 3), factors, dtype=dtype, second=False)
    weights = al.tensor(numbers(4, 3), requires_grad=True)
    assert al.gradgradcheck(lambda t: F.embedding_bag(BAGS, t * t, np.array([0, 3])), weights)


def test_the_gradient_of_an_embedding_bag_is_row_sparse():
    table = al.nn.EmbeddingBag(1000, 3, mode="sum", sparse=True)
    table(al.tensor(BAGS), al.tensor([0, 3])).sum().backward()
    assert table.weight.grad.coalesce().rows.tolist() == [0, 1, 2, 3]


# ------------------------------------------------------------------------------------------------ random


def test_dropout_of_channels_is_all_or_nothing_and_keeps_the_mean():
    al.manual_seed(0)
    for call, x in ((F.dropout1d, al.ones(50, 40, 3)), (F.dropout2d, al.ones(50, 40, 3, 2)),
                    (F.dropout3d, al.ones(50, 40, 3, 2, 1))):  # fmt: skip
        y = call(x, 0.25).data.reshape(50, 40, -1)
        assert set(np.unique(y)) == {0.0, 1.0 / 0.75}
        assert (y == y[:, :, :1]).all()
        assert abs(y.mean() - 1.0) < 0.05
        assert call(x, 0.25, training=False) is x


@pytest.mark.parametrize("name", ["alpha_dropout", "feature_alpha_dropout"])
def test_alpha_dropout_keeps_mean_and_variance(name: str):
    al.manual_seed(0)
    x = al.randn(400, 500)
    y = getattr(F, name)(x, 0.3, training=True).data
    assert abs(y.mean()) < 0.01
    assert abs(y.var() - 1.0) < 0.02
    values, counts = np.unique(y.round(9), return_counts=True)
    assert 0.29 < counts.max() / y.size < 0.31
    assert values[counts.argmax()] < 0
    np.testing.assert_array_equal(getattr(F, name)(x, 1.0, training=True).data, 0.0)


def test_slopes_of_rrelu_are_drawn_between_the_bounds():
    al.manual_seed(0)
    x = al.full((1000,), -1.0, requires_grad=True)
    y = F.rrelu(x, 0.2, 0.4, training=True)
    assert -0.4 < y.data.min() < -0.39
    assert -0.21 < y.data.max() < -0.2
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data, -y.data)


def test_gumbel_softmax_draws_each_class_as_often_as_its_share():
    al.manual_seed(0)
    share = np.array([0.1, 0.2, 0.7])
    logits = al.tensor(np.log(np.tile(share, (4000, 1))), requires_grad=True)
    hard = F.gumbel_softmax(logits, hard=True)
    assert set(np.unique(hard.data.round(12))) == {0.0, 1.0}
    np.testing.assert_allclose(hard.data.mean(0), share, atol=0.02)
    al.manual_seed(1)
    soft = F.gumbel_softmax(logits, tau=0.5)
    np.testing.assert_allclose(soft.data.sum(1), 1.0)
    (soft_gradient,) = al.autograd.grad((soft * share).sum(), logits)
    al.manual_seed(1)
    (hard_gradient,) = al.autograd.grad((F.gumbel_softmax(logits, tau=0.5, hard=True) * share).sum(), logits)
    np.testing.assert_allclose(hard_gradient.data, soft_gradient.data, atol=1e-15)


def test_dropout_in_attention_drops_shares():
    al.manual_seed(0)
    value = al.ones(1, 200, 1)
    q = al.zeros(1, 50, 4)
    y = F.scaled_dot_product_attention(q, al.zeros(1, 200, 4), value, dropout_p=0.5).data
    assert abs(y.mean() - 1.0) < 0.05
    assert y.std() > 0.01


# ------------------------------------------------------------------------------------------------ signatures

# What is left out on purpose: arguments of before reductions had names, and those that change the weight itself
LEFT_OUT = {"size_average", "reduce", "_stacklevel", "max_norm", "norm_type", "scale_grad_by_freq", "sparse"}
LEFT_OUT |= {"antialias", "out"}


def arguments(name: str) -> dict[str, Any]:
    """PyTorch's arguments with their defaults, from the signature or, for a builtin, the first line of its text."""
    function = getattr(T, f"{name}_with_indices" if "max_pool" in name else name)
    try:
        return {k: p.default for k, p in inspect.signature(function).parameters.items()}
    except ValueError:
        found = re.search(rf"{name}\((.*?)\) ?->", function.__doc__ or "", re.DOTALL)
        assert found is not None
        pairs = [part.strip().partition("=") for part in found.group(1).split(",") if part.strip()]
        return {k.partition(":")[0].strip(): eval(d) if d else inspect.Parameter.empty for k, _, d in pairs}


@pytest.mark.parametrize("name", F.__all__)
def test_arguments_have_pytorchs_names_order_and_defaults(name: str):
    ours = inspect.signature(getattr(F, name)).parameters
    left_out = LEFT_OUT - {"norm_type"} if name.startswith("lp_pool") else LEFT_OUT
    theirs = {k: d for k, d in arguments(name).items() if k not in left_out}
    assert set(theirs) <= set(ours)
    dim = {"dim"} if name in ("softmax", "softmin", "log_softmax") else set()  # the last one unless given
    assert {k: ours[k].default for k in theirs if k not in dim} == {k: d for k, d in theirs.items() if k not in dim}
    order = [k for k, p in ours.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert order == list(theirs)[: len(order)]


def test_softmax_in_another_dtype():
    for name in ("softmax", "log_softmax", "softmin"):
        y = getattr(F, name)(al.tensor([[1.0, 2.0]]), 1, np.float32)
        assert y.dtype == np.float32
        np.testing.assert_allclose(y.data, getattr(T, name)(torch.tensor([[1.0, 2.0]]), 1).numpy(), rtol=1e-6)


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_gradients_of_binary_cross_entropy_at_0_and_1(kind):
    p, t = np.array([0.0, 1.0, 0.0, 1.0, 0.25], kind), np.array([1.0, 1.0, 0.0, 0.0, 0.5], kind)
    ours, theirs = al.tensor(p, requires_grad=True), torch.tensor(p, requires_grad=True)
    F.binary_cross_entropy(ours, al.tensor(t)).backward()
    torch.nn.functional.binary_cross_entropy(theirs, torch.tensor(t)).backward()
    np.testing.assert_allclose(ours.grad, theirs.grad, rtol=1e-6)
