"""Steps compiled through Numba do what NumPy does, number by number, and are kept on disk."""

import os
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as al
import models
from autograd_lite import nn
from autograd_lite.nn import functional as F
from models.network import CORRECTED
from models.records import Batch

numba = pytest.importorskip("numba", reason='Numba is missing, which the extra "jit" brings')

import test_compile_random as programs  # noqa: E402

from autograd_lite.compiler import jit  # noqa: E402

compiled = partial(al.compile, backend="numba")
rs = np.random.RandomState(0)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUMBA_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


def lines(run):
    """The lines of a program between its conditions and its result."""
    return [line.strip() for line in run.source[run.source.index("def step(") :].splitlines()]


def same(function, *arrays, left=None):
    """Hold what a compiled function returns against the function; `left` are NumPy's calls that stay in it."""
    with np.errstate(all="ignore"):
        expected, run = function(*arrays), compiled(function)
        run(*arrays)
        found = run(*arrays)
    for a, b in zip(map(np.asarray, expected), (t.data for t in found), strict=True):
        assert a.dtype == b.dtype
        tolerance = 1e-12 if a.dtype == np.float64 else 1e-6
        np.testing.assert_allclose(b, a, rtol=tolerance, atol=0, equal_nan=True)
    if left is not None:
        calls = [text for text in lines(run) if "(" in text and not text.startswith(("if", "or", "def", "return", ")"))]
        stay = [
            text.split("(")[0] for text in calls if not text.startswith(("loops", "except")) and "solid(" not in text
        ]
        assert sorted(stay) == sorted(left)
    return run


# Each op, against NumPy

EDGES = np.array([0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan, 1e308, -1e-308, 5e-324, 2.5])
UNARY = [
    np.negative, np.positive, np.absolute, np.square, np.sqrt, np.reciprocal, np.sign, np.isnan, np.isfinite, np.isinf,
    np.exp, np.log, np.expm1, np.log1p, np.tanh, np.sin, np.cos,
]  # fmt: skip
BINARY = [
    np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.fmax, np.fmin, np.power, np.logaddexp,
    np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal,
]  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_floats(dtype):
    with np.errstate(all="ignore"):
        x = np.repeat(EDGES, 11).astype(dtype)
        y = np.tile(EDGES, 11).astype(dtype)
    same(lambda x: tuple(f(x) for f in UNARY), x[::11].copy(), left=[])
    same(lambda x, y: tuple(f(x, y) for f in BINARY), x, y, left=[])
    same(lambda x: tuple(f(x, c) for f in BINARY for c in (0, 2, -1.5, 0.1)), x[::11].copy(), left=[])
    same(lambda x: tuple(f(c, x) for f in BINARY[:8] for c in (2, -1.5)), x[::11].copy(), left=[])


def test_signed_zeros_are_kept():
    x = np.array([0.0, -0.0, 1.0])
    run = compiled(lambda x: (-x, x * -1.0, x / -2, abs(-x)))
    for _ in range(2):
        found = run(x)
    for a, b in zip((-x, x * -1.0, x / -2, abs(-x)), found, strict=True):
        assert (np.signbit(a) == np.signbit(b.data)).all()


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8])
def test_integers(dtype):
    numbers = np.array([0, 1, -1, 5, 2**40, -(2**63), 2**63 - 1])
    x, y = np.repeat(numbers, 7).astype(dtype), np.tile(numbers, 7).astype(dtype)
    functions = [np.add, np.subtract, np.multiply, np.maximum, np.minimum, np.greater, np.equal, np.divide, np.less]
    functions += [np.floor_divide, np.remainder, np.logical_and]
    same(lambda x, y: (*(f(x, y) for f in functions), -x, np.square(x), x + 1, x / 2, x * 0.5, x > 1, x.sum()), x, y)


def test_booleans_and_mixtures():
    a, b = np.array([True, False] * 2), np.array([True, True, False, False])
    x, n, h = rs.randn(4), np.arange(-1, 3), rs.randn(4).astype(np.float32)

    def function(a, b, x, n, h):
        yes = np.logical_and(a, b), np.logical_or(a, b), np.logical_not(a), a == b, a != b, a + b, a * b, a > b
        mixed = a * 1.5, a + 1, np.where(a, x, n), np.where(n, h, a), n * x, h + n, h * x, x > n, np.maximum(h, x)
        return (*yes, *mixed, a.astype(np.float32), x.astype(np.int64), h.astype(float), n.astype(np.float32), a.sum())

    same(function, a, b, x, n, h)


def test_float32_is_calculated_in_float32():
    x = np.array([1e-8, 1.0, 16777216.0], np.float32)
    run = same(lambda x: (x + 1.0, (x + 1) - x, x * 0.1, (x * 0.1) * 10), x)
    for a, b in zip((x + 1.0, (x + 1) - x, x * np.float32(0.1)), run(x), strict=False):
        np.testing.assert_array_equal(b.data, a)


def test_broadcasting_in_every_position():
    shapes = (2, 3, 4), (3, 4), (4,), (1, 4), (3, 1), (2, 1, 1), (1, 3, 1), (1, 1, 1), ()
    arrays = [np.asarray(rs.randn(*shape)) for shape in shapes]
    same(lambda *given: tuple(a * b - a for a in given[::2] for b in given), *arrays, left=[])


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0,), ()])
def test_nothing_and_one_number(shape):
    def function(x):
        return x + 1, x * x, x.sum(), np.exp(x), x.T * 2, np.where(x > 0, x, 0), x.reshape(-1) - 1

    same(function, np.asarray(rs.randn(*shape)))


def layouts():
    x = rs.randn(6, 8)
    yield "transposed", x.T
    yield "every other", x[::2, 1::3]
    yield "backwards", x[::-1, ::-1]
    yield "repeated", np.broadcast_to(x[0], (6, 8))
    fixed = x.copy()
    fixed.flags.writeable = False
    yield "read-only", fixed
    yield "unaligned", np.frombuffer(b"\0" * 4 + x.tobytes(), np.uint8)[4:].view(np.float64).reshape(6, 8)


@pytest.mark.parametrize("x", [x for _, x in layouts()], ids=[name for name, _ in layouts()])
def test_arrays_in_any_order_of_memory(x):
    def function(x):
        changed = x + 1, x.T * 2, x[::-1] - x, x[..., None] * x[0], x.reshape(-1) * 2, x.T.reshape(-1) + 1
        return *changed, x.sum(0), x.T.sum(0), x.dot(x.T), x.T.dot(x)

    same(function, x)


def test_sums_and_extremes():
    def function(x, n, h, odd):
        sums = x.sum(), x.sum(0), x.sum(1, keepdims=True), x.sum((0, 2)), x.T.sum(0), x.sum(()), h.sum(1)
        most = x.max(0), x.min(1), x.max(), np.maximum.reduce(x, 1, initial=2.0), odd.max(), odd.min(0), odd.max(1)
        return *sums, *most, odd.sum(), n.sum(0), n.max(0), (n > 1).sum(1), (n > 1).all(0), (n > 1).any()

    odd = np.array([[1, np.nan], [np.inf, -np.inf]])
    same(function, rs.randn(3, 4, 5), np.arange(12).reshape(3, 4), rs.rand(3, 40).astype(np.float32), odd)


def test_long_sums_are_as_exact_as_they_were():
    x = np.concatenate([rs.rand(100_000) * 1e6, rs.rand(400)])
    same(lambda x: (x.sum(), (x * 0.1).sum(), x[:500].sum()), x)


def test_products():
    def function(a, b, v, c):
        plain = a.dot(b), v.dot(a.T), a.dot(v), v.dot(v), a @ b, v @ b, a.T @ a
        return *plain, c @ b, c @ c.swapaxes(1, 2), a[:, :1].dot(b[:1]), b.T.dot(b[:, ::-1])

    same(function, rs.randn(3, 18), rs.randn(18, 5), rs.randn(18), rs.randn(2, 3, 18), left=[])
    same(function, rs.randn(80, 90), rs.randn(90, 70), rs.randn(90), rs.randn(2, 80, 90))


def test_parts_are_taken_joined_and_written():
    def function(x, i):
        y = x.copy()
        y[1:3] = x[0:2]
        y[0, ::2] = 7
        z = np.zeros_like(x)
        z[..., 1] = x[..., 0]
        taken = x.take(i, 0), x.take(i, 1), x.take(i), np.take(x[:, ::-1], i, 1)
        return y, z, y * 2, *taken, np.concatenate([x, x * 2], 1), np.clip(x, -0.5, 0.5)

    same(function, rs.randn(4, 5), np.array([[0, -1], [3, 2]]), left=[])


def test_an_index_out_of_range_is_refused():
    run = compiled(lambda x, i: x.take(i, 0) * 2)
    x = rs.randn(3, 2)
    for index in ([0, 1], [-3, 2]):
        np.testing.assert_array_equal(run(x, np.array(index)).data, x[index] * 2)
    for index in ([0, 3], [-4, 0]):
        with pytest.raises(IndexError, match="out of"):
            run(x, np.array(index))


def test_a_result_that_changes_its_shape_is_refused():
    run = compiled(lambda x, chosen: x[chosen] * 2)
    x = rs.randn(4)
    for _ in range(2):
        run(x, np.array([True, False, True, False]))
    with pytest.raises(ValueError, match=r"\(2,\)"):
        run(x, np.array([True, True, True, False]))


# Steps


def trained(make, args, backend, steps=8, between=None):
    al.manual_seed(3)
    parameters, step, things = make()
    run = al.compile(step, backend=backend) if backend else step
    losses = []
    for k in range(steps):
        if between:
            between(k, *things)
        losses.append(np.array(run(*args[k % len(args)]).data))
    return losses, [p.data for p in parameters], run


def both(make, args, **more):
    expected, weights, _ = trained(make, args, None, **more)
    losses, ours, run = trained(make, args, "numba", **more)
    for a, b in zip([*losses, *ours], [*expected, *weights], strict=True):
        tolerance = 1e-12 if b.dtype == np.float64 else 1e-5
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * np.abs(b).max(initial=0))
    return run


def sgd(parameters, **more):
    return al.optim.SGD(parameters, lr=0.1, **more)


def perceptron(optimizer=sgd, drop=0.0, dtype=float, loss=F.mse_loss, zero=True):
    def make():
        model = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Dropout(drop), nn.Linear(7, 3))
        for p in model.parameters():
            p.data = p.data.astype(dtype)
        rule = optimizer(model.parameters())

        def step(x, y):
            if zero:
                rule.zero_grad()
            error = loss(model(x), y)
            error.backward()
            rule.step()
            return error

        return list(model.parameters()), step, (model, rule)

    return make


def array(*shape, dtype=float):
    return al.tensor(np.asarray(rs.randn(*shape), dtype))


BATCHES = [(array(4, 5), array(4, 3)) for _ in range(3)]
CLASSES = [(x, al.tensor(rs.randint(3, size=4))) for x, _ in BATCHES]


@pytest.mark.parametrize(
    "optimizer",
    [
        partial(sgd, momentum=0.9, nesterov=True, weight_decay=0.01),
        lambda p: al.optim.Adam(p, lr=0.1, weight_decay=0.1),
    ],
)
def test_optimizers_and_their_states(optimizer):
    assert both(perceptron(optimizer), BATCHES).recompiles <= 1


def test_gradients_add_up_where_nothing_forgets_them():
    both(perceptron(zero=False), BATCHES)


def test_training_and_evaluation_with_dropout():
    both(perceptron(drop=0.5), BATCHES, between=lambda k, model, rule: model.train(k % 4 < 2))


def test_classes_in_float32():
    batches = [(al.tensor(x.data.astype(np.float32)), y) for x, y in CLASSES]
    both(perceptron(dtype=np.float32, loss=F.cross_entropy), batches)


def test_parameters_and_rates_that_change_outside():
    def change(k, model, rule):
        rule.param_groups[0]["lr"] = 0.1 / (k + 1)
        if k == 3:
            model.load_state_dict({n: al.tensor(np.full(p.shape, 0.1)) for n, p in model.named_parameters()})
        if k == 4:
            model[0].weight.data = np.full((7, 5), 0.2)
        if k == 6:
            model[0].weight.data = np.asfortranarray(np.full((7, 5), 0.3))  # of which the loops know nothing

    assert both(perceptron(), BATCHES, between=change).recompiles == 1


def test_an_argument_in_the_memory_of_a_parameter():
    w = al.tensor(np.arange(16.0).reshape(2, 8) / 100, requires_grad=True)
    rule = sgd([w])

    @compiled
    def step(x):
        rule.zero_grad()
        F.linear(x, w).square().sum().backward()
        rule.step()

    step(w.data[:1].copy())
    step(w.data[:1].copy()[:])
    before = w.data.copy()
    for x in (w.data[:1], w.data[0][None, ::1]):
        with pytest.raises(al.TraceError, match="share memory"):
            step(x)
    assert (w.data == before).all()


def test_shapes_have_programs_of_their_own():
    assert both(perceptron(), [(array(n, 5), array(n, 3)) for n in (4, 1)]).recompiles == 1


@pytest.mark.parametrize("optimizer", [sgd, lambda p: al.optim.Adam(p, lr=0.1)])
def test_embeddings(optimizer):
    def make():
        words, line = nn.Embedding(20, 4), nn.Linear(4, 1)
        parameters = [*words.parameters(), *line.parameters()]
        rule = optimizer(parameters)

        def step(index, y):
            rule.zero_grad()
            error = F.binary_cross_entropy_with_logits(line(F.sigmoid(words(index).sum(0))), y)
            error.backward()
            rule.step()
            return error

        return parameters, step, ()

    index = [np.array([3, 1, 3, -1, 0, 3]), np.arange(6)]  # rows twice, and from the end
    run = both(make, [(al.tensor(i), al.tensor([float(k)])) for k, i in enumerate(index)])
    if optimizer is sgd:
        assert not any("add_rows" in text for text in lines(run))


def test_convolutions():
    def make():
        model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3))
        rule = sgd(model.parameters())

        def step(x, y):
            rule.zero_grad()
            error = F.cross_entropy(model(x), y)
            error.backward()
            rule.step()
            return error

        return list(model.parameters()), step, ()

    both(make, [(array(2, 1, 8, 8), al.tensor(rs.randint(3, size=2))) for _ in range(2)])


NETWORKS = ["4.5", "5.1", "5.5", "6.2-batch", "6.3", "6.6-10", "8.1", "9.1", "A.2", "A.5", "B.2", "B.4"]


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_the_book(name):
    network = models.find(name)
    data = network.data()
    found = []
    for wrap in (lambda step: step, compiled):
        weights, rng = network.start()
        tensors = network.tensors(weights)
        rule = al.optim.SGD([t for t in tensors.values() if t.requires_grad], lr=network.versions[CORRECTED].lr)

        def step(x, labels, mask=None, samples=None, tensors=tensors, rule=rule):
            graph = network.graph(tensors, Batch(x, labels, mask, samples))
            rule.zero_grad()
            graph.error.backward()
            rule.step()
            return graph.error

        run = wrap(lambda *given, step=step: step(*given)) if wrap is not compiled else compiled(step)
        losses = []
        while len(losses) < 50:
            for batch in network.batches(data, rng):
                given = [batch.x, batch.labels, batch.mask, batch.samples]
                while given[-1] is None:
                    given.pop()
                losses.append(run(*given).item())
                if len(losses) == 50:
                    break
        found.append((losses, [t.data for t in tensors.values()]))
    (expected, weights), (losses, ours) = found
    np.testing.assert_allclose(losses, expected, rtol=1e-12, atol=1e-12 * max(expected))
    for a, b in zip(ours, weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12 * np.abs(b).max(initial=0))


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 10**6), st.integers(5, 40))
def test_random_steps(seed, length):
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        expected, weights, _ = programs.trained(seed, length, np.float64, False)
        patch.setattr(programs, "Compiled", compiled)
        losses, ours, _ = programs.trained(seed, length, np.float64, True)
    np.testing.assert_allclose(losses, expected, rtol=1e-12, atol=1e-13)
    for a, b in zip(ours, weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12 * max(1.0, np.abs(b).max(initial=0.0)))


# What is around


def test_names_that_the_loops_use_themselves():
    same(lambda i0, k, table, v1, exp, pointer: (i0 + k, table.dot(v1), exp * pointer), *rs.randn(6, 5), left=[])


def test_the_source_shows_the_loops():
    run = same(lambda x, y: ((x * 2 + y).sum(0),), rs.randn(3, 4), rs.randn(3, 4))
    assert run.source.startswith("def loops(table, ")
    assert "for i0 in range(12):" in run.source
    assert "loops(table, " in lines(run)[-2]


def test_values_that_only_a_loop_needs_are_not_kept():
    run = compiled(lambda x: np.sqrt(x * x + 1) * 2 - x)
    for _ in range(2):
        run(rs.randn(100))
    assert run.source.count("] = ") == 1


SCRIPT = """
import numpy as np, autograd_lite as al
run = al.compile(lambda x: (x * 2 + 1).sum(), backend="numba")
print([run(np.arange(5.0)).item() for _ in range(3)][-1])
machine = run._runs[0]._emitter.machine[1]
print(sum(sum(f.stats.cache_hits.values()) for f in machine.values()), len(machine))
"""


def in_another_process(folder):
    paths = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_machine_code_is_found_again_in_another_process(tmp_path):
    assert in_another_process(tmp_path) == ["25.0", "0", "1"]
    assert in_another_process(tmp_path) == ["25.0", "1", "1"]
    for path in tmp_path.rglob("*.nb[ic]"):
        path.write_bytes(b"nothing that Numba wrote")
    assert in_another_process(tmp_path)[0] == "25.0"


def test_a_directory_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    assert jit.written("text") is None
    same(lambda x: (x * 3 - 1,), rs.randn(4))


def test_a_text_is_written_whole_whoever_else_writes_it(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    text = "# text\n" * 10_000
    threads = [threading.Thread(target=jit.written, args=(text,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (path,) = (p for p in tmp_path.rglob("*") if p.is_file())
    assert path.read_text() == text


def test_without_numba_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(ImportError, match=r"autograd_lite\[jit\]"):
        al.compile(lambda x: x, backend="numba")
