"""The house: dependencies agree wherever they are written, and the pipelines can run."""

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from check_jsonschema import main as check_jsonschema
from click.testing import CliRunner
from course import COURSE, ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

import lmcourse
from grader.author.render import render_solved, render_student
from grader.cli import build_parser
from lmcourse.pipelines.azure.reading import read
from lmcourse.pipelines.azure.simulate import Scenario
from lmcourse.pipelines.github.reading import read_workflow
from lmcourse.pipelines.github.simulate import simulate_workflow
from lmcourse.pipelines.runs import Start
from lmops.cli import COMMANDS
from lmops.cli import main as lmops

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LIGHT = {"ipython", "jinja2", "matplotlib", "numpy", "pillow", "torch", "tqdm"}
CONDA_NAMES = {
    "prometheus-client": "prometheus_client",
    "torch": "pytorch",
}
CONDA_EXTRAS = ("grader", "ops", "scale", "student")

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
AZURE = ROOT / "azure-pipelines.yml"
PIPELINES = ROOT / "lmcourse" / "pipelines"
RETRAIN = ROOT / "pipelines/retrain.yml"
TEMPLATES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in (ROOT / "pipelines").glob("*.yml")
}

# The schema of check-jsonschema 0.39 lists this task among the names and then forgets it.
UNKNOWN_TO_SCHEMA = "PublishCodeCoverageResults@2"


def load(path: Path) -> dict[str, Any]:
    return YAML(typ="safe").load(path)


def requirements(*extras: str) -> dict[str, Requirement]:
    """Return the requirements of the package and of these extras, or of them all, by name."""
    known = PROJECT["optional-dependencies"]
    lines = [*PROJECT["dependencies"], *(line for name in extras or known for line in known[name])]
    every = {one.name: one for one in map(Requirement, lines)}
    del every[PROJECT["name"]]  # an extra of several others
    return every


# Dependencies


def test_the_package_itself_needs_only_what_colab_has() -> None:
    assert {Requirement(line).name for line in PROJECT["dependencies"]} == LIGHT


def test_only_lower_bounds_stand_in_pyproject() -> None:
    """Whoever installs the course beside other things must not be forced to an older version."""
    operators = {
        (name, bound.operator) for name, one in requirements().items() for bound in one.specifier
    }
    assert operators == {(name, ">=") for name in requirements()}


def test_conda_installs_the_same_packages_with_the_same_bounds() -> None:
    conda = load(ROOT / "environment.yml")["dependencies"]
    needed = requirements(*CONDA_EXTRAS)
    wanted = {CONDA_NAMES.get(name, name): str(one.specifier) for name, one in needed.items()}
    wanted |= {"python": PROJECT["requires-python"], "pip": ""}
    listed = [Requirement(line) for line in conda if isinstance(line, str)]
    assert conda[-1] == {"pip": ["--editable ."]}
    assert {one.name: str(one.specifier) for one in listed} == wanted
    assert len(listed) == len(wanted)


def test_constraints_pin_every_direct_dependency_within_its_bounds() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    versions = {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}
    assert len(versions) == len(pins)
    assert versions["torch"] == "2.13.0"
    for name, one in requirements().items():
        assert one.specifier.contains(versions[canonicalize_name(name)]), name


def test_dev_is_all_extras_together() -> None:
    extras = PROJECT["optional-dependencies"]
    together = next(one for one in map(Requirement, extras["dev"]) if one.name == PROJECT["name"])
    assert together.extras == set(extras) - {"dev"}


def test_no_package_is_in_two_extras() -> None:
    extras = PROJECT["optional-dependencies"].values()
    names = [Requirement(line).name for extra in extras for line in extra]
    names = [name for name in names if name != PROJECT["name"]]  # an extra of several others
    assert len(names) == len(set(names))


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield each module that `path` imports, and whether it can be imported itself without."""
    tree = ast.parse(path.read_text("utf-8"))
    later = (ast.Try, ast.FunctionDef)
    guarded = {node for one in ast.walk(tree) if isinstance(one, later) for node in ast.walk(one)}
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""] if node.level == 0 else []
        for name in names:
            yield name.partition(".")[0], node in guarded


@pytest.mark.parametrize(
    "path",
    [*sorted((ROOT / "lmcourse").rglob("*.py")), *sorted((ROOT / "grader/checks").glob("*.py"))],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_what_notebooks_import_imports_only_what_colab_has(path: Path) -> None:
    allowed = (
        sys.stdlib_module_names
        | LIGHT - {"ipython", "pillow"}
        | {"IPython", "PIL", "grader", "lmcourse"}
    )
    declared = {module.partition(".")[0] for module in COURSE.imports()} | {"ipywidgets"}
    later = PIPELINES in path.parents
    for module, guarded in imports(path):
        assert module in allowed or (module in declared and (guarded or later)), module


def test_the_language_of_pipelines_is_imported_where_a_check_asks_for_it_alone() -> None:
    """So that it may import what its lesson declares, which other lessons do without."""
    for path in (ROOT / "lmcourse").rglob("*.py"):
        if PIPELINES not in path.parents:
            for node in ast.parse(path.read_text("utf-8")).body:
                module = node.module if isinstance(node, ast.ImportFrom) else None
                assert not (module or "").startswith("lmcourse.pipelines"), path


# Pipelines: what they look like to the schema, the jobs' order, and the commands that they run


def schema_errors(path: Path, *options: str) -> str:
    # In this process: importing it takes longer than all that it checks.
    checked = CliRunner().invoke(check_jsonschema, ["--builtin-schema", *options, str(path)])
    return checked.output if checked.exit_code else ""


def azure_schema_errors(path: Path) -> str:
    options = ("--data-transform", "azure-pipelines", "--regex-variant", "nonunicode")
    return schema_errors(path, "vendor.azure-pipelines", *options)


def azure_jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each job, those of the templates once."""
    for path in (AZURE, RETRAIN, ROOT / "pipelines/release.yml"):
        for stage in load(path)["stages"]:
            for job in stage.get("jobs", []):
                place = "" if path == AZURE else f"{path.stem}/"
                yield f"{place}{stage['stage']}/{job.get('job') or job['deployment']}", job


def steps_of(job: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the steps of a job, or those of a deployment's hooks."""
    if "steps" in job:
        steps: list[dict[str, Any]] = job["steps"]
        return steps
    (hooks,) = job["strategy"].values()
    return [step for hook in hooks.values() for step in hook["steps"]]


def github_jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for name, job in load(path)["jobs"].items():
            yield f"{path.stem}/{name}", job


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_valid(path: Path) -> None:
    assert not schema_errors(path, "vendor.github-workflows")


def without_unknown(path: Path, folder: Path) -> Path:
    """Return a copy of an Azure pipeline without what the schema does not know."""
    pipeline = load(path)
    for stage in pipeline["stages"]:
        for job in stage.get("jobs", []):
            if "steps" in job:
                job["steps"] = [s for s in job["steps"] if s.get("task") != UNKNOWN_TO_SCHEMA]
    YAML(typ="safe").dump(pipeline, folder / "azure.yml")
    return folder / "azure.yml"


@pytest.fixture
def azure(tmp_path: Path) -> Path:
    """Return a copy of the Azure pipeline without what the schema does not know."""
    return without_unknown(AZURE, tmp_path)


@pytest.mark.parametrize(
    "path", [AZURE, *sorted((ROOT / "pipelines").glob("*.yml"))], ids=lambda path: path.name
)
def test_an_azure_pipeline_is_valid(path: Path, tmp_path: Path) -> None:
    copy = without_unknown(path, tmp_path) if "stages" in load(path) else path
    assert not azure_schema_errors(copy)


def test_an_invalid_pipeline_is_found(azure: Path, tmp_path: Path) -> None:
    azure.write_text(azure.read_text("utf-8").replace("steps:", "stepz:"), "utf-8")
    assert azure_schema_errors(azure)
    broken = tmp_path / "broken.yml"
    broken.write_text(WORKFLOWS[0].read_text("utf-8").replace("runs-on:", "runs-in:"), "utf-8")
    assert schema_errors(broken, "vendor.github-workflows")


def dangling(waits_for: Mapping[str, str | list[str] | None]) -> list[str]:
    """Return the names that something waits for, and that are not there."""
    named = ([names] if isinstance(names, str) else names or [] for names in waits_for.values())
    return [name for names in named for name in names if name not in waits_for]


def test_a_dangling_dependency_is_found() -> None:
    assert dangling({"lint": None, "test": "lint", "lessons": ["lint", "tests"]}) == ["tests"]
    assert dangling({"lint": None, "test": "lynt"}) == ["lynt"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_jobs_need_jobs_that_exist(path: Path) -> None:
    assert not dangling({name: job.get("needs") for name, job in load(path)["jobs"].items()})


@pytest.mark.parametrize("path", [AZURE, RETRAIN], ids=lambda path: path.name)
def test_an_azure_pipeline_can_be_run_here(path: Path) -> None:
    """Read strictly: dependencies that are not there, conditions that are none, are refused."""
    name = path.relative_to(ROOT).as_posix()
    stages = [stage.name for stage in read(path.read_text("utf-8"), name, TEMPLATES).stages]
    release = ["Staging", "Canary", "Production", "Rollback"]
    before = {
        AZURE: ["Validate", "Lessons", "Site", "Train", "Gate", "Register"],
        RETRAIN: ["Retrain", "Gate"],
    }
    assert stages == before[path] + release


def commands(job: dict[str, Any]) -> list[str]:
    """Return the lines that a job hands to a shell."""
    shells = ("run", "script", "bash", "pwsh", "powershell")
    scripts = [step[key] for step in steps_of(job) for key in shells if key in step]
    lines = [line for script in scripts for line in script.splitlines() if line.strip()]
    return [line for line in lines if not line.startswith("echo ")]  # what hands an output on


def publishes(job: dict[str, Any]) -> bool:
    """Whether a job puts a site there that another has made, and does nothing else."""
    uses = [step.get("uses", "").partition("@")[0] for step in steps_of(job)]
    return uses == ["actions/deploy-pages"]


def make(*arguments: str) -> list[str]:
    """Return the lines that make prints, called from here as from a shell."""
    command = ["make", "--no-print-directory", *arguments]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return ran.stdout.splitlines()


def make_targets() -> set[str]:
    """Return the targets of the Makefile that are commands, not files."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    phony = re.findall(r"^\.PHONY: ([a-z -]+)$", makefile, re.MULTILINE)
    return set(" ".join(phony).split())


def problem_with(command: str) -> str | None:
    """Say why `command` is no target of the Makefile, and no `grader` or `lmops` that parses."""
    program, *arguments = shlex.split(command)
    if program == "make":
        targets = [one for one in arguments if not re.match("-|[A-Z]+=", one)]
        unknown = [target for target in targets if target not in make_targets()]
        return f"the Makefile has no target {unknown}" if unknown or not targets else None
    if program == "lmops":
        return problem_with_lmops(arguments)
    if program != "grader":
        return f"{program} is neither make nor grader nor lmops"
    try:
        build_parser().parse_args(arguments)
    except SystemExit:
        return f"grader does not understand {arguments}"
    return None


def problem_with_lmops(arguments: list[str]) -> str | None:
    name, *rest = arguments
    if name not in COMMANDS:
        return f"lmops has no command {name}"
    found = lmops.get_command(click.Context(lmops), name)
    assert found is not None
    try:
        found.make_context(name, rest)
    except click.ClickException as error:
        return f"lmops {name} does not understand {rest}: {error.message}"
    return None


def test_make_tries_the_lesson_that_is_named() -> None:
    assert make("--dry-run", "lesson", "02")[-2:] == [".venv/bin/grader try 02", ":"]
    unnamed = subprocess.run(
        ["make", "--dry-run", "lesson"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert unnamed.returncode == 2
    assert "name the lesson, as in: make lesson 02" in unnamed.stderr


JOBS = [*github_jobs(), *azure_jobs()]


@pytest.mark.parametrize(
    "command",
    [
        "make tests",
        "make lint; rm -rf build",
        "make lint tets",
        "grader grad submissions --out grades",
        "grader grade submissions",
        "lmops gaet my_model",
        "lmops register --by",
        "pytest",
        "pip install .",
    ],
)
def test_a_command_that_does_not_exist_is_found(command: str) -> None:
    assert problem_with(command)


@pytest.mark.parametrize(("name", "job"), JOBS, ids=[name for name, _ in JOBS])
def test_every_command_in_a_pipeline_exists(name: str, job: dict[str, Any]) -> None:
    assert commands(job) or publishes(job)
    assert [problem for line in commands(job) if (problem := problem_with(line))] == []


def test_every_grader_command_in_the_makefile_exists() -> None:
    targets = ("build", "check-notebooks", "demo", "lint")
    lines = make("--dry-run", *targets)
    found = [line.removeprefix(".venv/bin/") for line in lines if "/grader " in line]
    assert [problem for line in found if (problem := problem_with(line))] == []
    named = {build_parser().parse_args(shlex.split(line)[1:]).command for line in found}
    assert named == {"build", "check", "grade", "report", "sample"}


def test_make_lists_every_target() -> None:
    assert {line.split()[1] for line in make()} == make_targets()


# Pipelines: where they run, and what they install


REPOSITORY = PROJECT["urls"]["Repository"].removeprefix("https://github.com/")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_in_a_students_repository_only_the_students_workflow_runs(path: Path) -> None:
    """Of forks and of copies of a template GitHub says the name alone: a copy is no fork."""
    workflow = read_workflow(path.read_text("utf-8"), path.name)
    lists = Scenario(
        outputs={"make lesson-names": ['##vso[task.setvariable variable=names;isOutput=true]["a"]']}
    )
    for reason in ("IndividualCI", "Schedule"):
        scenario = replace(lists, start=Start(reason, by="ada"))
        own, copy = (
            simulate_workflow(workflow, scenario, name) for name in (REPOSITORY, "ada/copy")
        )
        ran = {
            name: any(stage.result != "skipped" for stage in run.stages)
            for name, run in (("own", own), ("copy", copy))
        }
        is_students = path.stem == "grade"
        if own.started:
            assert ran == {"own": not is_students, "copy": is_students}


EXTRAS = {
    "make setup": {"ops"},
    "make security": {"lint", "security"},
    "make model-version": {"ops"},
    "make smoke-test": set(),
    "make infrastructure": set(),
    "make check-notebooks": {"grader", "ops"},  # lessons 11 and 12 import what is in it
    "make html": {"grader"},
    "make slides": {"grader", "slides"},
    "make site": {"grader", "ops", "site"},
    "make lint": {"grader", "lint", "ops", "scale", "slides"},  # mypy reads what our code imports
    "make coverage": {"grader", "ops", "scale", "security", "site", "slides", "test"},
    "make lessons": {"grader", "ops", "test"},
    "make system": set(),
    "make lesson-names": set(),
}


def needed(command: str) -> set[str]:
    """Return the extras that a command needs."""
    program, target = command.split()[:2]
    return {"ops"} if program == "lmops" else EXTRAS[f"{program} {target}"]


@pytest.mark.parametrize(("name", "job"), JOBS, ids=[name for name, _ in JOBS])
def test_a_job_installs_only_the_extras_that_it_needs(name: str, job: dict[str, Any]) -> None:
    workflow = load(ROOT / ".github/workflows/grade.yml")["env"] if "grade/" in name else {}
    own = job.get("env") or job.get("variables") or workflow
    extras = set(own["EXTRAS"].split(",")) if "EXTRAS" in own else set()
    assert extras == set().union(*(needed(line) for line in commands(job)))
    assert extras <= set(PROJECT["optional-dependencies"])


def test_setup_takes_torch_for_the_processor_unless_told_otherwise() -> None:
    index = "--extra-index-url https://download.pytorch.org/whl/cpu"
    install = " ".join(make("--dry-run", "--always-make", ".venv/ready")).split("pip install")
    assert [("torch" in part.split(), index in part) for part in install[1:]] == [
        (True, True),
        (False, False),
    ]
    for_gpu = " ".join(make("--dry-run", "--always-make", ".venv/ready", "TORCH_INDEX="))
    assert "index-url" not in for_gpu
    tracked = [ROOT / "pyproject.toml", ROOT / "constraints.txt", AZURE, *WORKFLOWS]
    assert [path for path in tracked if "whl/cpu" in path.read_text("utf-8")] == []


# Pipelines: what they may do


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_do_no_more_than_it_must(path: Path) -> None:
    workflow = load(path)
    assert workflow["permissions"] == {}
    assert "concurrency" in workflow
    assert "pull_request_target" not in workflow["on"]
    for name, job in workflow["jobs"].items():
        # A login without a secret is for what is deployed, and bound to its environment.
        logs_in = any(step.get("uses", "").startswith("azure/login@") for step in job["steps"])
        login = {"id-token": "write"} if logs_in else {}
        rights = {"contents": "read"} | login
        if publishes(job):  # and reads no code
            rights = {"pages": "write", "id-token": "write"}
        assert job["permissions"] == rights, name
        assert "environment" in job or "id-token" not in rights


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_with_the_version_beside(path: Path) -> None:
    uses = re.findall(r"uses: *(.*)", path.read_text("utf-8"))
    assert uses
    for action in uses:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


def test_an_action_has_the_same_pin_everywhere() -> None:
    text = "".join(path.read_text("utf-8") for path in WORKFLOWS)
    pins = set(re.findall(r"uses: *(.*)", text))
    assert len({pin.partition("@")[0] for pin in pins}) == len(pins)


@pytest.mark.parametrize(("name", "job"), JOBS, ids=[name for name, _ in JOBS])
def test_a_job_ends_in_time_and_keeps_no_credentials(name: str, job: dict[str, Any]) -> None:
    assert 0 < int(job.get("timeout-minutes") or job.get("timeoutInMinutes")) <= 90
    for step in steps_of(job):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        assert "persistCredentials" not in step


def test_ci_tests_every_python_that_setup_looks_for() -> None:
    looked_for = re.findall(r"python(3\.\d+)", (ROOT / ".ci/find-python").read_text("utf-8"))
    jobs = dict(JOBS)
    github = jobs["ci/tests"]["strategy"]["matrix"]["python"]
    azure = jobs["Validate/Tests"]["strategy"]["matrix"].values()
    assert set(github) == {leg["python.version"] for leg in azure} == set(looked_for)


def test_ci_runs_the_commands_of_the_readme() -> None:
    run = ROOT / ".ci/run"
    assert os.access(run, os.X_OK)
    assert subprocess.run(["bash", "-n", run], check=False).returncode == 0
    steps = re.findall(r"^step (.*)$", run.read_text("utf-8"), re.MULTILINE)
    assert steps[-2:] == ["make --jobs=2 test image", "make lessons"]
    assert [problem for line in steps if (problem := problem_with(line))] == []


def listed(tmp_path: Path, **environment: str) -> str:
    """Return what a pipeline with these variables is told of the lessons."""
    script = ROOT / ".ci/lesson-names"
    file = tmp_path / "output"
    clean = {"PATH": os.environ["PATH"]} | environment
    ran = subprocess.run(
        [script], cwd=tmp_path, env=clean, capture_output=True, text=True, check=True
    )
    return ran.stdout or file.read_text("utf-8")


def test_each_pipeline_gives_each_lesson_a_machine(tmp_path: Path) -> None:
    assert listed(tmp_path).split() == COURSE.names
    key, _, names = listed(tmp_path, GITHUB_OUTPUT=str(tmp_path / "output")).partition("=")
    assert (key, json.loads(names)) == ("names", COURSE.names)
    command, _, legs = listed(tmp_path, TF_BUILD="True").partition("]")
    assert command == "##vso[task.setvariable variable=names;isOutput=true"
    # Azure's names of legs begin with a letter.
    assert json.loads(legs) == {f"lesson_{name}": {"LESSON": name} for name in COURSE.names}
    jobs = dict(JOBS)
    assert jobs["ci/lesson-names"]["outputs"] == {"names": "${{ steps.list.outputs.names }}"}
    github, azure = jobs["ci/lesson"], jobs["Lessons/Lesson"]
    assert github["strategy"]["matrix"] == {
        "lesson": "${{ fromJSON(needs.lesson-names.outputs.names) }}"
    }
    assert github["env"]["LESSON"] == "${{ matrix.lesson }}"
    assert azure["strategy"]["matrix"] == "$[ dependencies.Names.outputs['list.names'] ]"
    assert [step.get("name") for step in jobs["Lessons/Names"]["steps"]] == [None, "list"]
    assert commands(github) == commands(azure) == ["make lessons", "make html"]


def test_lessons_are_run_together_or_one_at_a_time() -> None:
    (every,) = (line for line in make("--dry-run", "lessons") if "--nbval" in line)
    assert every.split()[-1] == "solutions/*.ipynb"
    (one,) = (line for line in make("--dry-run", "lessons", "LESSON=02_bigrams") if "nbval" in line)
    assert one.split()[-1] == "solutions/02_bigrams.ipynb"
    (tests,) = (line for line in make("--dry-run", "test") if "pytest" in line)
    assert "nbval" not in tests
    assert {one.split(" -n ")[1][0] for one in (every, tests)} == {"2"}
    assert "--dist loadscope" in every  # a notebook's cells stay together


def test_setup_says_which_python_is_missing(tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\nexit 1\n", "utf-8")
    old.chmod(0o755)
    found = subprocess.run(
        [ROOT / ".ci/find-python"],
        env={"PATH": os.defpath, "PYTHON": str(old)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1
    assert "make setup PYTHON=" in found.stderr


def test_the_readme_names_the_repository_as_pyproject_does() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    address = PROJECT["urls"]["Repository"].removeprefix("https://github.com/")
    lessons = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
    colab = "https://colab.research.google.com/github/"
    badges = re.findall(rf"\({colab}([^)]+)\)", text)
    assert badges == [
        f"{address}/blob/{COURSE.configuration.revision}/notebooks/{lesson}.ipynb"
        for lesson in [lessons[0], *lessons]  # the first one stands at the top, too
    ]


@pytest.mark.parametrize("lesson", COURSE.names)
def test_a_notebook_opens_and_installs_the_release_that_the_package_is(lesson: str) -> None:
    """What Colab opens and what it installs then belong together, whatever main is that day."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert "version" in PROJECT["dynamic"]
    source = ROOT / config["tool"]["hatch"]["version"]["path"]
    version = re.findall(
        r'^__version__ = "(\d+\.\d+\.\d+)"$', source.read_text("utf-8"), re.MULTILINE
    )
    assert [lmcourse.__version__] == version
    assert COURSE.configuration.revision == f"v{version[0]}"
    address = PROJECT["urls"]["Repository"]
    for folder, render in (("notebooks", render_student), ("solutions", render_solved)):
        header, setup, *_ = (cell.source for cell in render(COURSE, lesson).cells)
        page = f"{address.removeprefix('https://')}/blob/v{version[0]}/{folder}/{lesson}.ipynb"
        assert page.replace("github.com", "github", 1) in header
        extras = COURSE.lesson(lesson).extras
        assert set(extras) <= set(PROJECT["optional-dependencies"])
        package = f"lmcourse[{','.join(extras)}]" if extras else "lmcourse"
        assert f'"{package} @ git+{address}@v{version[0]}"' in setup


def test_what_the_readme_links_to_is_there() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    links = re.findall(r"\]\((?!https://)([^)#]+)\)", text)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
