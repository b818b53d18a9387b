"""A stage that hands chunks on later: what several faults have in common that take time.

chunk ──▶ queue of (due, chunk) ──▶ alarm of the oldest ──▶ next
              a chunk is never due before the one that came before it
"""

from __future__ import annotations

import math
import time
from collections import deque
from random import Random
from typing import ClassVar

from chaos.faults.fault import Host, Receipt, Stage


class Queue(Stage):
    """Chunks, each with the moment at which it is due (infinite: never); None stands for the end."""

    apart: ClassVar[bool] = False  # chunks that are due together still leave in packets of their own

    def __init__(self, host: Host, receipt: Receipt, random: Random) -> None:
        super().__init__(host, receipt, random)
        self.queue: deque[tuple[float, bytes | None]] = deque()
        self.last_due = 0.0

    def later(self, due: float, chunk: bytes) -> None:
        """Hand a chunk on at a moment of the monotonic clock."""
        self.host.hold(len(chunk))
        self._enqueue(due, chunk)

    def finish(self) -> None:
        if self.queue:
            self._enqueue(self.last_due, None)
        else:
            self.next.finish()

    def flush(self) -> None:
        while self.queue:
            self._hand_on()
        self.last_due = 0.0

    def _enqueue(self, due: float, chunk: bytes | None) -> None:
        self.last_due = due = max(due, self.last_due)
        self.queue.append((due, chunk))
        if len(self.queue) == 1:
            self._arm()

    def _arm(self) -> None:
        if self.queue and self.queue[0][0] < math.inf:
            self.host.at(self.queue[0][0], self._ring)

    def _ring(self) -> None:
        while self.queue and self.queue[0][0] <= time.monotonic():
            self._hand_on()
            if self.apart:
                break
        self._arm()

    def _hand_on(self) -> None:
        _, chunk = self.queue.popleft()
        if chunk is None:
            self.next.finish()
        else:
            self.host.hold(-len(chunk))
            self.next.data(chunk)
