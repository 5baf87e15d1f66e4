"""The ledger as a page: every line is on it, it stands alone, and it says what is wrong."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from ops import asked, lmops, promoted, tiny_bundle

from lmops import registry
from lmops.home import Home
from lmops.ledger import Ledger
from lmops.state import State, fold


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Return a home here with a life in it; MLflow, which takes seconds, is not told."""

    def not_told(home: Home) -> State:
        return fold(Ledger(home.ledger).entries())

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "sync", not_told)
    monkeypatch.setattr(registry, "differences", lambda home, state: [])
    old, _ = (promoted(tiny_bundle(Path(f"model-{seed}"), seed)) for seed in (1, 2))
    asked("retire", old, "--reason", "<b>too old</b>", "--by", "op")
    asked("keys", "add", "anna")
    home = Home(Path(".lmops"))
    home.logs.mkdir()
    (id,) = (key["id"] for key in asked("keys", "list")["keys"])
    (home.logs / "2026-01-01.jsonl").write_text(f'{{"key": "{id}"}}\n')
    asked("erase", "anna", "--by", "stewart")
    asked("roles", "grant", "ada", "admin", "--by", "ada")
    return home


class Reader(HTMLParser):
    """Collects rows of cells, and whatever an offline reader would miss."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.links: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def read(path: Path) -> tuple[Reader, str]:
    text = path.read_text("utf-8")
    reader = Reader()
    reader.feed(text)
    return reader, text


def test_every_line_is_on_the_page_with_who_did_what_to_which_version(home: Home) -> None:
    assert asked("audit", "--html", "audit.html")["sound"] is True
    reader, text = read(Path("audit.html"))
    entries = Ledger(home.ledger).entries()
    rows = [row for row in reader.rows if len(row) == 7 and row[0].isdigit()]
    assert len(rows) == len(entries)
    for row, entry in zip(rows, entries, strict=True):
        assert row[0] == str(entry.number)
        assert row[2:4] == [entry.by, entry.event]
        assert row[4].strip() == (entry.version or "-")
        assert row[5].strip() == entry.hash[:12]
    assert entries[-1].hash in text
    assert "the chain holds from the first line to the last" in text
    assert [row[2:5] for row in reader.rows if row[2:3] == ["logs/2026-01-01.jsonl"]] == [
        ["logs/2026-01-01.jsonl", "1", "1"]
    ]
    assert "anna" not in text


def test_the_page_stands_alone_is_light_and_dark_and_runs_nothing(home: Home) -> None:
    asked("audit", "--html", "audit.html")
    reader, text = read(Path("audit.html"))
    assert reader.links == []
    assert "script" not in reader.tags
    assert "b" not in reader.tags  # what people wrote is text
    assert "&lt;b&gt;too old&lt;/b&gt;" in text
    assert not re.search(r"url\(|@import|https?://", text)
    assert "prefers-color-scheme: dark" in text


def test_what_is_wrong_stands_on_the_page(home: Home) -> None:
    lines = home.ledger.read_text().splitlines(keepends=True)
    lines[2] = lines[2].replace('"ann"', '"eve"').replace('"bob"', '"eve"')
    home.ledger.write_text("".join(lines))
    assert lmops("audit", "--html", "audit.html").exit_code == 1
    _, text = read(Path("audit.html"))
    assert "line 3: was changed" in text
    assert "the chain holds" not in text


def test_an_empty_ledger_has_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asked("audit", "--html", "audit.html")
    assert "The ledger has no line yet" in Path("audit.html").read_text()
