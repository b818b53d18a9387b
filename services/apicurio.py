"""Apicurio Registry: schemas and their compatibility rules, kept in memory; used through Confluent's API."""

from __future__ import annotations

from pathlib import Path

import httpx

from services import maven, ready, unpacked, web
from services.java_server import JavaServer
from services.server import Image


class Apicurio(JavaServer):
    """A dedicated registry; `settings` are its properties: {"apicurio.rules.global.compatibility": "FULL"}.

    No password: it would take an identity provider beside it.
    """

    name = "apicurio"
    product = "apicurio"
    image = f"apicurio/apicurio-registry:{maven.version('apicurio')}"
    more_ports = ("management",)  # health and metrics
    heap_mb = 192
    patience = 3.0
    not_yet = (httpx.TransportError,)

    @property
    def url(self) -> str:
        """Address of what a client of Confluent's Schema Registry takes for one."""
        return f"http://{self.host}:{self.port}/apis/ccompat/v7"

    def jars(self) -> list[Path]:
        """None on the class path: Quarkus finds its own beside quarkus-run.jar."""
        unpacked.directory(self.product, self.progress)
        return []

    def properties(self, directory: Path) -> dict[str, str]:
        ports = {"http": self.port, "management": self.port_of("management")}
        own = {f"quarkus.{name}.host": self.host for name in ports}
        own |= {f"quarkus.{name}.port": str(port) for name, port in ports.items()}
        return super().properties(directory) | self.settings | own

    def main(self, directory: Path, port: int) -> list[str]:
        return ["-jar", str(unpacked.directory(self.product, self.progress) / "quarkus-run.jar")]

    def container(self) -> Image:
        settings = " ".join(f"-D{name}={value}" for name, value in self.settings.items())
        heap = f"-Xms{self.heap_mb // 2}m -Xmx{self.heap_mb}m"
        env = {"JAVA_OPTS_APPEND": f"{heap} {settings}".strip()}
        return Image(self.image, 8080, env=env, more_ports={"management": 9000})

    def answer(self) -> str:
        said = web.get(f"http://{self.host}:{self.port}/apis/registry/v3/system/info")
        if said.status_code != httpx.codes.OK:
            raise ready.Again(said.text)
        return str(said.json()["version"])
