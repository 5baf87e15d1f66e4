"""Who may do what: the table, four eyes, and a role that is taken away in between."""

from pathlib import Path

import pytest
from ops import asked, lmops, tiny_bundle

from lmops import registry
from lmops.home import Home
from lmops.ledger import Ledger
from lmops.roles import ROLES, roles_for
from lmops.state import State, fold


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Return a home here, which MLflow is not told of: that takes seconds."""

    def not_told(home: Home) -> State:
        return fold(Ledger(home.ledger).entries())

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "sync", not_told)
    return Home(Path(".lmops"))


def grant(person: str, role: str, by: str = "ada") -> None:
    asked("roles", "grant", person, role, "--by", by)


@pytest.fixture
def ruled(home: Home) -> Home:
    """Return a home in which ada is admin, dev develops, rev and rob review, op operates."""
    grant("ada", "admin")
    for person, role in (
        ("dev", "developer"), ("rev", "reviewer"), ("rob", "reviewer"), ("op", "operator"),
    ):  # fmt: skip
        grant(person, role)
    return home


def passed(home: Home, by: str, seed: int = 1) -> str:
    version: str = asked(
        "register", tiny_bundle(Path(f"model-{seed}"), seed).folder, "--by", by
    )["version"]  # fmt: skip
    Ledger(home.ledger).append("gate", version, "lmops", passed=True, reasons=[])
    return version


def test_as_long_as_nobody_has_a_role_everybody_may_but_four_eyes_hold(home: Home) -> None:
    version = passed(home, "ann")
    assert lmops("approve", version, "--by", "ann").exit_code == 1
    asked("approve", version, "--by", "eve")
    asked("promote", version, "--by", "ann")
    assert asked("roles", "list")["open"] is True


def test_the_table_holds_from_the_first_grant_on(ruled: Home) -> None:
    tiny_bundle(Path("model-1"), 1)
    refused = lmops("register", "model-1", "--by", "rev")
    assert refused.exit_code == 1
    assert "rev may not register: that takes the role developer, which dev has" in refused.stderr
    assert "lmops roles grant rev developer --by ADMIN" in refused.stderr.replace("'", "")
    version = passed(ruled, "dev")
    for command, who, may in (
        ("approve", "dev op ada eve", "rev"),
        ("promote", "dev rev ada eve", "op"),
    ):
        for person in who.split():
            before = ruled.ledger.read_bytes()
            assert lmops(command, version, "--by", person).exit_code == 1, (command, person)
            assert ruled.ledger.read_bytes() == before
        asked(command, version, "--by", may)
    assert asked("models")["aliases"] == {"champion": version}


def test_nobody_approves_their_own_whatever_roles_they_have(ruled: Home) -> None:
    grant("dev", "reviewer")
    version = passed(ruled, "dev")
    refused = lmops("approve", version, "--by", " DEV ")
    assert refused.exit_code == 1
    assert "dev registered it, so somebody else has to approve it" in refused.stderr


def test_a_role_that_is_taken_away_takes_unused_approvals_along(ruled: Home) -> None:
    served, waiting = passed(ruled, "dev", 1), passed(ruled, "dev", 2)
    asked("approve", served, "--by", "rev")
    asked("promote", served, "--by", "op")
    asked("approve", waiting, "--by", "rev")
    taken = asked("roles", "withdraw", "rev", "reviewer", "--by", "ada")
    assert taken["approve_again"] == [waiting]
    refused = lmops("promote", waiting, "--by", "op")
    assert refused.exit_code == 1
    assert f"lmops approve {waiting}" in refused.stderr
    asked("promote", served, "--by", "op")  # what was used stays
    assert lmops("approve", waiting, "--by", "rev").exit_code == 1
    asked("approve", waiting, "--by", "rob")
    asked("promote", waiting, "--by", "op")


def test_an_approval_by_another_outlives_a_colleague_s_role(ruled: Home) -> None:
    version = passed(ruled, "dev")
    asked("approve", version, "--by", "rev")
    asked("roles", "withdraw", "rob", "reviewer", "--by", "ada")
    asked("promote", version, "--by", "op")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("grant", "eve", "reviewer", "--by", "eve"), "eve may not grant"),
        (("grant", "ada", "reviewer", "--by", "ada"), "nobody grants themselves"),
        (("grant", "ADA", "developer", "--by", "ada"), "nobody grants themselves"),
        (("withdraw", "ada", "admin", "--by", "ada"), "the last admin"),
        (("withdraw", "eve", "reviewer", "--by", "ada"), "has not the role"),
        (("withdraw", "rev", "reviewer", "--by", "op"), "op may not withdraw"),
    ],
)
def test_roles_are_changed_by_admins_alone_and_never_for_themselves(
    ruled: Home, arguments: tuple[str, ...], said: str
) -> None:
    before = ruled.ledger.read_bytes()
    refused = lmops("roles", *arguments)
    assert refused.exit_code == 1
    assert said in refused.stderr
    assert ruled.ledger.read_bytes() == before


def test_the_first_grant_makes_an_admin(home: Home) -> None:
    refused = lmops("roles", "grant", "bob", "reviewer", "--by", "ann")
    assert refused.exit_code == 1
    assert "there must be an admin first" in refused.stderr
    assert not home.ledger.exists() or home.ledger.read_bytes() == b""


def test_a_line_that_was_written_past_the_commands_counts_for_nothing(ruled: Home) -> None:
    version = passed(ruled, "dev")
    ledger = Ledger(ruled.ledger)
    first = len(ledger.entries()) + 1
    ledger.append("approve", version, "eve")
    ledger.append("approve", version, "lmops")
    ledger.append("promote", version, "op", alias="champion")
    ledger.append("grant", None, "eve", person="eve", role="admin")
    ledger.append("grant", None, "ada", person="eve", role="queen")
    ledger.append("withdraw", None, "ada", person="ada", role="admin")
    ledger.append("grant", None, "ada", person=7, role="admin")
    ledger.append("erase", None, "eve", stories=0)
    state = fold(ledger.entries())
    assert [int(each.split()[1][:-1]) for each in state.irregular] == list(range(first, first + 8))
    assert state.aliases == {}
    assert state.has_role("ada", "admin")
    assert not state.has_role("eve", "admin")


def test_nobody_speaks_as_the_platform(ruled: Home) -> None:
    version = passed(ruled, "dev")
    for name in ("lmops", "LM ops"):
        refused = lmops("promote", version, "--by", name)
        assert refused.exit_code == 2
        assert "the platform's own name" in refused.stderr


def test_each_right_is_one_role_s() -> None:
    """Or else four eyes could be one person's by way of two roles."""
    events = [event for events in ROLES.values() for event in events]
    assert len(events) == len(set(events))
    assert roles_for("approve") != roles_for("register") != roles_for("promote")


def test_the_list_shows_the_table(ruled: Home) -> None:
    listed = asked("roles", "list")["roles"]
    assert listed["reviewer"] == {"may": ["approve"], "persons": ["rev", "rob"]}
    shown = lmops("roles", "list").stdout
    assert all(role in shown for role in ROLES)
