"""What becomes of a canary: `decide(control, canary, rules)` says which of three words.

`control` and `canary` are what both arms did since both have users, each measure as its count, its
sum and the sum of its squares. Of all measures, more is worse:

    {"errors": [812, 9, 9], "slow": [812, 30, 30], "loss": [300, 391.2, 540.7]}

    errors   answers with a code of 500 or above (1), others (0)
    slow     answers that took longer than `SLOW_SECONDS` (1), others (0)
    loss     nats per character of the version that answered, on what it was asked to continue
    dislikes feedback "down" (1), "up" (0)

`rules` says how much worse a canary may be, and how sure one must be:

    {"alpha": 0.05, "at_least": 20, "limits": {"errors": 0.02, "slow": 0.05, "loss": 0.1}}

    rollback  as soon as it is shown to be worse in one measure, by however little
    promote   everybody gets it: it is shown to be worse by less than the limit in all of them
    continue  neither is shown yet

A canary that is as good as what is there comes back with probability `alpha` at most, however often
one asks.

This is the contract of lesson 14's `canary_decision` as well, and a student's own can take this
one's place (`own_decision`). It fails closed: whatever is no answer is a rollback.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from lmops.notebooks import Notebook
from lmops.own import NoAnswer, own
from lmops.release.sequential import Numbers, difference

Arm = Mapping[str, Sequence[float]]
Rules = Mapping[str, Any]

CONTINUE, PROMOTE, ROLLBACK = ANSWERS = ("continue", "promote", "rollback")

SLOW_SECONDS = 1.0

CANARY: Rules = {
    "alpha": 0.05,
    "at_least": 20,
    "limits": {"errors": 0.02, "slow": 0.05, "loss": 0.1},
}
"""The rules for a canary: it must not be worse."""

AB: Rules = {**CANARY, "limits": {**CANARY["limits"], "dislikes": 0.0}}
"""The rules for an A/B test: its users must like it better."""

SCALE = 0.1
"""Where a limit is 0, differences of this size are looked for."""


class Decision(NamedTuple):
    """One of `ANSWERS`, and why."""

    answer: str
    reasons: list[str]


Decide = Callable[[Arm, Arm, Rules], Decision]


def shown(
    control: Mapping[str, Sequence[Numbers]], canary: Mapping[str, Sequence[Numbers]], rules: Rules
) -> dict[str, tuple[Numbers, Numbers]]:
    """Return for each measure the bounds of how much worse the canary is; arrays do as well.

    All measures share `alpha` (Bonferroni): the more are watched, the surer each has to be.
    """
    limits = rules["limits"]
    return {
        name: difference(
            (control[name][0], control[name][1], control[name][2]),
            (canary[name][0], canary[name][1], canary[name][2]),
            rules["alpha"] / len(limits),
            limit or SCALE,
        )
        for name, limit in limits.items()
    }


def decide(control: Arm, canary: Arm, rules: Rules) -> Decision:
    """Return what becomes of the canary."""
    limits = rules["limits"]
    few = [
        name
        for name in limits
        if any(name not in arm or arm[name][0] < rules["at_least"] for arm in (control, canary))
    ]
    some = {**rules, "limits": {name: limit for name, limit in limits.items() if name not in few}}
    # The share of alpha stays what it is when all measures are there.
    some["alpha"] = rules["alpha"] * len(some["limits"]) / len(limits)
    bounds = shown(control, canary, some) if some["limits"] else {}
    worse = [
        f"{name}: {_mean(canary, name):.4g} against {_mean(control, name):.4g}, "
        f"which is worse by {low:.2g} at least"
        for name, (low, _) in bounds.items()
        if low > 0
    ]
    if worse:
        return Decision(ROLLBACK, worse)
    if few:
        return Decision(CONTINUE, [f"too little is known of {', '.join(few)}"])
    open_ = [name for name, (_, high) in bounds.items() if not high < limits[name]]
    if open_:
        return Decision(
            CONTINUE,
            [f"{name} may be worse by {bounds[name][1]:.2g}" for name in open_],
        )
    return Decision(
        PROMOTE, [f"{name} is worse by {high:.2g} at most" for name, (_, high) in bounds.items()]
    )


def _mean(arm: Arm, name: str) -> float:
    return arm[name][1] / arm[name][0]


def own_decision(notebook: Notebook) -> Decide:
    """Return the function `canary_decision` that a notebook defines, to be asked like `decide`.

    Raises
    ------
    NoFunction
        If the notebook does not define it.
    """
    ask = own(notebook, "canary_decision")

    def decide(control: Arm, canary: Arm, rules: Rules) -> Decision:
        try:
            answer = ask(control, canary, rules)
        except NoAnswer as error:
            return Decision(ROLLBACK, [f"your canary_decision gave no answer: {error}"])
        if answer not in ANSWERS:
            wanted = ", ".join(ANSWERS)
            return Decision(
                ROLLBACK, [f"your canary_decision said {answer!r:.80}, and none of {wanted}"]
            )
        return Decision(answer, [f"your canary_decision says {answer}"])

    return decide
