"""The checks of what a log may hold: texts with names, addresses, numbers and keys in them."""

from collections.abc import Iterator

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import public_and_hidden
from lmcourse.checks.serve.keys import LETTERS, word

FIRST = ("Ana", "Bo", "Chen", "Dara", "Élise", "Fay", "Goro", "Hana", "Ivo", "Zoë")
LAST = ("Okafor", "Lindqvist", "Müller", "Ruiz", "Tanaka", "Novak", "Øster", "Bauer")
FIRMS = ("mill", "bakery", "post", "harbour", "school")
ENDS = ("org", "example", "co.uk", "fr")
PLAIN = (
    "The fox had 12 apples, and 3 of them were red.",
    "It was 1948, and 3.14 is about pi.",
    "I am glad. i am a bear, and i'm tired.",
    "Meet me @ noon; a_b, lm and lm_ are no keys.",
    "One day a wolf met 100 sheep; 99 ran.",
    "My name is not known to the owl.",
)
WIDE = {ord(digit): chr(ord("０") + int(digit)) for digit in "0123456789"} | {ord("@"): "＠"}
"""To the wide digits that are typed in Japan, and the wide @."""


def digits(rng: Rng, length: int) -> str:
    return word(rng, "0123456789", length)


def address(rng: Rng) -> str:
    who = str(rng.choice(FIRST[:4])).lower()
    between = str(rng.choice([".", "_", "-", "+", ""]))
    return f"{who}{between}{word(rng, 'abcdefgh0123', 4)}@{rng.choice(FIRMS)}.{rng.choice(ENDS)}"


def phones(rng: Rng) -> list[str]:
    """Return a telephone number in seven spellings."""
    a, b, c = digits(rng, 3), digits(rng, 3), digits(rng, 4)
    return [
        f"{a}{b}{c}",
        f"{a} {b} {c}",
        f"{a}-{b}-{c}",
        f"({a}) {b}-{c}",
        f"+1 {a}.{b}.{c}",
        f"+44 ({a}) {b} {c}",
        f"{a}/{b} {c}",
    ]


@exercise("12_serve", "redact", points=2)
def redact(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def cases() -> Iterator[Case]:
        def turned(name: str, texts: list[str], want: list[str] | None, hint: str) -> Case:
            """Ask for `texts`, each with a word behind it that nobody can have learnt.

            Without `want` they must stay as they are.
            """
            tails = [f" {word(rng, 'bcdfghjkmnpqrst', 7)}" for _ in texts]
            asked, wanted = (
                [text + tail for text, tail in zip(all_of, tails, strict=True)]
                for all_of in (texts, texts if want is None else want)
            )
            return case(name, lambda: [student.redact(text) for text in asked], wanted, hint=hint)

        def hidden_in(kind: str, items: list[str]) -> tuple[list[str], list[str]]:
            """Return sentences with `items` in them, and the same with `kind` in their place."""
            frames = ["Write to {}.", "{}", "is it {}, or not?", "<{}>", "the first\n{}\nthe last"]
            chosen = [str(frame) for frame in rng.choice(frames, len(items))]
            return [f.format(item) for f, item in zip(chosen, items, strict=True)], [
                f.format(kind) for f in chosen
            ]

        plain = [str(text) for text in rng.permutation(PLAIN)]
        count = int(rng.integers(10, 99))
        plain.append(f"{count} geese and {count + 1} hens")
        yield turned(
            "texts with nothing to hide",
            plain,
            plain,
            "What is not personal stays as it is, letter by letter: short numbers too, and a small "
            "letter after 'I am' is no name.",
        )
        yield turned(
            "e-mail addresses",
            *hidden_in(
                "[email]",
                [
                    *(address(rng) for _ in range(3)),
                    f"chen+{word(rng, 'abcdefgh', 3)}@mill.example",
                    f"{word(rng, 'abcdefgh', 1)}@b.co.uk",
                ],
            ),
            "Before the @ letters, digits and . _ % + -; behind it letters, digits, - and at least "
            "one point with letters behind it. A full stop at the end of the sentence stays.",
        )
        yield turned(
            "an address of capitals",
            [f"{address(rng).upper()} or {address(rng)}"],
            ["[email] or [email]"],
            "Addresses are written in capitals too: [A-Za-z...].",
        )
        runs = [digits(rng, length) for length in (7, 9, 16, 22)]
        yield turned(
            "numbers of 7 digits and more in one run",
            *hidden_in("[number]", runs),
            r"A digit, \d, and at least six more: (?:...\d){6,}.",
        )
        spellings = phones(rng)
        yield turned(
            "a telephone number in seven spellings",
            [f"Call {spelling} now" for spelling in spellings],
            ["Call [number] now"] * 7,
            r"Up to two of ' ', -, ., /, ( and ) may stand between two digits: [ \-./()]{0,2}. "
            "A + or ( before it goes with it.",
        )
        day = "/".join(f"{n}" for n in rng.integers(10, 29, 3))
        yield turned(
            "few digits with signs between them",
            [f"on {day} at six", f"from {digits(rng, 2)} - {digits(rng, 2)} / {digits(rng, 1)}"],
            None,
            r"Seven digits are the least, and signs do not count: a digit, and six times or more "
            r"'up to two signs and a digit', \d(?:[ \-./()]{0,2}\d){6,}.",
        )
        near, far = digits(rng, 4), digits(rng, 4)
        yield turned(
            "short numbers that stand apart: three signs between them, or a new line",
            [f"{near} - {far}", f"{near}\n{far}", f"{near}  ({far})"],
            None,
            r"At most two of the signs stand between two digits, {0,2}; and a line break is not "
            r"one of them: a space in the brackets, and no \s.",
        )
        yield turned(
            "a + and brackets before a number",
            [f"+({digits(rng, 2)}) {spellings[1]}", f"(({digits(rng, 3)}) {spellings[1]}"],
            ["[number]", "([number]"],
            r"A + goes with it, a (, or both as +(, each once: \+?\(? before the first digit.",
        )
        card = digits(rng, 16)
        grouped = " ".join(card[i : i + 4] for i in range(0, 16, 4))
        yield turned(
            "a card's number, and six digits, which stay",
            [f"card {grouped}", f"card {'-'.join(grouped.split())}", f"code {card[:6]}"],
            ["card [number]", "card [number]", f"code {card[:6]}"],
            "Seven digits are the least. Six, such as a postcode or a date, stay.",
        )
        keys = [f"lm_{word(rng, LETTERS, 8)}_{word(rng, LETTERS, 24)}" for _ in range(4)]
        keys[0] = f"lm_{digits(rng, 8)}_{digits(rng, 20)}"
        yield turned(
            "keys",
            *hidden_in("[key]", keys),
            "lm_ and one or more letters, digits or underscores: all of it becomes [key]. Keys "
            "come before the numbers, which else take the digits out of them.",
        )
        yield turned(
            "lm_ in the middle of a word",
            [f"the film_{word(rng, LETTERS, 6)} ended"],
            None,
            r"A key begins at the edge of a word: \b before lm_.",
        )
        numbered = f"{digits(rng, 8)}@{rng.choice(FIRMS)}.org"
        yield turned(
            "an address that begins with digits",
            [f"to {numbered}"],
            ["to [email]"],
            "Addresses come before the numbers, which else take their digits.",
        )
        first, other = (str(name) for name in rng.choice(FIRST, 2, replace=False))
        last = str(rng.choice(LAST))
        yield turned(
            "names",
            [
                f"My name is {first}.",
                f"I am {first} {last}, and you?",
                f"well, I'm {other}-{first} {last}!",
            ],
            ["My name is [name].", "I am [name], and you?", "well, I'm [name]!"],
            "After 'my name is', 'I am' or \"I'm\": one to three words that begin with a capital, "
            "[A-ZÀ-Þ], with one space or hyphen between them. The words before them stay.",
        )
        yield turned(
            "names with an accent, and of one letter",
            [f"I am Álvaro {last}", f"I'm Ö. {other}", f"I am J {last}"],
            ["I am [name]", f"I'm [name]. {other}", "I am [name]"],
            r"A capital is [A-ZÀ-Þ], which has Á and Ö; any number of letters may follow it, also "
            r"none: \w*.",
        )
        yield turned(
            "where a name ends",
            [
                f"I am {first} {other} {last} Bauer",
                f"I am {first}\nTomorrow",
                f"I am {other}  {last}",
            ],
            ["I am [name] Bauer", "I am [name]\nTomorrow", f"I am [name]  {last}"],
            "One to three words, with ONE space or hyphen between them, [ -]: no line break, no "
            "second space, no fourth word.",
        )
        yield turned(
            "names, when people shout or do not care",
            [f"MY NAME IS {last.upper()}", f"i am {first}", f"my  name is   {other}"],
            ["MY NAME IS [name]", "i am [name]", "my  name is   [name]"],
            r"The words before a name may be in capitals, and have several spaces: (?i:...) for "
            r"those words alone, and \s+ between them.",
        )
        yield turned(
            "words that only look like the beginning",
            [f"Miriam {last} came", f"Hi am {first}", "I am [name]"],
            [f"Miriam {last} came", f"Hi am {first}", "I am [name]"],
            r"'I am' is a word of its own: \b before it.",
        )
        cases_of_order = [
            f"lm_{word(rng, LETTERS, 4)}_{word(rng, LETTERS, 4)}@mill.example",
            f"I am {rng.choice(FIRST[:4])}@{rng.choice(FIRMS)}.org",
            f"I am {word(rng, 'ABCDEF', 1)}{digits(rng, 8)}",
        ]
        yield turned(
            "what two of the patterns match",
            cases_of_order,
            ["[key]@mill.example", "I am [email]", "I am [name][number]"],
            "The order is that of the table: keys, addresses, numbers, names.",
        )
        spaced = f"  {word(rng, 'bcdfgh', 5)}  {word(rng, 'bcdfgh', 5)} \n"
        yield case(
            "spaces and line breaks around a text",
            lambda: student.redact(spaced),
            spaced,
            hint="They stay as they are: no strip().",
        )
        wide = address(rng)
        yield turned(
            "wide digits, and the wide ＠",
            [f"ring {spellings[2].translate(WIDE)}", f"at {wide.translate(WIDE)}"],
            ["ring [number]", "at [email]"],
            'The same sign may have many codes: unicodedata.normalize("NFKC", text) first.',
        )
        everything = (
            f"I am {first} {last} ({address(rng)}, {spellings[5]}), key {keys[1]}; {first} has "
            f"{int(rng.integers(2, 90))} apples."
        )
        rest = everything.split("has ")[1]
        want = f"I am [name] ([email], [number]), key [key]; {first} has {rest}"
        yield turned(
            "all in one",
            [everything, rest],
            [want, rest],
            "Only what stands right after the words is a name. All four kinds, one after the "
            "other: keys, addresses, numbers, names.",
        )

    yield from public_and_hidden(cases)
    text = f"I am Ana, {address(rng)}, {digits(rng, 9)}, lm_{word(rng, LETTERS, 5)}_b"
    yield case(
        "what was redacted, redacted again",
        lambda: student.redact(student.redact(text)),
        "I am [name], [email], [number], [key]",
        hint="[name] and the others stay as they are.",
    )
