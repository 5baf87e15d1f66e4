"""A zoo of small models: sound ones of several kinds, and broken ones that a test must find.

A model, here and wherever tests are written, is what can be called and says how large it is:

    model(ids) -> logits     ids (B, T) int64, logits (B, T, V) float32
    model.vocab_size         V; ids are from 0 to V - 1
    model.context            the longest T; what it says at the end depends on all T characters

    rng = np.random.default_rng(0)
    specimen = zoo.sound("attention", rng)
    specimen = zoo.broken("sees the next character", rng)
    specimen.model(specimen.text[None, :5])

Each is drawn: its sizes, its numbers, and the small language in which its `text` is written, which
a sound model has learnt. So no size and no name tells a sound one from a broken one.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import cross_entropy

Rng = np.random.Generator
Ids = torch.Tensor
Logits = torch.Tensor
Answer = Callable[[Ids], Logits]

CHARACTERS = 240
"""The length of a specimen's text."""
MARGIN = 0.3
"""By so many nats a sound model's loss is below ln V, and that of a model that is wrong above."""


class Model:
    """A function from ids (B, T) to logits (B, T, V), with its sizes; it refuses other ids."""

    def __init__(self, answer: Answer, vocab_size: int, context: int) -> None:
        self._answer = answer
        self.vocab_size = vocab_size
        self.context = context

    def __call__(self, ids: Ids) -> Logits:
        """Return the logits of what follows each of the characters `ids`, (B, T) int64.

        Raises
        ------
        ValueError
            If `ids` has another shape or kind, or is longer than `context`.
        IndexError
            If it holds something else than 0 to `vocab_size - 1`.
        """
        if ids.dtype != torch.int64 or ids.dim() != 2 or 0 in ids.shape:
            raise ValueError(f"ids must be int64 of shape (B, T), not {ids.dtype} {(*ids.shape,)}")
        if ids.shape[1] > self.context:
            raise ValueError(f"{ids.shape[1]} characters are more than the context {self.context}")
        if ids.min() < 0 or ids.max() >= self.vocab_size:
            raise IndexError(f"ids must be from 0 to {self.vocab_size - 1}")
        with torch.no_grad():
            return self._answer(ids)


@dataclass(frozen=True)
class Specimen:
    """A model of the zoo: its kind, and a text (N,) in the language that it was made for."""

    kind: str
    model: Model
    text: torch.Tensor


def sound(kind: str, rng: Rng) -> Specimen:
    """Draw a sound model of a `kind` in `SOUND`; its loss on its text is well below ln V."""
    while True:
        # Of the past, the pairs know the last character alone.
        V, context = _between(rng, 6, 12), 1 if kind == "pairs" else _between(rng, 6, 11)
        # How likely each character comes after each other one, as logits: its language.
        pairs = 2.0 * _normal(rng, V, V)
        model = _knowing(pairs, SOUND[kind](rng, V, context), context)
        text = _written(rng, pairs)
        if loss(model, text) < math.log(V) - MARGIN:
            return Specimen(kind, model, text)


def broken(kind: str, rng: Rng) -> Specimen:
    """Draw a model that is broken in the way of a `kind` in `BROKEN`, and else like a sound one."""
    kinds = [name for name in SOUND if name != "pairs"]  # it has no past to go wrong about
    while True:
        base = sound(kinds[_between(rng, 0, len(kinds) - 1)], rng)
        V, context = base.model.vocab_size, base.model.context
        model = Model(BROKEN[kind](base.model, rng), V, context)
        if kind not in WRONG or loss(model, base.text) > math.log(V) + MARGIN:
            return Specimen(kind, model, base.text)


def loss(model: Model, text: torch.Tensor) -> float:
    """Return the mean loss of `model` on `text` (N,), read in windows of its context, in nats."""
    context = model.context
    count = (len(text) - 1) // context
    x, y = (text[start : start + count * context].view(count, context) for start in (0, 1))
    return float(cross_entropy(model(x).flatten(0, 1), y.flatten()))


def _knowing(pairs: torch.Tensor, more: Answer, context: int) -> Model:
    return Model(lambda ids: pairs[ids] + more(ids), len(pairs), context)


def _written(rng: Rng, pairs: torch.Tensor) -> torch.Tensor:
    """Return a text (CHARACTERS,) whose characters follow each other as `pairs` says."""
    sums = torch.softmax(pairs.double(), dim=1).cumsum(dim=1).numpy()
    text = [_between(rng, 0, len(sums) - 1)]
    for draw in rng.random(CHARACTERS - 1):
        text.append(min(int(np.searchsorted(sums[text[-1]], draw)), len(sums) - 1))
    return torch.tensor(text)


def _between(rng: Rng, low: int, high: int) -> int:
    """Return a number from `low` to `high`, both included."""
    return int(rng.integers(low, high + 1))


def _normal(rng: Rng, *shape: int) -> torch.Tensor:
    return torch.from_numpy(rng.standard_normal(shape).astype(np.float32))


# ------------------------------------------------------------------------------------ sound models
# Each draws what a model adds to the pairs: a function of all characters up to a place, to none of
# which it is blind.

STRENGTH = 0.4
CHANNELS = 8


def _pairs(rng: Rng, V: int, context: int) -> Answer:
    return lambda ids: torch.zeros(*ids.shape, V)


def _mean(rng: Rng, V: int, context: int) -> Answer:
    """Draw a model of the mean of all characters so far."""
    rows = STRENGTH * 4 * _normal(rng, V, V)

    def answer(ids: Ids) -> Logits:
        return rows[ids].cumsum(dim=1) / torch.arange(1, ids.shape[1] + 1)[:, None]

    return answer


def _attention(rng: Rng, V: int, context: int) -> Answer:
    """Draw a model of one layer of causal self-attention (Vaswani and others, 2017)."""
    C = CHANNELS
    tokens, places = _normal(rng, V, C), _normal(rng, context, C)
    query, key, value = (_normal(rng, C, C) / math.sqrt(C) for _ in range(3))
    head = STRENGTH * 3 * _normal(rng, C, V) / math.sqrt(C)

    def answer(ids: Ids) -> Logits:
        T = ids.shape[1]
        x = tokens[ids] + places[:T]
        scores = (x @ query) @ (x @ key).transpose(1, 2) / (2 * C)
        unseen = torch.ones(T, T, dtype=torch.bool).triu(1)
        weights = torch.softmax(scores.masked_fill(unseen, -torch.inf), dim=-1)
        return weights @ (x @ value) @ head

    return answer


def _recurrent(rng: Rng, V: int, context: int) -> Answer:
    """Draw a linear recurrent model: its state turns at each character, and forgets nothing."""
    C = CHANNELS
    tokens, head = _normal(rng, V, C), STRENGTH * _normal(rng, C, V) / 3
    turn = torch.linalg.qr(_normal(rng, C, C)).Q

    def answer(ids: Ids) -> Logits:
        state, states = torch.zeros(len(ids), C), []
        for place in range(ids.shape[1]):
            state = state @ turn + tokens[ids[:, place]]
            states.append(state)
        return torch.stack(states, dim=1) @ head

    return answer


def _window(rng: Rng, V: int, context: int) -> Answer:
    """Draw a two-layer network over the last `context` characters (Bengio and others, 2003)."""
    C, hidden = CHANNELS // 2, 24
    tokens = torch.cat([_normal(rng, V, C), torch.zeros(1, C)])  # the last one: nothing there
    first = _normal(rng, context * C, hidden) / math.sqrt(context * C)
    second = STRENGTH * 2 * _normal(rng, hidden, V) / math.sqrt(hidden)

    def answer(ids: Ids) -> Logits:
        before = torch.full((len(ids), context - 1), V)
        windows = torch.cat([before, ids], dim=1).unfold(1, context, 1)  # (B, T, context)
        return torch.tanh(tokens[windows].flatten(2) @ first) @ second

    return answer


def _convolution(rng: Rng, V: int, context: int) -> Answer:
    """Draw a causal convolution as wide as the context: for each distance back its own rows."""
    rows = STRENGTH * _normal(rng, context, V, V) / 2

    def answer(ids: Ids) -> Logits:
        T = ids.shape[1]
        back = torch.arange(T)[:, None] - torch.arange(T)  # (T, T) how far back each place is
        added = rows[back.clamp(min=0), ids[:, None, :]]  # (B, T, T, V)
        return (added * (back >= 0)[:, :, None]).sum(dim=2)

    return answer


SOUND: dict[str, Callable[[Rng, int, int], Answer]] = {
    "pairs": _pairs,
    "mean of the past": _mean,
    "attention": _attention,
    "recurrent": _recurrent,
    "window": _window,
    "convolution": _convolution,
}
"""The kinds of sound models: each draws, for V and a context, what it knows beyond the pairs."""


# ----------------------------------------------------------------------------------- broken models
# Each takes a sound model and draws what goes wrong with it.


def _next(model: Model, rng: Rng) -> Answer:
    rows = _normal(rng, model.vocab_size, model.vocab_size) / 2

    def answer(ids: Ids) -> Logits:
        logits = model(ids)
        logits[:, :-1] += rows[ids[:, 1:]]
        return logits

    return answer


def _peeks(model: Model, rng: Rng) -> Answer:
    """One place sees one later place."""
    early = _between(rng, 0, model.context - 2)
    late = _between(rng, early + 1, model.context - 1)
    rows = _normal(rng, model.vocab_size, model.vocab_size) / 2

    def answer(ids: Ids) -> Logits:
        logits = model(ids)
        if ids.shape[1] > late:
            logits[:, early] += rows[ids[:, late]]
        return logits

    return answer


def _centred(model: Model, rng: Rng) -> Answer:
    def answer(ids: Ids) -> Logits:
        logits = model(ids)
        return logits - logits.mean(dim=1, keepdim=True) / 2

    return answer


def _from_the_end(model: Model, rng: Rng) -> Answer:
    """Count the places from the end, as where texts were padded on the left."""
    places = _normal(rng, model.context, model.vocab_size) / 2
    return lambda ids: model(ids) + places[: ids.shape[1]].flip(0)


def _short_sighted(model: Model, rng: Rng) -> Answer:
    """See the last few characters alone."""
    sight = _between(rng, 2, model.context - 2)

    def answer(ids: Ids) -> Logits:
        ends = range(1, ids.shape[1] + 1)
        parts = [model(ids[:, max(0, end - sight) : end])[:, -1] for end in ends]
        return torch.stack(parts, dim=1)

    return answer


def _blind_spot(model: Model, rng: Rng) -> Answer:
    """One place is read as the character 0, whatever stands there."""
    spot = _between(rng, 0, model.context - 2)

    def answer(ids: Ids) -> Logits:
        read = ids.clone()
        read[:, spot : spot + 1] = 0
        return model(read)

    return answer


def _late(model: Model, rng: Rng) -> Answer:
    """Say at each place what belongs to the place before: off by one."""

    def answer(ids: Ids) -> Logits:
        logits = model(ids)
        return torch.cat([torch.zeros_like(logits[:, :1]), logits[:, :-1]], dim=1)

    return answer


def _constant(model: Model, rng: Rng) -> Answer:
    row = _normal(rng, model.vocab_size)
    return lambda ids: row.repeat(*ids.shape, 1)


def _noisy(model: Model, rng: Rng) -> Answer:
    spread = float(rng.uniform(0.01, 0.1))

    def answer(ids: Ids) -> Logits:
        logits = model(ids)
        return logits + spread * _normal(rng, *logits.shape)

    return answer


def _dropping(model: Model, rng: Rng) -> Answer:
    """Leave dropout on: each logit is 0 in one of five answers."""

    def answer(ids: Ids) -> Logits:
        logits = model(ids)
        kept = torch.from_numpy(rng.random(tuple(logits.shape)) >= 0.2)
        return logits * kept / 0.8

    return answer


def _remembers(model: Model, rng: Rng) -> Answer:
    """Keep a state from call to call."""
    rows = _normal(rng, model.vocab_size, model.vocab_size)
    state = torch.zeros(model.vocab_size)

    def answer(ids: Ids) -> Logits:
        logits = model(ids) + state
        state.copy_(rows[ids[0, -1]])
        return logits

    return answer


def _stale(model: Model, rng: Rng) -> Answer:
    """Answer from a cache that goes by the shape and the first characters alone."""
    cache: dict[tuple[int, ...], Logits] = {}

    def answer(ids: Ids) -> Logits:
        key = (*ids.shape, *ids[:, 0].tolist())
        if key not in cache:
            cache[key] = model(ids)
        return cache[key].clone()

    return answer


def _overwrites(model: Model, rng: Rng) -> Answer:
    """Change the ids that it was given."""

    def answer(ids: Ids) -> Logits:
        logits = model(ids)
        ids[:, -1] = (ids[:, -1] + 1) % model.vocab_size
        return logits

    return answer


def _not_a_number(model: Model, rng: Rng) -> Answer:
    """One character makes it say NaN."""
    bad = _between(rng, 0, model.vocab_size - 1)
    return lambda ids: model(ids).masked_fill((ids == bad)[:, :, None], torch.nan)


def _infinite(model: Model, rng: Rng) -> Answer:
    """The last place of the context overflows."""
    column = _between(rng, 0, model.vocab_size - 1)
    sign = float(rng.choice([-1.0, 1.0]))

    def answer(ids: Ids) -> Logits:
        logits = model(ids)
        logits[:, model.context - 1 :, column] = sign * torch.inf
        return logits

    return answer


def _other_vocabulary(model: Model, rng: Rng) -> Answer:
    """A logit too many, or one too few."""
    column = _normal(rng, 1)
    if rng.random() < 0.5:
        return lambda ids: model(ids)[:, :, :-1]
    return lambda ids: torch.cat([model(ids), column.repeat(*ids.shape, 1)], dim=2)


def _last_alone(model: Model, rng: Rng) -> Answer:
    return lambda ids: model(ids)[:, -1]


def _squeezes(model: Model, rng: Rng) -> Answer:
    """Drop the dimension of the batch where there is one text."""
    return lambda ids: model(ids).squeeze(0)


def _other_precision(model: Model, rng: Rng) -> Answer:
    kinds = (torch.float64, torch.float16, torch.bfloat16)
    kind = kinds[_between(rng, 0, len(kinds) - 1)]
    return lambda ids: model(ids).to(kind)


def _probabilities(model: Model, rng: Rng) -> Answer:
    return lambda ids: torch.softmax(model(ids), dim=-1)


def _no_single(model: Model, rng: Rng) -> Answer:
    def answer(ids: Ids) -> Logits:
        if ids.shape[1] == 1:
            raise RuntimeError("cannot reshape a tensor of 0 elements")
        return model(ids)

    return answer


def _no_longest(model: Model, rng: Rng) -> Answer:
    """Count the places from 1, and so find none for the last."""
    places = _normal(rng, model.context, model.vocab_size) / 2

    def answer(ids: Ids) -> Logits:
        at = torch.arange(1, ids.shape[1] + 1)
        if ids.shape[1] == model.context:
            raise IndexError("index out of range in self")
        return model(ids) + places[at]

    return answer


def _mixes_texts(model: Model, rng: Rng) -> Answer:
    """Subtract the mean over the batch, as batch normalisation in training mode does."""

    def answer(ids: Ids) -> Logits:
        logits = model(ids)
        return logits - logits.mean(dim=0, keepdim=True) / 2 if len(ids) > 1 else logits

    return answer


def _other_order(model: Model, rng: Rng) -> Answer:
    """Give the batch's answers back in another order."""
    return lambda ids: model(ids).roll(1, dims=0)


def _whispers(model: Model, rng: Rng) -> Answer:
    """The last text hears what the first one ends with."""
    rows = _normal(rng, model.vocab_size, model.vocab_size) / 2

    def answer(ids: Ids) -> Logits:
        logits = model(ids)
        if len(ids) > 1:
            logits[-1, -1] += rows[ids[0, -1]]
        return logits

    return answer


def _other_alphabet(model: Model, rng: Rng) -> Answer:
    """Another tokenizer's numbers: each logit stands one place, or more, too far."""
    by = _between(rng, 1, model.vocab_size - 1)
    return lambda ids: model(ids).roll(by, dims=-1)


def _too_sure(model: Model, rng: Rng) -> Answer:
    """A temperature far below 1 is baked in."""
    factor = float(rng.uniform(12, 20))
    return lambda ids: model(ids) * factor


BROKEN: dict[str, Callable[[Model, Rng], Answer]] = {
    "crashes on a single character": _no_single,
    "crashes on the longest text": _no_longest,
    "has another number of logits": _other_vocabulary,
    "answers for the last place alone": _last_alone,
    "drops the batch where there is one text": _squeezes,
    "answers in another precision": _other_precision,
    "answers NaN to one character": _not_a_number,
    "answers infinity at the last place": _infinite,
    "answers probabilities": _probabilities,
    "adds noise": _noisy,
    "leaves dropout on": _dropping,
    "keeps a state from call to call": _remembers,
    "answers from a stale cache": _stale,
    "changes the ids": _overwrites,
    "mixes the texts of a batch": _mixes_texts,
    "gives a batch back in another order": _other_order,
    "lets one text hear another": _whispers,
    "sees the next character": _next,
    "sees one later place from one place": _peeks,
    "takes the mean over all places away": _centred,
    "counts the places from the end": _from_the_end,
    "sees the last few characters alone": _short_sighted,
    "does not see one place": _blind_spot,
    "is late by one place": _late,
    "always says the same": _constant,
    "speaks another alphabet": _other_alphabet,
    "is far too sure": _too_sure,
}
"""The kinds of broken models: each takes a sound one, and draws what goes wrong with it."""
WRONG = ("speaks another alphabet", "is far too sure")
"""Those that are broken in what they have learnt alone."""
