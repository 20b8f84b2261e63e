"""`DistributedDataParallel`: a model whose gradients are the mean over all ranks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.distributed.collectives import broadcast_on
from autograd_lite.distributed.group import DistributedError, Group, current
from autograd_lite.distributed.reduction import Reduction
from autograd_lite.modes import mode
from autograd_lite.nn.module import Module

KINDS = ("mean", "ranks", "sum")
STARTS = 4  # what a rank does, besides forward passes: 1 to step, 2 in training


class DistributedDataParallel(Module):
    """A module trained by all ranks, each on its part of the batch: after `backward()` every `grad` is the mean.

    It starts with the parameters and buffers of rank 0. With `reduction="mean"` the loss is a mean over the samples
    (dimension `batch_dim` of the first tensor that `forward` gets), and gradients are weighed by their numbers, so
    that the step is that of one process with the whole batch; "ranks" weighs all ranks alike, as PyTorch does, and
    "sum" adds up. Gradients go out while backward() runs, in buckets of `bucket_cap_mb` megabytes. Where the module
    trains, each forward pass takes the buffers of rank 0 (`broadcast_buffers`). In a process that is alone it does
    nothing but call the module.

    Raises DistributedError, on all ranks, where the models differ, or in backward() where a rank has NaN.

    >>> import autograd_lite as al
    >>> model = al.distributed.DistributedDataParallel(al.nn.Linear(2, 1))
    >>> model(al.ones(3, 2)).sum().backward()
    >>> model.module.bias.grad
    tensor([3.])
    """

    def __init__(
        self,
        module: Module,
        *,
        bucket_cap_mb: float = 25.0,
        broadcast_buffers: bool = True,
        reduction: str = "mean",
        batch_dim: int = 0,
    ) -> None:
        super().__init__()
        if reduction not in KINDS:
            raise ValueError(f"reduction is one of {', '.join(KINDS)}, and not {reduction!r}")
        self.module, self.broadcast_buffers, self.batch_dim = module, broadcast_buffers, batch_dim
        group, self._reduction = current(), None
        if group is None or group.size == 1:
            return
        named = list(module.named_parameters())
        trained = [(name, p) for name, p in named if p.requires_grad]
        self._frozen = [(name, p) for name, p in named if not p.requires_grad]
        number = group.models = group.models + 1
        group.meet(number, 0, STARTS)
        self._reduction = Reduction(group, trained, number, bucket_cap_mb * 2**20, reduction)
        _compare(group, self._reduction.lane, module)
        for tensor in (*module.parameters(), *module.buffers()):
            broadcast_on(group, self._reduction.lane, tensor._array, 0, "the start of a DistributedDataParallel")

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The module's; where gradients are recorded, all ranks call it together."""
        if self._reduction is not None and mode.grad:
            self._begin(self._reduction, args, kwargs)
        return self.module(*args, **kwargs)

    def _begin(self, reduction: Reduction, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if mode.tracer is not None:
            mode.tracer.refuse("a DistributedDataParallel, which waits for other processes (docs/distributed.md),")
        thawed = [name for name, p in self._frozen if p.requires_grad]
        if thawed:
            raise RuntimeError(f"{', '.join(thawed)} did not require a gradient when this was made: make a new one")
        reduction.begin(_samples((*args, *kwargs.values()), self.batch_dim), self.training)
        if self.broadcast_buffers and self.training:
            for buffer in self.module.buffers():
                broadcast_on(reduction.group, reduction.lane, buffer._array, 0, "the exchange of buffers")

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Inside, gradients add up on each rank alone; the first backward() outside takes them along into the mean.

        >>> import autograd_lite as al
        >>> model = al.distributed.DistributedDataParallel(al.nn.Linear(2, 1))
        >>> with model.no_sync():
        ...     model(al.ones(3, 2)).sum().backward()
        >>> model(al.ones(3, 2)).sum().backward()
        >>> model.module.bias.grad
        tensor([6.])
        """
        reduction = self._reduction
        before = reduction is None or reduction.sync
        try:
            if reduction is not None:
                reduction.sync = False
            yield
        finally:
            if reduction is not None:
                reduction.sync = before


def _samples(values: tuple[Any, ...], dim: int) -> int:
    """How many samples a batch has: of the first tensor or array in it; 1 where there is none."""
    waiting = list(reversed(values))
    while waiting:
        value = waiting.pop()
        if isinstance(value, Tensor | np.ndarray) and value.ndim:
            return int(value.shape[dim])
        if isinstance(value, list | tuple):
            waiting += reversed(value)
        elif isinstance(value, dict):
            waiting += reversed(list(value.values()))
    return 1


def _compare(group: Group, communicator: Any, module: Module) -> None:
    """Raise on all ranks where their models are not alike."""
    mine = [f"{n} {p.shape} {p.dtype}{'' if p.requires_grad else ' frozen'}" for n, p in module.named_parameters()]
    mine += [f"buffer {n} {b.shape} {b.dtype}" for n, b in module.named_buffers()]
    told = group.gather(mine, "the start of a DistributedDataParallel", communicator)
    for rank, other in enumerate(told):
        if other != told[0]:
            k = next((k for k, (a, b) in enumerate(zip(told[0], other, strict=False)) if a != b), None)
            k = min(len(told[0]), len(other)) if k is None else k
            first, here = (lines[k] if k < len(lines) else "nothing more" for lines in (told[0], other))
            raise DistributedError(
                f"the models differ: rank 0 has {first}, where rank {rank} has {here} ({len(told[0])} and "
                f"{len(other)} parameters and buffers)"
            )
