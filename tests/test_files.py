"""Files that are there whole or not at all."""

from pathlib import Path

import pytest

from grader.formats.files import unfinished, write_text


def write_half(path: Path) -> None:
    with unfinished(path) as part:
        part.write_text("half")
        assert not path.exists() or path.read_text() == "before"
        raise InterruptedError


def test_a_file_that_is_not_finished_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    with pytest.raises(InterruptedError):
        write_half(path)
    assert list(path.parent.iterdir()) == []


def test_a_file_stays_as_it_was_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_text(path, "before")
    with pytest.raises(InterruptedError):
        write_half(path)
    assert path.read_text() == "before"
    write_text(path, "after\n")
    assert path.read_bytes() == b"after\n"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_dead_process_left_is_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with unfinished(path) as part:
        left = part
    left.write_text("half")
    write_text(path, "whole")
    assert (path.read_text(), left.exists()) == ("whole", False)


def test_nobody_else_may_read_a_secret_at_any_time(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with unfinished(path, 0o600) as part:
        modes = [part.stat().st_mode & 0o777]
        part.write_text("secret")
    assert [*modes, path.stat().st_mode & 0o777] == [0o600, 0o600]
