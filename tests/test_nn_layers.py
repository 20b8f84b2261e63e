"""Every layer beside PyTorch's: constructor, repr, state, initial values, outputs, gradients."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import nn

torch = pytest.importorskip("torch", reason="PyTorch is the reference of these tests, and it is not installed")

pytestmark = [  # what PyTorch warns of
    pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss:UserWarning"),
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning"),
]
DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])


def numbers(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, shape)


Build = Callable[[Any], Any]
X, LINE, PICTURE, BODY = numbers(3, 4), numbers(3, 4, 8), numbers(2, 4, 6, 5), numbers(2, 2, 4, 5, 4)
SIGNS, CLASSES = np.where(X > 0, 1.0, -1.0), np.array([0, 3, 1])
P = numbers(3, 4, low=0.1, high=0.9, seed=3)

ACTIVATIONS = (
    *(
        "CELU",
        "ELU",
        "GELU",
        "GLU",
        "Hardshrink",
        "Hardswish",
        "Hardtanh",
        "Identity",
        "LeakyReLU",
        "LogSigmoid",
        "Mish",
    ),
    *("PReLU", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid", "Softplus", "Softshrink", "Softsign", "Tanh"),
    "Tanhshrink",
)
LAYERS: list[tuple[str, Build, tuple[np.ndarray, ...]]] = [
    *[(name, lambda m, name=name: getattr(m, name)(), (X,)) for name in ACTIVATIONS],
    *[(f"{n}, inplace", lambda m, n=n: getattr(m, n)(inplace=True), ()) for n in ("ReLU", "ReLU6", "ELU", "SiLU")],
    *[(n, lambda m, n=n: getattr(m, n)(dim=1), (X,)) for n in ("Softmax", "Softmin", "LogSoftmax")],
    ("Hardsigmoid", lambda m: m.Hardsigmoid(), ()),
    ("LeakyReLU of 0.2", lambda m: m.LeakyReLU(0.2), (X,)),
    ("PReLU of channels", lambda m: m.PReLU(4, 0.1), (LINE,)),
    ("GELU, tanh", lambda m: m.GELU("tanh"), (X,)),
    ("Threshold", lambda m: m.Threshold(0.5, 2.0), (X,)),
    ("RReLU", lambda m: m.RReLU(0.1, 0.3).eval(), (X,)),
    ("Softmax2d", lambda m: m.Softmax2d(), (PICTURE,)),
    # linear, shapes, tables
    ("Linear", lambda m: m.Linear(4, 3), (X,)),
    ("Bilinear", lambda m: m.Bilinear(4, 4, 3), (X, X[::-1].copy())),
    ("Bilinear without bias", lambda m: m.Bilinear(4, 4, 3, bias=False), (X, X[::-1].copy())),
    ("Flatten", lambda m: m.Flatten(), (LINE,)),
    ("Unflatten", lambda m: m.Unflatten(1, (2, 2)), (LINE,)),
    ("Embedding", lambda m: m.Embedding(5, 3), (CLASSES,)),
    ("Embedding with padding", lambda m: m.Embedding(5, 3, padding_idx=3), (CLASSES,)),
    ("Embedding with padding from the end", lambda m: m.Embedding(5, 3, -2), (CLASSES,)),
    ("EmbeddingBag", lambda m: m.EmbeddingBag(5, 3), (CLASSES[None],)),
    ("EmbeddingBag, sum", lambda m: m.EmbeddingBag(5, 3, mode="sum", padding_idx=1), (CLASSES, np.array([0, 1]))),
    (
        "EmbeddingBag, max",
        lambda m: m.EmbeddingBag(5, 3, mode="max", include_last_offset=True),
        (CLASSES, np.array([0, 3])),
    ),
    # convolutions
    ("Conv1d", lambda m: m.Conv1d(4, 6, 3, 2, 1, groups=2), (LINE,)),
    ("Conv1d, same", lambda m: m.Conv1d(4, 6, 4, padding="same", bias=False), (LINE,)),
    ("Conv2d", lambda m: m.Conv2d(4, 6, (3, 2), dilation=(1, 2)), (PICTURE,)),
    ("Conv2d, same, reflected", lambda m: m.Conv2d(4, 6, 4, padding="same", padding_mode="reflect"), (PICTURE,)),
    *[
        (f"Conv2d, {mode}", lambda m, mode=mode: m.Conv2d(4, 2, 3, padding=(1, 2), padding_mode=mode), (PICTURE,))
        for mode in ("reflect", "replicate", "circular")
    ],
    ("Conv3d", lambda m: m.Conv3d(2, 3, (1, 2, 3), padding=1), (BODY,)),
    ("ConvTranspose1d", lambda m: m.ConvTranspose1d(4, 6, 3, 2, 1, 1, groups=2), (LINE,)),
    ("ConvTranspose2d", lambda m: m.ConvTranspose2d(4, 6, (3, 2), stride=2, bias=False), (PICTURE,)),
    ("ConvTranspose3d", lambda m: m.ConvTranspose3d(2, 3, 2, dilation=2), (BODY,)),
    # normalizations
    ("BatchNorm1d", lambda m: m.BatchNorm1d(4), (X,)),
    ("BatchNorm1d of lines", lambda m: m.BatchNorm1d(4, 0.01, 0.3), (LINE,)),
    ("BatchNorm1d, mean of all", lambda m: m.BatchNorm1d(4, momentum=None), (LINE,)),
    ("BatchNorm1d, plain", lambda m: m.BatchNorm1d(4, affine=False, track_running_stats=False), (LINE,)),
    ("BatchNorm2d", lambda m: m.BatchNorm2d(4), (PICTURE,)),
    ("BatchNorm2d, evaluated", lambda m: m.BatchNorm2d(4).eval(), (PICTURE,)),
    ("BatchNorm3d", lambda m: m.BatchNorm3d(2), (BODY,)),
    ("InstanceNorm1d", lambda m: m.InstanceNorm1d(4), (LINE,)),
    ("InstanceNorm2d", lambda m: m.InstanceNorm2d(4, affine=True, track_running_stats=True), (PICTURE,)),
    ("InstanceNorm2d, evaluated", lambda m: m.InstanceNorm2d(4, track_running_stats=True).eval(), (PICTURE,)),
    ("InstanceNorm3d", lambda m: m.InstanceNorm3d(2), (BODY,)),
    ("LayerNorm", lambda m: m.LayerNorm(8), (LINE,)),
    ("LayerNorm of two", lambda m: m.LayerNorm((4, 8), bias=False), (LINE,)),
    ("LayerNorm, plain", lambda m: m.LayerNorm([8], elementwise_affine=False), (LINE,)),
    ("RMSNorm", lambda m: m.RMSNorm(8), (LINE,)),
    ("GroupNorm", lambda m: m.GroupNorm(2, 4), (PICTURE,)),
    ("GroupNorm, plain", lambda m: m.GroupNorm(2, 4, affine=False), (PICTURE,)),
    ("LocalResponseNorm", lambda m: m.LocalResponseNorm(3), (PICTURE,)),
    # pools
    ("MaxPool1d", lambda m: m.MaxPool1d(3, 2, 1), (LINE,)),
    ("MaxPool2d", lambda m: m.MaxPool2d(2, ceil_mode=True), (PICTURE,)),
    ("MaxPool3d", lambda m: m.MaxPool3d(2, 1, dilation=2), (BODY,)),
    ("AvgPool1d", lambda m: m.AvgPool1d(3, 2, 1), (LINE,)),
    ("AvgPool2d", lambda m: m.AvgPool2d((3, 2), 2, 1, True, False), (PICTURE,)),
    ("AvgPool3d", lambda m: m.AvgPool3d(2, divisor_override=3), (BODY,)),
    ("LPPool1d", lambda m: m.LPPool1d(2, 3, 2), (LINE,)),
    ("LPPool2d", lambda m: m.LPPool2d(2, 2), (PICTURE,)),
    ("LPPool3d", lambda m: m.LPPool3d(2, 2), (BODY,)),
    *[(f"Adaptive{k}Pool1d", lambda m, k=k: getattr(m, f"Adaptive{k}Pool1d")(3), (LINE,)) for k in ("Avg", "Max")],
    *[
        (f"Adaptive{k}Pool2d", lambda m, k=k: getattr(m, f"Adaptive{k}Pool2d")((3, None)), (PICTURE,))
        for k in ("Avg", "Max")
    ],
    *[(f"Adaptive{k}Pool3d", lambda m, k=k: getattr(m, f"Adaptive{k}Pool3d")(2), (BODY,)) for k in ("Avg", "Max")],
    # sizes
    *[
        (f"{kind}Pad{d}d", lambda m, kind=kind, d=d: getattr(m, f"{kind}Pad{d}d")((2, 1) * d), (x,))
        for kind in ("Zero", "Replication")
        for d, x in ((1, LINE), (2, PICTURE), (3, BODY))
    ],
    *[
        (f"{kind}Pad{d}d", lambda m, kind=kind, d=d: getattr(m, f"{kind}Pad{d}d")(2), (x,))
        for kind in ("Reflection", "Circular")
        for d, x in ((1, LINE), (2, PICTURE), (3, BODY))
    ],
    *[
        (f"ConstantPad{d}d", lambda m, d=d: getattr(m, f"ConstantPad{d}d")(1, 3.5), (x,))
        for d, x in ((1, LINE), (2, PICTURE), (3, BODY))
    ],
    ("Upsample", lambda m: m.Upsample(scale_factor=2), (PICTURE,)),
    ("Upsample, linear", lambda m: m.Upsample((9, 3), mode="bilinear", align_corners=True), (PICTURE,)),
    ("UpsamplingNearest2d", lambda m: m.UpsamplingNearest2d(scale_factor=3), (PICTURE,)),
    ("UpsamplingBilinear2d", lambda m: m.UpsamplingBilinear2d(7), (PICTURE,)),
    ("PixelShuffle", lambda m: m.PixelShuffle(2), (PICTURE,)),
    ("PixelUnshuffle", lambda m: m.PixelUnshuffle(2), (numbers(1, 4, 6),)),
    ("ChannelShuffle", lambda m: m.ChannelShuffle(2), (PICTURE,)),
    ("Unfold", lambda m: m.Unfold(2, 1, 1, 2), (PICTURE,)),
    ("Fold", lambda m: m.Fold((3, 3), 2), (numbers(2, 4, 4),)),
    # dropout
    *[
        (f"{n}, evaluated", lambda m, n=n: getattr(m, n)(0.3).eval(), (x,))
        for n, x in (("Dropout", X), ("Dropout1d", LINE), ("Dropout2d", PICTURE), ("Dropout3d", BODY))
    ],
    ("AlphaDropout, evaluated", lambda m: m.AlphaDropout(0.3).eval(), (X,)),
    ("FeatureAlphaDropout, evaluated", lambda m: m.FeatureAlphaDropout(0.3).eval(), (X,)),
    # losses
    *[(n, lambda m, n=n: getattr(m, n)(), (X, P)) for n in ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")],
    *[(n, lambda m, n=n: getattr(m, n)(), (X, P)) for n in ("BCEWithLogitsLoss", "KLDivLoss", "PoissonNLLLoss")],
    *[(n, lambda m, n=n: getattr(m, n)(), (X, CLASSES)) for n in ("CrossEntropyLoss", "NLLLoss")],
    *[(n, lambda m, n=n: getattr(m, n)(), (X, SIGNS)) for n in ("HingeEmbeddingLoss", "MultiLabelSoftMarginLoss")],
    ("MultiMarginLoss", lambda m: m.MultiMarginLoss(2, 0.5), (X, CLASSES)),
    ("SoftMarginLoss", lambda m: m.SoftMarginLoss(reduction="sum"), (X, SIGNS.astype(int))),
    ("BCELoss", lambda m: m.BCELoss(), (P, P[::-1].copy())),
    ("SmoothL1Loss of 0.3", lambda m: m.SmoothL1Loss(beta=0.3), (X, P)),
    ("HuberLoss of 0.3", lambda m: m.HuberLoss("sum", 0.3), (X, P)),
    ("CrossEntropyLoss with all", lambda m: m.CrossEntropyLoss(ignore_index=3, label_smoothing=0.1), (X, CLASSES)),
    ("KLDivLoss of batches", lambda m: m.KLDivLoss(reduction="batchmean", log_target=True), (X, P)),
    ("PoissonNLLLoss of rates", lambda m: m.PoissonNLLLoss(False, True, eps=0.1), (P, P * 4)),
    ("GaussianNLLLoss", lambda m: m.GaussianNLLLoss(full=True), (X, P, P[::-1].copy())),
    ("MarginRankingLoss", lambda m: m.MarginRankingLoss(0.3), (X, P, SIGNS)),
    ("CosineEmbeddingLoss", lambda m: m.CosineEmbeddingLoss(-0.3), (X, P, SIGNS[:, 0])),
    ("TripletMarginLoss", lambda m: m.TripletMarginLoss(3.0, swap=True), (X, P, X[::-1].copy())),
    ("TripletMarginWithDistanceLoss", lambda m: m.TripletMarginWithDistanceLoss(margin=3.0), (X, P, X[::-1].copy())),
    ("CosineSimilarity", lambda m: m.CosineSimilarity(0), (X, P)),
    ("PairwiseDistance", lambda m: m.PairwiseDistance(1.0, keepdim=True), (X, P)),
    # containers
    ("ParameterList", lambda m: m.ParameterList(), ()),
    ("ModuleDict", lambda m: m.ModuleDict({"a": m.Linear(1, 2), "b": m.ModuleDict([("c", m.Tanh())])}), ()),
    ("ModuleList", lambda m: m.ModuleList([m.Linear(1, 2), m.Tanh(), m.Sequential(m.ReLU())]), ()),
    ("Sequential", lambda m: m.Sequential(m.Linear(4, 2), m.BatchNorm1d(2), m.Sequential(m.ReLU())), (X,)),
]  # fmt: skip
EACH = pytest.mark.parametrize(("build", "inputs"), [case[1:] for case in LAYERS], ids=[case[0] for case in LAYERS])
LIKE_NUMBERS = {"Embedding", "EmbeddingBag"}


def both(build: Build, dtype: Any = np.float64) -> tuple[Any, Any]:
    """The layer of both libraries in a dtype, ours with PyTorch's state."""
    theirs = build(torch.nn).to(getattr(torch, np.dtype(dtype).name))
    al.set_default_dtype(dtype)
    try:
        ours = build(nn)
    finally:
        al.set_default_dtype(np.float64)
    assert ours.load_state_dict(theirs.state_dict()) == ([], [])
    return ours, theirs


def test_every_layer_is_here():
    names = {name.partition(",")[0].partition(" ")[0] for name, *_ in LAYERS}
    assert set(nn.__all__) - names == {"Module", "Parameter", "ParameterDict", "functional", "init"} | OTHERS


OTHERS = {"RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell", "summary", "utils"}  # with tests of their own
OTHERS |= {"MultiheadAttention", "TransformerEncoder", "TransformerEncoderLayer"}


@DTYPES
@EACH
def test_outputs_gradients_and_what_is_kept_are_pytorchs(build: Build, inputs: tuple[np.ndarray, ...], dtype: Any):
    if not inputs:
        return
    ours, theirs = both(build, dtype)
    raw = [np.array(a, dtype) if a.dtype.kind == "f" else a for a in inputs]
    x, z = [al.tensor(a) for a in raw], [torch.tensor(a) for a in raw]
    for a, b in zip(x, z, strict=True):
        if a.dtype.kind == "f" and not type(ours).__name__.startswith(("Hinge", "SoftMargin")):
            a.requires_grad_()
            b.requires_grad_()
    x[0].requires_grad, z[0].requires_grad = (x[0].dtype.kind == "f",) * 2
    for _ in range(2):  # so that what is kept from the first call counts in the second
        y, w = ours(*x), theirs(*z)
    pairs = [(y.detach(), w.detach())]
    if y.requires_grad:
        g = np.random.default_rng(1).normal(size=y.shape).astype(dtype)
        y.backward(g)
        w.backward(torch.tensor(g))
        leaves = zip([*x, *ours.parameters()], [*z, *theirs.parameters()], strict=True)
        pairs += [(a.grad, b.grad) for a, b in leaves if b.grad is not None]
    pairs += list(zip(ours.buffers(), theirs.buffers(), strict=True))
    tolerance = 1e-11 if dtype == np.float64 else 3e-5
    for a, b in pairs:
        assert a.dtype == b.numpy().dtype
        largest = float(abs(b).max()) if b.numel() else 0.0
        np.testing.assert_allclose(a.data, b.numpy(), rtol=tolerance, atol=tolerance * max(1.0, largest))


@EACH
def test_the_repr_the_state_and_the_attributes_are_pytorchs(build: Build, inputs: tuple[np.ndarray, ...]):
    ours, theirs = build(nn), build(torch.nn)
    assert repr(ours) == repr(theirs)
    assert {n: t.shape for n, t in ours.state_dict().items()} == {
        n: tuple(t.shape) for n, t in theirs.state_dict().items()
    }
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert [n for n, _ in ours.named_buffers()] == [n for n, _ in theirs.named_buffers()]
    plain = (int, float, bool, str, tuple, type(None))
    known = {k: v for k, v in vars(theirs).items() if not k.startswith("_") and isinstance(v, plain)}
    unknown = {"scale_grad_by_freq", "max_norm", "norm_type", "transposed", "min_value", "max_value"}
    if hasattr(theirs, "norm_type") and "Pool" in type(theirs).__name__:
        unknown.remove("norm_type")
    found = {k: getattr(ours, k, "missing") for k in known if k not in unknown}
    assert found == {k: known[k] for k in found}


@EACH
def test_the_constructor_takes_pytorchs_arguments(build: Build, inputs: tuple[np.ndarray, ...]):
    """By name, with the same defaults, in the same order as far as arguments are positional; the rest is keywords."""
    kind = type(build(nn))
    ours = inspect.signature(kind.__init__).parameters
    theirs = inspect.signature(getattr(torch.nn, kind.__name__).__init__).parameters
    left_out = {"device", "size_average", "reduce", "max_norm", "norm_type", "scale_grad_by_freq", "_weight", "_freeze"}
    left_out |= {"min_value", "max_value", "norm_type"} if kind.__name__ == "Hardtanh" else set()
    left_out -= {"norm_type"} if kind.__name__.startswith("LPPool") else set()
    wanted = [p for n, p in theirs.items() if n not in left_out and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    for p in wanted:
        assert p.name in ours, p.name
        if not (kind.__name__ in ("Softmax", "Softmin", "LogSoftmax") and p.name == "dim"):
            assert ours[p.name].default == p.default, p.name
    order = [n for n, p in ours.items() if p.kind is p.POSITIONAL_OR_KEYWORD and n not in ("dtype", "generator")]
    assert order == [p.name for p in wanted][: len(order)]


@EACH
def test_forward_takes_pytorchs_arguments(build: Build, inputs: tuple[np.ndarray, ...]):
    ours, theirs = (build(m) for m in (nn, torch.nn))
    if type(ours).forward is not nn.Module.forward:
        assert list(inspect.signature(ours.forward).parameters) == list(inspect.signature(theirs.forward).parameters)


DRAWN: list[Build] = [
    lambda m: m.Linear(400, 300),
    lambda m: m.Bilinear(40, 50, 60),
    lambda m: m.Conv1d(40, 60, 9, groups=2),
    lambda m: m.Conv2d(40, 60, (3, 5)),
    lambda m: m.Conv3d(10, 30, 3),
    lambda m: m.ConvTranspose1d(40, 60, 9, groups=2),
    lambda m: m.ConvTranspose2d(40, 60, (3, 5)),
    lambda m: m.ConvTranspose3d(10, 30, 3),
    lambda m: m.Embedding(300, 100, padding_idx=5),
    lambda m: m.EmbeddingBag(300, 100),
    lambda m: m.BatchNorm2d(30),
    lambda m: m.GroupNorm(5, 30),
    lambda m: m.LayerNorm((3, 4)),
    lambda m: m.PReLU(5),
]


@pytest.mark.parametrize("build", DRAWN)
def test_initial_values_are_drawn_as_pytorchs(build: Build):
    torch.manual_seed(0)
    al.manual_seed(0)
    theirs = build(torch.nn).state_dict()
    for name, values in build(nn).state_dict().items():
        a, b = values.data.astype(float), theirs[name].numpy().astype(float)
        scale = max(abs(b).max(), 1e-9)
        near = 0.05 if b.size > 1000 else 0.3
        if len(np.unique(b)) < 3:
            np.testing.assert_array_equal(a, b)
        else:
            assert abs(a.std() / b.std() - 1.0) < near
            assert abs(abs(a).max() / scale - 1.0) < (0.3 if "Embedding" in str(build(nn)) else near)
            np.testing.assert_allclose(np.quantile(a, [0.25, 0.75]), np.quantile(b, [0.25, 0.75]), atol=near * scale)


SEQUENCES: list[Build] = [
    lambda m: m.RNN(3, 4, bidirectional=True),
    lambda m: m.LSTM(3, 4, num_layers=2),
    lambda m: m.GRU(3, 4, bias=False),
    lambda m: m.GRUCell(3, 4),
    lambda m: m.RMSNorm(4),
]


@pytest.mark.parametrize("build", DRAWN + SEQUENCES)
def test_parameters_that_are_reset_are_as_new(build: Build):
    al.manual_seed(0)
    layer = build(nn)
    first = {name: value.data.copy() for name, value in layer.state_dict().items()}
    for parameter in layer.parameters():
        parameter.data[...] = 7.0
    al.manual_seed(0)
    layer.reset_parameters()
    for name, value in layer.state_dict().items():
        np.testing.assert_array_equal(value.data, first[name])
    assert all(hasattr(build(m), "reset_parameters") for m in (nn, torch.nn))


@pytest.mark.parametrize("name", ["ConvTranspose1d", "ConvTranspose2d"])
def test_output_size_picks_one_of_those_that_a_stride_allows(name: str):
    x = LINE if name.endswith("1d") else PICTURE
    ours, theirs = both(lambda m: getattr(m, name)(4, 2, 3, stride=2, padding=1))
    plain = ours(al.tensor(x)).shape[2:]
    size = tuple(n + 1 for n in plain)
    y, w = ours(al.tensor(x), output_size=size), theirs(torch.tensor(x), output_size=list(size))
    assert y.shape[2:] == size
    np.testing.assert_allclose(y.data, w.detach().numpy(), atol=1e-12)
    with pytest.raises(ValueError, match="output_size"):
        ours(al.tensor(x), output_size=tuple(n + 2 for n in plain))


def test_max_pools_return_where():
    y, where = nn.MaxPool2d(2, return_indices=True)(al.tensor(PICTURE))
    flat = PICTURE.reshape(2, 4, -1)
    np.testing.assert_array_equal(np.take_along_axis(flat, where.data.reshape(2, 4, -1), 2), y.data.reshape(2, 4, -1))


def test_a_pretrained_table_is_not_trained_unless_asked():
    table = numbers(5, 3)
    layer = nn.Embedding.from_pretrained(table, padding_idx=2)
    np.testing.assert_array_equal(layer(al.tensor([1, 2])).data, table[[1, 2]])
    assert not layer.weight.requires_grad
    assert nn.Embedding.from_pretrained(al.tensor(table), freeze=False).weight.requires_grad


def test_a_pretrained_table_of_bags_is_pytorchs_and_nothing_is_drawn_for_it():
    table, rows = numbers(5, 3), np.array([[1, 2], [2, 4]])
    al.manual_seed(0)
    ours = nn.EmbeddingBag.from_pretrained(al.tensor(table), mode="sum", padding_idx=-3)
    drawn = al.rand(3)
    theirs = torch.nn.EmbeddingBag.from_pretrained(torch.tensor(table), mode="sum", padding_idx=-3)
    assert repr(ours) == repr(theirs)
    assert not ours.weight.requires_grad
    np.testing.assert_allclose(ours(al.tensor(rows)).data, theirs(torch.tensor(rows)).numpy(), atol=1e-14)
    al.manual_seed(0)
    np.testing.assert_array_equal(al.rand(3).data, drawn.data)
    with pytest.raises(ValueError, match=r"EmbeddingBag: a table has two dimensions, .* \(15,\)"):
        nn.EmbeddingBag.from_pretrained(table.reshape(15))
