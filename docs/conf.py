"""How Sphinx makes the site: `python -m sphinx -W -c docs . build/site`, from the checkout's root.

The source folder is the whole checkout, so that links between the pages, the README and the files that they name are
the same on the site as they are in the repository. The reference is written into docs/api by `reference.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

import reference  # noqa: E402
from docutils import nodes  # noqa: E402
from sphinx import addnodes  # noqa: E402

import autograd_lite  # noqa: E402

project, author = "autograd_lite", "the autograd_lite developers"
version = release = autograd_lite.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]

root_doc = "docs/index"
include_patterns = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "examples/README.md",
    "docs/**",
    "benchmarks/README.md",
    "models/data/*.md",
]
exclude_patterns = [".*", "build", "dist", "docs/_site", "**/__pycache__"]
source_suffix = {".md": "markdown"}

myst_enable_extensions = ["html_image", "colon_fence"]
myst_heading_anchors = 4
default_role = "code"
autodoc_typehints = "none"
autodoc_member_order = "alphabetical"
python_use_unqualified_type_names = True
highlight_language = "none"
smartquotes_action = "qe"  # dashes are typed: -- belongs to an option

html_theme = "furo"
html_title = "autograd_lite"
html_static_path = ["_site"]
html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = html_show_copyright = False
html_theme_options = {"navigation_with_keys": True}
templates_path: list[str] = []


def setup(app: Any) -> None:
    """Write the reference before anything is read; make docstrings, which are plain text, safe as reStructuredText."""
    reference.write(ROOT / "docs" / "api")
    app.connect("autodoc-process-docstring", reference.as_text)
    app.connect("doctree-read", trimmed)
    app.connect("build-finished", front)


def trimmed(app: Any, doctree: nodes.document) -> None:
    """Blocks of code without the blank line that ends a doctest; names of the reference as programs write them."""
    for block in doctree.findall(nodes.literal_block):
        block.rawsource = block.astext().rstrip("\n")
        block[:] = [nodes.Text(block.rawsource)]
    for prefix in doctree.findall(addnodes.desc_addname):
        prefix[:] = [nodes.Text(prefix.astext().replace("autograd_lite.", "al.", 1))]


def front(app: Any, error: Exception | None) -> None:
    """The folder's own index.html leads to the first page."""
    if error is None and app.builder.format == "html":
        page = f"{root_doc}.html"
        head = f'<meta charset="utf-8"><meta http-equiv="refresh" content="0; url={page}"><title>{project}</title>'
        text = f'<!doctype html>{head}<a href="{page}">{project}</a>\n'
        (Path(app.outdir) / "index.html").write_text(text, "utf-8")
