"""Azure's expressions, row by row against a table taken from Microsoft's documentation."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.expressions.azure import (
    Scope,
    Status,
    check,
    evaluate,
    expand_macros,
    expand_template,
    explain,
    holds,
    resolve,
    runtime,
)
from lmcourse.pipelines.expressions.functions import FUNCTIONS, MAX_TEXT
from lmcourse.pipelines.expressions.syntax import GITHUBS_CONTEXTS
from lmcourse.pipelines.expressions.values import Version

TABLE = yaml.safe_load((Path(__file__).parent / "pipelines/expressions.yml").read_text("utf-8"))
TIME = datetime(2024, 2, 29, 7, 5, 3, 123456, UTC)
CONTEXTS = TABLE["contexts"] | {"pipeline": {"startTime": TIME}}
RESULTS = {"S": "Succeeded", "I": "SucceededWithIssues", "F": "Failed", "C": "Canceled"}
RESULTS["K"] = "Skipped"
AT = ("azure-pipelines.yml", 12)


def rows(kind: str) -> list[Any]:
    return [
        pytest.param(*row, id=f"{group['from']}: {row[0]}")
        for group in TABLE[kind]
        for row in group["rows"]
    ]


def told(expression: str, scope: Scope, wanted: Any) -> None:
    """Hold that an expression is what the table says."""
    if isinstance(wanted, dict) and "refused" in wanted:
        with pytest.raises(Refused) as refused:
            evaluate(expression, scope, *AT)
        assert wanted["refused"] in refused.value.sentence
        assert (refused.value.file, refused.value.line) == AT
        return
    value = evaluate(expression, scope, *AT)
    if isinstance(wanted, dict):
        assert str(value) == wanted["version"]
        assert isinstance(value, Version)
    elif isinstance(wanted, float):
        assert value == Decimal(str(wanted))
    else:
        assert value == wanted
        assert isinstance(value, bool) == isinstance(wanted, bool)


@pytest.mark.parametrize(("expression", "value"), rows("values"))
def test_an_expression_is_what_the_documentation_says(expression: str, value: Any) -> None:
    told(expression, Scope(CONTEXTS), value)


@pytest.mark.parametrize(("expression", "stands", "value"), rows("status"))
def test_a_status_function_is_what_the_documentation_says(
    expression: str, stands: dict[str, Any], value: Any
) -> None:
    results = {job: RESULTS[result] for job, result in stands.get("results", {}).items()}
    told(
        expression,
        Scope(CONTEXTS, Status(stands.get("canceled", False), stands.get("job"), results)),
        value,
    )


@pytest.mark.parametrize(("expression", "words"), TABLE["places"])
def test_what_is_not_azures_language_is_refused_with_what_is(expression: str, words: str) -> None:
    scope = Scope(CONTEXTS, None if "known in" in words else Status())
    told(expression, scope, {"refused": words})
    with pytest.raises(Refused):
        check(expression, scope, *AT)


def test_the_table_has_every_function_and_says_where_each_row_is_from() -> None:
    written = str(TABLE["values"]).lower()
    assert [name for name in FUNCTIONS if f"{name.lower()}(" not in written] == []
    groups = [*TABLE["values"], *TABLE["status"]]
    assert all(group["from"].split(",")[0] in PAGES for group in groups)
    assert sum(len(group["rows"]) for group in groups) >= 60


PAGES = {"Expressions", "Conditions", "agent", "engine"}


def test_whatever_is_not_known_is_refused_where_it_is_not_asked_for_too() -> None:
    with pytest.raises(Refused, match="`nosuch` is not known"):
        evaluate("or(true, nosuch())", Scope(CONTEXTS), *AT)


def test_a_counter_counts_for_each_prefix_from_its_seed() -> None:
    """Expressions, counter: 100, 101; another prefix 100, 101; and the first goes on with 102."""
    counts: dict[str, int] = {}

    def counter(prefix: str, seed: int) -> int:
        counts[prefix] = counts.get(prefix, seed - 1) + 1
        return counts[prefix]

    def minor(major: str) -> Any:
        scope = Scope({"variables": {"major": major}}, counter=counter)
        return evaluate("counter(variables['major'], 100)", scope, *AT)

    assert [minor(one) for one in "112212"] == [100, 101, 100, 101, 102, 102]
    with pytest.raises(Refused, match="not a whole number"):
        evaluate("counter('a', 1.5)", Scope(counter=counter), *AT)
    with pytest.raises(Refused, match="takes 2 arguments"):
        evaluate("counter('a')", Scope(counter=counter), *AT)


def test_a_condition_is_told_with_values_in_place_of_names() -> None:
    """As the service's log does behind "Expanded:"."""
    scope = Scope(CONTEXTS, Status(results={"Test": "Failed"}))
    text = "and(succeeded(), eq(variables['Build.Reason'], 'PullRequest'))"
    assert explain(text, scope, *AT) == (False, "and(False, ...)")
    text = "and(failed('Test'), eq(variables['Build.Reason'], 'PullRequest'))"
    assert explain(text, scope, *AT) == (False, "and(True, eq('IndividualCI', 'PullRequest'))")
    assert explain("or(variables.no, foo)", scope, *AT) == (True, "or(null, array)")
    assert holds("failed()", scope, *AT)
    long = Scope({"variables": {"a": "x" * 19_000}}, Status())
    assert explain("eq(variables.a, 'b')", long, *AT)[1] == f"eq('{'x' * 57}...', 'b')"
    assert len(explain(f"or({'variables.a, ' * 100}'')", long, *AT)[1]) < 500


def test_a_template_expression_keeps_its_kind_where_it_stands_alone() -> None:
    scope = Scope(CONTEXTS)
    assert expand_template("${{ parameters.myArray }}", scope, *AT) == ["FOO", "BAR", "ZOO"]
    assert expand_template("${{true}}", scope, *AT) is True
    assert expand_template("no expression", scope, *AT) == "no expression"
    assert expand_template("", scope, *AT) == ""
    text = "a ${{ parameters.os }} b ${{ parameters.number }}${{ true }} $(c) $[d]"
    assert expand_template(text, scope, *AT) == "a linux b 7True $(c) $[d]"


def test_a_template_expression_may_hold_its_own_signs_in_a_string() -> None:
    """Templates, "escape a value": `${{ 'my${{value' }}`."""
    assert expand_template("${{ 'my${{value' }}", Scope(), *AT) == "my${{value"
    text = "a ${{ 'with a '' single }} quote' }} b"
    assert expand_template(text, Scope(), *AT) == "a with a ' single }} quote b"
    assert expand_template("${{ format('{{0}}') }}", Scope(), *AT) == "{0}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a ${{ true", "has no `}}`"),
        ("a ${{ 'true }}", "has no `}}`"),
        ("a ${{ }}", "there is nothing"),
        ("list: ${{ parameters.myArray }}", "convertToJson"),
    ],
)
def test_a_template_expression_that_is_none_is_refused(text: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        expand_template(text, Scope(CONTEXTS), *AT)


def test_a_runtime_expression_is_the_whole_of_a_value() -> None:
    """Define variables, runtime expressions: "must take up the entire right side"."""
    assert runtime("$[ variables.a ]", *AT) == "variables.a"
    assert runtime("$[variables['a']]", *AT) == "variables['a']"
    assert runtime("plain $(a)", *AT) is None
    with pytest.raises(Refused, match="whole value of a variable"):
        runtime("$[variables.value] foo", *AT)


def test_a_macro_is_put_in_and_stays_where_it_is_unknown() -> None:
    """Define variables: "If there's no variable by that name, then the macro is left as it is"."""
    variables = {"Name": "world", "empty": "", "again": "$(name)"}
    for text, wanted in {
        "hello $(name)": "hello world",
        "$(NAME)$(empty)$(name)": "worldworld",
        "$(none) $(name": "$(none) $(name",
        "$(again)": "$(name)",
        "$$(name) $()": "$world $()",
        "$(ls -l) $(date)": "$(ls -l) $(date)",
        "$($(name)) $(a$(name))": "$(world) $(aworld)",
    }.items():
        assert expand_macros(text, variables, *AT) == wanted


def test_variables_are_expanded_in_one_another_and_circles_stay() -> None:
    variables = {"a": "$(b)!", "b": "$(C)", "c": "x", "d": "$(e)", "e": "$(d)", "f": "$(f)"}
    assert resolve(variables, *AT) == {
        "a": "x!",
        "b": "x",
        "c": "x",
        "d": "$(e)",
        "e": "$(d)",
        "f": "$(f)",
    }
    circle = {"1": "1_$(2)", "2": "2_$(3)", "3": "3_$(2)"}  # the agent's own test
    assert resolve(circle, *AT) == circle


def test_variables_are_expanded_fifty_deep() -> None:
    """The agent's own test: of 51 variables in a row, the first one stays."""
    row = {f"v{number}": f"$(v{number + 1})" for number in range(1, 51)} | {"v51": "end"}
    assert resolve(row, *AT) == {"v1": "$(v2)"} | {f"v{number}": "end" for number in range(2, 52)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("or('" + "a" * 2000 + "', true)", "longer than 2,000 characters"),
        ("not(" * 50 + "true" + ")" * 50, "nested more than 50 deep"),
        ("a" + ".b" * 60, "nested more than 50 deep"),
        ("a[" * 60 + "1" + "]" * 60, "nested more than 50 deep"),
        ("1" * 29, "more than 28 digits"),
        ("format('" + "{0}" * 400 + "', variables.long)", "longer than 20,000 characters"),
        ("replace(variables.long, 'x', variables.long)", "longer than 20,000 characters"),
        ("join(variables.long, split(variables.long, 'x'))", "longer than 20,000 characters"),
        ("convertToJson(join('', split(variables.slash, ',')))", "longer than 20,000 characters"),
    ],
)
def test_an_expression_is_bounded(text: str, words: str) -> None:
    variables = {"long": "x" * 19_000, "slash": '"' * 15_000}
    with pytest.raises(Refused, match=words):
        evaluate(text, Scope({"variables": variables, "a": {}}), *AT)


def test_as_much_as_the_agent_takes_is_taken() -> None:
    assert evaluate("not(" * 49 + "true" + ")" * 49, Scope(), *AT) is False
    fill = 2000 - len("or('', true)")
    assert evaluate(f"or('{'a' * fill}', true)", Scope(), *AT) is True


def test_texts_that_double_are_bounded() -> None:
    doubling = "'" + "x" * 10 + "'"
    for _ in range(20):
        doubling = f"format('{{0}}{{0}}{{0}}', {doubling})"
    with pytest.raises(Refused, match=f"longer than {MAX_TEXT:,}"):
        evaluate(doubling, Scope(), *AT)
    variables = {f"v{number}": f"$(v{number + 1})" * 4 for number in range(20)} | {"v20": "xxxx"}
    with pytest.raises(Refused, match=f"longer than {MAX_TEXT:,}"):
        resolve(variables, *AT)


PARTS = [
    *(f"{name}(" for name in [*FUNCTIONS, "succeeded", "failed", "nosuch"]),
    *("variables", "parameters", "foo", ".", "[", "]", "*", ",", ")", "(", "==", "&&", "$("),
    *("'a'", "''", "'it''s'", "1", "-.5", "1.2.3", "true", " ", "\n", "'", '"', "{0}", "ß"),
    *sorted(GITHUBS_CONTEXTS),
]


@given(st.lists(st.sampled_from(PARTS), max_size=25).map("".join) | st.text(max_size=60))
def test_any_text_has_a_value_or_is_refused(text: str) -> None:
    scope = Scope(CONTEXTS, Status(results={"A": "Failed"}))
    for ask in (evaluate, explain, check, expand_template):
        try:
            ask(text, scope, *AT)
        except Refused as refused:
            assert (refused.file, refused.line) == AT  # noqa: PT017
    try:
        runtime(text, *AT)
        assert expand_macros(text, {}, *AT) == text
        assert resolve({"a": text}, *AT)
    except Refused:
        pass


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20).map(Decimal)
    | st.decimals(-1000, 1000, places=3)
    | st.sampled_from(["", "a", "A", "1", "1.2.3", "true", " 1,000 ", "ß", "1.2"])
    | st.lists(st.integers(0, 9), min_size=2, max_size=4).map(lambda one: Version(tuple(one)))
)


@given(SCALARS, SCALARS)
def test_comparisons_agree_with_one_another(left: Any, right: Any) -> None:
    scope = Scope({"a": {"l": left, "r": right}})

    def of(name: str) -> Any:
        try:
            return evaluate(f"{name}(a.l, a.r)", scope, *AT)
        except Refused:
            return None

    assert of("ne") is not of("eq")
    assert of("in") is of("eq")
    assert of("notIn") is of("ne")
    orders = [of(name) for name in ("lt", "le", "gt", "ge")]
    if None in orders:
        assert orders == [None] * 4
    else:
        less, most, more, least = orders
        assert less is not least
        assert more is not most
        assert (less or more) is not (most and least)


@given(st.text(max_size=50))
def test_a_string_comes_back_as_it_was_written(text: str) -> None:
    quoted = "'" + text.replace("'", "''") + "'"
    assert evaluate(quoted, Scope(), *AT) == text
    assert evaluate(f"eq({quoted}, {quoted})", Scope(), *AT) is True
    assert expand_template("${{ " + quoted + " }}", Scope(), *AT) == text
