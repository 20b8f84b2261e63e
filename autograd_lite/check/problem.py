"""A function of Tensors as numbers: its outputs in one flat vector, its gradients as arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_lite.check.replay import Replay
from autograd_lite.core import Tensor, leaf
from autograd_lite.engine import flow
from autograd_lite.memory import Array
from autograd_lite.modes import enable_grad

Evaluate = Callable[[list[Tensor]], Any]


class Problem:
    """`evaluate` takes one Tensor for each array, all requiring gradients, and gives Tensors.

    `arrays` are the point at which it is checked, in float64 and its own; `labels` say what each array is called.
    """

    def __init__(self, evaluate: Evaluate, arrays: Sequence[Array], labels: Sequence[str], replay: Replay) -> None:
        self.evaluate, self.labels, self.replay = evaluate, list(labels), replay
        self.arrays = [np.array(a, dtype=float) for a in arrays]

    def outputs(self, arrays: Sequence[Array]) -> tuple[list[Tensor], list[Tensor]]:
        """The inputs as fresh leaves, and the floating-point outputs, from the same random state each time."""
        inputs = []
        for array, label in zip(arrays, self.labels, strict=True):
            tensor = Tensor(array)
            tensor.node = leaf(tensor)
            tensor.name = label
            inputs.append(tensor)
        self.replay.restore()
        with np.errstate(all="ignore"), enable_grad():
            return inputs, as_outputs(self.evaluate(inputs))

    def values(self, arrays: Sequence[Array]) -> Array:
        """All outputs, in one vector."""
        return _flat(self.outputs(arrays)[1])

    def nearby(self, arrays: Sequence[Array]) -> Array | None:
        """`values`, or None where the function refuses the point or gives another number of outputs."""
        try:
            return self.values(arrays)
        except Exception:
            return None

    def first(self) -> Array:
        """The outputs at the point itself; learns which generators are drawn from."""
        outputs: list[Tensor] = self.replay.watched(lambda: self.outputs(self.arrays)[1])
        return _flat(outputs)

    def resolution(self) -> Array:
        """The relative rounding of every output."""
        outputs = self.outputs(self.arrays)[1]
        return np.concatenate([np.full(t.data.size, np.finfo(t.dtype).eps) for t in outputs])

    def gradients(self, cotangent: Array, arrays: Sequence[Array] | None = None) -> list[Array]:
        """What the recorded rules say: the gradient of cotangent · outputs by every array."""
        inputs, outputs = self.outputs(self.arrays if arrays is None else arrays)
        roots: dict[Any, Any] = {}
        start = 0
        for tensor in outputs:
            g = cotangent[start : start + tensor.data.size].reshape(tensor.shape).astype(tensor.dtype)
            start += tensor.data.size
            if tensor.node is not None:
                roots[tensor.node] = roots[tensor.node] + g if tensor.node in roots else g
        targets = [t.node for t in inputs if t.node is not None]
        with np.errstate(all="ignore"):
            found = flow(roots, targets=targets, retain_graph=True)
        zeros = (np.zeros(n.shape) for n in targets)
        return [np.array(found.get(n, z), dtype=float) for n, z in zip(targets, zeros, strict=True)]


def _flat(outputs: Sequence[Tensor]) -> Array:
    return np.concatenate([np.ravel(t.data).astype(float) for t in outputs])


def as_outputs(result: Any) -> list[Tensor]:
    """The floating-point Tensors of what a function returned. Raises TypeError or ValueError with what to return."""
    if isinstance(result, dict):
        result = tuple(result.values())
    items = list(result) if isinstance(result, list | tuple) else [result]
    for item in items:
        if not isinstance(item, Tensor):
            advice = (
                "did it forget to return?"
                if item is None
                else "return Tensors: .data, .numpy(), .item() and float() leave the graph behind"
            )
            raise TypeError(f"the function returned {type(item).__name__}, and not a Tensor: {advice}")
    floats = [t for t in items if t.dtype.kind == "f"]
    if not floats:
        kinds = ", ".join(str(t.dtype) for t in items) or "nothing"
        raise ValueError(
            f"the function has no floating-point output ({kinds}): only floating-point outputs have a derivative"
        )
    return floats
