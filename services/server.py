"""The contract of every server: start, stop, kill, pause, resume, restart, logs, url, backend, version.

Postgres, Redis, …  (one file each: image, native command, readiness, address)
    └── Server      (this file: the verbs, waiting, what a failed start says)
          └── Machine   (machine.py)  process.py: a native process  |  container.py: a Docker container
"""

from __future__ import annotations

import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from services import backends, binaries, ready
from services.errors import ServerError
from services.facts import Facts
from services.machine import Image, Machine, Native
from services.user import User, server_user

PORT_TRIES = 5
LAST, WORDS = 400, 12  # lines of the log that are looked at, and shown
# A Java on a machine that does ten other things takes 18 s; one that has died is not waited for.
START_S = {"native": 30.0, "container": 60.0}


class Server(Facts, ABC):
    """One dedicated server on 127.0.0.1; a context manager. Its data lives until `stop()`.

    `backend` is "native" or "container", or None to choose (see `services.backends`); `port` comes from the
    kernel unless given; `progress` is called with a few words before anything slow.
    """

    image: ClassVar[str]
    programs: ClassVar[binaries.Programs]  # what its native process runs
    more_ports: tuple[str, ...] = ()  # names of further ports besides the main one
    memory_mb = 512  # a container gets no more, and a process at rest takes less
    patience = 1.0  # how much longer than others it may take to start, on a busy machine too
    not_yet: ClassVar[tuple[type[BaseException], ...]] = (OSError,)  # what `answer` raises while starting
    durable = False  # True puts the data on a real disk

    def __init__(
        self,
        *,
        backend: str | None = None,
        port: int | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        self.backend = backends.choose(backend, self.image)
        self.wanted_port = port
        self.progress = progress or (lambda _words: None)
        self.more_env: dict[str, str] = {}  # for native starts from now on; an outage may add to it
        self.version = ""
        self.tries = 0  # ports that the last start needed; more than 1 means that somebody took ours
        self._machine: Machine | None = None
        self._paused = False
        self._last_log = ""
        self._lock = threading.RLock()

    # what a kind of server says of itself

    @property
    @abstractmethod
    def url(self) -> str:
        """Address with user and password, as the server's own clients take it."""

    @abstractmethod
    def answer(self) -> str:
        """Speak the protocol once and return the server's version; raise one of `not_yet` while it starts."""

    @abstractmethod
    def native(self, directory: Path, port: int) -> Native:
        """The process that serves `directory` on `port`."""

    @abstractmethod
    def container(self) -> Image:
        """The container that does the same."""

    @classmethod
    def found(cls) -> str:
        """Which programs a native process would run, in a sentence; `BacklabError` where there are none."""
        return binaries.told(cls.programs)

    @classmethod
    def native_version(cls) -> str:
        """The version that it would be, without starting it; an empty text where it does not say."""
        return binaries.version(cls.programs)

    def prepare(self) -> None:
        """Anything slow that is done once and kept, before the machine exists."""

    def need_bytes(self) -> int:
        """Room that the data directory takes at the start."""
        return 0

    def runs_as(self) -> User:
        """The user that a native process runs as."""
        return server_user()

    def fill(self, directory: Path, owner: User) -> None:
        """Put prepared data into the fresh native `directory`."""

    # the verbs

    def start(self) -> Self:
        """Return when it answers; does nothing when it already runs. After `kill()` it finds its old data."""
        with self._lock:
            if not self.running:
                try:
                    self._start()
                except BaseException:
                    self.stop()
                    raise
        return self

    def _start(self) -> None:
        if self._machine is None:
            self.prepare()
            self._machine = self._new_machine()
        machine = self._machine
        for self.tries in range(1, PORT_TRIES + 1):
            machine.start()
            try:
                self.version = ready.until(
                    self.answer,
                    within_s=START_S[self.backend] * self.patience,
                    not_yet=self.not_yet,
                    alive=machine.alive,
                )
                return
            except ready.Died as death:
                if (
                    self.tries < PORT_TRIES
                    and self.wanted_port is None
                    and _port_was_taken(machine.logs(LAST))
                ):
                    machine.change_port()
                    continue
                raise self._failed("ended while it started") from death
            except ready.NotReady as late:
                raise self._failed(f"did not answer within {late.args[0].split()[3]} s") from late

    def _new_machine(self) -> Machine:
        if self.backend == "native":
            from services.process import Process

            return Process(self)
        from services.container import Container  # takes 0.3 s to import

        return Container(self)

    def _failed(self, how: str) -> ServerError:
        assert self._machine is not None
        return ServerError(
            f"{self.name} ({self.backend}) on {self.host}:{self.port} {how}",
            "its own words below say why; `backlab doctor` looks at the machine",
            self.last_words(self._machine.logs(LAST)),
        )

    def last_words(self, log: str) -> str:
        """The lines of its log that say why it did not start: the last ones, unless a kind knows better."""
        return "\n".join(log.splitlines()[-WORDS:])

    def stop(self, within_s: float = 5.0) -> None:
        """End it and delete its data; safe to repeat, also when it never started."""
        with self._lock:
            machine, self._machine = self._machine, None
            if machine is None:
                return
            self._last_log = machine.logs(200)
            try:
                self._let_go(machine, within_s)
            finally:
                machine.discard()

    def _let_go(self, machine: Machine, within_s: float) -> None:
        if self._paused:
            machine.resume()
            self._paused = False
        if machine.alive():
            machine.halt(within_s)

    def halt(self, within_s: float = 5.0) -> None:
        """Stop politely and keep the data for the next `start()`; safe to repeat."""
        with self._lock:
            if self._machine is not None:
                self._let_go(self._machine, within_s)

    def kill(self) -> None:
        """End all its processes at once, as a power cut does; the data stays for the next `start()`."""
        self._running_machine("kill").kill()
        self._paused = False

    def pause(self) -> None:
        """Freeze it: it keeps its connections and answers nobody."""
        self._running_machine("pause").pause()
        self._paused = True

    def resume(self) -> None:
        """Let a paused server go on."""
        self._running_machine("resume").resume()
        self._paused = False

    def restart(self, within_s: float = 5.0) -> Self:
        """Stop politely and start again with the same data on the same port."""
        with self._lock:
            self.halt(within_s)
            return self.start()

    def logs(self, lines: int = 20) -> str:
        """The last lines of its log, oldest first; also after `stop()`."""
        text = self._machine.logs(lines) if self._machine else self._last_log
        return "\n".join(text.splitlines()[-lines:])

    def _running_machine(self, verb: str) -> Machine:
        machine = self._started("process")
        if not machine.alive():
            raise ServerError(f"cannot {verb} {self.name}, because it does not run", "call `start()` first")
        return machine

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _port_was_taken(log: str) -> bool:
    return bool(re.search(r"address already in use|port is already allocated", log, re.IGNORECASE))
