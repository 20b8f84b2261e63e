"""An LSTM of two layers learns to continue waves: from each point the next one, then on by itself."""

import argparse

import numpy as np

import autograd_lite as torch
from autograd_lite import nn, optim


class Forecaster(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(input_size=1, hidden_size=hidden, num_layers=2, batch_first=True)
        self.output = nn.Linear(hidden, 1)

    def forward(self, x, state=None):
        """Of values (batch, time, 1) the next ones, alike in shape, and the LSTM's state (h, c)."""
        hidden, state = self.lstm(x, state)
        return self.output(hidden), state

    def go_on(self, x, count):
        """`count` values more, each put in again as if it had been seen."""
        made, (y, state) = [], self(x)
        for _ in range(count):
            made.append(y[:, -1:])
            y, state = self(made[-1], state)
        return torch.cat(made, dim=1)


def waves(rng, count, time):
    """(count, time, 1): waves whose lengths, between 15 and 25 points, and phases are drawn."""
    lengths, phases = rng.uniform(15, 25, size=(count, 1)), rng.uniform(0, 2 * np.pi, size=(count, 1))
    return np.sin(2 * np.pi * np.arange(time) / lengths + phases)[:, :, np.newaxis]


def start(model, rng):
    """Weights that NumPy draws, so that they are the same in every framework; biases 0."""
    with torch.no_grad():
        for w in model.parameters():
            bound = 1 / np.sqrt(w[0].numel()) if w.ndim > 1 else 0.0
            w.copy_(torch.tensor(rng.uniform(-bound, bound, w.shape)))


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--quick", action="store_true", help="12 steps")
    args = parser.parse_args(argv)
    torch.set_default_dtype(torch.float64)

    rng = np.random.default_rng(0)
    model = Forecaster()
    start(model, rng)
    criterion = nn.MSELoss()
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for step in range(12 if args.quick else args.steps):
        x = torch.tensor(waves(rng, count=16, time=50))
        prediction, _ = model(x[:, :-1])
        loss = criterion(prediction, x[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
        losses.append(loss.item())
        if step % 20 == 0:
            print(f"step {step}: loss {losses[-1]:.5f}")

    test = torch.tensor(waves(rng, count=100, time=60))
    model.eval()
    with torch.no_grad():
        away = criterion(model.go_on(test[:, :50], 10), test[:, 50:]).item()
    print(f"on by itself, 10 points: mean squared error {away:.5f}; of the last value repeated: ", end="")
    print(f"{criterion(test[:, 49:50].expand(-1, 10, -1), test[:, 50:]).item():.5f}")
    return [*losses, away]


if __name__ == "__main__":
    main()
