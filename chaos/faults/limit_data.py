"""Limit: a connection closes after `bytes` bytes of this direction; what is above them never arrives.

chunk, chunk ──▶ passed so far ──▶ limit reached: the rest of the chunk is dropped, both sockets close
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from chaos.faults.fault import Fault, Host, Receipt, Stage, register


@register("limit_data")
@dataclass
class LimitData(Fault):
    """How many bytes each connection may pass, counted from the start of the fault."""

    bytes: float = 0

    def stage(self, host: Host, receipt: Receipt, random: Random) -> LimitDataStage:
        return LimitDataStage(self, host, receipt, random)


class LimitDataStage(Stage):
    """Counts what passes; the receipt holds what was cut off, be it nothing but the connection."""

    def __init__(self, fault: LimitData, host: Host, receipt: Receipt, random: Random) -> None:
        super().__init__(host, receipt, random)
        self.fault, self.passed, self.closed = fault, 0, False

    def data(self, chunk: bytes) -> None:
        left = max(int(self.fault.bytes) - self.passed, 0)
        if self.closed or len(chunk) >= left:
            self.touch(chunk[left:])
        if self.closed:
            return
        self.passed += len(chunk[:left])
        if left:
            self.next.data(chunk[:left])
        if len(chunk) >= left:
            self.closed = True
            self.close()

    def finish(self) -> None:
        if not self.closed:
            self.next.finish()
