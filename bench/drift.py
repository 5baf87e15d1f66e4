"""`make bench`, drift: how often `lmops drift` alarms where nothing has changed, and where it has.

    python bench/drift.py

Prompts are beginnings of fables that the shipped model never saw. Each of 60 references of 200
prompts meets 400 windows of 100 others, as a champion does in its life. Ends with 1 if a target is
missed.
"""

import random
import sys

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from lmcourse import corpus
from lmops import bundle, drift

RATE = 0.01
REFERENCES, WINDOWS = 60, 400
REFERENCE, WINDOW = 200, 100
KEEP = 0.85  # of the references, the rate; nine of ten are expected to
SEEN = 0.99  # of the windows in which a tenth of the characters is noise

Columns = dict[str, npt.NDArray[np.float64]]


def main() -> int:
    """Count, print what came out, and return 1 if a target was missed."""
    torch.set_num_threads(1)
    measures = drift.Measures(bundle.load(bundle.SHIPPED))
    draw = random.Random(0)
    prompts = [story[: draw.randint(24, 96)] for story in corpus.fables(4000, seed=77)]
    characters = measures.bundle.characters

    def noisy(text: str) -> str:
        return "".join(draw.choice(characters) if draw.random() < 0.1 else each for each in text)

    same = columns(measures, prompts)
    changed = columns(measures, [noisy(prompt) for prompt in prompts[:1000]])
    rng = np.random.default_rng(0)
    false: list[float] = []
    seen: list[bool] = []
    for _ in tqdm(range(REFERENCES), desc="references", leave=False, disable=None):
        order = rng.permutation(len(prompts))
        reference = {name: column[order[:REFERENCE]] for name, column in same.items()}
        others = order[REFERENCE:]
        alarms = [
            alarm(reference, same, rng.choice(others, WINDOW, replace=False))
            for _ in range(WINDOWS)
        ]
        false.append(sum(alarms) / WINDOWS)
        seen.append(alarm(reference, changed, rng.choice(1000, WINDOW, replace=False)))
    keep = sum(rate <= RATE for rate in false) / REFERENCES
    print(f"{REFERENCES * WINDOWS:,} windows of the same source: {np.mean(false):.2%} alarm")
    print(f"{keep:.0%} of {REFERENCES} references keep {RATE:.0%}; the worst has {max(false):.1%}")
    print(f"windows with a tenth of noise: {np.mean(seen):.0%} alarm")
    missed = np.mean(false) > RATE or keep < KEEP or np.mean(seen) < SEEN
    print("a target was missed" if missed else "all targets are met")
    return int(missed)


def columns(measures: drift.Measures, texts: list[str]) -> Columns:
    """Return each measure of the texts: nats and characters, (N, 2)."""
    return {name: np.array(sample) for name, sample in measures.of(texts).items()}


def alarm(reference: Columns, new: Columns, places: npt.NDArray[np.int64]) -> bool:
    """Say whether the window of these places alarms."""
    window = {name: column[places].tolist() for name, column in new.items()}
    before = {name: column.tolist() for name, column in reference.items()}
    return any(each.drifted for each in drift.detect(before, window, RATE))


if __name__ == "__main__":
    sys.exit(main())
