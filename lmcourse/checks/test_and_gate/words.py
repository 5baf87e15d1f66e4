"""Words and stories that nobody knows, drawn."""

from grader.checks.case import Rng

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def words(rng: Rng, count: int, length: int = 6) -> list[str]:
    """Return `count` different words of `length` small letters."""
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(LETTERS[i] for i in rng.integers(0, 26, length))] = None
    return list(found)


def story(rng: Rng, known: list[str], length: int) -> str:
    """Return a story of two sentences, `length` words of `known` in each."""
    sentences = ([known[i] for i in rng.integers(0, len(known), length)] for _ in range(2))
    return "\n".join(" ".join(sentence).capitalize() + "." for sentence in sentences)
