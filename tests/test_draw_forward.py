import re

import numpy as np
import pytest

import autograd_lite as al
import models
from autograd_lite.derive.codes import numpy_style
from autograd_lite.derive.lines import Lines
from autograd_lite.draw.algebra import algebra
from autograd_lite.draw.forward import forward_code
from autograd_lite.nn import functional as F

rs = np.random.RandomState(0)
x, y, v, w = (
    al.tensor(rs.rand(*shape), requires_grad=True, name=name)
    for shape, name in (((3, 4), "x"), ((3, 4), "y"), ((4,), "v"), ((5, 4), "w"))
)
GIVEN = {"x": x.data, "y": y.data, "v": v.data, "w": w.data}
CASES = [
    lambda: x + 1,
    lambda: 1 - x,
    lambda: x - (y - x),
    lambda: x - (-y),
    lambda: x * -2 - -3 * y,
    lambda: -((x + y) ** 2) / (2 * y / x),
    lambda: -x @ w.T,
    lambda: (x * y) @ w.T * 2,
    lambda: F.linear(x, w, w.sum(1)),
    lambda: x**-1 + y**2.5,
    lambda: al.sqrt(al.log1p(al.exp(x))) + al.tanh(y),
    lambda: F.relu(x - y) + F.softplus(y),
    lambda: x.sum(0) + x.mean(0, True),
    lambda: x.sum() * 2,
    lambda: x.sum((0, 1), True),
    lambda: x.amax(1) + x.amin(1) + x.logsumexp(1) + x.logsumexp((0, 1)),
    lambda: F.softmax(x, 0) + F.log_softmax(y),
    lambda: al.maximum(x, y) - al.minimum(x, 0.3),
    lambda: al.clamp(x, 0.2, 0.7),
    lambda: al.stack([x, y], 1) * 2,
    lambda: x[1:3, ::2].T @ y[0:2],
    lambda: x[0, None, ..., 1:],
    lambda: x.reshape(2, 6).T.reshape(12),
    lambda: al.permute(x.reshape(3, 2, 2), (1, 2, 0)),
    lambda: al.var(x, 1) + al.std(y, 1),
    lambda: F.mse_loss(x, y) + F.l1_loss(x, y),
    lambda: F.mse_loss(x, y, reduction="none") * 2,
    lambda: F.binary_cross_entropy_with_logits(x, y, reduction="none") * 3,
    lambda: al.ops.pad(x, [(1, 1), (0, 2)], value=0.5),
    lambda: v @ v,
    lambda: x.unsqueeze(1) * y,
    lambda: al.broadcast_to(v, (2, 4)) * 1,
    lambda: F.conv2d(x.reshape(1, 1, 3, 4), w.reshape(5, 1, 2, 2), stride=2, dilation=(1, 2)),
    lambda: F.avg_pool2d(x.reshape(1, 1, 3, 4), 2, 1),
    lambda: F.fold(al.broadcast_to(v, (1, 4, 4)), (3, 3), 2),
]


@pytest.mark.parametrize("k", range(len(CASES)))
def test_the_code_of_an_op_gives_its_value(k):
    result = CASES[k]()
    code = forward_code(result)
    assert code is not None
    scope = {"np": np, **GIVEN}
    exec(code, scope)
    np.testing.assert_allclose(scope["result"], result.data, rtol=1e-12, err_msg=code)
    assert np.shape(scope["result"]) == result.shape


@pytest.mark.parametrize("id", models.networks)
def test_the_code_of_every_network_runs(id):
    network = models.find(id)
    data = network.data()
    weights, rng = network.start()
    batch = next(network.batches(data, rng))
    graph = network.graph(*network.focus(weights, batch))
    result = list(graph.layers.values())[-1] if graph.error is None else graph.error
    if result.node is None:
        assert forward_code(result) is None
        return
    code = forward_code(result)
    assert code is not None
    if "not kept" in code:  # the right answers, which an error did not keep
        assert "- c1)" in code or "(c1 - " in code
        return
    scope = {"np": np, **{name: w.data for name, w in graph.weights.items()}}
    lines = Lines(result, None, numpy_style, by_age=True)
    lines.write()
    scope |= dict(lines.of_arrays.values())  # constants, by the names that the code has for them
    exec(code, scope)
    np.testing.assert_allclose(scope[result.name], result.data, rtol=1e-9, err_msg=code)
    for name, layer in graph.layers.items():
        if re.search(rf"^{name} = ", code, re.MULTILINE):
            np.testing.assert_allclose(scope[name], layer.data, rtol=1e-9)


def test_the_code_of_a_layered_network():
    l0 = al.tensor(rs.rand(2, 3), name="l0")
    W0, W1 = (al.tensor(rs.rand(*s), requires_grad=True) for s in ((3, 4), (4, 1)))
    l1 = F.relu(l0 @ W0)
    l1.name = "l1"
    names = {"W.0": W0, "lambda": W1}
    l2 = l1 @ W1
    assert forward_code(l2, names=names) == "l1 = np.maximum(l0 @ W_0, 0)\nresult = l1 @ lambda_"
    assert str(algebra(l2, names={"W0": W0, "W1": W1})) == "result = relu(l0 W0) W1"


def test_what_cannot_be_printed_is_none():
    @al.primitive(x=lambda g, x: g * 3 * x * x)
    def cube(x):
        return x**3

    assert forward_code(cube(x)) is None
    assert forward_code(al.ones(2)) is None
    with pytest.raises(TypeError, match="and this is list"):
        forward_code([x])


@pytest.mark.parametrize("name", ["np", "import os", "a\nb", "x); 1 / 0  #", "🙂", "class", "softmax", "é", "1"])
def test_any_name_is_an_identifier(name):
    a = al.tensor([1.0, 2.0], requires_grad=True)
    line = forward_code(al.sum(a * 2), names={name: a})
    own = re.fullmatch(r"result = np\.sum\((\w+) \* 2\)", line)[1]
    scope = {"np": np, own: a.data}
    exec(line, scope)
    assert own.isidentifier()
    assert scope["result"] == 6
