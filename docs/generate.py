"""Write what the README shows and does not say by itself: examples with their output, the table of checks, the picture.

`python docs/generate.py` writes, `python docs/generate.py --check` exits with 1 where something is out of date.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
NAMES = ROOT / "docs" / "names.md"
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


def worded(finding: dict[str, object]) -> str:
    """A hand-written delta or step beside the gradient, to three digits."""
    cosine, ratio = finding["cosine"], finding["ratio"]
    assert isinstance(cosine, float)
    assert isinstance(ratio, float)
    if finding["verdict"] == "agrees":
        return "the gradient"
    if finding["verdict"] == "multiple":
        return f"{ratio:.3g} × the gradient"
    return f"**not the gradient**: cosine {cosine:.5f}, ratio {ratio:.3g}"


def checks() -> str:
    """The table of `python -m models check`."""
    findings = json.loads(run("-m", "models", "check", "--json"))
    lines = [
        "| network | parameter | autograd, by finite differences | corrected "
        "| as printed: the delta | as printed: the step |",
        "|---|---|---|---|---|---|",
    ]
    rows: dict[tuple[str, str], dict[tuple[str, str], dict[str, object]]] = {}
    for f in findings:
        rows.setdefault((f["network"], f["parameter"]), {})[f["version"], f["what"]] = f
    for (network, parameter), row in rows.items():
        right = "agrees" if row["framework", "gradient"]["passed"] else "**differs**"
        cells = [worded(row[key]) for key in (("corrected", "delta"), ("as-printed", "delta"), ("as-printed", "step"))]
        lines.append(f"| {network} | `{parameter}` | {right} | {' | '.join(cells)} |")
    return "\n".join(lines)


def sentence(thing: object) -> str:
    """The first sentence of a docstring, of what has one of its own."""
    text = " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())
    return re.split(r"(?<=[.:]) (?=[A-Z])", text)[0].rstrip(":").replace("|", "\\|")


def names() -> str:
    """Every public name, by module."""
    sys.path.insert(0, str(ROOT))
    import autograd_lite as al

    lines = ["# What there is", "", "Made by `docs/generate.py` from the docstrings; `help(name)` says more."]
    hidden = {"nn", "ops", "optim", "random", "autograd"}
    dtypes = [n for n in al.__all__ if isinstance(getattr(al, n), type) and issubclass(getattr(al, n), np.generic)]
    groups = {
        "`al`": (al, sorted(set(al.__all__) - hidden - set(dtypes))),
        "`al.autograd`": (al.autograd, al.autograd.__all__),
        "`al.nn`": (al.nn, [n for n in al.nn.__all__ if n not in ("functional", "init")]),
        "`al.nn.functional`, by convention `F`": (al.nn.functional, al.nn.functional.__all__),
        "`al.nn.init`": (al.nn.init, sorted(n for n in vars(al.nn.init) if n.endswith("_") and n[0] != "_")),
        "`al.optim`": (al.optim, al.optim.__all__),
    }
    for title, (module, members) in groups.items():
        lines += ["", f"## {title}", "", "| name | |", "|---|---|"]
        lines += [f"| `{name}` | {sentence(getattr(module, name))} |" for name in members]
        if module is al:
            lines += ["", f"Dtypes, NumPy's own: {', '.join(f'`{n}`' for n in dtypes)}."]
    methods = sorted(n for n in dir(al.Tensor) if not n.startswith("_"))
    lines += ["", "## `Tensor`", "", "Operators, indexing, and " + ", ".join(f"`{n}`" for n in methods) + ".", ""]
    return "\n".join(lines)


def picture() -> str:
    """The SVG of the example that draws."""
    with tempfile.TemporaryDirectory() as folder:
        run(str(ROOT / "examples" / "draw_graph.py"), "graph.svg", folder=folder)
        return (Path(folder) / "graph.svg").read_text()


def with_blocks(text: str) -> str:
    """The README with everything between `<!-- name:start -->` and `<!-- name:end -->` made anew."""
    for name, make in {"program": program, "wrong-rule": wrong_rule, "checks": checks}.items():
        pattern = re.compile(rf"(<!-- {name}:start -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
        if not pattern.search(text):
            raise SystemExit(f"README.md has no place for {name}: <!-- {name}:start --> and <!-- {name}:end -->")
        block = make()
        text = pattern.sub(lambda found, block=block: f"{found[1]}{block}\n{found[2]}", text)
    return text


def shown(text: str) -> str | list[str]:
    """What has to be equal: of a picture the words in it, since versions of the layout engine differ."""
    return sorted(re.findall(r"<text.*?>(.*?)</text>", text)) if "<svg" in text[:1000] else text


def main() -> int:
    """Write, or with --check compare."""
    fresh = {README: with_blocks(README.read_text()), NAMES: names(), PICTURE: picture()}
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
