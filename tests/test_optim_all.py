"""Every optimizer and every schedule: PyTorch's numbers over fifty steps, states that move between the two."""

import math

import numpy as np
import pytest
from test_compile import BATCHES, both, perceptron

import autograd_lite as al
from autograd_lite.optim import lr_scheduler

SETTINGS = {
    "SGD": [
        {"maximize": True},
        {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1, "maximize": True},
        {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
        {"momentum": 0.9, "nesterov": True, "maximize": True},
    ],
    "Adam": [
        {"amsgrad": True},
        {"maximize": True, "weight_decay": 0.1},
        {"maximize": True, "amsgrad": True},
        {"weight_decay": 0.1, "decoupled_weight_decay": True},
    ],
    "AdamW": [{}, {"amsgrad": True, "weight_decay": 0.3}, {"maximize": True}, {"betas": (0.5, 0.7), "eps": 1e-3}],
    "NAdam": [{}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True}, {"maximize": True}],
    "RAdam": [
        {},
        {"weight_decay": 0.1},
        {"weight_decay": 0.1, "decoupled_weight_decay": True},
        {"betas": (0.5, 0.8)},
        {"betas": (0.9, 0.6)},
    ],
    "Adamax": [{}, {"weight_decay": 0.1}, {"maximize": True}],
    "RMSprop": [
        {},
        {"centered": True},
        {"momentum": 0.9, "centered": True, "alpha": 0.8},
        {"weight_decay": 0.1, "momentum": 0.5, "maximize": True},
    ],
    "Adagrad": [{}, {"lr_decay": 0.1, "initial_accumulator_value": 0.5}, {"weight_decay": 0.1, "maximize": True}],
    "Adadelta": [{}, {"rho": 0.5, "weight_decay": 0.1}, {"maximize": True}],
}
CASES = [(name, s) for name, all_ in SETTINGS.items() for s in all_]
EVERY = pytest.mark.parametrize(
    ("name", "settings"), CASES, ids=[f"{n} {', '.join(f'{k}={v}' for k, v in s.items())}" for n, s in CASES]
)
SHAPES = [(3, 4), (4,), (), (2, 3, 2)]


@pytest.fixture(autouse=True)
def precise():
    """PyTorch keeps NAdam's product of momenta in its default dtype."""
    try:
        import torch
    except ModuleNotFoundError:
        yield
        return
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def gradients(steps=50, dtype=np.float64):
    rng = np.random.default_rng(0)
    return [[rng.normal(size=s).astype(dtype) for s in SHAPES] for _ in range(steps)]


def start(dtype=np.float64):
    rng = np.random.default_rng(1)
    return [rng.normal(size=s).astype(dtype) for s in SHAPES]


def ours(dtype=np.float64):
    return [al.tensor(a, requires_grad=True) for a in start(dtype)]


def theirs(torch, dtype=np.float64):
    return [torch.tensor(a, requires_grad=True) for a in start(dtype)]


def go(make, optimizer, parameters, steps, scheduler=None):
    rates = []
    for gs in steps:
        for p, g in zip(parameters, gs, strict=True):
            p.grad = make(g)
        optimizer.step()
        rates.append([group["lr"] for group in optimizer.param_groups])
        if scheduler is not None:
            scheduler.step()
    return rates


def close(mine, yours, tolerance=1e-12):
    for a, b in zip(mine, yours, strict=True):
        np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=tolerance, atol=tolerance)


@EVERY
def test_fifty_steps_are_pytorchs(name, settings):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    mine, yours = ours(), theirs(torch)
    go(al.tensor, getattr(al.optim, name)(mine, lr=0.05, **settings), mine, gradients())
    go(torch.tensor, getattr(torch.optim, name)(yours, lr=0.05, **settings), yours, gradients())
    close(mine, yours)


@EVERY
def test_float32_stays_float32(name, settings):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    mine, yours = ours(np.float32), theirs(torch, np.float32)
    optimizer = getattr(al.optim, name)(mine, lr=0.05, **settings)
    go(al.tensor, optimizer, mine, gradients(20, np.float32))
    go(torch.tensor, getattr(torch.optim, name)(yours, lr=0.05, **settings), yours, gradients(20, np.float32))
    assert all(p.dtype == np.float32 for p in mine)
    for state in optimizer.state.values():
        assert all(v.dtype == np.float32 for v in state.values() if isinstance(v, np.ndarray))
    close(mine, yours, 1e-4)


@pytest.mark.parametrize("name", [*SETTINGS, "LBFGS"])
def test_the_defaults_are_pytorchs(name):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    theirs = getattr(torch.optim, name)([torch.zeros(1)]).defaults
    for key, value in getattr(al.optim, name)([al.zeros(1, requires_grad=True)]).defaults.items():
        assert value == theirs[key], key


@EVERY
def test_a_compiled_step_is_the_eager_one(name, settings):
    run = both(perceptron(lambda p: getattr(al.optim, name)(p, lr=0.01, **settings)), BATCHES, steps=20)
    assert run.recompiles <= 1


@EVERY
def test_row_sparse_gradients_give_the_dense_result(name, settings):
    rng = np.random.default_rng(3)
    tables = [al.tensor(np.ones((20, 2)), requires_grad=True) for _ in range(2)]
    optimizers = [getattr(al.optim, name)([t], lr=0.05, **settings) for t in tables]
    for rows in ([3, 3, 1], [], [-1, 19, 0]):
        weights, whole = rng.normal(size=(len(rows), 2)), np.zeros((20, 2))
        index = np.array(rows, np.intp)
        (al.nn.functional.embedding(al.tensor(index), tables[0]) * weights).sum().backward()
        assert isinstance(tables[0].node.notes.grad, al.RowSparse)
        np.add.at(whole, index, weights)
        tables[1].grad = al.tensor(whole)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
    np.testing.assert_allclose(tables[0].data, tables[1].data, rtol=1e-13, atol=1e-14)


# ------------------------------------------------------------------------------------------ states


def groups_of(optimizer, parameters, **settings):
    return optimizer([{"params": parameters[:1], "lr": 0.2}, {"params": parameters[1:]}], lr=0.05, **settings)


@EVERY
def test_a_state_goes_on_where_it_was_saved_and_moves_to_pytorch_and_back(name, settings):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    mine, yours, steps = ours(), theirs(torch), gradients(20)
    a, b = (
        groups_of(getattr(al.optim, name), mine, **settings),
        groups_of(getattr(torch.optim, name), yours, **settings),
    )
    go(al.tensor, a, mine, steps[:10])
    go(torch.tensor, b, yours, steps[:10])
    saved, reference = a.state_dict(), b.state_dict()
    assert saved.keys() == reference.keys()
    assert [g["params"] for g in saved["param_groups"]] == [g["params"] for g in reference["param_groups"]]
    for k, state in reference["state"].items():
        entries = {n for n, v in state.items() if v is not None} - ({"step"} if name == "SGD" else set())
        assert set(saved["state"][k]) == entries
        for n in entries:
            np.testing.assert_allclose(saved["state"][k][n].data, state[n].numpy(), rtol=1e-6, atol=1e-12)
    fresh = [al.tensor(p.data, requires_grad=True) for p in mine]
    again = groups_of(getattr(al.optim, name), fresh)
    again.load_state_dict(saved)
    go(al.tensor, again, fresh, steps[10:])
    from_torch = [al.tensor(p.data, requires_grad=True) for p in mine]
    other = groups_of(getattr(al.optim, name), from_torch)
    other.load_state_dict(as_arrays(reference))
    go(al.tensor, other, from_torch, steps[10:])
    to_torch = [torch.tensor(p.data, requires_grad=True) for p in mine]
    last = groups_of(getattr(torch.optim, name), to_torch)
    last.load_state_dict(as_torch(torch, saved))
    go(torch.tensor, last, to_torch, steps[10:])
    go(al.tensor, a, mine, steps[10:])
    for p, q, r, t in zip(mine, fresh, from_torch, to_torch, strict=True):
        np.testing.assert_array_equal(p.data, q.data)
        np.testing.assert_allclose(p.data, r.data, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(p.data, t.detach().numpy(), rtol=1e-12, atol=1e-12)


def as_arrays(tree):
    if isinstance(tree, dict):
        return {k: as_arrays(v) for k, v in tree.items()}
    if isinstance(tree, list):
        return [as_arrays(v) for v in tree]
    return tree.detach().numpy() if hasattr(tree, "detach") else tree


def as_torch(torch, tree):
    if isinstance(tree, dict):
        return {k: as_torch(torch, v) for k, v in tree.items()}
    if isinstance(tree, list):
        return [as_torch(torch, v) for v in tree]
    return torch.tensor(tree.data.copy()) if isinstance(tree, al.Tensor) else tree


def test_a_loaded_state_is_a_copy_and_one_that_does_not_fit_changes_nothing():
    w = al.tensor(np.ones(3), requires_grad=True)
    optimizer = al.optim.Adam([w], lr=0.1)
    go(al.tensor, optimizer, [w], [[np.ones(3)]])
    saved = optimizer.state_dict()
    assert saved["state"][0]["exp_avg"].data is optimizer.state[w]["exp_avg"]
    optimizer.load_state_dict(saved)
    assert saved["state"][0]["exp_avg"].data is not optimizer.state[w]["exp_avg"]
    before = dict(optimizer.state[w])
    for wrong, text in (
        ({**saved, "param_groups": saved["param_groups"] * 2}, r"groups of \[1, 1\]"),
        ({**saved, "state": {3: {}}}, r"parameters \[3\]"),
        ({**saved, "state": {0: {"exp_avg": al.zeros(2)}}}, r"exp_avg has shape \(2,\)"),
    ):
        with pytest.raises(ValueError, match=text):
            optimizer.load_state_dict(wrong)
    assert optimizer.state[w] == before


def test_loading_a_state_is_seen_by_a_compiled_step():
    found = []
    for compiled in (False, True):
        al.manual_seed(3)
        parameters, step, (_, rule) = perceptron(lambda p: al.optim.Adam(p, lr=0.1))()
        run = al.compile(step) if compiled else step
        for k in range(3):
            run(*BATCHES[k])
        state = as_arrays(rule.state_dict())
        state = {**state, "state": {k: {n: np.array(v.data) for n, v in s.items()} for k, s in state["state"].items()}}
        for k in range(3):
            run(*BATCHES[k])
        rule.load_state_dict(state)
        for k in range(3):
            run(*BATCHES[k])
        found.append([p.data for p in parameters])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize(
    "change",
    [
        lambda rule, p: setattr(rule, "state", {}),
        lambda rule, p: rule.state.clear(),
        lambda rule, p: rule.state.pop(p),
        lambda rule, p: rule.state.update({p: {k: np.array(v) * 2 for k, v in rule.state[p].items()}}),
    ],
    ids=["set", "clear", "pop", "update"],
)
def test_a_state_that_is_replaced_is_seen_by_a_compiled_step(change):
    found = []
    for compiled in (False, True):
        al.manual_seed(3)
        parameters, step, (_, rule) = perceptron(lambda p: al.optim.SGD(p, lr=0.1, momentum=0.9))()
        run = al.compile(step) if compiled else step
        for k in range(8):
            if k == 4:
                change(rule, parameters[0])
            run(*BATCHES[k % 3])
        found.append([p.data for p in parameters])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


# ------------------------------------------------------------------------------------------ L-BFGS


def rosenbrock(w):
    return (100.0 * (w[1:] - w[:-1] ** 2) ** 2 + (1.0 - w[:-1]) ** 2).sum()


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
@pytest.mark.parametrize("more", [{}, {"history_size": 3}, {"max_iter": 5, "max_eval": 7}, {"lr": 0.3}])
def test_lbfgs_is_pytorchs(search, more):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    settings = {"line_search_fn": search, "lr": 1.0 if search else 1e-3, **more}
    found = []
    for make, cls in ((al.tensor, al.optim.LBFGS), (torch.tensor, torch.optim.LBFGS)):
        w = make(np.array([-1.2, 1.0, 0.7, -0.4]), requires_grad=True)
        unused = make(np.zeros(2), requires_grad=True)
        optimizer, losses = cls([w, unused], **settings), []

        def closure(w=w, optimizer=optimizer, losses=losses):
            optimizer.zero_grad()
            loss = rosenbrock(w)
            loss.backward()
            losses.append(loss.item())
            return loss

        ends = [optimizer.step(closure).item() for _ in range(4)]
        found.append((np.array(losses), np.array(ends), w.detach().numpy(), optimizer))
    (a, ends, w, mine), (b, others, v, yours) = found
    assert len(a) == len(b)
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ends, others, rtol=1e-9)
    np.testing.assert_allclose(w, v, rtol=1e-9)
    states = mine.state_dict()["state"][0], yours.state_dict()["state"][0]
    assert set(states[0]) == set(states[1]) - {"al"}
    for key in ("func_evals", "n_iter"):
        assert states[0][key] == states[1][key]


def test_lbfgs_goes_on_from_a_state():
    found = []
    for stops in (False, True):
        w = al.tensor([-1.2, 1.0], requires_grad=True)
        optimizer = al.optim.LBFGS([w], max_iter=4, line_search_fn="strong_wolfe")
        for k in range(3):
            if stops and k == 2:
                again = al.optim.LBFGS([w])
                again.load_state_dict(optimizer.state_dict())
                optimizer = again

            def closure(w=w, optimizer=optimizer):
                optimizer.zero_grad()
                loss = rosenbrock(w)
                loss.backward()
                return loss

            optimizer.step(closure)
        found.append(w.data)
    np.testing.assert_array_equal(*found)


def test_what_lbfgs_cannot_do_is_refused():
    w = al.tensor([1.0], requires_grad=True)
    with pytest.raises(TypeError, match="closure"):
        al.optim.LBFGS([w]).step()
    with pytest.raises(ValueError, match="one group"):
        al.optim.LBFGS([{"params": [w]}, {"params": [al.zeros(1, requires_grad=True)]}])
    with pytest.raises(ValueError, match="strong_wolfe"):
        al.optim.LBFGS([w], line_search_fn="weak")
    optimizer = al.optim.LBFGS([w])
    with pytest.raises(al.GraphError, match="cannot be compiled"):
        al.compile(lambda x: optimizer.step(lambda: x))(al.ones(1))


# ------------------------------------------------------------------------------------------ schedules


def halves(epoch):
    return 0.5 ** (epoch // 10)


def falling(epoch):
    return 0.95


SCHEDULES = {
    "lambda": lambda s, o: s.LambdaLR(o, halves),
    "lambdas": lambda s, o: s.LambdaLR(o, [halves, lambda e: 1.0 / (1 + e)]),
    "multiplicative": lambda s, o: s.MultiplicativeLR(o, falling),
    "step": lambda s, o: s.StepLR(o, 7, 0.3),
    "milestones": lambda s, o: s.MultiStepLR(o, [3, 20, 20, 30], 0.3),
    "constant": lambda s, o: s.ConstantLR(o, 0.4, 6),
    "linear": lambda s, o: s.LinearLR(o, 0.2, 0.9, 13),
    "exponential": lambda s, o: s.ExponentialLR(o, 0.93),
    "polynomial": lambda s, o: s.PolynomialLR(o, 30, 2.0),
    "cosine": lambda s, o: s.CosineAnnealingLR(o, 12, 0.01),
    "restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 5, 2, 0.001),
    "restarts alike": lambda s, o: s.CosineAnnealingWarmRestarts(o, 8),
    "cycle": lambda s, o: s.OneCycleLR(o, 0.3, 60),
    "cycle, linear": lambda s, o: s.OneCycleLR(o, [0.3, 0.1], epochs=6, steps_per_epoch=10, anneal_strategy="linear"),
    "cycle, three": lambda s, o: s.OneCycleLR(o, 0.3, 60, three_phase=True, pct_start=0.4),
    "cycle, rate alone": lambda s, o: s.OneCycleLR(o, 0.3, 60, cycle_momentum=False),
    "sequence": lambda s, o: s.SequentialLR(
        o, [s.ConstantLR(o, 0.1, 100), s.ExponentialLR(o, 0.9), s.StepLR(o, 5, 0.5)], [10, 25]
    ),
    "warm-up": lambda s, o: s.SequentialLR(o, [s.LinearLR(o, 0.1, 1.0, 8), s.CosineAnnealingLR(o, 30)], [8]),
    "chain": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 9), s.ExponentialLR(o, 0.95)]),
}
OPTIMIZERS = [("SGD", {"momentum": 0.9}), ("Adam", {})]


@pytest.mark.filterwarnings("ignore")  # PyTorch's, of its own schedules
@pytest.mark.parametrize(("name", "settings"), OPTIMIZERS, ids=["SGD", "Adam"])
@pytest.mark.parametrize("key", SCHEDULES)
def test_schedules_are_pytorchs_over_fifty_steps_and_go_on_from_a_state(key, name, settings):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    mine, yours, steps = ours(), theirs(torch), gradients()
    a, b = (
        groups_of(getattr(al.optim, name), mine, **settings),
        groups_of(getattr(torch.optim, name), yours, **settings),
    )
    s, t = SCHEDULES[key](lr_scheduler, a), SCHEDULES[key](torch.optim.lr_scheduler, b)
    rates = go(al.tensor, a, mine, steps[:20], s)
    others = go(torch.tensor, b, yours, steps[:20], t)
    fresh = [al.tensor(p.data, requires_grad=True) for p in mine]
    c = groups_of(getattr(al.optim, name), fresh, **settings)
    u = SCHEDULES[key](lr_scheduler, c)
    c.load_state_dict(a.state_dict())
    u.load_state_dict(s.state_dict())
    rates += go(al.tensor, a, mine, steps[20:], s)
    others += go(torch.tensor, b, yours, steps[20:], t)
    np.testing.assert_allclose(rates, others, rtol=1e-12)
    np.testing.assert_allclose(s.get_last_lr(), t.get_last_lr(), rtol=1e-12)
    close(mine, yours)
    assert go(al.tensor, c, fresh, steps[20:], u) == rates[20:]
    for p, q in zip(mine, fresh, strict=True):
        np.testing.assert_array_equal(p.data, q.data)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"mode": "max", "patience": 2},
        {"threshold_mode": "abs", "threshold": 0.1, "patience": 1, "cooldown": 3},
        {"mode": "max", "threshold_mode": "abs", "factor": 0.5, "patience": 0},
        {"min_lr": [0.01, 0.001], "patience": 1},
    ],
)
def test_a_plateau_is_pytorchs(settings):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    rng, found = np.random.default_rng(0), []
    losses = np.round(rng.normal(size=50) + 3.0, 1)
    for parameters, optim in ((ours(), al.optim), (theirs(torch), torch.optim)):
        optimizer = groups_of(optim.SGD, parameters)
        scheduler, rates = optim.lr_scheduler.ReduceLROnPlateau(optimizer, **settings), []
        for k, loss in enumerate(losses):
            scheduler.step(loss)
            rates.append([group["lr"] for group in optimizer.param_groups])
            if k == 20 and optim is al.optim:
                again = lr_scheduler.ReduceLROnPlateau(optimizer)
                again.load_state_dict(scheduler.state_dict())
                scheduler = again
        found.append((rates, scheduler.best, scheduler.num_bad_epochs, scheduler.get_last_lr()))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-12)
    assert found[0][1:] == found[1][1:]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("epoch", [0, 3, 17, 30])
@pytest.mark.parametrize("key", [k for k in SCHEDULES if k not in ("sequence", "warm-up", "chain")])
def test_an_epoch_may_be_named(key, epoch):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    found = []
    for parameters, optim in ((ours(), al.optim), (theirs(torch), torch.optim)):
        optimizer = groups_of(optim.SGD, parameters, momentum=0.9)
        scheduler = SCHEDULES[key](optim.lr_scheduler, optimizer)
        scheduler.step(epoch)
        found.append(scheduler.get_last_lr())
    np.testing.assert_allclose(*found, rtol=1e-12)


def test_a_schedule_and_a_compiled_step_go_together():
    found = []
    for compiled in (False, True):
        al.manual_seed(3)
        parameters, step, (_, rule) = perceptron(lambda p: al.optim.SGD(p, lr=0.1, momentum=0.9))()
        scheduler = lr_scheduler.CosineAnnealingLR(rule, 10)
        run = al.compile(step) if compiled else step
        for k in range(12):
            run(*BATCHES[k % 3])
            scheduler.step()
        found.append([p.data for p in parameters])
    assert run.recompiles <= 1
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_a_training_is_gone_on_with_by_last_epoch():
    parameters = ours()
    optimizer = al.optim.SGD(parameters, lr=1.0)
    with pytest.raises(KeyError, match="initial_lr"):
        lr_scheduler.ExponentialLR(optimizer, 0.5, last_epoch=3)
    first = lr_scheduler.CosineAnnealingLR(optimizer, 10)
    for _ in range(4):
        first.step()
    second = lr_scheduler.CosineAnnealingLR(optimizer, 10, last_epoch=3)
    assert math.isclose(second.get_last_lr()[0], first.get_last_lr()[0])


def test_schedules_that_make_no_sense_are_refused():
    optimizer = al.optim.SGD(ours(), lr=1.0)
    other = al.optim.SGD(ours(), lr=1.0)
    s = lr_scheduler
    for make, error, text in (
        (lambda: s.StepLR([1.0], 2), TypeError, "takes an optimizer"),
        (lambda: s.ReduceLROnPlateau([1.0]), TypeError, "takes an optimizer"),
        (lambda: s.LambdaLR(optimizer, [halves, halves]), ValueError, "2 entries for 1 groups"),
        (lambda: s.ConstantLR(optimizer, 1.5), ValueError, "factor is from 0 to 1"),
        (lambda: s.LinearLR(optimizer, 0.0), ValueError, "start_factor"),
        (lambda: s.OneCycleLR(optimizer, 0.1), ValueError, "needs total_steps"),
        (lambda: s.OneCycleLR(optimizer, 0.1, 10, anneal_strategy="cubic"), ValueError, "cubic"),
        (lambda: s.OneCycleLR(optimizer, 0.1, 10, pct_start=2.0), ValueError, "pct_start"),
        (lambda: s.OneCycleLR(al.optim.Adagrad(ours()), 0.1, 10), ValueError, "cycle_momentum=False"),
        (lambda: s.ReduceLROnPlateau(optimizer, factor=1.0), ValueError, "less than 1"),
        (lambda: s.ReduceLROnPlateau(optimizer, mode="least"), ValueError, "least"),
        (lambda: s.CosineAnnealingWarmRestarts(optimizer, 0), ValueError, "at least 1"),
        (lambda: s.SequentialLR(optimizer, [s.ExponentialLR(optimizer, 0.9)], [3]), ValueError, "0 milestones"),
        (lambda: s.SequentialLR(optimizer, [s.ExponentialLR(other, 0.9)], []), ValueError, "another optimizer"),
        (lambda: s.SequentialLR(optimizer, [s.ReduceLROnPlateau(optimizer)], []), ValueError, "needs a number"),
        (lambda: s.ChainedScheduler([]), ValueError, "got none"),
    ):
        with pytest.raises(error, match=text):
            make()
    cycle = s.OneCycleLR(optimizer, 0.1, 2)
    cycle.step()
    cycle.step()
    with pytest.raises(ValueError, match="made for 2 steps"):
        cycle.step()
