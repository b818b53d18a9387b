"""Slicer: data arrives in small packets, `average_size` ± `size_variation` bytes, `delay` microseconds apart.

chunk of 100 bytes ──▶ 18, 25, 24, 10, 23 ──▶ each a write of its own
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from chaos.faults.fault import Fault, Host, Receipt, register, unit
from chaos.faults.queue import Queue


@register("slicer")
@dataclass
class Slicer(Fault):
    """Sizes in bytes, the pause behind each slice in microseconds; an average below 1 counts as 1."""

    average_size: float = 0
    size_variation: float = 0
    delay: float = unit("us")

    def stage(self, host: Host, receipt: Receipt, random: Random) -> SlicerStage:
        return SlicerStage(self, host, receipt, random)

    def ends(self, start: int, end: int, random: Random) -> Iterator[int]:
        """Where the slices of a chunk end: it is halved, a little off the middle, until small enough."""
        average, variation = max(int(self.average_size), 1), max(int(self.size_variation), 0)
        if end - start - average <= variation:
            yield end
            return
        middle = start + (end - start) // 2
        if variation:
            middle += random.randrange(-variation, variation)
        middle = min(max(middle, start + 1), end - 1)
        yield from self.ends(start, middle, random)
        yield from self.ends(middle, end, random)


class SlicerStage(Queue):
    """Each slice is due one pause after the one before it."""

    apart = True

    def __init__(self, fault: Slicer, host: Host, receipt: Receipt, random: Random) -> None:
        super().__init__(host, receipt, random)
        self.fault, self.free_at = fault, 0.0

    def data(self, chunk: bytes) -> None:
        start, now = 0, time.monotonic()
        self.free_at = max(self.free_at, now)
        for end in self.fault.ends(0, len(chunk), self.random):
            self.later(self.free_at, chunk[start:end])
            self.free_at += self.fault.delay / 1e6
            start = end
        self.touch(chunk, (self.last_due - now) * 1000)
