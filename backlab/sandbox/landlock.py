"""Linux' Landlock: a process gives up all files, ports and signals but those that it names.

rules -> restrict(): read these, list those, write there, connect to these TCP ports, signal our own
Works where user namespaces are closed. The calls are made through ctypes; no wheel wraps them.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from backlab.sandbox.namespaces import LIBC

CREATE, ADD, RESTRICT = 444, 445, 446  # system calls, the same on every machine
VERSION, PATH_BENEATH, NET_PORT = 1, 1, 2
NEEDED = 6  # the version that knows signals; TCP ports came with 4
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
TRUNCATE, IOCTL = 1 << 14, 1 << 15
EVERY = (1 << 16) - 1
FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL
READ = EXECUTE | READ_FILE | READ_DIR
TCP, CONNECT_TCP, SCOPED = 0b11, 0b10, 0b11  # bind and connect; abstract Unix sockets and signals


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("descriptor", ctypes.c_int32))


class _Port(ctypes.Structure):
    _fields_ = (("allowed", ctypes.c_uint64), ("port", ctypes.c_uint64))


@functools.cache
def works() -> bool:
    """Whether this kernel has a Landlock that knows files, TCP ports and signals."""
    if sys.platform != "linux":
        return False
    return int(LIBC.syscall(CREATE, None, ctypes.c_size_t(0), VERSION)) >= NEEDED


def restrict(
    read: Iterable[str], listed: Iterable[str], write: Iterable[str], ports: list[int] | None
) -> None:
    """Give up all else for good; `ports` None: any TCP port. Needs `no_new_privs`; raises `OSError`."""
    rules = _Ruleset(EVERY, 0 if ports is None else TCP, SCOPED)
    ruleset = _checked(LIBC.syscall(CREATE, ctypes.byref(rules), ctypes.sizeof(rules), 0))
    for paths, allowed in ((read, READ), (listed, READ_DIR), (write, EVERY)):
        for path in paths:
            _beneath(ruleset, path, allowed)
    for port in ports or ():
        _checked(LIBC.syscall(ADD, ruleset, NET_PORT, ctypes.byref(_Port(CONNECT_TCP, port)), 0))
    _checked(LIBC.syscall(RESTRICT, ruleset, 0))
    os.close(ruleset)


def _beneath(ruleset: int, path: str, allowed: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        rule = _Beneath(allowed if os.path.isdir(path) else allowed & FILE, descriptor)
        _checked(LIBC.syscall(ADD, ruleset, PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(descriptor)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"Landlock: {os.strerror(number)}")
    return result


def without(place: Path, hidden: set[Path]) -> tuple[list[str], list[str]]:
    """What to read and what to list, so that all of a directory can be read but what is hidden in it."""
    if place in hidden:
        return [], []
    if not any(place in path.parents for path in hidden):
        return [str(place)], []
    read: list[str] = []
    listed = [str(place)]
    for child in sorted(place.iterdir()):
        more, further = without(child, hidden)
        read += more
        listed += further
    return read, listed
