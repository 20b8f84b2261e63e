"""What the documents show is what runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def run(*command, folder):
    return subprocess.run(
        [sys.executable, "-W", "error", *map(str, command)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_every_example_runs_without_a_warning(path, tmp_path):
    pytest.importorskip("graphviz", reason="some examples draw: pip install 'autograd_lite[draw]'")
    done = run(path, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_readme_and_its_picture_are_up_to_date(tmp_path):
    pytest.importorskip("graphviz", reason="the picture needs it: pip install 'autograd_lite[draw]'")
    done = run(ROOT / "docs" / "generate.py", "--check", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_link_of_the_documents_leads_somewhere():
    import re

    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    for page in pages:
        for target in re.findall(r'\]\(([^)#]+)[)#]|src="([^"]+)"', page.read_text()):
            link = target[0] or target[1]
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page.name} links to {link}"


def test_every_command_of_the_readme_is_there():
    text = (ROOT / "README.md").read_text()
    commands = [line for line in text.splitlines() if line.startswith("python3 -m venv")]
    assert len(commands) == 2
    assert commands[0].endswith("python -m models")
    assert commands[1].endswith("python -m pytest")
