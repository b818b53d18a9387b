"""The warden's end of its fork servers (forkserver.py): one for each set of modules, started on first use.

`ready()` says whether a fork can be had yet, so that nobody waits for imports while the warden could answer.
Standard library only, as all of the warden.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

TAKE_IN_ORPHANS = 36  # PR_SET_CHILD_SUBREAPER
ANSWER_S = 20.0


class ForkServer:
    """A running fork server."""

    def __init__(self, modules: list[str], env: dict[str, str]) -> None:
        their_orders, self._orders = os.pipe()
        self._answers, their_answers = os.pipe()
        self._ready: bool | None = False
        argv = [sys.executable, "-m", "services.forkserver", str(their_orders), str(their_answers), *modules]
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _quiet()
                os.set_inheritable(their_orders, True)
                os.set_inheritable(their_answers, True)
                os.execve(argv[0], argv, env)
            finally:
                os._exit(127)
        os.close(their_orders)
        os.close(their_answers)

    def ready(self) -> bool | None:
        """Whether it has imported its modules; None where it could not."""
        if self._ready is False and select.select([self._answers], [], [], 0)[0]:
            self._ready = self._answer()
            if self._ready is None:
                self.end()
        return self._ready

    def fork(self, order: dict[str, Any]) -> int:
        """The process id of a fork that serves the order, a child of ours; raises OSError without one."""
        with _taking_in_orphans():
            os.write(self._orders, json.dumps(order).encode() + b"\n")
            pid, failure = self._answer() or (0, "the fork server has ended")
        if pid and failure:
            os.waitpid(pid, 0)
        if failure:
            raise OSError(failure)
        return int(pid)

    def _answer(self) -> Any:
        """Its next line; None at the end of its file, or when it does not answer."""
        line = b""
        while not line.endswith(b"\n"):
            came = select.select([self._answers], [], [], ANSWER_S)[0] and os.read(self._answers, 64)
            if not came:
                return None
            line += came
        return json.loads(line)

    def end(self) -> None:
        """End it, whatever it does; its forks are not its own. Safe to repeat."""
        if self._orders >= 0:
            os.close(self._orders)
            os.close(self._answers)
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self._orders = -1


def _quiet() -> None:
    """A session of its own that reads and says nothing, and no directory that belongs to a server."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.chdir("/")


@contextmanager
def _taking_in_orphans() -> Iterator[None]:
    """Be the parent of whoever loses theirs below us."""
    import ctypes  # 9 ms that only the first fork pays

    libc = ctypes.CDLL(None)
    libc.prctl(TAKE_IN_ORPHANS, 1)
    try:
        yield
    finally:
        libc.prctl(TAKE_IN_ORPHANS, 0)


_running: dict[tuple[str, ...], ForkServer] = {}


def ready(modules: list[str], env: dict[str, str]) -> bool | None:
    """Whether `fork` would work for these modules, None where it never will; starts the server for them."""
    key = tuple(modules)
    if key not in _running:
        _running[key] = ForkServer(modules, env)
    return _running[key].ready()


def fork(modules: list[str], order: dict[str, Any]) -> int:
    """Have an order served by a fork that has these modules; after a failure, with a new server."""
    server = _running[tuple(modules)]
    try:
        return server.fork(order)
    except OSError:
        server.end()
        del _running[tuple(modules)]
        raise


def end() -> None:
    """End all fork servers."""
    for server in _running.values():
        server.end()
    _running.clear()
