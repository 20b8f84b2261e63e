"""`torch.autograd`: gradients on request, into `grad` by `backward` or as a result by `grad`; and `Function`."""

from autograd_lite.anomaly import AnomalyError, detect_anomaly, is_anomaly_enabled, set_detect_anomaly
from autograd_lite.autograd import function, functional
from autograd_lite.autograd.checks import gradcheck, gradgradcheck
from autograd_lite.autograd.function import Function
from autograd_lite.gradients import backward, grad
from autograd_lite.modes import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled

__all__ = [
    "AnomalyError",
    "Function",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "function",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "is_anomaly_enabled",
    "is_grad_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]
