"""`gradcheck` and `gradgradcheck` as `torch.autograd` calls them: wrong gradients raise, unless told otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_lite import check
from autograd_lite.check import Report


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float | None = None,
    atol: float | None = None,
    rtol: float = 1e-6,
    raise_exception: bool = True,
    **options: Any,
) -> Report:
    """`al.gradcheck` with PyTorch's arguments: raises GradcheckError where gradients are wrong, else a true report.

    `eps` and `atol` are taken and not used: steps are found, rounding is measured. Other options are `al.gradcheck`'s.

    >>> import autograd_lite as al
    >>> x = al.tensor([1.0, 2.0], requires_grad=True)
    >>> bool(al.autograd.gradcheck(al.exp, (x,), eps=1e-6, atol=1e-4))
    True
    """
    return check.gradcheck(func, inputs, rtol=rtol, raise_exception=raise_exception, **_known(options))


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float | None = None,
    atol: float | None = None,
    rtol: float = 1e-6,
    raise_exception: bool = True,
    **options: Any,
) -> Report:
    """`al.gradgradcheck` with PyTorch's arguments, as `gradcheck` here.

    >>> import autograd_lite as al
    >>> x = al.tensor([0.5, 2.0], requires_grad=True)
    >>> bool(al.autograd.gradgradcheck(lambda x: (x**3).sum(), x))
    True
    """
    return check.gradgradcheck(
        func, inputs, grad_outputs, rtol=rtol, raise_exception=raise_exception, **_known(options)
    )


_PYTORCHS = ("nondet_tol", "check_undefined_grad", "check_grad_dtypes", "check_batched_grad", "fast_mode", "masked")


def _known(options: dict[str, Any]) -> dict[str, Any]:
    """Without the settings of PyTorch's own way to check."""
    return {name: value for name, value in options.items() if name not in _PYTORCHS}
