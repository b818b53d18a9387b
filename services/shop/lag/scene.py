"""Consumer groups in every state, side by side: each case is a topic, a group, a pace and what befalls it.

cases ──▶ topics ──▶ consumers + monitor ──▶ producer (second 0) ──▶ SIGKILL at `dies_at_s` ──▶ samples
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from services.kafka_topics import Topics
from services.shop.lag.age import Row
from services.shop.lag.servers import LagMonitor, PacedConsumer, PacedProducer
from services.together import Block, together


@dataclass(frozen=True)
class Case:
    """One group: `per_s` messages come, at most `handles_per_s` are handled.

    A `burst` is (from_s, for_s, per_s); `incident_from_s` says since when something is wrong, None that
    all is well.
    """

    name: str
    per_s: float
    handles_per_s: float
    partitions: int = 3
    burst: tuple[float, float, float] | None = None
    poison_at_s: float | None = None
    dies_at_s: float | None = None
    incident_from_s: float | None = None


class Scene(Block):
    """The running cases; the name of each is that of its topic and group, with the run's `suffix`."""

    def __init__(self, bootstrap: str, cases: Sequence[Case], every_s: float = 0.5, suffix: str = "") -> None:
        super().__init__()
        self.cases, self.suffix = list(cases), suffix
        self._bootstrap = bootstrap
        names = {case.name: self.named(case.name) for case in cases}
        self.monitor = LagMonitor(bootstrap, {name: name for name in names.values()}, every_s)
        self.consumers = {
            case.name: PacedConsumer(bootstrap, names[case.name], names[case.name], case.handles_per_s)
            for case in cases
        }
        self.producer = PacedProducer(
            bootstrap, [asdict(case) | {"topic": names[case.name]} for case in cases]
        )
        self.began_unix_s = 0.0

    def named(self, case: str) -> str:
        """The topic and group of a case."""
        return case.replace(" ", "-") + self.suffix

    def _start(self) -> None:
        topics = Topics(self._bootstrap)
        for case in self.cases:
            topics.create(self.named(case.name), case.partitions)
        self._open.enter_context(together([*self.consumers.values(), self.monitor]))
        self._open.enter_context(self.producer)
        self.began_unix_s = time.time()
        for case in self.cases:
            if case.dies_at_s is not None:
                death = threading.Timer(case.dies_at_s, self.consumers[case.name].kill)
                self._open.callback(death.cancel)
                death.start()

    def now_s(self) -> float:
        """Seconds since the first message was due."""
        return time.time() - self.began_unix_s

    def wait(self, seconds: float) -> None:
        """Let it play until it is so old."""
        time.sleep(max(0.0, seconds - self.now_s()))

    def play(self, seconds: float, every_s: float = 0.25) -> Iterator[dict[str, list[Row]]]:
        """Every now and then what was sampled so far, until the scene is so old; the last is complete."""
        while (left_s := seconds - self.now_s()) > 0:
            time.sleep(min(every_s, left_s))
            yield self.rows()

    def rows(self) -> dict[str, list[Row]]:
        """What was sampled so far by case: one row per sample and partition, on the scene's own clock."""
        found: dict[str, list[Row]] = {case.name: [] for case in self.cases}
        for sample in self.monitor.samples():
            t_s = round(sample["unix_s"] - self.began_unix_s, 3)
            for name, rows in found.items() if t_s >= 0 else ():
                for number, place in enumerate(sample["groups"][self.named(name)]):
                    named = zip(("start", "position", "next", "end"), place, strict=True)
                    rows.append({"t_s": t_s, "partition": number, **dict(named)})
        return found
