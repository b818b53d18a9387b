"""Experiments as they happen on the page: bars, plots that grow without a flicker, and the stop button."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.driver import Notebook, errors, printed

pytestmark = pytest.mark.browser
SOON_MS = 30_000
PIXELS_MS = 16.7

UP = """
import backlab, psycopg
from backlab import live, measure, plot
b = backlab.up("postgres", backend="native")
wire = b.wire("postgres")
connection = psycopg.connect(b.via(wire, b.postgres.url), autocommit=True)
def ask(_):
    connection.execute("SELECT pg_sleep(0.01)")
def drawn(rows):
    return plot.timeline(rows, y_label="SELECT, ms", title=f"{len(rows):,} statements so far")
"""
MEASURE = "rows = measure({'ask': ask}, repeat=%d, live=live(drawn))"
FAULTY = f"with wire.fault('latency', latency_ms=5):\n    {MEASURE % 5000}"
AFTER = """
faults = wire.api.ask("GET", wire.path)["toxics"]
print("faults", faults, "answers", connection.execute("SELECT 42").fetchone(), "rows", len(rows) > 20)
"""
# At each frame: how high is the output, and is there a picture that can be seen?
WATCH = """cell => {
  const area = cell.querySelector('.jp-Cell-outputArea');
  const seen = window.seen = {frames: 0, blank: 0, flat: 0, pictures: new Set(), began: 0, ended: 0};
  const look = () => {
    const image = area.querySelector('img');
    if (image || seen.pictures.size) {
      seen.frames += 1;
      seen.began = seen.began || performance.now();
      if (!image || !image.complete || !image.naturalWidth) seen.blank += 1;
      if (area.getBoundingClientRect().height < 100) seen.flat += 1;
      if (image && !seen.pictures.has(image.src.length + image.src.slice(-80, -40))) {
        seen.pictures.add(image.src.length + image.src.slice(-80, -40));
        seen.ended = performance.now();
      }
    }
    requestAnimationFrame(look);
  };
  look();
}"""
SEEN = "({...window.seen, pictures: window.seen.pictures.size})"


@pytest.fixture
def notebook(opened: Callable[[str], Notebook]) -> Notebook:
    """Lab 4.2's notebook with a bench of its own at its top."""
    opened_one = opened("4.2")
    opened_one.run_code(UP)
    opened_one.wait()
    return opened_one


def test_a_growing_plot_never_flickers_and_stays_one_small_picture(notebook: Notebook) -> None:
    """No frame without a picture, none in which the page jumps; what is stored is the final figure."""
    cell = notebook.run_code("", after=1)
    cell.evaluate(WATCH)
    notebook.write(cell, MEASURE % 500)
    notebook.page.keyboard.press("Control+Enter")
    expect(cell.locator("img")).to_be_visible(timeout=SOON_MS)
    notebook.wait()
    seen: dict[str, Any] = notebook.page.evaluate(SEEN)
    print(seen, f"{1000 * (seen['pictures'] - 1) / (seen['ended'] - seen['began']):.1f} pictures/s")
    assert (seen["blank"], seen["flat"]) == (0, 0), seen
    assert seen["pictures"] > 10, seen
    saved = notebook.save()
    [stored] = [one for one in saved["cells"][2]["outputs"] if "image/png" in one.get("data", {})]
    assert stored["metadata"]["image/png"]["title"] == "500 statements so far"
    assert len(str(saved["cells"][2]["outputs"])) < 100_000


def interrupt_when_drawn(notebook: Notebook, cell: Locator, *, after_ms: int, name: str) -> None:
    """Press stop some time after the first picture is there; a picture must be there afterwards, too."""
    expect(cell.locator("img")).to_be_visible(timeout=SOON_MS)
    notebook.page.wait_for_timeout(after_ms)
    notebook.interrupt()
    notebook.wait()
    expect(cell.locator("img")).to_be_visible()
    notebook.picture(name, of=cell)


def test_the_stop_button_leaves_what_was_measured_and_a_server_without_faults(notebook: Notebook) -> None:
    """Interrupted in the middle, under a fault: a picture, a sentence, no traceback; and one can go on."""
    cell = notebook.run_code(FAULTY, after=1)
    interrupt_when_drawn(notebook, cell, after_ms=2500, name="interrupted")
    notebook.run_code(AFTER, after=2)
    notebook.wait()
    saved = notebook.save()
    assert errors(saved) == []
    said = printed({"cells": saved["cells"][:4]})
    assert "of 5000 calls: the table holds what was measured" in said
    assert "faults [] answers (42,) rows True" in said


def test_the_stop_button_ends_run_all_and_keeps_the_rows(notebook: Notebook) -> None:
    """No cell behind the stopped one runs or waits; the stopped one's rows are there for the next."""
    notebook.write(notebook.run_code("", after=1), f"{FAULTY}\nrest = len(rows)")
    notebook.run_all()
    interrupt_when_drawn(notebook, notebook.cells.nth(2), after_ms=1500, name="stopped-run-all")
    saved = notebook.save()
    assert errors(saved) == []
    assert "stopped here: cells that waited behind this one were not run" in printed(
        {"cells": saved["cells"][:3]}
    )
    behind = [cell for cell in saved["cells"][3:] if cell["cell_type"] == "code"]
    assert len(behind) > 10
    assert {cell["execution_count"] for cell in behind} == {None}
    notebook.run_code("print('rest', rest == len(rows) > 20)", after=2)
    notebook.wait()
    assert "rest True" in printed(notebook.save())


def test_an_interrupted_chaos_experiment_is_drawn_too(notebook: Notebook) -> None:
    """The tool in its own process rolls back; the outcome says that it was interrupted."""
    code = 'outcome = backlab.experiment("4_2_database_moves_zone", live=True)\noutcome'
    cell = notebook.run_code(code, after=1)
    interrupt_when_drawn(notebook, cell, after_ms=1500, name="interrupted-experiment")
    saved = notebook.save()
    assert errors(saved) == []
    assert "interrupted: the faults are lifted" in printed({"cells": saved["cells"][:3]})


def test_bars_come_and_go_in_each_run_and_after_a_restart(notebook: Notebook) -> None:
    """Run, run again, restart, run: a bar is there while it counts, and no trace of it afterwards."""
    code = "import time, backlab\nfor _ in backlab.progress(range(30), 'counting'):\n    time.sleep(0.1)"
    cell = notebook.run_code(code, after=1)
    for again in (lambda: notebook.run(cell), notebook.restart, None):
        expect(cell.locator("progress")).to_be_visible(timeout=SOON_MS)
        notebook.wait()
        expect(cell.locator("progress")).to_have_count(0)
        if again is not None:
            again()
        if again == notebook.restart:
            notebook.run(cell)
    assert printed({"cells": notebook.save()["cells"][2:3]}) == ""
