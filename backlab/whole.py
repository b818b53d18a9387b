"""Write a file whole or not at all, so that a full disk or a kill never leaves half of it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write(place: Path, text: str) -> None:
    """Put `text` in the place of the file, which keeps its permissions; `OSError` leaves it as it was."""
    mode = place.stat().st_mode & 0o777 if place.exists() else 0o644
    handle, draft = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(draft, mode)
        os.replace(draft, place)
    except BaseException:
        os.unlink(draft)
        raise
