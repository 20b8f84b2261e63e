"""Which items of a data set are whose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from autograd_lite.distributed.group import DistributedError, get_rank, get_world_size
from autograd_lite.utils.data import Sampler


def _place(num_replicas: int | None, rank: int | None) -> tuple[int, int]:
    size = get_world_size() if num_replicas is None else num_replicas
    place = get_rank() if rank is None else rank
    if not 0 <= place < size:
        raise ValueError(f"rank {place} is none of {size} replicas, which count from 0")
    return size, place


class DistributedSampler(Sampler):
    """Every `num_replicas`-th item from number `rank` on: by default of the ranks there are, and this one.

    With `shuffle` in an order drawn from `seed` and the epoch, the same on all ranks; `set_epoch` before each epoch
    gives another. All ranks get as many: items are repeated from the start, or left out with `drop_last`. What repeats
    nothing is `DistributedBatchSampler`.

    >>> import autograd_lite as al
    >>> [list(al.distributed.DistributedSampler(range(5), 2, rank, shuffle=False)) for rank in (0, 1)]
    [[0, 2, 4], [1, 3, 0]]
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        self.dataset, self.shuffle, self.seed, self.drop_last, self.epoch = dataset, shuffle, seed, drop_last, 0
        self.num_replicas, self.rank = _place(num_replicas, rank)

    def __iter__(self) -> Iterator[int]:
        size = len(self.dataset)
        order = np.random.default_rng((self.seed, self.epoch)).permutation(size) if self.shuffle else np.arange(size)
        total = len(self) * self.num_replicas
        return iter(np.resize(order, total)[self.rank :: self.num_replicas].tolist() if size else [])

    def __len__(self) -> int:
        size = len(self.dataset)
        return size // self.num_replicas if self.drop_last else -(-size // self.num_replicas)

    def set_epoch(self, epoch: int) -> None:
        """Another order, the same on all ranks."""
        self.epoch = epoch


class DistributedBatchSampler(Sampler):
    """This rank's part of each batch of another sampler: together the ranks see the batches that one process would.

    No item is repeated or left out, and all ranks have as many batches; the batches have to come in the same order
    on all ranks, so give a sampler that shuffles a generator of its own with the same seed. Raises DistributedError, on
    all ranks, for a batch with fewer items than there are ranks.

    >>> import autograd_lite as al
    >>> batches = al.utils.data.BatchSampler(range(8), batch_size=5, drop_last=False)
    >>> [list(al.distributed.DistributedBatchSampler(batches, 2, rank)) for rank in (0, 1)]
    [[[0, 2, 4], [5, 7]], [[1, 3], [6]]]
    """

    def __init__(self, batches: Iterable[list[int]], num_replicas: int | None = None, rank: int | None = None) -> None:
        self.batches = batches
        self.num_replicas, self.rank = _place(num_replicas, rank)

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self.batches:
            if len(batch) < self.num_replicas:
                raise DistributedError(
                    f"a batch of {len(batch)} has none for some of the {self.num_replicas} ranks: drop_last=True, or "
                    "another batch_size"
                )
            yield batch[self.rank :: self.num_replicas]

    def __len__(self) -> int:
        return len(self.batches)  # type: ignore[arg-type]
