"""What an experiment found: rows, fault windows, receipts, journal; its verdict and how long recovery took.

journal.json + record.jsonl --> Outcome --> exit_code, verdict, recovery_s()
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chaos.client import Receipt
from chaos.record import Record

if TYPE_CHECKING:
    import pandas as pd

CALM_CALLS = 5  # so many calls in a row must end well, at most twice as slow as before, to call it recovered
SLOWER = 2.0
RECEIPT = ["fault", "where", "touched", *Receipt.__dataclass_fields__]  # even where there is none
COLUMNS = ("t_s", "arm", "latency_ms", "outcome", "slip_ms")


@dataclass(frozen=True)
class Outcome:
    """What an experiment found: `rows` of the load, `faults` as (from_s, to_s, name), and receipts."""

    title: str
    status: str
    deviated: list[str]
    rows: pd.DataFrame
    faults: list[tuple[float, float, str]]
    receipts: pd.DataFrame
    journal: dict[str, Any]
    checked: dict[str, tuple[float, float]] = field(default_factory=dict)  # when the hypothesis was, in s

    @property
    def steady(self) -> bool:
        """Whether the hypothesis held before anything was broken; without that nothing can be said."""
        before = (self.journal.get("steady_states") or {}).get("before") or {}
        return bool(before.get("steady_state_met"))

    @property
    def failures(self) -> list[str]:
        """What the experiment could not do, each with the reason: then it says nothing either."""
        return [
            f"{run['activity']['name']}: {_plain((run.get('exception') or ['?'])[-1])}"
            for run in self.journal.get("run", [])
            if run.get("status") == "failed"
        ]

    @property
    def exit_code(self) -> int:
        """0 when the hypothesis held, 1 when it deviated, 2 when the experiment says nothing."""
        if self.why_not:
            return 2
        return int(bool(self.deviated))

    @property
    def touched(self) -> bool:
        """False where a fault touched nothing: such an experiment proves nothing."""
        return bool(len(self.receipts)) and not self.idle

    @property
    def idle(self) -> list[str]:
        """The faults that touched nothing."""
        if not len(self.receipts):
            return [name for _, _, name in self.faults]
        felt = self.receipts.groupby("fault").touched.any()
        return [name for _, _, name in self.faults if not felt.get(name, False)]

    @property
    def why_not(self) -> str:
        """Why nothing can be said; empty where something can."""
        if not self.steady:
            return f"not even before the fault ({', '.join(self.deviated) or self.status})"
        if self.failures:
            return "; ".join(self.failures)
        if self.status == "interrupted":
            return "it was interrupted"
        if not self.touched:
            return f"the fault touched nothing{f' ({chr(44).join(self.idle)})' if self.idle else ''}"
        return ""

    @property
    def verdict(self) -> str:
        """One word: held, deviated, or INCONCLUSIVE."""
        return "INCONCLUSIVE" if self.why_not else "deviated" if self.deviated else "held"

    def recovery_s(self, arm: str) -> float | None:
        """Seconds from the end of the last fault until `arm` was well again; None if that was not seen.

        Well again: five calls in a row end well, with a median of at most twice that from before the fault.
        """
        if not self.faults:
            return None
        mine = self.rows[self.rows.arm == arm]
        before = mine[(mine.t_s < min(fault[0] for fault in self.faults)) & (mine.outcome == "ok")]
        lifted_s = max(fault[1] for fault in self.faults)
        after = mine[mine.t_s >= lifted_s]
        if before.empty or len(after) < CALM_CALLS:
            return None
        calm = (after.outcome == "ok").rolling(CALM_CALLS).sum() == CALM_CALLS
        calm &= after.latency_ms.rolling(CALM_CALLS).median() <= SLOWER * before.latency_ms.median()
        ends = calm.to_numpy().nonzero()[0]
        return float(after.t_s.iloc[ends[0] - CALM_CALLS + 1]) - lifted_s if len(ends) else None

    def __repr__(self) -> str:
        if self.why_not:
            return f"INCONCLUSIVE: {self.title}; {self.why_not}"
        broken = f"; no longer true: {', '.join(self.deviated)}" if self.deviated else ""
        return f"{self.verdict}: {self.title}{broken}"


def outcome(journal: dict[str, Any], seen: Record) -> Outcome:
    """Put a journal of Chaos Toolkit and what our screens saw together."""
    import pandas as pd

    windows = list(seen.faults.values())
    receipts = [{"fault": window["name"], **receipt} for window in windows for receipt in window["receipts"]]
    return Outcome(
        journal["experiment"]["title"],
        journal["status"],
        _no_longer_true(journal),
        rows(seen),
        faults(seen),
        pd.DataFrame(receipts, columns=None if receipts else RECEIPT),
        journal,
        _checked(journal, seen.began or 0.0),
    )


def rows(seen: Record) -> pd.DataFrame:
    """The calls so far, in order of their intended start."""
    import pandas as pd

    return pd.DataFrame(seen.rows, columns=list(COLUMNS)).sort_values("t_s", ignore_index=True)


def faults(seen: Record) -> list[tuple[float, float, str]]:
    """Each fault as (from_s, to_s, name); one that is still on lasts until the last call so far."""
    now_s = max((row["t_s"] + row["latency_ms"] / 1e3 for row in seen.rows), default=0.0)
    return [
        (w["from_s"], max(now_s, w["from_s"]) if w["to_s"] is None else w["to_s"], w["name"])
        for w in seen.faults.values()
    ]


def _no_longer_true(journal: dict[str, Any]) -> list[str]:
    """The probes that were out of tolerance, before the method or after it."""
    states = journal.get("steady_states") or {}
    probes = [p for when in ("before", "after") for p in ((states.get(when) or {}).get("probes") or [])]
    return [
        probe["activity"]["name"].replace("-", " ") for probe in probes if probe.get("tolerance_met") is False
    ]


def _checked(journal: dict[str, Any], began: float) -> dict[str, tuple[float, float]]:
    """When the hypothesis was checked, before and after, in seconds on the screens' clock."""
    found = {}
    for when in ("before", "after"):
        probes = ((journal.get("steady_states") or {}).get(when) or {}).get("probes") or []
        if probes:
            found[when] = _epoch(probes[0]["start"]) - began, _epoch(probes[-1]["end"]) - began
    return found


def _epoch(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.astimezone()).timestamp()


def _plain(line: str) -> str:
    """An exception's last line without the names of its classes."""
    return line.strip().split(": ", 1)[-1].removeprefix("services.errors.BacklabError: ")
