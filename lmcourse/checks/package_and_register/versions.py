"""The checks of `content_version`."""

from collections.abc import Callable, Iterator
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds, public_and_hidden
from lmcourse.checks.package_and_register.bundles import LESSON, digest, word, worthless_alone

Texts = list[list[str]]
"""Files: pairs of a name and a text."""


@probe
def versions_of(_: dict[str, Any], content_version: Callable[..., Any], *folders: Texts) -> Any:
    """Return the version of each of the folders, whose files hold these texts."""
    given = [content_version({name: text.encode() for name, text in files}) for files in folders]
    return None if all(version is None for version in given) else given


@probe
def files_after(_: dict[str, Any], content_version: Callable[..., Any], files: Texts) -> Any:
    """Return the version, and the files as they are afterwards."""
    mine = {name: text.encode() for name, text in files}
    version = content_version(mine)
    return None if version is None else [version, [[n, d.decode()] for n, d in mine.items()]]


@exercise(LESSON, "content_version", points=2)
def content_version(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def ask(of: Student, *folders: Texts) -> Any:
        return of.probe(versions_of, of.content_version, *folders)

    def texts(count: int) -> Texts:
        """Return files whose order by name is another than that by hash."""
        while True:
            files = [[f"{word(rng)}.txt", word(rng, 20)] for _ in range(count)]
            names = [name for name, _ in files]
            by_hash = sorted(names, key=lambda name: digest(dict(files)[name].encode()))
            if names not in (sorted(names), by_hash) and sorted(names) != by_hash:
                return files

    one = [[f"{word(rng)}.txt", word(rng, 20)]]

    def odd_kind() -> str:
        (version,) = ask(student, one)
        if not isinstance(version, str):
            return f"it is of type {type(version).__name__}"
        odd = [char for char in version if char not in "0123456789abcdef"]
        return f"{version!r}" if odd or len(version) != 16 else ""

    yield worthless_alone(
        holds(
            "what the version looks like",
            "16 hex digits",
            odd_kind,
            hint="`hashlib.sha256(...).hexdigest()` is a string of 64 hex digits. The version is "
            "the first 16 of it: `[:16]`.",
            points=0.5,
        )
    )

    def lines() -> Iterator[Case]:
        single, several = [[f"{word(rng)}.txt", word(rng, 20)]], texts(4)
        yield case(
            "the version of one file",
            lambda: ask(student, single)[0],
            ask(reference, single)[0],
            hint="For one file there is one line: 64 hex digits of the SHA-256 of its bytes, two "
            "spaces, its name, and a newline. The version is the SHA-256 of that line, as bytes: "
            "`line.encode()`.",
        )
        yield case(
            "the version of four files",
            lambda: ask(student, several)[0],
            ask(reference, several)[0],
            hint="One line for each file, sorted as lines, by what they begin with: "
            '`sorted(lines)`. Then all of them as one text: `"".join(lines)`.',
            points=2,
        )

    yield from public_and_hidden(lines)
    files = texts(5)
    wanted = ask(reference, files)[0]
    yield case(
        "the same files in two other orders",
        lambda: ask(student, files[::-1], files[2:] + files[:2]),
        [wanted, wanted],
        hint="A dictionary has an order, a folder has none: sort the lines, so that the same files "
        "always give the same version.",
    )
    (first, a), (second, b), *rest = files
    swapped = [[first, b], [second, a], *rest]
    moved = [[first, a + b[0]], [second, b[1:]], *rest]
    yield case(
        "two files that swapped their contents; a character that moved to the next file",
        lambda: ask(student, swapped, moved),
        ask(reference, swapped, moved),
        hint="The version depends on which file holds what: each line has the hash of one file and "
        "its name.",
    )
    yield case(
        "the files stay as they were",
        lambda: student.probe(files_after, student.content_version, files),
        [wanted, files],
        hint="Make a new list of lines; take nothing out of the dictionary that you were given.",
        points=0.5,
    )
