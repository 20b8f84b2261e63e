"""`RowSparse`: a gradient that is zero but for a few rows, as an embedding's is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def put_rows(target: Array, rows: Array, block: Array) -> None:
    """target[rows] = block. A row as one thing, not as numbers: 8.5 against 14.4 µs for 130 rows of 100 (2026-11)."""
    if block.ndim == 2 and block.size and target.flags.c_contiguous and target.dtype == block.dtype:
        row = np.dtype((np.void, block.shape[1] * block.itemsize))
        target.view(row).reshape(-1)[rows] = block.view(row).reshape(-1)
    else:
        target[rows] = block


class RowSparse:
    """Rows of an array that is zero elsewhere; rows that are named twice add up.

    `rows` is (k,) of integers, negative ones counting from the end; `values` is (k, ...), and may be a read-only
    view; `shape` is the shape of the whole.

    >>> import autograd_lite as al
    >>> import numpy as np
    >>> al.RowSparse(np.array([2, 0, 2]), np.ones((3, 2)), (4, 2)).to_dense()
    array([[1., 1.],
           [0., 0.],
           [2., 2.],
           [0., 0.]])
    """

    __slots__ = ("owned", "rows", "shape", "values")
    __array_ufunc__ = None  # so that `array + row_sparse` comes to __radd__

    def __init__(self, rows: Array, values: Array, shape: tuple[int, ...]) -> None:
        self.rows, self.values, self.shape = rows, values, shape
        self.owned = False  # whether its reader may write into it

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values."""
        return self.values.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions of the whole."""
        return len(self.shape)

    def coalesce(self) -> RowSparse:
        """The same, each row named once, in ascending order."""
        return self._once(ascending=True)

    def _once(self, ascending: bool) -> RowSparse:
        rows = self.rows
        if not rows.size or (rows[0] >= 0 and bool((rows[1:] > rows[:-1]).all())):
            return self
        rows = rows.astype(np.intp, copy=False)  # small integers could not hold the sum
        rows = np.where(rows < 0, rows + self.shape[0], rows)
        order = np.argsort(rows, kind="stable")
        ordered = rows[order]
        new = ordered[1:] != ordered[:-1]
        if new.all():
            return RowSparse(ordered, self.values[order], self.shape) if ascending else self
        starts = np.flatnonzero(np.concatenate(([True], new)))
        return RowSparse(ordered[starts], np.add.reduceat(self.values[order], starts, axis=0), self.shape)

    def add_to(self, target: Array, alpha: float = 1.0) -> None:
        """Add alpha times this to an array of the whole's shape, in place."""
        once = self._once(ascending=False)
        alike = once.values.ndim > 1 and once.values.strides[0] == 0  # one row repeated, as under a sum of rows
        values = once.values[:1] if alike else once.values
        block = target.take(once.rows, axis=0)  # half the time of target[rows], 2026-11
        block += values if alpha == 1.0 else values * alpha
        put_rows(target, once.rows, block)

    def squared(self) -> RowSparse:
        """The squares of its numbers, after rows that are named twice were added up."""
        once = self.coalesce()
        return RowSparse(once.rows, once.values * once.values, once.shape)

    def to_dense(self) -> Array:
        """The whole, as an array."""
        whole = np.zeros(self.shape, self.dtype)
        self.add_to(whole)
        return whole

    def astype(self, dtype: npt.DTypeLike) -> RowSparse:
        """The same rows in another dtype."""
        return RowSparse(self.rows, self.values.astype(dtype), self.shape)

    def copy(self) -> RowSparse:
        """One that shares no memory with this one."""
        twin = RowSparse(self.rows.copy(), self.values.copy(), self.shape)
        twin.owned = True
        return twin

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        whole = self.to_dense()
        return whole if dtype is None else whole.astype(dtype)

    def __add__(self, other: Any) -> Any:
        if isinstance(other, RowSparse):
            rows = np.concatenate((self.rows, other.rows))
            return RowSparse(rows, np.concatenate((self.values, other.values)), self.shape)
        whole = np.array(other, dtype=np.result_type(other, self.values))
        self.add_to(whole)
        return whole

    __radd__ = __add__

    def __repr__(self) -> str:
        return f"RowSparse({self.rows.size} of {self.shape[0]} rows, shape={self.shape}, dtype={self.dtype})"
