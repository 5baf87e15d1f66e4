"""The README: its pictures, and its commands as they stand there, up to an answer."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from course import COURSE, ROOT
from PIL import Image

NOTEBOOKS = ("05_attention", "06_transformer", "07_gpt")
HERE = Path(sys.executable).parent
ADDRESS = "http://127.0.0.1:8000"


def blocks(language: str) -> list[str]:
    """Return the blocks of code of the section "Ship it", in their order."""
    text = (ROOT / "README.md").read_text("utf-8")
    section = text.partition("## Ship it\n")[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def bash(command: str, folder: Path) -> str:
    """Run a command of the README's in `folder`, and return what it prints."""
    command = command.replace(".venv/bin/", f"{HERE}/")
    ran = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_first_screen_shows_both_sides_then_a_badge_then_two_commands() -> None:
    first = (ROOT / "README.md").read_text("utf-8").partition("\n## ")[0]
    order = ["student-light.png", "instructor-light.png", "colab-badge.svg", "make demo"]
    assert [first.index(part) for part in order] == sorted(first.index(part) for part in order)
    assert first.index("make demo") < first.index("make test")


def test_its_pictures_are_there_for_light_and_dark_pages_and_sharp_and_small() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    pictures = re.findall(r"<picture>(.*?)</picture>", text, re.DOTALL)
    assert len(pictures) == 2
    for picture in pictures:
        (dark,) = re.findall(
            r'<source media="\(prefers-color-scheme: dark\)" srcset="([^"]+)">', picture
        )
        (light,) = re.findall(r'<img src="([^"]+)"', picture)
        assert light.replace("-light", "-dark") == dark
        (alternative,) = re.findall(r'alt="([^"]+)"', picture)
        assert len(alternative.split()) > 15
        for name in (light, dark):
            path = ROOT / name
            assert path.is_file(), f"{name} is not there; type: make pictures"
            assert path.stat().st_size < 150_000
            # Half a page of GitHub's is some 430 pixels wide.
            assert Image.open(path).width >= 2 * 430


@pytest.mark.lesson
def test_five_commands_lead_to_answers_of_ones_own_model(tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    for name in NOTEBOOKS:
        shutil.copy(COURSE.paths(name).solved, tmp_path / "notebooks")
    start, curl, _ = blocks("sh")
    (openai,) = blocks("python")
    lines = [line.partition("#")[0].strip() for line in start.splitlines()]
    setup, pack, train, key, serve = lines
    assert setup == "make setup EXTRAS=student"  # more than which installed what runs here
    assert "--preset smoke takes seconds" in start
    for command in (pack, f"{train} --preset smoke", key):
        bash(command, tmp_path)
    card = (tmp_path / "my_model" / "CARD.md").read_text("utf-8")
    assert card.count("| the student's |") == 5
    assert "the course's |" not in card
    command = serve.replace(".venv/bin/", f"{HERE}/")
    with subprocess.Popen(
        ["bash", "-c", f"exec {command} --port 0 --json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            url = json.loads(server.stdout.readline())["url"]
            answer = json.loads(bash(curl.replace(ADDRESS, url), tmp_path))
            assert len(answer["choices"][0]["text"]) == 80
            asked = [sys.executable, "-c", openai.replace(ADDRESS, url)]
            said = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=True)
            assert len(said.stdout) > 80
        finally:
            server.terminate()
    assert server.returncode == 0
