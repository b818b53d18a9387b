"""Reads PostgreSQL's protocol 3 off the wire: which messages, how many statements, how many rows.

    up    StartupMessage ▶ messages      (SSLRequest ▶ the server says N: StartupMessage; S: TLS, bytes only)
    down  messages                       each: 1 byte type, 4 bytes length (with itself), body

Only headers are read and bodies skipped: a gigabyte of COPY costs no more than its chunks. A *statement* is a
Query or an Execute message of the client. A Query that only begins or ends a transaction or drops prepared
statements (BEGIN, ROLLBACK, DEALLOCATE ALL: what drivers send by themselves) counts as `control` instead. A
*row* is a DataRow message. Source: PostgreSQL documentation, "Frontend/Backend Protocol".
"""

from __future__ import annotations

import re
from struct import Struct

from chaos.wire.tally import Tally

HEADER = Struct(">BI")
STARTUP = Struct(">II")
SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102
LONGEST_STARTUP = 10_000  # the server refuses longer ones too (MAX_STARTUP_PACKET_LENGTH)
TLS_HANDSHAKE = 0x16  # first byte of a TLS connection without SSLRequest, as PostgreSQL 17 allows it
QUERY, EXECUTE, DATA_ROW = ord("Q"), ord("E"), ord("D")
LONGEST_CONTROL = 80  # "BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE" has 57 letters
CONTROL = re.compile(
    rb"\s*(DEALLOCATE\s+[\w\"]+|DISCARD\s+ALL|(BEGIN|START\s+TRANSACTION|COMMIT|END|ROLLBACK|ABORT)"
    rb"([\s,]+(WORK|TRANSACTION|ISOLATION\s+LEVEL|READ|WRITE|ONLY|(NOT\s+)?DEFERRABLE|SERIALIZABLE|REPEATABLE"
    rb"|(UN)?COMMITTED|AND(\s+NO)?\s+CHAIN))*)\s*;?\s*\0?",
    re.IGNORECASE,
)
NAMES_UP = {
    ord(kind): name
    for kind, name in {
        "B": "Bind", "C": "Close", "d": "CopyData", "c": "CopyDone", "f": "CopyFail", "D": "Describe",
        "E": "Execute", "H": "Flush", "F": "FunctionCall", "P": "Parse", "p": "PasswordMessage", "Q": "Query",
        "S": "Sync", "X": "Terminate",
    }.items()
}  # fmt: skip
NAMES_DOWN = {
    ord(kind): name
    for kind, name in {
        "R": "Authentication", "K": "BackendKeyData", "2": "BindComplete", "3": "CloseComplete",
        "C": "CommandComplete", "d": "CopyData", "c": "CopyDone", "G": "CopyInResponse",
        "H": "CopyOutResponse", "W": "CopyBothResponse", "D": "DataRow", "I": "EmptyQueryResponse",
        "E": "ErrorResponse", "V": "FunctionCallResponse", "v": "NegotiateProtocolVersion", "n": "NoData",
        "N": "NoticeResponse", "A": "NotificationResponse", "t": "ParameterDescription",
        "S": "ParameterStatus", "1": "ParseComplete", "s": "PortalSuspended", "Z": "ReadyForQuery",
        "T": "RowDescription",
    }.items()
}  # fmt: skip


class NotPostgres(Exception):
    """The bytes cannot be this protocol."""


class Framer:
    """Cuts one direction into messages, in whatever pieces it arrives: reads headers, skips bodies."""

    def __init__(self) -> None:
        self.skip = 0  # bytes of the current body that are still to come
        self.rest = b""  # a header, or a short Query, of which the end is still to come
        self.messages = 0

    def feed(self, data: bytes, seen: list[int], tally: Tally | None = None) -> None:
        """Count the messages whose header completes in `data`; with a tally, look into short Queries."""
        if self.skip >= len(data):
            self.skip -= len(data)
            return
        if self.rest:
            data = self.rest + data
        at, size = self.skip, len(data)
        unpack, judged = HEADER.unpack_from, QUERY if tally else -1
        before_last_header, count = size - 4, 0
        while at < before_last_header:
            kind, length = unpack(data, at)
            if length < 4:
                raise NotPostgres(f"a message of type {kind:#04x} and length {length}")
            if kind == judged and length < LONGEST_CONTROL and tally:
                if at + 1 + length > size:
                    break  # short: wait for all of it
                tally.control += CONTROL.fullmatch(data, at + 5, at + 1 + length) is not None
            seen[kind] += 1
            count += 1
            at += length + 1
        self.messages += count
        self.skip, self.rest = (at - size, b"") if at > size else (0, data[at:])


class PostgresConversation:
    """One connection; once it turns to TLS or is not PostgreSQL, only `tally.opaque` knows of it."""

    names_up, names_down = NAMES_UP, NAMES_DOWN

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self._client, self._server = Framer(), Framer()
        self._start: bytes | None = (
            b""  # what has come of the message that opens the connection; None when done
        )
        self._asked_for_encryption = False
        self._opaque = False

    @property
    def messages_up(self) -> int:
        """Messages of the client so far (without the one that opens the connection)."""
        return self._client.messages

    @property
    def messages_down(self) -> int:
        """Messages of the server so far."""
        return self._server.messages

    def up(self, data: bytes) -> None:
        """Count what the client sent."""
        if self._opaque:
            return
        try:
            if self._start is None:
                self._client.feed(data, self.tally.seen_up, self.tally)
            else:
                self._open(self._start + data)
        except NotPostgres:
            self._give_up()

    def down(self, data: bytes) -> None:
        """Count what the server sent."""
        if self._opaque:
            return
        try:
            if self._asked_for_encryption:
                data = self._answer(data)
            self._server.feed(data, self.tally.seen_down)
        except NotPostgres:
            self._give_up()

    def _open(self, data: bytes) -> None:
        """Read the first message, which has no type byte: length, then a version or the code of a request."""
        self._start = data
        if data[:1] == bytes([TLS_HANDSHAKE]):
            raise NotPostgres("TLS from the first byte")
        if len(data) < STARTUP.size or self._asked_for_encryption:
            return
        length, code = STARTUP.unpack_from(data)
        if not STARTUP.size <= length <= LONGEST_STARTUP:
            raise NotPostgres(f"an opening message of length {length}")
        name = {SSL_REQUEST: "SSLRequest", GSS_REQUEST: "GSSENCRequest", CANCEL_REQUEST: "CancelRequest"}
        self._name(name.get(code, "StartupMessage"))
        if code in (SSL_REQUEST, GSS_REQUEST):
            self._start, self._asked_for_encryption = data[length:], True
            return
        self._start, self._client.skip = None, length
        self._client.feed(data, self.tally.seen_up, self.tally)

    def _answer(self, data: bytes) -> bytes:
        """Read the single byte that answers a request for encryption; returns what follows it."""
        if data[:1] in (b"S", b"G"):
            raise NotPostgres("encrypted from here")
        self._asked_for_encryption = False
        if data[:1] == b"E":
            return data  # an old server's ErrorResponse
        self._open(self._start or b"")
        return data[1:]

    def _name(self, name: str) -> None:
        self.tally.named[name] = self.tally.named.get(name, 0) + 1

    def _give_up(self) -> None:
        self._opaque = True
        self.tally.opaque += 1


def as_json(tally: Tally) -> dict[str, object]:
    """All counts of a PostgreSQL wire."""
    tally.statements = tally.seen_up[QUERY] + tally.seen_up[EXECUTE] - tally.control
    return tally.as_json(NAMES_UP, NAMES_DOWN, rows=tally.seen_down[DATA_ROW])
