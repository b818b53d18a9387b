"""The connections to one target: a bounded number, opened beforehand and again when one is lost.

due(number) ──an idle connection──▶ sent at once
            '─none idle──▶ waiting, oldest first ──▶ sent when one is free (or newly opened), or given up
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from chaos.openloop.connection import NOBODY, Connection

if TYPE_CHECKING:
    from chaos.openloop.run import Run
    from chaos.openloop.target import Target

CONNECT_S = 5.0


class Pool:
    """At most `most` connections to `target`."""

    def __init__(self, run: Run, target: Target, most: int) -> None:
        self.run, self.target, self.most = run, target, most
        self.request = target.request
        self.idle: list[Connection] = []
        self.all: set[Connection] = set()
        self.waiting: deque[int] = deque()
        self.opening = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def warm_up(self) -> str:
        """Open all connections; returns why none could be, or nothing."""
        why = ""
        for _ in range(0, self.most, 50):
            room = min(50, self.most - len(self.all))
            results = await asyncio.gather(*(self._connect() for _ in range(room)), return_exceptions=True)
            why = next((_short(r) for r in results if isinstance(r, BaseException)), "")
            if why:
                break
        return "" if self.all else why

    async def _connect(self) -> None:
        loop, target = asyncio.get_running_loop(), self.target
        async with asyncio.timeout(CONNECT_S):
            _, made = await loop.create_connection(lambda: Connection(self), target.host, target.port)
        self.all.add(made)
        self._use(made)

    def due(self, number: int, now_s: float) -> None:
        """Send it, or let it wait for a free connection."""
        if self.idle:
            self.run.journal.sent[number] = now_s
            self.idle.pop().send(number)
        else:
            self.waiting.append(number)
            self._open_more()

    def _use(self, connection: Connection) -> None:
        """A connection is free: the oldest request that waits takes it."""
        if not connection.open:
            self._open_more()
        elif self.waiting:
            number = self.waiting.popleft()
            self.run.journal.sent[number] = self.run.now_s()
            connection.send(number)
        else:
            self.idle.append(connection)

    def _open_more(self) -> None:
        """One more connection per request that waits, as long as there is room."""
        while self.opening < len(self.waiting) and len(self.all) + self.opening < self.most:
            self.opening += 1
            task = asyncio.get_running_loop().create_task(self._open())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _open(self) -> None:
        try:
            await self._connect()
        except (OSError, TimeoutError) as why:
            if self.waiting:
                self.run.gave_up(self.waiting.popleft(), f"cannot connect ({_short(why)})", "failed")
        finally:
            self.opening -= 1
        self._open_more()

    # what a connection says

    def answered(self, connection: Connection, number: int, status: int) -> None:
        """The whole answer to `number` is there."""
        self.run.answered(number, status)
        if self.waiting or not connection.open:
            self._use(connection)
        else:
            self.idle.append(connection)

    def gave_up(self, connection: Connection, number: int, why: str, outcome: str) -> None:
        """`number` gets no answer any more."""
        if number != NOBODY:
            self.run.gave_up(number, why, outcome)
        self.lost(connection)

    def lost(self, connection: Connection) -> None:
        """It is closed, for whatever reason; safe to repeat."""
        self.all.discard(connection)
        if connection in self.idle:
            self.idle.remove(connection)
        self._open_more()

    def give_up_before(self, due_s: float, why: str) -> None:
        """Give up whatever was due before `due_s`: unknown where it was sent, failed where it was not."""
        for connection in [c for c in self.all if c.number != NOBODY]:
            if self.run.journal.due[connection.number] < due_s:
                connection.fail(why, "unknown")
        while self.waiting and self.run.journal.due[self.waiting[0]] < due_s:
            self.run.gave_up(self.waiting.popleft(), f"never sent: no connection free, {why}", "failed")

    def close(self) -> None:
        """Hang up."""
        for task in self._tasks:
            task.cancel()
        for connection in list(self.all):
            connection.transport.abort()


def _short(why: BaseException) -> str:
    """What the system says, without our addresses in it."""
    return (getattr(why, "strerror", None) or str(why) or "no answer in time").split("]")[-1].strip()
