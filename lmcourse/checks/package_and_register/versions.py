"""The checks of `content_version`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds, public_and_hidden
from lmcourse.checks.package_and_register.bundles import (
    LESSON,
    digest,
    version_of,
    word,
    worthless_alone,
)

Texts = list[list[str]]
"""Files: pairs of a name and a text."""


@probe
def versions_of(_: dict[str, Any], content_version: Callable[..., Any], *folders: Texts) -> Any:
    """Return the version of each of the folders, whose files hold these texts in Latin-1.

    So every byte is a character of a text, also those that are no UTF-8.
    """
    given = [
        content_version({name: text.encode("latin-1") for name, text in files}) for files in folders
    ]
    return None if all(version is None for version in given) else given


@probe
def version_or_error(_: dict[str, Any], content_version: Callable[..., Any], files: Texts) -> str:
    """Return the version of these files, or what came in its place, in words."""
    try:
        return str(content_version({name: text.encode() for name, text in files}))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@contextmanager
def naming_versions() -> Iterator[None]:
    """Say of `content_version` that it is what was not started, and not of what calls it.

    Raises
    ------
    RuntimeError
        In place of the NotImplementedError of `content_version`.
    """
    try:
        yield
    except NotImplementedError as error:
        if str(error).startswith("content_version"):
            raise RuntimeError("content_version, which this calls, is not there yet") from None
        raise


@probe
def files_after(_: dict[str, Any], content_version: Callable[..., Any], files: Texts) -> Any:
    """Return the version, and the files as they are afterwards."""
    mine = {name: text.encode() for name, text in files}
    version = content_version(mine)
    return None if version is None else [version, [[n, d.decode()] for n, d in mine.items()]]


def _mistaken(name: str, text: str) -> dict[str, str]:
    """Return the versions of one file that mistakes give, and the mistakes in words."""
    hashed = digest(text.encode("latin-1"))
    lines = {
        f"{hashed} {name}\n": "one space between hash and name",
        f"{hashed}  {name}": "a line without its newline",
        f"{name}  {hashed}\n": "the name first, and then the hash",
        f"{hashed[:16]}  {name}\n": "16 digits of the file's hash in place of 64",
        f"{name}\n": "the names alone",
        f"{hashed}\n": "the hash alone, without the name",
    }
    versions = {digest(line.encode())[:16]: mistake for line, mistake in lines.items()}
    versions[hashed[:16]] = "the content alone, without a line"
    versions[digest(f"{hashed}  {name}\n".encode())[-16:]] = "the last 16 digits, not the first"
    return versions


def builds_on_versions(student: Student, rng: Rng) -> Case:
    """Return the case that says so where `content_version`, which others call, is not right yet."""
    files = [[f"{word(rng)}.txt", word(rng, 20)] for _ in range(5)]
    wanted = version_of({name: text.encode() for name, text in files})

    def odd() -> str:
        version = student.probe(version_or_error, student.content_version, files)
        return "" if version == wanted else f"{version} in place of {wanted}"

    return holds(
        "content_version, which this exercise calls",
        "the version of five files",
        odd,
        hint="Finish content_version first, above: what you do here rests on it, and is judged "
        "with it.",
        points=0.5,
    )


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
        wanted = ask(reference, single)[0]

        def odd() -> str:
            version = ask(student, single)[0]
            known = _mistaken(*single[0]).get(version) if isinstance(version, str) else None
            if version == wanted:
                return ""
            return f"{version!r}" + (f", the version that comes of {known}" if known else "")

        yield holds(
            "the version of one file",
            wanted,
            odd,
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
        twins = word(rng, 20)
        alike = [[f"{word(rng)}.txt", twins], [f"{word(rng)}.txt", twins]]
        raw = [[f"{word(rng)}.bin", f"\xff\x00{word(rng)}\xe9"]]
        accent = [[f"{word(rng)}é.txt", word(rng)]]
        yield case(
            "two files with the same content",
            lambda: ask(student, alike)[0],
            ask(reference, alike)[0],
            hint="Each file has its line, also where two have the same hash. In a dictionary from "
            "hashes to names one of them is lost.",
            points=0.5,
        )
        yield case(
            "bytes that are no text; a name with an é",
            lambda: ask(student, raw, accent),
            ask(reference, raw, accent),
            hint="Hash the bytes as they are: `hashlib.sha256(data)`, with no `decode`. A name may "
            "have any letters, and `.encode()` alone makes bytes of them all.",
            points=0.5,
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
