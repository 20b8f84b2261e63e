"""Losses as Modules: the functions of nearly the same names, with their settings as attributes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_lite.core import Tensor
from autograd_lite.nn import functional as F
from autograd_lite.nn.module import Module


class _Loss(Module):
    """A function of tensors, with attributes for its other arguments, by name."""

    _function: Callable[..., Any]
    _settings: tuple[str, ...] = ()

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, *tensors: Any, **named: Any) -> Any:
        """What the function takes: input and target, of one shape, or three of them."""
        settings = {name: getattr(self, name) for name in self._settings}
        return type(self)._function(*tensors, **named, **settings, reduction=self.reduction)


class MSELoss(_Loss):
    """The mean (or "sum", or "none") of squared differences."""

    _function = F.mse_loss


class L1Loss(_Loss):
    """The mean (or "sum", or "none") of absolute differences."""

    _function = F.l1_loss


class SoftMarginLoss(_Loss):
    """log(1 + exp(-target input)), targets being 1 or -1."""

    _function = F.soft_margin_loss


class SmoothL1Loss(_Loss):
    """Half the squared difference over beta where it is under beta, else its absolute value less beta / 2."""

    _function, _settings = F.smooth_l1_loss, ("beta",)

    def __init__(self, *, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.beta = beta


class HuberLoss(_Loss):
    """Half the squared difference up to delta, beyond it delta times (its absolute value less delta / 2)."""

    _function, _settings = F.huber_loss, ("delta",)

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta


class _Weighted(_Loss):
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
    """Softmax and cross-entropy from logits (N, C), in nats: see `functional.cross_entropy`.

    The target is class numbers (N,), or probabilities (N, C).

    >>> import autograd_lite as al
    >>> al.nn.CrossEntropyLoss()(al.zeros(3, 2), al.tensor([0, 1, 1]))
    tensor(0.69314718)
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
    """Minus the log-probability of each target class, from log-probabilities (N, C): see `functional.nll_loss`."""

    _function, _settings = F.nll_loss, ("weight", "ignore_index")

    def __init__(self, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(weight, reduction=reduction)
        self.ignore_index = ignore_index


class BCELoss(_Weighted):
    """Binary cross-entropy of probabilities, in nats."""

    _function = F.binary_cross_entropy


class BCEWithLogitsLoss(_Weighted):
    """Sigmoid and binary cross-entropy from logits, in nats."""

    _function, _settings = F.binary_cross_entropy_with_logits, ("weight", "pos_weight")
    pos_weight: Tensor | None

    def __init__(self, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None) -> None:
        super().__init__(weight, reduction=reduction)
        self._keep("pos_weight", pos_weight)


class MultiLabelSoftMarginLoss(_Weighted):
    """Binary cross-entropy from logits, averaged over the classes, which are the last dimension."""

    _function = F.multilabel_soft_margin_loss


class MultiMarginLoss(_Weighted):
    """Of scores (N, C): max(0, margin - right score + score) to the power p: see `functional.multi_margin_loss`."""

    _function, _settings = F.multi_margin_loss, ("p", "margin", "weight")

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Any = None, *, reduction: str = "mean") -> None:
        super().__init__(weight, reduction=reduction)
        if p not in (1, 2):
            raise ValueError(f"MultiMarginLoss: p is 1 or 2, and not {p}")
        self.p, self.margin = p, margin


class KLDivLoss(_Loss):
    """target (log(target) - input), of log-probabilities and probabilities: see `functional.kl_div`."""

    _function, _settings = F.kl_div, ("log_target",)

    def __init__(self, *, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.log_target = log_target


class PoissonNLLLoss(_Loss):
    """Minus the logarithm of a count's Poisson probability: see `functional.poisson_nll_loss`."""

    _function, _settings = F.poisson_nll_loss, ("log_input", "full", "eps")

    def __init__(
        self, log_input: bool = True, full: bool = False, *, eps: float = 1e-8, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction=reduction)
        self.log_input, self.full, self.eps = log_input, full, eps


class GaussianNLLLoss(_Loss):
    """Half of log(var) + (input - target)² / var: see `functional.gaussian_nll_loss`."""

    _function, _settings = F.gaussian_nll_loss, ("full", "eps")

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full, self.eps = full, eps


class HingeEmbeddingLoss(_Loss):
    """The input where the target is 1, max(0, margin - input) where it is -1."""

    _function, _settings = F.hinge_embedding_loss, ("margin",)

    def __init__(self, margin: float = 1.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin


class MarginRankingLoss(_Loss):
    """max(0, margin - target (input1 - input2)), targets being 1 or -1."""

    _function, _settings = F.margin_ranking_loss, ("margin",)

    def __init__(self, margin: float = 0.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin


class CosineEmbeddingLoss(MarginRankingLoss):
    """Of vectors: 1 - cosine where the target is 1, max(0, cosine - margin) where it is -1."""

    _function = F.cosine_embedding_loss


class TripletMarginLoss(_Loss):
    """max(0, margin + distance to the positive - distance to the negative): see `functional.triplet_margin_loss`."""

    _function, _settings = F.triplet_margin_loss, ("margin", "p", "eps", "swap")

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        *,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap


class TripletMarginWithDistanceLoss(_Loss):
    """`TripletMarginLoss` with another distance."""

    _function, _settings = F.triplet_margin_with_distance_loss, ("distance_function", "margin", "swap")

    def __init__(
        self,
        *,
        distance_function: Callable[[Any, Any], Any] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        self.distance_function = PairwiseDistance() if distance_function is None else distance_function
        self.margin, self.swap = margin, swap


class CosineSimilarity(Module):
    """The cosine of the angle between vectors along dim."""

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x1: Any, x2: Any) -> Any:
        """Both of shapes that broadcast."""
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The p-norm of x1 - x2 + eps along the last dimension."""

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Any, x2: Any) -> Any:
        """Both of shapes that broadcast."""
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
