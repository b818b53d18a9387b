"""The one performance of this process: which stage is set, which faults are on, what the screens saw.

controls.py raises the curtain ─▶ probes ask, actions break ─▶ controls.py writes the verdict into the journal
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from chaos.record import Writer
from chaos.screens import Reload, Screens
from chaos.stage import Plan, Stage
from services.errors import BacklabError


class Touch(Protocol):
    """A receipt, of a fault on a wire or of an outage."""

    @property
    def touched(self) -> bool: ...


class Breakage(Protocol):
    """A fault on a wire or an outage: what begins, ends, and leaves a receipt."""

    def start(self) -> Self: ...
    def stop(self) -> Touch: ...


@dataclass
class Window:
    """Faults that begin and end together: when, in seconds on the screens' clock, and what they touched."""

    id: int
    name: str
    from_s: float
    to_s: float | None = None
    receipts: list[dict[str, Any]] = field(default_factory=list)
    open: dict[str, Any] = field(default_factory=dict, repr=False)  # Breakages by the place where they act

    @property
    def touched(self) -> bool:
        """Whether any of them touched anything."""
        return any(receipt["touched"] for receipt in self.receipts)


class Performance:
    """A set stage with its screens on; faults are opened and closed here, so that each leaves a window."""

    def __init__(self, plan: Plan, record: Path | None = None) -> None:
        self._record = Writer(record)
        self._open = ExitStack()
        self.windows: list[Window] = []
        self.changed_s = 0.0
        try:
            self.stage = self._open.enter_context(Stage(plan))
            self.screens = Screens(self.stage.callers, plan.screens, plan.period_s, self._saw)
            self._open.callback(self.screens.stop)
            self.screens.start()
            self._record.say("began", time.time())
        except BaseException:
            self._open.close()
            raise

    def _saw(self, row: Reload) -> None:
        self._record.say("row", asdict(row))

    def open_fault(self, name: str, faults: Mapping[str, Breakage]) -> None:
        """Begin faults together, each by the place where it acts; they end with `close_faults`.

        When this process dies they end too: each hangs on a connection that we hold, or on our warden.
        """
        window = Window(len(self.windows) + 1, name, self.screens.now_s())
        self.windows.append(window)
        for where, fault in faults.items():
            window.open[where] = fault.start()
        self._begun(window)

    def note(self, name: str, where: str, count: int, of: str) -> None:
        """A fault that was over at once."""
        now_s = self.screens.now_s()
        receipt = {"where": where, "touched": count > 0, "count": count, "of": of}
        window = Window(len(self.windows) + 1, name, now_s, now_s, [receipt])
        self.windows.append(window)
        self._begun(window)
        self._lifted(window)

    def _begun(self, window: Window) -> None:
        self.changed_s = self.screens.now_s()
        said = {"id": window.id, "name": window.name, "from_s": window.from_s}
        self._record.say("fault", said)

    def close_faults(self, chosen: Callable[[str, Any], bool] = lambda where, fault: True) -> int:
        """End every fault that is on, or those chosen, and keep their receipts; safe to repeat.

        The last to begin ends first. One that cannot be ended does not keep the others from it.
        """
        ended, failure = 0, None
        for window in reversed(self.windows):
            mine = [where for where, fault in window.open.items() if chosen(where, fault)]
            for where in reversed(mine):
                try:
                    receipt = window.open.pop(where).stop()
                    window.receipts.append({"where": where, "touched": receipt.touched, **asdict(receipt)})
                except BacklabError as why:
                    failure = why
                ended += 1
            if mine and not window.open:
                window.to_s = self.changed_s = self.screens.now_s()
                self._lifted(window)
        if failure is not None:
            raise failure
        return ended

    def _lifted(self, window: Window) -> None:
        said = {"id": window.id, "name": window.name, "to_s": window.to_s, "receipts": window.receipts}
        self._record.say("lifted", said)

    def success_rate(self, arm: str, window_s: float) -> float:
        """Share of calls that ended well among those that ended in the `window_s` after the last change."""
        if arm not in self.stage.callers:
            known = ", ".join(self.stage.callers) or "no load"
            raise BacklabError(f"the experiment has no arm {arm!r}", f"it has {known}")
        self.screens.wait(self.changed_s + window_s - self.screens.now_s())
        ended = [row for row in self.screens.rows if row.arm == arm and row.ended_s >= self.changed_s]
        if not ended:
            raise BacklabError(
                f"no call of {arm} ended within {window_s:g} s", "give the probe a longer window"
            )
        return sum(row.outcome == "ok" for row in ended) / len(ended)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Lift all faults, take everything down, end the record."""
        try:
            self.close_faults()
        finally:
            self._open.close()
            self._record.over(self.screens.now_s())


_current: Performance | None = None


def curtain_up(plan: Plan, record: Path | None = None) -> None:
    """Set the stage; one performance per process."""
    global _current
    _current = Performance(plan, record)


def current() -> Performance:
    """The performance that is on; raises `BacklabError` where the experiment has not set one."""
    if _current is None:
        raise BacklabError("no stage is set", "give the experiment the control `chaos.controls`")
    return _current


def lift(chosen: Callable[[str, Any], bool] = lambda where, fault: True) -> int:
    """End faults, for rollbacks: where no stage was ever set there is nothing to end."""
    return _current.close_faults(chosen) if _current is not None else 0


def watch(seconds: float) -> None:
    """Let the screens run; where none is on, because the stage could not be set, there is nothing to see."""
    if _current is not None:
        _current.screens.wait(seconds)


def curtain_down() -> list[Window]:
    """End the performance and return its windows; safe to repeat."""
    global _current
    performance, _current = _current, None
    if performance is None:
        return []
    performance.close()
    return performance.windows
