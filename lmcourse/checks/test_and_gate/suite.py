"""Checks of `model_problems`: its points are its mutation score.

A suite is asked of broken models and of sound ones, all in one random order, so that neither the
place nor the number of a question says anything. Who calls sound models broken is not believed
elsewhere either: else a coin would earn something.
"""

from collections.abc import Iterator
from functools import partial

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Raised, Student
from lmcourse import zoo
from lmcourse.checks.test_and_gate.interview import problems
from lmcourse.zoo import Specimen

LESSON = "10_test_and_gate"
FALSE_ALARMS = 2
"""So many of the sound models, some thirty, may be called broken; beyond that nothing counts."""
LIFT = 20.0
"""So much is added to all logits of a sound model: it says the same, and nothing is below 0."""

CLEAR, FOUND, NOTHING = "no problem", "a problem", "nothing"
PLAIN = "answers for the last place alone"
"""The kind among the sound models: who says nothing of any model earns nothing there."""

HINTS = {
    "crashes on a single character": "ask for ids of shape (1, 1) too. A model that raises an "
    "error has a problem: catch it with try and except, and put it into words",
    "crashes on the longest text": "ask for T = model.context too, the longest text that it must "
    "be able to read",
    "has another number of logits": "the logits' shape is (B, T, model.vocab_size), no column more "
    "and none less",
    "answers for the last place alone": "compare all of logits.shape with (B, T, V)",
    "drops the batch where there is one text": "ask for a batch of a single text as well as for "
    "one of several: the shape has three dimensions for B = 1 too",
    "answers in another precision": "logits.dtype is torch.float32",
    "answers NaN to one character": "have every character read, 0 to V - 1, and look whether all "
    "logits are finite: logits.isfinite().all()",
    "answers infinity at the last place": "look at all places of the longest text: "
    "logits.isfinite().all()",
    "answers probabilities": "logits are not probabilities: if every row sums to 1 and nothing is "
    "below 0, a softmax was taken that should not have been",
    "adds noise": "ask the same twice: the answers differ by 0.01 and more",
    "leaves dropout on": "ask the same twice",
    "keeps a state from call to call": "ask for some ids, for others, and for the first ones "
    "again: the first answer and the third are the same",
    "answers from a stale cache": "ask for other ids of the same shape: another text, or the same "
    "with another last character, has other answers",
    "changes the ids": "keep a copy, ids.clone(), and compare ids with it after the call",
    "mixes the texts of a batch": "read each text of a batch alone, ids[b : b + 1]: its logits are "
    "the same as in the batch",
    "gives a batch back in another order": "read each text of a batch alone: its logits stand in "
    "the batch's row b",
    "lets one text hear another": "read every text of a batch alone, the last one too, and compare "
    "all places",
    "sees the next character": "change the characters from place t on, and compare the logits "
    "before t: nothing changes there",
    "sees one later place from one place": "the leak may be between any two places: change each "
    "place t in turn, in a text of the full context, and compare all places before t",
    "takes the mean over all places away": "cut a text short, ids[:, :T]: the logits are those of "
    "the whole text at its first T places",
    "counts the places from the end": "cut a text short, ids[:, :T]: the logits are those of the "
    "whole text at its first T places",
    "sees the last few characters alone": "change the first character of a text of the full "
    "context: the last logits change",
    "does not see one place": "change each character of a text of the full context in turn, not "
    "the first and the last alone: the last logits change each time",
    "is late by one place": "change the last character: the last logits change",
    "always says the same": "change a character: the last logits change",
    "speaks another alphabet": "its loss on text is below ln V; V is model.vocab_size, and text "
    "is read in windows of model.context characters",
    "is far too sure": "its loss on text is below ln V",
}
"""By the kind of a broken model, what to ask it."""


@exercise(LESSON, "model_problems", points=9)
def model_problems(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    sound = [zoo.sound(kind, rng) for kind in rng.permutation([*zoo.SOUND] * 2)]
    lifted = int(rng.integers(len(sound)))
    sound[lifted] = _lifted(sound[lifted])
    place = int(rng.integers(len(sound) + 1))
    first = [*sound[:place], zoo.broken(PLAIN, rng), *sound[place:]]
    lineups = {kind: _lineup(kind, rng) for kind in zoo.BROKEN}
    everyone = [*first, *(specimen for lineup in lineups.values() for specimen in lineup)]
    order = [int(number) for number in rng.permutation(len(everyone))]
    verdicts: dict[int, str | Exception] = {}
    """What is said of each, by its `id`, once they are asked."""

    def asked(specimens: list[Specimen]) -> list[str]:
        """Return what is said of `specimens`; all of them are asked once, in random order."""
        for number in order if not verdicts else ():
            verdicts[id(everyone[number])] = _said(student, everyone[number])
        given = []
        for specimen in specimens:
            verdict = verdicts[id(specimen)]
            if isinstance(verdict, Exception):
                raise verdict
            given.append(verdict)
        return given

    def kind_said() -> str | None:
        (verdict,) = asked([everyone[order[0]]])
        return None if verdict == NOTHING else "list"

    yield case(
        "a list",
        kind_said,
        "list",
        hint="return a list of sentences, one for each problem; for a sound model an empty one",
        form=True,
    )
    yield case(
        f"{len(sound)} sound models, some with a context of 1, and one that {PLAIN}",
        lambda: [at for at, verdict in enumerate(asked(first)) if verdict == FOUND],
        [place],
        hint="here are the places of those that you call broken. No sound model may have a "
        "problem, whatever its kind and its sizes. Ask only for what model.context allows: with a "
        "context of 1 there is no past and no future. Differences of up to 0.0001 are rounding. "
        "The broken one has logits with two dimensions: test_it_answers finds it. Alarms that are "
        "false, most often: another id drawn at random may be the old one again, (old + 1) % V "
        "never is; in the loss y is one character further on than x; logits may all be above 0 "
        "and need not sum to anything",
        points=2,
    )

    def told(lineup: list[Specimen]) -> list[str] | str | None:
        given = asked(lineup)
        if NOTHING in given:
            return None
        alarms = _alarms(verdicts, everyone)
        if alarms > FALSE_ALARMS:
            return f"not counted: {alarms} sound models were called broken"
        if _alarms(verdicts, lineup):
            return "not counted: a sound one of the three was called broken"
        return given

    for kind, lineup in lineups.items():
        # All have been asked by now: whom to believe is known before the hint is chosen.
        wolf = _alarms(verdicts, everyone) > FALSE_ALARMS or _alarms(verdicts, lineup)
        yield case(
            f"catch a model that {kind}",
            partial(told, lineup),
            [CLEAR if specimen.kind in zoo.SOUND else FOUND for specimen in lineup],
            hint="see to the sound models first" if wolf else HINTS[kind],
        )


def _lifted(specimen: Specimen) -> Specimen:
    """Return `specimen` with `LIFT` more in each logit, which is the same model."""
    model = specimen.model
    higher = zoo.Model(lambda ids: model(ids) + LIFT, model.vocab_size, model.context)
    return Specimen(specimen.kind, higher, specimen.text)


def _alarms(verdicts: dict[int, str | Exception], specimens: list[Specimen]) -> int:
    """Return how many sound ones of `specimens` were called broken, or met with an error."""
    return sum(
        verdicts.get(id(specimen), CLEAR) not in (CLEAR, NOTHING)
        for specimen in specimens
        if specimen.kind in zoo.SOUND
    )


def _lineup(kind: str, rng: Rng) -> list[Specimen]:
    """Draw three models, two of them or all broken in the same way, in random order."""
    one = int(rng.integers(4))  # the sound one, or none
    sound = [*zoo.SOUND][int(rng.integers(len(zoo.SOUND)))]
    return [zoo.sound(sound, rng) if at == one else zoo.broken(kind, rng) for at in range(3)]


def _said(student: Student, specimen: Specimen) -> str | Exception:
    """Return what the student's tests say of a model, or the error that they end with."""
    try:
        given = problems(student, specimen)
    except (Raised, ValueError) as error:
        return error
    return NOTHING if given is None else FOUND if given else CLEAR
