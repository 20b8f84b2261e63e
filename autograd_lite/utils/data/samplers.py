"""In which order a data set is gone through. Draws are from a generator, or the default one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.random import draw_from


class Sampler:
    """Numbers of items, in an order: a subclass defines `__iter__`, and `__len__` where it is known.

    >>> import autograd_lite as al
    >>> class Backwards(al.utils.data.Sampler):
    ...     def __iter__(self):
    ...         return iter((2, 1, 0))
    >>> data = al.utils.data.TensorDataset(al.arange(3))
    >>> [x.tolist() for (x,) in al.utils.data.DataLoader(data, batch_size=2, sampler=Backwards())]
    [[2, 1], [0]]
    """

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(f"{type(self).__name__} defines no __iter__()")


class SequentialSampler(Sampler):
    """From the first to the last.

    >>> import autograd_lite as al
    >>> list(al.utils.data.SequentialSampler(["a", "b", "c"]))
    [0, 1, 2]
    """

    def __init__(self, data_source: Any) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """All in a drawn order; or `num_samples` of them, with `replacement` each drawn anew.

    >>> import numpy as np
    >>> import autograd_lite as al
    >>> sampler = al.utils.data.RandomSampler(range(3), generator=np.random.default_rng(0))
    >>> sorted(sampler)
    [0, 1, 2]
    """

    def __init__(
        self, data_source: Any, replacement: bool = False, num_samples: int | None = None, generator: Any = None
    ) -> None:
        self.data_source, self.replacement, self.generator = data_source, replacement, generator
        self._num_samples = num_samples
        if self.num_samples < 1:
            raise ValueError(f"a RandomSampler draws at least one item, and not {self.num_samples}")

    @property
    def num_samples(self) -> int:
        """How many are drawn."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        size, left, generator = len(self.data_source), self.num_samples, draw_from(self.generator)
        if self.replacement:
            yield from generator.integers(size, size=left).tolist()
            return
        while left > 0:
            drawn = generator.permutation(size)[:left].tolist()
            left -= len(drawn)
            yield from drawn

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """Some items, in a drawn order.

    >>> import autograd_lite as al
    >>> sampler = al.utils.data.SubsetRandomSampler([2, 5, 7])
    >>> sorted(sampler), len(sampler)
    ([2, 5, 7], 3)
    """

    def __init__(self, indices: Sequence[int], generator: Any = None) -> None:
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        return (self.indices[k] for k in draw_from(self.generator).permutation(len(self.indices)).tolist())

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Items drawn with probabilities that go as their weights, which need not add up to 1.

    Raises ValueError for weights that are negative or all zero, and without `replacement` for more items than have one.

    >>> import autograd_lite as al
    >>> sampler = al.utils.data.WeightedRandomSampler([0.0, 1.0, 0.0], num_samples=4)
    >>> list(sampler)
    [1, 1, 1, 1]
    """

    def __init__(self, weights: Any, num_samples: int, replacement: bool = True, generator: Any = None) -> None:
        self.weights = np.asarray(weights.data if isinstance(weights, Tensor) else weights, float)
        if self.weights.ndim != 1 or not (self.weights >= 0).all() or not self.weights.sum() > 0:
            raise ValueError("weights are a vector of numbers that are not negative, and not all of them zero")
        if num_samples < 1 or (not replacement and num_samples > np.count_nonzero(self.weights)):
            raise ValueError(f"{num_samples} items cannot be drawn from these weights")
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator

    def __iter__(self) -> Iterator[int]:
        p, generator = self.weights / self.weights.sum(), draw_from(self.generator)
        return iter(generator.choice(len(p), self.num_samples, self.replacement, p).tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """Lists of `batch_size` numbers from another sampler; the last, if it is shorter, goes with `drop_last`.

    >>> import autograd_lite as al
    >>> list(al.utils.data.BatchSampler(range(5), 2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f"batch_size is a number from 1 on, and not {batch_size!r}")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        batch: list[int] = []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        size: int = len(self.sampler)  # type: ignore[arg-type]
        return size // self.batch_size if self.drop_last else -(-size // self.batch_size)
