"""Chapter 15's federated learning: holders who train on their own mails, and what is made of their models.

mpiexec -n 3 python -m models.federated                          a holder on each rank, their models averaged
mpiexec -n 3 python -m models.federated --aggregate masked       under masks; or paillier, encrypted; or as-printed
python -m models.federated --aggregate masked                    three holders in turn, in one process: the same lines
python -m models.federated --leak "my computer password is pizza"
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

import autograd_lite as al
from autograd_lite.distributed.group import PATIENCE, launched
from models.aggregation import BITS, KINDS, Mean, Paillier
from models.network import FRAMEWORK, Network
from models.records import Array, Data, Weights
from models.training import trainer

Holder = Callable[[Weights], Weights]
HOLDERS = 3  # of a process that is alone


def holder(network: Network, data: Data, version: str = FRAMEWORK) -> Holder:
    """One who trains a copy of the model that is sent, one pass over `data`, and returns the trained weights."""

    def train(weights: Weights) -> Weights:
        learner = trainer(network, version, {name: weight.copy() for name, weight in weights.items()})
        for batch in network.batches(data, np.random.RandomState(0)):
            learner.step(batch)
        return {name: weight.copy() for name, weight in learner.weights.items()}

    return train


def split(data: Data, size: int = HOLDERS) -> list[Data]:
    """The training examples of each holder: as many for each, or one more; of three 1,000, 1,000 and the rest.

    That is for more than 2,000 examples; of fewer, three have as many, too.

    >>> [part.x_train.tolist() for part in split(Data(np.arange(5), np.zeros(5)), 2)]
    [[0, 1, 2], [3, 4]]
    """
    bounds = [1000, 2000] if size == HOLDERS and len(data.x_train) > 2000 else size
    cuts = zip(np.array_split(data.x_train, bounds), np.array_split(data.labels_train, bounds), strict=True)
    return [Data(x, labels, data.x_test, data.labels_test) for x, labels in cuts]


class Meeting:
    """All holders, in this process in turn, or each on an MPI rank of its own; `here` are those of this process."""

    def __init__(self, size: int = HOLDERS) -> None:
        ranks = al.distributed.get_world_size()
        self.size = size if ranks == 1 else ranks
        self.here: Sequence[int] = range(size) if ranks == 1 else [al.distributed.get_rank()]

    def tell(self, own: Sequence[Any]) -> list[Any]:
        """What each holder here has to say, said to all: that of every holder, in their order."""
        found = list(own)
        if len(own) < self.size:
            al.distributed.all_gather_object(found, own[0])
        return found

    def send(self, own: Sequence[Any], to: int) -> list[Any] | None:
        """The same said to one holder alone; None where that one is not here."""
        if len(own) == self.size:
            return list(own)
        found = list[Any]() if to in self.here else None
        al.distributed.gather_object(own[0], found, to)
        return found


def flat(weights: Weights) -> Array:
    """All weights in one row.

    >>> flat({"a": np.eye(2), "b": np.array([5.0])})
    array([1., 0., 0., 1., 5.])
    """
    return np.concatenate([weight.ravel() for weight in weights.values()])


def shaped(row: Array, like: Weights) -> Weights:
    """The weights of a row, with the names and shapes of others: the inverse of `flat`."""
    ends = np.cumsum([weight.size for weight in like.values()])
    parts = zip(like.items(), np.split(row, ends[:-1]), strict=True)
    return {name: part.reshape(weight.shape) for (name, weight), part in parts}


def rounds(
    holders: Sequence[Holder],
    weights: Weights,
    count: int = 3,
    kind: Callable[[int, int], Mean] = Mean,
    meeting: Meeting | None = None,
    seen: Callable[[list[Array], Array], None] = lambda sent, model: None,
) -> Iterator[Weights]:
    """So many times: every holder trains from the same model, and the aggregate is the next one.

    `holders` are those of this process; `kind` makes a holder's part in the aggregation, of its number and how many
    there are. With each round's result `seen` is given what arrived at holder 0, where that is here.

    >>> doubled, halved = (lambda w: {"w": 2 * w["w"]}), (lambda w: {"w": w["w"] / 2})
    >>> [model["w"].tolist() for model in rounds([doubled, halved], {"w": np.array([4.0])}, 2)]
    [[5.0], [6.25]]
    """
    meeting = Meeting(len(holders)) if meeting is None else meeting
    parts = [kind(rank, meeting.size) for rank in meeting.here]
    offers = meeting.tell([part.offer() for part in parts])
    for part in parts:
        part.accept(offers)
    opener = parts[0].opener
    for turn in range(count):
        trained = [train(weights) for train in holders]
        sent = meeting.send([part.seal(flat(model), turn) for part, model in zip(parts, trained, strict=True)], 0)
        combined = [part.combine(sent) if sent is not None and part.rank == 0 else None for part in parts]
        received = meeting.send(combined, opener)
        opened = [part.open(received[0]) if received is not None and part.rank == opener else None for part in parts]
        row = meeting.tell(opened)[opener]
        weights = shaped(row, weights)
        if sent is not None:
            seen(sent, row)
        yield weights


# The command


class Progress:
    """Prints a line for each round, on the process of holder 0."""

    def __init__(self, network: Network, times: bool, clear: bool, size: int) -> None:
        self.network, self.times, self.clear, self.size = network, times, clear, size
        self.began, self.turn, self.words = perf_counter(), 0, ""

    def seen(self, sent: list[Array], row: Array) -> None:
        """How much every holder has sent, and what the aggregate is not, where models are in the clear."""
        self.words = f", {sent[-1].nbytes:,} bytes from each holder"
        if self.clear:
            mean, last = (np.max(np.abs(row - other)) for other in (np.mean(sent, axis=0), sent[-1] / self.size))
            self.words += f"; off the mean by up to {mean:.3g}, off the last model / {self.size} by {last:.3g}"

    def round(self, weights: Weights) -> None:
        """Print a line."""
        self.turn += 1
        seconds = f"; {perf_counter() - self.began:.1f} s" if self.times else ""
        print(
            f"round {self.turn}: test accuracy {accuracy(self.network, weights):.4f}{self.words}{seconds}", flush=True
        )
        self.began = perf_counter()


def accuracy(network: Network, weights: Weights) -> float:
    """The share of right answers on the examples that are kept for the test."""
    data = network.data()
    assert data.x_test is not None
    figures = network.test_figures(network.predict(weights, data.x_test), data)
    return figures.correct / figures.examples


def federate(network: Network, asked: argparse.Namespace) -> None:
    """The rounds that are asked for, each holder on its own part of the data."""
    meeting = Meeting(asked.holders)
    cut = split(network.data(), meeting.size)
    kind = aggregation(asked)
    progress = Progress(network, asked.times, KINDS[asked.aggregate].clear, meeting.size)
    first = meeting.here[0] == 0
    if first:
        mails = ", ".join(f"{len(part.x_train):,}" for part in cut)
        many = f"{meeting.size} holders" if meeting.size > 1 else "1 holder"
        print(f"{many} with {mails} mails; aggregation: {asked.aggregate}", flush=True)
    holders = [holder(network, cut[rank]) for rank in meeting.here]
    for weights in rounds(holders, network.start()[0], asked.rounds, kind, meeting, progress.seen):
        if first:
            progress.round(weights)


def aggregation(asked: argparse.Namespace) -> Callable[[int, int], Mean]:
    """What makes a holder's part, as the command line asks."""
    kind = KINDS[asked.aggregate]
    return partial(Paillier, bits=asked.bits) if kind is Paillier else kind


def _whole(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"a whole number, at least {least}, and not {text!r}")
        return int(text)

    return number


def parser() -> argparse.ArgumentParser:
    """The options."""
    found = argparse.ArgumentParser(prog="python -m models.federated", description=__doc__.partition(":")[0])
    found.add_argument("--aggregate", choices=KINDS, default="mean", help="what is sent, and made of it; default mean")
    found.add_argument("--rounds", type=_whole(1), default=3, metavar="N")
    alone = "how many holders, in turn, where there is one process; else each rank is one"
    found.add_argument("--holders", type=_whole(1), metavar="N", help=f"{alone}; default {HOLDERS}")
    found.add_argument("--bits", type=_whole(256), default=BITS, help=f"of the Paillier key; default {BITS}")
    found.add_argument("--times", action="store_true", help="print the seconds of each round")
    wait = "seconds that a rank waits for another before all are stopped"
    found.add_argument("--timeout", type=_whole(1), default=int(PATIENCE), metavar="S", help=wait)
    leak = "show what a holder with this mail alone gives away (in one process)"
    found.add_argument("--leak", metavar="MAIL", help=leak)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status."""
    from models import leak
    from models.chapter_15 import spam

    asked = parser().parse_args(arguments)
    if launched() and not al.distributed.is_initialized():
        al.distributed.init_process_group(timeout=asked.timeout)
    ranks = al.distributed.get_world_size()
    if ranks > 1 and asked.holders not in (None, ranks):
        parser().error(f"--holders {asked.holders} with {ranks} ranks: each rank is a holder")
    asked.holders = asked.holders or HOLDERS
    try:
        if asked.leak is None:
            federate(spam, asked)
        elif al.distributed.get_rank() == 0:
            leak.show(spam, asked.leak, aggregation(asked), asked.holders)
    except (FileNotFoundError, ImportError, LookupError, ValueError) as error:
        if ranks > 1:
            raise  # which stops all ranks
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
