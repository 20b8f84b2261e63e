"""The wider set of PyTorch's ops: values, gradients and second gradients are PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from op_calls import CALLS, X, identity, numbers, parts

import autograd_lite as al

torch = pytest.importorskip("torch", reason="PyTorch is the reference of these tests, and it is not installed")

from test_ops_torch import DTYPES, WHERE, agree, close, same_call  # noqa: E402

WHERE["linalg"] = (al.linalg, torch.linalg)


@DTYPES
@pytest.mark.parametrize("case", CALLS, ids=identity)
def test_the_same_call_gives_pytorchs_values_and_gradients(case: tuple[Any, ...], dtype: Any):
    where, name, args, keywords = parts(case)
    with np.errstate(all="ignore"):
        same_call(where, name, *args, dtype=dtype, **keywords)


@pytest.mark.parametrize("args", [(), (1,), (1, True), (None, True), (-1,)])
@pytest.mark.parametrize("q", [[0.1, 0.7], 0.4])
def test_quantiles_of_several_shares_come_first(q: Any, args: tuple[Any, ...]):
    ours = al.quantile(al.tensor(X), al.tensor(q), *args)
    theirs = torch.quantile(torch.tensor(X), torch.tensor(q, dtype=torch.float64), *args)
    close(ours, theirs, np.float64, "values")


@pytest.mark.parametrize("name", ["unique", "unique_consecutive"])
@pytest.mark.parametrize("dim", [None, 0, 1])
def test_unique_of_slices(name: str, dim: int | None):
    x = np.array([[1, 2, 2], [1, 2, 2], [0, 5, 5]])
    options = {"return_inverse": True, "return_counts": True, "dim": dim}
    for a, b in zip(
        getattr(al, name)(al.tensor(x), **options), getattr(torch, name)(torch.tensor(x), **options), strict=True
    ):
        close(a, b, np.int64, "values")


def test_what_joins_lists_agrees():
    parts = numbers(2, 3), numbers(2, 3, seed=2)
    for name in ("hstack", "vstack", "dstack", "column_stack", "row_stack", "concat", "concatenate", "cat"):
        for shape in ((2, 3), (6,), (1, 2, 3)):
            ours = lambda *p: getattr(al, name)([t.reshape(shape) for t in p])  # noqa: B023
            theirs = lambda *p: getattr(torch, name)([t.reshape(shape) for t in p])  # noqa: B023
            agree(ours, theirs, *parts)
    for cut in ("hsplit", "vsplit", "dsplit"):
        agree(lambda x: getattr(al, cut)(x, 2), lambda x: getattr(torch, cut)(x, 2), numbers(2, 4, 2))  # noqa: B023


def test_slogdet_of_a_negative_determinant():
    close(al.linalg.slogdet(al.tensor([[-2.0]])).sign, torch.tensor(-1.0, dtype=torch.float64), np.float64, "sign")


def test_index_put_with_masks_and_accumulation():
    index, mask = np.array([0, 1, 1]), X[0] > 0
    for accumulate in (False, True):
        agree(
            lambda x, v: al.index_put(x, (al.tensor(index[:2]),), v, accumulate),  # noqa: B023
            lambda x, v: torch.index_put(x, (torch.tensor(index[:2]),), v, accumulate),  # noqa: B023
            X,
            X[0],
        )
        agree(
            lambda x, v: al.index_put(x, (al.tensor(mask),), v, accumulate),  # noqa: B023
            lambda x, v: torch.index_put(x, (torch.tensor(mask),), v, accumulate),  # noqa: B023
            X[0],
            np.array(2.0),
        )
    agree(
        lambda x, v: al.index_put(x, (al.tensor(index),), v, True),
        lambda x, v: torch.index_put(x, (torch.tensor(index),), v, True),
        X,
        numbers(3, 3, 4),
    )
