"""Lesson 09 beside what others have built, and the language of its speed run."""

import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

from grader.course.lessons import Course
from grader.course.solved import solved_namespace
from lmcourse import corpus
from lmcourse.checks.scale.counting import counted
from lmcourse.checks.scale.grammar import Grammar, draw, loss, prefix_of

ROOT = Path(__file__).parents[1]
LETTERS = [chr(0x4E00 + byte) for byte in range(256)]  # one sign for each byte, in their order


@pytest.fixture(scope="module")
def lesson() -> dict[str, Any]:
    return solved_namespace(Course(ROOT).lesson("09_scale"))


def texts() -> dict[str, list[int]]:
    rng = random.Random(0)
    fables = corpus.join(corpus.fables(20)).encode()
    return {
        "fables": list(fables[:6000]),
        "any bytes": [rng.randrange(256) for _ in range(3000)],
        "few kinds of bytes": [rng.choice((7, 8, 200)) for _ in range(2000)],
        "one byte over and over": [7] * 99,
        "not English": list("Füchse, Störche und 🦊🦊 — ça va? ".encode() * 20),
        "two bytes": [1, 2],
        "nothing": [],
    }


@pytest.mark.parametrize("name", texts())
def test_pairs_and_tokens_are_those_of_the_tokenizers_package(
    lesson: dict[str, Any], name: str
) -> None:
    ids = texts()[name]
    theirs = Tokenizer(BPE())
    trainer = BpeTrainer(
        vocab_size=256 + 60, min_frequency=2, initial_alphabet=LETTERS, show_progress=False
    )
    theirs.train_from_iterator(["".join(LETTERS[byte] for byte in ids)], trainer)
    number = theirs.get_vocab()
    merges = json.loads(theirs.to_str())["model"]["merges"]
    pairs = lesson["train_bpe"](ids, 60)
    assert pairs == [(number[left], number[right]) for left, right in merges]
    other = ids[::-1] + texts()["fables"][:500] + ids[:100]
    text = "".join(LETTERS[byte] for byte in other)
    assert lesson["bpe_encode"](other, pairs) == theirs.encode(text).ids


def test_any_bytes_come_back(lesson: dict[str, Any]) -> None:
    rng = random.Random(1)
    for size in (0, 1, 2, 50, 400):
        ids = [rng.randrange(256) for _ in range(size)]
        for learnt in texts().values():
            pairs = lesson["train_bpe"](learnt[:1000], 30)
            assert lesson["bpe_decode"](lesson["bpe_encode"](ids, pairs), pairs) == ids


def test_two_processes_reach_the_losses_of_one(lesson: dict[str, Any]) -> None:
    run_with: Callable[[int], list[float]] = lesson["run_with"]
    alone, together = run_with(1), run_with(2)
    assert alone[-1] < alone[0]
    assert together == pytest.approx(alone, abs=1e-5)


@pytest.fixture(scope="module")
def grammar() -> Grammar:
    return draw(np.random.default_rng(5))


def test_what_comes_next_is_what_the_grammar_writes(grammar: Grammar) -> None:
    rng = np.random.default_rng(0)
    stories = [grammar.story(rng) for _ in range(4000)]
    characters = grammar.characters()
    for begun in ("", stories[0][:1], stories[0][:9], stories[1][:25]):
        came = Counter(story[len(begun)] for story in stories if story.startswith(begun))
        shares = torch.tensor([came[each] for each in characters]) / came.total()
        probs = grammar.next_probs(begun, characters)
        assert float(probs.sum()) == pytest.approx(1)
        assert float((probs - shares).abs().max()) < 3 / came.total() ** 0.5


def test_no_counting_is_better_than_the_truth(grammar: Grammar) -> None:
    rng = np.random.default_rng(1)
    characters = grammar.characters()
    text = "".join(grammar.story(rng) for _ in range(300))
    begun = [prefix_of(grammar.story(rng), rng) for _ in range(100)]
    truth = torch.stack([grammar.next_probs(each, characters) for each in begun])
    least = loss(truth, truth)
    found = [loss(truth, counted(text, n, begun, characters)) for n in (1, 2, 3, 5)]
    assert found[0] > found[1] > found[2] > least


def test_words_and_letters_are_others_for_another_seed() -> None:
    drawn = [draw(np.random.default_rng(seed)) for seed in range(20)]
    for grammar in drawn:
        words = [word for each in grammar.words for word in each]
        assert len(words) == len(set(words))
    known = [{word for each in grammar.words for word in each} for grammar in drawn]
    assert all(len(known[0] & other) < len(known[0]) / 10 for other in known[1:])
    assert len({tuple(grammar.characters()) for grammar in drawn}) > 15


def test_the_notebooks_ngrams_count_as_the_judge_does(
    lesson: dict[str, Any], grammar: Grammar
) -> None:
    rng = np.random.default_rng(2)
    characters = grammar.characters()
    text = "".join(grammar.story(rng) for _ in range(50))
    number = {each: at for at, each in enumerate(characters)}
    ids = np.array([number[each] for each in "\n" * 5 + text])
    drawn = (prefix_of(grammar.story(rng), rng) for _ in range(60))
    begun = [one for one in drawn if len(one) > 4]  # beyond the edge that stands before the text
    assert len(begun) > 20
    before = np.array([[number[each] for each in ("\n" * 5 + one)[-4:]] for one in begun])
    found = torch.from_numpy(lesson["NGrams"](ids, len(characters), 5).probs(before))
    assert float((found - counted(text, 5, begun, characters)).abs().max()) < 0.02


def test_what_is_left_out_of_the_counts_was_counted_once(lesson: dict[str, Any]) -> None:
    ids = np.array([0, 1, 2, 0, 1, 3, 0, 1, 2])
    without = lesson["NGrams"](ids[:6], 4, 3).probs(np.array([[0, 1]]))
    counts = lesson["NGrams"](ids, 4, 3)
    left_out = counts.probs(np.array([[0, 1]]), np.array([2]))
    assert left_out[0].sum() == pytest.approx(1)
    assert left_out[0, 2] < counts.probs(np.array([[0, 1]]))[0, 2]
    assert set(left_out[0].argsort()[-2:]) == set(without[0].argsort()[-2:]) == {2, 3}
