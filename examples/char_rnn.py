"""A recurrent network learns to write a text, a letter after the other, and is then left to write on."""

import argparse

import numpy as np

import autograd_lite as torch
from autograd_lite import nn, optim
from autograd_lite.nn import functional as F

TEXT = """the rain came down on the town, and the river came up to the mill.
the miller went out in the rain to look at the river, and the river looked at the mill.
when the rain was done the river went down, and the miller went in to the fire.
then the mill went round and round, and the miller slept to the sound of the river.
"""


class Writer(nn.Module):
    def __init__(self, letters, hidden=64):
        super().__init__()
        self.embedding = nn.Embedding(letters, 16)
        self.rnn = nn.RNN(16, hidden, batch_first=True)
        self.output = nn.Linear(hidden, letters)

    def forward(self, letters, state=None):
        """Of letters (batch, time), scores of the ones that follow (batch, time, letters), and the last state."""
        states, state = self.rnn(self.embedding(letters), state)
        return self.output(states), state


def start(model, rng):
    """Weights that NumPy draws, so that they are the same in every framework; biases 0."""
    with torch.no_grad():
        for w in model.parameters():
            bound = 1 / np.sqrt(w[0].numel()) if w.ndim > 1 else 0.0
            w.copy_(torch.tensor(rng.uniform(-bound, bound, w.shape)))


def train(model, text, epochs, length=20):
    """Eight parts of the text side by side, in pieces: the state goes on from piece to piece, gradients do not."""
    rows = text[: len(text) // 8 * 8].reshape(8, -1)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for epoch in range(epochs):
        state = None
        for k in range(0, rows.shape[1] - 1, length):
            piece = rows[:, k : k + length + 1]
            scores, state = model(piece[:, :-1], None if state is None else state.detach())
            loss = F.cross_entropy(scores.flatten(0, 1), piece[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}: loss {losses[-1]:.4f}")
    return losses


def write(model, alphabet, beginning, count, rng):
    """The beginning and `count` letters more, each drawn by its probability."""
    written, state = list(beginning), None
    letters = [alphabet.index(letter) for letter in beginning]
    with torch.no_grad():
        for _ in range(count):
            scores, state = model(torch.tensor([letters]), state)
            p = F.softmax(scores[0, -1] / 0.5, dim=0).numpy()
            letters = [int(rng.choice(len(alphabet), p=p))]
            written.append(alphabet[letters[0]])
    return "".join(written)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--quick", action="store_true", help="6 epochs")
    args = parser.parse_args(argv)
    torch.set_default_dtype(torch.float64)

    rng = np.random.default_rng(0)
    alphabet = sorted(set(TEXT))
    text = torch.tensor([alphabet.index(letter) for letter in TEXT])
    model = Writer(len(alphabet))
    start(model, rng)
    losses = train(model, text, 6 if args.quick else args.epochs)
    print(write(model, alphabet, "the r", 150, rng))
    return losses


if __name__ == "__main__":
    main()
