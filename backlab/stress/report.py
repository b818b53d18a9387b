"""What an experiment leaves behind: a picture of it, and a report in Markdown.

Outcome --> picture()  latency over time, fault shaded, hypothesis checks marked, recovery in the title
        --> write()    out/chaos/<name>/: figure.png, report.md, journal.json
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backlab import plot
from backlab.learning.predict import number
from backlab.stress import outcome as outcomes
from backlab.stress.outcome import Outcome

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from backlab.plot.card import Card
    from chaos.record import Record

MET, NOT_MET = "#00704F", "#B84E00"


def growing(rows: pd.DataFrame, seen: Record) -> Card:
    """The figure of an experiment that still runs."""
    return plot.timeline(rows, faults=outcomes.faults(seen), title=f"{len(rows):,} calls so far")


def picture(found: Outcome) -> Card:
    """Latency over time, the fault shaded, when the hypothesis was checked, how long recovery took."""
    card = plot.timeline(found.rows, faults=found.faults, title=headline(found))
    _checks(card, card.ax, found)
    _recovery(card, card.ax, found)
    return card


def headline(found: Outcome) -> str:
    """Title and verdict in one sentence, with the time that recovery took."""
    if found.why_not:
        return f"{found.title}: INCONCLUSIVE ({found.why_not})"
    said = {"held": "held", "deviated": f"deviated ({', '.join(found.deviated)})"}[found.verdict]
    recovered = recovery(found)
    return f"{found.title}: {said}{f'; {recovered}' if recovered else ''}"


def recovery(found: Outcome) -> str:
    """How long it took until every arm was well again after the fault, in words."""
    if not found.faults or found.rows.empty:
        return ""
    after = {arm: found.recovery_s(arm) for arm in dict.fromkeys(found.rows.arm)}
    missing = [arm for arm, needed_s in after.items() if needed_s is None]
    if missing:
        return f"{', '.join(missing)} had not recovered when the record ended"
    slowest = max(after, key=lambda arm: after[arm] or 0.0)
    return f"recovered {seconds(after[slowest] or 0.0)} after the fault"


def seconds(duration_s: float) -> str:
    """A recovery time in words; below a tenth of a second the screens' schedule decides, not the system."""
    return "within 0.1 s" if duration_s < 0.1 else f"{duration_s:.1f} s"


def _checks(card: Card, ax: Axes, found: Outcome) -> None:
    """A bar at the foot of the axes for each check of the hypothesis, with its answer."""
    for when, (from_s, to_s) in found.checked.items():
        state = (found.journal.get("steady_states") or {}).get(when) or {}
        met = bool(state.get("steady_state_met"))
        colour = MET if met else NOT_MET
        from_s = max(from_s, 0.0)
        ax.plot([from_s, to_s], [0.012, 0.012], color=colour, lw=4, solid_capstyle="butt",
                transform=ax.get_xaxis_transform(), zorder=4)  # fmt: skip
        word = "steady" if met else "not steady"
        ax.annotate(word, ((from_s + to_s) / 2, 0.012), xycoords=ax.get_xaxis_transform(),
                    xytext=(0, 4), textcoords="offset points", ha="center", va="bottom",
                    fontsize=8, color=colour)  # fmt: skip
        card.facts.append(f"Hypothesis {'met' if met else 'not met'} {when} the fault.")


def _recovery(card: Card, ax: Axes, found: Outcome) -> None:
    """A thin line where the last arm was well again."""
    if not found.faults or found.rows.empty:
        return
    after = [found.recovery_s(arm) for arm in dict.fromkeys(found.rows.arm)]
    card.facts.append(f"{recovery(found).capitalize()}.")
    if None not in after:
        lifted_s = max(fault[1] for fault in found.faults)
        ax.axvline(lifted_s + max(s for s in after if s is not None), color=MET, lw=1, ls=(0, (4, 3)))


def write(found: Outcome, folder: Path) -> Path:
    """Write figure, report and journal into `folder` and return the report's path."""
    folder.mkdir(parents=True, exist_ok=True)
    card = picture(found)
    card.save(folder / "figure.png")
    (folder / "journal.json").write_text(json.dumps(found.journal, indent=1), encoding="utf-8")
    path = folder / "report.md"
    path.write_text(markdown(found, card.alt), encoding="utf-8")
    return path


def markdown(found: Outcome, alt: str) -> str:
    """The report: verdict, figure, hypothesis, method, faults with their receipts, rollbacks."""
    experiment = found.journal["experiment"]
    hypothesis = experiment.get("steady-state-hypothesis") or {}
    why = found.why_not or ", ".join(found.deviated)
    parts = [
        f"# {found.title}",
        experiment.get("description", "").strip(),
        f"**{found.verdict}**{': ' if why else ''}{why}",
        f"![{alt.replace(']', ')').replace(chr(10), ' ')}](figure.png)",
        "## Hypothesis\n\n" + hypothesis.get("title", "none"),
        _table("probe | before | after", _probes(found)),
        "## Method\n\n" + _list(found.journal.get("run", [])),
        "## Faults\n\n" + _table("fault | from, s | to, s", [
            [what, f"{from_s:.1f}", f"{to_s:.1f}"] for from_s, to_s, what in found.faults
        ]),
        "Receipts, what each has touched:\n\n" + _table("fault | where | touched", _receipts(found)),
        "## Recovery\n\n" + (recovery(found) or "no fault, so nothing to recover from") + ".",
        _table("load | calls | failed | median before, ms | recovered", _arms(found)),
        "## Rollbacks\n\n" + _list(found.journal.get("rollbacks", [])),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(head: str, lines: list[list[str]]) -> str:
    if not lines:
        return "none"
    columns = head.count("|") + 1
    rows = [f"| {head} |", "|" + " --- |" * columns]
    rows += ["| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines]
    return "\n".join(rows)


def _list(runs: list[dict[str, Any]]) -> str:
    return "\n".join(f"* {run['activity']['name']}: {run['status']}" for run in runs) or "none"


def _probes(found: Outcome) -> list[list[str]]:
    states = found.journal.get("steady_states") or {}
    told: dict[str, list[str]] = {}
    for column, when in enumerate(("before", "after")):
        for probe in (states.get(when) or {}).get("probes") or []:
            line = told.setdefault(probe["activity"]["name"], ["", ""])
            output = probe.get("output")
            value = number(output) if isinstance(output, int | float) else str(output)
            line[column] = f"{value} ({'met' if probe.get('tolerance_met') else 'not met'})"
    return [[name, *line] for name, line in told.items()]


def _receipts(found: Outcome) -> list[list[str]]:
    told = []
    for receipt in found.receipts.to_dict("records"):
        if isinstance(receipt.get("of"), str):
            what = f"{receipt['count']:,.0f} {receipt['of']}"
        else:
            what = f"{receipt['connections']:.0f} connections, {receipt['bytes']:,.0f} bytes"
        told.append([receipt["fault"], receipt["where"], what if receipt["touched"] else f"nothing ({what})"])
    return told


def _arms(found: Outcome) -> list[list[str]]:
    told = []
    first_s = min((fault[0] for fault in found.faults), default=float("inf"))
    for arm in dict.fromkeys(found.rows.arm):
        mine = found.rows[found.rows.arm == arm]
        before = mine[(mine.t_s < first_s) & (mine.outcome == "ok")].latency_ms.median()
        after_s = found.recovery_s(arm)
        failed = int((mine.outcome != "ok").sum())
        recovered = "not seen" if after_s is None else seconds(after_s)
        told.append([arm, f"{len(mine):,}", f"{failed:,}", number(float(before)), recovered])
    return told
