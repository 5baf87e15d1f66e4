"""CSV files that a person may open in a spreadsheet: nothing in them is taken for a formula."""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grader.gradebook.adjustments import FinalScore

# A lone "-" is how Moodle writes "never".
_NUMBER = re.compile(r"-|[-+]?\d+(?:[.,]\d+)*%?")
# A formula begins with one of these signs, in full width too for East Asian spreadsheets: at the
# start of a text, or after whatever a reader may take for the end of a cell, since not every
# spreadsheet takes the one that this file has; spaces, quotes and signs that show nothing may stand
# between. The apostrophes that are there already count.
_ENDS = ";,|\t\r\n"
_BEFORE = _ENDS + r"\s\"\ufeff\u200b-\u200f\u2060"
_START = re.compile(rf"(^[{_BEFORE}]*|[{_BEFORE}]+)('*)([=+\-@＝＋－＠﹢﹣﹦﹫]?)")
_DECIDED = ("late_penalty", "comment")
_LONGEST_CELL = 2**27  # Moodle may put whole online texts into a cell


def cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula; a number stays as it is.

    An apostrophe goes before what begins one; `plain` takes it away again.
    """
    if _NUMBER.fullmatch(text):
        return text

    def marked(found: re.Match[str]) -> str:
        return found[1] + "'" * _begins(found) + found[2] + found[3]

    return "'" * _has_blank_first(text) + _START.sub(marked, text)


def plain(cell: str) -> str:
    """Return the text of which `cell` made this."""

    def unmarked(found: re.Match[str]) -> str:
        return found[1] + found[2][_begins(found) :] + found[3]

    return _START.sub(unmarked, cell[_has_blank_first(cell) and cell[0] == "'" :])


def _has_blank_first(text: str) -> bool:
    """Return whether a text begins with a tab or a new line, which some spreadsheets leave out."""
    return text.lstrip("'")[:1] in ("\t", "\r", "\n")


def _begins(found: re.Match[str]) -> bool:
    """Return whether a formula begins here."""
    before = found[1]
    return bool(found[3]) and (found.start() == 0 or any(end in before for end in _ENDS))


def points(value: float) -> str:
    """Return points with two decimals at most."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def write_grades(path: Path, scores: Iterable["FinalScore"]) -> None:
    """Write a row for each submission; the columns are the exercises of all lessons, by name.

    Files of no lesson come last.
    """
    scores = sorted(scores, key=lambda score: score.result.lesson == "")
    names = list(dict.fromkeys(e.result.name for score in scores for e in score.exercises))
    rows = [["student", "lesson", "points", "max_points", "status", *_DECIDED, *names]]
    for score in scores:
        earned = {exercise.result.name: points(exercise.points) for exercise in score.exercises}
        result = score.result
        rows.append(
            [
                *(result.student, result.lesson),
                *(points(score.points), points(score.max_points), result.status),
                *(points(score.penalty), score.comment),
                *(earned.get(name, "") for name in names),
            ]
        )
    _write(path, [[cell(text) for text in row] for row in rows])


@dataclass(frozen=True)
class Table:
    """A CSV as a learning platform exported it; every row is as long as the header."""

    header: list[str]
    rows: list[list[str]]
    delimiter: str = ","
    encoding: str = "utf-8"

    def place(self, name: str) -> int | None:
        """Return the place of the column called `name`, in whatever case, if there is one."""
        titles = [title.strip().casefold() for title in self.header]
        return titles.index(name.casefold()) if name.casefold() in titles else None


def read_table(path: Path) -> Table:
    """Return the table in a CSV file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a CSV file in UTF-8.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    data = path.read_bytes()
    encoding = "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8"
    csv.field_size_limit(_LONGEST_CELL)
    try:
        text = data.decode(encoding)
        delimiter = max(",;\t", key=text.partition("\n")[0].count)
        lines = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
        header, *rows = [row for row in lines if row]
    except (ValueError, csv.Error):
        raise ValueError(
            f"{path} is not a CSV file in UTF-8; export it again, and pass it as it came"
        ) from None
    width = len(header)
    return Table(
        header, [(row + [""] * width)[:width] for row in rows], delimiter, encoding=encoding
    )


def write_table(path: Path, table: Table) -> None:
    """Write a table in the form in which it was read; what is marked is not marked again."""
    rows = [[cell(plain(text)) for text in row] for row in (table.header, *table.rows)]
    _write(path, rows, table.delimiter, table.encoding)


def _write(
    path: Path, rows: Iterable[list[str]], delimiter: str = ",", encoding: str = "utf-8"
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=encoding, errors="replace", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
        writer.writerows(rows)
