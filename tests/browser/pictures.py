"""The README's screenshots, taken anew: `make pictures`, or `python -m tests.browser.pictures panel` for one.

backlab open on a copy of the course -> Chromium -> lab 4.2 in mid-experiment, the panel, the course page
                                                 -> docs/pictures/*.png, each of 200 kB at most
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from tests import house
from tests.browser.conftest import chromium
from tests.browser.course_copy import JupyterLab, jupyterlab
from tests.browser.driver import Notebook

FOLDER = house.ROOT / "docs/pictures"
WINDOW = {"width": 1280, "height": 960}
LARGEST_BYTES = 200_000
SOON_MS = 60_000
LIVE = "def at_a_distance"  # lab 4.2's experiment on a wire that gets longer
UP = 'import backlab\nb = backlab.up("postgres", "redis", backend="native")\nwire = b.wire("postgres")'
ASKING = """
import psycopg
from backlab import live, measure, plot
connection = psycopg.connect(b.via(wire, b.postgres.url), autocommit=True)
def draw(rows):
    return plot.timeline(rows, y_label="one statement, ms", title="One statement at a time, through the wire")
def ask(_):
    connection.execute("SELECT pg_sleep(0.01)")
rows = measure({"ask": ask}, repeat=700, live=live(draw))
"""


def keep(name: str, page: Page) -> None:
    """Write what the page shows; a palette of 256 colours is enough for it and takes a third of the bytes."""
    seen = Image.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
    path = FOLDER / f"{name}.png"
    seen.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    assert size <= LARGEST_BYTES, f"{path.name} has {size:,} bytes"
    print(f"{path.relative_to(house.ROOT)}: {size / 1000:.0f} kB", flush=True)


def experiment(page: Page, jupyter: JupyterLab) -> None:
    """Lab 4.2 while its second experiment draws itself."""
    notebook = Notebook(page, jupyter, jupyter.notebook("4.2")).open()
    page.keyboard.press("Control+b")  # the file browser makes room
    cell = notebook.cell(LIVE)
    cell.locator(".jp-InputPrompt").click()
    notebook.menu("Run", "Run All Above Selected Cell")
    notebook.wait()
    cell.locator(".jp-InputPrompt").click()
    page.keyboard.press("Control+Enter")
    expect(cell.locator(".jp-InputPrompt")).to_have_text("[*]:")
    expect(cell.locator(".jp-OutputArea-output img")).to_be_visible(timeout=SOON_MS)
    page.wait_for_timeout(2000)  # a plot with some points is worth more than one with two
    cell.evaluate("cell => cell.scrollIntoView({block: 'center'})")
    expect(cell.locator(".jp-InputPrompt")).to_have_text("[*]:", timeout=100)
    keep("experiment", page)


def panel(page: Page, jupyter: JupyterLab) -> None:
    """Cards and sliders, and below them an experiment that feels the wire getting longer."""
    notebook = Notebook(page, jupyter, jupyter.notebook("4.2")).open()
    page.keyboard.press("Control+b")
    notebook.run_code(UP)
    notebook.wait()
    notebook.run_code("b.panel()", after=1)
    expect(page.get_by_role("article", name="postgres")).to_be_visible(timeout=SOON_MS)
    asking = notebook.run_code(ASKING.strip(), after=2)
    expect(asking.locator(".jp-OutputArea-output img")).to_be_visible(timeout=SOON_MS)
    page.wait_for_timeout(2500)
    slider = page.get_by_role("slider", name="latency of the wire to postgres")
    slider.fill("6")
    page.wait_for_timeout(2500)
    notebook.cells.nth(2).evaluate("cell => cell.scrollIntoView({block: 'start'})")
    expect(asking.locator(".jp-InputPrompt")).to_have_text("[*]:", timeout=100)
    expect(slider).not_to_have_attribute("aria-valuetext", "+ 0 ms", timeout=100)
    keep("panel", page)
    notebook.wait()


def course_page(page: Page, jupyter: JupyterLab) -> None:
    """What `backlab open` lands on, with the traces of whoever worked here before."""
    page.goto(f"{jupyter.host}/backlab?token={jupyter.token}")
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=SOON_MS)
    page.wait_for_timeout(500)
    keep("course", page)


PICTURES: dict[str, Callable[[Page, JupyterLab], None]] = {
    "experiment": experiment,
    "panel": panel,
    "course": course_page,
}


def main(wanted: list[str]) -> None:
    """Those named, or all; each in a JupyterLab of its own, all with one diary."""
    with tempfile.TemporaryDirectory(
        dir="/var/tmp", prefix="pictures-", ignore_cleanup_errors=True
    ) as folder:
        for name in wanted or PICTURES:
            scratch = Path(folder) / name
            scratch.mkdir()
            for place in (Path(folder), scratch):
                place.chmod(0o755)
            diary = str(Path(folder) / "diary.json")
            with jupyterlab(scratch, BACKLAB_DIARY=diary) as jupyter, chromium() as browser:
                PICTURES[name](browser.new_page(viewport=WINDOW), jupyter)


if __name__ == "__main__":
    main(sys.argv[1:])
