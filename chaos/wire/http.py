"""Reads HTTP/1.1 off the wire: how many requests by method, how many answers by status.

    up    GET /a HTTP/1.1 … | POST /b … Content-Length: 5 … hello | …
    down  HTTP/1.1 200 OK … body by length, by chunks, or until the server closes

Heads are read, bodies skipped. A *statement* is a request. Interim answers (100, 103) are counted by their
status and do not end a request. HTTP/2, TLS, CONNECT and an upgrade (WebSocket) make a connection opaque: of
what follows only bytes and round trips are known. Source: RFC 9112.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable

from chaos.wire.conversation import FramedConversation, NotThisProtocol
from chaos.wire.tally import Tally

LONGEST_HEAD = 1 << 17
END_OF_HEAD = re.compile(rb"\n\r?\n")
REQUEST = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) [^ \r\n]+ HTTP/1\.[01]\r?\n")
ANSWER = re.compile(rb"HTTP/1\.[01] (\d{3})(?: [^\r\n]*)?\r?\n")
LENGTH = re.compile(rb"\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r?\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\ntransfer-encoding:[^\r\n]*chunked[ \t]*\r?\n", re.IGNORECASE)
CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
HEAD, SIZE, TRAILER = "head", "size of a chunk", "trailer"
FOREVER = 1 << 62


class Framer:
    """Cuts one direction into messages, in whatever pieces it arrives."""

    def __init__(self, head: Callable[[bytes], int | None]) -> None:
        self.head = head  # takes a head, returns the size of its body, or None if that comes in chunks
        self.state = HEAD
        self.skip = 0  # bytes of the current body or chunk that are still to come
        self.rest = b""

    def feed(self, data: bytes) -> None:
        """Read the heads that complete in `data`."""
        if self.skip >= len(data):
            self.skip -= len(data)
            return
        data, at, self.skip, self.rest = self.rest + data, self.skip, 0, b""
        while at < len(data):
            following = self._head(data, at) if self.state == HEAD else self._line(data, at)
            if following is None:
                self.rest = data[at:]
                if len(self.rest) > LONGEST_HEAD:
                    raise NotThisProtocol("an endless head")
                return
            at = following
        self.skip = at - len(data)

    def _head(self, data: bytes, at: int) -> int | None:
        if data[at] in b"\r\n":
            return at + 1  # empty lines before a request are allowed
        if not 0x21 <= data[at] <= 0x7E:
            raise NotThisProtocol(f"a head that begins with byte {data[at]:#04x}")
        end = END_OF_HEAD.search(data, at)
        if end is None:
            return None
        size = self.head(data[at : end.end()])
        if size is None:
            self.state = SIZE
        return end.end() + (size or 0)

    def _line(self, data: bytes, at: int) -> int | None:
        end = data.find(b"\n", at) + 1
        if not end:
            return None
        if self.state == TRAILER:
            if not data[at:end].strip():
                self.state = HEAD
            return end
        chunk = CHUNK.fullmatch(data, at, end)
        if chunk is None:
            raise NotThisProtocol(f"a chunk that begins {data[at : at + 20]!r}")
        size = int(chunk[1], 16)
        if size == 0:
            self.state = TRAILER
            return end
        return end + size + 2


class HttpConversation(FramedConversation):
    """One connection; the methods of open requests are kept, because the answer to HEAD has no body."""

    def __init__(self, tally: Tally) -> None:
        super().__init__(tally, Framer(self._request), Framer(self._answer))
        self._open: deque[bytes] = deque()

    def _request(self, head: bytes) -> int | None:
        line = REQUEST.match(head)
        if line is None:
            raise NotThisProtocol(f"a request that begins {head[:20]!r}")
        self._open.append(line[1])
        self.messages_up += 1
        self.tally.statements += 1
        self.name(line[1].decode())
        return body_size(head, 0)

    def _answer(self, head: bytes) -> int | None:
        line = ANSWER.match(head)
        if line is None:
            raise NotThisProtocol(f"an answer that begins {head[:20]!r}")
        status = int(line[1])
        self.messages_down += 1
        self.name(line[1].decode())
        if status == 101:
            raise NotThisProtocol("another protocol from here")
        if status < 200:
            return 0
        method = self._open.popleft() if self._open else b"GET"
        if method == b"CONNECT" and status < 300:
            raise NotThisProtocol("a tunnel from here")
        return 0 if method == b"HEAD" or status in (204, 304) else body_size(head, FOREVER)


def body_size(head: bytes, otherwise: int) -> int | None:
    """Bytes of the body that follows a head, or None for chunks."""
    if CHUNKED.search(head):
        return None
    length = LENGTH.search(head)
    return int(length[1]) if length else otherwise


def as_json(tally: Tally) -> dict[str, object]:
    """All counts of an HTTP wire."""
    return tally.as_json({}, {}, rows=0)
