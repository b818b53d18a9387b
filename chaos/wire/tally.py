"""What the proxy has counted on one wire, and how a protocol is read out of its bytes.

    bytes of a connection ──▶ Conversation (one per connection) ──▶ Tally (one per proxy)
         up: client to server         cuts them into messages          sums, reset by the reader
         down: server to client

A protocol is one file beside this one that offers a Conversation; `protocols()` names them.
"""

from __future__ import annotations

from typing import Any, Protocol


class Conversation(Protocol):
    """Reads one connection's bytes, in whatever pieces they arrive."""

    def up(self, data: bytes) -> None:
        """The client sent these bytes."""

    def down(self, data: bytes) -> None:
        """The server sent these bytes."""

    @property
    def messages_up(self) -> int: ...

    @property
    def messages_down(self) -> int: ...


class Tally:
    """Sums over all connections of one proxy since the last reset.

    A round trip is a run of client bytes that the server has begun to answer: how often somebody had to wait
    for the wire. `opaque` counts connections whose messages cannot be read, such as those that switched to
    TLS: of them only bytes and round trips are known.
    """

    def __init__(self) -> None:
        self.bytes_before = {"upstream": 0, "downstream": 0}  # what was counted before the last reset
        self.bytes_up = self.bytes_down = 0
        self.reset()

    def bytes_ever(self) -> dict[str, int]:
        """By stream, since the beginning: no reset touches these."""
        before = self.bytes_before
        return {
            "upstream": before["upstream"] + self.bytes_up,
            "downstream": before["downstream"] + self.bytes_down,
        }

    def reset(self) -> None:
        """Start counting from zero."""
        self.bytes_before = self.bytes_ever()
        self.connections = 0
        self.bytes_up = 0
        self.bytes_down = 0
        self.round_trips = 0
        self.opaque = 0
        self.statements = 0
        self.control = 0
        self.seen_up = [0] * 256  # messages by type byte
        self.seen_down = [0] * 256
        self.named: dict[str, int] = {}  # messages that have no type byte

    def as_json(self, names_up: dict[int, str], names_down: dict[int, str], rows: int) -> dict[str, Any]:
        """All sums; a type byte that has no name appears as "byte 0x21"."""
        messages = dict(self.named)
        for seen, names in ((self.seen_up, names_up), (self.seen_down, names_down)):
            for kind in (kind for kind, count in enumerate(seen) if count):
                name = names.get(kind, f"byte {kind:#04x}")
                messages[name] = messages.get(name, 0) + seen[kind]
        return {
            "connections": self.connections,
            "bytes_up": self.bytes_up,
            "bytes_down": self.bytes_down,
            "round_trips": self.round_trips,
            "messages": messages,
            "statements": self.statements,
            "control": self.control,
            "rows": rows,
            "opaque": self.opaque,
        }
