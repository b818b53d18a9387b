"""Apache Kafka in KRaft mode: one node that is controller and broker, and further brokers that join it.

clients ──▶ DIRECT (the main port: `bootstrap`)
clients ──▶ wire ──▶ FAULTY, which says that it is where the proxy listens, so nobody is sent past the proxy
brokers ──▶ INTER and CONTROLLER of each other
A data directory is what Kafka's own tool writes, kept once and signed for each cluster and node.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

from services import kafka_data, kafka_settings, maven
from services.java_server import JavaServer
from services.kafka_probe import brokers_at
from services.server import Image
from services.user import User

IN_CONTAINER = {"direct": 9092, "inter": 9093, "controller": 9094, "faulty": 9095}


class Kafka(JavaServer):
    """A dedicated Kafka; `settings` are lines of server.properties, `joins` makes it one more broker there.

    No password: the labs are about the log, and Kafka as it comes asks for none.
    """

    name = "kafka"
    product = "kafka"
    image = f"apache/kafka:{maven.version('kafka')}"
    more_ports = ("inter", "controller", "faulty", "wire")
    heap_mb = 160
    defaults: ClassVar[Mapping[str, str]] = kafka_settings.DEFAULTS

    def __init__(
        self,
        *,
        settings: Mapping[str, str] | None = None,
        joins: Kafka | None = None,
        backend: str | None = None,
        durable: bool = False,
        port: int | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        chosen = joins.backend if joins else backend
        super().__init__(settings=settings, backend=chosen, port=port, progress=progress)
        self.durable = durable
        self.first: Kafka = joins.first if joins else self
        self.cluster: str = self.first.cluster if joins else kafka_data.random_id()
        self.nodes: int = (
            self.first.nodes + 1 if joins else 1
        )  # of the cluster so far, as its first node counts
        self.node = self.first.nodes = self.nodes

    @property
    def bootstrap(self) -> str:
        """Host and port for clients that nothing shall come between."""
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The same, because Kafka's clients take no URL."""
        return self.bootstrap

    def wire_ends(self) -> tuple[str, int]:
        """The listener that knows of the proxy, and the port at which it tells clients to find it."""
        return f"{self.host}:{self.port_of('faulty')}", self.port_of("wire")

    def fill(self, directory: Path, owner: User) -> None:
        data = directory / "data"
        data.mkdir(mode=0o700)
        owner.owns(data)
        kafka_data.format_for(data, self.cluster, self.node, owner)

    def main(self, directory: Path, port: int) -> list[str]:
        lines = self._lines() | {"log.dirs": str(directory / "data")}
        return ["kafka.Kafka", str(kafka_data.write(directory / "server.properties", lines))]

    def properties(self, directory: Path) -> dict[str, str]:
        return super().properties(directory) | kafka_settings.LOGGING

    def container(self) -> Image:
        env = {kafka_settings.variable(name): value for name, value in self._lines().items()}
        env |= {
            "CLUSTER_ID": self.cluster,
            "KAFKA_HEAP_OPTS": f"-Xms{self.heap_mb // 2}m -Xmx{self.heap_mb}m",
        }
        more = {name: port for name, port in IN_CONTAINER.items() if name != "direct"}
        joins = self.first is not self
        if joins:
            self.first.neighbour()  # into the network with it; alone, it needs none
        return Image(self.image, IN_CONTAINER["direct"], env=env, more_ports=more, neighbourly=joins)

    def _lines(self) -> dict[str, str]:
        """server.properties: ours, then the caller's, then who and where this node is."""
        alone = self.first is self
        listen = self.host if self.backend == "native" else ""
        listeners = [name for name in IN_CONTAINER if alone or name != "controller"]
        seen_at = {
            "DIRECT": self.bootstrap,
            "INTER": self._address("inter"),
            "FAULTY": f"{self.host}:{self.port_of('wire')}",
        }
        return {
            **self.defaults,
            **self.settings,
            "node.id": str(self.node),
            "process.roles": "broker,controller" if alone else "broker",
            "controller.quorum.voters": f"1@{self.first._address('controller')}",
            "listeners": ",".join(f"{name.upper()}://{listen}:{self._inside(name)}" for name in listeners),
            "advertised.listeners": ",".join(f"{name}://{where}" for name, where in seen_at.items()),
        }

    def _inside(self, name: str) -> int:
        """The port of a listener as the process itself sees it."""
        if self.backend == "container":
            return IN_CONTAINER[name]
        return self.port if name == "direct" else self.port_of(name)

    def _address(self, name: str) -> str:
        """Where the other nodes find a listener of this one."""
        return f"{self.machine.host}:{self._inside(name)}"

    def answer(self) -> str:
        """Ask each listener for the cluster's brokers; the version stands in the log only.

        Each, because a node ends when one of its ports was taken, and may have answered at another before.
        """
        for port in (self.port, self.port_of("inter"), self.port_of("faulty")):
            if self.node not in brokers_at(self.host, port):
                raise ConnectionError("the controller does not count it as a broker yet")
        said = re.findall(r"Kafka version: (\S+)", self.logs(2000))
        return said[-1] if said else maven.version(self.product)

    def exercise(self) -> None:
        """A topic, a few records, a group: what every lab does first."""
        from services.kafka_topics import Topics

        topics = Topics(self.bootstrap)
        topics.create("exercise", partitions=2)
        topics.fill("exercise", (b"%d" % n for n in range(1000)))
        topics.read("exercise")
