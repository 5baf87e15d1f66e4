"""Tables of numbers as text."""

import pytest

from lmcourse.tables import table


def test_columns_line_up_and_numbers_are_short(capsys: pytest.CaptureFixture[str]) -> None:
    table(
        {
            "MLP": {"parameters": 11_897, "tokens per second": 412_345.6, "loss": 0.61237},
            "one head": {"parameters": 9, "loss": 0.5, "note": "slow"},
        }
    )
    assert capsys.readouterr().out.splitlines() == [
        "           parameters   tokens per second    loss   note",
        "MLP            11,897             412,000   0.612       ",
        "one head            9                       0.500   slow",
    ]


def test_a_table_of_nothing_says_what_to_pass() -> None:
    with pytest.raises(ValueError, match="pass at least one"):
        table({})
