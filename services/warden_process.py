"""The warden: a small process that owns our servers and takes them down when the kernel process is gone.

    kernel ──socket──▶ warden ──fork, exec──▶ server (own session; the warden is its parent)
      │ dies (even by SIGKILL)
      ▼ end of file, or its pidfd turns readable
    farewell signal ▶ SIGKILL to whatever is left of each server ▶ remove containers ▶ delete directories

Standard library only, started with `-I -S`. As the parent it knows a server from the moment it exists, and a
process id cannot be used again before the warden has collected it, so no signal ever hits a stranger.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from services import forking, leftovers

GRACE_S = 0.4  # between the farewell signal and SIGKILL
IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Child:
    """One server: where it works, how it is told to go, and its return code once it has ended."""

    def __init__(self, pid: int, directory: str, farewell: int) -> None:
        self.pid = pid
        self.directory = os.path.realpath(directory)
        self.farewell = farewell
        self.code: int | None = None

    def poll(self) -> int | None:
        if self.code is None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if done else None
        return self.code

    def tell(self, number: int, everyone: bool) -> bool:
        """Send a signal to the main process or to `everyone` of the server; False when it no longer runs."""
        if self.poll() is not None:
            return False
        if everyone and number != signal.SIGCONT:
            os.kill(self.pid, signal.SIGSTOP)  # so that it starts nothing new while we look
        leftovers.send([*(self._others() if everyone else []), self.pid], number)
        return True

    def end(self) -> None:
        """Kill what is left, collect it, and return when none of it runs: its ports and files are free."""
        others = self._others()
        self.tell(signal.SIGKILL, everyone=True)
        others += self._others()
        leftovers.send(others, signal.SIGKILL)
        if self.code is None:
            os.waitpid(self.pid, 0)
        leftovers.outlast(others)

    def _others(self) -> list[int]:
        return leftovers.family(self.pid, self.directory)


children: dict[int, Child] = {}
directories: list[str] = []
containers: list[list[str]] = []  # [engine address, name]
networks: list[list[str]] = []  # the same; they go after the containers in them
KNOWN: dict[str, list[Any]] = {"directory": directories, "container": containers, "network": networks}


def spawn(
    argv: list[str], cwd: str, log: str, env: dict[str, str], ids: list[int] | None, farewell: int
) -> int:
    """Start a server in its own session, its output appended to `log`; the answer is its process id."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    told, telling = os.pipe()
    ask_for_signal = leftovers.parent_death_signal()
    pid = os.fork()
    if pid == 0:
        try:
            become(cwd, output, ids)
            ask_for_signal(farewell)
            os.execve(argv[0], argv, env)
        except BaseException as error:
            os.write(telling, str(error).encode())
        os._exit(127)
    children[pid] = Child(pid, cwd, farewell)
    os.close(output)
    os.close(telling)
    with os.fdopen(told, "rb") as pipe:
        failure = pipe.read().decode()  # empty: exec has closed the other end
    if failure:
        forget(pid)
        raise OSError(failure)
    return pid


def become(cwd: str, output: int, ids: list[int] | None) -> None:
    """In a fork: a session of its own, signals as usual, the user, the directory, the log."""
    os.setsid()
    for number in (*IGNORED, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    if ids:
        os.setgroups([])
        os.setgid(ids[1])
        os.setuid(ids[0])
    os.chdir(cwd)
    os.dup2(output, 1)
    os.dup2(output, 2)


def fork(
    modules: list[str], argv: list[str], cwd: str, log: str, env: dict[str, str], farewell: int
) -> int | None:
    """Start `python -m ...` by a fork that has imported `modules`; None while there can be none yet.

    Raises `OSError` where there never will be one.
    """
    ready = forking.ready(modules, env)
    if ready is None:
        raise OSError(f"there is no fork server for {', '.join(modules)}")
    if not ready:
        return None
    pid = forking.fork(modules, {"argv": argv, "cwd": cwd, "log": log, "env": env, "farewell": farewell})
    children[pid] = Child(pid, cwd, farewell)
    return pid


def poll(pid: int) -> int | str | None:
    """None while it runs, its return code (negative: the signal) after its end, "gone" if it is not ours."""
    return children[pid].poll() if pid in children else "gone"


def tell(pid: int, number: int, everyone: bool) -> bool:
    """Send a signal to a server that runs; False when there is none."""
    return pid in children and children[pid].tell(number, everyone)


def forget(pid: int) -> None:
    """Kill what is left of a server; its process id is free afterwards."""
    if pid in children:
        children.pop(pid).end()


def clear(directory: str) -> None:
    """Forget every server that works in `directory`."""
    place = os.path.realpath(directory)
    for child in [child for child in children.values() if child.directory == place]:
        forget(child.pid)


def register(kind: str, value: Any) -> None:
    """Remember a directory, or a container or network as [engine address, name], before it exists."""
    KNOWN[kind].append(value)


def release(kind: str, value: Any) -> None:
    """The resource is gone already."""
    if value in KNOWN[kind]:
        KNOWN[kind].remove(value)


DEEDS: dict[str, Callable[..., Any]] = {
    deed.__name__: deed for deed in (spawn, fork, poll, tell, forget, clear, register, release)
}


def clean_up() -> None:
    """Leave nothing behind."""
    removers = [leftovers.fork_remover(at, f"/containers/{name}?force=1&v=1") for at, name in containers]
    for child in children.values():
        child.tell(signal.SIGCONT, everyone=True)
        child.tell(child.farewell, everyone=False)
    deadline = time.monotonic() + GRACE_S
    while any(child.poll() is None for child in children.values()) and time.monotonic() < deadline:
        time.sleep(0.005)
    for child in children.values():
        child.end()
    forking.end()
    for path in directories:
        leftovers.free_shared_memory(path)
        leftovers.remove_tree(path)
    for remover in removers:
        os.waitpid(remover, 0)
    for address, name in networks:
        os.waitpid(leftovers.fork_remover(address, f"/networks/{name}"), 0)


def serve(link: int, kernel: int, apart: bool) -> None:
    """Answer the kernel process's requests, one line each, until it is gone."""
    watched = [link]
    if hasattr(os, "pidfd_open"):  # a forked child of the kernel may hold the socket open; this sees through
        watched.append(os.pidfd_open(kernel))
    tick_s = None if len(watched) == 2 else 0.25
    received = b""
    while leftovers.exists(kernel) if apart else os.getppid() == kernel:
        ready, _, _ = select.select(watched, [], [], tick_s)
        if not ready:
            continue
        chunk = os.read(link, 65536) if link in ready else b""
        if not chunk:
            return
        received += chunk
        while b"\n" in received:
            line, _, received = received.partition(b"\n")
            os.write(link, (json.dumps(_answer(line)) + "\n").encode())


def _answer(line: bytes) -> dict[str, Any]:
    number, deed, args = json.loads(line)
    try:
        return {"to": number, "ok": DEEDS[deed](*args)}
    except Exception as error:
        return {"to": number, "error": str(error)}


def step_aside() -> None:
    """Go on in a child that nobody below the kernel is the parent of, and tell the kernel its process id."""
    if pid := os.fork():
        os.write(1, str(pid).encode())
        os._exit(0)


def main() -> None:
    """Be the warden of our parent process; its socket is standard input."""
    kernel, apart = os.getppid(), "apart" in sys.argv
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    if apart:
        step_aside()
    link = os.dup(0)  # closed by exec, which descriptor 0 is not
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    try:
        serve(link, kernel, apart)
    except OSError:  # the kernel process died while we wrote to it, or before we looked
        pass
    finally:
        clean_up()
