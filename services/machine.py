"""What a kind of server tells a back end (`Native`, `Image`), and what a back end can do (`Machine`)."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Native:
    """How a server runs as a process: command line, environment, signals to stop it politely and at once."""

    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)
    polite: int = signal.SIGTERM
    urgent: int = signal.SIGTERM


@dataclass(frozen=True)
class Image:
    """How a server runs in a container: image, port inside, command, environment."""

    name: str
    port: int
    command: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)


class Machine(Protocol):
    """What runs one server; `process.py` and `container.py` each have one.

    `start` returns at once, `halt` stops politely and keeps the data, `discard` leaves nothing.
    """

    @property
    def port(self) -> int: ...
    @property
    def pid(self) -> int | None: ...
    @property
    def ids(self) -> list[str]: ...
    @property
    def directory(self) -> Path: ...

    def start(self) -> None: ...
    def alive(self) -> bool: ...
    def halt(self, within_s: float) -> None: ...
    def kill(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def logs(self, lines: int) -> str: ...
    def change_port(self) -> None: ...
    def discard(self) -> None: ...
