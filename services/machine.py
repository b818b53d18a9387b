"""What a kind of server tells a back end (`Native`, `Image`), and what a back end can do (`Machine`)."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Native:
    """How a server runs as a process: command line, environment, signals to stop it politely and at once.

    `files` are its configuration by name, written into its directory before each start: they know the port.
    `warm` names modules of a Python server, started by `python -m`, that a fork may find imported already.
    """

    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)
    polite: int = signal.SIGTERM
    urgent: int = signal.SIGTERM
    files: dict[str, str] = field(default_factory=dict)
    warm: tuple[str, ...] = ()


@dataclass(frozen=True)
class Image:
    """How a server runs in a container: image, ports inside, command, environment.

    `more_ports` are by the names of `Server.more_ports`; `neighbourly` joins this process's network from the
    start, for a server that starts by looking for another. `on_host` shares this machine's network instead,
    for one that asks servers on 127.0.0.1: its ports inside are those outside, and it must listen on
    127.0.0.1 only. `files` are its configuration by path inside.
    """

    name: str
    port: int
    command: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    more_ports: dict[str, int] = field(default_factory=dict)
    neighbourly: bool = False
    on_host: bool = False
    files: dict[str, str] = field(default_factory=dict)


class Machine(Protocol):
    """What runs one server; `process.py` and `container.py` each have one.

    `host` is where neighbours find it. `start` returns at once, `configure` writes the server's files anew
    while it runs, `tell` sends its main process a signal, `halt` stops politely and keeps the data, `discard`
    leaves nothing.
    """

    @property
    def port(self) -> int: ...
    def port_of(self, name: str) -> int: ...
    @property
    def pid(self) -> int | None: ...
    @property
    def ids(self) -> list[str]: ...
    @property
    def directory(self) -> Path: ...
    @property
    def host(self) -> str: ...

    def start(self) -> None: ...
    def alive(self) -> bool: ...
    def configure(self) -> None: ...
    def tell(self, number: int) -> None: ...
    def halt(self, within_s: float) -> None: ...
    def kill(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def logs(self, lines: int) -> str: ...
    def memory_bytes(self) -> int: ...
    def neighbour(self, port_inside: int, port_name: str | None) -> tuple[str, int]: ...
    def change_port(self) -> None: ...
    def discard(self) -> None: ...
