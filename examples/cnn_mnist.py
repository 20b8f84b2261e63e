"""A convolutional network on MNIST: with --full one pass over all 60,000 digits; it reads over 98.5 % of the others."""

import argparse
import time

import numpy as np

import autograd_lite as torch
from autograd_lite import nn, optim
from autograd_lite.data import DataMissing, mnist  # NumPy arrays: this line is the same with PyTorch
from autograd_lite.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 8, kernel_size=5), nn.Conv2d(8, 16, kernel_size=5)
        self.fc1, self.fc2 = nn.Linear(16 * 4 * 4, 64), nn.Linear(64, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


def start(model, rng):
    """Weights that NumPy draws, so that they are the same in every framework; biases 0."""
    with torch.no_grad():
        for w in model.parameters():
            bound = 1 / np.sqrt(w[0].numel()) if w.ndim > 1 else 0.0
            w.copy_(torch.tensor(rng.uniform(-bound, bound, w.shape)))


def batch_of(images, labels, rows):
    """Some digits: pixels (n, 1, 28, 28) of mean 0 and variance 1, in the default dtype, and classes."""
    pixels = torch.tensor(images[rows]).to(torch.get_default_dtype()).unsqueeze(1)
    return (pixels / 255 - 0.1307) / 0.3081, torch.tensor(labels[rows]).long()


def accuracy(model, images, labels):
    right = 0
    with torch.no_grad():
        for k in range(0, len(images), 500):
            x, y = batch_of(images, labels, slice(k, k + 500))
            right += (model(x).argmax(dim=1) == y).sum().item()
    return right / len(images)


def train(model, images, labels, epochs, rng, compiled, batch=64):
    steps = len(images) // batch
    optimizer = optim.Adam(model.parameters())
    # The momentum is left alone: a compiled step is another program where it differs
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=epochs * steps, cycle_momentum=False)

    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    if compiled:
        step = torch.compile(step)
    losses = []
    for epoch in range(epochs):
        began = time.perf_counter()
        for rows in rng.permutation(len(images))[: steps * batch].reshape(steps, batch):
            losses.append(step(*batch_of(images, labels, rows)).item())
            schedule.step()
        print(f"epoch {epoch + 1}: loss {np.mean(losses[-steps:]):.4f}, {time.perf_counter() - began:.1f} s")
    return losses


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="all images, in float32")
    parser.add_argument("--quick", action="store_true", help="640 images")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--compile", action="store_true", help="make one program of a training step")
    args = parser.parse_args(argv)
    torch.set_default_dtype(torch.float32 if args.full else torch.float64)
    try:
        digits = mnist(download=args.full)
    except DataMissing:
        print("MNIST is not on this machine; with --full it is downloaded (11 MB)")
        return []

    learned, tested = (60000, 10000) if args.full else (640, 500) if args.quick else (2000, 1000)
    rng, model = np.random.default_rng(0), Net()
    start(model, rng)
    losses = train(model, digits.train_images[:learned], digits.train_labels[:learned], args.epochs, rng, args.compile)
    right = accuracy(model, digits.test_images[:tested], digits.test_labels[:tested])
    print(f"{right:.2%} of {tested} test images are right")
    return losses


if __name__ == "__main__":
    main()
