"""What is written in a box: names, shapes, numbers and attributes, short, and the same in every process."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_lite.core import Node
from autograd_lite.ops.index import ARRAY

LONGEST = 40  # characters of a name or of an op's attributes; the tooltip has the rest
_ELLIPSIS = "…"
_ones = ("stride", "dilation")  # nothing to say where they are 1
_hidden = ("shape", "generator", "again")  # the result's box shows its shape


def shortened(text: str, longest: int = LONGEST) -> str:
    """The beginning and the end of a long text, which is where names differ.

    >>> shortened("encoder.layers.11.attention.weight", 16)
    'encoder…n.weight'
    """
    if len(text) <= longest:
        return text
    head = (longest - 1) // 2
    return f"{text[:head].rstrip()}{_ELLIPSIS}{text[len(text) - (longest - 1 - head) :].lstrip()}"


def kind_of_array(shape: tuple[int, ...], dtype: np.dtype[Any]) -> str:
    """The shape, and the dtype where it is not float64.

    >>> kind_of_array((2, 3), np.dtype("float32"))
    '(2, 3) float32'
    """
    return str(shape) if dtype == np.float64 else f"{shape} {dtype.name}"


def number(value: Any) -> str:
    """A number in at most six digits.

    >>> number(1 / 3), number(2.0), number(True)
    ('0.333333', '2.0', 'True')
    """
    if isinstance(value, float | np.floating):
        text = f"{float(value):.6g}"
        return text if not text.lstrip("-").isdigit() else f"{text}.0"
    return str(value)


def attribute(value: Any, depth: int = 3) -> str:
    """An attribute's value as one would write it; of what is not a plain value, the type alone."""
    if value is ARRAY:
        return "array"
    if value is None or isinstance(value, bool | int | float | np.generic):
        return number(value)
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, slice):
        ends = ("" if end is None else attribute(end, 0) for end in (value.start, value.stop))
        return ":".join(ends) + ("" if value.step is None else f":{attribute(value.step, 0)}")
    if isinstance(value, tuple | list) and depth:
        items = ", ".join(attribute(item, depth - 1) for item in value)
        return f"({items},)" if len(value) == 1 else f"({items})"
    if value is Ellipsis:
        return "..."
    if isinstance(value, np.dtype):
        return str(value.name)
    if isinstance(value, np.ndarray):
        return f"array {kind_of_array(value.shape, value.dtype)}"
    return type(value).__name__


def attributes(node: Node) -> str:
    """What the attributes of an op add to its name and to the shapes around it."""
    return ", ".join(_said(name, value) for name, value in node.attrs.items() if _matters(node, name, value))


def _said(name: str, value: Any) -> str:
    if name in ("index", "form"):
        items = value if isinstance(value, tuple) else (value,)
        return f"[{', '.join('None' if item is None else attribute(item) for item in items)}]"
    if name == "dim" and isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    return f"{name}={attribute(value)}"


def _matters(node: Node, name: str, value: Any) -> bool:
    if name in _hidden:
        return False
    if name in ("index", "form"):
        return True
    if value is None or value is False or (isinstance(value, float) and math.isinf(value)):
        return False
    if node.op is not None and attribute(value) == attribute(node.op.attrs[name]):
        return False  # its default
    if name in _ones:
        return attribute(value).strip("(1, )") != ""
    if name == "dim" and isinstance(value, tuple) and node.parents and node.parents[0] is not None:
        return value != tuple(range(len(node.parents[0].shape)))  # all of them is what one expects
    return True
