"""Write a file whole or not at all, and keep what lay there: a full disk or a kill never costs anything."""

from __future__ import annotations

import os
import tempfile
from datetime import date
from pathlib import Path

from services.errors import BacklabError


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


def keep(path: Path, mark: str) -> Path:
    """Copy a file beside itself, under a name with `mark` and today's date that nobody has taken."""
    data = path.read_bytes()
    for number in range(1, 1000):
        more = f"-{number}" if number > 1 else ""
        copy = path.with_name(f"{path.stem}{mark}{date.today().isoformat()}{more}{path.suffix}")
        try:
            with open(copy, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            return copy
        except FileExistsError:
            continue
        except OSError:
            copy.unlink(missing_ok=True)
            raise
    raise BacklabError(f"a thousand copies of {path.name} are kept", "delete some of them")
