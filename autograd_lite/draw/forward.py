"""The forward pass of a recorded graph as NumPy code, op by op as it was recorded, in the user's names."""

from __future__ import annotations

from typing import Any

from autograd_lite.core import Tensor
from autograd_lite.derive.codes import helpers_of, numpy_style
from autograd_lite.derive.lines import Lines
from autograd_lite.derive.numpy_text import Unprintable
from autograd_lite.draw.algebra import refuse_other


def forward_code(loss: Tensor, *, names: Any = None) -> str | None:
    """The forward pass under a Tensor as NumPy code: a line for each named tensor, the loss last.

    Names are those of the tensors, as Python can have them ("hidden.weight" is hidden_weight); comments say what
    leaves and constants without a name are called, and what they are. None where an op has no NumPy text, or
    where nothing was recorded. Raises TypeError for what is not a Tensor.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0, 2.0], requires_grad=True, name="w")
    >>> print(forward_code(al.sum(al.sigmoid(w * 2)), names={"weights": w}))
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))
    <BLANKLINE>
    result = np.sum(sigmoid(weights * 2))
    """
    refuse_other(loss)
    if loss.node is None:
        return None
    lines = Lines(loss, names, numpy_style, by_age=True)
    try:
        made = lines.write()
    except Unprintable:
        return None
    text = [f"{line.left.plain} = {line.right.plain}" for line in made]
    return "\n".join([*helpers_of(text), *(f"# {name}: {of}" for name, of in lines.unnamed), *text])
