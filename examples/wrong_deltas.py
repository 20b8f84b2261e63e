"""A mistake in a backward pass written by hand: the check names the delta, the cause, and the line."""

import numpy as np

import autograd_lite as al

rng = np.random.default_rng(0)
x, y = rng.normal(size=(8, 3)), rng.normal(size=(8, 1))
w1, w2 = rng.normal(size=(3, 4)), rng.normal(size=(4, 1))

# By hand: each delta under the name of the tensor that it belongs to
h = np.tanh(x @ w1)
delta = {"out": 2 * (h @ w2 - y) / len(x)}
delta["w2"] = h.T @ delta["out"]
delta["h"] = delta["out"] @ w2.T
delta["h_in"] = delta["h"] * (1 - np.tanh(h) ** 2)  # h has been through tanh already
delta["w1"] = x.T @ delta["h_in"]

# The same forward pass, recorded, its tensors named
w1, w2 = al.tensor(w1, requires_grad=True, name="w1"), al.tensor(w2, requires_grad=True, name="w2")
h_in = x @ w1
h = al.tanh(h_in)
out = h @ w2
h_in.name, h.name, out.name = "h_in", "h", "out"
loss = (out - y).square().sum() / len(x)

print(al.check_deltas(loss, delta))
