"""The report: a static site with a page for each network, its picture, its code, its deltas beside the derived ones.

`build` writes it; pages need nothing from outside and work from the file system. It needs the extra `models`.
"""

from __future__ import annotations

from models.site.builder import SiteError, build

__all__ = ["SiteError", "build"]
