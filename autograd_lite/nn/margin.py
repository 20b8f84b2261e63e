"""Losses that ask for a margin, and the distances between vectors that they use, as Modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_lite.nn import functional as F
from autograd_lite.nn.layer import Layer
from autograd_lite.nn.loss import _Loss, _Pair, _Weighted


class MultiMarginLoss(_Weighted):
    """Of scores (N, C) or (C,): max(0, margin - right score + score) to the power p, for each wrong class.

    Summed over the wrong classes and divided by C (Weston and Watkins, 1999); the target has class numbers (N,),
    `weight` (C,) a factor for each. Raises ValueError for a p other than 1 and 2.

    >>> import autograd_lite as al
    >>> al.nn.MultiMarginLoss()(al.tensor([[0.1, 0.2, 0.9]]), al.tensor([1]))
    tensor(0.86666667)
    """

    _function, _settings = F.multi_margin_loss, ("p", "margin", "weight")

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Any = None, *, reduction: str = "mean") -> None:
        super().__init__(weight, reduction=reduction)
        if p not in (1, 2):
            raise ValueError(f"MultiMarginLoss: p is 1 or 2, and not {p}")
        self.p, self.margin = p, margin


class HingeEmbeddingLoss(_Pair):
    """The input where the target is 1, max(0, margin - input) where it is -1.

    Of distances, and whether they are to be small; input and target have one shape.

    >>> import autograd_lite as al
    >>> al.nn.HingeEmbeddingLoss(reduction="none")(al.tensor([0.3, 0.3]), al.tensor([1.0, -1.0]))
    tensor([0.3, 0.7])
    """

    _function, _settings = F.hinge_embedding_loss, ("margin",)

    def __init__(self, margin: float = 1.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin


class MarginRankingLoss(_Loss):
    """max(0, margin - target (input1 - input2)); the target is 1 where the first is to rank higher, else -1.

    >>> import autograd_lite as al
    >>> al.nn.MarginRankingLoss(margin=0.5)(al.tensor([1.0]), al.tensor([3.0]), al.tensor([1.0]))
    tensor(2.5)
    """

    _function, _settings = F.margin_ranking_loss, ("margin",)

    def __init__(self, margin: float = 0.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin

    def forward(self, input1: Any, input2: Any, target: Any) -> Any:
        """The loss of pairs, and what is wanted of each: a number, or what is not reduced."""
        return self._of(input1, input2, target)


class CosineEmbeddingLoss(MarginRankingLoss):
    """Of vectors (N, D) or (D,): 1 - cosine where the target is 1, max(0, cosine - margin) where it is -1.

    The target is (N,), or a number.

    >>> import autograd_lite as al
    >>> a, b = al.tensor([[1.0, 0.0], [1.0, 0.0]]), al.tensor([[0.0, 1.0], [3.0, 0.0]])
    >>> al.nn.CosineEmbeddingLoss(reduction="none")(a, b, al.tensor([1, -1]))
    tensor([1., 1.])
    """

    _function = F.cosine_embedding_loss


class _Triplets(_Loss):
    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:
        """The loss of vectors, those to be near and those to be far: a number, or what is not reduced."""
        return self._of(anchor, positive, negative)


class TripletMarginLoss(_Triplets):
    """max(0, margin + distance to the positive - distance to the negative), of vectors (..., D).

    Called with anchor, positive and negative. The distances are `PairwiseDistance` with p and eps; with `swap`, the
    negative's is the lesser of those from the anchor and from the positive (Balntas et al., 2016).

    >>> import autograd_lite as al
    >>> anchor, far, near = al.tensor([[0.0, 0.0]]), al.tensor([[6.0, 8.0]]), al.tensor([[3.0, 4.0]])
    >>> round(al.nn.TripletMarginLoss()(anchor, far, near).item(), 4)
    6.0
    """

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


class TripletMarginWithDistanceLoss(_Triplets):
    """`TripletMarginLoss` with another distance, a function of two tensors; `PairwiseDistance` unless given.

    >>> import autograd_lite as al
    >>> largest = lambda x, y: al.amax(al.abs(x - y), 1)
    >>> loss = al.nn.TripletMarginWithDistanceLoss(distance_function=largest)
    >>> loss(al.tensor([[0.0, 0.0]]), al.tensor([[3.0, 4.0]]), al.tensor([[2.0, 1.0]]))
    tensor(3.)
    """

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


class CosineSimilarity(Layer):
    """The cosine of the angle between vectors along dim: (..., D, ...) to (..., ...); lengths count as at least eps.

    >>> import autograd_lite as al
    >>> al.nn.CosineSimilarity()(al.tensor([[1.0, 0.0]]), al.tensor([[1.0, 1.0]]))
    tensor([0.70710678])
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x1: Any, x2: Any) -> Any:
        """Both of shapes that broadcast."""
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Layer):
    """The p-norm of x1 - x2 + eps along the last dimension: (..., D) to (...), or with `keepdim` to (..., 1).

    >>> import autograd_lite as al
    >>> al.nn.PairwiseDistance(eps=0.0)(al.tensor([[3.0, 4.0]]), al.zeros(1, 2))
    tensor([5.])
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Any, x2: Any) -> Any:
        """Both of shapes that broadcast."""
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
