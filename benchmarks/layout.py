"""PyTorch's layout of the networks' weights and examples, which autograd_lite shares."""

from __future__ import annotations

from typing import Any

from .problems import KERNELS, POSITIONS, Array


class Layout:
    """Linear weights are (outputs, inputs); examples stay as they are."""

    def example(self, *arrays: Any) -> tuple[Any, ...]:
        """An example as the network takes it."""
        return arrays

    def from_hand(self, *weights: Array) -> list[Array]:
        """Weights from the hand-written layout."""
        return [w.T.copy() for w in weights]

    def to_hand(self, *weights: Array) -> list[Array]:
        """The inverse of `from_hand`."""
        return [w.T for w in weights]


class Classes(Layout):
    """Labels are class numbers."""

    def example(self, *arrays: Any) -> tuple[Any, ...]:
        """The inputs, class numbers, and a mask if there is one."""
        inputs, labels, *masks = arrays
        return inputs, labels.argmax(axis=-1), *masks


class Channels(Classes):
    """Kernels are (16, 1, 3, 3); features, and so the mask, are channel-major."""

    def example(self, *arrays: Any) -> tuple[Any, ...]:
        """Images with a channel, cropped to what the kernels visit."""
        images, classes, mask = super().example(*arrays)
        side = POSITIONS + 2
        mask = mask.reshape(-1, POSITIONS**2, KERNELS).swapaxes(1, 2).reshape(mask.shape)
        return images[:, None, :side, :side].copy(), classes, mask

    def from_hand(self, *weights: Array) -> list[Array]:
        """Weights from the hand-written layout."""
        hidden, output = weights
        output = output.reshape(POSITIONS**2, KERNELS, -1).transpose(2, 1, 0)
        return [hidden.T.reshape(KERNELS, 1, 3, 3).copy(), output.reshape(len(output), -1).copy()]

    def to_hand(self, *weights: Array) -> list[Array]:
        """The inverse of `from_hand`."""
        hidden, output = weights
        output = output.reshape(-1, KERNELS, POSITIONS**2).transpose(2, 1, 0)
        return [hidden.reshape(KERNELS, 9).T, output.reshape(KERNELS * POSITIONS**2, -1)]


class Words(Layout):
    """Rows of an embedding are words on both sides."""

    def from_hand(self, *weights: Array) -> list[Array]:
        """Weights from the hand-written layout."""
        hidden, output = weights
        return [hidden.copy(), output.T.copy()]

    def to_hand(self, *weights: Array) -> list[Array]:
        """The inverse of `from_hand`."""
        hidden, output = weights
        return [hidden, output.T]
