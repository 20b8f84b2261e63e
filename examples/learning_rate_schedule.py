"""Schedules of the learning rate: the same network with each of six, and what they come to."""

import argparse

import numpy as np

import autograd_lite as torch
from autograd_lite import nn, optim
from autograd_lite.nn import functional as F
from autograd_lite.optim import lr_scheduler


def schedules(epochs):
    """By name, what makes a schedule of an optimizer; each is stepped once an epoch."""

    def warm_up(optimizer):
        first = lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=epochs // 5)
        then = lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs - epochs // 5)
        return lr_scheduler.SequentialLR(optimizer, [first, then], milestones=[epochs // 5])

    return {
        "constant": lambda optimizer: lr_scheduler.LambdaLR(optimizer, lambda epoch: 1.0),
        "steps": lambda optimizer: lr_scheduler.StepLR(optimizer, step_size=epochs // 3, gamma=0.3),
        "exponential": lambda optimizer: lr_scheduler.ExponentialLR(optimizer, gamma=0.05 ** (1 / epochs)),
        "cosine": lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs),
        "warm-up, then cosine": warm_up,
        "on a plateau": lambda optimizer: lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=2),
    }


def start(model, rng):
    """Weights that NumPy draws, so that they are the same in every framework; biases 0."""
    with torch.no_grad():
        for w in model.parameters():
            bound = 1 / np.sqrt(w[0].numel()) if w.ndim > 1 else 0.0
            w.copy_(torch.tensor(rng.uniform(-bound, bound, w.shape)))


def train(schedule, epochs, batch=8):
    """The loss of every epoch, and the learning rate in it."""
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.uniform(-1, 1, size=(160, 2)))
    y = torch.sin(3 * x[:, :1]) + x[:, 1:] ** 2 + 0.2 * torch.tensor(rng.normal(size=(160, 1)))
    model = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 1))
    start(model, rng)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    scheduler = schedule(optimizer)
    losses, rates = [], []
    for _ in range(epochs):
        total, order = 0.0, torch.tensor(rng.permutation(len(x)))
        for rows in order.split(batch):
            optimizer.zero_grad()
            loss = F.mse_loss(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows) / len(x)
        losses.append(total)
        rates.append(optimizer.param_groups[0]["lr"])
        if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
            scheduler.step(total)
        else:
            scheduler.step()
    return losses, rates


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--quick", action="store_true", help="10 epochs")
    args = parser.parse_args(argv)
    torch.set_default_dtype(torch.float64)

    epochs, every = 10 if args.quick else args.epochs, []
    for name, schedule in schedules(epochs).items():
        losses, rates = train(schedule, epochs)
        picked = ", ".join(f"{rate:.4f}" for rate in rates[:: max(1, epochs // 5)])
        print(f"{name:20s}  loss {losses[-1]:.5f}  rates {picked}")
        every += losses + rates
    return every


if __name__ == "__main__":
    main()
