"""A process to be killed: starts servers, tells on one line what it has, then waits for its standard input.

python victim.py native|container [fork|nested]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

from services import warden
from services.postgres import Postgres
from services.redis import Redis


def main() -> None:
    """Start, tell, wait."""
    backend, *how = sys.argv[1:]
    servers = [Postgres(backend=backend).start(), Redis(backend=backend).start()]
    native = backend == "native"
    told = {
        "pids": [server.pid for server in servers if native] + [warden.current().pid],
        "ports": [server.port for server in servers],
        "directories": [str(server.directory) for server in servers if native],
        "containers": [name.split()[1] for server in servers for name in server.ids if not native],
    }
    if how == ["fork"] and os.fork() == 0:
        sys.stdin.read()  # outlives its parent, with a copy of everything that was open in it
        os._exit(0)
    if how == ["nested"]:
        told = add(told, start_another(backend))
    print(json.dumps(told), flush=True)
    sys.stdin.read()


def start_another(backend: str) -> dict[str, list[int | str]]:
    """A child process with servers and a warden of its own."""
    child = subprocess.Popen(
        [sys.executable, __file__, backend], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    return dict(json.loads(child.stdout.readline()))


def add(one: dict[str, list], other: dict[str, list]) -> dict[str, list]:
    return {kind: one[kind] + other[kind] for kind in one}


if __name__ == "__main__":
    main()
