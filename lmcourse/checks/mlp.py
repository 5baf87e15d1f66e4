"""Checks of lesson 04: embeddings, a net with a hidden layer, and how to train and judge it."""

import math
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from grader.checks.case import Case, Rng, case, integers, normal
from grader.checks.registry import exercise, probe
from grader.checks.student import Student

LESSON = "04_mlp"

Parameters = dict[str, torch.Tensor]


def _net(rng: Rng, V: int, T: int, C: int, H: int) -> Parameters:
    return {
        "embedding": normal(rng, V, C),
        "W1": normal(rng, T * C, H) / math.sqrt(T * C),
        "b1": 0.5 * normal(rng, H),
        "W2": normal(rng, H, V) / math.sqrt(H),
        "b2": 0.5 * normal(rng, V),
    }


def _zeros(V: int, T: int, C: int, H: int) -> Parameters:
    shapes = {"embedding": (V, C), "W1": (T * C, H), "b1": (H,), "W2": (H, V), "b2": (V,)}
    return {name: torch.zeros(shape) for name, shape in shapes.items()}


def _with_gradients(parameters: Parameters) -> Parameters:
    return {name: tensor.clone().requires_grad_() for name, tensor in parameters.items()}


def _kind(value: Any) -> str | None:
    """Return what kind of thing `value` is, in words; None stays None, and so says no return."""
    if value is None:
        return None
    return "a plain number" if isinstance(value, int | float) else type(value).__name__


# ------------------------------------------------------------------------------ embed_context


@probe
def slopes_of_table(
    _: dict[str, Any],
    embed_context: Callable[..., torch.Tensor],
    table: torch.Tensor,
    contexts: torch.Tensor,
    weights: torch.Tensor,
) -> torch.Tensor:
    """Return the slopes of the embedded numbers' sum, weighed by `weights`, for the table."""
    table = table.clone().requires_grad_()
    embedded = embed_context(table, contexts)
    if not embedded.requires_grad:
        return torch.zeros_like(table)  # what was cut off passes nothing back
    torch.autograd.backward((embedded * weights).sum())
    return torch.zeros_like(table) if table.grad is None else table.grad


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
    )
    single, short = contexts[:1], contexts[:, :1]
    yield case(
        "the shapes for a single context, and for contexts of a single character",
        lambda: [list(student.embed_context(table, some).shape) for some in (single, short)],
        [[1, T * C], [B, C]],
        hint="B may be 1, and T too: the result still has two axes, (B, T * C). squeeze would drop "
        "an axis of size 1.",
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
        "the slopes for the table",
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


# -------------------------------------------------------------------------------- mlp_forward


@probe
def slopes_of_net(
    _: dict[str, Any],
    mlp_forward: Callable[..., torch.Tensor],
    parameters: Parameters,
    contexts: torch.Tensor,
) -> Parameters:
    """Return the slopes of the logits' sum of squares for each parameter, 0 if it has none."""
    parameters = _with_gradients(parameters)
    logits = mlp_forward(parameters, contexts)
    if logits.requires_grad:  # else it was cut off, and passes nothing back
        torch.autograd.backward((logits**2).sum())
    return {
        name: torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
        for name, tensor in parameters.items()
    }


@exercise(LESSON, "mlp_forward", points=3)
def mlp_forward(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    V, T, C, H, B = (int(n) for n in 2 + rng.permutation(9)[:5])
    net, contexts = _net(rng, V, T, C, H), integers(rng, V, B, T)
    yield case(
        "the shape of the logits",
        lambda: list(student.mlp_forward(net, contexts).shape),
        [B, V],
        hint="One row of V logits for each context: (B, T*C) @ (T*C, H), then (B, H) @ (H, V).",
    )
    b2 = 3 * normal(rng, 4)
    yield case(
        "all parameters 0 but b2",
        lambda: student.mlp_forward(
            _zeros(4, 2, 3, 3) | {"b2": b2}, torch.tensor([[0, 1], [3, 2]])
        ),
        torch.stack([b2, b2]),
        hint="b2 is added at the very end, and nothing comes after it: logits are numbers of any "
        "size, with no softmax and no tanh.",
    )
    bent = _zeros(V=2, T=1, C=1, H=2) | {"b1": 1 + normal(rng, 2).abs(), "W2": torch.eye(2)}
    bent["b1"][1] *= -1
    one = torch.tensor([[0]])
    yield case(
        "whether b1 changes the logits",
        lambda: bool(student.mlp_forward(bent, one).abs().sum() > 0),
        True,
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
    straight = _zeros(V=3, T=1, C=1, H=1) | {
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
    longer = _zeros(V=3, T=2, C=1, H=2) | {
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
        "the slopes of all parameters",
        lambda: student.probe(slopes_of_net, student.mlp_forward, net, contexts),
        reference.probe(slopes_of_net, reference.mlp_forward, net, contexts),
        hint="Torch must find its way back through the net to every parameter: no torch.no_grad(), "
        "no .detach().",
    )
    larger, more = _net(rng, V=11, T=5, C=4, H=9), integers(rng, 11, 7, 5)
    yield case(
        "a larger net",
        lambda: student.mlp_forward(larger, more),
        reference.mlp_forward(larger, more),
        hint="tanh(row @ W1 + b1) @ W2 + b2",
        hidden=True,
    )


# ------------------------------------------------------------------------------- kaiming_init


@probe
def kind_of_weights(_: dict[str, Any], kaiming_init: Callable[..., torch.Tensor]) -> str:
    """Return the dtype of the weights, and whether they require gradients."""
    weights = kaiming_init(6, 4, 1.0)
    return f"{weights.dtype}, {'with' if weights.requires_grad else 'without'} gradients"


@exercise(LESSON, "kaiming_init", points=2)
def kaiming_init(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    # All tolerances are at least six standard deviations of what a right answer gives. The sizes
    # are drawn from far apart, and stand before each measure: so no weights can be kept for the
    # next time, not even cut to size.
    def draw(*args: float) -> Any:
        return student.kaiming_init(*args)

    def spread(*args: float) -> list[float]:
        weights = draw(*args)
        return [*weights.shape, float(weights.std())]

    few, fewer = (int(n) for n in 3 + rng.permutation(20)[:2])
    yield case(
        "the shape for fan_in and fan_out",
        lambda: 0 * draw(few, fewer, 1.0),
        torch.zeros(few, fewer),
        hint="A float tensor of shape (fan_in, fan_out), made with torch.randn.",
    )
    yield case(
        "what kind of tensor",
        lambda: student.probe(kind_of_weights, student.kaiming_init),
        "torch.float32, without gradients",
        hint="Plain float32 numbers, as torch.randn gives them. Whoever makes a net of them says "
        "requires_grad_().",
    )
    many, wide = int(rng.integers(190, 600)), int(rng.integers(190, 600))

    def means() -> list[float]:
        weights = draw(many, wide, 1.0)
        rows, columns = (weights.mean(dim=dim).std() for dim in (1, 0))
        scale = weights.std()
        alone = [rows * math.sqrt(wide) / scale, columns * math.sqrt(many) / scale]
        return [*weights.shape, *map(float, alone)]

    yield case(
        "the size, and how far the means of rows and of columns spread, beside single weights",
        means,
        [many, wide, 1.0, 1.0],
        hint="Each weight is drawn on its own: fan_in * fan_out draws. Here rows or columns are "
        "alike.",
        atol=0,
        rtol=0.35,
    )
    yield case(
        "the size, and the mean in standard deviations",
        lambda: [*(weights := draw(many, wide, 1.0)).shape, float(weights.mean() / weights.std())],
        [many, wide, 0.0],
        hint="The mean is 0: torch.randn draws around 0, torch.rand draws from 0 to 1.",
        atol=0.035,
    )
    yield case(
        "fan_in and fan_out alike, gain = 1: the size, and the standard deviation",
        lambda: spread(many, many, 1.0),
        [many, many, 1 / math.sqrt(many)],
        hint="Multiply by the gain that is handed in and divide by math.sqrt(fan_in), the square "
        "root. No other factor comes in.",
        atol=0,
        rtol=0.045,
    )
    yield case(
        "fan_in larger than fan_out, gain = 1: the size, and the standard deviation",
        lambda: spread(3 * many, many // 3, 1.0),
        [3 * many, many // 3, 1 / math.sqrt(3 * many)],
        hint="What counts is fan_in alone, the first of the two: so many products are added up in "
        "each sum.",
        atol=0,
        rtol=0.045,
    )
    gain = 2 + round(float(rng.uniform(0, 3)), 1)
    yield case(
        "a larger gain: the size, and the standard deviation",
        lambda: spread(many, wide, gain),
        [many, wide, gain / math.sqrt(many)],
        hint="The gain is a factor: gain / math.sqrt(fan_in).",
        atol=0,
        rtol=0.045,
    )
    yield case(
        "no gain given: the size, and the standard deviation",
        lambda: spread(wide, many),
        [wide, many, 5 / 3 / math.sqrt(wide)],
        hint="Keep the signature: kaiming_init(fan_in, fan_out, gain=5 / 3).",
        atol=0,
        rtol=0.045,
    )
    yield case(
        "the size, and the share of weights beyond twice the standard deviation",
        lambda: [
            *(weights := draw(many, wide, 1.0)).shape,
            float((weights.abs() > 2 / math.sqrt(many)).float().mean()),
        ],
        [many, wide, 0.0455],
        hint="Draw from the normal distribution, torch.randn: there nearly 5 in 100 lie so far "
        "out. A uniform one (torch.rand) has none of them.",
        atol=0.0066,
        rtol=0,
    )
    yield case(
        "two calls: the size, and the standard deviation of their difference",
        lambda: [
            *(apart := draw(wide, many, 1.0) - draw(wide, many, 1.0)).shape,
            float(apart.std()),
        ],
        [wide, many, math.sqrt(2 / wide)],
        hint="Every call draws anew: set no seed inside.",
        atol=0,
        rtol=0.045,
    )
    fan_in = int(rng.integers(900, 1100))
    yield case(
        "a wide layer",
        lambda: spread(fan_in, 50, 2.0),
        [fan_in, 50, 2 / math.sqrt(fan_in)],
        hint="gain / math.sqrt(fan_in)",
        hidden=True,
        atol=0,
        rtol=0.045,
    )


# --------------------------------------------------------------------------------- train_step


@probe
def after_steps(
    _: dict[str, Any],
    train_step: Callable[..., float],
    parameters: Parameters,
    batches: list[tuple[torch.Tensor, torch.Tensor]],
    lr: float,
) -> dict[str, Any]:
    """Return the losses of one step for each batch, and what became of the tensors themselves.

    These are held here, so new tensors in their places in the dictionary do not count.
    """
    held = _with_gradients(parameters)
    given = dict(held)
    losses = [train_step(given, contexts, targets, lr) for contexts, targets in batches]
    return {"losses": losses, "parameters": held}


@exercise(LESSON, "train_step", points=3)
def train_step(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def steps(parameters: Parameters, batches: list[Any], lr: float, of: Student = student) -> Any:
        return of.probe(after_steps, of.train_step, parameters, batches, lr)

    def tensors(
        parameters: Parameters, batches: list[Any], lr: float, of: Student = student
    ) -> list[torch.Tensor]:
        return list(steps(parameters, batches, lr, of)["parameters"].values())

    def moved(before: Parameters, after: Parameters) -> list[str]:
        return [name for name in before if not torch.equal(before[name], after[name])]

    V = int(rng.integers(4, 40))
    empty = _zeros(V, T=2, C=3, H=3)
    contexts, came = integers(rng, V, 3, 2), int(rng.integers(V))
    alike = contexts, torch.tensor([came] * 3)
    yield case(
        "whether a step runs to its end",
        lambda: len(steps(empty, [alike], 1.0)["losses"]) == 1,
        True,
        hint="Is a .grad None? Then call loss.backward() before the step. Has a 'str' no attribute "
        "'grad'? A dictionary hands out its names: give sgd_step list(parameters.values()).",
        points=0.5,
    )
    yield case(
        "what kind of thing comes back",
        lambda: _kind(steps(empty, [alike], 0.1)["losses"][0]),
        "a plain number",
        hint="Return the loss as a plain number: loss.item(). The tensor itself would keep all of "
        "torch's notes alive.",
    )
    yield case(
        "all parameters 0, a batch of one: the loss, ln V",
        lambda: steps(empty, [(contexts[:1], alike[1][:1])], 1.0)["losses"],
        [math.log(V)],
        hint="Return the loss as it was before the step. When all logits are 0 it is ln V.",
    )
    yield case(
        "all parameters 0, a batch of three: the loss, ln V",
        lambda: steps(empty, [alike], 1.0)["losses"],
        [math.log(V)],
        hint="The mean over the batch, not the sum.",
    )
    net = _net(rng, V=6, T=2, C=2, H=4)
    batch = integers(rng, 6, 5, 2), integers(rng, 6, 5)
    yield case(
        "a random net: the loss",
        lambda: steps(net, [batch], 0.5)["losses"],
        steps(net, [batch], 0.5, of=reference)["losses"],
        hint="cross_entropy wants mlp_forward's logits as they are, and the targets: those of the "
        "whole batch.",
    )
    yield case(
        "which of the five tensors have moved",
        lambda: moved(net, steps(net, [batch], 0.5)["parameters"]),
        ["embedding", "W1", "b1", "W2", "b2"],
        hint="Move all five, in place and after loss.backward(): sgd_step with "
        "list(parameters.values()). `tensor - ...` makes a new tensor, also in `parameters[name] = "
        "...`, and the net's own stays as it was.",
    )
    yield case(
        "which way b2 goes, when the same character came three times in three",
        lambda: torch.sign(steps(empty, [alike], 1.0)["parameters"]["b2"]),
        2.0 * (torch.arange(V) == came) - 1,
        hint="Step downhill, against the slope: minus lr times the slope. What came must become "
        "more likely.",
    )
    yield case(
        "a random net after one step on a batch of one",
        lambda: tensors(net, [(batch[0][:1], batch[1][:1])], 0.7),
        tensors(net, [(batch[0][:1], batch[1][:1])], 0.7, of=reference),
        hint="Each tensor moves by lr times its slope, once.",
    )
    yield case(
        "a random net after one step on a batch of five",
        lambda: tensors(net, [batch], 0.5),
        tensors(net, [batch], 0.5, of=reference),
        hint="Each tensor moves by lr times the slope of the mean loss, not of the sum.",
    )
    batches = [(integers(rng, 6, 4, 2), integers(rng, 6, 4)) for _ in range(4)]
    yield case(
        "the losses of four steps on four batches",
        lambda: steps(net, batches, 0.5)["losses"],
        steps(net, batches, 0.5, of=reference)["losses"],
        hint="Each call must use the slopes of its own batch: torch adds new slopes to old ones, "
        "so clear them after the step. sgd_step does.",
    )
    larger = _net(rng, V=9, T=3, C=4, H=8)
    others = [(integers(rng, 9, 6, 3), integers(rng, 9, 6)) for _ in range(2)]
    yield case(
        "a larger net after two steps",
        lambda: tensors(larger, others, 0.2),
        tensors(larger, others, 0.2, of=reference),
        hint="loss, backward, sgd_step, loss.item()",
        hidden=True,
    )


# ------------------------------------------------------------------------------ evaluate_loss


class _Upset(torch.nn.Module):
    """Turns logits round, and so spoils them, while it is in training mode."""

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        return logits.flip(-1) if self.training else logits


class _Module(_Upset):
    """The model `function`, with its logits turned round while it is in training mode."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return super().forward(self.function(ids))


class _WithParts(_Upset):
    """The model `function`, with its logits turned round while a part of a part is in that mode."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function
        self.parts = torch.nn.Sequential(torch.nn.Sequential(_Upset()))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.parts(self.function(ids))
        return logits


@probe
def judged(
    _: dict[str, Any],
    evaluate_loss: Callable[..., float],
    upset_by: str,
    table: torch.Tensor,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    *batch: int,
) -> float:
    """Return `evaluate_loss` of a model that looks its logits up in `table`.

    Targets of shape (N,) get one row of logits each, for a context; those of shape (W, T) get one
    for each character. `upset_by` says what makes the model's logits wrong: "nothing",
    "gradients", "its mode", or "a part's mode".
    """

    def model(ids: torch.Tensor) -> torch.Tensor:
        logits = table[ids].sum(dim=1) if targets.dim() == 1 else table[ids]
        is_upset = upset_by == "gradients" and torch.is_grad_enabled()
        return logits.flip(-1) if is_upset else logits

    modules = {"its mode": _Module, "a part's mode": _WithParts}
    with torch.enable_grad():  # whatever is switched off in here is as before afterwards
        chosen = modules[upset_by](model) if upset_by in modules else model
        return evaluate_loss(chosen, inputs, targets, *batch)


@probe
def pieces(
    _: dict[str, Any], evaluate_loss: Callable[..., float], inputs: torch.Tensor, batch: int
) -> list[list[int]]:
    """Return the first number of each row of `inputs` (N, T), for each piece the model gets."""
    seen: list[list[int]] = []

    def model(ids: torch.Tensor) -> torch.Tensor:
        seen.append(ids[:, 0].tolist())
        return torch.zeros(len(ids), 4)

    with torch.enable_grad():
        evaluate_loss(model, inputs, torch.zeros(len(inputs)).long(), batch)
    return seen


@probe
def modes_left(
    _: dict[str, Any], evaluate_loss: Callable[..., float], modes: list[bool]
) -> list[list[bool]]:
    """Return whether models, and their parts, are in training mode after they were judged.

    Before, the first model and its parts are in the first of `modes`, and so on.
    """
    left = []
    for training in modes:
        model = _WithParts(lambda ids: torch.zeros(len(ids), 4)).train(training)
        with torch.enable_grad():
            evaluate_loss(model, torch.zeros(3, 2).long(), torch.zeros(3).long())
        left.append([part.training for part in model.modules()])
    return left


@probe
def gradients_left(
    _: dict[str, Any], evaluate_loss: Callable[..., float], enabled: list[bool]
) -> list[bool]:
    """Return whether torch takes notes after each call; `enabled` says so for before."""
    left = []
    for before in enabled:
        with torch.set_grad_enabled(before):
            evaluate_loss(
                lambda ids: torch.zeros(len(ids), 4),
                torch.zeros(3, 2).long(),
                torch.zeros(3).long(),
            )
            left.append(torch.is_grad_enabled())
    return left


@exercise(LESSON, "evaluate_loss", points=3)
def evaluate_loss(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def judge(*args: Any, upset_by: str = "nothing") -> Any:
        return student.probe(judged, student.evaluate_loss, upset_by, *args)

    def mean(table: torch.Tensor, inputs: torch.Tensor, targets: torch.Tensor) -> float:
        logits = table[inputs].sum(dim=1) if targets.dim() == 1 else table[inputs]
        return cross_entropy(logits.reshape(targets.numel(), -1), targets.reshape(-1)).item()

    V = int(rng.integers(5, 60))
    blind = torch.zeros(V, V), integers(rng, V, 6, 2), integers(rng, V, 6)
    yield case(
        "whether it runs with a plain function as the model",
        lambda: len([judge(*blind, 6)]) == 1,
        True,
        hint="A plain function has no eval() and no training: ask isinstance(model, "
        "torch.nn.Module) first. And V is logits.shape[-1] here: other models have other V.",
        points=0.5,
    )
    yield case(
        "what kind of thing comes back",
        lambda: _kind(judge(*blind, 6)),
        "a plain number",
        hint="Return the loss as a plain number: .item() makes one of a sum that is a tensor. "
        "(None: is a `return` missing?)",
    )
    yield case(
        "logits that are all 0, 6 targets, one at a time: ln V",
        lambda: judge(*blind, 1),
        math.log(V),
        hint="The mean, not the sum: after the loop, divide by the number of targets.",
    )
    yield case(
        "logits that are all 0, 6 targets, 6 at a time: ln V",
        lambda: judge(*blind, 6),
        math.log(V),
        hint="Too small? Then you added up means and divided once more: take the sum of each "
        "piece, cross_entropy(..., reduction='sum').",
    )
    # A model that is nearly sure of character 0: a low loss for 0, a high one for all others.
    sure = torch.zeros(2, 4)
    sure[:, 0] = float(rng.uniform(2, 4))
    inputs, half = integers(rng, 2, 8, 2), torch.tensor([0, 0, 0, 0, 1, 2, 3, 1])
    yield case(
        "8 targets, 4 at a time, the second four much harder",
        lambda: judge(sure, inputs, half, 4),
        mean(sure, inputs, half),
        hint="Go through all the pieces, not just the first: for i in range(0, len(targets), "
        "batch). And keep a total over all of them. (A return inside the loop ends it at once.)",
    )
    lopsided = torch.tensor([0, 0, 0, 0, 3])
    yield case(
        "5 targets, 4 at a time: the last piece has only one",
        lambda: judge(sure, inputs[:5], lopsided, 4),
        mean(sure, inputs[:5], lopsided),
        hint="The last piece is smaller, and counts too, but less. Add up sums, "
        "cross_entropy(..., reduction='sum'), and divide once, by the number of all targets.",
    )
    yield case(
        "3 targets, and no batch given",
        lambda: judge(sure, inputs[:3], half[3:6]),
        mean(sure, inputs[:3], half[3:6]),
        hint="Keep the signature, batch=256. A piece may have fewer rows than `batch`, also the "
        "only one.",
    )
    table, windows, targets = normal(rng, 5, 5), integers(rng, 5, 3, 4), integers(rng, 5, 3, 4)
    yield case(
        "targets of shape (3, 4), logits of shape (3, 4, 5), 2 rows at a time",
        lambda: judge(table, windows, targets, 2),
        mean(table, windows, targets),
        hint="cross_entropy wants one row of logits for each target: reshape the logits to (-1, V) "
        "and the targets to (-1). And divide by all 12 targets, targets.numel(), not by the rows.",
        points=3,
    )
    rows = torch.from_numpy(rng.permutation(100)[:20]).reshape(10, 2)
    yield case(
        "10 rows, 4 at a time: whether the model never gets more at once",
        lambda: max(map(len, student.probe(pieces, student.evaluate_loss, rows, 4))) <= 4,
        True,
        hint="Give the model at most `batch` rows at a time: inputs[i : i + batch].",
    )
    yield case(
        "10 rows, 4 at a time: all that the model gets, in order of size",
        lambda: sorted(chain(*student.probe(pieces, student.evaluate_loss, rows, 4))),
        sorted(rows[:, 0].tolist()),
        hint="Each row once: the pieces begin at 0, batch, 2 * batch, ...",
    )
    many, answers = integers(rng, 5, 10, 3), integers(rng, 5, 10)
    yield case(
        "a model whose logits are wrong while torch takes notes",
        lambda: judge(table, many, answers, 4, upset_by="gradients"),
        mean(table, many, answers),
        hint="Call the model under `with torch.no_grad():`.",
        points=3,
    )
    enabled = [bool(n) for n in rng.permutation([0, 1] * 4)]
    yield case(
        "eight calls, some of them under no_grad: whether torch takes notes afterwards",
        lambda: student.probe(gradients_left, student.evaluate_loss, enabled),
        enabled,
        hint="As before the call: use `with torch.no_grad():`, which ends by itself. "
        "torch.set_grad_enabled(...) stays.",
    )
    yield case(
        "a torch.nn.Module whose logits are wrong in training mode",
        lambda: judge(table, many, answers, 4, upset_by="its mode"),
        mean(table, many, answers),
        hint="If the model is a torch.nn.Module, call model.eval(), and do so before the loop.",
        points=3,
    )
    yield case(
        "a torch.nn.Module with a part, such as dropout, that is wrong in training mode",
        lambda: judge(table, many, answers, 4, upset_by="a part's mode"),
        mean(table, many, answers),
        hint="model.eval() switches the model and all of its parts. model.training = False leaves "
        "the parts in training mode, and dropout goes on.",
        points=3,
    )
    modes = [bool(n) for n in rng.permutation([0, 1] * 4)]

    def left() -> Any:
        return student.probe(modes_left, student.evaluate_loss, modes)

    yield case(
        "eight of them, some in training mode, some not: in which mode they are afterwards",
        lambda: [model[0] for model in left()],
        modes,
        hint="Put the model back into the mode in which it was: note model.training before the "
        "loop, and after the loop call model.train() if it was True. If that was evaluation, do "
        "not call it. (A return before that comes too early.)",
    )
    yield case(
        "the same, and in which mode their parts are",
        left,
        [[training] * 4 for training in modes],
        hint="model.train() puts the model back with all of its parts; model.training = True "
        "changes the model alone.",
    )
    size = int(rng.integers(30, 40))
    more, others = integers(rng, 5, size, 3), integers(rng, 5, size)
    yield case(
        "random logits, 7 rows at a time",
        lambda: judge(table, more, others, 7),
        mean(table, more, others),
        hint="Sums over the pieces, divided once by the number of all targets.",
    )
    wide, wanted = integers(rng, 5, 11, 6), integers(rng, 5, 11, 6)
    yield case(
        "windows, 4 rows at a time",
        lambda: judge(table, wide, wanted, 4),
        mean(table, wide, wanted),
        hint="Sums over the pieces, divided once by the number of all targets.",
        hidden=True,
    )


# -------------------------------------------------------------------------------- lr_schedule


@exercise(LESSON, "lr_schedule", points=2)
def lr_schedule(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    warmup, fall = int(rng.integers(5, 20)), int(rng.integers(50, 120))
    steps = warmup + fall

    def rate(step: int, peak: float = 1.0) -> Any:
        return student.lr_schedule(step, steps, peak, warmup)

    yield case(
        "peak = 1, step 0",
        lambda: rate(0),
        1 / warmup,
        hint="peak * (step + 1) / warmup: with step alone the first rate is 0, and the first step "
        "is lost. (Divide with /: // cuts off what is behind the point.)",
    )
    yield case(
        "the last step of the warm-up",
        lambda: rate(warmup - 1),
        1.0,
        hint="The last step of the warm-up, step = warmup - 1, has the full peak.",
    )
    yield case(
        "the first step after the warm-up",
        lambda: rate(warmup),
        1.0,
        hint="The fall begins at step = warmup, and begins with the full peak: the warm-up is "
        "`step < warmup`, and the fall is divided by steps - warmup, its length.",
    )
    yield case(
        "the last step of all",
        lambda: rate(steps - 1),
        1 / fall,
        hint="The last step still moves a little: peak * (steps - step) / (steps - warmup), where "
        "steps - step is 1.",
    )
    some = sorted(int(n) for n in rng.choice(range(1, fall), 3, replace=False))
    yield case(
        "three steps on the way down",
        lambda: [rate(warmup + n) for n in some],
        [1 - n / fall for n in some],
        hint="Down on a straight line: after half of the fall the rate is half of the peak.",
    )
    climb = int(rng.integers(1, warmup - 1))
    peak = round(float(rng.uniform(0.001, 0.02)), 4)
    yield case(
        "a small peak: a step on the way up, and one on the way down",
        lambda: [rate(climb, peak), rate(warmup + some[0], peak)],
        [peak * (climb + 1) / warmup, peak * (1 - some[0] / fall)],
        hint="Both formulas begin with peak.",
        atol=1e-8,
    )
    yield case(
        "no warm-up: the first and the last step",
        lambda: [student.lr_schedule(step, fall, peak, 0) for step in (0, fall - 1)],
        [peak, peak / fall],
        hint="With warmup = 0 no step is below it, so the first formula must not be computed: it "
        "divides by 0. Use an if.",
        atol=1e-8,
    )
    yield case(
        "what kind of thing a rate is",
        lambda: _kind(rate(climb)),
        "a plain number",
        hint="Compute with Python's numbers: no tensor is needed here.",
    )
    for which, hidden in (("a short training", False), ("another training", True)):
        length, rise = int(rng.integers(6, 30)), int(rng.integers(1, 6))
        top = float(rng.integers(1, 9))
        yield case(
            f"{which}: the rates of all steps",
            lambda: [student.lr_schedule(step, length, top, rise) for step in range(length)],
            [reference.lr_schedule(step, length, top, rise) for step in range(length)],
            hint="Up to peak in `warmup` steps, then down on a straight line to just above 0.",
            hidden=hidden,
        )


# --------------------------------------------------------------------------------------- quiz

QUESTIONS = (
    (
        "answer_1",
        "what a transpose before reshape does",
        "Look again at the three lines printed in 'How does a context become numbers?'",
        "reshape reads the numbers in the order of the axes, so with T first it reads the first "
        "character of every context before the second one of any.",
    ),
    (
        "answer_2",
        "what tanh is for",
        "Reread the answer below 'What have we gained by the second matrix?'",
        "Two matrix products in a row are one matrix product. A bend between them makes two layers "
        "more than one.",
    ),
    (
        "answer_3",
        "a first loss of 27",
        "What would a net say that knows nothing? Compare with ln 64, about 4.16.",
        "Far above ln V means large logits: the net is sure of itself, and wrong, before it has "
        "seen anything.",
    ),
    (
        "answer_4",
        "a peak that may be higher",
        "Reread what stands below the picture with the ten short trainings.",
        "While the rate is high the net finds its way; as it falls, the noise of single batches is "
        "averaged out.",
    ),
    (
        "answer_5",
        "losses that drift apart",
        "Reread the list of remedies below the picture with the 20 stories.",
        "That is overfitting. Stop early: the best parameters were those of the lowest validation "
        "loss.",
    ),
    (
        "answer_6",
        "why the digits come together",
        "Reread what stands below the two maps.",
        "Characters after which the same comes get the same slopes, and so they move to the same "
        "place.",
    ),
)


@exercise(LESSON, "quiz", points=6, names=tuple(name for name, *_ in QUESTIONS), constant=True)
def quiz(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    for name, title, hint, explain in QUESTIONS:
        yield case(
            title,
            lambda: str(getattr(student, name)).strip(" ().").lower(),
            getattr(reference, name),
            hint=hint,
            explain=explain,
            reveal=False,
        )
