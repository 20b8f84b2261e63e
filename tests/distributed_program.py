"""What the ranks of `test_distributed.py` do: `mpiexec -n 2 python tests/distributed_program.py SCENARIO [FOLDER]`.

What ends well is run in one start, `together`: starting an MPI program takes longer than most of what it does.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.distributed.group import current
from autograd_lite.nn import functional as F

dist = al.distributed


class Words(nn.Module):
    """Row-sparse gradients, a tied weight, a branch that is not always taken, two dtypes, an unused parameter."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 6, sparse=True)
        self.first, self.second = nn.Linear(6, 6), nn.Linear(6, 3)
        self.branch = nn.Linear(6, 6)
        self.unused = nn.Linear(2, 2)
        self.scale = nn.Parameter(al.ones(()))

    def forward(self, x, branch=False):
        h = F.tanh(self.first(self.embedding(x).mean(1)))
        h = F.tanh(self.first(h))
        if branch:
            h = h + self.branch(h)
        return self.second(h) * self.scale


def parts(size):
    """The batches of 20 steps, of different sizes."""
    rng = np.random.default_rng(1)
    for step in range(20):
        count = 7 if step % 3 else 8
        yield rng.integers(50, size=(count, 4)), rng.integers(3, size=count)


def optimizer_of(name, model):
    if name == "SGD":
        return al.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return al.optim.Adam(model.parameters(), lr=0.01)


def trained(name, cap=1e-3, accumulate=1):
    """The parameters after 20 steps, on the ranks' parts of the batches."""
    al.manual_seed(dist.get_rank())  # the start is broadcast
    model = dist.DistributedDataParallel(Words(), bucket_cap_mb=cap)
    optimizer, rank, size = optimizer_of(name, model), dist.get_rank(), dist.get_world_size()
    for step, (x, y) in enumerate(parts(size)):
        mine = slice(rank, None, size)
        if step % accumulate == 0:
            optimizer.zero_grad()
        if (step + 1) % accumulate:
            with model.no_sync():
                F.cross_entropy(model(x[mine], step > 4), y[mine]).backward()
            continue
        F.cross_entropy(model(x[mine], step > 4), y[mine]).backward()
        optimizer.step()
    return {name: p.data for name, p in model.module.named_parameters()}


def everybody(mine):
    found = [None] * dist.get_world_size()
    dist.all_gather_object(found, mine)
    return found


def equal(folder):
    for name in ("SGD", "Adam"):
        for cap, accumulate in ((1e-4, 1), (25.0, 1), (1e-4, 4)):
            found = trained(name, cap, accumulate)
            for other in everybody(found):
                assert all(np.array_equal(other[k], found[k]) for k in found)
            dist.save(found, Path(folder) / f"{name}_{cap}_{accumulate}_{dist.get_world_size()}.npz")


def collectives(_):
    rank, size = dist.get_rank(), dist.get_world_size()
    x = al.tensor([1.0 + rank, 2.0])
    for op, value in (("sum", sum), ("avg", lambda v: sum(v) / len(v)), ("max", max), ("min", min)):
        y = x.clone()
        dist.all_reduce(y, op)
        assert y.data.tolist() == [value([1.0 + r for r in range(size)]), value([2.0] * size)], (op, y)
    whole = np.full((2, 3), float(rank))[:, ::2]
    dist.broadcast(whole, src=size - 1)
    assert (whole == size - 1).all()
    half = al.tensor([rank], dtype=al.float16)
    dist.broadcast(half, src=size - 1)
    assert half.item() == size - 1
    for numbers in (np.full((3, 4), rank + 1.0)[:, ::2], np.full(3, rank + 1, np.float16), np.full((), rank + 1)):
        dist.all_reduce(numbers)
        assert (numbers == size * (size + 1) // 2).all()
    for op, value in (("sum", size * (size + 1) / 2), (dist.ReduceOp.AVG, (size + 1) / 2)):
        y = al.tensor([rank + 1.0])
        dist.reduce(y, dst=size - 1, op=op)
        assert y.item() == (value if rank == size - 1 else rank + 1.0)
    found = [al.zeros(2, 3)[:, ::2] for _ in range(size)]
    dist.all_gather(found, al.ones(2, 2) * float(rank))
    assert [t.data.mean() for t in found] == list(range(size))
    mine = np.zeros(2, bool)
    dist.scatter(mine, [np.array([r == 1, True]) for r in range(size)] if rank == 1 else None, src=1)
    assert mine.tolist() == [rank == 1, True]
    if rank == 0:
        dist.send(al.tensor([1.5, 2.5], dtype=al.float16), dst=1)
    if rank == 1:
        dist.recv(got := al.zeros(2, dtype=al.float16), src=0)
        assert got.data.tolist() == [1.5, 2.5]
    settings = [{"lr": rank}, rank]
    dist.broadcast_object_list(settings, src=1)
    assert settings == [{"lr": 1}, 1]
    dist.barrier()
    assert everybody("x" * rank) == (everything := ["x" * r for r in range(size)])
    found = [None] * size
    dist.gather_object("x" * rank, found, dst=size - 1)
    assert found == (everything if rank == size - 1 else [None] * size)
    w = al.tensor([1.0, 1.0], requires_grad=True)
    (w * (rank + 1)).sum().backward()
    dist.average_gradients([w, al.tensor(1.0, requires_grad=True)], samples=rank)
    assert np.allclose(w.grad.data, sum(r * (r + 1) for r in range(size)) / sum(range(size)))
    with pytest.raises(dist.DistributedError, match="no rank has a sample"):
        dist.average_gradients([w], samples=0)
    (w * (np.nan if rank == 1 else 1.0)).sum().backward()
    with pytest.raises(dist.DistributedError, match=r"at rank 1: number 0 of 1, \(2,\)"):
        dist.average_gradients([w])


def unlike(_):
    """Calls that do not fit together are an error on every rank, and what comes then is not mixed up with them."""
    rank = dist.get_rank()
    with pytest.raises(dist.DistributedError, match=r"rank 0: all_reduce of \(4,\) float64 \(sum\); rank 1: .* \(5,\)"):
        dist.all_reduce(np.zeros(4 + (rank == 1)))
    with pytest.raises(dist.DistributedError, match="rank 0: barrier; rank 1: broadcast"):
        dist.broadcast(np.zeros(2)) if rank == 1 else dist.barrier()
    model = dist.DistributedDataParallel(network()).train(rank == 1)
    with pytest.raises(dist.DistributedError, match=r"at different places.*train\(\) and eval\(\)"):
        model(al.ones(2, 3))
    assert everybody(rank) == list(range(dist.get_world_size()))


def empty(_):
    """A rank without samples, whose mean over none is NaN, has no part in the mean."""
    rank = dist.get_rank()
    model = dist.DistributedDataParallel(nn.Linear(2, 1, bias=False))
    for _ in range(2):
        x = al.ones(0 if rank else 3, 2)
        with np.errstate(all="ignore"):
            loss = model(x).sum() / len(x.data) if not rank else model(x).sum() * np.nan
        model.zero_grad()
        loss.backward()
        assert model.module.weight.grad.data.tolist() == [[1.0, 1.0]]


def loop(model, steps=50, each=None):
    optimizer = al.optim.SGD(model.parameters(), lr=0.01)
    for step in range(steps):
        x = al.ones(4, 3)
        if each is not None:
            x = each(step, x)
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()


def network():
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))


def dies(how):
    def run(folder):
        model = dist.DistributedDataParallel(network())

        def each(step, x):
            dist.save(model.module.state_dict(), Path(folder) / "checkpoint.npz")
            if step == 10 and dist.get_rank() == dist.get_world_size() - 1:
                how()
            return x

        loop(model, 10_000, each)

    return run


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


def raising():
    raise KeyError("no such word")


def hanging():
    time.sleep(1000)


def differs(_):
    sizes = 5 + (dist.get_rank() == 1)
    words = r"the models differ: rank 0 has 0.weight \(5, 3\) float64, where rank 1 has 0.weight \(6, 3\) float64"
    with pytest.raises(dist.DistributedError, match=words):
        dist.DistributedDataParallel(nn.Sequential(nn.Linear(3, sizes), nn.Linear(sizes, 1)))


def nan(_):
    """Every rank says where it is, `grad` stays what it was, and training may go on."""
    model = dist.DistributedDataParallel(network(), bucket_cap_mb=1e-5)
    for step in range(6):
        bad = step in (0, 3)
        before = model.module[0].weight.grad
        x = al.ones(4, 3) * (np.nan if bad and dist.get_rank() == 1 else 1.0 + dist.get_rank())
        loss = model(x).square().mean()
        if bad:
            with pytest.raises(dist.DistributedError, match=r"at rank 1: 0.weight, 0.bias, 2.weight, 2.bias\. Nothing"):
                loss.backward()
            assert (model.module[0].weight.grad is None) == (before is None)
        else:
            loss.backward()
            assert alike(model.module[0].weight.grad)
    model = dist.DistributedDataParallel(nn.Embedding(5, 2, sparse=True))
    for step in range(5):
        loss = (model(np.array([1, 2])) * (np.nan if step == 3 and dist.get_rank() == 1 else 1.0)).sum()
        if step == 3:
            with pytest.raises(
                dist.DistributedError, match=r"NaN or infinity, at rank 1: weight\. Nothing was updated"
            ):
                loss.backward()
        else:
            loss.backward()


def uncaught(_):
    loop(
        dist.DistributedDataParallel(network()), 50, lambda step, x: x * np.nan if step == 7 and dist.get_rank() else x
    )


def alike(tensor):
    return all(np.array_equal(tensor.data, other) for other in everybody(tensor.data))


def two_models(_):
    """One loss of two models, whose gradients come in another order on odd ranks; D is used and not trained."""
    rank, size = dist.get_rank(), dist.get_world_size()
    parts = [nn.Linear(3, 4), nn.Linear(3, 4)]
    models = [dist.DistributedDataParallel(part, bucket_cap_mb=1e-5, reduction="sum") for part in parts]
    for _ in range(3):
        ys = [model(al.ones(2, 3) * (rank + 1.0)) for model in models]
        losses = [(y * 1.0 * factor).sum() for y, factor in zip(ys, (2.0, 3.0), strict=True)][:: (-1) ** rank]
        for part in parts:
            part.zero_grad()
        (losses[0] + losses[1]).backward()
        for part, factor in zip(parts, (2.0, 3.0), strict=True):
            assert np.allclose(part.weight.grad.data, factor * size * (size + 1), rtol=1e-14)


def twice(_):
    """Two backward() calls of one forward pass, and hooks that run after the mean, also for what this rank left out."""
    rank, size = dist.get_rank(), dist.get_world_size()
    module, seen = nn.ModuleList([nn.Linear(3, 2, bias=False), nn.Linear(3, 2, bias=False)]), []

    class Some(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = module

        def forward(self, x):
            return self.parts[0](x) + (self.parts[1](x) if rank == 0 else 0.0)

    for k, p in enumerate(module.parameters()):
        p.register_post_accumulate_grad_hook(lambda p, k=k: seen.append((k, p.grad.data.copy())))
    model = dist.DistributedDataParallel(Some(), bucket_cap_mb=1e-5)
    for _ in range(2):
        module.zero_grad()
        seen.clear()
        y = model(al.ones(2, 3) * (rank + 1.0))
        y.sum().backward(retain_graph=True)
        y.sum().backward()
        means = [2.0 * (size + 1) / 2, 2.0 / size]
        assert [k for k, _ in seen] == [0, 1, 0, 1]
        for (k, g), times in zip(seen, (1, 1, 2, 2), strict=True):
            assert np.allclose(g, times * means[k], rtol=1e-14)


def failed(_):
    """A backward() that fails in the middle takes no other model's gradients along."""
    first, second = (nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)) for _ in range(2))
    models = [dist.DistributedDataParallel(module, bucket_cap_mb=1e-5) for module in (first, second)]
    for model in models:
        model(al.ones(2, 3)).sum().backward()
    handle = first[0].weight.register_hook(lambda g: {}["no such word"])
    with pytest.raises(KeyError):
        models[0](al.ones(2, 3)).sum().backward()
    handle.remove()
    models[1](al.ones(2, 3) * (1.0 + dist.get_rank())).sum().backward()
    assert alike(second[0].weight.grad)
    with pytest.raises(RuntimeError, match="ended in an error: make a new one"):
        models[0](al.ones(2, 3))
    with pytest.raises(RuntimeError, match="create_graph=True"):
        models[1](al.ones(2, 3)).sum().backward(create_graph=True)
    models[1](al.ones(2, 3) * (1.0 + dist.get_rank())).sum().backward()
    assert alike(second[0].weight.grad)


def threads(_):
    """backward() in another thread than the forward pass, while a third one has a graph of its own."""
    model, going, wrong = dist.DistributedDataParallel(nn.Linear(20, 3)), [True], []

    def others():
        while going:
            w = al.ones(20, 20, requires_grad=True)
            (w @ w).sum().backward()
            if w.grad is None:
                wrong.append(w)

    other = threading.Thread(target=others)
    other.start()
    for _ in range(10):
        model.zero_grad()
        loss = model(al.ones(2, 20) * (1.0 + dist.get_rank())).sum()
        backward = threading.Thread(target=loss.backward)
        backward.start()
        backward.join()
        mean = (1 + dist.get_world_size()) / 2
        wrong += [] if np.allclose(model.module.weight.grad.data, 2 * mean, rtol=1e-14) else [model]
    going.clear()
    other.join()
    assert not wrong


def resumed(folder):
    """A training that goes on from a checkpoint is the same to the bit."""
    rank, size = dist.get_rank(), dist.get_world_size()

    def steps(module, optimizer, some):
        model = dist.DistributedDataParallel(module)
        for x, y in some:
            optimizer.zero_grad()
            F.cross_entropy(model(x[rank::size]), y[rank::size]).backward()
            optimizer.step()

    batches, module = list(parts(size)), Words()
    optimizer, path = optimizer_of("Adam", module), Path(folder) / f"resumed_{size}.ckpt.npz"
    steps(module, optimizer, batches[:3])
    dist.save({"model": module.state_dict(), "optimizer": optimizer.state_dict()}, path)
    steps(module, optimizer, batches[3:6])
    other = Words()
    again, found = optimizer_of("Adam", other), al.load(path)
    other.load_state_dict(found["model"])
    again.load_state_dict(found["optimizer"])
    steps(other, again, batches[3:6])
    path.unlink() if rank == 0 else None
    for a, b in zip(module.parameters(), other.parameters(), strict=True):
        assert np.array_equal(a.data, b.data)
    with pytest.raises(dist.DistributedError, match="save failed, on rank 0: FileNotFoundError"):
        dist.save({}, Path(folder) / "no" / "such.npz")


def fewer(_):
    loop(dist.DistributedDataParallel(network()), 20 if dist.get_rank() else 30)


def no_gradient_at_all(_):
    model = dist.DistributedDataParallel(network())
    for _ in range(3):
        y = model(al.ones(2, 3))
        if dist.get_rank():
            y.sum().backward()


def compiled(_):
    model = dist.DistributedDataParallel(network())

    @al.compile
    def step(x):
        loss = model(x).square().mean()
        loss.backward()
        return loss

    with pytest.raises(al.TraceError, match="DistributedDataParallel"):
        step(al.ones(2, 3))
    inner = model.module

    @al.compile
    def gradients(x):
        inner.zero_grad()
        loss = inner(x).square().mean()
        loss.backward()
        return loss

    optimizer = al.optim.SGD(inner.parameters(), lr=0.1)
    whole = np.random.default_rng(0).normal(size=(3, 5, 3))
    for x in whole:
        mine = x[dist.get_rank() :: dist.get_world_size()]
        gradients(al.tensor(mine))
        dist.average_gradients(inner.parameters(), samples=len(mine))
        optimizer.step()
    found = everybody(inner[0].weight.data)
    assert all(np.array_equal(found[0], other) for other in found)


def uneven(_):
    """What is used, in which order, and whether a gradient is row-sparse, differs from rank to rank."""
    rank, size = dist.get_rank(), dist.get_world_size()
    al.manual_seed(0)
    start = [al.rand(4, 2) for _ in range(5)]

    def loss_of(some, r, step):
        a, b, c, rows, _ = some
        if r == 0:
            loss = (a * b).sum() + F.embedding(al.tensor([1, 1, 3]), rows).sum()
        else:
            loss = (b * (a + 1.0)).sum() + (c * r).sum() + (rows * 2.0).sum()
        return loss + (F.embedding(al.tensor([r % 4]), c).square().sum() if step and r == 0 else 0.0)

    class Parts(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = nn.ParameterList([nn.Parameter(t.data.copy()) for t in start])

        def forward(self, x, step):
            return loss_of(list(self.parts), rank, step)

    model = dist.DistributedDataParallel(Parts(), bucket_cap_mb=1e-5, reduction="sum")
    for step in range(3):
        held = [p.grad for p in model.module.parts]
        before = [None if g is None else g.data.copy() for g in held]
        model.zero_grad()
        model(al.ones(1), step).backward()
        for old, g in zip(before, held, strict=True):  # what was handed out is not written into
            assert old is None or np.array_equal(old, g.data)
        leaves = [t.clone().requires_grad_() for t in start]
        sum((loss_of(leaves, r, step) for r in range(size)), al.tensor(0.0)).backward()
        for p, leaf in zip(model.module.parts, leaves, strict=True):
            assert (p.grad is None) == (leaf.grad is None)
            assert p.grad is None or np.allclose(p.grad.data, leaf.grad.data, rtol=1e-13), step


def buffers(_):
    model = dist.DistributedDataParallel(nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Linear(5, 1)))
    rank = dist.get_rank()
    for _ in range(3):
        model(al.ones(4, 3) * (rank + 1.0)).mean().backward()
    model(al.ones(4, 3)).mean().backward()
    means = everybody(model.module[1].running_mean.data)
    assert all(np.allclose(means[0], m) for m in means)


TOGETHER = (equal, collectives, unlike, empty, differs, nan, two_models, twice, failed, threads, resumed, compiled)
TOGETHER = (*TOGETHER, buffers, uneven)


def together(folder):
    for scenario in TOGETHER:
        scenario(folder)
        dist.barrier()
    print(f"rank {dist.get_rank()} did all", flush=True)


SCENARIOS = {
    **{f.__name__: f for f in (*TOGETHER, together, uncaught, fewer, no_gradient_at_all)},
    **{how.__name__: dies(how) for how in (killed, raising, hanging)},
}

if __name__ == "__main__":
    dist.init_process_group(timeout=100.0)
    if sys.argv[1] in ("hanging", "no_gradient_at_all"):
        dist.barrier()  # all have started
        current().timeout = 3.0
    SCENARIOS[sys.argv[1]](sys.argv[2] if len(sys.argv) > 2 else None)
