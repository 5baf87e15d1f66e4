"""The checks of `find_secrets`: files over several commits, with secrets and with what looks so."""

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import public_and_hidden
from lmcourse.checks.pipelines.drawing import LESSON, LETTERS, SMALL, all_stays, some, word

PATHS = (
    *("service.py", "train.py", "deploy/app.yaml", "tests/test_keys.py", "README.md", "Makefile"),
    *("settings.toml", "azure-pipelines.yml", "notes/todo.txt", "tools/send.sh", "config.json"),
)
PLAIN = (
    "import torch",
    "the fox and the owl share what they have",
    "def load(path): return json.loads(path.read_text())",
    "timeout = 30",
    "TOKEN = os.environ['TOKEN']",
    "password: $(PASSWORD)",
    "key: ${{ secrets.KEY }}",
    "print('a lm_ is no key, nor is ghp_ or AKIA')",
    "",
)
HEX = "0123456789abcdef"

History = list[dict[str, str]]


def _bits(text: str) -> float:
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts)


def random_word(rng: Rng, length: int, letters: str = LETTERS) -> str:
    """Return a word with a digit in it that has clearly more than 4 bits a sign."""
    while True:
        text = word(rng, letters, length)
        if _bits(text) > 4.05 and any(sign.isdigit() for sign in text):
            return text


def token(rng: Rng) -> str:
    start = str(rng.choice(["lm_", "ghp_", "AKIA"]))
    return start + word(rng, LETTERS, int(rng.integers(16, 40)))


def begin_of(kind: str) -> str:
    return f"-----BEGIN {kind}-----"


def plain(rng: Rng, count: int) -> list[str]:
    return [str(line) for line in rng.choice(PLAIN, count)]


def among(rng: Rng, *lines: str) -> tuple[str, list[int]]:
    """Return a text with `lines`, in this order, among harmless ones; and their numbers from 1."""
    text: list[str] = []
    numbers = []
    for line in lines:
        text += [*plain(rng, int(rng.integers(0, 5))), line]
        numbers.append(len(text))
    return "\n".join([*text, *plain(rng, int(rng.integers(0, 4)))]) + "\n", numbers


@exercise(LESSON, "find_secrets", points=4)
def find_secrets(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def found(name: str, history: History, want: list[Any], hint: str) -> Case:
        def asked() -> Any:
            came = student.find_secrets(history)
            return [list(each) for each in came] if isinstance(came, list) else came

        wanted = [list(each) for each in want]
        return case(name, asked, wanted, hint=hint)

    def one(name: str, kind: str, *lines: str, hint: str, clean: tuple[str, ...] = ()) -> Case:
        """Return the case that of one file just `lines` are named, and not those of `clean`."""
        path, other = some(rng, PATHS, 2)
        text, numbers = among(rng, *lines, *clean)
        bare, _ = among(rng)
        want = [(0, path, number, kind) for number in numbers[: len(lines)]]
        return found(name, [{other: bare, path: text}], want, hint)

    def cases() -> Iterator[Case]:
        yield one(
            "tokens",
            "token",
            f"key = '{token(rng)}'",
            f"Authorization: Bearer lm_{word(rng, HEX, 8)}_{word(rng, LETTERS, 20)}",
            f"GITHUB_TOKEN=ghp_{word(rng, LETTERS, 36)}",
            f'"AKIA{word(rng, LETTERS, 16)}"',
            hint="A word ends at every sign that is no letter, digit, _, + or -, such as = or / or "
            "a quote. For each file, each line, counted from 1, and each word of it: does it begin "
            "with lm_, ghp_ or AKIA, and are there 16 signs or more behind that? A sorted list of "
            '(0, path, line, "token").',
        )
        yield one(
            "what begins like a token, and is too short, or in the middle of a word",
            "token",
            f"x = {token(rng)}",
            hint="At least 16 signs behind the beginning; and the beginning is that of a WORD: a "
            "run of letters, digits, _, + and -.",
            clean=(
                f"see lm_{word(rng, LETTERS, 15)}",
                f"the film_{word(rng, SMALL, 18)}",
                f"a{'AKIA'}{word(rng, SMALL[:9], 17)}",
            ),
        )
        yield one(
            "a private key",
            "private key",
            begin_of(str(rng.choice(["RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY"]))),
            hint="A line with -----BEGIN and, behind it, PRIVATE KEY-----; between them there may "
            "be the name of a kind, such as RSA, or nothing.",
        )
        kinds = ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY")
        public = f"-----BEGIN PUBLIC KEY----- of {word(rng)}"
        path, other = some(rng, PATHS, 2)
        text, (line,) = among(rng, begin_of(str(rng.choice(kinds))))
        backwards, _ = among(rng, f"PRIVATE KEY----- is no {public}", "-----END PRIVATE KEY-----")
        yield found(
            "PRIVATE KEY in front of BEGIN",
            [{other: backwards, path: text}],
            [(0, path, line, "private key")],
            "PRIVATE KEY----- stands BEHIND -----BEGIN in the line, not anywhere in it; and "
            "a PUBLIC KEY, or a CERTIFICATE, is for everybody.",
        )
        three = some(rng, PATHS, 4)
        texts = [among(rng, begin_of(k)) for k in (*some(rng, kinds, 3), "PUBLIC KEY")]
        yield found(
            "three private keys and a public one",
            [{path: text for path, (text, _) in zip(three, texts, strict=True)}],
            sorted(
                (0, path, numbers[0], "private key")
                for path, (_, numbers) in zip(three[:3], texts, strict=False)
            ),
            "PRIVATE KEY----- must be in the line. Each of the three is told; a PUBLIC KEY, or a "
            "CERTIFICATE, is for everybody.",
        )
        yield one(
            "random words",
            "entropy",
            f"password = '{random_word(rng, 32)}'",
            f"DATABASE={random_word(rng, 28)};",
            f"url: https://ana:{random_word(rng, 40)}@db.mill.org/x",
            f"  {random_word(rng, 48)}",
            hint="A word of 24 signs or more, with a digit in it and more than 4 bits a sign, is "
            '"entropy": such words nobody makes up.',
        )
        hashed, commit = word(rng, HEX, 64), word(rng, HEX, 40)
        number = "-".join(word(rng, HEX, n) for n in (8, 4, 4, 4, 12))
        yield one(
            "hashes, a UUID, long names",
            "entropy",
            f"salt={random_word(rng, 36)}",
            hint="A hash has 16 signs, and so at most 4 bits a sign; long names have letters that "
            "come again and again. Only MORE than 4 bits count.",
            clean=(
                f"sha256:{hashed}",
                f"commit {commit}",
                f"id = {number}",
                "def test_the_notebook_runs_when_it_is_filled_in_2():",
                f"{word(rng, SMALL[:8], 20)}_{word(rng, SMALL[:8], 20)}_{rng.integers(10, 99)}",
            ),
        )
        short = random_word(rng, 23)
        apart = random_word(rng, 40)
        yield one(
            "words that are a little too short, or not one word",
            "entropy",
            f"k = {random_word(rng, 24)}",
            hint="24 signs are the least; and a word ends at every sign that is no letter, digit, "
            "_, + or -, such as / or a point or =.",
            clean=(f"k = {short}", f"x = {apart[:20]}/{apart[20:]}", f"{apart[:18]}.{apart[18:]}"),
        )
        letters = word(rng, SMALL + SMALL.upper(), 60)
        yield one(
            "letters of other languages, and marks in small or capital letters",
            "token",
            f"ü{token(rng)}ß",
            f"über: {token(rng)}é",
            hint="Letters are A to Z and a to z: at an ä or an é a word ends, "
            "which \\w does not know. [A-z] is more than letters too: it "
            "has [ ] ^ and ` in it. And LM_ is no mark: "
            "lm_, ghp_ and AKIA are, as they are written.",
            clean=(f"LM_{word(rng, SMALL[:9], 17)}", f"Ghp_{word(rng, SMALL[:9], 17)}"),
        )
        long, other_long = random_word(rng, 40), random_word(rng, 40)
        yield one(
            "words with + and - in them, and four bits exactly",
            "entropy",
            f"k = {long[:20]}-{long[20:]}",
            f"k = {other_long[:20]}+{other_long[20:]}",
            hint="_, + and - belong to the word; [ ] ^ and ` end it. And a word of exactly 4 bits "
            "a sign does not count: MORE than 4.",
            clean=(
                f"x = {long[:20]}[{long[20:]}]",
                f"`{long[1:21]}`{long[21:]}",
                f"{long[2:22]}^{long[22:]}",
                f"id = {''.join(str(sign) for sign in rng.permutation(list(HEX * 2)))}",
            ),
        )
        yield one(
            "a random word without a digit",
            "entropy",
            f"k: {random_word(rng, 30)}",
            hint="A word without a digit is no key: that leaves out long names in CamelCase.",
            clean=(f"k: {letters}",),
        )
        a, b, c = (str(shown) for shown in rng.permutation(["example", "EXAMPLE", "Example"]))
        yield one(
            "examples",
            "token",
            f"key: {token(rng)}",
            hint="A line with the word example in it, in capitals or not, is not looked at at all.",
            clean=(
                f"for {a}: {token(rng)}",
                f"AKIA{word(rng, LETTERS, 12)}{b}",
                f"{begin_of('PRIVATE KEY')} (an {c})",
                f"{b} = {random_word(rng, 30)}",
                f"{c} = {token(rng)}",
            ),
        )
        path, other, third = some(rng, PATHS, 3)
        left, right = token(rng), random_word(rng, 30)
        text, (line,) = among(rng, f"{left} and {right}, {token(rng)}")
        yield found(
            "several in one line",
            [{path: text}],
            [(0, path, line, "entropy"), (0, path, line, "token")],
            "A line may hold several kinds: each (commit, path, line, kind) once. A token is no "
            '"entropy" beside that.',
        )

        text, (line,) = among(rng, f"{begin_of('PRIVATE KEY')} {token(rng)}")
        yield found(
            "a token beside a private key",
            [{path: text}],
            [(0, path, line, "private key"), (0, path, line, "token")],
            "A line with a private key may hold a token as well: go on.",
        )

        secret, later = token(rng), random_word(rng, 33)
        with_it, (line,) = among(rng, f"key = {secret}")
        without, _ = among(rng)
        start, _ = among(rng)
        yield found(
            "one that was taken out again",
            [{path: start}, {path: with_it}, {path: without}],
            [(1, path, line, "token")],
            "Look at every commit, and not only at the last one: whoever has a copy has them all.",
        )
        yield found(
            "one in a file that is gone",
            [{path: with_it, other: start}, {other: start}],
            [(0, path, line, "token")],
            "Files of earlier commits count, also where the last one has them no more.",
        )
        lower = "\n\n" + with_it
        yield found(
            "one that stays, and moves down",
            [{path: start}, {path: with_it}, {path: lower}, {path: lower, other: start}],
            [(1, path, line, "token")],
            "Each secret of a file is told once: where it stands in the first commit that has it. "
            "Remember pairs of path and word.",
        )
        again, (second,) = among(rng, f"send {secret}")
        yield found(
            "the same one in two files",
            [{path: with_it}, {path: with_it, other: again}],
            sorted([(0, path, line, "token"), (1, other, second, "token")]),
            "In another file it is told again: it has to be taken out there as well.",
        )
        mixed, (first, last) = among(rng, f"a = {later}", f"b = {token(rng)}")
        key, (begin,) = among(rng, begin_of("RSA PRIVATE KEY"))
        yield found(
            "a history with all kinds",
            [{other: start}, {other: mixed, path: with_it}, {other: without}, {third: key}],
            sorted(
                [
                    (1, other, first, "entropy"),
                    (1, other, last, "token"),
                    (1, path, line, "token"),
                    (3, third, begin, "private key"),
                ]
            ),
            "Sorted by commit, path, line and kind, as sorted() does with tuples.",
        )
        yield found(
            "a file with two private keys, and then a third",
            [{path: f"{key}{key}"}, {path: f"x\n{key}{key}{begin_of('EC PRIVATE KEY')}"}],
            [(0, path, begin, "private key")],
            "The private keys of one file are told once, at the first: they go together.",
        )
        clean, _ = among(rng)
        yield found(
            "nothing at all",
            [{path: clean, other: "", third: with_it}],
            [(0, third, line, "token")],
            "Empty files and harmless lines have none.",
        )

    yield from public_and_hidden(cases)
    name = some(rng, PATHS, 1)[0]
    history = [{name: f"x\n{token(rng)}"}, {name: "x"}]
    yield all_stays(
        "the history, afterwards",
        student,
        "find_secrets",
        history,
        answer=[[0, name, 2, "token"]],
        hint="The history stays as it is.",
    )
