"""Screens that call on schedule, whether or not the last call was quick: one row per call.

intended start: every `period_s` ──▶ caller() ──▶ row: t_s, arm, latency_ms, outcome, slip_ms
                (the clock of a row starts here, so a screen that had to wait says so)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chaos.callers.caller import Caller


@dataclass(frozen=True)
class Reload:
    """One call: `t_s` and `latency_ms` from its intended start, `slip_ms` how late it began."""

    t_s: float
    arm: str
    latency_ms: float
    outcome: str
    slip_ms: float

    @property
    def ended_s(self) -> float:
        return self.t_s + self.latency_ms / 1e3


class Screens:
    """`count` screens for each of `makers` (arm -> what makes its callers); `seen` gets each row."""

    def __init__(
        self,
        makers: Mapping[str, Callable[[], Caller]],
        count: int,
        period_s: float,
        seen: Callable[[Reload], None] = lambda row: None,
    ) -> None:
        self.rows: list[Reload] = []
        self.makers, self.seen = dict(makers), seen
        self.began_s = time.monotonic()
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(
                target=self._watch, args=(arm, make, period_s * i / count, period_s), daemon=True
            )
            for arm, make in self.makers.items()
            for i in range(count)
        ]

    def start(self) -> None:
        """Switch all screens on, after one call of each arm: the first of a process also imports a lot."""
        for make in self.makers.values():
            first = make()
            first()
            first.close()
        self.began_s = time.monotonic()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Switch all screens off and wait until the last answer is there."""
        self._stopped.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def now_s(self) -> float:
        """Seconds since the screens were switched on, the clock of `rows`."""
        return time.monotonic() - self.began_s

    def wait(self, seconds: float) -> None:
        """Let the screens run."""
        self._stopped.wait(max(0.0, seconds))

    def _watch(self, arm: str, make: Callable[[], Caller], first_s: float, period_s: float) -> None:
        intended_s = first_s
        caller = make()
        try:
            while not self._stopped.wait(max(0.0, intended_s - self.now_s())):
                row = self._call(caller, arm, intended_s)
                self.rows.append(row)
                self.seen(row)
                intended_s = max(intended_s + period_s, self.now_s() - period_s)
        finally:
            caller.close()

    def _call(self, caller: Caller, arm: str, intended_s: float) -> Reload:
        slip_ms = (self.now_s() - intended_s) * 1e3
        outcome = caller()
        return Reload(intended_s, arm, (self.now_s() - intended_s) * 1e3, outcome, slip_ms)
