"""How derived code reads: what one would not have written by hand is not there, and other arrays can go in."""

from __future__ import annotations

import re

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.nn import functional as F


@pytest.fixture
def convolution():
    """A small network of convolutions, images and labels."""
    al.manual_seed(1)
    layers = [nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 4, 3, stride=2), nn.Tanh()]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(36, 5))
    images, labels = al.randn(4, 1, 14, 14), al.randint(0, 5, (4,))
    images.name, labels.name = "images", "labels"
    return model, images, labels


def check_others(derived, model, labels, **others):
    """Its gradients at other images are the engine's."""
    (images,) = others.values()
    model.zero_grad()
    F.cross_entropy(model(al.tensor(images)), labels).backward()
    made = derived.function()(**others)
    for name, parameter in model.named_parameters():
        g = parameter.grad.data
        np.testing.assert_allclose(made[f"layer{name.replace('.', '_')}"], g, rtol=0, atol=1e-12)


@pytest.mark.parametrize("style", ["book", "plain"])
def test_other_images_go_into_a_convolution(convolution, style):
    model, images, labels = convolution
    derived = al.derive(F.cross_entropy(model(images), labels), names=model, style=style)
    assert derived.inputs["images"].shape == (4, 1, 14, 14)
    assert "np.pad(images, " in derived.forward
    assert not re.search(r"^# c\d", derived.source, re.MULTILINE)
    check_others(derived, model, labels, images=al.randn(4, 1, 14, 14).data)


def test_images_that_require_a_gradient_go_in_whatever_is_done_to_them(convolution):
    model, images, labels = convolution
    brightness = al.tensor(images.data * 3, requires_grad=True, name="brightness")
    loss = F.cross_entropy(model(brightness / 3), labels)
    derived = al.derive(loss, wrt=list(model.parameters()), names=model)
    assert "brightness" not in derived.gradients
    others = al.randn(4, 1, 14, 14).data
    model.zero_grad()
    F.cross_entropy(model(al.tensor(others)), labels).backward()
    made = derived.function()(brightness=3 * others)
    np.testing.assert_allclose(made["layer0_weight"], model[0].weight.grad.data, atol=1e-12)


def test_settings_of_a_convolution_that_do_not_show_are_not_guessed():
    images, kernel = al.zeros(2, 1, 4, 4), al.randn(1, 1, 2, 2, requires_grad=True)
    images.name, kernel.name = "images", "kernel"
    for padding in (0, 1):
        derived = al.derive(F.conv2d(images, kernel, padding=padding, stride=1 + 3 * padding).sum())
        assert "images" not in derived.inputs  # strides of 1 without padding and of 2 with it have as many windows
    images.data[...] = np.arange(32.0).reshape(images.shape)
    assert "images" in al.derive(F.conv2d(images, kernel).sum()).inputs


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (lambda x: x[1], "x[1] @ w"),
        (lambda x: x[:, 2], "x[:, 2] @ w"),
        (lambda x: x[2:], "x[2:4] @ w"),
        (lambda x: x.detach(), "x @ w"),
        (lambda x: x[1:3, 0], None),
        (lambda x: x[1:3].reshape(8, 3), None),
        (lambda x: x.reshape(16, 3), "x.reshape(16, 3) @ w"),
    ],
)
def test_a_part_of_an_array_with_a_name(part, text):
    x, w = al.randn(4, 4, 3), al.randn(3, 2, requires_grad=True)
    x.name, w.name = "x", "w"
    derived = al.derive((part(x) @ w).square().sum())
    assert text is None or text in derived.forward
    others = al.randn(4, 4, 3)
    (part(others) @ w).square().sum().backward()
    if "x" in derived.inputs:
        np.testing.assert_allclose(derived.function()(x=others.data)["w"], w.grad.data, rtol=1e-12)
    else:
        assert text is None


def test_a_gradient_is_not_given_a_second_name(convolution):
    model, images, labels = convolution
    backward = al.derive(F.cross_entropy(model(images), labels), names=model).backward
    assert "None" not in re.sub(r"\[.*?\]", "", backward)
    assert not re.search(r"^\w+ = \w+(  #.*)?$", backward, re.MULTILINE)
    assert "layer0_bias_delta = " in backward
    bias = [line for line in backward.splitlines() if line.startswith("layer0_bias_delta")]
    assert re.fullmatch(r"layer0_bias_delta = \w+\.sum\(axis=\(0, 2, 3\)\)  # .*", bias[0])


def test_a_gradient_without_a_name_is_written_once():
    model, x = nn.Sequential(nn.Linear(5, 4), nn.Sigmoid(), nn.Linear(4, 3)), al.randn(6, 5)
    backward = al.derive(F.cross_entropy(model(x), al.tensor([0, 1, 2, 0, 1, 2])), names=model).backward
    assert backward.count("softmax(") == 1
    assert re.search(r"^(\w+)_delta = \(softmax\(\1\) - np\.eye\(3\)\[target\]\) / 6", backward, re.MULTILINE)


@pytest.mark.parametrize("style", ["book", "plain"])
def test_labels_that_do_not_occur_are_spoken_of_once(style):
    z, labels = al.randn(4, 3, requires_grad=True), al.tensor([0, 2, 1, 1])
    z.name, labels.name = "z", "labels"
    backward = al.derive(F.cross_entropy(z * 1.5, labels), style=style).backward
    assert backward.count("100") == 1
    assert backward.startswith("# (as here: labels != -100 everywhere)\n")
    assert "where" not in backward.split("\n", 1)[1]
    ignored = al.tensor([0, -100, 1, 1])
    ignored.name = "labels"
    assert al.derive(F.cross_entropy(z * 1.5, ignored), style=style).backward.count("100") > 1


def test_what_is_said_of_a_sum_names_each_way():
    model, x, y = nn.Linear(5, 3), al.randn(4, 5), al.tensor([0, 1, 2, 0])
    hidden = al.tanh(model(x))
    loss = F.cross_entropy(hidden @ al.randn(3, 3), y) + 0.01 * (model.weight**2).sum()
    backward = al.derive(loss, names=model).backward
    assert "..." not in backward
    assert re.search(r"# weight: .*square, .*matrix product\n", backward)


def test_the_transpose_of_a_product_of_stacks():
    x, w, v = al.randn(2, 5, 4), al.randn(4, 4, requires_grad=True), al.randn(4, 4, requires_grad=True)
    x.name, w.name, v.name = "x", "w", "v"
    q, k = x @ w, x @ v
    q.name, k.name = "q", "k"
    scores = q @ k.transpose(1, 2)
    scores.name = "scores"
    assert "k_delta = scores_delta.mT @ q" in al.derive(scores.square().sum()).backward
