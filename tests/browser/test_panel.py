"""The panel in a real JupyterLab: cards, buttons, the wire's sliders, beside an experiment that runs."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.driver import Notebook, errors, printed, with_panel

pytestmark = pytest.mark.browser
SOON_MS = 20_000
UP = """
import backlab
b = backlab.up("postgres", "redis", "kafka", backend="native")
wire = b.wire("postgres")
"""
EXPERIMENT = """
import psycopg
from backlab import live, measure, plot
connection = psycopg.connect(b.via(wire, b.postgres.url), autocommit=True)
drawing = live(lambda rows: plot.timeline(rows, y_label="SELECT 1, ms", title="One statement at a time"))
def ask(_):
    connection.execute("SELECT pg_sleep(0.01)")
rows = measure({"ask": ask}, repeat=700, live=drawing)
print(len(rows), "asked,", (rows.latency_ms >= 100).sum(), "of them slow,", drawing.redraws, "redraws")
"""
# A letter each quarter of a second: did somebody else ask Redis meanwhile?
ASKED = """
import redis, time
calls, client = [], redis.Redis.from_url(b.redis.url)
for _ in range(44):
    calls.append(client.info("commandstats")["cmdstat_info"]["calls"])
    time.sleep(0.25)
print("asked", "".join("x" if after - before > 1 else "." for before, after in zip(calls, calls[1:])))
"""


@pytest.fixture
def notebook(opened: Callable[[str], Notebook]) -> Notebook:
    """Lab 4.2's notebook with a bench of three servers and the panel in two new cells at its top."""
    return with_panel(opened("4.2"), UP, "postgres", SOON_MS)


def card(notebook: Notebook, name: str) -> Locator:
    return notebook.page.get_by_role("article", name=name)


def press(notebook: Notebook, words: str) -> None:
    notebook.page.get_by_role("button", name=words).click()


def test_a_card_shows_its_server_and_its_buttons_do_what_they_say(notebook: Notebook) -> None:
    """Pause, resume, kill, kill again, restart: each state is said in words, in both themes."""
    postgres, redis = card(notebook, "postgres"), card(notebook, "redis")
    expect(postgres).to_contain_text("statements/s", timeout=SOON_MS)
    expect(card(notebook, "kafka")).to_contain_text("messages behind")
    press(notebook, "Pause postgres")
    expect(postgres).to_contain_text("paused", timeout=SOON_MS)
    press(notebook, "Kill redis")
    expect(redis.get_by_role("status").first).to_have_text("redis: down", timeout=SOON_MS)
    press(notebook, "Kill redis")
    expect(redis).to_contain_text("redis is down already; Restart starts it again", timeout=SOON_MS)
    for theme in ("Dark", "Light"):
        notebook.theme(theme)
        notebook.picture(f"panel-{theme.lower()}")
    press(notebook, "Restart redis")
    press(notebook, "Resume postgres")
    for name, one in (("postgres", postgres), ("redis", redis)):
        expect(one.get_by_role("status").first).to_have_text(f"{name}: running", timeout=SOON_MS)


def test_the_panel_is_usable_by_keyboard_alone(notebook: Notebook) -> None:
    """Tab goes from button to slider in reading order; JupyterLab leaves the arrow keys to the slider."""
    notebook.page.get_by_role("button", name="Pause postgres").focus()
    names = []
    for _ in range(6):
        names.append(notebook.page.evaluate("document.activeElement.getAttribute('aria-label')"))
        notebook.page.keyboard.press("Tab")
    assert names == [
        "Pause postgres", "Kill postgres", "Restart postgres",
        "latency of the wire to postgres", "bandwidth of the wire to postgres", "Cut the wire to postgres",
    ]  # fmt: skip
    slider = notebook.page.get_by_role("slider", name="latency of the wire to postgres")
    slider.focus()
    for _ in range(3):
        notebook.page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "+ 5 ms")
    pause = notebook.page.get_by_role("button", name="Pause postgres")
    pause.focus()
    notebook.page.keyboard.press("Space")
    expect(notebook.page.get_by_role("button", name="Resume postgres")).to_be_focused(timeout=SOON_MS)


def test_a_running_experiment_feels_the_panel(notebook: Notebook) -> None:
    """While a cell measures, the wire's slider makes its calls slow, and a paused server holds it up."""
    running = notebook.run_code(EXPERIMENT, after=2)
    expect(running.locator("img")).to_be_visible(timeout=SOON_MS)
    slider = notebook.page.get_by_role("slider", name="latency of the wire to postgres")
    slider.fill("7")
    expect(slider).to_have_attribute("aria-valuetext", "+ 100 ms")
    faulty = card(notebook, "postgres").locator("fieldset.faulty")
    expect(faulty).to_be_visible(timeout=SOON_MS)
    expect(running.locator(".jp-InputPrompt")).to_contain_text("[*]")
    notebook.page.wait_for_timeout(1500)
    notebook.picture("panel-beside-experiment")
    slider.fill("0")
    press(notebook, "Pause postgres")
    expect(card(notebook, "postgres")).to_contain_text("paused", timeout=SOON_MS)
    expect(running.locator(".jp-InputPrompt")).to_contain_text("[*]")
    notebook.page.wait_for_timeout(300)  # a picture that was on its way comes up to 0.05 s after the word
    before = running.locator("img").get_attribute("src")
    notebook.page.wait_for_timeout(1500)
    assert running.locator("img").get_attribute("src") == before
    press(notebook, "Resume postgres")
    notebook.wait()
    saved = notebook.save()
    said = printed({"cells": saved["cells"][3:4]})
    asked, slow, redraws = (int(word) for word in said.split() if word.isdigit())
    assert (asked, errors(saved)) == (700, [])
    assert slow > 0
    assert redraws > 10


def test_repeated_panels_are_one_and_end_with_their_bench(notebook: Notebook) -> None:
    """Run again, shown in a second cell, the bench replaced: no thread is left, and the page says so."""
    threads = 'import threading\nprint(sorted(t.name for t in threading.enumerate() if "panel" in t.name))'
    notebook.run_code("b.panel()", after=2)
    expect(card(notebook, "redis")).to_have_count(2, timeout=SOON_MS)
    notebook.run_code(threads, after=3)
    notebook.run_code("b.down()", after=4)
    notebook.wait()
    expect(card(notebook, "redis").first).to_contain_text("taken down", timeout=SOON_MS)
    notebook.page.wait_for_timeout(1500)
    notebook.run_code(threads, after=5)
    notebook.wait()
    saved = notebook.save()
    said = printed({"cells": saved["cells"][:8]})
    assert "['panel', 'panel kafka', 'panel postgres', 'panel redis']" in said
    assert "[]" in said
    stored = [cell["outputs"] for cell in saved["cells"] if "".join(cell["source"]) == "b.panel()"]
    assert all(len(str(outputs)) < 2_000 for outputs in stored), stored
    assert "redis" in "".join(stored[0][0]["data"]["text/plain"])


def test_servers_are_asked_only_while_somebody_sees_their_cards(notebook: Notebook) -> None:
    """Scrolled away, the panel asks nobody; in sight again, it goes on at once."""
    asked = notebook.run_code(ASKED, after=2)
    for cell in (notebook.cells.nth(2), notebook.cells.last, notebook.cells.nth(2)):
        cell.evaluate("cell => cell.scrollIntoView()")
        notebook.page.wait_for_timeout(3500)
    notebook.wait()
    expect(asked).to_contain_text(re.compile(r"asked \S*x\S*\.{9,}\S*x"))
