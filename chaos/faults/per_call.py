"""Delay per call: each round trip waits once for `delay` ± `jitter` ms, however many chunks its answer has.

client's turn ──▶ server's answer: chunk, chunk, chunk
                  └ delay ┘ then one behind the other, at the speed at which they come

Latency delays each chunk, side by side; the two differ where a server sends its answer little by little.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random

from chaos.faults.fault import Fault, Host, Receipt, register, unit
from chaos.faults.queue import Queue


@register("per_call")
@dataclass
class PerCall(Fault):
    """Delay in milliseconds of the first chunk of each turn; ours, Toxiproxy has none like it."""

    delay: float = unit("ms")
    jitter: float = unit("ms")

    def stage(self, host: Host, receipt: Receipt, random: Random) -> PerCallStage:
        return PerCallStage(self, host, receipt, random)


class PerCallStage(Queue):
    """The first chunk of a turn is due after the delay, those behind it at once, in order."""

    def __init__(self, fault: PerCall, host: Host, receipt: Receipt, random: Random) -> None:
        super().__init__(host, receipt, random)
        self.fault = fault
        self.turn = host.turn  # what is under way when the fault begins goes on as it is

    def data(self, chunk: bytes) -> None:
        fault, delay_ms = self.fault, 0.0
        if self.host.turn != self.turn:
            self.turn = self.host.turn
            drawn = self.random.uniform(-fault.jitter, fault.jitter) if fault.jitter > 0 else 0.0
            delay_ms = max(fault.delay + drawn, 0.0)
            self.touch(chunk, delay_ms)
        elif not self.queue:
            self.next.data(chunk)
            return
        self.later(time.monotonic() + delay_ms / 1000, chunk)
