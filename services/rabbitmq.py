"""RabbitMQ: one node with nothing but AMQP, as fast as it can start, with a fresh password per start.

home/  ──links──▶  the machine's scripts and only those Erlang applications that the node needs:
                   with all its plug-ins on the path, Erlang opens 50,000 files that are not there
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

import pika  # type: ignore[import-untyped]  # pika ships no types

from services import binaries, erlang, ready
from services.server import Image, Native, Server
from services.user import User

PROGRAMS = binaries.Programs(
    server="rabbitmq-server",
    variable="BACKLAB_RABBITMQ",
    machine=(
        "/usr/local/opt/rabbitmq/sbin",
        "/opt/homebrew/opt/rabbitmq/sbin",
        "/usr/lib/rabbitmq/bin",  # what Debian has on the path starts as its own user only
    ),
    apt="rabbitmq-server",
    brew="rabbitmq",
)
USER = "backlab"
SMALL = "+S 2:2"  # schedulers
GREETING = b"AMQP\x00\x00\x09\x01"


class RabbitMQ(Server):
    """A dedicated RabbitMQ; `settings` are lines of rabbitmq.conf, `management` adds the HTTP API.

    Natively it is the machine's own (Debian 12 has 3.10), in a container 4. A durable queue that 3.10 has
    declared just before a `kill()` may be gone with its messages: that is RabbitMQ's, not the bench's.
    """

    name = "rabbitmq"
    image = "rabbitmq:4-management"
    programs = PROGRAMS
    patience = 3.0
    more_ports = ("management", "distribution")

    def __init__(
        self,
        *,
        management: bool = False,
        settings: Mapping[str, str] | None = None,
        backend: str | None = None,
        port: int | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(backend=backend, port=port, progress=progress)
        self.settings = dict(settings or {})
        self.plugins = ["rabbitmq_management"] if management else []
        self._password = secrets.token_urlsafe(18)

    @property
    def url(self) -> str:
        """Address of the virtual host "/", as pika takes it."""
        return f"amqp://{USER}:{self._password}@{self.host}:{self.port}/%2F"

    @property
    def management_url(self) -> str:
        """Address of the HTTP API and its pages, with user and password."""
        return f"http://{USER}:{self._password}@{self.host}:{self.port_of('management')}"

    @classmethod
    def native_version(cls) -> str:
        return erlang.version(_installation())

    def fill(self, directory: Path, owner: User) -> None:
        erlang.small_home(directory / "home", _installation(), ["rabbit", *self.plugins])

    def native(self, directory: Path, port: int) -> Native:
        files = {
            "advanced.config": erlang.config(
                self.host, port, self.port_of("management"), USER, self._password
            ),
            "rabbitmq.conf": self._settings(),
            "enabled_plugins": f"[{','.join(self.plugins)}].\n",
        }
        env = erlang.environment(
            directory, self.host, self.port_of("distribution"), SMALL, bool(self.settings)
        )
        return Native([str(directory / "home/sbin/rabbitmq-server")], env, files=files)

    def container(self) -> Image:
        env = {
            "RABBITMQ_DEFAULT_USER": USER,
            "RABBITMQ_DEFAULT_PASS": self._password,
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": SMALL,
        }
        files = {
            "/etc/rabbitmq/enabled_plugins": f"[{','.join(self.plugins)}].\n",
            "/etc/rabbitmq/conf.d/90-backlab.conf": self._settings(),
        }
        more = {"management": 15672} if self.plugins else {}
        return Image(self.image, 5672, [], env, more, files=files)

    def _settings(self) -> str:
        return "".join(f"{name} = {value}\n" for name, value in self.settings.items())

    def answer(self) -> str:
        """The version stands in the greeting, before any log-in; it listens when the user is there."""
        with socket.create_connection((self.host, self.port), timeout=5) as link:
            link.sendall(GREETING)
            _, frame = pika.frame.decode_frame(link.recv(65536))
        if frame is None:
            raise ready.Again("it accepts connections and does not greet yet")
        return str(frame.method.server_properties["version"])


def _installation() -> Path:
    """The directory that holds its scripts and its plug-ins."""
    return (binaries.directory(PROGRAMS) / "rabbitmq-server").resolve().parents[1]
