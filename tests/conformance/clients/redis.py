"""Redis by redis-py."""

from __future__ import annotations

import redis

from services.server import Server
from tests.conformance.clients.client import Client


class RedisClient(Client):
    """A value is a key, saved to disk at once."""

    major = 8
    refusals = (redis.RedisError,)
    ready_words = "ready to accept"
    keeps = frozenset({"restart", "kill"})

    def remember(self, server: Server, value: str) -> None:
        with redis.Redis.from_url(server.url) as client:
            client.set("memory", value)
            client.save()

    def recall(self, server: Server, within_s: float = 5) -> str:
        options = {"socket_timeout": within_s, "retry": None, "decode_responses": True}
        with redis.Redis.from_url(server.url, **options) as client:
            return str(client.get("memory") or "")

    def knock(self, server: Server, password: str) -> None:
        with redis.Redis(port=server.port, password=password, retry=None) as client:
            client.ping()
