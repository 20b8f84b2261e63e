"""Three ways to write an op, each checked to second order."""

import numpy as np

import autograd_lite as al


def swish(x):
    """A composition of ops needs no rule."""
    return x * al.sigmoid(x)


@al.primitive(x=lambda g, y: g * (1 - y * y))
def tanh(x):
    """A primitive: its rule names the output y, so that is all that is kept for the backward pass."""
    return np.tanh(x)


class Tanh(al.autograd.Function):
    """PyTorch's way."""

    @staticmethod
    def forward(ctx, x):
        y = np.tanh(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * (1 - y * y)


x = al.randn(3, 2, requires_grad=True)
for name, f in (("swish", swish), ("tanh", tanh), ("Tanh", Tanh.apply)):
    assert al.gradcheck(f, x)
    assert al.gradgradcheck(f, x)
    print(f"{name}: first and second derivatives are right")
