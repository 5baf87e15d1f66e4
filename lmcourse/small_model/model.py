"""A GPT for characters that works from its weights alone, by their names.

It is the model that ships with the course. It has no layers: `shapes` names every weight, and
`GPT.forward` says what is computed with them (Radford and others, 2019).
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass
class Config:
    """How large a GPT is: the numbers that its shapes are made of."""

    vocab_size: int
    context: int = 64
    layers: int = 4
    heads: int = 4
    channels: int = 128
    dropout: float = 0.0


def shapes(config: Config) -> dict[str, tuple[int, ...]]:
    """Return the shape of each weight, by its name."""
    c = config.channels
    square, vector = (c, c), (c,)
    found: dict[str, tuple[int, ...]] = {
        "token_embedding.weight": (config.vocab_size, c),
        "position_embedding.weight": (config.context, c),
    }
    for i in range(config.layers):
        block = f"blocks.{i}"
        for name in ("query", "key", "value", "project"):
            found[f"{block}.attention.{name}.weight"] = square
        found[f"{block}.feed_forward.expand.weight"] = (4 * c, c)
        found[f"{block}.feed_forward.expand.bias"] = (4 * c,)
        found[f"{block}.feed_forward.shrink.weight"] = (c, 4 * c)
        found[f"{block}.feed_forward.shrink.bias"] = vector
        for norm in ("norm1", "norm2"):
            found |= {f"{block}.{norm}.weight": vector, f"{block}.{norm}.bias": vector}
    return {**found, "norm.weight": vector, "norm.bias": vector}


class GPT(nn.Module):
    """Tells at each place which character comes next, from all those before it.

    A new one has zeros for weights: load some, or draw them. What it reads with is also what it
    writes with, so there is no `head`.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        for name, shape in shapes(config).items():
            holder: nn.Module = self
            *way, last = name.split(".")
            for part in way:
                if part not in dict(holder.named_children()):
                    holder.add_module(part, nn.Module())
                holder = holder.get_submodule(part)
            holder.register_parameter(last, nn.Parameter(torch.zeros(shape)))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the logits (B, T, V) of what follows each of the characters `ids` (B, T)."""
        w = dict(self.named_parameters())
        (B, T), C = ids.shape, self.config.channels
        p = self.config.dropout if self.training else 0.0

        def normed(x: torch.Tensor, name: str) -> torch.Tensor:
            return F.layer_norm(x, (C,), w[f"{name}.weight"], w[f"{name}.bias"])

        x = w["token_embedding.weight"][ids] + w["position_embedding.weight"][:T]  # (B, T, C)
        for i in range(self.config.layers):
            block = f"blocks.{i}"
            read = normed(x, f"{block}.norm1")
            query, key, value = (
                F.linear(read, w[f"{block}.attention.{name}.weight"])
                .view(B, T, self.config.heads, -1)
                .transpose(1, 2)  # (B, heads, T, C / heads)
                for name in ("query", "key", "value")
            )
            seen = F.scaled_dot_product_attention(query, key, value, dropout_p=p, is_causal=True)
            seen = seen.transpose(1, 2).reshape(B, T, C)
            x = x + F.dropout(F.linear(seen, w[f"{block}.attention.project.weight"]), p)
            part = f"{block}.feed_forward"
            read = normed(x, f"{block}.norm2")
            hidden = F.gelu(F.linear(read, w[f"{part}.expand.weight"], w[f"{part}.expand.bias"]))
            written = F.linear(hidden, w[f"{part}.shrink.weight"], w[f"{part}.shrink.bias"])
            x = x + F.dropout(written, p)
        return normed(x, "norm") @ w["token_embedding.weight"].T


PARTS = {"GPT": "the course's"}
