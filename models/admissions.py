"""The applicants of part A, prepared as the text prepares them: six inputs each, and who is held back for the test."""

from __future__ import annotations

import numpy as np

from autograd_lite import data
from models.records import Array, Data

RANKS = (1, 2, 3, 4)
TRAINED = 360  # of 400 applicants


def features() -> tuple[Array, Array]:
    """Six inputs for each of the 400 applicants, in the order of the file, and whether they were admitted.

    The inputs are gre and gpa, less their mean and over their standard deviation (with n - 1), and for each rank of
    their school whether it is theirs. Raises FileNotFoundError, saying what to do, where the data is not there.
    """
    found = data.admissions()
    marks = np.column_stack([found.gre, found.gpa]).astype(float)
    standard = (marks - marks.mean(axis=0)) / marks.std(axis=0, ddof=1)
    one_hot = found.rank[:, None] == np.array(RANKS)
    return np.hstack([standard, one_hot]), found.admit.astype(float)


def split(seed: int) -> Data:
    """Nine of ten to train on, in the order in which they were drawn, the rest to test on, in the file's."""
    x, y = features()
    drawn = np.random.RandomState(seed).choice(len(x), TRAINED, replace=False)
    rest = np.setdiff1d(np.arange(len(x)), drawn)
    return Data(x[drawn], y[drawn], x[rest], y[rest])
