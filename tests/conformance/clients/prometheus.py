"""Prometheus by its HTTP API."""

from __future__ import annotations

import json
from typing import Any

import httpx

from services import ready
from services.prometheus import Prometheus
from services.server import Server
from tests.conformance.clients.client import Client


class PrometheusClient(Client):
    """A value is a label of a series that a rule of ours records; the series outlives rule and process."""

    major = 3
    oldest_major = 2  # Debian 12's
    refusals = (httpx.TransportError,)
    ready_words = "server is ready to receive"
    keeps = frozenset({"restart", "kill"})
    has_password = False

    def options(self) -> dict[str, Any]:
        return {"interval_s": 0.1}

    def remember(self, server: Server, value: str) -> None:
        assert isinstance(server, Prometheus)
        rule = {"record": "memory", "expr": "vector(1)", "labels": {"value": value}}
        server.rules = json.dumps({"groups": [{"name": "suite", "rules": [rule]}]})  # JSON is YAML
        server.reload()
        assert ready.true(lambda: self.recall(server) == value), "it was not recorded"
        server.rules = ""
        server.reload()

    def recall(self, server: Server, within_s: float = 5) -> str:
        query = {"query": "last_over_time(memory[1h])"}
        found = httpx.get(f"{server.url}/api/v1/query", params=query, timeout=within_s).json()
        series = found["data"]["result"]
        return str(series[0]["metric"]["value"]) if series else ""
