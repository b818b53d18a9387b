"""Run async work from a notebook, whose own event loop is busy: a thread with a loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any


def in_a_loop(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Call `work`, run what it returns to its end, and return the result or raise its exception."""
    ended: list[Any] = []
    failed: list[BaseException] = []

    def body() -> None:
        try:
            ended.append(asyncio.run(work()))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=body, name="backlab-loop", daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return ended[0]
