"""What a submission may use, and who decides it.

What the command line sets holds for every exercise. Else an exercise's own limit holds for it
(`grader.checks.registry.exercise`), else, of memory, its lesson's (`grader.course.source`), else
the default.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any


def _seconds(default: float, what_for: str) -> Any:
    return field(default=default, metadata={"help": what_for, "least": 0.1, "most": 86_400})


def _mb(default: int, what_for: str, least: int) -> Any:
    return field(default=default, metadata={"help": what_for, "least": least, "most": 2**20})


@dataclass(frozen=True)
class Limits:
    """What a submission may use: seconds of wall time, and MiB.

    Memory is counted on top of what the course's own imports take. `fixed` names what the command
    line set.
    """

    call_seconds: float = _seconds(10.0, "for one call of a student's code")
    cell_seconds: float = _seconds(20.0, "for one cell")
    exercise_seconds: float = _seconds(60.0, "for all of an exercise")
    submission_seconds: float = _seconds(120.0, "for all of a submission")
    memory_mb: int = _mb(2048, "memory", least=64)
    scratch_mb: int = _mb(64, "files", least=1)
    fixed: frozenset[str] = frozenset()

    @classmethod
    def from_command_line(cls, options: Mapping[str, Any]) -> "Limits":
        """Return the limits with those that `options` hold, by name; None is one not set."""
        names = {limit.name for limit in OPTIONS}
        typed = {name: options[name] for name in names if options[name] is not None}
        return cls(**typed, fixed=frozenset(typed))

    def for_exercise(self, own: Mapping[str, float]) -> "Limits":
        """Return the limits of an exercise that has `own` ones: by name, as above.

        Where nobody says how much time an exercise has, it is at least that of one call.
        """
        limits = self._with(own)
        if "exercise_seconds" in own:
            return limits
        return limits._with({"exercise_seconds": max(limits.call_seconds, limits.exercise_seconds)})

    def for_submission(self, exercises: Iterable[Mapping[str, float]]) -> "Limits":
        """Return the limits of a submission with `exercises`, whose own ones these are.

        It has as much more time as they have beyond the default, unless the command line says
        otherwise.
        """
        asked = (self.for_exercise(own).exercise_seconds for own in exercises)
        more = sum(max(0.0, seconds - Limits.exercise_seconds) for seconds in asked)
        return self._with({"submission_seconds": self.submission_seconds + more})

    def described(self) -> dict[str, str]:
        """Return each limit in words, for the manifest."""
        own = "call_seconds", "exercise_seconds", "memory_mb"
        notes = dict.fromkeys(own, ", or the exercise's own")
        notes["memory_mb"] = ", or the exercise's or lesson's own"
        notes["submission_seconds"] = ", and what exercises have beyond their default"
        return {
            name: f"{getattr(self, name):g}{'' if name in self.fixed else notes.get(name, '')}"
            for name in (limit.name for limit in OPTIONS)
        }

    def _with(self, values: Mapping[str, float]) -> "Limits":
        free = {name: value for name, value in values.items() if name not in self.fixed}
        return replace(self, **free)  # type: ignore[arg-type]


OPTIONS = [limit for limit in fields(Limits) if limit.metadata]
"""The limits as options of the command line: each has a name, a default, help, least and most."""
