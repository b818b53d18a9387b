"""Send requests on a schedule: `python -m chaos.openloop --url http://127.0.0.1:8000/ --rate 1000`.

Exit codes: 0 every request was answered well, 1 some were not, 2 INCONCLUSIVE or could not start, 130 Ctrl-C,
which ends it early with the figures so far.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from chaos.openloop import arrivals, report
from chaos.openloop.run import Run
from chaos.openloop.target import Target, target
from chaos.openloop.verdict import Sample
from services.errors import BacklabError

with contextlib.suppress(
    ImportError
):  # not on Windows; there the standard loop does, at a third of the speed
    import uvloop

MOST_CONNECTIONS = 10_000


def arguments(given: list[str] | None) -> argparse.Namespace:
    """What may be asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m chaos.openloop",
        description="An open-loop load generator: requests start on schedule, however slow the answers are.",
        epilog="example: python -m chaos.openloop --url http://127.0.0.1:8000/ --rate 1000 --seconds 10",
    )
    add = parser.add_argument
    add("--url", action="append", required=True, help="where to; several times with names: naive=http://...")
    add("--rate", type=float, default=100.0, help="requests a second to each URL (default 100)")
    add("--seconds", type=float, default=10.0, help="how long (default 10)")
    add("--arrivals", choices=arrivals.KINDS, default="poisson", help="how they are spread (default poisson)")
    add("--trace", type=Path, help="instead: a file with the time of each request in seconds, one a line")
    add("--seed", type=int, default=42, help="seed of Poisson arrivals (default 42)")
    add("--connections", type=int, default=64, help="the most to each URL (default 64)")
    add("--timeout-s", type=float, default=5.0, help="from the intended start (default 5)")
    add("--method", default="GET")
    add("--header", action="append", default=[], metavar="NAME:VALUE")
    add("--body", default="", help="text to send, or @file")
    add("--record", type=Path, help="write every request to this .npz file")
    add("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args(given)


def targets(options: argparse.Namespace) -> list[Target]:
    """One per URL; each has a name of its own."""
    made, body = [], options.body.encode()
    if options.body.startswith("@"):
        try:
            body = Path(options.body[1:]).read_bytes()
        except OSError as refusal:
            raise BacklabError(
                f"the body {options.body[1:]} cannot be read ({refusal.strerror})", "name a file"
            ) from None
    headers = dict(header.partition(":")[::2] for header in options.header)
    headers = {name.strip(): value.strip() for name, value in headers.items()}
    for place, url in enumerate(options.url):
        name, equals, address = url.partition("=")
        named = bool(equals) and "://" not in name
        arm = name if named else "load" if len(options.url) == 1 else f"load {place + 1}"
        made.append(target(address if named else url, arm, method=options.method, body=body, headers=headers))
    if len({each.arm for each in made}) < len(made):
        raise BacklabError("two URLs have the same name", "give each its own: naive=http://...")
    return made


def schedule(options: argparse.Namespace) -> tuple[np.ndarray, float]:
    """When requests are due, and how many a second that is."""
    if not 1 <= options.connections <= MOST_CONNECTIONS or not options.timeout_s > 0:
        raise BacklabError(
            f"{options.connections} connections and a timeout of {options.timeout_s:g} s make no run",
            f"give 1 to {MOST_CONNECTIONS:,} connections and a timeout above 0",
        )
    if options.trace:
        due_s = arrivals.trace_file(options.trace)
        return due_s, len(due_s) / max(float(due_s[-1]), 1e-3)
    due_s = arrivals.due_s(options.arrivals, options.rate, options.seconds, options.seed)
    if not len(due_s):
        raise BacklabError(
            f"no request falls into {options.seconds:g} s at {options.rate:g} requests/s", "ask for more"
        )
    return due_s, options.rate


def tell(sample: Sample) -> None:
    """How far it is: one living line in a terminal, one line per sample for whoever draws a bar."""
    start, end = ("\r\x1b[2K", "") if sys.stderr.isatty() else ("", "\n")
    words = f"{sample.t_s:.1f} s: {sample.ended_per_s:,.0f} requests/s, {sample.in_flight:,} in flight"
    print(start + words, end=end, file=sys.stderr, flush=True)


def main(given: list[str] | None = None) -> int:
    """Run it, say what was found, also of what was stopped by Ctrl-C; returns the exit code."""
    options, run = arguments(given), None
    try:
        aims = targets(options)
        due_s, rate = schedule(options)
        run = Run(aims, due_s, connections=options.connections, timeout_s=options.timeout_s, tell=tell)
        factory: Any = uvloop.new_event_loop if "uvloop" in sys.modules else None
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(run.go())
    except BacklabError as why:
        print(f"chaos.openloop: {why}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        if run is not None and run.began_unix_s and len(run.journal):
            _tell_all(run, aims, rate, options)
        return 130
    return _tell_all(run, aims, rate, options)


def _tell_all(run: Run, aims: list[Target], rate: float, options: argparse.Namespace) -> int:
    if sys.stderr.isatty():
        print(end="\r\x1b[2K", file=sys.stderr, flush=True)
    columns, arms = run.journal.columns(), [aim.arm for aim in aims]
    found = report.figures(columns, run.samples, arms, rate * len(aims))
    if options.record:
        facts = {
            "figures": np.array(json.dumps(found)),
            "began_unix_s": np.array(run.began_unix_s),
            "samples": np.array(json.dumps([asdict(s) for s in run.samples])),
        }
        run.journal.save(str(options.record), arms, [aim.op for aim in aims], rate=np.array(rate), **facts)
    errors = report.errors(columns, run.journal.reasons)
    print(json.dumps(found | {"errors": errors}, indent=1) if options.json else report.text(found, errors))
    if found["reasons"]:
        return 2
    return int(any(row["failed"] or row["unknown"] for row in found["arms"].values()))


if __name__ == "__main__":
    sys.exit(main())
