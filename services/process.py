"""The native back end: a server as a process of an unprivileged user, owned by the warden.

scratch directory ──server.fill──▶ prepared data ──warden.spawn──▶ process (log in the same directory)
kill / pause / resume reach every process of the server; halt asks politely, then SIGKILL
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from services import cache, leftovers, ports, ready, warden
from services.errors import ServerError

if TYPE_CHECKING:
    from services.server import Server


class Process:
    """One native server: a directory, a port and, while it runs, a process."""

    host = ports.LOOPBACK

    def __init__(self, server: Server) -> None:
        self._server = server
        self.user = server.runs_as()
        self._ports = ports.Ports(server.wanted_port, server.more_ports)
        self.pid: int | None = None
        try:
            self.directory = cache.scratch(server.name, self.user, server.need_bytes(), server.durable)
            self._fill()
        except BaseException:
            self._ports.close()
            raise

    def _fill(self) -> None:
        try:
            self._server.fill(self.directory, self.user)
        except BaseException:
            cache.remove(self.directory)
            raise

    @property
    def port(self) -> int:
        """The reserved port; it stays ours over kills and restarts."""
        return self._ports.main.port

    def port_of(self, name: str) -> int:
        """A further port, kept as long."""
        return self._ports.of(name)

    def neighbour(self, port_inside: int, port_name: str | None) -> tuple[str, int]:
        """Where other native servers reach it: where everybody does."""
        return self.host, self.port_of(port_name) if port_name else self.port

    @property
    def ids(self) -> list[str]:
        return [f"process {self.pid}"] if self.alive() else []

    @property
    def log(self) -> Path:
        return self.directory / "log"

    def start(self) -> None:
        """Spawn the process; it may not answer yet."""
        how = self._native = self._server.native(self.directory, self._ports.lend())
        self._write(how.files)
        try:
            self.pid = warden.spawn(
                how.argv,
                cwd=self.directory,
                log=self.log,
                env={**os.environ, **how.env, **self._server.more_env},
                ids=self.user.ids,
                farewell=how.urgent,
                warm=how.warm,
            )
        except OSError as error:
            raise ServerError(
                f"{how.argv[0]} could not be started: {error}", "see `backlab doctor`"
            ) from error

    def configure(self) -> None:
        """Write its files as they are now; it may have to be told."""
        self._write(self._server.native(self.directory, self.port).files)

    def _write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.directory / name
            path.touch(mode=0o600)  # it may hold a password
            path.write_text(text)
            self.user.owns(path)

    def tell(self, number: int) -> None:
        assert self.pid is not None
        warden.tell(self.pid, number)

    def alive(self) -> bool:
        return self.pid is not None and warden.poll(self.pid) is None

    def halt(self, within_s: float) -> None:
        """Ask it to stop, give it `within_s`, then the urgent signal and 1 s, then SIGKILL."""
        assert self.pid is not None
        for number, patience_s in ((self._native.polite, within_s), (self._native.urgent, 1.0)):
            warden.tell(self.pid, number)
            if ready.true(lambda: not self.alive(), within_s=patience_s, every_s=0.002):
                break
        self._collect()

    def kill(self) -> None:
        """SIGKILL to all its processes."""
        self._collect()

    def _collect(self) -> None:
        if self.pid is not None:
            warden.forget(self.pid)
            self.pid = None

    def pause(self) -> None:
        assert self.pid is not None
        warden.tell(self.pid, signal.SIGSTOP, everyone=True)

    def resume(self) -> None:
        assert self.pid is not None
        warden.tell(self.pid, signal.SIGCONT, everyone=True)

    def logs(self, lines: int) -> str:
        try:
            with open(self.log, "rb") as file:
                return _tail(file.read().splitlines(), lines)
        except OSError:
            return ""

    def memory_bytes(self) -> int:
        """Memory of all its processes, shared pages counted once (as Linux' proportional set size does)."""
        pids = [self.pid, *leftovers.family(self.pid, str(self.directory))] if self.pid else []
        return sum(map(_own_bytes, pids))

    def change_port(self) -> None:
        """Take other ports for the next start."""
        self._collect()
        self._ports.change()
        self.log.unlink(missing_ok=True)

    def discard(self) -> None:
        """Nothing of it is left afterwards."""
        warden.clear(self.directory)
        self._ports.close()
        leftovers.free_shared_memory(str(self.directory))
        cache.remove(self.directory)


def _own_bytes(pid: int) -> int:
    import psutil  # type: ignore[import-untyped]  # psutil ships no types

    try:
        process = psutil.Process(pid)
        memory = process.memory_full_info() if psutil.LINUX else process.memory_info()
    except psutil.Error:
        return 0  # ended while we looked
    return int(getattr(memory, "pss", 0) or memory.rss)


def _tail(lines: Iterable[bytes], count: int) -> str:
    return "\n".join(line.decode(errors="replace") for line in list(lines)[-count:])
