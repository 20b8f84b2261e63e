"""An autoencoder puts pictures of a spot into two numbers, and does better with them than principal components."""

import argparse

import numpy as np

import autograd_lite as torch
from autograd_lite import nn, optim
from autograd_lite.nn import functional as F

SIDE = 12


class Autoencoder(nn.Module):
    def __init__(self, code=2):
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 64), nn.Tanh(), nn.Linear(64, code))
        self.decoder = nn.Sequential(
            nn.Linear(code, 64), nn.Tanh(), nn.Linear(64, SIDE * SIDE), nn.Unflatten(1, (1, SIDE, SIDE))
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


def spots(rng, count):
    """Pictures (count, 1, SIDE, SIDE), each of one blurred spot somewhere."""
    place = rng.uniform(2, SIDE - 3, size=(2, count, 1, 1, 1))
    rows, columns = np.arange(SIDE).reshape(-1, 1), np.arange(SIDE)
    return np.exp(-((rows - place[0]) ** 2 + (columns - place[1]) ** 2) / 8)


def start(model, rng):
    """Weights that NumPy draws, so that they are the same in every framework; biases 0."""
    with torch.no_grad():
        for w in model.parameters():
            bound = 1 / np.sqrt(w[0].numel()) if w.ndim > 1 else 0.0
            w.copy_(torch.tensor(rng.uniform(-bound, bound, w.shape)))


def by_components(train, test, count):
    """The test pictures made of the mean and the first principal components of the others."""
    mean = train.flatten(1).mean(dim=0)
    _, _, rows = torch.linalg.svd(train.flatten(1) - mean, full_matrices=False)
    parts = rows[:count]
    return ((test.flatten(1) - mean) @ parts.T @ parts + mean).reshape(test.shape)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--quick", action="store_true", help="30 steps")
    args = parser.parse_args(argv)
    torch.set_default_dtype(torch.float64)

    rng = np.random.default_rng(0)
    model = Autoencoder()
    start(model, rng)
    optimizer = optim.AdamW(model.parameters(), lr=0.005, weight_decay=1e-4)
    losses = []
    for step in range(30 if args.quick else args.steps):
        pictures = torch.tensor(spots(rng, 64))
        loss = F.mse_loss(model(pictures), pictures)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if step % 100 == 0:
            print(f"step {step}: loss {losses[-1]:.5f}")

    train, test = torch.tensor(spots(rng, 500)), torch.tensor(spots(rng, 200))
    with torch.no_grad():
        ours = F.mse_loss(model(test), test).item()
    pca = F.mse_loss(by_components(train, test, 2), test).item()
    print(f"new pictures: error {ours:.5f}, of two principal components {pca:.5f}")
    return [*losses, ours, pca]


if __name__ == "__main__":
    main()
