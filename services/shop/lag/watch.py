"""The monitor as a process: a look at the groups every `--every` seconds, for Prometheus and for a recording.

python -m services.shop.lag.watch --bootstrap ... --groups '{"group": "topic"}' --port 9308 --out file
Line of a recording: {"t_s": 1.5, "unix_s": ..., "groups": {"group": [[start, position, next, end], ...]}}
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from typing import Any

from confluent_kafka import KafkaException
from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from services import ready
from services.ports import LOOPBACK
from services.shop.lag.age import Row, ages_s
from services.shop.lag.monitor import Monitor, Place

KEEP = 600  # samples of a partition: after five minutes at two a second, an age is "at least"


class Gauges:
    """What Prometheus is told: lag in offsets and age in seconds by group and partition."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ["group", "partition"]
        self._lag = Gauge("shop_consumer_lag_offsets", "Not committed yet", labels, registry=self.registry)
        self._age = Gauge(
            "shop_consumer_age_seconds", "Oldest unhandled message", labels, registry=self.registry
        )

        self.failed = Counter(
            "shop_lag_monitor_failed_looks", "Looks that Kafka did not answer", registry=self.registry
        )

    def set(self, group: str, places: list[Place], ages: list[float | None]) -> None:
        """A partition without a commit has no lag and no age: it is absent, and not zero."""
        for place, age in zip(places, ages, strict=True):
            if place.lag is not None and age is not None:
                self._lag.labels(group, place.partition).set(place.lag)
                self._age.labels(group, place.partition).set(age)


class Watch:
    """Samples with their history, so that offsets become ages."""

    def __init__(self, monitor: Monitor, gauges: Gauges, out: Any) -> None:
        self._monitor, self._gauges, self._out = monitor, gauges, out
        self._rows: dict[str, list[Row]] = {group: [] for group in monitor.groups}
        self._began_s = time.monotonic()

    def look(self) -> None:
        """One sample of every group; one that Kafka does not answer is missing, and counted."""
        try:
            found = self._monitor.sample()
        except (KafkaException, ready.NotReady) as error:
            self._gauges.failed.inc()
            print(f"a look failed: {error}", file=sys.stderr, flush=True)
            return
        since_s = time.monotonic() - self._monitor.sampled_s
        t_s = round(self._monitor.sampled_s - self._began_s, 3)
        unix_s = round(time.time() - since_s, 3)
        for group, places in found.items():
            rows = self._rows[group]
            rows += [{"t_s": t_s, **vars(place)} for place in places]
            del rows[: -KEEP * len(places)]
            self._gauges.set(group, places, ages_s(rows))
        line = {
            group: [[p.start, p.position, p.next, p.end] for p in places] for group, places in found.items()
        }
        print(json.dumps({"t_s": t_s, "unix_s": unix_s, "groups": line}), file=self._out, flush=True)


def main() -> None:
    """Watch until SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="python -m services.shop.lag.watch", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--groups", required=True, type=json.loads)
    parser.add_argument("--port", type=int, required=True, help="of /metrics, on 127.0.0.1")
    parser.add_argument("--out", required=True, help="the file that the recording goes to")
    parser.add_argument("--every", type=float, default=0.5, help="seconds between two looks")
    asked = parser.parse_args()
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    gauges = Gauges()
    monitor = Monitor(asked.bootstrap, asked.groups)
    start_http_server(asked.port, addr=LOOPBACK, registry=gauges.registry)
    with open(asked.out, "w", encoding="utf-8") as out:
        watch = Watch(monitor, gauges, out)
        due_s = time.monotonic()
        while not stopped.wait(max(0.0, due_s - time.monotonic())):
            watch.look()
            due_s = max(due_s + asked.every, time.monotonic())
    monitor.close()


if __name__ == "__main__":
    main()
