"""One service of the shop as a server of the bench: a process of its own on 127.0.0.1.

ShopService(name, settings).start() ──SHOP_... variables──▶ `python -m services.shop.run name`
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import httpx

from services import ready, web
from services.errors import BacklabError
from services.machine import Image, Native
from services.server import Server
from services.shop.names import SERVICES
from services.shop.settings import Settings
from services.user import User

# what every service imports, and what uvicorn imports when it starts to serve
WARM = (
    *(f"services.shop.{name}" for name in SERVICES),
    *("uvicorn.loops.uvloop", "uvicorn.lifespan.on"),
    *("uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto"),
)


class ShopService(Server):
    """One service of the shop, or several by comma, as a process; ready when `/ready` says so."""

    name = "shop"
    image = ""
    not_yet = (httpx.TransportError, ready.Again)

    def __init__(self, service: str, settings: Settings, *, port: int | None = None) -> None:
        super().__init__(backend="native", port=port)
        self.service, self.settings = service, settings

    @property
    def url(self) -> str:
        """The service's base address."""
        return f"http://{self.host}:{self.port}"

    def runs_as(self) -> User:
        """Ourselves: it is our own code, in an environment that other users may not be able to read."""
        return User(None)

    def native(self, directory: Path, port: int) -> Native:
        argv = [sys.executable, "-m", "services.shop.run", self.service, "--port", str(port)]
        return Native(argv, env=self.settings.to_environment(), warm=WARM)

    def container(self) -> Image:
        raise BacklabError("the shop's services run as processes", "leave the back end to them")

    def answer(self) -> str:
        """Ask `/ready`; the version is that of the API."""
        said = web.get(f"{self.url}/ready")
        if not said.is_success:
            raise ready.Again(f"{self.service} is not ready")
        return str(said.json()["version"])

    def requests(self) -> int:
        """How many requests it has answered for its users, by its own Prometheus counter."""
        counters = re.findall(
            r"^shop_requests_total\{.*\} (.+)$", web.get(f"{self.url}/metrics").text, re.MULTILINE
        )
        return sum(int(float(count)) for count in counters)
