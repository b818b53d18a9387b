"""What this machine lacks, asked in a process of its own and kept for a while: asking takes a second.

python -m backlab.workbench.machine -> {"prometheus": "install it with ..."} on standard output
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import datetime

KEPT_S = 300.0
PATIENCE_S = 1.5  # that a page waits for the first answer; then it says that somebody is looking


class Machine:
    """The last answer, with the time of day at which it was given."""

    def __init__(self) -> None:
        self._lacking: dict[str, str] | None = None
        self.looked_at = ""
        self._at_s = 0.0
        self._task: asyncio.Task[None] | None = None

    async def lacking(self, *, again: bool = False) -> dict[str, str] | None:
        """What to do about each kind of server that cannot start here; None while nobody knows yet."""
        old = time.monotonic() - self._at_s > KEPT_S
        if self._task is None and (self._lacking is None or old or again):
            self._task = asyncio.ensure_future(self._look())
        if self._task is not None and (again or self._lacking is None):
            await asyncio.wait([self._task], timeout=PATIENCE_S)
        return self._lacking

    async def _look(self) -> None:
        """Ask; what goes wrong there is known again the next time, and no page fails for it."""
        try:
            asked = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "backlab.workbench.machine",
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            said, _ = await asked.communicate()
            self._lacking = json.loads(said)
            self._at_s, self.looked_at = time.monotonic(), datetime.now().strftime("%H:%M")
        except (OSError, ValueError):
            return
        finally:
            self._task = None


if __name__ == "__main__":
    from backlab.workbench import page
    from services.runnable import missing

    print(json.dumps(missing(page.kinds())))
