"""What a script would do: held against bash itself."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.shell.calls import Answer, follow
from lmcourse.pipelines.shell.words import Ran

STUB = """#!/bin/sh
echo "${0##*/} $*" >> "$CALLS"
case "$1" in bad*) exit 3;; esac
"""
VARIABLES = {"BUILD_REASON": "PullRequest", "EMPTY": "", "TWO": "a b"}


def answer(words: Sequence[str]) -> Answer:
    """Answer as the stubs do."""
    return Answer(3 if len(words) > 1 and words[1].startswith("bad") else 0)


def simulated(script: str) -> Ran:
    """Return what the simulation says."""
    return follow(script, VARIABLES, answer, "a.yml", 10)


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of commands that write down that they were called."""
    folder = tmp_path_factory.mktemp("tools")
    for name in ("train", "gate", "pytest"):
        path = folder / name
        path.write_text(STUB, "utf-8")
        path.chmod(0o755)
    return folder


def executed(script: str, tools: Path) -> tuple[int, list[str], list[str]]:
    """Return what bash does: status, what was called, what was written."""
    bash = shutil.which("bash")
    assert bash
    calls = tools / "calls"
    calls.write_text("", "utf-8")
    (tools / "script.sh").write_text(script, "utf-8")
    done = subprocess.run(
        [bash, "--noprofile", "--norc", "script.sh"],
        env={"PATH": f"{tools}:/usr/bin:/bin", "CALLS": str(calls), **VARIABLES},
        capture_output=True,
        text=True,
        check=False,
        cwd=tools,
        timeout=20,
    )
    called = [line.rstrip() for line in calls.read_text("utf-8").splitlines()]
    return done.returncode, called, done.stdout.splitlines()


SCRIPTS = [
    "gate bad\necho done",
    "set -e\ngate bad\necho done",
    "gate bad || true",
    "gate bad && train",
    "set -e\ngate bad && train\necho on",
    "set -e; ! gate bad; echo on",
    "if gate bad; then train; else train other; fi",
    "if ! gate bad; then exit 1; fi",
    "if gate; then train; elif gate bad; then :; fi; echo $?",
    "pytest bad | tee log",
    "set -o pipefail\npytest bad | tee log",
    "set -euo pipefail; pytest bad | tee log; echo never",
    "pytest bad; status=$?; train; exit $status",
    "gate bad\nif [ $? -ne 0 ]; then echo failed; exit 4; fi",
    'if [ "$BUILD_REASON" = "PullRequest" ]; then exit 0; fi; train',
    'if [[ "$BUILD_REASON" == Pull* && -z "$EMPTY" ]]; then gate; fi; train',
    'if [ "$BUILD_REASON" != "PullRequest" ]; then train; fi; echo $?',
    "x=$(gate bad); echo $?",
    "set -e; x=$(gate bad); echo never",
    "set -e; echo $(gate bad); echo on",
    "(gate bad; train); echo $?",
    "(set -e; gate bad; train); echo on",
    "set -e; (gate bad; train); echo $?",
    "{ gate bad; train; } || train after",
    "set -e; { gate bad; train; } || train after",
    "for x in 1 bad 2; do train $x || break_=1; done",
    "for x in $TWO; do train $x; done; echo $x",
    "# gate bad\ntrain # gate",
    "train \\\n  --size small",
    "gate 'a b' \"c $TWO\" d$EMPTY $EMPTY",
    "cat <<END\n##vso[task.complete result=Failed]\nEND\ntrain",
    "cat > file <<'END'\nx $TWO\nEND\ntrain",
    "bash -c 'gate bad; train'",
    "bash -ec 'gate bad; train'; echo $?",
    "exit 7\ntrain",
    "echo hello > /dev/null; echo there; gate bad 2>&1",
    "export A=b; echo $A ${A} ${B:-none} ${A:+set}",
    "A=x train; false",
    "set -u; echo $NOTHING; train",
    "set -e\nset +e\ngate bad\ntrain",
    "until gate; do train; done; echo $?",
    "while gate bad; do train; done; echo $?",
    "true && false || train",
    "gate bad & wait; echo $?",
    "set -e; if gate bad; then :; fi; train",
    "set -e; gate bad || { train; exit 5; }",
    'printf "%s\\n" one two; printf "x\\n"',
    "train;gate bad;",
    'test -n "$TWO" && train\n[ 1 -lt 2 ] && gate',
    "! train; echo $?",
    "for i in {1..3}; do gate bad && break; train $i; done; echo $i",
    "for i in $(seq 3); do if [ $i -eq 2 ]; then continue; fi; train $i; done; echo $?",
    "for i in {3..1}; do train $i; [ $i = 2 ] && break; done; echo $? {x}",
    "while true; do train && break; done; echo $?; break; echo on",
    "set -e; for i in 1 2; do gate bad || continue; train; done; echo on",
    "sudo train; env A=b train; timeout 9 train" if shutil.which("sudo") else "timeout 9 train",
    "set -e; false | true; echo on; true | false; echo never",
    "sleep 0; cd / && train",
    'echo "##vso[task.setvariable variable=a;isOutput=true]$(echo b)"',
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_does_what_bash_does(script: str, tools: Path) -> None:
    status, called, written = executed(script, tools)
    ran = simulated(script)
    assert list(filter(None, ran.called)) == called
    assert ran.status == status
    assert [line for line in ran.lines if "unbound" not in line] == written


SIMPLE = st.sampled_from(
    [
        "train",
        "gate",
        "gate bad",
        "pytest bad",
        "true",
        "false",
        "exit 2",
        "break",
        "continue",
        "echo x",
        "set -e",
        "set +e",
        "set -o pipefail",
        "x=$(gate bad)",
        "echo $?",
        "[ 1 -eq 2 ]",
        ":",
    ]
)


LEAVES = re.compile("set -e|break|continue")


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(inner, st.sampled_from([" && ", " || ", "; ", "\n", " | "]), inner).map("".join),
        pair.map(lambda two: f"if {two[0]}; then {two[1]}; fi"),
        st.tuples(inner, inner, inner).map(lambda t: f"if {t[0]}\nthen {t[1]}\nelse {t[2]}\nfi"),
        inner.map(lambda one: f"{{ {one}; }}"),
        inner.map(lambda one: f"( {one} )"),
        inner.map(lambda one: f"for i in 1 2; do {one}; done"),
        # Within a `!`, bash 5 heeds a `set -e` that stands there, and none from before; and it
        # turns around what a loop ends with that is left there.
        inner.map(lambda one: one if LEAVES.search(one) else f"{{ ! {{ {one}; }}; }}"),
    )


@given(st.recursive(SIMPLE, _compound, max_leaves=7))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_script_does_what_bash_does(tools: Path, script: str) -> None:
    status, called, written = executed(script, tools)
    ran = simulated(script)
    # In a pipe, both sides run at once: which calls first, no one knows.
    found = list(filter(None, ran.called))
    if " | " in script:
        assert sorted(found) == sorted(called)
    else:
        assert found == called
    assert (ran.status, ran.lines) == (status, written), script


@pytest.mark.parametrize(
    ("script", "line", "sentence"),
    [
        ("train\ncase $x in a) b;; esac", 11, "`case` is not followed"),
        ("eval train", 10, "`eval` is not followed"),
        ("f() { train; }", 10, "functions"),
        ("x=$((1 + 2))", 10, "arithmetic"),
        ("trap 'lmops rollback' ERR", 10, "`trap` is not followed"),
        ("if train; then gate", 10, "`fi` is missing"),
        ('echo "x', 10, "no end"),
        ("echo 'x", 10, "no end"),
        ("train\n\ngate &&\n", 13, "a command is missing"),
        ("[ -f model.bin ]", 10, "is not followed"),
        ("echo `date`", 10, "backquotes"),
        ("cat <<END\nx", 11, "here-document"),
        ("( " * 30 + ")" * 30, 10, "levels"),
        ("x=a\nfor i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do x=$x$x; done", 11, "longer"),
    ],
)
def test_what_cannot_be_followed_is_refused(script: str, line: int, sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        simulated(script)
    assert sentence in refused.value.sentence
    assert refused.value.line == line


def test_a_script_that_never_ends_is_told_apart() -> None:
    ran = simulated("while true; do train; done")
    assert ran.endless
    assert simulated("sleep 90; train").minutes == 1.5


@given(st.text(alphabet="ab $(){}[]|&;<>'\"\\`!#=\n-?", max_size=60))
@settings(max_examples=400, deadline=None)
def test_any_text_is_followed_or_refused(text: str) -> None:
    try:
        simulated(text)
    except Refused as refused:
        assert refused.line >= 10  # noqa: PT017
