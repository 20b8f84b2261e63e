"""`DataLoader`: batches of a data set, in order or drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.creation import as_tensor
from autograd_lite.ops import stack
from autograd_lite.utils.data.samplers import BatchSampler, RandomSampler, SequentialSampler
from autograd_lite.utils.data.sets import IterableDataset, Subset, TensorDataset


def default_collate(batch: Sequence[Any]) -> Any:
    """A batch of samples of one kind: tensors, arrays and numbers become a tensor with one dimension more, in front.

    Tuples, lists and dicts are gone through item by item; strings stay as they are, those of tuples and lists a tuple.
    Raises TypeError for anything else, arrays of text and objects among it.

    >>> import autograd_lite as al
    >>> al.utils.data.default_collate([{"x": 1.0, "name": "a"}, {"x": 2.0, "name": "b"}])
    {'x': tensor([1., 2.]), 'name': ['a', 'b']}
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(list(batch), 0)
    if _is_numeric(first):
        return Tensor(np.stack([np.asarray(x) for x in batch]))
    if isinstance(first, float):
        return Tensor(np.array(batch, np.float64))
    if isinstance(first, bool | int):
        return as_tensor(np.array(batch))
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, Mapping):
        return {key: default_collate([sample[key] for sample in batch]) for key in first}
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(default_collate(items) for items in zip(*batch, strict=True)))
    if isinstance(first, tuple | list):
        if any(len(sample) != len(first) for sample in batch):
            raise ValueError(f"the samples of a batch have different lengths: {sorted({len(s) for s in batch})}")
        return [default_collate(items) for items in zip(*batch, strict=True)]
    kind = f"{type(first).__name__} of {first.dtype}" if isinstance(first, np.ndarray) else type(first).__name__
    raise TypeError(
        f"a batch of {kind} cannot be made by itself: give the DataLoader a collate_fn, a function "
        "from a list of samples to a batch"
    )


T_co = TypeVar("T_co", covariant=True)


class DataLoader(Generic[T_co]):
    """Batches of a data set: `batch_size` samples each, put together by `collate_fn`; in another order each time it is
    gone through with `shuffle`, drawn from `generator` or the default one.

    `sampler` gives the order, `batch_sampler` whole batches of numbers; with `batch_size=None` samples come one by
    one. `drop_last` leaves out a last batch that is shorter. Everything happens in this process: `num_workers` is 0,
    and `pin_memory` has no effect. Raises ValueError for settings that exclude each other.

    >>> import autograd_lite as al
    >>> _ = al.manual_seed(0)
    >>> data = al.utils.data.TensorDataset(al.arange(6).reshape(3, 2), al.arange(3))
    >>> [(x.shape, y.shape) for x, y in al.utils.data.DataLoader(data, batch_size=2, shuffle=True)]
    [((2, 2), (2,)), ((1, 2), (1,))]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        *,
        generator: Any = None,
    ) -> None:
        if num_workers:
            raise ValueError(f"num_workers={num_workers}: batches are made in this process; leave it out, or 0")
        if isinstance(dataset, IterableDataset) and (shuffle or sampler is not None or batch_sampler is not None):
            raise ValueError("an IterableDataset has its own order: no shuffle, sampler or batch_sampler goes with it")
        if sampler is not None and shuffle:
            raise ValueError("a sampler is the order: shuffle=True does not go with it")
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
            raise ValueError("a batch_sampler makes the batches: batch_size, shuffle, sampler and drop_last go without")
        if batch_size is None and drop_last:
            raise ValueError("drop_last is about batches, and batch_size is None")
        self.dataset, self.num_workers, self.pin_memory, self.drop_last = dataset, num_workers, pin_memory, drop_last
        self.generator, self.collate_fn = generator, collate_fn
        self.batch_size = None if batch_sampler is not None else batch_size
        self.batch_sampler, self.sampler = batch_sampler, sampler
        if isinstance(dataset, IterableDataset):
            return
        if sampler is None and batch_sampler is None:
            self.sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_sampler is None and batch_size is not None:
            self.batch_sampler = BatchSampler(self.sampler, batch_size, drop_last)

    def __iter__(self) -> Iterator[Any]:
        if isinstance(self.dataset, IterableDataset):
            return self._streamed()
        if self.batch_sampler is None:
            together = self.collate_fn or _single
            return (together(self.dataset[index]) for index in self.sampler)
        if self.collate_fn is None and _takes_lists(self.dataset):
            return (list(self.dataset[list(indices)]) for indices in self.batch_sampler)
        together = self.collate_fn or default_collate
        return (together([self.dataset[index] for index in indices]) for indices in self.batch_sampler)

    def _streamed(self) -> Iterator[Any]:
        items, together = iter(self.dataset), self.collate_fn or (default_collate if self.batch_size else _single)
        if self.batch_size is None:
            yield from map(together, items)
            return
        while batch := list(islice(items, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield together(batch)

    def __len__(self) -> int:
        if isinstance(self.dataset, IterableDataset):
            size, batch = len(self.dataset), self.batch_size or 1  # type: ignore[arg-type]
            return size // batch if self.drop_last else -(-size // batch)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)


def _single(sample: Any) -> Any:
    """A sample that is no batch: NumPy's arrays and scalars as tensors, in lists, dicts, and tuples, now lists."""
    if _is_numeric(sample):
        return Tensor(np.asarray(sample))
    if isinstance(sample, Mapping):
        return {key: _single(value) for key, value in sample.items()}
    if isinstance(sample, tuple) and hasattr(sample, "_fields"):
        return type(sample)(*map(_single, sample))
    return [_single(item) for item in sample] if isinstance(sample, tuple | list) else sample


def _is_numeric(sample: Any) -> bool:
    """Is it NumPy's, and of what a tensor can hold?"""
    return isinstance(sample, np.ndarray | np.generic) and sample.dtype.kind in "fiub"


def _takes_lists(dataset: Any) -> bool:
    """Can a batch be had at once, by a list of numbers?"""
    while type(dataset) is Subset:
        dataset = dataset.dataset
    return type(dataset) is TensorDataset
