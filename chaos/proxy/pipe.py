"""One direction of a connection: what is read is counted, led through the active faults, and written.

End (source) ──▶ Pipe: count ──▶ Stage ──▶ Stage ──▶ Sink ──▶ End (destination)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from chaos.faults.fault import Next, Stage
from chaos.proxy.alarm import now

if TYPE_CHECKING:
    from chaos.proxy.link import End, Link
    from chaos.proxy.toxics import Toxic

HELD_BYTES = 64 << 20  # latency holds what it delays: this much lets 2 ms carry 32 GB/s, and 100 ms 640 MB/s


class Sink:
    """The end of a pipe: writes to the destination's socket, or drops what comes after it has closed.

    What comes before the server's socket is there waits: uvloop reads a little even if paused at once.
    """

    def __init__(self, pipe: Pipe) -> None:
        self.pipe = pipe
        self.early: list[bytes] = []
        self.sent = 0  # bytes that came this far

    def data(self, chunk: bytes) -> None:
        self.sent += len(chunk)
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
            self.sent -= len(chunk)  # they are counted already
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
        self.closes = False  # its end closes both sockets
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

    def changed(self, toxic: Toxic) -> None:
        """A fault has other attributes."""
        if toxic in self.stages:
            self.stages[toxic].changed()

    def at(self, when: float, callback: Callable[[], None]) -> None:
        if when <= now():
            asyncio.get_running_loop().call_soon(callback)
        else:
            self.link.proxy.alarm.at(when, callback)

    def pause(self) -> None:
        self.source.pause()

    def resume(self) -> None:
        self.source.resume()

    def end(self) -> None:
        self.closes = True

    def reset(self) -> None:
        self.link.reset()

    @property
    def turn(self) -> int:
        return self.link.turns if self.stream == "upstream" else self.link.answered

    def hold(self, size: int) -> None:
        before, self._held = self._held, self._held + size
        if before <= HELD_BYTES < self._held:
            self.source.pause()
        elif self._held <= HELD_BYTES < before:
            self.source.resume()
