"""A server that is dead or frozen for a while, and what its clients sent meanwhile.

Killed: every process ends at once, the data stays, `stop()` starts it again on its port.
Paused: it keeps its connections and answers nobody, `stop()` lets it go on.

When the holder dies, the server's warden takes the server down, frozen or not: nothing stays paused.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from chaos.client import Wire
from chaos.outages.outage import Outage
from services.server import Server


class Downtime(Outage):
    """A server that does not answer; with wires in front of it, only what came down these touches it."""

    how: str

    def __init__(self, server: Server, wires: Sequence[Wire] = ()) -> None:
        super().__init__()
        self.server, self.wires = server, wires
        self._before = self._after = 0
        self._hit = 0

    def break_it(self) -> None:
        self._before = self._traffic()
        self._strike()
        self._hit = 1

    def mend(self) -> None:
        self._after = self._traffic()
        self._lift()

    def touched(self) -> tuple[int, str]:
        if not self.wires:
            return self._hit, f"server {self.how}"
        now = self._after if self._ended else self._traffic()
        return max(0, now - self._before), "bytes and connections that clients sent meanwhile"

    def _traffic(self) -> int:
        counts = [wire.counts() for wire in self.wires]
        return sum(count.bytes_up + count.connections for count in counts)

    @abstractmethod
    def _strike(self) -> None:
        """Take it away."""

    @abstractmethod
    def _lift(self) -> None:
        """Bring it back."""


class Killed(Downtime):
    """Every process of the server ends at once, as in a power cut."""

    how = "killed"

    def _strike(self) -> None:
        self.server.kill()

    def _lift(self) -> None:
        self.server.start()


class Paused(Downtime):
    """The server is frozen: it keeps its connections and answers nobody."""

    how = "frozen"

    def _strike(self) -> None:
        self.server.pause()

    def _lift(self) -> None:
        if self.server.running:  # or somebody has killed it meanwhile
            self.server.resume()
