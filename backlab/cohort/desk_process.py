"""A desk's process: grades what comes down its line, one submission after the other, until it hangs up.

python -m backlab.cohort.desk_process <fd>  <- a Work on each line
                                             -> {"stage": "judging"} ... {"report": "..."} | {"error": [...]}
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import sys
import threading
from typing import NoReturn

from backlab.check import describe
from backlab.cohort.work import Graders, Work
from services.errors import BacklabError

IDLE_S = 30.0  # then its servers are of no use to anybody
HANG_UP = b""
LEAVE_S = 5.0  # to take servers and sandbox down politely; the warden does the rest


def main(line: socket.socket) -> None:
    """Grade until the other end hangs up, or has had nothing to grade for a while."""
    signal.signal(signal.SIGTERM, _leave)
    orders: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(line, orders), name="listener", daemon=True).start()
    graders = Graders(lambda words: _say(line, stage=words))
    try:
        with contextlib.suppress(queue.Empty):
            while order := orders.get(timeout=IDLE_S):
                _one(line, graders, order)
    finally:
        graders.close()


def _listen(line: socket.socket, orders: queue.SimpleQueue[bytes]) -> None:
    """Hear orders, also while a submission is graded: a line that is hung up ends us in the midst of it."""
    with contextlib.suppress(OSError):  # reset: whoever held the line died with words of ours unread
        for text in line.makefile("rb"):
            orders.put(text)
    orders.put(HANG_UP)
    main_thread = threading.main_thread().ident
    assert main_thread is not None
    signal.pthread_kill(main_thread, signal.SIGTERM)  # to this one: it may be waiting
    threading.Event().wait(LEAVE_S)
    os._exit(1)


def _leave(number: int, frame: object) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)
    sys.exit(0)


def _one(line: socket.socket, graders: Graders, order: bytes) -> None:
    try:
        answer: dict[str, object] = {"report": graders.grade(Work.from_json(order))}
    except BacklabError as error:
        answer = {"error": [error.what, error.next_step]}
    except Exception as error:
        answer = {"error": [f"the grader was stopped by {describe(error)}", "tell its authors"]}
    _say(line, **answer)


def _say(line: socket.socket, **answer: object) -> None:
    """Tell the other end, which may be gone."""
    with contextlib.suppress(OSError):
        line.sendall(json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
