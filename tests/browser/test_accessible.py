"""Our pages as a keyboard and a screen reader meet them: axe's rules, a walk without a mouse, what is said.

axe (Deque's rules of WCAG 2, A and AA) -> inside our own elements: JupyterLab's chrome is not ours
a screen reader says what is focused and what a status holds when it changes; more in docs/design.md
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from backlab.learning import diary
from tests.browser.course_copy import JupyterLab
from tests.browser.driver import LOADING_MS, Notebook, printed, with_panel

pytestmark = pytest.mark.browser
SOON_MS = 20_000
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PANEL = (".backlab-panel",)
PREDICT = 8  # cells of lab 4.2, up to the one with the guess
UP = """
import threading, time, backlab, psycopg
b = backlab.up("postgres", "redis", backend="native")
wire = b.wire("postgres")
def ask():
    with psycopg.connect(b.postgres.url, autocommit=True) as connection:
        while True:
            connection.execute("SELECT 1")
            time.sleep(0.01)
threading.Thread(target=ask, daemon=True).start()
"""
COUNTING = """
from backlab import live, measure, plot
growing = live(lambda rows: plot.timeline(rows, title=f"{len(rows)} so far"))
for _ in backlab.progress(range(200), "counting <rows>"):
    measure({"sleep": lambda _: time.sleep(0.05)}, repeat=5, live=growing)
"""
FELT = """
[toxic] = wire.api.ask("GET", wire.path)["toxics"]
print("redis paused", b.redis.paused, "latency", toxic["attributes"]["latency"])
"""
# What changes in five seconds: the cards, what is said aloud, whether the kernel works, where the focus is
WATCH = """async () => {
  const panel = document.querySelector('.backlab-panel'), changes = {cards: 0, aloud: 0, kernel: 0, focus: 0};
  const live = '[role=status], [role=alert], [role=log], output, [aria-live]';
  const watch = new MutationObserver(seen => { for (const one of seen) {
    const at = one.target.nodeType === Node.TEXT_NODE ? one.target.parentElement : one.target;
    changes[at.closest(live) ? 'aloud' : 'cards'] += 1;
  }});
  watch.observe(panel, {subtree: true, childList: true, characterData: true, attributes: true});
  const kernel = new MutationObserver(seen => { changes.kernel += seen.length; });
  for (const one of document.querySelectorAll('.jp-Notebook-ExecutionIndicator'))
    kernel.observe(one, {attributes: true, attributeFilter: ['data-status']});
  panel.addEventListener('focusout', () => { changes.focus += 1; });
  await new Promise(done => setTimeout(done, 5000));
  watch.disconnect(); kernel.disconnect();
  return changes;
}"""
FOCUSED = """() => {
  const at = document.activeElement, look = getComputedStyle(at);
  return {name: at.getAttribute('aria-label') ?? '', ours: Boolean(at.closest('.backlab-panel')),
          seen: look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) >= 2};
}"""
WALK = [
    "Pause postgres", "Kill postgres", "Restart postgres",
    "latency of the wire to postgres", "bandwidth of the wire to postgres", "Cut the wire to postgres",
    "Pause redis", "Kill redis", "Restart redis",
]  # fmt: skip


def found(page: Page, *inside: str, tags: list[str] = WCAG) -> list[str]:
    """What axe has to say against these elements, one line each; every selector must find some."""
    for selector in inside:
        assert page.locator(selector).count(), selector
    only = {"runOnly": {"type": "tag", "values": tags}}
    context = {"include": [[selector] for selector in inside]} if inside else None
    said = Axe().run(page, context=context, options=only).response
    judged = {rule["id"] for rule in said["passes"] + said["violations"]}
    assert "color-contrast" in judged if inside == PANEL else judged, inside
    return [
        f"{rule['id']}: {rule['help']}: {node['html'][:160]}"
        for rule in said["violations"]
        for node in rule["nodes"]
    ]


def in_both_themes(notebook: Notebook, *inside: str) -> list[str]:
    """The same, in JupyterLab's dark theme and in its light one."""
    # JupyterLab's body has no height, and axe passes over what lies in it as if nobody could see it
    notebook.page.add_style_tag(content="body { height: 100vh !important }")
    lines = []
    for theme in ("Dark", "Light"):
        notebook.theme(theme)
        expect(notebook.page.locator("#jupyterlab-splash")).to_have_count(0, timeout=SOON_MS)
        # the contrast of what is out of sight is not looked at
        notebook.page.locator(inside[0]).first.evaluate("one => one.scrollIntoView({block: 'center'})")
        lines += [f"{theme}: {line}" for line in found(notebook.page, *inside)]
    return lines


@pytest.fixture
def notebook(opened: Callable[[str], Notebook]) -> Notebook:
    """Lab 4.2's notebook with a bench of two servers and their panel at its top; one of them is asked."""
    return with_panel(opened("4.2"), UP, "redis", SOON_MS)


def test_axe_finds_nothing_in_a_panel_whatever_it_shows(notebook: Notebook) -> None:
    """Running; paused, down, with a complaint and a faulty wire; taken down."""
    page = notebook.page
    assert in_both_themes(notebook, *PANEL) == []
    page.get_by_role("slider", name="latency of the wire to postgres").fill("7")
    for press in ("Cut the wire to postgres", "Pause postgres", "Kill redis"):
        page.get_by_role("button", name=press).click()
    expect(page.get_by_role("status").filter(has_text="redis: down")).to_be_attached(timeout=SOON_MS)
    page.get_by_role("button", name="Kill redis").click()
    expect(page.get_by_role("article", name="redis")).to_contain_text("down already", timeout=SOON_MS)
    expect(page.get_by_role("article", name="postgres")).to_contain_text("paused", timeout=SOON_MS)
    assert in_both_themes(notebook, *PANEL) == []
    notebook.run_code("b.down()", after=2)
    notebook.wait()
    expect(page.get_by_role("article", name="redis")).to_contain_text("taken down", timeout=SOON_MS)
    assert in_both_themes(notebook, *PANEL) == []


@pytest.mark.parametrize("lab", ["4.1", "4.2", "5.5"])
def test_axe_finds_nothing_in_a_lab_as_it_is_stored(opened: Callable[[str], Notebook], lab: str) -> None:
    """Hints, tables, figures; and each figure says in JupyterLab what its notebook holds of it."""
    notebook = opened(lab)
    outputs = [
        one for cell in json.loads(notebook.path.read_text())["cells"] for one in cell.get("outputs", [])
    ]
    figures = [one["metadata"]["image/png"]["alt"] for one in outputs if "image/png" in one.get("data", {})]
    assert len(figures) >= 5
    for words in figures:
        expect(notebook.page.get_by_role("img", name=words, exact=True)).to_be_attached(timeout=SOON_MS)
    assert in_both_themes(notebook, ".jp-RenderedImage", "table.dataframe", "details") == []


def test_axe_finds_nothing_in_guesses_bars_and_plots_that_grow(notebook: Notebook) -> None:
    """While they are there: the form is typed into, the bar moves, the plot is redrawn."""
    page = notebook.page
    for _ in range(PREDICT + 1):
        page.keyboard.press("Shift+Enter")
    expect(page.get_by_label("joined rows")).to_be_visible(timeout=LOADING_MS)
    page.get_by_label("joined rows").fill("many")
    page.get_by_label("joined rows").press("Enter")
    expect(page.get_by_role("status").filter(has_text="'many' is not a number")).to_be_visible()
    notebook.run_code(COUNTING, after=2)
    expect(page.get_by_role("progressbar", name="counting <rows>")).to_be_visible(timeout=SOON_MS)
    expect(page.get_by_role("img", name=re.compile("Timeline. \\d+ so far"))).to_be_attached(timeout=SOON_MS)
    assert in_both_themes(notebook, ".jp-RenderedImage", ".jupyter-widgets", "progress") == []


def back_to(page: Page, name: str) -> None:
    """Shift+Tab until that control has the focus; JupyterLab may have stops of its own on the way."""
    for _ in range(12):
        page.keyboard.press("Shift+Tab")
        if page.evaluate(FOCUSED)["name"] == name:
            return
    raise AssertionError(f"Shift+Tab does not come to {name!r}")


def test_a_walk_by_keyboard_is_seen_said_and_not_trapped(notebook: Notebook) -> None:
    """Tab meets each control in order and leaves; Enter and the arrows reach servers; each press is told."""
    page = notebook.page
    page.get_by_role("button", name=WALK[0]).focus()
    page.keyboard.press("Shift+Tab")
    assert not page.evaluate(FOCUSED)["ours"]
    met = []
    for _ in range(len(WALK) + 1):
        page.keyboard.press("Tab")
        met.append(page.evaluate(FOCUSED))
    assert [one["name"] for one in met[:-1]] == WALK
    assert all(one["seen"] for one in met[:-1]), met
    assert not met[-1]["ours"]
    back_to(page, "Pause redis")
    page.keyboard.press("Enter")
    resume = page.get_by_role("button", name="Resume redis")
    expect(resume).to_be_focused(timeout=SOON_MS)
    said = page.get_by_role("article", name="redis").get_by_role("status")
    expect(said).to_have_text("redis: paused: it keeps its connections and answers nobody", timeout=SOON_MS)
    back_to(page, "latency of the wire to postgres")
    page.keyboard.press("ArrowRight")
    slider = page.get_by_role("slider", name="latency of the wire to postgres")
    expect(slider).to_be_focused()
    expect(slider).to_have_attribute("aria-valuetext", "+ 1 ms")
    notebook.run_code(FELT, after=2)
    notebook.wait()
    assert "redis paused True latency 1" in printed(notebook.save())


def test_cards_that_change_each_second_leave_focus_and_ears_in_peace(notebook: Notebook) -> None:
    """Not a word while numbers run, neither from us nor from JupyterLab, which speaks of a busy kernel."""
    pause = notebook.page.get_by_role("button", name="Pause postgres")
    pause.focus()
    notebook.page.wait_for_timeout(2000)  # JupyterLab tells its kernel who is there
    changes = notebook.page.evaluate(WATCH)
    assert changes.pop("cards") >= 3
    assert changes == {"aloud": 0, "kernel": 0, "focus": 0}
    expect(pause).to_be_focused()


def test_axe_finds_nothing_on_the_course_page_and_on_that_of_guesses(
    page: Page, jupyter: JupyterLab, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In both schemes, with what is good practice besides; landmarks, one title, tables with heads."""
    monkeypatch.setenv(diary.VARIABLE, str(scratch / "diary.json"))
    diary.guessed("4.2", {"statements": 21})
    diary.measured("4.2", {"statements": 1192})
    for path in ("", "/calibration"):
        page.goto(f"{jupyter.host}/backlab{path}?token={jupyter.token}")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert found(page, tags=[*WCAG, "best-practice"]) == []
        expect(page.get_by_role("main")).to_have_count(1)
        expect(page.get_by_role("contentinfo")).to_have_count(1)
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        for table in page.get_by_role("table").all():
            expect(table.get_by_role("columnheader")).to_have_count(5)
            assert table.get_by_role("rowheader").count() == table.locator("tbody tr").count()
            assert table.evaluate("table => document.getElementById(table.getAttribute('aria-labelledby'))")
    expect(page.get_by_role("img")).to_have_accessible_name(re.compile("Scatter plot .* 1 of 1 are too low"))
