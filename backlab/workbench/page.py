"""The facts of the course page, gathered anew at each request: modules, labs, where the learner stands.

course + diary + what the machine lacks -> rows() -> the page, `backlab labs`, `backlab labs --json`
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from backlab import course
from backlab.carry import reading
from backlab.course import Place
from backlab.learning import diary, standing
from backlab.learning.standing import Standing
from backlab.modules import MODULES
from services.kinds import KINDS


@dataclass(frozen=True)
class Row:
    """One lab as the page shows it; `lacking` says per server what to do before it can start here.

    `trouble` is why its notebook cannot be opened, `remedy` the command that makes it where it is not there.
    """

    id: str
    title: str
    notebook: str
    built: bool
    trouble: str
    remedy: str
    minutes: int | None
    servers: tuple[str, ...]
    lacking: dict[str, str]
    standing: Standing

    @property
    def plain(self) -> dict[str, Any]:
        """For JSON."""
        facts = {key: value for key, value in asdict(self).items() if key != "standing"}
        return {**facts, "status": self.standing.words, **asdict(self.standing), "done": self.standing.done}


def rows(lacking: Mapping[str, str] | None = None) -> list[Row]:
    """Every lab; `lacking` is `services.runnable.missing` of all kinds, or None when nobody has looked."""
    known = diary.read()
    return [_row(place, known.get(place.id, {}), lacking or {}) for place in course.labs()]


def _row(place: Place, entry: Mapping[str, Any], lacking: Mapping[str, str]) -> Row:
    servers = tuple(place.servers)
    needed = {kind: lacking[kind] for kind in servers if kind in lacking}
    return Row(
        id=place.id, title=place.title, notebook=place.relative, built=place.learner.exists(),
        trouble=reading.trouble(place.learner), remedy=place.remedy, minutes=place.minutes,
        servers=servers, lacking=needed, standing=standing.of(place, entry),
    )  # fmt: skip


def modules(rows: list[Row]) -> list[dict[str, Any]]:
    """The eight modules, each with its rows."""
    return [
        {"module": module, "rows": [row for row in rows if row.id.startswith(f"{module.number}.")]}
        for module in MODULES
    ]


def suggestion(rows: list[Row]) -> Row | None:
    """Where to go on: the lab that was last begun and is not done, else the first that is not."""
    known = diary.read()
    open_ones = [row for row in rows if row.built and not row.standing.done]
    begun = [row for row in open_ones if "started" in known.get(row.id, {})]
    if begun:
        return max(begun, key=lambda row: str(known[row.id]["started"]))
    return next((row for row in open_ones if not row.lacking), None)


def kinds() -> list[str]:
    """The kinds of server that some lab needs."""
    needed = {kind for place in course.labs() for kind in place.servers}
    return [kind for kind in KINDS if kind in needed]
