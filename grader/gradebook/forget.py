"""`grader forget`: a student's name and results out of a gradebook, or under another name."""

import shlex
import shutil
from pathlib import Path

from grader.gradebook.copies import FOLDER, slug
from grader.gradebook.manifest import write_manifest
from grader.gradebook.store import Gradebook
from grader.terminal.words import counted, unknown


def main(folder: Path, student: str, rename: str | None = None) -> int:
    """Remove `student` from the gradebook in `folder`, or call it `rename`, and say so.

    What people decided goes the same way, and so do the copies of what was handed in.

    Raises
    ------
    FileNotFoundError
        If there is no gradebook in the folder.
    ValueError
        If nobody is called `student`, or both names have results for one lesson.
    """
    gradebook = Gradebook.open(folder)
    with gradebook.reserved():
        if student not in gradebook.students():
            raise ValueError(unknown(student, gradebook.students()))
        if rename is None:
            done = counted(gradebook.forget(student), "submission")
            print(f"{student} is forgotten, with {done}.")
        else:
            done = counted(gradebook.rename(student, rename), "submission")
            print(f"{student} is called {rename} now, with {done}.")
        copies = folder / FOLDER / slug(student)
        if rename is not None and copies.is_dir():
            shutil.copytree(copies, folder / FOLDER / slug(rename), dirs_exist_ok=True)
        shutil.rmtree(copies, ignore_errors=True)
        (folder / "report" / "students" / f"{slug(student)}.html").unlink(missing_ok=True)
        write_manifest(folder, gradebook)
    print(
        "If the files are handed in under the old name again, they are graded under it again. What "
        "was exported before, and the grader's log, may still have the name.\n"
        f"Next: {shlex.join(['grader', 'report', str(folder)])}"
    )
    return 0
