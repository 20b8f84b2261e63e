"""Chapter 13: a framework of one's own: four rows learnt in ten steps, and an RNN."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.demonstrations import (
    Biased,
    Classes,
    Copied,
    Copying,
    Demonstration,
    Selected,
    Selecting,
    TwoLayers,
    TwoLinear,
    Words,
    WordsAndLinear,
    words_and_linear,
)
from models.network import CORRECTED, PRINTED, Handwritten, Network
from models.questions import CorrectedQuestions, Questions
from models.records import Printed

ROWS, GOALS = ((0, 0), (0, 1), (1, 0), (1, 1)), ((0,), (1,), (0,), (1,))
NUMBERS = (1, 2, 1, 2)


def ten(column: str, *values: float) -> Printed:
    """What is printed of ten steps: the first values, and the last step's."""
    *first, last = values
    return Printed({**{i: {column: value} for i, value in enumerate(first)}, 9: {column: last}})


def both(by_hand: TwoLayers) -> dict[str, Handwritten]:
    """As printed and corrected: the deltas are the gradient."""
    return {PRINTED: by_hand, CORRECTED: by_hand}


by_hand = Demonstration(
    id="13.1",
    alias="by-hand",
    sentence="Two layers without activations, four rows, ten steps, all by hand.",
    ids=False,
    inputs=ROWS,
    goals=GOALS,
    versions={PRINTED: TwoLayers(lr=0.1, factor=1), CORRECTED: TwoLayers(lr=0.05)},
    printed=ten("Error", 5.066439994622396, 0.4959907791902341, 0.11613979792168384),
)

autograd = replace(
    by_hand,
    id="13.2",
    alias="by-autograd",
    sentence="The two layers of 13.1, their gradient taken by the chapter's engine.",
    ids=True,
    versions=both(TwoLayers(lr=0.1)),
    printed=ten("Error", 0.5812830360381691, 0.4898814918030679, 0.4137511099699247, 0.06849360574983096),
)

sgd = replace(autograd, id="13.3", alias="sgd", sentence="The network of 13.2, its weights changed by an optimizer.")

sequential = Biased(
    id="13.4",
    alias="sequential",
    sentence="Two linear layers with biases, one after the other.",
    inputs=ROWS,
    goals=GOALS,
    versions=both(TwoLinear(lr=0.05)),
    printed=ten("Error", 2.334282719079162, 0.06743795819133339, 0.008896016067268656),
)

mse = replace(sequential, id="13.5", alias="mse-layer", sentence="The network of 13.4, its error a layer of its own.")

activations = replace(
    sequential,
    id="13.6",
    alias="activation-layers",
    sentence="Linear layers with tanh and sigmoid after them.",
    activated=True,
    ending="sigmoid",
    versions=both(TwoLinear(lr=1.0, activated=True, ending="sigmoid")),
    printed=ten("Error", 1.0637286455200337, 0.7514814404724319, 0.04700013321566329),
)

embedding = Words(
    id="13.7",
    alias="embedding-layer",
    sentence="Words by their numbers: an embedding, tanh, a linear layer, sigmoid.",
    words=5,
    drawn=words_and_linear(5, 1),
    inputs=NUMBERS,
    goals=GOALS,
    ending="sigmoid",
    versions=both(WordsAndLinear(lr=0.5, activated=True, ending="sigmoid")),
    printed=ten("Error", 0.9887412620847683, 0.6658867966772668, 0.07387833603184431),
)

classes = Classes(
    id="13.8",
    alias="cross-entropy-layer",
    sentence="Words by their numbers, told apart by a softmax of four classes.",
    words=3,
    drawn=words_and_linear(3, 4),
    inputs=NUMBERS,
    goals=np.eye(4)[[0, 1, 0, 1]],
    versions={
        PRINTED: WordsAndLinear(lr=0.1, factor=1, activated=True, ending="softmax"),
        CORRECTED: WordsAndLinear(lr=0.4, factor=0.25, activated=True, ending="softmax"),
    },
    printed=ten("Cross-Entropy", 1.3885032434928422, 0.9558181509266036, 0.16527389263866676),
)

selecting = Selecting(
    id="13.9",
    alias="index-select",
    sentence="Rows of a matrix by their numbers: what is read twice gets its gradient twice.",
    inputs=((1, 2, 3), (2, 3, 4)),
    initial={"weight": np.eye(5)},
    versions={PRINTED: Selected(), CORRECTED: Selected()},
    printed=Printed({0: {"delta of weight": np.repeat([[0.0], [1], [2], [2], [1]], 5, axis=1).tolist()}}),
)

copying = Copying(
    id="13.9-expand",
    alias="expand",
    sentence="Copies of a matrix along a new dimension.",
    inputs=((0,),),
    initial={"weight": ((1, 2, 3), (4, 5, 6))},
    frozen=("weight",),
    versions={PRINTED: Copied()},
    printed=Printed({0: {"copies": [[[number] * 4 for number in row] for row in ((1, 2, 3), (4, 5, 6))]}}),
)

rnn = Questions(
    id="13.11",
    alias="rnn-questions",
    sentence="Five words of a line through a recurrent layer with sigmoid, and the sixth is told.",
    epochs=1000,
    columns=("Loss", "Correct"),
    versions={
        PRINTED: CorrectedQuestions(lr=0.05, factor=1.0),
        CORRECTED: CorrectedQuestions(lr=5.0),
    },
    test_every=200,
)

rnn_cell = replace(
    rnn,
    id="13.11-tanh",
    alias="rnn-cell",
    sentence="The network of 13.11 with nn.RNNCell, which has tanh.",
    activation="tanh",
    columns=("Cross-Entropy", "Correct"),
    versions={CORRECTED: CorrectedQuestions(lr=0.5, activation="tanh")},
)

networks: tuple[Network, ...] = (
    by_hand,
    autograd,
    sgd,
    sequential,
    mse,
    activations,
    embedding,
    classes,
    selecting,
    copying,
    rnn,
    rnn_cell,
)
