"""Apicurio Registry by the API of Confluent's Schema Registry."""

from __future__ import annotations

import json

import httpx

from services.server import Server
from tests.conformance.clients.client import Client


class ApicurioClient(Client):
    """A value is the name of a schema's record, kept in memory."""

    major = 3
    refusals = (httpx.TransportError,)
    ready_words = "listening on"
    has_password = False

    def remember(self, server: Server, value: str) -> None:
        schema = json.dumps({"type": "record", "name": value, "fields": []})
        said = httpx.post(f"{server.url}/subjects/memory/versions", json={"schema": schema}, timeout=10)
        assert said.status_code == httpx.codes.OK, said.text

    def recall(self, server: Server, within_s: float = 5) -> str:
        found = httpx.get(f"{server.url}/subjects/memory/versions/latest", timeout=within_s)
        return str(json.loads(found.json()["schema"])["name"]) if found.status_code == httpx.codes.OK else ""
