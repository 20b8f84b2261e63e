"""Chapter 14: through time by hand, by autograd, by differences and by PyTorch; the text's own perplexities."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from models import Network, train
from models.activations import stable_softmax
from models.chapter_14 import character_lstm, character_rnn, exploding, vanishing
from models.character_lstm import ROWS, CharacterLSTMModule
from models.character_network import CharacterNetwork
from models.character_rnn import CharacterRNNModule
from models.characters import Text, characters, perplexity, shakespeare, stretches, write
from models.records import Batch, Data, Weights
from models.reproduce import Comparison
from models.shakespeare import Training
from models.shakespeare import main as shakespeare_main
from models.training import Modular, Plain, Trainer, trainer

WRITTEN = "so it is, and so it was, and so it will be; " * 9
TEXT = characters(WRITTEN)
SIZES: dict[str, Any] = {"text": lambda: TEXT, "hidden": 6, "rows": 3, "steps": 4}
TINY: dict[str, CharacterNetwork] = {n.id: replace(n, **SIZES) for n in (character_rnn, character_lstm)}
tiny = pytest.mark.parametrize("network", TINY.values(), ids=TINY.keys())


def place(network: Network, seed: int = 0) -> tuple[Weights, Batch]:
    """The second stretch, at weights and states away from the start, so that no delta is zero."""
    rng, weights = np.random.default_rng(seed), network.start()[0]
    moved = {name: weight + 0.3 * rng.standard_normal(weight.shape) for name, weight in weights.items()}
    return moved, next(islice(network.batches(network.data(), np.random.RandomState(0)), 1, None))


def close(ours: Any, theirs: Any, tolerance: float) -> bool:
    """Are they equal, relative to the largest entry?"""
    return bool(np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max())


# ----- 14.1 -----


@pytest.mark.parametrize("network", [vanishing, exploding], ids=lambda network: network.alias)
def test_gradients_through_ten_steps_are_the_printed_ones(network: Network) -> None:
    (record,) = train(network, "as-printed")
    comparison = Comparison(network)
    comparison.add(record)
    comparison.finish(record.epoch.weights)
    assert comparison.differences == []
    assert comparison.cells == len(network.printed.rows[0])


def test_through_relus_each_gradient_is_five_times_the_one_after() -> None:
    (record,) = train(exploding, "as-printed")
    found = [record.epoch.deltas[f"a_{t}"].tolist() for t in range(9, -1, -1)]
    assert found == [[5.0**k, 5.0**k] for k in range(1, 11)]


# ----- through time: by hand, by autograd, by differences, by PyTorch -----


@tiny
def test_corrected_deltas_are_autograds_through_every_step(network: CharacterNetwork) -> None:
    weights, batch = place(network)
    graph, deltas = network.graph(weights, batch), network.versions["corrected"].deltas(weights, batch)
    assert graph.error is not None
    everything = {**graph.weights, **graph.layers}
    names = [name for name in deltas if name not in network.frozen]
    gradients = al.autograd.grad(graph.error, [everything[name] for name in names])
    assert {f"{'hidden' if network.id == '14.2' else 'h'}_{t}" for t in range(1, 5)} < set(names)
    assert set(network.tensors(weights)) - set(network.frozen) <= set(names)
    for name, gradient in zip(names, gradients, strict=True):
        assert close(deltas[name], gradient.data, 1e-10), name


@tiny
def test_corrected_deltas_are_differences_to_ten_digits(network: CharacterNetwork) -> None:
    weights, batch = place(network)
    deltas = network.versions["corrected"].deltas(weights, batch)

    def error(name: str, entry: int, by: float) -> float:
        moved = {n: w.copy() for n, w in weights.items()}
        moved[name].reshape(-1)[entry] += by
        graph = network.graph(moved, batch)
        assert graph.error is not None
        return graph.error.item()

    for name in set(weights) - set(network.frozen):
        entry = int(np.argmax(np.abs(deltas[name])))
        slopes = [(error(name, entry, s) - error(name, entry, -s)) / (2 * s) for s in (0.04, 0.02, 0.01, 0.005)]
        for order in (4, 16, 64):  # Richardson: the error terms in the step's 2nd, 4th and 6th power cancel
            slopes = [(order * fine - coarse) / (order - 1) for coarse, fine in pairwise(slopes)]
        assert deltas[name].reshape(-1)[entry] == pytest.approx(slopes[0], rel=1e-10), name


@tiny
def test_plain_tensors_and_the_module_train_as_the_corrected(network: CharacterNetwork) -> None:
    def trained(learner: Trainer) -> Weights:
        data = network.data()
        for _ in range(2):
            network.forget(learner.weights)
            for batch in network.batches(data, np.random.RandomState(0)):
                network.carry(learner.weights, learner.step(batch)[0])
            learner.slow_down(network.decay)
        return learner.weights

    start = network.start()[0]
    by_hand = trained(trainer(network, "corrected", network.start()[0]))
    for make in (Plain, Modular):
        framework = trained(make(network, network.start()[0]))
        assert set(framework) == set(start)
        for name, weight in by_hand.items():
            assert np.abs(weight - start[name]).max() > 0, name
            assert close(framework[name], weight, 1e-9), name


@tiny
def test_states_are_carried_from_stretch_to_stretch_and_begin_anew_in_each_epoch(network: CharacterNetwork) -> None:
    weights, _ = network.start()
    still = replace(network.versions["corrected"], lr=0.0)
    learner = trainer(replace(network, versions={"still": still}), "still", weights)
    batches = list(network.batches(network.data(), np.random.RandomState(0)))
    ends = []
    for batch in batches[:3]:
        layers, _ = learner.step(batch)
        network.carry(weights, layers)
        ends.append(layers[f"{network.states[0].removesuffix('_0')}_{network.steps}"])
    whole = Batch(np.hstack([b.x for b in batches[:3]]), np.hstack([b.labels for b in batches[:3]]))
    network.forget(weights)
    at_once = still.forward(weights, whole)
    for k, end in enumerate(ends, 1):
        np.testing.assert_array_equal(end, at_once[f"{network.states[0].removesuffix('_0')}_{k * network.steps}"])


def test_as_printed_the_rnn_is_rows_times_the_gradient_and_walks_the_same_way() -> None:
    network = TINY["14.2"]
    weights, batch = place(network)
    printed, corrected = (network.versions[v].deltas(weights, batch) for v in ("as-printed", "corrected"))
    for name, delta in corrected.items():
        assert close(printed[name], 3 * delta, 1e-12), name
    assert character_rnn.versions["corrected"].lr == character_rnn.rows * character_rnn.versions["as-printed"].lr


def share(steps: int) -> float:
    """The part of the gradient by the weights from state to cell that is left as printed, as a ratio of lengths."""
    network = replace(character_lstm, **{**SIZES, "steps": steps})
    weights, batch = place(network)
    printed, corrected = (network.versions[v].deltas(weights, batch) for v in ("as-printed", "corrected"))
    return float(np.linalg.norm(printed["hc"]) / (3 * np.linalg.norm(corrected["hc"])))


def test_as_printed_the_lstm_follows_the_gradient_over_one_step_alone() -> None:
    network = replace(character_lstm, **{**SIZES, "steps": 1})
    weights, batch = place(network)
    printed, corrected = (network.versions[v].deltas(weights, batch) for v in ("as-printed", "corrected"))
    for name, delta in corrected.items():
        assert close(printed[name], 3 * delta, 1e-12), name
    shares = [share(steps) for steps in (1, 2, 5, 10, 25)]
    assert shares[0] == pytest.approx(1)
    assert max(shares[1:]) < 0.5


def test_scores_get_all_of_the_gradient_as_printed() -> None:
    weights, batch = place(TINY["14.3"])
    printed, corrected = (TINY["14.3"].versions[v].deltas(weights, batch) for v in ("as-printed", "corrected"))
    assert close(printed["w_ho"], 3 * corrected["w_ho"], 1e-12)
    assert not close(printed["h_1"], 3 * corrected["h_1"], 0.1)


# ----- PyTorch with the same weights -----


def pytorch_lstm(torch: Any, weights: Weights) -> tuple[Any, dict[str, Any]]:
    lstm = torch.nn.LSTM(6, 6, batch_first=True, dtype=torch.float64)
    stacked = {kind: np.concatenate([weights[f"{kind}{gate}"].T for gate in ROWS]) for kind in "xbh"}
    state = {"weight_ih_l0": stacked["x"], "weight_hh_l0": stacked["h"], "bias_ih_l0": stacked["b"]}
    state["bias_hh_l0"] = 0 * stacked["b"]
    lstm.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    return lstm, dict(lstm.named_parameters())


def test_pytorchs_lstm_with_the_same_weights() -> None:
    torch = pytest.importorskip("torch")
    network = TINY["14.3"]
    weights, batch = place(network)
    by_hand = network.versions["corrected"]
    lstm, parameters = pytorch_lstm(torch, weights)
    embed, w_ho = (torch.tensor(weights[name], requires_grad=True) for name in ("embed", "w_ho"))
    states = tuple(torch.from_numpy(weights[name])[None] for name in ("h_0", "c_0"))
    scores = lstm(embed[torch.from_numpy(batch.x)], states)[0] @ w_ho
    labels = torch.from_numpy(batch.labels).flatten()
    error = torch.nn.functional.cross_entropy(scores.flatten(0, 1), labels, reduction="sum") / 3
    error.backward()
    layers, deltas = by_hand.forward(weights, batch), by_hand.deltas(weights, batch)
    assert close(layers["output"], scores.detach().numpy(), 1e-12)
    assert close(deltas["embed"], embed.grad.numpy(), 1e-12)
    assert close(deltas["w_ho"], w_ho.grad.numpy(), 1e-12)
    for kind, name in (("x", "weight_ih_l0"), ("h", "weight_hh_l0"), ("b", "bias_ih_l0")):
        stacked = np.concatenate([deltas[f"{kind}{gate}"].T for gate in ROWS])
        assert close(stacked, parameters[name].grad.numpy(), 1e-12), name


def test_pytorchs_rnn_with_the_same_weights() -> None:
    """Its tanh serves for the sigmoid, since σ(z) = (1 + tanh(z / 2)) / 2: matrices and state are adapted."""
    torch = pytest.importorskip("torch")
    network = TINY["14.2"]
    weights, batch = place(network)
    by_hand = network.versions["corrected"]
    given = {name: torch.tensor(weights[name], requires_grad=True) for name in weights}
    rnn = torch.nn.RNN(6, 6, batch_first=True, dtype=torch.float64)
    w_hh, bias = given["w_hh"], given["b_ih"] + given["b_hh"]
    state = {
        "weight_ih_l0": given["w_ih"].T / 2,
        "weight_hh_l0": w_hh.T / 4,
        "bias_ih_l0": bias / 2 + w_hh.sum(0) / 4,
        "bias_hh_l0": torch.zeros(6, dtype=torch.float64),
    }
    start = 2 * given["hidden_0"][None] - 1
    states = torch.func.functional_call(rnn, state, (given["embed"][torch.from_numpy(batch.x)], start))[0]
    scores = (1 + states[:, -1]) / 2 @ given["w_ho"] + given["b_ho"]
    torch.nn.functional.cross_entropy(scores, torch.from_numpy(batch.labels[:, -1])).backward()
    layers, deltas = by_hand.forward(weights, batch), by_hand.deltas(weights, batch)
    assert close(layers["output"], scores.detach().numpy(), 1e-12)
    for name in set(weights) - {"hidden_0"}:
        assert close(deltas[name], given[name].grad.numpy(), 1e-12), name


# ----- the text's numbers -----


@pytest.fixture
def real() -> Text:
    try:
        return shakespeare()
    except FileNotFoundError as missing:
        pytest.skip(f"needs the text: {missing}")


def test_the_text_and_its_stretches(real: Text) -> None:
    assert (len(real.indices), len(real.vocabulary)) == (99993, 62)
    assert [len(network.data().x_train) for network in (character_rnn, character_lstm)] == [195, 249]
    assert real.decode(character_lstm.data().x_train[0, 0]) == "That, poor contempt, or c"


def test_the_first_perplexity_of_the_lstm_is_the_number_of_symbols(real: Text) -> None:
    data = character_lstm.data()
    (record,) = train(character_lstm, "as-printed", 1, Data(data.x_train[:1], data.labels_train[:1]))
    assert record.row["Perplexity"] == 62.000000000000064
    assert record.line == "I:0 Perplexity:62.00"


def test_the_rnn_begins_as_it_was_measured(real: Text) -> None:
    data = character_rnn.data()
    (record,) = train(character_rnn, "as-printed", 1, Data(data.x_train[:2], data.labels_train[:2]))
    assert record.row["Perplexity"] == pytest.approx(2778303.855772903, rel=1e-9)


# ----- characters -----


def test_stretches_follow_each_other_in_every_row() -> None:
    x, labels = stretches(np.arange(1000), rows=7, steps=9)
    assert x.shape == labels.shape == (15, 7, 9)
    np.testing.assert_array_equal(labels, x + 1)
    np.testing.assert_array_equal(x[1:, :, 0], x[:-1, :, -1] + 1)
    np.testing.assert_array_equal(x[0, :, 0], 142 * np.arange(7))
    with pytest.raises(ValueError, match="9 characters are too few for 2 rows of 4"):
        stretches(np.arange(9), rows=2, steps=4)


def modules() -> Iterator[Any]:
    for network in TINY.values():
        model = network.build(place(network)[0])
        assert isinstance(model, CharacterRNNModule | CharacterLSTMModule)
        yield model


def test_perplexity_does_not_depend_on_where_the_text_is_cut() -> None:
    for model in modules():
        whole = perplexity(model.reads, TEXT.indices, steps=len(TEXT.indices))
        assert perplexity(model.reads, TEXT.indices, steps=7) == pytest.approx(whole, rel=1e-12)
        scores, _ = model.reads(TEXT.indices[None, :-1], None)
        chances = stable_softmax(scores)[0, np.arange(len(TEXT.indices) - 1), TEXT.indices[1:]]
        assert whole == pytest.approx(math.exp(-np.log(chances).mean()), rel=1e-12)
        assert perplexity(model.reads, TEXT.indices, rows=4) != pytest.approx(whole, rel=1e-6)


def test_writing_reads_the_whole_prompt_and_what_was_written() -> None:
    for model in modules():
        written = write(model.reads, TEXT, "so it is", 12, temperature=0)
        for k in range(12):
            scores, _ = model.reads(TEXT.encode("so it is" + written[:k])[None], None)
            assert TEXT.vocabulary[int(np.argmax(scores[0, -1]))] == written[k]


def test_temperature_is_what_scores_are_divided_by() -> None:
    text, scores = characters("ab"), np.log([[[0.8, 0.2]]])

    def reads(x: Any, state: Any) -> Any:
        return scores, ()

    for temperature, chance in ((1.0, 0.8), (0.5, 16 / 17), (2.0, 2 / 3)):
        drawn = write(reads, text, "a", 4000, temperature, seed=1)
        assert drawn.count("a") / 4000 == pytest.approx(chance, abs=0.03)
    assert write(reads, text, "a", 9, 1.0, seed=3) == write(reads, text, "a", 9, 1.0, seed=3)


def test_what_cannot_be_written_or_measured_is_refused() -> None:
    (model, _) = modules()
    with pytest.raises(LookupError, match="'Z' is not among the"):
        write(model.reads, TEXT, "Z")
    with pytest.raises(ValueError, match="the prompt is empty"):
        write(model.reads, TEXT, "")
    with pytest.raises(ValueError, match="the temperature is 0 or more, not -1"):
        write(model.reads, TEXT, "so", temperature=-1)
    with pytest.raises(ValueError, match="there is none to predict"):
        perplexity(model.reads, TEXT.indices[:3], rows=2)


# ----- training with the framework -----


def test_a_compiled_training_is_the_eager_one_and_goes_the_correcteds_way() -> None:
    network = TINY["14.3"]
    assert type(network) is type(character_lstm)
    eager, compiled = (Training(network, "sgd", 0.05, compiled=compiled) for compiled in (False, True))
    walked = [record.row["Perplexity"] for record in train(network, "corrected", 2)]
    assert [eager.epoch() for _ in range(2)] == pytest.approx(walked, rel=1e-9)
    assert [compiled.epoch() for _ in range(2)] == pytest.approx(walked, rel=1e-9)
    assert compiled.whole_text() == pytest.approx(eager.whole_text(), rel=1e-9)


def test_a_clipped_gradient_is_no_longer_than_asked() -> None:
    network = TINY["14.3"]
    assert type(network) is type(character_lstm)
    training, free = Training(network, "sgd", 1.0, clip=1e-3), Training(network, "sgd", 1.0)
    before = [p.data.copy() for p in training.model.parameters()]
    x, labels = (al.tensor(part[0]) for part in stretches(TEXT.indices, 3, 4))
    lengths = []
    for one in (training, free):
        one.learn(x, labels, one.model.h, one.model.c)
        moved = [p.data - b for p, b in zip(one.model.parameters(), before, strict=True)]
        lengths.append(math.sqrt(sum(float(np.sum(m**2)) for m in moved)))
    assert lengths[0] == pytest.approx(1e-3, rel=1e-2)
    assert lengths[1] > 0.01


def test_states_that_are_carried_have_no_graph() -> None:
    network = TINY["14.3"]
    assert type(network) is type(character_lstm)
    training = Training(network, "adam", 0.01)
    x, labels = (al.tensor(part[0]) for part in stretches(TEXT.indices, 3, 4))
    _, h, c = training.learn(x, labels, training.model.h, training.model.c)
    assert not h.requires_grad
    assert not c.requires_grad
    assert training.epoch() > training.epoch() > training.epoch()


# ----- drawn, derived, compiled -----


@tiny
def test_time_is_folded_in_the_picture(network: CharacterNetwork) -> None:
    long = replace(network, steps=16)
    weights, rng = long.start()
    graph = long.graph(weights, next(long.batches(long.data(), rng)))
    assert "× 1" in al.to_dot(graph.result)
    assert al.to_dot(graph.result).count("->") < 80


@tiny
def test_derived_code_computes_the_deltas_written_by_hand(network: CharacterNetwork) -> None:
    weights, batch = place(network)
    code = str(al.derive(network.graph(weights, batch).result))
    for name in set(weights) - set(network.frozen):
        assert f"{name}_delta" in code, name


@tiny
def test_a_compiled_gradient_is_the_eager_one(network: CharacterNetwork) -> None:
    weights, batch = place(network)
    corrected = network.versions["corrected"].deltas(weights, batch)
    tensors = network.tensors(weights)

    def gradient() -> Any:
        for tensor in tensors.values():
            tensor.grad = None
        error = network.graph(tensors, batch).result
        error.backward()
        return error

    step = al.compile(gradient)
    for _ in range(2):
        step()
    for name in set(weights) - set(network.frozen):
        grad = tensors[name].grad
        assert grad is not None
        assert close(grad.data, corrected[name], 1e-10), name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--temperature", "-1"), "above 0"),
        (("--clip", "0"), "above 0"),
        (("--prompt", "é"), "é|missing"),
        (("--prompt", ""), "at least|missing"),
    ],
)
def test_settings_are_refused_before_the_training(arguments, said, capsys):
    with pytest.raises(SystemExit):
        shakespeare_main(arguments)
    assert re.search(said, capsys.readouterr().err)
