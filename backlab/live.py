"""A plot that grows while a long experiment runs and ends as the final figure.

measure(..., live=live(draw)) -> offer(rows) -> draw(rows) -> the same display, rewritten in place

A growing picture keeps its metadata and has no text; the final figure has both of its own. Where a display
has as many forms as before and other metadata, VS Code rewrites all outputs of the cell from an old copy.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from backlab import stop
from backlab.progress import in_notebook

if TYPE_CHECKING:
    import pandas as pd

    from backlab.plot.card import Card

FASTEST_S = 0.1  # ten redraws a second
LONGEST_S = 1.0  # between two: the first one also imports matplotlib
LAYOUT_S = 1.0  # how long a growing plot keeps its layout, which is a third of the work
SHARE = 1 / 3  # of the time may go into drawing; an expensive plot is drawn less often

GROWING = "A plot that grows while its cell runs."


class Live:
    """One display that is redrawn from the rows so far; between calls, never during one."""

    def __init__(self, draw: Callable[[pd.DataFrame], Card], share: float = SHARE) -> None:
        self._draw, self._share = draw, share
        self._handle: Any = None
        self._next_s = self._laid_out_s = 0.0
        self._former: Card | None = None
        self._metadata: dict[str, Any] = {}
        self.redraws = 0

    def offer(self, rows: Callable[[], pd.DataFrame]) -> None:
        """Redraw if it is time to; `rows` is only called then. Outside a notebook nothing happens."""
        if in_notebook() and time.monotonic() >= self._next_s:
            with stop.Heard():
                self.show(rows())

    def show(self, rows: pd.DataFrame) -> None:
        """Draw now. A plot that cannot be drawn yet (too few rows) is skipped, not fatal."""
        started = time.monotonic()
        try:
            picture = self._frame(rows)
        except Exception:
            return
        self.redraws += 1
        if self._handle is None:
            from IPython.display import display

            self._handle = display(picture, raw=True, metadata=self._metadata, display_id=True)
        else:
            self._handle.update(picture, raw=True, metadata=self._metadata)
        spent_s = time.monotonic() - started
        self._next_s = time.monotonic() + min(max(FASTEST_S, spent_s / self._share - spent_s), LONGEST_S)

    def _frame(self, rows: pd.DataFrame) -> dict[str, str]:
        """One picture of many: coarser than the last one, and laid out like the one before it."""
        card = self._draw(rows)
        if self._former is not None and time.monotonic() - self._laid_out_s < LAYOUT_S:
            card.lay_out_like(self._former)
        else:
            self._laid_out_s = time.monotonic()
        self._former = card
        data, metadata = card.bundle(sharpness=1)
        if not self._metadata:
            self._metadata = {"image/png": metadata["image/png"] | {"alt": GROWING}}
        return {"image/png": data["image/png"]}

    def finish(self, rows: pd.DataFrame) -> None:
        """The final figure, in the place of the growing one; here an error in the drawing is told.

        Except of what was stopped: it may have too few rows to be drawn, which must not cost us those.
        """
        if not in_notebook():
            return
        try:
            card = self._draw(rows)
        except Exception:
            if rows.attrs.get("interrupted"):
                return
            raise
        if self._handle is None:
            card.show()
        else:
            bundle, metadata = card.bundle()
            self._handle.update(bundle, raw=True, metadata=metadata)


def live(draw: Callable[[pd.DataFrame], Card]) -> Live:
    """A live plot for `measure(..., live=live(draw))`; `draw` gets the rows so far and returns a figure."""
    return Live(draw)
