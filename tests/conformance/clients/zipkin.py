"""Zipkin by its HTTP API."""

from __future__ import annotations

import time

import httpx

from services import ready
from services.server import Server
from tests.conformance.clients.client import Client

TRACE = "00000000000000a1"


class ZipkinClient(Client):
    """A value is the name of a span, kept in memory."""

    major = 3
    refusals = (httpx.TransportError,)
    ready_words = "serving http at"
    has_password = False

    def remember(self, server: Server, value: str) -> None:
        span = {"traceId": TRACE, "id": TRACE, "name": value, "timestamp": time.time_ns() // 1000}
        said = httpx.post(f"{server.url}/api/v2/spans", json=[span], timeout=5)
        assert said.status_code == httpx.codes.ACCEPTED, said.text
        assert ready.true(lambda: self.recall(server) == value), "it was not stored"

    def recall(self, server: Server, within_s: float = 5) -> str:
        found = httpx.get(f"{server.url}/api/v2/trace/{TRACE}", timeout=within_s)
        return str(found.json()[0]["name"]) if found.status_code == httpx.codes.OK else ""
