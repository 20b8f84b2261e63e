"""Recurrent networks: whole sequences (RNN, LSTM, GRU) and single steps (their cells), as in `torch.nn`.

Parameters have PyTorch's names and layout: of layer k `weight_ih_lk` (gates * hidden, inputs), `weight_hh_lk` (gates *
hidden, hidden), `bias_ih_lk` and `bias_hh_lk`, with `_reverse` after it for the other direction. All start uniform
within ± 1 / √hidden_size. The gates' order is i, f, g, o in an LSTM and r, z, n in a GRU.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.core import Tensor
from autograd_lite.layer_misfit import sequence_error, state_error
from autograd_lite.nn import functional as F
from autograd_lite.nn import init
from autograd_lite.nn.linear import empty
from autograd_lite.nn.module import Module
from autograd_lite.ops import cat, permute, reshape, squeeze, stack, unsqueeze
from autograd_lite.ops.gru import gru_steps, rnn_steps
from autograd_lite.ops.lstm import lstm_steps


class _Recurrent(Module):
    """What sequences and cells share: parameters, and one layer over the steps of a (steps, batch, inputs)."""

    gates = 1
    cell_state = False  # whether there is another state beside h
    nonlinearity = "tanh"
    hidden_size: int
    bias: bool

    def _make(self, inputs: int, suffix: str, dtype: npt.DTypeLike | None) -> None:
        """The parameters of one layer and direction."""
        rows = self.gates * self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, inputs), "weight_hh": (rows, self.hidden_size)}
        shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)} if self.bias else {}
        for name, shape in shapes.items():
            setattr(self, name + suffix, empty(shape, dtype))
        if not self.bias and not suffix:
            self.bias_ih = self.bias_hh = None

    def reset_parameters(self, generator: Any = None) -> None:
        """Draw the initial values anew."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound, generator)

    def _steps(self, x: Any, states: list[Any], suffix: str, reverse: bool = False) -> tuple[Any, ...]:
        """All states of one layer and direction, the last state, and the last cell state if there is one."""
        w_ih, w_hh = getattr(self, f"weight_ih{suffix}"), getattr(self, f"weight_hh{suffix}")
        b_ih, b_hh = (getattr(self, f"{b}{suffix}") if self.bias else None for b in ("bias_ih", "bias_hh"))
        _refuse_other_dtypes(type(self).__name__, x, *states, w_ih)
        bias = b_ih if self.gates == 3 or b_ih is None else b_ih + b_hh
        flat = F.linear(reshape(x, (x.shape[0] * x.shape[1], x.shape[2])), w_ih, bias)  # one product for all steps
        z = reshape(flat, (*x.shape[:2], flat.shape[1]))
        if self.gates == 3:
            b = Tensor(np.zeros(w_hh.shape[0], w_hh.dtype)) if b_hh is None else b_hh
            return gru_steps(z, states[0], w_hh, b, reverse)
        if self.cell_state:
            return lstm_steps(z, states[0], states[1], w_hh, reverse)
        return rnn_steps(z, states[0], w_hh, reverse, self.nonlinearity)

    def _refuse(self, input: Any, dims: tuple[int, int], inputs: int) -> None:
        batch_first = getattr(self, "batch_first", False)
        steps = input.shape[batch_first and input.ndim == 3] if input.ndim and 1 not in dims else 1
        if input.ndim not in dims or input.shape[-1] != inputs or not steps:
            order = ("batch", "steps") if batch_first else ("steps", "batch")
            forms = [("batch",), ()] if 1 in dims else [order, ("steps",)]
            raise sequence_error(type(self).__name__, input, forms, inputs)

    def _states(
        self, hx: Any, shape: tuple[int, ...], dtype: Any, batches_first: tuple[int, ...] | None = None
    ) -> list[Any]:
        """The states to begin with: those given, or zeros. Raises ValueError for another shape."""
        name, count = type(self).__name__, 1 + self.cell_state
        if hx is None:
            return [Tensor(np.zeros(shape, dtype))] * count
        if isinstance(hx, Tensor) == self.cell_state or (self.cell_state and len(hx) != 2):
            raise TypeError(f"{name}: hx is {'a pair (h, c)' if self.cell_state else 'one tensor'}")
        states = list(hx) if self.cell_state else [hx]
        for state in states:
            if state.shape != shape:
                raise state_error(name, state, shape, batches_first)
        return states


def _refuse_other_dtypes(name: str, *tensors: Any) -> None:
    if len({t.dtype for t in tensors}) > 1:
        found = ", ".join(str(t.dtype) for t in tensors)
        raise ValueError(f"{name}: input, states and weights have one dtype, and here they have {found}")


class _Sequence(_Recurrent):
    """Several layers of one kind over whole sequences, in one or two directions."""

    proj_size = 0  # as PyTorch's, where it may be another

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        dtype: npt.DTypeLike | None,
        generator: Any,
    ) -> None:
        super().__init__()
        if hidden_size < 1 or num_layers < 1:
            raise ValueError(f"{type(self).__name__}: hidden_size and num_layers are at least 1")
        if not 0 <= dropout <= 1:
            raise ValueError(f"{type(self).__name__}: dropout is a probability, and {dropout} is not between 0 and 1")
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout, self.bidirectional = bias, batch_first, dropout, bidirectional
        self.generator = generator
        for layer in range(num_layers):
            inputs = hidden_size * (1 + bidirectional) if layer else input_size
            for suffix in self._directions(layer):
                self._make(inputs, suffix, dtype)
        self.reset_parameters(generator)

    def _directions(self, layer: int) -> list[str]:
        return [f"_l{layer}", f"_l{layer}_reverse"][: 1 + self.bidirectional]

    def forward(self, input: Any, hx: Any = None) -> Any:
        """(steps, batch, inputs), or with `batch_first` (batch, steps, inputs), or without a batch (steps, inputs).

        Returns the states of the last layer at all steps (..., directions * hidden), and the last states of all
        layers and directions, (layers * directions, batch, hidden): h, of an LSTM (h, c). `hx` are such states, to
        begin with; without it, zeros. Raises ValueError for shapes that do not fit, or different dtypes.
        """
        self._refuse(input, (2, 3), self.input_size)
        alone = input.ndim == 2
        x = unsqueeze(input, 1) if alone else permute(input, 1, 0, 2) if self.batch_first else input
        rows, batch = self.num_layers * (1 + self.bidirectional), () if alone else (x.shape[1],)
        turned = None if alone or self.batch_first else (rows, x.shape[0], self.hidden_size)
        states = self._states(hx, (rows, *batch, self.hidden_size), x.dtype, turned)
        states = [unsqueeze(s, 1) if alone else s for s in states]
        last: list[tuple[Any, ...]] = []
        for layer in range(self.num_layers):
            outputs = []
            for k, suffix in enumerate(self._directions(layer)):
                y, *ends = self._steps(x, [s[len(last)] for s in states], suffix, bool(k))
                outputs.append(y)
                last.append(tuple(ends))
            x = outputs[0] if len(outputs) == 1 else cat(outputs, -1)
            if self.dropout and layer < self.num_layers - 1:
                x = F.dropout(x, self.dropout, self.training, generator=self.generator)
        found = [stack(list(ends), 0) for ends in zip(*last, strict=True)]
        found = [squeeze(s, 1) if alone else s for s in found]
        y = squeeze(x, 1) if alone else permute(x, 1, 0, 2) if self.batch_first else x
        return y, (tuple(found) if self.cell_state else found[0])

    @property
    def mode(self) -> str:
        """The kind: "LSTM", "GRU", "RNN_TANH" or "RNN_RELU"."""
        return f"RNN_{self.nonlinearity.upper()}" if self.gates == 1 else "LSTM" if self.cell_state else "GRU"

    @property
    def all_weights(self) -> list[list[Any]]:
        """The parameters of each layer and direction, in the order of their names above."""
        kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")[: 4 if self.bias else 2]
        suffixes = [suffix for layer in range(self.num_layers) for suffix in self._directions(layer)]
        return [[getattr(self, kind + suffix) for kind in kinds] for suffix in suffixes]

    def flatten_parameters(self) -> None:
        """Nothing: PyTorch's name for a step that its GPUs need."""

    def extra_repr(self) -> str:
        """The sizes, and what is not the default."""
        text = f"{self.input_size}, {self.hidden_size}"
        plain = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False}
        for name, usual in plain.items():
            text += f", {name}={getattr(self, name)}" if getattr(self, name) != usual else ""
        return text


class RNN(_Sequence):
    """h = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu, step by step; `num_layers` of them one upon the other.

    Elman, 1990. From (steps, batch, input_size), with `batch_first` (batch, steps, input_size), or without a batch, to
    the states of the last layer, (steps, batch, directions · hidden_size), and the last states of all, (layers ·
    directions, batch, hidden_size). `dropout` is between the layers, in training. Raises ValueError for another
    `nonlinearity`.

    >>> import autograd_lite as al
    >>> output, h = al.nn.RNN(3, 5)(al.zeros(7, 2, 3))
    >>> output.shape, h.shape
    ((7, 2, 5), (1, 2, 5))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        dtype: npt.DTypeLike | None = None,
        generator: Any = None,
    ) -> None:
        _refuse_other_nonlinearity(nonlinearity)
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype, generator
        )
        self.nonlinearity = nonlinearity


def _refuse_other_nonlinearity(name: str) -> None:
    if name not in ("tanh", "relu"):
        raise ValueError(f"nonlinearity is 'tanh' or 'relu', and not {name!r}")


class LSTM(_Sequence):
    """c = f c + i g, h = o tanh(c): i, f, o are σ and g is tanh of W_ih x + b_ih + W_hh h + b_hh, a quarter each.

    Hochreiter and Schmidhuber, 1997, with the forget gate f of Gers et al., 2000. Returns the states at all steps, and
    (h, c) at the last, of shapes as in `RNN`; begins with the (h, c) given, or zeros. `dropout` is between the layers,
    in training. The whole sequence is one op; gradients of gradients go step by step.

    >>> import autograd_lite as al
    >>> output, (h, c) = al.nn.LSTM(3, 5, num_layers=2, batch_first=True)(al.zeros(2, 7, 3))
    >>> output.shape, h.shape, c.shape
    ((2, 7, 5), (2, 2, 5), (2, 2, 5))
    """

    gates, cell_state = 4, True

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        dtype: npt.DTypeLike | None = None,
        generator: Any = None,
    ) -> None:
        if proj_size:
            raise ValueError("LSTM: proj_size is not there: put a Linear after it")
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype, generator
        )


class GRU(_Sequence):
    """h = (1 - z) n + z h, n = tanh(W x + b + r (U h + b')); r and z are σ of such sums, a third each.

    Cho et al., 2014. The reset gate r is multiplied after the product with U. Shapes are as in `RNN`.

    >>> import autograd_lite as al
    >>> output, h = al.nn.GRU(3, 5, bidirectional=True)(al.zeros(7, 2, 3))
    >>> output.shape, h.shape
    ((7, 2, 10), (2, 2, 5))
    """

    gates = 3

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        dtype: npt.DTypeLike | None = None,
        generator: Any = None,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype, generator
        )


class _Cell(_Recurrent):
    """One step."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        dtype: npt.DTypeLike | None = None,
        generator: Any = None,
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        self._make(input_size, "", dtype)
        self.reset_parameters(generator)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Inputs (batch, inputs) or (inputs,) and the state, zeros if there is none, to the next state.

        An LSTM's state is (h, c). Raises ValueError for shapes that do not fit, or different dtypes.
        """
        self._refuse(input, (1, 2), self.input_size)
        alone = input.ndim == 1
        states = self._states(hx, (*input.shape[:-1], self.hidden_size), input.dtype)
        x = reshape(input, (1, 1 if alone else input.shape[0], self.input_size))
        _, *found = self._steps(x, [unsqueeze(s, 0) if alone else s for s in states], "")
        found = [squeeze(s, 0) for s in found] if alone else found
        return tuple(found) if self.cell_state else found[0]

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")


class RNNCell(_Cell):
    """One step of an RNN: h to tanh(W_ih x + b_ih + W_hh h + b_hh), or relu.

    From x (batch, input_size) or (input_size,) and h (batch, hidden_size) or (hidden_size,), zeros unless given.
    weight_ih is (hidden_size, input_size), weight_hh (hidden_size, hidden_size), the biases (hidden_size,).

    >>> import autograd_lite as al
    >>> al.nn.RNNCell(3, 5)(al.zeros(2, 3)).shape
    (2, 5)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        dtype: npt.DTypeLike | None = None,
        generator: Any = None,
    ) -> None:
        _refuse_other_nonlinearity(nonlinearity)
        super().__init__(input_size, hidden_size, bias, dtype, generator)
        self.nonlinearity = nonlinearity

    def extra_repr(self) -> str:
        """The sizes, and what is not the default."""
        return super().extra_repr() + ("" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}")


class LSTMCell(_Cell):
    """One step of an LSTM: from x (batch, input_size) and (h, c) to the next (h, c), each (batch, hidden_size).

    weight_ih is (4 hidden_size, input_size), weight_hh (4 hidden_size, hidden_size): see `LSTM`.

    >>> import autograd_lite as al
    >>> h, c = al.nn.LSTMCell(3, 5)(al.zeros(2, 3))
    >>> h.shape, c.shape
    ((2, 5), (2, 5))
    """

    gates, cell_state = 4, True


class GRUCell(_Cell):
    """One step of a GRU: from x (batch, input_size) and h to the next h, (batch, hidden_size).

    weight_ih is (3 hidden_size, input_size), weight_hh (3 hidden_size, hidden_size): see `GRU`.

    >>> import autograd_lite as al
    >>> al.nn.GRUCell(3, 5)(al.zeros(2, 3), al.zeros(2, 5)).shape
    (2, 5)
    """

    gates = 3
