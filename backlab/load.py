"""Run a Locust scenario headless in a process of its own and bring home one row per request.

load(name) --`locust --headless`--> record.json --> Load(rows, statements)
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from backlab import outside
from services.errors import BacklabError

if TYPE_CHECKING:
    import pandas as pd

SCENARIOS = Path(__file__).parent.parent / "chaos" / "load"
TOTAL = re.compile(r"^\s*Aggregated\s+(\d+)")


@dataclass(frozen=True)
class Load:
    """What a scenario saw: `rows` (t_s, arm, op, latency_ms, outcome), and statements sent per arm."""

    rows: pd.DataFrame
    statements: dict[str, int]

    def summary(self) -> pd.DataFrame:
        """Per arm: pages, failures, median and 95th percentile of latency in ms, statements a page."""
        import pandas as pd

        by_arm = self.rows.groupby("arm")
        return pd.DataFrame(
            {
                "pages": by_arm.size(),
                "failed": by_arm.outcome.apply(lambda outcomes: int((outcomes != "ok").sum())),
                "median, ms": by_arm.latency_ms.median().round(),
                "95 %, ms": by_arm.latency_ms.quantile(0.95).round(),
                "statements a page": pd.Series(self.statements) / by_arm.size(),
            }
        )


def names() -> list[str]:
    """Every scenario there is, by name: the files that call `scenario.stage`."""
    return sorted(path.stem for path in SCENARIOS.glob("*.py") if "scenario.stage(" in path.read_text())


def load(
    name: str, *, users: int = 8, seconds: float = 10, latency_ms: float = 2, host: str | None = None
) -> Load:
    """Run `chaos/load/<name>.py` against a shop of its own, or against `host` on this machine.

    Raises `BacklabError` where there is no such scenario or it could not run.
    """
    if name not in names():
        near = get_close_matches(name, names(), n=1) or names()[:1]
        raise BacklabError(f"there is no load scenario called {name!r}", f"did you mean {near[0]}?")
    with outside.folder("load") as folder:
        record = folder / "record.json"
        options = {"-f": SCENARIOS / f"{name}.py", "-u": users, "-r": users, "-t": f"{seconds:g}s"}
        options |= {"--latency-ms": latency_ms} | ({"--host": host} if host else {})
        argv = [
            outside.script("locust"),
            "--headless",
            *(str(word) for pair in options.items() for word in pair),
        ]
        ended = outside.run(argv, folder, name, {"BACKLAB_RECORD": str(record)}, _words)
        if not record.exists():
            said = ended.log.strip().splitlines()
            raise BacklabError(
                f"the scenario {name} did not run: {said[-1] if said else 'it said nothing'}",
                "`backlab doctor` may know why",
            )
        return _read(json.loads(record.read_text()))


def _words(line: str) -> str | None:
    total = TOTAL.match(line)
    return f"{total.group(1)} requests" if total else None


def _read(record: dict[str, object]) -> Load:
    import pandas as pd

    rows = pd.DataFrame(record["rows"], columns=["t_s", "arm", "op", "latency_ms", "outcome"])
    rows["t_s"] -= rows["t_s"].min()
    return Load(rows, dict(record["statements"]))  # type: ignore[call-overload]
