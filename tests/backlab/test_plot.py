"""Every figure has the house look: small, labelled without overlaps, readable by ear."""

from __future__ import annotations

import base64
import io
from functools import cache
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text
from PIL import Image

from backlab import plot, predict
from backlab.plot.axes import level_ticks, log_ticks, plain
from backlab.plot.labels import END_LABEL, spread

ARMS = {"lazy": 6, "joined": 1, "subquery": 1, "selectin": 1, "mixed": 1, "json_agg": 1}
TITLE = "Only lazy loading climbs: 1,192 statements for 200 orders"
PLAN = {
    "label": "Nested Loop", "q_error": 413, "buffers": 106_101, "rows_est": 32, "rows": 13_227,
    "children": [
        {"label": "Seq Scan customers", "q_error": 1.0, "buffers": 400, "rows_est": 30, "rows": 30},
        {"label": "Index Scan orders", "q_error": 1.2, "buffers": 105_701, "rows_est": 5, "rows": 6},
    ],
}  # fmt: skip


def rows() -> pd.DataFrame:
    """Six arms at four levels, three times each."""
    return pd.DataFrame(
        [
            {"t_s": float(i), "arm": arm, "level": level, "latency_ms": slope * level + i, "outcome": "ok"}
            for i in range(3)
            for arm, slope in ARMS.items()
            for level in (1, 10, 50, 200)
        ]
    )


def failing() -> pd.DataFrame:
    """Rows over time, of which some failed."""
    table = rows()
    table.loc[::5, "outcome"] = "failed"
    return table


FIGURES = {
    "lines": lambda: plot.lines(rows(), log="xy", title=TITLE, guess=(200, 300)),
    "panels": lambda: plot.lines(
        rows().assign(n=3), y=["latency_ms", "n"], log="x", title=TITLE, highlight="lazy"
    ),
    "fit": lambda: plot.lines(rows(), title=TITLE, fit={"lazy": (1.0, 6.0)}),
    "bars": lambda: plot.bars({"naive": 144, "repaired": 0}, y="stale", of=210, title=TITLE),
    "bars of rows": lambda: plot.bars(rows(), title=TITLE, log=True, guess={"lazy": 500}),
    "bars in panels": lambda: plot.bars(
        rows().assign(waited=0),
        y=["latency_ms", "waited"],
        title=TITLE,
        log=True,
        guess={"waited": {"lazy": 3}},
    ),
    "heat": lambda: plot.heat(rows(), title=TITLE),
    "timeline": lambda: plot.timeline(failing(), faults=[(0.5, 1.5, "3 ms")], title=TITLE),
    "before and after": lambda: plot.before_after({"statements": (1192, 4), "rows": (9, 9)}, title=TITLE),
    "tree": lambda: plot.tree({"before": PLAN, "after": PLAN["children"][0]}, title=TITLE),
}


@cache
def drawn(name: str) -> tuple[plot.Card, bytes]:
    """A figure and its picture, drawn once for all tests that look at it."""
    card = FIGURES[name]()
    return card, card.png()


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_small_and_says_in_words_what_it_shows(name):
    """At most 40 kB at twice the screen's resolution; alternative text in the picture and beside it."""
    card, _ = drawn(name)
    data, metadata = card.bundle()
    picture = base64.b64decode(data["image/png"])
    image = Image.open(io.BytesIO(picture))
    assert len(picture) <= 40_000
    assert image.info["Description"] == card.alt == data["text/plain"] == metadata["image/png"]["alt"]
    assert TITLE.rstrip(".") in card.alt
    assert image.size[0] == 2 * metadata["image/png"]["width"] == 1120
    assert image.size[1] == 2 * metadata["image/png"]["height"]


def test_lines_say_for_each_panel_what_is_drawn_against_what():
    """Who hears "lazy: 6 at 1" must know six of what."""
    alt = drawn("panels")[0].alt
    assert "latency (ms) by level: joined: 2 at 1, 201 at 200. subquery: 2 at 1," in alt
    assert "n by level: joined: 3 at 1, 3 at 200. subquery: 3 at 1," in alt


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_an_opaque_card_that_reads_on_dark_and_light_themes(name):
    """The corners are warm white, not transparent."""
    image = Image.open(io.BytesIO(drawn(name)[1])).convert("RGBA")
    for corner in ((0, 0), (image.width - 1, image.height - 1)):
        red, green, blue, alpha = image.getpixel(corner)
        assert min(red, green, blue) > 240
        assert alpha == 255


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_is_cut_off_at_the_edges(name):
    """Every text lies inside the figure."""
    card, _ = drawn(name)
    for text in [card._suptitle, *(t for ax in card.axes for t in ax.texts)]:
        box = text.get_window_extent()
        assert box.x0 >= -1
        assert box.x1 <= card.bbox.x1 + 1, text.get_text()


@pytest.mark.parametrize("name", ["lines", "panels", "fit", "timeline"])
def test_labels_at_line_ends_do_not_overlap(name):
    """Six lines that end at the same height still have six readable labels."""
    card, _ = drawn(name)
    for ax in card.axes:
        boxes = [Text.get_window_extent(text) for text in ax.texts if text.get_gid() == END_LABEL]
        boxes = sorted(boxes, key=lambda box: box.y0)
        assert all(above.y0 >= below.y1 - 1 for below, above in pairwise(boxes))


def test_your_guess_is_a_hollow_diamond_and_no_guess_is_nothing():
    """By number or by the name of a prediction; an unset one leaves no mark and breaks nothing."""
    predict(statements=300, rows=None)

    def diamonds(guess):
        card = plot.lines(rows(), title=TITLE, guess=guess)
        return [line for line in card.ax.lines if line.get_marker() == "D" and line.get_linestyle() == "None"]

    (mark,) = diamonds((200, "statements"))
    assert (list(mark.get_ydata()), mark.get_markerfacecolor()) == ([300], "none")
    assert diamonds((200, "rows")) == diamonds((200, None)) == diamonds(None) == []


def test_fault_windows_are_shaded_and_named():
    """The window lies where it was, with its name in it, and in the alternative text."""
    card = drawn("timeline")[0]
    assert "3 ms" in [text.get_text() for text in card.ax.texts]
    assert "3 ms from 0.5 to 1.5 s." in card.alt


def test_a_plan_tree_shows_worst_estimate_and_buffers_of_each_plan():
    """Both plans share one scale: the box of a plan that reads 400 of 106,101 buffers is thin."""
    card = drawn("tree")[0]
    before, after = ([patch.get_width() for patch in ax.patches] for ax in card.axes)
    assert after[0] == pytest.approx(before[1])
    assert before[0] > 20 * after[0]
    assert "before: 106,101 buffers, worst estimate off by 413" in card.alt


@given(st.lists(st.floats(0, 500), min_size=1, max_size=12))
def test_spreading_keeps_order_and_gaps(wanted):
    """Labels stay in the order of their lines, a gap apart, and move no more than they must."""
    placed = spread(wanted, 20, -1e9, 1e9)
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], -i))
    assert all(placed[b] - placed[a] >= 20 - 1e-6 for a, b in pairwise(order))
    if all(wanted[b] - wanted[a] >= 20 for a, b in pairwise(order)):
        assert placed == pytest.approx(wanted)


def test_axes_are_written_in_plain_numbers():
    """1,000 instead of 10^3; measured levels as ticks, unless they would collide."""
    assert [plain(v) for v in (1000, 0.05, -2, 1e6)] == ["1,000", "0.05", "\N{MINUS SIGN}2", "1,000,000"]
    assert log_ticks(0.8, 1500) == [1, 10, 100, 1000]
    assert log_ticks(8, 40) == [10, 20]
    assert level_ticks([1, 10, 50, 200], log=True) == [1, 10, 50, 200]
    assert level_ticks([0, 1, 2, 1000], log=False) == [0, 1000]


def test_no_plot_touches_pyplot():
    """No global figure, no backend choice: what a lab does with matplotlib itself stays its own."""
    import subprocess
    import sys

    code = (
        "import sys; from backlab import plot; plot.bars({'a': 1.0}, title='t').png(); "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
