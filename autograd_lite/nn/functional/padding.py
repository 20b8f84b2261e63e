"""Padding."""

from autograd_lite.ops import pad

__all__ = ["pad"]
