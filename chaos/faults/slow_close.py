"""Slow close: the end of a stream arrives `delay` milliseconds late; data passes as ever.

server closes ──▶ delay ──▶ the client hears of it
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random

from chaos.faults.fault import Fault, Host, Receipt, Stage, register, unit


@register("slow_close")
@dataclass
class SlowClose(Fault):
    """Delay of the end, in milliseconds."""

    delay: float = unit("ms")

    def stage(self, host: Host, receipt: Receipt, random: Random) -> SlowCloseStage:
        return SlowCloseStage(self, host, receipt, random)


class SlowCloseStage(Stage):
    """Holds the end back; the receipt notes it as a chunk of no bytes."""

    def __init__(self, fault: SlowClose, host: Host, receipt: Receipt, random: Random) -> None:
        super().__init__(host, receipt, random)
        self.fault, self.waiting = fault, False

    def finish(self) -> None:
        self.waiting = True
        self.touch(b"", self.fault.delay)
        self.host.at(time.monotonic() + self.fault.delay / 1000, self.flush)

    def flush(self) -> None:
        if self.waiting:
            self.waiting = False
            self.next.finish()
