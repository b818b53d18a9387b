"""Reads Redis' protocol (RESP 2 and 3) off the wire: which commands the client sent, how many replies came.

    up    *2 $3 GET $1 a          an array of bulk strings is a command, whatever else is in the same packet
    down  $5 hello | *2 … | >3 …  a value with all that is nested in it is one reply (> a push message)

Only headers and the command's first word are read, the rest is skipped. A *statement* is a command, except
what drivers send by themselves when they connect (HELLO, AUTH, CLIENT …), which counts as `control`. Messages
go by the command's name in capitals; the server's are "reply", "error" and "push". Source: redis.io, "RESP".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from chaos.wire.conversation import FramedConversation, NotThisProtocol
from chaos.wire.tally import Tally

NAME = re.compile(rb"[A-Za-z][A-Za-z0-9._-]{0,39}")
LONGEST_LINE = 1 << 16  # the server refuses longer ones too (PROTO_INLINE_MAX_SIZE)
LONGEST_NUMBER = 10  # digits
LONGEST_NAME = 64
BULKS, AGGREGATES, PAIRS, ATTRIBUTE, LINES = b"$!=", b"*~>", b"%", b"|", b"+-:_#,("
CONTROL = {"AUTH", "CLIENT", "COMMAND", "HELLO", "QUIT", "READONLY", "RESET", "SELECT"}
TLS_HANDSHAKE = b"\x16"


class Framer:
    """Cuts one direction into values, in whatever pieces it arrives."""

    def __init__(self, seen: Callable[[bytes], None]) -> None:
        self.seen = seen  # called once per message
        self.skip = 0  # bytes of the current bulk string that are still to come
        self.left = 0  # values of the current message that are still to come
        self.rest = b""  # a header of which the end is still to come

    def feed(self, data: bytes) -> None:
        """Read the values whose header completes in `data`."""
        if self.skip >= len(data):
            self.skip -= len(data)
            return
        data, at, self.skip, self.rest = self.rest + data, self.skip, 0, b""
        size = len(data)
        while at < size:
            end = data.find(b"\n", at)
            if (end if end >= 0 else size) - at > LONGEST_LINE:
                raise NotThisProtocol("an endless line")
            following = self.value(data, at, end) if end >= 0 else None
            if following is None:
                self.rest = data[at:]
                return
            at = following
        self.skip = at - size

    def value(self, data: bytes, at: int, end: int) -> int | None:
        """Read the line data[at:end]; returns where the next begins, or None if more bytes are needed."""
        raise NotImplementedError


class Commands(Framer):
    """What a client sends: arrays of bulk strings, or a line as from telnet; `seen` gets the first word."""

    first = False  # the next bulk string is the command's name

    def value(self, data: bytes, at: int, end: int) -> int | None:
        if self.left:
            return self._word(data, at, end)
        if data[at] == ord("*"):
            self.left = max(_number(data[at + 1 : end]), 0)
            self.first = True
        elif words := data[at:end].split(maxsplit=1):
            self.seen(words[0])
        return end + 1

    def _word(self, data: bytes, at: int, end: int) -> int | None:
        if data[at] != ord("$"):
            raise NotThisProtocol(f"a value of type {data[at]:#04x} in a command")
        length = _number(data[at + 1 : end])
        following = end + 1 + max(length, 0) + 2
        if self.first:
            if length <= LONGEST_NAME and following > len(data):
                return None
            self.seen(data[end + 1 : following - 2] if length <= LONGEST_NAME else b"")
        self.first = False
        self.left -= 1
        return following


class Replies(Framer):
    """What a server sends: values of all types, nested; `seen` gets the type of the outermost."""

    def value(self, data: bytes, at: int, end: int) -> int | None:
        kind = data[at : at + 1]
        if self.left:
            self.left -= 1
        else:
            self.seen(kind)
        if kind in LINES:
            return end + 1
        length = _number(data[at + 1 : end])
        if kind in BULKS:
            return end + 1 + (length + 2 if length >= 0 else 0)
        if kind in AGGREGATES:
            self.left += max(length, 0)
        elif kind in PAIRS:
            self.left += 2 * length
        elif kind == ATTRIBUTE:
            self.left += 2 * length + 1  # it stands before the value that it describes
        else:
            raise NotThisProtocol(f"a value of type {kind!r}")
        return end + 1


class RedisConversation(FramedConversation):
    """One connection; once it is not Redis (TLS, a replica's stream), only `tally.opaque` knows of it."""

    def __init__(self, tally: Tally) -> None:
        super().__init__(tally, Commands(self._command), Replies(self._reply))
        self._begun = False

    def up(self, data: bytes) -> None:
        """Count what the client sent; TLS begins with a byte that could also begin a command."""
        if not self._begun and data[:1] == TLS_HANDSHAKE:
            self.give_up()
        self._begun = True
        super().up(data)

    def _command(self, word: bytes) -> None:
        name = _name(word)
        self.messages_up += 1
        self.tally.statements += name not in CONTROL
        self.tally.control += name in CONTROL
        self.name(name)

    def _reply(self, kind: bytes) -> None:
        name = {b"-": "error", b"!": "error", b">": "push"}.get(kind, "reply")
        self.messages_down += 1
        self.name(name)


@lru_cache(maxsize=1024)
def _name(word: bytes) -> str:
    return word.decode().upper() if NAME.fullmatch(word) else "(no name)"


def _number(line: bytes) -> int:
    line = line.removesuffix(b"\r")
    if line.isdigit() and len(line) <= LONGEST_NUMBER:
        return int(line)
    if line == b"-1":
        return -1
    raise NotThisProtocol(f"a length of {line[:20]!r}")


def as_json(tally: Tally) -> dict[str, object]:
    """All counts of a Redis wire."""
    return tally.as_json({}, {}, rows=0)
