"""Attention and transformer encoders: PyTorch's numbers with PyTorch's weights. And what `summary` says of a model."""

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import nn

MODULES = [
    {},
    {"bias": False},
    {"batch_first": True},
    {"add_bias_kv": True},
    {"add_zero_attn": True},
    {"add_bias_kv": True, "add_zero_attn": True, "batch_first": True},
    {"kdim": 5, "vdim": 3},
    {"kdim": 5, "bias": False, "batch_first": True},
]
CALLS = [
    {},
    {"need_weights": False},
    {"average_attn_weights": False},
    {"mask": "boolean"},
    {"mask": "numbers"},
    {"mask": "each", "average_attn_weights": False},
    {"padding": "boolean"},
    {"padding": "numbers", "mask": "numbers"},
    {"padding": "boolean", "mask": "each", "need_weights": False},
    {"mask": "causal", "is_causal": True, "need_weights": False},
]


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is the reference here")


def twin(ours, theirs):
    assert list(ours.state_dict()) == list(theirs.state_dict())
    rng = np.random.default_rng(0)
    state = {k: rng.normal(size=tuple(v.shape)) * 0.5 for k, v in theirs.state_dict().items()}
    ours.load_state_dict(state)
    import torch

    theirs.load_state_dict({k: torch.tensor(v) for k, v in state.items()})
    return ours, theirs


def masks(call, n, heads, queries, keys):
    rng, found = np.random.default_rng(1), {k: v for k, v in call.items() if k not in ("mask", "padding")}
    blocked = lambda *shape: (rng.random(shape) < 0.4) & (np.arange(shape[-1]) > 0)
    kind = call.get("mask")
    if kind:
        found["attn_mask"] = {
            "boolean": lambda: blocked(queries, keys),
            "numbers": lambda: rng.normal(size=(queries, keys)),
            "each": lambda: blocked(n * heads, queries, keys),
            "causal": lambda: np.triu(np.ones((queries, keys), bool), 1),
        }[kind]()
    if "padding" in call:
        found["key_padding_mask"] = blocked(n, keys) if call["padding"] == "boolean" else rng.normal(size=(n, keys))
    return found


def gradients_agree(mine, yours, inputs, theirs, ours_module, theirs_module):
    for a, b in zip(mine, yours, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=1e-12, atol=1e-12)
    sum((a * a).sum() for a in mine if a is not None).backward()
    sum((b * b).sum() for b in yours if b is not None).backward()
    for a, b in zip([*inputs, *ours_module.parameters()], [*theirs, *theirs_module.parameters()], strict=True):
        np.testing.assert_allclose(a.grad.data, b.grad.numpy(), rtol=1e-11, atol=1e-11)


@pytest.mark.filterwarnings("ignore::UserWarning")  # PyTorch's, of masks of two kinds
@pytest.mark.parametrize("call", CALLS, ids=str)
@pytest.mark.parametrize("settings", MODULES, ids=str)
def test_attention_is_pytorchs(torch, settings, call):
    if call.get("is_causal") and settings.keys() & {"add_bias_kv", "add_zero_attn"}:
        return  # there PyTorch hides the keys that it has added
    theirs = torch.nn.MultiheadAttention(4, 2, **settings, dtype=torch.float64)
    ours, theirs = twin(nn.MultiheadAttention(4, 2, **settings), theirs)
    rng, n, queries, keys = np.random.default_rng(0), 3, 5, 5 if call.get("is_causal") else 6
    first = settings.get("batch_first", False)
    shapes = [(queries, 4), (keys, settings.get("kdim", 4)), (keys, settings.get("vdim", 4))]
    arrays = [rng.normal(size=(n, *s) if first else (s[0], n, s[1])) for s in shapes]
    given = masks(call, n, 2, queries, keys)
    mine, yours = ([make(a, requires_grad=True) for a in arrays] for make in (al.tensor, torch.tensor))
    wrap = lambda make: {k: make(v) if isinstance(v, np.ndarray) else v for k, v in given.items()}
    a, b = ours(*mine, **wrap(al.tensor)), theirs(*yours, **wrap(torch.tensor))
    gradients_agree(a, b, mine, yours, ours, theirs)


def test_self_attention_and_one_sequence_alone_are_pytorchs(torch):
    ours, theirs = twin(nn.MultiheadAttention(4, 2), torch.nn.MultiheadAttention(4, 2, dtype=torch.float64))
    x = np.random.default_rng(0).normal(size=(5, 4))
    padding = np.array([False, True, False, False, True])
    mine, yours = al.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    a = ours(mine, mine, mine, al.tensor(padding))
    b = theirs(yours, yours, yours, torch.tensor(padding))
    gradients_agree(a, b, [mine], [yours], ours, theirs)


def test_dropout_is_of_the_weights_in_training():
    al.manual_seed(0)
    attention = nn.MultiheadAttention(4, 2, dropout=0.5)
    x = al.randn(5, 3, 4)
    assert (attention(x, x, x, average_attn_weights=False)[1].data == 0).mean() > 0.2
    assert not (attention.eval()(x, x, x)[1].data == 0).any()


def test_an_encoder_draws_from_its_own_generator():
    x, found = al.ones(5, 2, 4), []
    for seed in (0, 1):
        al.manual_seed(seed)
        layer = nn.TransformerEncoderLayer(4, 2, 7, dropout=0.5, generator=np.random.default_rng(0))
        assert not layer.dropout.inplace
        found.append(layer(x).data)
    np.testing.assert_array_equal(*found)
    assert (found[0][0] != found[0][1]).any()


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    "settings", [{}, {"norm_first": True}, {"batch_first": True}, {"bias": False}, {"activation": "relu"}], ids=str
)
def test_encoders_are_pytorchs(torch, settings, masked):
    found = []
    for nn_, more in ((nn, {}), (torch.nn, {"dtype": torch.float64})):
        layer = nn_.TransformerEncoderLayer(4, 2, 7, dropout=0.0, **settings, **more)
        found.append(nn_.TransformerEncoder(layer, 2))
    ours, theirs = twin(*found)
    n, steps = 2, 5
    x = np.random.default_rng(0).normal(size=(n, steps, 4) if settings.get("batch_first") else (steps, n, 4))
    causal, padding = np.triu(np.ones((steps, steps), bool), 1), np.array([[0, 0, 0, 0, 1], [0, 0, 0, 0, 0]], bool)
    mine, yours = al.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    given = ((al.tensor(causal), al.tensor(padding)), (torch.tensor(causal), torch.tensor(padding)))
    a, b = ours(mine, *given[0] * masked), theirs(yours, *given[1] * masked)
    gradients_agree([a], [b], [mine], [yours], ours, theirs)


def test_a_compiled_encoder_is_the_eager_one():
    found = []
    for compiled in (False, True):
        al.manual_seed(0)
        model = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 7, batch_first=True), 2)
        optimizer = al.optim.AdamW(model.parameters(), lr=0.01)

        def step(x, model=model, optimizer=optimizer):
            optimizer.zero_grad()
            loss = (model(x) ** 2 - x).square().mean()
            loss.backward()
            optimizer.step()
            return loss

        run = al.compile(step) if compiled else step
        found.append([run(al.tensor(np.random.default_rng(k).normal(size=(2, 5, 4)))).item() for k in range(6)])
    np.testing.assert_allclose(*found, rtol=1e-11)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: nn.MultiheadAttention(5, 2), "do not divide"),
        (lambda: attend(al.zeros(5, 3)), "all have 2 or all 3"),
        (lambda: attend(attn_mask=al.zeros(4, 4)), "attn_mask has shape"),
        (lambda: attend(key_padding_mask=al.zeros(4, 4)), "key_padding_mask"),
        (lambda: attend(is_causal=True), "needs it"),
        (lambda: nn.TransformerEncoderLayer(4, 2, activation="selu"), "activation is"),
    ],
)
def test_what_does_not_fit_is_refused(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def attend(key=None, **more):
    x = al.zeros(5, 3, 4)
    return nn.MultiheadAttention(4, 2)(x, x if key is None else key, x, **more)


# ------------------------------------------------------------------------------------------ summary


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 4)
        self.lstm = nn.LSTM(4, 3)
        self.twice = nn.Linear(3, 3)
        self.unused = nn.Linear(2, 2)
        self.drop = nn.Dropout(0.5)
        self.unused.weight.requires_grad_(False)

    def forward(self, words):
        y, (h, _) = self.lstm(self.table(words))
        return {"out": self.drop(self.twice(self.twice(y))), "h": h}


def test_a_summary_has_paths_classes_shapes_and_parameters():
    model = Network()
    state = al.get_rng_state()
    found = nn.summary(model, al.tensor([[1, 2], [3, 4], [5, 6]]))
    assert al.get_rng_state() == state
    rows = {row.path: row for row in found.rows}
    assert [row.path for row in found.rows] == ["", "table", "lstm", "twice", "unused", "drop"]
    assert rows[""].output == {"out": (3, 2, 3), "h": (1, 2, 3)}
    assert rows["lstm"].output == [(3, 2, 3), [(1, 2, 3), (1, 2, 3)]]
    assert (rows["twice"].calls, rows["twice"].output) == (2, (3, 2, 3))
    assert rows["unused"].output is None
    assert found.parameters == sum(p.numel() for p in model.parameters()) == sum(r.parameters for r in found.rows)
    assert (found.parameters - found.trainable, found.nbytes) == (4, 8 * found.parameters)
    text = str(found)
    assert "(3, 2, 3) × 2" in text
    assert "not called" in text
    assert text == repr(found)
    assert "4 frozen" in text
    html = found._repr_html_()
    assert html.count("<tr") == 7
    assert "(3, 2, 3) × 2" in html
    assert all(m.training and "forward" not in m.__dict__ for m in model.modules())


def test_a_summary_leaves_the_model_as_it_was_where_the_call_fails_and_needs_no_inputs():
    model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5))
    model[1].eval()
    with pytest.raises(ValueError, match="do not fit"):
        nn.summary(model, al.ones(1, 5))
    assert [m.training for m in model.modules()] == [True, True, False]
    assert all("forward" not in m.__dict__ for m in model.modules())
    assert {row.output for row in nn.summary(model).rows} == {None}


@pytest.mark.parametrize("boolean", [True, False])
def test_a_query_that_sees_nothing_takes_nothing(torch, boolean):
    seen = np.array([[False, False, False], [True, False, True]])
    mask = seen if boolean else np.where(seen, 0.0, -np.inf)
    q, k, v = (np.random.default_rng(s).normal(size=(1, n, 4)) for s, n in ((0, 2), (1, 3), (2, 3)))
    ours, theirs = [al.tensor(a, requires_grad=True) for a in (q, k, v)], [torch.tensor(a) for a in (q, k, v)]
    for t in theirs:
        t.requires_grad_()
    y = nn.functional.scaled_dot_product_attention(*ours, attn_mask=al.tensor(mask))
    z = torch.nn.functional.scaled_dot_product_attention(*theirs, attn_mask=torch.tensor(mask))
    assert (y.data[0, 0] == 0).all()
    np.testing.assert_allclose(y.data, z.detach(), atol=1e-15)
    (y * y).sum().backward()
    (z * z).sum().backward()
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.grad, b.grad, atol=1e-15)


def test_a_sequence_that_is_all_padding_stays_finite(torch):
    x, padding = np.random.default_rng(0).normal(size=(2, 3, 4)), np.array([[True] * 3, [False, False, True]])
    theirs = torch.nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True).double()
    ours = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True)
    ours.load_state_dict({k: al.tensor(v.detach().numpy()) for k, v in theirs.state_dict().items()})
    y = ours(al.tensor(x), src_key_padding_mask=al.tensor(padding))
    z = theirs(torch.tensor(x), src_key_padding_mask=torch.tensor(padding))
    np.testing.assert_allclose(y.data, z.detach(), atol=1e-12)
    (y * y * y).sum().backward()
    (z * z * z).sum().backward()
    for name, p in theirs.named_parameters():
        np.testing.assert_allclose(ours.get_parameter(name).grad, p.grad, atol=1e-10, err_msg=name)
    with np.errstate(invalid="ignore"):
        y, _ = ours.self_attn(*[al.tensor(x)] * 3, key_padding_mask=al.tensor(padding))  # weights are wanted: NaN
    z, _ = theirs.self_attn(*[torch.tensor(x)] * 3, key_padding_mask=torch.tensor(padding))
    np.testing.assert_allclose(y.data, z.detach(), atol=1e-12)
    assert np.isnan(y.data[0]).all()


def test_masks_of_booleans_keep_single_precision():
    x = al.ones((2, 3, 8), dtype=al.float32)
    hidden, ahead = al.tensor([[False, False, True]] * 2), al.triu(al.ones(3, 3), 1) > 0
    attention = nn.MultiheadAttention(8, 2, batch_first=True).float()
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).float()
    for y in (
        attention(x, x, x, key_padding_mask=hidden, attn_mask=ahead)[0],
        attention(x, x, x, key_padding_mask=hidden, need_weights=False)[0],
        layer(x, src_key_padding_mask=hidden),
        layer(x, ahead),
    ):
        assert y.dtype == np.float32
