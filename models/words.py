"""Words as rows of a table: reviews as numbers, the rows that a step reads, nearest words and analogies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeAlias

import numpy as np

from autograd_lite import data
from models.records import Array, Batch, Data, Weights

Scores: TypeAlias = list[tuple[str, float]]
BEGINNING = 8  # words of a review that are shown
TABLES = ("weights_0_1", "weights_1_2")  # the first by the words of `Batch.x`, the second by those of `samples`


@dataclass(frozen=True, eq=False)
class Corpus:
    """Reviews as arrays of word numbers, places in the sorted vocabulary; labels are 1.0 where positive, else 0.0."""

    vocabulary: tuple[str, ...]
    reviews: Array
    labels: Array


def every_word(reviews: Iterable[str], labels: Array) -> Corpus:
    r"""All words of each review in their order: what stands between spaces, empty strings and newlines with it.

    >>> corpus = every_word(["good  film\n", "bad film"], np.array([1.0, 0.0]))
    >>> corpus.vocabulary
    ('', 'bad', 'film', 'film\n', 'good')
    >>> [review.tolist() for review in corpus.reviews]
    [[4, 0, 3], [1, 2]]
    """
    seen: dict[str, int] = {}
    numbered = [np.array([seen.setdefault(word, len(seen)) for word in review.split(" ")]) for review in reviews]
    vocabulary = sorted(seen)
    place = np.empty(len(seen), dtype=np.intp)
    place[[seen[word] for word in vocabulary]] = np.arange(len(seen))
    return Corpus(tuple(vocabulary), ragged(place[words] for words in numbered), labels)


def distinct(corpus: Corpus) -> Corpus:
    """Each word of a review once, in ascending order, without the empty string.

    >>> corpus = distinct(every_word(["so so good", "so  bad"], np.array([1.0, 0.0])))
    >>> corpus.vocabulary, [review.tolist() for review in corpus.reviews]
    (('bad', 'good', 'so'), [[1, 2], [0, 2]])
    """
    empty = int(corpus.vocabulary[:1] == ("",))  # sorted first, if it is there
    unique = (np.unique(words) - empty for words in corpus.reviews)
    return Corpus(corpus.vocabulary[empty:], ragged(words[words >= 0] for words in unique), corpus.labels)


def ragged(rows: Iterable[Array]) -> Array:
    """An array of arrays, each as long as it likes."""
    kept = list(rows)
    array = np.empty(len(kept), dtype=object)
    for place, row in enumerate(kept):
        array[place] = row
    return array


@cache
def imdb() -> Corpus:
    """All words of the 25,000 reviews of IMDB; takes seconds, once.

    Raises FileNotFoundError, saying what to do, where the data is not there.
    """
    found = data.imdb()
    return every_word(found.reviews, found.labels)


@cache
def imdb_distinct() -> Corpus:
    """The distinct words of each review of IMDB, as `imdb` otherwise."""
    return distinct(imdb())


def first(examples: Data, count: int) -> Data:
    """The same examples with no more than so many to train on."""
    return replace(examples, x_train=examples.x_train[:count], labels_train=examples.labels_train[:count])


def rows_read(batch: Batch) -> dict[str, Array]:
    """The rows of each table that a step on this batch reads, each once, ascending."""
    words = zip(TABLES, (batch.x, batch.samples), strict=True)
    return {name: np.unique(numbers) for name, numbers in words if numbers is not None}


def focus(weights: Weights, batch: Batch) -> tuple[Weights, Batch]:
    """The same step with copies of no more rows of the tables than it reads; their numbers are changed to match.

    >>> weights, batch = focus({"weights_0_1": np.arange(5.0)[:, None]}, Batch(np.array([4, 1, 4]), np.ones(1)))
    >>> weights["weights_0_1"].tolist(), batch.x.tolist()
    ([[1.0], [4.0]], [1, 0, 1])
    """
    rows = rows_read(batch)
    few = {name: weight[rows[name]] if name in rows else weight for name, weight in weights.items()}
    x = np.searchsorted(rows[TABLES[0]], batch.x)
    samples = None if batch.samples is None else np.searchsorted(rows[TABLES[1]], batch.samples)
    return few, replace(batch, x=x, samples=samples)


def nearest(table: Array, vocabulary: Sequence[str], word: str, count: int = 10, *, cosine: bool = False) -> Scores:
    """The words whose rows are nearest to the word's own, itself with them, and their scores: best first.

    `table` is (words, d). The score is minus the euclidean distance, as the text has it, or the cosine: then rows are
    compared as unit vectors, and a row of zeros scores 0. Raises LookupError for a word that is not there.

    >>> table, words = np.array([[1.0, 0.0], [9.0, 1.0], [0.0, 1.0]]), ["a", "b", "c"]
    >>> [near for near, score in nearest(table, words, "a")]
    ['a', 'c', 'b']
    >>> [(near, round(score, 3)) for near, score in nearest(table, words, "a", cosine=True)]
    [('a', 1.0), ('b', 0.994), ('c', 0.0)]
    """
    rows = unit(table) if cosine else table
    query = rows[_number(vocabulary, word)]
    return _best(rows @ query if cosine else -distances(rows, query), vocabulary, count)


def analogy(
    table: Array,
    vocabulary: Sequence[str],
    positive: Sequence[str],
    negative: Sequence[str],
    count: int = 10,
    *,
    cosine: bool = False,
) -> Scores:
    """What is to the last of `positive` as the others are to `negative`: king and woman without man, say.

    As the text has it, each word asked about counts as its row times the row's sum of squares; what they add up to is
    compared with the rows of `table` (words, d) by distance, and of the `count` nearest the first is left out. With
    `cosine` all rows are unit vectors, and the `count` best are found among the words that were not asked about.
    Raises LookupError for a word that is not there.

    >>> words = ["man", "woman", "king", "queen", "tree"]
    >>> table = np.array([[1.0, 0.0, 0.1], [0.0, 1.0, 0.1], [1.0, 0.0, 2.0], [0.0, 1.0, 2.0], [-1.0, -1.0, 0.0]])
    >>> [word for word, score in analogy(table, words, ["king", "woman"], ["man"], 4)]
    ['queen', 'man', 'woman']
    >>> [(word, round(score, 3)) for word, score in analogy(table, words, ["king", "woman"], ["man"], 2, cosine=True)]
    [('queen', 0.861), ('tree', -0.219)]
    """
    plus, minus = ([_number(vocabulary, word) for word in words] for words in (positive, negative))
    rows = unit(table) if cosine else table * np.sum(table * table, axis=1, keepdims=True)
    query = np.sum(rows[plus], axis=0) - np.sum(rows[minus], axis=0)
    if not cosine:
        return _best(-distances(table, query), vocabulary, count)[1:]
    scores = rows @ unit(query[None])[0]
    scores[plus + minus] = -np.inf
    return _best(scores, vocabulary, min(count, len(rows) - len({*plus, *minus})))


def similar(
    table: Array, reviews: Iterable[Array], words: Sequence[int], count: int = 3, *, normalized: bool = False
) -> list[tuple[int, float]]:
    """The reviews whose average of word vectors has the largest product with that of some words; best first.

    `table` is (words, d), reviews and `words` are word numbers. As the text has it, each vector counts times its sum
    of squares; `normalized`, all of them are unit vectors. An empty review scores 0. Returns places and scores. Raises
    ValueError where no words are asked about.

    >>> table = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])
    >>> reviews = [np.array([2, 2]), np.array([1, 2]), np.array([1])]
    >>> [(place, round(score, 3)) for place, score in similar(table, reviews, [0], 2, normalized=True)]
    [(2, 0.994), (1, 0.497)]
    """
    if not len(words):
        raise ValueError("no words to compare reviews with")
    rows = unit(table) if normalized else table * np.sum(table * table, axis=1, keepdims=True)
    by_word = rows @ np.mean(rows[list(words)], axis=0)  # the product with an average is the average of the products
    scores = np.array([np.mean(by_word[review]) if len(review) else 0.0 for review in reviews])
    return [(int(place), float(scores[place])) for place in np.argsort(-scores, kind="stable")[:count]]


def reviews_like(table: Array, vocabulary: Sequence[str], words: Sequence[str], count: int = 3) -> Scores:
    """How the reviews of IMDB begin that are most similar to some words, and their scores. Raises as `imdb` does.

    The table is one for the distinct words of the reviews. Raises LookupError for a word that is not there.
    """
    found = similar(table, imdb_distinct().reviews, [_number(vocabulary, word) for word in words], count)
    whole = imdb()
    beginnings = [[whole.vocabulary[word] for word in whole.reviews[place][:BEGINNING]] for place, _ in found]
    return [(" ".join(first), score) for first, (_, score) in zip(beginnings, found, strict=True)]


def unit(table: Array) -> Array:
    """Each row divided by its length; a row of zeros stays."""
    length = np.sqrt(np.sum(table * table, axis=1, keepdims=True))
    divided: Array = table / np.where(length > 0, length, 1.0)
    return divided


def distances(table: Array, query: Array) -> Array:
    """The euclidean distance of each row from the query."""
    difference = table - query
    result: Array = np.sqrt(np.sum(difference * difference, axis=1))
    return result


def _number(vocabulary: Sequence[str], word: str) -> int:
    try:
        return vocabulary.index(word)
    except ValueError:
        raise LookupError(f"the word {word!r} is not among the {len(vocabulary)} of the vocabulary") from None


def _best(scores: Array, vocabulary: Sequence[str], count: int) -> Scores:
    order = np.argsort(-scores, kind="stable")[:count]
    return [(vocabulary[number], float(scores[number])) for number in order]
