"""The model in this repository: a sound bundle, and nothing that its tests find wrong."""

from pathlib import Path

import pytest
import torch
from model_tests import model_problems

from lmops import bundle, text

MODEL = Path(__file__).parents[1] / "model"


class Asked:
    """The model as the tests of lesson 10 ask it."""

    def __init__(self, found):
        self._model = found.model()
        self.vocab_size = found.config["vocab_size"]
        self.context = found.config["context"]

    def __call__(self, ids):
        with torch.no_grad():
            return self._model(ids)


def test_it_is_a_sound_bundle():
    assert bundle.verify(MODEL) == []


def test_nothing_is_wrong_with_it():
    found = bundle.load(MODEL)
    if found.metrics.get("steps", 0) == 0:
        pytest.skip("it has not been trained yet: make train")
    torch.manual_seed(0)
    assert model_problems(Asked(found), text.load().validation[:4000]) == []
