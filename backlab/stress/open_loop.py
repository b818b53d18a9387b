"""Send requests on a schedule from a process of its own, and bring home one row per request and a verdict.

open_loop(url, rate=...) --`python -m chaos.openloop`--> record.npz --> Arrivals(rows, generator, reasons)
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backlab.stress import outside
from services.errors import BacklabError

if TYPE_CHECKING:
    import pandas as pd

    from backlab.plot.card import Card

SAID = re.compile(r"([\d.]+) s: (.+)")


@dataclass(frozen=True)
class Arrivals:
    """What an open loop saw: a row per request, the generator's own life, and why it is INCONCLUSIVE, if so.

    `rows` are those of `measure()` (`t_s` is the intended start, from which `latency_ms` counts, `level` the
    rate), with `intended_s`, `actual_s`, `status` and `error`. `generator` holds samples of its CPU and slip.
    """

    rows: pd.DataFrame
    generator: pd.DataFrame
    reasons: list[str]

    @property
    def conclusive(self) -> bool:
        """False where the generator itself was the bottleneck."""
        return not self.reasons

    def summary(self) -> pd.DataFrame:
        """Per arm: requests, how many did not end well, percentiles of latency with time-outs."""
        import pandas as pd

        waits = self.rows[self.rows.outcome != "failed"].groupby("arm", sort=False).latency_ms
        outcomes = self.rows.groupby("arm", sort=False).outcome
        return pd.DataFrame(
            {
                "requests": outcomes.size(),
                "failed": outcomes.apply(lambda seen: int((seen == "failed").sum())),
                "unknown": outcomes.apply(lambda seen: int((seen == "unknown").sum())),
                **{f"{share:.0%}, ms": waits.quantile(share) for share in (0.5, 0.95, 0.99)},
            }
        )

    def plot(self, title: str = "", **how: Any) -> Card:
        """Percentiles and requests/s over time; hatched where the run is INCONCLUSIVE."""
        from backlab.plot import load

        return load(self.rows, title=title or self._finding(), inconclusive=self.reasons, **how)

    def _finding(self) -> str:
        rate, worst = self.rows.level.iloc[0], self.summary()["99%, ms"].dropna()
        if self.reasons or worst.empty:
            return f"At {rate:,.0f} requests/s " + (
                "we measured ourselves" if self.reasons else "nobody answers"
            )
        name = f" of {worst.idxmax()}" if self.rows.arm.nunique() > 1 else ""
        return (
            f"At {rate:,.0f} requests/s, one request{name} in a hundred takes {worst.max():,.0f} ms or more"
        )

    def __repr__(self) -> str:
        if self.reasons:
            return f"INCONCLUSIVE: {'; '.join(self.reasons)}"
        well = int((self.rows.outcome == "ok").sum())
        return f"{well:,} of {len(self.rows):,} requests were answered well"


def open_loop(
    url: str | Mapping[str, str],
    *,
    rate: float = 100,
    seconds: float = 10,
    arrivals: str | Sequence[float] = "poisson",
    seed: int = 42,
    connections: int = 64,
    timeout_s: float = 5,
    method: str = "GET",
    body: str = "",
    headers: Mapping[str, str] | None = None,
    fault: str = "",
) -> Arrivals:
    """Send `rate` requests/s to `url`, or to each URL of {arm: url}, however slow the answers are.

    `arrivals` is "poisson" (strangers), "constant", or the times of a trace in seconds, which replaces `rate`
    and `seconds`. Raises `BacklabError` for any host but this machine and where nobody listens. The stop
    button of a notebook ends it early: what was due by then is returned, "unknown" where no answer had come.
    """
    urls = {"load": url} if isinstance(url, str) else dict(url)
    with outside.folder("openloop") as folder:
        options: dict[str, Any] = {"rate": rate, "seconds": seconds, "seed": seed, "connections": connections}
        options |= {"timeout-s": timeout_s, "method": method, "record": folder / "record.npz"}
        options |= _arrivals(arrivals, folder) | _body(body, folder)
        argv = [sys.executable, "-m", "chaos.openloop", "--json"]
        argv += [f"--{name}={value}" for name, value in options.items()]
        argv += [f"--url={arm}={address}" for arm, address in urls.items()]
        argv += [f"--header={name}:{value}" for name, value in (headers or {}).items()]
        record = folder / "record.npz"
        ended = outside.run(
            argv, folder, "open loop", {}, _words, record=record, stopped="no more requests are sent"
        )
        if not record.exists():
            raise _refusal(ended.log)
        found = _read(record, fault)
    found.rows.attrs["interrupted"] = ended.interrupted
    return found


def _arrivals(arrivals: str | Sequence[float], folder: Path) -> dict[str, Any]:
    if isinstance(arrivals, str):
        return {"arrivals": arrivals}
    trace = folder / "trace"
    trace.write_text("\n".join(map(repr, map(float, arrivals))), encoding="utf-8")
    return {"trace": trace}


def _body(body: str, folder: Path) -> dict[str, Any]:
    if not body:
        return {}
    (folder / "body").write_text(body, encoding="utf-8")
    return {"body": f"@{folder / 'body'}"}


def _words(line: str) -> str | None:
    said = SAID.match(line)
    return said.group(2) if said else None


def _refusal(log: str) -> BacklabError:
    """The generator's own sentence, in its two halves."""
    lines = log.strip().splitlines() or ["it said nothing"]
    what, _, next_step = lines[-1].removeprefix("chaos.openloop: ").rpartition("; ")
    return BacklabError(what or lines[-1], next_step or "`backlab doctor` may know why")


def _read(record: Path, fault: str) -> Arrivals:
    import numpy as np
    import pandas as pd

    from backlab.measure import COLUMNS
    from chaos.openloop.journal import OUTCOMES

    kept = np.load(record)
    due, outcome, arm = kept["due"], kept["outcome"], kept["arm"]
    error = pd.Categorical.from_codes(kept["why"].astype(int), categories=kept["reasons"])
    rows = pd.DataFrame(
        {
            "t_s": due,
            "arm": pd.Categorical.from_codes(arm.astype(int), categories=kept["arms"]).astype(str),
            "level": float(kept["rate"]),
            "op": kept["ops"][arm],
            "latency_ms": (kept["ended"] - due) * 1e3,
            "outcome": np.array(OUTCOMES)[outcome],
            "fault": fault,
            "intended_s": due,
            "actual_s": kept["sent"],
            "status": kept["status"],
            "error": error,
        }
    )
    assert list(rows.columns[: len(COLUMNS)]) == COLUMNS
    rows.attrs |= {"level_name": "requests/s", "arms": [str(name) for name in kept["arms"]]}
    rows.attrs["began_unix_s"] = float(kept["began_unix_s"])
    generator = pd.DataFrame(json.loads(str(kept["samples"])))
    return Arrivals(rows, generator, json.loads(str(kept["figures"]))["reasons"])
