"""A look at each server once a second, from a thread of its own: one that is frozen holds up nobody else.

Looker.thread: memory, vitals ──▶ seen() ◀── the panel, which never waits for a server
Nobody looks at the page: nobody asks the servers.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque

from backlab.panel.card import Seen
from backlab.panel.vitals import Vitals, asker
from services.server import Server

EVERY_S, MEMORY_EVERY = 1.0, 3  # memory is looked up at each third look: it takes the longest
KEPT = 60  # numbers for the little curve: the last minute


class Looker:
    """Looks at one server while `wanted` is set, until `stop()`."""

    def __init__(self, server: Server, wanted: threading.Event, over: threading.Event) -> None:
        self._server, self._wanted, self._over = server, wanted, over
        self._asker = asker(server)
        self._vitals = Vitals()
        self._memory_mb: float | None = None
        self._asked_s: float | None = None  # the first question that has not been answered yet
        self._trace: deque[float | None] = deque(maxlen=KEPT)
        self._looks = 0

    def start(self) -> None:
        """Begin; the thread ends with `over`, or with this process."""
        threading.Thread(target=self._run, name=f"panel {self._server.name}", daemon=True).start()

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                if self._wanted.wait(EVERY_S):
                    self.look()
                    self._over.wait(EVERY_S)
        finally:
            with contextlib.suppress(Exception):  # the server may be gone before us
                self._asker.close()

    def look(self) -> None:
        """Once; what goes wrong shows as silence."""
        asking = self._server.running and not self._server.paused
        if asking:
            self._ask()
        else:
            self._asked_s = None
        self._trace.append(self._vitals.number if asking else None)

    def _ask(self) -> None:
        self._asked_s = self._asked_s or time.monotonic()
        try:
            if self._looks % MEMORY_EVERY == 0:
                self._memory_mb = self._server.memory_bytes / 1e6
            self._looks += 1
            self._vitals = self._asker.ask()
            self._asked_s = None
        except Exception:  # whatever a dying server makes of a question, we ask again
            with contextlib.suppress(Exception):
                self._asker.close()

    def seen(self) -> Seen:
        """What the last look has brought."""
        silent_s = time.monotonic() - self._asked_s if self._asked_s else 0.0
        return Seen(self._vitals, self._memory_mb, silent_s, tuple(self._trace))
