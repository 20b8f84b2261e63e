"""Decompositions: what they are made of, and gradients of what does not depend on signs, against PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from op_calls import DEFINITE, REGULAR, TALL, WIDE, numbers

import autograd_lite as al

SHAPES = pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 2), (2, 2, 3), (1, 1), (0, 3, 3)])


def tracked(values: Any, dtype: Any = np.float64) -> al.Tensor:
    return al.tensor(np.array(values, dtype), requires_grad=True)


@SHAPES
@pytest.mark.parametrize("full", [False, True])
def test_svd_gives_the_matrix_back(shape: tuple[int, ...], full: bool):
    a = numbers(*shape)
    u, s, vh = al.linalg.svd(al.tensor(a), full)
    for ours, theirs in zip((u, s, vh), np.linalg.svd(a, full), strict=True):
        assert ours.shape == theirs.shape
    k = min(shape[-2:])
    np.testing.assert_allclose((u.data[..., :k] * s.data[..., None, :]) @ vh.data[..., :k, :], a, atol=1e-14)
    np.testing.assert_allclose(
        u.mT.data @ u.data, np.broadcast_to(np.eye(u.shape[-1]), u.mT.shape[:-1] + u.shape[-1:]), atol=1e-14
    )


@SHAPES
@pytest.mark.parametrize("mode", ["reduced", "complete"])
def test_qr_gives_the_matrix_back(shape: tuple[int, ...], mode: str):
    a = numbers(*shape)
    q, r = al.linalg.qr(al.tensor(a), mode)
    np.testing.assert_allclose(q.data @ r.data, a, atol=1e-14)
    np.testing.assert_allclose(np.triu(r.data), r.data, atol=1e-14)
    for ours, theirs in zip((q, r), np.linalg.qr(a, mode), strict=True):
        assert ours.shape == theirs.shape


@pytest.mark.parametrize("upper", ["L", "U"])
def test_eigh_reads_one_triangle(upper: str):
    a = numbers(2, 3, 3)
    w, v = al.linalg.eigh(al.tensor(a), upper)
    want = np.linalg.eigh(a, upper)
    np.testing.assert_allclose(w.data, want[0], atol=1e-14)
    np.testing.assert_allclose(np.abs(v.data), np.abs(want[1]), atol=1e-14)


def symmetric(a: Any) -> Any:
    return (a + a.mT) * 0.5


INVARIANT: dict[str, tuple[Callable[..., Any], Any]] = {
    "eigh": (lambda la, a: signless(la, *la.eigh(symmetric(a))), DEFINITE),
    "eigh, values": (lambda la, a: la.eigh(symmetric(a))[0], numbers(4, 4)),
    "svd, square": (lambda la, a: products(*la.svd(a, full_matrices=False)), REGULAR),
    "svd, tall": (lambda la, a: products(*la.svd(a, full_matrices=False)), TALL),
    "svd, wide": (lambda la, a: products(*la.svd(a, full_matrices=False)), WIDE),
    "qr, square": (lambda la, a: la.qr(a)[0] @ (la.qr(a)[1] ** 2), REGULAR),
    "qr, tall": (lambda la, a: la.qr(a)[0].mT * (la.qr(a)[1] @ la.qr(a)[1].mT)[:, :1], TALL),
    "qr, batch": (lambda la, a: la.qr(a)[1] * la.qr(a)[0].sum(-2, True), numbers(2, 3, 2)),
    "qr, wide": (lambda la, a: la.qr(a)[1] * 2, WIDE),
    "det of a product": (lambda la, a: la.det(a @ a), REGULAR),
}


def signless(la: Any, w: Any, v: Any) -> Any:
    return (v * (w**2 + 1)[..., None, :]) @ v.mT


def products(u: Any, s: Any, vh: Any) -> Any:
    """Each singular vector meets another of the same sign."""
    return (u * s.exp()[..., None, :]) @ vh + ((u**2) @ s[..., None])[..., :1, :]


@pytest.mark.parametrize("name", INVARIANT)
def test_gradients_to_second_order_are_the_differences(name: str):
    function, a = INVARIANT[name]
    for check in (al.gradcheck, al.gradgradcheck):
        report = check(lambda x: function(al.linalg, x), tracked(a))
        assert report, str(report)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", INVARIANT)
def test_gradients_are_pytorchs(name: str, dtype: Any):
    pytest.importorskip("torch", reason="PyTorch is the reference of these tests, and it is not installed")
    import torch
    from test_ops_torch import agree

    function, a = INVARIANT[name]
    second = dtype == np.float64 and name != "qr, wide"
    agree(lambda x: function(al.linalg, x), lambda x: function(torch.linalg, x), a, dtype=dtype, second=second)


def test_singular_matrices_are_refused():
    singular = al.tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    for call in (al.linalg.inv, lambda a: al.linalg.solve(a, al.ones(2)), lambda a: al.linalg.cholesky(a - 5.0)):
        with pytest.raises(np.linalg.LinAlgError):
            call(singular)
    with pytest.raises(np.linalg.LinAlgError):
        al.linalg.det(singular).backward()


@pytest.mark.parametrize("name", ["inv", "det", "slogdet", "cholesky", "eigh", "eigvalsh", "matrix_power"])
def test_what_is_not_square_is_refused(name: str):
    more = (2,) if name == "matrix_power" else ()
    with pytest.raises(ValueError, match=r"takes square matrices, and this has shape \(2, 3\)"):
        getattr(al.linalg, name)(al.ones(2, 3), *more)
    with pytest.raises(ValueError, match="takes matrices"):
        getattr(al.linalg, name)(al.ones(3), *more)
    with pytest.raises(TypeError, match=r"takes floats.*\.double\(\)"):
        getattr(al.linalg, name)(al.arange(4).reshape(2, 2), *more)


def test_what_else_is_refused():
    with pytest.raises(ValueError, match="do not fit: B has as many rows as A"):
        al.linalg.solve(al.eye(3), al.ones(2, 2))
    with pytest.raises(ValueError, match="ord is fro, nuc"):
        al.linalg.matrix_norm(al.ones(2, 2), 3)
    with pytest.raises(ValueError, match="has no gradient: mode='reduced' has one"):
        al.linalg.qr(al.ones(3, 2, requires_grad=True), "complete")
    with pytest.raises(ValueError, match="mode is reduced"):
        al.linalg.qr(al.ones(3, 2), "raw")
    with pytest.raises(ValueError, match="takes a vector or a matrix"):
        al.linalg.norm(al.ones(2, 2, 2), 1)


def test_least_squares_are_numpys():
    a, b = numbers(5, 2), numbers(5, 3, seed=4)
    ours, theirs = al.linalg.lstsq(al.tensor(a), al.tensor(b)), np.linalg.lstsq(a, b)
    for mine, want in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.data, want, rtol=1e-12)
