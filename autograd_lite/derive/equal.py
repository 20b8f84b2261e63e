"""How near is equal."""

from __future__ import annotations

from typing import Any

import numpy as np


def near(a: Any, b: Any) -> bool:
    """Are two arrays equal to rounding, as far as the largest entry goes?"""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        return False
    finite = np.isfinite(b)
    with np.errstate(all="ignore"):
        off = np.max(np.abs(a - b), initial=0.0, where=finite)
    largest = np.max(np.abs(b), initial=0.0, where=finite)
    alike = bool(np.array_equal(a[~finite], b[~finite], equal_nan=True))
    return alike and bool(off <= relative(b.dtype) * largest)


def relative(dtype: Any) -> float:
    """How near is equal, of the largest entry."""
    return {4: 1e-5, 2: 1e-2}.get(np.dtype(dtype).itemsize, 1e-12)
