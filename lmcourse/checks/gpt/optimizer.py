"""The checks of the optimizer and of clipping the gradients for it."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from grader.checks.case import Case, Rng, case, normal
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import kind, public_and_hidden
from lmcourse.checks.gpt.parts import new_model

STRANGER = "a tensor that is no parameter of the model"


@probe
def configured(
    _: dict[str, Any], configure: Callable[..., Any], parts: list[list[Any]], *args: float
) -> dict[str, Any]:
    """Return what kind of optimizer this is for a model of these parts, and what it holds.

    That is for each parameter the decay, the learning rate and the betas, once for each group that
    holds it. Also which parameters were frozen by it, or set free.
    """
    model = new_model(parts)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    learnt = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    optimizer = configure(model, *args)
    held: dict[str, list[list[float]]] = {name: [] for name in names.values()}
    for group in optimizer.param_groups:
        settings = [float(x) for x in (group["weight_decay"], group["lr"], *group["betas"])]
        for parameter in group["params"]:
            held.setdefault(names.get(id(parameter), STRANGER), []).append(settings)
    adamw = isinstance(optimizer, torch.optim.AdamW)
    other = [name for name, p in model.named_parameters() if p.requires_grad != learnt[name]]
    kind = "AdamW" if adamw else type(optimizer).__name__
    return {"kind": kind, "held": held, "other": other[:3]}


@probe
def stepped(
    _: dict[str, Any],
    configure: Callable[..., Any],
    weight: torch.Tensor,
    bias: torch.Tensor,
    gradients: list[torch.Tensor],
    *args: float,
) -> list[torch.Tensor]:
    """Return weight and bias after one step along each of `gradients`."""
    layer = nn.Linear(*weight.shape[::-1])
    layer.load_state_dict({"weight": weight, "bias": bias})
    optimizer = configure(layer, *args)
    for gradient in gradients:
        layer.weight.grad, layer.bias.grad = gradient.clone(), gradient[:, 0].clone()
        optimizer.step()
    return [layer.weight, layer.bias]


@exercise("07_gpt", "configure_optimizer", points=2)
def configure_optimizer(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    kinds = ["linear", "tied", "norms", "odd", "frozen"]
    kinds = [*kinds, *rng.choice(kinds, int(rng.integers(1, 6))).tolist()]
    sizes = {"odd": 3}
    parts = [
        [kind, *rng.integers(2, 6, sizes.get(kind, 2)).tolist()] for kind in rng.permutation(kinds)
    ]
    dims = {name: parameter.dim() for name, parameter in new_model(parts).named_parameters()}
    lr, decay = (round(float(rng.uniform(0.02, 0.5)), 3) for _ in range(2))

    def ask(key: str, *args: float) -> Any:
        return student.probe(configured, student.configure_optimizer, parts, *args)[key]

    def settings(number: int, *args: float) -> list[float]:
        """Return what there is of one setting in all groups, and of the decay what is not 0."""
        held = ask("held", *args)
        found = {each[number] for name in held for each in held[name]}
        return sorted(found - {0.0} if number == 0 else found)

    yield case(
        "the kind of optimizer",
        lambda: ask("kind", 0.01, 0.3),
        "AdamW",
        hint="torch.optim.AdamW. Adam with weight_decay is another method: there the decay goes "
        "through the moments.",
        form=True,
    )
    yield case(
        "parameters that it does not hold, or holds twice, and tensors that are none",
        lambda: _not_once(ask("held", lr, decay), dims),
        [],
        hint="Every parameter belongs to one of two groups. model.parameters() gives a shared one "
        "once; that leaves nothing out and nothing twice, also of those that are frozen. What "
        "state_dict() gives are no parameters: they never get a gradient.",
    )
    yield case(
        "parameters that were frozen and are not now, or the other way round",
        lambda: ask("other", lr, decay),
        [],
        hint="The optimizer holds frozen parameters too, and they stay frozen: leave requires_grad "
        "alone. Without a gradient a parameter does not move.",
    )
    yield case(
        "parameters that decay and should not, or should and do not",
        lambda: _wrongly_decayed(ask("held", lr, decay), dims),
        [],
        hint="Only matrices decay: parameters with 2 or more dimensions (parameter.dim()), "
        "embeddings too. Biases and the weights of norms have one dimension and do not, whatever "
        "their name.",
    )
    yield case(
        "by how much",
        lambda: settings(0, lr, decay),
        [decay],
        hint="The group of the matrices gets weight_decay as it was asked for, the other one 0.0.",
    )
    yield case(
        "by how much, if nothing is said",
        lambda: settings(0, 0.01),
        [0.1],
        hint="Keep the signature: configure_optimizer(model, lr, weight_decay=0.1). A group that "
        "names no weight_decay gets AdamW's own, 0.01.",
    )
    yield case(
        "by how much, if weight_decay is 0",
        lambda: settings(0, lr, 0.0),
        [],
        hint="A decay of 0 is one that was asked for: hand it on as it is, without `or`.",
    )
    yield case(
        "the learning rate of the groups",
        lambda: settings(1, lr, decay),
        [lr],
        hint="Hand `lr` on to AdamW: it holds for every group.",
    )
    yield case(
        "the betas",
        lambda: [settings(2, lr, decay), settings(3, lr, decay)],
        [[0.9], [0.99]],
        hint="betas=(0.9, 0.99), for every group. AdamW's own second one is 0.999.",
    )

    def three_steps() -> Iterator[Case]:
        weight, bias = normal(rng, 3, 2), normal(rng, 3)
        gradients = [normal(rng, 3, 2) / 10**step for step in range(3)]
        slopes = [gradient[:, 0] for gradient in gradients]
        asked = weight, bias, gradients, lr, decay
        yield case(
            "three steps along given gradients",
            lambda: student.probe(stepped, student.configure_optimizer, *asked),
            [_adamw(weight, gradients, lr, decay), _adamw(bias, slopes, lr, 0.0)],
            hint="The steps are AdamW's as it is: set the learning rate, the decay and the betas, "
            "and leave all else (eps, amsgrad, maximize) as torch has it.",
        )

    yield from public_and_hidden(three_steps)


def _not_once(held: dict[str, Any], dims: dict[str, int]) -> list[str]:
    wanted = dict.fromkeys(dims, 1)
    counts = {name: len(held.get(name, [])) for name in [*held, *wanted]}
    strangers = [name for name in counts if name not in wanted]
    return (
        strangers[:1] + [f"{name}: {counts[name]} times" for name in dims if counts[name] != 1][:3]
    )


def _wrongly_decayed(held: dict[str, Any], dims: dict[str, int]) -> list[str]:
    wrong = []
    for name, number in dims.items():
        decays = any(each[0] != 0 for each in held.get(name, []))
        if decays != (number >= 2):
            wrong.append(f"{name} should {'not' if decays else 'decay'}")
    return wrong[:3]


def _adamw(
    start: torch.Tensor, gradients: list[torch.Tensor], lr: float, decay: float
) -> torch.Tensor:
    """AdamW as in its paper (Loshchilov and Hutter, 2019), in double precision."""
    value = start.double()
    mean, square = torch.zeros_like(value), torch.zeros_like(value)
    for n, gradient in enumerate(gradients, 1):
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.99 * square + 0.01 * gradient**2
        direction = mean / (1 - 0.9**n) / ((square / (1 - 0.99**n)).sqrt() + 1e-8)
        value = value - lr * (direction + decay * value)
    return value


@probe
def clipped(
    _: dict[str, Any],
    clip: Callable[..., Any],
    gradients: list[torch.Tensor | None],
    *args: float,
) -> dict[str, Any]:
    """Return the norm that `clip` gives, and the gradients and parameters that it leaves.

    The parameters are twice their gradients before.
    """
    parameters = []
    for gradient in gradients:
        parameter = nn.Parameter(torch.zeros(3) if gradient is None else 2 * gradient)
        parameter.grad = None if gradient is None else gradient.clone()
        parameters.append(parameter)
    norm = clip(iter(parameters), *args)
    return {
        "norm": norm,
        "kind": kind(norm),
        "gradients": [parameter.grad for parameter in parameters],
        "parameters": parameters,
    }


@exercise("07_gpt", "clip_gradients", points=2)
def clip_gradients(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def ask(key: str, gradients: list[list[float] | None], *args: float) -> Any:
        sent = [None if gradient is None else torch.tensor(gradient) for gradient in gradients]
        answer = student.probe(clipped, student.clip_gradients, sent, *args)[key]
        return torch.cat([part.flatten() for part in answer]) if key == "gradients" else answer

    yield case(
        "the norm of the gradients [3, 0] and [4]",
        lambda: ask("norm", [[3.0, 0.0], [4.0]], 10.0),
        5.0,
        hint="One length for all parameters together: the square root of the sum of all squares, "
        "sqrt(9 + 0 + 16). Return the length that they had before anything was shortened.",
    )
    yield case(
        "the kind of what it returns",
        lambda: ask("kind", [[3.0, 0.0], [4.0]], 10.0),
        "float",
        hint="Return a plain number: float(...), or .item(), makes one of a tensor.",
        form=True,
    )
    yield case(
        "below the limit: the gradients in one row",
        lambda: ask("gradients", [[3.0, 0.0], [4.0]], 10.0),
        torch.tensor([3.0, 0.0, 4.0]),
        hint="Gradients shorter than the limit stay as they are: never make them longer.",
    )
    yield case(
        "above the limit: length 5, limit 1",
        lambda: ask("gradients", [[3.0, 0.0], [4.0]], 1.0),
        torch.tensor([0.6, 0.0, 0.8]),
        hint="Multiply all gradients by the same limit / norm, in place (grad *= ...). Then the "
        "length is the limit and the direction is kept. Shortening each parameter on its own, "
        "or each number, turns the direction. And `parameters` may be gone through only once: "
        "make a list of it first.",
    )
    yield case(
        "the norm that it returns when it shortens",
        lambda: ask("norm", [[3.0, 0.0], [4.0]], 1.0),
        5.0,
        hint="Return the length before the shortening: it tells how wild the step would have been.",
    )
    yield case(
        "above the limit together, and each one below it: length 5, limit 4.5",
        lambda: ask("gradients", [[3.0, 0.0], [4.0]], 4.5),
        torch.tensor([2.7, 0.0, 3.6]),
        hint="Whether to shorten is decided by the length of all of them together, 5, and all are "
        "multiplied by the same 4.5 / 5.",
    )
    yield case(
        "all gradients zero",
        lambda: ask("gradients", [[0.0, 0.0], [0.0]], 1.0),
        torch.zeros(3),
        hint="With a length of 0, limit / norm is no number. Shorten only `if norm > limit`.",
    )
    yield case(
        "a parameter without a gradient",
        lambda: ask("norm", [[3.0], None, [4.0]], 1.0),
        5.0,
        hint="A parameter that took no part in the loss has grad None: pass over it.",
    )
    yield case(
        "a loss that was made 8 times larger: the norm",
        lambda: ask("norm", [[24.0, 0.0], [32.0]], 10.0, 8.0),
        5.0,
        hint="Divide the gradients by `scale` before anything else: the true length is 40 / 8.",
    )
    yield case(
        "the same: the gradients, limit 10",
        lambda: ask("gradients", [[24.0, 0.0], [32.0]], 10.0, 8.0),
        torch.tensor([3.0, 0.0, 4.0]),
        hint="Unscale first, then clip. The true length is 5, below the limit of 10, so nothing is "
        "shortened, only divided by 8; clipping before unscaling would compare 40 with 10.",
    )

    def at_random() -> Iterator[Case]:
        gradients: list[torch.Tensor | None] = [
            normal(rng, *rng.integers(1, 6, dims).tolist()) for dims in (2, 1, 3)
        ]
        gradients.append(normal(rng, 1).reshape(()))
        lengths = [float(part.norm()) for part in gradients if part is not None]
        between = (max(lengths) + math.hypot(*lengths)) / 2
        gradients.insert(int(rng.integers(1, 3)), None)
        long, short = (float(rng.uniform(low, low + 0.2)) for low in (100, 0.1))
        ways = (
            ("their length", "norm", (long,), "One length for all, whatever their shapes."),
            (
                "shorter than the limit",
                "gradients",
                (long,),
                "What is shorter than the limit stays as it is, and a gradient that is None stays "
                "None.",
            ),
            (
                "longer than the limit",
                "gradients",
                (short,),
                "All of them times limit / length; one without a gradient is passed over, and what "
                "comes after it is not.",
            ),
            (
                "longer than the limit together, none of them alone",
                "gradients",
                (between,),
                "The length of all together decides.",
            ),
            (
                "longer than the limit, scaled by 4",
                "gradients",
                (short, 4.0),
                "Unscale, measure, shorten.",
            ),
            ("their length, scaled by a half", "norm", (long, 0.5), "Any scale divides."),
            (
                "the parameters themselves",
                "parameters",
                (short, 4.0),
                "Only the gradients change, parameter.grad: the parameters stay as they are.",
            ),
        )
        for name, key, args, hint in ways:
            yield case(
                f"gradients at random: {name}",
                lambda: student.probe(clipped, student.clip_gradients, gradients, *args)[key],
                reference.probe(clipped, reference.clip_gradients, gradients, *args)[key],
                hint=hint,
            )

    yield from public_and_hidden(at_random)
