"""Each lab as its learner meets it: opened, Run All, looked at; then repaired, and the checks turn green."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from backlab import course
from backlab.authoring import source
from tests.browser.course_copy import JupyterLab, jupyterlab
from tests.browser.driver import Notebook, errors, printed

pytestmark = [pytest.mark.browser, pytest.mark.long]
LARGEST_BYTES = 200_000
BROKEN = (
    "el => [...el.querySelectorAll('.jp-OutputArea img')].filter(i => !i.complete || !i.naturalWidth).length"
)


def ran(notebook: Notebook, lab: str) -> dict[str, object]:
    """Run All, then what every lab must show: no traceback, whole figures, its check lines, few bytes."""
    notebook.run_all()
    notebook.wait()
    saved = notebook.save()
    assert errors(saved) == []
    pictures = notebook.cells.locator(".jp-OutputArea img")
    assert pictures.count() >= 3
    assert notebook.page.locator(".jp-Notebook").evaluate(BROKEN) == 0
    said = printed(saved)
    for check in source.read(course.lab(lab)).checks:
        assert f" {check.check_id} " in said, said
    assert len(json.dumps([cell.get("outputs") for cell in saved["cells"]])) <= LARGEST_BYTES
    notebook.picture(f"lab-{lab}", of=pictures.first)
    return saved


@pytest.mark.parametrize("lab", ["4.1", "4.2", "5.5"])
def test_a_lab_runs_through_and_shows_what_it_promises(opened: Callable[[str], Notebook], lab: str) -> None:
    """As shipped: its checks fail in words, and nothing else does."""
    saved = ran(opened(lab), lab)
    assert "FAIL" in printed(saved)


@pytest.fixture
def in_containers(scratch: Path) -> Iterator[JupyterLab]:
    """JupyterLab whose labs start their servers in containers."""
    with jupyterlab(scratch, BACKLAB_BACKEND="container") as jupyter:
        yield jupyter


@pytest.mark.container
def test_lab_4_2_runs_through_in_containers_too(in_containers: JupyterLab, page: Page) -> None:
    """The other back end, the same page."""
    notebook = Notebook(page, in_containers, in_containers.notebook("4.2")).open()
    assert "(container)" in printed(ran(notebook, "4.2"))


def test_a_learner_who_types_the_repairs_sees_the_checks_turn_green(
    opened: Callable[[str], Notebook],
) -> None:
    """The reference repairs, typed into the exercise cells of lab 4.2."""
    lab = source.read(course.lab("4.2"))
    notebook = opened("4.2")
    for index, repair in lab.solutions.items():
        notebook.write(notebook.cells.nth(index), repair)
        notebook.page.keyboard.press("Escape")
    saved = ran(notebook, "4.2")
    lines = re.findall(r"^(?:PASS|FAIL|INCONCLUSIVE) 4\.2\..*", printed(saved), re.MULTILINE)
    assert lines == [f"PASS {check.check_id} {check.check_text}" for check in lab.checks]
