"""The command `lmops`: its help, its exit codes, and what is said where."""

import zipfile
from pathlib import Path
from subprocess import run
from sys import executable

import click
import pytest
from click.testing import CliRunner
from course import ROOT

from lmops import bundle
from lmops.cli import COMMANDS, main
from lmops.commands.common import No, Wrong, answer


def test_help_shows_the_life_in_its_order() -> None:
    ran = CliRunner().invoke(main, ["--help"])
    assert ran.exit_code == 0
    lines = ran.stdout.partition("Commands:")[2].splitlines()
    assert [line.split()[0] for line in lines[1:] if line.startswith("  ")][:-1] == list(COMMANDS)
    assert len(set(COMMANDS)) == len(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_examples_of_commands_that_there_are(name: str) -> None:
    ran = CliRunner().invoke(main, [name, "--help"])
    assert ran.exit_code == 0
    _, _, examples = ran.stdout.partition("examples:\n")
    own = [line.split() for line in examples.splitlines() if line.strip().startswith("lmops ")]
    assert name in [line[1] for line in own]
    assert {line[1] for line in own} <= {*COMMANDS}


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom lmops.cli import main\n"
        "CliRunner().invoke(main, ['--help'])\n"
        "print([m for m in ('torch', 'mlflow', 'fastapi', 'sqlalchemy') if m in sys.modules])"
    )
    ran = run([executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_an_unknown_command_is_wrong_usage() -> None:
    ran = CliRunner().invoke(main, ["pakc"])
    assert ran.exit_code == 2
    assert "No such command 'pakc'" in ran.stderr


@pytest.mark.parametrize(("kind", "code"), [(No, 1), (Wrong, 2)])
def test_exit_codes_tell_no_from_wrong(kind: type[click.ClickException], code: int) -> None:
    @click.command()
    def command() -> None:
        raise kind("as it is")

    ran = CliRunner().invoke(command)
    assert (ran.exit_code, ran.stdout) == (code, "")
    assert "as it is" in ran.stderr


def test_json_is_all_that_stands_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    answer(True, {"version": "Æ"}, "version Æ")
    answer(False, {"version": "Æ"}, "version Æ")
    assert capsys.readouterr().out == '{"version": "Æ"}\nversion Æ\n'


def test_the_wheel_has_the_small_model_and_the_platform(tmp_path: Path) -> None:
    build = [executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "wheel")
    shipped = tmp_path / "wheel" / "lmcourse" / "small_model"
    assert bundle.verify(shipped) == []
    assert (tmp_path / "wheel" / "lmops" / "commands" / "train.py").is_file()
