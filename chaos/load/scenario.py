"""What every scenario shares: loopback only, a shop of its own where no host is given, a row per request.

locust starts ─▶ --host? loopback or refuse ─▶ else `python -m <stage>` ─▶ users ─▶ rows ─▶ evidence
                 (once, by the master)                workers ──rows with their reports──▶ master
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gevent
from locust import User, events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import WorkerRunner

from chaos.load import shapes
from chaos.load.stage import Stage, check_reachable, leave
from chaos.loopback import refuse_strangers
from services.errors import BacklabError

USERS_EVERY_S = 0.5
FINISH_S = 15.0  # users end what they are at; cut off, an order would be placed and not noted


def stage(
    module: str,
    users: Sequence[type[User]],
    *,
    words: Sequence[str] = (),
    latency_ms: float = 0.0,
    shape: str = "flat",
) -> None:
    """Let these users load what `python -m module` sets up, each class the address of its `arm`.

    `words` go to the module, `latency_ms` is the default of the option, `shape` that of `--shape`.
    """
    run = Run(module, users, words, latency_ms, shape)
    events.init_command_line_parser.add_listener(run.offer_options)
    events.init.add_listener(run.begin)
    events.test_start.add_listener(run.aim)
    events.request.add_listener(run.note)
    events.report_to_master.add_listener(run.report)
    events.worker_report.add_listener(run.collect)
    events.quitting.add_listener(run.end)


class Run:
    """One run of Locust: the stage that was set for it, if any, and a row for each request."""

    def __init__(
        self,
        module: str,
        users: Sequence[type[User]],
        words: Sequence[str],
        latency_ms: float,
        shape: str,
    ) -> None:
        self.module, self.users, self.words = module, users, list(words)
        self.latency_ms, self.shape = latency_ms, shape
        self.rows: list[dict[str, Any]] = []
        self.user_counts: list[tuple[float, int]] = []
        self._reported = 0
        self._stage: Stage | None = None

    def offer_options(self, parser: LocustArgumentParser) -> None:
        """What our scenarios add to Locust's command line."""
        add = parser.add_argument
        add("--latency-ms", type=float, default=self.latency_ms, help="delay between service and database")
        add(
            "--shop",
            nargs="?",
            const="one",
            choices=("one", "each"),
            help="start a shop for this run (the default where no --host is given): in one process, or each "
            "service in its own",
        )
        add(
            "--shape",
            choices=("flat", *shapes.SHAPES),
            default=self.shape,
            help="how the number of users changes",
        )

    def begin(self, environment: Environment, **extra: Any) -> None:
        """Refuse strangers; set the stage where no host is given; workers leave all that to the master."""
        if isinstance(environment.runner, WorkerRunner):
            return
        options = environment.parsed_options
        try:
            self._find_shop(environment, options)
        except BacklabError as why:
            leave(str(why))
        if options is not None and options.shape != "flat":
            environment.shape_class = shapes.made(options.shape, options.num_users, options.run_time)
            environment.shape_class.runner = environment.runner
        environment.stop_timeout = environment.stop_timeout or FINISH_S
        gevent.signal_handler(signal.SIGINT, _interrupt_main)
        gevent.spawn(self._count_users, environment)

    def _find_shop(self, environment: Environment, options: Any) -> None:
        if environment.host:
            refuse_strangers(environment.host)
            if options is not None and options.shop:
                raise BacklabError("--shop starts a shop and --host names one", "leave one of them out")
            check_reachable(environment.host)
            return
        words = ["--latency-ms", str(options.latency_ms), *self.words]
        words += ["--shop", options.shop] if options.shop else []
        self._stage = Stage(self.module, words)
        addresses = self._stage.addresses
        if len(addresses) == 1:
            (environment.host,) = addresses.values()
        else:
            options.addresses = addresses  # goes to the workers with the other options
        print(f"the shop: {', '.join(addresses.values())}", file=sys.stderr)

    def aim(self, environment: Environment, **extra: Any) -> None:
        """Give each kind of user its address; a host that was typed into the web UI is looked at as well."""
        if environment.host:
            try:
                refuse_strangers(environment.host)
            except BacklabError as why:
                leave(str(why))
            return
        addresses = getattr(environment.parsed_options, "addresses", {})
        for user in self.users:
            user.host = addresses.get(user.arm)  # type: ignore[attr-defined]

    def note(
        self, name: str, response_time: float, exception: Exception | None, start_time: float, **extra: Any
    ) -> None:
        """Keep one request as a row, failures too; after a time-out nobody knows what has happened."""
        arm, _, op = name.rpartition(": ")
        timed_out = isinstance(exception, TimeoutError) or "timeout" in type(exception).__name__.lower()
        outcome = "unknown" if timed_out else "failed" if exception else "ok"
        row = {"t_s": start_time, "arm": arm, "op": op, "latency_ms": response_time, "outcome": outcome}
        self.rows.append(row)

    def report(self, client_id: str, data: dict[str, Any], **extra: Any) -> None:
        """A worker's rows go with its statistics."""
        data["backlab_rows"], self._reported = self.rows[self._reported :], len(self.rows)

    def collect(self, client_id: str, data: dict[str, Any], **extra: Any) -> None:
        """The master keeps the workers' rows."""
        self.rows += data.get("backlab_rows", [])

    def _count_users(self, environment: Environment) -> None:
        while environment.runner is not None:
            self.user_counts.append((time.time(), environment.runner.user_count))
            gevent.sleep(USERS_EVERY_S)

    def end(self, environment: Environment, **extra: Any) -> None:
        """Take the stage down, say what it has seen, write the rows where asked to."""
        if isinstance(environment.runner, WorkerRunner):
            return
        if environment.runner is not None:
            environment.runner.stop()  # after Ctrl-C users are still at it, and the shop is about to go
        seen = self._stage.finish() if self._stage else {}
        for arm, sent in seen.get("statements", {}).items():
            pages = sum(row["arm"] == arm for row in self.rows)
            print(f"{arm}: {pages} pages, {sent / max(1, pages):.1f} statements a page")
        for what, count in seen.get("evidence", {}).items():
            print(f"{what}: {count:,}")
        record = os.environ.get("BACKLAB_RECORD")
        if record:
            kept = {"rows": self.rows, "users": self.user_counts, "statements": {}, "evidence": {}, **seen}
            Path(record).write_text(json.dumps(kept), encoding="utf-8")


def _interrupt_main() -> None:
    """Ctrl-C is Locust's. Python would raise it in whoever runs: often a user, whose page went unnoted."""
    gevent.get_hub().handle_system_error(KeyboardInterrupt, KeyboardInterrupt())
