"""`make bench`, the speed run: how far one core comes with Tiny Shakespeare in 120 s.

    python bench/speedrun.py           the baseline, two classes of entries, what each part gains
    python bench/speedrun.py quick     without the last
    python bench/speedrun.py far       only how soon one core is at nanoGPT's result on a GPU

The baseline is nanoGPT's configuration for a CPU (`training.py`). It reaches a loss L after
T = 120 s. All else is measured beside it, in the same run: how much sooner an entry is at L, and
how far below it is at T. In the class "gradient only" everything is learnt by gradient descent; in
the other one anything goes. Ends with 1 if a goal is missed.
"""

import os
import sys
import time
from dataclasses import replace
from statistics import mean, stdev

import numpy as np
import torch
from joined import Counts, Entry, Ints, loss, train
from training import (
    CONTEXT,
    PILOT,
    SECONDS,
    TRAIN,
    NanoGPT,
    cpu_seconds,
    evaluate,
    fit_nanogpt,
    load,
)

SEEDS = (0, 1, 2)
SOON = (2.0, 3.0, 4.0, 6.0)  # seconds that are tried until one is enough for L

GRADIENT = Entry(layers=2, channels=128, batch=16, learnt=(2, 3, 4))
GRADIENT_SOON = replace(GRADIENT, layers=1, channels=64, batch=24)
ANYTHING_SOON = Entry(layers=1, channels=64, batch=16, counted=(3, 4, 5, 6))

Blend = tuple[tuple[Entry, float], ...]
"""Nets that are trained one after the other, each for its share of the seconds, and averaged."""
ANYTHING: Blend = ((ANYTHING_SOON, 0.25), (GRADIENT, 0.75))
FAR: Blend = (
    (ANYTHING_SOON, 0.1),
    (GRADIENT, 0.2),
    (Entry(layers=4, channels=160, batch=16, learnt=(2,)), 0.7),
)
ANYTHING_IN_24: Blend = ((ANYTHING_SOON, 0.25), (GRADIENT_SOON, 0.75))

TIMES_FASTER, GRADIENT_AT_T = 20.0, 1.55
ANYTHING_SECONDS, ANYTHING_AT_8, ANYTHING_AT_T = 8.0, 1.60, 1.50
FAR_SECONDS, FAR_AT = 600.0, 1.47
"""What nanoGPT reaches on a GPU in windows of 256 characters; here they are of 64."""

CHANGES: tuple[tuple[str, Entry | Blend, float], ...] = (
    ("gradient only, in 6 s", GRADIENT_SOON, 6.0),
    ("  AdamW in place of Muon", replace(GRADIENT_SOON, muon=False), 6.0),
    ("  no learnt rows", replace(GRADIENT_SOON, learnt=()), 6.0),
    ("  rows for pairs alone", replace(GRADIENT_SOON, learnt=(2,)), 6.0),
    ("  rows for five characters too", replace(GRADIENT_SOON, learnt=(2, 3, 4, 5)), 6.0),
    ("  two layers of 128 channels", replace(GRADIENT_SOON, layers=2, channels=128), 6.0),
    ("anything goes, in 8 s", ANYTHING_SOON, 8.0),
    ("  AdamW in place of Muon", replace(ANYTHING_SOON, muon=False), 8.0),
    ("  counts of one length, 5", replace(ANYTHING_SOON, counted=(5,)), 8.0),
    ("  counts of seven, too", replace(ANYTHING_SOON, counted=(3, 4, 5, 6, 7)), 8.0),
    ("  learnt rows for pairs beside them", replace(ANYTHING_SOON, learnt=(2,)), 8.0),
    ("  two layers of 128 channels", replace(ANYTHING_SOON, layers=2, channels=128), 8.0),
    ("anything goes, in 24 s", ANYTHING_IN_24, 24.0),
    ("  the net with counts alone", ANYTHING_SOON, 24.0),
    ("  the net without counts alone", GRADIENT_SOON, 24.0),
    ("  two nets with counts", ((ANYTHING_SOON, 0.5), (ANYTHING_SOON, 0.5)), 24.0),
)


def main() -> int:
    """Measure all, print it, and return 1 if a goal was missed."""
    torch.set_num_threads(1)
    tensor, V = load()
    ids = tensor.numpy()
    cut = int(TRAIN * len(ids))
    text, held = ids[:cut], ids[cut:]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start, one thread")
    if "far" in sys.argv[1:]:
        return int(_at(FAR, FAR_SECONDS, "anything goes", FAR_AT, text, held, V))
    baseline = _baseline(text, held, V)
    _counted(text, held, V)
    missed = [
        _sooner(text, held, V, baseline),
        _at(GRADIENT, SECONDS, "gradient only", GRADIENT_AT_T, text, held, V),
        _at(ANYTHING_SOON, ANYTHING_SECONDS, "anything goes", ANYTHING_AT_8, text, held, V),
        _at(ANYTHING, SECONDS, "anything goes", ANYTHING_AT_T, text, held, V),
    ]
    if "quick" not in sys.argv[1:]:
        missed.append(_at(FAR, FAR_SECONDS, "anything goes", FAR_AT, text, held, V))
        _changes(text, held, V)
    return int(any(missed))


def _baseline(text: Ints, held: Ints, V: int) -> float:
    """Train nanoGPT for T seconds, print how it went, and return its loss L."""
    ids, validation = torch.from_numpy(text), torch.from_numpy(held)
    torch.manual_seed(0)
    spare = NanoGPT(V)
    fit_nanogpt(spare, ids, 2)  # the first steps are slower
    steps = round(SECONDS * PILOT / cpu_seconds(lambda: fit_nanogpt(spare, ids, PILOT)))
    torch.manual_seed(0)
    model = NanoGPT(V)
    seconds = cpu_seconds(lambda: fit_nanogpt(model, ids, steps))
    loss = evaluate(model, validation)
    print(f"nanoGPT: L = {loss:.3f} after {steps:,} steps, {seconds:.0f} s", flush=True)
    return loss


def _counted(text: Ints, held: Ints, V: int) -> None:
    """Print the loss of 5-grams alone, in windows as all others have them, and the time it took."""
    begun = time.process_time()
    counts = Counts(text, V, (4,), 0.75)
    seconds = time.process_time() - begun
    rows, total = counts.rows_of(held), 0.0
    starts = np.arange((len(held) - 1) // CONTEXT) * CONTEXT
    for some in np.array_split(starts, 50):
        places = some[:, None] + np.arange(CONTEXT)
        logs = counts.logs(rows, places, None)[0]
        total -= float(logs[np.arange(places.size), held[places + 1].ravel()].sum())
    print(f"5-grams alone: {total / starts.size / CONTEXT:.3f}, counted in {seconds:.1f} s")


def _sooner(text: Ints, held: Ints, V: int, baseline: float) -> bool:
    """Print how much sooner gradients alone are at L; return whether that misses the goal."""
    for seconds in SOON:
        losses = [_fit(GRADIENT_SOON, seconds, text, held, V, seed)[0] for seed in SEEDS]
        print(f"gradient only, {seconds:g} s: {_said(losses)}", flush=True)
        if max(losses) <= baseline:
            times = SECONDS / seconds
            return _judged(f"{times:.0f} times faster to L", times >= TIMES_FASTER)
    return _judged(f"not at L after {SOON[-1]:g} s", False)


def _at(
    entry: Entry | Blend,
    seconds: float,
    name: str,
    goal: float,
    text: Ints,
    held: Ints,
    V: int,
) -> bool:
    """Print an entry's loss after so many seconds; return whether it misses the goal."""
    reached, steps = _fit(entry, seconds, text, held, V, SEEDS[0])
    said = f"{name}, {seconds:g} s: {reached:.3f} after {steps:,} steps, goal {goal:.2f}"
    return _judged(said, reached <= goal)


def _fit(
    entry: Entry | Blend, seconds: float, text: Ints, held: Ints, V: int, seed: int
) -> tuple[float, int]:
    """Train for so many CPU seconds; return the loss and how many steps it took."""
    blend = ((entry, 1.0),) if isinstance(entry, Entry) else entry
    models = [
        train(one, text, V, share * seconds, seed + 10 * at)
        for at, (one, share) in enumerate(blend)
    ]
    return loss(models, held), sum(model.steps for model in models)


def _changes(text: Ints, held: Ints, V: int) -> None:
    """Print what each change costs or gains, as means ± standard deviations of three seeds."""
    base = 0.0
    for name, entry, seconds in CHANGES:
        losses = [_fit(entry, seconds, text, held, V, seed)[0] for seed in SEEDS]
        if not name.startswith(" "):
            base = mean(losses)
        print(f"{name:38} {_said(losses)}   {mean(losses) - base:+.3f}", flush=True)


def _said(losses: list[float]) -> str:
    return f"{mean(losses):.3f} ± {stdev(losses):.3f}"


def _judged(said: str, reached: bool) -> bool:
    print(f"{said}: {'reached' if reached else 'MISSED'}", flush=True)
    return not reached


if __name__ == "__main__":
    sys.exit(main())
