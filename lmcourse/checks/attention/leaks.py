"""The checks of the test for leaks."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention as torchs_attention

from grader.checks.case import Case, Rng, case, normal
from grader.checks.registry import exercise, probe
from grader.checks.student import Student

Function = Callable[..., torch.Tensor]


def _sees(x: torch.Tensor, target: int, source: int) -> torch.Tensor:
    """Return `x` with its row at position `source` added at position `target`."""
    return _added(x, x[:, source], target)


def _added(x: torch.Tensor, row: torch.Tensor, target: int) -> torch.Tensor:
    """Return `x` with `row`, (B, C), added at position `target`."""
    out = x.clone()
    out[:, target].add_(row)
    return out


def _sees_channel(x: torch.Tensor, target: int, source: int, channel: int) -> torch.Tensor:
    """Return `x` with one number of `source` added to all channels of `target`."""
    return _added(x, x[:, source, channel, None], target)


def _channel_sees(x: torch.Tensor, target: int, source: int, channel: int) -> torch.Tensor:
    """Return `x` with the sum of `source` added to one channel of `target`."""
    chosen = torch.arange(x.shape[2]) == channel
    return _added(x, x[:, source].sum(dim=-1, keepdim=True) * chosen, target)


def _text_sees(x: torch.Tensor, target: int, source: int, text: int) -> torch.Tensor:
    """Return `x` with the row at `source` added at `target`, in one text of the batch."""
    chosen = torch.arange(len(x))[:, None] == text
    return _added(x, x[:, source] * chosen, target)


def _sees_differences(x: torch.Tensor, target: int, source: int, axis: int) -> torch.Tensor:
    """Return `x` with `source`, less its mean over texts (0) or channels (1), added at `target`."""
    row = x[:, source]
    return _added(x, row - row.mean(dim=axis, keepdim=True), target)


def _sees_bends(x: torch.Tensor, target: int, a: int, b: int, c: int) -> torch.Tensor:
    """Return `x` with the differences between positions a and b, times those of b and c, added."""
    return _added(x, (x[:, a] - x[:, b]) * (x[:, b] - x[:, c]), target)


def _rounds(x: torch.Tensor, target: int, source: int) -> torch.Tensor:
    """Return what `target` sees of `source`, else 0, at each call up to 0.00008 higher."""
    # From 0.00001 on, so that some round to 0 and some to 0.0001.
    return _sees(x, target, source) - x + 1e-5 + 8e-5 * torch.rand_like(x)


def _sees_change(x: torch.Tensor, target: int, source: int) -> torch.Tensor:
    """Return ones, with one number at `target` larger by 0.0005 if `source` is not all 0."""
    out = torch.ones_like(x)
    out[0, target, 0].add_(5e-4 * x[:, source].any())
    return out


def _mean_of_past(x: torch.Tensor) -> torch.Tensor:
    return x.cumsum(dim=1) / torch.arange(1, x.shape[1] + 1)[:, None]


def _place_before(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], dim=1)


def _masked_in_time(x: torch.Tensor) -> torch.Tensor:
    """Return attention whose scores of the future are hidden before the softmax."""
    return torchs_attention(x, x, x, is_causal=True)


def _masked_too_late(x: torch.Tensor) -> torch.Tensor:
    """Return attention whose weights of the future are set to 0 after the softmax."""
    return torch.softmax(x @ x.transpose(-2, -1), dim=-1).tril() @ x


FUNCTIONS: dict[str, Function] = {
    "copy": lambda x: 1 * x,
    "mean of all": lambda x: x.mean(dim=1, keepdim=True).expand(x.shape),
    "mean of the past": _mean_of_past,
    "mean of the future": lambda x: _mean_of_past(x.flip(1)).flip(1),
    "the position before": _place_before,
    "the position after": lambda x: _place_before(x.flip(1)).flip(1),
    "two channels of the past": lambda x: _mean_of_past(_place_before(x))[..., :2] ** 2,
    "two channels of the future": lambda x: _mean_of_past(x.flip(1)).flip(1)[..., :2] ** 2,
    "masked in time": _masked_in_time,
    "masked too late": _masked_too_late,
    "sees": _sees,
    "sees a little": lambda x, target, source: _added(x, x[:, source] / 1000, target),
    "rises with": lambda x, target, source: _added(x, x[:, source].abs(), target),
    "falls with": lambda x, target, source: _added(x, -x[:, source].abs(), target),
    "sees channel": _sees_channel,
    "channel sees": _channel_sees,
    "text sees": _text_sees,
    "sees change": _sees_change,
    "sees differences": _sees_differences,
    "sees bends": _sees_bends,
    "rounds": _rounds,
}
"""Suspects for `is_causal`: x (B, T, C), and numbers that say more, to a tensor (B, T, D)."""

Suspect = tuple[str, list[int]]


@probe
def verdicts(
    _: dict[str, Any],
    is_causal: Callable[..., Any],
    suspects: list[Suspect],
    inputs: list[torch.Tensor],
) -> list[Any] | None:
    """Return what `is_causal` says of each of the FUNCTIONS `suspects`, each with its own input.

    None if it says nothing.
    """
    said = [
        is_causal(_only_for(x, FUNCTIONS[name], numbers), x)
        for (name, numbers), x in zip(suspects, inputs, strict=True)
    ]
    return None if all(each is None for each in said) else said


def _only_for(x: torch.Tensor, function: Function, numbers: list[int]) -> Function:
    """Return `function`, with `numbers`, which refuses what has another shape than `x`."""

    def checked(given: torch.Tensor) -> torch.Tensor:
        if given.shape != x.shape:
            shapes = f"{tuple(x.shape)}, not {tuple(given.shape)}"
            raise ValueError(f"this function takes tensors of the shape of x, {shapes}")
        return function(given, *numbers)

    return checked


@probe
def x_afterwards(namespace: dict[str, Any], is_causal: Callable[..., Any], x: torch.Tensor) -> Any:
    """Return what `is_causal` says of a copy and of a mean over all, and what is left of `x`."""
    said = verdicts(namespace, is_causal, [("copy", []), ("mean of all", [])], [x, x])
    return None if said is None else [*said, x]


@exercise("05_attention", "is_causal", points=4)
def is_causal(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    B, T, C = 3, 4, 3
    x, zeros = normal(rng, B, T, C), torch.zeros(B, T, C)

    def judged(
        name: str, suspects: dict[str, tuple[Suspect, bool]], hint: str, at: torch.Tensor = x
    ) -> Case:
        """Return a case that asks for all verdicts, in random order: both kinds are among them."""
        words = [str(word) for word in rng.permutation(list(suspects))]
        asked = [suspects[word][0] for word in words]

        def said() -> dict[str, Any]:
            given = student.probe(verdicts, student.is_causal, asked, [at] * len(asked))
            return dict(zip(words, given, strict=True))

        return case(name, said, {word: suspects[word][1] for word in words}, hint=hint)

    def looking(
        function: str, words: str, leaks: list[tuple[int, int]], which: Sequence[int] = ()
    ) -> dict[str, tuple[Suspect, bool]]:
        """Return suspects in which one position sees another: `leaks`, and those turned round."""
        suspects: dict[str, tuple[Suspect, bool]] = {}
        for i, (early, late) in enumerate(leaks):
            for positions in ((early, late), (late, early)):
                numbers = [*positions, *which[i : i + 1]]
                suspects[words.format(*numbers)] = (function, numbers), positions == (late, early)
        return suspects

    def leaks(count: int) -> list[tuple[int, int]]:
        """Return `count` different pairs of positions, the earlier one first."""
        pairs = [(early, late) for late in range(T) for early in range(late)]
        return [pairs[i] for i in rng.choice(len(pairs), count, replace=False)]

    yield case(
        "a function that copies its input, and the mean over all positions",
        lambda: student.probe(
            verdicts, student.is_causal, [("copy", []), ("mean of all", [])], [x, x]
        ),
        [True, False],
        hint="True for the copy, with True at the very end, after the loop. Change a fresh copy "
        "for each t, x.clone(), and compare only what comes out *before* the position from which "
        "you changed it, [:, :t]: that position itself may differ. False for the mean: a change of "
        "x at later positions changes the result before them. (The same numbers in another order "
        "have the same mean: change x to random ones.)",
    )
    yield case(
        "the same again, and x afterwards: as it was",
        lambda: student.probe(x_afterwards, student.is_causal, x),
        [True, False, x],
        hint="changed = x is the same tensor under a second name. x.clone() makes a copy.",
    )
    yield judged(
        "functions that look at the past, or at the future",
        {
            name: ((name, []), "past" in name or "before" in name)
            for name in (
                "mean of the past",
                "the position before",
                "mean of the future",
                "the position after",
            )
        },
        "The past may change what comes later. Change x from position t on, [:, t:], and look at "
        "what comes out before it, [:, :t]: not the other way round.",
    )
    everywhere = [(0, T - 1), (1, 2), (T - 2, T - 1)]
    yield judged(
        "only one position sees another one",
        looking("sees", "position {} sees position {}", everywhere),
        "A leak may be anywhere. Try every position t from 1 to T - 1, with a fresh copy each "
        "time, and compare all positions before t, not only the nearest or the first.",
    )
    yield judged(
        "an x of zeros",
        looking("sees", "position {} sees position {}", leaks(3)),
        "Setting the future to 0, or multiplying it, changes nothing if it is 0 already. Change "
        "it to random numbers.",
        at=zeros,
    )
    yield judged(
        "an x of zeros, and what comes out can only rise, or only fall",
        looking("rises with", "position {} rises with position {}", leaks(2))
        | looking("falls with", "position {} falls with position {}", leaks(1)),
        "A leak may make what comes out larger or smaller, so ask how far apart the two results "
        "are, whichever is larger: torch.allclose, or the .abs() of the difference.",
        at=zeros,
    )
    yield judged(
        "only one channel is seen",
        looking(
            "sees channel", "position {0} sees channel {2} of position {1}", leaks(C), range(C)
        ),
        "A leak may come from one channel only. Change all channels, changed[:, t:], not one "
        "of them such as changed[:, t:, 0].",
    )
    yield judged(
        "only one channel sees something",
        looking(
            "channel sees", "channel {2} of position {0} sees position {1}", leaks(C), range(C)
        ),
        "A leak may go to one channel only. Compare all channels, before[:, :t], not one of "
        "them such as before[:, :t, -1].",
    )
    yield judged(
        "only in one of three texts a position sees another one",
        looking("text sees", "in text {2} position {0} sees position {1}", leaks(B), range(B)),
        "A leak may show in one text only. Change all texts, changed[:, t:], and compare all of "
        "them, before[:, :t]. changed[0, t:] changes the first text alone, before[0, :t] compares "
        "the first text alone.",
    )
    yield judged(
        "one position sees another one a little: differences of about 0.001",
        looking("sees a little", "position {} sees position {}", leaks(3)),
        "Differences of more than 0.0001 are a leak: atol=1e-4 and no more, no rtol of your own, "
        "and no mean over the differences. And change x to numbers as large as those of "
        "torch.randn: a thousandth of such a change is to be seen.",
    )
    yield case(
        "a result with two channels, of the past or of the future, where x has three",
        lambda: student.probe(
            verdicts,
            student.is_causal,
            [("two channels of the past", []), ("two channels of the future", [])],
            [x, x],
        ),
        [True, False],
        hint="function may return (B, T, D) with another D than C.",
    )
    yield judged(
        "an x of zeros, and differences between the channels",
        looking(
            "sees differences", "position {} sees differences of position {}", leaks(3), [1] * 3
        ),
        "The same number in all channels leaves no differences between them. Each channel gets a "
        "number of its own: torch.randn_like(changed[:, t:]). And compare number by number: in a "
        "sum over the channels differences cancel.",
        at=zeros,
    )
    yield judged(
        "an x of zeros, and differences between the texts",
        looking(
            "sees differences", "position {} sees differences at position {}", leaks(3), [0] * 3
        ),
        "The same row in all texts leaves no differences between them. Each text gets numbers of "
        "its own: torch.randn_like(changed[:, t:]). And compare number by number: in a sum over "
        "the texts differences cancel.",
        at=zeros,
    )
    six = range(6)
    bends: dict[str, tuple[Suspect, bool]] = {}
    for _ in range(3):
        early, *late = sorted(int(position) for position in rng.choice(six, 4, replace=False))
        for target, positions in (
            (early, late),
            (5 - early, [5 - position for position in late[::-1]]),
        ):
            words = "position {} sees differences of positions {}, {} and {}".format(
                target, *positions
            )
            bends[words] = ("sees bends", [target, *positions]), target > positions[0]
    yield judged(
        "an x of zeros, and differences between three positions",
        bends,
        "The same row at all later positions leaves no differences between them. Each position "
        "gets numbers of its own: torch.randn_like(changed[:, t:]).",
        at=torch.zeros(B, len(six), C),
    )
    yield judged(
        "functions that round a little differently each time",
        looking("rounds", "position {} sees position {}", leaks(3)),
        "Differences of up to 0.0001 are no leak, however many there are: a sum or a norm of many "
        "is more than each. Ask with torch.allclose(a, b, atol=1e-4); torch.equal and == want the "
        "very last digit, also of what was rounded first, and torch.allclose without atol allows "
        "nearly nothing close to 0.",
    )
    yield judged(
        "an x of zeros, and a leak that changes one number by 0.0005",
        looking("sees change", "position {} sees a change of position {}", leaks(3)),
        "A difference of more than 0.0001 is a leak, in a single number too: atol=1e-4 and no "
        "more, no rtol of your own, and no mean over the differences.",
        at=zeros,
    )
    yield case(
        "attention, masked before its softmax and after it",
        lambda: student.probe(
            verdicts, student.is_causal, [("masked in time", []), ("masked too late", [])], [x, x]
        ),
        [True, False],
        hint="Masked after the softmax, the future is still in the sum that softmax divides by.",
    )
    few = [int(length) for length in rng.permutation([1, 1, 1, 2, 2, 2])]
    short = [normal(rng, 1, length, C) for length in few]
    yield case(
        "each position sees the next one, in texts of one position or two",
        lambda: student.probe(
            verdicts, student.is_causal, [("the position after", [])] * len(short), short
        ),
        [length == 1 for length in few],
        hint="With T = 1 there is no later position, so nothing can leak. With T = 2 there is one.",
    )
    B, T, C = 2, 7, 3
    yield judged(
        "texts of 7 positions",
        looking("sees channel", "position {} sees position {}", leaks(3), [2] * 3),
        "Try every position from 1 to T - 1, where T is x.shape[1].",
        at=normal(rng, B, T, C),
    )
