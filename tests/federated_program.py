"""What the ranks of `test_federated.py` do: `mpiexec -n 2 python tests/federated_program.py SCENARIO [FOLDER]`."""

import os
import signal
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

import autograd_lite as al
from models.aggregation import KINDS, Paillier
from models.chapter_15 import PrintedSpam, mails, spam
from models.federated import Meeting, flat, holder, rounds, split

dist = al.distributed

SPAM = [f"win a prize now number {k} and {k * k}" for k in range(40)]
HAM = [f"see you at noon in room {k} or {k * k}" for k in range(70)]
MAILS = mails(SPAM, HAM, tested=10)
VERSIONS = {name: PrintedSpam(lr=0.1, padding=lambda: MAILS.padding) for name in spam.versions}
TINY = replace(spam, corpus=lambda: MAILS, size=5, versions=VERSIONS)
SMALL = {**KINDS, "paillier": partial(Paillier, bits=512)}  # keys that are made and used quickly


def holders_of(meeting):
    parts = split(TINY.data(), meeting.size)
    return [holder(TINY, parts[rank]) for rank in meeting.here]


def final(kind, size=1, seen=lambda sent, row: None):
    """The model after three rounds: of the ranks there are, or of so many holders in this process."""
    meeting = Meeting(size)
    *_, last = rounds(holders_of(meeting), TINY.start()[0], 3, SMALL[kind], meeting, seen)
    return flat(last)


def spied(kind):
    """The final model, and everything that this rank has said on the way: to all, and to one alone."""
    to_all, to_one = [], []
    for_all, for_one = dist.all_gather_object, dist.gather_object
    dist.all_gather_object = lambda found, obj: to_all.append(obj) or for_all(found, obj)
    dist.gather_object = lambda obj, found, dst: to_one.append(obj) or for_one(obj, found, dst)
    try:
        return final(kind), to_all, to_one
    finally:
        dist.all_gather_object, dist.gather_object = for_all, for_one


def equal(folder):
    rank, size = dist.get_rank(), dist.get_world_size()
    for kind in KINDS:
        row, to_all, to_one = spied(kind)
        dist.all_gather_object(rows := [], row)
        assert all(np.array_equal(row, other) for other in rows)
        key, *results = to_all
        assert isinstance(key, bytes)
        assert len(key) < 100
        opens = rank == (size - 1 if kind == "paillier" else 0)
        assert [None if r is None else (r.dtype, r.shape) for r in results] == [
            (np.float64, row.shape) if opens else None
        ] * 3
        dtype = {"masked": np.uint64, "paillier": np.uint8}.get(kind, np.float64)
        expected = dtype, row.shape if kind != "paillier" else (-(-row.size // 12), 129)
        said = [None if obj is None else (obj.dtype, obj.shape) for obj in to_one]
        assert said == [expected, expected if rank == 0 else None] * 3  # what is added up, then the sum
        dist.save({"model": row}, Path(folder) / f"{kind}.npz")


def dies(how):
    """One rank that does so while it trains in the second round."""

    def run(_):
        turn, meeting = [0], Meeting()
        (train,) = holders_of(meeting)

        def faulty(weights):
            turn[0] += 1
            if turn[0] == 2 and dist.get_rank() == dist.get_world_size() - 1:
                how()
            return train(weights)

        list(rounds([faulty], TINY.start()[0], 3, SMALL["paillier"], meeting))

    return run


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


def hanging():
    time.sleep(1000)


SCENARIOS = {"equal": equal, **{how.__name__: dies(how) for how in (killed, hanging)}}

if __name__ == "__main__":
    dist.init_process_group(timeout=3.0 if sys.argv[1] == "hanging" else 100.0)
    SCENARIOS[sys.argv[1]](sys.argv[2] if len(sys.argv) > 2 else None)
