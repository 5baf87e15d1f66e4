"""The exercises of all courses' lessons, as their check modules register them.

A course's package has its checks in `checks`, a module a lesson or a folder of modules:
"lmcourse" has those of lesson "05_attention" in `lmcourse.checks.attention`.
"""

import importlib
import pkgutil
from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from grader.checks.case import Check, Rng
from grader.checks.student import Probe, Student


class Timed(Protocol):
    """Asks the student, by the kernel's clock."""

    def __call__(self, ask: Callable[[], Any], at_most: float) -> Any:
        """Return what `ask()` does, whose code may take `at_most` seconds of processor time.

        Raises
        ------
        Lost
            If it took longer, or its process is gone.
        """


Measure = Callable[[Student, Rng, float, Timed], float]
"""`measure(student, rng, seconds, timed)` returns what an entry reached in so many seconds.

Less is better. It raises ValueError, saying why, for an answer that counts for nothing.
"""


@dataclass(frozen=True)
class Leaderboard:
    """How a class's entries for one exercise are ranked, beyond its points."""

    measure: Measure
    seconds: float
    """The full budget: of processor time, for one entry on one draw."""
    unit: str


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lesson, and the check that grades it."""

    package: str
    """The course's."""
    lesson: str
    name: str
    points: float
    check: Check
    names: tuple[str, ...]
    """The notebook names that the exercise asks for."""
    probes: Mapping[str, Probe]
    """The functions of its lesson's checks that may run beside the student's code."""
    forbidden: tuple[str, ...] = ()
    """The library's functions that the exercise asks to be written by hand."""
    limits: dict[str, float] = field(default_factory=dict)
    """What it may use when it is graded, where that is not the default."""
    constant: bool = False
    """Whether its right answer is the same for everybody, as a quiz's is."""
    leaderboard: Leaderboard | None = None
    """How `grader leaderboard` ranks a class in it, if it does."""


_REGISTRY: dict[str, dict[str, dict[str, Exercise]]] = {}
"""By package and lesson."""
_PROBES: dict[str, dict[str, Probe]] = {}
"""By the home of a lesson's checks."""
_COMMON: dict[str, Probe] = {}
"""The probes that stand beside this module, for every lesson."""


def exercise(
    lesson: str,
    name: str,
    *,
    points: float,
    names: tuple[str, ...] | None = None,
    forbidden: tuple[str, ...] = (),
    call_seconds: float | None = None,
    exercise_seconds: float | None = None,
    memory_mb: int | None = None,
    constant: bool = False,
) -> Callable[[Check], Check]:
    """Register the decorated check for exercise `name` of `lesson`.

    Parameters
    ----------
    lesson, name : such as "02_bigrams" and "normalise"
    points : what it is worth
    names : the notebook names that it needs; `(name,)` if not given
    forbidden : functions or methods of torch or numpy, such as "softmax", that would be the answer:
        the exercise's text must say that they are to be written by hand
    call_seconds, exercise_seconds, memory_mb : what grading allows it instead of the defaults of
        `grader grade`: seconds of wall time for one call, and for all of the exercise, on the
        slowest machine; MiB of memory
    constant : its right answer is by nature the same for everybody, as a quiz's is; of any other
        exercise `grader build` wants cases whose answers cannot be learnt by heart
    """
    own = {
        "call_seconds": call_seconds,
        "exercise_seconds": exercise_seconds,
        "memory_mb": memory_mb,
    }
    limits = {limit: value for limit, value in own.items() if value is not None}
    if not all(value > 0 for value in limits.values()):
        raise ValueError(f"the limits of {lesson}/{name} must be above 0: {limits}")

    def register(check: Check) -> Check:
        package, home = _home(check.__module__)
        lessons_exercises = _REGISTRY.setdefault(package, {}).setdefault(lesson, {})
        if name in lessons_exercises:
            raise ValueError(f"lesson {lesson} has two exercises named {name}")
        probes = ChainMap(_PROBES.setdefault(home, {}), _COMMON)
        lessons_exercises[name] = Exercise(
            package,
            lesson,
            name,
            points,
            check,
            names or (name,),
            probes,
            forbidden,
            limits,
            constant,
        )
        return check

    return register


def leaderboard(
    lesson: str, name: str, *, seconds: float, unit: str
) -> Callable[[Measure], Measure]:
    """Have `grader leaderboard` rank a class by what the decorated function measures.

    It is a race in exercise `name` of `lesson`, whose check is registered above it.

    Parameters
    ----------
    lesson, name : such as "09_scale" and "speedrun"
    seconds : the full budget of processor time, for one entry on one draw
    unit : of what is measured, such as "nats per character"
    """
    if not seconds > 0:
        raise ValueError(f"the leaderboard of {lesson}/{name} needs more than {seconds} seconds")

    def register(measure: Measure) -> Measure:
        known = _REGISTRY.get(_home(measure.__module__)[0], {}).get(lesson, {})
        if name not in known:
            raise ValueError(
                f"{measure.__module__} has a leaderboard for {lesson}/{name}, and no check of "
                f'that name: put it below @exercise("{lesson}", "{name}", ...)'
            )
        known[name] = replace(known[name], leaderboard=Leaderboard(measure, seconds, unit))
        return measure

    return register


def probe(function: Probe) -> Probe:
    """Let the checks of this lesson run `function(namespace, *args)` beside the student's code.

    Raises
    ------
    ValueError
        If the lesson has another probe of that name, or `grader.checks` has.
    """
    module, name = function.__module__, function.__name__
    own = _PROBES.setdefault(_home(module)[1], {})
    if name in own or name in _COMMON:
        there = (own.get(name) or _COMMON[name]).__module__
        raise ValueError(f"{module} has a probe {name}, and so has {there}: rename one of them")
    (_COMMON if _home(module)[0] == _home(__name__)[0] else own)[name] = function
    return function


def lessons(package: str) -> list[str]:
    """Return the names of all lessons of the course `package` that have checks, in order."""
    checks = importlib.import_module(f"{package}.checks")
    for module in pkgutil.iter_modules(checks.__path__):
        importlib.import_module(f"{checks.__name__}.{module.name}")
    return sorted(_REGISTRY.get(package, {}))


def exercises(package: str, lesson: str) -> dict[str, Exercise]:
    """Return the exercises of `lesson` ("02_bigrams") by name, in the order of the lesson.

    Raises
    ------
    KeyError
        If there is no such lesson; the message lists those that there are.
    """
    if lesson not in _REGISTRY.get(package, {}):  # to look for all takes long
        known = lessons(package)
        if lesson not in known:
            raise KeyError(f"there is no lesson {lesson!r}; there are: {', '.join(known)}")
    return _REGISTRY[package][lesson]


def home(exercises: dict[str, Exercise]) -> str:
    """Return the name of the module, or of the folder of modules, that has a lesson's checks."""
    return _home(next(iter(exercises.values())).check.__module__)[1]


def _home(module: str) -> tuple[str, str]:
    """Return the package of the course, and the home of the lesson, whose checks `module` has."""
    package, checks, rest = module.partition(".checks.")
    return package, f"{package}{checks}{rest.partition('.')[0]}"
