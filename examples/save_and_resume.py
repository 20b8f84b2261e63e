"""Saving and resuming: a training that was broken off goes on from its file as if it had not been."""

import argparse
import tempfile
from pathlib import Path

import numpy as np

import autograd_lite as torch
from autograd_lite import nn, optim
from autograd_lite.nn import functional as F


class Training:
    """All that a training consists of: what changes in it goes into a checkpoint."""

    def __init__(self, x, y):
        self.x, self.y = x, y
        self.rng = np.random.default_rng(2)  # of the order of the examples
        self.model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))
        self.optimizer = optim.Adam(self.model.parameters(), lr=0.02)
        self.scheduler = optim.lr_scheduler.StepLR(self.optimizer, step_size=4, gamma=0.5)
        self.losses = []

    def run(self, epochs):
        for _ in range(epochs):
            order = torch.tensor(self.rng.permutation(len(self.x)))
            for rows in order.split(25):
                self.optimizer.zero_grad()
                loss = F.smooth_l1_loss(self.model(self.x[rows]), self.y[rows])
                loss.backward()
                self.optimizer.step()
                self.losses.append(loss.item())
            self.scheduler.step()

    def save(self, path):
        checkpoint = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "rng": self.rng.bit_generator.state,
            "losses": self.losses,
        }
        torch.save(checkpoint, path)

    def load(self, path):
        checkpoint = torch.load(path)
        self.model.load_state_dict(checkpoint["model"])
        self.optimizer.load_state_dict(checkpoint["optimizer"])
        self.scheduler.load_state_dict(checkpoint["scheduler"])
        self.rng.bit_generator.state = checkpoint["rng"]
        self.losses = checkpoint["losses"]


def start(model, rng):
    """Weights that NumPy draws, so that they are the same in every framework; biases 0."""
    with torch.no_grad():
        for w in model.parameters():
            bound = 1 / np.sqrt(w[0].numel()) if w.ndim > 1 else 0.0
            w.copy_(torch.tensor(rng.uniform(-bound, bound, w.shape)))


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="6 epochs")
    args = parser.parse_args(argv)
    epochs = 6 if args.quick else args.epochs
    torch.set_default_dtype(torch.float64)
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.normal(size=(200, 8)))
    y = (x[:, :1] * x[:, 1:2]).tanh() + x[:, 2:3]

    whole = Training(x, y)
    start(whole.model, rng)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.npz"  # or .safetensors: the name says the format
        whole.run(epochs // 2)
        whole.save(path)
        whole.run(epochs - epochs // 2)

        resumed = Training(x, y)  # as in a new process: other weights, until it loads
        resumed.load(path)
        resumed.run(epochs - epochs // 2)
    assert resumed.losses == whole.losses
    print(f"{len(whole.losses)} losses, the same to the last bit; the last: {whole.losses[-1]:.6f}")
    return whole.losses + resumed.losses


if __name__ == "__main__":
    main()
