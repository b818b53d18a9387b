"""The preloaded parent: it has imported everything once, and each guest is a fork of it.

python -m backlab.sandbox.nursery_process <fd> <- {"do": "preload" | "listen" | "start", ...} + descriptors
It holds no key and no judge: what a guest finds in its memory is what any kernel has.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import json
import os
import signal
import socket
import sys
import time
from typing import Any

from backlab.sandbox import guest_end, lent, namespaces

REQUEST_BYTES = 1 << 20
READY_MADE = ("backlab.sandbox.guest", "backlab.sandbox.nbval_guest")


def serve(orders: socket.socket) -> None:
    """Do what is asked until the grader is gone."""
    while True:
        text, descriptors, _, _ = socket.recv_fds(orders, REQUEST_BYTES, 1)
        if not text:
            return
        request = json.loads(text)
        answer, sockets = _do(request, orders, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        socket.send_fds(orders, [json.dumps(answer).encode()], [each.fileno() for each in sockets])
        for each in sockets:
            each.close()


def end_guests() -> None:
    """End all that is below us: where there is no bubblewrap, what a guest left has become our child."""
    import psutil

    while below := psutil.Process().children(recursive=True):
        for process in below:
            with contextlib.suppress(psutil.Error):
                process.kill()
        time.sleep(0.01)


def _do(request: dict[str, Any], orders: socket.socket, descriptors: list[int]) -> Any:
    try:
        if request["do"] == "preload":
            return _preload(request), []
        if request["do"] == "listen":
            return {}, namespaces.listen_inside(request["pid"], request["ports"])
        told, telling = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(told)
            guest_end.start(request, descriptors[0], orders.fileno(), telling)
        os.close(telling)
        with open(told) as inner:  # the child enters the sandbox, leaves its own child there, and ends
            return {"pid": int(inner.read())}, []
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}, []


def _preload(request: dict[str, Any]) -> dict[str, Any]:
    """Import what guests will import; what fails here will fail there, where it is told."""
    lent.keep_back(request["without"])
    for module in READY_MADE:
        importlib.import_module(module)
    names: dict[str, Any] = {}
    for source in request["imports"]:
        for node in ast.parse(source).body:
            with contextlib.suppress(Exception):
                exec(compile(ast.Module([node], []), "<imports>", "exec"), names)
    with contextlib.suppress(Exception):
        importlib.import_module(request["guest"])
    return {}


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel collects guests at once
    namespaces.adopt_orphans()
    sys.argv[1:], number = [], int(sys.argv[1])
    try:
        serve(socket.socket(fileno=number))
    finally:
        end_guests()
        os._exit(0)
