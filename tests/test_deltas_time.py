"""`check_deltas` on recurrent networks: what goes wrong in the loop of a backward pass is named as what it is."""

import numpy as np
import pytest
from planted import Hand, _recurrent

import autograd_lite as al


def kinds(report):
    """The kinds of cause of each delta that is blamed, by its name."""
    return {f.name: [cause.kind for cause in f.causes[:1]] for f in report.introduced}


def told(report, name):
    return report[name].causes[0].explanation


# One state, with squared errors


def by_hand(steps, mistake=None, only=None, lr=0.05):
    """Loss and deltas of a network with one state, with a mistake; `only`: the deltas whose names begin so."""
    rng = np.random.default_rng(3)
    x, target = rng.normal(size=(steps, 2, 3)), rng.normal(size=(steps, 2, 2))
    w = {name: rng.normal(size=shape) * 0.4 for name, shape in {"W": (3, 4), "U": (4, 4), "V": (4, 2)}.items()}
    h, out = [rng.normal(size=(2, 4))], []
    loss = recorded(x, target, w, h[0])
    for t in range(steps):
        h.append(np.tanh(x[t] @ w["W"] + h[t] @ w["U"]))
        out.append(h[t + 1] @ w["V"])
    d = {name: np.zeros_like(array) for name, array in w.items()}
    dz = np.zeros((2, 4))
    for t in reversed(range(steps)):
        wanted = target[{"target after": t + 1, "target before": t - 1}.get(mistake, t) % steps]
        do = 2 * (out[t] + wanted if mistake == "target added" else out[t] - wanted)
        dh = do @ w["V"].T + dz @ w["U"].T
        dz = dh * (1 - (h[t + 1] if mistake == "slope 1 - h" else h[t + 1] ** 2))
        d |= {f"o{t + 1}": do, f"h{t + 1}": dh, f"z{t + 1}": dz}
        shares = {"W": x[t].T @ dz, "U": h[t].T @ dz, "V": h[t + 1].T @ do}
        others = {
            "input wraps round": ("W", x[t - 1].T @ dz),
            "state wraps round": ("U", h[t - 1].T @ dz),
            "first state the last": ("U", h[t or -1].T @ dz),
            "before the slope": ("W", x[t].T @ dh),
        }
        shares |= dict([others[mistake]] if mistake in others else [])
        for name, share in shares.items():
            if mistake == "written over":
                d[name] = share
            elif mistake != "beginning lost" or t >= steps // 2:
                d[name] = d[name] + share
            if mistake in ("updated on the way", f"{name} updated on the way"):
                w[name] = w[name] - lr * share
            if mistake == "updated by the sum":
                w[name] = w[name] - lr * d[name]
    d["h0"] = dz @ w["U"].T
    return loss, {name: array for name, array in d.items() if only is None or name[0] in only}


def recorded(x, target, w, start):
    w = {name: al.tensor(array, requires_grad=True, name=name) for name, array in w.items()}
    h, loss = al.tensor(start, requires_grad=True, name="h0"), 0.0
    for t in range(len(x)):
        z = x[t] @ w["W"] + h @ w["U"]
        h = z.tanh()
        o = h @ w["V"]
        z.name, h.name, o.name = f"z{t + 1}", f"h{t + 1}", f"o{t + 1}"
        loss = loss + (o - target[t]).square().sum()
    return loss


@pytest.mark.parametrize("only", [None, "WUVh0"])
@pytest.mark.parametrize("steps", [2, 7, 30])
def test_a_correct_pass_through_time_is_not_accused(steps, only):
    assert al.check_deltas(*by_hand(steps, only=only), lr=0.05)


@pytest.mark.parametrize("only", [None, "hWUV", "zWUV", "WUVh0"])
@pytest.mark.parametrize("k", [2.0, -0.5, 12.0])
def test_a_constant_of_the_whole_pass_is_one_at_every_step(only, k):
    """Also where the states are handed in alone, which act on the loss by their own outputs and by the next state."""
    loss, deltas = by_hand(5, only=only)
    report = al.check_deltas(loss / k, deltas, up_to_scale=True)
    assert report, str(report)
    assert report.scale == k
    deltas["U"] = deltas["U"] * 1.5
    assert not al.check_deltas(loss / k, deltas, up_to_scale=True)


@pytest.mark.parametrize("steps", [3, 12, 50])
def test_one_share_that_overwrites_the_others(steps):
    """Whatever the number of steps, and with fewer numbers in the array than steps."""
    report = al.check_deltas(*by_hand(steps, "written over"))
    assert kinds(report) == {name: ["missing-path"] for name in "VUW"}
    assert told(report, "V") == "only what comes through o1 counts: what = overwrites, += adds up"


@pytest.mark.parametrize("steps", [12, 50])
def test_a_sum_that_stops_early(steps):
    report = al.check_deltas(*by_hand(steps, "beginning lost"))
    assert kinds(report) == {name: ["missing-path"] for name in "VUW"}
    some = f"only {steps - steps // 2} count: o{steps} to o{steps // 2 + 1}"
    assert told(report, "V") == f"of the {steps} ways in which V acts on the loss {some}"


@pytest.mark.parametrize("mistake", ["input wraps round", "state wraps round"])
@pytest.mark.parametrize("steps", [3, 12, 30])
def test_an_index_of_minus_one(steps, mistake):
    """`x[t - 1]` at the first step is the last: no step before, and no zeros."""
    report = al.check_deltas(*by_hand(steps, mistake))
    assert kinds(report) == {(mistake.startswith("input") and "W") or "U": ["shifted"]}


@pytest.mark.parametrize("steps", [3, 40])
def test_the_last_state_in_place_of_the_first(steps):
    report = al.check_deltas(*by_hand(steps, "first state the last"))
    assert kinds(report) == {"U": ["shifted"]}
    assert told(report, "U").endswith("[-1] is the last")


def test_the_deltas_before_a_slope_in_place_of_those_after():
    report = al.check_deltas(*by_hand(6, "before the slope"))
    assert kinds(report) == {"W": ["wrong-operand"]}
    assert "takes the deltas of h1, ... in place of those of" in told(report, "W")


def test_a_slope_that_is_misremembered():
    report = al.check_deltas(*by_hand(4, "slope 1 - h"))
    assert kinds(report) == {f"z{t}": ["wrong-derivative"] for t in range(1, 5)}
    assert told(report, "z2") == "1 - h2 stands where the derivative of tanh belongs"


@pytest.mark.parametrize("mistake", ["target after", "target before"])
def test_the_target_of_another_step(mistake):
    report = al.check_deltas(*by_hand(5, mistake))
    assert kinds(report) == {f"o{t}": ["shifted"] for t in range(1, 6)}
    other = "o4" if mistake == "target after" else "o2"
    constant = "the constant that subtract takes with"
    assert told(report, "o3") == f"{constant} {other} stands where {constant} o3 belongs"


def test_a_target_that_is_added():
    report = al.check_deltas(*by_hand(4, "target added"))
    assert kinds(report) == {f"o{t}": ["sign"] for t in range(1, 5)}


@pytest.mark.parametrize("steps", [3, 12])
def test_weights_updated_inside_the_loop(steps):
    """The first delta that reads a new weight is that of the state before the last."""
    report = al.check_deltas(*by_hand(steps, "updated on the way"), lr=0.05)
    assert kinds(report) == {f"h{t}": ["stale-weights"] for t in range(steps)}
    assert all("inside the loop" in told(report, f"h{t}") for t in range(1, steps))
    assert "U and V" in told(report, "h1").replace("V and U", "U and V")
    unknown = al.check_deltas(*by_hand(steps, "updated on the way"))
    assert "stale-weights" not in {cause.kind for f in unknown.introduced for cause in f.causes}, (
        "the rate is not known"
    )


def test_only_weights_that_have_changed_are_named():
    report = al.check_deltas(*by_hand(4, "V updated on the way"), lr=0.05)
    assert kinds(report) == {f"h{t}": ["stale-weights"] for t in range(1, 4)}
    assert all(told(report, f"h{t}").startswith("V had been updated") for t in range(1, 4))


def test_weights_updated_inside_the_loop_by_what_was_added_up():
    """`dW += share; W -= lr * dW`, at every step."""
    report = al.check_deltas(*by_hand(6, "updated by the sum"), lr=0.05)
    assert set(kinds(report)) == {f"h{t}" for t in range(6)}
    assert {kind for kinds in kinds(report).values() for kind in kinds} == {"stale-weights"}
    assert told(report, "h1").endswith("by all that was added up so far")


def test_weights_updated_inside_the_loop_when_few_deltas_are_handed_in():
    """Without those in between, the updates follow from each other."""
    loss, deltas = by_hand(4, "updated on the way")
    report = al.check_deltas(loss, {name: deltas[name] for name in ("h0", "U", "W")}, lr=0.05)
    assert kinds(report) == {name: ["stale-weights"] for name in ("h0", "U", "W")}


def test_a_long_recurrent_network():
    """Some hundred nodes: right is right, and a slip in the loop is found at every step."""
    hand = Hand(m=3, n=3, scale=0.5)
    loss = _recurrent(hand, steps=25)
    assert al.check_deltas(loss, hand.deltas)
    hand = Hand("z: no_slope", m=3, n=3, scale=0.5)
    loss = _recurrent(hand, steps=25)
    report = al.check_deltas(loss, hand.deltas)
    assert {finding.name for finding in report.introduced} == hand.guilty
    assert len(hand.guilty) == 25
    assert all("missing-derivative" in {cause.kind for cause in report[name].causes} for name in hand.guilty)


@pytest.mark.parametrize("rows", [(1, 3, 2, 0), (4, 4, 1, 2)])
def test_steps_that_read_rows_of_a_table_by_number_are_one_row_of_steps(rows):
    """`table[word]` differs from step to step in its number alone: what is shifted by a step is named as such."""
    rng = np.random.default_rng(0)
    w, start, table = (rng.normal(size=shape) for shape in ((3, 3), (3,), (5, 3)))
    given = {"w": w, "start": start, "table": table}
    leaves = {name: al.tensor(array, requires_grad=True, name=name) for name, array in given.items()}
    states, state = [start], leaves["start"]
    for t, word in enumerate(rows, 1):
        state = state @ leaves["w"] + leaves["table"][word]
        state.name = f"state_{t}"
        states.append(state.data)
    deltas = [np.ones(3)]
    for _ in rows:
        deltas.insert(0, deltas[0] @ w.T)
    right = {"start": deltas[0], **{f"state_{t}": deltas[t] for t in range(1, 4)}}
    right |= {"table": np.zeros((5, 3)), "w": np.array(states[:-1]).T @ deltas[1:]}
    np.add.at(right["table"], list(rows), deltas[1:])
    assert al.check_deltas(state.sum(), right)
    for name, array in (("w", np.array(states[1:]).T @ deltas[1:]), ("table", np.zeros((5, 3)))):
        if name == "table":
            np.add.at(array, list(rows), deltas[:-1])
        report = al.check_deltas(state.sum(), {**right, name: array})
        assert [finding.name for finding in report.introduced] == [name]
        assert {cause.kind for cause in report[name].causes} == {"shifted"}, str(report)


# What rounding may not hide


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("missing", ["slope", "path"])
def test_over_many_steps_rounding_excuses_nothing(dtype, missing):
    """The sizes of the terms grow from step to step, and the gradient and its rounding do not."""
    rng = np.random.default_rng(0)
    steps, size = 40, 64
    x = rng.normal(size=(steps, 4, 8)).astype(dtype)
    w = {"W": (rng.normal(size=(8, size)) / 4).astype(dtype), "U": (rng.normal(size=(size, size)) / 8).astype(dtype)}
    leaves = {name: al.tensor(array, requires_grad=True, name=name) for name, array in w.items()}
    states, h, loss = [np.zeros((4, size), dtype)], al.zeros(4, size, dtype=dtype), 0.0
    for t in range(steps):
        h = (al.tensor(x[t]) @ leaves["W"] + h @ leaves["U"]).tanh()
        states.append(h.data)
        loss = loss + h.square().sum()
    found = []
    for mistake in (None, missing):
        d, back = {name: np.zeros_like(array) for name, array in w.items()}, np.zeros((4, size), dtype)
        for t in reversed(range(steps)):
            slope = 1 if mistake == "slope" and t < steps - 1 else 1 - states[t + 1] ** 2
            dz = (2 * states[t + 1] + (0 if mistake == "path" else back)) * slope
            d["W"] += x[t].T @ dz
            d["U"] += states[t].T @ dz
            back = dz @ w["U"].T
        found.append(al.check_deltas(loss, d))
    assert found[0]
    assert [f.verdict for f in found[1]] == ["introduced", "introduced"], str(found[1])


# An LSTM


def lstm_by_hand(steps, mistake=None):
    """An LSTM's loss on Tensors, and the deltas by hand, with a mistake if it is asked for."""
    rng = np.random.default_rng(5)
    given, target = rng.normal(size=(steps, 5, 3)), rng.normal(size=(5, 4))
    w = {f"{kind}{g}": rng.normal(size=(n, 4)) * 0.6 for g in "ifog" for kind, n in (("W", 3), ("U", 4))}
    h, c, gates = [np.zeros((5, 4))], [np.zeros((5, 4))], []
    for x in given:
        z = {g: x @ w["W" + g] + h[-1] @ w["U" + g] for g in "ifog"}
        gates.append({g: np.tanh(v) if g == "g" else 1 / (1 + np.exp(-v)) for g, v in z.items()})
        c.append(gates[-1]["f"] * c[-1] + gates[-1]["i"] * gates[-1]["g"])
        h.append(gates[-1]["o"] * np.tanh(c[-1]))
    d = {name: np.zeros_like(v) for name, v in w.items()}
    dh, dc = 2 * (h[-1] - target), np.zeros((5, 4))
    for t in reversed(range(steps)):
        v, tanh = gates[t], np.tanh(c[t + 1])
        dc = dh * v["o"] * (1 - tanh**2) + dc
        d |= {f"h{t + 1}": dh, f"c{t + 1}": dc}
        up = {"i": dc * v["g"], "f": dc * c[t], "o": dh * tanh, "g": dc * v["i"]}
        slopes = {g: 1 - v[g] ** 2 if g == "g" else v[g] * (1 - v[g]) for g in "ifog"}
        if mistake == "other slope":
            slopes["f"] = slopes["i"]
        dz = {g: up[g] * slopes[g] for g in "ifog"}
        u = {g: w["U" + g] for g in "ifog"}
        if mistake == "gates exchanged":
            u["i"], u["f"] = u["f"], u["i"]
        for g in "ifog":
            d[f"z{g}{t}"] = dz[g]
            d["W" + g] += given[t].T @ dz[g]
            d["U" + g] += h[t + 1 if mistake == "later state" else t].T @ dz[g]
        dh = sum(dz[g] @ u[g].T for g in "ifog")
        dc = dc * v["i" if mistake == "other gate" else "f"]
    return recorded_lstm(given, w, target), d


def recorded_lstm(given, w, target):
    w = {name: al.tensor(array, requires_grad=True, name=name) for name, array in w.items()}
    h = c = al.zeros(5, 4, dtype=al.float64)
    for t, x in enumerate(given):
        z = {g: x @ w["W" + g] + h @ w["U" + g] for g in "ifog"}
        v = {g: al.tanh(one) if g == "g" else al.sigmoid(one) for g, one in z.items()}
        c = v["f"] * c + v["i"] * v["g"]
        h = v["o"] * al.tanh(c)
        for g in "ifog":
            z[g].name, v[g].name = f"z{g}{t}", f"{g}{t}"
        c.name, h.name = f"c{t + 1}", f"h{t + 1}"
    return (h - target).square().sum()


@pytest.mark.parametrize("steps", [2, 4])
def test_gates_of_an_lstm_are_told_apart(steps):
    """A gate, or what it lets through, is no other time step of another gate or of the state."""
    assert al.check_deltas(*lstm_by_hand(steps))
    report = al.check_deltas(*lstm_by_hand(steps, "later state"))
    assert kinds(report) == {name: ["shifted"] for name in ("Ui", "Uf", "Uo", "Ug")}
    report = al.check_deltas(*lstm_by_hand(steps, "other gate"))
    assert kinds(report) == {f"c{t}": ["wrong-operand"] for t in range(1, steps)}
    assert told(report, "c1") == "i1 stands where f1 belongs"


@pytest.mark.parametrize("steps", [2, 5])
def test_the_matrices_of_two_gates_exchanged(steps):
    report = al.check_deltas(*lstm_by_hand(steps, "gates exchanged"))
    assert kinds(report) == {f"h{t}": ["wrong-operand"] for t in range(1, steps)}
    assert told(report, "h1") == "Uf and Ui stand in each other's place"


@pytest.mark.parametrize(
    ("mistake", "kind"),
    [("other slope", "wrong-point"), ("other gate", "wrong-operand"), ("gates exchanged", "wrong-operand")],
)
def test_a_mistake_at_every_step_is_named_for_all_that_it_spoils(mistake, kind):
    """With the deltas of the weights alone each is blamed, for the same slip in all."""
    loss, deltas = lstm_by_hand(6, mistake)
    report = al.check_deltas(loss, {name: array for name, array in deltas.items() if name[0] in "WU"})
    assert report.introduced
    assert {tuple(kinds) for kinds in kinds(report).values()} == {(kind,)}, str(report)


# A table of words, with the cross-entropy of the next


def words_by_hand(steps, mistake=None, whole=False):
    """Loss and deltas of a network that reads words and tells the next; `whole`: of all steps in one cross-entropy."""
    rng = np.random.default_rng(0)
    words = rng.integers(0, 6, (steps + 1, 3))
    w = {name: rng.normal(size=size) * 0.5 for name, size in {"E": (6, 4), "U": (4, 4), "V": (4, 6)}.items()}
    loss, h, out = recorded_words(words, w, whole)
    labels = {"labels are the inputs": words[:-1], "labels of another row": np.roll(words[1:], 1, axis=1)}
    d = {name: np.zeros_like(array) for name, array in w.items()}
    dz = np.zeros((3, 4))
    for t in reversed(range(steps)):
        p = np.exp(out[t]) / np.exp(out[t]).sum(axis=1, keepdims=True)
        do = (p - np.eye(6)[labels.get(mistake, words[1:])[t]]) / (3 * steps if whole else 3)
        dh = do @ w["V"].T + dz @ w["U"].T
        dz = dh * (1 - h[t + 1] ** 2)
        d |= {f"o{t}": do, f"h{t}": dh, f"x{t}": dz}
        d["V"] += h[t + 1].T @ do
        d["U"] += h[t].T @ dz
        rows = {"rows of the labels": words[t + 1], "rows of the step before": words[(t - 1) % steps]}
        np.add.at(d["E"], rows.get(mistake, words[t]), dz)
    return loss, d


def recorded_words(words, w, whole):
    w = {name: al.tensor(array, requires_grad=True, name=name) for name, array in w.items()}
    h, out, loss = [al.zeros(3, 4, dtype=al.float64)], [], 0.0
    for t, word in enumerate(words[:-1]):
        x = al.nn.functional.embedding(al.tensor(word), w["E"])
        h.append((x + h[-1] @ w["U"]).tanh())
        out.append(h[-1] @ w["V"])
        x.name, h[-1].name, out[-1].name = f"x{t}", f"h{t}", f"o{t}"
        loss = loss + al.nn.functional.cross_entropy(out[-1], al.tensor(words[t + 1]))
    if whole:
        loss = al.nn.functional.cross_entropy(al.cat(out), al.tensor(words[1:].ravel()))
    return loss, [one.data for one in h], [one.data for one in out]


@pytest.mark.parametrize("whole", [False, True])
def test_a_correct_pass_over_words_is_not_accused(whole):
    assert al.check_deltas(*words_by_hand(5, whole=whole))


@pytest.mark.parametrize("whole", [False, True])
def test_labels_that_are_off(whole):
    """By a step, which are the inputs; or by a row of the batch."""
    report = al.check_deltas(*words_by_hand(5, "labels are the inputs", whole))
    steps_after = {f"o{t}": ["shifted"] for t in range(1, 5)}
    assert kinds(report) == {"o0": ["wrong-operand"] if not whole else [], **steps_after}  # else nobody has the first
    report = al.check_deltas(*words_by_hand(5, "labels of another row", whole))
    assert kinds(report) == {"o0": ["shifted"], **steps_after}


def test_rows_of_a_table_that_are_off():
    report = al.check_deltas(*words_by_hand(5, "rows of the step before"))
    assert kinds(report) == {"E": ["shifted"]}
    report = al.check_deltas(*words_by_hand(5, "rows of the labels"))
    assert kinds(report) == {"E": ["wrong-operand"]}
    assert "the index that cross_entropy takes" in told(report, "E")
