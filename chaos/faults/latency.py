"""Latency: every chunk arrives `latency` ± `jitter` milliseconds later, in order and without being throttled.

chunk ──▶ queue of (due, chunk) ──▶ alarm of the oldest ──▶ next
              a chunk is never due before the one that came before it
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from random import Random

from chaos.faults.fault import Fault, Host, Receipt, Stage, register


@register("latency")
@dataclass
class Latency(Fault):
    """Delay of all data, in milliseconds; `jitter` is drawn evenly from its range around `latency`."""

    latency: float = 0
    jitter: float = 0

    def stage(self, host: Host, receipt: Receipt, random: Random) -> Stage:
        return LatencyStage(self, host, receipt, random)


class LatencyStage(Stage):
    """A queue of chunks, each with the moment at which it is due; None stands for the end."""

    def __init__(self, fault: Latency, host: Host, receipt: Receipt, random: Random) -> None:
        super().__init__(host, receipt, random)
        self.fault = fault
        self.queue: deque[tuple[float, bytes | None]] = deque()
        self.last_due = 0.0

    def data(self, chunk: bytes) -> None:
        delay_ms = self.fault.latency
        if self.fault.jitter > 0:
            delay_ms += self.random.uniform(-self.fault.jitter, self.fault.jitter)
        delay_ms = max(delay_ms, 0.0)
        self.touch(chunk, delay_ms)
        self.host.hold(len(chunk))
        self._enqueue(time.monotonic() + delay_ms / 1000, chunk)

    def finish(self) -> None:
        if self.queue:
            self._enqueue(self.last_due, None)
        else:
            self.next.finish()

    def flush(self) -> None:
        while self.queue:
            self._hand_on()

    def _enqueue(self, due: float, chunk: bytes | None) -> None:
        self.last_due = due = max(due, self.last_due)
        self.queue.append((due, chunk))
        if len(self.queue) == 1:
            self.host.at(due, self._ring)

    def _ring(self) -> None:
        while self.queue and self.queue[0][0] <= time.monotonic():
            self._hand_on()
        if self.queue:
            self.host.at(self.queue[0][0], self._ring)

    def _hand_on(self) -> None:
        _, chunk = self.queue.popleft()
        if chunk is None:
            self.next.finish()
        else:
            self.host.hold(-len(chunk))
            self.next.data(chunk)
