"""Shapes that layers, losses and einsum refuse: the drawing, and that the edit proposed does what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from test_misfit import fix_of, message

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.nn import functional as F


def test_the_channels_of_an_image_are_drawn_with_those_of_the_kernels():
    images = al.ones(8, 28, 28, 3)
    assert message(lambda: nn.Conv2d(3, 6, 5)(images)) == (
        "conv2d: images (8, 28, 28, 3) has 28 channels, and weight (6, 3, 5, 5) takes 3: images.movedim(-1, 1) would "
        "fit\n"
        "\n"
        "    images  (8, 28, 28, 3)\n"
        "    weight  (6,  3,  5, 5)\n"
        "                ^^"
    )


def test_a_kernel_that_is_too_large_is_drawn_under_what_it_is_laid_on():
    x = al.ones(1, 2, 9, 3)
    assert message(lambda: F.conv2d(x, al.ones(4, 2, 3, 3), dilation=2)) == (
        "conv2d: a kernel of (3, 3), which dilation spreads over (5, 5), is larger than x (1, 2, 9, 3): padding=1 "
        "would fit\n"
        "\n"
        "    x       (1, 2, 9, 3)\n"
        "    kernel        (5, 5)\n"
        "                      ^"
    )


def test_a_sequence_is_drawn_over_what_the_layer_takes():
    words = al.ones(5, 8, 16)
    assert message(lambda: nn.LSTM(12, 7)(words)) == (
        "LSTM: the input is (steps, batch, 12) or (steps, 12), none of them 0, and words has shape (5, 8, 16): a layer "
        "with input_size=16 would fit\n"
        "\n"
        "    words      (5,     8, 16)\n"
        "    taken  (steps, batch, 12)\n"
        "                          ^^"
    )


def test_a_letter_with_two_sizes_is_marked_in_both_operands():
    a, b = al.ones(2, 3), al.ones(4, 3)
    assert message(lambda: al.einsum("ij,jk->ik", a, b)) == (
        "einsum: 'ij,jk->ik': 'j' is both 3, in a, and 4, in b: 'ij,kj->ik' would fit\n"
        "\n"
        "    a  ij  (2, 3)\n"
        "               ^\n"
        "    b  jk  (4, 3)\n"
        "            ^"
    )


def test_a_target_is_drawn_with_the_class_axis_marked():
    logits, target = al.ones(8, 10), al.zeros(8, 1, dtype=al.int64)
    assert message(lambda: F.nll_loss(logits, target)) == (
        "nll_loss: logits (8, 10) has its 10 classes in dimension 1, so the target is integers of shape (8,), and not "
        "int64 of shape (8, 1): target.squeeze(-1) would fit\n"
        "\n"
        "    logits  (8, 10)\n"
        "                ^^\n"
        "    target  (8,  1)\n"
        "             ^  ^^\n"
        "    taken       (8)"
    )


def classes(*shape: int) -> Any:
    return al.zeros(*shape, dtype=al.int64)


X: dict[str, Any] = {
    "images": al.ones(8, 28, 28, 3),
    "grey": al.ones(8, 9, 9),
    "one": al.ones(9, 9, 3),
    "deep": al.ones(8, 1, 1, 9, 9),
    "series": al.ones(8, 20, 16),
    "volume": al.ones(2, 5, 5, 5, 1),
    "logits": al.ones(8, 10),
    "last": al.ones(8, 5, 10),
    "scores": al.ones(8, 10, 5),
    "words": al.ones(5, 8, 16),
    "turned": al.ones(5, 16, 8),
    "column": classes(8, 1),
    "hot": classes(8, 10),
    "floats": al.zeros(8),
    "masks": classes(8, 5),
    "chances": al.ones(10, 8),
    "h": al.ones(8, 7),
    "tall": al.ones(7, 8),
    "lone": al.ones(1, 5, 8, 16),
    "pictures": al.ones(8, 3, 4, 5),
    "flat": al.ones(16),
    "bias": al.ones(1, 6),
}

# Code, and the edit that is proposed: an expression for one operand, a keyword argument, or None
FIXES = [
    ("nn.Conv2d(3, 6, 5)(images)", "images.movedim(-1, 1)"),
    ("nn.Conv2d(3, 6, 3)(one)", "one.movedim(-1, 0)"),
    ("nn.Conv2d(1, 6, 3)(grey)", "grey.unsqueeze(-3)"),
    ("nn.Conv2d(1, 6, 3)(deep)", "deep.squeeze(2)"),
    ("nn.Conv1d(16, 6, 3)(series)", "series.movedim(-1, 1)"),
    ("nn.Conv3d(1, 6, 3)(volume)", "volume.movedim(-1, 1)"),
    ("nn.ConvTranspose2d(3, 6, 3)(images)", "images.movedim(-1, 1)"),
    ("F.conv2d(al.ones(1, 3, 4, 4), al.ones(6, 3, 3, 3), groups=2)", "groups=1"),
    ("F.conv2d(al.ones(1, 3, 4, 4), al.ones(6, 3, 5, 5))", "padding=1"),
    ("F.conv1d(al.ones(1, 3, 4), al.ones(6, 3, 9))", "padding=3"),
    ("F.conv2d(al.ones(1, 3, 4, 4), al.ones(6, 3, 3, 3), bias)", "bias.squeeze(0)"),
    ("F.max_pool2d(al.ones(1, 1, 2, 2), 3)", "padding=1"),
    ("F.avg_pool1d(al.ones(1, 1, 2), 9)", "padding=4"),
    ("F.max_pool2d(deep, 2)", "deep.squeeze(2)"),
    ("F.cross_entropy(logits, column)", "column.squeeze(-1)"),
    ("F.cross_entropy(logits, hot)", "hot.argmax(1)"),
    ("F.cross_entropy(logits, floats)", "floats.long()"),
    ("F.cross_entropy(last, masks)", "last.movedim(-1, 1)"),
    ("F.cross_entropy(logits, chances)", "chances.T"),
    ("F.cross_entropy(logits, classes(7))", None),
    ("F.nll_loss(logits, hot)", "hot.argmax(1)"),
    ("F.nll_loss(last, masks)", "last.movedim(-1, 1)"),
    ("al.einsum('ij,jk->ik', chances, logits.T)", "'ji,jk->ik'"),
    ("al.einsum('ij,jk->ik', chances, al.ones(3, 4))", None),
    ("al.einsum('...ij,jk->...ik', logits, al.ones(9, 2))", None),
    ("nn.LSTM(16, 7)(turned)", "turned.transpose(1, -1)"),
    ("nn.GRU(16, 7)(flat)", "flat.unsqueeze(0)"),
    ("nn.RNN(16, 7)(lone)", "lone.squeeze(0)"),
    ("nn.GRU(16, 7)(words, h)", "h.unsqueeze(0)"),
    ("nn.GRU(16, 7)(words, al.ones(1, 5, 7))", "batch_first=True"),
    ("nn.GRU(16, 7)(words, al.ones(2, 8, 7))", None),
    ("nn.GRUCell(7, 7)(tall)", "tall.transpose(0, -1)"),
    ("nn.BatchNorm2d(3)(images)", "images.movedim(-1, 1)"),
    ("F.linear(pictures, al.ones(2, 20))", "pictures.flatten(2)"),
]


@pytest.mark.parametrize(("code", "fix"), FIXES, ids=[code for code, _ in FIXES])
def test_the_one_edit_that_fits_is_proposed_and_fits(code: str, fix: str | None):
    scope = {**globals(), **X}
    text = message(lambda: eval(code, scope, X))
    assert fix_of(text) == fix
    if fix is None:
        return
    if re.match(r"\w+=", fix):
        changed = re.sub(r"groups=\d", fix, code) if "groups=" in code else code[:-1] + f", {fix})"
        changed = code.replace("16, 7)", f"16, 7, {fix})") if fix.startswith("batch_first") else changed
    elif fix.startswith("'"):
        changed = re.sub(r"'[^']*'", fix, code)
    else:
        changed = re.sub(rf"\b{fix.partition('.')[0]}\b(?=[,)])", fix, code)
    assert changed != code
    eval(changed, scope, X)


@pytest.mark.parametrize(
    ("call", "layer"),
    [
        (lambda: nn.Conv2d(1, 6, 3)(al.ones(8, 3, 9, 9)), "in_channels=3"),
        (lambda: nn.ConvTranspose1d(4, 6, 3)(al.ones(8, 3, 9)), "in_channels=3"),
        (lambda: nn.LSTM(12, 7)(al.ones(5, 8, 16)), "input_size=16"),
        (lambda: nn.LSTM(8, 7, batch_first=True)(al.ones(5, 16, 7)), "input_size=7"),
        (lambda: nn.RNNCell(12, 7)(al.ones(8, 16)), "input_size=16"),
        (lambda: nn.BatchNorm1d(5)(al.ones(8, 6)), "num_features=6"),
        (lambda: nn.LayerNorm(5)(al.ones(8, 10)), "normalized_shape=10"),
        (lambda: attended(12, 4), "embed_dim=16"),
        (lambda: nn.Linear(784, 10)(al.ones(8, 700)), "in_features=700"),
    ],
)
def test_a_layer_of_another_size_is_proposed_where_no_edit_of_the_input_fits(call: Callable[[], Any], layer: str):
    assert (fix_of(message(call)) or "").replace("a module", "a layer") == f"a layer with {layer}"


def attended(size: int, heads: int, **options: Any) -> Any:
    return nn.MultiheadAttention(size, heads, **options)(X["words"], X["words"], X["words"])


def test_attention_names_what_it_projects():
    text = message(lambda: attended(16, 2, kdim=10))
    assert text.startswith(
        "MultiheadAttention: query, key and value end in 16, 10, 16, and here in 16, 16, 16: a module "
    )
    assert fix_of(text) == "a module with kdim=16"
    assert fix_of(message(lambda: attended(15, 3))) is None
    queries, keys = al.ones(2, 5, 8), al.ones(2, 6, 7)
    text = message(lambda: F.scaled_dot_product_attention(queries, keys, al.ones(2, 6, 8)))
    assert text.endswith(
        "    queries  (2, 5, 8)\n    keys     (2, 6, 7)\n                    ^\n    value    (2, 6, 8)"
    )


def test_in_a_network_the_weights_go_by_their_paths():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(5, 2, 3))
    text = message(lambda: model(al.ones(2, 1, 9, 9)))
    assert "2.weight (2, 5, 3, 3) takes 5: a layer with in_channels=4 would fit" in text


def test_groups_that_do_not_divide_the_outputs_are_said():
    with pytest.raises(ValueError, match=r"weight \(5, 1, 3, 3\) has 5 channels, not a multiple of groups=2"):
        F.conv2d(al.ones(1, 2, 4, 4), al.ones(5, 1, 3, 3), groups=2)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: nn.Embedding(10, 4)(al.tensor([[1, 2], [3, 12]])),
            r"index 12 at \(1, 1\).*num_embeddings=13 would fit",
        ),
        (
            lambda: F.cross_entropy(al.ones(3, 3), al.tensor([1, 2, 3])),
            r"index 3 at \(2,\).*count from 1, and one less",
        ),
        (lambda: F.cross_entropy(al.ones(3, 3), al.tensor([0, 2, 3])), r"index 3 at \(2,\) is out of .*\(0 to 2\)$"),
        (lambda: al.gather(al.ones(2, 3), 1, al.tensor([[3]])), r"\(0 to 2\)$"),
    ],
)
def test_an_index_out_of_range_is_named_with_what_would_hold_it(call: Callable[[], Any], text: str):
    with pytest.raises(IndexError, match=text):
        call()
