"""Attention and transformer encoders (Vaswani et al., 2017), as in `torch.nn`."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.core import Tensor
from autograd_lite.layer_misfit import attention_error
from autograd_lite.nn import functional as F
from autograd_lite.nn import init
from autograd_lite.nn.containers import ModuleList
from autograd_lite.nn.dropout import Dropout
from autograd_lite.nn.functional.attention import shares
from autograd_lite.nn.layer import Layer
from autograd_lite.nn.linear import Linear, empty
from autograd_lite.nn.module import Module
from autograd_lite.nn.normalization import LayerNorm
from autograd_lite.ops import broadcast_to, cat, mean, permute, reshape, squeeze, unsqueeze, where


class MultiheadAttention(Module):
    """Queries look at keys, in several heads: softmax(q kᵀ / √d) v, each head with projections of its own.

    Vaswani et al., 2017. Of query (queries, batch, E), key (keys, batch, kdim) and value (keys, batch, vdim), with
    `batch_first` (batch, ..., ...), to (queries, batch, E) and weights (batch, queries, keys); E is `embed_dim`, and d
    is E / num_heads.

    Parameters have PyTorch's names: `in_proj_weight` (3 E, E), or `q_proj_weight`, `k_proj_weight` and `v_proj_weight`
    where keys or values have other sizes (`kdim`, `vdim`), `in_proj_bias` (3 E,), `out_proj.weight`, `out_proj.bias`,
    and with `add_bias_kv` one more key and value, `bias_k` and `bias_v`. `dropout` is of the weights, in training.
    Raises ValueError where the heads do not divide `embed_dim`.

    >>> import autograd_lite as al
    >>> attention = al.nn.MultiheadAttention(4, num_heads=2, batch_first=True)
    >>> x = al.zeros(2, 5, 4)
    >>> output, weights = attention(x, x, x)
    >>> output.shape, weights.shape
    ((2, 5, 4), (2, 5, 5))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        dtype: npt.DTypeLike | None = None,
        generator: Any = None,
    ) -> None:
        super().__init__()
        if embed_dim < 1 or num_heads < 1 or embed_dim % num_heads:
            raise ValueError(f"MultiheadAttention: {num_heads} heads do not divide embed_dim={embed_dim}")
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim, self.vdim = embed_dim if kdim is None else kdim, embed_dim if vdim is None else vdim
        self.dropout, self.batch_first, self.add_zero_attn, self.generator = (
            dropout,
            batch_first,
            add_zero_attn,
            generator,
        )
        names = {"in_proj": 3 * embed_dim, **dict.fromkeys(("q_proj", "k_proj", "v_proj"), embed_dim)}
        sizes = {"in_proj": embed_dim, "q_proj": embed_dim, "k_proj": self.kdim, "v_proj": self.vdim}
        joint = self.kdim == self.vdim == embed_dim
        for name, rows in names.items():
            made = None
            if (name == "in_proj") == joint:
                made = init.xavier_uniform_(empty((rows, sizes[name]), dtype), generator=generator)
            setattr(self, f"{name}_weight", made)
        self.in_proj_bias = init.zeros_(empty((3 * embed_dim,), dtype)) if bias else None
        self.bias_k, self.bias_v = (
            init.xavier_normal_(empty((1, 1, embed_dim), dtype), generator=generator) if add_bias_kv else None
            for _ in range(2)
        )
        self.out_proj = Linear(embed_dim, embed_dim, bias, dtype, generator)
        if bias:
            init.zeros_(self.out_proj.bias)  # type: ignore[arg-type]

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Any, Any]:
        """(steps, batch, E), or with `batch_first` (batch, steps, E), or (steps, E): the output, and the weights.

        `key_padding_mask` (batch, keys) and `attn_mask` (queries, keys) or (batch * heads, queries, keys) are boolean,
        True where not to look, or numbers to add. The weights (batch, queries, keys) are the mean over heads, with
        `average_attn_weights=False` (batch, heads, queries, keys), and None without `need_weights`. A query that sees
        no key takes nothing of the values, and with `need_weights` is NaN, as in PyTorch. `is_causal` says that
        attn_mask is the causal one, and needs it. Raises ValueError for shapes that do not fit.
        """
        if is_causal and attn_mask is None:
            raise ValueError("MultiheadAttention: is_causal describes attn_mask, and needs it")
        alone = query.ndim == 2
        q, k, v = (self._in_order(x, alone) for x in (query, key, value))
        takes = (self.embed_dim, self.kdim, self.vdim)
        if (q.shape[-1], k.shape[-1], v.shape[-1]) != takes:
            raise attention_error(query, key, value, takes, self.num_heads)
        q, k, v = self._projected(q, k, v)
        mask = self._mask(attn_mask, key_padding_mask, q.shape[0], q.shape[1], k.shape[1], alone)
        q, k, v = (self._heads(x) for x in (q, k, v))
        k, v, mask = self._more_keys(k, v, mask)
        weights = shares(q, k, mask, blind=not need_weights)
        dropped = F.dropout(weights, self.dropout, self.training, generator=self.generator)
        y = permute(dropped @ v, 0, 2, 1, 3)
        y = self.out_proj(reshape(y, (*y.shape[:2], self.embed_dim)))
        y = squeeze(y, 0) if alone else y if self.batch_first else permute(y, 1, 0, 2)
        if not need_weights:
            return y, None
        shown = mean(dropped, 1) if average_attn_weights else dropped
        return y, squeeze(shown, 0) if alone else shown

    def _in_order(self, x: Any, alone: bool) -> Any:
        """(batch, steps, features)."""
        if x.ndim != 3 - alone:
            raise ValueError(f"MultiheadAttention: query, key and value all have 2 or all 3 dimensions, not {x.shape}")
        return unsqueeze(x, 0) if alone else x if self.batch_first else permute(x, 1, 0, 2)

    def _projected(self, q: Any, k: Any, v: Any) -> list[Any]:
        e, b = self.embed_dim, self.in_proj_bias
        joint: Any = self.in_proj_weight  # type: ignore[attr-defined]
        if joint is not None and q is k is v:
            y = F.linear(q, joint, b)
            return [y[..., j * e : (j + 1) * e] for j in range(3)]
        weights: list[Any] = [getattr(self, f"{name}_proj_weight") for name in "qkv"]
        if joint is not None:
            weights = [joint[j * e : (j + 1) * e] for j in range(3)]
        biases = [None if b is None else b[j * e : (j + 1) * e] for j in range(3)]
        return [F.linear(x, w, c) for x, w, c in zip((q, k, v), weights, biases, strict=True)]

    def _heads(self, x: Any) -> Any:
        """(batch, steps, E) to (batch, heads, steps, E / heads)."""
        return permute(reshape(x, (*x.shape[:2], self.num_heads, self.head_dim)), 0, 2, 1, 3)

    def _mask(self, mask: Any, padding: Any, n: int, queries: int, keys: int, alone: bool) -> Any:
        """What is added to the scores, of a shape that broadcasts to (batch, heads, queries, keys); or None."""
        found = None
        if mask is not None:
            if mask.shape not in ((queries, keys), (n * self.num_heads, queries, keys)):
                raise ValueError(
                    f"MultiheadAttention: attn_mask has shape {mask.shape}; here it is {(queries, keys)} or "
                    f"{(n * self.num_heads, queries, keys)}"
                )
            found = _added(mask)
            found = found if found.ndim == 2 else reshape(found, (n, self.num_heads, queries, keys))
        if padding is not None:
            if padding.shape != ((keys,) if alone else (n, keys)):
                raise ValueError(f"MultiheadAttention: key_padding_mask {padding.shape} is not {(n, keys)}")
            more = reshape(_added(padding), (n, 1, 1, keys))
            found = more if found is None else found + more
        return found

    def _more_keys(self, k: Any, v: Any, mask: Any) -> tuple[Any, Any, Any]:
        """Keys and values that are learned, or zero, after the others; nothing masks them."""
        n, heads, _, d = k.shape
        more: list[tuple[Any, Any]] = []
        if self.bias_k is not None:
            learned = [self._heads(broadcast_to(b, (n, 1, self.embed_dim))) for b in (self.bias_k, self.bias_v)]
            more.append((learned[0], learned[1]))
        if self.add_zero_attn:
            more.append((Tensor(np.zeros((n, heads, 1, d), k.dtype)),) * 2)
        for one_key, one_value in more:
            k, v = cat([k, one_key], 2), cat([v, one_value], 2)
            if mask is not None:
                mask = cat([mask, Tensor(np.zeros((*mask.shape[:-1], 1), k.dtype))], -1)
        return k, v, mask

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.embed_dim}, num_heads={self.num_heads}"


def _added(mask: Any) -> Any:
    """A mask as numbers to add: minus infinity for True. In half precision, which widens no scores."""
    return where(mask, np.float16(-np.inf), np.float16(0.0)) if mask.dtype == np.bool_ else mask


def _activation(named: Any) -> Callable[[Any], Any]:
    if callable(named):
        return named  # type: ignore[no-any-return]
    found: Callable[[Any], Any] | None = getattr(F, named, None) if named in ("relu", "gelu") else None
    if found is None:
        raise ValueError(f"activation is 'relu', 'gelu' or a function, and not {named!r}")
    return found


class TransformerEncoderLayer(Layer):
    """Self-attention, then two linear layers, each added to what came in; norms are after, or with `norm_first` before.

    x = norm1(x + attention(x)), x = norm2(x + linear2(activation(linear1(x)))) (Vaswani et al., 2017), of
    (steps, batch, d_model) or as `batch_first` says; `dropout` is of each summand and in between, in training.
    `activation` is "relu", "gelu" or a function. Parameters have PyTorch's names.

    >>> import autograd_lite as al
    >>> layer = al.nn.TransformerEncoderLayer(4, nhead=2, dim_feedforward=8, batch_first=True)
    >>> layer(al.zeros(2, 5, 4)).shape
    (2, 5, 4)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Any = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        dtype: npt.DTypeLike | None = None,
        generator: Any = None,
    ) -> None:
        super().__init__()
        more: dict[str, Any] = {"bias": bias, "dtype": dtype, "generator": generator}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, batch_first=batch_first, **more)
        self.linear1 = Linear(d_model, dim_feedforward, **more)
        self.dropout = Dropout(dropout, generator=generator)
        self.linear2 = Linear(dim_feedforward, d_model, **more)
        self.norm_first = norm_first
        self.norm1, self.norm2 = (LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype) for _ in range(2))
        self.dropout1, self.dropout2 = (Dropout(dropout, generator=generator) for _ in range(2))
        self.activation = _activation(activation)

    def forward(self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False) -> Any:
        """(steps, batch, d_model), or as `batch_first` says, to the same shape. Masks as in MultiheadAttention."""
        masks = src_mask, src_key_padding_mask, is_causal
        if self.norm_first:
            x = src + self._attended(self.norm1(src), *masks)
            return x + self._fed(self.norm2(x))
        x = self.norm1(src + self._attended(src, *masks))
        return self.norm2(x + self._fed(x))

    def _attended(self, x: Any, mask: Any, padding: Any, is_causal: bool) -> Any:
        y, _ = self.self_attn(
            x, x, x, key_padding_mask=padding, need_weights=False, attn_mask=mask, is_causal=is_causal
        )
        return self.dropout1(y)

    def _fed(self, x: Any) -> Any:
        return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerEncoder(Layer):
    """`num_layers` copies of a layer one after the other, and a norm at the end, if one is given.

    The copies start with the same numbers. `enable_nested_tensor` and `mask_check` have no effect.

    >>> import autograd_lite as al
    >>> layer = al.nn.TransformerEncoderLayer(4, nhead=2, dim_feedforward=8)
    >>> al.nn.TransformerEncoder(layer, num_layers=2)(al.zeros(5, 2, 4)).shape
    (5, 2, 4)
    """

    def __init__(
        self,
        encoder_layer: TransformerEncoderLayer,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = ModuleList([deepcopy(encoder_layer) for _ in range(num_layers)])
        self.num_layers, self.norm = num_layers, norm

    def forward(
        self, src: Any, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool | None = None
    ) -> Any:
        """(steps, batch, d_model), or as `batch_first` says, to the same shape."""
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, bool(is_causal))
        return src if self.norm is None else self.norm(src)
