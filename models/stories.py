"""The stories of bAbI's first task as rows of word numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from autograd_lite import data
from models.records import Array
from models.words import ragged

LINES = 1000  # of the 3,000
PAD = "-"


@dataclass(frozen=True, eq=False)
class Stories:
    """Lines as arrays of word numbers, places in the sorted vocabulary."""

    vocabulary: tuple[str, ...]
    lines: Array

    @cached_property
    def tails(self) -> Array:
        """The lines without their first words."""
        return ragged(line[1:] for line in self.lines)


def numbered(lines: Iterable[str], width: int = 0) -> Stories:
    r"""The words of each line in lower case, without its number; what is shorter than `width` is padded in front.

    A word is what stands between spaces: the answer to a question stays one with the tabs around it.

    >>> stories = numbered(["1 Mary went.\n", "2 Where is Mary? \thall\t1\n"], width=4)
    >>> stories.vocabulary
    ('\thall\t1', '-', 'is', 'mary', 'mary?', 'went.', 'where')
    >>> [line.tolist() for line in stories.lines]
    [[1, 1, 3, 5], [6, 2, 4, 0]]
    """
    split = [line.lower().replace("\n", "").split(" ")[1:] for line in lines]
    padded = [[PAD] * (width - len(words)) + words for words in split]
    vocabulary = sorted({word for words in padded for word in words})
    place = {word: number for number, word in enumerate(vocabulary)}
    return Stories(tuple(vocabulary), ragged(np.array([place[word] for word in words]) for words in padded))


@cache
def babi(width: int = 0) -> Stories:
    """The first 1,000 lines. Raises FileNotFoundError, saying what to do, where the data is not there."""
    return numbered(data.babi().train[:LINES], width)
