"""What rules are called where a line of a backward pass says by which it came."""

from __future__ import annotations

from typing import Any

from autograd_lite.core import Node, Op
from autograd_lite.ops import elementwise, fused, index, linalg

_E: Any = elementwise  # Any: type checkers do not see that what `primitive` makes has an `op`
_F: Any = fused
_I: Any = index
_L: Any = linalg
activations: set[Op | None] = {
    *(call.op for call in (_E.relu, _E.sigmoid, _E.tanh, _F._softmax, _F._log_softmax)),
}
plumbing = {
    "add",
    "subtract",
    "sum",
    "mean",
    "divide",
    "negative",
    "reshape",
    "permute",
    "broadcast to",
    "cast",
    "clone",
}
_said: dict[Op | None, str] = {
    **{call.op: "matrix product" for call in (_L.matmul, _L._linear, _L._affine)},
    **{call.op: "softmax and cross-entropy" for call in (_F._cross_entropy, _F._cross_entropy_of_rows)},
    **{call.op: f"slope of {call.op.name}" for call in (_E.relu, _E.sigmoid, _E.tanh, _E.softplus, _E.exp, _E.log)},
    _F._squared_error.op: "squared error",
    _F._absolute_error.op: "absolute error",
    _F._logistic_loss.op: "sigmoid and cross-entropy",
    _I.take_rows.op: "the rows that were read",
}


def rule_of(node: Node) -> str:
    """What the rule of a node's op is called."""
    assert node.op is not None
    return _said.get(node.op) or node.op.name.replace("_", " ")
