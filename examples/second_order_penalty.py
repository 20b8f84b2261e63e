"""A penalty on the gradient: the loss contains derivatives of the network's output, so it is differentiated twice."""

import argparse

import numpy as np

import autograd_lite as torch
from autograd_lite import nn, optim
from autograd_lite.nn import functional as F


def two_moons(rng, count=200):
    """Points (count, 2) on two arcs that reach into each other, and which arc, 0.0 or 1.0, (count, 1)."""
    angle, arc = rng.uniform(0, np.pi, size=count), np.arange(count) % 2
    x = np.where(arc, 1 - np.cos(angle), np.cos(angle))
    y = np.where(arc, 0.5 - np.sin(angle), np.sin(angle))
    points = np.stack([x, y], axis=1) + 0.1 * rng.normal(size=(count, 2))
    return torch.tensor(points), torch.tensor(arc[:, np.newaxis] * 1.0)


def start(model, rng):
    """Weights that NumPy draws, so that they are the same in every framework; biases 0."""
    with torch.no_grad():
        for w in model.parameters():
            bound = 1 / np.sqrt(w[0].numel()) if w.ndim > 1 else 0.0
            w.copy_(torch.tensor(rng.uniform(-bound, bound, w.shape)))


def steepness(model, x):
    """The mean over the points of the squared length of the output's gradient with respect to the point."""
    x = x.detach().requires_grad_()
    (slope,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
    return slope.pow(2).sum(dim=1).mean()


def train(x, y, weight, steps):
    rng = np.random.default_rng(1)
    model = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
    start(model, rng)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(x), y) + weight * steepness(model, x)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, model


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--quick", action="store_true", help="20 steps")
    args = parser.parse_args(argv)
    torch.set_default_dtype(torch.float64)

    x, y = two_moons(np.random.default_rng(0))
    every = []
    for weight in (0.0, 0.001, 0.01):
        losses, model = train(x, y, weight, 20 if args.quick else args.steps)
        right = ((model(x) > 0) == (y > 0.5)).sum().item() / len(x)
        print(f"penalty {weight}: loss {losses[-1]:.4f}, {right:.1%} right, steepness {steepness(model, x).item():.3f}")
        every += losses
    return every


if __name__ == "__main__":
    main()
