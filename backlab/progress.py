"""See that it is working: one bar for terminals and notebooks that leaves nothing behind.

progress(iterable) -> tqdm in a terminal (on stderr)
                   -> one display, updated in place and emptied at the end, in a notebook

What changes travels as content and as `transient`, which nobody stores; a display's metadata stay as they
were, or VS Code rewrites all outputs of the cell from an old copy and loses what was shown since.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from html import escape
from typing import Any, TypeVar

T = TypeVar("T")
MIME = "application/x-backlab-progress"  # `backlab run` draws it in the terminal, `backlab build` drops it
MARK: dict[str, Any] = {MIME: {}}


def progress(things: Iterable[T], label: str, *, total: int | None = None, unit: str = "step") -> Iterator[T]:
    """Iterate over `things` while a bar shows `label`, how far it is and how long is left."""
    if total is None and isinstance(things, Sized):
        total = len(things)
    if in_notebook():
        return _in_notebook(things, label, total, unit)
    from tqdm import tqdm

    # disable=None: silent where stderr is no terminal, such as CI and pytest
    return iter(tqdm(things, desc=label, total=total, unit=unit, leave=False, disable=None))


@contextmanager
def activity(label: str) -> Iterator[Callable[[str], None]]:
    """Show what a wait is for: `with activity("starting") as say: say("seeding orders")`; safe in threads."""
    handle: Any = None
    if in_notebook():
        from IPython.display import display

        handle = display({"text/plain": label}, raw=True, display_id=True, metadata=MARK)
        _rewrite(handle, {"text/plain": label}, {"label": label})

    def say(what: str) -> None:
        if handle is not None:
            _rewrite(handle, {"text/plain": f"{label}: {what}"}, {"label": what})
        elif sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[2K{label}: {what}")
            sys.stderr.flush()

    try:
        yield say
    finally:
        if handle is not None:
            _rewrite(handle, {"text/plain": ""}, {"over": True})
        elif sys.stderr.isatty():
            sys.stderr.write("\r\x1b[2K")


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this code (an IPython terminal does not count)."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and hasattr(shell, "kernel")


def _in_notebook(things: Iterable[T], label: str, total: int | None, unit: str) -> Iterator[T]:
    """The notebook's bar: one display that is rewritten at most five times a second."""
    from IPython.display import display

    handle: Any = None
    began = shown = time.monotonic()
    done = 0
    try:
        for done, thing in enumerate(things):
            now = time.monotonic()
            if handle is None and now - began > 0.15:  # what is over at once needs no bar
                handle = display({"text/plain": ""}, raw=True, display_id=True, metadata=MARK)
            if handle is not None and (shown == began or now - shown > 0.2):
                shown = now
                _rewrite(handle, *_frame(label, done, total, unit, now - began))
            yield thing
    finally:
        if handle is not None:
            _rewrite(handle, {"text/plain": ""}, {"label": label, "over": True})


def _rewrite(handle: Any, bundle: dict[str, Any], facts: dict[str, Any]) -> None:
    """Show something else in the same place, and tell whoever draws it elsewhere the bare facts."""
    handle.update(bundle, raw=True, metadata=MARK, transient={MIME: facts})


def _frame(
    label: str, done: int, total: int | None, unit: str, spent_s: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """One state of the bar: a bundle to display, and the bare facts for whoever draws it elsewhere."""
    facts = {"label": label, "done": done, "total": total}
    if not total:
        return {"text/plain": f"{label}: {done} {unit}s, {spent_s:.0f} s so far"}, facts
    left_s = spent_s / done * (total - done) if done else None
    text = f"{label}: {done} of {total}" + (f", about {left_s:.0f} s left" if left_s is not None else "")
    html = f'<progress value="{done}" max="{total}" aria-label="{escape(label)}"></progress> {escape(text)}'
    return {"text/plain": text, "text/html": html}, facts | {"left_s": left_s}
