"""A text as characters: numbered, cut into rows of stretches, measured by perplexity, and written on by a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np

from autograd_lite import data
from models.activations import stable_softmax
from models.records import Array

State: TypeAlias = tuple[Array, ...]
Reads: TypeAlias = Callable[[Array, State | None], tuple[Array, State]]


@dataclass(frozen=True, eq=False)
class Text:
    """A text as numbers of its characters, places in the sorted vocabulary.

    >>> text = characters("abba")
    >>> text.vocabulary, text.indices.tolist()
    ('ab', [0, 1, 1, 0])
    """

    vocabulary: str
    indices: Array

    def encode(self, written: str) -> Array:
        """The numbers of some characters. Raises LookupError for one that the text does not have."""
        unknown = sorted(set(written) - set(self.vocabulary))
        if unknown:
            raise LookupError(f"{unknown[0]!r} is not among the {len(self.vocabulary)} characters of the text")
        return np.array([self.vocabulary.index(character) for character in written], dtype=np.intp)

    def beginning(self, length: int) -> Text:
        """Its first characters as a text of their own, with no others in the vocabulary."""
        return characters(self.decode(self.indices[:length]))

    def decode(self, numbers: Iterable[int]) -> str:
        """The characters of some numbers."""
        return "".join(self.vocabulary[number] for number in numbers)


def characters(written: str) -> Text:
    """A text and its sorted vocabulary."""
    vocabulary = "".join(sorted(set(written)))
    place = {character: number for number, character in enumerate(vocabulary)}
    return Text(vocabulary, np.array([place[character] for character in written], dtype=np.intp))


@cache
def shakespeare() -> Text:
    """99,993 characters in the style of Shakespeare, of 62 kinds. Raises FileNotFoundError where they are not there."""
    return characters(data.shakespeare())


def stretches(indices: Array, rows: int, steps: int) -> tuple[Array, Array]:
    """The text in `rows` that are read side by side, `steps` characters at a time; what remains is left out.

    Returns what is read and what follows each of it, both (stretches, rows, steps). Raises ValueError for a text that
    has not one stretch.

    >>> x, y = stretches(np.arange(11), rows=2, steps=2)
    >>> x.tolist(), y.tolist()
    ([[[0, 1], [5, 6]], [[2, 3], [7, 8]]], [[[1, 2], [6, 7]], [[3, 4], [8, 9]]])
    """
    length = len(indices) // rows
    count = (length - 1) // steps
    if count < 1:
        raise ValueError(f"{len(indices)} characters are too few for {rows} rows of {steps}: not one stretch")
    side_by_side = indices[: rows * length].reshape(rows, length)

    def cut(part: Array) -> Array:
        pieces: Array = part[:, : count * steps].reshape(rows, count, steps)
        return np.swapaxes(pieces, 0, 1)

    return cut(side_by_side[:, :-1]), cut(side_by_side[:, 1:])


def surprise(scores: Array, labels: Array) -> Array:
    """The cross-entropy of each label: minus the logarithm of its probability, in the shape of the labels."""
    shifted = scores - np.max(scores, axis=-1, keepdims=True)
    taken = np.take_along_axis(shifted, labels[..., None], -1)[..., 0]
    result: Array = np.log(np.sum(np.exp(shifted), axis=-1)) - taken
    return result


def perplexity(reads: Reads, indices: Array, rows: int = 1, steps: int = 500) -> float:
    """exp of the mean cross-entropy of each character from all before it in its row, the state carried on.

    `reads` takes numbers (rows, steps) and a state, None to begin with, and returns scores (rows, steps, vocabulary)
    and the state. In one row that is the whole text; more are faster, and each starts without a past, leaving out no
    more than rows - 1 characters. Raises ValueError for a text with no character to predict.

    >>> round(perplexity(lambda x, state: (np.zeros((*x.shape, 62)), ()), np.zeros(100, int)), 9)
    62.0
    """
    length = len(indices) // rows
    if length < 2:
        raise ValueError(f"{len(indices)} characters in {rows} rows: there is none to predict")
    cut, total, state = indices[: rows * length].reshape(rows, length), 0.0, None
    for start in range(0, length - 1, steps):
        end = min(start + steps, length - 1)
        scores, state = reads(cut[:, start:end], state)
        total += float(np.sum(surprise(scores, cut[:, start + 1 : end + 1])))
    return float(np.exp(total / (rows * (length - 1))))


def write(
    reads: Reads, text: Text, prompt: str = "\n", count: int = 70, temperature: float = 1.0, seed: int | None = None
) -> str:
    """What a model writes after a prompt, a character at a time, each read before the next one is drawn.

    Scores are divided by `temperature` before the softmax: under 1 the likely becomes likelier, and at 0 the likeliest
    is taken. Raises ValueError for a negative temperature or an empty prompt, LookupError for an unknown character.

    >>> text = characters("abc")
    >>> def follows(x, state):
    ...     return np.eye(3)[(x + 1) % 3], ()
    >>> write(follows, text, "a", 5, temperature=0)
    'bcabc'
    """
    if temperature < 0 or not prompt:
        wrong = "the prompt is empty" if not prompt else f"the temperature is 0 or more, not {temperature}"
        raise ValueError(wrong)
    rng, written = np.random.default_rng(seed), list[int]()
    scores, state = reads(text.encode(prompt)[None], None)
    for _ in range(count):
        last = scores[0, -1]
        chances = stable_softmax(last / temperature) if temperature else None
        drawn = int(np.argmax(last) if chances is None else rng.choice(len(last), p=chances))
        written.append(drawn)
        scores, state = reads(np.array([[drawn]]), state)
    return text.decode(written)
