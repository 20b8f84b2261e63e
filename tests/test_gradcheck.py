"""The gradient check: no false alarms, clear refusals, and nothing left behind."""

import json
import random

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import ops
from autograd_lite.check import GradcheckError, check_module, gradcheck, gradgradcheck
from autograd_lite.nn import functional as F

rng = np.random.default_rng(3)


def leaf(*shape, dtype=float, scale=1.0, name=None):
    return al.tensor(rng.normal(size=shape) * scale, dtype=dtype, requires_grad=True, name=name)


def at(values, name=None):
    return al.tensor(values, dtype=float, requires_grad=True, name=name)


def positive(*shape):
    return at(rng.uniform(0.2, 3.0, shape))


M, N, V = (3, 4), (4, 2), (4,)
INDEX = np.array([[0, 2, 2, 1]])
KERNEL = (2, 2, 3, 3)
OPS = {
    "add": (lambda a, b: a + b, M, V),
    "subtract": (lambda a, b: a - b, M, V),
    "multiply": (lambda a, b: a * b, M, V),
    "divide": (lambda a, b: a / (b * b + 1.0), M, V),
    "negative": (lambda a: -a, M),
    "absolute": (al.absolute, M),
    "power": (lambda a: a**3, M),
    "float_power": (lambda a, b: (a * a + 0.5) ** b, M, V),
    "exp": (al.exp, M),
    "expm1": (al.expm1, M),
    "logs": (lambda a: al.log(a * a + 1) + al.log1p(a * a) + al.log2(a * a + 2), M),
    "roots": (lambda a: al.sqrt(a * a + 1) + al.reciprocal(a * a + 1), M),
    "sin, cos": (lambda a: al.sin(a) * al.cos(a), M),
    "tanh": (al.tanh, M),
    "sigmoid": (al.sigmoid, M),
    "relu": (al.relu, M),
    "softplus": (al.softplus, M),
    "maximum": (al.maximum, M, V),
    "minimum": (al.minimum, M, V),
    "where": (lambda a, b: al.where(a.data > 0, a, b), M, V),
    "clamp": (lambda a: al.clamp(a, -0.5, 0.5), M),
    "flat": (lambda a: al.sign(a) + al.floor(a) + al.ceil(a) + al.round(a), M),
    "sum": (lambda a: a.sum(0), M),
    "mean": (lambda a: a.mean(1, keepdim=True), M),
    "var, std": (lambda a: a.var(0) + a.std(0), M),
    "max": (lambda a: a.max(1).values, M),
    "amax, amin": (lambda a: a.amax(0) - a.amin(0), M),
    "logsumexp": (lambda a: a.logsumexp(0), M),
    "norm": (lambda a: a.norm(), M),
    "reshape": (lambda a: a.reshape(2, 6).T.flatten(), M),
    "permute": (lambda a: a.permute(2, 0, 1), (2, 3, 2)),
    "expand": (lambda a: a.expand(2, 3, 4), M),
    "cat, stack": (lambda a, b: al.cat([a, a * 2]).sum() + al.stack([b, b * b]), M, V),
    "split, chunk": (lambda a: a.split(2)[1] * 3 + a.chunk(2)[1], M),
    "pad": (lambda a: ops.pad(a, [(1, 0), (0, 2)]), M),
    "slices": (lambda a: a[1:, ::2] * a[0, 0], M),
    "picks": (lambda a: a[[0, 0, 2]] * 2, M),
    "masks": (lambda a: a[a > 0], M),
    "gather": (lambda a: al.gather(a, 0, INDEX), M),
    "index_select": (lambda a: al.index_select(a, 1, np.array([1, 1, 3])), M),
    "embedding": (lambda w: F.embedding(al.tensor([[0, 2], [2, 2]]), w), M),
    "matmul": (lambda a, b: a @ b, M, N),
    "matmul of vectors": (lambda a, b: (a @ b) * (b @ b), M, V),
    "matmul of batches": (lambda a, b: a @ b, (2, 3, 4), (4, 2)),
    "dot": (lambda a, b: a.dot(b), M, (2, 4, 2)),
    "linear": (F.linear, M, (2, 4), (2,)),
    "softmax": (lambda a: al.softmax(a, 1), M),
    "log_softmax": (lambda a: al.log_softmax(a, 0), M),
    "cross_entropy": (lambda a: F.cross_entropy(a, al.tensor([1, 0, 3])), M),
    "cross_entropy, smoothed": (lambda a: F.cross_entropy(a, al.tensor([1, -100, 3]), label_smoothing=0.1), M),
    "cross_entropy of rows": (lambda a: F.cross_entropy(a, al.softmax(al.ones(3, 4), 1)), M),
    "nll_loss": (lambda a: F.nll_loss(al.log_softmax(a, 1), al.tensor([1, 0, 3])), M),
    "mse_loss": (lambda a, b: F.mse_loss(a, b), M, M),
    "l1_loss": (lambda a, b: F.l1_loss(a, b), M, M),
    "bce": (lambda a, b: F.binary_cross_entropy(al.sigmoid(a), al.sigmoid(b)), M, M),
    "bce with logits": (F.binary_cross_entropy_with_logits, M, M),
    "conv2d": (lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1), (1, 2, 4, 4), KERNEL, (2,)),
    "conv2d, groups": (lambda x, w: F.conv2d(x, w, groups=2, dilation=2), (1, 2, 5, 5), (2, 1, 2, 2)),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2), (1, 2, 4, 4)),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 3, stride=1, padding=1), (1, 1, 4, 4)),
    "unfold, fold": (lambda x: F.fold(F.unfold(x, 2), (4, 4), 2), (1, 2, 4, 4)),
    "cast": (lambda a: a.to(np.float64) * 2, M),
}


@pytest.mark.parametrize("name", OPS)
def test_every_op_is_right(name):
    func, *shapes = OPS[name]
    report = gradcheck(func, [leaf(*s) for s in shapes])
    assert report, report
    assert all(v.checked == np.prod(v.shape) for v in report.verdicts)


@pytest.mark.parametrize("name", sorted(OPS))
def test_second_derivatives_are_right(name):
    func, *shapes = OPS[name]
    report = gradgradcheck(func, [leaf(*s) for s in shapes], max_entries=60)
    assert report, report


# No false alarms: randomness


def test_dropout_is_replayed():
    x = leaf(5, 4)
    own = np.random.default_rng(1)
    assert gradcheck(lambda x: F.dropout(x, 0.5) * x, x)
    assert gradcheck(lambda x: F.dropout(x, 0.5, generator=own) * x, x)
    holder = {"source": np.random.RandomState(0)}
    assert gradcheck(lambda x: x * holder["source"].random(4) + x * np.random.rand(4) * random.random(), x)


def test_generators_are_left_where_they_were():
    own = np.random.default_rng(1)
    before = own.bit_generator.state, al.random.default_generator.bit_generator.state, random.getstate()
    gradcheck(lambda x: F.dropout(x, 0.5, generator=own) + F.dropout(x) * random.random(), leaf(3))
    assert (own.bit_generator.state, al.random.default_generator.bit_generator.state, random.getstate()) == before


def test_what_is_not_deterministic_is_said_to_be():
    calls = []

    def noisy(x):
        calls.append(1)
        return x * float(len(calls))

    report = gradcheck(noisy, leaf(3))
    assert not report
    assert [f.kind for f in report] == ["nondeterministic"]
    assert "not deterministic" in str(report)


# Kinks


def test_kinks_are_recognised_and_reported():
    report = gradcheck(al.relu, at([0.0, 1.0, -1.0]))
    assert report
    (kink,) = [f for f in report if f.kind == "kink"]
    assert kink.index == (0,)
    assert "left 0, right" in kink.text
    assert "yours 0: acceptable" in kink.text


@pytest.mark.parametrize(
    ("func", "x"),
    [
        (al.absolute, [0.0, 0.0, 2.0]),
        (lambda x: al.clamp(x, -1, 1), [-1.0, 1.0, 0.3, 2.0]),
        (al.amax, [2.0, 2.0, 2.0, 1.0]),
        (lambda x: al.maximum(x, al.tensor([1.0, 3.0])), [1.0, 3.0]),
        (lambda x: al.relu(x) - al.clamp(x, 0), [0.0, 1.0]),
        (lambda x: F.max_pool2d(x.reshape(1, 1, 2, 2), 2), [1.0, 1.0, 0.0, 1.0]),
        (lambda x: al.stack([al.relu(x), al.clamp(x, 0), -al.absolute(x)]), [0.0, 0.0, 0.0]),
        (lambda x: (al.relu(x) + 5.0).sum(), [1e-6, -1e-6, 1e-4, 1.0]),
        (al.relu, [1e-9, -1e-9]),
        (lambda x: al.floor(x) + x, [2.0, 2.5]),
        (lambda x: x**2 * al.absolute(x), [0.0, 1e-3]),
    ],
)
def test_no_false_alarm_at_kinks(func, x):
    report = gradcheck(func, at(x))
    assert report, report


def test_a_wrong_slope_does_not_hide_behind_a_kink():
    @al.primitive(x=lambda g, x: g * np.where(x > 0, 1.0, np.where(x == 0, 0.5, 0.2)))
    def leaky(x):
        return np.maximum(x, 0)

    report = gradcheck(leaky, at([0.0, 1e-6, -1e-6, 3.0]))
    assert [e.index for e in report.verdicts[0].of("wrong")] == [(2,)]


def test_a_slope_where_the_function_is_flat_is_wrong():
    @al.primitive(x=lambda g: g)
    def straight_through(x):
        return np.rint(x)

    @al.primitive(x=lambda g: g)
    def shrunk(x):
        return x - np.clip(x, -0.5, 0.5)

    for scale in (1.0, 10.0, 1e4):
        x = [0.01, 2.1, scale, -scale]
        assert gradcheck(al.round, at(x))
        assert (0,) in [e.index for e in gradcheck(straight_through, at(x)).verdicts[0].of("wrong")]
        assert [e.index for e in gradcheck(shrunk, at(x)).verdicts[0].of("wrong")] == [(0,)]


def test_a_network_that_starts_at_zero_is_not_blamed():
    x = rng.normal(size=(6, 3))
    report = gradcheck(lambda w: (al.relu(x @ w) * al.tensor([1.0, -1.0])).sum(), at(np.zeros((3, 2))))
    assert report, report
    assert "kink" in str(report)


# Numbers


@pytest.mark.parametrize("scale", [1e-8, 1e-4, 1.0, 1e4, 1e8])
def test_magnitudes(scale):
    x = leaf(3, 2, scale=scale)
    for func in (lambda x: x * x, al.sin, lambda x: x / (1 + x * x), lambda x: al.tanh(x / scale), lambda x: x + 1.0):
        report = gradcheck(func, x)
        assert report, report
    assert gradcheck(lambda a, b: al.log(al.exp(a / scale) + b * b), (x, leaf(2, scale=1 / scale)))


FUNCTIONS = {
    "cancellation": (lambda x: (x + 1e8) - 1e8, [0.3, -2.0]),
    "cancellation of large parts": (lambda x: (al.exp(x) + 1e6 * x) - 1e6 * x, [0.3, -2.0]),
    "variance far from zero": (lambda x: al.var(x), [1e6, 1e6 + 1, 1e6 - 2]),
    "a sum that is constant": (lambda x: al.softmax(x, 0).sum(), [0.3, -2.0, 1.0]),
    "centred": (lambda x: (x - x.mean()).sum(), [0.3, -2.0, 1.0]),
    "zero gradient": (lambda x: x * 0.0, [0.3, -2.0]),
    "a constant": (lambda x: al.tensor([1.0, 2.0]), [0.3, -2.0]),
    "itself": (lambda x: x, [0.3, -2.0]),
    "stationary": (lambda x: x**2 + al.cos(x) + x**4, [0.0, 0.0]),
    "saturated sigmoid": (al.sigmoid, [40.0, -40.0, 36.5, -700.0, 800.0, 18.0]),
    "saturated tanh": (al.tanh, [20.0, -18.5, 5.0]),
    "saturated softmax": (lambda x: al.softmax(x, 0), [0.0, 40.0, 800.0, -30.0]),
    "saturated log_softmax": (lambda x: al.log_softmax(x, 0), [0.0, 37.0, 36.0, -30.0]),
    "saturated cross-entropy": (lambda x: F.cross_entropy(x, al.tensor(1)), [0.0, 40.0, 3.0]),
    "saturated bce": (lambda x: F.binary_cross_entropy_with_logits(x, al.ones(4)), [37.0, -37.0, 100.0, 18.0]),
    "softplus": (al.softplus, [40.0, -40.0, -800.0, 800.0]),
    "tiny gradient": (lambda x: x * 1e-20 + 0.0, [0.3, -2.0]),
    "edge of the domain": (lambda x: al.power(x, 1.5), [0.0, 1.0]),
    "fast": (lambda x: al.sin(x * 1e4), [0.3, -2.0]),
    "mixed magnitudes": (lambda x: al.log(x) + x.sum(), [1e-8, 1.0, 1e8]),
    "large outputs beside it": (lambda x: al.cat([x * 1e-7, x.detach() * 0 + 1e9]), [0.3, -2.0]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_false_alarm(name):
    func, x = FUNCTIONS[name]
    report = gradcheck(func, at(x))
    assert report, report


def test_a_small_gradient_is_not_lost_beside_large_outputs():
    @al.primitive(x=lambda g: g * -1e-7)
    def tiny(x):
        return x * 1e-7

    far = al.tensor([1e9, 1e12])
    report = gradcheck(lambda x: (tiny(x), far * 2.0, tiny(x) + 1.0), at([0.3, -2.0]))
    assert len(report.verdicts[0].of("wrong")) == 2


def test_float32_is_upcast_and_said_to_be():
    x, c = leaf(3, dtype=np.float32), al.tensor(np.ones(3, np.float32))
    report = gradcheck(lambda x, c: al.tanh(x) * c, (x, c))
    assert report, report
    assert "float64" in str(report)
    assert x.dtype == np.float32


def test_float32_inside_is_judged_by_its_own_rounding():
    report = gradcheck(lambda x: al.tanh(x.float()).double() * 2, at([0.3, -2.0]))
    assert report, report


# Inputs and outputs


def test_shapes_of_every_kind():
    wide = al.tensor(rng.normal(size=(4, 3)), requires_grad=True)
    view = al.Tensor(wide.data.T)
    view.requires_grad = True
    assert gradcheck(lambda x: x * x, view)
    assert gradcheck(lambda x: x * x, at(2.0)).verdicts[0].checked == 1
    report = gradcheck(lambda x, y: (x * 2, y.sum()), (at(np.zeros((0, 3))), leaf(2)))
    assert report
    assert "empty" in str(report)


def test_many_outputs_and_other_arguments():
    count = al.tensor([1, 2, 3])
    report = gradcheck(lambda x, n, k, factor: (x * n, {"a": 1}[k] * x.sum() * factor, n), (leaf(3), count, "a", 2.0))
    assert report, report
    assert [v.input for v in report.verdicts] == [0]


@pytest.mark.parametrize(
    ("func", "inputs", "error", "text"),
    [
        (al.exp, al.tensor([1.0]), ValueError, "no input requires a gradient"),
        (al.exp, al.tensor([1, 2]), ValueError, "int64"),
        (al.exp, np.ones(2), TypeError, "ndarray"),
        (al.exp, at([1.0, np.nan]), ValueError, r"input 0 is nan at \[1\]"),
        (al.exp, at(np.inf), ValueError, "inf"),
        (lambda x: x.data, at([1.0]), TypeError, "not a Tensor"),
        (lambda x: None, at([1.0]), TypeError, "forget to return"),
        (lambda x: x > 0, at([1.0]), ValueError, "no floating-point output"),
        (lambda x: (x, 3.0), at([1.0]), TypeError, "float"),
    ],
)
def test_what_cannot_be_checked_is_refused(func, inputs, error, text):
    with pytest.raises(error, match=text):
        gradcheck(func, inputs)


def test_outputs_that_are_not_finite_are_reported():
    report = gradcheck(al.log, at([1.0, -1.0]))
    assert not report
    assert "not finite" in str(report)


def test_gradients_that_are_not_finite_are_wrong():
    report = gradcheck(al.sqrt, at([1.0, 0.0]))
    assert [e.index for e in report.verdicts[0].of("wrong")] == [(1,)]


def test_nothing_is_left_behind():
    x, w = leaf(3, name="x"), leaf(3)
    (x * w).sum().backward()
    before = [(t.data, t.data.copy(), t.node, t.grad.data.copy()) for t in (x, w)]

    def fails(x):
        if x.data[0] != before[0][1][0]:
            raise KeyError("no")
        return x * w

    gradcheck(lambda x: x * w, x)
    gradgradcheck(lambda x: x * w * x, x)
    assert not gradcheck(fails, x)
    with pytest.raises(ZeroDivisionError):
        gradcheck(lambda x: x * (1 / 0), x)
    for t, (data, copy, node, grad) in zip((x, w), before, strict=True):
        assert t.data is data
        assert t.node is node
        np.testing.assert_array_equal(t.data, copy)
        np.testing.assert_array_equal(t.grad.data, grad)


def test_functions_that_write_into_their_input_are_refused():
    def writes(x):
        x.data[0] += 1.0
        return x * 2

    with pytest.raises(ValueError, match="in place"):
        gradcheck(writes, leaf(3))


# Reports


def test_report_says_where_and_by_how_much():
    @al.primitive(x=lambda g: g * np.array([3.0, 2.0, 3.0]))
    def triple(x):
        return x * 3.0

    x = at([1.0, 2.0, 4.0], name="weights")
    report = gradcheck(lambda x: triple(x) + 1.0, x)
    text = str(report)
    assert "input 0 (weights)" in text
    assert "[1]" in text
    assert "wrong at 1 of 3 entries" in text
    assert "report = gradcheck(lambda x: triple(x) + 1.0, x)" in text
    assert "|analytic - numeric| <= 1e-06 x" in text
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert plain["ok"] is False
    assert plain["inputs"][0]["worst"]["index"] == [1]
    assert plain["blame"]["op"] == "triple"
    assert [f.kind for f in report] == ["wrong"]
    with pytest.raises(GradcheckError, match="weights") as caught:
        gradcheck(lambda x: triple(x), x, raise_exception=True)
    assert isinstance(caught.value, AssertionError)
    assert not caught.value.report


def test_a_right_function_of_the_pytorch_kind_is_not_blamed():
    class Scale(al.autograd.Function):
        @staticmethod
        def forward(ctx, x, factor, w):
            ctx.save_for_backward(x, w)
            ctx.factor = factor
            return x * w * factor

        @staticmethod
        def backward(ctx, g):
            x, w = ctx.saved_tensors
            return g * w * ctx.factor, None, g * x * ctx.factor

    x, w = leaf(3), leaf(3)
    assert gradcheck(lambda x, w: Scale.apply(x, 2.0, w), (x, w))

    @al.primitive(x=lambda g: g)
    def double(x):
        return x * 2.0

    report = gradcheck(lambda x, w: double(Scale.apply(x, 2.0, w)), (x, w))
    assert report.op == "double", report


def test_large_inputs_are_sampled_and_the_report_says_so():
    report = gradcheck(lambda x: al.tanh(x).mean(), leaf(70, 50))
    assert report
    assert "directions" in str(report)
    assert report.verdicts[0].checked < 100


def test_seed_and_step_are_options():
    x = leaf(3)
    a, b, c = (gradcheck(al.exp, x, seed=s).verdicts[0].worst.analytic for s in (0, 0, 1))
    assert a == b != c
    assert gradcheck(al.exp, x, eps=1e-3, rtol=1e-8)


# Second derivatives


def test_gradgradcheck_takes_cotangents():
    x = leaf(3, 2)
    assert gradgradcheck(lambda x: (x**3, al.sin(x).sum()), x, (np.ones((3, 2)), np.ones(())))
    with pytest.raises(ValueError, match="grad_outputs have shapes"):
        gradgradcheck(lambda x: x**3, x, np.ones(3))
    assert gradgradcheck(lambda x: x * 2.0, x)


# Modules


def network(dtype=float):
    al.manual_seed(0)
    model = al.nn.Sequential(al.nn.Linear(3, 5), al.nn.Tanh(), al.nn.Linear(5, 2))
    for p in model.parameters():
        p.data = p.data.astype(dtype)
        p.requires_grad_(False).requires_grad_()
    return model


def test_check_module_gives_a_table():
    model = network()
    x, y = al.tensor(rng.normal(size=(4, 3))), al.tensor([0, 1, 1, 0])
    report = check_module(model, lambda: F.cross_entropy(model(x), y))
    assert report, report
    assert [v.label for v in report.verdicts] == [n for n, _ in model.named_parameters()]
    assert "0.weight" in str(report)
    assert check_module(model, F.cross_entropy, x, y)


def test_check_module_restores_float32_parameters_and_gradients():
    model = network(np.float32)
    x, y = al.tensor(rng.normal(size=(4, 3)).astype(np.float32)), al.tensor([0, 1, 1, 0])
    F.cross_entropy(model(x), y).backward()
    before = [(p, p.data, p.data.copy(), p.node, p.grad.data.copy()) for p in model.parameters()]
    assert check_module(model, F.cross_entropy, x, y)
    with pytest.raises(ZeroDivisionError):
        check_module(model, lambda: 1 / 0)
    for p, data, copy, node, grad in before:
        assert p.data is data
        assert p.node is node
        np.testing.assert_array_equal(p.data, copy)
        np.testing.assert_array_equal(p.grad.data, grad)


def test_check_module_names_parameter_and_op():
    model = network()
    model[0].weight.data *= 3

    @al.primitive(x=lambda g, y: g * (1 - y * y) * 1.01)
    def slanted(x):
        return np.tanh(x)

    x = al.tensor(rng.normal(size=(4, 3)))
    report = check_module(model, lambda: (model[2](slanted(model[0](x))) ** 2).mean())
    assert not report
    assert [v.label for v in report.verdicts if v.of("wrong")] == ["0.weight", "0.bias"]
    assert report.op == "slanted"


def test_check_module_refuses_what_it_cannot_check():
    with pytest.raises(TypeError, match="named_parameters"):
        check_module(3, lambda: None)
    with pytest.raises(ValueError, match="no parameter"):
        check_module({"w": al.ones(2)}, lambda: al.ones(2))
    with pytest.raises(TypeError, match="a batch is"):
        check_module({"w": at([1.0])}, lambda: None, al.ones(2))


def test_check_module_takes_a_large_layer():
    model = al.nn.Sequential(al.nn.Linear(784, 100), al.nn.ReLU(), al.nn.Linear(100, 10))
    x, y = al.tensor(rng.random((8, 784))), al.tensor(rng.integers(0, 10, 8))
    report = check_module(model, lambda: F.cross_entropy(model(x), y))
    assert report, report
