"""What a rule does for cases that do not occur: comparisons that come out the same everywhere, as of class numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_lite.derive.pieces import Piece
from autograd_lite.derive.trace import raw
from autograd_lite.ops import compare, elementwise, reduce

_E: Any = elementwise  # Any: type checkers do not see that what `primitive` makes has an `op`
_O: Any = compare
_R: Any = reduce
_equal, _not_equal, _multiply, _where = _O.eq.op, _O.not_equal.op, _E.multiply.op, _E.where.op
_sum = _R._sum.op


class Idle:
    """The ops of one rule. `assumed` are the comparisons that were left out, as text."""

    def __init__(self, ops: Sequence[Any], piece: Callable[[Any], Piece]) -> None:
        self.piece, self.assumed = piece, list[str]()
        self._same = {id(made[3]) for made in ops if self._is_idle(made, ops)}

    @staticmethod
    def _is_idle(made: Any, ops: Sequence[Any]) -> bool:
        """Has a comparison of integers no equals at all, and do only ops use it that do nothing then?"""
        op, args, _, result = made
        if op not in (_equal, _not_equal) or np.asarray(raw(args[0])).dtype.kind not in "iu":
            return False
        users = [(user[0], k) for user in ops for k, a in enumerate(user[1]) if a is result]
        fit = all(user in (_multiply, _sum) if op is _not_equal else (user, k) == (_where, 0) for user, k in users)
        fit = fit and all(user[3].data.ndim == 0 for user in ops if user[0] is _sum and user[1][0] is result)
        return fit and bool(np.all(result.data == (op is _not_equal)))

    def short(self, made: Any) -> Piece | None:
        """What stands for an op that does nothing, or None for one that does something."""
        op, args, _, result = made
        if id(result) in self._same:
            self.assumed.append(f"{self.piece(args[0]).plain} != {self.piece(args[1]).plain} everywhere")
            return Piece("")
        at = next((k for k, a in enumerate(args) if id(a) in self._same), None)
        if at is None:
            return None
        if op is _sum:
            return Piece(str(int(result.data)))
        other = args[2] if op is _where else args[1 - at]
        shape, text = result.data.shape, self.piece(other)
        return text if np.shape(raw(other)) == shape else Piece(f"np.broadcast_to({text.plain}, {shape})")
