"""Talk to the warden, the process that leaves nothing behind when this one ends, however it ends.

    register("directory", path)       before it is made          release(...)  once it is gone
    register("container", [engine, name])  before it is created (a "network" too)
    spawn(argv, ...) ──▶ the warden starts the server, so there is no moment in which it is unknown

Every process that starts a server has a warden of its own; a forked child does not inherit it.
"""

from __future__ import annotations

import atexit
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services import leftovers, ready
from services.errors import BacklabError

ROOT = Path(__file__).resolve().parent.parent
START = "import sys; sys.path.insert(0, sys.argv[1]); from services.warden_process import main; main()"
REPLY_S = 30.0
IMPORTS_S = 60.0  # for a fork server's modules, on the busiest of machines
# VS Code's stop button sends SIGINT to each process below the kernel, which ends most servers: in its kernels
# (not in its terminals, which lack these names) the warden and its servers are not below
PRESSES_ALL = ("VSCODE_PID", "VSCODE_CWD")


class Warden:
    """The kernel's end of the socket to its warden."""

    def __init__(self) -> None:
        apart = any(name in os.environ for name in PRESSES_ALL)
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", START, str(ROOT), *(["apart"] if apart else [])],
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE if apart else subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in our terminal is not for the warden
                cwd="/",
            )
        self._socket = ours
        self._socket.settimeout(REPLY_S)
        self._replies = ours.makefile("rb")
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self.pid = int(self._process.communicate()[0]) if apart else self._process.pid

    def ask(self, deed: str, *args: Any) -> Any:
        """Have one deed done and return its result."""
        with self._lock:
            try:
                reply = self._exchange(next(self._numbers), deed, args)
            except OSError as error:
                raise _lost(self.pid) from error
        if "error" in reply:
            raise OSError(reply["error"])
        return reply["ok"]

    def _exchange(self, number: int, deed: str, args: tuple[Any, ...]) -> dict[str, Any]:
        """Send a request and read its own reply; one that an interrupt kept us from reading is skipped."""
        self._socket.sendall((json.dumps([number, deed, args]) + "\n").encode())
        while line := self._replies.readline():
            reply: dict[str, Any] = json.loads(line)
            if reply["to"] == number:
                return reply
        raise ConnectionError("end of file")

    def drop(self) -> None:
        """Close our end without a word; in a forked child the socket belongs to the parent."""
        self._replies.close()
        self._socket.close()

    def dismiss(self, within_s: float = 5.0) -> None:
        """Let the warden take everything down, and wait for it."""
        self._socket.shutdown(socket.SHUT_RDWR)  # reaches it even while a forked child holds a copy
        self.drop()
        if self.pid != self._process.pid:
            ready.true(lambda: not leftovers.runs(self.pid), within_s=within_s)
            return
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            return


def _lost(pid: int) -> BacklabError:
    return BacklabError(
        f"the warden (process {pid}), which looks after the servers, has ended",
        "restart the kernel or run the command again; servers it owned have been stopped",
    )


_warden: Warden | None = None
_making = threading.Lock()


def current() -> Warden:
    """This process's warden, started on first use."""
    global _warden
    with _making:
        if _warden is None:
            _warden = Warden()
        return _warden


def pid() -> int | None:
    """The warden's process id, where there is one; below it are the servers."""
    warden = _warden
    return warden.pid if warden else None


def spawn(
    argv: list[str],
    *,
    cwd: Path,
    log: Path,
    env: dict[str, str] | None = None,
    ids: tuple[int, int] | None = None,
    farewell: int = signal.SIGTERM,
    warm: Sequence[str] = (),
) -> int:
    """Start `argv` (its program an absolute path) as a server of the warden's and return its process id.

    `ids` is the user and group to run as, `farewell` the signal that makes it go within 0.4 s. Its processes
    are found by descent and by working in or under `cwd`, so `cwd` is a directory of its own. Where `argv` is
    `python -m ...`, `warm` may name modules that it imports: it then is a fork of a process that has them.
    """
    where = [argv, str(cwd), str(log), env or dict(os.environ)]
    pid = _fork(list(warm), [*where, farewell]) if warm and ids is None else None
    return int(pid if pid is not None else current().ask("spawn", *where, ids, farewell))


def _fork(warm: list[str], order: list[Any]) -> int | None:
    """The process id of a fork, or None where there can be none: on Linux only a fork is safe."""
    if sys.platform != "linux":
        return None

    def ask() -> int:
        pid = current().ask("fork", warm, *order)
        if pid is None:
            raise ready.Again("it still imports")
        return int(pid)

    try:
        return ready.until(ask, within_s=IMPORTS_S, not_yet=())
    except OSError:  # its modules could not be imported: a process of its own will say so in its log
        return None


def poll(pid: int) -> int | None:
    """None while it runs, else its return code (negative: the signal that ended it)."""
    answer = current().ask("poll", pid)
    return -signal.SIGKILL if answer == "gone" else answer


def tell(pid: int, number: int, everyone: bool = False) -> bool:
    """Send a signal to a spawned process, or to all its processes; False when it does not run."""
    return bool(current().ask("tell", pid, int(number), everyone))


def forget(pid: int) -> None:
    """Kill what is left of a spawned process and collect it; safe to repeat."""
    current().ask("forget", pid)


def clear(directory: Path) -> None:
    """Kill and collect whatever was spawned in `directory`, also when an interrupt hid its process id."""
    current().ask("clear", str(directory))


def register(kind: str, value: str | list[str]) -> None:
    """Have a "directory" (a path), "container" or "network" ([engine address, name]) removed at our end."""
    current().ask("register", kind, value)


def release(kind: str, value: str | list[str]) -> None:
    """The resource is gone; safe to repeat."""
    current().ask("release", kind, value)


def dismiss() -> None:
    """Take down everything this process has started; a later start gets a new warden."""
    global _warden
    with _making:
        warden, _warden = _warden, None
    if warden is not None:
        warden.dismiss()


def _forget_after_fork() -> None:
    global _warden, _making
    _making = threading.Lock()
    if _warden is not None:
        _warden.drop()
    _warden = None


atexit.register(dismiss)
os.register_at_fork(after_in_child=_forget_after_fork)
