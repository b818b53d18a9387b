"""What is known of a server while it runs: its ports, its process, its memory, where others reach it."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from services.errors import ServerError
from services.machine import Image, Machine


class Facts:
    """The part of a `Server` that only asks its machine."""

    name: ClassVar[str]
    host = "127.0.0.1"
    _machine: Machine | None
    _paused: bool

    @abstractmethod
    def container(self) -> Image:
        """The container that does the same as the native process."""

    @property
    def running(self) -> bool:
        """True while it runs (or is paused)."""
        return self._machine is not None and self._machine.alive()

    @property
    def port(self) -> int:
        """Its TCP port on 127.0.0.1."""
        return self._started("port").port

    def port_of(self, name: str) -> int:
        """One of its further TCP ports on 127.0.0.1, by its name in `more_ports`."""
        return self._started("port").port_of(name)

    def neighbour(self, name: str | None = None) -> str:
        """Host and port at which another server on the same back end reaches it (`name`: a further port)."""
        inside = self.container()
        port = inside.more_ports[name] if name else inside.port
        host, port = self._started("address").neighbour(port, name)
        return f"{host}:{port}"

    def wire_ends(self) -> tuple[str, int]:
        """Where the fault proxy finds it, and the port at which the proxy has to listen (0: any)."""
        return f"{self.host}:{self.port}", 0

    @property
    def memory_bytes(self) -> int:
        """Memory that all its processes take together right now."""
        return self._started("memory").memory_bytes()

    @property
    def pid(self) -> int | None:
        """Process id of its main process; None in a container."""
        return self._started("process id").pid

    @property
    def machine(self) -> Machine:
        """What runs it, for those who prepare data."""
        return self._started("machine")

    @property
    def directory(self) -> Path:
        """Its directory on this machine (native back end): the log, and the data below it."""
        return self._started("directory").directory

    @property
    def ids(self) -> list[str]:
        """What runs, by name: "process 4711" or "container backlab-postgres-1f2e"."""
        return self._machine.ids if self._machine else []

    @property
    def paused(self) -> bool:
        """True between `pause()` and `resume()`: alive, and answering nobody."""
        return self._paused

    def _started(self, what: str) -> Machine:
        if self._machine is None:
            raise ServerError(f"{self.name} has no {what} before it is started", "call `start()` first")
        return self._machine
