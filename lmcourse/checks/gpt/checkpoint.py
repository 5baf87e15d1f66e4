"""The checks of checkpoints: what is saved, and how training goes on from it."""

import inspect
import os
import pickle
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import nn
from torch.nn import functional as F

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds
from lmcourse.checks.gpt.weights import (
    Shape,
    Weights,
    as_row,
    from_row,
    mode_of,
    odd_names,
    random_weights,
    sizes_of,
)


@dataclass
class _Size:
    """As the config of a GPT."""

    vocab_size: int
    context: int
    layers: int
    heads: int
    channels: int
    dropout: float


class _Noisy(nn.Module):
    """A bigram with the config and the weights of a GPT, whose training draws random numbers."""

    def __init__(self, shape: Shape, weights: Weights) -> None:
        super().__init__()
        self.config = _Size(**shape)
        made: dict[int, nn.Parameter] = {}
        for name, weight in weights.items():
            *path, last = name.split(".")
            holder: nn.Module = self
            for part in path:
                if not hasattr(holder, part):
                    holder.add_module(part, nn.Module())
                holder = getattr(holder, part)
            # A tied matrix stays one.
            made.setdefault(id(weight), nn.Parameter(weight.clone()))
            holder.register_parameter(last, made[id(weight)])

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.get_parameter("token_embedding.weight")[ids]
        x = x + self.get_parameter("position_embedding.weight")[0]
        if self.training:
            x = x * (torch.rand(x.shape) > 0.3)
        wide = torch.tanh(x @ self.get_parameter("blocks.0.feed_forward.expand.weight").T)
        x = x + wide @ self.get_parameter("blocks.0.feed_forward.shrink.weight").T
        return x @ self.get_parameter("head.weight").T


Start = tuple[Shape, torch.Tensor, int]
"""What a training begins with: the config, the weights as one row, and a seed."""


def _begin(
    shape: Shape, flat: torch.Tensor, seed: int, lr: float = 0.05
) -> tuple[_Noisy, torch.optim.Optimizer]:
    torch.manual_seed(seed)
    weights = from_row(flat, shape)
    model = _Noisy(shape, weights | {"head.weight": weights["token_embedding.weight"]})
    # A large eps: with a small one the sign of a tiny slope, which is rounding, would move weights.
    return model, torch.optim.AdamW(model.parameters(), lr=lr, eps=1e-2)


def _advance(model: _Noisy, optimizer: torch.optim.Optimizer, steps: int, random: bool) -> None:
    model.train(random)
    V = model.config.vocab_size
    for _ in range(steps):
        ids = torch.randint(V, (3, 6)) if random else (torch.arange(18) % V).view(3, 6)
        optimizer.zero_grad()
        loss: Any = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        loss.backward()
        optimizer.step()


def _straight(start: Start, steps: int, random: bool) -> Weights:
    """Return the weights after training in one go, as the judge makes them."""
    with torch.random.fork_rng(devices=[]):
        model, optimizer = _begin(*start)
        _advance(model, optimizer, steps, random)
    return {name: weight.clone() for name, weight in model.state_dict().items()}


@probe
def saved(_: dict[str, Any], save: Callable[..., Any], start: Start, step: int) -> dict[str, Any]:
    """Return what stands in a checkpoint, as far as it can be sent, and what save does to modes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pt"
        model, optimizer = _begin(*start)
        modes = []
        for training in (True, False):
            model.train(training)
            save(str(path), model, optimizer, step)
            modes.append(mode_of(model))
        if not path.exists():
            return {"there": False}
        try:
            content = torch.load(path, weights_only=True)
        except pickle.UnpicklingError:
            return {"there": True, "missing": ["weights_only=True refuses what is in the file"]}
    keys = ["config", "model", "optimizer", "random", "step"]
    return {
        "there": True,
        "missing": [key for key in keys if key not in content],
        "config": content.get("config"),
        "names": odd_names(set(content.get("model", ())), set(model.state_dict())),
        "step": content.get("step"),
        "modes": modes,
    }


@probe
def refused(
    _: dict[str, Any], save: Callable[..., Any], load: Callable[..., Any], start: Start
) -> bool:
    """Return whether `load` refuses a file with an object in it, which may bring code along."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.pt")
        save(path, *_begin(*start), 12)
        content = torch.load(path, weights_only=True)
        torch.save(content | {"more": _Size(**start[0])}, path)
        # Where weights_only is not given, torch decides, and before version 2.6 it said False.
        with mock.patch.dict(os.environ, {"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}):
            try:
                with warnings.catch_warnings(action="ignore"):
                    load(path, *_begin(*start))
            except NotImplementedError:  # load is not written yet
                raise
            except Exception:
                return True
    return False


@probe
def resumed(
    _: dict[str, Any],
    save: Callable[..., Any],
    load: Callable[..., Any],
    start: Start,
    number: int,
    before: int,
    after: int,
    random: bool,
) -> dict[str, Any]:
    """Train, save as step `number`, load into a new model and a new optimizer, and train on.

    There is a file at that path already, and afterwards another file is saved.
    """
    shape, flat, seed = start
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.pt")
        model, optimizer = _begin(*start)
        save(path, model, optimizer, number - 1)
        _advance(model, optimizer, before, random)
        save(path, model, optimizer, number)
        # As another process, it has done something else.
        model, optimizer = _begin(shape, 1 - flat, seed + 1, lr=0.5)
        _advance(model, optimizer, 2, random)
        save(path + ".other", model, optimizer, number)
        step = load(path, model, optimizer)
        _advance(model, optimizer, after, random)
    return {"step": step, "weights": model.state_dict()}


@probe
def went_on(
    _: dict[str, Any], save: Callable[..., Any], start: Start, before: int, after: int
) -> dict[str, Any]:
    """Train, save, and train on; return the weights, and whose gradients save changed."""
    with tempfile.TemporaryDirectory() as folder:
        model, optimizer = _begin(*start)
        _advance(model, optimizer, before, True)
        there = [
            (name, p, p.grad.clone()) for name, p in model.named_parameters() if p.grad is not None
        ]
        save(str(Path(folder) / "model.pt"), model, optimizer, before)
        changed = [name for name, p, was in there if p.grad is None or not p.grad.equal(was)]
        _advance(model, optimizer, after, True)
    return {"weights": model.state_dict(), "changed": changed[:3]}


ERRORS: dict[str, type[BaseException]] = {
    "KeyboardInterrupt": KeyboardInterrupt,
    "OSError": OSError,
}
"""What may stop a save."""


@probe
def interrupted_save(
    _: dict[str, Any],
    save: Callable[..., Any],
    load: Callable[..., Any],
    start: Start,
    number: int,
    moment: str,
    here: bool = False,
    error: str = "KeyboardInterrupt",
) -> dict[str, Any]:
    """Save step `number`, stop the save of the next on its way, and return what can be loaded.

    The file is in the current folder, and its path a bare name, if `here`. Then the step after the
    next is saved, without a stop, and loaded.

    Also, in words, what is wrong with where the new file was written; and what came of the `error`
    that stopped it.
    """
    real = torch.save
    came = "nothing"
    beside = "os.replace put no new file in its place"

    def half(obj: Any, f: Any, *_: Any, **__: Any) -> None:  # named as torch.save names them
        whole = BytesIO()
        real(obj, whole)
        data = whole.getvalue()[: whole.tell() // 2]
        if hasattr(f, "write"):
            f.write(data)
        else:
            Path(f).write_bytes(data)
        raise ERRORS[error]

    def refuse(src: Any, *_: Any, **__: Any) -> None:
        nonlocal beside
        where = os.path.dirname(os.path.abspath(src))
        beside = "" if os.path.samefile(where, folder) else "it was written in another folder"
        raise ERRORS[error]

    stops = {torch.save: half} if moment == "writing" else {os.replace: refuse, os.rename: refuse}
    names = getattr(inspect.unwrap(save), "__globals__", {})

    def loaded() -> str:
        try:
            return f"step {load(path, *_begin(*start))}"
        except NotImplementedError:  # load is not written yet
            raise
        except (OSError, EOFError, RuntimeError, pickle.UnpicklingError):
            return "nothing"

    with (
        tempfile.TemporaryDirectory() as elsewhere,
        tempfile.TemporaryDirectory() as folder,
        # What is written to a bare name lands in the current folder, and goes again.
        chdir(folder if here else elsewhere),
    ):
        path = "stopped" if here else str(Path(folder) / "stopped")
        model, optimizer = _begin(*start)
        save(path, model, optimizer, number)
        _advance(model, optimizer, 1, True)
        try:
            with _standing_in(stops, vars(torch), vars(os), names):
                save(path, model, optimizer, number + 1)
        except tuple(ERRORS.values()) as raised:
            came = type(raised).__name__
        left = loaded()
        try:
            save(path, model, optimizer, number + 2)
            again = loaded()
        except OSError as error:
            again = f"{type(error).__name__} in save"
    return {"left": left, "beside": beside, "again": again, "came": came}


@contextmanager
def _standing_in(
    stand_ins: dict[Callable[..., Any], Callable[..., Any]], *namespaces: dict[str, Any]
) -> Iterator[None]:
    """Put stand-ins in place of functions, by whatever name they are known in `namespaces`."""
    by_id = {id(function): stand_in for function, stand_in in stand_ins.items()}
    known = [(names, name) for names in namespaces for name in names if id(names[name]) in by_id]
    real = [names[name] for names, name in known]
    for (names, name), function in zip(known, real, strict=True):
        names[name] = by_id[id(function)]
    try:
        yield
    finally:
        for (names, name), function in zip(known, real, strict=True):
            names[name] = function


@exercise("07_gpt", "save", points=3, names=("save", "load"))
def save(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    heads = int(rng.integers(1, 4))
    shape: Shape = {
        "vocab_size": int(rng.integers(7, 15)),
        "context": int(rng.integers(6, 20)),
        "layers": 1,
        "heads": heads,
        "channels": 2 * heads * int(rng.integers(1, 3)),
        "dropout": round(float(rng.uniform(0.1, 0.4)), 2),
    }
    start = shape, as_row(random_weights(rng, **sizes_of(shape))), int(rng.integers(10_000))
    number, before, after = (int(rng.integers(2, high)) for high in (10_000, 5, 5))

    def written(key: str) -> Any:
        return student.probe(saved, student.save, start, number).get(key)

    def resume(before: int, after: int, random: bool) -> Any:
        asked = start, number, before, after, random
        return student.probe(resumed, student.save, student.load, *asked)

    def off(weights: Weights, steps: int, random: bool) -> float:
        """Return how far the weights are from those of a training in one go."""
        wanted = _straight(start, steps, random)
        return max(float((weights[name] - wanted[name]).abs().max()) for name in wanted)

    def interrupt(
        key: str, moment: str, *, here: bool = False, error: str = "KeyboardInterrupt"
    ) -> Any:
        asked = start, number, moment, here, error
        return student.probe(interrupted_save, student.save, student.load, *asked)[key]

    def go_on(key: str) -> Any:
        return student.probe(went_on, student.save, start, before, after)[key]

    # The judge's processor may round otherwise than the student's did.
    near = 2e-5
    yield holds(
        "whether there is a file at `path`",
        "there is one",
        lambda: "" if written("there") else "there is none",
        hint="torch.save(checkpoint, new_path) writes a file, and os.replace(new_path, path) gives "
        "it the name that was asked for: from, to.",
    )
    yield case(
        "the keys that are missing in the file",
        lambda: written("missing"),
        [],
        hint="torch.save one dictionary with these five keys: config, model, optimizer, step, "
        "random. For torch.load(weights_only=True) to read it, it may hold tensors, numbers, "
        "strings, lists and dictionaries only: so asdict(model.config), and state_dict() of model "
        "and optimizer.",
    )
    yield case(
        "names in the model's state dict in the file that are missing, or too many",
        lambda: written("names"),
        [],
        hint='"model" is model.state_dict(), all of it: a tied matrix stands there under both '
        "names, and who loads the file expects them.",
    )
    yield case(
        "the config in it",
        lambda: written("config"),
        shape,
        hint='"config" is asdict(model.config): with it, anyone can build the model again.',
    )
    yield case(
        "the step in it",
        lambda: written("step"),
        number,
        hint='"step" is the step as save got it: the number of steps that are done.',
    )
    yield case(
        "the step that load returns",
        lambda: resume(1, 0, False)["step"],
        number,
        hint="load returns the step that was saved, as an int: the number of steps that are done, "
        "as save got it. A second save to the same path takes the place of the first.",
    )
    yield case(
        "how far the weights after load are from those that were saved",
        lambda: off(resume(before, 0, False)["weights"], before, False),
        0.0,
        hint='model.load_state_dict(checkpoint["model"]) puts them back, into the model that '
        "load was given. What save writes has all its digits.",
        atol=near,
    )
    yield case(
        "a few steps, save, load, a few more: how far the weights are from all steps in one go",
        lambda: off(resume(before, after, False)["weights"], before + after, False),
        0.0,
        hint="AdamW keeps two moments for each weight: the optimizer's state_dict belongs into the "
        "checkpoint, and load gives it back, learning rates and all. (The optimizer moves the "
        "parameters that it was made with: leave these in the model, and let them be learnt.)",
        atol=near,
    )
    yield case(
        "the modes after save: of a model in training, and of one in evaluation",
        lambda: written("modes"),
        ["training", "evaluation"],
        hint="Saving changes nothing: model.eval() has no place in it, or the training goes on "
        "without dropout.",
    )
    yield case(
        "a few steps with random batches and dropout, save, and on without load: how far",
        lambda: off(go_on("weights"), before + after, True),
        0.0,
        hint="Saving changes nothing: neither the model, nor the optimizer, nor the random "
        "generator (a new model draws from it).",
        atol=near,
    )
    yield case(
        "the parameters whose gradient is another one after save",
        lambda: go_on("changed"),
        [],
        hint="Saving changes nothing, gradients neither: optimizer.zero_grad() is for train to "
        "call. And what is written is read from the parameters, not taken from them.",
    )
    yield case(
        "the same with load: how far",
        lambda: off(resume(before, after, True)["weights"], before + after, True),
        0.0,
        hint="What batches and dropout draw depends on the state of torch's random generator. Save "
        "torch.get_rng_state(), and give it back with torch.set_rng_state(), last of all, from the "
        "file. A seed of your own is another state.",
        atol=near,
    )
    yield case(
        "what can be loaded after the save of the next step was interrupted while it wrote",
        lambda: interrupt("left", "writing"),
        f"step {number}",
        hint="Half a file is worse than an old one. Write to another file beside it, such as "
        'path + ".part", whatever path is, and when that is whole, '
        'os.replace(path + ".part", path).',
    )
    yield case(
        "what can be loaded after that, when the step after the next was saved",
        lambda: interrupt("again", "writing"),
        f"step {number + 2}",
        hint="An interrupted save leaves half of the other file behind. The next one writes it "
        "anew, from its beginning.",
    )
    yield case(
        "what comes out of save when it is interrupted while it writes, and when the disk is full",
        lambda: [interrupt("came", "writing", error=error) for error in ERRORS],
        list(ERRORS),
        hint="An interrupt and an error go through to the caller, who thinks else that there is a "
        "new checkpoint. Catch nothing; or clean up in a `finally`, or raise it again.",
    )
    yield case(
        "what can be loaded when the new file could not be put in its place",
        lambda: interrupt("left", "replacing"),
        f"step {number}",
        hint="os.replace puts the new file in the old one's place in a single move. Copying, or "
        "deleting the old one first, leaves a moment without any.",
    )
    yield holds(
        "whether the new file was written in the folder of the old one",
        "it was",
        lambda: interrupt("beside", "replacing"),
        hint='path + ".part" is in the same folder. From another folder, which may be on another '
        "disk, os.replace is not a single move, or fails.",
    )
    yield holds(
        "the same, where path is a bare name, without a folder",
        "it was",
        lambda: interrupt("beside", "replacing", here=True),
        hint='For "stopped" the folder is the current one: path + ".part" is right for every path, '
        "a folder's name and a slash are not.",
    )
    yield holds(
        "whether load refuses a file that could run code, whatever torch does by default",
        "it refuses it",
        lambda: "" if student.probe(refused, student.save, student.load, start) else "it reads it",
        hint="torch.load(path, weights_only=True): then only tensors, numbers, strings, lists and "
        "dictionaries are let through. Say so: not every torch does it by itself.",
    )
    yield case(
        "with random batches and dropout, another time",
        lambda: off(resume(after, before, True)["weights"], before + after, True),
        0.0,
        hint="Model, optimizer, random generator: all three.",
        atol=near,
        hidden=True,
    )
