"""Chapter 14's LSTM trained down the gradient of its error, four epochs: how far it comes, and in what time.

    python -m benchmarks.shakespeare              # all four ways, a quarter of an hour; writes shakespeare.json
    python -m benchmarks.shakespeare adam-eager   # one of them
    python -m benchmarks.shakespeare --update     # the table of docs/time.md, from that file

Seconds are of the training alone: the whole text is measured after each epoch, and is not counted.
"""

from __future__ import annotations

import argparse
import json
import os
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

from models.chapter_14 import character_lstm
from models.shakespeare import RATES, Training

from .report import Results, cpu_model, markdown, put

HERE = Path(__file__).parent
RESULTS = HERE / "shakespeare.json"
PAGE = HERE.parent / "docs" / "time.md"
EPOCHS = 4
NAMES = {"sgd": "SGD", "adam": "Adam"}
WAYS = {f"{optimizer}-{how}": (optimizer, how) for optimizer, how in product(RATES, ("eager", "compiled"))}


def trained(optimizer: str, how: str) -> list[dict[str, float]]:
    """Of each epoch the running perplexity, that of the whole text after it, and seconds."""
    training = Training(character_lstm, optimizer, RATES[optimizer], compiled=how == "compiled")
    found = []
    for _ in range(EPOCHS):
        began = perf_counter()
        running, seconds = training.epoch(), perf_counter() - began
        found.append({"running": running, "whole": training.whole_text(), "seconds": seconds})
        print(optimizer, how, {name: round(value, 4) for name, value in found[-1].items()}, flush=True)
    return found


def table(results: Results) -> str:
    """A row for each way, as Markdown."""
    lines = [["", *(f"epoch {k}" for k in range(1, EPOCHS + 1)), "training"]]
    for way, (optimizer, how) in WAYS.items():
        epochs = results["runs"][way]
        whole = [f"{epoch['whole']:.3f}" for epoch in epochs]
        seconds = sum(epoch["seconds"] for epoch in epochs)
        lines.append([f"{NAMES[optimizer]}, learning rate {RATES[optimizer]}, {how}", *whole, f"{seconds:.0f} s"])
    return f"{markdown(lines)}\n\n{results['cpu']}, OPENBLAS_NUM_THREADS={results['threads']}."


def main() -> None:
    """The command line."""
    parse = argparse.ArgumentParser(prog="python -m benchmarks.shakespeare", description=__doc__)
    parse.add_argument("ways", nargs="*", help=f"of {', '.join(WAYS)}; all if none is named")
    parse.add_argument("--update", action="store_true", help="write the table of docs/time.md")
    given = parse.parse_args()
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"runs": {}}
    if given.update:
        put(PAGE, "trained", table(results))
        return
    for way in given.ways or WAYS:
        results["runs"][way] = trained(*WAYS[way])
        results |= {"cpu": cpu_model(), "threads": os.environ.get("OPENBLAS_NUM_THREADS", "not set")}
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
