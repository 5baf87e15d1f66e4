"""Take the pictures of `docs/instructors.md`, by the page's own commands, light and dark.

The class is the sample's twelve, as Canvas would hand them over: a zip, and a gradebook. The
README's are `readme_pictures.py`'s. It takes some minutes, and needs bubblewrap and Chromium.
"""

import csv
import re
import shlex
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

from browsing import chromium, write
from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "instructors.md"
PICTURES = ROOT / "docs" / "images"
WORK = ROOT / "build" / "instructors"
LESSON = "02_bigrams"
SHOWN = {"class": "index.html", "student": "students/knownmistake*.html"}
"""Per picture, the page of the report that it shows."""
WIDTH, HEIGHT = 1000, 780
GRADER = [sys.executable, "-m", "grader.cli", "--course", str(ROOT)]


def commands() -> list[str]:
    """Return the page's commands of `grader`, in their order."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line.partition("#")[0].strip() for line in lines if line.startswith("grader ")]


def write_class(submissions: Path, folder: Path) -> None:
    """Write `submissions.zip` and `canvas.csv` to `folder`, as Canvas gives them."""
    students = sorted(path.name.replace("-", "") for path in submissions.iterdir())
    with zipfile.ZipFile(folder / "submissions.zip", "w") as archive:
        for number, path in enumerate(sorted(submissions.iterdir())):
            name = f"{students[number]}_{101 + number}_{9001 + number}_{LESSON}.ipynb"
            archive.write(path / f"{LESSON}.ipynb", name)
    with (folder / "canvas.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["Student", "ID", "SIS Login ID", "Section", "Counting pairs (12)"])
        rows.writerow(["    Points Possible", "", "", "", "16"])
        for number, student in enumerate(students):
            rows.writerow([student.capitalize(), 101 + number, student, "One", ""])


def take(browser: Browser, address: str, picture: str) -> None:
    """Take a picture of a page for each of the site's two modes."""
    for scheme in ("light", "dark"):
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT},
            color_scheme=scheme,
        )
        page.goto(address)
        write(page.screenshot(), PICTURES / f"{picture}-{scheme}.png")
        page.close()


def main() -> None:
    """Run the commands, saying what each says and takes, and take the pictures."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    sample = [*GRADER, "sample", str(WORK / "sample"), "--lesson", LESSON]
    subprocess.run(sample, check=True)
    write_class(WORK / "sample", WORK)
    for command in commands():
        print(f"\n$ {command}", flush=True)
        began = time.perf_counter()
        subprocess.run([*GRADER, *shlex.split(command)[1:]], cwd=WORK, check=True)
        print(f"({time.perf_counter() - began:.0f} s)", flush=True)
    with chromium() as browser:
        for picture, pattern in SHOWN.items():
            (page,) = (WORK / "grades" / "report").glob(pattern)
            take(browser, page.as_uri(), picture)


if __name__ == "__main__":
    main()
