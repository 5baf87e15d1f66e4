"""What the judge counts in a text: how well n-grams alone tell what comes next."""

from collections import Counter, defaultdict

import torch


def counted(
    text: str, n: int, beginnings: list[str], characters: list[str], discount: float = 0.75
) -> torch.Tensor:
    """Return what n-grams of `text`, discounted, expect after each of `beginnings`: (N, V)."""
    place = {character: at for at, character in enumerate(characters)}
    edge = "\n" * n
    whole = edge + text
    after: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for at in range(n, len(whole)):
        for length in range(n):
            after[whole[at - length : at]][whole[at]] += 1
    rows = []
    for beginning in beginnings:
        probs = torch.full((len(characters),), 1 / len(characters), dtype=torch.float64)
        before = edge + beginning
        for length in range(n):
            seen = after.get(before[len(before) - length :])
            if not seen:
                break
            total = sum(seen.values())
            probs *= discount * len(seen) / total
            for character, count in seen.items():
                probs[place[character]] += (count - discount) / total
        rows.append(probs)
    return torch.stack(rows)
