"""A training step as straight-line NumPy: traced once, optimised, run from then on."""

from autograd_lite.compiler.compiled import Compiled, compile
from autograd_lite.compiler.proxy import TraceError

__all__ = ["Compiled", "TraceError", "compile"]
