"""The forward and backward pass of a recorded graph as NumPy code: what one would have written by hand."""

from autograd_lite.derive.derived import Derived, derive

__all__ = ["Derived", "derive"]
