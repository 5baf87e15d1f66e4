"""`grader similar`: who wrote too much alike, and who did not."""

import re
from pathlib import Path

import nbformat
import pytest
from course import COURSE, ROOT

from grader.author.render import fill
from grader.course.regions import stub, without_markers
from grader.gradebook.copies import keep_copy
from grader.gradebook.store import Gradebook, SubmissionResult
from grader.reports.similar import COMMON, GRAM, WINDOW, Work, grams, similar_pairs, tokens, winnow
from grader.reports.similar import main as similar

LESSON = "02_bigrams"

# Four students who did not talk to each other.
LOOPS = {
    "count_bigrams": """
def count_bigrams(ids, V):
    counts = torch.zeros(V, V)
    for i in range(len(ids) - 1):
        counts[ids[i], ids[i + 1]] += 1
    return counts
""",
    "nll": """
def nll(table, ids):
    total = 0.0
    for a, b in zip(ids[:-1].tolist(), ids[1:].tolist()):
        total += -math.log(table[a, b].item())
    return total / (len(ids) - 1)
""",
    "count_ngrams": """
def count_ngrams(text, n):
    result = defaultdict(Counter)
    for size in range(n):
        for i in range(size, len(text)):
            result[text[i - size:i]][text[i]] += 1
    return dict(result)
""",
    "ngram_backoff": """
def ngram_backoff(counts, context, char, V, borrow=1.0):
    if context == "":
        shorter = 1.0 / V
    else:
        shorter = ngram_backoff(counts, context[1:], char, V, borrow)
    if context not in counts:
        return shorter
    total = sum(counts[context].values())
    return (counts[context][char] + borrow * shorter) / (total + borrow)
""",
}
TENSORS = {
    "count_bigrams": """
def count_bigrams(ids, V):
    flat = V * ids[:-1] + ids[1:]
    hist = torch.bincount(flat, minlength=V ** 2)
    return hist.view(V, V).to(torch.float32)
""",
    "nll": """
def nll(table, ids):
    picked = table[ids[:-1], ids[1:]]
    return float(-torch.log(picked).mean())
""",
    "count_ngrams": """
def count_ngrams(text, n):
    out = {}
    for end in range(len(text)):
        start = max(0, end - n + 1)
        while start <= end:
            out.setdefault(text[start:end], Counter()).update(text[end])
            start += 1
    return out
""",
    "ngram_backoff": """
def ngram_backoff(counts, context, char, V, borrow=1.0):
    prob = 1 / V
    for k in range(len(context) + 1):
        suffix = context[len(context) - k:]
        seen = counts.get(suffix)
        if seen:
            prob = (seen[char] + borrow * prob) / (seen.total() + borrow)
    return prob
""",
}
HELPERS = {
    "count_bigrams": """
def count_bigrams(ids, V):
    table = [[0] * V for _ in range(V)]
    for first, second in pairwise(ids.tolist()):
        table[first][second] += 1
    return torch.tensor(table, dtype=torch.float32)
""",
    "nll": """
def nll(table, ids):
    surprises = [-table[i][j].log() for i, j in pairwise(ids)]
    return torch.stack(surprises).mean().item()
""",
    "count_ngrams": """
def contexts(text, i, n):
    return [text[i - k:i] for k in range(n) if k <= i]

def count_ngrams(text, n):
    table = {}
    for i in range(len(text)):
        for context in contexts(text, i, n):
            if context in table:
                table[context][text[i]] += 1
            else:
                table[context] = Counter(text[i])
    return table
""",
    "ngram_backoff": """
def ngram_backoff(counts, context, char, V, borrow=1.0):
    if not context and "" not in counts:
        return 1 / V
    back = ngram_backoff(counts, context[1:], char, V, borrow) if context else 1 / V
    row = counts.get(context, Counter())
    n = sum(row.values())
    return back if n == 0 else (row[char] + borrow * back) / (n + borrow)
""",
}
HONEST = {"ada": LOOPS, "ben": TENSORS, "cleo": HELPERS}


def solution() -> dict[str, str]:
    exercises = COURSE.lesson(LESSON).exercises()
    return {name: without_markers(cell.text) for name, cell in exercises.items()}


def renamed(sources: dict[str, str]) -> dict[str, str]:
    """Rename the variables, write other docstrings and comments, and set it out anew."""
    names = {"counts": "c", "places": "tmp", "smoothed": "q", "seen": "row", "context": "ctx"}
    names |= {"char": "letter", "probs": "pr", "ids": "tokens_", "text": "story", "k": "size"}
    pattern = re.compile(r"\b(?<!\.)(" + "|".join(names) + r")\b")
    changed = {}
    for name, text in sources.items():
        text = re.sub(r'""".*?"""', '"""Mine, all mine."""', text)
        text = pattern.sub(lambda match: names[match[1]], text)
        changed[name] = re.sub(r" *#.*", "", text).replace(" = ", "=") + "\n\n# my own work"
    return changed


def works(students: dict[str, dict[str, str]], lesson: str = LESSON) -> list[Work]:
    return [Work(name, lesson, sources) for name, sources in students.items()]


def pairs(students: dict[str, dict[str, str]]) -> list[tuple[str, str]]:
    return [pair.students for pair in similar_pairs(COURSE, works(students))]


def test_students_who_wrote_apart_are_not_listed() -> None:
    assert pairs({**HONEST, "dora": solution()}) == []


def test_a_copy_is_found_and_said_where() -> None:
    found = similar_pairs(COURSE, works({**HONEST, "dan": dict(LOOPS)}))
    assert [pair.students for pair in found] == [("ada", "dan")]
    assert found[0].share == pytest.approx(1)
    assert set(found[0].exercises) == {"count_bigrams", "nll", "count_ngrams", "ngram_backoff"}


def test_renaming_comments_and_docstrings_hide_nothing() -> None:
    copied = renamed(solution())
    assert "places" not in "".join(copied.values())
    (found,) = similar_pairs(COURSE, works({**HONEST, "dora": solution(), "eve": copied}))
    assert found.students == ("dora", "eve")
    assert found.share > 0.9


def test_reordering_functions_hides_nothing() -> None:
    one = {"count_ngrams": LOOPS["count_ngrams"] + LOOPS["ngram_backoff"] + LOOPS["nll"]}
    other = {"nll": LOOPS["nll"] + LOOPS["ngram_backoff"] + LOOPS["count_ngrams"]}
    (found,) = similar_pairs(COURSE, works({"ada": one, "dan": other, "ben": TENSORS}))
    assert found.students == ("ada", "dan")
    assert found.share > 0.8


def test_a_part_that_was_copied_is_found() -> None:
    part = {name: LOOPS[name] for name in ("count_ngrams", "ngram_backoff")}
    (found,) = similar_pairs(COURSE, works({**HONEST, "dan": part}))
    assert found.students == ("ada", "dan")
    assert set(found.exercises) == set(part)


def test_what_many_write_alike_does_not_flood_the_list() -> None:
    students = {f"student-{i:02}": dict(LOOPS) for i in range(COMMON + 3)}
    assert pairs(students) == []
    students["student-00"] = dict(HELPERS)
    students["student-01"] = renamed(HELPERS)
    assert pairs(students) == [("student-00", "student-01")]


def test_short_answers_that_are_alike_are_not_listed() -> None:
    short = {"nll": TENSORS["nll"], "quiz": 'answer_1 = "a"\nanswer_2 = "b"'}
    assert pairs({"ada": short, "ben": dict(short), "cleo": HELPERS}) == []


def test_the_released_code_counts_for_nothing() -> None:
    exercises = COURSE.lesson(LESSON).exercises()
    released = {name: stub(cell.text, name) for name, cell in exercises.items()}
    assert pairs({"ada": released, "ben": dict(released)}) == []


def test_lessons_are_compared_apart() -> None:
    one, other = works({"ada": LOOPS})[0], works({"ben": LOOPS}, "01_data")[0]
    assert similar_pairs(COURSE, [one, other]) == []


def test_nobody_is_nobodys_copy() -> None:
    assert similar_pairs(COURSE, []) == []
    assert similar_pairs(COURSE, works({"ada": LOOPS})) == []
    assert similar_pairs(COURSE, works({"ada": {"nll": ""}, "ben": {"nll": "((("}})) == []


def test_tokens_keep_what_cannot_be_renamed() -> None:
    code = 'def f(a):\n    """Doc."""\n    b = a.sum(dim=1)  # why\n    return len(b) + f"{b}"'
    same = "def g(x):\n    y=x.sum(dim=1)\n    return len(y)+f'{y}'"
    assert tokens(code) == tokens(same)
    assert "sum" in tokens(code)
    assert "len" in tokens(code)
    assert "why" not in " ".join(tokens(code))
    assert tokens(code) != tokens(code.replace("sum", "max"))


def test_every_long_passage_leaves_a_fingerprint() -> None:
    # The promise of winnowing: of WINDOW fingerprints in a row, one is chosen.
    passage = grams("result = [value + 3 for value in numbers if value % 7 != 2 * other]")
    assert len(passage) >= WINDOW
    for before, after in (("x = 1\n" * 9, ""), ("", "while True: pass\n"), ("y = {}\n", "z = 2\n")):
        text = before + "result = [value + 3 for value in numbers if value % 7 != 2 * other]\n"
        assert winnow(grams(text + after)) & set(passage)
    assert winnow([]) == set()
    assert grams("x = 1") == []
    assert GRAM > 5


@pytest.fixture
def handed_in(tmp_path: Path) -> Path:
    lesson = COURSE.lesson(LESSON)
    released = nbformat.read(ROOT / "notebooks" / f"{LESSON}.ipynb", as_version=4)
    every = dict.fromkeys(lesson.exercises())
    folder = tmp_path / "class"
    folder.mkdir()
    students = {**HONEST, "dan": renamed(LOOPS), "blank": {}}
    for student, sources in students.items():
        nbformat.write(fill(released, lesson, every | sources), folder / f"{student}.ipynb")
    (folder / "broken.ipynb").write_text("{")
    return folder


def test_a_folder_of_submissions(handed_in: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert similar(COURSE, handed_in) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == "5 submissions, 1 pair too alike"
    assert re.fullmatch(r" *\d+%  02_bigrams  ada +dan +\w+(, \w+)+", rest[0])


def test_a_gradebooks_copies(
    handed_in: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "grades"
    gradebook = Gradebook(folder)
    for path in handed_in.iterdir():
        keep_copy(folder, path.stem, LESSON, path)
        status = "not_a_notebook" if path.stem == "broken" else "graded"
        gradebook.write(SubmissionResult(path.stem, LESSON, path.name, "", status, "", 0.0, []))
    similar(COURSE, folder)
    text = capsys.readouterr().out
    assert text.startswith("5 submissions, 1 pair too alike\n")
    similar(COURSE, handed_in)
    assert capsys.readouterr().out == text
