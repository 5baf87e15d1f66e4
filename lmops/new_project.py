"""A student's own repository: their model, and what they wrote in lessons 10 to 15, in its places.

What is not written yet is there as a beginning that says TODO, and README.md lists it. What the
platform has a function of its own for is left out until it is written.
"""

import ast
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import metadata
from pathlib import Path

import lmcourse
from lmops.bundle import Bundle
from lmops.files import write_whole
from lmops.gate import SHIPPED as OBJECTIVE
from lmops.notebooks import Notebook, Statement, write

FILES = Path(__file__).with_name("project_files")

_MARK = re.compile(r"^(?:#|.*#) TODO: (.*)", re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """Where in the repository something of a lesson's notebook goes.

    It is a "text", or "code" that runs, or a function that `lmops` asks, in a "notebook".
    """

    lesson: str
    name: str
    file: str
    kind: str


PLACES = (
    Place("10_test_and_gate", "model_problems", "tests/model_tests.py", "code"),
    Place("12_serve", "create_app", "service.py", "code"),
    Place("13_pipelines", "PIPELINE", "azure-pipelines.yml", "text"),
    Place("13_pipelines", "WORKFLOW", ".github/workflows/model.yml", "text"),
    Place("14_release_and_watch", "canary_decision", "canary_decision.ipynb", "notebook"),
    Place("15_live_and_retire", "drift_detector", "drift_detector.ipynb", "notebook"),
)


@dataclass(frozen=True)
class Made:
    """What became of each file: those that hold the student's own, and what is still to do."""

    own: tuple[str, ...]
    todo: Mapping[str, str]


def make(folder: Path, model: Bundle, notebooks: Iterable[Notebook]) -> Made:
    """Write the repository into `folder`, which is made.

    Raises
    ------
    FileExistsError
        If there is something at `folder`.
    """
    folder.mkdir(parents=True)
    files = {
        path.relative_to(FILES).as_posix(): path.read_text("utf-8")
        for path in sorted(FILES.rglob("*"))
        if path.is_file()
    }
    files["objective.yaml"] = OBJECTIVE.read_text("utf-8")
    known = {"repository": _repository(), "version": lmcourse.__version__}
    files["requirements.txt"] = files["requirements.txt"].format(**known)
    written, reasons = _all_written(notebooks)
    files |= written
    todo = {name: found[1] for name, text in files.items() if (found := _MARK.search(text))}
    lines = [
        f"- [ ] `{name}`: {text}" + (f" So far {reasons[name]}." if name in reasons else "")
        for name, text in todo.items()
    ]
    todo_list = "\n".join(lines) or "Nothing: each part is there."
    files["README.md"] = files["README.md"].format(todo=todo_list)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_whole(folder / name, text.encode())
    shutil.copytree(model.folder, folder / "model")
    return Made(tuple(p.file for p in PLACES if p.file not in reasons), todo)


class NoProject(Exception):
    """There is no project in the folder; says what to type."""


def update(folder: Path, notebooks: Iterable[Notebook]) -> Made:
    """Fill in what still says TODO in a project, and leave all else as it is.

    Raises
    ------
    NoProject
        If `folder` holds none.
    """
    if not (folder / "README.md").is_file() or not (folder / "model").is_dir():
        raise NoProject(f"There is no project in {folder}. Leave out --update to begin one.")
    written, reasons = _all_written(notebooks)
    own = []
    for name, text in written.items():
        path = folder / name
        if path.is_file() and not _MARK.search(path.read_text("utf-8", errors="replace")):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
        own.append(name)
    readme = (folder / "README.md").read_text("utf-8")
    for name in own:
        readme = re.sub(rf"^- \[ \] `{re.escape(name)}`:.*\n", "", readme, flags=re.MULTILINE)
    write_whole(folder / "README.md", readme.encode())
    todo = {}
    for place in PLACES:
        path = folder / place.file
        found = _MARK.search(path.read_text("utf-8", errors="replace")) if path.is_file() else None
        if found:
            todo[place.file] = f"{found[1]} So far {reasons[place.file]}."
    return Made(tuple(own), todo)


def _all_written(notebooks: Iterable[Notebook]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the texts of the places that notebooks fill, and why they do not fill the others."""
    given = {notebook.lesson: notebook for notebook in notebooks}
    files: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for place in PLACES:
        try:
            files[place.file] = _written(given.get(place.lesson), place)
        except Unwritten as unwritten:
            reasons[place.file] = str(unwritten)
    return files, reasons


def _repository() -> str:
    """Return where the course itself is kept, as its package says."""
    said = metadata("lmcourse").get_all("Project-URL", [])
    addresses: dict[str, str] = dict(each.split(", ", 1) for each in said)
    return addresses["Repository"]


class Unwritten(Exception):
    """A notebook does not hold what is looked for there; says why."""


def _written(notebook: Notebook | None, place: Place) -> str:
    """Return what the notebook holds for a place, as the text of a file."""
    if notebook is None:
        raise Unwritten(f"no notebook of lesson {place.lesson} was given")
    found = notebook.defining(place.name)
    if not found:
        raise Unwritten(f"{notebook.path.name} does not define {place.name}")
    if f"{place.name} is not started" in found[-1].text:
        raise Unwritten(f"{place.name} is not started in {notebook.path.name}")
    if place.kind == "text":
        return _text(found[-1], place.name)
    code = _code(notebook, place)
    return code if place.kind == "code" else write(place.lesson, code)


def _text(statement: Statement, name: str) -> str:
    """Return the text that `NAME = "..."` gives to the name."""
    node = ast.parse(statement.text).body[0]
    value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
    if not isinstance(value, ast.Constant) or not isinstance(value.value, str):
        raise Unwritten(f"{name} is no text yet")
    return value.value.strip("\n") + "\n"


def _code(notebook: Notebook, place: Place) -> str:
    """Return a module of the name and all that it needs in its notebook, in that order."""
    taken: dict[int, Statement] = {}
    imports: set[str] = set()
    waiting, seen = [place.name], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        found = [(i, s) for i, s in enumerate(notebook.statements) if name in s.names]
        if not found and name in notebook.imports:
            imports.add(notebook.imports[name])
        elif not found:
            raise Unwritten(f"it needs {name}, which no cell of {notebook.path.name} defines")
        for index, statement in found:
            taken[index] = statement
            waiting += sorted(statement.needs)
    title = f'"""`{place.name}`, out of the notebook of lesson {place.lesson}."""'
    body = [taken[index].text for index in sorted(taken)]
    return "\n\n\n".join(filter(None, [title, "\n".join(sorted(imports)), *body])) + "\n"
