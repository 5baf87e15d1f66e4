"""Checks of the net itself: `embed_context` and `mlp_forward`."""

from collections.abc import Callable, Iterator
from typing import Any

import torch

from grader.checks.case import Case, Rng, case, integers, normal
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds, slopes_of
from lmcourse.checks.mlp.nets import Parameters, net_of_zeros, random_net, with_gradients

LESSON = "04_mlp"


@probe
def slopes_of_table(
    _: dict[str, Any],
    embed_context: Callable[..., torch.Tensor],
    table: torch.Tensor,
    contexts: torch.Tensor,
    weights: torch.Tensor,
) -> torch.Tensor | None:
    """Return the gradients of the embedded numbers' sum, weighed by `weights`, for the table."""
    embedded = embed_context(table.requires_grad_(), contexts)
    return None if embedded is None else slopes_of((embedded * weights).sum(), [table])[0]


@exercise(LESSON, "embed_context", points=2)
def embed_context(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    B, T, C = (int(n) for n in 3 + rng.permutation(7)[:3])  # C is not 2, as in the lesson
    table, contexts = normal(rng, 10, C), integers(rng, 10, B, T)
    yield case(
        "the shape for B contexts of T characters, C channels",
        lambda: list(student.embed_context(table, contexts).shape),
        [B, T * C],
        hint="One row for each context, with all its T * C numbers in it. table[contexts] is "
        "(B, T, C): reshape it to (B, T * C). B, T = contexts.shape, and C = table.shape[1]. (A "
        "sum or a mean over the characters would forget which comes first.)",
        form=True,
    )
    single, short = contexts[:1], contexts[:, :1]
    yield case(
        "the shapes for a single context, and for contexts of a single character",
        lambda: [list(student.embed_context(table, some).shape) for some in (single, short)],
        [[1, T * C], [B, C]],
        hint="B may be 1, and T too: the result still has two axes, (B, T * C). squeeze would drop "
        "an axis of size 1.",
        form=True,
    )
    places = torch.tensor([[0.0, 0.1], [1.0, 1.1], [2.0, 2.1], [3.0, 3.1]])
    yield case(
        "one context of two characters, [3, 0]",
        lambda: student.embed_context(places, torch.tensor([[3, 0]])),
        torch.tensor([[3.0, 3.1, 0.0, 0.1]]),
        hint="All C numbers of the first character, then all C of the second: in the order of the "
        "text, channels of one character next to each other.",
    )
    pair = integers(rng, 4, 2, 3)
    yield case(
        "two contexts of three characters",
        lambda: student.embed_context(places, pair),
        reference.embed_context(places, pair),
        hint="No number of one context may get into another one's row. reshape never moves a "
        "number, so the axes must be (B, T, C) before it: no transpose, no contexts.T.",
    )
    yield case(
        "random contexts",
        lambda: student.embed_context(table, contexts),
        reference.embed_context(table, contexts),
        hint="table[contexts].reshape(B, T * C), where B, T = contexts.shape and "
        "C = table.shape[1]: the sizes come from the arguments. Or let -1 stand for T * C.",
    )
    weights = normal(rng, B, T * C)
    yield case(
        "the gradient for the table",
        lambda: student.probe(slopes_of_table, student.embed_context, table, contexts, weights),
        reference.probe(slopes_of_table, reference.embed_context, table, contexts, weights),
        hint="The embeddings are to be learnt, so torch must find its way back to the table: "
        "compute with the tensor itself, without .detach(), .tolist() or torch.tensor(...).",
    )
    wide, long = normal(rng, 40, 6), integers(rng, 40, 9, 12)
    yield case(
        "longer contexts",
        lambda: student.embed_context(wide, long),
        reference.embed_context(wide, long),
        hint="table[contexts].reshape(B, T * C), where B, T = contexts.shape and "
        "C = table.shape[1]: the sizes come from the arguments. Or let -1 stand for T * C.",
        hidden=True,
    )


@probe
def slopes_of_net(
    _: dict[str, Any],
    mlp_forward: Callable[..., torch.Tensor],
    parameters: Parameters,
    contexts: torch.Tensor,
) -> Parameters | None:
    """Return the gradients of the logits' sum of squares for each parameter, 0 if it has none."""
    held = with_gradients(parameters)
    logits = mlp_forward(dict(held), contexts)
    if logits is None:
        return None
    return dict(zip(held, slopes_of((logits**2).sum(), held.values()), strict=True))


@exercise(LESSON, "mlp_forward", points=3)
def mlp_forward(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    V, T, C, H, B = (int(n) for n in 2 + rng.permutation(9)[:5])
    net, contexts = random_net(rng, V, T, C, H), integers(rng, V, B, T)
    yield case(
        "the shape of the logits",
        lambda: list(student.mlp_forward(net, contexts).shape),
        [B, V],
        hint="One row of V logits for each context: (B, T*C) @ (T*C, H), then (B, H) @ (H, V).",
        form=True,
    )
    b2 = 3 * normal(rng, 4)
    yield case(
        "all parameters 0 but b2",
        lambda: student.mlp_forward(
            net_of_zeros(4, 2, 3, 3) | {"b2": b2}, torch.tensor([[0, 1], [3, 2]])
        ),
        torch.stack([b2, b2]),
        hint="b2 is added at the very end, and nothing comes after it: logits are numbers of any "
        "size, with no softmax and no tanh.",
    )
    bent = net_of_zeros(V=2, T=1, C=1, H=2) | {"b1": 1 + normal(rng, 2).abs(), "W2": torch.eye(2)}
    bent["b1"][1] *= -1
    one = torch.tensor([[0]])
    yield holds(
        "whether b1 changes the logits",
        "it does",
        lambda: "" if student.mlp_forward(bent, one).any() else "all logits are 0, as without it",
        hint="b1 is missing: it is added to row @ W1.",
    )
    yield case(
        "all parameters 0 but b1, and W2 hands on what it gets: tanh of b1",
        lambda: student.mlp_forward(bent, one),
        torch.tanh(bent["b1"])[None],
        hint="The hidden layer is torch.tanh(row @ W1 + b1): first the bias, then tanh, and tanh "
        "is not to be left out.",
    )
    far_out = bent | {"b1": torch.tensor([100.0, -100.0]), "W2": normal(rng, 2, 2)}
    yield case(
        "b1 is [100, -100]: tanh is 1 and -1 there",
        lambda: student.mlp_forward(far_out, one),
        (far_out["W2"][0] - far_out["W2"][1])[None],
        hint="Take torch.tanh: e to the power of 100 is more than a float32 can hold.",
    )
    embedding = 0.5 + normal(rng, 3, 1).abs()
    straight = net_of_zeros(V=3, T=1, C=1, H=1) | {
        "embedding": embedding,
        "W1": torch.ones(1, 1),
        "W2": torch.tensor([[1.0, 0.0, 2.0]]),
    }
    yield case(
        "one character, and W1 hands on what it gets: tanh of its embedding",
        lambda: student.mlp_forward(straight, torch.tensor([[2]])),
        torch.tanh(embedding[2:]) * straight["W2"],
        hint="The row goes into W1 as it is: there is only one tanh, of row @ W1 + b1.",
    )
    longer = net_of_zeros(V=3, T=2, C=1, H=2) | {
        "embedding": embedding,
        "W1": torch.eye(2),
        "W2": torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    }
    yield case(
        "the same with two characters, 2 and 0",
        lambda: student.mlp_forward(longer, torch.tensor([[2, 0]])),
        torch.tanh(embedding[[2, 0]]).T @ longer["W2"],
        hint="The row is embed_context(embedding, contexts): all characters of the context, the "
        "first one first.",
    )
    yield case(
        "a random net",
        lambda: student.mlp_forward(net, contexts),
        reference.mlp_forward(net, contexts),
        hint="tanh(row @ W1 + b1) @ W2 + b2",
    )
    yield case(
        "the gradients of all parameters",
        lambda: student.probe(slopes_of_net, student.mlp_forward, net, contexts),
        reference.probe(slopes_of_net, reference.mlp_forward, net, contexts),
        hint="Torch must find its way back through the net to every parameter: no torch.no_grad(), "
        "no .detach().",
    )
    larger, more = random_net(rng, V=11, T=5, C=4, H=9), integers(rng, 11, 7, 5)
    yield case(
        "a larger net",
        lambda: student.mlp_forward(larger, more),
        reference.mlp_forward(larger, more),
        hint="tanh(row @ W1 + b1) @ W2 + b2",
        hidden=True,
    )
