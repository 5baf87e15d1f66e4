"""The pictures say what they were given, in order, in words too, and touch nothing else."""

import base64
from collections.abc import Callable
from io import BytesIO
from itertools import pairwise

import matplotlib
import pytest
import torch
from IPython.core.formatters import DisplayFormatter
from matplotlib import pyplot, style
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.text import Text
from PIL import Image

from lmcourse import pictures, plots
from lmcourse.plots import Picture

LOSSES = {"bigram": 2.41, "uniform": 4.0604, "GPT": 0.612, "unigram": 2.92}
RUNS = {
    "training, 20 stories": ([0, 100, 200], [4.2, 0.9, 0.4]),
    "validation, 20 stories": ([0, 100, 200], [4.25, 1.1, 1.3]),
    "validation, all stories": ([0, 1000], [4.25, 0.6]),
}
LEDGER = [
    {"number": n, "event": "gated", "by": "ann", "previous": 8 * str(n - 1), "hash": 8 * str(n)}
    for n in (1, 2, 3)
]
PARENTS = {"data": [], "model 1": ["data"], "answers": ["model 1"], "model 2": ["answers", "data"]}
CHARS = ["\n", " ", "$", *"abcdefghij"]
LETTERS = sorted(
    set("\n !$&',-.3:;?") | {chr(c) for start in (65, 97) for c in range(start, start + 26)}
)


def bundle(picture: Picture, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return what a notebook receives when `picture` is the last value of a cell."""
    shown: list[dict[str, str]] = []
    monkeypatch.setattr(pictures, "display", lambda data, **_: shown.append(data))
    assert DisplayFormatter().format(picture) == ({}, {})  # nothing else is shown
    (only,) = shown
    return only


def png(picture: Picture, monkeypatch: pytest.MonkeyPatch) -> bytes:
    return base64.b64decode(bundle(picture, monkeypatch)["image/png"])


def words(picture: Picture) -> list[str]:
    """Return the texts written into the first axes, from top to bottom."""
    return [text.get_text() for text in picture.axes[0].texts]


def row_names(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def column_names(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_xticklabels()]


def uniform(size: int) -> torch.Tensor:
    return torch.full((size,), 1 / size)


def some_counts(size: int) -> torch.Tensor:
    """Return counts as uneven as those of a text, with many pairs that never occur."""
    generator = torch.Generator().manual_seed(1)
    often = 1 / torch.arange(1, size + 1).float()
    rates = 20_000 * often[:, None] * often * torch.rand(size, size, generator=generator) ** 4
    return torch.poisson(rates, generator=generator)


def means(size: int) -> torch.Tensor:
    """Return the weights of queries that all take the mean of what they may look at."""
    weights = torch.ones(size, size).tril()
    return weights / weights.sum(dim=1, keepdim=True)


def one_look(size: int, at: int) -> torch.Tensor:
    """Return the weights of a single query, nearly all on the key `at`."""
    weights = torch.full((1, size), 0.1 / (size - 1))
    weights[0, at] = 0.9
    return weights


EVERY_KIND: list[Callable[[], Picture]] = [
    lambda: plots.ladder(LOSSES, floor=0.43, floor_error=0.01),
    lambda: plots.next_token_bars(uniform(len(CHARS)), CHARS, "ab c"),
    lambda: plots.bigram_heatmap(some_counts(len(CHARS)), CHARS),
    lambda: plots.loss_curves(RUNS, floor=0.25),
    lambda: plots.held_out({"validation": 0.43, "test": 0.44}),
    lambda: plots.attention_map(means(len(CHARS)), "".join(CHARS), "".join(CHARS)),
    lambda: plots.attention_map(one_look(90, at=7), "r", "a long text " * 7 + "\na end"),
    lambda: plots.chain(LEDGER, bad=2),
    lambda: plots.made_from(PARENTS, {"model 2"}),
    lambda: plots.sizes({"GPT-3": (175e9, 300e9)}, (2e5, 1e6)),
]


def test_ladder_runs_from_worst_to_best_with_name_and_loss() -> None:
    picture = plots.ladder(LOSSES)
    expected = ["uniform  4.060", "unigram  2.920", "bigram  2.410", "GPT  0.612"]
    assert words(picture) == expected
    axes = picture.axes[0]
    bars = axes.patches
    lengths = [bar.get_width() for bar in bars]  # type: ignore[attr-defined]
    assert lengths == sorted(LOSSES.values(), reverse=True)
    heights = [axes.transData.transform((0, text.xy[1]))[1] for text in axes.texts]  # type: ignore[attr-defined]
    assert heights == sorted(heights, reverse=True)  # the worst stands at the top of the page


def test_ladder_marks_the_best_by_weight_as_well_as_colour() -> None:
    axes = plots.ladder(LOSSES).axes[0]
    assert [text.get_fontweight() for text in axes.texts] == ["normal"] * 3 + ["bold"]
    colours = [bar.get_facecolor() for bar in axes.patches]
    assert len(set(colours[:3])) == 1
    assert colours[3] not in colours[:3]


def test_ladder_names_its_axes_and_unit() -> None:
    axes = plots.ladder(LOSSES).axes[0]
    assert axes.get_xlabel() == "loss on validation text (nats per character)"
    assert axes.get_ylabel() == "model"


def dots(axes: Axes) -> list[tuple[float, float]]:
    """Return how far right and down each dot is."""
    marked = [line for line in axes.lines if line.get_marker() == "o"]
    return [(line.get_xdata()[0], line.get_ydata()[0]) for line in marked]  # type: ignore[index]


def test_ladder_with_a_floor_draws_what_is_left_above_it_on_a_log_scale() -> None:
    axes = plots.ladder(LOSSES, floor=0.43, floor_error=0.01).axes[0]
    assert axes.get_xscale() == "log"
    gaps = [loss - 0.43 for loss in sorted(LOSSES.values(), reverse=True)]
    assert dots(axes) == [(pytest.approx(gap), row) for row, gap in enumerate(gaps)]
    assert "above the floor of 0.430 ± 0.010, which none can beat" in axes.get_xlabel()
    assert "log scale" in axes.get_xlabel()
    assert words(plots.ladder(LOSSES, floor=0.43))[-1] == "GPT  0.612"


def test_ladder_shows_the_same_share_of_the_gap_as_the_same_step() -> None:
    axes = plots.ladder({"a": 1.2, "b": 0.7, "c": 0.45}, floor=0.2).axes[0]
    a, b, c = (axes.transData.transform(dot)[0] for dot in dots(axes))
    assert a - b == pytest.approx(b - c)  # from 1 to 0.5 to 0.25


def test_ladder_without_a_floor_speaks_of_none() -> None:
    picture = plots.ladder(LOSSES)
    assert not picture.axes[0].lines
    assert "floor" not in picture.alt


def test_ladder_of_an_exactly_known_floor_gives_no_error() -> None:
    picture = plots.ladder(LOSSES, floor=0.43)
    assert "±" not in picture.axes[0].get_xlabel() + picture.alt


def test_ladder_keeps_what_reaches_the_floor_on_the_axis() -> None:
    picture = plots.ladder({"a": 0.45, "b": 0.43, "c": 0.41}, floor=0.43, floor_error=0.01)
    axes = picture.axes[0]
    left = axes.get_xlim()[0]
    assert [gap for gap, _ in dots(axes)] == pytest.approx([0.02, 0.01, 0.01])  # the floor's error
    assert 0 < left < 0.01
    assert picture.alt.endswith("c is 0.000 above the floor.")


@pytest.mark.parametrize("rungs", [1, 3, 12])
def test_ladder_texts_stay_inside_the_picture_and_apart(rungs: int) -> None:
    losses = {f"a model with the number {number}": 4.0 / number for number in range(1, rungs + 1)}
    picture = plots.ladder(losses, floor=0.3, floor_error=0.01)
    boxes = [text.get_window_extent() for text in picture.axes[0].texts]
    assert all(box.x1 <= picture.bbox.x1 for box in boxes)
    assert all(upper.y0 > lower.y1 for upper, lower in pairwise(boxes))


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), -2.4])
def test_ladder_refuses_what_is_no_loss(loss: float) -> None:
    with pytest.raises(ValueError, match=r"GPT is .* pass the mean of -log\(probability\)"):
        plots.ladder({"bigram": 2.4, "GPT": loss})
    with pytest.raises(ValueError, match=r"floor is .* pass the mean"):
        plots.ladder({"bigram": 2.4}, floor=loss)


def test_ladder_of_a_perfect_model_has_an_axis() -> None:
    left, right = plots.ladder({"knows everything": 0.0}).axes[0].get_xlim()
    assert (left, right) == (0, 1)


def test_ladder_refuses_no_losses() -> None:
    with pytest.raises(ValueError, match="no loss to draw; pass at least one"):
        plots.ladder({})


def test_held_out_texts_stand_side_by_side_each_with_its_own_floor() -> None:
    floors = {"validation": (0.25, 0.001), "test": (0.26, 0.002)}
    picture = plots.held_out({"validation": 0.43, "test": 0.45}, floors)
    assert words(picture) == [
        "validation  0.430, 0.180 above its floor of 0.250 ± 0.001",
        "test  0.450, 0.190 above its floor of 0.260 ± 0.002",
    ]
    axes = picture.axes[0]
    assert [bar.get_width() for bar in axes.patches] == [0.43, 0.45]  # type: ignore[attr-defined]
    assert [line.get_xdata()[0] for line in axes.lines] == [0.25, 0.26]  # type: ignore[index]
    assert not picture.losses  # no rung of the ladders to come
    assert (
        picture.alt
        == f"Loss of one model in nats per character, text by text: {'; '.join(words(picture))}."
    )


def test_held_out_without_floors_speaks_of_none() -> None:
    picture = plots.held_out({"validation": 1.5, "test": 1.6})
    assert "floor" not in picture.alt
    assert not picture.axes[0].lines


@pytest.mark.parametrize("losses", [{}, {"test": float("nan")}, {"test": -1.0}])
def test_held_out_refuses_what_is_no_loss(losses: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="one for each text"):
        plots.held_out(losses)


def test_next_token_bars_shows_the_likeliest_first_with_probabilities() -> None:
    picture = plots.next_token_bars(torch.tensor([0.2, 0.5, 0.0001, 0.2999]), [*"abcd"], top=3)
    assert row_names(picture.axes[0]) == ["b", "d", "a"]
    assert words(picture) == ["0.500", "0.300", "0.200"]
    assert picture.axes[0].get_ylabel() == "next character"


def test_next_token_bars_says_what_the_rest_is_worth() -> None:
    probs = torch.tensor([0.5, 0.3, 0.15, 0.05])
    cut = plots.next_token_bars(probs, [*"abcd"], top=2)
    assert cut.axes[0].get_xlabel() == "probability  (2 others together: 0.200)"
    whole = plots.next_token_bars(probs, [*"abcd"])
    assert whole.axes[0].get_xlabel() == "probability"


def test_a_tiny_probability_does_not_look_like_zero() -> None:
    picture = plots.next_token_bars(torch.tensor([0.9999, 0.0001, 0.0]), [*"abc"])
    assert words(picture) == ["1.000", "<0.001", "0.000"]


def test_whitespace_is_visible_in_every_picture() -> None:
    bars = plots.next_token_bars(torch.tensor([0.5, 0.3, 0.2]), [" ", "\n", "a"], "a b\n")
    assert row_names(bars.axes[0]) == ["␣", "⏎", "a"]
    assert bars.axes[0].get_title(loc="left") == "after “a␣b⏎”"
    heat = plots.bigram_heatmap(torch.ones(3, 3), [" ", "\n", "a"])
    assert row_names(heat.axes[0]) == column_names(heat.axes[0]) == ["␣", "⏎", "a"]


def test_a_long_context_is_cut_to_its_end() -> None:
    picture = plots.next_token_bars(uniform(3), [*"abc"], context="x" * 500 + "end")
    title = picture.axes[0].get_title(loc="left")
    assert title.startswith("after “…x")
    assert title.endswith("end”")
    assert len(title) < 50


def test_dollars_are_drawn_as_dollars(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = plots.next_token_bars(uniform(3), ["$a$", "b", "c"], context=r"$\broken{$")
    assert png(picture, monkeypatch)  # as mathematics, this context would be an error


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_next_token_bars_takes_any_float_type_and_gradients(dtype: torch.dtype) -> None:
    logits = torch.linspace(-2, 2, 65, requires_grad=True)
    probs = torch.softmax(logits, 0).to(dtype)
    assert row_names(plots.next_token_bars(probs, LETTERS, top=1).axes[0]) == [LETTERS[-1]]


@pytest.mark.parametrize(
    ("probs", "message"),
    [
        (uniform(3), r"shape \(3,\), but there are 4 characters; pass .* shape \(4,\)"),
        (uniform(4)[None], r"shape \(1, 4\), but there are 4 characters"),
        (torch.tensor([1.0, -0.5, 0.3, 0.2]), r"from -0.5 to 1 .* pass softmax\(logits\)"),
        (torch.tensor([5.0, 1.0, 0.0, 2.0]), r"sums to 8, .* counts divided by their sum"),
        (torch.full((4,), torch.nan), "sums to nan"),
    ],
)
def test_next_token_bars_refuses_what_is_no_distribution(probs: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plots.next_token_bars(probs, [*"abcd"])


def test_next_token_bars_refuses_to_draw_nothing() -> None:
    with pytest.raises(ValueError, match=r"top is 0, .* pass 1 or more"):
        plots.next_token_bars(uniform(3), [*"abc"], top=0)


def test_heatmap_has_first_characters_in_rows_and_a_bar_with_units() -> None:
    picture = plots.bigram_heatmap(torch.tensor([[0, 7], [2, 1]]), ["a", "b"])
    axes, bar = picture.axes
    assert axes.get_ylabel() == "first character"
    assert axes.get_xlabel() == "next character"
    assert row_names(axes) == column_names(axes) == ["a", "b"]
    (image,) = axes.images
    assert image.get_array().tolist() == [[0, 7], [2, 1]]  # type: ignore[union-attr]
    assert image.origin == "upper"
    assert bar.get_ylabel() == "count of the pair (log scale; white: never)"


def test_heatmap_knows_probabilities_from_counts() -> None:
    table = torch.tensor([[0.25, 0.75], [0.5, 0.5]])
    _, bar = plots.bigram_heatmap(table, ["a", "b"]).axes
    assert bar.get_ylabel() == "probability of the next character (log scale)"


def test_heatmap_tells_rare_pairs_from_pairs_that_never_occur() -> None:
    picture = plots.bigram_heatmap(torch.tensor([[0, 1], [10, 10_000]]), ["a", "b"])
    (image,) = picture.axes[0].images
    rare, some, common = (sum(image.to_rgba([count])[0][:3]) for count in (1, 10, 10_000))  # type: ignore[arg-type]
    assert 3 - 0.2 > rare > some > common  # white, were it 3, means never; more is darker
    assert some - common > 0.5
    never = image.to_rgba([0])[0]  # type: ignore[arg-type]
    assert never[3] == 0  # the white page shows through


@pytest.mark.parametrize("table", [torch.ones(4, 4), torch.full((4, 4), 0.25), torch.eye(4)])
def test_heatmap_of_a_table_with_one_value_still_has_a_scale(table: torch.Tensor) -> None:
    _, bar = plots.bigram_heatmap(table, [*"abcd"]).axes
    low, high = bar.get_ylim()
    assert high == pytest.approx(10 * low)
    assert low <= table.max() <= high


def test_heatmap_labels_do_not_overlap_with_a_full_alphabet() -> None:
    axes = plots.bigram_heatmap(some_counts(len(LETTERS)), LETTERS).axes[0]
    columns = [label.get_window_extent() for label in axes.get_xticklabels()]
    rows = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert len(columns) == len(rows) == len(LETTERS)
    pixel = 1
    assert all(left.x1 <= right.x0 + pixel for left, right in pairwise(columns))
    assert all(upper.y0 >= lower.y1 - pixel for upper, lower in pairwise(rows))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (torch.ones(2, 2), r"shape \(2, 2\), but there are 3 characters; pass .* \(3, 3\)"),
        (torch.ones(9), r"shape \(9,\), but there are 3 characters"),
        (torch.zeros(3, 3), "not all zero; pass the counts"),
        (-torch.ones(3, 3), "from -1 to -1, .* zero or more"),
        (torch.tensor([[1.0, 0, 0], [torch.nan] * 3, [0, 1, 0]]), "row of 'b'; a row of zeros"),
    ],
)
def test_heatmap_refuses_what_is_no_table(table: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plots.bigram_heatmap(table, [*"abc"])


def test_loss_curves_pair_training_and_validation_and_mark_the_lowest() -> None:
    axes = plots.loss_curves(RUNS).axes[0]
    curves, dots = axes.lines[::2], axes.lines[1::2]
    assert [curve.get_label() for curve in curves] == list(RUNS)
    assert [curve.get_linestyle() for curve in curves] == ["--", "-", "-"]
    assert [list(curve.get_ydata()) for curve in curves] == [losses for _, losses in RUNS.values()]  # type: ignore[arg-type]
    first, second, third = (curve.get_color() for curve in curves)
    assert first == second != third
    lowest = [(dot.get_xdata()[0], dot.get_ydata()[0]) for dot in dots]  # type: ignore[index]
    assert lowest == [(200, 0.4), (100, 1.1), (1000, 0.6)]


def test_loss_curves_name_axes_curves_and_floor() -> None:
    axes = plots.loss_curves(RUNS, floor=0.25).axes[0]
    assert axes.get_xlabel() == "step"
    assert axes.get_ylabel() == "loss (nats per character)"
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [*RUNS, "floor"]
    assert list(axes.lines[-1].get_ydata()) == [0.25, 0.25]  # type: ignore[arg-type]


def test_loss_curves_leave_a_gap_where_a_run_blew_up() -> None:
    picture = plots.loss_curves({"training": ([0, 1, 2], [4.0, 3.0, float("nan")])})
    assert "lowest 3.000 at step 1, nan at step 2" in picture.alt


@pytest.mark.parametrize(
    ("curves", "message"),
    [
        ({}, "no curve to draw; pass at least one"),
        ({"a": ([0, 1], [4.0])}, "a has 2 steps and 1 losses, .* one loss for each step"),
        ({"a": ([0], [float("nan")])}, "of which 0 are finite; .* at least one that is finite"),
    ],
)
def test_loss_curves_refuses_what_is_no_curve(
    curves: dict[str, tuple[list[float], list[float]]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        plots.loss_curves(curves)


def test_attention_map_has_queries_in_rows_and_keys_in_columns() -> None:
    weights = torch.tensor([[1.0, 0.0, 0.0], [0.25, 0.75, 0.0]])
    axes, bar = plots.attention_map(weights, " b", "cd\n").axes
    assert row_names(axes) == ["␣", "b"]
    assert column_names(axes) == ["c", "d", "⏎"]
    assert axes.get_ylabel() == "query: the position that looks"
    assert axes.get_xlabel() == "key: the position that is looked at"
    (image,) = axes.images
    assert image.get_array().filled(0).tolist() == weights.tolist()  # type: ignore[union-attr]
    assert bar.get_ylabel() == "weight (white: zero)"


def test_attention_map_tells_a_small_weight_from_none() -> None:
    (image,) = (
        plots.attention_map(torch.tensor([[1.0, 0.0], [0.001, 0.999]]), "ab", "ab").axes[0].images
    )
    faint, none = image.to_rgba(image.get_array())[[1, 0], [0, 1]]  # type: ignore[arg-type]
    assert sum(faint[:3]) < 3 - 0.2
    assert none[3] == 0  # the white page shows through


def test_a_single_query_is_drawn_over_the_text_that_it_looks_at() -> None:
    text = "Once a fox\nmet " + "two long words " * 8 + "x" * 100
    axes = plots.attention_map(one_look(len(text), at=7), " ", text).axes[0]
    assert axes.get_title(loc="left") == "Where “␣” looks"
    shown = [letter.get_text() for letter in axes.texts]
    assert "".join(shown) == text.replace("\n", "⏎")
    places = [letter.get_position() for letter in axes.texts]
    assert places == sorted(places, key=lambda place: (place[1], place[0]))
    assert places[text.index("met")] == (0, 1)  # the newline ended a line
    starts = [text[i] for i, (column, _) in enumerate(places) if column == 0]
    assert starts[:4] == ["O", "m", "l", "x"]  # no word is cut that fits into a line
    (image,) = axes.images
    fields = image.get_array()
    assert fields.argmax() == 7  # type: ignore[union-attr]
    assert [letter.get_text() for letter in axes.texts if letter.get_color() == "white"] == ["f"]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (torch.eye(3), r"shape \(3, 3\), but there are 2 queries and 3 keys"),
        (torch.ones(3), r"shape \(3,\), but there are 2 queries"),
        (torch.ones(2, 3), r"query 0 go from 1 to 1 and sum to 3, .* over the last dimension"),
        (torch.tensor([[0.5, 0.5, 0], [0.5, 0.2, 0.2]]), "query 1 .* sum to 0.9"),
        (torch.tensor([[0.5, 0.5, 0], [1.5, -0.5, 0]]), "query 1 go from -0.5 to 1.5"),
        (torch.full((2, 3), torch.nan), "query 0 .* sum to nan"),
    ],
)
def test_attention_map_refuses_what_are_no_weights(weights: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plots.attention_map(weights, "ab", "abc")


def test_alternative_texts_say_what_the_pictures_show() -> None:
    ladder = plots.ladder(LOSSES, floor=0.43, floor_error=0.01)
    assert ladder.alt == (
        "Loss on validation text in nats per character, from worst to best: uniform 4.060, "
        "unigram 2.920, bigram 2.410, GPT 0.612, floor 0.430 ± 0.010. GPT is 0.182 above the floor."
    )
    bars = plots.next_token_bars(torch.tensor([0.5, 0.3, 0.2]), [" ", "\n", ","], "so")
    assert bars.alt == (
        "Most likely next characters after 'so', with probabilities: space 0.500, newline 0.300, "
        "comma 0.200."
    )
    heat = plots.bigram_heatmap(torch.tensor([[0, 8030], [2, 1]]), ["a", " "])
    assert heat.alt == (
        "Heat map of 2 by 2 pairs of characters, count of the pair: the largest, 8030, is a "
        "followed by space; 25% of the pairs are zero."
    )
    curves = plots.loss_curves({"training": ([0, 1000, 1500], [4.25, 0.61, 0.7])}, floor=0.25)
    assert curves.alt == (
        "Loss in nats per character while training. training: 4.250 at step 0, lowest 0.610 at "
        "step 1,000, 0.700 at step 1,500; floor: 0.250."
    )
    square = plots.attention_map(torch.tensor([[1.0, 0.0], [0.4, 0.6]]), "a ", "b\n")
    assert square.alt == (
        "Map of attention, 2 queries by 2 keys: the largest weight, 1.000, is that of query 0, a, "
        "on key 0, b; 25% of the weights are zero."
    )
    row = plots.attention_map(torch.tensor([[0.7, 0.2, 0.1, 0.0]]), "f", "a fo")
    assert row.alt == (
        "Attention of f over 4 characters, the largest weights: 0.700 on a at the start, 0.200 on "
        "space after 'a', 0.100 on f after 'a '."
    )


def test_a_notebook_gets_each_picture_once_with_its_alternative_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    picture = plots.ladder({'the "<b>" model': 2.4})
    data = bundle(picture, monkeypatch)
    assert data["text/plain"] == picture.alt
    assert 'alt="Loss on validation text' in data["text/html"]
    assert "the &quot;&lt;b&gt;&quot; model" in data["text/html"]
    assert f'src="data:image/png;base64,{data["image/png"]}"' in data["text/html"]
    assert png(picture, monkeypatch).startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", range(len(EVERY_KIND)))
def test_pictures_have_two_pixels_for_each_of_the_page(
    kind: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[dict[str, dict[str, int]]] = []
    monkeypatch.setattr(pictures, "display", lambda data, metadata, raw: shown.append(metadata))
    EVERY_KIND[kind]()._ipython_display_()
    drawn = png(EVERY_KIND[kind](), monkeypatch)
    width, height = Image.open(BytesIO(drawn)).size
    said = shown[0]["image/png"]
    assert (said["width"], said["height"]) == (width // 2, height // 2)
    html = bundle(EVERY_KIND[kind](), monkeypatch)["text/html"]
    assert f'width="{width // 2}" style="max-width: 100%; min-width: ' in html


@pytest.mark.parametrize("kind", range(len(EVERY_KIND)))
def test_every_letter_is_ten_pixels_high_on_the_page(kind: int) -> None:
    picture = EVERY_KIND[kind]()
    sizes = {
        text.get_fontsize()
        for text in picture.findobj(Text)
        if isinstance(text, Text) and text.get_text() and text.get_visible()
    }
    assert min(sizes) * picture.dpi / 72 >= 10


def test_pictures_are_small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    rungs = {f"model number {number}": 4.0 / number for number in range(1, 13)}
    pictures = [
        plots.ladder(rungs, floor=0.3, floor_error=0.01),
        plots.next_token_bars(uniform(len(LETTERS)), LETTERS, "the end of a long context " * 3),
        plots.bigram_heatmap(some_counts(len(LETTERS)), LETTERS),
        plots.bigram_heatmap((some_counts(len(LETTERS)) + 1) / 100, LETTERS),
        plots.loss_curves(RUNS, floor=0.25),
        plots.attention_map(means(60), "x" * 60, "y" * 60),
        plots.attention_map(one_look(250, at=20), "r", "some text " * 25),
    ]
    assert [len(png(picture, monkeypatch)) < 50_000 for picture in pictures] == [True] * 7


def test_pictures_leave_pyplot_and_its_settings_alone() -> None:
    pyplot.close("all")  # what another test left
    before = dict(matplotlib.rcParams)
    for draw in EVERY_KIND:
        draw()
    assert pyplot.get_fignums() == []
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("kind", range(len(EVERY_KIND)))
def test_a_dark_style_in_the_notebook_changes_nothing(
    kind: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = png(EVERY_KIND[kind](), monkeypatch)
    with style.context("dark_background"):
        dark = EVERY_KIND[kind]()
        assert png(dark, monkeypatch) == plain
    assert to_rgba(dark.get_facecolor()) == (1, 1, 1, 1)


def test_a_chain_says_where_it_stops_to_hold_and_shows_it() -> None:
    picture = plots.chain(LEDGER, bad=2)
    assert "line 3, gated, previous 222222, hash 333333; line 2 does not hold" in picture.alt
    edges = [box.get_edgecolor() for text in texts_of(picture) if (box := text.get_bbox_patch())]
    assert [edge == to_rgba(plots.HIGHLIGHT) for edge in edges] == [True, False, False]
    assert plots.chain(LEDGER).alt.endswith("; all hold")


def test_what_was_made_from_something_stands_to_the_right_of_it() -> None:
    picture = plots.made_from(PARENTS, {"model 2"})
    places = {text.get_text(): text.get_position()[0] for text in texts_of(picture)}
    assert places["data"] < places["model\n1"] < places["answers"] < places["model\n2"]
    assert picture.alt == (
        "model 1 from data; answers from model 1; model 2 from answers, data; marked: model 2"
    )


def test_sizes_name_every_model_and_ones_own() -> None:
    picture = plots.sizes({"GPT-3": (175e9, 300e9)}, (2e5, 1e6))
    assert "GPT-3 1.75e+11 and 3e+11; this lesson 2e+05 and 1e+06." in picture.alt
    assert "this lesson" not in plots.sizes({"GPT-3": (175e9, 300e9)}).alt


def texts_of(picture: Picture) -> list[Text]:
    return [text for text in picture.axes[0].texts if text.get_text()]
