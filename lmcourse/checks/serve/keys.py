"""The checks of who may ask: keys, their hashes, their scopes, their ends."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.paste import each_of, shown_as
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import public_and_hidden

NAMES = ("ana", "bo", "chen", "dara", "emil", "fay", "goro", "hana", "ivo", "jun", "kaya", "lior")
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
ALIKE = {"a": "а", "e": "е", "o": "ο", "c": "с", "p": "р", "x": "х"}
"""Letters, and what looks like them: Cyrillic, and a Greek omicron."""

Request = list[Any]
"""The arguments of `authenticate`: header, keys, now, scope."""


def word(rng: Rng, letters: str, length: int) -> str:
    return "".join(letters[place] for place in rng.integers(0, len(letters), length))


def new_keys(rng: Rng) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the table of four keys by their ids, and by name the keys themselves.

    The first may do all, the second has no end, the third may not "complete", the
    fourth may not either, and is over early.
    """
    table, texts = {}, {}
    scopes = (["complete", "feedback"], ["complete"], ["feedback"], ["feedback"])
    end = int(rng.integers(10_000, 20_000))
    ends = (end, None, end, int(rng.integers(1000, 5000)))
    for name, may, until in zip(rng.permutation(NAMES)[:4], scopes, ends, strict=True):
        number = word(rng, "0123456789abcdef", 8)
        text = f"lm_{number}_aeopcx{word(rng, LETTERS, 26)}"
        table[number] = {
            "name": str(name),
            "hash": hashlib.sha256(text.encode()).hexdigest(),
            "scopes": may,
            "expires": until,
        }
        texts[str(name)] = text
    return table, texts


@probe
@shown_as(each_of)
def let_in(
    _: dict[str, Any], authenticate: Callable[..., Any], requests: list[Request]
) -> list[Any] | None:
    """Return what `authenticate` says of each of the `requests`, or None if it says nothing."""
    said = [authenticate(*request) for request in requests]
    if all(answer is None for answer in said):
        return None
    return [list(answer) if isinstance(answer, tuple) else answer for answer in said]


@contextmanager
def _counted(namespace: dict[str, Any], lengths: list[list[int]]) -> Iterator[None]:
    """Note the lengths of what is compared by `compare_digest`, under whatever name."""
    real = hmac.compare_digest

    def counted(a: Any, b: Any) -> bool:
        lengths.append(sorted({len(a), len(b)}))
        return real(a, b)

    places = [(vars(module), "compare_digest") for module in (hmac, secrets)]
    places += [(namespace, name) for name, value in namespace.items() if value is real]
    for names, name in places:
        names[name] = counted
    try:
        yield
    finally:
        for names, name in places:
            names[name] = real


@probe
def compared(
    namespace: dict[str, Any], authenticate: Callable[..., Any], requests: list[Request]
) -> Any:
    """Return for each request what `authenticate` says, and whether it compared two digests.

    A digest is as long as that of SHA-256, in bytes or in letters.
    """
    said = []
    for request in requests:
        lengths: list[list[int]] = []
        with _counted(namespace, lengths):
            answer = authenticate(*request)
        if answer is None:
            return None
        said.append([list(answer), any(length in ([32], [64]) for length in lengths)])
    return said


@probe
def table_after(
    _: dict[str, Any], authenticate: Callable[..., Any], table: Any, requests: list[Request]
) -> Any:
    """Return what `authenticate` says of header, time and scope, and the table as it leaves it."""
    answers = [authenticate(header, table, now, scope) for header, now, scope in requests]
    return None if None in answers else [*(list(answer) for answer in answers), table]


@exercise("12_serve", "authenticate", points=3)
def authenticate(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def cases() -> Iterator[Case]:
        table, texts = new_keys(rng)
        all_may, endless, other_scope, over = texts
        good = texts[all_may]
        number = good.split("_")[1]
        now = int(rng.integers(6000, 9000))
        welcome = [200, all_may]

        def asked(*headers: Any, scope: str = "complete", at: int = now) -> Callable[[], Any]:
            """Ask with a good key first, so that nothing is right that refuses everybody."""
            requests = [[header, table, at, scope] for header in (f"Bearer {good}", *headers)]
            return lambda: student.probe(let_in, student.authenticate, requests)

        def refused(name: str, *headers: Any, hint: str) -> Case:
            want = [welcome, *([401, None] for _ in headers)]
            return case(f"a good key, and {name}", asked(*headers), want, hint=hint)

        yield case(
            "a good key, and another's",
            asked(f"Bearer {texts[endless]}"),
            [welcome, [200, endless]],
            hint="The key is what stands behind 'Bearer '. The part between its underscores is "
            "its id: keys[id] is its record. Compare hashlib.sha256(key.encode()).hexdigest() "
            'with record["hash"]; return (200, record["name"]). An end of None is no end.',
        )
        yield refused(
            "no header at all",
            None,
            "",
            hint="Without the header, `header` is None; it may also be empty. That is (401, None), "
            "and no error.",
        )
        yield refused(
            "what is not 'Bearer' and one key",
            "Bearer",
            "Bearer ",
            good,
            f"Basic {good}",
            f"Bearer {good} {good}",
            f"Bearer {good}, Bearer {good}",
            hint="header.split() should give two words, of which the first is Bearer. More or "
            "fewer are (401, None): never take one of two keys.",
        )
        yield case(
            "'bearer' and 'BEARER'",
            asked(f"bearer {good}", f"BEARER {texts[endless]}"),
            [welcome, welcome, [200, endless]],
            hint="The word Bearer may be written in capitals or small letters: compare .lower().",
        )
        yield refused(
            "what has not the shape of a key",
            "Bearer x",
            "Bearer lm",
            "Bearer _",
            f"Bearer {number}",
            f"Bearer {good}_",
            hint="A key may have too few underscores, or too many: split('_')[1] must not fail, "
            "and the whole key must be the right one.",
        )
        yield refused(
            "an id that nobody has",
            f"Bearer lm_{word(rng, '0123456789abcdef', 9)}_{good.split('_')[2]}",
            hint="keys.get(id) is None for an id that is not there, and that is (401, None).",
        )
        yield refused(
            "one with other letters: the last one, capitals, one missing, one more",
            f"Bearer {good[:-1]}{'x' if good[-1] != 'x' else 'y'}",
            f"Bearer {good.swapcase()}",
            f"Bearer {good[:-1]}",
            f"Bearer {good}0",
            f"Bearer {good}{good}",
            hint="The hash of the WHOLE key as it came must be that in the record.",
        )
        yield refused(
            "an id with another's secret",
            f"Bearer lm_{number}_{texts[endless].split('_')[2]}",
            hint="Compare with the hash of the record that the id names, not with those of all.",
        )
        yield refused(
            "the hash in place of the key",
            f"Bearer {table[number]['hash']}",
            f"Bearer lm_{number}_{table[number]['hash']}",
            hint="Who has read your table must not get in by it: what comes is hashed, always.",
        )
        yield refused(
            "letters that look alike",
            *(
                f"Bearer lm_{number}_" + good.split("_")[2].replace(latin, other, 1)
                for latin, other in ALIKE.items()
            ),
            hint="hmac.compare_digest takes text of ASCII letters only, and raises a TypeError for "
            "others. Hashes have only those: compare the hashes, not the keys.",
        )
        end = table[number]["expires"]
        before, after = int(rng.integers(1, 500)), int(rng.integers(1, 500))
        yield case(
            "before its end, at its end, after it",
            lambda: student.probe(
                let_in,
                student.authenticate,
                [
                    [f"Bearer {good}", table, at, "complete"]
                    for at in (end - before, end - 1, end, end + after)
                ],
            ),
            [welcome, welcome, [401, None], [401, None]],
            hint='From record["expires"] on a key is worth nothing: now >= expires is (401, None).',
        )
        at_zero = table | {number: table[number] | {"expires": 0}}
        yield case(
            "one whose end is second 0",
            lambda: student.probe(
                let_in,
                student.authenticate,
                [[f"Bearer {text}", at_zero, now, "complete"] for text in (texts[endless], good)],
            ),
            [[200, endless], [401, None]],
            hint="Only None is no end: 0 is a time like any other. `is not None`, since 0 counts "
            "as false in an `if`.",
        )
        yield case(
            "one whose scopes do not have it",
            asked(f"Bearer {texts[other_scope]}"),
            [welcome, [403, other_scope]],
            hint="401 is 'I do not know you', 403 is 'I know you, and you may not': "
            "(403, name) where the scope is missing.",
        )
        yield case(
            "another scope",
            asked(*(f"Bearer {texts[name]}" for name in (other_scope, endless)), scope="feedback"),
            [welcome, [200, other_scope], [403, endless]],
            hint="Look for the scope that was handed in, not for 'complete'.",
        )
        longer = table | {number: table[number] | {"scopes": ["complete_all", "incomplete"]}}
        yield case(
            "one whose scopes only look like it",
            lambda: student.probe(
                let_in,
                student.authenticate,
                [[f"Bearer {text}", longer, now, "complete"] for text in (texts[endless], good)],
            ),
            [[200, endless], [403, all_may]],
            hint='The scopes are a list of whole words: `scope in record["scopes"]`, and not in '
            "their text or in one of them.",
        )
        yield refused(
            "a key that is over, and has not the scope",
            f"Bearer {texts[over]}",
            hint="Whose key is over is nobody: 401 goes before 403.",
        )
        yield case(
            "whether digests are compared by hmac.compare_digest",
            lambda: student.probe(
                compared,
                student.authenticate,
                [
                    [f"Bearer {text}", table, now, "complete"]
                    for text in (good, f"{good[:-2]}..", texts[endless])
                ],
            ),
            [[welcome, True], [[401, None], True], [[200, endless], True]],
            hint="== stops at the first letter that differs, and its time tells how many were "
            "right. hmac.compare_digest(a, b) takes as long for all.",
        )

    yield from public_and_hidden(cases)
    table, texts = new_keys(rng)
    first, *_, over = texts
    yield case(
        "a good key, and one that is over: what is said, and the table afterwards",
        lambda: student.probe(
            table_after,
            student.authenticate,
            table,
            [[f"Bearer {texts[name]}", 6000, "complete"] for name in (first, over)],
        ),
        [[200, first], [401, None], table],
        hint="authenticate reads the table, and changes nothing in it: a key that is over stays.",
    )
