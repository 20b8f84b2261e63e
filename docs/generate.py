"""Write what the documents show and do not say by themselves: outputs, tables of checks, names, errata, the picture.

`python docs/generate.py` writes, `python docs/generate.py --check` exits with 1 where something is out of date. What
needs data that are not here (see `python -m models list`) is left as it is.
"""

from __future__ import annotations

import inspect
import io
import linecache
import os
import re
import shlex
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from functools import reduce
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

import errata  # noqa: E402

import autograd_lite as al  # noqa: E402
import autograd_lite.data  # noqa: E402
from models import federated, networks, picture, report  # noqa: E402
from models.chapter_engine import RIGHT, over_time  # noqa: E402
from models.checking import Checked  # noqa: E402
from models.network import CORRECTED, PRINTED  # noqa: E402

README = ROOT / "README.md"
DERIVED = "6.3", "8.1", "9.1", "10.1", "11.1"  # networks that are shown as code
NAMES = ROOT / "docs" / "names.md"
DELTAS = ROOT / "docs" / "deltas.md"
DERIVE = ROOT / "docs" / "derive.md"
ERRORS = ROOT / "docs" / "errors.md"
TIME = ROOT / "docs" / "time.md"
FEDERATED = ROOT / "docs" / "federated.md"
SPACES = {  # where public names are, with what a title says besides
    **dict.fromkeys(("", "autograd", "check"), ""),
    "data": ", by `from autograd_lite import data`",
    **dict.fromkeys(("distributed", "func", "linalg", "special", "nn"), ""),
    "nn.functional": ", by convention `F`",
    **dict.fromkeys(("nn.init", "nn.utils", "onnx", "optim", "optim.lr_scheduler", "utils.data"), ""),
}
PICTURE = ROOT / "docs" / "pictures" / "streetlights.svg"


def run(*command: str, folder: str | Path = ROOT) -> str:
    """What a Python command prints."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def example(name: str) -> tuple[str, str]:
    """The code of an example without its docstring, and what it prints."""
    code = (ROOT / "examples" / f"{name}.py").read_text().partition('"""\n\n')[2]
    with tempfile.TemporaryDirectory() as folder:
        return code.rstrip(), run(str(ROOT / "examples" / f"{name}.py"), folder=folder).rstrip()


def program() -> str:
    """The first program, and its output."""
    code, output = example("two_layers")
    return f"```python\n{code}\n```\n\n```text\n{output}\n```"


def wrong_rule() -> str:
    """The program with a mistake, and what the check says of it, without the paths of this machine."""
    code, output = example("wrong_rule")
    output = output.replace(str(ROOT / "examples") + os.sep, "").partition("\nRule: ")[0].rstrip()
    output = re.sub(r"\n.* right(?=\n)", "", output)  # how right is the last digit's business, and varies
    return f"```python\n{code}\n```\n\n```text\n{output}\n```"


def wrong_deltas() -> str:
    """The backward pass with a mistake, and what the check says of it."""
    code, output = example("wrong_deltas")
    return f"```python\n{code}\n```\n\n```text\n{output}\n```"


# The table of checks


def checks(old: str) -> str:
    """What `python -m models check` finds in the text's versions; rows that need data not here stay as they were."""
    known: dict[str, list[str]] = {}
    for line in old.splitlines():
        row = re.match(r"\| \[(\S+) ", line)
        if row:
            known.setdefault(row[1], []).append(line)
    lines = ["| network | what | cause | cosine |", "|---|---|---|---|"]
    mistaken = errata.mistaken()
    for name in networks:
        if name == errata.ENGINE_BEFORE:
            lines.append(engine_row())
        if name in mistaken:
            lines += _rows(name, mistaken[name])
        elif errata.skipped(name):
            lines += known.get(name, [])
    last = old.rstrip("\n").rpartition("\n\n")[2]
    kept = any(map(errata.skipped, networks)) and last and not last.startswith("|")
    return "\n".join([*lines, "", last if kept else counts()])


def _rows(name: str, checked: Checked) -> Iterator[str]:
    """A row for each cause in a network, with all deltas or steps that have it."""
    network = networks[name]
    anchor = re.sub(r"[^\w\- ]", "", f"{name} {network.alias}".lower()).replace(" ", "-")
    rows: dict[tuple[str, str], list[tuple[str, float | None]]] = {}
    for finding, readings in checked.introduced:
        rows.setdefault(("delta", report.causes(readings)), []).append((finding.name, finding.cosine))
    for step in report.strayed(checked):
        cause = report.causes([(cause,) for cause in step.causes])
        rows.setdefault(("step", cause), []).append((step.name, step.cosine))
    for (what, cause), found in rows.items():
        listed = f"the {what}{'s' if len(found) > 1 else ''} of {', '.join(f'`{name}`' for name, _ in found)}"
        cosines = ", ".join("none" if cosine is None else f"{cosine:.4f}" for _, cosine in found)
        yield f"| [{name} {network.alias}](docs/errata.md#{anchor}) | {listed} | {cause} | {cosines} |"


def engine_row() -> str:
    """The row of chapter 13's engine: over how many steps of an LSTM its gradient is none, and its cosines."""
    wrong = {steps: one for steps, one in over_time().items() if one.apart.off > RIGHT}
    rule = "stops (13), drops what comes again (14)" if all(one.stops for one in wrong.values()) else "drops"
    what = f"the gradient of an LSTM over {', '.join(map(str, wrong))} steps"
    cosines = ", ".join(f"{one.apart.cosine:.4f}" for one in wrong.values())
    link = f"[{errata.ENGINE} {errata.ENGINE_ALIAS}](docs/errata.md#1310-{errata.ENGINE_ALIAS})"
    return f"| {link} | {what} | {rule} | {cosines} |"


def counts() -> str:
    """How many networks there are beside those of the table, and what was found of them, by the check itself."""
    every = [c for found in errata.checked().values() for c in found]
    printed = [c for c in every if c.version == PRINTED]
    good = [c for c in printed if c.what == "deltas" and c.network not in errata.mistaken()]
    constant = sum(bool(report.whole(c)) for c in good)
    signs, outputs = (sum(c.what == what for c in printed if c.passed) for what in ("signs", "outputs"))
    ours = [c for c in every if c.what in ("gradients", "deltas", "signs") and c.version != PRINTED]
    failed = ", ".join(f"{c.network} {c.version}" for c in ours if not c.passed)
    return textwrap.fill(
        f"{len(networks)} networks are there. Of those not in the table, {len(good)} have a backward pass as printed: "
        f"{len(good) - constant} of them are the gradient, {constant} one constant times it. {signs} learn by trial, "
        f"and move against the gradient's sign. {outputs} are forward passes, and put out what the framework does. "
        f"{len(networks) - len(printed)} are not printed as code. "
        f"{sum(c.what == 'gradients' for c in ours)} networks have an error that is differentiated: "
        + (
            f"**wrong: {failed}**."
            if failed
            else "autograd agrees with finite differences, corrected code with autograd."
        ),
        120,
        break_long_words=False,
    )


# Names


def sentence(thing: object) -> str:
    """The first sentence of a docstring, of what has one of its own."""
    text = " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())
    first = ""
    for part in re.split(r"(?<=[.:]) (?=[A-Z])", text):
        first = f"{first} {part}".strip()
        if first.count("(") <= first.count(")"):
            break
    return first.rstrip(":").replace("|", "\\|")


def names() -> str:
    """Every public name, by module."""
    lines = ["# What there is", "", "Made by `docs/generate.py` from the docstrings; `help(name)` says more."]
    dtypes = [n for n in al.__all__ if isinstance(getattr(al, n), type) and issubclass(getattr(al, n), np.generic)]
    for path, besides in SPACES.items():
        module = reduce(lambda found, part: getattr(found, part, None), filter(None, path.split(".")), al)
        if module is None:
            continue
        listed = getattr(module, "__all__", None) or [n for n in vars(module) if n.endswith("_") and n[0] != "_"]
        members = [n for n in listed if not inspect.ismodule(getattr(module, n)) and not (module is al and n in dtypes)]
        title = f"`al{'.' * bool(path)}{path}`{besides}"
        lines += ["", f"## {title}", "", "| name | |", "|---|---|"]
        lines += [f"| `{name}` | {sentence(getattr(module, name))} |" for name in sorted(members)]
        if module is al:
            lines += ["", f"Dtypes, NumPy's own: {', '.join(f'`{n}`' for n in dtypes)}."]
    methods = sorted(n for n in dir(al.Tensor) if not n.startswith("_"))
    lines += ["", "## `Tensor`", "", "Operators, indexing, and " + ", ".join(f"`{n}`" for n in methods) + ".", ""]
    return "\n".join(lines)


def picture_of_example() -> str:
    """The SVG of the example that draws."""
    with tempfile.TemporaryDirectory() as folder:
        run(str(ROOT / "examples" / "draw_graph.py"), "graph.svg", folder=folder)
        return (Path(folder) / "graph.svg").read_text()


def with_blocks(text: str) -> str:
    """The README with everything between `<!-- name:start -->` and `<!-- name:end -->` made anew."""
    blocks: dict[str, Callable[[str], str]] = {
        "wrong-deltas": lambda old: wrong_deltas(),
        "program": lambda old: program(),
        "wrong-rule": lambda old: wrong_rule(),
        "checks": checks,
    }
    for name, make in blocks.items():
        pattern = re.compile(rf"(<!-- {name}:start -->\n)(.*?)(<!-- {name}:end -->)", re.DOTALL)
        found = pattern.search(text)
        if not found:
            raise SystemExit(f"README.md has no place for {name}: <!-- {name}:start --> and <!-- {name}:end -->")
        text = f"{text[: found.start()]}{found[1]}{make(found[2])}\n{found[3]}{text[found.end() :]}"
    return text


def with_networks(text: str) -> str:
    """The page on derived code, its program run, and networks derived anew; those without their data stay."""
    start, end = "<!-- networks:start -->\n", "<!-- networks:end -->"
    page, _, rest = text.partition(start)
    old, _, after = rest.partition(end)
    known = dict(re.findall(r"^(### \S+ .*?\n)(.*?)(?=^### |\Z)", old, re.MULTILINE | re.DOTALL))
    sections = []
    for name in DERIVED:
        title = f"### {name} {networks[name].alias}\n"
        sections.append(title + (known.get(title, "") if errata.skipped(name) else derived(name)))
    return with_outputs(page) + start + "".join(sections) + end + after


def derived(name: str) -> str:
    """The code of a network, and its hand-written backward pass."""
    network = networks[name]
    result, constants = picture.graph(network)
    by_hand = textwrap.dedent(inspect.getsource(type(network.versions[CORRECTED]).backward))
    return (
        f"\nDerived:\n\n```python\n{al.derive(result, names=constants)}```\n"
        f"\nBy hand:\n\n```python\n{by_hand.rstrip()}\n```\n\n"
    )


def with_outputs(text: str) -> str:
    """A page whose Python blocks are one program, with what each prints in the block of text right after it."""
    pattern = re.compile(r"```python\n(.*?)```\n(?:\n```text\n.*?```\n)?", re.DOTALL)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    linecache.cache["<page>"] = len(text), None, text.splitlines(keepends=True), "<page>"

    def ran(block: re.Match[str]) -> str:
        printed = io.StringIO()
        line = text[: block.start(1)].count("\n")
        code = compile("\n" * line + block[1], "<page>", "exec")  # errors name the line of the page
        with redirect_stdout(printed):
            exec(code, namespace)
        output = printed.getvalue()
        return f"```python\n{block[1]}```\n" + (f"\n```text\n{output}```\n" if output else "")

    return pattern.sub(ran, text)


def with_commands(text: str) -> str:
    """A page with what `python -m models.federated` prints; where mails or the extra are missing, as it was."""
    missing = errata.skipped("15.1") or not find_spec("cryptography")

    def ran(block: re.Match[str]) -> str:
        printed = io.StringIO()
        with redirect_stdout(printed):
            status = federated.main(shlex.split(block[2]))
        if status:
            raise SystemExit(f"python -m models.federated {block[2]} failed")
        return f"{block[1]}{block[2]}\n{printed.getvalue()}```"

    return text if missing else re.sub(r"(```\n\$ python -m models\.federated )(.*)\n(?:.*\n)*?```", ran, text)


def shown(text: str) -> str | list[str]:
    """What has to be equal: of a picture the words in it, since versions of the layout engine differ."""
    return sorted(re.findall(r"<text.*?>(.*?)</text>", text)) if "<svg" in text[:1000] else text


def main() -> int:
    """Write, or with --check compare."""
    fresh = {
        README: with_blocks(README.read_text()),
        DELTAS: with_outputs(DELTAS.read_text()),
        ERRORS: with_outputs(ERRORS.read_text()),
        TIME: with_outputs(TIME.read_text()),
        FEDERATED: with_commands(FEDERATED.read_text()),
        DERIVE: with_networks(DERIVE.read_text()),
        errata.PAGE: errata.page(),
        NAMES: names(),
        PICTURE: picture_of_example(),
    }
    stale = [path for path, text in fresh.items() if not path.exists() or shown(path.read_text()) != shown(text)]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is out of date: python docs/generate.py")
        return 1 if stale else 0
    for path in stale:
        path.write_text(fresh[path])
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
