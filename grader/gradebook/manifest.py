"""The manifest beside a gradebook: what was graded, and with what, for those who check a grade.

Grading the same class with the same secret on the same machine gives the same bytes.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from grader.formats.files import write_text
from grader.gradebook.store import Gradebook, SubmissionResult
from grader.gradebook.versions import notices

FILE_NAME = "manifest.json"


def write_manifest(folder: Path, gradebook: Gradebook) -> Path:
    """Write the manifest of `gradebook` into `folder`, whole or not at all; return its path.

    One that is newer than the gradebook's file stays: nothing was written there since.

    `notices` say which lessons were graded by several versions, and how to make it one. `runs` say
    how results were made, and `submissions` which file of whom got which result: its run, the
    SHA-256 of the file, of all source that decides a grade in the lesson, and of the whole result.
    What differs for exercises that were graded again by themselves is in `regraded`, by exercise.
    """
    path = folder / FILE_NAME
    if path.is_file() and path.stat().st_mtime_ns > gradebook.written_at:
        return path
    manifest = {
        "notices": list(notices(gradebook).values()),
        "runs": gradebook.runs(),
        "submissions": [_described(result) for result in gradebook.results()],
    }
    write_text(path, json.dumps(manifest, indent=1) + "\n")
    return path


def _described(result: SubmissionResult) -> dict[str, Any]:
    # Seconds are the one thing that differs when the same is graded again.
    whole = {key: value for key, value in vars(result).items() if key != "seconds"}
    regraded = {
        exercise.name: {"lesson_sha256": again.lesson_sha256, "run": again.run}
        for exercise in result.exercises
        if (again := exercise.regraded) is not None
    }
    described = {
        "student": result.student,
        "lesson": result.lesson,
        "file": result.file,
        "file_sha256": result.sha256,
        "lesson_sha256": result.lesson_sha256,
        "run": result.run,
        "status": result.status,
        "points": round(result.points, 4),
        "result_sha256": hashlib.sha256(json.dumps(whole, default=vars).encode()).hexdigest(),
    }
    return described | ({"regraded": regraded} if regraded else {})
