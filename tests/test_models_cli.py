"""`python -m models`: every command, on short settings."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autograd_lite.draw.engine import engines
from models import Network, commands, mnist, networks
from models.__main__ import main

ROOT = Path(__file__).parent.parent


def test_list_begins_with_the_ids(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["8.1", "overfit"],
        ["8.2", "dropout"],
        ["8.3", "batch"],
        ["9.1", "tanh-softmax"],
        ["10.1", "convolution"],
    ]


def test_as_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "models", "list"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("8.1 ")


# ----- train -----


@pytest.mark.parametrize(
    ("option", "line"),
    [
        ("--as-printed", "I:1 Test-Acc:0.5845 Train-Acc:0.395"),
        ("--corrected", "I:1 Test-Acc:0.6485 Train-Acc:0.591"),
        (None, "I:1 Test-Acc:0.6485 Train-Acc:0.591"),
    ],
)
def test_train_prints_the_lines(option: str | None, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "tanh-softmax", "--epochs", "2", *([option] if option else [])]) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[0].startswith(f"9.1 tanh-softmax, {(option or '--framework')[2:]}: ")
    assert "cross-entropy" in lines[1]
    assert lines[1].startswith("2 epochs of steps written by hand (" if option else "2 epochs down the cross-entropy ")
    assert line in lines
    assert lines[-1].startswith("2 epochs in ")
    assert lines[-1].endswith(f"test accuracy {line.split()[1][9:]} at I:1")
    assert printed.err == ""  # no bar where there is no terminal


def test_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "8.3", "--epochs", "1", "--quiet"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("1 epoch in ")


def test_interrupted(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    network = networks["9.1"]
    whole = type(network).train

    def train(self: Any, version: str, epochs: int) -> Any:
        for record in whole(self, version, epochs):
            if record.iteration == 2:
                raise KeyboardInterrupt
            yield record

    monkeypatch.setattr(type(network), "train", train)
    assert main(["train", "9.1", "--epochs", "5"]) == 130
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1].startswith("I:0 Test-Acc:")
    assert printed.err.startswith("stopped after 2 of 5 epochs; test accuracy 0.")
    assert "Traceback" not in printed.err


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_a_real_interrupt() -> None:
    command = [sys.executable, "-u", "-m", "models", "train", "8.1"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while not process.stdout.readline().startswith("I:0"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert err.startswith("stopped after ")
    assert "test accuracy 0.6" in err


def test_an_interrupt_anywhere_else(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "check", interrupt)
    assert main(["check"]) == 130
    assert capsys.readouterr().err == "stopped\n"


# ----- wrong command lines -----


@pytest.mark.parametrize("command", [["train", "overfitt"], ["check", "8.1", "overfitt"], ["reproduce", "overfitt"]])
def test_unknown_names(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 2
    assert "no network 'overfitt'; did you mean 'overfit'? There are: 8.1 overfit, " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["train", "8.1", "--epochs", "0"], "a whole number, at least 1, and not '0'"),
        (["train", "8.1", "--epochs", "many"], "a whole number, at least 1, and not 'many'"),
        (["train", "8.1", "--as-printed", "--corrected"], "not allowed with argument --as-printed"),
        (["train"], "required: NAME"),
        (["graph", "8.1"], "required: -o/--output"),
        (["trian"], "invalid choice: 'trian'"),
    ],
)
def test_wrong_command_lines(command: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(command)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tanh", "no network 'tanh'; did you mean 'tanh-softmax'? There are: "),
        ("10", "no network '10'; did you mean '10.1'? There are: "),
        ("8", "no network '8'; did you mean '8.1' or '8.2' or '8.3'? There are: "),
        ("qqq", "no network 'qqq'. There are: 8.1 overfit, "),
        ("", "no network ''. There are: 8.1 overfit, "),
    ],
)
def test_suggestions(name: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", name]) == 2
    assert capsys.readouterr().err.startswith(words)


@pytest.mark.parametrize("command", ["list", "train", "check", "graph", "reproduce"])
def test_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert text.count(". ") >= 1
    if command != "list":
        assert "NAME an id or an alias" in text
    if command == "graph":
        assert "FILE where to; the suffix says how" in text


def test_without_tqdm(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    commands._say_how_to_get_bars.cache_clear()
    assert main(["train", "9.1", "--epochs", "1", "--quiet"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("1 epoch in ")
    assert printed.err == ""
    for _ in range(2):
        assert main(["train", "9.1", "--epochs", "1"]) == 0
    printed = capsys.readouterr()
    assert printed.out.count("I:0 Test-Acc:") == 2
    assert printed.err == 'no progress bar, since tqdm is missing: pip install "autograd_lite[models]"\n'
    assert main(["list"]) == 0


def test_without_data(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(mnist, "load", lambda: mnist._read(tmp_path / "none.npz"))
    assert main(["train", "9.1"]) == 1
    assert "none.npz is missing; restore it from git" in capsys.readouterr().err


# ----- check -----


def test_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "overfit", "8.1", "9.1"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("8.1 overfit: half the squared error") == 1
    assert "corrected and autograd agree for all 4 parameters" in printed
    assert "as-printed: 2 of 4 deltas are the gradient or a multiple of it" in printed
    assert "  the others: 8.1 weights_0_1, 9.1 weights_0_1" in printed


def test_check_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "8.2", "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)
    assert len(findings) == 10
    assert set(findings[0]) == {
        *("network", "parameter", "version", "what", "error", "allowed", "cosine", "ratio", "verdict", "passed")
    }
    assert {finding["network"] for finding in findings} == {"8.2"}


def test_check_fails(capsys: pytest.CaptureFixture[str]) -> None:
    network = networks["8.3"]
    wrong = replace(network, versions={**network.versions, "corrected": network.versions["as-printed"]})
    assert commands.check([wrong]) == 1
    assert "corrected and autograd DISAGREE: 8.3 weights_0_1, 8.3 weights_1_2" in capsys.readouterr().out


# ----- graph -----


@pytest.mark.skipif(not engines(), reason="needs a program that draws graphs")
@pytest.mark.parametrize("name", ["8.1", "convolution"])
def test_graph(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", name, "-o", str(tmp_path / "graph.svg")]) == 0
    drawn = (tmp_path / "graph.svg").read_text()
    assert "<svg" in drawn
    assert "output.weight" in drawn
    assert str(tmp_path / "graph.svg") in capsys.readouterr().out


@pytest.mark.parametrize("network", networks.values(), ids=lambda network: network.alias)
def test_a_graph_has_all_that_goes_into_it(network: Network, tmp_path: Path) -> None:
    path = tmp_path / "graph.dot"
    assert main(["graph", network.id, "-o", str(path)]) == 0
    dot = path.read_text()
    assert "not drawn" not in dot
    inputs = {ends[1]: 0 for ends in re.findall(r"^  (\w+) -> (op\w+) ", dot, re.MULTILINE)}
    for _, end in re.findall(r"^  (\w+) -> (op\w+) ", dot, re.MULTILINE):
        inputs[end] += 1
    ops = dict(re.findall(r'^  (op\w+) \[label="(\w+)', dot, re.MULTILINE))
    two = {"linear", "matmul", "multiply", "divide", "squared_error", "cross_entropy_of_rows"}
    assert {ops[op]: count for op, count in inputs.items()} == {op: 1 + (op in two) for op in ops.values()}
    images = "images, unfold" if network.id == "10.1" else "images"
    mask = {"dropout mask"} if network.dropout else set()  # type: ignore[attr-defined]
    named = {images, "labels", "scores", "error", *mask}
    assert named <= set(re.findall(r'\[label="([^"\\]+)\\n', dot))


def test_without_a_program_that_draws(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [name for name in sys.modules if name.partition(".")[0] == "graphviz"] + ["graphviz"]:
        monkeypatch.setitem(sys.modules, module, None)
    assert main(["graph", "8.1", "-o", str(tmp_path / "x.svg")]) == 1
    assert f"-o {tmp_path / 'x.dot'} works without" in capsys.readouterr().err
    assert main(["graph", "8.1", "-o", str(tmp_path / "x.dot")]) == 0
    assert "images" in (tmp_path / "x.dot").read_text()


def test_graph_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", "8.1", "-o", str(tmp_path / "none" / "graph.svg")]) == 1
    assert "cannot draw" in capsys.readouterr().err


# ----- reproduce -----


def test_reproduce(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AUTOGRAD_LITE_DATA", raising=False)
    assert main(["reproduce", "8.1", "9.1", "--epochs", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "compared with the lines and sums that the text prints"
    assert lines[1].startswith("8.1 overfit, 2 of 350 epochs: 1 rows, 4 cells, 0 sums of weights: all equal ")
    assert lines[2].startswith("9.1 tanh-softmax, 2 of 300 epochs: 1 rows, 2 cells, ")
    table = {"9.1": {"columns": ["I", "Test-Acc", "Train-Acc"], "rows": [[0, 0.394, 0.156], [1, 0.5, 0.395]]}}
    path = tmp_path / "expected_tables.json"
    path.write_text(json.dumps(table))
    monkeypatch.setenv("AUTOGRAD_LITE_DATA", str(tmp_path))
    assert main(["reproduce", "9.1", "--epochs", "2"]) == 1
    printed = capsys.readouterr().out
    assert "2 rows, 4 cells, 0 sums of weights: 1 DIFFERENT" in printed
    assert "  I:1 Test-Acc: 0.5845 here, 0.5 in the text" in printed


def test_reproduce_says_what_was_not_compared(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AUTOGRAD_LITE_DATA", str(tmp_path / "none"))
    assert main(["reproduce", "9.1", "--epochs", "1"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"AUTOGRAD_LITE_DATA names {tmp_path / 'none'}, which is not a folder: nothing was compared" in printed.err
    monkeypatch.setenv("AUTOGRAD_LITE_DATA", str(tmp_path))
    assert main(["reproduce", "9.1", "--epochs", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "compared with the lines and sums that the text prints"
    assert lines[1].startswith("NOT compared with whole tables: there is no expected_tables.json in ")
    (tmp_path / "expected_tables.json").write_text("{}")
    assert main(["reproduce", "9.1", "--epochs", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("which has no table for 9.1 tanh-softmax: compared with the lines and sums")


def test_reproduce_with_a_damaged_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "expected_tables.json").write_text("{")
    monkeypatch.setenv("AUTOGRAD_LITE_DATA", str(tmp_path))
    assert main(["reproduce", "9.1", "--epochs", "1"]) == 1
    assert "expected_tables.json is damaged" in capsys.readouterr().err


def test_reproduce_to_the_end_compares_rows_and_sums(capsys: pytest.CaptureFixture[str]) -> None:
    network = replace(networks["9.1"], epochs=1)
    comparison = commands._reproduce(network, None)
    assert comparison.sums == 2
    assert any("rows here" in difference for difference in comparison.differences)
    assert any(difference.startswith("sum of weights_0_1: ") for difference in comparison.differences)
    assert "DIFFERENT" in capsys.readouterr().out


# ----- the main job -----


@pytest.mark.parametrize(("accuracy", "status", "words"), [(0.4, 0, "as it should"), (0.99, 1, "NOT as it should")])
def test_main_job(
    accuracy: float,
    status: int,
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(commands, "networks", {"8.3": replace(networks["8.3"], epochs=2, accuracy=accuracy)})
    assert main([]) == status
    printed = capsys.readouterr().out
    assert "corrected and autograd agree for all 2 parameters" in printed
    assert f"\n{words}: at least {accuracy:.2f} (the text prints 0.7975 at I:290 for its own)\n" in printed
    assert "python -m models train 9.1" in printed
