"""Where tensors are: on the CPU, in NumPy's memory. Where PyTorch takes a device, it is taken, and is that one."""

from __future__ import annotations

from typing import Any

KNOWN = ("cpu", "cuda", "mps", "xpu", "meta")


class device(str):  # noqa: N801 (PyTorch's spelling)
    """The CPU: `device("cpu")`. Raises ValueError for any other.

    >>> import autograd_lite as al
    >>> al.device("cuda" if al.cuda.is_available() else "cpu")
    device(type='cpu')
    """

    __slots__ = ()

    def __new__(cls, type: str = "cpu", index: int | None = None) -> device:
        """By its name."""
        if type.partition(":")[0] != "cpu":
            raise ValueError(
                f"there is no device {str(type)!r}: arrays are NumPy's, on the CPU; leave it out, or 'cpu'"
            )
        return super().__new__(cls, type if index is None else f"{type}:{index}")

    @property
    def type(self) -> str:
        """Its kind, without a number."""
        return str(self).partition(":")[0]

    @property
    def index(self) -> Any:
        """Its number, if it has one."""
        return int(self.partition(":")[2]) if ":" in self else None

    def __repr__(self) -> str:
        number = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{number})"


def names_device(given: Any) -> bool:
    """Is it a device's name rather than a dtype's? Raises ValueError for one that is not here."""
    if not isinstance(given, str) or given.partition(":")[0] not in KNOWN:
        return False
    device(given)
    return True


def on(given: Any) -> None:
    """Raise ValueError unless a device that was asked for is the CPU, or none was."""
    if given is not None:
        device(given)
