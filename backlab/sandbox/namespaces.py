"""Linux namespaces from Python: enter a sandbox's, give up every right, listen inside it from outside.

setns, prctl and capset are called through ctypes, because Python has os.setns only from 3.12 on.
"""

from __future__ import annotations

import array
import ctypes
import os
import socket
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = (
    0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000,
)  # fmt: skip
NO_NEW_PRIVS, CHILD_SUBREAPER, KEEP_CAPABILITIES, AMBIENT, RAISE = 38, 36, 8, 47, 2
CAPABILITY_VERSION = 0x20080522
READ_ALL = 2  # CAP_DAC_READ_SEARCH


def _call(name: str, *arguments: object) -> int:
    result = int(getattr(LIBC, name)(*arguments))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def enter(pid: int, flags: int) -> None:
    """Enter the namespaces `flags` of process `pid`, all at once."""
    descriptor = os.pidfd_open(pid)
    try:
        _call("setns", descriptor, flags)
    finally:
        os.close(descriptor)


def everything(pid: int) -> int:
    """The namespaces of `pid` that are not our own, as flags."""
    kinds = {"user": NEWUSER, "mnt": NEWNS, "pid": NEWPID, "net": NEWNET, "ipc": NEWIPC, "uts": NEWUTS}
    flags = 0
    for name, flag in kinds.items():
        if os.stat(f"/proc/{pid}/ns/{name}").st_ino != os.stat(f"/proc/self/ns/{name}").st_ino:
            flags |= flag
    return flags


def give_up(ids: tuple[int, int] | None, reads: bool = False) -> None:
    """Become `ids` if given, lose every capability, and never gain one again.

    `reads` keeps the one to read closed directories (Python may lie in one): Landlock says which.
    """
    if reads:
        _call("prctl", KEEP_CAPABILITIES, 1, 0, 0, 0)
    if ids is not None:
        os.setgroups([])
        os.setresgid(ids[1], ids[1], ids[1])
        os.setresuid(ids[0], ids[0], ids[0])
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    kept = 1 << READ_ALL if reads else 0
    _call("capset", header, (ctypes.c_uint32 * 6)(kept, kept, kept, 0, 0, 0))
    if reads:
        _call("prctl", AMBIENT, RAISE, READ_ALL, 0, 0)
    _call("prctl", NO_NEW_PRIVS, 1, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of what our children leave; a sandbox ends only when all in it are collected."""
    if sys.platform == "linux":
        _call("prctl", CHILD_SUBREAPER, 1, 0, 0, 0)


def listen_inside(pid: int, ports: list[int]) -> list[socket.socket]:
    """Sockets that listen on 127.0.0.1 in the network namespace of `pid`, held by us.

    A child enters the namespaces, opens them and hands them over; a socket keeps its network wherever it is.
    """
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            enter(pid, everything(pid) & (NEWUSER | NEWNET))
            made = [socket.create_server(("127.0.0.1", port), backlog=64) for port in ports]
            socket.send_fds(theirs, [b"x"], [each.fileno() for each in made])
            os._exit(0)
        except BaseException:
            os._exit(1)
    theirs.close()
    with ours:
        _, found, _, _ = socket.recv_fds(ours, 1, len(ports) or 1)
    if len(found) != len(ports):
        raise OSError("could not listen inside the sandbox")
    return [socket.socket(fileno=descriptor) for descriptor in array.array("i", found)]
