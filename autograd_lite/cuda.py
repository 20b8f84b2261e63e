"""`torch.cuda`, as far as code asks whether it is there: it is not."""

__all__ = ["device_count", "is_available", "manual_seed", "manual_seed_all"]


def is_available() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def manual_seed(seed: int) -> None:
    """Seed the generator of a device that is not there: nothing happens, as in PyTorch without one."""


manual_seed_all = manual_seed
