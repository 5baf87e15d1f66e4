"""A GPT's forward pass, arranged for many texts that grow by one character at a time.

It computes what lesson 07's `GPT` computes, from the same state dict, and keeps the keys and values
of what was read (lesson 07's `next_logits`) in one tensor a block, with a slot for each text.

A row's numbers do not depend on the rows beside it: every product has `FEWEST_ROWS` rows or more,
from where on MKL computes each row in the same way, and attention reads whole stretches of
`STRETCH` characters, of which it masks what is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

FEWEST_ROWS = 4  # MKL has kernels of their own for products of one to three rows
STRETCH = 32  # characters that attention reads at once


class Block:
    """The weights of one block, those of query, key and value side by side."""

    def __init__(self, weights: Mapping[str, Tensor], number: int) -> None:
        def get(name: str) -> Tensor:
            return weights[f"blocks.{number}.{name}"].float().contiguous()

        parts = ("query", "key", "value")
        self.norm1 = get("norm1.weight"), get("norm1.bias")
        self.qkv = torch.cat([get(f"attention.{part}.weight") for part in parts])  # (3 C, C)
        self.project = get("attention.project.weight").T
        self.norm2 = get("norm2.weight"), get("norm2.bias")
        self.expand = get("feed_forward.expand.weight"), get("feed_forward.expand.bias")
        self.shrink = get("feed_forward.shrink.weight"), get("feed_forward.shrink.bias")


class Decoder:
    """A GPT with room for the keys and values of `slots` texts.

    `weights` are lesson 07's state dict (`head.weight` is not needed, being tied), `config` the
    fields of its `Config`.
    """

    def __init__(
        self, weights: Mapping[str, Tensor], config: Mapping[str, Any], slots: int
    ) -> None:
        self.vocab_size: int = config["vocab_size"]
        self.context: int = config["context"]
        self.heads: int = config["heads"]
        self.channels: int = config["channels"]
        self.tokens = weights["token_embedding.weight"].float().contiguous()  # (V, C)
        self.places = weights["position_embedding.weight"].float().contiguous()  # (context, C)
        self.blocks = [Block(weights, number) for number in range(config["layers"])]
        self.norm = weights["norm.weight"].float(), weights["norm.bias"].float()
        # A row for each place: 0 for what it may look at, minus infinity for what comes later.
        self.length = -(-self.context // STRETCH) * STRETCH
        self.mask = torch.full((self.context, self.length), -torch.inf).triu(1)
        self.slots = max(slots, FEWEST_ROWS)
        d = self.channels // self.heads
        # Keys, then values. Slot and head are one dimension: torch.bmm takes a single one.
        size = (2, self.slots * self.heads, self.length, d)
        self.caches = [torch.zeros(size) for _ in self.blocks]
        self.scale = d**-0.5
        # Where each of the keys and values of a slot begins, as rows of d numbers.
        self.starts = torch.arange(2 * self.slots * self.heads).view(2, self.slots, self.heads)
        self.starts *= self.length
        self.rows = torch.arange(self.slots * self.heads * self.length)  # of all values

    def step(self, ids: Tensor, places: Tensor) -> Tensor:
        """Read one more character in each of the first n slots, n at least `FEWEST_ROWS`.

        `ids` (n,) stand at `places` (n,), behind all that was read there. Returns logits (n, V).
        """
        n, H, C = len(ids), self.heads, self.channels
        length = (int(places.max()) // STRETCH + 1) * STRETCH
        at = (self.starts[:, :n] + places[:, None]).flatten()  # where keys and values go: (2 n H,)
        bags = self.rows.view(-1, self.length)[: n * H, :length].flatten()
        begins = self.rows[: n * H * length : length]
        mask = self.mask[:, :length].index_select(0, places.repeat_interleave(H)).unsqueeze(1)
        x = self.tokens.index_select(0, ids).add_(self.places.index_select(0, places))  # (n, C)
        for block, cache in zip(self.blocks, self.caches, strict=True):
            qkv = F.linear(F.layer_norm(x, (C,), *block.norm1), block.qkv)
            qkv = qkv.view(n, 3, C).transpose(0, 1).reshape(3 * n * H, 1, -1)
            query = qkv[: n * H]  # (n H, 1, d)
            cache.view(-1, C // H).index_copy_(0, at, qkv[n * H :, 0])
            keys = cache[0, : n * H, :length]  # (n H, length, d)
            scores = torch.baddbmm(mask, query, keys.transpose(1, 2), alpha=self.scale)
            # Weighted sums of values. torch.bmm is slower: each of its products has one row.
            mixed = F.embedding_bag(
                bags,
                cache[1].view(-1, C // H),
                begins,
                mode="sum",
                per_sample_weights=torch.softmax(scores, dim=2).flatten(),
            )  # (n H, d)
            x = self._rest(block, x, mixed.view(n, C))
        return F.linear(F.layer_norm(x, (C,), *self.norm), self.tokens)

    def read(self, slots: Sequence[int], texts: Sequence[Sequence[int]]) -> Tensor:
        """Read each of `texts` into its slot, from the first place on: a prefill.

        A text has from 1 to `context` characters. Returns the logits after each one's last: (n, V).
        """
        C, total = self.channels, sum(map(len, texts))
        padding = [0] * (FEWEST_ROWS - total)  # rows that nobody looks at
        ids = torch.tensor([i for text in texts for i in text] + padding)
        places = torch.cat([self.all_places(len(text)) for text in [*texts, padding]])
        x = self.tokens[ids] + self.places[places]  # all texts, one behind the other: (total, C)
        ends = torch.tensor([len(text) for text in texts]).cumsum(0).tolist()
        for block, cache in zip(self.blocks, self.caches, strict=True):
            qkv = F.linear(F.layer_norm(x, (C,), *block.norm1), block.qkv)
            mixed = torch.zeros_like(x)
            for slot, text, end in zip(slots, texts, ends, strict=True):
                own = slice(end - len(text), end)
                query, key, value = (
                    qkv[own].view(1, len(text), 3, self.heads, -1).permute(2, 0, 3, 1, 4)
                )  # (1, heads, T, d)
                heads = slice(slot * self.heads, (slot + 1) * self.heads)
                cache[0, heads, : len(text)] = key[0]
                cache[1, heads, : len(text)] = value[0]
                found = F.scaled_dot_product_attention(query, key, value, is_causal=True)
                mixed[own] = found[0].transpose(0, 1).flatten(1)
            if block is self.blocks[-1]:  # from here on, nobody looks at the others
                last = [end - 1 for end in ends] + [0] * (FEWEST_ROWS - len(ends))
                x, mixed = x[last], mixed[last]
            x = self._rest(block, x, mixed)
        return F.linear(F.layer_norm(x, (C,), *self.norm), self.tokens)[: len(ends)]

    def all_places(self, length: int) -> Tensor:
        """Return the places 0, 1, ... of a text of that length."""
        return torch.arange(length)

    def _rest(self, block: Block, x: Tensor, mixed: Tensor) -> Tensor:
        """Return the stream `x` (n, C) behind `block`, whose heads have found `mixed` (n, C)."""
        x = torch.addmm(x, mixed, block.project)
        normed = F.layer_norm(x, (self.channels,), *block.norm2)
        return x.add_(F.linear(F.gelu(F.linear(normed, *block.expand)), *block.shrink))
