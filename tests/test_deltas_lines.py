"""The corrected lines of `check_deltas`: what they say, and that they give the gradient."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_lite as al
from autograd_lite.check.lines import corrected_line
from autograd_lite.check.region import Region
from autograd_lite.recorded import Recorded

F = al.nn.functional


def weights(name, *shape, dtype=float):
    values = np.random.default_rng(len(name) + sum(shape)).normal(size=shape)
    return al.tensor(values.astype(dtype), requires_grad=True, name=name)


def constant(name, values):
    return al.tensor(np.asarray(values), name=name)


def named(tensor, name):
    tensor.name = name
    return tensor


def lines(loss, *wanted, times=1.0):
    """The line of each delta, given the right deltas above it."""
    graph = Recorded(loss.node)
    nodes = [n for n in graph.order if n.name in wanted]
    assert {n.name for n in nodes} == set(wanted)
    sources, names, found = {graph.root: np.ones(graph.root.shape)}, {n: n.name for n in nodes}, {}
    for node in nodes:
        region = Region(graph, node, sources)
        found[node.name] = corrected_line(region, node.name, names, times)
        sources[node] = region.truth
    return found


def inputs(rows=5, seed=0):
    return constant("layer_0", np.random.default_rng(seed).normal(size=(rows, 3)))


def hidden(activation, mask=None):
    layer_1_in = named(inputs() @ weights("w0", 3, 4) + weights("b0", 4), "layer_1_in")
    layer_1 = named(activation(layer_1_in), "layer_1")
    return layer_1 if mask is None else named(layer_1 * mask, "dropped")


def mask2():
    return constant("mask2", np.array([[2.0, 0.0, 2.0, 0.0]] * 5))


def one_hot():
    return constant("labels", np.eye(2)[[0, 1, 1, 0, 1]])


LAYERS = ("layer_1_in", "w0", "b0", "w1", "b1")


def test_two_layers_with_relu_and_dropout():
    layer_2 = named(hidden(al.relu, mask2()) @ weights("w1", 4, 2) + weights("b1", 2), "layer_2")
    labels = one_hot()
    loss = ((layer_2 - labels) ** 2).sum() / 5
    assert lines(loss, "layer_2", *LAYERS) == {
        "layer_2": "layer_2_delta = 2 * (layer_2 - labels) / 5",
        "layer_1_in": "layer_1_in_delta = (layer_2_delta @ w1.T) * mask2 * (layer_1 > 0)",
        "w0": "w0_delta = layer_0.T @ layer_1_in_delta",
        "b0": "b0_delta = layer_1_in_delta.sum(axis=0)",
        "w1": "w1_delta = dropped.T @ layer_2_delta",
        "b1": "b1_delta = layer_2_delta.sum(axis=0)",
    }


@pytest.mark.parametrize(
    ("target", "line"),
    [
        (one_hot, "(softmax(layer_2_in) - labels) / 5"),
        (lambda: constant("target", [0, 1, 1, 0, 1]), "(softmax(layer_2_in) - np.eye(2)[target]) / 5"),
    ],
)
def test_tanh_and_softmax_cross_entropy(target, line):
    target = target()
    layer_2_in = named(hidden(al.tanh, mask2()) @ weights("w1", 4, 2) + weights("b1", 2), "layer_2_in")
    found = lines(F.cross_entropy(layer_2_in, target), "layer_2_in", "layer_1", *LAYERS)
    assert found["layer_2_in"] == f"layer_2_in_delta = {line}"
    assert found["layer_1"] == "layer_1_delta = (layer_2_in_delta @ w1.T) * mask2"
    assert found["layer_1_in"] == "layer_1_in_delta = layer_1_delta * (1 - layer_1**2)"


@pytest.mark.parametrize(
    ("loss", "line"),
    [
        (lambda z, t: -(t * al.log(al.softmax(z))).sum() / 5, "(softmax(z) - labels) / 5"),
        (lambda z, t: -(t * al.log_softmax(z)).sum(axis=1).mean(), "(softmax(z) - labels) / 5"),
        (lambda z, t: F.mse_loss(z, t), "2 * (z - labels) / 10"),
        (lambda z, t: F.binary_cross_entropy_with_logits(z, t), "(sigmoid(z) - labels) / 10"),
        (lambda z, t: F.binary_cross_entropy(al.sigmoid(z), t), "(sigmoid(z) - labels) / 10"),
        (lambda z, t: F.binary_cross_entropy(named(al.sigmoid(z), "p"), t), "(p - labels) / 10"),
        (lambda z, t: (z - t).square().sum() * 0.5, "z - labels"),
        (lambda z, t: (z - t).square().mean() / 2, "(z - labels) / 10"),
    ],
)
def test_a_loss_prints_as_textbooks_have_it(loss, line):
    labels = one_hot()
    z = named(inputs() @ weights("w", 3, 2), "z")
    assert lines(loss(z, labels), "z") == {"z": f"z_delta = {line}"}


def test_sigmoid_and_binary_cross_entropy_by_hand():
    t = one_hot()
    p = named(al.sigmoid(named(inputs() @ weights("w", 3, 2), "z")), "p")
    assert lines(-(t * al.log(p) + (1 - t) * al.log(1 - p)).mean(), "p", "z") == {
        "p": "p_delta = ((1 - labels) / (1 - p) - labels / p) / 10",
        "z": "z_delta = p_delta * p * (1 - p)",
    }


def test_rows_of_a_table_are_added_at_their_places():
    table, index = weights("table", 6, 4), constant("index", [1, 2, 2])
    layer_1 = named(F.embedding(index, table).sum(axis=0), "layer_1")
    found = lines((layer_1**2).sum(), "layer_1", "table")
    assert found["layer_1"] == "layer_1_delta = 2 * layer_1"
    assert found["table"] == "table_delta = np.zeros_like(table); np.add.at(table_delta, index, layer_1_delta)"


def test_slices_and_two_of_them():
    w = weights("w", 6, 4)
    h = named(w[1:3], "h")
    assert lines((h**2).sum(), "h", "w")["w"] == "w_delta = np.zeros_like(w); w_delta[1:3] = h_delta"
    two = lines((named(w[1:3], "h") ** 2).sum() + (w[4] * 2).sum(), "h", "w")["w"]
    assert two == "w_delta = np.zeros_like(w); w_delta[4] += 2; w_delta[1:3] += h_delta"


def test_parts_of_what_was_put_together():
    a, b = weights("a", 3), weights("b", 3)
    joined = lines((named(al.cat([a, b]), "c") ** 2).sum(), "c", "a", "b")
    assert joined == {"c": "c_delta = 2 * c", "a": "a_delta = c_delta[0:3]", "b": "b_delta = c_delta[3:6]"}
    stacked = lines((named(al.stack([a, b], 1), "c") ** 2).sum(), "c", "a")
    assert stacked["a"] == "a_delta = c_delta[:, 0]"


def test_vectors_make_outer_products():
    a, w, v = weights("a", 3), weights("w", 3, 4), weights("v", 4)
    left = lines((named(a @ w, "h") ** 2).sum(), "h", "a", "w")
    assert left == {"h": "h_delta = 2 * h", "a": "a_delta = h_delta @ w.T", "w": "w_delta = np.outer(a, h_delta)"}
    right = lines((named(w @ v, "h") ** 2).sum(), "h", "v", "w")
    assert right == {"h": "h_delta = 2 * h", "v": "v_delta = w.T @ h_delta", "w": "w_delta = np.outer(h_delta, v)"}


def test_sums_and_means_are_spread_again():
    z = named(inputs() @ weights("w", 3, 4), "z")
    assert lines((named(z.mean(axis=0), "y") ** 2).sum(), "y", "z")["z"] == (
        "z_delta = np.broadcast_to(y_delta / 5, z.shape)"
    )
    assert lines((named(z.sum(axis=1), "y") ** 2).sum(), "y", "z")["z"] == (
        "z_delta = np.broadcast_to(y_delta[:, None], z.shape)"
    )
    assert lines(z.mean(), "z")["z"] == "z_delta = np.full_like(z, 1 / 20)"
    assert lines(z.sum(), "z")["z"] == "z_delta = np.ones_like(z)"


def test_two_paths_add_up():
    h = named(inputs() @ weights("w", 3, 4), "h")
    a, b = named(al.tanh(h), "a"), named(al.exp(h), "b")
    found = lines((a * b).sum(), "a", "b", "h")["h"]
    assert found in ("h_delta = b_delta * b + a_delta * (1 - a**2)", "h_delta = a_delta * (1 - a**2) + b_delta * b")
    x = weights("x", 3)
    assert lines((x * x).sum(), "x")["x"] == "x_delta = 2 * x"


def test_what_has_no_name_is_written_out():
    labels, layer_0, w0, w1 = one_hot(), inputs(), weights("w0", 3, 4), weights("w1", 4, 2)
    u = named(al.tanh(layer_0 @ w0) @ w1, "u")
    found = lines((u - labels).square().sum(), "u", "w0", "w1")
    assert found["u"] == "u_delta = 2 * (u - labels)"
    assert found["w1"] == "w1_delta = np.tanh(layer_0 @ w0).T @ u_delta"
    assert found["w0"] == "w0_delta = layer_0.T @ ((u_delta @ w1.T) * (1 - np.tanh(layer_0 @ w0)**2))"
    del labels  # no rule keeps them, so nothing knows them any more
    loss = (layer_0 @ w0 @ w1 - one_hot()).square().sum()
    assert lines(loss, "w1") == {"w1": None}


def test_names_become_identifiers():
    x = constant("lambda", inputs().data)
    out = named(F.linear(x, weights("hidden.weight", 2, 3), weights("hidden.bias", 2)), "np")
    found = lines((out**3).sum(), "np", "hidden.weight", "hidden.bias")
    assert found == {
        "np": "np_delta = 3 * np_**2",
        "hidden.weight": "hidden_weight_delta = np_delta.T @ lambda_",
        "hidden.bias": "hidden_bias_delta = np_delta.sum(axis=0)",
    }


def test_a_constant_of_the_whole_pass_is_multiplied_with():
    h = named(inputs() @ weights("w", 3, 4), "h")
    assert lines((h**2).sum(), "h", times=-0.5) == {"h": "h_delta = -h"}
    assert lines((h**2).sum(), "h", times=1 / 3) == {"h": "h_delta = 2 * h / 3"}


def test_float32():
    x = constant("x", inputs().data.astype(np.float32))
    y = named(al.sigmoid(named(x @ weights("w", 3, 4, dtype=np.float32), "z")), "y")
    found = lines((y * np.float32(0.1)).square().mean(), "y", "z", "w")
    assert found["z"] == "z_delta = y_delta * y * (1 - y)"
    assert found["w"] == "w_delta = x.T @ z_delta"


def test_what_cannot_be_printed_has_no_line():
    w = weights("w", 3, 4)
    unnamed = named(al.tensor(np.random.default_rng(1).normal(size=(5, 3))) @ w, "h")
    assert lines((unnamed**2).sum(), "h", "w") == {"h": "h_delta = 2 * h", "w": None}
    image = weights("image", 1, 1, 4, 4)
    assert lines(F.avg_pool2d(image, 2).sum(), "image") == {"image": None}
    deep = w
    for _ in range(200):
        deep = al.tanh(deep)
    assert lines(deep.sum(), "w") == {"w": None}
    twice = named(weights("a", 3, 4) * weights("a", 3, 4).exp(), "h")
    twice = named(al.exp(twice), "h")
    assert lines_of_first(twice) is None


def lines_of_first(loss):
    graph = Recorded(loss.sum().node)
    node = graph.order[-1]
    return corrected_line(Region(graph, node, {graph.root: np.ones(())}), "a", {node: "a"}, 1.0)


def test_ones_and_zeros_need_no_name():
    w = weights("w", 3)
    assert lines((w * np.ones(3)).sum() + (w * np.zeros(3)).sum(), "w") == {"w": "w_delta = np.ones_like(w)"}


def test_nothing_in_the_graph_is_written_to_and_no_watcher_sees():
    table, seen = weights("table", 6, 4), []
    loss = ((F.embedding(constant("index", [1, 2, 2]), table) - 1) ** 2).sum()
    before, graph = table.data.copy(), Recorded(loss.node)
    region = Region(graph, table.node, {graph.root: np.ones(())})
    with al.watch(lambda op, args, attrs, result: seen.append(op.name)):
        assert corrected_line(region, "table", {}, 1.0) is not None
    assert np.array_equal(table.data, before)
    assert seen == []


UNARY = ["tanh", "sigmoid", "relu", "exp", "square", "softplus", "sin", "cos", "absolute", "softmax", "log_softmax"]
BINARY = ["add", "subtract", "multiply", "matmul"]
OTHER = {
    "transposed": lambda a: a.T,
    "centred": lambda a: a - a.sum(axis=0, keepdims=True) / 3,
    "part": lambda a: a[1:].sum(axis=0) * 0.5,
    "larger": lambda a: np.maximum(a, 0),
    "squeezed": lambda a: al.tanh(a.reshape(-1, 3)).mean(axis=0),
}


@st.composite
def graphs(draw):
    """A loss of a few ops on named tensors, the tensors, and a named constant in it."""
    keep = constant("keep", (np.random.default_rng(draw(st.integers(0, 2**16))).random((3, 3)) > 0.5) * 2.0)
    leaves = [weights("v", 3, 3), weights("v_1", 3, 3), weights("v_2x", 3)]
    pool = list(leaves)
    for i in range(draw(st.integers(1, 6))):
        a, b = draw(st.sampled_from(pool)), draw(st.sampled_from(pool))
        kind = draw(st.sampled_from([*UNARY, *BINARY, *OTHER, "mask"]))
        if kind in UNARY:
            made = getattr(al.ops, kind)(a)
        elif kind in BINARY:
            made = getattr(al.ops, kind)(a, b)
        else:
            made = keep * a if kind == "mask" else OTHER[kind](a)
        if made.shape in ((3, 3), (3,)):
            pool.append(named(made, f"h{i}") if draw(st.booleans()) else made)
    return sum((t * t).mean() for t in pool), leaves, keep


@given(graphs())
def test_every_line_gives_the_gradient(drawn):
    loss, leaves, keep = drawn
    graph = Recorded(loss.node)
    nodes = [n for n in graph.order if n.name]
    names, sources = {n: n.name for n in nodes}, {graph.root: np.ones(())}
    true = {n: np.asarray(Region(graph, n, sources).truth) for n in nodes}
    for tensor, gradient in zip(leaves, al.autograd.grad(loss, leaves, retain_graph=True), strict=True):
        assert np.allclose(true[tensor.node], gradient.data)
    scope = {"np": np, "softmax": al.softmax, "sigmoid": al.sigmoid, "keep": keep.data}
    scope |= {n.name: graph.values[n] for n in nodes if n in graph.values}
    for node in nodes:
        line = corrected_line(Region(graph, node, sources), node.name, names, 1.0)
        if line is not None:
            exec(line, scope)
            made = scope[f"{node.name}_delta"]
            assert made.shape == node.shape
            assert np.allclose(made, true[node], rtol=1e-7, atol=1e-8 * np.abs(true[node]).max())
        sources[node] = scope[f"{node.name}_delta"] = true[node]
