"""Timeout: no data passes; after `timeout` milliseconds of silence the connection closes, with 0 it stays.

chunk ──▶ dropped          silence of `timeout` ms, or the end of the fault ──▶ both sockets close

With a timeout of 0 this is the black hole. Data is lost, so a connection cannot go on when the fault ends: it
closes then, as in Toxiproxy.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random

from chaos.faults.fault import Fault, Host, Receipt, Stage, register, unit


@register("timeout")
@dataclass
class Timeout(Fault):
    """How long a connection lives without a byte, in milliseconds; 0 is for ever."""

    timeout: float = unit("ms")

    def stage(self, host: Host, receipt: Receipt, random: Random) -> TimeoutStage:
        return TimeoutStage(self, host, receipt, random)


class TimeoutStage(Stage):
    """Drops what comes and watches the clock; the last alarm that was set counts."""

    def __init__(self, fault: Timeout, host: Host, receipt: Receipt, random: Random) -> None:
        super().__init__(host, receipt, random)
        self.fault, self.closed, self.due = fault, False, 0.0
        self.changed()

    def changed(self) -> None:
        self.due = time.monotonic() + self.fault.timeout / 1000
        if self.fault.timeout > 0:
            self.host.at(self.due, self._ring)

    def data(self, chunk: bytes) -> None:
        self.touch(chunk)
        self.due = time.monotonic() + self.fault.timeout / 1000  # the alarm sees it when it rings

    def finish(self) -> None:
        self.flush()

    def flush(self) -> None:
        if not self.closed:
            self.closed = True
            self.close()

    def _ring(self) -> None:
        if self.closed or self.fault.timeout <= 0:
            return
        if time.monotonic() < self.due:
            self.host.at(self.due, self._ring)
            return
        self.touch(b"")
        self.flush()
