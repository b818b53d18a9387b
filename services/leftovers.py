"""Find and remove what a server leaves behind: processes, containers, directories.

Used by the warden, which starts fast because nothing here imports more than the standard library needs.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable

WARDEN = b"services.warden_process"
DYING_S = 2.0
STATE, THREADS = 0, 17  # of /proc/<pid>/stat, counted from what follows the program's name
CREATING_S = 3.0  # how long an engine may still be creating a container for a client that is gone


def family(root: int, directory: str) -> list[int]:
    """Processes of a server besides its main one: its descendants, and whoever works in its directory.

    A group or session id does not do, because each Postgres backend makes a session of its own. A server that
    has a warden of its own leaves its own servers to that one, which survives it.
    """
    parents = _parents()
    found, new = {root}, {root}
    while new:
        children = {child for child, parent in parents.items() if parent in new} - found
        new = {child for child in children if not _is_warden(child)}
        found |= new
    found |= {other for other in parents if _works_in(other, directory)}
    return sorted(found - {root, os.getpid()})


def _parents() -> dict[int, int]:
    """Parent process id of every process on this machine."""
    if not os.path.isdir("/proc/self"):
        lines = os.popen("ps -A -o pid= -o ppid=").read().splitlines()
        return {int(pid): int(parent) for pid, parent in (line.split() for line in lines)}
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                parents[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
        except OSError:
            continue  # ended while we looked
    return parents


def _works_in(pid: int, directory: str) -> bool:
    try:
        place = os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return False
    return place == directory or place.startswith(directory + "/")


def _is_warden(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return WARDEN in file.read()
    except OSError:
        return bool(os.popen(f"ps -p {pid} -o command=").read().count(WARDEN.decode()))


def send(pids: list[int], number: int) -> None:
    """Send a signal to each of `pids` that is still there."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def outlast(pids: list[int]) -> None:
    """Wait until killed processes have ended: until then they listen at their ports.

    Whoever sleeps uninterruptibly is not waited for any longer than DYING_S.
    """
    deadline = time.monotonic() + DYING_S
    while any(map(runs, pids)) and time.monotonic() < deadline:
        time.sleep(0.001)


def exists(pid: int) -> bool:
    """Whether there is a process with this id, be it only a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def runs(pid: int) -> bool:
    """False for one that is gone, or of which nothing is left but what its parent has to collect.

    Such a zombie may be a first thread alone: what they share, the others hold until the last one has ended.
    """
    if not os.path.isdir("/proc/self"):
        return bool(os.popen(f"ps -p {pid} -o stat=").read().strip(" \nZ"))
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return False
    return fields[STATE] not in b"ZX" or int(fields[THREADS]) > 1


def fork_remover(address: str, path: str, within_s: int = 10) -> int:
    """Remove what an engine has at `path` in a child process, so that many go at once; returns its id."""
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(within_s)
        try:
            remove(address, path)
        finally:
            os._exit(0)
    return pid


def remove(address: str, path: str) -> None:
    """Ask the engine at `address` until it has removed `path` or has not known it for a while."""
    import http.client  # 20 ms that no start should wait for
    import socket

    class Link(http.client.HTTPConnection):
        def connect(self) -> None:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.connect(address.removeprefix("unix://"))

    local = address.startswith("unix://")
    deadline = time.monotonic() + CREATING_S
    while time.monotonic() < deadline:
        link = Link("localhost") if local else http.client.HTTPConnection(address.partition("://")[2])
        link.request("DELETE", path)
        if link.getresponse().status == 204:
            return
        time.sleep(0.1)


def free_shared_memory(directory: str) -> None:
    """Free the System V segment of a Postgres that was killed: 56 bytes that outlive all its processes.

    Its id stands in line 7 of postmaster.pid, a file that a clean stop removes together with the segment.
    """
    try:
        with open(f"{directory}/data/postmaster.pid") as file:
            segment = int(file.read().splitlines()[6].split()[1])
    except (OSError, IndexError, ValueError):
        return
    import ctypes  # rarely needed

    ctypes.CDLL(None).shmctl(segment, 0, None)  # 0 is IPC_RMID


def remove_tree(path: str) -> None:
    """Delete a directory with all it holds; again if something was added meanwhile."""
    for _ in range(20):
        for place, folders, files in os.walk(path, topdown=False):
            for name in files:
                _quietly(os.unlink, os.path.join(place, name))
            for name in folders:
                entry = os.path.join(place, name)
                _quietly(os.unlink if os.path.islink(entry) else os.rmdir, entry)
        _quietly(os.rmdir, path)
        if not os.path.lexists(path):
            return
        time.sleep(0.02)


def _quietly(deed: Callable[[str], None], path: str) -> None:
    try:
        deed(path)
    except OSError:
        return


def parent_death_signal() -> Callable[[int], object]:
    """A function that has the kernel send us a signal when our parent dies, however it dies (Linux only).

    Got before a change of user, since the Python that is imported here may lie in a closed home directory.
    """
    if sys.platform != "linux":
        return lambda _number: None
    import ctypes  # 9 ms that only the first start pays

    libc = ctypes.CDLL(None)
    return lambda number: libc.prctl(1, number)  # 1 is PR_SET_PDEATHSIG
