"""A disk that is full: a filler takes what is free, or a server's files may not grow past a limit.

FullDisk   ──▶ one file in a directory of its own, which the warden removes when its holder dies
FileLimit  ──▶ RLIMIT_FSIZE on every process of a server: writes beyond it fail; it goes with the processes
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

from chaos.outages.outage import Outage
from services import cache, leftovers, warden
from services.errors import BacklabError, ServerError
from services.server import Server

MOST_MB = 1024
# one after the other; a process that has ended meanwhile is no failure, but if none could be set there is one
SET = """set=1; for p in {which}; do prlimit --pid ${{p#/proc/}} --fsize={soft}: && set=0; done; exit $set"""
SAID = ("File too large", "No space left on device")


class FullDisk(Outage):
    """The file system of `directory` is filled until `free_mb` are left.

    Refuses to take more than `most_mb`: then others live there too, and the directory wants a file system of
    its own (a small tmpfs).
    """

    def __init__(self, directory: Path, free_mb: float = 0, most_mb: float = MOST_MB) -> None:
        super().__init__()
        self.directory, self.free_mb, self.most_mb = directory, free_mb, most_mb
        self._taken_mb = 0
        self._home = directory / f"backlab-filler-{secrets.token_hex(4)}"

    def break_it(self) -> None:
        if not self.directory.is_dir():
            raise BacklabError(f"there is no directory {self.directory}", "name one that exists")
        take_mb = cache.free_bytes(self.directory) / (1 << 20) - self.free_mb
        if take_mb > self.most_mb:
            raise BacklabError(
                f"filling {self.directory} to {self.free_mb:g} MB would take {take_mb:,.0f} MB,"
                f" more than {self.most_mb:,.0f}",
                "give a directory on a small file system of its own, or leave more free",
            )
        warden.register("directory", str(self._home))
        self._home.mkdir(mode=0o700)
        try:
            self._fill(max(0, int(take_mb * (1 << 20))))
        except BaseException:
            self.mend()
            raise

    def _fill(self, size: int) -> None:
        """Take the blocks at once, without writing them."""
        with open(self._home / "filler", "wb") as file:
            if size:
                os.posix_fallocate(file.fileno(), 0, size)
        self._taken_mb = size >> 20

    def mend(self) -> None:
        cache.remove(self._home)

    def touched(self) -> tuple[int, str]:
        return self._taken_mb, "MB taken"


class FileLimit(Outage):
    """No file of a server grows beyond `limit_mb`; a write past it fails with "File too large".

    PostgreSQL treats that as a full disk. A server that does not ignore SIGXFSZ, such as Redis, ends of it.
    16 MB is the least that PostgreSQL lives with, because its log segments have that size.
    """

    def __init__(self, server: Server, limit_mb: float = 16) -> None:
        super().__init__()
        if sys.platform != "linux":
            raise BacklabError("only Linux can limit the files of running processes", "use `fill_disk`")
        self.server, self.limit = server, int(limit_mb * (1 << 20))
        self._before = 0

    def break_it(self) -> None:
        self._before = self._complaints()
        self._set(self.limit)

    def mend(self) -> None:
        if self.server.running:
            self._set(None)

    def touched(self) -> tuple[int, str]:
        return max(0, self._complaints() - self._before), "writes refused, by the server's log"

    def _complaints(self) -> int:
        return sum(any(said in line for said in SAID) for line in self.server.logs(100_000).splitlines())

    def _set(self, limit: int | None) -> None:
        """Set the soft limit of all its processes; the hard one stays, so that it can be raised again.

        By `prlimit` as the server's own user, who may do so where even a container's root may not.
        """
        soft = "unlimited" if limit is None else str(limit)
        code, said = self._run(soft)
        if code:
            what = f"the files of {self.server.name} could not be limited"
            raise ServerError(what, "it needs the program `prlimit` (util-linux)", said)

    def _run(self, soft: str) -> tuple[int, str]:
        if self.server.backend == "container":
            from services.container import Container

            assert isinstance(self.server.machine, Container)
            return self.server.machine.run_inside(["sh", "-c", SET.format(which="/proc/[0-9]*", soft=soft)])
        pid = self.server.pid
        assert pid is not None
        pids = [pid, *leftovers.family(pid, str(self.server.directory))]
        script = SET.format(which=" ".join(map(str, pids)), soft=soft)
        user, group = self.server.runs_as().ids or (None, None)
        done = subprocess.run(
            ["sh", "-c", script],
            user=user, group=group, extra_groups=None if user is None else [],
            cwd="/", capture_output=True, text=True,
        )  # fmt: skip
        return done.returncode, done.stderr
