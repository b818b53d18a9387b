"""What a lab took: the seconds its cells ran, and the most memory it and its servers held.

IPython's cell hooks -> busy seconds (thinking between cells does not count)
a sampler, once a second -> private memory of this process and all its children, plus shared once
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from typing import Any

from services import warden

BUDGET_S = 45
SAMPLE_EVERY_S = 1.0


class Meter:
    """A clock and a memory gauge for one lab, from `start()` to `stop()`."""

    def __init__(self) -> None:
        self._began = self._cell_began = time.monotonic()
        self._busy_s = 0.0
        self._peak_bytes = 0
        self._over = threading.Event()
        self._shell: Any = None
        self._running = False

    def start(self) -> None:
        """Begin to count; the cell that runs now counts from here."""
        self._began = self._cell_began = time.monotonic()
        self._running = True
        ipython = sys.modules.get("IPython")
        self._shell = ipython.get_ipython() if ipython else None
        if self._shell is not None:
            self._shell.events.register("pre_run_cell", self._before_cell)
            self._shell.events.register("post_run_cell", self._after_cell)
        threading.Thread(target=self._sample, name="backlab-meter", daemon=True).start()

    def stop(self) -> str:
        """Stop counting and say it: "31 s of 45 s and at most 310 MB"."""
        if not self._running:
            return ""
        self._running = False
        self._over.set()
        self._peak_bytes = max(self._peak_bytes, memory_bytes())
        now = time.monotonic()
        spent_s = self._busy_s + (now - self._cell_began) if self._shell else now - self._began
        if self._shell is not None:
            self._shell.events.unregister("pre_run_cell", self._before_cell)
            self._shell.events.unregister("post_run_cell", self._after_cell)
        return f"{spent_s:.0f} s of {BUDGET_S} s and at most {self._peak_bytes / 1e6:,.0f} MB"

    def _before_cell(self, *_: Any) -> None:
        self._cell_began = time.monotonic()

    def _after_cell(self, *_: Any) -> None:
        self._busy_s += time.monotonic() - self._cell_began

    def _sample(self) -> None:
        while not self._over.wait(SAMPLE_EVERY_S):
            self._peak_bytes = max(self._peak_bytes, memory_bytes())


def memory_bytes() -> int:
    """Memory of this process, its descendants and its servers; shared pages, which all map, count once.

    Pages that forks still share are not told apart from their own, so a lab with the shop holds about a tenth
    less than this says. To ask for the exact figure (PSS) would disturb what is measured.
    """
    import psutil

    private, shared = 0, 0
    for process in _ours():
        try:
            held = process.memory_info()
        except psutil.Error:  # it ended meanwhile
            continue
        common = getattr(held, "shared", 0)  # Linux only; elsewhere the sum is an upper bound
        private, shared = private + held.rss - common, max(shared, common)
    return private + shared


def _ours() -> set[Any]:
    """This process and all below it, and the warden and all below it, which may stand apart."""
    import psutil

    roots = [psutil.Process()]
    with contextlib.suppress(psutil.Error):
        if apart := warden.pid():
            roots.append(psutil.Process(apart))
    return {one for root in roots for one in [root, *root.children(recursive=True)]}
