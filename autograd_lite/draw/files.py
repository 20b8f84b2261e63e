"""Writing what was drawn into a file: whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def directory_of(path: str | os.PathLike[str]) -> Path:
    """The path, whose directory must be there. Raises FileNotFoundError."""
    target = Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"the directory {target.parent} does not exist: make it first")
    return target


def written(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write into a file beside the target, which then takes its place: nobody finds half a picture.

    Raises FileNotFoundError where the directory does not exist.
    """
    target = directory_of(path)
    real = Path(os.path.realpath(target))
    draft = real.parent / f".{secrets.token_hex(8)}.part"
    try:
        with open(draft, "xb") as file:
            file.write(content)
        os.replace(draft, real)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return target
