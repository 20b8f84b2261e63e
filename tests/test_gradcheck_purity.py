"""Rules and forward functions that write into what they are given are found and named, right or not."""

import json
import mmap

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.check import GradcheckError, check_module, gradcheck, gradgradcheck

POINT = np.random.default_rng(5).normal(size=(3, 4))
GIVEN = "the gradient it was given"
PLANTED = {}


def leaf(array=POINT):
    return al.tensor(array, requires_grad=True)


def planted(op, argument, what):
    """Register a function whose gradients may be right, and that is not pure."""

    def register(make):
        PLANTED[make.__name__] = make(), op, argument, what
        return make

    return register


def rule_for_squares(rule):
    @al.primitive(x=rule)
    def sq(x):
        return x * x

    return sq


def function(forward=None, backward=None):
    class Sq(al.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            y = x * x + w if forward is None else forward(ctx, x, w)
            ctx.save_for_backward(x, y)
            return y

        @staticmethod
        def backward(ctx, g):
            return (g * ctx.saved_tensors[0] * 2.0, g) if backward is None else backward(ctx, g)

    return lambda x: Sq.apply(x, al.sin(x))


# Rules


@planted("sq", "x", f"the rule of sq for x writes into {GIVEN}")
def right_and_into_g():
    def rule(g, x):
        g *= 2.0 * x
        return g

    return rule_for_squares(rule)


@planted("sq", "x", f"the rule of sq for x writes into {GIVEN}")
def into_g_by_an_out_argument():
    return rule_for_squares(lambda g, x: np.multiply(g, 2.0 * x, out=g))


@planted("sq", "x", f"the rule of sq for x writes into {GIVEN}")
def into_a_view_of_g():
    def rule(g, x):
        g.reshape(-1)[:2] *= 1.0  # which changes nothing
        return g * 2.0 * x

    return rule_for_squares(rule)


@planted("sq", "x", "the rule of sq for x writes into what was saved (x)")
def into_x():
    def rule(g, x):
        x *= 2.0
        return g * x

    return rule_for_squares(rule)


@planted("sq", "x", "the rule of sq for x writes into what was saved (x)")
def into_x_and_back():
    def rule(g, x):
        x *= 2.0
        out = g * x
        x /= 2.0
        return out

    return rule_for_squares(rule)


@planted("logistic", "x", "the rule of logistic for x writes into what was saved (y)")
def into_y():
    def rule(g, y):
        np.subtract(y, y * y, out=y)
        return g * y

    @al.primitive(x=rule)
    def logistic(x):
        return 1 / (1 + np.exp(-x))

    return logistic


@planted("joined", "xs[1]", "the rule of joined for xs[1] writes into what was saved (xs[0])")
def into_another_argument():
    def rule(g, xs, i):
        if i == 1:
            xs[0][:] = 0.0
        return g

    @al.primitive(xs=rule)
    def joined(*xs):
        return xs[0] + xs[1]

    return lambda x: joined(al.sin(x), al.cos(x))


@planted("scaled", "x", "the rule of scaled for x writes into what was saved (by)")
def into_an_attribute():
    def rule(g, by):
        by += 0.0
        return g * by

    @al.primitive(x=rule)
    def scaled(x, *, by):
        return x * by

    return lambda x: scaled(x, by=np.arange(4.0))


@planted("sq", "x", "the rule of sq for x writes into what was saved (x)")
def into_memory_that_is_not_numpys():
    def rule(g, x):
        x *= 2.0
        return g * x

    sq = rule_for_squares(rule)
    buffer = np.frombuffer(mmap.mmap(-1, 96), dtype=float).reshape(3, 4)

    @al.primitive(x=lambda g: g)
    def mapped(x):
        buffer[...] = x
        return buffer

    return lambda x: sq(mapped(x))


# Forward functions


@planted("doubled", "x", "the forward function of doubled writes into its argument x")
def forward_into_x():
    @al.primitive(x=lambda g: g * 2.0)
    def doubled(x):
        x *= 2.0
        return x

    return lambda x: doubled(al.sin(x))


@planted("rectified", "x", "the forward function of rectified writes into its argument x")
def forward_that_changes_nothing_at_its_second_call():
    @al.primitive(x=lambda g, y: g * (y > 0))
    def rectified(x):
        x[x < 0] = 0.0
        return x + 0.0

    return rectified


# Functions of PyTorch's kind


@planted("Sq", "xs[0]", f"the rule of Sq for xs[0] writes into {GIVEN}")
def backward_into_g():
    return function(backward=lambda ctx, g: (g.mul_(2.0) * ctx.saved_tensors[0], g / 2.0))


@planted("Sq", "xs[0]", "the rule of Sq for xs[0] writes into what was saved (saved_tensors[0])")
def backward_into_x():
    return function(backward=lambda ctx, g: (ctx.saved_tensors[0].mul_(2.0) * g, g))


@planted("Sq", "xs[0]", "the rule of Sq for xs[0] writes into what was saved (saved_tensors[1])")
def backward_into_y():
    return function(backward=lambda ctx, g: (ctx.saved_tensors[0] * 2.0 * g, ctx.saved_tensors[1].zero_() + g))


@planted("Sq", "xs[1]", "the forward function of Sq writes into its argument xs[1]")
def forward_of_a_function_into_w():
    return function(forward=lambda ctx, x, w: w.add_(x * x))


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
@pytest.mark.parametrize("name", PLANTED)
def test_what_is_not_pure_is_found_and_named(name, check):
    func, op, argument, what = PLANTED[name]
    x = leaf()
    report = check(lambda x: al.tanh(func(x * 1.0)), x)
    assert not report
    assert report.blame.kind == "impure", report
    assert report.op == op
    assert report.blame.what == what
    if "forward function" in what:
        assert what.endswith(f" {report.blame.argument}")
    else:
        assert report.blame.argument == argument
    assert report.blame.site[0] == __file__
    assert np.array_equal(x.data, POINT)
    assert x.data.flags.writeable


def test_under_a_sum_whose_gradient_nobody_can_write_into():
    report = gradcheck(lambda x: PLANTED["right_and_into_g"][0](x).sum(), leaf())
    assert report.blame.what.endswith(GIVEN)


def test_the_report_says_the_law_and_the_remedy():
    report = gradcheck(PLANTED["right_and_into_g"][0], leaf())
    text = str(report)
    assert text.startswith("gradcheck: IMPURE")
    assert "`g = g * ...` in place of\n`g *= ...`" in text
    assert [f.kind for f in report] == ["impure"]
    record = json.loads(json.dumps(report.to_dict()))
    assert not record["ok"]
    assert (record["blame"]["kind"], record["blame"]["what"]) == ("impure", report.blame.what)
    with pytest.raises(GradcheckError, match="writes into the gradient"):
        gradcheck(PLANTED["right_and_into_g"][0], leaf(), raise_exception=True)


def test_in_a_model():
    w = al.tensor(POINT, dtype=np.float32, requires_grad=True)
    report = check_module({"w": w}, lambda: PLANTED["into_x"][0](w).mean())
    assert report.blame.kind == "impure"
    assert w.dtype == np.float32
    assert np.array_equal(w.data, POINT.astype(np.float32))


# No false alarms


def test_work_on_arrays_of_its_own_is_pure():
    def rule(g, x):
        out = np.array(g)
        out *= 2.0 * x
        return out

    assert gradcheck(rule_for_squares(rule), leaf())


def test_code_that_refuses_locked_arrays_without_writing_is_pure():
    """As Cython's typed arrays and numba's do."""

    def rule(g, x):
        if not g.flags.writeable:
            raise ValueError("buffer source array is read-only")
        return g * 2.0 * x

    assert gradcheck(rule_for_squares(rule), leaf())


def test_a_wrong_rule_that_is_pure_is_wrong_as_before():
    assert gradcheck(rule_for_squares(lambda g, x: g * x), leaf()).blame.kind == "op"


def test_nothing_stays_locked():
    base = np.ones((3, 4))
    constant, part = al.tensor(base), al.Tensor(base[1:].T)
    assert gradcheck(lambda x: (x * constant).reshape(4, 3)[:, :2] * part + x.T[:, 1:].T.sum(), leaf())
    for array in (base, constant.data, part.data):
        assert array.flags.writeable
