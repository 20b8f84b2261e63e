"""Modules, as in `torch.nn`."""

from autograd_lite.nn import functional, init
from autograd_lite.nn.containers import ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
from autograd_lite.nn.layers import (
    BCEWithLogitsLoss,
    Conv2d,
    CrossEntropyLoss,
    Dropout,
    Embedding,
    Flatten,
    Linear,
    MaxPool2d,
    MSELoss,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from autograd_lite.nn.module import Module
from autograd_lite.nn.parameter import Parameter

__all__ = [
    "BCEWithLogitsLoss",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "Flatten",
    "Linear",
    "MSELoss",
    "MaxPool2d",
    "Module",
    "ModuleDict",
    "ModuleList",
    "Parameter",
    "ParameterDict",
    "ParameterList",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "functional",
    "init",
]
