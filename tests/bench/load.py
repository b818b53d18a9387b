"""What the open-loop generator can send on one core, beside wrk, Locust's FastHttpUser and httpx.

All aim at the same server, which answers as cheaply as Python can, on the other core.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.bench.figure import Figure, interleaved
from tests.bench.wire import peer

ROUNDS = 3
ASKED = 42_000  # requests/s of the open loop, so that 40,000 are there although chance sends a few less
SECONDS = 2
WRK = "wrk -t1 -c64"
LOCUST, HTTPX = "Locust FastHttpUser", "one httpx AsyncClient"


def said(argv: list[str]) -> str:
    """What a tool prints; its exit code does not matter here."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2])
    return done.stdout or done.stderr


class Ours:
    """The generator at a fixed rate; keeps the best of its own figures over the rounds."""

    def __init__(self, port: int) -> None:
        words = ["--url", f"http://127.0.0.1:{port}/", "--rate", str(ASKED), "--seconds", str(SECONDS)]
        self.argv = [sys.executable, "-m", "chaos.openloop", *words, "--json"]
        self.found: list[dict[str, Any]] = []

    def __call__(self) -> float:
        self.found.append(json.loads(said(self.argv)))
        return float(self.found[-1]["arms"]["load"]["per_s"])

    def median(self, name: str) -> float:
        """Of a figure of its own, over the rounds."""
        return float(sorted(found[name] for found in self.found)[len(self.found) // 2])


def wrk(port: int) -> float:
    """A closed loop in C."""
    text = said(["wrk", "-t1", "-c64", f"-d{SECONDS}s", f"http://127.0.0.1:{port}/"])
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    assert rate, text
    return float(rate[1])


def locust(port: int) -> float:
    """One process with 32 impatient users."""
    argv = [str(Path(sys.executable).parent / "locust"), "-f", "tests/bench/locustfile.py", "--headless"]
    argv += ["-u", "32", "-r", "32", "-t", f"{SECONDS + 1}s", "--host", f"http://127.0.0.1:{port}", "--json"]
    (row,) = json.loads(said(argv))
    return float(row["num_requests"] / (row["last_request_timestamp"] - row["start_time"]))


def httpx(port: int) -> float:
    """One process with 50 tasks."""
    return float(said([sys.executable, "-m", "tests.bench.httpx_flood", str(port), str(SECONDS)]))


def figures() -> Iterator[Figure]:
    """Ours against each anchor in turn, then what it says of itself."""
    with peer("http") as port:
        ours = Ours(port)
        arms: dict[str, Callable[[], float]] = {"ours": ours}
        arms |= {LOCUST: lambda: locust(port), HTTPX: lambda: httpx(port)}
        if shutil.which("wrk"):
            arms[WRK] = lambda: wrk(port)
        else:
            print("  wrk is not installed (Debian package wrk); its row is left out", file=sys.stderr)
        rates = interleaved(arms, ROUNDS)
    for anchor, ratio in {WRK: 0.15, LOCUST: 3.0, HTTPX: 20.0}.items():
        if anchor in rates:
            name = f"open loop at {ASKED:,}/s sends"
            yield Figure(name, "requests/s", rates["ours"], 40_000, anchor, rates[anchor], ratio, True)
    yield Figure("and takes of a core", "%", ours.median("cpu_share") * 100, 90)
    yield Figure("and is late by", "ms", ours.median("slip_ms"), 2)
