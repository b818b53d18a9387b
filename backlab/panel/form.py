"""The panel in a notebook: one anywidget, whose page is `panel.js` and whose look is `panel.css`.

cards (a list of plain data) ──▶ page        page ──▶ {"do": "pause", "server": "postgres"} ──▶ told(...)

JupyterLab sends what the page says to a thread of the kernel that is not busy (a subshell), so the buttons
work while a cell runs; front ends without subshells deliver it when the cell has ended.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

HERE = pathlib.Path(__file__).parent
VIEW = "application/vnd.jupyter.widget-view+json"


class Form(anywidget.AnyWidget):
    """The cards on the page; all views of it show the same."""

    _esm = (HERE / "panel.js").read_text(encoding="utf-8")
    _css = (HERE / "panel.css").read_text(encoding="utf-8")
    cards: Any = traitlets.List().tag(sync=True)

    def __init__(self, cards: list[dict[str, Any]], told: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(cards=cards)
        # ipykernel 7.4 hands what the page says to the thread of the cell that the cards were last drawn for,
        # which is the busy one; the page has chosen better
        self.comm._reply_subshell_for = lambda _data, chosen: chosen
        self.on_msg(lambda _widget, content, _buffers: told(content))

    def display(self, text: str) -> None:
        """Show it here; where a page has no widgets, and in the stored notebook, the text stands instead."""
        from IPython.display import display

        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        display({"text/plain": text, VIEW: view}, raw=True)
