"""`al.func`: derivatives as functions, nested and from outside, held against PyTorch's."""

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import nn

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch's, of its forward mode

X, Y = np.array([0.5, -1.0, 2.0]), np.array([1.5, 0.3, -0.7])


def double(make):
    """Functions of one or two vectors, and their inputs, of either library."""
    return {
        "sum": (lambda m: lambda x: (m.sin(x) * x).sum(), (X,)),
        "vector": (lambda m: lambda x: m.stack([m.sin(x[0]) * x[1], x[2] ** 3], 0), (X,)),
        "matrix": (lambda m: lambda x: m.tanh(x)[:, None] * x, (X,)),
        "two": (lambda m: lambda x, y: m.exp(x) * y.sum() + x, (X, Y)),
        "independent": (lambda m: lambda x, y: y * 2.0, (X, Y)),
        "constant": (lambda m: lambda x: make(m)([1.0, 2.0]), (X,)),
    }


CASES = double(lambda m: lambda values: m.tensor(values) if m is al else m.tensor(values).double())


def sides(torch, name):
    make, arrays = CASES[name]
    return [(m, make(m), [m.tensor(a) for a in arrays]) for m in (al, torch)]


def alike(a, b, tolerance=1e-12):
    if isinstance(a, tuple | list):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            alike(x, y, tolerance)
    elif isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            alike(a[key], b[key], tolerance)
    else:
        assert a.shape == tuple(b.shape)
        np.testing.assert_allclose(np.asarray(a.data), b.detach().numpy(), rtol=tolerance, atol=tolerance)


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is the reference here")


@pytest.mark.parametrize("how", ["jacrev", "jacfwd", "hessian"])
@pytest.mark.parametrize("argnums", [0, (0,), 1, (0, 1), (1, 0)])
@pytest.mark.parametrize("name", CASES)
def test_jacobians_are_pytorchs(torch, name, argnums, how):
    if len(CASES[name][1]) == 1 and argnums not in (0, (0,)):
        argnums = 0
    found = []
    for m, f, args in sides(torch, name):
        found.append(getattr(m.func, how)(f, argnums)(*args))
    alike(*found)


@pytest.mark.parametrize("name", CASES)
def test_vjp_and_jvp_are_pytorchs(torch, name):
    pulled, pushed = [], []
    for m, f, args in sides(torch, name):
        y, back = m.func.vjp(f, *args)
        cotangent = m.tensor(np.random.default_rng(0).normal(size=tuple(y.shape)))
        pulled.append((y, *back(cotangent), *back(cotangent * 2.0)))
        tangents = tuple(m.tensor(np.random.default_rng(k).normal(size=3)) for k in range(len(args)))
        if name != "constant":  # PyTorch has no jvp of what depends on nothing
            pushed.append(m.func.jvp(f, tuple(args), tangents))
    alike(*pulled)
    if pushed:
        alike(*pushed)


def test_gradients_nest(torch):
    def third(m):
        g = m.func.grad
        return g(g(g(lambda x: x**4 + m.sin(x))))

    alike(third(al)(al.tensor(2.0)), third(torch)(torch.tensor(2.0, dtype=torch.float64)))

    def confusing(m):
        return m.func.grad(lambda x: x * m.func.grad(lambda y: x * y)(x))  # d/dx x·x, not x + x + x

    alike(confusing(al)(al.tensor(3.0)), confusing(torch)(torch.tensor(3.0, dtype=torch.float64)))
    assert confusing(al)(al.tensor(3.0)).item() == 6.0
    mixed = al.func.jacfwd(al.func.grad(lambda x: (al.sin(x) * x).sum()))(al.tensor(X))
    np.testing.assert_allclose(mixed.data, np.diag(2 * np.cos(X) - X * np.sin(X)), atol=1e-12)


def test_forms_of_arguments_and_what_goes_along(torch):
    def loss(m):
        def f(params, x, scale=1.0):
            y = m.tanh(params["w"] * x + params["b"][0]) * scale
            return y.sum(), {"y": y}

        return f

    found = []
    for m in (al, torch):
        params = {"w": m.tensor(X), "b": (m.tensor(Y),)}
        x = m.tensor(Y)
        g, (value, aux) = m.func.grad_and_value(loss(m), has_aux=True)(params, x, scale=2.0)
        only, same = m.func.grad(loss(m), argnums=(0, 1), has_aux=True)(params, x, scale=2.0)
        found.append((g, value, aux, only, same))
    alike(*found)
    (value, aux), g = al.func.value_and_grad(loss(al), has_aux=True)(
        {"w": al.tensor(X), "b": (al.tensor(Y),)}, al.tensor(Y)
    )
    assert not value.requires_grad
    assert not aux["y"].requires_grad
    assert not g["w"].requires_grad


def test_second_derivatives_times_a_vector():
    def f(x, y):
        return (al.sin(x) * y).sum() + (x * x).sum() * y.sum()

    x, y, v, w = (al.tensor(a) for a in (X, Y, Y * 2, X - 1))
    value, (hx, hy) = al.func.hvp(f, (x, y), (v, w))
    h = al.func.hessian(f, (0, 1))(x, y)
    np.testing.assert_allclose(value.data, f(x, y).data)
    np.testing.assert_allclose(hx.data, h[0][0].data @ v.data + h[0][1].data @ w.data, rtol=1e-12)
    np.testing.assert_allclose(hy.data, h[1][0].data @ v.data + h[1][1].data @ w.data, rtol=1e-12)


def test_results_can_be_differentiated_from_outside():
    w = al.tensor(2.0, requires_grad=True)
    g = al.func.grad(lambda x: w * x**3)(al.tensor(3.0))
    g.backward()
    assert w.grad.item() == 27.0
    x = al.tensor(3.0, requires_grad=True)
    al.func.grad(lambda x: x**3)(x).backward()
    assert x.grad.item() == 18.0
    x.grad = None
    _, t = al.func.jvp(lambda x: x**3, (x,), (al.tensor(1.0),))
    t.backward()
    assert x.grad.item() == 18.0
    x.grad = None
    y, back = al.func.vjp(lambda x: x**3, x)
    (back(al.tensor(1.0))[0] + y).backward()
    assert x.grad.item() == 18.0 + 27.0
    constant = al.func.grad(lambda x: x**3)(al.tensor(3.0))
    assert not constant.requires_grad
    with al.no_grad():
        assert al.func.grad(lambda x: w * x**3)(x).item() == 54.0
        assert not al.func.grad(lambda x: w * x**3)(x).requires_grad
    assert w.grad.item() == 27.0


def test_nothing_is_left_behind():
    x = al.tensor(X, requires_grad=True)
    before = x.node
    al.func.jacrev(lambda x: x * x)(x)
    assert x.node is before
    assert x.grad is None


def test_vmap_is_pytorchs(torch):
    found = []
    for m in (al, torch):
        a, b = m.tensor(np.arange(12.0).reshape(3, 4)), m.tensor(np.arange(4.0))
        f = m.func.vmap if m is al else torch.vmap
        found.append(
            (
                f(lambda x, y: (x * y).sum(), in_dims=(0, None))(a, b),
                f(lambda x, y: x * y.sum(), in_dims=1, out_dims=1)(a, m.tensor(np.arange(8.0).reshape(2, 4))),
                f(lambda x: {"sum": x.sum(), "twice": x * 2})(a),
                f(lambda p, x: p["a"] @ x, in_dims=({"a": 0}, 0) if m is torch else (0, 0))({"a": a}, a),
                f(m.func.grad(lambda x: (x**3).sum()))(a),
                f(f(lambda x: x**2))(a),
                f(lambda x: (x, x.sum()), out_dims=(1, 0))(a),
            )
        )
    alike(*found)


def test_a_module_with_other_parameters(torch):
    found = []
    for m in (al, torch):
        model = m.nn.Sequential(m.nn.Linear(3, 2), m.nn.Tanh(), m.nn.Linear(2, 2))
        model = model if m is al else model.double()
        params = {
            n: m.tensor(np.linspace(0.1, 1.0, int(np.prod(p.shape))).reshape(tuple(p.shape)))
            for n, p in model.named_parameters()
        }
        x = m.tensor(np.arange(6.0).reshape(2, 3))
        before = {n: np.array(p.detach().numpy()) for n, p in model.named_parameters()}
        loss = lambda p, x, model=model, m=m: (m.func.functional_call(model, p, (x,)) ** 2).sum()
        found.append(
            (
                m.func.functional_call(model, params, x),
                m.func.grad(loss)(params, x),
                loss({"2.bias": params["2.bias"] * 0}, x) * 0,
            )
        )
        for n, p in model.named_parameters():
            np.testing.assert_array_equal(p.detach().numpy(), before[n])
    alike(*found)
    hessian = al.func.hessian(lambda b: loss_of(b))(al.tensor([0.5, 0.5]))
    assert hessian.shape == (2, 2)


def loss_of(b):
    model = nn.Linear(3, 2)
    return (al.func.functional_call(model, {"bias": b}, al.ones(4, 3)) ** 2).sum()


def test_shared_parameters_are_replaced_together():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(2, 2, bias=False)
            self.b = nn.Linear(2, 2, bias=False)
            self.b.weight = self.a.weight

        def forward(self, x):
            return self.b(self.a(x))

    tied, x, two = Tied(), al.ones(1, 2), al.tensor(np.eye(2) * 2.0)
    np.testing.assert_array_equal(al.func.functional_call(tied, {"a.weight": two}, x).data, [[4.0, 4.0]])
    np.testing.assert_array_equal(al.func.functional_call(tied, {"a.weight": two}, x, strict=True).data, [[4.0, 4.0]])
    one = al.func.functional_call(tied, {"a.weight": two}, x, tie_weights=False)
    np.testing.assert_allclose(one.data, 2.0 * tied.b(x).data)
    np.testing.assert_array_equal(
        al.func.functional_call(tied, ({"a.weight": x}, {"a.weight": two}), x).data, [[4.0, 4.0]]
    )
    with pytest.raises(ValueError, match=r"unknown \['c'\]"):
        al.func.functional_call(tied, {"c": two}, x)
    with pytest.raises(ValueError, match=r"missing \['weight'\]"):
        al.func.functional_call(nn.Linear(2, 2), {"bias": al.ones(2)}, x, strict=True)
    broken = nn.Linear(2, 2)
    weight = broken.weight
    with pytest.raises(ValueError, match="do not fit"):
        al.func.functional_call(broken, {"weight": al.ones(3, 3)}, x)
    assert broken.weight is weight


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: al.func.grad(lambda x: x)(al.ones(2)), ValueError, "one scalar"),
        (lambda: al.func.grad(lambda x: 3.0)(al.ones(2)), TypeError, "the function's output.*float"),
        (lambda: al.func.grad(lambda x: x)(np.ones(2)), TypeError, "ndarray"),
        (lambda: al.func.grad(lambda x: x.sum())(al.arange(3)), TypeError, "int64"),
        (lambda: al.func.grad(lambda x: x, argnums=1)(al.ones(2)), ValueError, "argnums=1"),
        (lambda: al.func.grad(lambda x: x.sum(), has_aux=True)(al.ones(2)), TypeError, "a pair"),
        (lambda: al.func.jvp(lambda x: x, al.ones(2), al.ones(2)), TypeError, "are tuples"),
        (lambda: al.func.jvp(lambda x: x, (al.ones(2),), (al.ones(3),)), ValueError, "primals' shapes"),
        (lambda: al.func.hvp(lambda x: x, al.ones(2), al.ones(2)), TypeError, "are tuples"),
        (lambda: al.func.vjp(lambda x: x, al.ones(2))[1](al.ones(3)), ValueError, "outputs' shapes"),
        (lambda: al.func.vmap(lambda x, y: x)(al.ones(2), al.ones(3)), ValueError, "one length"),
        (lambda: al.func.vmap(lambda x: x)(al.ones(0)), ValueError, "from 1 on"),
        (lambda: al.func.vmap(lambda x: x, in_dims=2)(al.ones(2)), ValueError, "in_dims=2"),
        (lambda: al.func.vmap(lambda x: x, in_dims=(0, 0))(al.ones(2)), ValueError, "2 entries"),
        (lambda: al.func.vmap(lambda x: 3)(al.ones(2)), TypeError, "returns tensors"),
        (lambda: al.func.vmap(lambda x: x, out_dims=(0, 0))(al.ones(2)), ValueError, "2 entries"),
    ],
)
def test_what_makes_no_sense_is_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_vmap_takes_dimensions_in_the_form_of_what_they_are_for(torch):
    a, b, c = np.arange(6.0).reshape(2, 3), np.arange(3.0), np.arange(6.0).reshape(3, 2)
    found = []
    for lib in (al, torch):
        given = {"a": lib.tensor(a), "b": lib.tensor(b)}, [lib.tensor(c), lib.tensor(a)]
        dims = ({"a": 0, "b": None}, (1, 0)), {"in_dims": ({"a": 0, "b": None}, [1, 0])}
        mapped = lib.func.vmap(lambda d, e: (d["a"] * d["b"] + e[0], d["b"]), out_dims=(1, None), **dims[1])
        single = lib.func.vmap(lambda x: x * 2, in_dims=1, out_dims=(1,))
        found.append([*mapped(*given), single(given[0]["a"])])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_array_equal(ours.data, theirs)


def test_what_vmap_does_not_stack_is_one_for_all_calls(torch):
    for lib in (al, torch):
        with pytest.raises(ValueError, match="out_dim"):
            lib.func.vmap(lambda x: (x, x), out_dims=(0, None))(lib.tensor([1.0, 2.0]))
    with pytest.raises(ValueError, match="entries"):
        al.func.vmap(lambda d: d["a"], in_dims=({"b": 0},))({"a": al.ones(2)})
