"""Whether a class was graded by one version of each lesson, and what to do where it was not."""

from grader.gradebook.store import Gradebook


def notices(gradebook: Gradebook) -> dict[str, str]:
    """Return what to say of each lesson that was graded in part by other versions of it."""
    return {
        lesson: _notice(lesson, counts)
        for lesson, counts in gradebook.versions().items()
        if len(counts) > 1
    }


def _notice(lesson: str, counts: dict[str, int]) -> str:
    graded = ", ".join(
        f"{count} by version {version[:8]}"
        for version, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )
    return (
        f"The class was graded by several versions of {lesson}, of its checks or of the grader: "
        f"{graded}. To make it one, have all its submissions in one place and type: "
        f"grader grade SUBMISSIONS --out DIR --lesson {lesson}"
    )
