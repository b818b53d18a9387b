"""The stage of a scenario as a process of its own, `python -m <module>`: two lines of JSON and an end.

first line: {arm: address}       standard input ends       last line: {"statements": {...}, "evidence": {...}}
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, NoReturn
from urllib.parse import urlsplit

from services.errors import BacklabError


class Stage:
    """A running stage; it goes by itself when this process ends, since its standard input ends then."""

    def __init__(self, module: str, words: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for Locust, which then closes the stage's standard input
        )
        self.addresses: dict[str, str] = self._line()

    def _line(self) -> Any:
        """The stage's next line; where it has none, it has said why on its own standard error."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            leave("")
        return json.loads(line)

    def finish(self) -> dict[str, dict[str, int]]:
        """Take it down and return what it has seen."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        seen: dict[str, dict[str, int]] = self._line()
        self._process.wait()
        return seen


def leave(why: str) -> NoReturn:
    """End Locust at once with exit code 2 and one sentence, before anything is sent."""
    if why:
        print(why, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(2)


def check_reachable(url: str) -> None:
    """Raise `BacklabError` where nobody listens at `url`, a URL of this machine."""
    parts = urlsplit(url)
    try:
        address = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection(address, timeout=5).close()
    except (OSError, ValueError) as refusal:
        reason = getattr(refusal, "strerror", None) or str(refusal)
        raise BacklabError(
            f"nothing answers at {url} ({reason})",
            "start it first, or leave --host out: the scenario then starts a shop of its own",
        ) from None
