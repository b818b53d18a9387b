"""One sandbox: bubblewrap holds its namespaces, guests are forked into it, everything in it dies with it.

nursery (preloaded) --fork, setns--> guest      bwrap --> holder process      watch --> limits on all of it
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
from typing import Any, Self

from backlab.sandbox import isolation, lent, rules
from backlab.sandbox.doors import Doors
from backlab.sandbox.guest_end import HOME
from backlab.sandbox.limits import Limits
from backlab.sandbox.nursery import Nursery, environment
from backlab.stress import outside
from services import leftovers, ready
from services.errors import BacklabError

NEIGHBOURS = 1024  # threads of other sandboxes with servers, which run as the same user and may start later


class Sandbox:
    """A place for one submission; `ports` are the servers that it may reach."""

    def __init__(self, nursery: Nursery, limits: Limits, ports: list[int], *, servers: bool = False) -> None:
        self.nursery, self.limits, self.ports = nursery, limits, ports
        self.servers = servers
        self.level = isolation.reached()
        self.ids = _ids(servers) if self.level.name != "weak" and os.getuid() == 0 else None
        self.pid = 0  # of the sandbox's first process, as this machine sees it
        self.guests: list[int] = []
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._files = self._stack.enter_context(outside.folder("sandbox"))
        try:
            if self.level.name == "strong":
                self._hold()
                sockets = self.nursery.ask({"do": "listen", "pid": self.pid, "ports": self.ports},
                                           sockets=len(self.ports))[1]  # fmt: skip
                self._stack.callback(Doors(sockets, self.ports).close)
            else:
                self._files.chmod(0o777)
                if self.servers:
                    rules.lend_prepared(self._files)
        except BaseException:
            self.close()
            raise
        return self

    def _hold(self) -> None:
        """Start bubblewrap and wait until all its mounts are made."""
        told, telling = os.pipe()
        without = [] if self.servers else lent.mounts(self.nursery.answers, self._files)
        argv = isolation.command(
            self._files, ids=self.ids, servers=self.servers, more=[*without, "--info-fd", str(telling)]
        )
        with open(self._files / "said", "wb") as said:
            self._bwrap = subprocess.Popen(argv, pass_fds=[telling], env={}, stdin=subprocess.DEVNULL,
                                           stdout=subprocess.PIPE, stderr=said)  # fmt: skip
        self._stack.callback(self._end_bwrap)
        os.close(telling)
        assert self._bwrap.stdout is not None
        with open(told) as info:
            up = self._bwrap.stdout.readline() == b"ready\n"
            if not up:
                why = (self._files / "said").read_text().strip()[-200:]
                raise BacklabError(
                    f"the sandbox could not be made: {why}", "see docs/instructors.md, isolation"
                )
            self.pid = int(json.loads(info.read())["child-pid"])

    def _end_bwrap(self) -> None:
        self._bwrap.kill()
        self._bwrap.wait()
        if self._bwrap.stdout:
            self._bwrap.stdout.close()
        # the kernel ends the namespace's processes when its first one dies, a moment later
        ready.true(lambda: not leftovers.runs(self.pid), within_s=5, every_s=0.002)

    def start(self, role: str) -> socket.socket:
        """Fork a guest into it and return the line to it."""
        ours, theirs = socket.socketpair()
        limits = {
            key: getattr(self.limits, key) for key in ("memory_bytes", "processes", "file_bytes", "files")
        }
        if self.level.name != "strong" or self.ids is not None:  # the kernel counts all that the user runs
            limits["processes"] += _processes_of(self.ids[0] if self.ids else os.getuid())
            limits["processes"] += NEIGHBOURS if self.servers else 0  # the watch counts what is ours
        home = HOME if self.level.name == "strong" else str(self._files)
        weak = self.level.name == "weak"
        variables = environment(home)
        given = None
        if weak:  # the same user as ours, who may use our cache
            del variables["BACKLAB_CACHE"]
        if self.level.name == "medium":
            given = rules.rules(self._files, self.ports, self.nursery.answers, servers=self.servers)
            variables["BACKLAB_SCRATCH"] = home
        request = {
            "do": "start", "role": role, "pid": self.pid, "ids": self.ids, "limits": limits,
            "home": home, "environment": variables, "keeps_rights": weak and self.servers,
            "rules": given,
        }  # fmt: skip
        with theirs:
            self.guests.append(self.nursery.ask(request, theirs.fileno())[0]["pid"])
        return ours

    def kill(self) -> None:
        """End every process in it, from any thread; `close` is still needed."""
        if self.level.name == "strong":
            self._bwrap.kill()
            return
        self._kill_guests()

    def close(self) -> None:
        """End every process in it and forget it."""
        if self.level.name != "strong":
            self._kill_guests()
        self._stack.close()

    def _kill_guests(self) -> None:
        for guest in self.guests:
            with contextlib.suppress(OSError):
                os.killpg(guest, signal.SIGKILL)
        if self.ids is not None and not self.servers:  # other servers of this machine run as the same user
            _end_all_of(self.ids[0])

    def __exit__(self, *_: object) -> None:
        self.close()


def _ids(servers: bool) -> tuple[int, int]:
    """A user id of its own; with servers the one that servers run as, who may read prepared data."""
    if servers:
        return isolation.NOBODY, isolation.NOBODY
    chosen = isolation.FIRST_ID + int.from_bytes(os.urandom(4), "big") % isolation.IDS
    return chosen, chosen


def _processes_of(uid: int) -> int:
    """Processes and threads that a user has already; they count against its limit."""
    import psutil

    count = 0
    for process in _owned(psutil, uid):
        with contextlib.suppress(psutil.Error):  # it may end while we look
            count += process.num_threads()
    return count


def _end_all_of(uid: int) -> None:
    import psutil

    for process in _owned(psutil, uid):
        with contextlib.suppress(psutil.Error):
            process.kill()


def _owned(psutil: Any, uid: int) -> list[Any]:
    return [
        each for each in psutil.process_iter(["uids"]) if each.info["uids"] and each.info["uids"].real == uid
    ]
