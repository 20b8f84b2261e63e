"""What a program takes for granted is asked for before it runs; what it cannot do is refused, or done as it is."""

import collections
import copy
import gc
import linecache
import pickle
import random
import threading
import types
import warnings
import weakref
from contextlib import suppress
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.nn import functional as F

ALPHA = 2.0
Pair = collections.namedtuple("Pair", "left right")
jit = pytest.mark.skipif(find_spec("numba") is None, reason="numba is not installed: pip install -e .[jit]")
backends = pytest.mark.parametrize("backend", ["numpy", pytest.param("numba", marks=jit)])


def same(make, backend="numpy"):
    """What calling a scenario gives, uncompiled and compiled."""
    found = []
    for wrap in (lambda f: f, lambda f: al.compile(f, backend=backend)):
        al.manual_seed(0)
        found.append([np.array(value.data if isinstance(value, al.Tensor) else value) for value in make(wrap)])
    for ours, expected in zip(found[1], found[0], strict=True):
        assert ours.dtype == expected.dtype
        np.testing.assert_allclose(
            ours, expected, rtol=1e-12, atol=1e-12 * np.nan_to_num(np.abs(expected)).max(initial=0)
        )


def leaf(*numbers):
    return al.tensor(list(numbers), requires_grad=True)


def trained(w, optimizer):
    def step(x):
        optimizer.zero_grad()
        loss = al.square(w * x).sum()
        loss.backward()
        optimizer.step()
        return loss

    return step


# What the step's code looks up


def test_a_rebound_model_and_optimizer():
    def scenario(wrap):
        w = leaf(1.0, 2.0)
        rule = al.optim.SGD([w], lr=0.1)

        def step(x):
            rule.zero_grad()
            (w * x).sum().backward()
            rule.step()
            return w.detach().clone()

        run, x = wrap(step), al.ones(2)
        yield from (run(x), run(x))
        rule = al.optim.SGD([w], lr=5.0)
        yield run(x)
        w = leaf(7.0, 8.0)
        rule = al.optim.SGD([w], lr=1.0)
        yield run(x)

    same(scenario)


def test_globals_and_attributes(monkeypatch):
    class Trainer:
        def __init__(self):
            self.scale, self.table = 3.0, {"bias": 1.0}

        def step(self, x):
            return x * self.scale * helper() + self.table["bias"]

    def helper():
        return ALPHA

    def scenario(wrap):
        trainer = Trainer()
        run = wrap(trainer.step)
        yield run(al.ones(1))
        trainer.scale = 4.0
        yield run(al.ones(1))
        trainer.table["bias"] = -1.0
        yield run(al.ones(1))
        with monkeypatch.context() as patch:
            patch.setitem(globals(), "ALPHA", 5.0)
            yield run(al.ones(1))

    same(scenario)


@pytest.mark.parametrize(
    "change",
    [
        lambda model: setattr(model, "1", nn.Tanh()),
        lambda model: setattr(model[0], "weight", nn.Parameter(np.full((2, 2), 0.5))),
        lambda model: setattr(model[0], "bias", None),
        lambda model: setattr(model[2], "p", 0.0),
        lambda model: model.eval(),
    ],
)
def test_a_changed_module(change):
    def scenario(wrap):
        model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Dropout(0.5))
        run = wrap(lambda x: model(x))
        yield run(al.ones(3, 2))
        yield run(al.ones(3, 2))
        change(model)
        yield run(al.ones(3, 2))
        yield run(al.ones(3, 2))

    same(scenario)


@pytest.mark.parametrize(
    "change",
    [
        lambda rule, w: rule.param_groups[0].update(lr=0.5),
        lambda rule, w: rule.param_groups[0].__ior__({"momentum": 0.5}),
        lambda rule, w: rule.param_groups[0].__setitem__("weight_decay", 0.1),
        lambda rule, w: rule.state.clear(),
        lambda rule, w: rule.state.__setitem__(w, {"momentum_buffer": np.ones(2)}),
        lambda rule, w: rule.state.__setitem__(w, {"another": np.ones(2)}),
        lambda rule, w: rule.state[w].clear(),
        lambda rule, w: rule.state[w].__setitem__("momentum_buffer", np.ones(2)),
        lambda rule, w: rule.param_groups[0]["params"].clear(),
        lambda rule, w: w.register_hook(lambda g: g * 2),
    ],
)
def test_a_changed_optimizer(change):
    def scenario(wrap):
        w = leaf(1.0, 2.0)
        rule = al.optim.SGD([w], lr=0.1, momentum=0.9)
        run, x = wrap(trained(w, rule)), al.tensor([0.5, 0.25])
        for k in range(8):
            if k == 4:
                change(rule, w)
            yield run(x)
        yield w

    same(scenario)


def test_parameters_that_come_later_are_trained():
    def scenario(wrap):
        v, w = leaf(1.0), leaf(2.0)
        rule = al.optim.SGD([v], lr=0.1)

        def step(x):
            rule.zero_grad()
            (v * w * x).sum().backward()
            rule.step()

        run = wrap(step)
        for k in range(4):
            if k == 2:
                rule.add_param_group({"params": [w], "lr": 0.5})
            run(al.ones(1))
            yield from (v.detach().clone(), w.detach().clone())

    same(scenario)


def test_a_learning_rate_that_the_step_reads():
    def scenario(wrap):
        w = leaf(1.0)
        rule = al.optim.SGD([w], lr=0.1)
        run = wrap(lambda x: x * rule.param_groups[0]["lr"])
        yield run(al.ones(1))
        rule.param_groups[0]["lr"] = 0.7
        yield run(al.ones(1))

    same(scenario)


# Arguments


def test_values_are_told_apart_by_type_and_by_sign():
    run = al.compile(lambda x, k: x * k)
    x = al.tensor([1, 2])
    assert [run(x, k).dtype.kind for k in (1, 1.0, True, np.float32(1), 1)] == ["i", "f", "i", "f", "i"]
    divide = al.compile(lambda x, k: x * k)
    assert [np.signbit(divide(al.ones(1), k).item()) for k in (0.0, -0.0, 0.0)] == [False, True, False]
    run = al.compile(lambda x, k: x)
    run(x, float("nan")), run(x, float("nan"))
    assert run.recompiles == 0


def test_containers_and_objects_are_looked_into():
    def scenario(wrap):
        run = wrap(lambda batch, pair, options: batch["x"] * pair.left * options.scale + batch["y"][0])
        options = types.SimpleNamespace(scale=2.0)
        for x, left, scale in [(1.0, 2.0, 3.0), (2.0, 3.0, 3.0), (2.0, 3.0, 4.0)]:
            options.scale = scale
            batch = {"x": al.full((2,), x), "y": [al.ones(2), "label"]}
            yield run(batch, Pair(al.full((2,), left), None), options)

    same(scenario)
    run = al.compile(lambda batch: batch["x"] * 2)
    for k in range(3):
        run({"x": al.full((2,), float(k))})
    assert run.recompiles == 0
    run({"x": al.ones(2), "y": 1})
    assert run.recompiles == 1


def test_arguments_by_name():
    def scenario(wrap):
        run = wrap(lambda x, *, scale=2.0, **more: x * scale + sum(more.values(), start=al.zeros(1)))
        yield from (run(al.ones(1)), run(al.ones(1), scale=3.0), run(x=al.ones(1), scale=al.full((1,), 4.0)))
        yield from (run(al.ones(1), a=al.ones(1)), run(al.ones(1), a=al.full((1,), 5.0), b=al.ones(1)))

    same(scenario)


def test_one_array_given_twice():
    run, a, b = al.compile(lambda x, y: x - y), al.ones(2), al.zeros(2)
    assert [run(a, a).tolist(), run(a, b).tolist(), run(b, a).tolist()] == [[0, 0], [1, 1], [-1, -1]]


def test_arguments_that_the_step_writes_to():
    def set_entry(x):
        x[0] = 5.0
        return x * 2

    def rebind(x):
        x.data *= 2
        return x.sum()

    for function in (set_entry, rebind):
        run = al.compile(function)
        for _ in range(3):
            x, y = al.tensor([1.0, 2.0]), al.tensor([1.0, 2.0])
            assert run(x).tolist() == function(y).tolist()
            assert x.tolist() == y.tolist()


def test_a_parameter_as_an_argument():
    def scenario(wrap):
        v, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
        run = wrap(lambda p, x: al.autograd.grad(al.square(p * x).sum(), p)[0])
        yield from (run(p, al.ones(2)) for p in (v, w, v))

    same(scenario)


# Random numbers


@pytest.mark.parametrize(
    "draw",
    [
        lambda: al.rand(3),
        lambda: al.randn(2, 2),
        lambda: al.randint(0, 1000, (3,)),
        lambda: al.rand(3, dtype=np.float32),
        lambda: al.randn(3, dtype=np.float32),
        lambda: F.dropout(al.ones(8), 0.5),
        lambda: al.nn.init.uniform_(al.zeros(3), -1.0, 1.0),
    ],
)
def test_draws_are_made_in_each_step(draw):
    same(lambda wrap: (run(al.ones(1)) for run in [wrap(lambda x: x.sum() * draw())] * 4))


def test_draws_that_cannot_be_followed_are_refused():
    own = np.random.default_rng(0)
    for draw in (lambda: np.random.rand(), lambda: random.random()):
        with pytest.raises(al.TraceError, match=r"draws from (np\.)?random"):
            al.compile(lambda x, draw=draw: x * draw())(al.ones(1))
    with pytest.raises(al.TraceError, match="draws from Generator"):
        al.compile(lambda x: x * own.random())(al.ones(1))
    with pytest.raises(al.TraceError, match="manual_seed"):
        al.compile(lambda x: (al.manual_seed(0), x)[1])(al.ones(1))

    def scenario(wrap):
        mine = np.random.default_rng(0)
        run = wrap(lambda x: x * al.rand(2, generator=mine))
        yield from (run(al.ones(1)) for _ in range(3))

    same(scenario)


# What the step leaves behind


def test_running_values():
    class Average(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("value", al.zeros(2))

        def forward(self, x):
            self.value = 0.9 * self.value + 0.1 * x.detach()
            return x - self.value

    def scenario(wrap):
        average = Average()
        run = wrap(lambda x: average(x))
        for k in range(4):
            yield run(al.full((2,), float(k)))
            yield average.value.clone()
        assert isinstance(average.value.data, np.ndarray)
        assert list(average.state_dict()) == ["value"]

    same(scenario)


def test_what_stays_outside_is_refused():
    kept, module, count = [], nn.ReLU(), [0]

    def append(x):
        kept.append(x * 2)

    def assign(x):
        module.seen = x * 2

    def counts(x):
        count[0] += 1
        return x

    def deep(x):
        nest["inner"].append(x * 2)

    nest = {"inner": collections.deque()}
    with pytest.raises(al.TraceError, match=r"assigns ReLU\.seen"):
        al.compile(assign)(al.ones(1))
    assert not hasattr(module, "seen")
    for step, text in [(append, "kept"), (assign, r"assigns ReLU\.seen"), (counts, "count")]:
        with pytest.raises(al.TraceError, match=text):
            al.compile(step)(al.ones(1))
    with pytest.raises(al.TraceError, match="keeps a tensor outside"):
        al.compile(deep)(al.ones(1))


def test_a_module_that_counts_is_refused():
    class Counter(nn.Module):
        def __init__(self):
            super().__init__()
            self.calls = 0

        def forward(self, x):
            self.calls += 1
            return x * self.calls

    with pytest.raises(al.TraceError, match=r"changes Counter\.calls"):
        al.compile(Counter())(al.ones(1))


def test_tensors_that_the_step_makes_and_writes_to():
    def scenario(wrap):
        def step(x):
            total = al.zeros(2)
            total[:] = total + x
            return total

        run = wrap(step)
        yield from (run(al.ones(2)) for _ in range(3))

    same(scenario)


def test_places_that_change_hands():
    def scenario(wrap):
        a, b, log = al.tensor([1.0, 2.0]), al.tensor([3.0, 4.0]), al.zeros(2)

        def step(x):
            old = a.detach()
            a.data, b.data = b.data, a.data + x.data
            log.data = np.zeros(2)
            return old, log + 1

        run = wrap(step)
        for _ in range(3):
            yield from run(al.ones(2))
            yield from (a.clone(), b.clone(), log.clone())

    same(scenario)


def test_shared_memory_is_refused():
    w = leaf(1.0, 2.0, 3.0)
    target, train = w.detach(), trained(w, al.optim.SGD([w], lr=0.1))
    with pytest.raises(al.TraceError, match="share memory"):
        al.compile(lambda x: (train(x), target * 1))(al.ones(3))
    assert w.tolist() == [1, 2, 3]


# Programs


@backends
@pytest.mark.parametrize(
    "function",
    [
        lambda x, w: (al.tanh(x) * al.exp(x).T).sum() + w.sum(),
        lambda x, w: (x[:, :2] * x[:, 1:]).sum() + (w * w).sum(),
        lambda x, w: al.square(w - w.T).sum() + (w.reshape(-1) * 2).sum(),
        lambda x, w: al.where(x > 0, x * 0.9 + w, 0.0),
        lambda x, w: (x * 2, x * 2, [x.T, w.T]),
    ],
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_views_and_orders(function, order, backend):
    def scenario(wrap):
        w = al.from_numpy(np.asarray(np.random.RandomState(0).randn(3, 3), order=order))
        run = wrap(lambda x: function(x, w))
        for k in range(3):
            found = run(al.tensor(np.random.RandomState(k).randn(3, 3)))
            for value in found if isinstance(found, tuple) else [found]:
                yield from value if isinstance(value, list) else [value]

    same(scenario, backend)


def test_a_value_returned_that_the_loss_computed_too():
    def scenario(wrap):
        model = nn.Linear(4, 3)

        def step(x, y):
            scores = model(x)
            loss = F.cross_entropy(scores, y)
            loss.backward()
            return loss, F.softmax(scores, dim=1)

        run, rs = wrap(step), np.random.RandomState(0)
        for _ in range(3):
            yield from run(al.tensor(rs.randn(5, 4)), al.tensor(rs.randint(0, 3, 5)))
        yield model.weight.grad

    same(scenario)


def test_relus_slope_at_what_is_not_a_number():
    def scenario(wrap):
        w = leaf(1.0, 2.0)
        rule = al.optim.SGD([w], lr=0.1)

        def step(x):
            rule.zero_grad()
            al.where(al.tensor([True, False]), al.relu(w * x), 0.0).sum().backward()
            rule.step()
            return w.detach().clone()

        run = wrap(step)
        yield from (run(al.tensor([1.0, float("nan")])) for _ in range(3))

    same(scenario)


def test_gradients_forgotten_outside():
    def scenario(wrap):
        model = nn.Linear(3, 2)
        rule = al.optim.SGD(model.parameters(), lr=0.1)

        def step(x):
            loss = model(x).square().sum()
            loss.backward()
            return loss

        run = wrap(step)
        for _ in range(5):
            rule.zero_grad()
            yield run(al.ones(4, 3))
            rule.step()
        if run is not step:
            assert run.recompiles == 0

    same(scenario)


def test_an_optimizer_step_alone():
    def scenario(wrap):
        w = leaf(1.0, 2.0)
        rule = al.optim.SGD([w], lr=0.1)
        run = wrap(lambda: rule.step())
        for k in range(3):
            w.grad = al.full((2,), float(k))
            run()
            yield w.detach().clone()

    same(scenario)


def test_shapes_that_depend_on_values():
    run = al.compile(lambda x: x[x > 0].sum())
    assert run(al.tensor([1.0, 2.0, -1.0])).item() == 3
    with pytest.raises(ValueError, match=r"shape that depends on values.*al\.where"):
        run(al.tensor([1.0, -2.0, -1.0]))
    with pytest.raises(al.TraceError, match="an index at"):
        al.compile(lambda x, n: x[:n])(al.ones(3), al.tensor(2))


@pytest.mark.parametrize("name", ["miss", "changes", "seen", "wrote", "constant_of", "len", "type", "x²", "ﬁ", "def"])
def test_names_that_are_taken(name):
    w = al.tensor([1.0, 2.0], requires_grad=True, name=name)
    run = al.compile(trained(w, al.optim.SGD([w], lr=0.1)))
    assert [round(run(al.ones(2)).item(), 3) for _ in range(3)] == [5.0, 3.2, 2.048]


# As an object


def test_methods():
    class Trainer:
        def __init__(self, number):
            self.w = al.tensor([number])

        @al.compile
        def step(self, x):
            return self.w * x

    a, b = Trainer(2.0), Trainer(3.0)
    assert [t.step(al.ones(1)).item() for t in (a, b, a)] == [2, 3, 2]
    assert a.step is a.step
    assert a.step is not b.step
    assert Trainer.step is not a.step


def test_copies_and_the_model_behind_it():
    model = nn.Sequential(nn.Linear(2, 2))
    run = al.compile(model)
    assert list(run.state_dict()) == list(model.state_dict())
    assert "compiled" in repr(run)
    other = copy.deepcopy(run)
    for p in other.parameters():
        p.data[...] = 0
    assert other(al.ones(1, 2)).tolist() == [[0, 0]]
    assert run(al.ones(1, 2)).tolist() == model(al.ones(1, 2)).tolist()
    assert pickle.loads(pickle.dumps(run))(al.ones(1, 2)).tolist() == model(al.ones(1, 2)).tolist()
    with pytest.raises(AttributeError):
        run.nothing_of_that_name  # noqa: B018


def test_threads_take_turns():
    run, wrong = al.compile(lambda x: al.tanh(x).sum() * 2), []
    run(al.ones(64))

    def work(k):
        x = al.full((64,), float(k))
        wrong.extend(1 for _ in range(200) if run(x).item() != pytest.approx(128 * np.tanh(k)))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_values_that_change_all_the_time_are_warned_of():
    run = al.compile(lambda x, k: x * k)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for k in range(20):
            run(al.ones(1), float(k))
    assert len(caught) == 1
    assert "this time k: each trace takes" in str(caught[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = al.compile(lambda x: x * 2)
        for k in range(20):
            run(al.ones(k))


def test_nothing_is_kept_that_is_not_needed():
    gc.collect()
    before = sum("compiled step" in file for file in linecache.cache)
    run = al.compile(lambda x: x * 2)
    x = al.ones(1000)
    held = weakref.ref(x.data)
    run(x)
    del x
    gc.collect()
    assert held() is None
    del run
    gc.collect()
    assert sum("compiled step" in file for file in linecache.cache) == before


# Recurrence


@pytest.mark.parametrize("order", [range(6), reversed(range(6)), [5, 3, 1, 0, 2, 4]])
def test_the_products_of_all_steps_are_one(order):
    order = list(order)

    def scenario(wrap):
        rs = np.random.RandomState(0)
        w, u = (al.tensor(rs.randn(9, n) / 3, requires_grad=True) for n in (5, 9))
        rule = al.optim.SGD([w, u], lr=0.1)

        def step(x, y):
            rule.zero_grad()
            h, states = al.zeros(2, 9), []
            for k in order:
                h = al.tanh(F.linear(x[k], w) + F.linear(h, u))
                states.append(h)
            loss = F.mse_loss(al.stack(states), y) + h.sum()
            loss.backward()
            rule.step()
            return loss, al.cat(states)

        run = wrap(step)
        for k in range(4):
            rs = np.random.RandomState(k)
            yield from run(al.tensor(rs.randn(6, 2, 5)), al.tensor(rs.randn(6, 2, 9)))
        yield from (w, u)
        if run is not step:
            # inputs, states, their gradients, both weights', and the squares of the error
            assert run.source.count(".dot(") == 1 + 6 + 5 + 2 + 1

    same(scenario)


def test_sums_of_products_that_are_used_elsewhere_too():
    def scenario(wrap):
        def step(a, b):
            products = [a[k].T @ b[k] for k in range(4)]
            total = products[0] + products[1] + products[2] + products[3]
            return total, total + products[2], al.cat([a[0], a[1]]) * 2, al.cat([a[0], a[0]])

        run = wrap(step)
        for k in range(3):
            rs = np.random.RandomState(k)
            yield from run(al.tensor(rs.randn(4, 2, 7)), al.tensor(rs.randn(4, 2, 8)))

    same(scenario)


def test_parts_are_made_where_they_belong():
    def scenario(wrap):
        def step(x):
            a, b = al.tanh(x), al.exp(x)
            whole = al.cat([a, b, a * b])
            c = a + 1
            return whole, c, whole * 2, al.cat([whole, c]), al.cat([a, b], dim=1), al.stack([a, b])

        run = wrap(step)
        for k in range(3):
            yield from run(al.tensor(np.random.RandomState(k).randn(3, 4)))
        if run is not step:
            assert run.source.count("concatenate(") == 3

    same(scenario)


# Programs of any kind that write to what stays


PURE = [
    lambda a, b: a + b,
    lambda a, b: a * b * 0.5,
    lambda a, b: al.where(a > b, a, b * 0.5),
    lambda a, b: al.tanh(a),
    lambda a, b: a.T,
    lambda a, b: (a @ b) * 0.3,
    lambda a, b: al.index_select(a, 0, al.tensor([2, 0, 1])),
    lambda a, b: a[::-1],
    lambda a, b: al.cat([a[:1], b[1:]], 0),
    lambda a, b: a - a.mean(1, True),
    lambda a, b: al.softmax(a, 1),
    lambda a, b: a.reshape(-1).reshape(3, 3) * 1.0,
    lambda a, b: a.T.reshape(-1).reshape(3, 3),
    lambda a, b: (a * b).sum() + a,
    lambda a, b: F.embedding(al.tensor([1, 1, 0]), a),
    lambda a, b: a.detach().clone(),
]
ORDERS = [np.array, np.asfortranarray, lambda a: np.repeat(a, 2, 0)[::2], lambda a: a[::-1]]
numbers = st.integers(0, 99)


@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(st.tuples(numbers, numbers, numbers, numbers), min_size=1, max_size=10),
    orders=st.lists(st.sampled_from(ORDERS), min_size=3, max_size=3),
    returned=st.lists(numbers, min_size=1, max_size=3),
)
def test_random_programs_that_write(steps, orders, returned):
    def scenario(wrap):
        rs = np.random.RandomState(0)
        kept = [al.from_numpy(order(rs.randn(3, 3))) for order in orders]

        def step(x):
            pool = [*kept, x]
            for kind, first, second, target in steps:
                a, b = pool[first % len(pool)], pool[second % len(pool)]
                if kind < 70:
                    pool.append(PURE[kind % len(PURE)](a, b))
                elif kind < 90:
                    kept[target % 3].data = PURE[kind % len(PURE)](a, b).clone().data
                else:
                    kept[target % 3].data *= 0.5
            return [pool[k % len(pool)] for k in returned]

        run = wrap(step)
        for k in range(4):
            yield from run(al.tensor(np.random.RandomState(k).randn(3, 3)))
        yield from kept

    with suppress(al.TraceError):  # what it cannot follow it refuses
        same(scenario)


def test_gradients_of_tables_on_request():
    def scenario(wrap):
        table = al.tensor(np.arange(12.0).reshape(4, 3), requires_grad=True)
        run = wrap(lambda rows: al.autograd.grad(al.square(F.embedding(rows, table)).sum(), table)[0])
        yield from (run(al.tensor(rows)) for rows in ([0, 2], [1, 1], [3, 0]))

    same(scenario)


@backends
def test_watched_ops_are_seen_in_every_call(backend):
    w = leaf(1.0, 2.0)
    run, seen = al.compile(lambda x: (w * x).sum(), backend=backend), []
    run(al.ones(2))
    for _ in range(2):
        with al.watch(lambda op, *rest: seen.append(op.name)):
            assert run(al.ones(2)).item() == 3.0
    assert seen == ["multiply", "sum"] * 2


@backends
def test_an_anomaly_in_a_compiled_step_is_found(backend):
    w = leaf(4.0, 2.0)
    run = al.compile(lambda x: al.sqrt(w - x).sum(), backend=backend)
    run(al.zeros(2))
    with al.detect_anomaly(), pytest.raises(al.AnomalyError, match=r"sqrt made nan at .*test_compile_guards.py:\d+"):
        run(al.tensor([1.0, 3.0]))


def halved(tensor):
    tensor.grad.mul_(0.5)


def shrunk(tensor):
    tensor.grad.data *= 0.5


@backends
@pytest.mark.parametrize("write", [halved, shrunk])
def test_gradients_that_are_one_array_are_written_apart(write, backend):
    def make(wrap):
        a, b = (al.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))

        @wrap
        def step(x):
            a.grad = b.grad = None
            ((x * (a + b)) ** 2).sum().backward()
            write(a)
            write(b)
            return a.grad * 1.0, b.grad + 0.0

        return [value for _ in range(3) for value in step(al.tensor([3.0, 4.0]))]

    same(make, backend)


@backends
def test_layers_that_share_gradients_are_clipped_as_they_are(backend):
    def make(wrap):
        model = nn.LSTM(2, 3)
        optimizer = al.optim.SGD(model.parameters(), lr=0.5)
        x = al.randn(4, 2, 2)

        @wrap
        def step(x):
            optimizer.zero_grad()
            loss = (model(x)[0] ** 2).sum()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.01)
            optimizer.step()
            return loss

        return [step(x) for _ in range(5)] + list(model.parameters())

    same(make, backend)
