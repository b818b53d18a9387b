"""Waiting is visible, and leaves nothing in the stored notebook."""

from __future__ import annotations

from backlab import progress
from backlab.progress import MIME


def test_nothing_is_printed_where_nobody_looks(capsys):
    """Without a terminal (CI, pipes) the bar is silent and the things come through unchanged."""
    assert list(progress(range(5), "counting")) == [0, 1, 2, 3, 4]
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_a_notebook_bar_moves_and_is_dropped_from_what_is_stored(in_kernel):
    """`backlab run` hears how far it is; `backlab build` finds one empty display and drops it."""
    from types import SimpleNamespace

    from backlab.authoring.hygiene import clean

    heard = []
    outputs = in_kernel(
        "import time\nfrom backlab import progress\n"
        "for _ in progress(range(6), 'experiment A'):\n    time.sleep(0.1)\nprint('done')",
        listen=lambda event: heard.append(event.facts) if event.kind == "progress" else None,
    )
    moves = [facts["done"] for facts in heard if "done" in facts]
    assert moves == sorted(moves)
    assert moves[-1] >= 3
    assert heard[-1]["over"]
    cell = SimpleNamespace(cell_type="code", id="x", outputs=outputs)
    assert any(MIME in output.get("metadata", {}) for output in outputs)
    clean(SimpleNamespace(cells=[cell]))
    assert [output["text"] for output in cell.outputs] == ["done\n"]


def test_a_live_plot_grows_and_ends_as_one_final_figure(in_kernel):
    """Redrawn while measuring; the stored notebook holds a single picture of all rows."""
    figures = []
    outputs = in_kernel(
        "import time\nfrom backlab import live, measure, plot\n"
        "draw = lambda rows: plot.bars(rows, title=f'{len(rows)} calls')\n"
        "rows = measure({'a': lambda _: time.sleep(0.05)}, repeat=30, live=live(draw))",
        listen=lambda event: figures.append(event.facts) if event.kind == "figure" else None,
    )
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 1
    assert pictures[0]["metadata"]["image/png"]["title"] == "30 calls"
    assert len(figures) > 2
    assert len({facts["display"] for facts in figures}) == 1
