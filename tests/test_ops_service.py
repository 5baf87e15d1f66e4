"""The service as its users see it: OpenAI's client against `lmops serve`, over a socket."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest
import torch

from lmops.bundle import Bundle, load
from serving import CHARACTERS, PROMPT, Running, serving, small_bundle, wait_until


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return small_bundle(tmp_path_factory.mktemp("bundle"), layers=4, channels=96)


@pytest.fixture(scope="module")
def server(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(bundle.folder, home=tmp_path_factory.mktemp("home")) as running:
        yield running


def plain(bundle: Bundle, prompt: str, length: int) -> str:
    """Return what the model writes greedily, one forward pass a character."""
    model, ids = bundle.model(), bundle.encode(prompt)
    with torch.no_grad():
        for _ in range(length):
            ids.append(int(model(torch.tensor([ids]))[0, -1].argmax()))
    return bundle.decode(ids[len(prompt) :])


def test_list(server: Running) -> None:
    assert [model.id for model in server.client().models.list()] == [server.version, "lm"]


def test_complete(server: Running, bundle: Bundle) -> None:
    answer = server.client().completions.create(
        model="lm", prompt=PROMPT, max_tokens=20, temperature=0
    )
    assert answer.model == server.version == bundle.version
    (choice,) = answer.choices
    assert choice.text == plain(bundle, PROMPT, 20)
    assert choice.finish_reason == "length"
    assert answer.usage is not None
    usage = answer.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (16, 20, 36)


def test_stream(server: Running) -> None:
    client = server.client()
    asked = dict(model=server.version, prompt=PROMPT, max_tokens=30, seed=3)
    whole = client.completions.create(**asked)
    chunks = list(
        client.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    )
    *pieces, usage = chunks
    assert "".join(chunk.choices[0].text for chunk in pieces) == whole.choices[0].text
    assert len(pieces) == 31
    assert [chunk.choices[0].finish_reason for chunk in pieces] == [None] * 30 + ["length"]
    assert usage.choices == []
    assert usage.usage == whole.usage
