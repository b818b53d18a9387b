"""Run an experiment of Chaos Toolkit and bring home what happened: rows, fault windows, receipts, journal.

experiment(name) --`chaos run` in its own process--> journal.json + record.json --> Outcome
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backlab import outside
from services.errors import BacklabError

if TYPE_CHECKING:
    import pandas as pd

EXPERIMENTS = Path(__file__).parent.parent / "chaos" / "experiments"
SAID = re.compile(r"(Steady state hypothesis|Action|Probe|Rollback): (.+)")


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

    @property
    def steady(self) -> bool:
        """Whether the hypothesis held before anything was broken; without that nothing can be said."""
        before = (self.journal.get("steady_states") or {}).get("before") or {}
        return bool(before.get("steady_state_met"))

    @property
    def exit_code(self) -> int:
        """0 when the hypothesis held, 1 when it deviated, 2 when the experiment says nothing."""
        if not self.touched or not self.steady:
            return 2
        return int(bool(self.deviated))

    @property
    def touched(self) -> bool:
        """False where no fault touched anything: such an experiment proves nothing."""
        return bool(len(self.receipts) and self.receipts["bytes"].sum() > 0)

    def __repr__(self) -> str:
        if not self.steady:
            return f"INCONCLUSIVE: {self.title}; not even before the fault ({', '.join(self.deviated)})"
        if not self.touched:
            return f"INCONCLUSIVE: {self.title}; the fault touched nothing"
        held = "deviated" if self.deviated else "held"
        broken = f"; no longer true: {', '.join(self.deviated)}" if self.deviated else ""
        return f"{held}: {self.title}{broken}"


def names() -> list[str]:
    """Every experiment there is, by name."""
    return sorted(path.stem for path in EXPERIMENTS.glob("*.yaml"))


def experiment(name: str, **configuration: object) -> Outcome:
    """Run `chaos/experiments/<name>.yaml`; `configuration` overrides the file's own values of the same names.

    Raises `BacklabError` where there is no such experiment, where it is not valid, or where it could not run.
    """
    source = EXPERIMENTS / f"{name}.yaml"
    if not source.exists():
        near = get_close_matches(name, names(), n=1)
        raise BacklabError(
            f"there is no experiment called {name!r}",
            f"did you mean {near[0]}?" if near else f"try {names()[0]}",
        )
    with outside.folder("experiment") as folder:
        record = folder / "record.json"
        argv = [outside.script("chaos"), "run", "--journal-path", "journal.json", *_variables(configuration)]
        ended = outside.run([*argv, str(source)], folder, name, {"BACKLAB_RECORD": str(record)}, _words)
        if not record.exists():
            raise BacklabError(
                f"the experiment {name} did not run: {_reason(ended.log)}", "`backlab doctor` may know why"
            )
        return _outcome(json.loads((folder / "journal.json").read_text()), json.loads(record.read_text()))


def _variables(configuration: dict[str, object]) -> list[str]:
    kinds = {int: ":int", float: ":float"}
    return [
        word
        for name, value in configuration.items()
        for word in ("--var", f"{name}{kinds.get(type(value), '')}={value}")
    ]


def _words(line: str) -> str | None:
    said = SAID.search(line)
    return said.group(2).strip() if said else None


def _reason(log: str) -> str:
    """The last complaint in Chaos Toolkit's log."""
    complaints = [
        line.split("] ", 1)[-1] for line in log.splitlines() if "ERROR" in line or "CRITICAL" in line
    ]
    return complaints[-1].strip() if complaints else "it said nothing about why"


def _outcome(journal: dict[str, Any], record: dict[str, Any]) -> Outcome:
    import pandas as pd

    rows = pd.DataFrame(record["rows"], columns=["t_s", "arm", "latency_ms", "outcome", "slip_ms"])
    rows = rows.sort_values("t_s", ignore_index=True)
    end_s = float((rows.t_s + rows.latency_ms / 1e3).max()) if len(rows) else 0.0
    faults = [
        (w["from_s"], w["to_s"] if w["to_s"] is not None else end_s, w["name"]) for w in record["faults"]
    ]
    receipts = pd.DataFrame([{"fault": w["name"], **r} for w in record["faults"] for r in w["receipts"]])
    return Outcome(
        journal["experiment"]["title"],
        journal["status"],
        _no_longer_true(journal),
        rows,
        faults,
        receipts,
        journal,
    )


def _no_longer_true(journal: dict[str, Any]) -> list[str]:
    """The probes that were out of tolerance, before the method or after it."""
    states = journal.get("steady_states") or {}
    probes = [p for when in ("before", "after") for p in ((states.get(when) or {}).get("probes") or [])]
    return [
        probe["activity"]["name"].replace("-", " ") for probe in probes if probe.get("tolerance_met") is False
    ]
