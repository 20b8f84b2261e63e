"""Linear regression: a line through points, by tensors alone and by a layer and an optimizer."""

import argparse

import numpy as np

import autograd_lite as torch
from autograd_lite import nn, optim
from autograd_lite.nn import functional as F


def points(rng, count=200):
    """x (count, 3), and y (count, 1), which is linear in x but for some noise."""
    x = rng.normal(size=(count, 3))
    y = x @ np.array([[2.0], [-1.0], [0.5]]) + 0.3 + 0.1 * rng.normal(size=(count, 1))
    return torch.tensor(x), torch.tensor(y)


def by_tensors(x, y, epochs, lr):
    """Two tensors, their gradients, and the step of gradient descent written out."""
    w = torch.zeros(3, 1, requires_grad=True)
    b = torch.zeros(1, requires_grad=True)
    losses = []
    for _ in range(epochs):
        loss = ((x @ w + b - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            w -= lr * w.grad
            b -= lr * b.grad
        w.grad, b.grad = None, None
        losses.append(loss.item())
    return losses, w.detach(), b.detach()


def by_layer(x, y, epochs, lr):
    """The same with a module, which holds the tensors, and an optimizer, which does the step."""
    model = nn.Linear(3, 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    optimizer = optim.SGD(model.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--quick", action="store_true", help="30 epochs")
    args = parser.parse_args(argv)
    torch.set_default_dtype(torch.float64)
    epochs = 30 if args.quick else args.epochs

    x, y = points(np.random.default_rng(0))
    losses, w, b = by_tensors(x, y, epochs, lr=0.1)
    again = by_layer(x, y, epochs, lr=0.1)
    for epoch in range(0, epochs, 10):
        print(f"epoch {epoch}: loss {losses[epoch]:.6f} by tensors, {again[epoch]:.6f} by a layer")

    with_ones = torch.cat([x, torch.ones(len(x), 1)], dim=1)
    exact = torch.linalg.lstsq(with_ones, y).solution
    print("weights:", *(f"{v:.4f}" for v in [*w.flatten().tolist(), b.item()]))
    print("exactly:", *(f"{v:.4f}" for v in exact.flatten().tolist()))
    return losses + again


if __name__ == "__main__":
    main()
