"""A mistake in one derivative rule, inside a network: the check names the op and the line."""

import numpy as np

import autograd_lite as al

al.manual_seed(0)


@al.primitive(x=lambda g, y: g * (1 - y))  # should be 1 - y * y
def tanh(x):
    return np.tanh(x)


def network(x, w0, w1):
    hidden = tanh(x @ w0)
    return al.log_softmax(hidden @ w1, dim=1)


x, w0, w1 = al.randn(4, 3), al.randn(3, 5, requires_grad=True), al.randn(5, 2, requires_grad=True)
print(al.gradcheck(network, (x, w0, w1)))
