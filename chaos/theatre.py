"""The one performance of this process: which stage is set, which faults are on, what the screens saw.

controls.py raises the curtain ─▶ probes.py ask, actions.py break ─▶ controls.py writes the record
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx

from chaos.back_office import BackOffice
from chaos.client import Fault
from chaos.screens import Screens
from services.errors import BacklabError


@dataclass
class Window:
    """One fault: when it was on, in seconds on the screens' clock, and what it touched."""

    name: str
    from_s: float
    to_s: float | None = None
    receipts: list[dict[str, Any]] = field(default_factory=list)


class Performance:
    """A set stage with its screens on; faults are opened and closed here, so that each leaves a window."""

    def __init__(self, page: str, screens: int, period_s: float) -> None:
        self._open = ExitStack()
        try:
            self.stage = self._open.enter_context(BackOffice())
            pages = {arm: f"{self.stage.url(arm)}{page}" for arm in self.stage.services}
            for url in pages.values():
                httpx.get(url, timeout=30)  # the first page of a process also imports and connects
            self.screens = Screens(pages, screens, period_s)
            self.screens.start()
            self._open.callback(self.screens.stop)
        except BaseException:
            self._open.close()
            raise
        self.windows: list[Window] = []
        self.changed_s = 0.0
        self._faults: dict[str, Fault] = {}

    def open_fault(self, name: str, faults: Mapping[str, Fault]) -> None:
        """Switch faults on together, each by the place where it acts; they end with `close_faults`.

        When this process dies they end too, since a fault hangs on a connection that its holder keeps open.
        """
        for where, fault in faults.items():
            self._faults[where] = fault.start()
        self.changed_s = self.screens.now_s()
        self.windows.append(Window(name, self.changed_s))

    def close_faults(self) -> None:
        """Lift every fault that is on and keep its receipt; safe to repeat."""
        while self._faults:
            where, fault = self._faults.popitem()
            self.windows[-1].receipts.append({"where": where, **asdict(fault.stop())})
            self.windows[-1].to_s = self.changed_s = self.screens.now_s()

    def success_rate(self, arm: str, window_s: float) -> float:
        """Share of reloads that ended well among those that ended in the `window_s` after the last change."""
        self.screens.wait(self.changed_s + window_s - self.screens.now_s())
        ended = [row for row in self.screens.rows if row.arm == arm and row.ended_s >= self.changed_s]
        if not ended:
            raise BacklabError(
                f"no reload of {arm} ended within {window_s:g} s", "give the probe a longer window"
            )
        return sum(row.outcome == "ok" for row in ended) / len(ended)

    def close(self, record: Path | None) -> None:
        """Lift all faults, take everything down, write rows and windows as JSON where asked to."""
        self.close_faults()
        self._open.close()
        if record is not None:
            seen = {
                "rows": [asdict(row) for row in self.screens.rows],
                "faults": [asdict(w) for w in self.windows],
            }
            record.write_text(json.dumps(seen), encoding="utf-8")


_current: Performance | None = None


def curtain_up(page: str, screens: int, period_s: float) -> None:
    """Set the stage; one performance per process."""
    global _current
    _current = Performance(page, screens, period_s)


def current() -> Performance:
    """The performance that is on; raises `BacklabError` where the experiment has not set one."""
    if _current is None:
        raise BacklabError("no stage is set", "give the experiment the control `chaos.controls`")
    return _current


def curtain_down(record: Path | None = None) -> None:
    """End the performance; safe to repeat."""
    global _current
    performance, _current = _current, None
    if performance is not None:
        performance.close(record)
