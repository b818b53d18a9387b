"""Latency: every chunk arrives `latency` ± `jitter` milliseconds later, in order and without being throttled.

client asks ──▶ chunk, chunk, chunk ──▶ each waits its own delay, side by side ──▶ the same order
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random

from chaos.faults.fault import Fault, Host, Receipt, register, unit
from chaos.faults.queue import Queue


@register("latency")
@dataclass
class Latency(Fault):
    """Delay of all data, in milliseconds; `jitter` is drawn evenly from its range around `latency`."""

    latency: float = unit("ms")
    jitter: float = unit("ms")

    def stage(self, host: Host, receipt: Receipt, random: Random) -> LatencyStage:
        return LatencyStage(self, host, receipt, random)

    def drawn_ms(self, random: Random) -> float:
        """One delay."""
        drawn = random.uniform(-self.jitter, self.jitter) if self.jitter > 0 else 0.0
        return max(self.latency + drawn, 0.0)


class LatencyStage(Queue):
    """Each chunk is due its delay after it came."""

    def __init__(self, fault: Latency, host: Host, receipt: Receipt, random: Random) -> None:
        super().__init__(host, receipt, random)
        self.fault = fault

    def data(self, chunk: bytes) -> None:
        delay_ms = self.fault.drawn_ms(self.random)
        self.touch(chunk, delay_ms)
        self.later(time.monotonic() + delay_ms / 1000, chunk)
