"""Ways for a model to be broken: each takes a sound one and draws what goes wrong with it."""

from collections.abc import Callable

import torch

from lmcourse.zoo.model import Answer, Ids, Logits, Model, Rng, between, normal


def _next(model: Model, rng: Rng) -> Answer:
    rows = normal(rng, model.vocab_size, model.vocab_size) / 2

    def answer(ids: Ids) -> Logits:
        logits = model(ids)
        logits[:, :-1] += rows[ids[:, 1:]]
        return logits

    return answer


def _peeks(model: Model, rng: Rng) -> Answer:
    """One place sees one later place."""
    early = between(rng, 0, model.context - 3)
    late = between(rng, early + 2, model.context - 1)
    rows = normal(rng, model.vocab_size, model.vocab_size) / 2

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
    places = normal(rng, model.context, model.vocab_size) / 2
    return lambda ids: model(ids) + places[: ids.shape[1]].flip(0)


def _short_sighted(model: Model, rng: Rng) -> Answer:
    """See the last few characters alone."""
    sight = between(rng, 2, model.context - 2)

    def answer(ids: Ids) -> Logits:
        ends = range(1, ids.shape[1] + 1)
        parts = [model(ids[:, max(0, end - sight) : end])[:, -1] for end in ends]
        return torch.stack(parts, dim=1)

    return answer


def _blind_spot(model: Model, rng: Rng) -> Answer:
    """One place is read as the character 0, whatever stands there."""
    spot = between(rng, 0, model.context - 2)

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
    row = normal(rng, model.vocab_size)
    return lambda ids: row.repeat(*ids.shape, 1)


def _noisy(model: Model, rng: Rng) -> Answer:
    spread = float(rng.uniform(0.01, 0.1))

    def answer(ids: Ids) -> Logits:
        logits = model(ids)
        return logits + spread * normal(rng, *logits.shape)

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
    rows = normal(rng, model.vocab_size, model.vocab_size)
    state = torch.zeros(model.vocab_size)

    def answer(ids: Ids) -> Logits:
        logits = model(ids) + state
        state.copy_(rows[ids[0, -1]])
        return logits

    return answer


def _stale(model: Model, rng: Rng) -> Answer:
    """Answer from a cache that goes by the shape of the ids alone."""
    cache: dict[tuple[int, ...], Logits] = {}

    def answer(ids: Ids) -> Logits:
        if ids.shape not in cache:
            cache[ids.shape] = model(ids)
        return cache[ids.shape].clone()

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
    bad = between(rng, 0, model.vocab_size - 1)
    return lambda ids: model(ids).masked_fill((ids == bad)[:, :, None], torch.nan)


def _infinite(model: Model, rng: Rng) -> Answer:
    """The last place of the context overflows."""
    column = between(rng, 0, model.vocab_size - 1)
    sign = float(rng.choice([-1.0, 1.0]))

    def answer(ids: Ids) -> Logits:
        logits = model(ids)
        logits[:, model.context - 1 :, column] = sign * torch.inf
        return logits

    return answer


def _other_vocabulary(model: Model, rng: Rng) -> Answer:
    """A logit too many: a vocabulary with one character more."""
    column = normal(rng, 1)
    return lambda ids: torch.cat([model(ids), column.repeat(*ids.shape, 1)], dim=2)


def _last_alone(model: Model, rng: Rng) -> Answer:
    return lambda ids: model(ids)[:, -1]


def _squeezes(model: Model, rng: Rng) -> Answer:
    """Drop the dimension of the batch where there is one text."""
    return lambda ids: model(ids).squeeze(0)


def _other_precision(model: Model, rng: Rng) -> Answer:
    kinds = (torch.float64, torch.float16, torch.bfloat16)
    kind = kinds[between(rng, 0, len(kinds) - 1)]
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
    places = normal(rng, model.context, model.vocab_size) / 2

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
    rows = normal(rng, model.vocab_size, model.vocab_size) / 2

    def answer(ids: Ids) -> Logits:
        logits = model(ids)
        if len(ids) > 1:
            logits[-1, -1] += rows[ids[0, -1]]
        return logits

    return answer


def _other_alphabet(model: Model, rng: Rng) -> Answer:
    """Another tokenizer's numbers: each logit stands one place, or more, too far."""
    by = between(rng, 1, model.vocab_size - 1)
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
