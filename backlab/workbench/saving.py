"""What a lab's notebook looks like when it is saved: it can be read tomorrow, without its kernel.

A widget lives in its kernel only; stored, it is a line "model not found". Its text is stored instead.
"""

from __future__ import annotations

from typing import Any

WIDGET = "application/vnd.jupyter.widget-view+json"


def add(app: Any) -> None:
    """Have the server's contents manager ask before it writes; its hooks of now are gone when it starts."""
    app.io_loop.add_callback(lambda: app.contents_manager.register_pre_save_hook(settle))


def settle(model: dict[str, Any], **_: Any) -> None:
    """Leave widgets out of a lab's outputs where a text says the same; other notebooks stay as they are."""
    content = model.get("content")
    if model.get("type") != "notebook" or not isinstance(content, dict):
        return
    if "backlab" not in content.get("metadata", {}):
        return
    for cell in content.get("cells", ()):
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if WIDGET in data and "text/plain" in data:
                del data[WIDGET]
