"""Swallow: the n-th answer never arrives; the server has done its work, the client does not know.

turn 1 ──▶ answer 1 ──▶ client
turn 2 ──▶ answer 2 ──▶ swallowed, all chunks of it
turn 3 ──▶ answer 3 ──▶ client

Counted from the start of the fault, on each connection, or with `of_proxy` 1 over all connections together.
In the stream "upstream" it is the n-th question that never arrives. What is sent without waiting is one turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from chaos.faults.fault import Fault, Host, Receipt, Stage, register


@register("swallow")
@dataclass
class Swallow(Fault):
    """Which answer, from 1; ours, Toxiproxy has none like it."""

    nth: float = 1
    of_proxy: float = 0

    def __post_init__(self) -> None:
        self.answers = 0  # of all connections together

    def stage(self, host: Host, receipt: Receipt, random: Random) -> SwallowStage:
        return SwallowStage(self, host, receipt, random)


class SwallowStage(Stage):
    """Counts the answers; the end of a stream passes, so that a closed connection is known to be closed."""

    def __init__(self, fault: Swallow, host: Host, receipt: Receipt, random: Random) -> None:
        super().__init__(host, receipt, random)
        self.fault, self.answers, self.swallows = fault, 0, False
        self.turn = host.turn  # what is under way when the fault begins goes on as it is

    def data(self, chunk: bytes) -> None:
        if self.host.turn != self.turn:
            self.turn = self.host.turn
            self.answers += 1
            self.fault.answers += 1
            number = self.fault.answers if self.fault.of_proxy else self.answers
            self.swallows = number == self.fault.nth
        if self.swallows:
            self.touch(chunk)
        else:
            self.next.data(chunk)
