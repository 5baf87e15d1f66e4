"""A bar for what does not say how far it is."""

import threading
import time

import pytest

from lmcourse import waiting


def test_the_bar_goes_when_the_block_ends_and_leaves_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(OSError, match="no service"), waiting.wait_bar("the service starts", 5):
        raise OSError("no service")
    drawn = capsys.readouterr().out.split("\r")
    assert any(line.startswith("the service starts: |") for line in drawn)
    assert not drawn[-1].strip()
    assert waiting.__name__ not in [thread.name for thread in threading.enumerate()]


def test_what_takes_longer_than_expected_leaves_the_bar_full(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(waiting, "BEAT", 0.005)
    with waiting.wait_bar("the alert", 2):
        time.sleep(0.3)
    drawn = capsys.readouterr().out.split("\r")[:-1]
    assert [line.count("█") for line in drawn if line.strip()][-1] == 10
