"""An ONNX graph while it is written: names of values, nodes, and the arrays that it starts with."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.memory import Array

OPSET = 18


class ExportError(TypeError):
    """A model does what has no ONNX form here.

    >>> import autograd_lite as al
    >>> al.onnx.export(al.linalg.inv, al.eye(2), "inverse.onnx")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    autograd_lite.onnx.builder.ExportError: export: the op inv has no ONNX form here; those that have one are ...
    """


class Builder:
    """Nodes and arrays so far. Values go by their arrays: a Tensor's, whoever holds it."""

    def __init__(self, names: dict[int, str]) -> None:
        import onnx

        self.onnx: Any = onnx
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.names: dict[int, str] = {}  # of arrays, by their id
        self.parameters = names  # what arrays from outside are called, by their id
        self.kept: list[Any] = []  # so that no two arrays have one id
        self.used: set[str] = set()

    def fresh(self, name: str) -> str:
        """A name that no other value has."""
        found, k = name, 1
        while found in self.used:
            found, k = f"{name}_{k}", k + 1
        self.used.add(found)
        return found

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """A node with one output; returns the output's name."""
        out = self.fresh(kind.lower())
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def constant(self, array: Any, name: str = "constant") -> str:
        """An array that the graph has from the start."""
        found = self.fresh(name)
        value = np.array(array, order="C")
        self.initializers.append(self.onnx.numpy_helper.from_array(value, found))
        return found

    def ints(self, *values: int) -> str:
        """Some integers: axes, a shape."""
        return self.constant(np.array(values, np.int64), "shape")

    def name(self, array: Array) -> str:
        """The name of an array; one from outside is taken into the graph."""
        if id(array) not in self.names:
            self.kept.append(array)
            self.names[id(array)] = self.constant(array, self.parameters.get(id(array), "constant"))
        return self.names[id(array)]

    def define(self, array: Array, name: str) -> None:
        """An array that a node makes."""
        self.kept.append(array)
        self.names[id(array)] = name

    def kind(self, dtype: Any) -> int:
        """ONNX's number for a dtype."""
        kind: int = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return kind

    def cast(self, name: str, old: Any, new: Any) -> str:
        """In another dtype, where it has not that one already."""
        return name if np.dtype(old) == np.dtype(new) else self.add("Cast", name, to=self.kind(new))
