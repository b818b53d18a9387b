"""One keep-alive connection: sends a request and reads its answer, in whatever pieces it comes.

idle ──send(request)──▶ busy ──whole answer──▶ idle
                          '──cut, not HTTP, Connection: close──▶ closed
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, cast

from chaos.wire.conversation import NotThisProtocol
from chaos.wire.http import ANSWER, FOREVER, HEAD, Framer, body_size

if TYPE_CHECKING:
    from chaos.openloop.pool import Pool

NOBODY = -1
CLOSES = re.compile(rb"\nconnection:[ \t]*close[ \t]*\r?\n", re.IGNORECASE)


class Connection(asyncio.Protocol):
    """One request at a time; `number` is that of the request on its way, or NOBODY."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.number = NOBODY
        self.open = False
        self._bare = pool.target.op.startswith("HEAD ")
        self._framer = Framer(self._head)
        self._status = 0
        self._last = False  # the server closes after this answer
        self._known = b""  # the last answer that came whole: most are the same, byte for byte
        self._known_status = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.open = True

    def send(self, number: int) -> None:
        """Put request `number` on the wire."""
        self.number = number
        self.transport.write(self.pool.request)

    def data_received(self, data: bytes) -> None:
        if data == self._known and self.number != NOBODY and not (self._status or self._framer.rest):
            self._done(self._known_status)
            return
        fresh = not self._status and self._framer.state == HEAD and not self._framer.rest
        try:
            if self.number == NOBODY:
                raise NotThisProtocol("an answer that nobody asked for")
            self._framer.feed(data)
        except NotThisProtocol as why:
            self.fail(f"not HTTP: {why}")
            return
        if self._status >= 200 and self._whole():
            if fresh and not self._last:
                self._known, self._known_status = data, self._status
            self._done(self._status)

    def _head(self, head: bytes) -> int | None:
        """Framer's question: how long is the body behind this head?"""
        line = ANSWER.match(head)
        if line is None or self._status >= 200:
            raise NotThisProtocol(f"an answer that begins {head[:20]!r}")
        status = int(line[1])
        if status < 200:
            return 0  # 100 and 103 announce an answer, they are none
        self._status, self._last = status, bool(CLOSES.search(head))
        return 0 if self._bare or status in (204, 304) else body_size(head, FOREVER)

    def _whole(self) -> bool:
        framer = self._framer
        return framer.state == HEAD and not framer.skip and not framer.rest

    def _done(self, status: int) -> None:
        number, self.number, self._status = self.number, NOBODY, 0
        if self._last:
            self.open = False
            self.transport.close()
        self.pool.answered(self, number, status)

    def fail(self, why: str, outcome: str = "failed") -> None:
        """Give the request up, and the connection with it, since its answer may still come."""
        number, self.number, self.open = self.number, NOBODY, False
        self.transport.abort()
        self.pool.gave_up(self, number, why, outcome)

    def connection_lost(self, why: Exception | None) -> None:
        """The end of an answer without a length, of an idle connection, or of a request in the middle."""
        self.open = False
        if self._status and self._framer.skip > FOREVER // 2 and why is None:
            self._done(self._status)
        if self.number == NOBODY:
            self.pool.lost(self)
        else:
            self.fail(f"the connection ended before the answer ({why or 'closed by the server'})")
