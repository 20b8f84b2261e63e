"""Data sets: things with a length and items by number, or things to go through."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Generic, TypeVar

from autograd_lite.core import Tensor
from autograd_lite.random import draw_from

T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """A data set by number: a subclass defines `__getitem__(index)`, and `__len__` where it is known.

    >>> import autograd_lite as al
    >>> class Squares(al.utils.data.Dataset):
    ...     def __len__(self):
    ...         return 4
    ...     def __getitem__(self, index):
    ...         return index**2
    >>> [batch.tolist() for batch in al.utils.data.DataLoader(Squares(), batch_size=3)]
    [[0, 1, 4], [9]]
    """

    def __getitem__(self, index: Any) -> T_co:
        raise TypeError(f"{type(self).__name__} defines no __getitem__(index)")

    def __add__(self, other: Dataset[Any]) -> ConcatDataset[Any]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co]):
    """A data set to go through from its beginning: a subclass defines `__iter__`.

    >>> import autograd_lite as al
    >>> class Words(al.utils.data.IterableDataset):
    ...     def __iter__(self):
    ...         return iter("one two three".split())
    >>> list(al.utils.data.DataLoader(Words(), batch_size=2))
    [['one', 'two'], ['three']]
    """

    def __iter__(self) -> Iterator[T_co]:
        raise TypeError(f"{type(self).__name__} defines no __iter__()")


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Item k is the tuple of row k of each tensor. Raises ValueError where they have different lengths.

    >>> import autograd_lite as al
    >>> al.utils.data.TensorDataset(al.ones(3, 2), al.arange(3))[1]
    (tensor([1., 1.]), tensor(1))
    """

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors:
            raise ValueError("a TensorDataset needs at least one tensor")
        if any(t.ndim == 0 or t.shape[0] != tensors[0].shape[0] for t in tensors):
            raise ValueError(f"the tensors of a TensorDataset have one length, and not {[t.shape for t in tensors]}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return self.tensors[0].shape[0]


class Subset(Dataset[T_co]):
    """Some items of a data set, by their numbers.

    >>> import autograd_lite as al
    >>> part = al.utils.data.Subset(["a", "b", "c", "d"], [3, 1])
    >>> len(part), part[0]
    (2, 'd')
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[k] for k in index]]
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset[T_co]):
    """Data sets one after the other; `a + b` makes one, too. Raises ValueError for none, or one without numbers.

    >>> import autograd_lite as al
    >>> both = al.utils.data.ConcatDataset([["a", "b"], ["c"]])
    >>> len(both), both[2], both[-1]
    (3, 'c', 'c')
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets or any(isinstance(d, IterableDataset) for d in self.datasets):
            raise ValueError("a ConcatDataset is made of one or more data sets with items by number")
        self.cumulative_sizes = list(accumulate(len(d) for d in self.datasets))

    def __getitem__(self, index: int) -> Any:
        size = len(self)
        if not -size <= index < size:
            raise IndexError(f"item {index} of a data set with {size}")
        index += size * (index < 0)
        k = bisect_right(self.cumulative_sizes, index)
        return self.datasets[k][index - (self.cumulative_sizes[k - 1] if k else 0)]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


def random_split(dataset: Any, lengths: Sequence[int | float], generator: Any = None) -> list[Subset[Any]]:
    """Subsets of these lengths, or of these fractions of the whole, without overlap, by a draw from a generator.

    What fractions leave over goes one each to the first ones. Raises ValueError where the lengths do not add up.

    >>> import autograd_lite as al
    >>> data = al.utils.data.TensorDataset(al.arange(10))
    >>> [len(part) for part in al.utils.data.random_split(data, [0.75, 0.25])]
    [8, 2]
    """
    size = len(dataset)
    if math.isclose(math.fsum(lengths), 1.0) and all(0 <= part <= 1 for part in lengths):
        counts = [math.floor(size * part) for part in lengths]
        for k in range(size - sum(counts)):
            counts[k % len(counts)] += 1
    else:
        counts = [int(part) for part in lengths]
    if sum(counts) != size or any(count != part for count, part in zip(counts, lengths, strict=True) if part > 1):
        raise ValueError(f"random_split: lengths {list(lengths)} do not add up to the data set's, {size}, or to 1")
    order = draw_from(generator).permutation(size).tolist()
    ends = list(accumulate(counts))
    return [Subset(dataset, order[end - count : end]) for count, end in zip(counts, ends, strict=True)]
