"""What a program for PyTorch calls besides ops and layers: `torch.autograd`'s names, generators, devices, modes."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.autograd import functional, set_detect_anomaly
from autograd_lite.check import GradcheckError
from autograd_lite.random import default_generator

X, Y = np.array([0.5, -1.0, 2.0]), np.array([1.5, 0.3, -0.7])


# ------------------------------------------------------------------------------------------- autograd.functional

FUNCTIONS: dict[str, tuple[Callable[[Any], Callable[..., Any]], tuple[Any, ...]]] = {
    "scalar": (lambda m: lambda x: (m.sin(x) * x).sum(), (X,)),
    "two, scalar": (lambda m: lambda x, y: (m.exp(x) * y * y).sum(), (X, Y)),
    "vector": (lambda m: lambda x: m.stack([m.sin(x[0]) * x[1], x[2] ** 3], 0), (X,)),
    "two, vector": (lambda m: lambda x, y: m.exp(x) * y.sum() + x, (X, Y)),
    "two outputs": (lambda m: lambda x, y: (m.exp(x) * y, (x * y).sum()), (X, Y)),
}


def found_by(m: Any, space: Any, name: str, transform: str, **options: Any) -> Any:
    make, arrays = FUNCTIONS[name]
    f = make(m)
    inputs = tuple(m.tensor(a) for a in arrays)
    v = tuple(m.tensor(np.linspace(-1.0, 2.0, 3) + k) for k in range(len(inputs)))
    given = inputs if len(inputs) > 1 else inputs[0]
    if transform in ("jacobian", "hessian"):
        return getattr(space, transform)(f, given, **options)
    if transform == "vjp":
        outputs = f(*inputs)
        v = tuple(
            m.ones_like(o) * (k + 2.0) for k, o in enumerate(outputs if isinstance(outputs, tuple) else (outputs,))
        )
    return getattr(space, transform)(f, given, v if len(v) > 1 else v[0], **options)


def alike(ours: Any, theirs: Any) -> None:
    if isinstance(theirs, tuple):
        assert isinstance(ours, tuple)
        for a, b in zip(ours, theirs, strict=True):
            alike(a, b)
    else:
        assert ours.shape == tuple(theirs.shape)
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-12, atol=1e-14)


SCALARS = [(n, t) for n in ("scalar", "two, scalar") for t in ("hessian", "hvp", "vhp")]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("name", "transform"), [*((n, t) for n in FUNCTIONS for t in ("jacobian", "vjp", "jvp")), *SCALARS]
)
def test_functional_is_pytorchs(name: str, transform: str):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    ours = found_by(al, functional, name, transform)
    alike(ours, found_by(torch, torch.autograd.functional, name, transform))


def test_functional_makes_a_graph_where_it_is_asked_to():
    x = al.tensor(X, requires_grad=True)
    for create in (False, True):
        assert functional.jacobian(lambda x: x**3, x, create_graph=create).requires_grad == create
    functional.jacobian(lambda x: x**3, x, create_graph=True).sum().backward()
    np.testing.assert_allclose(x.grad, 6.0 * X)
    alike(functional.jacobian(al.exp, x, strategy="forward-mode"), functional.jacobian(al.exp, x, vectorize=True))


def test_functional_says_what_it_does_not_take():
    x = al.tensor(X)
    with pytest.raises(ValueError, match="strict"):
        functional.hessian(lambda x: x.sum(), x, strict=True)
    with pytest.raises(ValueError, match=r"without v, the output is a single number.*\[\(3,\)\]"):
        functional.vjp(al.exp, x)
    with pytest.raises(ValueError, match="strategy='sideways'"):
        functional.jacobian(al.exp, x, strategy="sideways")
    np.testing.assert_array_equal(functional.vjp(lambda x: x.sum(), x)[1], np.ones(3))


# ------------------------------------------------------------------------------------------- gradcheck, anomalies


@al.primitive(x=lambda g, x: g * 3.0 * x * x * 1.01)
def cube(x):
    return x**3


def test_gradcheck_as_pytorch_calls_it_raises():
    x = al.tensor(X, requires_grad=True)
    for check in (al.autograd.gradcheck, al.autograd.gradgradcheck):
        assert check(al.exp, (x,), eps=1e-6, atol=1e-4, fast_mode=True)
        with pytest.raises(TypeError, match="epsilon"):
            check(al.exp, (x,), epsilon=1e-6)
    with pytest.raises(GradcheckError, match="cube"):
        al.autograd.gradcheck(cube, (x,), eps=1e-6, atol=1e-4)
    assert not al.autograd.gradcheck(cube, x, raise_exception=False)


def test_set_detect_anomaly_as_a_statement_and_as_a_context():
    zero = al.tensor([0.0], requires_grad=True)
    before = np.geterr()
    assert not al.is_anomaly_enabled()
    set_detect_anomaly(True)
    try:
        assert al.is_anomaly_enabled()
        with pytest.raises(al.AnomalyError, match="log made -inf"):
            al.log(zero)
        with set_detect_anomaly(False):
            assert not al.is_anomaly_enabled()
            with np.errstate(divide="ignore"):
                assert al.log(zero).item() == -np.inf
        with pytest.raises(al.AnomalyError):
            (al.sqrt(zero) * 0.0).backward()
    finally:
        set_detect_anomaly(False)
    assert not al.is_anomaly_enabled()
    assert np.geterr() == before
    with set_detect_anomaly(True, check_inf=False), pytest.raises(al.AnomalyError):
        al.sqrt(al.tensor([-1.0]))
    assert np.geterr() == before


# ------------------------------------------------------------------------------------------- inference_mode


def test_inference_mode_records_nothing_as_context_and_decorator():
    x = al.tensor(X, requires_grad=True)

    @al.inference_mode()
    def called(x: Any) -> Any:
        return x * 2.0

    @al.inference_mode
    def bare(x: Any) -> Any:
        return x * 2.0

    assert not called(x).requires_grad
    assert not bare(x).requires_grad
    with al.inference_mode():
        assert (al.is_inference_mode_enabled(), al.is_grad_enabled()) == (True, False)
        with al.inference_mode(mode=False):
            assert (al.is_inference_mode_enabled(), (x * 2.0).requires_grad) == (False, True)
        y = x * 2.0
    assert (al.is_inference_mode_enabled(), al.is_grad_enabled(), y.is_inference()) == (False, True, False)
    assert (x * y).requires_grad


def test_inference_mode_is_pytorchs_about_modes():
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    seen = []
    for m in (al, torch):
        with m.no_grad(), m.inference_mode(False):
            seen.append([m.is_grad_enabled(), m.is_inference_mode_enabled()])
    assert seen[0] == seen[1]


# ------------------------------------------------------------------------------------------- generators

DRAWS: dict[str, Callable[[Any], Any]] = {
    "rand": lambda g: al.rand(4, generator=g),
    "randn": lambda g: al.randn(4, generator=g),
    "randint": lambda g: al.randint(0, 100, (4,), generator=g),
    "randperm": lambda g: al.randperm(20, generator=g),
    "random_split": lambda g: [s.indices for s in al.utils.data.random_split(range(20), [12, 8], generator=g)],
    "DataLoader": lambda g: next(iter(al.utils.data.DataLoader(range(20), batch_size=20, shuffle=True, generator=g))),
    "multinomial": lambda g: al.multinomial(al.ones(9), 4, generator=g),
    "bernoulli": lambda g: al.bernoulli(al.full((40,), 0.5), generator=g),
    "normal_": lambda g: al.zeros(4).normal_(generator=g),
    "kaiming": lambda g: al.nn.init.kaiming_uniform_(al.empty(3, 4), generator=g),
}


@pytest.mark.parametrize("name", DRAWS)
def test_whatever_draws_takes_a_generator_and_is_numpys(name: str):
    def drawn(g: Any) -> Any:
        return (
            np.concatenate([np.ravel(getattr(part, "data", part)) for part in np.atleast_1d(DRAWS[name](g))], None)
            if (name != "random_split")
            else np.concatenate(DRAWS[name](g))
        )

    state = al.get_rng_state()
    first = drawn(al.Generator().manual_seed(5))
    np.testing.assert_array_equal(first, drawn(np.random.default_rng(5)))
    assert (first != drawn(al.Generator(device="cpu").manual_seed(6))).any()
    assert al.get_rng_state() == state


def test_a_generators_seed_and_state():
    g = al.Generator()
    assert g.initial_seed() == 67280421310721
    assert g.manual_seed(7) is g
    assert g.initial_seed() == 7
    state = g.get_state()
    first = al.randn(5, generator=g)
    np.testing.assert_array_equal(al.randn(5, generator=g.set_state(state)), first)
    for twin in (copy.deepcopy(g), pickle.loads(pickle.dumps(g))):
        assert type(twin) is al.Generator
        assert twin.initial_seed() == 7
        np.testing.assert_array_equal(al.randn(5, generator=twin), al.randn(5, generator=copy.deepcopy(g)))
    assert g.seed() == g.initial_seed() != 7
    assert [type(child) for child in g.spawn(2)] == [al.Generator] * 2
    with pytest.raises(ValueError, match="no device 'cuda'"):
        al.Generator(device="cuda")


def test_seeds_are_pytorchs():
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    assert al.Generator().initial_seed() == torch.Generator().initial_seed()
    for given in (3, -1, 2**63):
        assert al.Generator().manual_seed(given).initial_seed() == torch.Generator().manual_seed(given).initial_seed()


def test_the_default_generator_is_one():
    state = al.get_rng_state()
    assert al.manual_seed(11) is default_generator is al.default_generator
    assert al.initial_seed() == 11
    first = al.rand(3)
    assert al.seed() == al.initial_seed() != 11
    al.manual_seed(11)
    np.testing.assert_array_equal(al.rand(3), first)
    al.set_rng_state(state)


def test_a_compiled_step_draws_from_one_as_from_numpys():
    steps = [
        al.compile(lambda x, g=g: x * al.rand(3, generator=g))
        for g in (al.Generator().manual_seed(2), np.random.default_rng(2))
    ]
    x = al.tensor(X)
    for _ in range(3):
        np.testing.assert_array_equal(steps[0](x), steps[1](x))


# ------------------------------------------------------------------------------------------- devices

MADE: dict[str, Callable[[Any], Any]] = {
    "tensor": lambda d: al.tensor([1.0], device=d),
    "as_tensor": lambda d: al.as_tensor([1.0], device=d),
    "zeros": lambda d: al.zeros(2, device=d),
    "ones": lambda d: al.ones((2,), device=d),
    "empty": lambda d: al.empty(2, device=d),
    "full": lambda d: al.full((2,), 1.0, device=d),
    "eye": lambda d: al.eye(2, device=d),
    "arange": lambda d: al.arange(3, device=d),
    "linspace": lambda d: al.linspace(0, 1, 3, device=d),
    "logspace": lambda d: al.logspace(0, 1, 3, device=d),
    "rand": lambda d: al.rand(2, device=d),
    "randn": lambda d: al.randn(2, device=d),
    "randint": lambda d: al.randint(3, (2,), device=d),
    "randperm": lambda d: al.randperm(2, device=d),
    "zeros_like": lambda d: al.zeros_like(al.ones(2), device=d),
    "ones_like": lambda d: al.ones_like(al.ones(2), device=d),
    "empty_like": lambda d: al.empty_like(al.ones(2), device=d),
    "full_like": lambda d: al.full_like(al.ones(2), 1.0, device=d),
    "rand_like": lambda d: al.rand_like(al.ones(2), device=d),
    "randn_like": lambda d: al.randn_like(al.ones(2), device=d),
    "new_zeros": lambda d: al.ones(2).new_zeros(2, device=d),
    "new_tensor": lambda d: al.ones(2).new_tensor([1.0], device=d),
    "to": lambda d: al.ones(2).to(d),
    "to(device=)": lambda d: al.ones(2).to(device=d, dtype=al.float32),
    "module": lambda d: al.nn.Linear(2, 2).to(d).weight,
    "Generator": lambda d: al.rand(2, generator=al.Generator(d)),
}


@pytest.mark.parametrize("name", MADE)
def test_the_cpu_is_taken_and_any_other_device_is_refused(name: str):
    for device in ("cpu", "cpu:0", al.device("cpu"), al.device("cpu", 0)):
        assert MADE[name](device).device == "cpu"
    for device in ("cuda", "cuda:0", "mps"):
        with pytest.raises(ValueError, match=rf"no device '{device}'.*CPU"):
            MADE[name](device)


def test_the_usual_line_picks_the_cpu():
    device = al.device("cuda" if al.cuda.is_available() else "cpu")
    assert (device, device.type, device.index, repr(device)) == ("cpu", "cpu", None, "device(type='cpu')")
    assert (al.device("cpu:1").index, repr(al.device("cpu", 1))) == (1, "device(type='cpu', index=1)")
    assert al.cuda.device_count() == 0
    al.cuda.manual_seed_all(0)
    x = al.tensor([1.0]).to(device)
    assert (x.device.type, x.is_cpu, x.is_cuda, x.get_device()) == ("cpu", True, False, -1)
    with pytest.raises(ValueError, match="no device 'cuda'"):
        x.cuda()


@pytest.mark.parametrize(
    ("go", "dtype"),
    [
        (lambda m: m.to("cpu"), np.float64),
        (lambda m: m.to(device="cpu"), np.float64),
        (lambda m: m.to(al.device("cpu"), al.float32), np.float32),
        (lambda m: m.to("cpu", dtype=al.float32, non_blocking=True), np.float32),
        (lambda m: m.to(al.ones(1, dtype=al.float32)), np.float32),
        (lambda m: m.to(dtype=al.float16), np.float16),
        (lambda m: m.float().cpu(), np.float32),
    ],
)
def test_a_module_goes_where_it_is_and_to_a_dtype(go: Callable[[Any], Any], dtype: Any):
    model = al.nn.Sequential(al.nn.Linear(2, 3), al.nn.BatchNorm1d(3))
    assert go(model) is model
    assert {t.dtype for t in (*model.parameters(), *model.buffers())} == {np.dtype(dtype), np.dtype(np.int64)}
    for refused in (lambda: model.cuda(), lambda: model.to(device="cuda:1")):
        with pytest.raises(ValueError, match="no device 'cuda"):
            refused()


def test_randint_in_another_dtype():
    drawn = al.randint(0, 9, (5,), dtype=al.int32)
    assert drawn.dtype == np.int32
    assert al.randint(0, 9, (5,), dtype=al.float32, requires_grad=True).requires_grad
