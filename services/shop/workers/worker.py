"""What every worker has in common: it takes turns until it is told to stop, and says when it is ready.

start() ──▶ turn(), turn(), ...  ──SIGTERM──▶ close()
               └── ready() holds for the first time: the readiness file appears, until the process ends
"""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from types import FrameType
from typing import ClassVar, Protocol

from services.shop.settings import Settings

IDLE_S = 0.02  # after a turn without work


class Worker(Protocol):
    """A small process behind the services; `STEPS` are the places where an experiment may kill it."""

    STEPS: ClassVar[tuple[str, ...]]

    def __init__(self, settings: Settings) -> None: ...

    def ready(self) -> bool:
        """Would work that comes now be done?"""

    def turn(self) -> bool:
        """Do what there is to do, or wait a moment; False when there was nothing."""

    def close(self) -> None:
        """Leave in good order."""


def run(worker: Worker, ready_file: Path | None) -> None:
    """Take turns until SIGTERM or SIGINT; an exception ends the process, for a supervisor to start again."""
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    told = False
    try:
        while not stopped.is_set():
            busy = worker.turn()
            if ready_file and not told and worker.ready():
                ready_file.touch()
                told = True
            if not busy:
                stopped.wait(IDLE_S)
    finally:
        if ready_file:
            ready_file.unlink(missing_ok=True)
        worker.close()
