"""What the model of a holder gives away about the mails that it was trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from models.aggregation import Mean
from models.chapter_15 import LENGTH, Spam
from models.federated import flat, holder, split
from models.records import Array, Batch, Data, Weights


def leaked(before: Mapping[str, Array], after: Mapping[str, Array], vocabulary: Sequence[str]) -> dict[str, float]:
    """The words whose weight a step changed, and by how much: those of the mails that it was made on.

    `before` and `after` hold a table `embed` of one weight for each word.
    """
    change = (after["embed"] - before["embed"])[:, 0]
    return {vocabulary[number]: float(change[number]) for number in map(int, np.flatnonzero(change))}


def of_a_mail(network: Spam, text: str) -> tuple[float, Weights]:
    """A holder with one wanted mail, from zeros: the squared error for each of 500 places, and its model.

    Raises LookupError for a word that no mail of the corpus has.
    """
    try:
        row = network.corpus().encode(dict.fromkeys(text.split()))
    except KeyError as unknown:
        raise LookupError(f"{unknown} is in no mail, and so not in the vocabulary") from unknown
    alone, start, mail = replace(network, size=1), network.start()[0], Data(row, np.zeros((1, 1)))
    figures = alone.figures(alone.predict(start, mail.x_train), Batch(mail.x_train, mail.labels_train))
    assert figures.error is not None
    return figures.error / LENGTH, holder(alone, mail)(start)


def differ(sent: Array, other: Array) -> str:
    """How many of the numbers that are sent, or ciphertexts, are not those of another time."""
    count = len(sent)
    changed = int(np.any((sent != other).reshape(count, -1), axis=1).sum())
    return f"{changed:,} of {count:,}"


def of_what_is_sent(start: Weights, model: Weights, kind: Callable[[int, int], Mean], size: int) -> tuple[str, str]:
    """How much of what holder 0 gets is changed by the training, and how much without any, from a round to the next."""
    parts = [kind(rank, size) for rank in range(size)]
    offers = [part.offer() for part in parts]
    parts[0].accept(offers)
    before, after, again = (parts[0].seal(flat(weights), turn) for turn, weights in enumerate((start, model, start)))
    return differ(after, before), differ(again, before)


def of_holders(network: Spam, size: int) -> Iterator[str]:
    """How many words the models of holders with many mails give away after a round, and their mean."""
    start = network.start()[0]
    changed = []
    for number, part in enumerate(split(network.data(), size)):
        changed.append(flat(holder(network, part)(start)) != flat(start))
        yield f"holder {number + 1}: {len(part.x_train):,} mails, the weights of {changed[-1].sum():,} words changed"
    owners = np.sum(changed, axis=0)
    yield (
        f"their mean, however it was made: the weights of {np.count_nonzero(owners):,} words changed, "
        f"{np.count_nonzero(owners == 1):,} of them by one holder alone"
    )


def show(network: Spam, text: str, kind: Callable[[int, int], Mean], size: int) -> None:
    """Print what one mail gives away, what is seen of it when sent as `kind` says, and what many mails give away."""
    loss, model = of_a_mail(network, text)
    start, vocabulary = network.start()[0], network.corpus().vocabulary
    words = leaked(start, model, vocabulary)
    print(f"a holder with one mail: loss {loss:.4f}, {len(words)} of {len(vocabulary):,} weights changed")
    for word, change in words.items():
        print(f"  {word}  {change:g}")
    trained, untrained = of_what_is_sent(start, model, kind, size)
    print(f"what holder 1 gets: {trained} numbers changed; of a holder who learned nothing: {untrained}")
    for line in of_holders(network, size):
        print(line)
