"""Memcached 1.6: keys in memory and nothing else, with the slab and LRU options of the caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from pymemcache.client.base import Client  # type: ignore[import-untyped]  # pymemcache ships no types
from pymemcache.exceptions import MemcacheError  # type: ignore[import-untyped]

from services import binaries
from services.server import Image, Native, Server

PROGRAMS = binaries.Programs(
    server="memcached",
    variable="BACKLAB_MEMCACHED",
    machine=("/opt/homebrew/opt/memcached/bin", "/usr/local/opt/memcached/bin"),
    apt="memcached",
    brew="memcached",
)
QUIET = b"verbosity 1"


class Memcached(Server):
    """A dedicated Memcached; `settings` are its long options: {"memory-limit": "3", "extended": "no_modern"}.

    An option without a value is "". It has no password: its own (SASL, or a file) are marked experimental or
    need the binary protocol, and it listens on 127.0.0.1 only.
    """

    name = "memcached"
    image = "memcached:1.6"
    programs = PROGRAMS
    not_yet = (OSError, MemcacheError)

    def __init__(
        self,
        *,
        settings: Mapping[str, str] | None = None,
        backend: str | None = None,
        port: int | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(backend=backend, port=port, progress=progress)
        self.settings = {"memory-limit": "64", "threads": "2", **(settings or {})}
        self.memory_mb = int(self.settings["memory-limit"]) + 64  # the limit is for items only

    @property
    def url(self) -> str:
        """Address as pymemcache takes it."""
        return f"{self.host}:{self.port}"

    def _options(self) -> list[str]:
        """`-vv` has it write its slab classes into the log; `answer` then ends the chatter."""
        chosen = [f"--{name}={value}" if value else f"--{name}" for name, value in self.settings.items()]
        return ["-vv", "--udp-port=0", *chosen]

    def native(self, directory: Path, port: int) -> Native:
        program = binaries.directory(PROGRAMS) / "memcached"
        return Native([str(program), f"--listen={self.host}", f"--port={port}", *self._options()])

    def container(self) -> Image:
        return Image(self.image, 11211, ["memcached", *self._options()])

    def answer(self) -> str:
        client = Client((self.host, self.port), connect_timeout=5, timeout=5)
        try:
            client.raw_command(QUIET)
            return client.version().decode()
        finally:
            client.close()
