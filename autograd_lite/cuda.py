"""`torch.cuda`, as far as code asks whether it is there: it is not."""

__all__ = ["device_count", "is_available", "manual_seed", "manual_seed_all"]


def is_available() -> bool:
    """False.

    >>> import autograd_lite as al
    >>> al.cuda.is_available()
    False
    """
    return False


def device_count() -> int:
    """0.

    >>> import autograd_lite as al
    >>> al.cuda.device_count()
    0
    """
    return 0


def manual_seed(seed: int) -> None:
    """Seed the generator of a device that is not there: nothing happens, as in PyTorch without one.

    >>> import autograd_lite as al
    >>> al.cuda.manual_seed(3)  # al.manual_seed seeds what draws
    """


manual_seed_all = manual_seed
