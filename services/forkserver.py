"""A process that imports modules once and then forks: the second Python server starts in a tenth of the time.

    python -m services.forkserver <orders> <answers> <module>...        two pipes, a line of JSON at a time
    warden <── true                              imported, and there is one thread, so that forking is safe
    warden ──> {"argv", "cwd", "log", ...}    ──fork──▶ (ends at once) ──fork──▶ server
           <── [4711, ""]                        its process id, and why it could not begin

The one between ends at once, so its child falls to the warden, which takes in orphans meanwhile (`prctl(2)`,
PR_SET_CHILD_SUBREAPER): the warden is the parent of this server as of any that it has started itself.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import signal
import sys
import time
from importlib import import_module
from typing import Any

from services.leftovers import parent_death_signal
from services.warden_process import become

HANDED_OVER_S = 10.0


def main() -> None:
    """Fork for our parent until it is gone; in a fork, be the server that was ordered."""
    warden = os.getppid()
    die_with_parent = parent_death_signal()
    die_with_parent(signal.SIGKILL)
    orders, answers = os.fdopen(int(sys.argv[1]), "rb"), os.fdopen(int(sys.argv[2]), "wb", buffering=0)
    for name in sys.argv[3:]:
        import_module(name)
    if len(os.listdir("/proc/self/task")) > 1:
        sys.exit("an import has started a thread, which a fork would not have")
    gc.collect()
    gc.freeze()  # so that the servers' collectors do not copy our pages by marking them
    answers.write(b"true\n")
    for line in orders:
        told, telling = os.pipe()
        if _fork_orphan(telling):
            os.close(telling)
            with os.fdopen(told, "rb") as pipe:
                pid, _, failure = pipe.read().decode().partition("\n")
            answers.write(json.dumps([int(pid), failure]).encode() + b"\n")
            continue
        orders.close()
        answers.close()
        os.close(told)
        die_with_parent(json.loads(line)["farewell"])
        if os.getppid() == warden:  # else it has ended meanwhile, and nobody would end us
            _serve(json.loads(line), telling)
        return


def _fork_orphan(telling: int) -> bool:
    """True in this process; False in a fork that is nobody's child of ours, once it has its new parent.

    Its process id and a line feed go to `telling`.
    """
    between = os.fork()
    if between:
        os.waitpid(between, 0)
        return True
    between = os.getpid()
    if pid := os.fork():
        os.write(telling, f"{pid}\n".encode())
        os._exit(0)
    deadline = time.monotonic() + HANDED_OVER_S
    while os.path.exists(f"/proc/{between}"):  # until it is collected: then it has handed us over for good
        if time.monotonic() > deadline:
            os._exit(127)  # nobody collects, because the fork server has died
        time.sleep(0.0002)
    return False


def _serve(order: dict[str, Any], telling: int) -> None:
    """Be `python -m module ...` with the order's environment, directory, log; `telling` hears a failure."""
    try:
        output = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        become(order["cwd"], output, None)
        os.close(output)
    except OSError as error:
        os.write(telling, str(error).encode())
        os._exit(127)
    os.close(telling)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # as a Python that starts
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _python, _dash_m, module, *words = order["argv"]
    os.environ.clear()
    os.environ.update(order["env"])
    sys.path[0], sys.argv = order["cwd"], [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
