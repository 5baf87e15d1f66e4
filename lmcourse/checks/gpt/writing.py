"""The checks of writing with a cache of keys and values."""

import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import nn

from grader.checks.case import Case, Rng, case, integers
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds, kind, public_and_hidden
from lmcourse.checks.gpt.weights import (
    ONE_DEVICE,
    Shape,
    Weights,
    mode_of,
    new_gpt,
    on_another_device,
    random_weights,
)


@probe
def read_in_parts(
    namespace: dict[str, Any],
    next_logits: Callable[..., torch.Tensor],
    model: nn.Module,
    parts: list[torch.Tensor],
) -> dict[str, Any]:
    """Read `parts` one after the other; return the logits after the last, and of the cache.

    Of the cache: the shapes of keys and values of all blocks, and both of the first block.
    """
    model.eval()
    cache = namespace["empty_cache"](model)
    logits = None
    with torch.no_grad():
        for part in parts:
            logits = next_logits(model, part, cache)
    return {
        "logits": logits,
        "shapes": [list(part.shape) for pair in cache for part in pair],
        "first": list(cache[0]),
    }


@probe
def reads_on_elsewhere(
    namespace: dict[str, Any], next_logits: Callable[..., torch.Tensor], model: nn.Module
) -> str:
    """Return in words what keeps characters from being read that are not on the CPU."""
    model.eval()
    with on_another_device(model) as found, torch.no_grad():
        cache = namespace["empty_cache"](model)
        next_logits(model, torch.zeros(2, dtype=torch.int64, device="meta"), cache)
    return "".join(found[:1])


@probe
def writes_elsewhere(
    namespace: dict[str, Any], generate: Callable[..., Any], model: nn.Module
) -> str:
    """Return in words what keeps a model from writing that is not on the CPU."""
    with on_another_device(model) as found, _choosing(generate, namespace, lambda *_, **__: 1):
        generate(model, [1, 2], 3)
    return "".join(found[:1])


@contextmanager
def _choosing(
    generate: Callable[..., Any], namespace: dict[str, Any], stand_in: Callable[..., int]
) -> Iterator[None]:
    """Let `generate` call `stand_in` where it calls sample_token."""
    # Where the function itself looks names up.
    names = getattr(inspect.unwrap(generate), "__globals__", namespace)
    real = names["sample_token"]
    names["sample_token"] = stand_in
    try:
        yield
    finally:
        names["sample_token"] = real


@probe
def written(
    namespace: dict[str, Any],
    generate: Callable[..., Any],
    model: Any,
    ids: list[int],
    forced: list[int],
    choice: dict[str, Any],
    training: bool = False,
) -> dict[str, Any]:
    """Let `generate` write with a stand-in for sample_token, which returns the positions `forced`.

    Return the text, what is left of `ids`, the logits and the choice that each call of the stand-in
    got, how many characters went through the model, and its mode then.
    """
    calls: list[tuple[torch.Tensor, list[Any]]] = []
    reads = Counter[str]()

    def stand_in(logits: Any, temperature: Any = 1.0, top_k: Any = None, top_p: Any = None) -> int:
        calls.append((logits.detach().clone(), [temperature, top_k, top_p]))
        return forced[(len(calls) - 1) % len(forced)]

    def counting(name: str, width: int) -> Any:
        def count(_: nn.Module, inputs: tuple[torch.Tensor, ...], __: torch.Tensor) -> None:
            reads[name] += inputs[0].numel() // width

        return count

    # Who looks rows up without the layer reads with the blocks nevertheless. The fewest count: one
    # layer may well be asked twice of each character.
    block, C = model.blocks[0], model.config.channels
    parts = {"embedding": (model.token_embedding, 1), "norm": (block.norm1, C)}
    parts |= {name: (getattr(block.attention, name), C) for name in ("query", "key", "value")}
    model.train(training)
    own = list(ids)
    hooks = [
        part.register_forward_hook(counting(name, width)) for name, (part, width) in parts.items()
    ]
    try:
        with _choosing(generate, namespace, stand_in):
            text = generate(model, own, len(forced), **choice)
    finally:
        for hook in hooks:
            hook.remove()
    return {
        "text": text,
        "kind": f"{kind(text)} of {', '.join(sorted({str(kind(position)) for position in text}))}",
        "ids": own,
        "logits": [logits for logits, _ in calls],
        "choices": [choice for _, choice in calls],
        "read": min(reads.values(), default=0),
        "mode": mode_of(model),
    }


@exercise(
    "07_gpt", "generate_cached", points=4, names=("empty_cache", "next_logits", "generate_cached")
)
def generate_cached(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    weights = random_weights(rng)
    blind = weights | {
        name: torch.zeros_like(weight) for name, weight in weights.items() if "query" in name
    }
    low: Shape = {"layers": 1}
    kinds: dict[str, tuple[Weights, Shape]] = {
        "two blocks": (weights, {}),
        "blind": (blind, {}),
        "one block": (random_weights(rng, **low), low),
    }
    seven = integers(rng, 11, 7)

    @cache
    def model(of: Student, kind: str = "two blocks") -> Any:
        return new_gpt(of, kinds[kind][0], **kinds[kind][1])

    @cache
    def read(kind: str, *lengths: int) -> Any:
        parts = list(torch.split(seven[: sum(lengths)], list(lengths)))
        return student.probe(read_in_parts, student.next_logits, model(student, kind), parts)

    # All seven characters, read at once by the model itself: the logits after each.
    want = {kind: model(reference, kind)(seven[None])[0] for kind in kinds}
    first = reference.probe(read_in_parts, reference.next_logits, model(reference), [seven[:4]])

    one_by_one = (1, 1, 1, 1)
    yield case(
        "the shapes of keys, values, keys, values in the cache after four characters",
        lambda: read("two blocks", 4)["shapes"],
        [[2, 4, 6]] * 4,
        hint="For each block the cache holds keys and values, each (heads, characters so far, "
        "C // heads). Put the new ones behind those that are there, torch.cat([old, new], dim=1) "
        "as dimension 0 is the heads, and the pair back into cache[i]. (It runs your GPT's parts: "
        "check GPT first.)",
        form=True,
    )
    yield case(
        "the shape of the logits after four characters",
        lambda: list(read("two blocks", 4)["logits"].shape),
        [11],
        hint="next_logits returns the logits of what comes after the LAST of the new characters, "
        "(V,).",
        form=True,
    )
    yield case(
        "one character: its logits",
        lambda: read("two blocks", 1)["logits"],
        want["two blocks"][0],
        hint="As in your Block: x = x + project(heads put side by side), then "
        "x = x + feed_forward(norm2(x)); norm1 before the attention; at the end norm and head. "
        "The first position is 0. (F.scaled_dot_product_attention takes query, key, value, in "
        "this order.)",
        rtol=1e-3,
        atol=1e-4,
    )
    yield case(
        "four characters at once: keys and values of the first block",
        lambda: _comparison_of_cache(read("two blocks", 4)["first"], first["first"]),
        "as they should be",
        hint="Keys and values come from norm1(x), as (n, C). Channel c belongs to head "
        "c // (C // heads): view them as (n, heads, d), then transpose(0, 1). A reshape straight "
        "to (heads, n, d) mixes characters with channels. The cache keeps (keys, values), in this "
        "order, and no queries.",
    )
    yield case(
        "four characters one by one: keys and values of the first block",
        lambda: _comparison_of_cache(read("two blocks", *one_by_one)["first"], first["first"]),
        "as they should be",
        hint="The same as of four at once. The new character's position is the number of "
        "characters in the cache, as positions count from 0: the fourth is at 3. And the old "
        "ones first, then the new: torch.cat([old, new], dim=1).",
    )
    yield case(
        "four characters one by one, when all queries are 0: each sees the mean of all so far",
        lambda: read("blind", *one_by_one)["logits"],
        want["blind"][3],
        hint="Its query looks at all the keys, the cached ones and its own. (is_causal=True lets "
        "the first query see the first key only, and a query behind a cache is not the first: "
        "give the rows of the mask that you need.)",
        rtol=1e-3,
        atol=1e-4,
    )
    yield case(
        "four characters one by one: the logits after the last",
        lambda: read("two blocks", *one_by_one)["logits"],
        want["two blocks"][3],
        hint="The scores are query times key, divided by the square root of d, the channels of one "
        "head, before the softmax over the keys. (F.scaled_dot_product_attention does that.)",
        rtol=1e-3,
        atol=1e-4,
    )
    yield case(
        "a model of one block, four characters at once: the logits after the last",
        lambda: read("one block", 4)["logits"],
        want["one block"][3],
        hint="One by one it is right; so it is the order of heads and characters. Queries are "
        "split as keys are: view as (n, heads, d), then transpose(0, 1). On the way back "
        "transpose(0, 1) again, then flatten(1).",
        rtol=1e-3,
        atol=1e-4,
    )
    yield case(
        "two blocks, four characters at once: the logits after the last",
        lambda: read("two blocks", 4)["logits"],
        want["two blocks"][3],
        hint="Among the new characters, too, nobody may look ahead: new character i, at position "
        "past + i, sees positions 0 to past + i. That is the lower part of a causal mask.",
        rtol=1e-3,
        atol=1e-4,
    )
    yield case(
        "several new characters behind cached ones: 1 + 6, 3 + 4, and 3 + 1 + 3",
        lambda: [read("two blocks", *parts)["logits"] for parts in ((1, 6), (3, 4), (3, 1, 3))],
        [want["two blocks"][6]] * 3,
        hint="The mask for new characters behind cached ones is (new, past + new): the last rows "
        "of causal_mask(past + new).",
        rtol=1e-3,
        atol=1e-4,
    )
    yield holds(
        "whether the ids may be on another device",
        ONE_DEVICE,
        lambda: student.probe(reads_on_elsewhere, student.next_logits, new_gpt(student, **low)),
        hint="On a GPU, what you make must be where the ids are: torch.arange(..., "
        "device=ids.device), and the mask with .to(ids.device).",
    )
    wide, shaken = {"layers": 1, "context": 24}, {"layers": 1, "dropout": 0.5}
    kinds["wide"] = random_weights(rng, **wide), wide
    kinds["shaken"] = kinds["one block"][0], shaken
    start, longer = seven[:3].tolist(), integers(rng, 11, 13).tolist()
    forced = integers(rng, 11, 30).tolist()
    choice = {
        "temperature": round(float(rng.uniform(0.5, 2)), 2),
        "top_k": int(rng.integers(2, 9)),
        "top_p": round(float(rng.uniform(0.3, 0.9)), 2),
    }
    # The ids to begin with, those that are chosen after them, and the mode of the model before.
    tasks: dict[str, tuple[str, list[int], list[int], bool]] = {
        "short": ("two blocks", start, forced[:5], False),
        "anew": ("two blocks", seven[3:].tolist(), forced[5:9], False),
        "within": ("wide", start, forced[:20], False),
        "past": ("one block", start, forced, False),
        "longer": ("one block", longer, forced[:12], False),
        "shaken": ("shaken", start, forced[:12], True),
    }

    def write(of: Student, by: Any, task: str) -> Any:
        kind, ids, chosen, training = tasks[task]
        return of.probe(written, by, model(of, kind), ids, chosen, choice, training)

    @cache
    def wrote(task: str) -> Any:
        return write(student, student.generate_cached, task)

    right = {task: write(reference, reference.generate, task)["logits"] for task in tasks}

    def other_logits(task: str) -> str:
        return _first_other(wrote(task)["logits"], right[task])

    yield case(
        "three characters, and five more, where a stand-in for sample_token says which: the text",
        lambda: wrote("short")["text"],
        start + forced[:5],
        hint="The result is a list of ints: the start, and then `length` new ones. Each comes from "
        "one call of sample_token, and goes behind the text as it is.",
    )
    yield case(
        "the kind of the text",
        lambda: wrote("short")["kind"],
        "list of int",
        hint="sample_token gives a plain int, and that goes into the list as it is: no tensor.",
    )
    yield case(
        "the caller's list afterwards",
        lambda: wrote("short")["ids"],
        start,
        hint="written = ids is the caller's own list, and append changes it: list(ids) makes a "
        "new one.",
    )
    yield case(
        "temperature, top_k and top_p, as sample_token gets them",
        lambda: wrote("short")["choices"],
        [list(choice.values())] * 5,
        hint="Hand all three on, in each call: sample_token(logits, temperature, top_k, top_p).",
    )
    yield case(
        "what sample_token chooses from, in each of the five",
        lambda: other_logits("short"),
        "as they should be",
        hint="Each new character goes into next_logits by itself, with the cache, and what comes "
        "out goes to sample_token.",
    )
    yield case(
        "three characters, and five more: how many are read a second time",
        lambda: max(0, wrote("short")["read"] - _needed(3, 5, 8)),
        0,
        hint="After the start, next_logits gets the one new character, with the cache: not the "
        "whole text again.",
    )
    yield case(
        "another text, with the same model: what sample_token chooses from",
        lambda: other_logits("anew"),
        "as they should be",
        hint="Each call begins with a cache of its own, empty_cache(model), and keeps nothing.",
    )
    yield case(
        "20 more, within the context of 24: what sample_token chooses from",
        lambda: other_logits("within"),
        "as they should be",
        hint="As long as the window is not longer than the context, nothing is cut and nothing is "
        "read again: model.config.context says how long it may be.",
    )
    yield case(
        "30 more, past the context of 8: what sample_token chooses from",
        lambda: other_logits("past"),
        "as they should be",
        hint="When the window is longer than the context, keep its last context // 2 characters. "
        "They stand at other positions now, so the cache is of no use: begin an empty one and read "
        "the window into it.",
    )
    yield case(
        "30 more, past the context of 8: the text",
        lambda: wrote("past")["text"],
        start + forced,
        hint="The window is what the model reads; the result is all that was written, from the "
        "start on.",
    )
    yield case(
        "a start of 13 characters, longer than the context: what sample_token chooses from",
        lambda: other_logits("longer"),
        "as they should be",
        hint="A start that is too long loses its beginning in the same way, before the first "
        "character is drawn.",
    )
    yield case(
        "a start of 13 characters, longer than the context: the text",
        lambda: wrote("longer")["text"],
        longer + forced[:12],
        hint="The result still holds all of the start.",
    )
    yield case(
        "30 more, past the context: how many are read again though the window was not cut",
        lambda: max(0, wrote("past")["read"] - _needed(3, 30, 8)),
        0,
        hint="Read the window anew only when it was cut; then go on one by one, until it is too "
        "long again.",
    )
    yield case(
        "a model with dropout in training mode: what sample_token chooses from",
        lambda: other_logits("shaken"),
        "as they should be",
        hint="model.eval() while it writes, or dropout takes part in the writing.",
    )
    yield case(
        "the mode of the model afterwards, if it was in training, and if it was not",
        lambda: [wrote("shaken")["mode"], wrote("short")["mode"]],
        ["training", "evaluation"],
        hint="was_training = model.training at the start, and model.train(was_training) "
        "afterwards, which sets all its parts, too.",
    )
    yield holds(
        "whether the model may be on another device",
        ONE_DEVICE,
        lambda: student.probe(writes_elsewhere, student.generate_cached, new_gpt(student, **low)),
        hint="What the model reads must be where the model is: torch.tensor(unread, "
        "device=model.head.weight.device), as in generate.",
    )

    def another_shape() -> Iterator[Case]:
        heads = int(rng.integers(1, 5))
        other: Shape = {
            "vocab_size": int(rng.integers(5, 20)),
            # Half of it rounded down, up and to the nearest are not the same.
            "context": 4 * int(rng.integers(1, 4)) + 3,
            "layers": int(rng.integers(1, 4)),
            "heads": heads,
            "channels": 2 * heads * int(rng.integers(1, 4)),
        }
        name = f"shape {len(kinds)}"
        kinds[name] = random_weights(rng, **other), other
        chosen = integers(rng, other["vocab_size"], 15).tolist()
        tasks[name] = name, [1, 3, 2, 4], chosen, False
        right[name] = write(reference, reference.generate, name)["logits"]
        yield case(
            "a model of another shape: what sample_token chooses from",
            lambda: other_logits(name),
            "as they should be",
            hint="Take the sizes from model.config, and half of the context by //.",
        )

    yield from public_and_hidden(another_shape)


def _needed(start: int, length: int, context: int) -> int:
    """Return how many characters are read to write `length` more, and then the last of them."""
    window, unread, read = start, start, 0
    for _ in range(length + 1):
        if window > context:
            window = unread = context // 2
        read += unread
        window, unread = window + 1, 1
    return read


def _first_other(came: list[torch.Tensor], wanted: list[torch.Tensor]) -> str:
    """Say in words from which new character on the logits are not what they should be."""
    for step, (got, want) in enumerate(zip(came, wanted, strict=False), 1):
        if got.shape != want.shape:
            return f"of shape {tuple(got.shape)}, for new character {step}"
        if not torch.allclose(got, want, rtol=1e-3, atol=1e-4):
            return f"others for new character {step}"
    if len(came) != len(wanted):
        return f"{len(came)} calls of sample_token, not {len(wanted)}"
    return "as they should be"


def _comparison_of_cache(came: list[Any], wanted: list[Any]) -> str:
    """Say in words whether the keys and the values of one block are what they should be."""
    for name, got, want in zip(("keys", "values"), came, wanted, strict=True):
        if got.shape != want.shape:
            return f"{name} of another shape"
        close = torch.isclose(got, want, rtol=1e-3, atol=1e-4).all(dim=2).all(dim=0)
        if close.all():
            continue
        if torch.allclose(got.sort(dim=1).values, want.sort(dim=1).values, rtol=1e-3, atol=1e-4):
            return f"the {name} are there, in another order"
        return f"other {name} from position {int((~close).nonzero()[0])} on"
    return "as they should be"
