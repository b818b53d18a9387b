"""One replica of lab 4.3 as a server of the bench: a process of its own on 127.0.0.1.

ReplicaServer(settings).start()   ready when `/ready` answers, draining or not
             .drain()             out of rotation; returns when nothing is queued or in flight
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import httpx

from services import ready, web
from services.errors import BacklabError, ServerError
from services.machine import Image, Native
from services.server import Server
from services.shop.settings import Settings
from services.user import User


class ReplicaServer(Server):
    """One process of `services.shop.replica`; its jobs wait in the database of the settings."""

    name = "replica"
    image = ""
    not_yet = (httpx.TransportError,)

    def __init__(self, settings: Settings, *, port: int | None = None) -> None:
        super().__init__(backend="native", port=port)
        self.settings = settings

    @property
    def url(self) -> str:
        """The replica's base address."""
        return f"http://{self.host}:{self.port}"

    def runs_as(self) -> User:
        """Ourselves: it is our own code, in an environment that other users may not be able to read."""
        return User(None)

    def native(self, directory: Path, port: int) -> Native:
        argv = [sys.executable, "-m", "services.shop.replica", "--port", str(port)]
        return Native(argv, env=self.settings.to_environment())

    def container(self) -> Image:
        raise BacklabError("a replica runs as a process", "leave the back end to it")

    def answer(self) -> str:
        """Ask `/ready`; a draining replica has started all the same."""
        web.get(f"{self.url}/ready")
        return "replica"

    def metrics(self) -> dict[str, float]:
        """Its counters and gauges by name, with labels as they stand on the page."""
        page = web.get(f"{self.url}/metrics").text
        return {
            name: float(value) for name, value in re.findall(r"^(replica_\S+) (\S+)$", page, re.MULTILINE)
        }

    def drain(self, within_s: float = 30.0) -> None:
        """Have it say that it is not ready, and return when it has nothing left to do; safe to repeat.

        It does not stop: a balancer may not have looked yet, and what it sends meanwhile is served. Raises
        `ServerError` when work is left after `within_s`.
        """

        def idle() -> bool:
            left = web.post(f"{self.url}/drain").json()
            return not left["queued"] and not left["in_flight"]

        if not ready.true(idle, within_s=within_s):
            raise ServerError(
                f"the replica on {self.host}:{self.port} still works after {within_s} s",
                "wait longer, or kill it and lose what it does",
            )
