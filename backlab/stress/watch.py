"""Servers seen from outside while something else happens: CPU, memory, requests in flight and waiting.

with watch(postgres=b.postgres, shop=shop.processes["gateway"]) as seen:
    load("checkout", host=shop.url)
seen.rows     t_s, server, cpu_share, memory_mb, processes, in_flight, waiting

One thread per server, so that a frozen one does not keep us from looking at the others.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from services.errors import BacklabError
from services.server import Server

if TYPE_CHECKING:
    import pandas as pd

    from backlab.plot.card import Card

COLUMNS = ["t_s", "server", "cpu_share", "memory_mb", "processes", "in_flight", "waiting"]
GAUGE = re.compile(r"^shop_(in_flight|waiting)\{[^}]*\} (\S+)$", re.MULTILINE)
ANSWER_S = 0.3  # /metrics of a healthy process takes a few milliseconds
NOTHING = float("nan")

Totals = dict[Any, float]  # CPU seconds so far, by process


class Watch:
    """A look at each server every `every_s`, from `start()` to `stop()`; a context manager."""

    def __init__(self, servers: dict[str, Server], every_s: float) -> None:
        self._servers, self._every_s = servers, every_s
        self._rows: list[dict[str, Any]] = []
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._began, self._began_unix_s = time.monotonic(), time.time()

    def start(self) -> Self:
        """Begin to look."""
        self._began, self._began_unix_s = time.monotonic(), time.time()
        for name, server in self._servers.items():
            thread = threading.Thread(target=self._look, args=(name, server), daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def stop(self) -> None:
        """Look no more; safe to repeat."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def rows(self) -> pd.DataFrame:
        """One row per look so far; `cpu_share` is that of one core since the look before."""
        import pandas as pd

        frame = pd.DataFrame(sorted(self._rows, key=lambda row: row["t_s"]), columns=COLUMNS)
        frame.attrs |= {"began_unix_s": self._began_unix_s}
        return frame

    def plot(self, y: str = "cpu_share", title: str = "", **how: Any) -> Card:
        """One column over time, a line per server."""
        from backlab.plot import timeline

        rows = self.rows.dropna(subset=[y])
        if rows.empty:
            raise BacklabError(f"nothing was seen of {y}", "watch for longer, or a server that shows it")
        highest = rows.loc[rows[y].idxmax()]
        said = f"{highest.server} reaches {highest[y]:,.3g} ({y.replace('_', ' ')})"
        return timeline(rows, y=y, by="server", title=title or said, log=False, **how)

    def _look(self, name: str, server: Server) -> None:
        totals = _cpu_of(server)
        before, seen_s = _quietly(totals, {}), time.monotonic()
        while not self._over.wait(self._every_s):
            now, now_s = _quietly(totals, {}), time.monotonic()
            spent_s = sum(max(0.0, used - before.get(pid, 0.0)) for pid, used in now.items())
            memory = _quietly(lambda: server.memory_bytes / 1e6, NOTHING)
            self._rows.append(
                {
                    "t_s": now_s - self._began,
                    "server": name,
                    "cpu_share": spent_s / (now_s - seen_s) if now and before else NOTHING,
                    "memory_mb": memory if now else NOTHING,
                    "processes": len(now),
                    **_quietly(lambda: gauges(server.url), {}),
                }
            )
            before, seen_s = now, now_s


def watch(*, every_s: float = 0.25, **servers: Server) -> Watch:
    """Look at these servers every `every_s` while the block runs, each under its name."""
    for name, server in servers.items():
        if not isinstance(server, Server):
            raise BacklabError(
                f"{name} is no server, so nothing is known of it", "pass what `up` has started"
            )
        if not server.running:
            raise BacklabError(f"{name} does not run, so there is nothing to see", "start it first")
    if not servers or not every_s > 0:
        raise BacklabError("watch() has nothing to look at", "name a server: watch(postgres=b.postgres)")
    return Watch(servers, every_s)


def _cpu_of(server: Server) -> Callable[[], Totals]:
    """How to ask for the CPU seconds of a server's processes."""
    return lambda: _native(server) if server.backend == "native" else _contained(server)


def _native(server: Server) -> Totals:
    """By process id and birth, since ids are given again."""
    import psutil

    from services import leftovers

    main, totals = server.pid, {}
    for pid in [main, *leftovers.family(main, str(server.directory))] if main else []:
        try:
            process = psutil.Process(pid)
            times = process.cpu_times()
            totals[pid, process.create_time()] = times.user + times.system
        except psutil.Error:
            continue  # it ended while we looked
    return totals


def _contained(server: Server) -> Totals:
    """What the engine counts for the whole container."""
    from services.engine import Engine

    name = server.ids[0].removeprefix("container ")
    _, said = Engine.connect().ask("GET", f"/containers/{name}/stats?stream=false&one-shot=true")
    count = int(said.get("pids_stats", {}).get("current", 1))
    used_s = said["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9
    return {(name, place): used_s if place == 0 else 0.0 for place in range(count)}


def gauges(url: str) -> dict[str, float]:
    """Requests in flight and waiting, as a shop's process tells Prometheus; nothing for other servers.

    Where services of one process call each other, the outermost has all in flight: the largest counts.
    """
    if not url.startswith("http://"):
        return {}
    from services import web

    found: dict[str, float] = {}
    for name, value in GAUGE.findall(web.get(f"{url}/metrics", timeout_s=ANSWER_S).text):
        found[name] = max(found.get(name, 0.0), float(value))
    return found


def _quietly(ask: Callable[[], Any], otherwise: Any) -> Any:
    """An answer, or `otherwise` from a server that is down, frozen or just ending."""
    try:
        return ask()
    except Exception:  # whatever a dying server makes of a question, the look goes on
        return otherwise
