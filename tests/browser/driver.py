"""A learner's hands and eyes in a real JupyterLab: open a notebook, run it, interrupt, restart, save, look.

Notebook(page, jupyter, jupyter.notebook("4.2")).open() -> run_all(), wait(), interrupt(), theme("Dark"), ...
    save() -> the notebook as JupyterLab has written it -> errors(it), printed(it)
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from services import ready
from tests import house
from tests.browser.course_copy import JupyterLab

LOADING_MS, RUN_MS = 60_000, 240_000
PICTURES = house.ROOT / "out" / "browser"  # CI keeps this folder


class Notebook:
    """One open notebook, seen and touched as a learner does."""

    def __init__(self, page: Page, jupyter: JupyterLab, path: Path) -> None:
        self.page, self.jupyter, self.path = page, jupyter, path
        self.cells = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-Cell")

    def open(self) -> Notebook:
        """Go there and wait until its kernel listens.

        What JupyterLab sends before its server has reached the kernel is lost, though the page says "Idle".
        """
        self.page.goto(self.jupyter.url(self.path))
        expect(self.cells.first).to_be_visible(timeout=LOADING_MS)
        self._kernel_is("idle")
        return self

    def _kernel_is(self, state: str) -> None:
        status = self.page.locator(f".jp-Notebook-ExecutionIndicator[data-status={state}]")
        expect(status.first).to_be_visible(timeout=LOADING_MS)
        states = self.jupyter.states
        assert ready.true(lambda: states() == [state], within_s=60, every_s=0.05), states()

    def cell(self, text: str) -> Locator:
        """The code cell that contains a text."""
        return self.cells.and_(self.page.locator(".jp-CodeCell")).filter(has_text=text).first

    def run(self, cell: Locator) -> None:
        """Run one cell."""
        cell.locator(".jp-InputPrompt").click()
        self.page.keyboard.press("Shift+Enter")

    def run_code(self, code: str, after: int = 0) -> Locator:
        """Type a new cell below cell number `after`, run it, and return it."""
        self.cells.nth(after).locator(".jp-InputPrompt").click()
        self.page.keyboard.press("b")
        made = self.cells.nth(after + 1)
        self.write(made, code)
        self.page.keyboard.press("Control+Enter")
        self.page.keyboard.press("Escape")
        return made

    def write(self, cell: Locator, code: str) -> None:
        """Replace a cell's text; pasted as a whole, or the editor would indent and close brackets."""
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(code)

    def menu(self, *words: str) -> None:
        """Choose from the menu bar: menu("Run", "Run All Cells")."""
        self.page.locator(".lm-MenuBar-item").filter(has_text=words[0]).first.click()
        for word in words[1:]:
            label = self.page.locator(".lm-Menu-itemLabel")
            label.filter(has_text=re.compile(f"^{re.escape(word)}$")).last.click()

    def run_all(self) -> None:
        """`Run > Run All Cells`; returns at once."""
        self.menu("Run", "Run All Cells")

    def wait(self, within_ms: float = RUN_MS) -> None:
        """Until no cell waits or runs."""
        expect(self.cells.locator(".jp-InputPrompt").filter(has_text="[*]")).to_have_count(
            0, timeout=within_ms
        )
        self._kernel_is("idle")

    def press(self, button: str) -> None:
        """A button of the notebook's tool bar by its command, such as "notebook:interrupt-kernel"."""
        self.page.locator(f".jp-NotebookPanel:not(.lm-mod-hidden) [data-command='{button}']").click()

    def interrupt(self) -> None:
        """The stop button."""
        self.press("notebook:interrupt-kernel")

    def restart(self) -> None:
        """The restart button, confirmed; returns when the new kernel listens."""
        before = [one.pid for one in self.jupyter.kernels()]
        self.press("notebook:restart-kernel")
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        assert ready.true(
            lambda: [one.pid for one in self.jupyter.kernels()] not in (before, []), within_s=30
        )
        self._kernel_is("idle")

    def save(self) -> dict[str, Any]:
        """Ctrl+S; the notebook as JupyterLab has written it."""
        before = self.path.stat().st_mtime_ns
        self.press("docmanager:save")
        assert ready.true(lambda: self.path.stat().st_mtime_ns != before, within_s=20)
        expect(self.page.locator(".lm-DockPanel-tabBar .jp-mod-dirty")).to_have_count(0)
        saved: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        return saved

    def theme(self, name: str) -> None:
        """ "Light" or "Dark", by the menu."""
        self.menu("Settings", "Theme", f"JupyterLab {name}")
        expect(self.page.locator(f"body[data-jp-theme-name='JupyterLab {name}']")).to_have_count(1)

    def close(self) -> None:
        """Close the notebook's tab, discarding changes."""
        self.page.locator(".lm-DockPanel-tabBar .lm-mod-current .lm-TabBar-tabCloseIcon").click()
        discard = self.page.get_by_role("button", name="Discard")
        if discard.is_visible(timeout=5000):
            discard.click()

    def outputs(self) -> list[str]:
        """The text of each output on the page."""
        return self.cells.locator(".jp-OutputArea-output").all_inner_texts()

    def picture(self, name: str, of: Locator | None = None) -> Path:
        """Keep a screenshot in out/browser/."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        (of or self.page).screenshot(path=PICTURES / f"{name}.png")
        return PICTURES / f"{name}.png"


def errors(notebook: dict[str, Any]) -> list[str]:
    """The tracebacks in a notebook, one line each."""
    return [
        f"{cell['id']}: {output['ename']}: {output['evalue']}"
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if output["output_type"] == "error"
    ]


def printed(notebook: dict[str, Any]) -> str:
    """All that its cells have printed."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    return "".join("".join(output["text"]) for output in outputs if output["output_type"] == "stream")


def with_panel(notebook: Notebook, up: str, card: str, within_ms: int) -> Notebook:
    """The notebook with a bench and its panel in two new cells at its top, when that card is there."""
    notebook.run_code(up)
    notebook.wait()
    notebook.run_code("b.panel()", after=1)
    expect(notebook.page.get_by_role("article", name=card)).to_be_visible(timeout=within_ms)
    return notebook
