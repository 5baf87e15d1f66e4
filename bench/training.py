"""`make bench`, training: lesson 07's small GPT and nanoGPT's, the same CPU seconds each.

    python bench/training.py

Both learn Tiny Shakespeare in one thread, for as many steps as take 120 s of this process's CPU
time. Ends with 1 if lesson 07's loss on the validation text is above the target.
"""

import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from grader.course.lessons import Course
from grader.course.solved import solved_namespace
from lmcourse import corpus

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"  # where the text may lie, beside the checkout
SECONDS = 120  # of CPU time, for each
PILOT = 300  # steps that measure what one costs
SEED = 0
AT_MOST = 1.80  # nats per character

CONTEXT, BATCH = 64, 12  # characters in a window, windows in a step: the same for both
TRAIN = 0.9  # of the characters; the others, after them, are the validation text, as in nanoGPT


def main() -> int:
    """Train both, print what came out, and return 1 if the target was missed."""
    torch.set_num_threads(1)
    lesson = solved_namespace(Course(ROOT).lesson("07_gpt"))
    shape, recipe = lesson["small"], lesson["small_recipe"]
    assert (shape["context"], recipe["batch"]) == (CONTEXT, BATCH), "the windows must be alike"
    ids, characters = load()
    cut = int(TRAIN * len(ids))
    train, validation = ids[:cut], ids[cut:]

    def fit_lesson(model: nn.Module, ids: Tensor, steps: int) -> None:
        optimizer = lesson["configure_optimizer"](model, recipe["peak"])
        with tqdm(total=steps, desc="lesson 07", leave=False, disable=None) as bar:
            lesson["train"](
                model, optimizer, ids, steps, **recipe, on_step=lambda step, loss: bar.update()
            )

    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start, one thread")
    print(
        f"Tiny Shakespeare: {len(train):,} characters to learn from, {len(validation):,} held out"
    )
    print(f"{'':10} {'loss':>7} {'steps':>7} {'parameters':>11} {'CPU seconds':>12}")
    nanogpt = compete("nanoGPT", lambda: NanoGPT(characters), fit_nanogpt, train, validation)
    config = lesson["Config"](characters, **shape)
    ours = compete("lesson 07", lambda: lesson["GPT"](config), fit_lesson, train, validation)
    print(f"difference {ours - nanogpt:+7.3f} nats per character")
    reached = "reached" if ours <= AT_MOST else "MISSED"
    print(f"target     {AT_MOST:7.3f} for lesson 07: {reached}")
    return 0 if ours <= AT_MOST else 1


def compete(
    name: str,
    make: Callable[[], nn.Module],
    fit: Callable[[nn.Module, Tensor, int], object],
    train: Tensor,
    validation: Tensor,
) -> float:
    """Train a model for `SECONDS` of CPU time, print what came out, and return its loss.

    `fit` trains a model on text for a number of steps. How many fill the time is measured on a
    model that is thrown away, outside the time: the schedules need it before the first step.
    """
    torch.manual_seed(SEED)
    spare = make()
    fit(spare, train, 2)  # the first steps are slower
    steps = round(SECONDS * PILOT / cpu_seconds(lambda: fit(spare, train, PILOT)))
    torch.manual_seed(SEED)
    model = make()
    seconds = cpu_seconds(lambda: fit(model, train, steps))
    loss = evaluate(model, validation)
    parameters = sum(each.numel() for each in model.parameters())
    print(f"{name:10} {loss:7.3f} {steps:7,} {parameters:11,} {seconds:12.1f}", flush=True)
    return loss


def cpu_seconds(run: Callable[[], object]) -> float:
    """Run something, and return the CPU seconds that this process spent on it."""
    started = time.process_time()
    run()
    return time.process_time() - started


@torch.no_grad()
def evaluate(model: nn.Module, ids: Tensor) -> float:
    """Return the mean loss, in nats per character, over all whole windows of a text."""
    model.eval()
    length = (len(ids) - 1) // CONTEXT * CONTEXT
    inputs, targets = (ids[start : start + length].view(-1, CONTEXT) for start in (0, 1))
    total = 0.0
    for x, y in zip(inputs.split(256), targets.split(256), strict=True):
        total += F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum").item()
    return total / length


def load() -> tuple[Tensor, int]:
    """Return Tiny Shakespeare as numbers (N,), and how many different characters it has."""
    os.environ.setdefault("LMCOURSE_DATA", str(DATA))
    try:
        text = corpus.shakespeare()
    except (corpus.CorpusUnavailable, corpus.CorpusDamaged) as error:
        raise SystemExit(str(error)) from error
    number = {character: index for index, character in enumerate(sorted(set(text)))}
    return torch.tensor([number[character] for character in text]), len(number)


# --- nanoGPT's configuration for a CPU, from its description ------------------------------------

LAYERS, HEADS, CHANNELS = 4, 4, 128
PEAK, LOWEST, WARM_UP = 1e-3, 1e-4, 100


class Layer(nn.Module):
    """Attention, then two matrices with a GELU between, both on normalised input: (B, T, C)."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(CHANNELS, bias=False)
        self.read = nn.Linear(CHANNELS, 3 * CHANNELS, bias=False)
        self.write = nn.Linear(CHANNELS, CHANNELS, bias=False)
        self.norm2 = nn.LayerNorm(CHANNELS, bias=False)
        self.expand = nn.Linear(CHANNELS, 4 * CHANNELS, bias=False)
        self.shrink = nn.Linear(4 * CHANNELS, CHANNELS, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the stream with what this layer adds: (B, T, C) -> (B, T, C)."""
        heads = self.read(self.norm1(x)).unflatten(-1, (3, HEADS, -1))  # (B, T, 3, H, C / H)
        query, key, value = heads.permute(2, 0, 3, 1, 4)  # each (B, H, T, C / H)
        found = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.write(found.transpose(1, 2).flatten(-2))
        hidden: Tensor = self.shrink(F.gelu(self.expand(self.norm2(x))))
        return x + hidden


class NanoGPT(nn.Module):
    """ids (B, T) -> logits (B, T, V), with the embedding as the last matrix too."""

    def __init__(self, characters: int) -> None:
        super().__init__()
        self.token = nn.Embedding(characters, CHANNELS)
        self.position = nn.Embedding(CONTEXT, CHANNELS)
        self.layers = nn.Sequential(*(Layer() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(CHANNELS, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                at_the_end = name.endswith(("write.weight", "shrink.weight"))
                std = 0.02 / math.sqrt(2 * LAYERS) if at_the_end else 0.02
                nn.init.normal_(parameter, std=std)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the logits of the next characters: (B, T) -> (B, T, V)."""
        x = self.token(ids) + self.position.weight[: ids.shape[1]]
        return F.linear(self.norm(self.layers(x)), self.token.weight)


def fit_nanogpt(model: nn.Module, ids: Tensor, steps: int) -> None:
    """Train with AdamW: 100 steps of warm-up, then a cosine down to a tenth of the peak rate."""
    matrices = [each for each in model.parameters() if each.dim() > 1]
    others = [each for each in model.parameters() if each.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.99), fused=True)
    for step in tqdm(range(steps), desc="nanoGPT", leave=False, disable=None):
        rate = nanogpt_rate(step, steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        starts = torch.randint(len(ids) - CONTEXT, (BATCH, 1))
        rows = ids[starts + torch.arange(CONTEXT + 1)]
        logits = model(rows[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


def nanogpt_rate(step: int, steps: int) -> float:
    """Return the learning rate of a step, counted from 0."""
    if step < WARM_UP:
        return PEAK * (step + 1) / (WARM_UP + 1)
    done = (step - WARM_UP) / (steps - WARM_UP)
    return LOWEST + (PEAK - LOWEST) * (1 + math.cos(math.pi * done)) / 2


if __name__ == "__main__":
    sys.exit(main())
