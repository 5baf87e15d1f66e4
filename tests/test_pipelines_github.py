"""GitHub's workflows: their language against a table, and what they do in many situations."""

import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from course import ROOT
from hypothesis import given
from hypothesis import strategies as st

from lmcourse.pipelines.azure.simulate import Scenario
from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.expressions.github import (
    Scope,
    Status,
    condition,
    evaluate,
    insert,
    parse,
)
from lmcourse.pipelines.expressions.github_values import FUNCTIONS
from lmcourse.pipelines.github.events import fits, passes
from lmcourse.pipelines.github.matrix import legs, title
from lmcourse.pipelines.github.rights import injected, loose, passwords, rights, secrets, unpinned
from lmcourse.pipelines.github.simulate import read_workflow, simulate_workflow
from lmcourse.pipelines.github.workflow import Patterns
from lmcourse.pipelines.runs import Approval, Run, Start
from lmcourse.pipelines.source import parse as parse_yaml

HERE = Path(__file__).parent / "pipelines"
TABLE = yaml.safe_load((HERE / "github_expressions.yml").read_text("utf-8"))
CONTEXTS = TABLE["contexts"]
AT = (".github/workflows/ci.yml", 7)
HASH = "de0fac2e4500dabe0009e67214ff5f5447ce83dd"


def rows(kind: str) -> list[Any]:
    return [
        pytest.param(*row, id=f"{group['from']}: {row[0]}")
        for group in TABLE[kind]
        for row in group["rows"]
    ]


@pytest.mark.parametrize(("expression", "value"), rows("values"))
def test_an_expression_is_what_the_documentation_says(expression: str, value: Any) -> None:
    scope = Scope(CONTEXTS)
    if isinstance(value, dict) and "refused" in value:
        with pytest.raises(Refused) as refused:
            evaluate(expression, scope, AT)
        assert value["refused"] in refused.value.sentence
        assert (refused.value.file, refused.value.line) == AT
        return
    found = evaluate(expression, scope, AT)
    assert found == (pytest.approx(value) if isinstance(value, float) else value)
    assert isinstance(found, bool) == isinstance(value, bool)


@pytest.mark.parametrize(("text", "stands", "wanted"), rows("conditions"))
def test_a_condition_holds_as_the_documentation_says(
    text: str | None, stands: dict[str, bool], wanted: Any
) -> None:
    scope = Scope(CONTEXTS, Status(**stands))
    if isinstance(wanted, dict):
        with pytest.raises(Refused) as refused:
            condition(text, scope, AT)
        assert wanted["refused"] in refused.value.sentence
        return
    assert condition(text, scope, AT)[0] is wanted


def test_the_table_has_every_function() -> None:
    written = str(TABLE["values"])
    assert [name for name in FUNCTIONS if f"{name}(" not in written] == ["hashFiles"]


def test_a_condition_is_told_with_values_in_place_of_names() -> None:
    scope = Scope(CONTEXTS, Status(failed=True))
    text = "github.ref == 'refs/heads/x' || (failure() && !contains(github.ref, 'main'))"
    wanted = "'refs/heads/main' == 'refs/heads/x' || (true && !contains('refs/heads/main', 'main'))"
    assert condition(text, scope, AT) == (False, wanted)
    assert condition("github.ref", scope, AT) == (False, "false && ...")


def test_an_expression_within_a_text_is_put_in() -> None:
    scope = Scope(CONTEXTS)
    assert insert("${{ fruits.*.quantity }}", scope, AT) == [1, 2, 1]
    text = "a ${{ 1.0 }} ${{ true }}${{ null }} ${{ fruits }} ${{ '}}' }}"
    assert insert(text, scope, AT) == "a 1 true Array }}"
    assert insert("", scope, AT) == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("'" + "a" * 2000 + "'", "longer than 2,000 characters"),
        ("!" * 60 + "true", "nested more than 50 deep"),
        ("(" * 60 + "1" + ")" * 60, "nested more than 50 deep"),
        ("1" + "==1" * 60, "nested more than 50 deep"),
        ("vars" + ".b" * 60, "nested more than 50 deep"),
        ("join(" * 60 + "1" + ")" * 60, "nested more than 50 deep"),
        ("format('" + "{0}" * 400 + "', vars.long)", "longer than 20,000 characters"),
        ("join(fromJSON(vars.list), vars.long)", "longer than 20,000 characters"),
        ("toJSON(fromJSON(vars.list))", "longer than 20,000 characters"),
        ("fromJSON(vars.deep)", "more than 1,000 lists"),
    ],
)
def test_an_expression_is_bounded(text: str, words: str) -> None:
    values = {"long": "x" * 19_000, "list": f"[{'1,' * 9_000}1]", "deep": "[" * 5000 + "]" * 5000}
    with pytest.raises(Refused, match=words):
        evaluate(text, Scope({"vars": values}), AT)


def test_many_conditions_in_a_row_are_not_deep() -> None:
    assert evaluate(" && ".join(["1 == 1"] * 150), Scope(), AT) is True
    assert evaluate(" || ".join(["false"] * 150), Scope(), AT) is False


PARTS = [
    *(f"{name}(" for name in [*FUNCTIONS, "success", "failure", "nosuch", "eq"]),
    *("vars", "github", "fruits", ".", "[", "]", "*", ",", ")", "(", "==", "!=", "&&", "||", "!"),
    *("<", ">=", "'a'", "''", "'it''s'", "1", "-.5", "0xf", "true", "null", " ", "\n", "'", '"'),
    *("{0}", "ß", "${{", "}}", "=", "&"),
]


@given(st.lists(st.sampled_from(PARTS), max_size=25).map("".join) | st.text(max_size=60))
def test_any_text_has_a_value_or_is_refused(text: str) -> None:
    scope = Scope(CONTEXTS, Status(failed=True))
    for ask in (evaluate, condition, insert):
        try:
            ask(text, scope, AT)
        except Refused as refused:
            assert str(refused).startswith(f"{AT[0]}:{AT[1]}: ")  # noqa: PT017


JSON = st.none() | st.booleans() | st.floats(-9, 9) | st.sampled_from(["", "a", "A", "1", " 2 "])


@given(JSON, JSON)
def test_comparisons_agree_with_one_another(left: Any, right: Any) -> None:
    scope = Scope({"a": {"l": left, "r": right}})
    less, most, more, least, same, other = (
        evaluate(f"a.l {sign} a.r", scope, AT) for sign in ("<", "<=", ">", ">=", "==", "!=")
    )
    assert same is not other
    assert most is (less or (same and most))
    assert least is (more or (same and least))
    assert not (less and more)
    assert evaluate("a.r == a.l", scope, AT) is same


# The documentation's own examples ("Workflow syntax", filter pattern cheat sheet).
FITS = {
    "feature/*": (["feature/my-branch"], ["feature/beta-a/my-branch", "feature"]),
    "feature/**": (["feature/beta-a/my-branch", "feature/your-branch"], ["features/x"]),
    "*": (["main", "releases", "README.md"], ["all/the/branches"]),
    "**": (["all/the/branches", "every/tag", "main"], []),
    "*feature": (["mona-feature", "feature", "ver-10-feature"], ["feature-1"]),
    "v2*": (["v2", "v2.0", "v2.9"], ["v1"]),
    "v[12].[0-9]+.[0-9]+": (["v1.10.1", "v2.0.0"], ["v3.0.0", "v1.x.0", "v1..0"]),
    "*.jsx?": (["page.js", "page.jsx"], ["page.jsxx", "a/page.js"]),
    "*.js": (["app.js", "index.js"], ["js/index.js"]),
    "**.js": (["index.js", "js/index.js", "src/js/app.js"], ["index.jsx"]),
    "docs/*": (["docs/README.md", "docs/file.txt"], ["docs/mona/octocat.txt"]),
    "docs/**": (["docs/README.md", "docs/mona/octocat.txt"], ["doc/README.md"]),
    "docs/**/*.md": (["docs/README.md", "docs/mona/hello-world.md", "docs/a/b/c.md"], ["x.md"]),
    "**/docs/**": (["docs/hello.md", "dir/docs/my-file.txt"], ["mydocs/hello.md"]),
    "**/README.md": (["README.md", "js/README.md"], ["xREADME.md"]),
    "**/*src/**": (["a/src/app.js", "my-src/code/js/app.js"], ["src2/app.js"]),
    "**/*-post.md": (["my-post.md", "path/their-post.md"], ["my-post.mdx"]),
    "**/migrate-*.sql": (["migrate-10909.sql", "db/sept/migrate-v1.sql"], ["db/migrate.sql"]),
    "a.c": (["a.c"], ["abc"]),
}


@pytest.mark.parametrize("pattern", FITS)
def test_a_pattern_fits_as_the_documentation_says(pattern: str) -> None:
    yes, no = FITS[pattern]
    assert [one for one in yes if not fits(pattern, one)] == []
    assert [one for one in no if fits(pattern, one)] == []


def test_the_last_pattern_that_fits_decides() -> None:
    first = Patterns(("*.md", "!README.md"))
    assert [passes(first, one) for one in ("hello.md", "README.md", "docs/hello.md")] == [
        True, False, False,
    ]  # fmt: skip
    second = Patterns(("*.md", "!README.md", "README*"))
    assert all(passes(second, one) for one in ("hello.md", "README.md", "README.doc"))
    assert passes(Patterns(("docs/**",), ignore=True), "src/a.py")
    assert not passes(Patterns(("docs/**",), ignore=True), "docs/a.md")
    assert passes(None, "anything")


def test_a_pattern_takes_no_longer_than_it_is_long() -> None:
    assert not fits("**a" * 2000 + "b", "a" * 500)
    assert fits("*" * 2000 + "[a-z]+" * 50, "a" * 500)


@given(st.text("a*?+[]-/!.\\é{", max_size=12), st.text("a-/.é", max_size=8))
def test_any_pattern_fits_or_not(pattern: str, name: str) -> None:
    assert fits(pattern, name) in {True, False}
    assert fits("**", name)


def matrix(text: str) -> list[dict[str, Any]]:
    return legs(parse_yaml(text, "ci.yml"), Scope())


def test_a_matrix_includes_as_the_documentation_says() -> None:
    """Running variations of jobs, "Expanding or adding matrix configurations"."""
    text = """
fruit: [apple, pear]
animal: [cat, dog]
include:
  - color: green
  - color: pink
    animal: cat
  - fruit: apple
    shape: circle
  - fruit: banana
  - fruit: banana
    animal: cat
"""
    assert matrix(text) == [
        {"fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle"},
        {"fruit": "apple", "animal": "dog", "color": "green", "shape": "circle"},
        {"fruit": "pear", "animal": "cat", "color": "pink"},
        {"fruit": "pear", "animal": "dog", "color": "green"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    ]


def test_a_matrix_excludes_as_the_documentation_says() -> None:
    """Running variations of jobs, "Excluding matrix configurations": nine jobs."""
    text = """
os: [macos-latest, windows-latest]
version: [12, 14, 16]
environment: [staging, production]
exclude:
  - os: macos-latest
    version: 12
    environment: production
  - os: windows-latest
    version: 16
"""
    found = matrix(text)
    assert len(found) == 9
    assert {"os": "windows-latest", "version": 16.0, "environment": "staging"} not in found
    assert matrix("include:\n  - site: production\n  - site: staging") == [
        {"site": "production"},
        {"site": "staging"},
    ]


def test_a_version_without_quotes_loses_its_zero() -> None:
    assert [title(leg) for leg in matrix('python: [3.10, "3.10", 3]')] == ["3.1", "3.10", "3"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("python: '3.12'", "has to be a list"),
        ("python: []", "one or more values"),
        ("- 3.12", "a matrix is a mapping"),
        ("a: [1, 2]\ninclude: 3", "`include` of the matrix has to be a list"),
        ("a: [1, 2]\nexclude: [3]", "each row of `exclude`"),
        ("\n".join(f"v{n}: [1, 2]" for n in range(9)), "more than 256 legs"),
        ("\n".join(f"v{n}: [1, 2]" for n in range(900)), "more than 256 legs"),
    ],
)
def test_a_matrix_that_is_none_is_refused(text: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        matrix(text)


DEPLOY = f"""
name: Deploy
on:
  push:
    branches: [main]
    paths-ignore: ["docs/**"]
  pull_request:
  schedule:
    - cron: "0 3 * * *"
  workflow_dispatch:
    inputs:
      force:
        type: boolean
        default: false
  workflow_run:
    workflows: [Train]
    types: [completed]
permissions:
  contents: read
concurrency: deploy
env:
  MODEL: tiny
jobs:
  test:
    runs-on: ubuntu-24.04
    strategy:
      matrix:
        python: ["3.11", "3.12"]
    steps:
      - uses: actions/checkout@{HASH}
      - run: make test PYTHON=${{{{ matrix.python }}}}
  gate:
    needs: test
    runs-on: ubuntu-24.04
    outputs:
      version: ${{{{ steps.pack.outputs.version }}}}
    steps:
      - uses: actions/checkout@{HASH}
      - id: pack
        run: |
          lmops gate
          echo "version=v1" >> "$GITHUB_OUTPUT"
          echo "SEEN=yes" >> $GITHUB_ENV
      - run: test "$SEEN" = yes && test "$MODEL" = tiny
      - if: failure()
        run: lmops report
  deploy:
    needs: [test, gate]
    if: github.ref == 'refs/heads/main' && github.event_name != 'pull_request'
    runs-on: ubuntu-24.04
    environment: production
    permissions:
      contents: read
      id-token: write
    steps:
      - uses: azure/login@{HASH}
        with:
          client-id: ${{{{ secrets.CLIENT }}}}
      - run: lmops rollout ${{{{ needs.gate.outputs.version }}}} --to production
      - if: failure()
        run: lmops rollback --to production
  tell:
    needs: deploy
    if: always()
    runs-on: ubuntu-24.04
    steps:
      - run: lmops tell ${{{{ needs.deploy.result }}}}
"""
BOSS = {"production": Approval("given", "grace")}


def go(start: Start | None = None, text: str = DEPLOY, **given: Any) -> Run:
    given = {"approvals": BOSS} | given
    return simulate_workflow(read_workflow(text, "ci.yml"), Scenario(start or Start(), **given))


def commands(run: Run) -> list[str]:
    return [one.command for one in run.log if not one.command.startswith(("actions/", "test "))]


ROLLOUT = "lmops rollout v1 --to production"


def test_a_push_to_main_is_tested_gated_and_deployed() -> None:
    run = go()
    assert commands(run) == [
        "make test PYTHON=3.11",
        "make test PYTHON=3.12",
        "lmops gate",
        "azure/login",
        ROLLOUT,
        "lmops tell success",
    ]
    assert run.ended == "succeeded"
    assert run.deployed("production")
    assert run.result("test.3.12") == "succeeded"


SITUATIONS: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "a test fails": (
        {"outcomes": {"make test PYTHON=3.11": 1}},
        "failed",
        ["make test PYTHON=3.11", "lmops tell skipped"],
    ),
    "a test of the second leg fails": (
        {"outcomes": {"make test PYTHON=3.12": 1}},
        "failed",
        ["make test PYTHON=3.11", "make test PYTHON=3.12", "lmops tell skipped"],
    ),
    "the gate fails": (
        {"outcomes": {"lmops gate": 1}},
        "failed",
        ["lmops gate", "lmops report", "lmops tell skipped"],
    ),
    "it is a pull request": (
        {"start": Start("PullRequest", "feature")},
        "succeeded",
        ["lmops gate", "lmops tell skipped"],
    ),
    "it is another branch, by hand": (
        {"start": Start("Manual", "feature")},
        "succeeded",
        ["lmops gate", "lmops tell skipped"],
    ),
    "it is night": (
        {"start": Start("Schedule")},
        "succeeded",
        ["lmops gate", "azure/login", ROLLOUT, "lmops tell success"],
    ),
    "the approval is missing": (
        {"approvals": {"production": Approval("missing")}},
        "failed",
        ["lmops gate", "lmops tell failure"],
    ),
    "the approval is the author's own": (
        {"approvals": {"production": Approval("given", "ada")}},
        "failed",
        ["lmops gate", "lmops tell failure"],
    ),
    "the approval is refused": (
        {"approvals": {"production": Approval("rejected", "grace")}},
        "failed",
        ["lmops gate", "lmops tell failure"],
    ),
    "the deployment fails": (
        {"outcomes": {"lmops rollout": 1}},
        "failed",
        ["lmops gate", "azure/login", ROLLOUT, "lmops rollback --to production",
         "lmops tell failure"],
    ),
    "the login fails": (
        {"outcomes": {"azure/login": 1}},
        "failed",
        ["lmops gate", "azure/login", "lmops rollback --to production", "lmops tell failure"],
    ),
    "a person cancels in the gate": (
        {"cancel": "lmops gate"},
        "canceled",
        ["lmops gate", "lmops tell skipped"],
    ),
    "the gate takes seven hours": (
        {"minutes": {"lmops gate": 420}},
        "failed",
        ["lmops gate", "lmops tell skipped"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_workflow_reacts(situation: str) -> None:
    given, ended, wanted = SITUATIONS[situation]
    run = go(**given)
    assert run.ended == ended
    assert [one for one in commands(run) if not one.startswith("make")] == [
        one for one in wanted if not one.startswith("make")
    ]
    tests = [one for one in wanted if one.startswith("make")]
    assert not tests or [one for one in commands(run) if one.startswith("make")] == tests
    assert run.deployed("production") == (ROLLOUT in wanted and ended == "succeeded")
    assert all(one.why for one in run.stages)
    assert all(step.why for _, job in run.jobs() for step in job.steps)


@pytest.mark.parametrize(
    ("start", "started", "why"),
    [
        (Start(branch="feature"), False, "is not for feature"),
        (Start(paths=("docs/a.md",)), False, "no file that changed"),
        (Start(paths=("docs/a.md", "src/a.py")), True, "a push to main"),
        (Start(tag="v1"), False, "is not for v1"),
        (Start("Schedule", "feature"), False, "default branch"),
        (Start("ResourceTrigger", pipeline="Train"), True, "Train ended"),
        (Start("ResourceTrigger", pipeline="Lint"), False, "is not for Lint"),
        (Start("Manual"), True, "ada asked for it"),
    ],
)
def test_a_workflow_starts_for_what_it_names_alone(start: Start, started: bool, why: str) -> None:
    run = go(start)
    assert run.started is started
    assert why in run.why
    assert bool(run.stages) is started


def job(body: str, head: str = "on: push") -> str:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f"{head}\njobs:\n  one:\n    runs-on: ubuntu-24.04\n{lines}\n"


def test_a_script_stops_at_its_first_failing_line() -> None:
    """Workflow syntax, shell: `bash -e {0}`, and with `shell: bash` also `-o pipefail`."""
    text = job("steps:\n- run: |\n    first\n    second")
    assert commands(go(text=text, outcomes={"first": 1})) == ["first"]
    piped = "steps:\n- run: |\n    first | second\n    third"
    assert go(text=job(piped), outcomes={"first": 1}).ended == "succeeded"
    shell = f"defaults:\n  run:\n    shell: bash\n{piped}"
    assert go(text=job(shell), outcomes={"first": 1}).ended == "failed"
    own = piped.replace("- run", "- shell: bash\n  run")
    assert go(text=job(own), outcomes={"first": 1}).ended == "failed"


def test_make_needs_the_code() -> None:
    assert go(text=job("steps:\n- run: make test")).ended == "failed"


def test_what_may_fail_is_known_by_its_outcome() -> None:
    text = job(
        """steps:
- id: try
  run: risky
  continue-on-error: true
- if: steps.try.outcome == 'failure'
  run: say ${{ steps.try.conclusion }}"""
    )
    run = go(text=text, outcomes={"risky": 1})
    assert (commands(run), run.ended) == (["risky", "say success"], "succeeded")
    assert commands(go(text=text)) == ["risky"]


def test_a_job_that_may_fail_lets_those_that_need_it_go_on() -> None:
    text = job("continue-on-error: true\nsteps:\n- run: risky")
    text += "  two:\n    needs: one\n    runs-on: ubuntu-24.04\n    steps:\n    - run: after\n"
    run = go(text=text, outcomes={"risky": 1})
    assert (run.ended, run.result("one")) == ("succeeded", "succeededWithIssues")
    assert commands(run) == ["risky", "after"]


def test_a_skipped_job_skips_the_whole_chain_behind_it() -> None:
    """Using conditions: "a failure or skip applies to all jobs in the dependency chain"."""
    text = job("if: false\nsteps:\n- run: one")
    for name, needs, extra in (("two", "one", "    if: always()\n"), ("three", "two", "")):
        text += f"  {name}:\n    needs: {needs}\n    runs-on: ubuntu-24.04\n{extra}"
        text += f"    steps:\n    - run: {name}\n"
    run = go(text=text)
    assert [stage.result for stage in run.stages] == ["skipped", "succeeded", "skipped"]
    assert run.stages[2].why == "one was skipped"


def test_legs_behind_one_that_fails_are_cancelled_or_not() -> None:
    body = "strategy:\n  {}matrix:\n    n: [1, 2, 3]\nsteps:\n- run: try ${{{{ matrix.n }}}}"
    failing = {"outcomes": {"try 2": 1}}
    run = go(text=job(body.format("")), **failing)
    assert commands(run) == ["try 1", "try 2"]
    assert [one.result for one in run.stages[0].jobs] == ["succeeded", "failed", "canceled"]
    run = go(text=job(body.format("fail-fast: false\n  ")), **failing)
    assert commands(run) == ["try 1", "try 2", "try 3"]


def test_a_matrix_can_come_from_a_job_before() -> None:
    text = job(
        """outputs:
  names: ${{ steps.list.outputs.names }}
steps:
- id: list
  run: echo 'names=["a", "b"]' >> "$GITHUB_OUTPUT\""""
    )
    text += """  two:
    needs: one
    runs-on: ubuntu-24.04
    strategy:
      matrix:
        name: ${{ fromJSON(needs.one.outputs.names) }}
    steps:
    - run: say ${{ matrix.name }}
"""
    assert commands(go(text=text)) == ["say a", "say b"]


def test_names_are_known_in_any_case() -> None:
    steps = "steps:\n- id: pack\n  run: echo v=1 >> $GITHUB_OUTPUT"
    text = job("outputs:\n  v: ${{ steps.PACK.outputs.v }}\n" + steps)
    text += "  two:\n    needs: ONE\n    runs-on: ubuntu-24.04\n    steps:\n"
    assert commands(go(text=text + "    - run: say ${{ needs.One.outputs.V }}\n")) == ["say 1"]


def test_a_step_that_is_skipped_is_not_looked_into() -> None:
    text = job("steps:\n- if: false\n  run: say ${{ fromJSON(vars.none).a }}\n- run: after")
    assert commands(go(text=text)) == ["after"]


def test_jobs_that_always_run_do_so_in_a_run_that_was_canceled() -> None:
    text = job("steps:\n- run: long\n- if: cancelled()\n  run: tidy\n- run: more")
    text += """  two:
    needs: one
    if: always()
    runs-on: ubuntu-24.04
    strategy:
      matrix:
        n: [1, 2]
    steps:
    - run: tell ${{ matrix.n }} ${{ needs.one.result }}
"""
    run = go(text=text, cancel="long")
    assert commands(run) == ["long", "tidy", "tell 1 cancelled", "tell 2 cancelled"]
    assert run.ended == "canceled"


def test_a_script_is_read_as_bash_does() -> None:
    """What is written to GITHUB_OUTPUT and GITHUB_ENV comes back, however it is quoted."""
    text = job(
        """steps:
- id: a
  run: |
    one=1
    echo "a=$one" >> "$GITHUB_OUTPUT"
    echo 'b=$one' >> $GITHUB_OUTPUT
    echo c=3 >> "${GITHUB_OUTPUT}" && echo "D=4" >> "$GITHUB_ENV"
    echo "### summary" >> "$GITHUB_STEP_SUMMARY"
- run: say ${{ steps.a.outputs.a }} '${{ steps.a.outputs.b }}' ${{ steps.a.outputs.c }} $D
"""
    )
    assert commands(go(text=text)) == ["say 1 $one 3 4"]


def test_azures_logging_commands_mean_nothing_here() -> None:
    text = job(
        """steps:
- id: a
  run: echo "##vso[task.setvariable variable=x;isOutput=true]yes"
- run: say "${{ steps.a.outputs.x }}"
"""
    )
    assert commands(go(text=text)) == ["say"]


def test_an_artifact_is_there_for_jobs_that_wait_for_it() -> None:
    text = job(f"steps:\n- uses: actions/upload-artifact@{HASH}\n  with:\n    name: model")
    two = f"""  two:
    runs-on: ubuntu-24.04
    steps:
    - uses: actions/download-artifact@{HASH}
      with:
        name: model
"""
    assert go(text=text + two).ended == "failed"
    assert go(text=text + two.replace("  two:", "  two:\n    needs: one")).ended == "succeeded"


def test_inputs_vars_and_secrets_are_the_starts() -> None:
    head = "on:\n  workflow_dispatch:\n    inputs:\n      to:\n        default: staging"
    body = """steps:
- run: say ${{ inputs.to }} ${{ vars.REGION }} ${{ vars.KEY }} $KEY
  env:
    KEY: ${{ secrets.KEY }}
- run: say $KEY"""
    given = {"REGION": "west", "KEY": "hidden"}
    start = Start("Manual", variables=given, secrets=frozenset({"KEY"}))
    assert commands(go(start, job(body, head))) == ["say staging west hidden", "say"]
    chosen = Start("Manual", variables={"to": "production"})
    assert commands(go(chosen, job(body, head)))[0] == "say production"


def test_the_projects_own_workflows_read_and_run() -> None:
    """Also that they ask for no more than they need, and pin what they use."""
    files = sorted((ROOT / ".github/workflows").glob("*.yml"))
    assert files
    for file in files:
        workflow = read_workflow(file.read_text("utf-8"), file.name)
        for find in (unpinned, loose, injected, passwords):
            assert [one.sentence for one in find(workflow)] == [], file.name
    ci = read_workflow((ROOT / ".github/workflows/ci.yml").read_text("utf-8"), "ci.yml")
    names = '##vso[task.setvariable variable=names;isOutput=true]["01_start", "02_next"]'
    given = {"make lesson-names": [names]}
    run = simulate_workflow(ci, Scenario(outputs=given), "lmcourse/lmcourse")
    assert run.ended == "succeeded"
    assert len(run.called("make coverage")) == 3
    assert len(run.called("make lessons")) == 2
    failing = Scenario(outcomes={"make lint": 1}, outputs=given)
    run = simulate_workflow(ci, failing, "lmcourse/lmcourse")
    assert (run.ended, run.called("make lessons")) == ("failed", ())
    assert simulate_workflow(ci, Scenario(), "ada/copy").called("make") == ()


LONG = "${{ format('" + "{0}" * 60 + "', '" + "x" * 300 + "') }}"
MANY = "strategy:\n  matrix:\n    a: [" + "1," * 99 + "1]\n"
HEAVY = {
    "legs": MANY + "steps:\n" + "- run: say ${{ matrix.a }}\n" * 500,
    "texts": f"env:\n  A: {LONG}\nsteps:\n" + "- run: say ${{ env.A }}\n" * 2000,
    "conditions": MANY + "steps:\n" + f"- run: say\n  if: {' && '.join(['true'] * 200)}\n" * 60,
}


@pytest.mark.parametrize("body", HEAVY)
def test_a_workflow_takes_bounded_work(body: str) -> None:
    with pytest.raises(Refused, match="too much work"):
        go(text=job(HEAVY[body]))


def test_rights_are_a_jobs_own_or_the_workflows_or_the_worst() -> None:
    steps = "steps:\n- run: make"
    for head, body, wanted in [
        ("on: push", steps, None),
        ("on: push\npermissions: {}", steps, {}),
        ("on: push\npermissions:\n  contents: read\n  issues: none", steps, {"contents": "read"}),
        ("on: push\npermissions: {}", f"permissions:\n  packages: write\n{steps}",
         {"packages": "write"}),
    ]:  # fmt: skip
        workflow = read_workflow(job(body, head), "ci.yml")
        found = rights(workflow, workflow.jobs[0])
        assert found.get("contents") == "write" if wanted is None else found == wanted
    everything = read_workflow(job(steps, "on: push\npermissions: read-all"), "ci.yml")
    assert set(rights(everything, everything.jobs[0]).values()) == {"read"}


@pytest.mark.parametrize(
    ("head", "body", "words"),
    [
        ("on: push", "steps:\n- run: make", "nobody says what one may do"),
        ("on: push\npermissions: write-all", "steps:\n- run: make", "read or write everything"),
        ("on: push\npermissions: read-all", "steps:\n- run: make", "read or write everything"),
        ("on: push\npermissions:\n  id-token: write", "steps:\n- run: make", "logs in nowhere"),
        ("on: push\npermissions: {}", f"steps:\n- uses: azure/login@{HASH}", "lacks `id-token"),
        (
            "on: push\npermissions:\n  id-token: write",
            f"steps:\n- uses: azure/login@{HASH}\n  with:\n    creds: ${{{{ secrets.A }}}}",
            "logs in nowhere",
        ),
    ],
)
def test_more_rights_than_needed_are_found(head: str, body: str, words: str) -> None:
    (finding,) = loose(read_workflow(job(body, head), "ci.yml"))
    assert words in finding.sentence
    assert finding.line > 0


def test_the_deployment_has_the_least_rights() -> None:
    workflow = read_workflow(DEPLOY, "ci.yml")
    assert list(loose(workflow)) == []
    deploying = workflow.job("deploy")
    assert deploying is not None
    assert rights(workflow, deploying) == {"contents": "read", "id-token": "write"}
    assert secrets(deploying.steps[0]) == {"CLIENT"}


@pytest.mark.parametrize(
    ("uses", "pinned"),
    [
        (f"actions/checkout@{HASH}", True),
        ("actions/checkout@v6", False),
        ("actions/checkout@main", False),
        (f"actions/checkout@{HASH[:7]}", False),
        ("./.github/actions/mine", True),
        ("docker://alpine@sha256:" + "a" * 64, True),
        ("docker://alpine:3@latest", False),
    ],
)
def test_an_action_is_pinned_by_a_full_hash_alone(uses: str, pinned: bool) -> None:
    found = list(unpinned(read_workflow(job(f"steps:\n- uses: {uses}"), "ci.yml")))
    assert (not found) is pinned
    assert all(one.line == 6 and uses in one.sentence for one in found)


@pytest.mark.parametrize(
    ("asked", "bad"),
    [
        ("github.event.pull_request.title", True),
        ("github.head_ref", True),
        ("github.event.pull_request.head.ref", True),
        ("github.sha", False),
        ("github.ref", False),
    ],
)
def test_a_strangers_text_in_a_script_is_found(asked: str, bad: bool) -> None:
    body = (
        f"steps:\n- run: echo ${{{{ {asked} }}}}\n- run: echo $A\n  env:\n    A: ${{{{ {asked} }}}}"
    )
    found = list(injected(read_workflow(job(body), "ci.yml")))
    assert [one.line for one in found] == ([6] if bad else [])


def test_a_password_is_found() -> None:
    body = f"steps:\n- uses: azure/login@{HASH}\n  with:\n    creds: ${{{{ secrets.A }}}}"
    (finding,) = passwords(read_workflow(job(body), "ci.yml"))
    assert "creds" in finding.sentence


REFUSED = sorted((HERE / "refused_workflows").glob("*.yml"))


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)
def test_a_workflow_is_refused_where_it_is_wrong(path: Path) -> None:
    text = path.read_text("utf-8")
    line, _, sentence = text.partition("\n")[0].removeprefix("# refused: ").partition(": ")
    with pytest.raises(Refused) as refused:
        read_workflow(text, path.name)
    assert (refused.value.line, refused.value.sentence) == (int(line), sentence)


def test_there_are_enough_refused_workflows() -> None:
    assert len(REFUSED) >= 15


WORKFLOWS = [DEPLOY, *(path.read_text("utf-8") for path in REFUSED)]


@given(st.sampled_from(WORKFLOWS), st.data())
def test_any_broken_workflow_reads_or_is_refused(text: str, data: st.DataObject) -> None:
    lines = text.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        lines[at] = data.draw(
            st.sampled_from(
                ["", lines[at] * 2, " " + lines[at], lines[at].replace(":", "", 1), "  - x", "a: b",
                 lines[at].replace("${{", "${{ !"), lines[at][: len(lines[at]) // 2],
                 data.draw(st.sampled_from(lines))]
            )
        )  # fmt: skip
    try:
        workflow = read_workflow("\n".join(lines), "ci.yml")
        for start in (Start(), Start("PullRequest")):
            run = simulate_workflow(workflow, Scenario(start))
            assert run.ended in {"succeeded", "failed", "canceled", "skipped"}
        for find in (unpinned, loose, injected, passwords):
            assert all(one.sentence for one in find(workflow))
    except Refused as refused:
        assert str(refused).startswith("ci.yml:")  # noqa: PT017


def test_not_a_number_is_less_than_nothing() -> None:
    assert evaluate("vars.a < 1", Scope({"vars": {"a": math.nan}}), AT) is False
    parse("vars.a", {"vars"}, False, AT)
