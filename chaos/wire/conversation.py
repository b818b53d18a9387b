"""What the conversations of all protocols share: two framers, names that are counted, and giving up.

bytes ──▶ up() / down() ──▶ read(framer, data) ──▶ messages counted
                              └─ NotThisProtocol ──▶ opaque: from now on only bytes and round trips are known
"""

from __future__ import annotations

from typing import Protocol

from chaos.wire.tally import Tally


class NotThisProtocol(Exception):
    """The bytes cannot be what they were taken for: TLS, another protocol, nonsense."""


class Framer(Protocol):
    """Cuts one direction into messages, in whatever pieces it arrives."""

    def feed(self, data: bytes) -> None:
        """Count the messages whose header completes in `data`."""


class FramedConversation:
    """One connection; once its bytes cannot be read, only `tally.opaque` knows of it."""

    def __init__(self, tally: Tally, client: Framer, server: Framer) -> None:
        self.tally = tally
        self.messages_up = self.messages_down = 0
        self._client, self._server = client, server
        self.is_opaque = False

    def up(self, data: bytes) -> None:
        """Count what the client sent."""
        self._read(self._client, data)

    def down(self, data: bytes) -> None:
        """Count what the server sent."""
        self._read(self._server, data)

    def _read(self, framer: Framer, data: bytes) -> None:
        if self.is_opaque:
            return
        try:
            framer.feed(data)
        except NotThisProtocol:
            self.give_up()

    def give_up(self) -> None:
        """Read no more of this connection."""
        self.is_opaque = True
        self.tally.opaque += 1

    def name(self, name: str) -> None:
        """Count a message by a name, for protocols without type bytes."""
        self.tally.named[name] = self.tally.named.get(name, 0) + 1
