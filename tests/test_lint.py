"""`lint`: each mistake planted is named, no sound step is accused, and everything is put back."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from lint_steps import PLANTED, SOUND, BatchNorm, T, X, Y, mlp, trained

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.nn import functional as F
from models import networks
from models.training import trainer


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_step_is_not_accused(name: str):
    report = al.lint(SOUND[name]())
    assert report, str(report)
    assert str(report).startswith("lint: nothing found in 3 runs of the step")


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_mistake_is_found_and_named(name: str):
    make, kinds, says = PLANTED[name]
    report = al.lint(make())
    assert set(report.kinds) == kinds, str(report)
    assert not report
    assert says in str(report)
    for finding in report.findings:
        assert finding.what
        assert finding.to_do
        assert str(finding) in str(report)


# A network of each kind of the book and of both courses, at its first batch
NETWORKS = (
    "3.4",
    "4.9",
    "5.4",
    "6.3",
    "6.5",
    "8.1",
    "8.2",
    "8.3",
    "9.1",
    "10.1",
    "11.0",
    "11.1",
    "11.2",
    "A.4",
    "B.2",
    "B.4",
)


def step_of(name: str) -> tuple[Any, Any]:
    network = networks[name]
    try:
        data = network.data()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    weights, rng = network.start()
    return trainer(network, "framework", weights).step, next(network.batches(data, rng))


@pytest.mark.parametrize("name", NETWORKS)
def test_no_network_of_the_book_is_accused(name: str):
    step, batch = step_of(name)
    report = al.lint(step, batch)
    assert report, str(report)


def test_weights_that_all_start_at_0_are_told():
    step, batch = step_of("B.3-symmetric")
    (finding,) = al.lint(step, batch).findings
    assert finding.kind == "no-gradient"
    assert "start at 0" in finding.to_do


# ------------------------------------------------------------------------------------------- where


def test_a_finding_says_the_line_and_the_path():
    model = nn.Sequential(nn.Linear(6, 4), nn.Softmax(dim=1))
    optimizer = al.optim.SGD(model.parameters(), lr=0.1)

    def step() -> None:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(X), T)
        loss.backward()
        optimizer.step()

    (finding,) = al.lint(step).findings
    assert finding.kind == "softmax-before-loss"
    assert finding.where == f"{__file__}:{inspect.getsourcelines(step)[1] + 2}"


def test_a_layer_is_named_by_its_path():
    model = mlp(nn.Dropout(0.5))

    def step() -> None:
        with al.no_grad():
            model(X)

    (finding,) = al.lint(step).findings
    assert finding.where.startswith("Sequential.2, ")


def test_arguments_go_to_the_step_and_steps_says_how_often():
    seen = []
    model = mlp()

    def step(x: Any, scale: float) -> None:
        seen.append(scale)
        F.cross_entropy(model(x) * scale, T).backward()
        model.zero_grad()

    assert al.lint(step, X, 2.0, steps=5).steps == 5
    assert seen == [2.0] * 5
    with pytest.raises(ValueError, match="at least once"):
        al.lint(step, X, 2.0, steps=0)


def test_an_evaluation_is_called_one():
    model = mlp(nn.Dropout(0.5))
    assert "taken for an evaluation" in str(al.lint(lambda: model(X)))


# ------------------------------------------------------------------------------------------- as before


def snapshot(model: nn.Module, optimizer: Any) -> dict[str, Any]:
    values = {name: value.data.copy() for name, value in model.state_dict().items()}
    for k, p in enumerate(model.parameters()):
        values[f"grad {k}"] = None if p.grad is None else p.grad.data.copy()
        for name, value in optimizer.state.get(p, {}).items():
            values[f"{name} {k}"] = np.copy(value)
    values["draw"] = al.random.default_generator.bit_generator.state["state"]["state"]
    values["legacy"] = np.random.get_state()[1].copy()  # type: ignore[index]
    values["lr"] = [group["lr"] for group in optimizer.param_groups]
    values["modes"] = [m.training for m in model.modules()]
    return values


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("kind", [al.optim.SGD, al.optim.Adam])
@pytest.mark.parametrize("started", [False, True])
def test_everything_is_as_before(kind: Any, started: bool):
    model = mlp(nn.Dropout(0.3), BatchNorm(8))
    optimizer = kind(model.parameters(), lr=0.1, **({"momentum": 0.9} if kind is al.optim.SGD else {}))
    inner = trained(model, lambda: F.cross_entropy(model(X + np.random.normal(size=X.shape)), T), optimizer)

    def step() -> None:
        inner()
        optimizer.param_groups[0]["lr"] *= 0.5
        model.eval()

    if started:
        step()
        model.train()
    before, arrays = snapshot(model, optimizer), [p.data for p in model.parameters()]
    state = dict(optimizer.state)
    al.lint(step, steps=3)
    assert same(before, snapshot(model, optimizer))
    assert all(p.data is array for p, array in zip(model.parameters(), arrays, strict=True))
    assert optimizer.state.keys() == state.keys()
    assert all(optimizer.state[p] is state[p] for p in state)
    changed = snapshot(model, optimizer)
    step()
    assert not same(changed, snapshot(model, optimizer))


@pytest.mark.parametrize(("lr", "kinds"), [(1.0, []), (0.0, ["learning-rate-0"])])
def test_an_optimizer_with_a_closure_is_seen_to_step(lr: float, kinds: list[str]):
    model = mlp(nn.Tanh())
    optimizer = al.optim.LBFGS(model.parameters(), lr=lr, max_iter=3)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(X), T)
        loss.backward()
        return loss

    before = snapshot(model, optimizer)
    assert [f.kind for f in al.lint(lambda: optimizer.step(closure)).findings] == kinds
    assert same(before, snapshot(model, optimizer))


def test_training_goes_on_as_without_a_lint():
    def run(linted: bool) -> list[float]:
        model = mlp(nn.Dropout(0.3))
        al.manual_seed(7)
        step = trained(model, lambda: F.cross_entropy(model(X), T), al.optim.Adam(model.parameters(), lr=0.01))
        losses = [step()]
        if linted:
            assert al.lint(step)
        return losses + [step() for _ in range(3)]

    assert run(True) == run(False)


def test_parameters_written_by_hand_are_put_back():
    w = al.tensor(np.ones((6, 1)), requires_grad=True)
    array = w.data

    def step() -> None:
        F.mse_loss(X @ w, Y).backward()
        w.data = w.data - 0.1 * w.grad.data
        w.grad = None

    assert al.lint(step)
    assert w.data is array
    assert (w.data == 1).all()
    assert w.grad is None


def test_a_step_that_fails_for_other_reasons_raises_and_everything_is_as_before():
    model = mlp()
    optimizer = al.optim.SGD(model.parameters(), lr=0.1)
    inner = trained(model, lambda: F.cross_entropy(model(X), T), optimizer)
    before = snapshot(model, optimizer)

    def step() -> None:
        inner()
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        al.lint(step)
    assert same(before, snapshot(model, optimizer))
    with pytest.raises(ValueError, match="do not fit"):
        al.lint(lambda: model(al.ones(3, 5)))
    assert al.modes.mode.listener is None
    assert al.modes.mode.watchers == ()


def test_a_compiled_step_is_linted_as_it_was_written():
    model = mlp()
    optimizer = al.optim.SGD(model.parameters(), lr=0.1)

    @al.compile
    def step() -> Any:
        loss = F.cross_entropy(model(X), T)
        loss.backward()
        optimizer.step()
        return loss

    assert al.lint(step).kinds == ["no-zero-grad"]


@pytest.mark.parametrize("steps", [1, 2, 3, 6])
def test_no_number_of_steps_accuses_a_sound_step(steps: int):
    for name in ("classifier", "recurrent_with_a_carried_state", "gradients_of_several_batches"):
        report = al.lint(SOUND[name](), steps=steps)
        assert report, f"{name}: {report}"
