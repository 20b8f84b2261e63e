"""A Function whose derivative is written by hand, checked by differences, and used as a network's activation."""

import argparse

import numpy as np

import autograd_lite as torch
from autograd_lite import nn, optim
from autograd_lite.check import gradcheck, gradgradcheck
from autograd_lite.nn import functional as F


class Snake(torch.autograd.Function):
    """x + sin²(a x) / a, an activation for what repeats itself (Liu, Hartwig and Ueda, 2020)."""

    @staticmethod
    def forward(ctx, x, a):
        ctx.save_for_backward(x)
        ctx.a = a
        return x + torch.sin(a * x) ** 2 / a

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * (1 + torch.sin(2 * ctx.a * x)), None  # one for each argument; a is no tensor


class Network(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.first, self.second = nn.Linear(1, hidden), nn.Linear(hidden, 1)

    def forward(self, x):
        return self.second(Snake.apply(self.first(x), 2.0))


def start(model, rng):
    """Weights that NumPy draws, so that they are the same in every framework; biases 0."""
    with torch.no_grad():
        for w in model.parameters():
            bound = 1 / np.sqrt(w[0].numel()) if w.ndim > 1 else 0.0
            w.copy_(torch.tensor(rng.uniform(-bound, bound, w.shape)))


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--quick", action="store_true", help="50 steps")
    args = parser.parse_args(argv)
    torch.set_default_dtype(torch.float64)

    rng = np.random.default_rng(0)
    probe = torch.tensor(rng.normal(size=(4, 3)), requires_grad=True)
    assert gradcheck(lambda x: Snake.apply(x, 0.7), (probe,))
    assert gradgradcheck(lambda x: Snake.apply(x, 0.7), (probe,))
    print("the first and second derivatives agree with differences")

    x = torch.tensor(rng.uniform(-3, 3, size=(128, 1)))
    y = torch.sin(3 * x) + 0.5 * x
    model = Network()
    start(model, rng)
    optimizer = optim.RMSprop(model.parameters(), lr=0.005)
    losses = []
    for step in range(50 if args.quick else args.steps):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if step % 100 == 0:
            print(f"step {step}: loss {losses[-1]:.5f}")
    print(f"at the end: loss {losses[-1]:.5f}")
    return losses


if __name__ == "__main__":
    main()
