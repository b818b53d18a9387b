"""A server that is a Java program: its files from Maven Central, a small heap, an ahead-of-time cache.

first start ──it answers──▶ a recorder in the background (aot.py) ──record()──▶ the cache
next starts ──-XX:AOTCache──▶ three times as fast
"""

from __future__ import annotations

import re
import shutil
import signal
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from services import aot, java, maven
from services.machine import Native
from services.server import WORDS, Server

RECORDED = "recorded.aot"
ERROR = re.compile(r"\b(ERROR|FATAL)\b|^Error |^Exception ")
RECORD_WITHIN_S = 90.0
# A cache that Java cannot use costs time, and is nothing that a learner could act on.
NO_WORDS = "-Xlog:aot*=off"


class JavaServer(Server):
    """One of `services/jars/<product>.txt`; a subclass says `main` and what it reads."""

    programs = java.PROGRAMS
    product: ClassVar[str]
    heap_mb: ClassVar[int] = 128

    def __init__(
        self,
        *,
        settings: Mapping[str, str] | None = None,
        backend: str | None = None,
        port: int | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(backend=backend, port=port, progress=progress)
        self.settings = dict(settings or {})
        self._recording = False

    @classmethod
    def native_version(cls) -> str:
        return f"{maven.version(cls.product)} on Java {java.major(java.program())}"

    @abstractmethod
    def main(self, directory: Path, port: int) -> Sequence[str]:
        """The class (or "-jar" and a file) and its arguments."""

    def properties(self, directory: Path) -> dict[str, str]:
        """Java's own properties; its temporary files lie in the server's directory and go with it."""
        return {"java.io.tmpdir": str(directory)}

    def exercise(self) -> None:
        """Be used a little, so that what is recorded is what labs use."""

    def jars(self) -> list[Path]:
        """The class path; all files of the product."""
        return maven.files(self.product, self.progress)

    def prepare(self) -> None:
        if self.backend == "native":
            self.jars()

    def need_bytes(self) -> int:
        return 128 << 20 if self._recording else 16 << 20

    def native(self, directory: Path, port: int) -> Native:
        argv = java.command(
            self.main(directory, port),
            heap_mb=self.heap_mb,
            jars=self.jars(),
            properties=self.properties(directory),
            more=self._ahead_of_time(directory),
        )
        # Once its polite stop has taken too long, or its data goes anyway, there is nothing more to wait for.
        return Native(argv, urgent=signal.SIGKILL)

    def _ahead_of_time(self, directory: Path) -> list[str]:
        if self._recording:
            return [f"-XX:AOTCacheOutput={directory / RECORDED}", NO_WORDS]
        found = aot.find(self)
        return [f"-XX:AOTCache={found}", NO_WORDS] if found else []

    def last_words(self, log: str) -> str:
        """From the first error on; a page of "Stopping" and "Stopped" follows it."""
        lines = log.splitlines()
        errors = [number for number, line in enumerate(lines) if ERROR.search(line)]
        return "\n".join(lines[errors[0] :][:WORDS]) if errors else super().last_words(log)

    def _start(self) -> None:
        super()._start()
        if self.backend == "native" and not self._recording:
            aot.record_later(self)

    def record(self, into: Path) -> None:
        """Start, serve a little and stop, with the ahead-of-time cache that comes of it copied to `into`."""
        self._recording = True
        with self:
            self.exercise()
            self.halt(within_s=RECORD_WITHIN_S)
            shutil.copyfile(self.directory / RECORDED, into)
