"""Several servers as one: started at once, stopped at once, and where one fails none is left.

with together([Redis(), Redis()]):      both run here                   all_at_once([one.pause, two.pause])
class Stage(Block): `_start` puts what it opens into `self._open`; `with Stage()` has all of it, or nothing
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol, Self


class Startable(Protocol):
    """A server, or whatever starts and stops like one; `stop` is safe where it never started."""

    def start(self) -> Any: ...
    def stop(self) -> Any: ...


def all_at_once(calls: Iterable[Callable[[], Any]], most: int | None = None) -> None:
    """Run calls in threads, at most so many at a time, and wait for all of them.

    The first error is raised after the last call has ended.
    """
    waiting = list(calls)
    if len(waiting) == 1:
        waiting[0]()
    elif waiting:
        with ThreadPoolExecutor(most or len(waiting)) as pool:
            futures = [pool.submit(call) for call in waiting]
        for future in futures:
            future.result()


@contextmanager
def together(servers: Iterable[Startable], most: int | None = None) -> Iterator[None]:
    """Servers that run while the block does; `most` is how many may start at a time."""
    mine = list(servers)
    try:
        all_at_once((server.start for server in mine), most)
        yield
    finally:
        all_at_once(server.stop for server in mine)


class Block:
    """A context manager that has started everything, or has closed what had started when the rest failed."""

    def __init__(self) -> None:
        self._open = ExitStack()

    def _start(self) -> None:
        """Start, and give `self._open` whatever must be closed; that happens in reverse order."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()
