"""autograd_lite: NumPy tensors that record what was done to them, and gradients that are checked."""

from autograd_lite import autograd, creation, methods, ops
from autograd_lite.core import GraphError, Tensor, primitive
from autograd_lite.creation import *
from autograd_lite.modes import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from autograd_lite.ops import *
from autograd_lite.random import manual_seed
