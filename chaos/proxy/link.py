"""One client's connection and its way to the server: two ends, two directions, and the stages between.

    client ──▶ End ──▶ Pipe "up":   count ──▶ stages ──▶ End ──▶ server
    client ◀── End ◀── stages ◀── count   :"down" Pipe ◀── End ◀── server

With no fault active a chunk goes from one socket to the other without being copied or delayed. A full socket
pauses the reading of its source, so that a slow reader slows its writer and never fills our memory.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from random import Random
from typing import TYPE_CHECKING, cast

from chaos.proxy.pipe import Pipe

if TYPE_CHECKING:
    from chaos.proxy.proxies import Proxy
    from chaos.proxy.toxics import Toxic

CONNECT_WITHIN_S = 10
WRITE_BUFFER_BYTES = 1 << 20
AT_ONCE = struct.pack("ii", 1, 0)  # linger: close without waiting for what is unsent, which sends a RST


class End(asyncio.Protocol):
    """One socket of a link."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.pipe: Pipe  # what this end reads goes into it
        self.back: Pipe  # what comes out of it goes to this end
        self.transport: asyncio.Transport | None = None
        self.lost = False
        self._pauses = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are none by class
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self.link.connected(self)

    def data_received(self, data: bytes) -> None:
        self.pipe.count(data)
        self.pipe.head(data)

    def eof_received(self) -> bool:
        self.pipe.finish()
        return True  # the other direction stays open

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport, self.lost = None, True
        self.link.lost(self)

    def pause_writing(self) -> None:
        self.back.source.pause()

    def resume_writing(self) -> None:
        self.back.source.resume()

    def pause(self) -> None:
        """Stop reading; counted, because a full socket and a fault may ask for it at once."""
        self._pauses += 1
        if self._pauses == 1 and self.transport and not self.transport.is_closing():
            self.transport.pause_reading()

    def resume(self) -> None:
        """Take one pause() back."""
        self._pauses -= 1
        if self._pauses == 0 and self.transport and not self.transport.is_closing():
            self.transport.resume_reading()


class Link:
    """A client's end, a server's end, and the two pipes between them."""

    def __init__(self, proxy: Proxy, number: int) -> None:
        self.proxy, self.number = proxy, number
        self.tally = proxy.tally
        make = proxy.reader.conversation
        self.conversation = make(proxy.tally) if make else None
        self._client_spoke_last = False
        self.turns = self.answered = 0  # of the client; and the last of them that the server answers
        self.client, self.server = End(self), End(self)
        self.up = Pipe(self, "upstream", self.client, self.server)
        self.down = Pipe(self, "downstream", self.server, self.client)
        self._connecting: asyncio.Task[None] | None = None

    def connected(self, end: End) -> None:
        """An end has its socket: the client's first, then, once we got through to it, the server's."""
        if end is self.client:
            self.proxy.links.add(self)
            self.tally.connections += 1
            self.relink()
            loop = asyncio.get_running_loop()
            loop.call_soon(end.pause)  # not now: uvloop starts to read when we return
            self._connecting = loop.create_task(self._connect())
        elif self.client.lost:
            self.abort()
        else:
            self.up.sink.opened()
            self.client.resume()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        host, port = self.proxy.upstream_address
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                await loop.create_connection(lambda: self.server, host, port)
        except (OSError, TimeoutError):
            self.abort()

    def lost(self, end: End) -> None:
        """A socket has closed: what it sent still arrives, what was meant for it is dropped."""
        end.back.finished = True
        end.pipe.finish()
        if end.pipe.finished:
            self._close()
        if self.client.lost and self._connecting:
            self._connecting.cancel()
        if not self.client.transport and not self.server.transport:
            self.proxy.forget(self)

    def direction_finished(self, pipe: Pipe) -> None:
        """Everything of one direction was handed on: say so to its destination."""
        transport = pipe.target.transport
        if transport and not transport.is_closing() and transport.can_write_eof():
            transport.write_eof()
        if pipe.closes or (self.up.finished and self.down.finished):
            self._close()

    def _close(self) -> None:
        for end in (self.client, self.server):
            if end.transport and not end.transport.is_closing():
                end.transport.close()

    def abort(self) -> None:
        """Close both sockets at once."""
        for end in (self.client, self.server):
            if end.transport:
                end.transport.abort()

    def reset(self) -> None:
        """Close both sockets with a RST, as a crashed machine answers."""
        for end in (self.client, self.server):
            if end.transport and not end.transport.is_closing():
                end.transport.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE
                )
        self.abort()

    def relink(self) -> None:
        """Take the proxy's faults of this moment into both directions."""
        self.up.relink(self.proxy.toxics)
        self.down.relink(self.proxy.toxics)

    def random_of(self, toxic: Toxic, purpose: str) -> Random:
        """Random numbers of one fault on this connection: the same in each run with the same seed."""
        return Random(
            f"{self.proxy.seed}/{self.proxy.name}/{toxic.name}/{toxic.stream}/{self.number}/{purpose}"
        )

    def is_hit_by(self, toxic: Toxic) -> bool:
        """Whether a fault with toxicity below 1 chose this connection."""
        return toxic.toxicity >= 1 or self.random_of(toxic, "toxicity").random() < toxic.toxicity

    def count_up(self, data: bytes) -> None:
        """The client sent something."""
        self.tally.bytes_up += len(data)
        if not self._client_spoke_last:
            self._client_spoke_last = True
            self.turns += 1
        if self.conversation is not None:
            self.conversation.up(data)

    def count_down(self, data: bytes) -> None:
        """The server sent something; the first of it since the client spoke completes a round trip."""
        tally = self.tally
        tally.bytes_down += len(data)
        if self._client_spoke_last:
            self._client_spoke_last = False
            tally.round_trips += 1
            self.answered = self.turns
        if self.conversation is not None:
            self.conversation.down(data)
