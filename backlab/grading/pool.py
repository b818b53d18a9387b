"""Servers that the grader owns, started once and used by one submission after the other.

Sharing is safe because a submission gets databases and a role of its own, and they go with it.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any

from backlab.bench import Bench, bench


class Pool:
    """Benches by what they hold; `close` stops all of them."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._benches: dict[str, Bench] = {}

    def bench(self, *names: str, **options: Any) -> Bench:
        """The bench with these servers and options, started if there is none yet or one of them has ended."""
        key = json.dumps([names, options], sort_keys=True, default=str)
        known = self._benches.get(key)
        if known is None or not all(server.running for server in known.servers.values()):
            self._benches[key] = self._stack.enter_context(bench(*names, **options))
        return self._benches[key]

    def close(self) -> None:
        """Stop every server."""
        self._benches.clear()
        self._stack.close()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
