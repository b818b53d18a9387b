"""Limits of one sandbox, and a watch over what all its processes use together.

Each process has its own limits from the kernel; a watch adds up memory and processes four times a second.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backlab.sandbox.sandbox import Sandbox

EVERY_S = 0.25


@dataclass(frozen=True)
class Limits:
    """What one sandbox may use; 0 means that only the machine limits it."""

    seconds: float = 20.0  # one call or one cell
    memory_bytes: int = 3 << 30  # address space of each process
    together_bytes: int = 1500 << 20  # memory of all processes
    processes: int = 64
    file_bytes: int = 64 << 20
    files: int = 256
    answer_bytes: int = 16 << 20


class Watch:
    """Ends a sandbox that uses too much; `said` tells why, and is empty while all is well."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.said = ""
        self._sandbox, self._over = sandbox, threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.wait(EVERY_S):
            memory, processes = used(self._sandbox)
            limits = self._sandbox.limits
            if limits.together_bytes and memory > limits.together_bytes:
                self.said = f"it used {memory >> 20:,} MB, at most {limits.together_bytes >> 20:,} allowed"
            elif limits.processes and processes > 2 * limits.processes:
                self.said = f"it ran {processes} processes, at most {limits.processes} allowed"
            if self.said:
                self._sandbox.kill()
                return

    def stop(self) -> None:
        """End the watch."""
        self._over.set()
        self._thread.join()


def used(sandbox: Sandbox) -> tuple[int, int]:
    """Bytes of memory that are nobody else's, and the number of processes, of all that is in a sandbox."""
    memory = processes = 0
    for process in members(sandbox):
        with contextlib.suppress(Exception):  # it may end while we look
            seen = process.memory_info()
            memory += max(0, seen.rss - seen.shared)
            processes += 1
    return memory, processes


def members(sandbox: Sandbox) -> list[Any]:
    """The guests of a sandbox and all that they have started."""
    import psutil

    found: dict[int, Any] = {}
    for pid in [*sandbox.guests, *([sandbox.pid] if sandbox.pid else [])]:
        with contextlib.suppress(psutil.Error):
            guest = psutil.Process(pid)
            found |= {each.pid: each for each in [guest, *guest.children(recursive=True)]}
    return list(found.values())
