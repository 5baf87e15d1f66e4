"""Checks of lesson 04: embeddings, a net with a hidden layer, and how to train and judge it."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from lmcourse.checks import Case, Rng, case, exercise, integers, normal, probe
from lmcourse.student import Student

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


def _kind(value: Any) -> str:
    return "a plain number" if isinstance(value, int | float) else type(value).__name__


# ------------------------------------------------------------------------------ embed_context


@probe
def slopes_of_table(
    _: dict[str, Any],
    embed_context: Callable[..., torch.Tensor],
    table: torch.Tensor,
    contexts: torch.Tensor,
) -> torch.Tensor:
    """Return the slope of the sum of all embedded numbers for each number of the table."""
    table = table.clone().requires_grad_()
    torch.autograd.backward(embed_context(table, contexts).sum())
    return torch.zeros_like(table) if table.grad is None else table.grad


@exercise(LESSON, "embed_context", points=2)
def embed_context(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    places = torch.tensor([[0.0, 0.1], [1.0, 1.1], [2.0, 2.1], [3.0, 3.1]])
    contexts = torch.tensor([[0, 1, 2], [3, 3, 0]])
    yield case(
        "the shape for 2 contexts of 3 characters, 2 channels",
        lambda: list(student.embed_context(places, contexts).shape),
        [2, 6],
        hint="One row for each context, with all its T * C numbers in it. table[contexts] is "
        "(B, T, C): reshape it to (B, T * C). B, T = contexts.shape, and C = table.shape[1]. (A "
        "sum or a mean over the characters would forget which comes first.)",
    )
    yield case(
        "one context of two characters, [3, 0]",
        lambda: student.embed_context(places, torch.tensor([[3, 0]])),
        torch.tensor([[3.0, 3.1, 0.0, 0.1]]),
        hint="All C numbers of the first character, then all C of the second: in the order of the "
        "text, channels of one character next to each other.",
    )
    yield case(
        "two contexts",
        lambda: student.embed_context(places, contexts),
        torch.tensor([[0.0, 0.1, 1.0, 1.1, 2.0, 2.1], [3.0, 3.1, 3.0, 3.1, 0.0, 0.1]]),
        hint="No number of one context may get into another one's row. reshape never moves a "
        "number, so the axes must be (B, T, C) before it: no transpose, no contexts.T.",
    )
    single = torch.tensor([[2], [0], [2]])
    yield case(
        "contexts of a single character",
        lambda: student.embed_context(places, single),
        places[[2, 0, 2]],
        hint="With T = 1 each row is one embedding, (B, C).",
    )
    table, many = normal(rng, 7, 3), integers(rng, 7, 5, 4)
    yield case(
        "random contexts",
        lambda: student.embed_context(table, many),
        reference.embed_context(table, many),
        hint="table[contexts].reshape(B, T * C), where B, T = contexts.shape and "
        "C = table.shape[1]: the sizes come from the arguments. Or let -1 stand for T * C.",
    )
    yield case(
        "the slopes for the table",
        lambda: student.probe(slopes_of_table, student.embed_context, table, many),
        torch.bincount(many.flatten(), minlength=7)[:, None].expand(7, 3).float(),
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
def reached(
    _: dict[str, Any],
    mlp_forward: Callable[..., torch.Tensor],
    parameters: Parameters,
    contexts: torch.Tensor,
) -> list[str]:
    """Return the names of the parameters that the slopes of a loss reach, in order."""
    parameters = _with_gradients(parameters)
    torch.autograd.backward((mlp_forward(parameters, contexts) ** 2).sum())
    grads = {name: tensor.grad for name, tensor in parameters.items()}
    return [name for name, grad in grads.items() if grad is not None and bool(grad.any())]


@exercise(LESSON, "mlp_forward", points=3)
def mlp_forward(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    net, contexts = _net(rng, V=5, T=2, C=3, H=4), integers(rng, 5, 3, 2)
    yield case(
        "the shape for 3 contexts, V = 5",
        lambda: list(student.mlp_forward(net, contexts).shape),
        [3, 5],
        hint="One row of V logits for each context: (B, T*C) @ (T*C, H), then (B, H) @ (H, V).",
    )
    biased = _zeros(V=4, T=2, C=3, H=3) | {"b2": torch.tensor([3.0, -2.0, 0.5, 0.0])}
    yield case(
        "all parameters 0 but b2",
        lambda: student.mlp_forward(biased, torch.tensor([[0, 1], [3, 2]])),
        torch.tensor([[3.0, -2.0, 0.5, 0.0]] * 2),
        hint="b2 is added at the very end, and nothing comes after it: logits are numbers of any "
        "size, with no softmax and no tanh.",
    )
    bent = _zeros(V=2, T=1, C=1, H=2) | {"b1": torch.tensor([0.5, -2.0]), "W2": torch.eye(2)}
    one = torch.tensor([[0]])
    yield case(
        "whether b1 changes the logits",
        lambda: bool(student.mlp_forward(bent, one).abs().sum() > 0),
        True,
        hint="b1 is missing: it is added to row @ W1.",
    )
    yield case(
        "b1 is [0.5, -2], W2 hands on what it gets: tanh(0.5) and tanh(-2)",
        lambda: student.mlp_forward(bent, one),
        torch.tensor([[math.tanh(0.5), math.tanh(-2.0)]]),
        hint="The hidden layer is torch.tanh(row @ W1 + b1): first the bias, then tanh, and tanh "
        "is not to be left out.",
    )
    far_out = bent | {"b1": torch.tensor([100.0, -100.0])}
    yield case(
        "b1 is [100, -100]: tanh is 1 and -1 there",
        lambda: student.mlp_forward(far_out, one),
        torch.tensor([[1.0, -1.0]]),
        hint="Take torch.tanh: e to the power of 100 is more than a float32 can hold.",
    )
    straight = _zeros(V=3, T=2, C=1, H=2) | {
        "embedding": torch.tensor([[0.1], [0.2], [0.3]]),
        "W1": torch.eye(2),
        "W2": torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    }
    yield case(
        "W1 and W2 hand on what they get: the embeddings of characters 2 and 0",
        lambda: student.mlp_forward(straight, torch.tensor([[2, 0]])),
        torch.tensor([[math.tanh(0.3), math.tanh(0.1), 0.0]]),
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
        "which parameters get slopes",
        lambda: student.probe(reached, student.mlp_forward, net, contexts),
        ["embedding", "W1", "b1", "W2", "b2"],
        hint="Torch must find its way back through the net: no torch.no_grad(), no .detach().",
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
    weights = kaiming_init(6, 4)
    return f"{weights.dtype}, {'with' if weights.requires_grad else 'without'} gradients"


@exercise(LESSON, "kaiming_init", points=2)
def kaiming_init(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    # All tolerances are at least six standard deviations of what a right answer gives.
    def draw(*args: float) -> Any:
        return student.kaiming_init(*args)

    yield case(
        "the shape for fan_in = 6, fan_out = 4",
        lambda: 0 * draw(6, 4),
        torch.zeros(6, 4),
        hint="A float tensor of shape (fan_in, fan_out), made with torch.randn.",
    )
    yield case(
        "what kind of tensor",
        lambda: student.probe(kind_of_weights, student.kaiming_init),
        "torch.float32, without gradients",
        hint="Plain float32 numbers, as torch.randn gives them. Whoever makes a net of them says "
        "requires_grad_().",
    )
    yield case(
        "the mean of 200 x 200 weights, in standard deviations",
        lambda: float((weights := draw(200, 200, 1.0)).mean() / weights.std()),
        0.0,
        hint="The mean is 0: torch.randn draws around 0, torch.rand draws from 0 to 1.",
        atol=0.03,
    )
    yield case(
        "the standard deviation for fan_in = fan_out = 100, gain = 1",
        lambda: float(draw(100, 100, 1.0).std()),
        0.1,
        hint="Multiply by the gain that is handed in and divide by math.sqrt(fan_in), the square "
        "root. No other factor comes in.",
        atol=0.0045,
        rtol=0,
    )
    yield case(
        "the standard deviation for fan_in = 400, fan_out = 25, gain = 1",
        lambda: float(draw(400, 25, 1.0).std()),
        0.05,
        hint="What counts is fan_in alone, the first of the two: so many products are added up in "
        "each sum.",
        atol=0.0023,
        rtol=0,
    )
    yield case(
        "the standard deviation for gain = 3",
        lambda: float(draw(100, 100, 3.0).std()),
        0.3,
        hint="The gain is a factor: gain / math.sqrt(fan_in).",
        atol=0.0135,
        rtol=0,
    )
    yield case(
        "the standard deviation when no gain is given",
        lambda: float(draw(100, 100).std()),
        1 / 6,
        hint="Keep the signature: kaiming_init(fan_in, fan_out, gain=5 / 3).",
        atol=0.0075,
        rtol=0,
    )
    yield case(
        "the share of weights beyond twice the standard deviation",
        lambda: float((draw(200, 200, 1.0).abs() > 2 / math.sqrt(200)).float().mean()),
        0.0455,
        hint="Draw from the normal distribution, torch.randn: there nearly 5 in 100 lie so far "
        "out. A uniform one (torch.rand) has none of them.",
        atol=0.0065,
        rtol=0,
    )
    yield case(
        "whether two calls draw different weights",
        lambda: bool((draw(5, 5) != draw(5, 5)).any()),
        True,
        hint="Every call draws anew: set no seed inside.",
    )
    fan_in = int(rng.integers(900, 1100))
    yield case(
        "a wide layer",
        lambda: float(draw(fan_in, 50, 2.0).std()) * math.sqrt(fan_in),
        2.0,
        hint="gain / math.sqrt(fan_in)",
        hidden=True,
        atol=0.045,
        rtol=0,
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

    empty = _zeros(V=4, T=2, C=3, H=3)
    twos = torch.tensor([[0, 1], [3, 2], [1, 1]]), torch.tensor([2, 2, 2])
    yield case(
        "whether a step runs to its end",
        lambda: len(steps(empty, [twos], 1.0)["losses"]) == 1,
        True,
        hint="Is a .grad None? Then call loss.backward() before the step. Has a 'str' no attribute "
        "'grad'? A dictionary hands out its names: give sgd_step list(parameters.values()).",
        points=0.5,
    )
    yield case(
        "all parameters 0: the loss, ln 4",
        lambda: steps(empty, [twos], 1.0)["losses"],
        [math.log(4)],
        hint="Return the loss as it was before the step: the mean over the batch. When all logits "
        "are 0 it is ln V.",
    )
    yield case(
        "what kind of thing the loss is",
        lambda: _kind(steps(empty, [twos], 0.1)["losses"][0]),
        "a plain number",
        hint="loss.item() makes a plain number of the loss. The tensor itself would keep all of "
        "torch's notes alive.",
    )
    net = _net(rng, V=6, T=2, C=2, H=4)
    batch = integers(rng, 6, 5, 2), integers(rng, 6, 5)
    yield case(
        "which of the five tensors have moved",
        lambda: moved(net, steps(net, [batch], 0.5)["parameters"]),
        ["embedding", "W1", "b1", "W2", "b2"],
        hint="Move all five, in place and after loss.backward(): sgd_step with "
        "list(parameters.values()). `tensor - ...` makes a new tensor, also in `parameters[name] = "
        "...`, and the net's own stays as it was.",
    )
    yield case(
        "which way b2 goes, when character 2 came three times in three",
        lambda: torch.sign(steps(empty, [twos], 1.0)["parameters"]["b2"]),
        torch.tensor([-1.0, -1.0, 1.0, -1.0]),
        hint="Step downhill, against the slope: minus lr times the slope. What came must become "
        "more likely.",
    )
    yield case(
        "a random net after one step, lr = 0.5: embedding, W1, b1, W2, b2",
        lambda: tensors(net, [batch], 0.5),
        tensors(net, [batch], 0.5, of=reference),
        hint="Each tensor moves by lr times the slope of the mean loss, once.",
    )
    batches = [(integers(rng, 6, 4, 2), integers(rng, 6, 4)) for _ in range(3)]
    yield case(
        "the losses of three steps on three batches",
        lambda: steps(net, batches, 0.5)["losses"],
        steps(net, batches, 0.5, of=reference)["losses"],
        hint="Each call must use the slopes of its own batch: torch adds new slopes to old ones, "
        "so clear them after the step. sgd_step does.",
    )
    # Distinct contexts can be learnt by heart; small weights let every start get there.
    learnable = torch.tensor([[0, 1], [1, 2], [2, 3], [3, 0]]), torch.tensor([1, 3, 0, 2])
    small = _net(rng, V=4, T=2, C=4, H=16)
    yield case(
        "whether the loss of one batch is below 0.2 after 150 steps on it",
        lambda: steps(small, [learnable] * 150, 0.5)["losses"][-1] < 0.2,
        True,
        hint="A net can learn one small batch by heart. If it does not, some step goes astray.",
    )
    larger = _net(rng, V=9, T=3, C=4, H=8)
    others = [(integers(rng, 9, 6, 3), integers(rng, 9, 6)) for _ in range(2)]
    yield case(
        "a larger net after two steps: embedding, W1, b1, W2, b2",
        lambda: tensors(larger, others, 0.2),
        tensors(larger, others, 0.2, of=reference),
        hint="loss, backward, sgd_step, loss.item()",
        hidden=True,
    )


# ------------------------------------------------------------------------------ evaluate_loss


@probe
def judged(
    _: dict[str, Any],
    evaluate_loss: Callable[..., float],
    table: torch.Tensor,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    *batch: int,
) -> float:
    """Return `evaluate_loss` of a model that looks its logits up in `table`.

    Targets of shape (N,) get one row of logits each, for a context; those of shape (W, T) get one
    for each character.
    """

    def model(ids: torch.Tensor) -> torch.Tensor:
        return table[ids].sum(dim=1) if targets.dim() == 1 else table[ids]

    with torch.enable_grad():  # whatever is switched off in here is as before afterwards
        return evaluate_loss(model, inputs, targets, *batch)


class _Watched(torch.nn.Module):
    """A model with logits that are all 0, which notes how it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[int] = []
        self.gradients: list[bool] = []
        self.modes: list[bool] = []

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        self.rows.append(len(ids))
        self.gradients.append(torch.is_grad_enabled())
        self.modes.append(self.training)
        return torch.zeros(len(ids), 4)


@probe
def watched(_: dict[str, Any], evaluate_loss: Callable[..., float], training: bool) -> list[Any]:
    """Return what a model notes while 10 rows are judged, 4 at a time, and the mode it is left in.

    These are: the most rows at a time, all rows together, whether there were gradients, whether it
    was in training mode meanwhile, whether it is so afterwards, and whether there are gradients
    then.
    """
    model = _Watched().train(training)
    with torch.enable_grad():
        evaluate_loss(model, torch.zeros(10, 2).long(), torch.zeros(10).long(), 4)
        after = torch.is_grad_enabled()
    notes = [max(model.rows), sum(model.rows), any(model.gradients), any(model.modes)]
    return [*notes, model.training, after]


@exercise(LESSON, "evaluate_loss", points=3)
def evaluate_loss(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def judge(*args: Any) -> Any:
        return student.probe(judged, student.evaluate_loss, *args)

    def watch(training: bool) -> Any:
        return student.probe(watched, student.evaluate_loss, training)

    def mean(table: torch.Tensor, inputs: torch.Tensor, targets: torch.Tensor) -> float:
        logits = table[inputs].sum(dim=1) if targets.dim() == 1 else table[inputs]
        return cross_entropy(logits.reshape(targets.numel(), -1), targets.reshape(-1)).item()

    blind = torch.zeros(4, 4), integers(rng, 4, 6, 2), integers(rng, 4, 6)
    yield case(
        "whether it runs with a plain function as the model",
        lambda: len([judge(*blind, 6)]) == 1,
        True,
        hint="A plain function has no eval() and no training: ask isinstance(model, "
        "torch.nn.Module) first. And V is logits.shape[-1] here: other models have other V.",
        points=0.5,
    )
    yield case(
        "logits that are all 0, 6 targets, 6 at a time: ln 4",
        lambda: judge(*blind, 6),
        math.log(4),
        hint="The mean, not the sum: after the loop, divide by the number of targets. (Is it too "
        "small? Then you added up means: reduction='sum'.)",
    )
    yield case(
        "what kind of thing the loss is",
        lambda: _kind(judge(*blind, 6)),
        "a plain number",
        hint=".item() makes a plain number of a sum that is a tensor.",
    )
    # A model that is nearly sure of character 0: the loss is about 0 for 0 and about 8 for others.
    sure = torch.zeros(2, 4)
    sure[:, 0] = 4.0
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
    yield case(
        "10 rows, 4 at a time: the most that the model got at once is at most 4",
        lambda: watch(False)[0] <= 4,
        True,
        hint="Give the model at most `batch` rows at a time: inputs[i : i + batch].",
    )
    yield case(
        "10 rows, 4 at a time: how many the model got in all",
        lambda: watch(False)[1],
        10,
        hint="Each row once: the pieces begin at 0, batch, 2 * batch, ...",
    )
    yield case(
        "whether there are gradients meanwhile",
        lambda: watch(False)[2],
        False,
        hint="Call the model under `with torch.no_grad():`.",
        points=3,
    )
    yield case(
        "whether there are gradients again afterwards",
        lambda: watch(False)[5],
        True,
        hint="Use `with torch.no_grad():`, which ends by itself. torch.set_grad_enabled(False) "
        "stays.",
    )
    yield case(
        "a torch.nn.Module in training mode: is it so meanwhile?",
        lambda: watch(True)[3],
        False,
        hint="If the model is a torch.nn.Module, call model.eval() before the loop.",
        points=3,
    )
    yield case(
        "a torch.nn.Module in training mode: is it so afterwards?",
        lambda: watch(True)[4],
        True,
        hint="Put the model back: note model.training before the loop, and after the loop call "
        "model.train() if it was True. (A return before that comes too early.)",
    )
    yield case(
        "a torch.nn.Module in evaluation mode: is it in training mode afterwards?",
        lambda: watch(False)[4],
        False,
        hint="Put the model back into the mode in which it was. If that was evaluation, do not "
        "call model.train().",
    )
    size = int(rng.integers(30, 40))
    many, answers = integers(rng, 5, size, 3), integers(rng, 5, size)
    yield case(
        "random logits, 7 rows at a time",
        lambda: judge(table, many, answers, 7),
        mean(table, many, answers),
        hint="Sums over the pieces, divided once by the number of all targets.",
    )
    wide, others = integers(rng, 5, 11, 6), integers(rng, 5, 11, 6)
    yield case(
        "windows, 4 rows at a time",
        lambda: judge(table, wide, others, 4),
        mean(table, wide, others),
        hint="Sums over the pieces, divided once by the number of all targets.",
        hidden=True,
    )


# -------------------------------------------------------------------------------- lr_schedule


@exercise(LESSON, "lr_schedule", points=2)
def lr_schedule(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield case(
        "step 0 of 100, warm-up 10",
        lambda: student.lr_schedule(0, 100, 1.0, 10),
        0.1,
        hint="peak * (step + 1) / warmup: with step alone the first rate is 0, and the first step "
        "is lost. (Divide with /: // cuts off what is behind the point.)",
    )
    yield case(
        "step 9: the last one of the warm-up",
        lambda: student.lr_schedule(9, 100, 1.0, 10),
        1.0,
        hint="The last step of the warm-up, step = warmup - 1, has the full peak.",
    )
    yield case(
        "step 10: the first one after the warm-up",
        lambda: student.lr_schedule(10, 100, 1.0, 10),
        1.0,
        hint="The fall begins at step = warmup, and begins with the full peak: the warm-up is "
        "`step < warmup`, and the fall is divided by steps - warmup, its length.",
    )
    yield case(
        "step 99: the last one of 100",
        lambda: student.lr_schedule(99, 100, 1.0, 10),
        1 / 90,
        hint="The last step still moves a little: peak * (steps - step) / (steps - warmup), which "
        "here is 1 / 90.",
    )
    yield case(
        "step 55: half-way down",
        lambda: student.lr_schedule(55, 100, 1.0, 10),
        0.5,
        hint="Down on a straight line: after half of the fall the rate is half of the peak.",
    )
    yield case(
        "peak = 0.003: steps 4 and 55",
        lambda: [student.lr_schedule(step, 100, 0.003, 10) for step in (4, 55)],
        [0.0015, 0.0015],
        hint="Both formulas begin with peak.",
        atol=1e-8,
    )
    yield case(
        "no warm-up: steps 0 and 3 of 4",
        lambda: [student.lr_schedule(step, 4, 2.0, 0) for step in (0, 3)],
        [2.0, 0.5],
        hint="With warmup = 0 no step is below it, so the first formula must not be computed: it "
        "divides by 0. Use an if.",
    )
    yield case(
        "what kind of thing a rate is",
        lambda: _kind(student.lr_schedule(4, 100, 1.0, 10)),
        "a plain number",
        hint="Compute with Python's numbers: no tensor is needed here.",
    )
    steps = int(rng.integers(6, 9))
    warmup, peak = int(rng.integers(1, 5)), float(rng.integers(1, 9))
    yield case(
        f"all {steps} steps, warm-up {warmup}, peak {peak:g}",
        lambda: [student.lr_schedule(step, steps, peak, warmup) for step in range(steps)],
        [reference.lr_schedule(step, steps, peak, warmup) for step in range(steps)],
        hint="Up to peak in `warmup` steps, then down on a straight line to just above 0.",
    )
    yield case(
        "a long training: the sum of all rates",
        lambda: sum(student.lr_schedule(step, 300, 0.7, 40) for step in range(300)),
        sum(reference.lr_schedule(step, 300, 0.7, 40) for step in range(300)),
        hint="Up to peak in `warmup` steps, then down on a straight line to just above 0.",
        hidden=True,
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
