"""Bandwidth: no more than `rate` kilobytes (of 1,000 bytes) pass in a second; a rate of 0 lets nothing pass.

chunk ──▶ pieces of 100 ms ──▶ each is due when the wire is free and it has crossed ──▶ next
              more than 100 ms waiting: the source is read no more, so its writer feels the slow wire
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from random import Random

from chaos.faults.fault import Fault, Host, Receipt, register, unit
from chaos.faults.queue import Queue

PIECE_S = 0.1


@register("bandwidth")
@dataclass
class Bandwidth(Fault):
    """The rate of each connection in this direction, in KB/s."""

    rate: float = unit("kb_s")

    def stage(self, host: Host, receipt: Receipt, random: Random) -> BandwidthStage:
        return BandwidthStage(self, host, receipt, random)


class BandwidthStage(Queue):
    """A wire that is free again at a moment; what waits for it goes on at once when the rate changes."""

    def __init__(self, fault: Bandwidth, host: Host, receipt: Receipt, random: Random) -> None:
        super().__init__(host, receipt, random)
        self.fault, self.free_at, self.paused = fault, 0.0, False

    def data(self, chunk: bytes) -> None:
        now, rate = time.monotonic(), self.fault.rate * 1000
        self.free_at = max(self.free_at, now)
        piece = max(int(rate * PIECE_S), 1) if rate > 0 else len(chunk)
        for at in range(0, len(chunk), piece):
            part = chunk[at : at + piece]
            self.free_at += len(part) / rate if rate > 0 else math.inf
            self.later(self.free_at, part)
        self.touch(chunk, (self.free_at - now) * 1000 if rate > 0 else 0.0)
        self._throttle()

    def changed(self) -> None:
        self.flush()

    def flush(self) -> None:
        self.free_at = 0.0
        super().flush()

    def _hand_on(self) -> None:
        super()._hand_on()
        self._throttle()

    def _throttle(self) -> None:
        full = bool(self.queue) and self.free_at - time.monotonic() > PIECE_S
        if full != self.paused:
            self.paused = full
            (self.host.pause if full else self.host.resume)()
