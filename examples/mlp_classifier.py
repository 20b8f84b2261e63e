"""A classifier: a network with two hidden layers tells three spirals apart, in batches of a DataLoader."""

import argparse
import math

import numpy as np

import autograd_lite as torch
from autograd_lite import nn, optim
from autograd_lite.utils.data import DataLoader, TensorDataset


def spirals(rng, each=150, arms=3):
    """Points (arms * each, 2), and the arm that each is on."""
    radius = np.linspace(0.1, 1.0, each)
    rows, labels = [], []
    for arm in range(arms):
        angle = 4.0 * radius + 2 * np.pi * arm / arms + 0.1 * rng.normal(size=each)
        rows.append(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1))
        labels += [arm] * each
    return torch.tensor(np.concatenate(rows)), torch.tensor(labels)


class Batches:
    """Index lists for a DataLoader, in an order that NumPy draws anew in every epoch."""

    def __init__(self, rng, count, size):
        self.rng, self.count, self.size = rng, count, size

    def __iter__(self):
        order = self.rng.permutation(self.count).tolist()
        return iter(order[k : k + self.size] for k in range(0, self.count, self.size))

    def __len__(self):
        return math.ceil(self.count / self.size)


def start(model, rng):
    """Weights that NumPy draws, so that they are the same in every framework; biases 0."""
    with torch.no_grad():
        for w in model.parameters():
            bound = 1 / np.sqrt(w[0].numel()) if w.ndim > 1 else 0.0
            w.copy_(torch.tensor(rng.uniform(-bound, bound, w.shape)))


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        right = (model(x).argmax(dim=1) == y).sum().item()
    model.train()
    return right / len(y)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--quick", action="store_true", help="5 epochs")
    args = parser.parse_args(argv)
    torch.set_default_dtype(torch.float64)
    epochs = 5 if args.quick else args.epochs

    rng = np.random.default_rng(0)
    x, y = spirals(rng)
    new_x, new_y = spirals(rng)
    loader = DataLoader(TensorDataset(x, y), batch_sampler=Batches(rng, len(x), 32))

    model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3))
    start(model, rng)
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-4)
    losses = []
    for epoch in range(epochs):
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if epoch % 5 == 4:
            mean = sum(losses[-len(loader) :]) / len(loader)
            print(f"epoch {epoch + 1}: loss {mean:.4f}, {accuracy(model, new_x, new_y):.1%} of new points right")
    return losses


if __name__ == "__main__":
    main()
