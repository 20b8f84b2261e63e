"""Every op of the table of calls, without PyTorch: its gradients are the differences, and its code gives them."""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import pytest
from op_calls import (
    APART,
    CALLS,
    DEFINITE,
    INF,
    OTHER,
    POSITIVE,
    REGULAR,
    TALL,
    X,
    Y,
    identity,
    numbers,
    parts,
)  # fmt: skip
from test_ops_gradients import CASES, NO_DERIVATIVE

import autograd_lite as al
from autograd_lite import ops
from autograd_lite.nn import functional as F

NAMESPACES = {"torch": al, "Tensor": al.Tensor, "F": F, "linalg": al.linalg}

PLACES = np.array([[[2], [2]], [[1], [2]]])

# What PyTorch has not, has under another name, or has no second derivatives of
MORE: list[tuple[Any, ...]] = [
    *[("ops", "unfold_dimension", X, 1, 2, 1), ("ops", "expit", X), ("ops", "sgn", X), ("ops", "sub", X, Y)],
    *[("ops", n, [X[0], Y[1]]) for n in ("hstack", "vstack", "dstack", "column_stack", "row_stack", "concat")],
    *[("ops", n, [X[0], Y[1]]) for n in ("concatenate",)],
    *[("ops", "chain_matmul", X[0], numbers(4, 2), numbers(2, 5)), ("ops", "cdist", X, Y, 3.0)],
    *[("ops", "multi_dot", [X[0], numbers(4, 2), numbers(2, 5), numbers(5)]), ("ops", "xlog1py", X, POSITIVE[0, 0])],
    *[("ops", "split_with_sizes", X, [1, 3], 2), ("ops", "cholesky_solve", OTHER, np.linalg.cholesky(DEFINITE[0]))],
    *[("ops", "index_put", X, ([0, 1], [2, 0]), Y[:, 0]), ("ops", "index_put", X, ([0, 0],), Y, True)],
    *[("ops", "scatter", X, 1, PLACES, Y[:, :2, :1], {"reduce": r}) for r in ("add", "multiply")],
    *[("ops", "scatter_reduce", X, 1, PLACES, Y[:, :2, :1], r) for r in ("prod", "amax")],
    *[("linalg", "cond", REGULAR, p) for p in (1, "fro", INF)],
    *[("ops", "vander", X[0, 0], 3), ("linalg", "lstsq", TALL, numbers(5, 2, seed=9))],
    *[("ops", "nanquantile", X, 0.4, 1)],
    *[("ops", "quantile", APART, [0.1, 0.6], d, k) for d in (None, 1) for k in (True, False)],
    *[("ops", "reshape_as", X, np.zeros((6, 4), int)), ("ops", "view_as", X, np.zeros((6, 4), int))],
    *[("ops", "expand_as", X[0], np.zeros((2, 3, 4), int)), ("ops", "repeat", X, 2, 1, 2)],
]  # fmt: skip
QUESTIONS = {  # no derivative, or no tensor at all
    *(
        "allclose",
        "bitwise_left_shift",
        "bitwise_not",
        "bitwise_right_shift",
        "bitwise_xor",
        "eq",
        "equal",
        "gcd",
        "ge",
    ),
    *("gt", "is_floating_point", "is_nonzero", "is_tensor", "isclose", "isin", "isneginf", "isposinf", "isreal", "lcm"),
    *("le", "logical_xor", "lt", "ne", "numel", "signbit", "heaviside", "count_nonzero", "argsort", "bincount"),
    *("bucketize", "histc", "searchsorted", "unique", "unique_consecutive", "argwhere", "nonzero", "broadcast_shapes"),
    *("matrix_rank", "all", "any", "result_type"),
}


SYMMETRIC = {"cholesky", "eigvalsh"}  # of a symmetric matrix: what moves must stay symmetric


def tracked(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def operands(args: tuple[Any, ...]) -> list[Any]:
    """The arrays of floats among the arguments, those in lists included."""
    return [a for x in args for a in (x if isinstance(x, list) else [x]) if tracked(a)]


def caller(case: tuple[Any, ...]) -> Any:
    """A function of the arrays of floats; of its results that are floats, in one row."""
    where, name, args, keywords = parts(case)
    keywords.pop("second", None)
    function = getattr({**NAMESPACES, "ops": ops}[where], name)

    def call(*floats: Any) -> Any:
        if name in SYMMETRIC:
            floats = ((floats[0] + floats[0].swapaxes(-1, -2)) * 0.5, *floats[1:])
        rest = iter(floats)
        full = [
            [next(rest) if tracked(e) else e for e in a] if isinstance(a, list) else next(rest) if tracked(a) else a
            for a in args
        ]
        made = function(*full, **keywords)
        given = [y for y in (made if isinstance(made, tuple | list) else (made,)) if y.dtype.kind == "f"]
        return al.cat([al.reshape(y, (-1,)) for y in given]) if len(given) > 1 else given[0]

    return call


def smooth(case: tuple[Any, ...]) -> bool:
    where, name, args, keywords = parts(case)
    floats = operands(args)
    return (
        name not in QUESTIONS
        and bool(floats)
        and all(np.isfinite(a).all() and a.size for a in floats)
        and not ("second" in keywords and name != "cdist")
        and where != "Tensor"
        and not any(np.unique(a).size < a.size and a is not DEFINITE[0] for a in floats if a.size > 1 and a.ndim < 3)
    )


def chosen() -> list[tuple[Any, ...]]:
    """At most three calls of each name."""
    found, count = [], dict[str, int]()
    for case in [*MORE, *CALLS]:
        if smooth(case) and count.get(case[1], 0) < 3:
            count[case[1]] = count.get(case[1], 0) + 1
            found.append(case)
    return found


CHECKED = chosen()


@pytest.mark.parametrize("case", CHECKED, ids=identity)
def test_gradients_of_first_and_second_order_are_the_differences(case: tuple[Any, ...]):
    call, arrays = caller(case), operands(parts(case)[2])
    leaves = [al.tensor(np.array(a), requires_grad=True) for a in arrays]
    if not call(*leaves).requires_grad:
        pytest.skip("flat")
    for check in (al.gradcheck, al.gradgradcheck):
        report = check(call, leaves)
        assert report, str(report)


@pytest.mark.parametrize("case", CHECKED, ids=identity)
def test_arrays_give_arrays_and_nothing_is_written_into_them(case: tuple[Any, ...]):
    call, arrays = caller(case), operands(parts(case)[2])
    before = [a.copy() for a in arrays]
    if parts(case)[0] != "Tensor":
        plain = call(*arrays)
        recorded = call(*[al.tensor(np.array(a, order="F"), requires_grad=True) for a in arrays])
        assert isinstance(plain, np.ndarray | np.generic)
        np.testing.assert_allclose(recorded.data, plain, rtol=1e-13, atol=1e-13)
    for a, b in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("case", CHECKED, ids=identity)
def test_the_code_of_an_op_gives_its_gradients(case: tuple[Any, ...]):
    call, arrays = caller(case), operands(parts(case)[2])
    leaves = [al.tensor(np.array(a), requires_grad=True, name=f"x{k}") for k, a in enumerate(arrays)]
    y = call(*leaves)
    loss = (y * al.tensor(np.random.default_rng(5).normal(size=y.shape), name="cotangent")).sum()
    if not y.requires_grad:
        return
    derived = al.derive(loss)
    if derived.lost:
        return
    gradients = derived.function()()
    for key, g in zip(
        (f"x{k}" for k in range(len(leaves))), al.autograd.grad(loss, leaves, allow_unused=True), strict=True
    ):
        if g is not None and key in gradients:
            np.testing.assert_allclose(gradients[key], g.data, rtol=0, atol=1e-12 * np.max(np.abs(g.data), initial=1.0))


@pytest.mark.parametrize("case", CHECKED, ids=identity)
def test_a_compiled_step_is_the_eager_one(case: tuple[Any, ...]):
    call, arrays = caller(case), operands(parts(case)[2])

    def trained(compiled: bool) -> tuple[list[float], list[np.ndarray]]:
        leaves = [al.tensor(np.array(a), requires_grad=True) for a in arrays]
        optimizer = al.optim.SGD(leaves, lr=1e-3)

        def step(scale: Any) -> Any:
            optimizer.zero_grad()
            loss = (call(*leaves) * scale).sum()
            loss.backward()
            optimizer.step()
            return loss

        run = al.compile(step) if compiled else step
        return [run(al.tensor(s)).item() for s in (1.0, 0.5, 0.7)], [x.data for x in leaves]

    if not call(*[al.tensor(a, requires_grad=True) for a in arrays]).requires_grad:
        pytest.skip("flat")
    if case[1] == "lstsq":  # the rank, a value, decides what shape the residuals have
        with pytest.raises(al.TraceError, match="reads numbers"):
            trained(True)
        return
    with np.errstate(all="ignore"):
        (losses, ours), (expected, theirs) = trained(True), trained(False)
    np.testing.assert_allclose(losses, expected, rtol=1e-11)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)


ELSEWHERE = {"eigh", "qr", "svd"}  # test_ops_matrices.py


def test_every_public_op_is_in_a_table():
    public = {name for name in ops.__all__ if not isinstance(getattr(ops, name), types.ModuleType)}
    tables = {name.split(",")[0] for name in CASES} | NO_DERIVATIVE | {case[1] for case in [*CALLS, *MORE]} | QUESTIONS
    assert public <= tables | ELSEWHERE
