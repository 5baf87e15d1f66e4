"""The timeline: a working day of one who runs models, as a picture that grows with each lesson.

    timeline.until("11_package_and_register")

It is to the second part what the ladder is to the first.
"""

from typing import NamedTuple

from lmcourse.plots import GREY, HIGHLIGHT, INK, Picture, drawing

ROW = 0.27
"""Inches between two stations."""


class Station(NamedTuple):
    """Something that happens to the model: when, in which lesson, in a few words."""

    hour: str
    lesson: str
    what: str


DAY = (
    Station("08:00", "10_test_and_gate", "pull: what did the night bring?"),
    Station("08:20", "10_test_and_gate", "test the data"),
    Station("08:45", "10_test_and_gate", "test the model's behaviour"),
    Station("09:30", "10_test_and_gate", "measure it against the one in service"),
    Station("10:00", "10_test_and_gate", "the gate: would you let it out?"),
    Station("10:30", "11_package_and_register", "pack it: one folder, one version"),
    Station("11:00", "11_package_and_register", "register it, with where it came from"),
    Station("11:30", "11_package_and_register", "approve it"),
    Station("12:00", "12_serve", "the service opens"),
    Station("12:30", "12_serve", "the first thousand requests"),
    Station("13:30", "13_pipelines", "all of the morning again, by a pipeline"),
    Station("14:30", "14_release_and_watch", "a canary: the new model for one user in twenty"),
    Station("15:30", "14_release_and_watch", "an alert, and a rollback"),
    Station("16:30", "15_live_and_retire", "the world changes: drift"),
    Station("17:00", "15_live_and_retire", "train again"),
    Station("18:00", "15_live_and_retire", "a person is forgotten, a model retired"),
)
"""The model's day, from the morning to the evening."""


def until(lesson: str) -> Picture:
    """Draw the model's day up to and with `lesson`; what is still to come is grey.

    Raises
    ------
    ValueError
        If nothing happens in `lesson`; the message lists the lessons in which something does.
    """
    lessons = list(dict.fromkeys(station.lesson for station in DAY))
    if lesson not in lessons:
        raise ValueError(
            f"nothing happens in lesson {lesson!r}; pass one of {', '.join(map(repr, lessons))}"
        )
    done = [station for station in DAY if station.lesson <= lesson]
    with drawing(7.0, 0.7 + ROW * len(DAY)) as (picture, axes):
        rows = range(len(DAY))
        axes.plot([0, 0], [0, len(done) - 1], color=HIGHLIGHT, linewidth=2, zorder=1)
        axes.plot([0, 0], [len(done) - 1, len(DAY) - 1], color=GREY, linestyle=":", zorder=1)
        for row, station in enumerate(DAY):
            now = station.lesson == lesson
            reached = row < len(done)
            edge = HIGHLIGHT if reached else GREY
            axes.scatter([0], [row], s=45, color=edge if reached else "white", edgecolor=edge)
            axes.annotate(
                f"{station.what}  ({station.lesson[:2]})",
                (0, row),
                xytext=(12, 0),
                textcoords="offset points",
                va="center",
                weight="bold" if now else "normal",
                color=INK if reached else "#6b6b6b",
            )
        axes.set_yticks(rows, [station.hour for station in DAY], family="monospace")
        axes.tick_params("y", length=0, pad=10)
        axes.set_xticks([])
        axes.set_xlim(-0.02, 1)
        axes.set_ylim(len(DAY) - 0.4, -0.6)
        axes.spines[:].set_visible(False)
        axes.set_title("The model's day, hour by hour")
        axes.set_ylabel("hour (lesson in brackets)")
    picture.alt = f"The model's day so far: {_told(done)}."
    if rest := DAY[len(done) :]:
        picture.alt += f" Still to come: {_told(rest)}."
    return picture


def _told(stations: list[Station] | tuple[Station, ...]) -> str:
    return "; ".join(f"{station.hour} {station.what}" for station in stations)
