"""The checks of `plan`: what leads from what is there to what should be, tried on a small world."""

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from grader.checks.case import Case, Rng
from grader.checks.paste import each_of, shown_as
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds, public_and_hidden
from lmcourse.checks.pipelines.drawing import LESSON, all_stays, some, word

World = dict[str, dict[str, Any]]

KINDS = ("network", "disk", "registry", "cluster", "service", "database", "key", "alarm", "bucket")
PLACES = ("north", "south", "east", "west", "centre", "coast", "hill", "lake")


@probe
@shown_as(each_of)
def plans(_: dict[str, Any], plan: Callable[..., Any], pairs: list[Any]) -> Any:
    """Return the steps that `plan` gives for each pair of desired and actual, or why not."""
    said: list[Any] = []
    for desired, actual in pairs:
        try:
            steps = plan(desired, actual)
        except ValueError as error:
            said.append(f"ValueError: {error}")
        else:
            said.append(None if steps is None else [list(step) for step in steps])
    return None if all(part is None for part in said) else said


def problem(steps: Any, desired: World, actual: World) -> str:
    """Return what goes wrong when `steps` are done one after the other, or "" if nothing does."""
    if not isinstance(steps, list):
        return f"it answers {steps}"
    world = copy.deepcopy(actual)
    for step in steps:
        match step:
            case ["create", str(name)] if name in desired and name not in world:
                missing = [need for need in desired[name]["needs"] if need not in world]
                if missing:
                    return f"create {name}: what it needs is not there yet, {missing[0]}"
                world[name] = copy.deepcopy(desired[name])
            case ["update", str(name)] if name in desired and name in world:
                if any(world[name][part] != desired[name][part] for part in ("kind", "needs")):
                    return f"update {name}: its kind and its needs cannot be changed, only settings"
                world[name] = copy.deepcopy(desired[name])
            case ["delete", str(name)] if name in world:
                users = [user for user in world if name in world[user]["needs"]]
                if users:
                    return f"delete {name}: it is still needed, by {users[0]}"
                del world[name]
            case _:
                return f"{step} cannot be done: look whether it is there at that moment"
    wrong = [name for name in {**desired, **world} if desired.get(name) != world.get(name)]
    return f"afterwards {sorted(wrong)[0]} is not as it should be" if wrong else ""


def world(rng: Rng, size: int) -> World:
    """Return resources that need earlier ones, written down in an order that is drawn."""
    names = [f"{kind}-{word(rng, length=5)}" for kind in rng.choice(KINDS, size)]
    resources: World = {}
    for place, name in enumerate(names):
        count = int(rng.integers(0, 3))
        needs = sorted(some(rng, tuple(names[:place]), count)) if place else []
        settings = {"place": str(rng.choice(PLACES)), "size": int(rng.integers(1, 1000))}
        resources[name] = {"kind": name.split("-")[0], "needs": needs, "settings": settings}
    return {name: resources[name] for name in some(rng, tuple(names), size)}


def row(rng: Rng, length: int) -> tuple[World, list[str]]:
    """Return resources of which each needs the one before, from last to first, and their names."""
    names = [f"{kind}-{word(rng, length=5)}" for kind in rng.choice(KINDS, length)]
    made: World = {}
    for place, name in enumerate(names):
        settings = {"size": int(rng.integers(1, 1000))}
        needs = [names[place - 1]] if place else []
        made[name] = {"kind": name.split("-")[0], "needs": needs, "settings": settings}
    return dict(reversed(made.items())), names


def changed(rng: Rng, before: World) -> World:
    """Return `before` with some resources gone, some new, some with other settings or kinds."""
    after = copy.deepcopy(before)
    for name in list(after):
        luck = rng.random()
        if luck < 0.2:
            after[name]["settings"]["size"] += 1
        elif luck < 0.35:
            after[name]["kind"] = str(rng.choice([k for k in KINDS if k != after[name]["kind"]]))
    needed = {need for each in after.values() for need in each["needs"]}
    for name in [name for name in after if name not in needed][:2]:
        del after[name]
    for _ in range(2):
        name = f"new-{word(rng, length=6)}"
        needs = sorted(some(rng, tuple(after), min(2, len(after))))
        after[name] = {"kind": "service", "needs": needs, "settings": {"size": 1}}
    return {name: after[name] for name in some(rng, tuple(after), len(after))}


@exercise(LESSON, "plan", points=4)
def plan(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def tried(name: str, *pairs: tuple[World, World], hint: str, points: float = 1.0) -> Case:
        """Return the case that each plan leads there, by no more steps than it takes."""
        wanted = reference.probe(plans, reference.plan, [list(pair) for pair in pairs])

        def seen() -> str:
            said = student.probe(plans, student.plan, [list(pair) for pair in pairs])
            for steps, want, (desired, actual) in zip(said, wanted, pairs, strict=True):
                if bad := problem(steps, desired, actual):
                    return bad
                came, least = (Counter(map(tuple, each)) for each in (steps, want))
                if came != least:
                    odd = next(iter((came - least) + (least - came)))
                    return f"it gets there, but {odd} is a step too many, or too few"
            return ""

        want = "steps that can be done in this order, lead there, and are no more than it takes"
        return holds(name, want, seen, hint=hint, points=points)

    def cases() -> Iterator[Case]:
        things, names = row(rng, 3)
        first, second, third = names
        yield tried(
            "nothing is there yet",
            (things, {}),
            hint='Each is ("create", name), and what it needs comes before it: static_order() of '
            "desired.",
        )
        yield tried(
            "all is there",
            (things, things),
            ({}, {}),
            hint="What is as it should be takes no step. That is why it may be applied every "
            "night.",
        )
        yield tried(
            "nothing is wanted any more",
            ({}, things),
            hint='Each is ("delete", name), and who needs it goes first: the order of ACTUAL, '
            "backwards.",
        )
        bigger = copy.deepcopy(things)
        bigger[second]["settings"]["size"] += int(rng.integers(1, 99))
        yield tried(
            "another setting",
            (bigger, things),
            hint='Other settings alone are ("update", name): it stays what it is, and nothing '
            "else is touched.",
        )
        other = copy.deepcopy(things)
        other[third]["kind"] += "-2"
        yield tried(
            "another kind, at the top",
            (other, things),
            hint="What has another kind cannot be changed in place: a delete and a create, both.",
        )
        deep = copy.deepcopy(things)
        deep[first]["kind"] += "-2"
        yield tried(
            "another kind, with others on top of it",
            (deep, things),
            hint="Whatever stands on it must go before it, and come back after it: who needs what "
            "is replaced is replaced, and so on upward.",
        )
        moved = copy.deepcopy(things)
        moved[third]["needs"] = [first]
        yield tried(
            "other needs",
            (moved, things),
            hint="Other needs are like another kind: a delete and a create.",
        )
        both = copy.deepcopy(things)
        both[first]["kind"] += "-2"
        both[second]["settings"]["size"] += 1
        yield tried(
            "other settings on top of what is replaced",
            (both, things),
            hint="What is replaced gets its new settings when it is created: no update beside it.",
        )
        shrunk = {name: thing for name, thing in things.items() if name == first}
        shrunk["new-one"] = {"kind": "service", "needs": [first], "settings": {}}
        yield tried(
            "two go, one comes",
            (shrunk, things),
            hint="First all deletes, in the order of actual backwards; then all the rest, in the "
            "order of desired.",
        )
        alone = {name: copy.deepcopy(things[name]) for name in (first, second)}
        alone[second] |= {"needs": []}
        yield tried(
            "one goes, and what stood on it stands alone now",
            ({second: alone[second]}, {name: things[name] for name in (first, second)}),
            hint="What goes and what is replaced are deleted in ONE order, that of actual "
            "backwards: what is replaced may stand on what goes.",
        )
        names = sorted(f"disk-{word(rng, length=5)}" for _ in range(2))
        turned: list[World] = [
            {n: {"kind": "disk", "needs": [], "settings": {}} for n in names} for _ in "ab"
        ]
        turned[0][names[0]] |= {"kind": "bucket", "needs": [names[1]]}
        turned[1][names[0]] |= {"kind": "disk", "needs": []}
        turned[1][names[1]] |= {"kind": "disk", "needs": [names[0]]}
        yield tried(
            "two that change places",
            (turned[0], turned[1]),
            hint="What is deleted goes in the order of what is THERE, backwards: in actual another "
            "one may stand on top than in desired.",
        )
        before = world(rng, int(rng.integers(8, 13)))
        yield tried(
            "a small world, changed here and there",
            *((changed(rng, before), before) for _ in range(3)),
            hint="Can each step be done in its turn? Deletes go in the order of actual, backwards. "
            "Are they the right ones? Replaced are those with another kind or other needs, and "
            "those who need one that is replaced.",
            points=2,
        )
        after = changed(rng, before)

        def twice() -> str:
            (steps,) = student.probe(plans, student.plan, [[after, before]])
            if bad := problem(steps, after, before):
                return bad
            (again,) = student.probe(plans, student.plan, [[after, after]])
            return f"the second time it gives {again}" if again != [] else ""

        yield holds(
            "applied twice",
            "steps the first time, and none the second",
            twice,
            hint="Once all is as it should be, there is nothing to do: compare, and say nothing "
            "of what is equal.",
        )

        straight, members = row(rng, int(rng.integers(2, 5)))
        top = f"top-{word(rng, length=5)}"
        straight[top] = {"kind": "service", "needs": [members[0]], "settings": {}}
        ring = copy.deepcopy(straight)
        ring[members[0]]["needs"] = [members[-1]]

        def refused(
            desired: World, sound: World, *told: str, there: World | None = None
        ) -> Callable[[], str]:
            """Return what sees whether `desired` is refused, and `sound` is not."""

            def seen() -> str:
                pairs = [[desired, there or {}], [sound, there or {}]]
                said, beside = student.probe(plans, student.plan, pairs) or (None, None)
                if not str(said).startswith("ValueError"):
                    return f"it answers {said}"
                if str(beside).startswith("ValueError"):
                    return f"it refuses what can be made as well: {sound}"
                missing = [name for name in told if name not in str(said)]
                return f"{said!r} does not name {missing[0]}" if missing else ""

            return seen

        yield holds(
            "resources in a circle",
            "a ValueError that names them",
            refused(ring, straight, *members),
            hint="Whoever is created first would need the other one. TopologicalSorter raises a "
            "CycleError: a ValueError, with their names.",
        )
        found, names = row(rng, 2)
        lost = {name: thing for name, thing in found.items() if name != names[0]}
        yield holds(
            "a need that nobody wants",
            "a ValueError that names it",
            refused(lost, found, names[0]),
            hint="What is needed and not in `desired` would never be there: raise a ValueError "
            "with its name.",
        )
        yield holds(
            "a need that is there, and that nobody wants any more",
            "a ValueError that names it",
            refused(lost, found, names[0], there=found),
            hint="That it is in `actual` helps nobody: it is not desired, so it would be deleted. "
            "Look for needs in `desired` alone.",
        )

    yield from public_and_hidden(cases)
    things, (name, *_) = row(rng, 1)
    bigger = copy.deepcopy(things)
    bigger[name]["settings"]["size"] += 1
    yield all_stays(
        "desired and actual, afterwards",
        student,
        "plan",
        bigger,
        things,
        answer=[["update", name]],
        hint="A plan is read before it is carried out, by a person if need be: it changes nothing.",
    )
