"""JUnit XML, as CI systems read it."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class JUnitTest:
    """One test: `skipped` or `failure` say in a word why it did not pass, `text` says more."""

    group: str
    name: str
    failure: str = ""
    skipped: str = ""
    text: str = ""


def write_junit(file: Path, suites: Iterable[tuple[str, list[JUnitTest]]]) -> None:
    """Write named suites of tests."""
    root = ET.Element("testsuites")
    for name, tests in suites:
        suite = ET.SubElement(
            root,
            "testsuite",
            name=clean(name),
            tests=str(len(tests)),
            failures=str(sum(bool(test.failure) for test in tests)),
            errors="0",
            skipped=str(sum(bool(test.skipped) for test in tests)),
        )
        for test in tests:
            case = ET.SubElement(
                suite, "testcase", classname=clean(test.group), name=clean(test.name)
            )
            if test.skipped:
                ET.SubElement(case, "skipped", message=test.skipped)
            elif test.failure:
                failure = ET.SubElement(case, "failure", message=test.failure)
                failure.text = clean(test.text)
    file.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)


def clean(text: str) -> str:
    """Drop what XML, a terminal or a web page may not be given."""
    return "".join(
        c for c in text if c in "\n\t" or (c.isprintable() and not "\ud800" <= c <= "\udfff")
    )
