"""Training on several processes, joined by MPI: PyTorch's names, started by `mpiexec -n 2 python program.py`."""

from autograd_lite.distributed.collectives import (
    ReduceOp,
    all_gather,
    all_gather_object,
    all_reduce,
    barrier,
    broadcast,
    broadcast_object_list,
    gather_object,
    recv,
    reduce,
    save,
    scatter,
    send,
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
from autograd_lite.distributed.reduction import average_gradients
from autograd_lite.distributed.samplers import DistributedBatchSampler, DistributedSampler

__all__ = [
    "DistributedBatchSampler",
    "DistributedDataParallel",
    "DistributedError",
    "DistributedSampler",
    "ReduceOp",
    "all_gather",
    "all_gather_object",
    "all_reduce",
    "average_gradients",
    "barrier",
    "broadcast",
    "broadcast_object_list",
    "destroy_process_group",
    "gather_object",
    "get_rank",
    "get_world_size",
    "init_process_group",
    "is_available",
    "is_initialized",
    "recv",
    "reduce",
    "save",
    "scatter",
    "send",
]
