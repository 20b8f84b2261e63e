"""Functions that derived code of recurrent layers is printed with: a loop over the steps, there and back.

What comes out is laid out as in `ops.lstm` and `ops.gru`.
"""

sources = {
    "lstm": """\
def lstm(z, h, c, w, reverse=False):
    # the states, the initial one before the first step, and at the end the last cell state
    states = [h]
    for a in z[::-1] if reverse else z:
        i, f, m, o = np.split(a + states[-1] @ w.T, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(m)
        states.append(sigmoid(o) * np.tanh(c))
    return np.stack([*(states[::-1] if reverse else states), c])
""",
    "lstm_backward": """\
def lstm_backward(g, y, z, h, c, w, reverse=False):
    # the gradient of z, and in one more row those of h and c
    order = slice(None, None, -1 if reverse else 1)
    above, states, steps = g[:-1][order], y[:-1][order], []
    for a, before in zip(z[order], states):
        i, f, m, o = np.split(a + before @ w.T, 4, axis=-1)
        i, f, m, o = sigmoid(i), sigmoid(f), np.tanh(m), sigmoid(o)
        steps.append((i, f, m, o, c, np.tanh(f * c + i * m)))
        c = f * c + i * m
    dh, dc, dz = np.zeros_like(h), g[-1], []
    for (i, f, m, o, c, u), d in zip(steps[::-1], above[:0:-1]):
        dh = dh + d
        dc = dc + dh * o * (1 - u * u)
        di, df, dm, do = dc * m * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - m * m), dh * u * o * (1 - o)
        dz.append(np.concatenate([di, df, dm, do], axis=-1))
        dh, dc = dz[-1] @ w, dc * f
    zero = np.zeros_like(h)
    start = np.concatenate([dh + above[0], dc, zero, zero], axis=-1)
    return np.stack([*(dz if reverse else dz[::-1]), start])
""",
    "gru": """\
def gru(z, h, w, b, reverse=False):
    # the states, the initial one before the first step
    states = [h]
    for a in z[::-1] if reverse else z:
        (ar, au, an), (r, u, m) = np.split(a, 3, axis=-1), np.split(states[-1] @ w.T + b, 3, axis=-1)
        r, u = sigmoid(ar + r), sigmoid(au + u)
        n = np.tanh(an + r * m)
        states.append(n + u * (states[-1] - n))
    return np.stack(states[::-1] if reverse else states)
""",
    "gru_backward": """\
def gru_backward(g, y, z, h, w, b, reverse=False):
    # the gradients under the gates r and u, of what r is multiplied with, and under n; in one more row that of h
    order = slice(None, None, -1 if reverse else 1)
    above, states, dh, found = g[order], y[order], np.zeros_like(h), []
    for a, before, d in zip(z[order][::-1], states[-2::-1], above[:0:-1]):
        (ar, au, an), (r, u, m) = np.split(a, 3, axis=-1), np.split(before @ w.T + b, 3, axis=-1)
        r, u = sigmoid(ar + r), sigmoid(au + u)
        n = np.tanh(an + r * m)
        dh = dh + d
        du, dn = dh * (before - n) * u * (1 - u), dh * (1 - u) * (1 - n * n)
        dr, dm = dn * m * r * (1 - r), dn * r
        found.append(np.concatenate([dr, du, dm, dn], axis=-1))
        dh = dh * u + np.concatenate([dr, du, dm], axis=-1) @ w
    zero = np.zeros_like(h)
    start = np.concatenate([dh + above[0], zero, zero, zero], axis=-1)
    return np.stack([*(found if reverse else found[::-1]), start])
""",
    "rnn": """\
def rnn(z, h, w, reverse=False, flat=False):
    # the states, the initial one before the first step; flat: of relu in place of tanh
    states = [h]
    for a in z[::-1] if reverse else z:
        a = a + states[-1] @ w.T
        states.append(np.maximum(a, 0) if flat else np.tanh(a))
    return np.stack(states[::-1] if reverse else states)
""",
    "rnn_backward": """\
def rnn_backward(g, y, h, w, reverse=False, flat=False):
    # the gradient of z, and in one more row that of h
    order = slice(None, None, -1 if reverse else 1)
    above, states, dh, dz = g[order], y[order], np.zeros_like(h), []
    for after, d in zip(states[:0:-1], above[:0:-1]):
        dz.append((dh + d) * (after > 0 if flat else 1 - after * after))
        dh = dz[-1] @ w
    return np.stack([*(dz if reverse else dz[::-1]), dh + above[0]])
""",
}
