"""Training on several processes, joined by MPI: PyTorch's names, started by `mpiexec -n 2 python program.py`."""

from autograd_lite.distributed.collectives import (
    all_gather_object,
    all_reduce,
    average_gradients,
    barrier,
    broadcast,
    gather_object,
    save,
)
from autograd_lite.distributed.group import (
    DistributedError,
    destroy_process_group,
    get_rank,
    get_world_size,
    init_process_group,
    is_available,
    is_initialized,
)
from autograd_lite.distributed.parallel import DistributedDataParallel
from autograd_lite.distributed.samplers import DistributedBatchSampler, DistributedSampler

__all__ = [
    "DistributedBatchSampler",
    "DistributedDataParallel",
    "DistributedError",
    "DistributedSampler",
    "all_gather_object",
    "all_reduce",
    "average_gradients",
    "barrier",
    "broadcast",
    "destroy_process_group",
    "gather_object",
    "get_rank",
    "get_world_size",
    "init_process_group",
    "is_available",
    "is_initialized",
    "save",
]
