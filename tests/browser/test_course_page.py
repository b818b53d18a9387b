"""The way in: the course page in a real browser, a lab by its link, a guess typed into its form."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.course_copy import JupyterLab
from tests.browser.driver import LOADING_MS, PICTURES, Notebook

pytestmark = pytest.mark.browser
PREDICT = 8  # cells of the lab, up to the one with the guess
LAB = "4.2 How many questions does one page ask?"


def look(page: Page, name: str) -> None:
    """A picture of the whole page in both themes, for whoever judges it by eye."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.screenshot(path=PICTURES / f"{name}_{scheme}.png", full_page=True)


def test_from_the_course_page_to_a_lab_and_to_a_guess_by_keyboard(page: Page, jupyter: JupyterLab) -> None:
    """Each step by what it is called, as a screen reader would find it."""
    page.goto(f"{jupyter.host}/backlab?token={jupyter.token}")
    expect(page.get_by_role("heading", level=2)).to_have_count(8)
    expect(page.get_by_role("row", name=LAB)).to_contain_text("not started")
    page.get_by_role("link", name=LAB, exact=True).focus()
    page.keyboard.press("Enter")
    notebook = Notebook(page, jupyter, jupyter.notebook("4.2"))
    expect(notebook.cells.first).to_be_visible(timeout=LOADING_MS)
    notebook.wait()
    notebook.cells.first.click()
    for _ in range(PREDICT):
        page.keyboard.press("Shift+Enter")
    field = page.get_by_label("joined rows")
    expect(field).to_be_visible(timeout=LOADING_MS)
    field.fill("5,000")
    field.press("Enter")
    expect(page.get_by_role("status").filter(has_text="your guess: joined rows 5,000")).to_be_visible()
    notebook.picture("guess_form")
    known = json.loads((jupyter.scratch / "diary.json").read_text())["labs"]["4.2"]
    assert known["guesses"] == {"joined_rows": {"guess": 5000.0}}
    assert "widget-view" not in json.dumps(notebook.save())
    page.goto(f"{jupyter.host}/backlab")
    expect(page.get_by_role("row", name=LAB)).to_contain_text("predicted")
    look(page, "course_page")
