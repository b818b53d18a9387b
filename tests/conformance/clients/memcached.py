"""Memcached by pymemcache."""

from __future__ import annotations

from pymemcache.client.base import Client as Memcache
from pymemcache.exceptions import MemcacheError

from services.server import Server
from tests.conformance.clients.client import Client


class MemcachedClient(Client):
    """A value is a key; nothing outlives the process."""

    major = 1
    refusals = (OSError, MemcacheError)
    ready_words = "slab class"
    has_password = False

    def remember(self, server: Server, value: str) -> None:
        Memcache(server.url, timeout=5).set("memory", value.encode(), noreply=False)

    def recall(self, server: Server, within_s: float = 5) -> str:
        found = Memcache(server.url, timeout=within_s).get("memory")
        return (found or b"").decode()
