"""The `grader` command."""

import argparse
import sys
from pathlib import Path

from grader.sandbox import MODES, SandboxMissing


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="grader",
        description="Build the course's notebooks, check them, grade submissions and report.",
        epilog="'grader COMMAND --help' shows a command's options and examples.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, summary: str, examples: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=f"examples:\n{examples}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    build = command(
        "build",
        "write the notebooks and recordings from the lessons' sources in solutions/",
        "  grader build\n  grader build 02_bigrams\n  grader build --check",
    )
    build.add_argument("lessons", nargs="*", metavar="LESSON", help="such as 02_bigrams; else all")
    build.add_argument(
        "--check", action="store_true", help="write nothing; fail if a built file is out of date"
    )

    check = command(
        "check",
        "run a notebook's public checks, as check() does inside it",
        "  grader check notebooks/02_bigrams.ipynb\n"
        "  grader check notebooks/*.ipynb --junit checks.xml",
    )
    check.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK")
    check.add_argument("--junit", type=Path, metavar="FILE", help="also write JUnit XML")

    grade = command(
        "grade",
        "grade a class in the sandbox",
        "  grader grade submissions --out grades\n"
        "  grader grade canvas.zip --out grades --lesson 02_bigrams",
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
    grade.add_argument("--lesson", help="accept this lesson alone; else each notebook's own")
    grade.add_argument("--sandbox", choices=MODES, default="bwrap", help="default: bwrap")
    grade.add_argument(
        "--jobs", type=_positive, metavar="N", help="submissions at a time; else one a core"
    )

    report = command(
        "report",
        "write the class page, each student's feedback and grades.csv",
        "  grader report grades",
    )
    report.add_argument("folder", type=Path, metavar="DIR", help="the gradebook's folder")

    sample = command(
        "sample",
        "write the sample class: twelve submissions to lesson 02, from perfect to hostile",
        "  grader sample submissions",
    )
    sample.add_argument("folder", type=Path, metavar="DIR", help="where to write them")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, 1 for a finding, 2 for bad input."""
    options = build_parser().parse_args(arguments)
    try:
        return _run(options)
    except (SandboxMissing, FileNotFoundError, NotADirectoryError, PermissionError) as problem:
        print(f"grader: {problem}", file=sys.stderr)
        return 2
    except (KeyError, ValueError) as problem:
        print(f"grader: {problem.args[0] if problem.args else problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ngrader: stopped; what was done is kept", file=sys.stderr)
        return 130


def _run(options: argparse.Namespace) -> int:
    # Each command imports what it needs: torch and Jupyter would slow down --help.
    match options.command:
        case "build":
            from grader import build

            return build.main(options.lessons, check=options.check)
        case "check":
            from grader import check

            return check.main(options.notebooks, junit=options.junit)
        case "grade":
            from grader import grade

            return grade.main(
                options.submissions,
                options.out,
                lesson=options.lesson,
                mode=options.sandbox,
                jobs=options.jobs,
            )
        case "report":
            from grader import report

            print(f"Report: {report.write_report(options.folder)}")
            return 0
        case _:
            from grader import sample

            return sample.main(options.folder)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
