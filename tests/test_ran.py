"""A cell that failed does not leave what an older one defined to be graded in silence."""

from collections.abc import Iterator

import pytest
from IPython.core.interactiveshell import InteractiveShell

from grader.checks.ran import Cells, defined


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    shell = InteractiveShell()
    shell.showtraceback = lambda *_, **__: None
    shell.showsyntaxerror = lambda *_, **__: None
    yield shell
    shell.history_manager.end_session()


@pytest.fixture
def cells(shell: InteractiveShell) -> Cells:
    cells = Cells()
    cells.watch(shell)
    cells.watch(shell)  # a set-up cell that runs twice
    return cells


def test_a_cell_that_runs_has_not_failed(shell: InteractiveShell, cells: Cells) -> None:
    shell.run_cell("answer_1 = 'a'")
    assert cells.failed == {}


def test_a_name_that_stayed_as_it_was_has_an_older_value(
    shell: InteractiveShell, cells: Cells
) -> None:
    shell.run_cell("answer_1 = 'a'\nanswer_2 = 'b'")
    shell.run_cell("answer_1 = 'c'\nanswer_2 = d")
    assert set(cells.failed) == {"answer_2"}
    assert cells.failed["answer_2"].is_older
    assert cells.failed["answer_2"].error == "NameError: name 'd' is not defined"


def test_what_was_defined_before_the_error_is_new(shell: InteractiveShell, cells: Cells) -> None:
    shell.run_cell("def double(x): return x\ndouble(1, 2)\nafter = 1")
    assert set(cells.failed) == {"after"}
    assert not cells.failed["after"].is_older


@pytest.mark.parametrize(
    "source", ["double = 1 +", "def double(x)\n    return x", "!ls\ndouble = ("]
)
def test_a_cell_that_python_cannot_read_defines_nothing(
    shell: InteractiveShell, cells: Cells, source: str
) -> None:
    shell.run_cell("def double(x): return 2 * x")
    shell.run_cell(source)
    assert "SyntaxError" in cells.failed["double"].error


def test_the_next_run_of_the_cell_clears_it(shell: InteractiveShell, cells: Cells) -> None:
    seen: list[bool] = []
    shell.user_ns |= {"look": lambda: seen.append("answer_1" in cells.failed)}
    shell.run_cell("answer_1 = b")
    shell.run_cell("look()")
    shell.run_cell("answer_1 = 'b'\nlook()")  # the same cell may check it
    assert seen == [True, False]


def test_without_ipython_nothing_is_watched() -> None:
    cells = Cells()
    cells.watch(None)
    assert cells.failed == {}


def test_names_are_those_at_the_top_level_with_their_last_line() -> None:
    source = (
        "x = (1,\n     2)\na, (b, *c) = f()\nd: int = 3\n"
        "def e():\n    g = 1\nclass F: pass\nh.i = 2"
    )
    assert defined(source) == {"x": 2, "a": 3, "b": 3, "c": 3, "d": 4, "e": 6, "F": 7}
