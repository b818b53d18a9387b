"""What every scenario shares: loopback only, a shop of its own where no host is given, a row per request.

locust starts ─▶ --host? loopback or refuse ─▶ else `python -m <stage>` ─▶ users ─▶ rows ─▶ statements
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from locust import HttpUser, events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def stage(module: str, users: Sequence[type[HttpUser]]) -> None:
    """Let these users load what `python -m module` sets up, each class the address of its `arm`."""
    run = Run(module, users)
    events.init_command_line_parser.add_listener(run.offer_options)
    events.init.add_listener(run.begin)
    events.request.add_listener(run.note)
    events.quitting.add_listener(run.end)


class Run:
    """One run of Locust: the stage that was set for it, if any, and a row for each request."""

    def __init__(self, module: str, users: Sequence[type[HttpUser]]) -> None:
        self.module, self.users = module, users
        self.rows: list[dict[str, Any]] = []
        self._stage: subprocess.Popen[str] | None = None

    def offer_options(self, parser: LocustArgumentParser) -> None:
        """What our scenarios add to Locust's command line."""
        parser.add_argument(
            "--latency-ms", type=float, default=2.0, help="delay between service and database"
        )

    def begin(self, environment: Environment, **extra: Any) -> None:
        """Refuse strangers; set the stage where no host is given."""
        if environment.host:
            refuse_strangers(environment.host)
            return
        latency_ms = environment.parsed_options.latency_ms if environment.parsed_options else 0.0
        self._stage = _start(self.module, latency_ms)
        addresses = json.loads(_ask(self._stage))
        for user in self.users:
            user.host = addresses[user.arm]  # type: ignore[attr-defined]

    def note(
        self, name: str, response_time: float, exception: Exception | None, start_time: float, **extra: Any
    ) -> None:
        """Keep one request as a row, failures too."""
        arm, _, op = name.partition(": ")
        outcome = "failed" if exception else "ok"
        row = {"t_s": start_time, "arm": arm, "op": op, "latency_ms": response_time, "outcome": outcome}
        self.rows.append(row)

    def end(self, environment: Environment, **extra: Any) -> None:
        """Take the stage down, say what each arm asked of its database, write the rows where asked to."""
        statements = _finish(self._stage) if self._stage else {}
        for arm, sent in statements.items():
            pages = sum(row["arm"] == arm for row in self.rows)
            print(f"{arm}: {pages} pages, {sent / max(1, pages):.1f} statements a page")
        record = os.environ.get("BACKLAB_RECORD")
        if record:
            Path(record).write_text(
                json.dumps({"rows": self.rows, "statements": statements}), encoding="utf-8"
            )


def refuse_strangers(host: str) -> None:
    """End Locust with exit code 2 where `host` is not this machine: load goes to loopback only."""
    name = urlsplit(host if "//" in host else f"//{host}").hostname
    if name not in LOOPBACK:
        print(f"refused: {host} is not this machine; load goes to 127.0.0.1 only", file=sys.stderr)
        sys.stderr.flush()
        os._exit(2)


def _start(module: str, latency_ms: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module, "--latency-ms", str(latency_ms)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _ask(stage: subprocess.Popen[str]) -> str:
    """The stage's next line; where it has none, it has said why on its own standard error."""
    assert stage.stdout is not None
    line = stage.stdout.readline()
    if not line:
        stage.wait()
        os._exit(2)
    return line


def _finish(stage: subprocess.Popen[str]) -> dict[str, int]:
    """Take the stage down and return how many statements each arm has sent."""
    assert stage.stdin is not None
    stage.stdin.close()
    statements: dict[str, int] = json.loads(_ask(stage))
    stage.wait()
    return statements
