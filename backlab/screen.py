"""What `backlab run` and `backlab build` show: finished lines above, one living line below.

say(text)    a line that stays
status(text) the living line, only where stderr is a terminal; elsewhere each new activity is one line
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from types import TracebackType
from typing import Self

ROLE_COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "36"}
CLEAR_LINE = "\r\x1b[2K"
EVERY_S = 0.1


class Screen:
    """Standard output for what stays, standard error for the living line."""

    def __init__(self, *, mute: bool = False, silent: bool = False) -> None:
        self._mute = mute or silent  # a machine reads standard output: nothing else goes there
        self.living = sys.stderr.isatty() and not mute  # silent: the living line shows, where there is one
        self.coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._shown = ""
        self._drawn_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def say(self, text: str = "", colour: str = "") -> None:
        """Print a line that stays, above the living one."""
        self.clear()
        if self._mute:
            return
        print(self.paint(text, colour), flush=True)

    def status(self, text: str, *, now: bool = False) -> None:
        """Show what is going on; redrawn at most ten times a second unless `now`."""
        if not self.living:
            return
        if not now and time.monotonic() - self._drawn_s < EVERY_S:
            return
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write(CLEAR_LINE + text[:width])
        sys.stderr.flush()
        self._shown, self._drawn_s = text, time.monotonic()

    def clear(self) -> None:
        """Remove the living line."""
        if self._shown:
            sys.stderr.write(CLEAR_LINE)
            sys.stderr.flush()
            self._shown = ""

    def paint(self, text: str, colour: str) -> str:
        """The text in a colour, where colours are shown."""
        return f"\x1b[{ROLE_COLOURS[colour]}m{text}\x1b[0m" if colour and self.coloured else text


def bar(share: float, width: int = 20) -> str:
    """A bar of `width` characters, `share` of it full."""
    full = round(max(0.0, min(1.0, share)) * width)
    return "\N{BLACK RECTANGLE}" * full + "\N{MIDDLE DOT}" * (width - full)
