import io
import json
import os
import stat
import zipfile
from pathlib import Path

import nbformat
import pytest

from grader.submissions import archives, notebook_file
from grader.submissions import collect as collecting
from grader.submissions import notebook as notebook_module
from grader.submissions.cells import cells_to_run
from grader.submissions.notebook import Notebook, Problem, Submission
from grader.terminal.names import person

LESSONS = ["00_start", "01_data", "02_bigrams"]


def read(path):
    return notebook_module.read(path, LESSONS)


def cell(source, tags=()):
    return {
        "cell_type": "code",
        "source": source,
        "metadata": {"tags": list(tags)},
        "outputs": [],
        "execution_count": None,
    }


def notebook(lesson="02_bigrams", code="x = 1", **metadata):
    """Return a notebook as its file holds it."""
    setup = f'from lmcourse import check\ncheck.lesson("{lesson}")' if lesson else "import torch"
    title = {"cell_type": "markdown", "source": "# Title", "metadata": {}}
    return {
        "nbformat": 4,
        "nbformat_minor": 4,
        "metadata": {"kernelspec": {"name": "python3", "language": "python"}, **metadata},
        "cells": [title, cell(setup), cell(code)],
    }


def write(path, content=None, modified=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(content, bytes):
        content = json.dumps(notebook() if content is None else content).encode()
    path.write_bytes(content)
    if modified is not None:
        os.utime(path, (modified, modified))
    return path


def zipped(path, members):
    """Write a zip of (name or ZipInfo, content) pairs and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            archive.writestr(name, data)
    return path


def zip_bytes(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members:
            archive.writestr(name, json.dumps(content))
    return buffer.getvalue()


def collect(path, scratch, lesson=None):
    return collecting.collect(path, scratch, LESSONS, lesson).submissions


def students(found):
    return [submission.student for submission in found]


def only(found: list[Submission]) -> Submission:
    assert len(found) == 1
    return found[0]


# --- Reading one notebook


def test_a_notebook_is_read_as_plain_data(tmp_path):
    book = notebook(code="y = 2")
    book["cells"][2]["metadata"] = {"tags": ["demo", 7]}
    path = write(tmp_path / "ada.ipynb", book)
    found = read(path)
    assert isinstance(found, Notebook)
    assert found.lesson == "02_bigrams"
    assert [cell.source for cell in found.cells][1] == "y = 2"
    assert found.cells[1].tags == ("demo",)
    assert found.note == ""
    assert found.sha256 == read(path).sha256
    assert found.sha256 != read(write(path, notebook(code="y = 3"))).sha256


@pytest.mark.parametrize("source", ["a = 1\nb = 2", ["a = 1\n", "b = 2"]])
def test_source_may_be_text_or_lines(tmp_path, source):
    book = notebook()
    book["cells"][2]["source"] = source
    found = read(write(tmp_path / "a.ipynb", book))
    assert found.cells[1].source == "a = 1\nb = 2"


def test_any_unicode_comes_out_as_text_that_can_be_written(tmp_path):
    book = notebook(code="s = '\ud800 \U0001f600 \u202e é'")
    found = read(write(tmp_path / "a.ipynb", book))
    assert found.cells[1].source == "s = '� \U0001f600 \u202e é'"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_does_no_harm(tmp_path, encoding):
    data = json.dumps(notebook()).encode(encoding)
    assert isinstance(read(write(tmp_path / "a.ipynb", data)), Notebook)


def test_the_lesson_is_what_a_cell_calls(tmp_path):
    book = notebook("01_data", grader={"lesson": "00_start"})
    assert read(write(tmp_path / "02_bigrams.ipynb", book)).lesson == "01_data"


def test_else_the_lesson_is_what_the_metadata_says(tmp_path):
    book = notebook("", grader={"lesson": "00_start"})
    assert read(write(tmp_path / "02_bigrams.ipynb", book)).lesson == "00_start"


def test_else_the_lesson_is_in_the_name_of_the_file(tmp_path):
    path = write(tmp_path / "ada_1_2_02_Bigrams-3.ipynb", notebook(""))
    assert read(path).lesson == "02_bigrams"


def test_a_comment_or_an_unknown_lesson_names_none(tmp_path):
    book = notebook("", code='# check.lesson("01_data")\ncheck.lesson("99_none")')
    assert read(write(tmp_path / "a.ipynb", book)).lesson is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "there is nothing in it"),
        (b" \n", "there is nothing in it"),
        (b"PK\x03\x04", "not valid JSON"),
        (b"\xff\xfe\x00\x01\x02", "not valid JSON"),
        (json.dumps(notebook()).encode()[:-20], "not valid JSON"),
        (b"9" * 10_000, "not valid JSON"),
        (b"[" * 200_000, "nested"),
        (b'{"a":' * 200_000, "nested"),
        (b"[]", "another kind"),
        (b'{"cells": []}', "another kind"),
        (b'{"nbformat": true, "cells": []}', "another kind"),
        (b'{"nbformat": 5, "cells": []}', "newer"),
        (b'{"nbformat": 4}', "no list of cells"),
        (b'{"nbformat": 4, "cells": [1]}', "cell 1 is broken"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": {}}]}', "cell 1 is broken"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": [1]}]}', "cell 1 is broken"),
        (b'{"nbformat": 3, "worksheets": 1}', "old format"),
        (b'{"nbformat": -1, "worksheets": []}', "old format"),
    ],
)
def test_what_is_not_a_notebook_is_said_to_be_none(tmp_path, data, words):
    found = read(write(tmp_path / "02_bigrams.ipynb", data))
    assert isinstance(found, Problem)
    assert found.status == "not_a_notebook"
    assert words in found.message
    assert found.message.endswith("hand in that file.")
    assert found.lesson == "02_bigrams"


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: None])
def test_what_is_not_a_file_is_a_problem_too(tmp_path, make):
    path = tmp_path / "a.ipynb"
    make(path)
    assert read(path).status == "not_a_notebook"


def test_a_file_may_have_20_megabytes_and_no_more(tmp_path, monkeypatch):
    data = json.dumps(notebook()).encode()
    path = write(tmp_path / "a.ipynb", data)
    monkeypatch.setattr(notebook_module, "MAX_FILE_BYTES", len(data))
    assert isinstance(read(path), Notebook)
    monkeypatch.setattr(notebook_module, "MAX_FILE_BYTES", len(data) - 1)
    found = read(path)
    assert found.status == "too_large"
    assert "20 MB" in found.message
    assert archives.MAX_FILE_BYTES == 20_000_000


@pytest.mark.parametrize("code", [None, "", "  \n"])
def test_a_notebook_without_code_is_empty(tmp_path, code):
    book = notebook()
    book["cells"] = book["cells"][:1]
    if code is not None:
        book["cells"].append(cell(code))
    assert read(write(tmp_path / "a.ipynb", book)).status == "empty"


@pytest.mark.parametrize(
    ("metadata", "word"),
    [
        ({"kernelspec": {"name": "ir", "display_name": "R"}}, " r,"),
        ({"kernelspec": {"name": "ir", "language": "R"}}, " r,"),
        ({"kernelspec": {"name": "julia-1.9"}}, " julia,"),
        ({"kernelspec": {}, "language_info": {"name": "julia"}}, " julia,"),
    ],
)
def test_another_language_is_named(tmp_path, metadata, word):
    found = read(write(tmp_path / "a.ipynb", notebook(**metadata)))
    assert found.status == "wrong_language"
    assert word in found.message


@pytest.mark.parametrize("kernel", [{"name": "python3"}, {"name": "py", "language": "Python"}])
def test_python_may_be_said_in_several_ways(tmp_path, kernel):
    found = read(write(tmp_path / "a.ipynb", notebook(kernelspec=kernel)))
    assert isinstance(found, Notebook)
    assert found.note == ""


@pytest.mark.parametrize("kernel", [{}, None, [], {"name": "mine"}])
def test_a_missing_kernel_is_noted(tmp_path, kernel):
    found = read(write(tmp_path / "a.ipynb", notebook(kernelspec=kernel)))
    assert isinstance(found, Notebook)
    assert "run as Python" in found.note


def test_an_old_notebook_is_upgraded_and_noted(tmp_path):
    old = nbformat.convert(nbformat.from_dict(notebook(code="z = 3")), 3)
    found = read(write(tmp_path / "a.ipynb", json.loads(nbformat.v3.writes_json(old))))
    assert isinstance(found, Notebook)
    assert found.lesson == "02_bigrams"
    assert found.cells[-1].source == "z = 3"
    assert "old format (3)" in found.note


@pytest.mark.parametrize(
    "old",
    [
        {
            "nbformat": 1,
            "cells": [{"cell_type": "text", "text": "t"}, {"cell_type": "code", "code": "z = 3"}],
        },
        {
            "nbformat": 2,
            "worksheets": [
                {"cells": [{"cell_type": "heading", "source": "t"}]},
                {"cells": [{"cell_type": "code", "input": ["z = ", "3"], "outputs": []}]},
            ],
        },
    ],
)
def test_the_oldest_notebooks_are_read_too(tmp_path, old):
    found = read(write(tmp_path / "02_bigrams.ipynb", old))
    assert isinstance(found, Notebook)
    assert [cell.source for cell in found.cells] == ["z = 3"]


def test_the_parts_of_a_plain_notebook_are_counted_without_a_look_at_each(tmp_path, monkeypatch):
    monkeypatch.setattr(notebook_file, "_PART", None)
    assert isinstance(read(write(tmp_path / "a.ipynb")), Notebook)


def test_more_parts_than_a_notebook_has_are_refused_before_they_take_memory(tmp_path):
    book = notebook()
    book["metadata"]["data"] = [{}] * notebook_file.MAX_PARTS
    found = read(write(tmp_path / "a.ipynb", book))
    assert found.status == "not_a_notebook"
    assert "more than 500,000 parts" in found.message


@pytest.mark.parametrize(
    ("cells", "where"),
    [(["", "x" * 100_001], "in cell 5"), (["x" * 99_999] * 6, "in this notebook")],
)
def test_code_that_is_too_long_is_answered(tmp_path, cells, where):
    book = notebook()
    book["cells"] += [cell(source) for source in cells]
    found = read(write(tmp_path / "a.ipynb", book))
    assert found.status == "too_large"
    assert where in found.message


def test_cells_to_run_leaves_out_demos_and_keeps_the_numbers(tmp_path):
    book = notebook("", code="a = 1")
    for source, tags in [("slow()", ["demo"]), ("", []), ("plot()", []), ("b = 2", [])]:
        book["cells"].append(cell(source, tags))
    found = read(write(tmp_path / "a.ipynb", book))
    assert isinstance(found, Notebook)
    cells = cells_to_run(found.cells, {"plot()"})
    assert [(run.number, run.source) for run in cells] == [
        (1, "import torch"),
        (2, "a = 1"),
        (6, "b = 2"),
    ]


def test_cells_run_on_the_least_data_whatever_the_student_chose(tmp_path):
    path = write(tmp_path / "a.ipynb", notebook(code="preset = 'gpu'  # or so\nx = 'gpu'"))
    found = read(path)
    assert isinstance(found, Notebook)
    sources = [cell.source for cell in cells_to_run(found.cells)]
    assert "preset = \"smoke\"  # or so\nx = 'gpu'" in sources


# --- Finding a class's files


def test_a_folder_of_notebooks(tmp_path):
    for name in ("student-02", "student-01", "ada_1_02_bigrams"):
        write(tmp_path / "class" / f"{name}.ipynb")
    write(tmp_path / "class" / "README.md", b"not a student")
    found = collect(tmp_path / "class", tmp_path)
    assert students(found) == ["ada_1_02_bigrams", "student-01", "student-02"]
    assert found[1] == Submission("student-01", tmp_path / "class" / "student-01.ipynb")


def test_a_single_notebook(tmp_path):
    assert students(collect(write(tmp_path / "ada.ipynb"), tmp_path)) == ["ada"]


def test_a_folder_for_each_student_with_a_notebook_for_each_lesson(tmp_path):
    root = tmp_path / "class"
    write(root / "ada" / "first.ipynb", notebook("01_data"))
    write(root / "ada" / "second.ipynb", notebook("02_bigrams"))
    write(root / "ben" / "deep" / "down" / "02.ipynb")
    found = collect(root, tmp_path)
    assert students(found) == ["ada", "ada", "ben"]
    assert {submission.read(LESSONS).lesson for submission in found[:2]} == {
        "01_data",
        "02_bigrams",
    }
    assert all(submission.note == "" for submission in found)


def test_a_students_folder_keeps_its_name(tmp_path):
    root = tmp_path / "class"
    for name in ("group.a", "ada_101_9001_x"):
        write(root / name / "hw.ipynb")
    assert students(collect(root, tmp_path)) == ["ada_101_9001_x", "group.a"]


@pytest.mark.parametrize("inside", [".", "submitted"])
def test_an_nbgrader_course_or_what_was_submitted_to_it(tmp_path, inside):
    course = tmp_path / "course"
    write(course / "source" / "hw" / "hw.ipynb")
    write(course / "autograded" / "ada" / "hw" / "hw.ipynb")
    write(course / "submitted" / "ada" / "hw" / "hw.ipynb")
    write(course / "submitted" / "ada" / "hw" / "timestamp.txt", b"2024-01-01")
    write(course / "submitted" / "ben" / "hw" / "hw.ipynb")
    found = collect(course / inside, tmp_path)
    assert students(found) == ["ada", "ben"]
    assert found[0].path == course / "submitted" / "ada" / "hw" / "hw.ipynb"


CANVAS = [
    "lovelaceada_101_9001_02_bigrams.ipynb",
    "turingben_LATE_102_9002_my work.ipynb",
    "turingben_103_9003_02_bigrams-1.ipynb",
    "anon_x7Kq2_9004_02_bigrams.ipynb",
]
CANVAS_STUDENTS = ["anon_x7Kq2", "lovelaceada_101", "turingben_102", "turingben_103"]


@pytest.mark.parametrize("place", ["folder", "zip"])
def test_what_canvas_gives(tmp_path, place):
    root = tmp_path / "class"
    if place == "folder":
        for name in CANVAS:
            write(root / name)
    else:
        root = zipped(root / "submissions.zip", [(name, notebook()) for name in CANVAS])
    found = collect(root, tmp_path)
    assert students(found) == CANVAS_STUDENTS
    assert all(isinstance(submission.read(LESSONS), Notebook) for submission in found)
    assert found[1].path.name == CANVAS[0]


MOODLE = [
    "Ada One_201_assignsubmission_file_/02_bigrams.ipynb",
    "Ada One_202_assignsubmission_file/sub/02_bigrams.ipynb",
    "Zoë Ünal_203_assignsubmission_file_02_bigrams.ipynb",
]
MOODLE_STUDENTS = ["Ada One_201", "Ada One_202", "Zoë Ünal_203"]


@pytest.mark.parametrize("place", ["folder", "zip"])
def test_what_moodle_gives(tmp_path, place):
    root = tmp_path / "class"
    if place == "folder":
        for name in MOODLE:
            write(root / name)
    else:
        root = zipped(root / "Course-hw-77.zip", [(name, notebook()) for name in MOODLE])
    found = collect(root, tmp_path)
    assert students(found) == MOODLE_STUDENTS


def test_a_zip_of_a_folder_of_students(tmp_path):
    root = zipped(
        tmp_path / "week (1).zip",
        [(f"week/{name}/hw.ipynb", notebook()) for name in ("ada", "ben")],
    )
    assert students(collect(root, tmp_path)) == ["ada", "ben"]


def test_each_student_may_hand_in_a_zip(tmp_path):
    work = zip_bytes([("hw/01.ipynb", notebook("01_data")), ("hw/02.ipynb", notebook())])
    members = [("ada.zip", work), ("ben/hw.zip", work), ("coy_301_9005_hw.zip", work)]
    root = zipped(tmp_path / "class.zip", members)
    assert students(collect(root, tmp_path)) == ["ada", "ada", "ben", "ben", "coy_301", "coy_301"]


def test_a_student_cannot_hand_in_for_another(tmp_path):
    root = tmp_path / "class"
    forged = [("ben_102_9999_02_bigrams.ipynb", notebook())]
    write(root / "ada_101_9001_hw.zip", zip_bytes(forged))
    write(root / "coy_201_assignsubmission_file_" / forged[0][0])
    write(root / "ben_102_9002_02_bigrams.ipynb")
    found = {submission.student: submission for submission in collect(root, tmp_path)}
    assert sorted(found) == ["ada_101", "ben_102", "coy_201"]
    assert found["ben_102"].path.name == "ben_102_9002_02_bigrams.ipynb"


FORGED = {
    "Canvas": ("ada_101_9001_hw.zip", "ben_102_9999_02_bigrams.ipynb", "coy_103_1_x.ipynb"),
    "Moodle": (
        "ada.zip",
        "ben_102_assignsubmission_file_/02.ipynb",
        "coy_9_assignsubmission_file_/x",
    ),
}


@pytest.mark.parametrize("place", ["folder", "zip"])
@pytest.mark.parametrize(("mine", "first", "second"), FORGED.values(), ids=FORGED)
def test_a_students_own_zip_is_never_taken_for_a_class(tmp_path, place, mine, first, second):
    """It gets no class's limits either: 50 files are the most that a student's zip may give."""
    theirs = [("ben_102_9002_02_bigrams.ipynb", notebook(code="x = 'honest'"))]
    for count in (1, 2, 60):
        forged = [(first, notebook("", "x = 'forged'")), (second, notebook())][:count]
        forged += [(f"{n}{first}", notebook()) for n in range(count - 2)]
        members = [(mine, zip_bytes(forged)), *theirs]
        root = tmp_path / f"{place} {count}"
        if place == "zip":
            zipped(root / "class.zip", members)
            root = root / "class.zip"
        else:
            for name, content in members:
                write(root / name, content)
        found = {
            submission.student: submission.read(LESSONS) for submission in collect(root, tmp_path)
        }
        assert len(found) == 2
        assert found["ben_102"].cells[-1].source == "x = 'honest'"
        del found["ben_102"]
        (answer,) = found.values()
        if count > 1:
            assert "holds what Canvas or Moodle gives for a whole class" in answer.message


def test_a_mark_of_moodles_in_a_name_makes_it_nobody_elses(tmp_path):
    root = tmp_path / "class"
    write(root / "Ben_102_assignsubmission_file_" / "02.ipynb")
    write(root / "Ben_102_assignsubmission_file_x_201_assignsubmission_file_" / "02.ipynb")
    assert students(collect(root, tmp_path)) == ["Ben_102", "Ben_102_assignsubmission_file_x_201"]


def test_hidden_files_and_checkpoints_are_left_out(tmp_path):
    root = tmp_path / "class"
    write(root / "ada" / "02.ipynb")
    for name in (".ipynb_checkpoints/02-checkpoint.ipynb", "__MACOSX/._02.ipynb", "._02.ipynb"):
        write(root / "ada" / name, b"junk")
    assert only(collect(root, tmp_path)).path.name == "02.ipynb"
    members = [("ada.ipynb", notebook()), ("__MACOSX/._ada.ipynb", b"x"), (".hidden.ipynb", b"x")]
    assert students(collect(zipped(tmp_path / "c.zip", members), tmp_path)) == ["ada"]


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("hw.ipynb", "hw-1.ipynb"),
        ("hw-9.ipynb", "hw-10.ipynb"),
        ("hw.ipynb", "hw (1).ipynb"),
        ("hw (2).ipynb", "hw-3.ipynb"),
    ],
)
def test_the_highest_number_in_the_name_counts(tmp_path, older, newer):
    root = tmp_path / "class"
    write(root / "ada" / older, modified=2_000_000_000)
    write(root / "ada" / newer, modified=1_000_000_000)
    found = only(collect(root, tmp_path))
    assert found.path.name == newer
    answer = found.read(LESSONS)
    assert isinstance(answer, Notebook)
    assert f"this is about {newer}, not {older}" in answer.note


def test_with_equal_numbers_the_file_changed_last_counts(tmp_path):
    root = tmp_path / "class"
    write(root / "ada" / "z.ipynb", modified=1_000_000_000)
    write(root / "ada" / "a.ipynb", modified=1_000_100_000)
    assert only(collect(root, tmp_path)).path.name == "a.ipynb"


def test_canvas_counts_its_uploads(tmp_path):
    root = tmp_path / "class"
    write(root / "ada_101_9001_02_bigrams-2.ipynb")
    write(root / "ada_LATE_101_10001_final.ipynb")
    assert only(collect(root, tmp_path)).path.name == "ada_LATE_101_10001_final.ipynb"


def test_the_newest_counts_also_if_it_cannot_be_read(tmp_path):
    root = tmp_path / "class"
    write(root / "ada" / "02_bigrams.ipynb")
    write(root / "ada" / "02_bigrams-1.ipynb", b"broken")
    answer = only(collect(root, tmp_path)).read(LESSONS)
    assert isinstance(answer, Problem)
    assert answer.status == "not_a_notebook"
    assert "not 02_bigrams.ipynb" in answer.message


def test_for_one_lesson_each_student_has_one_submission(tmp_path):
    root = tmp_path / "class"
    write(root / "ada" / "02.ipynb", modified=1_000_000_000)
    write(root / "ada" / "01.ipynb", notebook("01_data"), modified=1_000_100_000)
    write(root / "ben" / "01.ipynb", notebook("01_data"))
    found = collect(root, tmp_path, "02_bigrams")
    assert [submission.path.name for submission in found] == ["02.ipynb", "01.ipynb"]
    assert found[0].note == ""


@pytest.mark.parametrize("lesson", [None, "02_bigrams"])
def test_whoever_handed_in_anything_is_there_with_what_was_found(tmp_path, lesson):
    root = tmp_path / "class"
    write(root / "ada_101_9001_essay.pdf", b"%PDF")
    write(root / "Ben Two_201_assignsubmission_onlinetext_" / "onlinetext.html", b"<p>")
    write(root / "coy.zip", zip_bytes([("hw.py", "print()")]))
    write(root / "dee.py", b"print()")
    write(root / "eve" / "hw.pdf", b"%PDF")
    write(root / "eve" / "cover.docx", b"PK")
    write(root / "fay.json", b'{"points": 10}')
    write(root / "gus_LATE_105_text.html", b"<p>")
    write(root / "hal_106_link.html", b"<p>")
    zipped(root / "ivy.zip", [])
    write(root / "README.md", b"not a student")
    write(root / "roster.csv", b"student")
    (root / "jo" / "hw").mkdir(parents=True)
    found = collecting.collect(root, tmp_path, LESSONS, lesson)
    told = {submission.student: submission.read(LESSONS) for submission in found.submissions}
    words = {
        "Ben Two_201": "onlinetext.html (a web page or an online text)",
        "ada_101": "ada_101_9001_essay.pdf (a PDF)",
        "coy": "coy.zip (a zip with no notebook in it)",
        "dee": "dee.py (a Python script)",
        "eve": "cover.docx (a document), hw.pdf (a PDF)",
        "fay": "fay.json",
        "gus_105": "gus_LATE_105_text.html (a web page or an online text)",
        "hal_106": "hal_106_link.html",
        "ivy": "ivy.zip (a zip with no notebook in it)",
        "jo": "Nothing was handed in: the folder is empty, or all in it is hidden.",
    }
    assert set(told) == set(words)
    for student, answer in told.items():
        assert isinstance(answer, Problem)
        assert words[student] in answer.message
        assert answer.status == ("not_submitted" if student == "jo" else "not_a_notebook")
        assert student == "jo" or "File > Download > .ipynb" in answer.message
    assert found.remarks == ["left out, as nobody's work: README.md, roster.csv"]


@pytest.mark.parametrize("place", ["folder", "zip"])
def test_a_folder_with_nothing_to_see_is_a_student_who_handed_in_nothing(tmp_path, place):
    names = {
        "ada/02_bigrams.ipynb": json.dumps(notebook()).encode(),
        "ada/.DS_Store": b"x",
        "ben/.DS_Store": b"x",
        "coy/hw/.ipynb_checkpoints/02_bigrams.ipynb": b"x",
        "__MACOSX/dee/02_bigrams.ipynb": b"x",
        ".git/config": b"x",
    }
    root = tmp_path / "class"
    if place == "zip":
        root = zipped(tmp_path / "class.zip", names.items())
    else:
        for name, content in names.items():
            write(root / name, content)
    found = {submission.student: submission.read(LESSONS) for submission in collect(root, tmp_path)}
    assert sorted(found) == ["ada", "ben", "coy"]
    assert isinstance(found["ada"], Notebook)
    assert {found[name].status for name in ("ben", "coy")} == {"not_submitted"}


@pytest.mark.parametrize("place", ["folder", "zip"])
def test_a_notebook_under_another_name_is_read_and_said(tmp_path, place):
    names = {
        "ada.ipynb.txt": json.dumps(notebook()).encode(),
        "ben.json": json.dumps(notebook()).encode("utf-8-sig"),
        "coy/hw": json.dumps(notebook()).encode("utf-16"),
        "dee_101_9001_hw.ipynb.txt": json.dumps(notebook()).encode(),
        "eve/hw.zip": zip_bytes([("hw.ipynb.txt", notebook()), ("data.json", {})]),
        "fay.ipynb.txt": b'{"cells": [',
        "gus/hw.ipynb": json.dumps(notebook()).encode(),
        "gus/newer.ipynb.txt": json.dumps(notebook()).encode(),
    }
    root = tmp_path / "class"
    if place == "zip":
        root = zipped(tmp_path / "class.zip", names.items())
    else:
        for name, content in names.items():
            write(root / name, content)
    found = {submission.student: submission.read(LESSONS) for submission in collect(root, tmp_path)}
    assert sorted(found) == ["ada", "ben", "coy", "dee_101", "eve", "fay", "gus"]
    for student in ("ada", "ben", "coy", "dee_101", "eve"):
        assert isinstance(found[student], Notebook)
        assert "it was read as the notebook that it is" in found[student].note
        assert "whose name ends in .ipynb" in found[student].note
    assert "not valid JSON" in found["fay"].message
    assert found["gus"].note == ""


# --- One student by mistake


@pytest.mark.parametrize(
    ("path", "names", "student"),
    [
        ("ada", ["02_bigrams.ipynb", "01_data-1.ipynb", "Copy of 00_start.ipynb"], "ada"),
        ("ada", ["02_bigrams/02_bigrams.ipynb", "01_data/my own.ipynb", "data/x.csv"], "ada"),
        ("ada", ["hw.ipynb"], "ada"),
        ("Ada One_201_assignsubmission_file_", ["final.ipynb", "b.txt"], "Ada One_201"),
        ("course/submitted/ada", ["x/x.ipynb", "y/y.ipynb"], "ada"),
        ("course/submitted/ada/x", ["x.ipynb"], "ada"),
        ("ada.zip", ["02_bigrams.ipynb", "hw2.ipynb"], "ada"),
        ("x.zip", ["ada/02_bigrams.ipynb", "ada/notes.txt"], "ada"),
        ("ada_101_9001_work.zip", ["a.ipynb", "b.ipynb"], "ada_101"),
    ],
)
def test_one_students_work_is_graded_as_that_of_one(tmp_path, path, names, student):
    (tmp_path / "course" / "source").mkdir(parents=True)
    if path.endswith(".zip"):
        zipped(tmp_path / path, [(name, notebook()) for name in names])
    else:
        for name in names:
            write(tmp_path / path / name)
    found = collecting.collect(tmp_path / path, tmp_path, LESSONS)
    assert only(found.submissions).student == student
    (remark,) = found.remarks
    assert "looks like what one student handed in" in remark
    assert f"as that of {student};" in remark


def test_a_class_is_not_taken_for_a_student(tmp_path):
    for name in ("ada.ipynb", "02.ipynb", "student 1.ipynb", "ben/02_bigrams.ipynb"):
        write(tmp_path / "class" / name)
    found = collecting.collect(tmp_path / "class", tmp_path, LESSONS)
    assert students(found.submissions) == ["02", "ada", "ben", "student 1"]
    assert found.remarks == []


def test_a_class_sorted_by_lesson_is_refused_with_what_to_type(tmp_path):
    for name in ("ada", "ben"):
        write(tmp_path / "class" / "02_bigrams" / f"{name}.ipynb")
    with pytest.raises(
        ValueError, match=r"sorted by lesson.*grader grade \S+/class/02_bigrams --out"
    ):
        collect(tmp_path / "class", tmp_path)


def test_a_folder_of_many_notebooks_is_said_to_look_like_a_class(tmp_path):
    for number in range(6):
        write(tmp_path / "all" / "week 1" / f"person {'abcdef'[number]}.ipynb")
    write(tmp_path / "all" / "ben" / "02_bigrams.ipynb")
    (remark,) = collecting.collect(tmp_path / "all", tmp_path, LESSONS).remarks
    assert "week 1 has 6 files" in remark
    assert f"grader grade '{tmp_path}/all/week 1'" in remark
    for number in range(6):
        write(tmp_path / "years" / "class" / f"person {number}" / "02_bigrams.ipynb")
    (remark,) = collecting.collect(tmp_path / "years", tmp_path, LESSONS).remarks
    assert f"grade it itself: grader grade {tmp_path}/years/class" in remark


def test_a_gradebook_among_the_submissions_is_nobodys_work(tmp_path):
    write(tmp_path / "class" / "ada" / "02_bigrams.ipynb")
    write(tmp_path / "class" / "grades" / "gradebook.sqlite", b"SQLite")
    write(tmp_path / "class" / "grades" / "submissions" / "ada-1" / "02_bigrams.ipynb")
    found = collecting.collect(tmp_path / "class", tmp_path, LESSONS)
    assert students(found.submissions) == ["ada"]
    assert found.remarks == ["left out, as folders of gradebooks: grades"]


def test_links_are_refused(tmp_path):
    root = tmp_path / "class"
    secret = write(tmp_path / "elsewhere" / "02.ipynb")
    write(root / "ben" / "02.ipynb")
    (root / "ada").mkdir()
    (root / "ada" / "02.ipynb").symlink_to(secret)
    (root / "coy").symlink_to(secret.parent)
    (root / "ben" / "data").symlink_to(secret.parent)
    found = collect(root, tmp_path)
    assert students(found) == ["ada", "ben", "coy"]
    assert isinstance(found[1].read(LESSONS), Notebook)
    for submission in (found[0], found[2]):
        answer = submission.read(LESSONS)
        assert isinstance(answer, Problem)
        assert "link" in answer.message


def test_a_pipe_named_like_a_notebook_does_not_stop_the_class(tmp_path):
    write(tmp_path / "class" / "ben.ipynb")
    os.mkfifo(tmp_path / "class" / "ada.ipynb")
    found = collect(tmp_path / "class", tmp_path)
    assert [type(submission.read(LESSONS)) for submission in found] == [Problem, Notebook]


def link():
    info = zipfile.ZipInfo("02_bigrams.ipynb")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def packed_as(method):
    info = zipfile.ZipInfo("02_bigrams.ipynb")
    info.compress_type = method
    return info


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../../02_bigrams.ipynb", "elsewhere"),
        ("/etc/02_bigrams.ipynb", "elsewhere"),
        ("C:\\02_bigrams.ipynb", "elsewhere"),
        ("..\\02_bigrams.ipynb", "elsewhere"),
        ("a\nb.ipynb", "name"),
        ("a" * 2000 + ".ipynb", "name"),
        (link(), "link"),
        (packed_as(zipfile.ZIP_LZMA), "packed"),
    ],
)
def test_what_is_odd_in_a_zip_is_refused_and_the_class_goes_on(tmp_path, name, words):
    root = tmp_path / "in" / "class"
    zipped(root / "ada.zip", [(name, notebook())])
    write(root / "ben.ipynb")
    found = collect(root, tmp_path / "in")
    assert students(found) == ["ada", "ben"]
    answer = found[0].read(LESSONS)
    assert isinstance(answer, Problem)
    assert answer.status == "not_a_notebook"
    assert words in answer.message
    assert answer.message.isprintable()
    assert isinstance(found[1].read(LESSONS), Notebook)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def locked(path):
    zipped(path, [("02.ipynb", notebook())])
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)


def damaged(path):
    zipped(path, [("02.ipynb", notebook())])
    data = bytearray(path.read_bytes())
    data[60:80] = bytes(20)
    path.write_bytes(data)


def cut(path):
    zipped(path, [("02.ipynb", notebook())])
    path.write_bytes(path.read_bytes()[:-30])


@pytest.mark.parametrize(
    ("spoil", "words"), [(locked, "password"), (damaged, "damaged"), (cut, "damaged")]
)
def test_a_bad_zip_is_a_problem_of_its_student_alone(tmp_path, spoil, words):
    root = tmp_path / "class"
    root.mkdir()
    spoil(root / "ada_101_9001_hw.zip")
    write(root / "ben_102_9002_hw.ipynb")
    found = collect(root, tmp_path)
    assert students(found) == ["ada_101", "ben_102"]
    answer = found[0].read(LESSONS)
    assert isinstance(answer, Problem)
    assert words in answer.message
    assert isinstance(found[1].read(LESSONS), Notebook)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_whose_files_share_their_bytes_is_not_unpacked(tmp_path, monkeypatch):
    """Fifty times 20 MB that unpack to nothing take the judge minutes."""
    root = tmp_path / "class"
    write(root / "ben.ipynb")
    with zipfile.ZipFile(root / "ada.zip", "w") as archive:
        archive.writestr("02_bigrams.ipynb", json.dumps(notebook()))
        archive.filelist += archive.filelist * 9
    monkeypatch.setattr(collecting, "unpack", lambda *_: pytest.fail("it was unpacked"))
    ada, ben = (one.read(LESSONS) for one in collect(root, tmp_path))
    assert "ada.zip is damaged" in ada.message
    assert isinstance(ben, Notebook)


def test_one_damaged_file_does_not_spoil_the_zip_of_the_class(tmp_path):
    root = tmp_path / "class.zip"
    damaged(root)
    with zipfile.ZipFile(root, "a") as archive:
        archive.writestr("ben.ipynb", json.dumps(notebook()))
    found = collect(root, tmp_path)
    assert [type(submission.read(LESSONS)) for submission in found] == [Problem, Notebook]


def test_a_class_zip_that_cannot_be_read_is_said_at_once(tmp_path):
    cut(tmp_path / "class.zip")
    with pytest.raises(ValueError, match="damaged, or not a zip"):
        collect(tmp_path / "class.zip", tmp_path)


def test_no_such_path_and_no_such_kind(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no"):
        collect(tmp_path / "nothing", tmp_path)
    with pytest.raises(ValueError, match=r"not a folder, a \.zip or an \.ipynb"):
        collect(write(tmp_path / "a.txt"), tmp_path)


def test_a_zip_bomb_is_stopped_while_it_unpacks(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 2_000_000)
    root = tmp_path / "class"
    bomb = [("02_bigrams.ipynb", b" " * 30_000_000), ("01_data.ipynb", notebook("01_data"))]
    zipped(root / "ada.zip", bomb)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    found = collect(root, scratch)
    kinds = {submission.path.name: submission.read(LESSONS) for submission in found}
    assert isinstance(kinds["01_data.ipynb"], Notebook)
    assert isinstance(kinds["02_bigrams.ipynb"], Problem)
    assert kinds["02_bigrams.ipynb"].status == "too_large"
    left = sum(path.stat().st_size for path in scratch.rglob("*") if path.is_file())
    assert left < 10_000


def test_a_zip_may_not_hold_too_much_in_all(tmp_path, monkeypatch):
    root = tmp_path / "class"
    zipped(root / "ada.zip", [(f"{n}.ipynb", b" " * 1_000_000) for n in range(5)])
    monkeypatch.setattr(collecting, "_STUDENT", archives.ZipLimits(files=10, bytes=2_500_000))
    statuses = [submission.read(LESSONS).status for submission in collect(root, tmp_path)]
    assert statuses == ["too_large"]
    monkeypatch.setattr(collecting, "_STUDENT", archives.ZipLimits(files=4, bytes=10_000_000))
    found = only(collect(root, tmp_path)).read(LESSONS)
    assert isinstance(found, Problem)
    assert found.status == "too_large"
    assert "5 notebooks" in found.message


def test_a_students_zip_may_not_list_more_than_can_be_read_in_a_second(tmp_path):
    """The list is read at once, and 34 MB of it took half a gigabyte and 15 s."""
    root = tmp_path / "class"
    members = [("02.ipynb", notebook()), *((f"{n:x}", b"") for n in range(30_000))]
    zipped(root / "ada.zip", members)
    zipped(root / "ben.zip", members[:2_000])
    ada, ben = (submission.read(LESSONS) for submission in collect(root, tmp_path))
    assert (ada.status, "lists too many files" in ada.message) == ("too_large", True)
    assert isinstance(ben, Notebook)


def test_a_students_zip_may_not_be_larger_than_a_notebook(tmp_path, monkeypatch):
    root = tmp_path / "class"
    write(root / "ada" / "hw.zip", zip_bytes([("02.ipynb", notebook())]))
    write(root / "submissions.zip", zip_bytes([(name, notebook()) for name in CANVAS]))
    monkeypatch.setattr(collecting, "MAX_FILE_BYTES", 500)
    found = {submission.student: submission for submission in collect(root, tmp_path)}
    assert sorted(found) == ["ada", "submissions"]
    assert {submission.read(LESSONS).status for submission in found.values()} == {"too_large"}
    assert students(collect(root / "submissions.zip", tmp_path)) == CANVAS_STUDENTS


def test_names_are_kept_apart_and_can_be_written(tmp_path):
    root = tmp_path / "class"
    names = ["a\nb", "a\tb", "a\\nb", "Ada", "ada", "n" * 240]
    for name in names:
        write(root / f"{name}.ipynb")
    write(root / os.fsdecode(b"bad\xff.ipynb"))
    found = students(collect(root, tmp_path))
    assert len(set(found)) == len(names) + 1
    for name in found:
        assert name.isprintable()
        name.encode()


# Names that a person cannot tell from the first one, or hardly.
ALIKE = {
    "nothing to see": ["Ben", "Ben\u200b", "Be\u00adn", "\u2060Ben", "Ben\ufe0f", "B\u115fen"],
    "turned around": ["Ben", "\u202eneB\u202c", "\u2066Ben\u2069"],
    "spaces": ["Ada B", "Ada\u00a0B", "Ada  B", "Ada B ", " Ada B", "Ada\u3000B"],
    "encoding": ["Zo\u00eb", "Zoe\u0308", "Zoe\\u0308"],
    "wide": ["Ada", "\uff21da", "\U0001d400da"],
}


@pytest.mark.parametrize("names", ALIKE.values(), ids=ALIKE)
def test_names_that_look_alike_are_told_apart(tmp_path, names):
    root = tmp_path / "class"
    for number, name in enumerate(names):
        write(root / name / "hw.ipynb", notebook(code=f"x = {number}"))
    found = {submission.student: submission.read(LESSONS) for submission in collect(root, tmp_path)}
    assert len(found) == len(names)
    assert names[0] in found
    assert found[names[0]].cells[-1].source == "x = 0"
    for name in found:
        visible = person(name).replace("\\\\", "\\")
        assert visible == name  # all of it can be seen


def test_one_spelling_of_an_accent_is_the_same_student_as_ever(tmp_path):
    write(tmp_path / "class" / "Zoe\u0308.ipynb")
    found = collecting.collect(tmp_path / "class", tmp_path, LESSONS)
    assert students(found.submissions) == ["Zo\u00eb"]
    assert found.remarks == []
    write(tmp_path / "class" / "Zo\u00eb.ipynb")
    (remark,) = collecting.collect(tmp_path / "class", tmp_path, LESSONS).remarks
    assert remark.endswith("are one name in two spellings, and are kept apart")


def test_names_in_a_zip_that_does_not_say_they_are_utf8(tmp_path):
    path = zipped(tmp_path / "class.zip", [("Zo_.ipynb", notebook())])
    path.write_bytes(path.read_bytes().replace(b"Zo_.ipynb", "Zë.ipynb".encode()))
    assert students(collect(path, tmp_path)) == ["Zë"]


def test_times_in_a_zip_count(tmp_path):
    members = []
    for name, year in (("z.ipynb", 2020), ("a.ipynb", 2021)):
        info = zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0))
        members.append((info, notebook()))
    zipped(tmp_path / "class" / "ada.zip", members)
    assert only(collect(tmp_path / "class", tmp_path)).path.name == "a.ipynb"


def test_the_same_files_give_the_same_answer(tmp_path):
    root = zipped(tmp_path / "class.zip", [(name, notebook()) for name in CANVAS])
    answers = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        found = collect(root, tmp_path / name)
        answers.append([(s.student, s.path.name, s.note, s.read(LESSONS)) for s in found])
    assert answers[0] == answers[1]
