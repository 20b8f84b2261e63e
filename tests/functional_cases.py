"""A call of every function of `nn.functional`, away from kinks, for tests of gradients, code and compiled steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_lite as al
from autograd_lite.nn import functional as F

Case = tuple[Callable[..., Any], tuple[np.ndarray, ...]]


def numbers(*shape: int, low: float = -1.5, high: float = 1.5, seed: int = 1) -> np.ndarray:
    """Random numbers, none of them within 0.02 of a multiple of a quarter, where kinks are."""
    x = np.random.default_rng(seed).uniform(low, high, shape)
    rest = np.mod(x, 0.25)
    return x + np.where(rest < 0.02, 0.03, np.where(rest > 0.23, -0.03, 0.0))


def apart(*shape: int, seed: int = 1) -> np.ndarray:
    """Numbers no two of which are nearer than 0.1."""
    size = int(np.prod(shape))
    return ((np.random.default_rng(seed).permutation(size) - size / 2) * 0.11 + 0.037).reshape(shape)


X, Y, P = numbers(2, 3), numbers(2, 3, seed=2), numbers(2, 3, low=0.1, high=0.9, seed=3)
LINE, PICTURE, BODY = numbers(2, 4, 6), numbers(1, 4, 4, 5), numbers(1, 2, 3, 4, 3)
HIGH_LINE, HIGH_PICTURE, HIGH_BODY = apart(2, 2, 6), apart(1, 2, 4, 5), apart(1, 1, 3, 4, 3)
SIGNS, CLASSES, W4 = np.array([[1.0, -1.0, 1.0], [-1.0, 1.0, 1.0]]), np.array([2, 0]), numbers(4, seed=4)
INDEX, OFFSETS = np.array([1, 2, 1, 0, 3]), np.array([0, 2])
TABLE = numbers(4, 3)


def seeded(name: str, **options: Any) -> Callable[..., Any]:
    """A function that draws, each time the same numbers."""
    return lambda x: getattr(F, name)(x, 0.4, training=True, generator=np.random.default_rng(3), **options)


ACTIVATIONS = (
    *("celu", "elu", "gelu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "logsigmoid", "mish"),
    *("relu", "relu6", "rrelu", "selu", "sigmoid", "silu", "softplus", "softshrink", "softsign", "tanh", "tanhshrink"),
)

CASES: dict[str, Case] = {
    **{name: (getattr(F, name), (numbers(3, 4),)) for name in ACTIVATIONS},
    "gelu, tanh": (lambda x: F.gelu(x, "tanh"), (X,)),
    "softplus, beta": (lambda x: F.softplus(x, 2.0, 1.0), (X * 2,)),
    "threshold": (lambda x: F.threshold(x, 0.3, -1.0), (X,)),
    "prelu": (F.prelu, (LINE, W4)),
    "glu": (F.glu, (LINE,)),
    "softmax": (lambda x: F.softmax(x, 1), (X,)),
    "softmin": (lambda x: F.softmin(x, 1), (X,)),
    "log_softmax": (lambda x: F.log_softmax(x, 1), (X,)),
    "normalize": (F.normalize, (X,)),
    "normalize, 3": (lambda x: F.normalize(x, 3.0, 0), (X,)),
    "cosine_similarity": (F.cosine_similarity, (X, Y)),
    "pairwise_distance": (F.pairwise_distance, (X, Y)),
    # losses
    **{name: (getattr(F, name), (X, Y)) for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")},
    "binary_cross_entropy": (F.binary_cross_entropy, (P, P[::-1].copy())),
    "binary_cross_entropy_with_logits": (
        lambda x, p: F.binary_cross_entropy_with_logits(x, p, pos_weight=P[0]),
        (X, P),
    ),
    "cross_entropy": (lambda x: F.cross_entropy(x, CLASSES, P[0], label_smoothing=0.1), (X,)),
    "nll_loss": (lambda x: F.nll_loss(x, CLASSES, P[0]), (X,)),
    "kl_div": (lambda x, p: F.kl_div(x, p, reduction="batchmean"), (X, P)),
    "poisson_nll_loss": (lambda x, t: F.poisson_nll_loss(x, t, full=True), (X, P * 4)),
    "gaussian_nll_loss": (F.gaussian_nll_loss, (X, Y, P)),
    "hinge_embedding_loss": (lambda x: F.hinge_embedding_loss(x, SIGNS), (X,)),
    "margin_ranking_loss": (lambda x, y: F.margin_ranking_loss(x, y, SIGNS, 0.5), (X, Y)),
    "soft_margin_loss": (lambda x: F.soft_margin_loss(x, SIGNS), (X,)),
    "multilabel_soft_margin_loss": (F.multilabel_soft_margin_loss, (X, P)),
    "multi_margin_loss": (lambda x: F.multi_margin_loss(x, CLASSES, 2, 0.7, P[0]), (X,)),
    "cosine_embedding_loss": (lambda x, y: F.cosine_embedding_loss(x, y, SIGNS[:, 0], -0.9), (X, Y)),
    "triplet_margin_loss": (lambda *xs: F.triplet_margin_loss(*xs, margin=4.0, swap=True), (X, Y, P)),
    "triplet_margin_with_distance_loss": (lambda *xs: F.triplet_margin_with_distance_loss(*xs, margin=4.0), (X, Y, P)),
    # windows
    "unfold": (lambda x: F.unfold(x, 2, 1, 1, 2), (PICTURE,)),
    "fold": (lambda x: F.fold(x, (3, 4), 2), (numbers(1, 4, 6),)),
    "conv1d": (lambda x, w, b: F.conv1d(x, w, b, 2, 1, 1, 2), (LINE, numbers(2, 2, 3), W4[:2])),
    "conv2d": (lambda x, w, b: F.conv2d(x, w, b, padding="same"), (PICTURE, numbers(2, 4, 2, 3), W4[:2])),
    "conv3d": (lambda x, w: F.conv3d(x, w, None, (1, 2, 1)), (BODY, numbers(2, 2, 2, 2, 2))),
    "conv_transpose1d": (lambda x, w: F.conv_transpose1d(x, w, None, 2, 1, 1), (LINE, numbers(4, 2, 3))),
    "conv_transpose2d": (
        lambda x, w, b: F.conv_transpose2d(x, w, b, 2, 1, 0, 2),
        (PICTURE, numbers(4, 1, 2, 3), W4[:2]),
    ),
    "conv_transpose3d": (lambda x, w: F.conv_transpose3d(x, w), (BODY, numbers(2, 1, 2, 1, 2))),
    "max_pool1d": (lambda x: F.max_pool1d(x, 3, 2, 1), (HIGH_LINE,)),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2, ceil_mode=True), (HIGH_PICTURE,)),
    "max_pool3d": (lambda x: F.max_pool3d(x, 2, 1), (HIGH_BODY,)),
    "avg_pool1d": (lambda x: F.avg_pool1d(x, 3, 2, 1), (LINE,)),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 3, 2, 1, True, False), (PICTURE,)),
    "avg_pool3d": (lambda x: F.avg_pool3d(x, 2, 1), (BODY,)),
    "lp_pool1d": (lambda x: F.lp_pool1d(x, 2, 2), (LINE,)),
    "lp_pool2d": (lambda x: F.lp_pool2d(x, 2, 2), (PICTURE,)),
    "lp_pool3d": (lambda x: F.lp_pool3d(x, 2, 2), (BODY,)),
    "adaptive_avg_pool1d": (lambda x: F.adaptive_avg_pool1d(x, 4), (LINE,)),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, (2, 3)), (PICTURE,)),
    "adaptive_avg_pool3d": (lambda x: F.adaptive_avg_pool3d(x, (1, 2, 3)), (BODY,)),
    "adaptive_max_pool1d": (lambda x: F.adaptive_max_pool1d(x, 4), (HIGH_LINE,)),
    "adaptive_max_pool2d": (lambda x: F.adaptive_max_pool2d(x, (2, 3)), (HIGH_PICTURE,)),
    "adaptive_max_pool3d": (lambda x: F.adaptive_max_pool3d(x, (1, 2, 3)), (HIGH_BODY,)),
    # normalizations, attention
    "batch_norm": (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), (LINE, W4, W4 + 1)),
    "batch_norm, running": (lambda x, w, b: F.batch_norm(x, W4, W4**2, w, b), (LINE, W4, W4 + 1)),
    "instance_norm": (lambda x, w, b: F.instance_norm(x, None, None, w, b), (LINE, W4, W4 + 1)),
    "layer_norm": (lambda x, w, b: F.layer_norm(x, (6,), w, b), (LINE, numbers(6), numbers(6, seed=5))),
    "rms_norm": (lambda x, w: F.rms_norm(x, (4, 6), w), (LINE, numbers(4, 6))),
    "group_norm": (lambda x, w, b: F.group_norm(x, 2, w, b), (LINE, W4, W4 + 1)),
    "local_response_norm": (lambda x: F.local_response_norm(x, 3, 0.5), (LINE,)),
    "scaled_dot_product_attention": (
        lambda *qkv: F.scaled_dot_product_attention(*qkv, is_causal=True),
        (numbers(2, 3, 4), numbers(2, 3, 4, seed=2), numbers(2, 3, 2)),
    ),
    "scaled_dot_product_attention, mask": (
        lambda *qkv: F.scaled_dot_product_attention(*qkv, attn_mask=np.eye(3) < 1),
        (numbers(2, 3, 4), numbers(2, 3, 4, seed=2), numbers(2, 3, 2)),
    ),
    # sizes, tables
    "interpolate": (lambda x: F.interpolate(x, (3, 8), mode="bilinear"), (PICTURE,)),
    "interpolate, nearest": (lambda x: F.interpolate(x, scale_factor=1.6), (LINE,)),
    "upsample": (lambda x: F.upsample(x, 5), (LINE,)),
    "pixel_shuffle": (lambda x: F.pixel_shuffle(x, 2), (PICTURE,)),
    "pixel_unshuffle": (lambda x: F.pixel_unshuffle(x, 2), (numbers(1, 4, 2),)),
    "channel_shuffle": (lambda x: F.channel_shuffle(x, 2), (LINE,)),
    "pad": (lambda x: F.pad(x, (1, -2, 0, 3), value=0.5), (LINE,)),
    "pad, reflect": (lambda x: F.pad(x, (1, 2), mode="reflect"), (LINE,)),
    "linear": (F.linear, (X, numbers(4, 3), W4)),
    "bilinear": (F.bilinear, (X, Y, numbers(4, 3, 3), W4)),
    "embedding": (lambda table: F.embedding(INDEX, table), (TABLE,)),
    "embedding_bag": (lambda table: F.embedding_bag(INDEX, table, OFFSETS), (TABLE,)),
    "embedding_bag, max": (lambda table: F.embedding_bag(INDEX, table, OFFSETS, mode="max"), (apart(4, 3),)),
    # random
    **{name: (seeded(name), (LINE,)) for name in ("dropout", "dropout1d", "alpha_dropout", "feature_alpha_dropout")},
    "dropout2d": (seeded("dropout2d"), (PICTURE,)),
    "dropout3d": (seeded("dropout3d"), (BODY,)),
}
NO_DERIVATIVE = {"one_hot"}
DRAWS = {"gumbel_softmax"}  # its numbers are looked at where it is compared with PyTorch


def tensors(arrays: tuple[np.ndarray, ...], dtype: Any = np.float64) -> list[al.Tensor]:
    return [al.tensor(np.array(a, dtype), requires_grad=True) for a in arrays]
