"""Exported models give in onnxruntime what they give here."""

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.nn import functional as F
from autograd_lite.onnx import table
from models.chapter_06 import DeepModule
from models.chapter_08 import ReluModule
from models.chapter_09 import TanhModule
from models.chapter_10 import ConvolutionModule
from models.chapter_11 import SentimentModule
from models.fill_in import FillInModule

pytest.importorskip("onnx", reason="pip install 'autograd_lite[onnx]'")
runtime = pytest.importorskip("onnxruntime", reason="what runs the files")

rng = np.random.default_rng(0)


def floats(*shape, dtype=np.float64):
    return al.tensor(rng.normal(size=shape).astype(dtype))


def whole(*shape, below=5):
    return al.tensor(rng.integers(below, size=shape))


def check(model, inputs, path, tolerance=1e-6):
    """Export, run, and compare, with the example and with other inputs."""
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    al.onnx.export(model, inputs, path)
    options = runtime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1
    session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    other = tuple(al.tensor(t.data + 0.25 if t.dtype.kind == "f" else t.data) for t in inputs)
    if isinstance(model, nn.Module):
        model.eval()
    for given in (inputs, other):
        found = session.run(None, {i.name: t.data for i, t in zip(session.get_inputs(), given, strict=True)})
        expected = al.func.trees.leaves(model(*given))
        for a, e in zip(found, expected, strict=True):
            assert (a.shape, a.dtype) == (e.shape, e.dtype)
            np.testing.assert_allclose(a, e.data, rtol=tolerance, atol=tolerance)


class Words(nn.Module):
    def __init__(self, kind, **settings):
        super().__init__()
        self.table = nn.Embedding(5, 3)
        self.recurrent = getattr(nn, kind)(3, 4, **settings)
        self.head = nn.Linear(4 * (1 + settings.get("bidirectional", False)), 2)

    def forward(self, words):
        y, state = self.recurrent(self.table(words))
        return {"scores": F.log_softmax(self.head(y), -1), "state": state}


NETWORKS = {
    "6 deep": lambda: (DeepModule(4), floats(4, 3)),
    "8 relu": lambda: (ReluModule(40, 0.5), floats(3, 784)),
    "9 tanh": lambda: (TanhModule(100), floats(3, 784)),
    "10 convolution": lambda: (ConvolutionModule(16), floats(2, 784)),
    "11 sentiment": lambda: (SentimentModule(50, 10), whole(7, below=50)),
    "11 fill-in": lambda: (FillInModule(50, 10), (whole(4, below=50), whole(5, below=50))),
    "lstm": lambda: (Words("LSTM"), whole(6, 2)),
    "lstm, both ways": lambda: (Words("LSTM", num_layers=2, bidirectional=True, dropout=0.5), whole(6, 2)),
    "lstm, batch first": lambda: (Words("LSTM", batch_first=True), whole(2, 6)),
    "gru": lambda: (Words("GRU", bidirectional=True), whole(6, 2)),
    "rnn": lambda: (Words("RNN", bidirectional=True), whole(6, 2)),
    "rnn, relu": lambda: (Words("RNN", nonlinearity="relu"), whole(6, 2)),
    "cell": lambda: (nn.LSTMCell(3, 4), floats(2, 3)),
    "encoder": lambda: (
        nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 7, batch_first=True), 2),
        floats(2, 5, 4),
    ),
    "pooled": lambda: (
        nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, stride=2, dilation=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        floats(2, 1, 9, 8),
    ),
    "grouped": lambda: (nn.Conv2d(4, 4, 3, groups=2, bias=False), floats(2, 4, 5, 5)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name, tmp_path):
    al.manual_seed(0)
    model, inputs = NETWORKS[name]()
    model.train()
    al.onnx.export(model, inputs, tmp_path / "train.onnx")
    assert model.training
    check(model, inputs, tmp_path / "model.onnx")


@pytest.mark.parametrize("name", ["9 tanh", "10 convolution", "lstm", "encoder"])
def test_networks_in_float32(name, tmp_path):
    al.manual_seed(0)
    al.set_default_dtype(np.float32)
    try:
        model, inputs = NETWORKS[name]()
        inputs = al.tensor(inputs.data.astype(np.float32)) if inputs.dtype.kind == "f" else inputs
        check(model, inputs, tmp_path / "model.onnx", 1e-5)
    finally:
        al.set_default_dtype(np.float64)


X, Y, P, N = floats(2, 3), floats(3), al.tensor(rng.random((2, 3)) + 0.5), whole(2, 3, below=2)
FUNCTIONS = {
    "add": (lambda x, y: x + y + 1, X, Y),
    "add, mixed": (lambda x, n: x + n * 2 + n, X, N),
    "divide": (lambda n: n / 4, N),
    "floor_divide": (lambda x, y: x // y, X, P),
    "powers": (lambda x, p: x**2 + p**0.5 + p**x + 2.0**x, X, P),
    "unary": (lambda x: al.exp(x) + al.sin(x) - al.cos(x) + abs(-x) + al.square(x) + al.tanh(x) + al.sigmoid(x), X),
    "more": (lambda p: al.log(p) + al.log1p(p) + al.log2(p) + al.sqrt(p) + al.reciprocal(p) + al.expm1(p), P),
    "steps": (lambda x: al.floor(x) + al.ceil(x) + al.round(x * 3) + al.sign(x), X),
    "softplus": (lambda x: F.softplus(x * 30), X),
    "clamp": (lambda x: al.clamp(x, -0.5, 0.3) + al.clamp(x, min=0.1) + al.maximum(x, -x) + al.minimum(x, 0.2), X),
    "where": (lambda x: al.where((x > 0) & ~(x >= 1) | (x < -1), x, x * 0.1), X),
    "comparisons": (lambda x, y: ((x == y) | (x != y), x <= y, (x > y) & (y > 0)), X, Y),
    "finite": (lambda x: (al.isnan(x), al.isinf(x), al.isfinite(x)), X),
    "reductions": (
        lambda x: (
            x.sum(),
            x.mean(0),
            x.sum(1, True),
            x.amax(1),
            x.amin(),
            al.logsumexp(x, 1),
            al.norm(x, 2, 1),
            x.std(),
        ),
        X,
    ),
    "places": (lambda x: (x.argmax(), x.argmax(1), al.argmin(x, 0, True)), X),
    "truth": (
        lambda x: (
            (x > 0).any(1),
            (x > -9).all(),
            al.logical_not(x > 0),
            al.logical_and(x > 0, x < 1),
            al.logical_or(x > 1, x < 0),
        ),
        X,
    ),
    "softmax": (lambda x: (al.softmax(x, 1), al.log_softmax(x, 0)), X),
    "products": (lambda x, y: (x @ y, x @ x.T, F.linear(x, x), x.T @ x, y @ y), X, Y),
    "shapes": (lambda x: (x.reshape(-1), x.T, x.unsqueeze(1), x.flatten(), al.broadcast_to(x, (4, 2, 3))), X),
    "joined": (lambda x, y: (al.cat([x, x * 2], 1), al.stack([y, y], 0), al.ops.pad(x, [0, 2, 1, 0], value=3.0)), X, Y),
    "slices": (lambda x: (x[0], x[:, 1:], x[..., ::-1], x[None, 1, ::2], x[-1, -1], x[::-1, ::-2], x[:]), X),
    "picked": (lambda x, n: (x[:, [2, 0]], x[[1, 0, 1]], x[n, n - 1], al.gather(x, 1, n)), X, N),
    "one_hot": (lambda n: F.one_hot(n, 5), N),
    "cast": (lambda x, n: (al.ops.cast(x, dtype=np.dtype(np.float32)), n.double(), x.long()), X, N),
    "constants": (lambda x: x * al.arange(3.0) + al.ones(2, 3).detach(), X),
    "detached": (lambda x: x.detach() * 2 + x.clone(), X),
    "the input": (lambda x: x, X),
    "a number": (lambda x: al.tensor(3.0), X),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name, tmp_path):
    function, *inputs = FUNCTIONS[name]
    check(function, tuple(inputs), tmp_path / "f.onnx")


def test_every_form_is_run():
    """Each op of the table is in one of the functions or networks above."""
    seen = set()
    with al.no_grad(), al.watch(lambda op, args, attrs, result: seen.add(op.name)):
        for function, *inputs in FUNCTIONS.values():
            function(*inputs)
        for make in NETWORKS.values():
            model, inputs = make()
            model(*(inputs if isinstance(inputs, tuple) else (inputs,)))
        al.ops.sum_to(X, shape=(1, 3))
    assert set(table.TABLE) - seen == set()


def test_parameters_keep_their_names_and_inputs_and_outputs_get_theirs(tmp_path):
    import onnx

    model = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    path = tmp_path / "m.onnx"
    al.onnx.export(model, X, path, input_names=["x"], output_names=["y"])
    graph = onnx.load(path).graph
    assert {"0.weight", "0.bias"} <= {i.name for i in graph.initializer}
    assert [graph.input[0].name, graph.output[0].name] == ["x", "y"]
    with pytest.raises(ValueError, match="1 inputs and 1 outputs"):
        al.onnx.export(model, X, path, input_names=["a", "b"])


class Writes(nn.Module):
    def forward(self, x):
        x = x * 1.0
        x[0] = al.tensor(x.data.sum())
        return x


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (lambda x: F.mse_loss(x, x * 2), "squared_error has no ONNX form.*add, affine"),
        (lambda x: F.dropout(x), "random numbers"),
        (lambda x: x * al.randn(3), "random numbers"),
        (lambda x: x * x.data.sum(), "not the model's for all inputs"),
        (lambda x: x * x.sum().item(), "not the model's for all inputs"),
        (lambda x: x if x.data[0, 0] > 0 else -x, "not the model's for all inputs"),
        (Writes(), "not the model's for all inputs"),
        (lambda x: x[x > 0], "of integers, among whole"),
        (lambda x: x[None][:, [0, 1], [1, 2]], "its first entries"),
    ],
)
def test_what_has_no_form_is_refused_and_the_old_file_stays(model, text, tmp_path):
    path = tmp_path / "old.onnx"
    path.write_text("old")
    x = al.tensor(np.array([[-1.0, 2.0, 3.0], [0.5, -0.2, 0.1]]))
    with pytest.raises(al.onnx.ExportError, match=text):
        al.onnx.export(model, x, path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["old.onnx"]


def test_what_is_no_tensor_is_refused(tmp_path):
    with pytest.raises(TypeError, match="inputs are tensors"):
        al.onnx.export(nn.ReLU(), (3.0,), tmp_path / "a.onnx")
    with pytest.raises(TypeError, match="returns tensors"):
        al.onnx.export(lambda x: 3.0, X, tmp_path / "a.onnx")
