"""A card says what is so, and says where it does not know."""

from typing import Any

import pytest

from lmops.card import card, parts_of

CONFIG = {"vocab_size": 5, "context": 8, "layers": 2, "heads": 3, "channels": 12, "dropout": 0.0}
SOURCE = 'PARTS = {"Block": "the student\'s", "GPT": "the course\'s"}\n'
MEASURED = {
    "corpus": "fables",
    "validation_loss": 0.5114,
    "floor": 0.2539,
    "steps": 6500,
    "tokens": 6_656_000,
    "seed": 3,
}


def of(source: str = SOURCE, **metrics: Any) -> str:
    return card(
        config=CONFIG, characters=list("abcde"), metrics=metrics, parameters=12_345, source=source
    )


def test_it_says_all_that_is_known() -> None:
    found = of(**MEASURED)
    for fact in (
        *("knows 5", "2 layers", "3 heads", "12 channels", "12,345 parameters", "8 characters"),
        *("corpus `fables`", "6,500 steps", "6,656,000 characters", "seed 3"),
        *("| guessing blindly | 1.609 |", "**0.511**", "| 0.254 |"),
        *("| `Block` | the student's |", "| `GPT` | the course's |"),
    ):
        assert fact in found


def test_it_says_what_is_not_known() -> None:
    found = of(source="PARTS = dict()\n")
    for fact in ("not know from which text", "this card does not know", "not measured", "not say"):
        assert fact in found
    assert "not been trained yet" in of(steps=0)
    assert "seed" not in of(steps=7)


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        (SOURCE, {"Block": "the student's", "GPT": "the course's"}),
        ("", {}),
        ("PARTS = open('x')", {}),
        ("PARTS = [1]", {}),
        ("def f():\n    PARTS = {'GPT': 'mine'}\n", {}),
    ],
)
def test_whose_a_part_is_is_read_and_not_run(source: str, parts: dict[str, str]) -> None:
    assert parts_of(source) == parts
