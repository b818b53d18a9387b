"""Zipkin: takes spans, keeps them in memory, shows them; on the Java of the wheel, without a container."""

from __future__ import annotations

from pathlib import Path

import httpx

from services import maven, ready, unpacked, web
from services.java_server import JavaServer
from services.server import Image


class Zipkin(JavaServer):
    """A dedicated Zipkin; `settings` are its Spring properties. It has no password of its own to ask for."""

    name = "zipkin"
    product = "zipkin"
    image = f"openzipkin/zipkin:{maven.version('zipkin').split('.')[0]}"
    patience = 3.0
    not_yet = (httpx.TransportError,)

    @property
    def url(self) -> str:
        """Address of its pages and, below /api/v2, of its HTTP API; spans go to /api/v2/spans."""
        return f"http://{self.host}:{self.port}"

    def jars(self) -> list[Path]:
        return unpacked.jars(self.product, self.progress)

    def main(self, directory: Path, port: int) -> list[str]:
        own = {"port": port, "address": self.host, "protocols[0]": "http"}
        settings = {**self.settings, **{f"armeria.ports[0].{name}": value for name, value in own.items()}}
        return ["zipkin.server.ZipkinServer", *(f"--{name}={value}" for name, value in settings.items())]

    def container(self) -> Image:
        settings = " ".join(f"-D{name}={value}" for name, value in self.settings.items())
        heap = f"-Xms{self.heap_mb // 2}m -Xmx{self.heap_mb}m"
        return Image(self.image, 9411, env={"JAVA_OPTS": f"{heap} {settings}".strip()})

    def answer(self) -> str:
        said = web.get(f"{self.url}/health")
        if said.status_code != httpx.codes.OK:
            raise ready.Again(said.text)
        return str(web.get(f"{self.url}/info").json()["zipkin"]["version"])
