"""A training that is killed goes on, and ends in the same weights."""

import json
import time
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from warm import Forked, lmops

from lmops import bundle, text, train
from lmops.cli import main
from lmops.train import Diverged, Recipe, Training

SOURCE = (bundle.SHIPPED / "model.py").read_text("utf-8")
TINY = Recipe(16, 2, 2, 16, steps=20, batch=2, peak=3e-3, warmup=4, stories=40)


@pytest.fixture(scope="module")
def data() -> text.Data:
    return text.load(stories=TINY.stories)


def training(folder: Path, data: text.Data, seed: int = 0) -> Training:
    return Training(SOURCE, TINY.config(len(data.characters)), TINY, data, seed, folder)


def nothing(step: int, loss: float) -> None:
    pass


def same(one: train.Weights, other: train.Weights) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_stopped_anywhere_it_ends_in_the_same_weights(tmp_path: Path, data: text.Data) -> None:
    straight, whole = training(tmp_path / "straight", data).run(nothing, nothing)
    for stop in (1, 7, 20):

        def press_stop(step: int, loss: float, stop: int = stop) -> None:
            if step == stop:
                raise KeyboardInterrupt

        folder = tmp_path / f"stopped-{stop}"
        with pytest.raises(KeyboardInterrupt):
            training(folder, data).run(press_stop, nothing)
        torch.manual_seed(99)  # another process has other numbers
        best, now = training(folder, data).run(nothing, nothing)
        assert same(best, straight)
        assert (now.best_loss, now.judged) == (whole.best_loss, whole.judged)


def test_it_learns_and_knows_its_best_step(tmp_path: Path, data: text.Data) -> None:
    seen: list[int] = []
    best, now = training(tmp_path, data).run(lambda step, _: seen.append(step), nothing)
    assert seen == list(range(1, 21))
    judged = list(now.judged.values())
    assert judged[-1] < judged[0]
    assert now.best_loss == min(judged) == now.judged[str(now.best_step)]
    model = bundle.with_weights(train.fresh(SOURCE, TINY.config(len(data.characters)), 5), best)
    assert text.evaluate(model, data.validation, TINY.context) == pytest.approx(now.best_loss)


def test_another_seed_is_another_training(tmp_path: Path, data: text.Data) -> None:
    best, _ = training(tmp_path, data).run(nothing, nothing)
    other = training(tmp_path, data, seed=1)
    assert other.begun() == 0
    assert not same(other.run(nothing, nothing)[0], best)


def test_a_loss_that_is_no_number_stops_it(tmp_path: Path, data: text.Data) -> None:
    broken = SOURCE.replace(
        '@ w["token_embedding.weight"].T', '@ w["token_embedding.weight"].T / 0'
    )
    odd = Training(broken, TINY.config(len(data.characters)), TINY, data, 0, tmp_path)
    with pytest.raises(Diverged, match="the loss of step 1 is nan"):
        odd.run(nothing, nothing)


def test_the_starting_values_are_lesson_07s(data: text.Data) -> None:
    config = train.RECIPES["laptop"].config(len(data.characters))
    found = train.weights_of(train.fresh(SOURCE, config, 0))
    spread = config["channels"] ** -0.5
    assert found["token_embedding.weight"].std() == pytest.approx(spread, rel=0.05)
    assert found["blocks.1.attention.project.weight"].std() == pytest.approx(spread / 2, rel=0.05)
    assert found["blocks.0.norm1.weight"].eq(1).all()
    assert found["blocks.0.feed_forward.expand.bias"].eq(0).all()
    clocks = found["position_embedding.weight"] / (2 * spread)
    place, channel = 5, 10
    angle = torch.tensor(place * 10000 ** (-channel / config["channels"]))
    wanted = torch.stack([angle.sin(), angle.cos()])
    assert torch.allclose(clocks[place, channel : channel + 2], wanted, atol=1e-5)


def test_the_shipped_model_is_as_good_as_it_says() -> None:
    shipped = bundle.load(bundle.SHIPPED)
    data = text.load()
    assert data.characters == shipped.characters
    assert data.floor == shipped.metrics["floor"]
    loss = text.evaluate(shipped.model(), data.validation[:20_000], shipped.config["context"])
    assert loss == pytest.approx(shipped.metrics["validation_loss"], abs=0.03)


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """Return a folder with a packed model that is not trained yet."""
    config = train.RECIPES["smoke"].config(64)
    made = bundle.write(
        tmp_path / "my_model",
        weights=train.weights_of(train.fresh(SOURCE, config, 0)),
        config=config,
        characters=text.load().characters,
        metrics={"corpus": "fables", "steps": 0},
        source=SOURCE,
    )
    return made.folder


@pytest.mark.lesson
def test_killed_it_goes_on_and_ends_in_the_same_weights(packed: Path, tmp_path: Path) -> None:
    command = ["train", packed, "--preset", "smoke", "--json"]
    ran = CliRunner().invoke(main, [*map(str, command), "--home", str(tmp_path / "straight")])
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout)["metrics"]["steps"] > 0
    straight = bundle.load(packed)

    home = tmp_path / "home"
    process = Forked(lmops, *map(str, command), "--home", str(home))
    while process.poll() is None and not list(home.glob("trainings/*.safetensors")):
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert bundle.verify(packed) == []
    assert list(home.glob("trainings/*.safetensors"))
    again = CliRunner().invoke(main, [*map(str, command), "--home", str(home)])
    assert again.exit_code == 0, again.output
    assert "Going on after step" in again.stderr
    assert same(bundle.load(packed).weights, straight.weights)
    assert not list(home.glob("trainings/*.safetensors"))


def test_without_a_packed_model_it_says_what_to_type(tmp_path: Path) -> None:
    ran = CliRunner().invoke(main, ["train", str(tmp_path / "none")])
    assert ran.exit_code == 2
    assert "Type first: lmops pack" in ran.stderr
    assert ran.stdout == ""
