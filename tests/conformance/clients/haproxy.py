"""HAProxy by its runtime API and by HTTP."""

from __future__ import annotations

from typing import Any

import httpx

from services.haproxy import HAProxy
from services.server import Server
from tests.conformance.clients.client import Client

CONFIG = """
frontend memory
    bind "$BIND"
    http-request return status 200 content-type text/plain lf-string "%[var(proc.memory)]"
"""


class HAProxyClient(Client):
    """A value is set through the runtime API and served by the front end; it forgets it with its process."""

    major = 3
    oldest_major = 2  # Debian 12's
    refusals = (OSError, httpx.TransportError)
    ready_words = "loading success"
    has_password = False

    def options(self) -> dict[str, Any]:
        return {"config": CONFIG}

    def remember(self, server: Server, value: str) -> None:
        assert isinstance(server, HAProxy)
        said = server.command(f"experimental-mode on; set var proc.memory str({value})")
        assert not said.strip(), said

    def recall(self, server: Server, within_s: float = 5) -> str:
        return httpx.get(server.url, timeout=within_s).text
