"""Training on several processes: what it computes is one process's, and when something goes wrong all of them stop."""

import json
import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.distributed.group import Group
from autograd_lite.nn import functional as F
from models.__main__ import main
from tests import distributed_program as program
from tests.ranks import mpiexec, needs_mpi

ROOT = Path(__file__).parent.parent


def run(ranks, scenario, folder=""):
    return mpiexec(ranks, ROOT / "tests" / "distributed_program.py", scenario, folder)


def alone(name, accumulate, start):
    """The same training in one process, on whole batches."""
    model = program.Words()
    model.load_state_dict(start)
    optimizer = program.optimizer_of(name, model)
    for step, (x, y) in enumerate(program.parts(1)):
        if step % accumulate == 0:
            optimizer.zero_grad()
        F.cross_entropy(model(x, step > 4), y).backward()
        if (step + 1) % accumulate == 0:
            optimizer.step()
    return {k: p.data for k, p in model.named_parameters()}


@needs_mpi
@pytest.mark.parametrize("ranks", [2, 3])
def test_the_result_is_that_of_one_process_with_the_whole_batch(ranks, tmp_path):
    """Batches of 7 and 8; rows of an embedding, a layer used twice, one used later, one never; small buckets, one.

    The other scenarios of the program are checked by the ranks.
    """
    done = run(ranks, "together", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("did all") == ranks, done.stdout
    al.manual_seed(0)
    start = program.Words().state_dict()
    files = sorted(tmp_path.glob("*.npz"))
    assert len(files) == 6
    for path in files:
        name, _, accumulate, _ = path.stem.split("_")
        found, expected = al.load(path), alone(name, int(accumulate), start)
        moved = max(abs(expected[k] - start[k].data).max() for k in expected)
        assert moved > 0.02
        for k, value in expected.items():
            np.testing.assert_allclose(found[k].data, value, rtol=0, atol=1e-12, err_msg=f"{path.stem} {k}")


@needs_mpi
@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ("uncaught", "gradients have NaN or infinity, at rank 1: "),
        ("fewer", "rank 1 ended its training"),
        ("no_gradient_at_all", "of 2 waited 3 s in "),
    ],
)
def test_when_something_is_wrong_every_rank_stops(scenario, words):
    done = run(2, scenario)
    assert done.returncode != 0
    assert words in done.stderr, done.stderr
    if scenario == "uncaught":
        assert len(re.findall(f"DistributedError: {re.escape(words)}", done.stderr)) == 2  # each says it


@needs_mpi
@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ("killed", ""),
        ("raising", "rank 1 of 2 stops all ranks: KeyError: 'no such word'"),
        ("hanging", "rank 0 of 2 waited 3 s in "),
    ],
)
def test_a_rank_that_dies_stops_all_and_the_checkpoint_is_whole(scenario, words, tmp_path):
    done = run(2, scenario, tmp_path)
    assert done.returncode != 0
    assert words in done.stderr, done.stderr
    found = al.load(tmp_path / "checkpoint.npz")
    model = program.network()
    assert model.load_state_dict(found) == ([], [])


@needs_mpi
def test_a_network_of_the_book_trains_on_two_ranks_as_on_one(capsys):
    arguments = ("train", "9.1", "--epochs", "3")
    two = mpiexec(2, "-m", "models", *arguments, "--distributed")
    assert two.returncode == 0, two.stderr
    assert main(arguments) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("I:")]
    assert lines == [line for line in two.stdout.splitlines() if line.startswith("I:")]
    assert lines


def test_what_is_under_way_is_kept_when_a_wait_ends_in_an_error():
    """MPI goes on writing into the arrays of a request: they must not be freed, whatever interrupts."""

    class Request:
        answers: ClassVar = [False, KeyboardInterrupt, True]

        def Test(self):  # noqa: N802 (MPI's name)
            answer = self.answers.pop(0)
            if answer is KeyboardInterrupt:
                raise answer
            return answer

    group, request = Group.__new__(Group), Request()
    group.timeout, group.spins, group.under_way = 10.0, 0, {}
    with pytest.raises(KeyboardInterrupt):
        group.wait(request, "a test")
    assert list(group.under_way.values()) == [request]
    group.wait(request, "a test")
    assert not group.under_way


def test_the_page_shows_what_was_measured():
    from benchmarks import distributed

    text = distributed.PAGE.read_text("utf-8")
    block = text.partition("<!-- measured:start -->\n")[2].partition("\n<!-- measured:end -->")[0]
    assert block == distributed.tables(json.loads(distributed.RESULTS.read_text()))


def test_the_model_of_an_allreduce():
    """By hand: one exchange of halves each way between two; with many ranks all goes twice over every wire."""
    from benchmarks.distributed import ring

    assert ring(1, 8e6, 1e-6, 1e9) == 0
    assert ring(2, 8e6, 1e-6, 1e9) == pytest.approx(2e-6 + 8e-3)
    assert ring(10**6, 8e6, 0.0, 1e9) == pytest.approx(16e-3, rel=1e-5)


@pytest.mark.parametrize("arguments", [["11.1"], ["9.1", "--as-printed"]])
def test_what_cannot_train_on_several_ranks_is_refused(arguments, capsys):
    assert main(["train", *arguments, "--distributed"]) == 1
    assert "--distributed is for networks of batches" in capsys.readouterr().err


# In one process, with mpi4py or without


def test_without_mpi4py_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(ImportError, match=r"autograd_lite\[mpi\]"):
        al.distributed.init_process_group()
    assert not al.distributed.is_initialized()


def test_several_processes_that_nobody_joined_are_an_error(monkeypatch):
    monkeypatch.setenv("PMI_SIZE", "2")
    with pytest.raises(RuntimeError, match="init_process_group"):
        al.distributed.DistributedDataParallel(nn.Linear(2, 1))


def test_alone_a_model_is_trained_as_without():
    model = nn.Linear(3, 2)
    twin = nn.Linear(3, 2)
    twin.load_state_dict(model.state_dict())
    wrapped, x = al.distributed.DistributedDataParallel(model), al.rand(4, 3)
    wrapped(x).square().sum().backward()
    twin(x).square().sum().backward()
    assert np.array_equal(model.weight.grad.data, twin.weight.grad.data)
    assert list(wrapped.state_dict()) == ["module.weight", "module.bias"]


@pytest.mark.parametrize(("size", "ranks"), [(10, 3), (9, 3), (2, 4), (7, 1)])
def test_samplers_give_every_item(size, ranks):
    samplers = [al.distributed.DistributedSampler(range(size), ranks, rank) for rank in range(ranks)]
    shares = [list(sampler) for sampler in samplers]
    assert {len(share) for share in shares} == {-(-size // ranks)} == {len(sampler) for sampler in samplers}
    assert {k for share in shares for k in share} == set(range(size))
    dropping = [al.distributed.DistributedSampler(range(size), ranks, r, drop_last=True) for r in range(ranks)]
    flat = [k for sampler in dropping for k in sampler]
    assert len(flat) == len(set(flat)) == size // ranks * ranks


def test_another_epoch_is_another_order_on_all_ranks():
    first, second = (al.distributed.DistributedSampler(range(40), 2, rank) for rank in (0, 1))
    before = list(first)
    assert before == list(first)
    first.set_epoch(1)
    second.set_epoch(1)
    assert before != list(first)
    assert sorted([*first, *second]) == list(range(40))


def test_the_parts_of_a_batch_are_the_batch():
    batches = al.utils.data.BatchSampler(range(23), 7, drop_last=False)
    parts = [al.distributed.DistributedBatchSampler(batches, 2, rank) for rank in (0, 1)]
    assert [sorted(a + b) for a, b in zip(*parts, strict=True)] == list(batches)
    small = al.utils.data.BatchSampler(range(8), 7, drop_last=False)
    with pytest.raises(al.distributed.DistributedError, match="a batch of 1 has none"):
        list(al.distributed.DistributedBatchSampler(small, 2, 1))


@pytest.mark.parametrize(
    "call",
    [
        lambda: al.distributed.all_reduce(al.ones(2), "median"),
        lambda: al.distributed.DistributedSampler(range(3), 2, 2),
        lambda: al.distributed.DistributedDataParallel(nn.Linear(1, 1), reduction="median"),
        lambda: al.distributed.init_process_group("gloo"),
        lambda: al.distributed.init_process_group(timeout=0),
        lambda: al.distributed.init_process_group(timeout=timedelta(seconds=-1)),
        lambda: al.distributed.all_reduce(al.tensor([1, 2]), "avg"),
        lambda: al.distributed.all_gather([al.ones(2), al.ones(2)], al.ones(2)),
        lambda: al.distributed.scatter(al.ones(2)),
    ],
)
def test_settings_that_make_no_sense_are_refused(call):
    with pytest.raises(ValueError, match=r"and not|none of|has to be|is no int64|a list of 1"):
        call()


# The order in which gradients come


def test_a_gradient_is_ready_before_those_of_earlier_layers_are_worked_out():
    """Each leaf right after the last op that uses it, also where it is used twice."""
    from autograd_lite.graph import leaves_early, reach

    a, b = al.ones(2, requires_grad=True), al.ones(2, requires_grad=True)
    loss = ((a * 2.0 * b) * b * 3.0).sum()
    order = leaves_early(reach([loss.node]))
    assert sorted(map(id, order)) == sorted(map(id, reach([loss.node])))
    place = {node: k for k, node in enumerate(order)}
    assert order[place[b.node] - 1].parents == (order[place[b.node] + 1], b.node)
    for node in order:
        assert all(place[parent] > place[node] for parent in node.parents if parent is not None)
