"""RNN, LSTM, GRU and their cells: PyTorch's numbers with PyTorch's weights, and gradients to second order."""

import gc
import weakref

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.ops import gru, lstm
from autograd_lite.ops.tape import Tape

KINDS = ["RNN", "LSTM", "GRU"]
SETTINGS = [
    {},
    {"num_layers": 2},
    {"bidirectional": True},
    {"num_layers": 3, "bidirectional": True},
    {"batch_first": True},
    {"batch_first": True, "bidirectional": True, "num_layers": 2},
    {"bias": False},
]
CASES = [(kind, s) for kind in KINDS for s in SETTINGS] + [("RNN", {"nonlinearity": "relu", "num_layers": 2})]
EVERY = pytest.mark.parametrize(
    ("kind", "settings"), CASES, ids=[f"{k} {', '.join(f'{a}={b}' for a, b in s.items())}" for k, s in CASES]
)


def states_of(made):
    """The output and all states of a call, in one list."""
    y, state = made
    return [y, *(state if isinstance(state, tuple) else [state])]


def twins(torch, kind, settings, dtype=np.float64):
    """Our module and PyTorch's, with the same numbers."""
    theirs = getattr(torch.nn, kind)(3, 4, **settings).to(getattr(torch, np.dtype(dtype).name))
    ours = getattr(nn, kind)(3, 4, **settings, dtype=dtype)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    return ours, theirs


def begin(kind, rows, batch, rng, dtype=np.float64):
    shape = (rows, *batch, 4)
    return [rng.normal(size=shape).astype(dtype) for _ in range(1 + (kind == "LSTM"))]


def compare(torch, ours, theirs, x, hx, tolerance=1e-12):
    """Values and gradients of everything, for one random weighting of all outputs."""
    mine = [al.tensor(a, requires_grad=True) for a in (x, *hx)]
    yours = [torch.tensor(a, requires_grad=True) for a in (x, *hx)]
    given = [(v[0], tuple(v[1:]) if len(v) > 2 else v[1]) if len(v) > 1 else (v[0],) for v in (mine, yours)]
    a, b = states_of(ours(*given[0])), states_of(theirs(*given[1]))
    rng = np.random.default_rng(1)
    weights = [rng.normal(size=t.shape).astype(x.dtype) for t in a]
    for s, t in zip(a, b, strict=True):
        assert s.shape == tuple(t.shape)
        np.testing.assert_allclose(s.data, t.detach().numpy(), rtol=tolerance, atol=tolerance)
    sum((s * w).sum() for s, w in zip(a, weights, strict=True)).backward()
    sum((t * torch.tensor(w)).sum() for t, w in zip(b, weights, strict=True)).backward()
    for p, q in zip([*mine, *ours.parameters()], [*yours, *theirs.parameters()], strict=True):
        np.testing.assert_allclose(p.grad.data, q.grad.numpy(), rtol=tolerance, atol=10 * tolerance)


@EVERY
@pytest.mark.parametrize("state", [False, True])
def test_values_and_gradients_are_pytorchs(kind, settings, state):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    ours, theirs = twins(torch, kind, settings)
    rng = np.random.default_rng(0)
    rows = settings.get("num_layers", 1) * (1 + settings.get("bidirectional", False))
    for shape in ((5, 2), (1, 2), (2, 1)):
        n = shape[0] if settings.get("batch_first") else shape[1]
        compare(torch, ours, theirs, rng.normal(size=(*shape, 3)), begin(kind, rows, (n,), rng) if state else [])
    compare(torch, ours, theirs, rng.normal(size=(6, 3)), begin(kind, rows, (), rng) if state else [])


@pytest.mark.parametrize("kind", KINDS)
def test_float32_stays(kind):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    ours, theirs = twins(torch, kind, {"num_layers": 2}, np.float32)
    x = np.random.default_rng(0).normal(size=(5, 2, 3)).astype(np.float32)
    y, _ = ours(al.tensor(x))
    assert y.dtype == np.float32
    compare(torch, ours, theirs, x, [], 1e-5)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("state", [True, False])
@pytest.mark.parametrize("batch", [(2,), ()])
@pytest.mark.parametrize("kind", ["RNNCell", "LSTMCell", "GRUCell", "relu"])
def test_cells_are_pytorchs(kind, batch, state, bias):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    more = {"nonlinearity": "relu"} if kind == "relu" else {}
    ours, theirs = twins(torch, "RNNCell" if more else kind, {"bias": bias, **more})
    rng = np.random.default_rng(0)
    x, hx = rng.normal(size=(*batch, 3)), [rng.normal(size=(*batch, 4)) for _ in range(1 + (kind == "LSTMCell"))]
    hx = hx if state else []
    mine, yours = ([make(a, requires_grad=True) for a in (x, *hx)] for make in (al.tensor, torch.tensor))
    results = []
    for module, tensors in ((ours, mine), (theirs, yours)):
        given = () if not state else (tuple(tensors[1:]),) if len(hx) > 1 else (tensors[1],)
        y = module(tensors[0], *given)
        results.append(list(y) if isinstance(y, tuple) else [y])
    for s, t in zip(*results, strict=True):
        np.testing.assert_allclose(s.data, t.detach().numpy(), rtol=1e-12, atol=1e-12)
    sum((s * (k + 1)).square().sum() for k, s in enumerate(results[0])).backward()
    sum((s * (k + 1)).square().sum() for k, s in enumerate(results[1])).backward()
    for p, q in zip([*mine, *ours.parameters()], [*yours, *theirs.parameters()], strict=True):
        np.testing.assert_allclose(p.grad.data, q.grad.numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_second_derivatives_are_pytorchs(kind):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    ours, theirs = twins(torch, kind, {"num_layers": 2, "bidirectional": True})
    x = np.random.default_rng(0).normal(size=(4, 2, 3))
    found = []
    for module, grad, make in ((ours, al.autograd.grad, al.tensor), (theirs, torch.autograd.grad, torch.tensor)):
        given = make(x, requires_grad=True)
        y = sum((s * s).sum() for s in states_of(module(given)))
        first = grad(y, [given, *module.parameters()], create_graph=True)
        found.append(grad(sum((g * g).sum() for g in first), [given, *module.parameters()]))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a.data, b.numpy(), rtol=1e-10, atol=1e-10)


def parts(name, reverse):
    """An op with inputs for it, everything that it gives in one tensor."""
    rng = np.random.default_rng(0)
    z, h, c = rng.normal(size=(3, 2, 8)), rng.normal(size=(2, 2)), rng.normal(size=(2, 2))
    w, b = rng.normal(size=(8, 2)), rng.normal(size=6)
    if name == "lstm":
        return lambda *a: al.cat([t.reshape(-1) for t in lstm.lstm_steps(*a, reverse=reverse)]), (z, h, c, w)
    if name == "gru":
        call = lambda *a: al.cat([t.reshape(-1) for t in gru.gru_steps(*a, reverse=reverse)])
        return call, (z[..., :6], h, w[:6], b)
    call = lambda *a: al.cat([t.reshape(-1) for t in gru.rnn_steps(*a, reverse=reverse, nonlinearity=name)])
    return call, (z[..., :2], h, w[:2])


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", ["lstm", "gru", "tanh", "relu"])
def test_the_rules_agree_with_differences_to_second_order(name, reverse):
    function, arrays = parts(name, reverse)
    tensors = tuple(al.tensor(a, requires_grad=True) for a in arrays)
    assert al.gradcheck(function, tensors)
    assert al.gradgradcheck(function, tensors)
    for k in range(len(arrays)):  # each alone
        alone = [t if j == k else t.detach() for j, t in enumerate(tensors)]
        assert al.gradcheck(lambda t, k=k, alone=alone: function(*alone[:k], t, *alone[k + 1 :]), tensors[k])


@pytest.mark.parametrize("name", ["lstm", "gru", "tanh"])
def test_without_its_tape_the_way_back_is_the_same(name, monkeypatch):
    function, arrays = parts(name, False)
    found = []
    for lost in (False, True):
        if lost:
            monkeypatch.setattr(Tape, "found", lambda self, output: None)
        tensors = [al.tensor(a, requires_grad=True) for a in arrays]
        found.append(al.autograd.grad(function(*tensors).square().sum(), tensors))
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a.data, b.data)


def test_two_backward_passes_with_one_gradient_array_are_not_mixed_up():
    function, arrays = parts("lstm", False)
    tensors = [al.tensor(a, requires_grad=True) for a in arrays]
    y = function(*tensors)
    g = np.ones(y.shape)
    first = al.autograd.grad(y, tensors, g, retain_graph=True)
    g *= 3.0
    second = al.autograd.grad(y, tensors, g)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(3.0 * a.data, b.data, rtol=1e-12)


def test_what_is_kept_goes_with_the_graph():
    gc.disable()
    try:
        module = nn.LSTM(3, 4)
        x = al.tensor(np.ones((5, 2, 3)), requires_grad=True)
        y, (h, c) = module(x)
        node = y.node
        while node.op.name != "lstm":
            node = node.parents[0]
        tape = weakref.ref(next(s for s in node.saved[0] if isinstance(s, Tape)))
        assert tape().kept
        (y.sum() + h.sum() + c.sum()).backward()
        assert tape() is None
        for order in ("graph", "again"):
            y = module(x)[0]
            node = y.node
            while node.op.name != "lstm":
                node = node.parents[0]
            tape = weakref.ref(next(s for s in node.saved[0] if isinstance(s, Tape)))
            (g,) = al.autograd.grad(y.sum(), x, create_graph=True)
            if order == "again":
                g.sum().backward()
                x.grad = None
                module.zero_grad()
            del y, g, node
            assert tape() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("kind", KINDS)
def test_a_compiled_step_is_the_eager_one(kind):
    rng = np.random.default_rng(0)
    batches = [(al.tensor(rng.normal(size=(5, 2, 3))), al.tensor(rng.normal(size=(5, 2, 8)))) for _ in range(3)]
    found = []
    for compiled in (False, True):
        al.manual_seed(0)
        module = getattr(nn, kind)(3, 4, num_layers=2, bidirectional=True)
        optimizer = al.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)

        def step(x, t, module=module, optimizer=optimizer):
            optimizer.zero_grad()
            y, _ = module(x)
            loss = nn.functional.mse_loss(y, t)
            loss.backward()
            optimizer.step()
            return loss

        run = al.compile(step) if compiled else step
        losses = [run(*batches[k % 3]).item() for k in range(8)]
        found.append([np.array(losses), *(p.data for p in module.parameters())])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("settings", [{}, {"num_layers": 2, "bidirectional": True, "bias": False}], ids=str)
def test_names_beside_the_parameters_are_pytorchs(settings):
    torch = pytest.importorskip("torch")
    kinds = [("RNN", {}), ("RNN", {"nonlinearity": "relu"}), ("LSTM", {}), ("GRU", {})]
    for name, more in kinds:
        ours, theirs = (getattr(m, name)(3, 4, **settings, **more) for m in (nn, torch.nn))
        assert (ours.mode, ours.proj_size, repr(ours)) == (theirs.mode, theirs.proj_size, repr(theirs))
        names = {id(p): name for name, p in ours.named_parameters()}
        wanted = {id(p): name for name, p in theirs.named_parameters()}
        found = [[names[id(p)] for p in row] for row in ours.all_weights]
        assert found == [[wanted[id(p)] for p in row] for row in theirs.all_weights]
    cell = {"nonlinearity": "relu", "bias": False}
    assert repr(nn.RNNCell(3, 4, **cell)) == repr(torch.nn.RNNCell(3, 4, **cell))


def test_dropout_is_between_the_layers_in_training_alone():
    al.manual_seed(0)
    module = nn.LSTM(3, 4, num_layers=2, dropout=1.0)
    x = al.randn(5, 2, 3)
    none = nn.LSTM(3, 4, num_layers=2)
    none.load_state_dict(module.state_dict())
    assert not np.allclose(module(x)[0].data, none(x)[0].data)
    np.testing.assert_array_equal(module.eval()(x)[0].data, none(x)[0].data)
    top = nn.LSTM(4, 4)
    top.load_state_dict({k.replace("l1", "l0"): v for k, v in module.state_dict().items() if "l1" in k})
    np.testing.assert_allclose(module.train()(x)[0].data, top(al.zeros(5, 2, 4))[0].data)


def test_dropout_draws_from_the_layers_own_generator():
    found = []
    for seed in (0, 1):
        al.manual_seed(seed)
        module = nn.GRU(3, 4, num_layers=2, dropout=0.5, generator=np.random.default_rng(0))
        found.append([module(al.ones(5, 2, 3))[0].data for _ in range(2)])
    np.testing.assert_array_equal(*found)
    assert (found[0][0] != found[0][1]).any()


def test_what_does_not_fit_is_refused():
    module = nn.LSTM(3, 4, num_layers=2)
    for x in (al.zeros(5, 2, 4), al.zeros(3), al.zeros(0, 2, 3), al.zeros(1, 5, 2, 3)):
        with pytest.raises(ValueError, match="the input is"):
            module(x)
    with pytest.raises(ValueError, match=r"shape \(2, 2, 4\)"):
        module(al.zeros(5, 2, 3), (al.zeros(2, 2, 4), al.zeros(1, 2, 4)))
    with pytest.raises(TypeError, match="a pair"):
        module(al.zeros(5, 2, 3), al.zeros(2, 2, 4))
    with pytest.raises(TypeError, match="one tensor"):
        nn.GRU(3, 4)(al.zeros(5, 2, 3), (al.zeros(1, 2, 4), al.zeros(1, 2, 4)))
    with pytest.raises(ValueError, match="one dtype"):
        module(al.zeros(5, 2, 3, dtype=al.float32))
    with pytest.raises(ValueError, match="tanh"):
        nn.RNN(3, 4, nonlinearity="selu")
    with pytest.raises(ValueError, match="proj_size"):
        nn.LSTM(3, 4, proj_size=2)
    with pytest.raises(ValueError, match="probability"):
        nn.LSTM(3, 4, dropout=2.0)
    with pytest.raises(ValueError, match="the input is"):
        nn.GRUCell(3, 4)(al.zeros(2, 2, 3))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch_first", [False, True])
def test_a_batch_of_none(kind, batch_first):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    shape, none = ((0, 3, 2), (2, 0, 2)) if batch_first else ((3, 0, 2), (0, 2, 2))
    ours, theirs = (getattr(lib.nn, kind)(2, 4, batch_first=batch_first) for lib in (al, torch))
    y, z = ours(al.zeros(shape))[0], theirs(torch.zeros(shape))[0]
    assert y.shape == tuple(z.shape)
    y.sum().backward()
    assert (ours.weight_hh_l0.grad.data == 0).all()
    cell = getattr(nn, f"{kind}Cell")(2, 4)(al.zeros((0, 2)))
    assert (cell[0] if kind == "LSTM" else cell).shape == (0, 4)
    with pytest.raises(ValueError, match="none of them 0"):
        ours(al.zeros(none))
    with pytest.raises(RuntimeError, match="sequence length"):
        theirs(torch.zeros(none))
