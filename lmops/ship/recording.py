"""The chapters that need HAProxy or Prometheus, as a real day told them, for where there is none.

`recorded.json` is made anew from a day's answer: lmops ship --json | python -m lmops.ship.recording
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

from lmops.ship.day import Told

PATH = Path(__file__).with_name("recorded.json")
HOURS = ("09:30", "10:30", "11:30", "13:00")
"""The hours of the chapters that are recorded."""


def recorded(hour: str, missing: str) -> Told:
    """Return what a chapter told on a day when nothing was missing."""
    found = {each["hour"]: each for each in json.loads(PATH.read_text("utf-8"))}
    return replace(Told(**found[hour]), missing=missing)


def main() -> None:
    """Keep the chapters of the day whose answer comes from stdin, if it was a good one."""
    day = json.load(sys.stdin)
    chapters = [each for each in day["chapters"] if each["hour"] in HOURS]
    if day["bad"] or len(chapters) != len(HOURS) or any(each["missing"] for each in chapters):
        sys.exit("Not recorded: this day did not go as everybody hoped, or not all of it was real.")
    PATH.write_text(json.dumps(chapters, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
