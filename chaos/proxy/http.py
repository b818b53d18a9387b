"""A small HTTP/1.1 server for the API: h11 parses, each request gets one JSON answer, a stream stays open.

socket ──▶ h11 ──▶ Request ──▶ handler ──▶ Answer(status, body) ──▶ socket
                                 └────────▶ Stream(first line, when_closed): held open by its client
"""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

import h11

from chaos.proxy.errors import ApiError

LONGEST_BODY = 1 << 20


@dataclass(frozen=True)
class Request:
    """What was asked."""

    method: str
    path: str
    body: bytes
    user_agent: str


@dataclass(frozen=True)
class Answer:
    """A status and a JSON value, or text if the content type says so; None stands for no content."""

    status: int
    value: Any = None
    content_type: str = "application/json"

    @property
    def body(self) -> bytes:
        if self.value is None:
            return b""
        text = json.dumps(self.value) + "\n" if self.content_type == "application/json" else self.value
        return str(text).encode()


@dataclass(frozen=True)
class Stream:
    """A first line of JSON, after which the connection stays open until the client closes it."""

    value: Any
    when_closed: Callable[[], None]


Handler = Callable[[Request], Awaitable[Answer | Stream]]


class Conversation(asyncio.Protocol):
    """One connection of the API; requests are answered one after the other."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.http = h11.Connection(h11.SERVER)
        self.transport: asyncio.Transport | None = None
        self.request: h11.Request | None = None
        self.body = b""
        self.when_closed: Callable[[], None] | None = None
        self.answering: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are none by class

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.when_closed:
            self.when_closed()

    def data_received(self, data: bytes) -> None:
        if self.when_closed:
            return  # heart beats of a holder mean nothing to us: its open connection does
        self.http.receive_data(data)
        self._read()

    def _read(self) -> None:
        """Take what h11 has understood until a request is complete."""
        try:
            while self.answering is None:
                event = self.http.next_event()
                if isinstance(event, h11.Request):
                    self.request, self.body = event, b""
                elif isinstance(event, h11.Data):
                    self.body += bytes(event.data)
                    if len(self.body) > LONGEST_BODY:
                        raise h11.RemoteProtocolError("body too long", 413)
                elif isinstance(event, h11.EndOfMessage):
                    self.answering = asyncio.get_running_loop().create_task(self._answer())
                else:
                    return
        except h11.RemoteProtocolError as wrong:
            self._send(
                Answer(wrong.error_status_hint, {"error": str(wrong), "status": wrong.error_status_hint})
            )
            if self.transport:
                self.transport.close()

    async def _answer(self) -> None:
        assert self.request is not None
        agent = dict(self.request.headers).get(b"user-agent", b"").decode("latin-1")
        path = self.request.target.decode("latin-1").partition("?")[0]
        request = Request(self.request.method.decode(), path, self.body, agent)
        try:
            answer = await self.handler(request)
        except ApiError as refusal:
            answer = Answer(refusal.status, {"error": refusal.message, "status": refusal.status})
        except Exception as bug:  # a mistake of ours: say so instead of leaving the client waiting
            traceback.print_exc()
            answer = Answer(500, {"error": repr(bug), "status": 500})
        if isinstance(answer, Stream):
            self._open(answer)
            return
        self._send(answer)
        self.answering = None
        if self.http.our_state is h11.MUST_CLOSE and self.transport:
            self.transport.close()
        elif self.http.our_state is h11.DONE:
            self.http.start_next_cycle()
            self._read()

    def _open(self, stream: Stream) -> None:
        if self.transport is None:
            stream.when_closed()
            return
        self.when_closed = stream.when_closed
        head = h11.Response(status_code=200, headers=[("Content-Type", "application/json")])
        line = json.dumps(stream.value).encode() + b"\n"
        self.transport.write(self.http.send(head) + self.http.send(h11.Data(data=line)))  # type: ignore[operator]

    def _send(self, answer: Answer) -> None:
        body = answer.body
        headers = [("Content-Length", str(len(body)))] if answer.status != 204 else []
        if body:
            headers.append(("Content-Type", answer.content_type))
        if self.transport is None or self.http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        parts = [
            h11.Response(status_code=answer.status, headers=headers),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ]
        self.transport.write(b"".join(self.http.send(part) or b"" for part in parts))
