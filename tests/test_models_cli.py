"""`python -m models`: every command, on short settings."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from autograd_lite.data import sources
from autograd_lite.draw.engine import engines
from models import (
    Batch,
    Data,
    Epoch,
    Handwritten,
    Network,
    Printed,
    chapters,
    checking,
    commands,
    mnist,
    networks,
    report,
    reproduce,
    training,
)
from models.__main__ import main

ROOT = Path(__file__).parent.parent


def test_list_has_every_network_under_its_chapter(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    blocks = [block.splitlines() for block in capsys.readouterr().out.split("\n\n")]
    assert [block[0] for block in blocks] == list(chapters)
    listed = [line for block in blocks for line in block[1:]]
    assert [line.split()[:2] for line in listed] == [[network.id, network.alias] for network in networks.values()]
    starts = {line.index(network.sentence) for line, network in zip(listed, networks.values(), strict=True)}
    assert len(starts) == 1  # the sentences stand in one column
    assert ["8.1", "overfit"] in [line.split()[:2] for line in listed]


def test_as_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "models", "list"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "\n  9.1 " in done.stdout


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


LONG = {"14.2", "14.3"}  # and all of chapters 10 and 11: an epoch takes many seconds


@pytest.mark.parametrize("name", [n for n in networks if n.split(".")[0] not in {"10", "11"} and n not in LONG])
def test_every_network_prints_its_lines(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    networks[name].data()  # missing, it skips the test
    for option in ([], *([f"--{version}"] for version in networks[name].versions)):
        assert main(["train", name, "--epochs", "1", *option]) == 0
        head, _, line, done = capsys.readouterr().out.splitlines()
        assert head.startswith(f"{name} {networks[name].alias}, ")
        assert line.startswith("I:0 ")
        assert done.startswith("1 epoch in ")


def test_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "8.3", "--epochs", "1", "--quiet"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("1 epoch in ")


def test_interrupted(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = training.train

    def train(*arguments: Any) -> Any:
        for record in whole(*arguments):
            if record.epoch.iteration == 2:
                raise KeyboardInterrupt
            yield record

    monkeypatch.setattr(training, "train", train)
    assert main(["train", "9.1", "--epochs", "5"]) == 130
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1].startswith("I:0 Test-Acc:")
    assert printed.err.startswith("stopped after 2 of 5 epochs; test accuracy 0.")
    assert "Traceback" not in printed.err


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_a_real_interrupt() -> None:
    # a test run in the background may have been started with Ctrl-C ignored, which a child inherits
    listening = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{listening}; from models.__main__ import main; sys.exit(main(['train', '8.1']))"
    command = [sys.executable, "-u", "-c", program]
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
    assert main(["check", "8.1"]) == 130
    assert capsys.readouterr().err == "stopped\n"


# ----- wrong command lines -----


@pytest.mark.parametrize("command", [["train", "overfitt"], ["check", "8.1", "overfitt"], ["reproduce", "overfitt"]])
def test_unknown_names(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 2
    assert "no network 'overfitt'; did you mean 'overfit'? `python -m models list`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["train", "8.1", "--epochs", "0"], "a whole number, at least 1, and not '0'"),
        (["train", "8.1", "--epochs", "many"], "a whole number, at least 1, and not 'many'"),
        (["train", "8.1", "--early-stopping", "0"], "a whole number, at least 1, and not '0'"),
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
        ("tanh", "no network 'tanh'; did you mean 'tanh-softmax'? `"),
        ("10", "no network '10'; did you mean '10.1'? `"),
        ("8", "no network '8'; did you mean '8.1' or '8.2' or '8.3'? `"),
        ("qqq", "no network 'qqq'. `python -m models list` shows the "),
        ("", "no network ''. `python -m models list` shows the "),
    ],
)
def test_suggestions(name: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", name]) == 2
    assert capsys.readouterr().err.startswith(words)


def test_the_engine_is_no_network(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "13.10"]) == 2
    assert "13.10 is an engine, and no network: `python -m models engine`" in capsys.readouterr().err
    assert main(["engine"]) == 0
    lines = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert ["1", "right", "right", "right"] in cells
    assert [row[:2] for row in cells[-4:]] == [[str(steps), "stops"] for steps in (2, 5, 10, 25)]


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
    for command in (["train", "9.1"], ["graph", "9.1", "-o", str(tmp_path / "graph.dot")]):
        assert main(command) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("9.1 tanh-softmax cannot be had: ")
        assert "none.npz is missing; restore it from git" in printed.err


# ----- train: all the images, early stopping, networks of other kinds -----


@dataclass(frozen=True, kw_only=True, eq=False)
class Doubling(Handwritten):
    """A weight times 2, and nothing learnt."""

    follows: ClassVar[str] = "nothing"

    def forward(self, weights: Any, batch: Batch) -> Any:
        return {"pred": batch.x * weights["weight"]}


@dataclass(frozen=True, kw_only=True, eq=False)
class ForwardOnly(Network):
    """One weight, one example, no error."""

    def data(self) -> Data:
        return Data(np.array([2.0]), np.array([0.0]))

    def start(self) -> Any:
        return {"weight": np.array(0.25)}, np.random.RandomState(1)

    def batches(self, data: Data, rng: Any) -> Any:
        yield Batch(data.x_train[0], data.labels_train[0])

    def forward(self, weights: Any, batch: Batch) -> Any:
        return {"pred": batch.x * weights["weight"]}

    def row(self, epoch: Epoch) -> Any:
        return {"Pred": float(epoch.layers["pred"]), "Twice": [float(epoch.layers["pred"])] * 2}


@dataclass(frozen=True, kw_only=True, eq=False)
class OneWeight(ForwardOnly):
    """One weight that learns."""

    objective: ClassVar[str | None] = "the squared error"

    def error(self, output: Any, batch: Batch) -> Any:
        return (output - batch.labels) ** 2


class Missing(ForwardOnly):
    """Its examples are nowhere."""

    def data(self) -> Data:
        raise FileNotFoundError("reviews.txt is missing: set AUTOGRAD_LITE_DATA")


PRINTED = Printed(
    rows={0: {"Pred": "0.5", "Twice": [0.5, 0.5]}}, sums={"weight": 0.25}, weights={"weight": 0.25000000000001}
)


def small(kind: type[Network], **changed: Any) -> Network:
    fields: dict[str, Any] = {"id": "0.1", "alias": "small", "sentence": "Small.", "columns": ("Pred",)}
    return kind(**fields | {"versions": {"as-printed": Doubling()}, "printed": PRINTED} | changed)


@pytest.mark.parametrize("version", [None, "as-printed"])
def test_train_a_forward_pass_alone(version: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.train(small(ForwardOnly), commands.Training(version)) == 0
    head, how, line, done = capsys.readouterr().out.splitlines()
    assert head == f"0.1 small, {version or 'framework'}: Small."
    assert how == "1 epoch of a forward pass, which learns nothing; Ctrl-C stops"
    assert line == "I:0 Pred:0.5"
    assert re.fullmatch(r"1 epoch in \d+\.\d s", done)


def test_train_without_a_corrected_version_trains_what_the_text_writes(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.train(small(OneWeight)) == 0
    assert capsys.readouterr().out.startswith("0.1 small, as-printed: ")
    with pytest.raises(commands.CommandError, match="no version 'corrected'; it has as-printed, framework"):
        commands.train(small(OneWeight), commands.Training("corrected"))


@pytest.mark.parametrize("how", [commands.Training(patience=1), commands.Training(all_data=True)])
def test_train_refuses_what_the_network_has_not(how: commands.Training) -> None:
    with pytest.raises(
        commands.CommandError, match=r"0.1 small (is not tested|has other examples)|on MNIST: 0.1 small"
    ):
        commands.train(small(ForwardOnly), how)


def test_train_without_its_data() -> None:
    with pytest.raises(commands.CommandError, match=r"0.1 small cannot be had: reviews.txt is missing: set") as refused:
        commands.train(small(Missing))
    assert refused.value.status == 1


def test_all_data(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    book = mnist.load()
    twice = replace(
        book, x_train=np.concatenate([book.x_train] * 2), labels_train=np.concatenate([book.labels_train] * 2)
    )
    monkeypatch.setattr(mnist, "load_all", lambda: twice)
    assert main(["train", "9.1", "--epochs", "1", "--all-data"]) == 0
    line = capsys.readouterr().out.splitlines()[2]
    assert main(["train", "9.1", "--epochs", "2"]) == 0
    assert line.split()[1] != capsys.readouterr().out.splitlines()[2].split()[1]
    (record,) = training.train(networks["9.1"], epochs=1, data=mnist.load_all())
    assert record.line == line
    assert record.epoch.size == 2000


def test_all_data_that_are_missing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Data:
        raise FileNotFoundError("MNIST: train-images-idx3-ubyte is missing")

    monkeypatch.setattr(mnist, "load_all", missing)
    assert main(["train", "8.1", "--all-data"]) == 1
    assert "MNIST: train-images-idx3-ubyte is missing" in capsys.readouterr().err


@pytest.mark.parametrize(("patience", "tests", "words"), [(1, 3, "stopped early: 1 test"), (9, 9, "not stopped early")])
def test_early_stopping(
    patience: int, tests: int, words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = iter([3.0, 2.0, 2.5, 2.6, 2.0, 2.7, 3.0, 3.1, 3.2])
    monkeypatch.setattr(training, "error_of_test", lambda test: next(errors))
    monkeypatch.setitem(networks, "9.1", replace(networks["9.1"], test_every=1))
    assert main(["train", "9.1", "--epochs", "9", "--early-stopping", str(patience)]) == 0
    lines = capsys.readouterr().out.splitlines()
    printed = [line for line in lines if line.startswith("I:")]
    assert len(printed) == tests
    assert lines[-2].startswith(f"{tests} epochs in ")
    assert lines[-1].startswith(words)
    assert lines[-1].endswith(f"in a row no better than the best, {printed[1]}")


# ----- check -----

KEYS = {"network", "version", "what", "passed", "words", "note", "scale", "gradients", "deltas", "introduced", "steps"}


def test_check(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "check", cache(checking.check))
    assert main(["check", "overfit", "8.1", "6.3", "3.1"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{report.LEGEND}\n\n8.1 overfit: the squared error of an image")
    assert printed.count("8.1 overfit: ") == 1
    for name in ("8.1", "6.3", "3.1"):
        assert f"{report.table(networks[name], checking.check(networks[name]))}\n\n" in printed
    assert "layer_1_in WRONG: missing-derivative (relu); otherwise minus half the gradient" in printed
    assert printed.splitlines()[-3:] == [
        "2 networks: framework, corrected and finite differences agree; 1 forward pass agrees",
        "as printed: 1 of 2 are the gradient or a constant times it",
        "  with mistakes introduced: 8.1",
    ]


def test_check_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "8.1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert [(one["network"], one["version"], one["what"], one["passed"]) for one in found] == [
        ("8.1", "framework", "gradients", True),
        ("8.1", "corrected", "deltas", True),
        ("8.1", "as-printed", "deltas", None),
    ]
    assert all(set(one) == KEYS for one in found)
    framework, corrected, printed = found
    assert [set(one) for one in framework["gradients"]] == [{"name", "agrees", "error", "allowed"}] * 2
    assert framework["deltas"] == framework["steps"] == framework["introduced"] == corrected["introduced"] == []
    names = ["layer_2", "layer_1_in", "weights_1_2", "weights_0_1"]
    for one in (corrected, printed):
        assert {delta["name"] for delta in one["deltas"]} == set(names)
        assert [step["name"] for step in one["steps"]] == ["weights_0_1", "weights_1_2"]
        assert {step["verdict"] for step in one["steps"]} <= {"agrees", "inherited", "introduced"}
    assert {delta["verdict"] for delta in corrected["deltas"]} == {"agrees"}
    assert corrected["scale"] == 1
    assert printed["scale"] == pytest.approx(-0.5)
    (introduced,) = printed["introduced"]
    assert introduced["name"] == "layer_1_in"
    assert [cause["kind"] for cause in introduced["causes"][0]] == ["missing-derivative"]
    (delta,) = (delta for delta in printed["deltas"] if delta["name"] == "layer_1_in")
    assert delta["line"]
    assert not delta["convention"]


def test_check_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--explain", "9.1"]) == 0
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert lines[:2] == [
        f"9.1 tanh-softmax: {networks['9.1'].sentence}",
        f"the error: {networks['9.1'].objective}",
    ]
    heads = [line for line in lines if line.startswith("== ")]
    assert [head.split()[1] for head in heads] == ["framework:", "corrected:", "as-printed:"]
    assert heads[1] == "== corrected: agrees"
    assert "layer_1_in WRONG: wrong-point (tanh) and factor 0.5; otherwise -0.01 times the gradient" in heads[2]
    page = printed[printed.index(heads[2]) :]
    assert re.search(r"^check_deltas: WRONG, .*introduced: layer_1_in; apart from that, ", page, re.MULTILINE)
    assert re.search(r"^  layer_1_in +\(100, 100\) .*introduced", page, re.MULTILINE | re.IGNORECASE)
    assert "layer_1_in" in page.partition("introduced: ")[2]


@pytest.mark.parametrize("options", [["--explain", "nine"], ["--json", "nine"], ["8.1", "nine"]])
def test_check_of_an_unknown_name(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", *options]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "no network 'nine'" in printed.err


def test_check_has_one_form(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["check", "--json", "--explain", "8.1"])
    assert stop.value.code == 2
    assert "not allowed with argument --json" in capsys.readouterr().err


@pytest.mark.parametrize("form", [commands.TABLE, commands.JSON, commands.PAGES])
def test_check_fails(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    network = networks["8.1"]
    wrong = replace(network, versions={"corrected": network.versions["as-printed"]})
    assert commands.check([wrong], form) == 1
    printed = capsys.readouterr().out
    if form == commands.TABLE:
        assert "\nDISAGREE: 8.1 corrected\n" in printed
    elif form == commands.JSON:
        assert [one["passed"] for one in json.loads(printed)] == [True, False]
    else:
        assert "layer_1_in WRONG: missing-derivative (relu)" in printed


@pytest.mark.parametrize("form", [commands.TABLE, commands.JSON, commands.PAGES])
def test_check_without_the_data_is_no_failure(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.check([small(Missing), networks["6.3"]], form) == 0
    assert "skipped: reviews.txt is missing" in capsys.readouterr().out


def test_check_downloads_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[bool] = []

    def check(network: Network) -> list[checking.Checked]:
        seen.append(sources._offline.get())
        return []

    sources_before = sources._offline.set(False)
    try:
        monkeypatch.setattr(checking, "check", check)
        assert commands.check([networks["8.1"]]) == 0
        assert seen == [True]
        assert not sources._offline.get()
    finally:
        sources._offline.reset(sources_before)


# ----- graph -----


@pytest.mark.skipif(not engines(), reason="needs a program that draws graphs")
@pytest.mark.parametrize("name", ["8.1", "convolution"])
def test_graph(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", name, "-o", str(tmp_path / "graph.svg")]) == 0
    drawn = (tmp_path / "graph.svg").read_text()
    assert "<svg" in drawn
    assert "weights_1_2" in drawn
    assert str(tmp_path / "graph.svg") in capsys.readouterr().out


@pytest.mark.parametrize("name", ["8.1", "8.3", "9.1", "10.1"])
def test_a_graph_has_all_that_goes_into_it(name: str, tmp_path: Path) -> None:
    network, path = networks[name], tmp_path / "graph.dot"
    assert main(["graph", name, "-o", str(path)]) == 0
    dot = path.read_text()
    assert "not drawn" not in dot
    weights, rng = network.start()
    batch = next(network.batches(network.data(), rng))
    mask = {"doubled_mask"} if batch.mask is not None else set()
    named = {"labels", "error", *weights, *network.graph(weights, batch).layers, *mask}
    assert named <= set(re.findall(r'tooltip="([^"\\]+)\\n', dot))


def test_every_network_has_a_graph(tmp_path: Path) -> None:
    drawn = 0
    for network in networks.values():
        try:
            network.data()
        except FileNotFoundError:
            continue
        path = tmp_path / f"{network.id}.dot"
        assert main(["graph", network.id, "-o", str(path)]) == 0
        dot = path.read_text()
        weights, _ = network.start()
        trained = set(weights) - set(network.frozen)
        together = {name for names in re.findall(r"the first of \d+: ([\w, ]+)", dot) for name in names.split(", ")}
        assert {name for name in trained if f'"{name}\\n' in dot} | together >= trained, network.id
        drawn += 1
    assert drawn >= 5


def test_the_graph_of_a_forward_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.graph(small(ForwardOnly), tmp_path / "graph.dot") == 0
    assert '"pred\\n' in (tmp_path / "graph.dot").read_text()
    assert "the graph of the forward pass, 0.1 small" in capsys.readouterr().out


def test_without_a_program_that_draws(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [name for name in sys.modules if name.partition(".")[0] == "graphviz"] + ["graphviz"]:
        monkeypatch.setitem(sys.modules, module, None)
    assert main(["graph", "8.1", "-o", str(tmp_path / "x.svg")]) == 1
    assert f"-o {tmp_path / 'x.dot'} works without" in capsys.readouterr().err
    assert main(["graph", "8.1", "-o", str(tmp_path / "x.dot")]) == 0
    assert "layer_0" in (tmp_path / "x.dot").read_text()


def test_graph_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", "8.1", "-o", str(tmp_path / "none" / "graph.svg")]) == 1
    assert "cannot draw" in capsys.readouterr().err


# ----- reproduce -----


def test_reproduce(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AUTOGRAD_LITE_DATA", raising=False)
    assert main(["reproduce", "8.1", "9.1", "--epochs", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "compared with the numbers that the text prints"
    assert lines[1].startswith("8.1 overfit, 2 of 350 epochs: 1 row, 4 cells: all equal ")
    assert lines[2].startswith("9.1 tanh-softmax, 2 of 300 epochs: 1 row, 2 cells: all equal ")
    assert lines[3:] == ["2 networks compared; all equal"]
    table = {"9.1": {"columns": ["I", "Test-Acc", "Train-Acc"], "rows": [[0, 0.394, 0.156], [1, 0.5, 0.395]]}}
    path = tmp_path / "expected_tables.json"
    path.write_text(json.dumps(table))
    monkeypatch.setenv("AUTOGRAD_LITE_DATA", str(tmp_path))
    assert main(["reproduce", "9.1", "--epochs", "2"]) == 1
    printed = capsys.readouterr().out
    assert f"and with {path}, which has whole tables of 9.1 tanh-softmax\n" in printed
    assert "2 rows, 4 cells: 1 DIFFERENT" in printed
    assert "  I:1 Test-Acc: 0.5845 here, 0.5 in the text" in printed
    assert printed.splitlines()[-1] == "1 network compared; 1 DIFFERENT: 9.1"


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
    assert lines[0] == "compared with the numbers that the text prints"
    assert lines[1].startswith("NOT compared with whole tables: there is no expected_tables.json in ")
    (tmp_path / "expected_tables.json").write_text("{}")
    assert main(["reproduce", "9.1", "--epochs", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].endswith("expected_tables.json, which has no table of these")


def test_reproduce_with_a_damaged_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "expected_tables.json").write_text("{")
    monkeypatch.setenv("AUTOGRAD_LITE_DATA", str(tmp_path))
    assert main(["reproduce", "9.1", "--epochs", "1"]) == 1
    assert "expected_tables.json is damaged" in capsys.readouterr().err


def test_reproduce_to_the_end_compares_rows_and_sums(capsys: pytest.CaptureFixture[str]) -> None:
    comparison = commands._reproduce(replace(networks["9.1"], epochs=1), None)
    assert comparison is not None
    assert comparison.sums == 2
    assert any(difference.startswith("rows: ") for difference in comparison.differences)
    assert any(difference.startswith("sum of weights_0_1: ") for difference in comparison.differences)
    assert "DIFFERENT" in capsys.readouterr().out


def test_reproduce_compares_strings_numbers_lists_sums_and_weights(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.reproduce([small(ForwardOnly)]) == 0
    line, last = capsys.readouterr().out.splitlines()[-2:]
    assert line.startswith("0.1 small, 1 of 1 epoch: 1 row, 2 cells, 1 sum, 1 weight: all equal ")
    assert last == "1 network compared; all equal"


@pytest.mark.parametrize(
    ("printed", "difference"),
    [
        (Printed(rows={0: {"Pred": "0.50"}}), "I:0 Pred: 0.5 here, 0.50 in the text"),
        (Printed(rows={0: {"Pred": 0.500000001}}), "I:0 Pred: 0.5 here, 0.500000001 in the text"),
        (Printed(rows={0: {"Twice": [0.5, 0.4]}}), "I:0 Twice: [0.5, 0.5] here, [0.5, 0.4] in the text"),
        (Printed(rows={0: {"Twice": [0.5]}}), "I:0 Twice: [0.5, 0.5] here, [0.5] in the text"),
        (Printed(rows={0: {"Error": 0.5}}), "I:0 Error: nothing here, 0.5 in the text"),
        (Printed(rows={1: {"Pred": "0.5"}}), "rows: 0 here, 1 in the text"),
        (Printed(sums={"weight": 0.2500001}), "sum of weight: 0.25 here, 0.2500001 in the text"),
        (Printed(weights={"weight": [0.25]}), "weight: 0.25 here, [0.25] in the text"),
    ],
)
def test_reproduce_says_what_differs(printed: Printed, difference: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.reproduce([small(ForwardOnly), small(ForwardOnly, id="0.2", printed=printed)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == [f"  {difference}", "2 networks compared; 1 DIFFERENT: 0.2"]


def test_reproduce_names_what_it_did_not_compare(capsys: pytest.CaptureFixture[str]) -> None:
    silent = small(ForwardOnly, id="0.2", alias="silent", printed=Printed())
    assert commands.reproduce([small(Missing), silent, small(ForwardOnly, id="0.3")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "0.1 small: NOT compared: reviews.txt is missing: set AUTOGRAD_LITE_DATA" in lines
    assert "0.2 silent: NOT compared: the text prints no number of it" in lines
    assert lines[-1] == "1 network compared, 2 not: 0.1, 0.2; all equal"


def test_reproduce_takes_the_first_version_that_there_is() -> None:
    assert reproduce.version(networks["9.1"]) == "as-printed"
    assert reproduce.version(small(ForwardOnly, versions={"corrected": Doubling()})) == "corrected"
    assert reproduce.version(small(ForwardOnly, versions={})) == "framework"


# ----- the main job -----


@pytest.mark.parametrize(("accuracy", "status", "words"), [(0.4, 0, "as it should"), (0.99, 1, "NOT as it should")])
def test_main_job(
    accuracy: float,
    status: int,
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = {"8.3": replace(networks["8.3"], epochs=2, accuracy=accuracy), "0.1": small(Missing)}
    monkeypatch.setattr(commands, "networks", there)
    monkeypatch.setattr(checking, "check", cache(checking.check))
    assert main([]) == status
    printed = capsys.readouterr().out
    assert "skipped, since their data are not here: 0.1" in printed
    assert report.brief(there["8.3"], checking.check(there["8.3"])) in printed
    assert f"\n{words}: at least {accuracy:.2f} (the text prints 0.7975 at I:290 for its own)\n" in printed
    assert "python -m models train 9.1" in printed
