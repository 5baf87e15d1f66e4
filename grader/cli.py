"""The `grader` command."""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from grader import distribution
from grader.course.configuration import find_course
from grader.course.lessons import Course
from grader.sandbox.limits import OPTIONS, Limits
from grader.terminal.log import to_terminal

SANDBOX_MODES = ("bwrap", "none")
EXPORT_FORMATS = (
    *("csv", "junit", "canvas", "moodle", "nbgrader", "gradescope", "github"),
    "gradescope-autograder",
)

ADJUST_FILES = """\
files, in CSV; the columns of the first line say what each holds:
  lesson,due,percent_a_day,at_most_percent,grace_minutes
                                when a lesson is due; percent of the points that each day late
                                costs, and at most; minutes late that cost nothing
  student,lesson,due            an extension
  student,lesson,submitted_at   when a submission came
  student,lesson,exercise,points,comment
                                points in place of an exercise's own, and comments; without an
                                exercise, a comment on the whole
Students are called as in the report's grades.csv; times are as 2026-03-01T23:59+01:00. A later row
about the same takes the place of an earlier one, and one with nothing in it takes it away.
Also, each for one lesson:
  Moodle's grading worksheet    when submissions came (Last modified, submission)
  the zip that Canvas gives     which are marked LATE: each counts as one day, if no time is known
                                and there is no extension"""


class _Parser(argparse.ArgumentParser):
    """A parser that shows a command's own usage for an option that the command does not have."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Return the options; there are no unknown ones."""
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return options, []


GRADE_SECRET = """\
DIR/secret.key, made by the first run, is what every submission's own inputs are made from. Keep it
as long as the grades, and from students. With a copy of it in a new folder, the same files and the
same version of the course, a colleague gets the same results, as manifest.json shows:
  mkdir again && cp grades/secret.key again && grader grade submissions --out again"""


def _how_to_grade(parser: argparse.ArgumentParser) -> None:
    """Add what can be said of grading a class, whatever it handed in."""
    parser.add_argument(
        "--roster",
        type=Path,
        metavar="FILE",
        help="what Canvas or Moodle exported, or a CSV with a column student: say who handed in "
        "nothing",
    )
    parser.add_argument("--student", metavar="NAME", help="grade this student alone")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="show who, which file, which lesson and what would be done; run and write nothing",
    )
    parser.add_argument("--sandbox", choices=SANDBOX_MODES, default="bwrap", help="default: bwrap")
    parser.add_argument(
        "--jobs",
        type=_number(int, 1, 1024),
        metavar="N",
        help="submissions at a time; else one a core",
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="grade on this Dask cluster, such as tcp://host:8786"
    )
    limits = parser.add_argument_group(
        "limits",
        "Seconds of wall time, and MiB. What is set here holds for every exercise; what is\n"
        "not, for those that the lesson gives no limit of their own. Exercises that may take\n"
        "longer than the default add to the submission's seconds.",
    )
    for limit in OPTIONS:
        kind = int if isinstance(limit.default, int) else float
        limits.add_argument(
            f"--{limit.name.replace('_', '-')}",
            type=_number(kind, limit.metadata["least"], limit.metadata["most"]),
            metavar="S" if kind is float else "N",
            help=f"{limit.metadata['help']}; default: {limit.default:g}",
        )


class _Version(argparse.Action):
    """Shows the version."""

    def __call__(self, parser: argparse.ArgumentParser, *arguments: Any, **options: Any) -> None:
        """Show the version and exit."""
        print(f"grader {distribution.installed(distribution.NAME)}")
        parser.exit()


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = _Parser(
        prog="grader",
        description="Build the course's notebooks, check them, grade submissions and report.",
        epilog="'grader COMMAND --help' shows a command's options and examples.",
    )
    parser.add_argument(
        "--course",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="the course's folder; else the one that this is called from, or in",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, summary: str, examples: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=f"examples:\n{examples}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.add_argument("-v", "--verbose", action="store_true", help="say more, on stderr")
        return parser

    build = command(
        "build",
        "write the notebooks and recordings from the lessons' sources",
        "  grader build\n  grader build 02_bigrams\n  grader build --check",
    )
    build.add_argument("lessons", nargs="*", metavar="LESSON", help="such as 02_bigrams; else all")
    build.add_argument(
        "--check", action="store_true", help="write nothing; fail if a built file is out of date"
    )

    new_course = command(
        "new-course",
        "write a course with one lesson, to begin with",
        "  grader new-course my_course",
    )
    new_course.add_argument("folder", type=Path, metavar="DIR", help="a new folder")

    new_lesson = command(
        "new-lesson",
        "write a lesson's source, checks and known answers, to begin with",
        "  grader new-lesson 08_name",
    )
    new_lesson.add_argument("name", metavar="NN_NAME", help="two digits and a name: 08_name")

    trial = command(
        "try",
        "say which rules a lesson keeps, and what to do about each that it does not",
        "  grader try 02",
    )
    trial.add_argument("lesson", metavar="NN", help="as 2, 02 or 02_bigrams")

    slides = command(
        "slides",
        "write the lessons' decks of slides, as HTML and as PDF, to build/slides",
        "  grader slides\n  grader slides 02 05",
    )
    slides.add_argument("lessons", nargs="*", metavar="NN", help="as 2, 02 or 02_bigrams; else all")

    check = command(
        "check",
        "run a notebook's public checks, as check() does inside it, or a project's",
        "  grader check notebooks/02_bigrams.ipynb\n"
        "  grader check notebooks/*.ipynb --junit checks.xml\n"
        "  grader check my_project    # the folder of the project, made by lmops new-project",
    )
    check.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK")
    check.add_argument("--junit", type=Path, metavar="FILE", help="also write JUnit XML")

    grade = command(
        "grade",
        "grade a class in the sandbox",
        "  grader grade submissions --out grades\n"
        "  grader grade canvas.zip --out grades --lesson 02 --roster canvas.csv\n"
        "  grader grade canvas.zip --out grades --lesson 02 --dry-run\n"
        "  grader grade canvas.zip --out grades --student lovelaceada_101\n"
        "  grader grade submissions --out grades --lesson 02 --exercise nll",
    )
    grade.add_argument(
        "submissions",
        type=Path,
        metavar="SUBMISSIONS",
        help="a folder of notebooks, of <student>/<notebook>, an nbgrader course, or an LMS's zip",
    )
    grade.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="the gradebook's folder"
    )
    grade.add_argument(
        "--lesson",
        metavar="NN",
        help="accept this lesson alone, as 2, 02 or 02_bigrams; else each notebook's own",
    )
    grade.add_argument(
        "--exercise",
        metavar="NAME",
        help="grade this one of the lesson again, and say whose score changed",
    )
    _how_to_grade(grade)
    grade.epilog = f"{GRADE_SECRET}\n\n{grade.epilog}"

    project = command(
        "project",
        "grade the project: a class of repositories, without trusting them",
        "  grader project projects/* --out grades\n"
        "  grader project ada bo.zip file:///srv/git/eve.git --out grades\n"
        "  grader project projects/* --out grades --roster canvas.csv --dry-run\n"
        "  grader project projects/* --out grades --student ada",
    )
    project.add_argument(
        "repositories",
        nargs="+",
        metavar="REPO",
        help="a folder, a zip, or a git repository of this machine, called as its student; at most "
        "64 MiB, 32 MiB a file and 5,000 files",
    )
    project.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="the gradebook's folder"
    )
    _how_to_grade(project)
    project.epilog = f"{GRADE_SECRET}\n\n{project.epilog}"

    def gradebook(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="the gradebook's folder")

    report = command(
        "report",
        "write the class page, each student's feedback and grades.csv",
        "  grader report grades",
    )
    gradebook(report)

    adjust = command(
        "adjust",
        "merge due dates, extensions, hand-in times, manual points and comments from files",
        "  grader adjust grades due.csv extensions.csv --timezone Europe/Berlin\n"
        "  grader adjust grades worksheet.csv --lesson 02 --timezone Europe/Berlin\n"
        "  grader adjust grades canvas.zip --lesson 02\n"
        "  grader adjust grades manual.csv",
    )
    gradebook(adjust)
    adjust.add_argument("files", nargs="+", type=Path, metavar="FILE", help="as below")
    adjust.add_argument(
        "--lesson", metavar="NN", help="what a worksheet or zip is about, if not the only lesson"
    )
    adjust.add_argument(
        "--timezone",
        type=_timezone,
        metavar="NAME",
        help="that of times without their own, as Europe/Berlin",
    )
    adjust.epilog = f"{ADJUST_FILES}\n\n{adjust.epilog}"

    forget = command(
        "forget",
        "remove a student from a gradebook, or rename one",
        "  grader forget grades 02_bigrams\n  grader forget grades ada --as lovelaceada_101",
    )
    gradebook(forget)
    forget.add_argument("student", metavar="NAME", help="as in the report's grades.csv")
    forget.add_argument("--as", dest="rename", metavar="NEW", help="keep the results, as NEW's")

    stats = command(
        "stats",
        "show how many got each exercise, how well it tells students apart, and the mistakes",
        "  grader stats grades",
    )
    gradebook(stats)

    similar = command(
        "similar",
        "list pairs of submissions that are too alike",
        "  grader similar grades\n  grader similar submissions",
    )
    similar.add_argument("path", type=Path, metavar="DIR", help="a gradebook's folder or a class")

    export = command(
        "export",
        "write the gradebook as other programs read it",
        "  grader export csv grades --out grades.csv\n"
        "  grader export canvas grades --lesson 02_bigrams --roster canvas.csv --out upload.csv\n"
        "  grader export nbgrader grades --out course\n"
        "  grader export gradescope grades --lesson 02_bigrams --out results\n"
        "  grader export gradescope-autograder grades --lesson 02_bigrams --out autograder.zip",
    )
    export.add_argument("format", choices=EXPORT_FORMATS, metavar="FORMAT", help="%(choices)s")
    gradebook(export)
    export.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="PATH",
        help="a file or folder; an nbgrader course's",
    )
    export.add_argument("--lesson", metavar="NN", help="this lesson alone; most formats hold one")
    export.add_argument(
        "--roster", type=Path, metavar="FILE", help="what Canvas or Moodle exported"
    )
    export.add_argument("--column", metavar="NAME", help="the assignment's title in Canvas")

    command(
        "doctor", "say what this machine has for grading, and what is missing", "  grader doctor"
    )

    sample = command(
        "sample",
        "write the sample class: twelve submissions to one lesson, from perfect to hostile",
        "  grader sample submissions\n  grader sample submissions --lesson 02\n"
        "  grader sample projects --project my_project",
    )
    sample.add_argument("folder", type=Path, metavar="DIR", help="where to write them")
    sample.add_argument(
        "--lesson", metavar="NN", help="else the first one with three exercises, quizzes left out"
    )
    sample.add_argument(
        "--project",
        metavar="REPO",
        help="write six projects instead, made from this one, which has every part",
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, 1 for a finding, 2 for bad input."""
    options = build_parser().parse_args(arguments)
    if options.verbose:
        to_terminal()
    try:
        status = _run(options)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever read what is said, as head, has enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (OSError, ModuleNotFoundError) as problem:
        print(f"grader: {_told(problem)}", file=sys.stderr)
        return 2
    except (KeyError, ValueError) as problem:
        print(f"grader: {problem.args[0] if problem.args else problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ngrader: stopped; what was done is kept", file=sys.stderr)
        return 130


def _told(problem: OSError | ModuleNotFoundError) -> str:
    """Return what an error says; for one of the operating system's own, also what to do."""
    if not isinstance(problem, OSError) or problem.strerror is None:
        return str(problem)
    if problem.filename is None:
        what = "not everything could be written"
    else:
        what = f"{os.fsdecode(problem.filename)} cannot be read or written"
    return (
        f"{what} ({problem.strerror}). Make room, or change who may "
        "use it, or name another place, and run the same command again."
    )


def _run(options: argparse.Namespace) -> int:
    if options.command == "doctor":
        from grader import doctor

        return doctor.main(options.course)
    if options.command == "forget":
        from grader.gradebook import forget

        return forget.main(options.folder, options.student, options.rename)
    if options.command == "new-course":
        from grader.author import new

        return new.new_course(options.folder)
    course = Course(find_course(options.course))
    # Each command imports what it needs: torch and Jupyter would slow down --help.
    match options.command:
        case "build":
            from grader.author import build

            return build.main(course, options.lessons, check=options.check)
        case "new-lesson":
            from grader.author import new

            return new.new_lesson(course, options.name)
        case "try":
            from grader.author import trial

            return trial.main(course, options.lesson)
        case "slides":
            from grader.author import slides

            return slides.main(course, options.lessons)
        case "check":
            from grader.grading import check

            return check.main(course, options.notebooks, junit=options.junit)
        case "grade":
            from grader.grading import grade

            return grade.main(
                course,
                options.submissions,
                options.out,
                lesson=options.lesson,
                mode=options.sandbox,
                exercise=options.exercise,
                limits=Limits.from_command_line(vars(options)),
                jobs=options.jobs,
                scheduler=options.scheduler,
                student=options.student,
                roster=options.roster,
                dry_run=options.dry_run,
            )
        case "project":
            from grader.grading import projects

            return projects.main(
                course,
                options.repositories,
                options.out,
                mode=options.sandbox,
                limits=Limits.from_command_line(vars(options)),
                jobs=options.jobs,
                scheduler=options.scheduler,
                student=options.student,
                roster=options.roster,
                dry_run=options.dry_run,
            )
        case "report":
            from grader.reports import pages

            print(f"Report: {pages.write_report(course, options.folder)}")
            return 0
        case "adjust":
            from grader.gradebook import adjustments

            return adjustments.main(
                course,
                options.folder,
                options.files,
                lesson=options.lesson,
                timezone=options.timezone,
            )
        case "stats":
            from grader.reports import stats

            return stats.main(course, options.folder)
        case "similar":
            from grader.reports import similar

            return similar.main(course, options.path)
        case "export":
            from grader.reports import exports

            return exports.main(
                course,
                options.format,
                options.folder,
                options.out,
                lesson=options.lesson,
                roster=options.roster,
                column=options.column,
            )
        case _ if options.project is not None:
            from grader import sample_project

            return sample_project.main(course, options.folder, options.project)
        case _:
            from grader import sample

            return sample.main(course, options.folder, options.lesson)


def _timezone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (OSError, ValueError, ZoneInfoNotFoundError):
        message = f"{text!r} is no time zone; write a name such as Europe/Berlin or UTC"
        raise argparse.ArgumentTypeError(message) from None


def _number(kind: type[int] | type[float], least: float, most: float) -> Callable[[str], float]:
    """Return a function that reads a number between two others from the command line."""

    def read(text: str) -> float:
        with contextlib.suppress(ValueError):
            if least <= (number := kind(text)) <= most:
                return number
        name = "whole number" if kind is int else "number"
        raise argparse.ArgumentTypeError(f"{text!r} is not a {name} from {least} to {most}")

    return read


if __name__ == "__main__":
    sys.exit(main())
