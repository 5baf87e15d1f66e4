"""The corpora: what the fables say about themselves is true, and Shakespeare is Shakespeare."""

import hashlib
import math
import os
import random
import re
import shutil
import subprocess
import urllib.error
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from lmcourse import corpus
from lmcourse.corpus import grammar, tinyshakespeare, words
from lmcourse.corpus.grammar import Case, Choice, Let, Node, Recall, Seq, template

STANDARD_SHA256 = "62a2bd3003eff07c723033c3ef4706c3cceebc303a866e2c4ca897dbc65328df"

COLOURS = Let(
    "colour",
    ("red", "green", "blue"),
    Seq(
        (
            "a ",
            Recall("colour"),
            Choice((" or", Seq((" and", Choice((" yes", " no"), (1, 3))))), (2, 5)),
            Let(
                "pet",
                ("cat", "owl"),
                Seq(
                    (
                        " ",
                        Recall("pet", {"cat": "a cat", "owl": "an owl"}),
                        Case(
                            "colour",
                            {
                                "red": "!",
                                "green": Choice(("?", Seq(("...", Recall("colour"))))),
                                "blue": Seq((", ", Recall("pet"))),
                            },
                        ),
                        Choice(("", Seq(("; ", Recall("pet"), " ", Recall("colour"))))),
                    )
                ),
            ),
        )
    ),
)
# Two ways to say "ab": the probability of a text is the sum over them.
AMBIGUOUS = Seq((Choice(("a", "ab")), Choice(("b", "")), Choice(("", "c"), (1, 2))))


def derivations(node: Node, values: dict[str, str]) -> Iterator[tuple[str, float]]:
    """Every way through a small grammar: an independent reading of what the nodes mean."""
    match node:
        case str():
            yield node, 1.0
        case Seq(()):
            yield "", 1.0
        case Seq((first, *rest)):
            for start, p in derivations(first, values):
                for end, q in derivations(Seq(tuple(rest)), values):
                    yield start + end, p * q
        case Choice(options, weights):
            for option, weight in zip(options, weights or [1] * len(options), strict=True):
                for text, p in derivations(option, values):
                    yield text, p * weight / (sum(weights) or len(options))
        case Let(name, candidates, body):
            for value in candidates:
                for text, p in derivations(body, values | {name: value}):
                    yield text, p / len(candidates)
        case Recall(name, form):
            yield (form or {values[name]: values[name]})[values[name]], 1.0
        case Case(name, branches):
            yield from derivations(branches[values[name]], values)


def distribution(node: Node) -> dict[str, float]:
    texts: dict[str, float] = defaultdict(float)
    for text, p in derivations(node, {}):
        texts[text] += p
    return texts


@pytest.fixture(scope="module")
def standard() -> list[str]:
    return corpus.fables()


# ------------------------------------------------------------------------------- the grammar


@pytest.mark.parametrize("node", [COLOURS, AMBIGUOUS, grammar.forget(COLOURS, 3)])
def test_the_probabilities_of_a_small_grammar_are_those_of_its_enumeration(node: Node) -> None:
    texts = distribution(node)
    assert sum(texts.values()) == pytest.approx(1, abs=1e-9)
    assert sum(math.exp(grammar.log_prob(node, t)) for t in texts) == pytest.approx(1, abs=1e-9)
    for text, p in texts.items():
        assert grammar.log_prob(node, text) == pytest.approx(math.log(p), abs=1e-12)
    for text in ("", "a", "a red", "a red or a cat! ", "a red or a owl!", "abbc"):
        if text not in texts:
            assert grammar.log_prob(node, text) == -math.inf


def test_entropy_and_length_in_closed_form_are_those_of_the_enumeration() -> None:
    texts = distribution(COLOURS)
    assert len(texts) == 48
    nats, chars = grammar.expected(COLOURS)
    assert nats == pytest.approx(-sum(p * math.log(p) for p in texts.values()), abs=1e-12)
    assert chars == pytest.approx(sum(p * len(text) for text, p in texts.items()), abs=1e-12)


def test_samples_follow_the_distribution() -> None:
    rng = random.Random(3)
    n = 20_000
    counts: dict[str, int] = defaultdict(int)
    for _ in range(n):
        counts[grammar.sample(COLOURS, rng)] += 1
    texts = distribution(COLOURS)
    assert set(counts) <= set(texts)
    chi2 = sum((counts[t] - n * p) ** 2 / (n * p) for t, p in texts.items())
    assert chi2 < 85  # 47 degrees of freedom: exceeded once in two thousand seeds


def test_forgetting_draws_afresh_only_what_is_out_of_sight() -> None:
    def story(filler: str) -> Node:
        return Let("x", ("p", "q"), Seq((Recall("x"), filler, Recall("x"))))

    assert set(distribution(grammar.forget(story("1234"), 4))) == {
        "p1234p", "p1234q", "q1234p", "q1234q"
    }  # fmt: skip
    assert set(distribution(grammar.forget(story("123"), 4))) == {"p123p", "q123q"}
    sometimes_near = Let(
        "x", ("p", "q"), Seq((Recall("x"), "1234", Choice(("", Recall("x"))), Recall("x")))
    )
    assert set(distribution(grammar.forget(sometimes_near, 4))) == {
        "p1234p", "q1234q", "p1234pp", "p1234qp", "q1234pq", "q1234qq"
    }  # fmt: skip


def test_a_template_reads_choices_and_parts() -> None:
    node = template("[a [b|c]|{x}] end", {"x": "X"})
    assert distribution(node) == pytest.approx({"a b end": 0.25, "a c end": 0.25, "X end": 0.5})
    for broken in ("[a", "a]", "a|b", "{nobody}"):
        with pytest.raises(ValueError, match=re.escape(broken)):
            template(broken, {})


def test_a_choice_refuses_weights_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="weight"):
        Choice(("a", "b"), (1,))
    with pytest.raises(ValueError, match="weight"):
        Choice(("a", "b"), (1, 0))


# ---------------------------------------------------------------- no story can be told in two ways


class Unambiguous:
    """A proof by lookahead that no text of a grammar has two derivations.

    Two options of a choice never begin alike, nor do two values at a recall, once enough
    characters are read (all that can follow taken into account); and every value drawn is shown
    on every path. So a reader can tell each decision from the text. Variables are taken to vary
    freely from one recall to the next, which only makes the proof harder.
    """

    def __init__(self, root: Node) -> None:
        self.scope: dict[str, tuple[str, ...]] = {}
        self.starts = cache(self._starts)
        self.check(root, ("$",))

    def _starts(self, nodes: tuple[Node, ...], k: int) -> frozenset[str]:
        """All strings of `k` characters (fewer at the end of the text) that `nodes` begin with."""
        if k <= 0 or not nodes:
            return frozenset({""})
        head, rest = nodes[0], nodes[1:]
        match head:
            case str():
                return frozenset(head[:k] + end for end in self.starts(rest, max(0, k - len(head))))
            case Seq(parts):
                return self.starts((*parts, *rest), k)
            case Choice(options):
                return frozenset().union(*(self.starts((o, *rest), k) for o in options))
            case Recall(name):
                texts = {head.text(value) for value in self.scope[name]}
                return frozenset().union(*(self.starts((t, *rest), k) for t in texts))
            case Let(name, values, body):
                assert self.scope.setdefault(name, values) == values
                return self.starts((body, *rest), k)
        raise NotImplementedError(head)

    def distinct(self, options: tuple[Node, ...], follow: tuple[Node, ...]) -> None:
        for k in (2, 6, 12, 20):
            seen = [self.starts((option, *follow), k) for option in options]
            if len(frozenset().union(*seen)) == sum(map(len, seen)):
                return
        clashes = [a & b for i, a in enumerate(seen) for b in seen[:i] if a & b]
        raise AssertionError(f"two options begin alike: {sorted(clashes[0])[:3]}")

    def check(self, node: Node, follow: tuple[Node, ...]) -> None:
        match node:
            case Seq(parts):
                for i, part in enumerate(parts):
                    self.check(part, (*parts[i + 1 :], *follow))
            case Choice(options):
                self.distinct(options, follow)
                for option in options:
                    self.check(option, follow)
            case Recall(name):
                texts = {node.text(value) for value in self.scope[name]}
                self.distinct(tuple(sorted(texts)), follow)
            case Let(name, values, body):
                self.scope[name] = values
                assert shows(body, name, values), f"{name} is not always shown"
                self.check(body, follow)
            case Case():
                raise NotImplementedError(node)


def shows(node: Node, name: str, values: tuple[str, ...]) -> bool:
    """Whether every text of `node` lets the reader know the value of a variable."""
    match node:
        case Seq(parts):
            return any(shows(part, name, values) for part in parts)
        case Choice(options):
            return all(shows(option, name, values) for option in options)
        case Let(_, _, body):
            return shows(body, name, values)
        case Recall(other):
            return other == name and len({node.text(v) for v in values}) == len(values)
    return False


def casts() -> list[Node]:
    """The four grammars, one for each cast, that a story is drawn from."""
    story = words.story()
    assert isinstance(story, Choice)
    return [cast for pair in story.options for cast in pair.options]  # type: ignore[union-attr]


@pytest.mark.parametrize("cast", range(4))
def test_no_fable_has_two_derivations(cast: int) -> None:
    Unambiguous(casts()[cast])


def test_the_cast_shows_in_the_first_line() -> None:
    owners: dict[str, set[int]] = defaultdict(set)
    for i, cast in enumerate(casts()):
        assert isinstance(cast, Let)
        assert isinstance(cast.body, Let)
        genders = words.SHE_NAMES if i < 2 else words.HE_NAMES
        for kind in cast.values:
            owners[kind].add(i % 2)
        names, node = None, cast.body.body
        while isinstance(node, Let):
            names = node.values if node.name == "hero" else names
            node = node.body
        assert names == genders
    assert all(len(which) == 1 for which in owners.values())
    assert not set(words.SHE_NAMES) & set(words.HE_NAMES)


def test_the_proof_finds_an_ambiguous_grammar() -> None:
    with pytest.raises(AssertionError, match="alike"):
        Unambiguous(AMBIGUOUS)
    with pytest.raises(AssertionError, match="shown"):
        Unambiguous(Let("x", ("p", "q"), Choice((Recall("x"), "-"))))


# --------------------------------------------------------------------------------- the fables


def test_the_standard_corpus_is_always_the_same() -> None:
    assert sha256(corpus.load("fables")) == STANDARD_SHA256
    assert corpus.fables(3, 7) == corpus.fables(5, 7)[:3] != corpus.fables(3, 8)


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_other_pythons_write_the_same_corpus_with_the_standard_library_alone(version: str) -> None:
    python = shutil.which(f"python{version}")
    if python is None or subprocess.run([python, "-c", ""], capture_output=True).returncode:
        pytest.skip(f"no working python{version} on this machine")
    folder = Path(corpus.__file__).parent.parent
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import corpus, hashlib\n"
        "print(hashlib.sha256(corpus.load().encode()).hexdigest())\n"
        "print(*sorted({'torch', 'numpy', 'lmcourse'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [python, "-I", "-S", "-c", program, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "random"},
    )
    assert run.stdout.split() == [STANDARD_SHA256]


def test_text_and_stories_turn_into_each_other(standard: list[str]) -> None:
    text = corpus.join(standard)
    assert text == corpus.load()
    assert corpus.split_stories(text) == standard
    assert corpus.join(corpus.split_stories(text)) == text


def test_the_corpus_has_the_size_and_the_characters_it_should(standard: list[str]) -> None:
    text = corpus.join(standard)
    assert 0.95e6 < len(text) < 1.2e6
    assert text.isascii()
    assert 40 <= len(set(text)) <= 65
    assert set("(),.:\"'?-\n") < set(text)
    assert len(set(standard)) == len(standard)
    first_lines = [story.split("\n")[0] for story in standard]
    for trait in words.TRAITS:
        assert sum(trait.adjective in line for line in first_lines) > 80  # 125 expected


def test_the_first_line_decides_the_moral(standard: list[str]) -> None:
    for story in standard[:300]:
        first, *_, last = story.split("\n")
        (trait,) = (t for t in words.TRAITS if any(m in last for m in t.morals))
        assert re.search(rf"\b{trait.adjective}\b", first)


def test_quotes_and_brackets_are_closed(standard: list[str]) -> None:
    for story in standard:
        assert story.count('"') % 2 == 0
        assert story.count("(") == story.count(")")
        assert not re.search(r"\([^)]*\(|\s\s|\ba [aeiou]|\ban [^aeiou]", story)


def test_entropy_in_closed_form_is_the_mean_of_ten_thousand_stories() -> None:
    stories = corpus.fables(10_000, seed=11)
    costs = [-corpus.log_prob(story) for story in stories]
    assert all(map(math.isfinite, costs))
    lengths = [len(corpus.join([story])) for story in stories]
    for exact, drawn in (
        (corpus.story_entropy(), costs),
        (corpus.story_length(), lengths),
    ):
        mean = sum(drawn) / len(drawn)
        error = math.sqrt(sum((x - mean) ** 2 for x in drawn)) / len(drawn)
        assert abs(mean - exact) < 3 * error
    assert corpus.entropy_rate() == corpus.story_entropy() / corpus.story_length()


def test_the_entropy_without_memory_is_that_of_its_own_stories() -> None:
    afresh = grammar.forget(words.story(), 32)
    rng = random.Random(5)
    costs = [-grammar.log_prob(afresh, grammar.sample(afresh, rng)) for _ in range(1500)]
    mean = sum(costs) / len(costs)
    error = math.sqrt(sum((x - mean) ** 2 for x in costs)) / len(costs)
    assert abs(mean - grammar.expected(afresh).nats) < 3 * error


def test_the_floor_and_the_value_of_memory_are_where_the_course_wants_them() -> None:
    assert 0.25 < corpus.entropy_rate() < 0.7
    assert corpus.memory_value() > 0.08
    values = [corpus.memory_value(window) for window in (0, 32, 64, 10_000)]
    assert all(more >= less for more, less in pairwise(values))
    assert values[-1] == pytest.approx(0, abs=1e-12)


def test_what_is_not_a_fable_has_probability_zero(standard: list[str]) -> None:
    swapped = 0
    for i, story in enumerate(standard[:40]):
        first, *_, last = story.split("\n")
        names = {*words.SHE_NAMES, *words.HE_NAMES}
        hero = next(word for word in re.findall(r"\w+", first) if word in names)
        others = words.SHE_NAMES if hero in words.SHE_NAMES else words.HE_NAMES
        other = next(name for name in others if name not in story)
        wrong_trait = next(t for t in words.TRAITS if not any(m in last for m in t.morals))
        right = next(m for t in words.TRAITS for m in t.morals if m in last)
        edited = [
            "",
            story[:-1],
            story[1:],
            story + " ",
            story + corpus.END,
            story + corpus.END + standard[i + 1],
            story.replace("e", "x", 1),
            story.replace(right, wrong_trait.morals[0]),
        ]
        if story.count(hero) > 1:  # else another name makes another fable
            swapped += 1
            edited.append(other.join(story.rsplit(hero, 1)))
        for text in edited:
            assert corpus.log_prob(text) == -math.inf
        assert math.isfinite(corpus.log_prob(story))
    assert swapped > 30


def test_a_long_text_that_is_no_story_is_answered_too() -> None:
    assert corpus.log_prob(corpus.load()) == -math.inf
    assert corpus.log_prob("a" * 100_000) == -math.inf


def test_the_floor_of_some_stories_is_near_the_floor_of_all(standard: list[str]) -> None:
    sample = standard[:500]
    mean, error = corpus.floor(sample)
    chars = len(corpus.join(sample))
    assert mean == pytest.approx(-sum(map(corpus.log_prob, sample)) / chars)
    assert abs(mean - corpus.entropy_rate()) < 3 * error
    assert 0 < error < 0.01


def test_the_error_of_the_floor_is_the_spread_of_floors() -> None:
    groups = [corpus.floor(corpus.fables(25, seed)) for seed in range(60)]
    means = [group.mean for group in groups]
    centre = sum(means) / len(means)
    spread = math.sqrt(sum((m - centre) ** 2 for m in means) / (len(means) - 1))
    typical = sum(group.standard_error for group in groups) / len(groups)
    assert 0.7 < typical / spread < 1.4


def test_the_floor_refuses_what_it_cannot_measure(standard: list[str]) -> None:
    with pytest.raises(ValueError, match="Not a fable"):
        corpus.floor([standard[0], "Once upon a time."])
    with pytest.raises(ValueError, match="two stories"):
        corpus.floor(standard[:1])


def test_the_test_text_is_new_fables_in_known_characters(standard: list[str]) -> None:
    validation, test = corpus.keep_for_test(standard[:200])
    assert validation == standard[:200]  # the ladder is measured on the text that it always was
    assert len(set(test)) == len(test) == 200
    assert set(test).isdisjoint(standard)
    assert set(corpus.join(test)) <= set(corpus.join(standard[:300]))  # preset smoke's, too
    assert test == corpus.keep_for_test(standard[200:400])[1]  # no choice can change it
    assert corpus.floor(test).mean == pytest.approx(corpus.entropy_rate(), abs=0.006)


def test_of_a_text_that_runs_out_half_of_the_validation_is_kept_for_the_test() -> None:
    speeches = [f"Citizen {number}:\nHear me speak." for number in range(5)]
    validation, test = corpus.keep_for_test(speeches)
    assert (validation, test) == (speeches[::2], speeches[1::2])
    assert corpus.keep_for_test([]) == ([], [])


# ------------------------------------------------------------------------------- Shakespeare


PLAY = "First Citizen:\nBefore we proceed any further, hear me speak.\n"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Answer:
    """What urlopen returns."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __enter__(self) -> "Answer":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, size: int) -> bytes:
        return self.data[:size]


class Network:
    """A network that answers with `data`, or not at all, and counts the calls."""

    def __init__(self) -> None:
        self.data: bytes | None = None
        self.calls = 0

    def urlopen(self, url: str, timeout: float) -> Answer:
        assert url == tinyshakespeare.URL
        assert timeout <= 5
        self.calls += 1
        if self.data is None:
            raise urllib.error.URLError("no route to host")
        return Answer(self.data)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Network:
    """An offline machine with an empty cache, on which PLAY passes for Tiny Shakespeare."""
    network = Network()
    monkeypatch.setattr("urllib.request.urlopen", network.urlopen)
    monkeypatch.setattr(tinyshakespeare, "SHA256", sha256(PLAY))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("LMCOURSE_DATA", raising=False)
    return network


def test_shakespeare_is_fetched_once_and_kept(network: Network, tmp_path: Path) -> None:
    network.data = PLAY.encode()
    assert corpus.load("shakespeare") == PLAY
    network.data = None
    assert corpus.load("shakespeare") == PLAY
    assert network.calls == 1
    assert [p.name for p in (tmp_path / "cache" / "lmcourse").iterdir()] == ["tinyshakespeare.txt"]


def test_shakespeare_comes_from_the_named_folder_first(
    network: Network, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "tinyshakespeare.txt").write_text(PLAY)
    monkeypatch.setenv("LMCOURSE_DATA", str(tmp_path))
    assert corpus.shakespeare() == PLAY
    assert network.calls == 0


def test_a_named_folder_without_the_file_is_no_obstacle(
    network: Network, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LMCOURSE_DATA", str(tmp_path))
    network.data = PLAY.encode()
    assert corpus.shakespeare() == PLAY


@pytest.mark.parametrize("place", ["named folder", "cache", "network"])
def test_a_text_that_is_not_shakespeare_is_refused(
    place: str, network: Network, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cache_folder = tmp_path / "cache" / "lmcourse"
    cache_folder.mkdir(parents=True)
    if place == "network":
        network.data = b"<html>Please log in to this hotel</html>"
        told = "another network"
    else:
        folder = tmp_path if place == "named folder" else cache_folder
        (folder / "tinyshakespeare.txt").write_text(PLAY + "Exeunt, pursued by a bear.")
        told = f"rm '{folder}"
    if place == "named folder":
        monkeypatch.setenv("LMCOURSE_DATA", str(tmp_path))
    for get in (corpus.shakespeare, lambda: corpus.load("shakespeare")):
        with pytest.raises(corpus.CorpusDamaged, match="not Tiny Shakespeare") as caught:
            get()
        assert told in str(caught.value)
    if place == "network":
        assert not list(cache_folder.iterdir())


def test_offline_it_says_what_to_type_and_goes_on_with_fables(
    network: Network, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(corpus.CorpusUnavailable, match="export LMCOURSE_DATA=") as caught:
        corpus.shakespeare()
    assert "no route to host" in str(caught.value)
    assert corpus.load("shakespeare") == corpus.load("fables")
    assert "fables instead" in capsys.readouterr().out


def test_a_cache_that_cannot_be_written_is_no_obstacle(
    network: Network, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    network.data = PLAY.encode()
    assert corpus.shakespeare() == PLAY


def test_the_real_shakespeare_has_the_pinned_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("LMCOURSE_DATA", beside))
    if not (folder / tinyshakespeare.FILE_NAME).is_file():
        pytest.skip(f"neither LMCOURSE_DATA nor {beside} holds {tinyshakespeare.FILE_NAME}")
    monkeypatch.setenv("LMCOURSE_DATA", str(folder))
    text = corpus.shakespeare()
    assert len(text) == 1_115_394
    assert text.startswith("First Citizen:\n")


def test_an_unknown_corpus_is_named_in_the_error() -> None:
    with pytest.raises(ValueError, match='"fables" or "shakespeare"'):
        corpus.load("moby dick")


# ---------------------------------------------------------------------------------- The test text


@pytest.mark.parametrize("lesson", ["07_gpt", "09_scale"])
def test_a_lesson_reads_the_test_text_once_when_nothing_is_left_to_choose(lesson: str) -> None:
    source = (Path(__file__).parents[1] / "solutions" / f"{lesson}.py").read_text()
    cells = [cell for cell in source.split("\n# %%") if "[markdown]" not in cell.split("\n")[0]]
    (laid_aside, read) = [at for at, cell in enumerate(cells) if "test_text" in cell]
    trainings = [at for at, cell in enumerate(cells) if re.search(r"^ +(train|fit)\(", cell, re.M)]
    assert laid_aside < min(trainings)
    assert read > max(trainings)
    assert "plots.held_out(" in cells[read]
