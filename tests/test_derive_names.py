"""Names that `derive` takes from the source: each denotes the array that the variable held, or there is none."""

from __future__ import annotations

import linecache
import random
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.nn import functional as F

VARIABLES = "abcdvw"


def run(text, file, **scope):
    """Execute source that can be looked up, as a notebook's can."""
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    scope["al"] = al
    exec(compile(text, file, "exec"), scope)
    return scope


def tensors(*names, grad=True, shape=(3, 3)):
    rng = np.random.default_rng(len(names))
    return {name: al.tensor(rng.uniform(-1, 1, shape), requires_grad=grad) for name in names}


def forward(loss, **more):
    return al.derive(loss, **more).forward.splitlines()


def right(derived, scope, names):
    """How many of some variables have a name in the code, each of which must denote its array."""
    made = derived.run() if not derived.lost else {n: a for n, a in derived.inputs.items() if n not in derived.lost}
    found = [name for name in names if name in made]
    for name in found:
        np.testing.assert_allclose(made[name], scope[name].data, rtol=1e-6, atol=1e-9, err_msg=derived.source)
    return len(found)


@pytest.mark.parametrize("style", ["book", "plain"])
@pytest.mark.parametrize(
    "line",
    [
        "a @ w - b @ v",
        "al.matmul(a, w) - al.matmul(b, v)",
        "(a @ w\n        - b @ v)",
        "(a @ w).sum() * (b @ v).mean()",
        "al.tanh(a @ w + b @ v) @ c",
        "a @ w @ v + b @ v @ w",
        "(a @ w) * (b @ v) - (c @ w) * (d @ v)",
        "a.matmul(w) - b.matmul(v).T",
        "a * -w + b * -v",
    ],
)
def test_alike_parts_of_a_line_keep_their_names(line, style):
    for grad in (True, False):
        scope = tensors(*VARIABLES[:4], grad=grad) | tensors("v", "w")
        out = run(f"with al.record_lines():\n    out = {line}\n", f"<alike {line}>", **scope)["out"]
        assert right(al.derive(out, style=style), scope, VARIABLES) == len(set(re.findall(r"\b[abcdvw]\b", line)))
        shown = al.side_by_side(out)
        assert shown.forward == al.derive(out).forward


def expression(rng, names, depth):
    """The text of a random formula of matrices."""
    if not depth:
        return rng.choice(names)
    a, b = (expression(rng, names, depth - 1) for _ in range(2))
    forms = ["({a} @ {b})", "({a} + {b})", "({a} - {b})", "({a} * {b})", "al.tanh({a})", "al.matmul({a}, {b})"]
    forms += ["{a}.T", "(-{a})", "{a}.sigmoid()", "elsewhere({a}, {b})", "{a}.matmul({b})", "({a} / 3).detach()"]
    return rng.choice(forms).format(a=a, b=b)


def elsewhere(first, second):
    return first * 1.5 + second


def program(rng):
    """Lines that assign `out`: once, in a loop, to several variables at once, two in one line."""
    kind = rng.randrange(4)
    names = list(VARIABLES)
    one, two = (expression(rng, names, 2) for _ in range(2))
    if kind == 0:
        return [f"out = {expression(rng, names, rng.choice([2, 3, 4]))}"]
    if kind == 1:
        return [f"p, q = {one}, {two}", rng.choice(["out = p - q", "out = q", "out = p @ q"])]
    if kind == 2:
        return ["out = v", "for _ in range(3):", f"    out = {expression(rng, [*names, 'out'], 3)}"]
    return [f"p = {one}; q = {two}", "out = p + q"]


@pytest.mark.parametrize("style", ["book", "plain"])
@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_name_denotes_the_array_of_its_variable(style, seed):
    rng = random.Random(seed)
    scope = tensors(*VARIABLES)
    for name in VARIABLES[:5] if rng.random() < 0.5 else "":
        scope[name].requires_grad_(rng.random() < 0.5)
    lines = program(rng)
    text = "with al.record_lines():\n" + "".join(f"    {line}\n" for line in lines)
    out = run(text, f"<program {seed}>", elsewhere=elsewhere, **scope)["out"]
    if out.node is not None and out.node.op is not None and np.all(np.isfinite(out.data)):
        right(al.derive(out, style=style), scope, VARIABLES)


def test_most_variables_get_their_names():
    found = total = 0
    for seed in range(40):
        rng, scope = random.Random(seed), tensors(*VARIABLES)
        text = f"with al.record_lines():\n    out = {expression(rng, list(VARIABLES), 3)}\n"
        out = run(text, f"<most {seed}>", elsewhere=elsewhere, **scope)["out"]
        if out.node is not None and out.node.op is not None:
            derived = al.derive(out)
            found, total = found + right(derived, scope, VARIABLES), total + len(derived.gradients)
    assert found > 0.8 * total


def test_a_recurrent_network_in_the_order_of_time():
    xs, ys, h = (al.randn(*shape) for shape in ((3, 5, 2), (5, 2), (5, 4)))
    w_x, w_h, w_y = (al.randn(*shape, requires_grad=True) for shape in ((2, 4), (4, 4), (4, 2)))
    with al.record_lines():
        for t in range(3):
            h = al.tanh(xs[t] @ w_x + h @ w_h)
        y = h @ w_y
        loss = ((y - ys) ** 2).mean()
    assert forward(loss) == [
        "h_1 = np.tanh(xs_0 @ w_x + h_0 @ w_h)",
        "h_2 = np.tanh(xs_1 @ w_x + h_1 @ w_h)",
        "h_3 = np.tanh(xs_2 @ w_x + h_2 @ w_h)",
        "y = h_3 @ w_y",
        "loss = np.mean((y - ys) ** 2)",
    ]
    plain = forward(loss, style="plain")
    assert [line.split(" = ")[0] for line in plain if "tanh" in line] == ["h_1", "h_2", "h_3"]
    assert plain[0].endswith("xs_0 @ w_x")
    assert [line for line in plain if "xs_1" in line] > [line for line in plain if "xs_0" in line]


def test_a_state_that_another_line_hands_on():
    x, w = al.randn(2, 3), al.randn(3, 3, requires_grad=True)
    with al.record_lines():
        for _ in range(2):
            y = al.tanh(x @ w)
            x = y
        loss = y.sum()
    assert forward(loss) == ["y_1 = np.tanh(x @ w)", "y_2 = np.tanh(y_1 @ w)", "loss = np.sum(y_2)"]


def test_several_variables_in_one_line():
    x, (w_q, w_k) = al.randn(2, 3), (al.randn(3, 3, requires_grad=True) for _ in range(2))
    with al.record_lines():
        q, k = x @ w_q, x @ w_k
        loss = (q * k).sum()
    assert forward(loss) == ["q = x @ w_q", "k = x @ w_k", "loss = np.sum(q * k)"]


def test_what_is_not_used_is_not_mistaken():
    x, (w, v) = al.randn(2, 3), (al.randn(3, 3, requires_grad=True) for _ in range(2))
    with al.record_lines():
        _, kept = x @ w, x @ v
        loss = kept.sum()
    assert set(al.derive(loss).gradients) in ({"v"}, {"w1"})
    with al.record_lines():
        loss = ((x @ w).detach() @ v).sum() + (x @ w).sum()
    np.testing.assert_array_equal(al.derive(loss).inputs.get("v", v.data), v.data)
    np.testing.assert_array_equal(al.derive(loss).inputs.get("w", w.data), w.data)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.w1, self.w2 = nn.Parameter(al.randn(4, 5)), nn.Parameter(al.randn(5, 1))

    def forward(self, x):
        hidden = al.sigmoid(x @ self.w1)
        return hidden @ self.w2


def test_what_a_function_returns_is_called_as_its_caller_calls_it():
    net, x, goal = Net(), al.randn(7, 4), al.randn(7, 1)
    with al.record_lines():
        guess = net(x)
        loss = F.mse_loss(guess, goal)
    assert forward(loss)[-3:] == [
        "hidden = sigmoid(x @ w1)",
        "guess = hidden @ w2",
        "loss = np.mean((guess - goal) ** 2)",
    ]


def test_a_function_is_no_name_for_what_it_is_given():
    w = al.randn(3, requires_grad=True)

    def double(x):
        return x * 2

    with al.record_lines():
        h = double(al.exp(w))
        loss = al.sum(h)
    assert forward(loss) == ["h1 = np.exp(w)", "h = h1 * 2", "loss = np.sum(h)"]


def test_an_input_that_no_rule_keeps_is_the_one_that_another_op_was_given():
    x, w = al.randn(6, 4), al.randn(4, 4, requires_grad=True)
    with al.record_lines():
        h = x + al.relu(x @ w)
        loss = h.square().sum()
    derived = al.derive(loss)
    assert set(derived.inputs) == {"x", "w"}
    x.data[0] = 0
    w.grad = None
    (x + al.relu(x @ w)).square().sum().backward()
    np.testing.assert_allclose(derived.function()(x=x.data)["w"], w.grad.data, rtol=1e-12)


def test_numbers_of_a_sequential_are_layers():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    gradients = al.derive(model(al.randn(5, 3)).square().mean(), names=model).gradients
    assert set(gradients) == {f"layer{k}_{part}" for k in (0, 2) for part in ("weight", "bias")}
    assert gradients["layer0_bias"] == "layer0_bias_delta"
