"""Trains the LSTM of chapter 14 on its text, and writes on: `python -m models.shakespeare --help`.

python -m models.shakespeare                                     the text's settings, the gradient: 4 epochs
python -m models.shakespeare --optimizer adam --lr 0.002         the same with Adam
python -m models.shakespeare --compiled --prompt "KING" --temperature 0.7
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from time import perf_counter

import autograd_lite as al
from autograd_lite import nn
from models.chapter_14 import character_lstm
from models.character_lstm import CharacterLSTM, CharacterLSTMModule, first_column
from models.characters import perplexity, shakespeare, stretches, write

RATES = {"sgd": 0.05, "adam": 0.002}


class Training:
    """The LSTM in training: truncated backpropagation through time, the states carried from stretch to stretch.

    `clip` is the norm that the gradient of all weights together is cut to, None for no limit.
    """

    def __init__(
        self, network: CharacterLSTM, optimizer: str, lr: float, clip: float | None = None, compiled: bool = False
    ) -> None:
        self.network, self.clip = network, clip
        model = network.build(network.start()[0])
        assert isinstance(model, CharacterLSTMModule)
        self.model = model
        kind = {"sgd": al.optim.SGD, "adam": al.optim.Adam}[optimizer]
        self.optimizer = kind(model.parameters(), lr=lr)
        self.step = al.compile(self.learn) if compiled else self.learn

    def learn(
        self, x: al.Tensor, labels: al.Tensor, h: al.Tensor, c: al.Tensor
    ) -> tuple[al.Tensor, al.Tensor, al.Tensor]:
        """A step on one stretch from these states; returns the error, and the states detached from its graph."""
        self.optimizer.zero_grad()
        scores, (h, c) = self.model.scores(x, h, c)
        cross_entropy = nn.functional.cross_entropy(scores.flatten(0, 1), labels.flatten(), reduction="sum")
        error: al.Tensor = cross_entropy / len(x)
        error.backward()
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        self.optimizer.step()
        return error, h, c

    def epoch(self) -> float:
        """All stretches in their order; returns the perplexity of what was predicted on the way."""
        total, network = 0.0, self.network
        h, c = (first_column(network.rows, network.hidden) for _ in network.states)
        x, labels = stretches(network.text().indices, network.rows, network.steps)
        for read, following in zip(x, labels, strict=True):
            error, h, c = self.step(al.tensor(read), al.tensor(following), h, c)
            total += error.item() / network.steps
        for group in self.optimizer.param_groups:
            group["lr"] *= network.decay
        return math.exp(total / len(x))

    def whole_text(self, rows: int = 1) -> float:
        """The perplexity of the whole text, as it is with these weights."""
        return perplexity(self.model.reads, self.network.text().indices, rows)


def _above(least: float, itself: bool = False) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = float(text)
        if not (value > least or (itself and value == least)):
            raise argparse.ArgumentTypeError(f"a number above {least:g}{', or that' * itself}, and not {text}")
        return value

    return number


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says; after each epoch print perplexities, seconds, and what is written."""
    parser = argparse.ArgumentParser(prog="python -m models.shakespeare", description=__doc__.partition(":")[0])
    parser.add_argument("--optimizer", choices=RATES, default="sgd", help="default sgd")
    parser.add_argument("--lr", type=_above(0), help="default 0.05 with sgd, 0.002 with adam")
    parser.add_argument("--epochs", type=int, default=4, help="default 4, of about 40 s each")
    parser.add_argument("--clip", type=_above(0), help="the norm that gradients are cut to; default none")
    parser.add_argument("--compiled", action="store_true", help="compile the step")
    parser.add_argument("--prompt", default="T", help="what is written on; default T")
    softer = "what scores are divided by, 0 for the likeliest character always; default 0.5"
    parser.add_argument("--temperature", type=_above(0, itself=True), default=0.5, help=softer)
    asked = parser.parse_args(arguments)
    lr = RATES[asked.optimizer] if asked.lr is None else asked.lr
    try:
        if not len(shakespeare().encode(asked.prompt)) or asked.epochs < 1:
            parser.error("at least one character to write on, and one epoch")
    except (LookupError, FileNotFoundError) as error:
        parser.error(str(error))
    training = Training(character_lstm, asked.optimizer, lr, asked.clip, asked.compiled)
    print(f"training on {len(shakespeare().indices):,} characters; the first epoch ends in about 40 s", flush=True)
    for epoch in range(1, asked.epochs + 1):
        began = perf_counter()
        running, seconds = training.epoch(), perf_counter() - began
        whole = training.whole_text()
        print(
            f"epoch {epoch}: running perplexity {running:.4f}, of the whole text {whole:.4f}; {seconds:.1f} s",
            flush=True,
        )
        print(repr(asked.prompt + write(training.model.reads, shakespeare(), asked.prompt, 70, asked.temperature, 0)))


if __name__ == "__main__":
    main()
