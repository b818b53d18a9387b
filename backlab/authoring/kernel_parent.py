"""The parent of kernels: it has imported everything once, and each kernel is a fork of it.

python -m backlab.authoring.kernel_parent <fd>
  <- {"imports": "..."} | {"file": ..., "folder": ..., "env": {...}}   -> {"ready": true} | {"pid": 4711}
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import signal
import socket
import sys
from typing import Any, NoReturn

from ipykernel.kernelapp import IPKernelApp

from services.leftovers import parent_death_signal

REQUEST_BYTES = 1 << 18


def serve(orders: socket.socket) -> None:
    """Do what is asked until whoever asks is gone; kernels go with us."""
    die_with = parent_death_signal()
    die_with(signal.SIGKILL)  # also while we import
    while text := orders.recv(REQUEST_BYTES):
        request = json.loads(text)
        if "imports" in request:
            _preload(request["imports"])
            answer: dict[str, object] = {"ready": True}
        else:
            child = os.fork()
            if child == 0:
                die_with(signal.SIGKILL)
                _kernel(request, orders)
            answer = {"pid": child}
        orders.sendall(json.dumps(answer).encode())


def _preload(source: str) -> None:
    """Import what cells will import; what fails here will fail there, where it is told."""
    names: dict[str, Any] = {}
    for node in ast.parse(source).body:
        with contextlib.suppress(Exception):
            exec(compile(ast.Module([node], []), "<imports>", "exec"), names)


def _kernel(request: dict[str, Any], orders: socket.socket) -> NoReturn:
    """Become a kernel."""
    try:
        orders.close()
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["folder"])
        sys.argv = ["kernel"]
        IPKernelApp.launch_instance(
            argv=["-f", request["file"], "--log-level=ERROR", "--HistoryManager.enabled=False"]
        )
    finally:
        os._exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel collects them at once
    serve(socket.socket(fileno=int(sys.argv[1])))
