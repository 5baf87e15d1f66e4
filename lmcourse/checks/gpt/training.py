"""The checks of the training loop."""

import math
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from grader.checks.case import Case, Rng, case, normal
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds, kind, public_and_hidden
from lmcourse.checks.gpt.weights import mode_of


def _loss(logits: torch.Tensor, targets: torch.Tensor) -> float:
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten()).item()


class _Pairs(nn.Module):
    """A bigram as a model: the logits after a character are its row of a table."""

    def __init__(self, table: torch.Tensor, context: int) -> None:
        super().__init__()
        self.table = nn.Parameter(table.clone())
        V = len(table)
        self.config = SimpleNamespace(
            vocab_size=V, context=context, layers=1, heads=1, channels=V, dropout=0.0
        )
        self.seen: list[torch.Tensor] = []
        self.modes: set[bool] = set()

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        self.seen.append(ids.clone())
        self.modes.add(self.training)
        return self.table[ids]


class _Shifted(_Pairs):
    """A bigram with a second parameter: how likely each character is after any other."""

    def __init__(self, table: torch.Tensor, context: int) -> None:
        super().__init__(table, context)
        self.shift = nn.Parameter(torch.zeros(len(table)))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return super().forward(ids) + self.shift


class _Watched(torch.optim.SGD):
    """Plain gradient descent that remembers for each step the rate of each group and the inputs."""

    def __init__(self, model: _Pairs) -> None:
        idle = nn.Parameter(torch.zeros(1))
        # Their own rates are useless: train must set those of the schedule.
        super().__init__([{"params": [model.table], "lr": 0.0}, {"params": [idle], "lr": 0.0}])
        self.model = model
        self.rates: list[list[float]] = []
        self.batches: list[list[torch.Tensor]] = []

    def step(self, closure: Any = None) -> Any:
        """Let `closure` compute the gradients if there is one; note what there is, and step."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self.rates.append([float(group["lr"]) for group in self.param_groups])
        self.batches.append(self.model.seen)
        self.model.seen = []
        super().step()
        return loss


@probe
def bigram(_: dict[str, Any], table: torch.Tensor, context: int) -> _Pairs:
    """Return a bigram that can be trained like a GPT."""
    return _Pairs(table, context)


@probe
def watched_sgd(_: dict[str, Any], model: _Pairs) -> torch.optim.Optimizer:
    """Return plain gradient descent that remembers its rates."""
    return _Watched(model)


@probe
def adamw(_: dict[str, Any], model: _Pairs) -> torch.optim.Optimizer:
    """Return an AdamW whose rate must be set by others."""
    return torch.optim.AdamW(model.parameters(), lr=0.0)


@probe
def trained(
    _: dict[str, Any],
    train: Callable[..., Any],
    model: _Pairs,
    optimizer: Any,
    ids: torch.Tensor,
    setup: dict[str, Any],
    old_gradient: bool = False,
) -> dict[str, Any]:
    """Train a small model, maybe with a gradient from before; return what can be seen of it."""
    model.eval()
    if old_gradient:
        model.table.grad = torch.ones_like(model.table)
    losses = train(model, optimizer, ids, **setup)
    return {
        "kind": type(losses).__name__,
        "losses": losses,
        "kinds": sorted({str(kind(loss)) for loss in losses} if isinstance(losses, list) else ()),
        "table": model.table,
        "rates": getattr(optimizer, "rates", []),
        # What was read since the last step; all of it, call by call, if there was no step.
        "batches": [*getattr(optimizer, "batches", []), *([seen] for seen in model.seen)],
        "modes": sorted(model.modes),
        "afterwards": mode_of(model),
    }


@probe
def moved_together(
    _: dict[str, Any],
    train: Callable[..., Any],
    table: torch.Tensor,
    context: int,
    ids: torch.Tensor,
    setup: dict[str, Any],
) -> float:
    """Return how far plain gradient descent moves two parameters together, a group for each."""
    model = _Shifted(table, context)
    train(model, torch.optim.SGD([{"params": [p]} for p in model.parameters()]), ids, **setup)
    moves = model.table.detach() - table, model.shift.detach()  # the second one began at 0
    return math.hypot(*(float(move.norm()) for move in moves))


@probe
def reported(
    _: dict[str, Any],
    train: Callable[..., Any],
    model: _Pairs,
    optimizer: Any,
    ids: torch.Tensor,
    setup: dict[str, Any],
    stop: int = -1,
    error: str = "",
) -> dict[str, Any]:
    """Return what `on_step` is told, and what it sees; it raises `error` in step `stop`."""
    model.eval()
    told: list[tuple[int, Any]] = []
    tables: list[torch.Tensor] = []
    errors = {"KeyboardInterrupt": KeyboardInterrupt, "ArithmeticError": ArithmeticError}

    def on_step(step: int, loss: Any) -> None:
        told.append((step, loss))
        tables.append(model.table.detach().clone())
        if step == stop:
            raise errors[error]

    came = "nothing"
    try:
        train(model, optimizer, ids, on_step=on_step, **setup)
    except tuple(errors.values()) as raised:
        came = type(raised).__name__
    return {
        "steps": [step for step, _ in told],
        "losses": [loss for _, loss in told],
        "kinds": sorted({str(kind(loss)) for _, loss in told}),
        "modes": sorted(model.modes),
        "tables": tables,
        "came": came,
    }


@probe
def drawn_batches(
    _: dict[str, Any],
    train: Callable[..., Any],
    table: torch.Tensor,
    context: int,
    ids: torch.Tensor,
    setup: dict[str, Any],
    stop: int,
) -> dict[str, list[torch.Tensor]]:
    """Return the batches of a training, of one that goes on after its step `stop`, and of a third.

    Who goes on gives the random generator the state back that it had at the end of that step.
    """
    states: dict[int, torch.Tensor] = {}

    def batches(**more: Any) -> list[torch.Tensor]:
        model = _Pairs(table, context)
        optimizer = _Watched(model)
        train(model, optimizer, ids, **setup, **more)
        return [torch.cat(parts) for parts in optimizer.batches if parts]

    def on_step(step: int, loss: Any) -> None:
        states[step] = torch.get_rng_state()

    with torch.random.fork_rng(devices=[]):
        whole = batches(on_step=on_step)
        torch.set_rng_state(states[stop])
        rest = batches(start=stop + 1)
        return {"whole": whole, "rest": rest, "another": batches()}


@exercise("07_gpt", "train", points=4)
def train(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    V, T = int(rng.integers(20, 30)), int(rng.integers(3, 7))
    table = normal(rng, V, V)
    # A text of context + 1 characters has one window only, so nothing is left to chance.
    single = torch.from_numpy(rng.permutation(V)[: T + 1])
    # Each character comes once, so that its successor is known.
    text = torch.from_numpy(rng.permutation(V))
    plain = {
        "steps": int(rng.integers(4, 9)),
        "batch": 7 + 2 * int(rng.integers(2)),
        "peak": float(rng.uniform(0.5, 1.5)),
        "warmup": int(rng.integers(1, 4)),
        "clip": 1000.0,
    }
    steps, warmup = int(plain["steps"]), int(plain["warmup"])

    def run(
        of: Student,
        setup: dict[str, Any],
        table: torch.Tensor = table,
        ids: torch.Tensor = single,
        kind: Callable[..., Any] = watched_sgd,
        old_gradient: bool = False,
    ) -> dict[str, Any]:
        model = of.probe(bigram, table, T)
        optimizer = of.probe(kind, model)
        return dict(of.probe(trained, of.train, model, optimizer, ids, setup, old_gradient))

    def ask(key: str, kind: Callable[..., Any] = watched_sgd, **setup: Any) -> Any:
        return run(student, plain | setup, kind=kind)[key]

    def watch(key: str, *stop: Any, **setup: Any) -> Any:
        model = student.probe(bigram, table, T)
        optimizer = student.probe(watched_sgd, model)
        setup = plain | setup
        return student.probe(reported, student.train, model, optimizer, single, setup, *stop)[key]

    yield case(
        "the kind of what comes back",
        lambda: ask("kind"),
        "list",
        hint="Return a list with the loss of each step, when all is done: not the last loss alone, "
        "and no `yield`. (An error from get_batch? get_batch(ids, batch, model.config.context). An "
        "error from cross_entropy? It wants (B * T, V) and (B * T,): flatten both.)",
        form=True,
    )
    yield case(
        "how many windows the model reads in each step, and how long they are",
        lambda: [_size_of_batch(batch) for batch in ask("batches") if batch],
        [[plain["batch"], T]] * steps,
        hint="In each step one batch: get_batch(ids, batch, model.config.context) gives x and y, "
        "and the model reads each window of x once. Without `start`, the steps are 0, 1, ..., "
        "steps - 1.",
    )
    yield case(
        "how many losses come back",
        lambda: len(ask("losses")),
        steps,
        hint="Return a list with the loss of each step.",
    )
    yield case(
        "the kind of the losses",
        lambda: ask("kinds"),
        ["float"],
        hint="loss.item() is a plain float. A tensor would keep alive all that was needed to "
        "compute it, step for step.",
        form=True,
    )
    yield case(
        "the first loss of a model that knows nothing: ln V, whatever comes",
        lambda: run(student, plain, 0 * table)["losses"][0],
        math.log(V),
        hint="The loss is the mean over all B * T positions, not the sum, and it is not rounded. "
        "(Who goes through the batch in parts adds up the parts' losses, each times its share of "
        "the batch.)",
    )
    yield case(
        "the first loss: of the model as it was, on the characters that follow",
        lambda: ask("losses")[0],
        _loss(table[single[None, :-1]], single[None, 1:]),
        hint="The target of each position is the character after it: y, not x, and y is shifted "
        "already; logits and targets keep the same order, flattened alike. And the loss is that of "
        "the batch before the weights move.",
    )
    yield case(
        "the model's modes while it reads, from step 0, from step 2 and with on_step: training?",
        lambda: [ask("modes"), ask("modes", start=2), watch("modes")],
        [[True]] * 3,
        hint="model.train() at the start, whatever `start` is: else there is no dropout in "
        "training.",
    )
    yield case(
        "the model's mode when all steps are done",
        lambda: ask("afterwards"),
        "training",
        hint="train puts the model in training mode and leaves it there: who wants to judge it, or "
        "to write with it, calls model.eval().",
    )
    by_hand: dict[str, Any] = {"steps": 4, "peak": 1.0, "warmup": 2}
    yield case(
        "the learning rate at each step: peak 1, warmup 2, of 4 steps",
        lambda: [rates[0] for rates in ask("rates", **by_hand)],
        [0.5, 1.0, 1.0, 0.5],
        hint="Before optimizer.step(), set group['lr'] = lr_schedule(step, steps, peak, warmup), "
        "with steps counted from 0. Set after it, or from step + 1, every rate comes at the "
        "wrong step. And call optimizer.step() once in each.",
    )
    yield case(
        "the learning rate in the second group of parameters",
        lambda: [rates[-1] for rates in ask("rates")],
        _rates(plain),
        hint="The optimizer has several groups: for group in optimizer.param_groups.",
    )
    # One step by hand.
    gradient = _gradient(table, single[:-1], single[1:])
    rate = float(plain["peak"]) / warmup

    def moved(**setup: Any) -> torch.Tensor:
        """Return how the first step moves the table."""
        return torch.as_tensor(ask("table", steps=1, **setup) - table)

    want = run(reference, plain)["table"]
    yield case(
        "the direction of the first step: how much of it is downhill",
        lambda: F.cosine_similarity(moved().flatten(), -gradient.flatten(), dim=0).item(),
        1.0,
        hint="zero_grad(), then loss.backward(), and then optimizer.step(): what was cleared after "
        "backward() is gone, and without a gradient nothing moves.",
        atol=1e-3,
    )
    yield case(
        "the length of the first step, compared with rate times gradient",
        lambda: (moved().norm() / (rate * gradient.norm())).item(),
        1.0,
        hint="The gradient is that of the mean loss of the whole batch, and each step has one "
        "alone. (backward() adds up: who calls it for parts of the batch multiplies each part's "
        "loss by its share of the batch first.)",
        rtol=1e-3,
    )
    yield case(
        "the model after all steps",
        lambda: ask("table"),
        want,
        hint="backward() adds to the gradients that are there: optimizer.zero_grad() in every "
        "step, before it. And optimizer.step() alone moves the weights.",
    )
    yield case(
        "the same, where a gradient is left from before",
        lambda: run(student, plain, old_gradient=True)["table"],
        want,
        hint="optimizer.zero_grad() before backward(), in the first step too: who was stopped "
        "between backward() and step() has left a gradient.",
    )
    yield case(
        "how far one step goes with clip = 0.01: 0.01 times the rate",
        lambda: moved(clip=0.01).norm().item(),
        0.01 * rate,
        hint="clip_gradients(model.parameters(), clip) between backward() and step(): after the "
        "step it comes too late. And `clip` is the limit that was asked for.",
        atol=1e-4 * rate,
        rtol=0.01,
    )
    tight = float(rng.uniform(0.005, 0.02))
    once = plain | {"steps": 1, "clip": tight}
    yield case(
        "how far two parameters move together in one clipped step, each in a group of its own",
        lambda: student.probe(moved_together, student.train, table, T, single, once),
        tight * rate,
        hint="clip_gradients(model.parameters(), clip): all parameters of the model have one "
        "length together, in whatever groups of the optimizer they are.",
        rtol=0.01,
    )
    unclipped = {"steps": 1, "batch": 2, "peak": 100.0, "warmup": 1}
    steep = 30 * table
    yield case(
        "how far one step goes when clip is not given",
        lambda: (run(student, unclipped, steep)["table"] - steep).norm().item(),
        100 * min(1.0, float(_gradient(steep, single[:-1], single[1:]).norm())),
        hint="Keep the signature: clip=1.0 when nothing is said.",
        rtol=1e-2,
    )

    def drawn_windows() -> list[str]:
        batches = run(student, plain | {"batch": 8}, ids=text)["batches"]
        return _odd_batches([torch.cat(batch) for batch in batches if batch], text)

    yield case(
        "windows that are not of the text, and steps that read the same ones as the step before",
        drawn_windows,
        [],
        hint="Draw a new batch in every step: get_batch stands inside the loop, and no seed does.",
    )

    def off_course() -> float:
        """Return how far a step on drawn windows is from what these windows ask for."""
        setup = plain | {"steps": 1, "warmup": 1, "batch": 7}
        ran = run(student, setup, ids=text)
        x = torch.cat([part.reshape(-1) for batch in ran["batches"] for part in batch])
        successor = torch.zeros(V, dtype=torch.int64)
        successor[text[:-1]] = text[1:]
        asked = -setup["peak"] * _gradient(table, x, successor[x])
        return float((ran["table"] - table - asked).norm() / asked.norm())

    yield case(
        "how far a step is from what all its 7 windows ask for together",
        off_course,
        0.0,
        hint="Every window has the same weight, whatever part of the batch it is in: a part of 4 "
        "windows counts for 4 of 7.",
        atol=1e-3,
    )

    losses = run(reference, plain)["losses"]
    yield case(
        "the steps that on_step is told",
        lambda: watch("steps"),
        list(range(steps)),
        hint="Call on_step(step, loss) at the end of each step, if it is not None.",
    )
    yield case(
        "the kind of the losses that on_step is told",
        lambda: watch("kinds"),
        ["float"],
        hint="on_step gets loss.item(), a plain float, as the list does.",
    )
    yield case(
        "the losses that on_step is told",
        lambda: watch("losses"),
        losses,
        hint="on_step(step, loss) gets the loss of this step.",
    )
    yield case(
        "the model as the last on_step sees it",
        lambda: watch("tables")[-1],
        want,
        hint="on_step comes after optimizer.step(): a checkpoint made in it must hold the step.",
    )
    yield case(
        "the steps after start = 2",
        lambda: watch("steps", start=2),
        list(range(2, steps)),
        hint="range(start, steps): `start` is the first step to be done, and the numbers go on "
        "from there.",
    )
    yield case(
        "how many losses come back after start = 2",
        lambda: len(ask("losses", start=2)),
        steps - 2,
        hint="Return a list with the loss of each step that was done, and nothing for those "
        "before `start`.",
    )
    yield case(
        "the losses of all steps, as they come back",
        lambda: ask("losses"),
        losses,
        hint="Each step's own loss, of its batch: no mean of those so far.",
    )
    yield case(
        "the losses where all steps are done already",
        lambda: ask("losses", start=steps),
        [],
        hint="range(start, steps) is empty then: no step, and an empty list.",
    )
    yield case(
        "the learning rates after start = 2",
        lambda: [rates[0] for rates in ask("rates", start=2)],
        _rates(plain)[2:],
        hint="The schedule goes on where it was: lr_schedule gets the number of the step in the "
        "whole training.",
    )
    stop = int(rng.integers(1, steps - 1))

    def drawn(*compared: str) -> tuple[list[torch.Tensor], ...]:
        asked = table, T, text, plain | {"batch": 7}, stop
        found = dict(student.probe(drawn_batches, student.train, *asked))
        return tuple(found[each] for each in compared)

    def gone_on() -> str:
        whole, rest = drawn("whole", "rest")
        pairs = enumerate(zip(whole[stop + 1 :], rest, strict=True), stop + 1)
        other = [step for step, (one, two) in pairs if not torch.equal(one, two)]
        return f"step {other[0]} reads others" if other else ""

    yield holds(
        "a training that goes on after a step, as the generator was at its end: what it reads",
        "the same windows",
        gone_on,
        hint="Each step draws one batch, when it begins, and train draws nothing else and sets no "
        "seed: nothing for the steps before `start`, and nothing ahead. Then a training that was "
        "stopped goes on as if it had not been.",
    )

    def again() -> str:
        whole, another = drawn("whole", "another")
        return "the same windows" if torch.equal(whole[0], another[0]) else ""

    yield holds(
        "two trainings one after the other: what the second one reads",
        "other windows",
        again,
        hint="Set no seed: who calls train has set one, where the same windows should come again.",
    )
    yield case(
        "an interrupt in on_step, and an error: do they get through?",
        lambda: [watch("came", 1, error) for error in ("KeyboardInterrupt", "ArithmeticError")],
        ["KeyboardInterrupt", "ArithmeticError"],
        hint="Let KeyboardInterrupt through, and whatever else on_step raises: who called train "
        "decides what to do.",
    )

    def clipped() -> Iterator[Case]:
        wild: dict[str, Any] = {"steps": 5, "batch": 3, "warmup": 1, "start": 1}
        wild |= {"peak": float(rng.uniform(0.1, 0.5)), "clip": float(rng.uniform(0.05, 0.3))}
        start = normal(rng, V, V)
        want = run(reference, wild, start, kind=adamw)["table"]
        yield case(
            "AdamW, clipped, from step 1 to 5",
            lambda: run(student, wild, start, kind=adamw)["table"],
            want,
            hint="In each step all groups get the rate of the step, and what clip_gradients left "
            "is what the optimizer steps along.",
            rtol=1e-3,
            atol=1e-4,
        )

    yield from public_and_hidden(clipped)


def _rates(setup: dict[str, Any]) -> list[float]:
    """Return the learning rates of all steps, by the formulas of lr_schedule."""
    steps, peak, warmup = setup["steps"], setup["peak"], setup["warmup"]
    return [
        peak * min((step + 1) / warmup, 1.0 if step < warmup else (steps - step) / (steps - warmup))
        for step in range(steps)
    ]


def _size_of_batch(parts: list[torch.Tensor]) -> Any:
    """Return how many windows these parts of a batch hold, and how long they are."""
    shapes = [list(part.shape) for part in parts]
    if any(len(shape) != 2 or shape[1] != shapes[0][1] for shape in shapes):
        return shapes
    return [sum(shape[0] for shape in shapes), shapes[0][1]]


def _gradient(table: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the gradient of the mean loss on the pairs `x`, `y` for a bigram's table."""
    errors = table[x].softmax(dim=1) - F.one_hot(y, table.shape[1])
    return torch.zeros_like(table).index_add(0, x, errors / len(x))


def _odd_batches(batches: list[torch.Tensor], text: torch.Tensor) -> list[str]:
    """Say which batches hold windows that are not of the text, or are those of the one before."""
    windows = {tuple(window) for window in text.unfold(0, batches[0].shape[1], 1).tolist()}
    found = []
    for step, batch in enumerate(batches):
        if not all(tuple(row) in windows for row in batch.tolist()):
            found.append(f"step {step}: not of the text")
        if step and torch.equal(batch, batches[step - 1]):
            found.append(f"step {step}: the same as before")
    return found[:3]
