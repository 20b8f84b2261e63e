"""Three ways to write an op, and how a wrong rule is found."""

import numpy as np

import autograd_lite as al


# A composition of ops needs no rule.
def swish(x):
    return x * al.sigmoid(x)


# A primitive: the rule names what it needs, here the output y; nothing else is kept for the backward pass.
@al.primitive(x=lambda g, y: g * (1 - y * y))
def tanh(x):
    return np.tanh(x)


# The same with a mistake in the rule.
@al.primitive(x=lambda g, y: g * (1 - y))
def wrong_tanh(x):
    return np.tanh(x)


# PyTorch's way.
class Tanh(al.autograd.Function):
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
for name, f in (("swish", swish), ("tanh", tanh), ("Tanh.apply", Tanh.apply)):
    print(name, bool(al.gradcheck(f, x)), bool(al.gradgradcheck(f, x)))
print(al.gradcheck(lambda x: wrong_tanh(x * 2).sum(), x))
