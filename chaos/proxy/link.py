"""One client's connection and its way to the server: two ends, two directions, and the stages between.

    client ──▶ End ──▶ Pipe "up":   count ──▶ stages ──▶ End ──▶ server
    client ◀── End ◀── stages ◀── count   :"down" Pipe ◀── End ◀── server

With no fault active a chunk goes from one socket to the other without being copied or delayed. A full socket
pauses the reading of its source, so that a slow reader slows its writer and never fills our memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, cast

from chaos.faults.fault import Next, Stage

if TYPE_CHECKING:
    from chaos.proxy.proxies import Proxy
    from chaos.proxy.toxics import Toxic

CONNECT_WITHIN_S = 10
WRITE_BUFFER_BYTES = 1 << 20
HELD_BYTES = 64 << 20  # latency holds what it delays: this much lets 2 ms carry 32 GB/s, and 100 ms 640 MB/s


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


class Sink:
    """The end of a pipe: writes to the destination's socket, or drops what comes after it has closed.

    What comes before the server's socket is there waits: uvloop reads a little even if paused at once.
    """

    def __init__(self, pipe: Pipe) -> None:
        self.pipe = pipe
        self.early: list[bytes] = []

    def data(self, chunk: bytes) -> None:
        transport = self.pipe.target.transport
        if transport is None:
            if not self.pipe.target.lost:
                self.early.append(chunk)
        elif not transport.is_closing():
            transport.write(chunk)

    def opened(self) -> None:
        """The destination's socket is there."""
        early, self.early = self.early, []
        for chunk in early:
            self.data(chunk)

    def finish(self) -> None:
        self.pipe.finished = True
        self.pipe.link.direction_finished(self.pipe)


class Pipe:
    """One direction of a link: counts what comes, leads it through the stages of the active faults."""

    def __init__(self, link: Link, stream: str, source: End, target: End) -> None:
        self.link, self.stream, self.source, self.target = link, stream, source, target
        self.count: Callable[[bytes], None] = link.count_up if stream == "upstream" else link.count_down
        self.stages: dict[Toxic, Stage] = {}
        self.sink = Sink(self)
        self.head: Callable[[bytes], None] = self.sink.data
        self.finished = False  # everything was handed on, or there is nobody to hand it to
        self._ended = False
        self._held = 0
        source.pipe, target.back = self, self

    def relink(self, toxics: Sequence[Toxic]) -> None:
        """Lead the data through the stages of these faults, in their order.

        A new fault stands behind the others. We go from the last stage to the first, so that order is kept: a
        stage whose fault has ended hands what it holds to the next one that stays.
        """
        wanted = [toxic for toxic in toxics if toxic.stream == self.stream and self.link.is_hit_by(toxic)]
        new = {toxic: self._stage(toxic) for toxic in wanted if toxic not in self.stages}
        following: Next = self.sink
        for toxic, stage in reversed([*self.stages.items(), *new.items()]):
            stage.next = following
            if toxic in wanted:
                following = stage
            else:
                stage.flush()
                toxic.receipt.messages += self.messages - toxic.messages_before.pop(self)
        stages = {**self.stages, **new}
        self.stages = {toxic: stages[toxic] for toxic in wanted}
        self.head = following.data

    def _stage(self, toxic: Toxic) -> Stage:
        toxic.messages_before[self] = self.messages
        return toxic.fault.stage(self, toxic.receipt, self.link.random_of(toxic, "stage"))

    @property
    def messages(self) -> int:
        """Messages of the protocol that have begun in this direction; 0 when the protocol is not read."""
        conversation = self.link.conversation
        if conversation is None:
            return 0
        return conversation.messages_up if self.stream == "upstream" else conversation.messages_down

    def finish(self) -> None:
        """The source has ended; safe to repeat."""
        if self._ended:
            return
        self._ended = True
        first = next(iter(self.stages.values()), None)
        (first or self.sink).finish()

    def at(self, when: float, callback: Callable[[], None]) -> None:
        self.link.proxy.alarm.at(when, callback)

    def hold(self, size: int) -> None:
        before, self._held = self._held, self._held + size
        if before <= HELD_BYTES < self._held:
            self.source.pause()
        elif self._held <= HELD_BYTES < before:
            self.source.resume()


class Link:
    """A client's end, a server's end, and the two pipes between them."""

    def __init__(self, proxy: Proxy, number: int) -> None:
        self.proxy, self.number = proxy, number
        self.tally = proxy.tally
        make = proxy.reader.conversation
        self.conversation = make(proxy.tally) if make else None
        self._client_spoke_last = False
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
        if self.up.finished and self.down.finished:
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
        self._client_spoke_last = True
        if self.conversation is not None:
            self.conversation.up(data)

    def count_down(self, data: bytes) -> None:
        """The server sent something; the first of it since the client spoke completes a round trip."""
        tally = self.tally
        tally.bytes_down += len(data)
        if self._client_spoke_last:
            self._client_spoke_last = False
            tally.round_trips += 1
        if self.conversation is not None:
            self.conversation.down(data)
