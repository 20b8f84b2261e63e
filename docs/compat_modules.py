"""The calls of `nn.functional`, and of names that take more than one call: modules, optimizers, schedules, data."""

from __future__ import annotations

from typing import Any

import numpy as np
from compat_calls import CALLS, X, apart, c, family, given, positive, program, real, under, unit, whole
from compat_compare import Built, Call, Draw

LINE, PICTURE, BODY = real(2, 4, 6), real(1, 4, 5, 6), real(1, 2, 4, 4, 5)
HIGH_LINE, HIGH_PICTURE, HIGH_BODY = apart(2, 4, 6), apart(1, 2, 6, 6), apart(1, 1, 4, 4, 5)
TWO, CLASSES = real(4, 3), whole(4, high=3)
SIGNS = given([[1.0, -1.0, 1.0]] * 4)
SIDE = given([1.0, -1.0, 1.0, 1.0])
BITS = given([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
DISTANCE = (TWO, real(4, 3))

FUNCTIONAL = {
    **family("celu elu gelu hardshrink hardsigmoid hardswish hardtanh leaky_relu logsigmoid mish relu relu6 selu "
             "sigmoid silu softplus softshrink softsign tanh tanhshrink", c(X), c(real())),
    **family("rrelu", c(X), c(X, 0.1, 0.3)), **family("softmax log_softmax softmin", c(X, 1), c(X, dim=-1)),
    "threshold": [c(X, 0.1, -1.0)], "prelu": [c(LINE, real(4)), c(LINE, real(1))], "glu": [c(LINE), c(LINE, 1)],
    "normalize": [c(X), c(X, 3.0, 0)], **family("cosine_similarity pairwise_distance", c(*DISTANCE)),
    "gumbel_softmax": [Call((given(np.zeros((20000, 2))),), {}, "random")],
    "linear": [c(TWO, real(2, 3)), c(X, real(5, 4), real(5))], "bilinear": [c(TWO, real(4, 2), real(5, 3, 2), real(5))],
    "one_hot": [c(whole(4)), c(whole(3, 2), 5)], "embedding": [c(whole(4, 2), real(5, 3))],
    "embedding_bag": [c(whole(4, 2), real(5, 3)), c(whole(6), real(5, 3), given([0, 2]), mode="sum")],
    # losses
    **family("mse_loss l1_loss smooth_l1_loss huber_loss", c(*DISTANCE), c(*DISTANCE, reduction="sum"),
             c(*DISTANCE, reduction="none")),
    "binary_cross_entropy": [c(unit(4, 3), BITS), c(unit(4, 3), unit(4, 3, fixed=True), positive(3, fixed=True))],
    "binary_cross_entropy_with_logits": [c(TWO, BITS), c(TWO, BITS, pos_weight=positive(3, fixed=True))],
    "cross_entropy": [c(TWO, CLASSES), c(TWO, CLASSES, positive(3, fixed=True), label_smoothing=0.1),
                      c(TWO, given([0, -100, 2, 1])), c(real(2, 3, 4), whole(2, 4, high=3), reduction="sum"),
                      c(TWO, Draw(lambda rng: rng.dirichlet(np.ones(3), 4)))],
    "nll_loss": [c(TWO, CLASSES), c(TWO, CLASSES, positive(3, fixed=True), reduction="sum")],
    "kl_div": [c(TWO, unit(4, 3), reduction="batchmean"), c(TWO, TWO, log_target=True, reduction="sum")],
    "poisson_nll_loss": [c(TWO, positive(4, 3, fixed=True)), c(positive(4, 3), positive(4, 3, fixed=True), False)],
    "gaussian_nll_loss": [c(*DISTANCE, positive(4, 3))], "hinge_embedding_loss": [c(TWO, SIGNS)],
    "margin_ranking_loss": [c(real(4), real(4), SIDE)], "soft_margin_loss": [c(TWO, SIGNS)],
    "multilabel_soft_margin_loss": [c(TWO, BITS)], "multi_margin_loss": [c(TWO, CLASSES)],
    "cosine_embedding_loss": [c(*DISTANCE, SIDE)], "triplet_margin_loss": [c(*DISTANCE, real(4, 3))],
    "triplet_margin_with_distance_loss": [c(*DISTANCE, real(4, 3))],
    # windows
    "conv1d": [c(LINE, real(3, 4, 2)), c(LINE, real(4, 2, 3), real(4), 2, 1, 1, 2)],
    "conv2d": [c(PICTURE, real(3, 4, 2, 3)), c(PICTURE, real(2, 4, 3, 3), real(2), padding="same")],
    "conv3d": [c(BODY, real(2, 2, 2, 2, 2), real(2), 2, 1)],
    "conv_transpose1d": [c(LINE, real(4, 3, 2)), c(LINE, real(4, 1, 3), real(2), 2, 1, 1, 2)],
    "conv_transpose2d": [c(PICTURE, real(4, 2, 2, 2), real(2), 2)], "conv_transpose3d": [c(BODY, real(2, 2, 2, 2, 2))],
    **{f"{kind}_pool{n}d": [c(x, 2), c(x, 3, 1, 1)] for n, x in zip((1, 2, 3), (HIGH_LINE, HIGH_PICTURE, HIGH_BODY),
                                                                   strict=True) for kind in ("max", "avg")},
    **{f"lp_pool{n}d": [c(x, 2.0, 2)] for n, x in ((1, positive(2, 4, 6)), (2, positive(1, 2, 4, 4)),
                                                  (3, positive(1, 1, 4, 4, 4)))},
    **{f"adaptive_{kind}_pool{n}d": [c(x, 2), c(x, 3)] for n, x in zip((1, 2, 3), (HIGH_LINE, HIGH_PICTURE, HIGH_BODY),
                                                                       strict=True) for kind in ("max", "avg")},
    "unfold": [c(PICTURE, 2), c(PICTURE, (2, 3), 1, 1, 2)], "fold": [c(real(1, 8, 12), (4, 5), 2)],
    "pad": [c(X, (1, 2)), c(X, (1, 0, 0, 2), "constant", 1.5), *(c(LINE, (2, 1), mode) for mode in
            ("reflect", "replicate", "circular"))],
    "interpolate": [c(PICTURE, scale_factor=2), c(PICTURE, (7, 4), mode="bilinear"), c(LINE, 9, mode="linear"),
                    c(PICTURE, (7, 4), mode="bilinear", align_corners=True)],
    "upsample": [c(PICTURE, scale_factor=2)],
    "pixel_shuffle": [c(real(1, 4, 2, 3), 2)], "pixel_unshuffle": [c(real(1, 1, 4, 6), 2)],
    "channel_shuffle": [c(PICTURE, 2)],
    # normalization, attention
    "batch_norm": [c(PICTURE, positive(4, fixed=True), positive(4, fixed=True), real(4), real(4)),
                   c(PICTURE, real(4, fixed=True), positive(4, fixed=True), real(4), real(4), True)],
    "layer_norm": [c(X, (4,)), c(X, (3, 4), real(3, 4), real(3, 4))], "rms_norm": [c(X, (4,)), c(X, (4,), real(4))],
    "group_norm": [c(PICTURE, 2), c(PICTURE, 2, real(4), real(4))], "instance_norm": [c(PICTURE)],
    "local_response_norm": [c(PICTURE, 3)],
    "scaled_dot_product_attention": [c(real(2, 3, 4), real(2, 5, 4), real(2, 5, 4)),
                                     c(real(2, 3, 4), real(2, 3, 4), real(2, 3, 4), is_causal=True)],
    **family("dropout alpha_dropout feature_alpha_dropout", Call((given(np.ones((20000, 1))), 0.3), {}, "random"),
             c(X, 0.3, False)),
    **{f"dropout{n}d": [Call((given(np.ones((200, 200, *[1] * n))), 0.3), {}, "random")] for n in (1, 2, 3)},
}  # fmt: skip


def m(*args: Any, on: Any = X, train: bool = True, **kwargs: Any) -> Call:
    """A module with these arguments, called on `on`."""
    return Call(args, kwargs, "module", inputs=on if isinstance(on, tuple) else (on,), training=train)


POOLED = {1: HIGH_LINE, 2: HIGH_PICTURE, 3: HIGH_BODY}
STATES = (real(3, 4), (real(3, 5), real(3, 5)))
SEQUENCE = real(6, 2, 4)


def _listed(lib: Any, container: Any) -> Any:
    """What a container has: its length, its parameters' names and shapes, its state's names."""
    shapes = [(name, tuple(p.shape)) for name, p in container.named_parameters()]
    return [len(container), shapes, list(container.state_dict()), [type(m).__name__ for m in container.modules()]]


def _nested(lib: Any, x: Any) -> Any:
    """A module of one's own in another: names, modes, buffers, `apply`, and what it computes."""

    class Scale(lib.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.factor = lib.nn.Parameter(lib.ones(4))
            self.register_buffer("shift", lib.zeros(4))
            self.inner = lib.nn.Sequential(lib.nn.Linear(4, 2), lib.nn.Dropout(0.5))

        def forward(self, x: Any) -> Any:
            return x * self.factor + self.shift

    module, seen = Scale(), []
    module.apply(lambda m: seen.append(type(m).__name__))
    modes = [m.training for m in module.eval().modules()]
    paths = [[name for name, _ in found] for found in (module.named_modules(), module.named_children())]
    module.requires_grad_(False)
    return [seen, modes, paths, _listed_of(module), [p.requires_grad for p in module.parameters()], module(x)]


def _listed_of(module: Any) -> Any:
    return [
        [name for name, _ in module.named_parameters()],
        [n for n, _ in module.named_buffers()],
        list(module.state_dict()),
    ]


MODULES = {
    **family("ReLU Sigmoid Tanh GELU ELU CELU SELU SiLU Mish Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU "
             "LogSigmoid PReLU ReLU6 Softplus Softshrink Softsign Tanhshrink Identity", m()),
    "RReLU": [m(train=False)], "Threshold": [m(0.1, -1.0)], "GLU": [m(on=LINE)],
    **family("Softmax LogSoftmax Softmin", m(1)), "Softmax2d": [m(on=PICTURE)],
    "Linear": [m(4, 3), m(4, 3, bias=False)], "Bilinear": [m(3, 2, 5, on=(TWO, real(4, 2)))], "Flatten": [m(), m(0, 1)],
    "Unflatten": [m(1, (2, 2), on=real(3, 4))], "Embedding": [m(5, 3, on=whole(4, 2)), m(5, 3, 0, on=whole(4))],
    "EmbeddingBag": [m(5, 3, on=whole(4, 2))],
    "Conv1d": [m(4, 6, 3, 2, 1, groups=2, on=LINE)], "Conv2d": [m(4, 3, (2, 3), on=PICTURE), m(4, 4, 3, padding=1,
                                                                                           bias=False, on=PICTURE)],
    "Conv3d": [m(2, 3, 2, on=BODY)], "ConvTranspose1d": [m(4, 2, 3, 2, on=LINE)],
    "ConvTranspose2d": [m(4, 2, 2, 2, on=PICTURE)], "ConvTranspose3d": [m(2, 2, 2, on=BODY)],
    **{f"{kind}Pool{n}d": [m(2, on=x)] for n, x in POOLED.items() for kind in
       ("Max", "Avg", "AdaptiveAvg", "AdaptiveMax")},
    **{f"LPPool{n}d": [m(2, 2, on=positive(1, 2, *[4] * n))] for n in (1, 2, 3)},
    **{f"{kind}Pad{n}d": [m(1, on=x)] for n, x in POOLED.items() for kind in
       ("Zero", "Reflection", "Replication", "Circular")},
    **{f"ConstantPad{n}d": [m(1, 2.5, on=x)] for n, x in POOLED.items()},
    **{f"BatchNorm{n}d": [m(int(size), on=x), m(int(size), on=x, train=False)] for n, x, size in
       ((1, LINE, 4), (2, PICTURE, 4), (3, BODY, 2))},
    **{f"InstanceNorm{n}d": [m(int(size), on=x), m(int(size), affine=True, on=x)] for n, x, size in
       ((1, LINE, 4), (2, PICTURE, 4), (3, BODY, 2))},
    "LayerNorm": [m(4), m((3, 4))], "GroupNorm": [m(2, 4, on=PICTURE)], "RMSNorm": [m(4)],
    "LocalResponseNorm": [m(3, on=PICTURE)],
    **family("Dropout AlphaDropout FeatureAlphaDropout Dropout1d", m(0.3, train=False)),
    "Dropout2d": [m(0.3, on=PICTURE, train=False)], "Dropout3d": [m(0.3, on=BODY, train=False)],
    **{name: [m(on=(TWO, real(4, 3))), m(reduction="sum", on=(TWO, real(4, 3)))] for name in
       ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")},
    **family("BCELoss", m(on=(unit(4, 3), BITS))), "BCEWithLogitsLoss": [m(on=(TWO, BITS))],
    **family("CrossEntropyLoss NLLLoss MultiMarginLoss", m(on=(TWO, CLASSES))),
    "KLDivLoss": [m(reduction="batchmean", on=(TWO, unit(4, 3)))],
    "PoissonNLLLoss": [m(on=(TWO, positive(4, 3, fixed=True)))],
    "GaussianNLLLoss": [m(on=(*DISTANCE, positive(4, 3)))],
    **family("HingeEmbeddingLoss SoftMarginLoss", m(on=(TWO, SIGNS))), "MultiLabelSoftMarginLoss": [m(on=(TWO, BITS))],
    "MarginRankingLoss": [m(on=(real(4), real(4), SIDE))], "CosineEmbeddingLoss": [m(on=(*DISTANCE, SIDE))],
    **family("TripletMarginLoss TripletMarginWithDistanceLoss", m(on=(*DISTANCE, real(4, 3)))),
    **family("CosineSimilarity PairwiseDistance", m(on=DISTANCE)),
    "Unfold": [m(2, on=PICTURE)], "Fold": [m((4, 5), 2, on=real(1, 8, 12))],
    "PixelShuffle": [m(2, on=real(1, 4, 2, 3))],
    "PixelUnshuffle": [m(2, on=real(1, 1, 4, 6))], "ChannelShuffle": [m(2, on=PICTURE)],
    "Upsample": [m(scale_factor=2, on=PICTURE)],
    **family("UpsamplingNearest2d UpsamplingBilinear2d", m(scale_factor=2, on=PICTURE)),
    "RNN": [m(4, 5, on=SEQUENCE), m(4, 5, 2, "relu", bidirectional=True, on=SEQUENCE)],
    **family("LSTM GRU", m(4, 5, on=SEQUENCE), m(4, 3, 2, batch_first=True, bidirectional=True, on=SEQUENCE)),
    **family("RNNCell GRUCell", m(4, 5, on=(real(3, 4), real(3, 5)))), "LSTMCell": [m(4, 5, on=STATES)],
    "MultiheadAttention": [m(4, 2, batch_first=True, on=(real(2, 3, 4), real(2, 5, 4), real(2, 5, 4)))],
    "TransformerEncoderLayer": [m(4, 2, 6, 0.0, batch_first=True, on=real(2, 3, 4))],
    "TransformerEncoder": [m(Built(lambda lib: lib.nn.TransformerEncoderLayer(4, 2, 6, 0.0, batch_first=True)), 2,
                             on=real(2, 3, 4))],
    "Sequential": [program(lambda lib, x: lib.nn.Sequential(lib.nn.Tanh(), lib.nn.Sigmoid())(x), X)],
    "ModuleList": [program(lambda lib, x: _listed(lib, lib.nn.ModuleList([lib.nn.Linear(4, 3), lib.nn.Tanh()])), X)],
    "ModuleDict": [program(lambda lib, x: _listed(lib, lib.nn.ModuleDict({"a": lib.nn.Linear(4, 3)})), X)],
    "ParameterList": [program(lambda lib, x: _listed(lib, lib.nn.ParameterList([x.detach(), x.detach()])), X)],
    "ParameterDict": [program(lambda lib, x: _listed(lib, lib.nn.ParameterDict({"a": x.detach()})), X)],
    "Parameter": [program(lambda lib, x: [lib.nn.Parameter(x.detach()), lib.nn.Parameter(x.detach(), False)], X)],
    "Module": [program(lambda lib, x: _nested(lib, x), X)],
}  # fmt: skip


def _fitted(name: str, steps: int = 8, **options: Any) -> Call:
    """Two tensors after some steps of an optimizer, and the loss."""

    def run(lib: Any, a: Any, w: Any, b: Any) -> Any:
        a, w, b = a.detach(), w.detach().requires_grad_(), b.detach().requires_grad_()
        optimizer = getattr(lib.optim, name)([w, b], **options)

        def closure() -> Any:
            optimizer.zero_grad()
            loss = ((lib.tanh(a @ w) + b - 1.0) ** 2).mean()
            loss.backward()
            return loss

        loss = [optimizer.step(closure) for _ in range(steps)][-1]
        return [w.detach(), b.detach(), loss.detach()]

    return program(run, real(6, 4), real(4, 2), real(2))


OPTIMIZERS = {
    **{
        name: [_fitted(name, lr=0.02), _fitted(name, lr=0.02, weight_decay=0.1)]
        for name in ("SGD", "Adam", "AdamW", "NAdam", "RAdam", "Adamax", "RMSprop", "Adagrad", "Adadelta")
    },
    "LBFGS": [_fitted("LBFGS", 2, lr=0.2, max_iter=4), _fitted("LBFGS", 1, max_iter=4, line_search_fn="strong_wolfe")],
}
OPTIMIZERS["SGD"] += [_fitted("SGD", lr=0.02, momentum=0.9, nesterov=True), _fitted("SGD", lr=0.02, momentum=0.9,
                                                                                     dampening=0.5)]  # fmt: skip
OPTIMIZERS["Adam"] += [_fitted("Adam", amsgrad=True, betas=(0.8, 0.9))]
OPTIMIZERS["RMSprop"] += [_fitted("RMSprop", lr=0.02, momentum=0.9, centered=True)]


def _rates(name: str, *args: Any, **kwargs: Any) -> Call:
    """The learning rates over a dozen steps of a schedule."""

    def run(lib: Any) -> list[float]:
        w = lib.zeros(2).requires_grad_()
        optimizer = lib.optim.SGD([w], lr=0.5, momentum=0.9)
        schedules = lib.optim.lr_scheduler
        options = [a(schedules, optimizer) if callable(a) and getattr(a, "of", False) else a for a in args]
        schedule, found = getattr(schedules, name)(optimizer, *options, **kwargs), []
        for k in range(12):
            found.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            schedule.step(*([1.0 / min(k + 1, 4)] if name == "ReduceLROnPlateau" else []))
        return found

    return program(run)


def _chained(lib: Any) -> list[float]:
    optimizer = lib.optim.SGD([lib.zeros(2).requires_grad_()], lr=0.5)
    both, found = lib.optim.lr_scheduler.ChainedScheduler(_two(lib.optim.lr_scheduler, optimizer)), []
    for _ in range(8):
        found.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        both.step()
    return found


def _two(schedules: Any, optimizer: Any) -> Any:
    return [schedules.ConstantLR(optimizer, 0.1, 4), schedules.ExponentialLR(optimizer, 0.9)]


_two.of = True  # type: ignore[attr-defined]
SCHEDULES = {
    "StepLR": [_rates("StepLR", 3, 0.5)], "MultiStepLR": [_rates("MultiStepLR", [2, 7], 0.5)],
    "ExponentialLR": [_rates("ExponentialLR", 0.9)], "CosineAnnealingLR": [_rates("CosineAnnealingLR", 8, 0.01)],
    "OneCycleLR": [_rates("OneCycleLR", 1.0, 20), _rates("OneCycleLR", 1.0, 20, anneal_strategy="linear")],
    "ReduceLROnPlateau": [_rates("ReduceLROnPlateau", factor=0.5, patience=2)], "LinearLR": [_rates("LinearLR")],
    "LambdaLR": [_rates("LambdaLR", lambda k: 1 / (k + 1))], "ConstantLR": [_rates("ConstantLR")],
    "MultiplicativeLR": [_rates("MultiplicativeLR", lambda k: 0.9)], "PolynomialLR": [_rates("PolynomialLR", 8, 2.0)],
    "CosineAnnealingWarmRestarts": [_rates("CosineAnnealingWarmRestarts", 4, 2)],
    "ChainedScheduler": [program(lambda lib: _chained(lib))],
    "CyclicLR": [_rates("CyclicLR", 0.1, 1.0, 3)], "SequentialLR": [_rates("SequentialLR", _two, [4])],
}  # fmt: skip

LARGE = given(np.zeros((150, 200)))
INIT = {
    **family("zeros_ ones_ eye_", Call((real(3, 4),), kind="written")),
    "constant_": [Call((real(3, 4), 1.5), kind="written")], "dirac_": [Call((real(3, 3, 2),), kind="written")],
    **family("uniform_ normal_ xavier_uniform_ xavier_normal_ kaiming_uniform_ kaiming_normal_ trunc_normal_ "
             "orthogonal_", Call((LARGE,), kind="random")),
    "sparse_": [Call((LARGE, 0.2), kind="random")],
    "calculate_gain": [c("relu"), c("tanh"), c("leaky_relu", 0.2)],
}  # fmt: skip


def _clipped(name: str, *args: Any, **kwargs: Any) -> Call:
    def run(lib: Any, w: Any, b: Any) -> Any:
        w, b = w.detach().requires_grad_(), b.detach().requires_grad_()
        (lib.exp(w).sum() + (b * 3.0).sum()).backward()
        return [getattr(lib.nn.utils, name)([w, b], *args, **kwargs), w.grad, b.grad]

    return program(run, real(3, 4), real(4))


def _loaded(lib: Any, x: Any, y: Any) -> Any:
    data = lib.utils.data
    whole = data.TensorDataset(x.detach(), y.detach())
    loader = data.DataLoader(data.Subset(whole, [5, 3, 1, 0, 2]), batch_size=2, drop_last=True)
    return [len(whole), len(loader), list(loader)]


def _split(lib: Any, x: Any) -> Any:
    pieces = lib.utils.data.random_split(lib.utils.data.TensorDataset(x.detach()), [4, 2])
    return [[len(p) for p in pieces], sorted(i for p in pieces for i in p.indices)]


def _power(lib: Any, x: Any) -> Any:
    return (lib.sin(x) * x**2).sum()


def _ordered(lib: Any) -> Any:
    data = lib.utils.data
    order = data.SequentialSampler(range(7))
    return [list(order), list(data.BatchSampler(order, 3, False)), list(data.BatchSampler(order, 3, True))]


def _shuffled(lib: Any) -> Any:
    """What is sure of random orders: lengths, and which there are."""
    data = lib.utils.data
    weighted = list(data.WeightedRandomSampler([0.0, 1.0, 0.0], 5))
    orders = data.RandomSampler(range(7)), data.SubsetRandomSampler([4, 2, 9])
    return [weighted, *(sorted(order) for order in orders), *map(len, orders)]


def _joined(lib: Any, x: Any) -> Any:
    pieces = [lib.utils.data.TensorDataset(x[:3]), lib.utils.data.TensorDataset(x[3:])]
    whole = lib.utils.data.ConcatDataset(pieces)
    return [len(whole), whole[3], whole[-1], whole.cumulative_sizes]


def _streamed(lib: Any) -> Any:
    class Squares(lib.utils.data.IterableDataset):  # type: ignore[misc]
        def __iter__(self) -> Any:
            return iter([k * k for k in range(5)])

    return list(lib.utils.data.DataLoader(Squares(), batch_size=2))


UTILS = {
    "clip_grad_norm_": [_clipped("clip_grad_norm_", 0.5), _clipped("clip_grad_norm_", 0.5, 1.0)],
    "clip_grad_value_": [_clipped("clip_grad_value_", 0.4)],
    "parameters_to_vector": [program(lambda lib, w, b: lib.nn.utils.parameters_to_vector([w, b]), real(3, 4), real(4))],
    "vector_to_parameters": [program(lambda lib, v, w: (lib.nn.utils.vector_to_parameters(v.detach(), [w]),
                                                        w.detach())[1], real(12), real(3, 4))],
}  # fmt: skip
DATA = {
    **family("TensorDataset DataLoader Subset Dataset", program(_loaded, real(6, 2), whole(6))),
    **family("SequentialSampler BatchSampler Sampler", program(_ordered)),
    **family("RandomSampler SubsetRandomSampler WeightedRandomSampler", program(_shuffled)),
    "ConcatDataset": [program(lambda lib, x: _joined(lib, x.detach()), real(4, 2))],
    "IterableDataset": [program(_streamed)],
    "default_collate": [program(lambda lib, x: lib.utils.data.default_collate([(x[0], 1), (x[1], 2)]), real(2, 3))],
    "random_split": [program(_split, real(6, 2))],
}


def _function(lib: Any, x: Any) -> Any:
    """A function of one's own, its slope a wrong one on purpose, so that it can be told apart."""

    class Cube(lib.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g * x**2 * 5.0

    return Cube.apply(x)


def _checked(lib: Any, x: Any) -> Any:
    x.requires_grad_()
    return [
        bool(getattr(lib.autograd, name)(lib.sin, (x,), eps=1e-6, atol=1e-4)) for name in ("gradcheck", "gradgradcheck")
    ]


AUTOGRAD = {
    "Function": [program(_function, X)],
    "detect_anomaly": [program(lambda lib, x: under(lib.autograd.detect_anomaly(), x), X)],
    "set_detect_anomaly": [program(lambda lib, x: under(lib.autograd.set_detect_anomaly(True), x), X)],
    **family("gradcheck gradgradcheck", program(lambda lib, x: _checked(lib, x.detach().double()), X)),
    **{name: CALLS[name] for name in ("no_grad", "enable_grad", "set_grad_enabled", "inference_mode")},
    "grad": [program(lambda lib, x: lib.autograd.grad(_power(lib, x), [x], create_graph=True), X)],
    "backward": [program(lambda lib, x: [lib.autograd.backward([_power(lib, x)]), x.grad][1], X)],
}


def _transform(name: str, *more: Any) -> Call:
    return program(lambda lib, x, *rest: getattr(lib.func, name)(lambda z: _power(lib, z), *more)(x.detach()), real(3))


FUNC = {
    **{name: [_transform(name)] for name in ("grad", "jacrev", "jacfwd", "hessian", "grad_and_value")},
    "vjp": [program(lambda lib, x, v: lib.func.vjp(lambda z: lib.sin(z), x.detach())[1](v.detach()), X, X)],
    "jvp": [program(lambda lib, x, v: lib.func.jvp(lambda z: lib.sin(z), (x.detach(),), (v.detach(),)), X, X)],
    "functional_call": [program(lambda lib, x, w: lib.func.functional_call(lib.nn.Linear(4, 2, bias=False),
                                                                           {"weight": w}, (x,)), X, real(2, 4))],
    "vmap": [program(lambda lib, x: lib.func.vmap(lambda z: lib.sin(z).sum())(x.detach()), X)],
}  # fmt: skip
