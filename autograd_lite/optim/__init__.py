"""Rules of learning, as in `torch.optim`."""

from autograd_lite.optim import lr_scheduler
from autograd_lite.optim.adam import Adam, AdamW
from autograd_lite.optim.adam_kin import Adamax, NAdam, RAdam
from autograd_lite.optim.lbfgs import LBFGS
from autograd_lite.optim.optimizer import Optimizer
from autograd_lite.optim.rms import Adadelta, Adagrad, RMSprop
from autograd_lite.optim.sgd import SGD

__all__ = [
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "lr_scheduler",
]
