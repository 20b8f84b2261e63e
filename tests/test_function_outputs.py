"""`autograd.Function` with `setup_context`, several outputs, constants among them: as in PyTorch."""

from __future__ import annotations

import gc
import weakref
from typing import Any, ClassVar

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import GraphError
from autograd_lite.autograd.function import Function, once_differentiable


def functions(lib: Any) -> dict[str, Any]:
    """The same Functions for a library; each is given two vectors of four."""

    class Base(lib.autograd.Function):
        seen: ClassVar[list[Any]] = []

    class Polar(Base):
        """Two outputs, of other shapes, one saved; the way of PyTorch 2."""

        @staticmethod
        def forward(x, y):
            r = lib.sqrt(x * x + y * y)
            return r, lib.stack([x / r, y / r], 0)

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, y = inputs
            ctx.save_for_backward(x, y, output[0])

        @staticmethod
        def backward(ctx, gr, gu):
            x, y, r = ctx.saved_tensors
            cross = (gu[0] * y - gu[1] * x) / r**3
            return gr * x / r + cross * y, gr * y / r - cross * x

    class Twice(Base):
        """One output, with setup_context and a number among the arguments."""

        @staticmethod
        def forward(x, y, power):
            return x**power * y

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, y, ctx.power = inputs
            ctx.save_for_backward(x, y)

        @staticmethod
        def backward(ctx, g):
            x, y = ctx.saved_tensors
            return g * ctx.power * x ** (ctx.power - 1) * y, g * x**ctx.power, None

    class Largest(Base):
        """A value and its place, which is a constant; the first output is saved."""

        @staticmethod
        def forward(ctx, x, y):
            p = lib.exp(x) * y
            place = lib.argmax(p)
            ctx.mark_non_differentiable(place)
            ctx.save_for_backward(p, y, place)
            return p, place

        @staticmethod
        def backward(ctx, g, gplace):
            p, y, place = ctx.saved_tensors
            Base.seen.append((tuple(gplace.shape), float(gplace.sum()), int(place)))
            return g * p, g * p / y

    class Marked(Base):
        """A floating-point output that is a constant."""

        @staticmethod
        def forward(ctx, x, y):
            mask = (x > y) * x
            ctx.mark_non_differentiable(mask)
            ctx.save_for_backward(y)
            return x * y, mask

        @staticmethod
        def backward(ctx, g, gm):
            Base.seen.append(gm.tolist())
            (y,) = ctx.saved_tensors
            return g * y, None

    class Bare(Base):
        """None where there is no gradient, and something that is no tensor among the outputs."""

        @staticmethod
        def forward(ctx, x, y):
            ctx.set_materialize_grads(False)
            return x * 2.0, "text", y * 3.0

        @staticmethod
        def backward(ctx, gx, nothing, gy):
            Base.seen.append((gx is None, nothing, gy is None))
            return None if gx is None else gx * 2.0, None if gy is None else gy * 3.0

    return {f.__name__: f for f in (Polar, Twice, Largest, Marked, Bare)} | {"seen": Base.seen}


def loss_of(name: str, f: Any, x: Any, y: Any) -> Any:
    outputs = f(x, y, 3) if name == "Twice" else f(x, y)
    if name == "Polar":
        return (outputs[0] ** 3).sum() + (outputs[1][0] ** 3 * outputs[0]).sum()
    if name == "Largest":
        return (outputs[0] ** 2).sum() + outputs[0][outputs[1]] * x[outputs[1]]
    if name == "Bare":
        return (outputs[0] ** 2 * outputs[2]).sum()
    picked = {"first": lambda: outputs[0], "second": lambda: outputs[1], "third": lambda: outputs[2]}
    return {**picked, "Twice": lambda: outputs, "Marked": lambda: outputs[0] * outputs[1]}[name]().pow(3).sum()


CASES = [
    ("Polar", "Polar"),
    ("Polar", "first"),
    ("Polar", "second"),
    ("Twice", "Twice"),
    ("Largest", "Largest"),
    ("Marked", "Marked"),
    ("Bare", "Bare"),
    ("Bare", "first"),
    ("Bare", "third"),
]
X, Y = np.array([0.5, -1.5, 2.0, 0.3]), np.array([1.5, 0.7, -0.4, 2.5])


@pytest.mark.parametrize(("name", "loss"), CASES, ids=["-".join(case) for case in CASES])
def test_values_and_first_and_second_gradients_are_those_of_pytorch(name: str, loss: str):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    results, seen = [], []
    for lib in (al, torch):
        all_ = functions(lib)
        x, y = (lib.tensor(a, requires_grad=True) for a in (X, Y))
        value = loss_of(loss, all_[name].apply, x, y)
        first = lib.autograd.grad(value, [x, y], create_graph=True, allow_unused=True)
        some = [g for g in first if g is not None]
        second = lib.autograd.grad(sum((g**2).sum() for g in some), [x, y], allow_unused=True)
        found = [value, *first, *second]
        results.append([None if t is None else t.detach().numpy() for t in found])
        seen.append(all_["seen"])
    for ours, theirs in zip(*results, strict=True):
        assert (ours is None) == (theirs is None)
        if ours is not None:
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    assert seen[0] == seen[1]


def leaves() -> list[al.Tensor]:
    return [al.tensor(a, requires_grad=True) for a in (X, Y)]


def test_every_output_is_checked_by_differences_and_a_wrong_one_is_named():
    polar = functions(al)["Polar"]
    x, y = leaves()
    assert al.gradcheck(polar.apply, (x, y))
    assert al.gradgradcheck(polar.apply, (x, y))

    class Wrong(polar):  # type: ignore[misc]
        @staticmethod
        def backward(ctx, gr, gu):
            return polar.backward(ctx, gr, gu * 1.001)

    report = al.gradcheck(Wrong.apply, (x, y))
    assert not report
    assert "Wrong" in str(report)


def test_outputs_that_are_constants_have_no_graph():
    largest, marked = functions(al)["Largest"], functions(al)["Marked"]
    p, place = largest.apply(*leaves())
    assert p.requires_grad
    assert not place.requires_grad
    assert place.dtype == np.int64
    product, mask = marked.apply(*leaves())
    assert (product.requires_grad, mask.requires_grad) == (True, False)

    class Sign(Function):
        @staticmethod
        def forward(ctx, x):
            y = al.sign(x)
            ctx.mark_non_differentiable(y)
            return y

    assert not Sign.apply(leaves()[0]).requires_grad


def test_outputs_of_two_dtypes_keep_them():
    class Both(Function):
        @staticmethod
        def forward(x):
            return x.float(), x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, low, high):
            assert (low.dtype, high.dtype) == (np.float32, np.float64)
            return low.double() + 2.0 * high * ctx.saved_tensors[0]

    x = leaves()[0]
    low, high = Both.apply(x)
    assert (low.dtype, high.dtype) == (np.float32, np.float64)
    (low.double().sum() + high.sum()).backward()
    np.testing.assert_array_equal(x.grad, 1.0 + 2.0 * X)


def test_one_output_in_a_tuple_and_none_at_all():
    class One(Function):
        @staticmethod
        def forward(ctx, x):
            return (x * 2.0,)

        @staticmethod
        def backward(ctx, g):
            return g * 2.0

    x = leaves()[0]
    (y,) = One.apply(x)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, np.full(4, 2.0))


def test_gradients_too_many_are_taken_if_they_are_none():
    class Many(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2.0

        @staticmethod
        def backward(ctx, g):
            return g * 2.0, None

    x = leaves()[0]
    Many.apply(x).sum().backward()
    np.testing.assert_array_equal(x.grad, np.full(4, 2.0))


# ------------------------------------------------------------------------------------------- once_differentiable


def numbers(lib: Any, once: Any) -> Any:
    class Cube(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        @once
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return lib.tensor(3.0 * g.numpy() * x.detach().numpy() ** 2)

    return Cube


def test_a_backward_in_numpy_is_right_once_and_refuses_to_be_differentiated():
    cube, x = numbers(al, once_differentiable), leaves()[0]
    (cube.apply(x).sum()).backward()
    np.testing.assert_allclose(x.grad, 3.0 * X**2)
    assert al.gradcheck(cube.apply, (x,))
    (slope,) = al.autograd.grad(cube.apply(x).sum(), x, create_graph=True)
    assert slope.requires_grad
    with pytest.raises(GraphError, match="once_differentiable"):
        slope.sum().backward()


def test_pytorch_refuses_it_too():
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    from torch.autograd.function import once_differentiable as theirs

    x = torch.tensor(X, requires_grad=True)
    v = torch.ones(4, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(numbers(torch, theirs).apply(x), x, v, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.sum().backward()


# ------------------------------------------------------------------------------------------- writes, memory, passes


@pytest.mark.parametrize("which", [0, 1], ids=["saved", "not saved"])
def test_a_write_into_a_saved_output_is_refused_and_into_another_is_not(which: int):
    x, y = leaves()
    outputs = functions(al)["Polar"].apply(x, y)
    with al.no_grad():
        outputs[which].add_(1.0)
    total = sum(o.sum() for o in outputs)
    if which:
        total.backward()
        assert x.grad is not None
    else:
        with pytest.raises(GraphError, match=r"Polar.*changed in place"):
            total.backward()


@pytest.mark.parametrize("name", ["Polar", "Bare", "Largest"])
@pytest.mark.parametrize("passes", ["none", "backward", "recorded"])
def test_dropping_the_outputs_frees_them_without_the_collector(name: str, passes: str):
    gc.collect()
    gc.disable()
    try:
        x, y = leaves()
        outputs = functions(al)[name].apply(x, y)
        node = weakref.ref(outputs[0].node)
        if passes == "backward":
            outputs[0].sum().backward()
        elif passes == "recorded":
            al.autograd.grad(outputs[0].sum(), x, create_graph=True)
        del outputs
        assert node() is None
    finally:
        gc.enable()


def test_a_pass_that_ends_at_an_output_leaves_nothing_for_the_next():
    all_ = functions(al)
    x, y = leaves()
    a, _, b = all_["Bare"].apply(x, y)
    al.autograd.grad((a * a).sum(), a, retain_graph=True)
    (b * b).sum().backward()
    assert all_["seen"] == [(True, None, False)]


def test_a_compiled_step_with_several_outputs_makes_the_same_steps():
    made = []
    for compiled in (False, True):
        polar, bare = (functions(al)[name] for name in ("Polar", "Bare"))
        w = al.tensor(np.linspace(0.2, 1.0, 4), requires_grad=True)
        rule = al.optim.SGD([w], lr=0.05)

        def step(x, w=w, rule=rule, polar=polar, bare=bare):
            rule.zero_grad()
            r, u = polar.apply(w * x, w + x)
            error = (r**2).sum() + (u[0] * bare.apply(w, x)[0]).sum()
            error.backward()
            rule.step()
            return error

        run = al.compile(step) if compiled else step
        losses = [float(run(al.tensor(X * k))) for k in (1.0, 0.9, 1.1)]
        made.append((losses, w.data.copy()))
    np.testing.assert_allclose(made[1][0], made[0][0], rtol=1e-12)
    np.testing.assert_allclose(made[1][1], made[0][1], rtol=1e-12)


def test_the_deltas_of_a_graph_with_several_outputs_are_checked():
    x, y = leaves()
    x.name = "x"
    r, u = functions(al)["Polar"].apply(x, y)
    loss = (r * r).sum() + u.sum()
    right = al.autograd.grad(loss, x, retain_graph=True)[0].data
    for delta, verdict in ((right, "agrees"), (2.0 * right, "introduced")):
        assert [f.verdict for f in al.check_deltas(loss, {"x": delta})] == [verdict]
