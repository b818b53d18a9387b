"""Stop: nothing passes until the fault is lifted, and nothing is lost; connections stay open.

chunk ──▶ held back ──▶ lifted ──▶ everything in order

Above a limit the source is read no more, as on a wire that is cut for a while. A side that closes is heard of
when the fault is lifted.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from chaos.faults.fault import Fault, Host, Receipt, Stage, register


@register("stop")
@dataclass
class Stop(Fault):
    """Without attributes; ours: Toxiproxy's bandwidth of 0 comes near, its timeout of 0 loses data."""

    def stage(self, host: Host, receipt: Receipt, random: Random) -> StopStage:
        return StopStage(host, receipt, random)


class StopStage(Stage):
    """Holds all chunks, and the end behind them."""

    def __init__(self, host: Host, receipt: Receipt, random: Random) -> None:
        super().__init__(host, receipt, random)
        self.held: list[bytes] = []
        self.ended = False

    def data(self, chunk: bytes) -> None:
        self.touch(chunk)
        self.host.hold(len(chunk))
        self.held.append(chunk)

    def finish(self) -> None:
        self.ended = True

    def flush(self) -> None:
        held, self.held = self.held, []
        for chunk in held:
            self.host.hold(-len(chunk))
            self.next.data(chunk)
        if self.ended:
            self.ended = False
            self.next.finish()
