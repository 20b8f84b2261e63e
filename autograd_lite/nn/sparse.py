"""Tables whose rows are read by number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from autograd_lite.core import Tensor
from autograd_lite.nn import functional as F
from autograd_lite.nn import init
from autograd_lite.nn.functional.lookup import row_number
from autograd_lite.nn.layer import Layer
from autograd_lite.nn.linear import empty
from autograd_lite.nn.parameter import Parameter

if TYPE_CHECKING:
    from typing_extensions import Self


class _Table(Layer):
    """weight (num_embeddings, embedding_dim), standard normal at the start, the row `padding_idx` zero."""

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None,
        sparse: bool,
        dtype: npt.DTypeLike | None,
        generator: Any,
    ) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim, self.sparse = num_embeddings, embedding_dim, sparse
        self.weight = empty((num_embeddings, embedding_dim), dtype)
        self.padding_idx = None if padding_idx is None else self._row(padding_idx)
        self.reset_parameters(generator)

    @classmethod
    def _holding(cls, embeddings: Any, freeze: bool, padding_idx: int | None, **settings: Any) -> Self:
        """A layer with a given table."""
        table = embeddings.data if isinstance(embeddings, Tensor) else np.asarray(embeddings)
        if table.ndim != 2:
            raise ValueError(f"{cls.__name__}: a table has two dimensions, and this one has shape {table.shape}")
        made = cls(0, table.shape[1], dtype=table.dtype, **settings)  # of no rows, so that nothing is drawn
        made.num_embeddings, made.weight = len(table), Parameter(table, requires_grad=not freeze)
        made.padding_idx = None if padding_idx is None else made._row(padding_idx)
        return made

    def _row(self, padding_idx: int) -> int:
        return row_number(type(self).__name__, padding_idx, self.weight)

    def reset_parameters(self, generator: Any = None) -> None:
        """Draw the initial values anew."""
        init.normal_(self.weight, generator=generator)
        if self.padding_idx is not None:
            self.weight.data[self.padding_idx] = 0.0

    def _table(self) -> Parameter:
        if self.weight.node is not None:
            self.weight.node.annotate().keeps_sparse = self.sparse
        return self.weight

    def extra_repr(self) -> str:
        """The sizes, and what is not the default."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        text += "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return text + (", sparse=True" if self.sparse else "")


class Embedding(_Table):
    """Rows of weight (num_embeddings, embedding_dim) by integers; starts standard normal. The gradient is row-sparse.

    The row `padding_idx` starts as zeros and gets no gradient. With `sparse=True`, `weight.grad` reads as the
    `RowSparse` that it is; else as an ordinary tensor. Raises IndexError for a number that is no row's.

    >>> import autograd_lite as al
    >>> al.nn.Embedding(10, 3)(al.tensor([[1, 2], [3, 1]])).shape
    (2, 2, 3)
    >>> al.nn.Embedding(10, 3, padding_idx=0)(al.tensor([0])).tolist()
    [[0.0, 0.0, 0.0]]
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        sparse: bool = False,
        dtype: npt.DTypeLike | None = None,
        generator: Any = None,
    ) -> None:
        super().__init__(num_embeddings, embedding_dim, padding_idx, sparse, dtype, generator)

    @classmethod
    def from_pretrained(
        cls, embeddings: Any, freeze: bool = True, padding_idx: int | None = None, *, sparse: bool = False
    ) -> Self:
        """A layer with a given table, not trained unless `freeze=False`.

        >>> import autograd_lite as al
        >>> al.nn.Embedding.from_pretrained(al.tensor([[1.0, 2.0], [3.0, 4.0]]))(al.tensor([1]))
        tensor([[3., 4.]])
        """
        return cls._holding(embeddings, freeze, padding_idx, sparse=sparse)

    def forward(self, input: Any) -> Any:
        """Integers of any shape to (*shape, embedding_dim)."""
        return F.embedding(input, self._table(), self.padding_idx)


class EmbeddingBag(_Table):
    """The sum, mean or largest of several rows of a table: see `functional.embedding_bag`.

    weight (num_embeddings, embedding_dim) starts standard normal. `mode` is "sum", "mean" or "max"; the row
    `padding_idx` does not count. Bags are rows of integers (bags, n), or (entries,) with the offsets where each begins.
    The gradient is row-sparse.

    >>> import autograd_lite as al
    >>> al.nn.EmbeddingBag(10, 3)(al.tensor([1, 2, 4, 5]), al.tensor([0, 3])).shape
    (2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        dtype: npt.DTypeLike | None = None,
        generator: Any = None,
    ) -> None:
        super().__init__(num_embeddings, embedding_dim, padding_idx, sparse, dtype, generator)
        self.mode, self.include_last_offset = mode, include_last_offset

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        *,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> Self:
        """A layer with a given table, not trained unless `freeze=False`.

        >>> import autograd_lite as al
        >>> al.nn.EmbeddingBag.from_pretrained(al.tensor([[1.0, 2.0], [3.0, 4.0]]))(al.tensor([[0, 1]]))
        tensor([[2., 3.]])
        """
        settings: dict[str, Any] = {"mode": mode, "sparse": sparse, "include_last_offset": include_last_offset}
        return cls._holding(embeddings, freeze, padding_idx, **settings)

    def forward(self, input: Any, offsets: Any = None, per_sample_weights: Any = None) -> Any:
        """Integers (bags, n), or (entries,) with the offsets where bags start, to (bags, embedding_dim)."""
        return F.embedding_bag(
            input,
            self._table(),
            offsets,
            mode=self.mode,
            per_sample_weights=per_sample_weights,
            include_last_offset=self.include_last_offset,
            padding_idx=self.padding_idx,
        )

    def extra_repr(self) -> str:
        """The sizes, and what is not the default."""
        text = f"{self.num_embeddings}, {self.embedding_dim}, mode={self.mode!r}"
        return text + ("" if self.padding_idx is None else f", padding_idx={self.padding_idx}")
