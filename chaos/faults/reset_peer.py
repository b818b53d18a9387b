"""Reset: `timeout` milliseconds after the first data both sides get a RST; nothing passes any more.

chunk ──▶ dropped ──▶ timeout ──▶ RST to the client, RST to the server
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random

from chaos.faults.fault import Fault, Host, Receipt, Stage, register, unit


@register("reset_peer")
@dataclass
class ResetPeer(Fault):
    """Delay of the reset, in milliseconds; 0 resets at the first byte."""

    timeout: float = unit("ms")

    def stage(self, host: Host, receipt: Receipt, random: Random) -> ResetPeerStage:
        return ResetPeerStage(self, host, receipt, random)


class ResetPeerStage(Stage):
    """Drops what comes; the first of it starts the clock, and so does the end of a stream."""

    def __init__(self, fault: ResetPeer, host: Host, receipt: Receipt, random: Random) -> None:
        super().__init__(host, receipt, random)
        self.fault, self.started = fault, False

    def data(self, chunk: bytes) -> None:
        self.touch(chunk)
        if not self.started:
            self.started = True
            self.host.at(time.monotonic() + self.fault.timeout / 1000, self.host.reset)

    def finish(self) -> None:
        self.data(b"")

    def flush(self) -> None:
        if self.started:
            self.host.reset()  # what came is lost: the stream cannot go on
