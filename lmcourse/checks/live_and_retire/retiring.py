"""The checks of `retire` and `respond`: nobody new, drained, archived, and then disposed of."""

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds, public_and_hidden
from lmcourse.checks.live_and_retire.drawing import LESSON, answers, codes, plain

Models = dict[str, dict[str, Any]]


def astray(models: Models, version: Any) -> bool:
    """Say whether the pointers from a version lead in a circle: who follows them never ends."""
    for _ in range(len(models) + 1):
        model = models.get(version, {})
        if model.get("status") not in ("draining", "retired"):
            return False
        version = model.get("successor")
    return True


@probe
def retirements(
    namespace: dict[str, Any],
    retire: Callable[..., Any],
    models: Models,
    asked: list[list[Any]],
    left: list[int],
    full: bool = False,
) -> Any:
    """Retire versions one after the other; return what was said, what was seen, and the models.

    What was said is what `retire` returned, or what it raised: ["ValueError"], ["OSError"].

    `left` is what `drain` gives, call by call: how many answers are still under way. What is seen:
    the version that is drained, and what somebody who asks for it gets at that moment; what is
    kept, with the names of what the model still has then. With `full` the disk takes nothing.
    """
    seen: list[list[Any]] = []
    said: list[Any] = []
    open_answers = list(left)

    def drain(version: Any) -> int:
        lost = astray(models, version)
        answer = [410, "nobody"] if lost else plain(namespace["respond"](models, version))
        seen.append(["drain", version, answer])
        return open_answers.pop(0) if open_answers else 0

    def keep(name: Any, content: Any) -> None:
        if full:
            raise OSError("no space left")
        seen.append(["keep", name, content, [v for v in models if "weights" in dict(models[v])]])

    for version, successor, reason in asked:
        try:
            said.append(retire(models, version, successor, reason, drain, keep))
        except (ValueError, OSError) as error:
            said.append(["OSError" if isinstance(error, OSError) else "ValueError"])
    return None if all(each is None for each in said) and not seen else [said, seen, models]


@exercise(LESSON, "retire", points=4, names=("retire", "respond"))
def retire(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def serving() -> dict[str, Any]:
        weights = [round(float(each), 3) for each in rng.normal(size=3)]
        return {
            "status": "serving",
            "card": f"A model, {rng.integers(1_000_000)}.",
            "weights": weights,
        }

    def gone(successor: str | None, status: str = "retired") -> dict[str, Any]:
        return {"status": status, "successor": successor, "card": "It was one."}

    def run(models: Models, asked: list[list[Any]], left: list[int], full: bool = False) -> Any:
        came = student.probe(retirements, student.retire, models, asked, left, full)
        if came is None:
            raise ValueError("retire gives None, and calls nothing: is a return missing?")
        return came

    def cases() -> Iterator[Case]:
        old, new, third, fourth, unknown = codes(rng, 5)
        both = {old: serving(), new: serving()}
        reason = f"{new} took its place in week {rng.integers(1, 53)}"

        def responds(name: str, models: Models, *versions: str, hint: str) -> Case:
            asked = [[models, version] for version in versions]
            want = reference.probe(answers, reference.respond, asked)
            return case(
                name, lambda: student.probe(answers, student.respond, asked), want, hint=hint
            )

        yield responds(
            "respond: one that serves, one that is retired, one that nobody knows",
            both | {third: gone(new)},
            *some_order(rng, [old, third, unknown]),
            hint="(200, the version itself), (410, its successor), (404, None). 410 means: gone, "
            "and not coming back.",
        )
        yield responds(
            "respond: while it is drained",
            both | {third: {**serving(), "status": "draining", "successor": old}},
            *some_order(rng, [old, third]),
            hint='Who is "draining" takes no new requests: 410, with the pointer, as if it were '
            "retired.",
        )
        yield responds(
            "respond: a successor that is retired itself",
            {old: gone(third), third: gone(fourth), fourth: gone(new, "draining"), new: serving()},
            *some_order(rng, [old, third, fourth]),
            hint="A pointer to one that is gone helps nobody: follow it until you come to one that "
            "serves.",
        )
        want = [
            [True],
            [["drain", old, [410, new]]],
            "retired",
            [True],
        ]

        def plainly() -> Any:
            said, seen, models = run(both, [[old, new, reason]], [0])
            kept = [each[1:3] for each in seen if each[0] == "keep"]
            true = [name == hashlib.sha256(content.encode()).hexdigest() for name, content in kept]
            drained = [each for each in seen if each[0] == "drain"]
            return [said, drained, models[old].get("status"), true]

        yield case(
            "retire: no new requests, then drain",
            plainly,
            want,
            hint='In this order: "status" to "draining" and "successor", then drain(version). Who '
            "asks in that moment must get 410 and the pointer already, or it is never empty. At "
            'the end the status is "retired", and retire returns True.',
        )

        def left_behind() -> str:
            _, _, models = run(both, [[old, new, reason]], [0])
            if "weights" in models[old]:
                return "the weights are still there"
            if models[new] != both[new]:
                return "the successor was changed"
            if models[old].get("successor") != new or models[old].get("card") != both[old]["card"]:
                return f"of it is left {sorted(models[old])}"
            return ""

        yield holds(
            "retire: what is left of it",
            "status, successor, card and archive, and no weights",
            left_behind,
            hint='Delete "weights" from models[version]: a model that is retired can answer '
            "nobody. Its card stays, and the successor is as it was.",
        )

        def archived() -> str:
            return odd_archive(run(both, [[old, new, reason]], [0]))

        def odd_archive(came: Any) -> str:
            """Return what is wrong with what is kept of `old`, or ""."""
            _, seen, models = came
            kept = [each for each in seen if each[0] == "keep"]
            if len(kept) != 1:
                return f"keep was called {len(kept)} times"
            _, name, content, there = kept[0]
            if not isinstance(content, str):
                return "what is kept is no string"
            if name != hashlib.sha256(content.encode()).hexdigest():
                return "its name is not the SHA-256 of the content"
            if models[old].get("archive") != name:
                return 'models[version]["archive"] is another name'
            try:
                found = json.loads(content)
            except ValueError:
                return "what is kept is no JSON"
            told = {"version": old, "successor": new, "reason": reason, "card": both[old]["card"]}
            if found != told:
                return f"what is kept says {found}"
            return "" if old in there else "the weights were gone before it was kept"

        yield holds(
            "retire: the archive",
            "one JSON text of version, successor, reason and card, kept under its SHA-256 before "
            "the weights go",
            archived,
            hint="content = json.dumps({...}), its name hashlib.sha256(content.encode())"
            ".hexdigest(). Keep it first; only then may the weights go.",
        )

        def stuck() -> Any:
            said, seen, models = run(both, [[old, new, reason]], [int(rng.integers(1, 9))])
            state = models[old]
            others = {version: model for version, model in models.items() if version != old}
            did = [each[0] for each in seen]
            return [said, did, state.get("status"), state.get("weights"), others]

        yield case(
            "retire: answers that do not end",
            stuck,
            [[False], ["drain"], "draining", both[old]["weights"], {new: both[new]}],
            hint="drain says how many answers are still under way. With more than 0 of them return "
            "False, keep nothing and delete nothing: they need the weights.",
        )

        def again() -> Any:
            said, seen, models = run(both, [[old, new, reason]] * 2, [3, 0])
            return [said, [each[0] for each in seen], models[old].get("status")]

        yield case(
            "retire: called again after that",
            again,
            [[False, True], ["drain", "drain", "keep"], "retired"],
            hint='One that is "draining" may be retired again: it drains once more, and goes on '
            "from there.",
        )

        def disk() -> Any:
            said, _, models = run(both, [[old, new, reason]], [0], True)
            return [said, models[old].get("status"), models[old].get("weights")]

        yield case(
            "retire: the disk is full",
            disk,
            [[["OSError"]], "draining", both[old]["weights"]],
            hint="If keep raises, nothing is archived: let the error through, with the weights and "
            'the status "draining" as they are.',
        )

        def refused(name: str, models: Models, version: str, to: str, hint: str) -> Case:
            def seen() -> str:
                said, log, after = run(models, [[version, to, reason]], [0])
                if said != [["ValueError"]]:
                    return f"it gives {said[0]}"
                if log:
                    return f"a ValueError, but after {log[0][0]} was called"
                if after != models:
                    return "a ValueError, but the models were changed"
                came = run(after, [[old, new, reason]], [0])
                if came[0] != [True] or odd_archive(came):
                    return "a ValueError, but also where nothing speaks against it"
                return ""

            return holds(
                name,
                "a ValueError, and nothing changed; and what may be retired still is",
                seen,
                hint=hint,
            )

        ended = both | {third: gone(new), fourth: {**serving(), "status": "draining"}}
        ended[fourth]["successor"] = new
        yield refused(
            "retire: one that nobody knows",
            ended,
            unknown,
            new,
            hint="Look first whether the version is there: raise a ValueError if not.",
        )
        yield refused(
            "retire: one that is retired already",
            ended,
            third,
            new,
            hint="What is retired stays as it is: its archive is there. Raise a ValueError.",
        )
        for name, to in (
            ("itself", old),
            ("one that is retired", third),
            ("one that is draining", fourth),
            ("one that nobody knows", unknown),
        ):
            yield refused(
                f"retire: the successor is {name}",
                ended,
                old,
                to,
                hint='The successor must be another version that is "serving": look before you '
                "change anything.",
            )
        chain = [[old, new, reason], [new, third, reason]]
        three = both | {third: serving()}

        def twice() -> Any:
            said, seen, models = run(three, chain, [0, 0])
            statuses = [models[version].get("status") for version in (old, new, third)]
            return [said, [each for each in seen if each[0] == "drain"], statuses]

        yield case(
            "retire: the successor ends as well",
            twice,
            [
                [True, True],
                [["drain", old, [410, new]], ["drain", new, [410, third]]],
                ["retired", "retired", "serving"],
            ],
            hint="One after the other: each has its own drain, archive and end.",
        )

    yield from public_and_hidden(cases)


def some_order(rng: Rng, names: list[str]) -> list[str]:
    return [str(name) for name in rng.permutation(names)]
