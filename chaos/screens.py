"""Screens that reload a page on schedule, whether or not the last reload was quick: one row per reload.

intended start: every `period_s` ──▶ GET page ──▶ row: t_s, arm, latency_ms, outcome, slip_ms
                (the clock of a row starts here, so a screen that had to wait says so)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx


@dataclass(frozen=True)
class Reload:
    """One reload: `t_s` and `latency_ms` from its intended start, `slip_ms` how late it began."""

    t_s: float
    arm: str
    latency_ms: float
    outcome: str
    slip_ms: float

    @property
    def ended_s(self) -> float:
        return self.t_s + self.latency_ms / 1e3


class Screens:
    """`count` screens on each of `pages` (arm -> url); rows gather in `rows` until `stop()`."""

    def __init__(self, pages: Mapping[str, str], count: int = 8, period_s: float = 2.0) -> None:
        self.rows: list[Reload] = []
        self.began_s = time.monotonic()
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._watch, args=(arm, url, period_s * i / count, period_s), daemon=True)
            for arm, url in pages.items()
            for i in range(count)
        ]

    def start(self) -> None:
        """Switch all screens on."""
        self.began_s = time.monotonic()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Switch all screens off and wait until the last answer is there."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def now_s(self) -> float:
        """Seconds since the screens were switched on, the clock of `rows`."""
        return time.monotonic() - self.began_s

    def wait(self, seconds: float) -> None:
        """Let the screens run."""
        self._stopped.wait(seconds)

    def _watch(self, arm: str, url: str, first_s: float, period_s: float) -> None:
        intended_s = first_s
        with httpx.Client(timeout=10) as client:
            while not self._stopped.wait(max(0.0, intended_s - self.now_s())):
                self.rows.append(self._reload(client, arm, url, intended_s))
                intended_s = max(intended_s + period_s, self.now_s() - period_s)

    def _reload(self, client: httpx.Client, arm: str, url: str, intended_s: float) -> Reload:
        slip_ms = (self.now_s() - intended_s) * 1e3
        try:
            outcome = "ok" if client.get(url).is_success else "failed"
        except httpx.TimeoutException:
            outcome = "unknown"
        except httpx.HTTPError:
            outcome = "failed"
        return Reload(intended_s, arm, (self.now_s() - intended_s) * 1e3, outcome, slip_ms)
