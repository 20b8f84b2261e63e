"""Training on several ranks: what a step costs, what of it is communication, and what the model says of more.

    python -m benchmarks.distributed            # 1, 2 and 4 ranks, two minutes; writes benchmarks/distributed.json
    python -m benchmarks.distributed --quick    # few rounds: does it run?
    python -m benchmarks.distributed --update   # the tables of docs/distributed.md, from that file

Every rank has one thread. The batch is that of all ranks together, so that the work stays the same. Times are the
slowest rank's, the median over rounds; steps with communication and without take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from unittest.mock import patch

HERE = Path(__file__).parent
RESULTS = HERE / "distributed.json"
PAGE = HERE.parent / "docs" / "distributed.md"
RANKS = (1, 2, 4)
BATCHES = {"9.1": (100, 1000, 8000), "10.1": (128, 512)}  # of the networks, of all ranks together
SIZES = (1, 1_000, 10_000, 100_000, 1_000_000)  # numbers in an allreduce
DEEP, WIDTH, ROWS = 20, 512, 128  # layers of an MLP of 42 MB, and its batch, of all ranks together
BUCKET = 25.0  # MB, as by default
CAPS = {"at once, after backward()": 0.0, "one bucket": 1e3, "buckets of 8 MB": 8.5, "buckets of 2 MB": 2.1}
TABLE, USED = (50_000, 64), (256, 4096)  # an embedding, and how many words a rank looks up in it
NETWORKS = {"9.1": "9.1, 784-100-10", "10.1": "10.1, 16 kernels of 3x3"}
# (seconds a message, bytes a second) of networks between nodes: round numbers of their kind, assumed, not measured
LINKS = {"10 Gb/s Ethernet": (30e-6, 1.25e9), "100 Gb/s InfiniBand": (2e-6, 12.5e9)}


# What a rank does


def work(rounds: int) -> None:
    """Measure; rank 0 prints JSON."""
    import autograd_lite as al

    al.distributed.init_process_group()
    found: dict[str, Any] = {
        "allreduce": {size: allreduce(size, rounds) for size in SIZES},
        "steps": {name: {batch: step(name, batch, rounds) for batch in some} for name, some in BATCHES.items()},
    }
    if al.distributed.get_world_size() == 2:
        found |= {"overlap": overlap(rounds), "rows": {used: lookups(used, rounds) for used in USED}}
    if al.distributed.get_rank() == 0:
        found["mpi"] = f"mpich {version('mpich')}, mpi4py {version('mpi4py')}"
        print(json.dumps(found))


def slowest(action: Callable[[], Any], rounds: int) -> float:
    """Seconds: the median over rounds of the slowest rank's time."""
    import numpy as np

    import autograd_lite as al

    times = []
    for _ in range(rounds):
        al.distributed.barrier()
        start = perf_counter()
        action()
        took = np.array(perf_counter() - start)
        al.distributed.all_reduce(took, "max")
        times.append(float(took))
    return median(times)


def allreduce(size: int, rounds: int) -> float:
    """Seconds to add up so many float64, in a message of their own."""
    import numpy as np

    from autograd_lite.distributed.group import current

    numbers, group = np.zeros(size), current()
    assert group is not None

    def add() -> None:
        group.wait(group.users.Iallreduce(group.mpi.IN_PLACE, numbers, group.mpi.SUM), "a benchmark")

    add()
    return slowest(add, 5 * rounds)


def step(name: str, batch: int, rounds: int) -> dict[str, float]:
    """Seconds of a training step of SGD, with gradients averaged and without."""
    import numpy as np

    import autograd_lite as al
    from autograd_lite.nn import functional as F
    from models import find

    ranks, rank = al.distributed.get_world_size(), al.distributed.get_rank()
    rng = np.random.default_rng(rank)
    part = batch // ranks
    x, y = al.tensor(rng.random((part, 784))), al.tensor(rng.integers(10, size=part))
    steps, size = {}, 0
    for kind, cap in {"alone": None, "together": BUCKET}.items():
        module = find(name).module()
        assert module is not None
        size = sum(p.data.nbytes for p in module.parameters())
        steps[kind] = stepping(module, lambda model: F.cross_entropy(model(x), y), cap)
    return by_turns(steps, rounds) | {"bytes": size}


def stepping(module: Any, loss: Callable[[Any], Any], cap: float | None) -> Callable[[], None]:
    """A training step of SGD: gradients go out in buckets of so many MB; with 0 at once, after backward()."""
    import autograd_lite as al

    optimizer = al.optim.SGD(module.parameters(), lr=0.01)
    model = al.distributed.DistributedDataParallel(module, bucket_cap_mb=cap) if cap else module

    def one() -> None:
        optimizer.zero_grad()
        loss(model).backward()
        if cap == 0:
            al.distributed.average_gradients(module.parameters())
        optimizer.step()

    return one


def by_turns(steps: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Seconds of each."""
    times: dict[str, list[float]] = {kind: [] for kind in steps}
    for one in steps.values():
        one()
        one()
    for _ in range(rounds):
        for kind, one in steps.items():
            times[kind].append(slowest(one, 3))
    return {kind: median(some) for kind, some in times.items()}


def overlap(rounds: int) -> dict[str, Any]:
    """An MLP of many layers: seconds of a step by the size of the buckets, and what of them a rank waits."""
    import numpy as np

    import autograd_lite as al

    rng, ranks = np.random.default_rng(al.distributed.get_rank()), al.distributed.get_world_size()
    x, steps = al.tensor(rng.random((ROWS // ranks, WIDTH))), {}
    for kind, cap in {"alone": None, **CAPS}.items():
        layers = [part for _ in range(DEEP) for part in (al.nn.Linear(WIDTH, WIDTH), al.nn.Tanh())]
        module = al.nn.Sequential(*layers)
        steps[kind] = stepping(module, lambda model: model(x).square().mean(), cap)
    seconds = by_turns(steps, rounds)
    waits = {kind: median(waited(one) for _ in range(rounds)) for kind, one in steps.items()}
    return {"seconds": seconds, "waits": waits, "bytes": sum(p.data.nbytes for p in module.parameters())}


def waited(action: Callable[[], None]) -> float:
    """Seconds of an action in which this rank waits for another."""
    from autograd_lite.distributed.group import current

    group, total = current(), 0.0
    assert group is not None
    wait = group.wait

    def timed(*args: Any) -> None:
        nonlocal total
        start = perf_counter()
        wait(*args)
        total += perf_counter() - start

    with patch.object(group, "wait", timed):
        action()
    return total


def lookups(used: int, rounds: int) -> dict[str, float]:
    """Seconds of a step of an embedding whose gradient is row-sparse, or dense, averaged and not."""
    import numpy as np

    import autograd_lite as al

    words = al.tensor(np.random.default_rng(al.distributed.get_rank()).integers(TABLE[0], size=used))
    steps = {}
    for kind in ("rows", "dense"):
        for averaged, cap in (("alone", None), ("together", BUCKET)):
            module = al.nn.Embedding(*TABLE)
            if kind == "dense":
                module.weight.register_hook(lambda g: g.clone())  # hooks see arrays, not rows
            steps[f"{kind} {averaged}"] = stepping(module, lambda model: model(words).square().mean(), cap)
    return by_turns(steps, rounds)


# Who starts them, and what it means


def measured(rounds: int) -> dict[str, Any]:
    """What the ranks print, by their number."""
    beside = Path(sys.executable).with_name("mpiexec")
    program = str(beside) if beside.exists() else "mpiexec"
    one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    by_ranks: dict[str, Any] = {}
    for ranks in RANKS:
        command = [program, "-n", str(ranks), sys.executable, "-m", "benchmarks.distributed", "--rank", str(rounds)]
        done = subprocess.run(command, env={**os.environ, **one_thread}, stdout=subprocess.PIPE, text=True, check=True)
        by_ranks[str(ranks)] = json.loads(done.stdout)
    return {"cores": os.cpu_count(), "date": str(date.today()), "ranks": by_ranks}


def ring(ranks: int, size: float, latency: float, rate: float) -> float:
    """Seconds of an allreduce of so many bytes: each rank sends 2 (P - 1) messages of a P-th of them."""
    return 2 * (ranks - 1) * (latency + size / ranks / rate)


def fitted(steps: dict[str, dict[str, float]]) -> tuple[float, float]:
    """Seconds of a step on one rank: so many for any batch, and so many a sample, from the two largest batches."""
    (b1, t1), (b2, t2) = ((int(b), s["alone"]) for b, s in sorted(steps.items(), key=lambda i: int(i[0]))[-2:])
    slope = (t2 - t1) / (b2 - b1)
    return max(t1 - slope * b1, 0.0), slope


def tables(found: dict[str, Any]) -> str:
    """The measured times and the extrapolated ones, as Markdown."""
    by_ranks = found["ranks"]
    lines = ["| numbers (float64) | " + " | ".join(f"{r} ranks" for r in RANKS[1:]) + " |", "|---:|---:|---:|"]
    for size in SIZES:
        cells = [f"{by_ranks[str(r)]['allreduce'][str(size)] * 1e6:,.0f} µs" for r in RANKS[1:]]
        lines.append(f"| {size:,} | {' | '.join(cells)} |")
    lines += ["", "| network | batch | ranks | step | of it communication | times one rank's speed |"]
    lines += ["|---|---:|---:|---:|---:|---:|"]
    for name, batches in BATCHES.items():
        for batch in batches:
            one = by_ranks["1"]["steps"][name][str(batch)]["alone"]
            for ranks in RANKS:
                s = by_ranks[str(ranks)]["steps"][name][str(batch)]
                share = max(1 - s["alone"] / s["together"], 0.0)
                row = f"| {NETWORKS[name]} | {batch:,} | {ranks} | {s['together'] * 1e3:.2f} ms "
                lines.append(f"{row}| {share:.0%} | {one / s['together']:.2f} |")
    return "\n".join(
        [
            f"{found['cores']} cores, {by_ranks['1']['mpi']}, {found['date']}.",
            "",
            *lines,
            "",
            *overlapped(by_ranks["2"]),
            "",
            *of_rows(by_ranks["2"]["rows"]),
            "",
            *extrapolated(by_ranks["1"]["steps"]),
        ]
    )


def link(allreduces: dict[str, float]) -> tuple[float, float]:
    """Seconds a message and bytes a second of the ring's formula, from the smallest and the largest of two ranks'."""
    latency = allreduces[str(SIZES[0])] / 2
    return latency, 8 * SIZES[-1] / (allreduces[str(SIZES[-1])] - 2 * latency)


def overlapped(two: dict[str, Any]) -> list[str]:
    """Steps by the size of the buckets, measured, and by the formula: backward is taken as two thirds of a step."""
    found, (latency, rate) = two["overlap"], link(two["allreduce"])
    alone, size = found["seconds"]["alone"], found["bytes"]
    lines = [
        "| gradients averaged | step | waited | by the formula, all hidden that fits | by the formula, nothing hidden |"
    ]
    lines += ["|---|---:|---:|---:|---:|", f"| not at all | {alone * 1e3:.0f} ms | | | |"]
    for kind, cap in CAPS.items():
        last = min(cap * 2**20, size) if cap else size
        whole, tail = ring(2, size, latency, rate), ring(2, last, latency, rate)
        hidden = alone + (max(tail, whole - alone * 2 / 3) if last < size else whole)
        cells = (found["seconds"][kind], found["waits"][kind], hidden, alone + whole)
        lines.append(f"| {kind} | {' | '.join(f'{seconds * 1e3:.0f} ms' for seconds in cells)} |")
    return lines


def of_rows(found: dict[str, dict[str, float]]) -> list[str]:
    """An embedding's gradient by rows and whole: what arrives at a rank, and what a step takes longer for it."""
    lines = [
        "| words looked up | gradient | bytes to a rank | step alone | step averaged |",
        "|---:|---|---:|---:|---:|",
    ]
    for used, times in found.items():
        for kind, size in (("rows", int(used) * 8 * (TABLE[1] + 1)), ("dense", 8 * TABLE[0] * TABLE[1])):
            alone, together = (times[f"{kind} {averaged}"] * 1e3 for averaged in ("alone", "together"))
            lines.append(f"| {int(used):,} | {kind} | {size:,} | {alone:.2f} ms | {together:.2f} ms |")
    return lines


def extrapolated(alone: dict[str, dict[str, dict[str, float]]]) -> list[str]:
    """What the model says of 64 nodes with a rank each: nothing of this is measured but the first line's compute."""
    lines = [
        "| network | samples a node | network between nodes | compute | allreduce | efficiency, none to all hidden |"
    ]
    lines += ["|---|---:|---|---:|---:|---:|"]
    for name, steps in alone.items():
        fixed, slope = fitted(steps)
        for samples in (BATCHES[name][0], BATCHES[name][-1]):
            compute = fixed + slope * samples
            for link, (latency, rate) in LINKS.items():
                sent = ring(64, next(iter(steps.values()))["bytes"], latency, rate)
                hidden = compute / (compute + max(sent - compute / 2, 0.0))  # behind backward, half of a step at least
                row = f"| {NETWORKS[name]} | {samples:,} | {link} | {compute * 1e3:.2f} ms | {sent * 1e3:.2f} ms "
                lines.append(f"{row}| {compute / (compute + sent):.0%} to {hidden:.0%} |")
    return lines


def main() -> None:
    """The command line."""
    parse = argparse.ArgumentParser(prog="python -m benchmarks.distributed", description=__doc__)
    parse.add_argument("--quick", action="store_true", help="few rounds, nothing written")
    parse.add_argument("--update", action="store_true", help="write the tables of docs/distributed.md")
    parse.add_argument("--rank", type=int, help=argparse.SUPPRESS)
    given = parse.parse_args()
    if given.rank:
        work(given.rank)
    elif given.update:
        text = PAGE.read_text("utf-8")
        before, _, rest = text.partition("<!-- measured:start -->")
        after = rest.partition("<!-- measured:end -->")[2]
        block = f"<!-- measured:start -->\n{tables(json.loads(RESULTS.read_text()))}\n<!-- measured:end -->"
        PAGE.write_text(before + block + after, "utf-8")
    else:
        found = measured(2 if given.quick else 15)
        print(tables(json.loads(json.dumps(found))))
        if not given.quick:
            RESULTS.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
