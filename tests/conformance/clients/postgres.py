"""PostgreSQL by psycopg."""

from __future__ import annotations

import re

import psycopg

from services.server import Server
from tests.conformance.clients.client import Client


class PostgresClient(Client):
    """A value is a row of a table."""

    major = 18
    refusals = (psycopg.Error,)
    ready_words = "ready to accept"
    keeps = frozenset({"restart", "kill"})

    def remember(self, server: Server, value: str) -> None:
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS memory (value text)")
            connection.execute("INSERT INTO memory VALUES (%s)", [value])

    def recall(self, server: Server, within_s: float = 5) -> str:
        with psycopg.connect(server.url, connect_timeout=round(within_s)) as connection:
            if connection.execute("SELECT to_regclass('memory')").fetchone() == (None,):
                return ""
            row = connection.execute("SELECT value FROM memory").fetchone()
            return str(row[0]) if row else ""

    def knock(self, server: Server, password: str) -> None:
        psycopg.connect(re.sub(r":[^:@/]+@", f":{password}@", server.url)).close()
