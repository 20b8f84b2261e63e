"""What the documents show is what runs."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import autograd_lite as al

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
README = ROOT / "README.md"


def run(*command, folder):
    return subprocess.run(
        [sys.executable, "-W", "error", *map(str, command)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def generate(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import generate

    return generate


@pytest.fixture
def without_data(generate, monkeypatch):
    """The documents' module where only a few networks have their data."""
    from models import checking, networks

    def of(name):
        if name in ("5.3s", "5.4s", "B.3s2"):
            return checking.check(networks[name])
        return [checking.Checked(network=name, version="framework", what="skipped", passed=None, note="no data")]

    found = {name: of(name) for name in networks}
    monkeypatch.setattr(generate.errata, "checked", lambda: found)
    return generate


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_every_example_runs_without_a_warning(path, tmp_path):
    pytest.importorskip("graphviz", reason="some examples draw: pip install 'autograd_lite[draw]'")
    done = run(path, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_what_is_generated_is_up_to_date(tmp_path):
    """README, docs/names.md, docs/errata.md, docs/deltas.md and the picture, with one check of all networks."""
    pytest.importorskip("graphviz", reason="the picture needs it: pip install 'autograd_lite[draw]'")
    done = run(ROOT / "docs" / "generate.py", "--check", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_needs_data_that_are_missing_stays_as_it_was(without_data):
    block = between(README.read_text(), "checks")
    assert without_data.checks(block) + "\n" == block
    assert without_data.errata.page() == without_data.errata.PAGE.read_text()


def test_what_needs_no_data_is_made_anew(without_data, monkeypatch, tmp_path):
    block = between(README.read_text(), "checks")
    for old, new in (("transposed", "inverted"), ("](docs/errata.md#53s", "](#53s"), ("| [5.4s", "| [5.5s")):
        assert old in block
        assert without_data.checks(block.replace(old, new)) + "\n" == block
    page = tmp_path / "errata.md"
    page.write_text(without_data.errata.PAGE.read_text().replace("*transposed*", "*inverted*"))
    monkeypatch.setattr(without_data.errata, "PAGE", page)
    assert "*transposed*" in without_data.errata.page()
    assert "*inverted*" not in without_data.errata.page()


def test_a_section_of_what_is_found_no_more_goes(without_data, monkeypatch, tmp_path):
    page = tmp_path / "errata.md"
    page.write_text(without_data.errata.PAGE.read_text())
    monkeypatch.setattr(without_data.errata, "PAGE", page)
    monkeypatch.setattr(without_data.errata, "mistaken", dict)
    assert "## 5.3s" not in without_data.errata.page()
    assert "[5.3s" not in without_data.checks(between(README.read_text(), "checks"))
    assert "## 11.1 " in without_data.errata.page()


def test_the_program_of_a_page_is_run_and_compared(generate):
    blocks = "a = 1\nprint(a)\n```\n\n```text\n2", "a += 1", "print(a)"
    page = "Text.\n" + "".join(f"\n```python\n{block}\n```\n" for block in blocks)
    made = generate.with_outputs(page)
    assert "print(a)\n```\n\n```text\n1\n```\n\n```python\na += 1\n```\n\n```python" in made
    assert made.endswith("print(a)\n```\n\n```text\n2\n```\n")
    assert generate.with_outputs(made) == made
    with pytest.raises(ZeroDivisionError):
        generate.with_outputs("```python\n1 / 0\n```\n")


def blocks(page):
    """The blocks of Python of a page."""
    return re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


PAGES = [
    *(ROOT / page for page in ("README.md", "CONTRIBUTING.md", "examples/README.md", "benchmarks/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "models/data/README.md",
]


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda p: p.stem)
def test_every_example_is_run(page, generate, monkeypatch, tmp_path):
    """A page is a doctest, which pytest runs; or its programs are run here, by its generator, or by test_gallery.py."""
    run_elsewhere = {generate.DELTAS, generate.DERIVE, generate.TIME, generate.errata.PAGE, README}
    run_elsewhere.add(ROOT / "docs/gallery.md")
    tried = [block for block in blocks(page) if not block.startswith(">>> ")]
    monkeypatch.chdir(tmp_path)
    if page not in run_elsewhere:
        if any("import torch\n" in block for block in tried):
            pytest.importorskip("torch", reason=f"{page.name} shows what goes to PyTorch and back")
        namespace = {}
        for block in tried:
            exec(compile(block, str(page), "exec"), namespace)
        al.distributed.destroy_process_group()  # that of the page on it, where there is an MPI


def test_the_pieces_of_the_readme_run_after_its_program(tmp_path, monkeypatch):
    """What the README shows of drawing, deriving and compiling, on the loss of its first program."""
    pytest.importorskip("graphviz", reason="some pieces draw: pip install 'autograd_lite[draw]'")
    monkeypatch.chdir(tmp_path)
    _, program, see, derived, _ = blocks(README)
    namespace = {"__name__": "__main__"}
    exec(program, namespace)
    exec("loss = F.mse_loss(model(lights), walk)", namespace)
    exec(see, namespace)
    assert {path.name for path in tmp_path.iterdir()} >= {"graph.svg", "steps.html"}
    exec("def step(x):\n    return (x * 2.0).sum()", namespace)
    exec(derived, namespace)
    assert exec("assert step(lights).item() == (lights * 2.0).sum().item()", namespace) is None


def test_the_page_on_deltas_prints_what_it_says(generate):
    text = generate.DELTAS.read_text()
    assert text.count("```python") > 10
    assert generate.with_outputs(text) == text


def test_the_page_on_time_prints_what_it_says(generate):
    text = generate.TIME.read_text()
    assert text.count("```text") > 10
    assert generate.with_outputs(text) == text


def test_lines_of_the_errata_are_short_and_their_code_is_python(generate):
    text = generate.errata.PAGE.read_text()
    assert [line for line in text.splitlines() if len(line) > 120 and not line.startswith("|")] == []
    for block in blocks(generate.errata.PAGE):
        ast.parse(block)
    assert generate.errata.filled("a " * 59 + "- b + c").splitlines()[-1] == "a - b + c"
    long = " + ".join(f"f(a + {'b' * 30}) @ w" for _ in range(4))
    broken = generate.errata.broken(f"x = {long}")
    assert broken.count("\n    + f(a + b") == 3
    assert ast.dump(ast.parse(broken)) == ast.dump(ast.parse(f"x = {long}"))


def test_chapter_13s_engine_is_in_the_errata_without_being_a_network(generate):
    section = generate.errata.committed()["13.10"]
    assert "13.10" not in generate.networks
    assert "| 1 | right | right |  |  | right |" in section
    assert re.findall(r"^\| (\d+) \| stops", section, re.MULTILINE) == ["2", "5", "10", "25"]
    assert "(docs/errata.md#1310-engine)" in README.read_text()


def test_the_page_on_errors_prints_what_it_says(generate):
    text = generate.ERRORS.read_text()
    assert text.count("```text") > 7
    assert generate.with_outputs(text) == text


def test_the_page_on_errors_has_every_kind_of_finding():
    from lint_steps import PLANTED

    rows = re.findall(r"^\| (`.*?`) \|", (ROOT / "docs" / "errors.md").read_text(), re.MULTILINE)
    listed = {kind for row in rows for kind in re.findall(r"`([\w-]+)`", row)}
    assert listed == {kind for _, kinds, _ in PLANTED.values() for kind in kinds}


def between(text, name):
    return text.partition(f"<!-- {name}:start -->\n")[2].partition(f"<!-- {name}:end -->")[0]


def kinds(*names):
    """The kinds of cause that modules of the check make: the first arguments of Cause, Slip, slip and swap."""
    found = set()
    for name in names:
        tree = ast.parse((ROOT / "autograd_lite" / "check" / f"{name}.py").read_text())
        calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args)
        for call in calls:
            called = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", None)
            if called in ("Cause", "Slip", "slip", "swap") and isinstance(call.args[0], ast.Constant):
                found.add(call.args[0].value)
    return found


def test_the_page_on_deltas_has_every_kind_of_cause():
    text = (ROOT / "docs" / "deltas.md").read_text()
    listed = [
        set(re.findall(r"^\| `([\w-]+)` \|", between(text, name), re.MULTILINE))
        for name in ("delta-causes", "step-causes")
    ]
    modules = "deltas", "search", "paths", "slips", "constants", "repeated", "together", "updates", "fused"
    made = kinds(*modules), kinds("training")
    assert len(made[0]) > 10
    assert made == tuple(listed)


def test_every_link_of_the_documents_leads_somewhere():
    for page in PAGES:
        for path, anchor, source in re.findall(r'\]\(([^)#\s]*)(?:#([^)]*))?\)|src="([^"]+)"', page.read_text()):
            link = path or source
            if "://" in link or link.startswith("api/"):  # the reference is written when the site is built
                continue
            target = page.parent / link if link else page
            assert target.exists(), f"{page.name} links to {link}"
            if anchor:
                headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
                slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
                assert anchor in slugs, f"{page.name} links to {link}#{anchor}"


def test_every_command_of_the_readme_is_there():
    text = README.read_text()
    commands = [line for line in text.splitlines() if line.startswith("python3 -m venv")]
    assert len(commands) == 2
    assert commands[0].endswith("python -m models")
    assert commands[1].endswith("python -m pytest")


def test_every_command_of_the_networks_is_one():
    from models.__main__ import parser

    table = README.read_text().partition("## The networks")[2].partition("**Data.**")[0]
    commands = re.findall(r"`([a-z][^`]*)`", "\n".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)))
    assert len(commands) > 7
    for command in commands:
        parser().parse_args(command.split())
