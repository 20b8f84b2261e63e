"""Networks with backward passes written by hand in NumPy, and the mistakes that people make in them.

An architecture is a function of a `Hand`: it builds the framework's graph with names, does the same forward pass in
NumPy, and the backward pass line by line. Each line is `d(name, right, mistake=(kinds, wrong))`: the delta's name, its
right value, and what stands there if that mistake was planted; the rest of the pass follows from it.
`kinds` are the causes that describe it: alternatives apart by "|", slips made together joined by "+".
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_lite as al

F = al.nn.functional
LR = 0.1
ARCHITECTURES: dict[str, Callable[[Hand], al.Tensor]] = {}
Mistake = tuple[str, Callable[[], Any]]


class Hand:
    """One hand-written pass: what it draws, the deltas it hands out, and the mistakes planted in it."""

    def __init__(self, *planted: str, seed: int = 0, m: int = 5, n: int = 4, **more: Any) -> None:
        self.planted, self.m, self.n, self.seed = planted, m, n, seed
        self.more = dict(more)
        self.dtype = more.pop("dtype", np.float64)
        self.near = more.pop("near", None)  # how far targets are from outputs, for passes near convergence
        self.scale = more.pop("scale", 1.0)  # of the weights
        assert not more
        self.rng = np.random.default_rng(seed)
        self.deltas: dict[str, np.ndarray] = {}
        self.known: dict[str, str] = {}  # every mistake that could be planted, and its kinds
        self.tensors: dict[str, al.Tensor] = {}  # as a person's variables would
        self.guilty: set[str] = set()  # deltas that are not what follows from the hand-written ones above

    def draw(self, *shape: int) -> np.ndarray:
        return (self.rng.normal(size=shape) * self.scale).astype(self.dtype)

    def zeros(self, *shape: int) -> np.ndarray:
        return np.zeros(shape, self.dtype)

    def labels(self, classes: int, m: int | None = None) -> np.ndarray:
        return np.eye(classes, dtype=self.dtype)[self.rng.integers(0, classes, m or self.m)]

    def target(self, out: np.ndarray) -> np.ndarray:
        """Something to learn of the shape of an output."""
        noise = self.rng.normal(size=out.shape).astype(self.dtype)
        return noise if self.near is None else (out + self.near * noise).astype(self.dtype)

    def leaf(self, name: str, array: np.ndarray) -> al.Tensor:
        return self.named(name, al.tensor(array, requires_grad=True))

    def named(self, name: str, tensor: al.Tensor) -> al.Tensor:
        tensor.name = name
        self.tensors[name] = tensor
        return tensor

    def __call__(self, name: str, right: Any, line: str | None = None, **mistakes: Mistake) -> Any:
        """One line of the pass: note the delta, and give what the lines below get to see."""
        value = right
        for mistake, (kinds, wrong) in mistakes.items():
            key = f"{line or name}: {mistake}"
            self.known[key] = kinds
            if key in self.planted:
                value = np.asarray(wrong(), self.dtype)
                if differs(value, right):
                    self.guilty.add(name)
        self.deltas[name] = np.asarray(value)
        return value


def differs(a: Any, b: Any) -> bool:
    """Beyond rounding, and beyond dimensions of size 1."""
    a, b = np.squeeze(a), np.squeeze(b)
    return np.shape(a) != np.shape(b) or not np.allclose(a, b, rtol=1e-6, atol=0)


def architecture(make: Callable[[Hand], al.Tensor]) -> Callable[[Hand], al.Tensor]:
    ARCHITECTURES[make.__name__] = make
    return make


def logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def soft(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@architecture
def tanh_mse(d: Hand) -> al.Tensor:
    """All weights square; the mean over all entries of the squared error."""
    m, n = d.m, d.n
    x, W1, b1, W2, b2 = d.draw(m, n), d.draw(n, n), d.draw(n), d.draw(n, n), d.draw(n)
    h = np.tanh(z1 := x @ W1 + b1)
    out = h @ W2 + b2
    y = d.target(out)

    t1 = d.named("z1", al.tensor(x, name="x") @ d.leaf("W1", W1) + d.leaf("b1", b1))
    t2 = d.named("out", d.named("h", al.tanh(t1)) @ d.leaf("W2", W2) + d.leaf("b2", b2))
    loss = F.mse_loss(t2, al.tensor(y))

    dout = d(
        "out", right := 2 * (out - y) / out.size,
        no_2=("factor", lambda: right / 2),
        turned=("sign", lambda: -right),
        summed=("sum-for-mean|factor", lambda: right * out.size),
        four_over_m=("factor", lambda: 4 * (out - y) / m),
        minus_half=("factor", lambda: -right / 2),
    )  # fmt: skip
    dW2 = d(
        "W2", right := h.T @ dout,
        doubled=("factor", lambda: right * 2),
        transposed=("transposed", lambda: dout.T @ h),
        averaged=("mean-for-sum", lambda: right / m),
        of_z=("wrong-operand", lambda: z1.T @ dout),
        of_x=("wrong-operand", lambda: x.T @ dout),
        transposed_turned=("transposed+sign", lambda: -right.T),
    )  # fmt: skip
    d(
        "b2", right := dout.sum(0),
        averaged=("mean-for-sum", lambda: dout.mean(0)),
        not_summed=("missing-sum", lambda: dout),
        first_row=("missing-sum", lambda: dout[0]),
    )  # fmt: skip
    dh = d(
        "h", right := dout @ W2.T,
        not_transposed=("transposed", lambda: dout @ W2),
        updated=("stale-weights", lambda: dout @ (W2 - LR * dW2).T),
        other_weights=("wrong-operand", lambda: dout @ W1.T),
        turned=("sign", lambda: -right),
        not_transposed_halved=("transposed+factor", lambda: dout @ W2 / 2),
    )  # fmt: skip
    dz = d(
        "z1", right := dh * (1 - h**2),
        no_slope=("missing-derivative", lambda: dh),
        at_input=("wrong-point", lambda: dh * (1 - z1**2)),
        at_tanh_of_output=("wrong-point", lambda: dh * (1 - np.tanh(h) ** 2)),
        sigmoids=("wrong-derivative", lambda: dh * h * (1 - h)),
        relus=("wrong-derivative", lambda: dh * (z1 > 0)),
        assigned=("overwritten-upstream", lambda: 1 - h**2),
        slope_twice=("extra-derivative", lambda: right * (1 - h**2)),
        no_slope_turned=("missing-derivative+sign", lambda: -dh),
        at_input_over_m=("wrong-point+factor", lambda: dh * (1 - z1**2) / m),
        turned=("sign", lambda: -right),
    )  # fmt: skip
    d(
        "W1", right := x.T @ dz,
        of_dh=("wrong-operand|missing-derivative", lambda: x.T @ dh),
        of_h=("wrong-operand", lambda: h.T @ dz),
        transposed_averaged=("transposed+mean-for-sum|transposed+factor", lambda: right.T / m),
    )  # fmt: skip
    d(
        "b1",
        dz.sum(0),
        four_over_m=("factor", lambda: 4 / m * dz.sum(0)),
        of_dh=("missing-derivative|wrong-operand", lambda: dh.sum(0)),
    )
    return loss


@architecture
def relu_cross_entropy(d: Hand) -> al.Tensor:
    """As many examples as classes, features and hidden units; softmax and cross-entropy in one."""
    n = m = d.n
    x, W1, b1, W2, y = d.draw(m, n), d.draw(n, n), d.draw(n), d.draw(n, n), d.labels(n, m)
    h = np.maximum(z1 := x @ W1 + b1, 0)
    p = soft(h @ W2)

    t1 = d.named("z1", al.tensor(x) @ d.leaf("W1", W1) + d.leaf("b1", b1))
    t2 = d.named("logits", d.named("h", al.relu(t1)) @ d.leaf("W2", W2))
    loss = F.cross_entropy(t2, al.tensor(y.argmax(1)))

    dz2 = d(
        "logits", right := (p - y) / m,
        summed=("sum-for-mean|factor", lambda: p - y),
        turned=("sign", lambda: (y - p) / m),
        slope_too=("extra-derivative", lambda: (p - y) / m * p * (1 - p)),
        averaged_twice=("factor|mean-for-sum", lambda: (p - y) / m**2),
        turned_averaged_twice=("factor|mean-for-sum", lambda: (y - p) / m**2),
    )  # fmt: skip
    dW2 = d("W2", h.T @ dz2, transposed=("transposed", lambda: dz2.T @ h), of_x=("wrong-operand", lambda: x.T @ dz2))
    dh = d(
        "h", dz2 @ W2.T,
        not_transposed=("transposed", lambda: dz2 @ W2),
        updated=("stale-weights", lambda: dz2 @ (W2 - LR * dW2).T),
        of_y=("wrong-operand", lambda: (y / m) @ W2.T),
    )  # fmt: skip
    dz1 = d(
        "z1", right := dh * (z1 > 0),
        no_slope=("missing-derivative|missing-mask", lambda: dh),
        assigned=("overwritten-upstream", lambda: z1 > 0),
        times_h=("extra-derivative|wrong-operand|wrong-derivative", lambda: dh * h),
        tanhs=("wrong-derivative", lambda: dh * (1 - h**2)),
        no_slope_doubled=("missing-derivative+factor", lambda: dh * 2),
    )  # fmt: skip
    d(
        "W1",
        right := x.T @ dz1,
        transposed=("transposed", lambda: right.T),
        averaged=("mean-for-sum", lambda: right / m),
    )
    d("b1", dz1.sum(0), not_summed=("missing-sum", lambda: dz1), averaged=("mean-for-sum", lambda: dz1.mean(0)),
      summed_wrong_axis=("missing-sum|transposed|wrong-operand", lambda: dz1.sum(1)))  # fmt: skip
    return loss


@architecture
def softmax_in_parts(d: Hand) -> al.Tensor:
    """Softmax, logarithm and sum as single ops."""
    m, n = d.m, d.n
    x, W, y = d.draw(m, n), d.draw(n, n), d.labels(n)
    p = soft(x @ W)

    tp = d.named("p", al.softmax(d.named("z", al.tensor(x) @ d.leaf("W", W)), -1))
    loss = -(d.named("log_p", al.log(tp)) * al.tensor(y)).sum() / m

    dl = d("log_p", -y / m, summed=("factor|sum-for-mean", lambda: -y), turned=("sign", lambda: y / m))
    dp = d("p", dl / p, no_slope=("missing-derivative", lambda: dl))
    dz = d(
        "z", right := p * (dp - (dp * p).sum(1, keepdims=True)),
        diagonal=("wrong-derivative", lambda: dp * p * (1 - p)),
        passed_on=("missing-derivative", lambda: dp),
        diagonal_too=("extra-derivative", lambda: right * p * (1 - p)),
        of_log_p=("wrong-operand|missing-derivative", lambda: p * (dl - (dl * p).sum(1, keepdims=True))),
    )  # fmt: skip
    d("W", x.T @ dz, slope_jumped=("missing-derivative|wrong-operand", lambda: x.T @ dp))
    return loss


@architecture
def dropout_net(d: Hand) -> al.Tensor:
    """Tanh, dropout by a mask of 0 and 1 times 2, another layer with a relu and a mask as `dropout` makes it."""
    m, n = d.m, d.n
    x, W1, W2, W3 = d.draw(m, n), d.draw(n, n), d.draw(n, n), d.draw(n, 3)
    mask = d.rng.permutation(np.arange(m * n) % 2).reshape(m, n).astype(d.dtype)
    keep = d.rng.permutation(np.arange(m * n) % 4 > 0).reshape(m, n)
    scaled = (keep / 0.75).astype(d.dtype)
    h1 = np.tanh(x @ W1)
    k1 = h1 * mask * 2
    h2 = np.maximum(z2 := k1 @ W2, 0)
    k2 = h2 * scaled
    out = k2 @ W3
    y = d.target(out)

    t1 = d.named("h1", al.tanh(d.named("z1", al.tensor(x) @ d.leaf("W1", W1))))
    t2 = d.named("k1", t1 * al.tensor(mask, name="mask") * 2)
    t3 = d.named("h2", al.relu(d.named("z2", t2 @ d.leaf("W2", W2))))
    t4 = d.named("k2", F.dropout(t3, 0.25, generator=Drawn(np.where(keep, 0.9, 0.1))))
    loss = (d.named("out", t4 @ d.leaf("W3", W3)) - al.tensor(y)).square().sum() / 2

    dout = d("out", out - y, halved=("factor", lambda: (out - y) / 2), doubled=("factor", lambda: 2 * (out - y)))
    d("W3", k2.T @ dout, before_dropout=("wrong-operand|missing-mask", lambda: h2.T @ dout))
    dk2 = d("k2", dout @ W3.T)
    dz2 = d(
        "z2", right := dk2 * scaled * (z2 > 0),
        no_mask=("missing-mask", lambda: dk2 * (z2 > 0)),
        no_scale=("factor", lambda: right * 0.75),
        no_slope=("missing-derivative", lambda: dk2 * scaled),
        neither=("missing-mask+missing-derivative", lambda: dk2),
        mask_twice=("extra-derivative|factor", lambda: right * scaled),
    )  # fmt: skip
    d("W2", k1.T @ dz2, before_dropout=("wrong-operand", lambda: h1.T @ dz2))
    dk1 = d("k1", dz2 @ W2.T)
    dz1 = d(
        "z1", right := dk1 * mask * 2 * (1 - h1**2),
        no_mask=("missing-mask", lambda: dk1 * 2 * (1 - h1**2)),
        no_scale=("factor", lambda: right / 2),
        after_dropout=("wrong-point", lambda: dk1 * mask * 2 * (1 - k1**2)),
        no_scale_after_dropout=("factor+wrong-point", lambda: dk1 * mask * (1 - k1**2)),
        neither_mask_nor_scale=("missing-mask+factor", lambda: dk1 * (1 - h1**2)),
        no_mask_no_slope=("missing-mask+missing-derivative", lambda: dk1 * 2),
    )  # fmt: skip
    d("W1", x.T @ dz1)
    return loss


class Drawn:
    """A generator whose draw is known."""

    def __init__(self, draw: np.ndarray) -> None:
        self.draw = draw

    def random(self, shape: tuple[int, ...]) -> np.ndarray:
        assert shape == self.draw.shape
        return self.draw


def _recurrent(d: Hand, steps: int = 4) -> al.Tensor:
    """Shared weights over time, an error at every step."""
    m, n = d.m, d.n
    Wx, Wh, b, V = d.draw(n, n) * 0.7, d.draw(n, n) * 0.7, d.draw(n), d.draw(n, 2)
    xs = [d.draw(m, n) for _ in range(steps)]
    h, z, out = [d.draw(m, n)], [], []
    for x in xs:
        z.append(x @ Wx + h[-1] @ Wh + b)
        h.append(np.tanh(z[-1]))
        out.append(h[-1] @ V)
    y = [d.target(o) for o in out]

    tWx, tWh, tb, tV = d.leaf("Wx", Wx), d.leaf("Wh", Wh), d.leaf("b", b), d.leaf("V", V)
    state, loss = d.leaf("h0", h[0]), 0.0
    for t, x in enumerate(xs):
        state = d.named(f"h{t + 1}", al.tanh(d.named(f"z{t + 1}", al.tensor(x) @ tWx + state @ tWh + tb)))
        loss = loss + (d.named(f"o{t + 1}", state @ tV) - al.tensor(y[t])).square().sum() / (2 * m)

    dWx, dWh, db, dV, carried = Wx * 0, Wh * 0, b * 0, V * 0, h[0] * 0
    dz_next = z[0] * 0
    last = {"Wx": Wx * 0, "Wh": Wh * 0}
    for t in range(steps, 0, -1):
        error = out[t - 1] - y[t - 1]
        do = d(f"o{t}", error / m, "o", summed=("factor|sum-for-mean", lambda e=error: e))
        dV = dV + h[t].T @ do
        own = do @ V.T
        dh = d(
            f"h{t}", own + carried, "h",
            not_carried=("missing-path", lambda own=own: own),
            not_transposed=("transposed", lambda own=own, dz=dz_next: own + dz @ Wh),
            carry_turned=("sign", lambda own=own, c=carried: own - c),
            carry_assigned=("missing-path|overwritten-upstream", lambda o=own, c=carried, t=t: c if t < steps else o),
            input_weights=("wrong-operand", lambda own=own, dz=dz_next: own + dz @ Wx.T),
        )  # fmt: skip
        if t == 2:
            dh = d("h2", dh, "h2", once_not_carried=("missing-path", lambda own=own: own))
        dz = d(
            f"z{t}", dh * (1 - h[t] ** 2), "z",
            no_slope=("missing-derivative", lambda dh=dh: dh),
            step_before=("shifted|wrong-point", lambda dh=dh, t=t: dh * (1 - h[t - 1] ** 2)),
            at_input=("wrong-point", lambda dh=dh, t=t: dh * (1 - z[t - 1] ** 2)),
        )  # fmt: skip
        dWx, dWh, db = dWx + xs[t - 1].T @ dz, dWh + h[t - 1].T @ dz, db + dz.sum(0)
        if t == 1:
            last = {"Wx": xs[0].T @ dz, "Wh": h[0].T @ dz}
        carried, dz_next = dz @ Wh.T, dz
    zs = [dz_next] if steps == 1 else [d.deltas[f"z{t}"] for t in range(1, steps + 1)]
    d("V", dV, averaged=("mean-for-sum|factor", lambda: dV / m))
    d(
        "Wx", dWx,
        first_step_only=("missing-path", lambda: last["Wx"]),
        averaged_over_time=("factor", lambda: dWx / steps),
        of_h=("wrong-operand", lambda: sum(h[t].T @ zs[t] for t in range(steps))),
    )  # fmt: skip
    d(
        "Wh", dWh,
        first_step_only=("missing-path", lambda: last["Wh"]),
        same_step=("shifted", lambda: sum(h[t + 1].T @ zs[t] for t in range(steps))),
        one_step_forgotten=("missing-path", lambda: dWh - h[1].T @ zs[1]),
        transposed=("transposed", lambda: dWh.T),
    )  # fmt: skip
    d("b", db, first_step_only=("missing-path", lambda: zs[0].sum(0)), averaged=("mean-for-sum|factor", lambda: db / m))
    d("h0", carried, not_transposed=("transposed", lambda: dz_next @ Wh))
    return loss


@architecture
def words_in_time(d: Hand, steps: int = 4) -> al.Tensor:
    """One sentence: each word is told from the state before it; what follows the last word is told, and not scored."""
    words = d.rng.integers(0, 6, steps)
    E, R, D, s0 = d.draw(6, 3), d.draw(3, 3) * 0.7, d.draw(3, 6), d.draw(3)
    h, errors = [s0], []
    for word in words:
        errors.append((h[-1] @ D - np.eye(6, dtype=d.dtype)[word]) / steps)
        h.append(h[-1] @ R + E[word])

    tE, tR, tD, state = d.leaf("E", E), d.leaf("R", R), d.leaf("D", D), d.leaf("h0", s0)
    scores = []
    for t, word in enumerate(words, 1):
        scores.append(d.named(f"o{t}", state @ tD))
        state = d.named(f"h{t}", state @ tR + al.nn.functional.embedding(word, tE))
    scores.append(d.named(f"o{steps + 1}", state @ tD))
    goals = np.vstack([np.eye(6, dtype=d.dtype)[words], d.zeros(1, 6)])
    loss = (al.stack(scores) - al.tensor(goals))[:steps].square().sum() / (2 * steps)

    do = [d(f"o{t + 1}", error, "o") for t, error in enumerate(errors)]
    dh = {steps: h[-1] * 0}
    for t in range(steps - 1, 0, -1):
        carried = dh[t + 1] @ R.T
        dh[t] = d(
            f"h{t}", do[t] @ D.T + carried, "h",
            read_too_late=("shifted", lambda t=t, carried=carried: do[t - 1] @ D.T + carried),
            not_carried=("missing-path", lambda t=t: do[t] @ D.T),
        )  # fmt: skip
    dh[0] = d("h0", do[0] @ D.T + dh[1] @ R.T, "h0", only_carried=("missing-path", lambda: dh[1] @ R.T))

    def of_words(first: int) -> np.ndarray:
        table = E * 0
        np.add.at(table, words, np.array([dh[t + first] for t in range(steps)]))
        return table

    def early(deltas: list[np.ndarray]) -> np.ndarray:
        return sum(map(np.outer, [h[0] - LR * dh[0], *h[1:]], deltas))

    states = [dh[t + 1] for t in range(steps)]
    d("E", of_words(1), of_states_before=("shifted", lambda: of_words(0)))
    d("D", sum(map(np.outer, h, do)), start_updated=("stale-weights", lambda: early(do)))
    d("R", sum(map(np.outer, h, states)), start_updated=("stale-weights", lambda: early(states)))
    return loss


@architecture
def recurrent(d: Hand) -> al.Tensor:
    return _recurrent(d)


@architecture
def recurrent_weights_only(d: Hand) -> al.Tensor:
    """The same, of which nobody kept the deltas of the steps."""
    loss = _recurrent(d)
    d.deltas = {name: d.deltas[name] for name in ("V", "Wx", "Wh", "b")}
    d.known = {key: kinds for key, kinds in d.known.items() if not key.startswith("h0")}
    if d.guilty - set(d.deltas):
        right = Hand(seed=d.seed, m=d.m, n=d.n, **d.more)
        _recurrent(right)
        d.guilty = {name for name, array in d.deltas.items() if differs(array, right.deltas[name])}
    return loss


@architecture
def lstm(d: Hand) -> al.Tensor:
    """Three steps of a cell, all gates from one product."""
    m, n, steps = d.m, d.n, 3
    W, U, b, V = d.draw(n, 4 * n) * 0.6, d.draw(n, 4 * n) * 0.6, d.draw(4 * n), d.draw(n, 2)
    xs = [d.draw(m, n) for _ in range(steps)]
    h, c, gates = [d.zeros(m, n)], [d.draw(m, n)], []
    for x in xs:
        z = x @ W + h[-1] @ U + b
        i, f, o = (logistic(z[:, k * n : (k + 1) * n]) for k in range(3))
        g = np.tanh(z[:, 3 * n :])
        gates.append((z, i, f, o, g))
        c.append(f * c[-1] + i * g)
        h.append(o * np.tanh(c[-1]))
    out = h[-1] @ V
    y = d.target(out)

    tW, tU, tb, th, tc = d.leaf("W", W), d.leaf("U", U), d.leaf("b", b), al.tensor(h[0]), al.tensor(c[0])
    for t, x in enumerate(xs, 1):
        tz = d.named(f"a{t}", al.tensor(x) @ tW + th @ tU + tb)
        ti, tf, to = (d.named(f"{s}{t}", al.sigmoid(tz[:, k * n : (k + 1) * n])) for k, s in enumerate("ifo"))
        tg = d.named(f"g{t}", al.tanh(tz[:, 3 * n :]))
        tc = d.named(f"c{t}", tf * tc + ti * tg)
        th = d.named(f"h{t}", to * al.tanh(tc))
    loss = (d.named("out", th @ d.leaf("V", V)) - al.tensor(y)).square().mean()

    dout = d("out", 2 * (out - y) / out.size)
    d("V", h[-1].T @ dout)
    dh, dc_next = dout @ V.T, c[0] * 0
    dW, dU, db = W * 0, U * 0, b * 0
    for t in range(steps, 0, -1):
        z, i, f, o, g = gates[t - 1]
        tc_ = np.tanh(c[t])
        # the output only of the cell before: what its neighbour hands back
        dh = d(f"h{t}", dh, "h", not_carried=("missing-path", lambda dh=dh, t=t: dh if t == steps else dh * 0))
        do = d(f"o{t}", dh * tc_, "o", of_c=("wrong-operand|missing-derivative", lambda dh=dh, t=t: dh * c[t]))
        through = dh * o * (1 - tc_**2)
        dc = d(
            f"c{t}", through + dc_next, "c",
            not_carried=("missing-path", lambda a=through: a),
            no_tanh=("missing-derivative", lambda dh=dh, o=o, a=dc_next: dh * o + a),
            at_c=("wrong-point", lambda dh=dh, o=o, a=dc_next, t=t: dh * o * (1 - c[t] ** 2) + a),
        )  # fmt: skip
        di = d(f"i{t}", dc * g, "i", of_c=("wrong-operand", lambda dc=dc, t=t: dc * c[t]))
        df = d(f"f{t}", dc * c[t - 1], "f", same_step=("shifted|wrong-operand", lambda dc=dc, t=t: dc * c[t]))
        dg = d(f"g{t}", dc * i, "g", of_f=("wrong-operand|shifted", lambda dc=dc, f=f: dc * f))
        parts = [di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g**2)]
        da = d(
            f"a{t}", np.hstack(parts), "a",
            f_no_slope=("missing-derivative", lambda q=parts, df=df: np.hstack([q[0], df, *q[2:]])),
            g_as_sigmoid=("wrong-derivative", lambda q=parts, dg=dg, g=g: np.hstack([*q[:3], dg * g * (1 - g)])),
            f_at_input=(
                "wrong-point",
                lambda q=parts, df=df, z=z: np.hstack([q[0], df * (s := z[:, n : 2 * n]) * (1 - s), *q[2:]]),
            ),
            i_and_o_no_slope=("missing-derivative", lambda q=parts, di=di, do=do: np.hstack([di, q[1], do, q[3]])),
        )  # fmt: skip
        dW, dU, db = dW + xs[t - 1].T @ da, dU + h[t - 1].T @ da, db + da.sum(0)
        dh, dc_next = da @ U.T, dc * f
    d("W", dW, last_only=("missing-path", lambda: xs[0].T @ da))
    das = [d.deltas[f"a{t}"] for t in (1, 2, 3)]
    d("U", dU, same_step=("shifted", lambda: sum(h[t + 1].T @ das[t] for t in range(3))))
    d("b", db, not_summed=("missing-path+missing-sum|missing-sum", lambda: sum(das)))
    return loss


@architecture
def convolution(d: Hand) -> al.Tensor:
    """conv2d, relu, and a layer on top; the hand-written pass works on columns."""
    m, k, size = d.m, 3, 5
    x, K, b, V = d.draw(m, 2, size, size), d.draw(3, 2, k, k), d.draw(3), d.draw(27, 3)
    cols = np.stack([
        np.stack([x[:, :, i : i + k, j : j + k].reshape(m, -1) for i in range(3) for j in range(3)], 1)
    ])[0]  # fmt: skip
    a = (cols @ K.reshape(3, -1).T + b).transpose(0, 2, 1).reshape(m, 3, 3, 3)
    r = np.maximum(a, 0)
    p = soft(r.reshape(m, -1) @ V)
    y = d.labels(3)

    ta = d.named("a", F.conv2d(d.leaf("x", x), d.leaf("K", K), d.leaf("b", b)))
    tr = d.named("r", al.relu(ta))
    loss = F.cross_entropy(d.named("logits", tr.reshape(m, -1) @ d.leaf("V", V)), al.tensor(y.argmax(1)))

    dz = d("logits", (p - y) / m, slope_too=("extra-derivative", lambda: (p - y) / m * p * (1 - p)))
    d("V", r.reshape(m, -1).T @ dz, before_relu=("wrong-operand", lambda: a.reshape(m, -1).T @ dz))
    dr = d("r", (dz @ V.T).reshape(r.shape))
    da = d(
        "a", dr * (a > 0),
        no_slope=("missing-derivative", lambda: dr),
        by_gradient=("wrong-operand|wrong-point|wrong-derivative", lambda: dr * (dr > 0)),
    )  # fmt: skip
    rows = da.transpose(0, 2, 3, 1).reshape(m, 9, 3)
    dK = d(
        "K", right := np.einsum("mpo,mpc->oc", rows, cols).reshape(K.shape),
        averaged=("mean-for-sum|factor", lambda: right / m),
        turned=("sign", lambda: -right),
        of_dr=("missing-derivative|wrong-operand", lambda: np.einsum(
            "mpo,mpc->oc", dr.transpose(0, 2, 3, 1).reshape(m, 9, 3), cols).reshape(K.shape)),
    )  # fmt: skip
    d(
        "b", da.sum((0, 2, 3)),
        averaged=("mean-for-sum", lambda: da.mean((0, 2, 3))),
        batch_averaged=("mean-for-sum|factor", lambda: da.sum((2, 3)).mean(0)),
    )  # fmt: skip

    def folded(kernel: np.ndarray) -> np.ndarray:
        back = (rows @ kernel.reshape(3, -1)).reshape(m, 3, 3, 2, k, k)
        dx = np.zeros_like(x)
        for i in range(3):
            for j in range(3):
                dx[:, :, i : i + k, j : j + k] += back[:, i, j]
        return dx

    def assigned() -> np.ndarray:
        back, dx = (rows @ K.reshape(3, -1)).reshape(m, 3, 3, 2, k, k), np.zeros_like(x)
        for i in range(3):
            for j in range(3):
                dx[:, :, i : i + k, j : j + k] = back[:, i, j]
        return dx

    d("x", folded(K), updated=("stale-weights", lambda: folded(K - LR * dK)),
      overlaps_assigned=("overwritten-rows", assigned))  # fmt: skip
    return loss


def _words(d: Hand, table: Callable[[al.Tensor, np.ndarray], al.Tensor]) -> al.Tensor:
    """The mean of the rows of a few words, repeated ones among them; a sigmoid; one number."""
    m, n, words = d.m, d.n, 6
    E, w = d.draw(words, n), d.draw(n, 1)
    index = d.rng.integers(0, words, (m, 3))
    index[:, 1] = index[:, 0]
    mean = E[index].mean(1)
    p = logistic(mean @ w)
    y = (d.rng.uniform(size=(m, 1)) < 0.5).astype(d.dtype)

    tm = d.named("bag", d.named("rows", table(d.leaf("E", E), index)).mean(1))
    tp = d.named("p", al.sigmoid(d.named("z", tm @ d.leaf("w", w))))
    loss = (tp - al.tensor(y)).square().sum()

    dp = d("p", 2 * (p - y), halved=("factor", lambda: p - y))
    dz = d("z", dp * p * (1 - p), no_slope=("missing-derivative", lambda: dp))
    d("w", mean.T @ dz, of_dp=("missing-derivative|wrong-operand", lambda: mean.T @ dp))
    dbag = d("bag", dz @ w.T)
    spread = np.repeat(dbag[:, None], 3, 1)
    drows = d("rows", spread / 3, summed=("sum-for-mean|factor", lambda: spread))
    dE = np.zeros_like(E)
    np.add.at(dE, index, drows)

    def assigned() -> np.ndarray:
        out = np.zeros_like(E)
        out[index] = drows
        return out

    d("E", dE, assigned=("overwritten-rows", assigned), doubled=("factor", lambda: dE * 2),
      assigned_summed=("overwritten-rows+factor|overwritten-rows+sum-for-mean", lambda: 3 * assigned()))  # fmt: skip
    return loss


@architecture
def embedding(d: Hand) -> al.Tensor:
    return _words(d, lambda table, index: F.embedding(al.tensor(index), table))


@architecture
def rows_by_index(d: Hand) -> al.Tensor:
    return _words(d, lambda table, index: table[index])


@architecture
def layer_norm(d: Hand) -> al.Tensor:
    """Layer normalisation from primitives."""
    m, n = d.m, d.n
    x, W, gamma, beta = d.draw(m, n), d.draw(n, n), d.draw(n), d.draw(n)
    u = x @ W
    e = u - u.mean(1, keepdims=True)
    s = 1 / np.sqrt((e * e).mean(1, keepdims=True) + 1e-3)
    unit = e * s
    out = unit * gamma + beta
    y = d.target(out)

    tu = d.named("u", al.tensor(x) @ d.leaf("W", W))
    te = d.named("e", tu - tu.mean(1, keepdim=True))
    ts = d.named("s", 1 / al.sqrt((te * te).mean(1, keepdim=True) + 1e-3))
    tn = d.named("unit", te * ts)
    loss = (d.named("out", tn * d.leaf("gamma", gamma) + d.leaf("beta", beta)) - al.tensor(y)).square().mean()

    dout = d("out", 2 * (out - y) / out.size, over_m=("factor", lambda: 2 * (out - y) / m))
    d("beta", dout.sum(0), averaged=("mean-for-sum", lambda: dout.mean(0)))
    d("gamma", (dout * unit).sum(0), not_normalised=("wrong-operand", lambda: (dout * e).sum(0)),
      not_summed=("missing-sum", lambda: dout * unit))  # fmt: skip
    dn = d("unit", dout * gamma, no_gamma=("missing-derivative|wrong-operand", lambda: dout),
           of_beta=("wrong-operand", lambda: dout * beta))  # fmt: skip
    ds = d("s", (dn * e).sum(1, keepdims=True))
    direct, through = dn * s, -ds * s**3 * e / n
    de = d(
        "e", direct + through,
        no_variance=("missing-path", lambda: direct),
        variance_only=("missing-path", lambda: through),
        half_variance=("factor|missing-path", lambda: direct + through / 2),
        variance_turned=("sign", lambda: direct - through),
        variance_summed=("sum-for-mean|factor", lambda: direct + through * n),
    )  # fmt: skip
    du = d(
        "u", de - de.mean(1, keepdims=True),
        no_mean=("missing-path", lambda: de),
        mean_turned=("sign", lambda: de + de.mean(1, keepdims=True)),
        mean_summed=("factor|sum-for-mean", lambda: de - de.sum(1, keepdims=True)),
    )  # fmt: skip
    d("W", x.T @ du)
    return loss


@architecture
def residual(d: Hand) -> al.Tensor:
    """r = a + tanh(a W1) W2."""
    m, n = d.m, d.n
    x, W0, W1, W2 = d.draw(m, n), d.draw(n, n), d.draw(n, n), d.draw(n, n)
    a = x @ W0
    t = np.tanh(a @ W1)
    r = a + t @ W2
    y = d.target(r)

    ta = d.named("a", al.tensor(x) @ d.leaf("W0", W0))
    tt = d.named("t", al.tanh(d.named("z", ta @ d.leaf("W1", W1))))
    loss = (d.named("r", ta + tt @ d.leaf("W2", W2)) - al.tensor(y)).square().sum() / m

    dr = d("r", 2 * (r - y) / m)
    dW2 = d("W2", t.T @ dr, of_a=("wrong-operand", lambda: a.T @ dr))
    dt = d("t", dr @ W2.T, updated=("stale-weights", lambda: dr @ (W2 - LR * dW2).T),
           updated_turned=("stale-weights+sign", lambda: -dr @ (W2 - LR * dW2).T))  # fmt: skip
    dz = d("z", dt * (1 - t**2), shortcut=("wrong-operand", lambda: dr * (1 - t**2)))
    dW1 = d("W1", a.T @ dz, of_t=("wrong-operand", lambda: t.T @ dz))
    da = d(
        "a", dr + dz @ W1.T,
        no_skip=("missing-path", lambda: dz @ W1.T),
        skip_only=("missing-path", lambda: dr),
        skip_twice=("factor", lambda: 2 * dr + dz @ W1.T),
        branch_turned=("sign", lambda: dr - dz @ W1.T),
        not_transposed=("transposed", lambda: dr + dz @ W1),
        updated=("stale-weights", lambda: dr + dz @ (W1 - LR * dW1).T),
        no_skip_not_transposed=("missing-path+transposed", lambda: dz @ W1),
    )  # fmt: skip
    d(
        "W0",
        x.T @ da,
        of_dr=("missing-path|wrong-operand", lambda: x.T @ dr),
        of_branch=("missing-path", lambda: x.T @ (dz @ W1.T)),
    )
    return loss


@architecture
def logistic_single(d: Hand) -> al.Tensor:
    """Logistic regression with a batch of one."""
    n = d.n
    x, w, b = d.draw(1, n), d.draw(n, 1), d.draw(1)
    p = logistic(x @ w + b)
    y = (d.rng.uniform(size=(1, 1)) < 0.5).astype(d.dtype)

    tz = d.named("z", al.tensor(x) @ d.leaf("w", w) + d.leaf("b", b))
    loss = F.binary_cross_entropy(d.named("p", al.sigmoid(tz)), al.tensor(y))

    dp = d("p", (p - y) / (p * (1 - p)), turned=("sign", lambda: (y - p) / (p * (1 - p))))
    dz = d("z", dp * p * (1 - p), no_slope=("missing-derivative", lambda: dp))
    d("w", x.T @ dz, flat=("missing-derivative|wrong-operand", lambda: x.T @ dp), turned=("sign", lambda: -x.T @ dz))
    d("b", dz.sum(0), turned=("sign", lambda: -dz.sum(0)))
    return loss


@architecture
def logits_loss(d: Hand) -> al.Tensor:
    """Sigmoid and cross-entropy in one, many examples, one output."""
    m, n = d.m, d.n
    x, w = d.draw(m, n), d.draw(n, 1)
    p = logistic(x @ w)
    y = (d.rng.uniform(size=(m, 1)) < 0.5).astype(d.dtype)
    tz = d.named("z", al.tensor(x) @ d.leaf("w", w))
    loss = F.binary_cross_entropy_with_logits(tz, al.tensor(y))
    dz = d(
        "z", right := (p - y) / m,
        slope_too=("extra-derivative", lambda: right * p * (1 - p)),
        summed=("sum-for-mean|factor", lambda: p - y),
        slope_too_summed=("extra-derivative+factor|extra-derivative+sum-for-mean", lambda: (p - y) * p * (1 - p)),
    )  # fmt: skip
    d(
        "w",
        x.T @ dz,
        averaged=("mean-for-sum", lambda: x.T @ dz / m),
        first_row=("missing-sum", lambda: x[:1].T @ dz[:1]),
    )
    return loss


@architecture
def attention(d: Hand) -> al.Tensor:
    """softmax(q k' / sqrt(n)) v, as many words as features."""
    m = n = d.n
    x, Wq, Wk, Wv = d.draw(m, n), d.draw(n, n), d.draw(n, n), d.draw(n, n)
    q, k, v = x @ Wq, x @ Wk, x @ Wv
    root = float(np.sqrt(n))
    a = soft(q @ k.T / root)
    out = a @ v
    y = d.target(out)

    tx = al.tensor(x)
    tq, tk, tv = (d.named(s, tx @ d.leaf(f"W{s}", W)) for s, W in zip("qkv", (Wq, Wk, Wv), strict=True))
    ts = d.named("s", tq @ tk.T / root)
    loss = (d.named("out", d.named("a", al.softmax(ts, -1)) @ tv) - al.tensor(y)).square().mean()

    do = d("out", 2 * (out - y) / out.size)
    dv = d("v", a.T @ do, not_transposed=("transposed", lambda: a @ do), passed_on=("missing-derivative", lambda: do))
    da = d(
        "a", do @ v.T, of_k=("wrong-operand|shifted", lambda: do @ k.T), not_transposed=("transposed", lambda: do @ v)
    )
    ds = d(
        "s", a * (da - (da * a).sum(1, keepdims=True)),
        diagonal=("wrong-derivative", lambda: da * a * (1 - a)),
        other_axis=("wrong-derivative|transposed", lambda: a * (da - (da * a).sum(0, keepdims=True))),
        passed_on=("missing-derivative", lambda: da),
    )  # fmt: skip
    dq = d("q", right := ds @ k / root, no_root=("factor", lambda: ds @ k),
           of_v=("wrong-operand|shifted", lambda: ds @ v / root),
           root_twice=("factor", lambda: right / root))  # fmt: skip
    dk = d("k", ds.T @ q / root, not_transposed=("transposed", lambda: ds @ q / root),
           of_k=("wrong-operand|shifted", lambda: ds.T @ k / root),
           of_k_no_root=("wrong-operand+factor|shifted+factor", lambda: ds.T @ k))  # fmt: skip
    for s, g in zip("qkv", (dq, dk, dv), strict=True):
        d(f"W{s}", x.T @ g, "W", **({"of_dq": ("wrong-operand|shifted", lambda: x.T @ dq)} if s == "k" else {}))
    return loss


def planted(name: str, *mistakes: str, **options: Any) -> tuple[Hand, al.Tensor]:
    """One pass of an architecture with mistakes in it: `guilty` are the deltas that they are introduced at."""
    hand = Hand(*mistakes, **{"seed": zlib.crc32(name.encode()) % 1000, **options})
    with np.errstate(all="ignore"):
        loss = ARCHITECTURES[name](hand)
    return hand, loss


def cases() -> list[tuple[str, str, str]]:
    """Every architecture, planted mistake, and the kinds of cause that describe it."""
    return [(name, mistake, kinds) for name in ARCHITECTURES for mistake, kinds in planted(name)[0].known.items()]


def described(kinds: str, causes: set[str]) -> bool:
    """Do the kinds of the causes that were found describe a mistake?"""
    return any(set(alternative.split("+")) <= causes for alternative in kinds.split("|"))
