"""Losses as Modules: the functions of nearly the same names, with their settings as attributes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_lite.core import Tensor
from autograd_lite.nn import functional as F
from autograd_lite.nn.layer import Layer


class _Loss(Layer):
    """A function of tensors, with attributes for its other arguments, by name."""

    _function: Callable[..., Any]
    _settings: tuple[str, ...] = ()

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def _of(self, *tensors: Any) -> Any:
        settings = {name: getattr(self, name) for name in self._settings}
        return type(self)._function(*tensors, **settings, reduction=self.reduction)


class _Pair(_Loss):
    """One of two tensors."""

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of an input and its target: a number, or what is not reduced."""
        return self._of(input, target)


class MSELoss(_Pair):
    """The mean (or "sum", or "none") of squared differences of input and target, which have one shape.

    Raises ValueError where they have not, and for another `reduction`, as all losses here do.

    >>> import autograd_lite as al
    >>> al.nn.MSELoss()(al.tensor([1.0, 2.0]), al.zeros(2))
    tensor(2.5)
    >>> al.nn.MSELoss(reduction="none")(al.tensor([1.0, 2.0]), al.zeros(2))
    tensor([1., 4.])
    """

    _function = F.mse_loss


class L1Loss(_Pair):
    """The mean (or "sum", or "none") of absolute differences of input and target, which have one shape.

    >>> import autograd_lite as al
    >>> al.nn.L1Loss()(al.tensor([1.0, -2.0]), al.zeros(2))
    tensor(1.5)
    """

    _function = F.l1_loss


class SoftMarginLoss(_Pair):
    """log(1 + exp(-target input)), targets being 1 or -1, of the input's shape; without overflow.

    >>> import autograd_lite as al
    >>> al.nn.SoftMarginLoss(reduction="none")(al.tensor([0.0, -1000.0]), al.tensor([1.0, 1.0]))
    tensor([6.93147181e-01, 1.00000000e+03])
    """

    _function = F.soft_margin_loss


class SmoothL1Loss(_Pair):
    """Half the squared difference over beta where it is under beta, else its absolute value less beta / 2.

    Girshick, 2015. With a beta of 0 it is `L1Loss`; raises ValueError for a negative one. Input and target have one
    shape.

    >>> import autograd_lite as al
    >>> al.nn.SmoothL1Loss(reduction="none")(al.tensor([0.5, 3.0]), al.zeros(2))
    tensor([0.125, 2.5  ])
    """

    _function, _settings = F.smooth_l1_loss, ("beta",)

    def __init__(self, *, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.beta = beta


class HuberLoss(_Pair):
    """Half the squared difference up to delta, beyond it delta times (its absolute value less delta / 2) (Huber, 1964).

    Raises ValueError unless delta is positive. Input and target have one shape.

    >>> import autograd_lite as al
    >>> al.nn.HuberLoss(reduction="none", delta=2.0)(al.tensor([0.5, 3.0]), al.zeros(2))
    tensor([0.125, 4.   ])
    """

    _function, _settings = F.huber_loss, ("delta",)

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta


class _Weighted(_Pair):
    """One with factors, which are part of its state."""

    _settings: tuple[str, ...] = ("weight",)
    weight: Tensor | None

    def __init__(self, weight: Any = None, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self._keep("weight", weight)

    def _keep(self, name: str, factors: Any) -> None:
        """As a buffer, or None."""
        self.register_buffer(name, factors if factors is None or isinstance(factors, Tensor) else Tensor(factors))


class CrossEntropyLoss(_Weighted):
    """Softmax and cross-entropy from logits (N, C), (C,) or (N, C, ...), in nats: see `functional.cross_entropy`.

    The target is class numbers, of the shape without C, or probabilities of the logits' shape. `weight` (C,) has a
    factor for each class; class `ignore_index` does not count; with `label_smoothing` s the target is 1 - s of itself
    and s of the uniform one (Szegedy et al., 2015). Raises IndexError for a class out of range.

    >>> import autograd_lite as al
    >>> al.nn.CrossEntropyLoss()(al.zeros(3, 2), al.tensor([0, 1, 1]))
    tensor(0.69314718)
    >>> al.nn.CrossEntropyLoss(reduction="none")(al.zeros(2, 4), al.tensor([0, -100]))
    tensor([1.38629436, 0.        ])
    """

    _function, _settings = F.cross_entropy, ("weight", "ignore_index", "label_smoothing")

    def __init__(
        self,
        weight: Any = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, reduction=reduction)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing


class NLLLoss(_Weighted):
    """Minus the log-probability of each target class, from log-probabilities (N, C), (C,) or (N, C, ...).

    The target has class numbers, of the shape without C: see `functional.nll_loss`. `weight` (C,) has a factor for each
    class; class `ignore_index` does not count.

    >>> import autograd_lite as al
    >>> al.nn.NLLLoss()(al.tensor([[-1.0, -2.0], [-3.0, -4.0]]), al.tensor([1, 0]))
    tensor(2.5)
    """

    _function, _settings = F.nll_loss, ("weight", "ignore_index")

    def __init__(self, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(weight, reduction=reduction)
        self.ignore_index = ignore_index


class BCELoss(_Weighted):
    """Binary cross-entropy of probabilities, -(t log(x) + (1 - t) log(1 - x)), in nats; logarithms are cut at -100.

    Input and target have one shape, with which `weight` broadcasts. From logits, `BCEWithLogitsLoss` loses fewer
    digits.

    >>> import autograd_lite as al
    >>> al.nn.BCELoss(reduction="none")(al.tensor([0.5, 0.0]), al.tensor([1.0, 1.0]))
    tensor([  0.69314718, 100.        ])
    """

    _function = F.binary_cross_entropy


class BCEWithLogitsLoss(_Weighted):
    """Sigmoid and binary cross-entropy from logits, in nats; without overflow. Input and target have one shape.

    `weight` is multiplied to the losses, `pos_weight` to their parts where the target is 1; both broadcast.

    >>> import autograd_lite as al
    >>> al.nn.BCEWithLogitsLoss(reduction="none")(al.tensor([0.0, -1000.0]), al.tensor([1.0, 1.0]))
    tensor([6.93147181e-01, 1.00000000e+03])
    >>> al.nn.BCEWithLogitsLoss(pos_weight=al.tensor([3.0]))(al.zeros(1), al.ones(1))
    tensor(2.07944154)
    """

    _function, _settings = F.binary_cross_entropy_with_logits, ("weight", "pos_weight")
    pos_weight: Tensor | None

    def __init__(self, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None) -> None:
        super().__init__(weight, reduction=reduction)
        self._keep("pos_weight", pos_weight)


class MultiLabelSoftMarginLoss(_Weighted):
    """Binary cross-entropy from logits, averaged over the classes, which are the last dimension: (N, C) to (N,).

    The target has 1 for each class that there is, else 0; `weight` (C,) has a factor for each.

    >>> import autograd_lite as al
    >>> al.nn.MultiLabelSoftMarginLoss(reduction="none")(al.zeros(2, 3), al.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]]))
    tensor([0.69314718, 0.69314718])
    """

    _function = F.multilabel_soft_margin_loss


class KLDivLoss(_Pair):
    """target (log(target) - input), of log-probabilities and probabilities of one shape (Kullback and Leibler, 1951).

    With `log_target` the target is logarithms, too. The mean is over all elements; "batchmean" divides the sum by the
    size of dimension 0, which makes it the mean divergence: see `functional.kl_div`.

    >>> import autograd_lite as al
    >>> p, q = al.tensor([[0.5, 0.5]]), al.tensor([[0.25, 0.75]])
    >>> al.nn.KLDivLoss(reduction="batchmean")(al.log(q), p)
    tensor(0.14384104)
    """

    _function, _settings = F.kl_div, ("log_target",)

    def __init__(self, *, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.log_target = log_target


class PoissonNLLLoss(_Loss):
    """Minus the logarithm of a count's Poisson probability, from the rate's logarithm: exp(input) - target · input.

    The term log(target!), which the input cannot change, is left out. With `log_input=False` the input is the rate, and
    the loss input - target log(input + eps). `full` adds Stirling's approximation of log(target!) for counts over 1.

    >>> import autograd_lite as al
    >>> al.nn.PoissonNLLLoss(reduction="none")(al.tensor([0.0, 1.0]), al.tensor([2.0, 2.0]))
    tensor([1.        , 0.71828183])
    """

    _function, _settings = F.poisson_nll_loss, ("log_input", "full", "eps")

    def __init__(
        self, log_input: bool = True, full: bool = False, *, eps: float = 1e-8, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction=reduction)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, log_input: Any, target: Any) -> Any:
        """The loss of rates, or their logarithms, and counts: a number, or what is not reduced."""
        return self._of(log_input, target)


class GaussianNLLLoss(_Loss):
    """Half of log(var) + (input - target)² / var, the variance being at least eps (Nix and Weigend, 1994).

    Called with input, target and var, which has the input's shape, or 1 for or without its last size, or is a number;
    `full` adds log(2π) / 2. Raises ValueError for a negative variance.

    >>> import autograd_lite as al
    >>> al.nn.GaussianNLLLoss()(al.tensor([1.0]), al.tensor([3.0]), al.tensor([4.0]))
    tensor(1.19314718)
    """

    _function, _settings = F.gaussian_nll_loss, ("full", "eps")

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full, self.eps = full, eps

    def forward(self, input: Any, target: Any, var: Any) -> Any:
        """The loss of means, what was found, and variances: a number, or what is not reduced."""
        return self._of(input, target, var)
