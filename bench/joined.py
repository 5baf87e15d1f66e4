"""The speed run's entries: a small net that joins what was counted, or learnt, of each context.

`speedrun.py` measures them. Each is a training of so many seconds of this process's CPU time, all
that it takes included: counting, setting up, and every step.
"""

import math
import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from training import CONTEXT

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Entry:
    """What takes part, and with which parts."""

    layers: int = 2
    channels: int = 128
    heads: int = 4
    batch: int = 16
    muon: bool = True
    learnt: tuple[int, ...] = ()
    """Lengths of contexts that have a learnt row each in a table (gradients alone)."""
    counted: tuple[int, ...] = ()
    """Lengths of contexts whose followers are counted (anything goes)."""
    rate: float = 4e-3
    matrix_rate: float = 0.02
    table_rate: float = 0.05
    rows: int = 1 << 18
    discount: float = 0.8


# --- What was counted ----------------------------------------------------------------------------


class Table(NamedTuple):
    """What followed each context of one length: rows begins[i] to begins[i + 1] are context i's."""

    contexts: Ints
    begins: Ints
    after: Ints
    counts: Floats


def codes(ids: Ints, length: int, V: int) -> Ints:
    """Return for each place of `ids` the number of the `length` characters that end there."""
    code = np.zeros(len(ids), np.int64)
    for back in range(length):
        code[length - 1 :] += ids[length - 1 - back : len(ids) - back] * V**back
    return code


class Counts:
    """n-grams of several lengths, with interpolated absolute discounting."""

    def __init__(self, ids: Ints, V: int, lengths: tuple[int, ...], discount: float) -> None:
        self.V, self.lengths, self.discount = V, lengths, discount
        self.tables: list[Table] = []
        for length in range(max(lengths) + 1):
            here = codes(ids, length, V)[max(length - 1, 0) : -1]
            pairs, counts = np.unique(here * V + ids[max(length, 1) :], return_counts=True)
            contexts, begins = np.unique(pairs // V, return_index=True)
            begins = np.append(begins, len(pairs))
            self.tables.append(Table(contexts, begins, pairs % V, counts.astype(np.float32)))

    def rows_of(self, ids: Ints) -> list[Ints]:
        """Return for each length which context ends at each place of `ids`; -1: never seen."""
        found = []
        for length, table in enumerate(self.tables):
            code = codes(ids, length, self.V)
            at = np.searchsorted(table.contexts, code).clip(max=len(table.contexts) - 1)
            found.append(np.where(table.contexts[at] == code, at, -1))
        return found

    def logs(self, rows: list[Ints], places: Ints, came: Ints | None) -> Tensor:
        """Return log-probabilities (lengths, B * T, V) of what follows windows (B, T) of places.

        With `came`, what came there is left out of the counts once.
        """
        B, T = places.shape
        N = B * T
        flat, every = places.ravel(), np.arange(N)
        known = np.tile(np.arange(1, T + 1), B)  # how many characters of the window stand before
        probs = np.full((N, self.V), 1 / self.V, np.float32)
        given = []
        for length, table in enumerate(self.tables):
            at = rows[length][flat]
            here = every[(known >= length) & (at >= 0)]
            at = at[here]
            many = table.begins[at + 1] - table.begins[at]
            line = np.repeat(np.arange(len(here)), many)
            place = np.arange(len(line)) + np.repeat(table.begins[at] - many.cumsum() + many, many)
            seen = np.zeros((len(here), self.V), np.float32)
            seen[line, table.after[place]] = table.counts[place]
            if came is not None:
                seen[np.arange(len(here)), came[here]] -= 1
            total = seen.sum(1)
            kinds = np.count_nonzero(seen > 0.5, axis=1)
            np.subtract(seen, self.discount, out=seen)
            np.maximum(seen, 0, out=seen)
            some = total > 0.5
            lent = np.where(some, self.discount * kinds / np.maximum(total, 1), 1)
            seen /= np.maximum(total, 1)[:, None]
            seen += lent[:, None].astype(np.float32) * probs[here]
            probs = probs.copy()
            probs[here] = seen
            if length in self.lengths:
                given.append(probs)
        return torch.from_numpy(np.log(np.stack(given)))


# --- The model -----------------------------------------------------------------------------------


def norm(x: Tensor) -> Tensor:
    """Return x with a root mean square of 1 at each position."""
    return F.rms_norm(x, x.shape[-1:])


class Layer(nn.Module):
    """Attention with rotary positions and normalised queries and keys, then a squared ReLU."""

    def __init__(self, C: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.read, self.write = nn.Linear(C, 3 * C, bias=False), nn.Linear(C, C, bias=False)
        self.expand, self.shrink = nn.Linear(C, 4 * C, bias=False), nn.Linear(4 * C, C, bias=False)
        nn.init.zeros_(self.write.weight)
        nn.init.zeros_(self.shrink.weight)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Return the stream with what this layer adds: (B, T, C) -> (B, T, C)."""
        heads = self.read(norm(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        query, key = (turned(norm(each), cos, sin) for each in heads[:2])
        found = F.scaled_dot_product_attention(query, key, heads[2], is_causal=True)
        x = x + self.write(found.transpose(1, 2).flatten(-2))
        hidden: Tensor = self.shrink(F.relu(self.expand(norm(x))).square())
        return x + hidden


def turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Return queries or keys (B, H, T, d), turned by their positions."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


class Net(nn.Module):
    """ids (B, T) and what is known of their contexts -> logits (B, T, V)."""

    def __init__(self, V: int, entry: Entry) -> None:
        super().__init__()
        C, d = entry.channels, entry.channels // entry.heads
        self.token = nn.Embedding(V, C)
        self.layers = nn.ModuleList(Layer(C, entry.heads) for _ in range(entry.layers))
        self.head = nn.Linear(C, V)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        angles = torch.arange(CONTEXT)[:, None] * 10000.0 ** (-torch.arange(0, d, 2) / d)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())
        if entry.counted:
            self.trust = nn.Linear(C, len(entry.counted))
            nn.init.zeros_(self.trust.weight)
            nn.init.constant_(self.trust.bias, 1 / len(entry.counted))

    def forward(self, ids: Tensor, added: Tensor | None, prior: Tensor | None) -> Tensor:
        """`added` (B, T, C) joins the embedding; `prior` (K, B * T, V) are counted logarithms."""
        x = self.token(ids)
        if added is not None:
            x = x + added
        x = norm(x)
        for layer in self.layers:
            x = layer(x, self.cos, self.sin)
        x = norm(x)
        logits: Tensor = self.head(x)
        if prior is not None:
            trust = self.trust(x).flatten(0, 1)  # (B * T, K)
            logits = logits + torch.einsum("nk,knv->nv", trust, prior).view_as(logits)
        return logits


class Tables:
    """For each length of context a table with a learnt row for each context, some share one."""

    def __init__(self, V: int, entry: Entry) -> None:
        C = entry.channels
        self.lengths, self.rows = entry.learnt, entry.rows
        self.inward = [torch.zeros(self.rows, C) for _ in self.lengths]
        self.outward = [torch.zeros(self.rows, V) for _ in self.lengths]
        self.squares = [torch.full((self.rows, 2), 1e-8) for _ in self.lengths]

    def rows_of(self, ids: Ints, V: int) -> list[Ints]:
        """Return for each length the row of the context that ends at each place."""
        mixed = [
            codes(ids, length, V).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
            for length in self.lengths
        ]
        return [(each >> np.uint64(20)).astype(np.int64) % self.rows for each in mixed]

    def added(self, rows: list[Ints], places: Ints, V: int) -> tuple[list[Tensor], list[Tensor]]:
        """Return the learnt rows (N, C) and (N, V) of windows (B, T), zero where not yet known."""
        B, T = places.shape
        known = torch.arange(1, T + 1).repeat(B)
        flat = places.ravel()
        self.used = [torch.from_numpy(each[flat]) for each in rows]
        self.known = [(known >= length).float()[:, None] for length in self.lengths]
        inward = [t[r] * k for t, r, k in zip(self.inward, self.used, self.known, strict=True)]
        outward = [t[r] * k for t, r, k in zip(self.outward, self.used, self.known, strict=True)]
        return inward, outward

    @torch.no_grad()
    def step(self, inward: Tensor, outward: Tensor, rate: float) -> None:
        """Move the rows that were used against their gradients (N, C) and (N, V) (Adagrad)."""
        for at, rows in enumerate(self.used):
            for which, (table, gradient) in enumerate(
                ((self.inward[at], inward), (self.outward[at], outward))
            ):
                own = gradient * self.known[at]
                squares = self.squares[at][:, which]
                squares.index_add_(0, rows, own.square().mean(1))
                table.index_add_(0, rows, own * (-rate / squares[rows].sqrt())[:, None])


class Muon(torch.optim.Optimizer):
    """Keller Jordan's optimizer (2024): the mean gradient, its singular values brought near 1."""

    def __init__(self, matrices: list[nn.Parameter], lr: float) -> None:
        super().__init__(matrices, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move each matrix."""
        for group in self.param_groups:
            for matrix in group["params"]:
                mean = self.state[matrix].setdefault("mean", torch.zeros_like(matrix))
                mean.lerp_(matrix.grad, 0.05)
                update = orthogonal(matrix.grad.lerp(mean, 0.95))
                scale = max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
                matrix.sub_(update, alpha=group["lr"] * scale)


def orthogonal(G: Tensor, steps: int = 4) -> Tensor:
    """Return G (n, m) with its singular values near 1 (Newton-Schulz, five coefficients)."""
    X = G / (G.norm() + 1e-7)
    tall = X.shape[0] > X.shape[1]
    X = X.T if tall else X
    for _ in range(steps):
        A = X @ X.T
        X = torch.addmm(X, torch.addmm(A, A, A, beta=-4.7750, alpha=2.0315), X, beta=3.4445)
    result: Tensor = X.T if tall else X
    return result


def train(entry: Entry, ids: Ints, V: int, seconds: float, seed: int) -> "Trained":
    """Train for so many CPU seconds, all that is done here included."""
    begun = time.process_time()
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = Net(V, entry)
    matrices = [each for each in net.layers.parameters() if entry.muon]
    others = [each for each in net.parameters() if not any(each is one for one in matrices)]
    both: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(others, lr=entry.rate, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    ]
    both += [Muon(matrices, entry.matrix_rate)] if matrices else []
    rates = [group["lr"] for each in both for group in each.param_groups]
    tables = Tables(V, entry) if entry.learnt else None
    table_rows = tables.rows_of(ids, V) if tables else []
    counts = Counts(ids, V, entry.counted, entry.discount) if entry.counted else None
    count_rows = counts.rows_of(ids) if counts else []
    text = torch.from_numpy(ids)
    waiting: list[int] = []
    steps = 0
    while (spent := (time.process_time() - begun) / seconds) < 1:
        if len(waiting) < entry.batch:  # each character once, before any comes twice
            first = int(rng.integers(CONTEXT))
            waiting = rng.permutation(np.arange(first, len(ids) - CONTEXT - 1, CONTEXT)).tolist()
        starts, waiting = waiting[: entry.batch], waiting[entry.batch :]
        places = np.array(starts)[:, None] + np.arange(CONTEXT)
        x, came = text[places], text[places + 1].flatten()
        inward = outward = None
        if tables:
            parts_in, parts_out = tables.added(table_rows, places, V)
            inward = torch.stack(parts_in).sum(0).requires_grad_()
            outward = torch.stack(parts_out).sum(0).requires_grad_()
        prior = counts.logs(count_rows, places, ids[places + 1].ravel()) if counts else None
        logits = net(x, inward.view(*x.shape, -1) if inward is not None else None, prior).flatten(
            0, 1
        )
        if outward is not None:
            logits = logits + outward
        loss = F.cross_entropy(logits, came)
        for each in both:
            each.zero_grad()
        torch.autograd.backward(loss)
        now = min(1.0, (steps + 1) / 30) * (1 - spent)
        groups = [group for each in both for group in each.param_groups]
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate * now
        for each in both:
            each.step()
        if tables:
            assert inward is not None
            assert outward is not None
            assert inward.grad is not None
            assert outward.grad is not None
            scale = len(came)  # the gradients of each character's own loss
            tables.step(inward.grad * scale, outward.grad * scale, entry.table_rate * now)
        steps += 1
    return Trained(entry, net, tables, counts, steps, V)


class Trained(NamedTuple):
    """What a run has learnt."""

    entry: Entry
    net: Net
    tables: Tables | None
    counts: Counts | None
    steps: int
    V: int

    @torch.no_grad()
    def logs(self, ids: Ints) -> Tensor:
        """Return log-probabilities (N, V) of what follows, for the N places of whole windows."""
        W, text, found = (len(ids) - 1) // CONTEXT, torch.from_numpy(ids), []
        table_rows = self.tables.rows_of(ids, self.V) if self.tables else []
        count_rows = self.counts.rows_of(ids) if self.counts else []
        for starts in np.array_split(np.arange(W) * CONTEXT, math.ceil(W / 64)):
            places = starts[:, None] + np.arange(CONTEXT)
            x = text[places]
            inward = outward = prior = None
            if self.tables:
                parts_in, parts_out = self.tables.added(table_rows, places, self.V)
                inward = torch.stack(parts_in).sum(0).view(*x.shape, -1)
                outward = torch.stack(parts_out).sum(0)
            if self.counts:
                prior = self.counts.logs(count_rows, places, None)
            logits = self.net(x, inward, prior).flatten(0, 1)
            found.append(F.log_softmax(logits if outward is None else logits + outward, dim=-1))
        return torch.cat(found)


def loss(models: list[Trained], ids: Ints) -> float:
    """Return the mean loss of the averaged probabilities over all whole windows, in nats."""
    logs = torch.stack([model.logs(ids) for model in models]).logsumexp(0) - math.log(len(models))
    return F.nll_loss(logs, torch.from_numpy(ids[1 : len(logs) + 1])).item()
