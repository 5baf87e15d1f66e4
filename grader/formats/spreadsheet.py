"""CSV files that a person may open in a spreadsheet: nothing in them is taken for a formula."""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

# A lone "-" is how Moodle writes "never".
_NUMBER = re.compile(r"-|[-+]?\d+(?:[.,]\d+)*%?")
# A formula begins with one of these signs, in full width too for East Asian spreadsheets: at the
# start of a text, or after whatever a reader may take for the end of a cell, since not every
# spreadsheet takes the one that this file has; spaces, quotes and signs that show nothing may stand
# between. The apostrophes that are there already count.
_ENDS = ";,|\t\r\n"
_BEFORE = _ENDS + r"\s\"\ufeff\u200b-\u200f\u2060"
_START = re.compile(rf"(^[{_BEFORE}]*|[{_BEFORE}]+)('*)([=+\-@＝＋－＠﹢﹣﹦﹫]?)")
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


@dataclass(frozen=True)
class Lines:
    """The lines of a CSV file that are not empty, as they are.

    Each of `rows` comes with the number of the line that it ends on, from 1.
    """

    header: list[str]
    rows: list[tuple[int, list[str]]]
    delimiter: str
    encoding: str


def read_lines(path: Path) -> Lines:
    """Return the lines of a CSV file, whichever sign stands between its cells.

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
        reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
        rows = [(reader.line_num, row) for row in reader if row]
    except (ValueError, csv.Error):
        raise ValueError(
            f"{path} is not a CSV file in UTF-8; export it again, or save it as CSV UTF-8, and "
            "pass it as it came"
        ) from None
    header = rows[0][1] if rows else []
    return Lines(header, rows[1:], delimiter, encoding)


def read_table(path: Path) -> Table:
    """Return the table in a CSV file.

    Raises as `read_lines` does.
    """
    lines = read_lines(path)
    width = len(lines.header)
    rows = [(row + [""] * width)[:width] for _, row in lines.rows]
    return Table(lines.header, rows, lines.delimiter, lines.encoding)


def write_table(path: Path, table: Table) -> None:
    """Write a table in the form in which it was read; what is marked is not marked again."""
    rows = [[plain(text) for text in row] for row in (table.header, *table.rows)]
    write_rows(path, rows, table.delimiter, table.encoding)


def write_rows(
    path: Path, rows: Iterable[list[str]], delimiter: str = ",", encoding: str = "utf-8"
) -> None:
    """Write rows of texts, of which no spreadsheet takes one for a formula."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=encoding, errors="replace", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
        writer.writerows([cell(text) for text in row] for row in rows)
