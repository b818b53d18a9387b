"""Run a Locust scenario headless in a process of its own and bring home one row per request.

load(name) --`locust --headless`--> record.json --> Load(rows, users, statements, evidence)
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backlab.stress import outside
from services.errors import BacklabError

if TYPE_CHECKING:
    import pandas as pd

    from backlab.plot.card import Card

SCENARIOS = Path(__file__).parents[2] / "chaos" / "load"
TOTAL = re.compile(r"^\s*Aggregated\s+(\d+)")


@dataclass(frozen=True)
class Load:
    """What a scenario saw: `rows` as `measure()` makes them, how many users there were, what the stage knows.

    `statements` are those that each arm sent to its database, where they were counted; `evidence` is what the
    shop's database says afterwards: orders, charges, and what must never be there.
    """

    rows: pd.DataFrame
    users: pd.DataFrame
    statements: dict[str, int]
    evidence: dict[str, int]

    def summary(self) -> pd.DataFrame:
        """Per arm: pages, failures, median and 95th percentile of latency in ms, statements a page."""
        import pandas as pd

        by_arm = self.rows.groupby("arm")
        found = pd.DataFrame(
            {
                "pages": by_arm.size(),
                "failed": by_arm.outcome.apply(lambda outcomes: int((outcomes != "ok").sum())),
                "median, ms": by_arm.latency_ms.median().round(),
                "95 %, ms": by_arm.latency_ms.quantile(0.95).round(),
            }
        )
        if self.statements:
            found["statements a page"] = pd.Series(self.statements) / found["pages"]
        return found

    def plot(self, title: str = "", **how: Any) -> Card:
        """Percentiles of latency over time, and below them requests/s, failures and users."""
        from backlab.plot import load as plot

        return plot(self.rows, users=self.users, title=title or self._finding(), **how)

    def _finding(self) -> str:
        most, table = int(self.users.users.max()) if len(self.users) else 0, self.summary()
        alone = len(table) == 1
        said = [
            f"{row['95 %, ms']:,.0f} ms" + ("" if alone else f" ({arm})") for arm, row in table.iterrows()
        ]
        failed = f"; {n:,} failed" if (n := int(table["failed"].sum())) else ""
        return f"{most} users: 95 of 100 requests are answered within {', '.join(said)}{failed}"


def names() -> list[str]:
    """Every scenario there is, by name: the files that call `scenario.stage`."""
    return sorted(path.stem for path in SCENARIOS.glob("*.py") if "scenario.stage(" in path.read_text())


def load(
    name: str,
    *,
    users: int = 8,
    seconds: float = 10,
    latency_ms: float | None = None,
    host: str | None = None,
    shop: str | None = None,
    shape: str | None = None,
) -> Load:
    """Run `chaos/load/<name>.py` against a shop of its own, or against `host` on this machine.

    `shop` is "one" or "each" (process), `shape` "flat", "steps", "spike" or "wave", `latency_ms` a delay
    between services and database; where they are left out, the scenario decides. Raises `BacklabError` where
    there is no such scenario or it could not run. The stop button of a notebook ends it early: the users end
    what they are at, and what was measured until then is returned.
    """
    if name not in names():
        near = get_close_matches(name, names(), n=1) or names()[:1]
        raise BacklabError(f"there is no load scenario called {name!r}", f"did you mean {near[0]}?")
    with outside.folder("load") as folder:
        record = folder / "record.json"
        options = {"-f": SCENARIOS / f"{name}.py", "-u": users, "-r": users, "-t": f"{seconds:g}s"}
        chosen = {"--latency-ms": latency_ms, "--host": host, "--shop": shop, "--shape": shape}
        options |= {option: value for option, value in chosen.items() if value is not None}
        words = [str(word) for pair in options.items() for word in pair]
        argv = [outside.script("locust"), "--headless", *words]
        ended = outside.run(
            argv, folder, name, {"BACKLAB_RECORD": str(record)}, _words,
            record=record, stopped="the users have left",
        )  # fmt: skip
        if not record.exists():
            said = ended.log.strip().splitlines()
            raise BacklabError(
                f"the scenario {name} did not run: {said[-1] if said else 'it said nothing'}",
                "`backlab doctor` may know why",
            )
        found = _read(json.loads(record.read_text()))
    found.rows.attrs["interrupted"] = ended.interrupted
    return found


def _words(line: str) -> str | None:
    total = TOTAL.match(line)
    return f"{total.group(1)} requests" if total else None


def _read(record: dict[str, Any]) -> Load:
    import pandas as pd

    from backlab.measure import COLUMNS

    if not record["rows"]:
        raise BacklabError("the scenario sent no request", "give it more seconds")
    rows = pd.DataFrame(record["rows"])
    users = pd.DataFrame(record["users"], columns=["t_s", "users"])
    began_s = rows.t_s.min()
    users["t_s"] = (users.t_s - began_s).clip(lower=0)
    rows["t_s"] -= began_s
    users = users[users.t_s <= rows.t_s.max()]  # afterwards they leave
    rows["level"], rows["fault"] = int(users.users.max()), ""
    rows = rows[COLUMNS].sort_values("t_s", ignore_index=True)
    rows.attrs |= {"level_name": "users", "arms": sorted(rows.arm.unique()), "began_unix_s": float(began_s)}
    return Load(rows, users, dict(record["statements"]), dict(record["evidence"]))
