"""The networks in autograd_lite, compiled by Numba."""

from .ours import compiled

BUILDERS = compiled("numba")
