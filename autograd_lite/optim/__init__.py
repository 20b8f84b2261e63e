"""Rules of learning, as in `torch.optim`."""

from autograd_lite.optim.adam import Adam
from autograd_lite.optim.optimizer import Optimizer
from autograd_lite.optim.sgd import SGD

__all__ = ["SGD", "Adam", "Optimizer"]
