"""`torch.utils`: what feeds a training, in `data`."""

from autograd_lite.utils import data

__all__ = ["data"]
