"""The living line of a cohort: how far it is, what is being done, and how long is left."""

from __future__ import annotations

import time
from pathlib import Path

from backlab.screen import Screen, bar


class Bar:
    """Draws on a screen; safe to be told from threads."""

    def __init__(self, screen: Screen) -> None:
        self._screen, self._began_s = screen, time.monotonic()
        self._done = self._kept = self._of = 0
        self._words = ""

    def __call__(self, done: int, kept: int, of: int) -> None:
        """So many reports, of these so many from an earlier run, of so many submissions."""
        self._done, self._kept, self._of = done, kept, of
        self._draw(now=True)

    def say(self, words: str) -> None:
        """What is being done just now."""
        self._words = words
        self._draw(now=self._of == 1)

    def _draw(self, now: bool) -> None:
        if self._of == 1:
            self._screen.status(f"  {self._words}", now=now)
            return
        line = f"  {bar(self._done / max(1, self._of))} {self._done} of {self._of}{self._left()}"
        self._screen.status(f"{line}  {self._words}", now=now)

    def _left(self) -> str:
        """How long the rest takes at the pace so far."""
        made = self._done - self._kept
        if not made or self._done == self._of:
            return ""
        seconds = (time.monotonic() - self._began_s) / made * (self._of - self._done)
        return f", about {seconds:.0f} s left" if seconds < 100 else f", about {seconds / 60:.0f} min left"


def short(path: Path) -> str:
    """A path as one types it here."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)
