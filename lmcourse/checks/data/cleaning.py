"""Checks of `clean`."""

from collections.abc import Iterator

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import same_as_reference

LESSON = "01_data"


WORDS = ["fox", "owl", "bee", "carp", "crow", "mule", "newt", "toad", "wolf", "heron", "otter"]


@exercise(LESSON, "clean", points=3)
def clean(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    one, two, three, four = rng.permutation(WORDS)[:4].tolist()
    page = int(rng.integers(2, 1000))

    yield case(
        "clean text stays as it is",
        lambda: student.clean(f'The {one} sat.\n\n"Mine," {two} said.\n'),
        f'The {one} sat.\n\n"Mine," {two} said.\n',
        hint="text that is clean already must come back unchanged, with its empty lines and its "
        "last line end: split('\\n') and '\\n'.join keep it, splitlines() and strip() lose it",
        points=0.25,  # little, for it passes untouched
    )
    yield case(
        "no line end is added",
        lambda: student.clean(f"The {one} sat.\nThe {two}."),
        f"The {one} sat.\nThe {two}.",
        hint="text that ends without a line end must not gain one: '\\n'.join(lines) puts them "
        "between the lines, + '\\n' puts one behind the last line too",
        points=0.25,
    )
    yield case(
        "spaces between words stay",
        lambda: student.clean(f"a {one}  and a   {two}"),
        f"a {one}  and a   {two}",
        hint="several spaces between two words stay as many as they are: only those at the end of "
        "a line go. (split() without an argument loses them.)",
        points=0.25,
    )
    yield case(
        "Windows line ends",
        lambda: student.clean(f"{one}\r\n{two}\r\n\r\n{three}"),
        f"{one}\n{two}\n\n{three}",
        hint="replace the pair \\r\\n by one \\n; replacing \\r by \\n leaves two line ends",
    )
    yield case(
        "non-breaking spaces",
        lambda: student.clean(f"a\u00a0proud\u00a0{one}"),
        f"a proud {one}",
        hint="replace '\\u00a0' by an ordinary space ('\\xa0' is the same character)",
    )
    yield case(
        "curly double quotes",
        lambda: student.clean(f"\u201cMine,\u201d {one} said."),
        f'"Mine," {one} said.',
        hint='both double quotes, “ and ”, become a straight "',
    )
    yield case(
        "curly single quotes",
        lambda: student.clean(f"\u2018{one}\u2019, and it\u2019s not."),
        f"'{one}', and it's not.",
        hint="both single quotes, ‘ and ’, become a straight '; the second is an apostrophe too",
    )
    yield case(
        "spaces at the end of lines",
        lambda: student.clean(f"{one} \n{two}   \n  \n{three}"),
        f"{one}\n{two}\n\n{three}",
        hint="take the spaces off the end of every line, not only of the whole text: "
        "split into lines first",
    )
    yield case(
        "spaces at the end of the last line",
        lambda: student.clean(f"{one}\n{two}  "),
        f"{one}\n{two}",
        hint="the last line has no line end behind it, but its spaces go too: rstrip(' ') each "
        "line, where replacing ' \\n' misses the last one",
        points=0.5,
    )
    yield case(
        "spaces at the start of a line stay",
        lambda: student.clean(f"a {one}:\n    and its {two}"),
        f"a {one}:\n    and its {two}",
        hint="only the end of a line loses its spaces: rstrip, not strip",
        points=0.25,
    )
    yield case(
        "page marks",
        lambda: student.clean(f"[page {page}]\nthe {one}\n[page {page + 1}]\nsat down"),
        f"the {one}\nsat down",
        hint="a page mark goes with its line end: leave the line out, do not make it empty",
    )
    yield case(
        "a page mark with another number",
        lambda: student.clean(f"the {one}\n[page {two}]\nsat down"),
        f"the {one}\nsat down",
        hint="between '[page ' and ']' may stand anything, not digits alone",
        points=0.5,
    )
    yield case(
        "page marks below each other",
        lambda: student.clean(f"the {one}\n[page {page}]\n[page {page + 1}]\n\n[page]\n"),
        f"the {one}\n\n[page]\n",
        hint="each page mark goes, also when the line before or behind it is one; other lines stay",
        points=0.5,
    )
    mentions = (
        f"He opened [page {page}]\n[page 3] was {one}.\n  [page 5]\n[Page 6]\nsee [page 4] below"
    )
    yield case(
        "a line that only mentions a page stays",
        lambda: student.clean(mentions),
        mentions,
        hint="a page mark is a whole line: it starts with '[page ', with no space in front and "
        "with no capital, and it ends with ']'",
        points=0.25,
    )
    yield case(
        "a page mark with spaces of both kinds behind it",
        lambda: student.clean(f"the {one}\r\n[page {page}]\u00a0 \r\nsat\u00a0\r\ndown"),
        f"the {one}\nsat\ndown",
        hint="order matters: first the characters, then the spaces at the ends of lines, then the "
        "page marks",
    )
    yield case(
        "tabs and single carriage returns stay",
        lambda: student.clean(f"{one}\t\n{two}\r{three}\n"),
        f"{one}\t\n{two}\r{three}\n",
        hint="repair only what the table names: rstrip() takes tabs too, rstrip(' ') spaces alone; "
        "replace the pair \\r\\n, for a \\r on its own stays",
        points=0.25,
    )
    others = list("–—…«»„‚é`ß½\u2009\u200b\u000c")
    odd = "".join(f"{others[int(i)]}{four}" for i in rng.permutation(len(others)))
    yield case(
        "other characters stay",
        lambda: student.clean(odd),
        odd,
        hint="repair only what the table names: dashes, dots, accents, other quotes and other "
        "spaces stay as they are",
        points=0.25,
    )
    yield case(
        "an empty text",
        lambda: student.clean(""),
        "",
        hint="'' stays ''",
        points=0.25,
    )
    yield from same_as_reference(
        student,
        reference,
        "everything at once",
        lambda notebook, text: notebook.clean(text),
        lambda: [_wild_text(rng)],
        hint="all rules together",
    )


def _wild_text(rng: Rng) -> str:
    """Return twelve lines that need all repairs; no page mark ends the text without a line end."""
    parts = [*WORDS[:4], "\u201cno\u201d", "it\u2019s", "\u2018so\u2019", "[page 9]", "\u00a0", ""]
    ends = ["\r\n", "\n", " \r\n", "\u00a0\n", "\r\n\r\n", "\t\n"]
    lines = []
    for kind in rng.permutation(12):
        line = " ".join(parts[int(i)] for i in rng.integers(0, len(parts), 4))
        if kind < 3:
            line = f"[page {line}]"
        elif kind < 6:
            line = f"see {line}."
        lines.append(line + ends[int(rng.integers(0, len(ends)))])
    return "".join([*lines, "The end. "])
