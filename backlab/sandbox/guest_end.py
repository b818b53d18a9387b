"""Inside the sandbox: a process forked from the preloaded parent becomes a guest, with limits and no rights.

parent --fork--> enters the namespaces --fork--> limits, no rights, own environment --> guest | nbval
"""

from __future__ import annotations

import importlib
import os
import resource
import signal
import socket
import sys
import traceback
from typing import Any

from backlab.sandbox import landlock, namespaces

HOME = "/tmp"
ROLES = {"guest": "backlab.sandbox.guest", "nbval": "backlab.sandbox.nbval_guest"}
LIMITS = {
    "FSIZE": "file_bytes",
    "NPROC": "processes",
    "AS": "memory_bytes",
    "NOFILE": "files",
    "CPU": "cpu_s",
}


def start(request: dict[str, Any], descriptor: int, orders: int, telling: int) -> None:
    """Become the guest that a request describes; never returns. Its process id is written to `telling`."""
    try:
        os.close(orders)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        if request["pid"]:
            namespaces.enter(request["pid"], namespaces.everything(request["pid"]))
        inner = os.fork()  # only a child is in the new pid namespace
        if inner:
            os.write(telling, str(inner).encode())
            os._exit(0)
        os.close(telling)
        _settle(request)
        main = importlib.import_module(ROLES[request["role"]]).main
        main(socket.socket(fileno=descriptor))
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _settle(request: dict[str, Any]) -> None:
    os.setsid()
    for name, key in LIMITS.items():
        if request["limits"].get(key):
            value = int(request["limits"][key])
            _limit(getattr(resource, f"RLIMIT_{name}"), value)
    _limit(resource.RLIMIT_CORE, 0)
    if not request["keeps_rights"]:
        ids = tuple(request["ids"]) if request["ids"] else None
        namespaces.give_up(ids, reads=bool(request["rules"]) and ids is not None)
    if request["rules"]:
        landlock.restrict(**request["rules"])
    os.chdir(request["home"])
    os.environ.clear()
    os.environ.update(request["environment"])
    os.umask(0o022)
    _close_output()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["guest"]


def _limit(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def _close_output() -> None:
    """What a guest prints goes nowhere, so that no flood of it reaches anybody."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)
