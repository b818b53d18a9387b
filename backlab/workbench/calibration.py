"""How far guesses are from what was measured, over all labs: one figure on log axes, and never a verdict.

python -m backlab.workbench.calibration -> {"png": base64, "alt": text}, in a process of its own: the
figure's libraries take a second to load, and Jupyter's server shall neither wait for them nor keep them
"""

from __future__ import annotations

import asyncio
import base64
import json
import statistics
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backlab.learning import diary
from backlab.learning.predict import number

if TYPE_CHECKING:
    from backlab.plot.card import Card

NAMED = 12  # marks that carry their name: those farthest off, since more would lie on each other


@dataclass(frozen=True)
class Pair:
    """A guess as it stood when its value was first measured, and that value."""

    lab: str
    what: str
    guess: float
    measured: float

    @property
    def factor(self) -> float | None:
        """How many times too far it is, 1 or more; None beside a zero, where no factor leads."""
        if self.guess <= 0 or self.measured <= 0:
            return None
        return max(self.guess / self.measured, self.measured / self.guess)

    @property
    def words(self) -> str:
        """The distance in words."""
        if self.factor is None:
            return "the same" if self.guess == self.measured else ""
        if self.factor < 1.05:
            return "within 5 %"
        return f"{_short(self.factor)} times too {'high' if self.guess > self.measured else 'low'}"


def _short(factor: float) -> str:
    """Two figures of a factor are plenty."""
    return number(float(f"{factor:.2g}"))


def pairs() -> list[Pair]:
    """Every guess of the diary that met a measured value, in the course's order."""
    return [
        Pair(lab, name.replace("_", " "), kept["compared"], kept["measured"])
        for lab, entry in sorted(diary.read().items())
        for name, kept in entry.get("guesses", {}).items()
        if "compared" in kept and "measured" in kept
    ]


def sentence(pairs: list[Pair]) -> str:
    """What the figure shows: how far off the middle guess is, and which way guesses lean."""
    factors = [pair.factor for pair in pairs if pair.factor]
    low = sum(pair.guess < pair.measured for pair in pairs)
    middle = _short(statistics.median(factors))
    return f"Half of these guesses lie within a factor of {middle}; {low} of {len(pairs)} are too low"


def figure(pairs: list[Pair]) -> Card:
    """Guess against measured, one mark per guess, one colour per lab; on the line the two agree."""
    from backlab.plot.axes import log_ticks, name_axes, plain, scale, set_log
    from backlab.plot.card import FAINT, QUIET, Card
    from backlab.plot.labels import end_label
    from backlab.plot.series import styles

    drawn = [pair for pair in pairs if pair.factor]
    card = Card(sentence(drawn), width_in=7.0, height_in=5.0)
    card.kind = "Scatter plot on log axes"
    ax = card.panels()[0]
    set_log(ax, "xy")
    ends = [value for pair in drawn for value in (pair.guess, pair.measured)]
    low, high = min(ends) / 2, max(ends) * 2
    ax.plot([low, high], [low, high], color=FAINT, lw=1.2, zorder=1)
    end_label(ax, high, high, "guess = measured", QUIET)
    named = sorted(drawn, key=lambda pair: -(pair.factor or 0))[:NAMED]
    looks = styles(list(dict.fromkeys(pair.lab for pair in drawn)))
    for pair in drawn:
        look = looks[pair.lab]
        ax.plot([pair.measured], [pair.guess], look.marker, color=look.colour, ms=7, zorder=3)
        if pair in named:
            ax.annotate(f"{pair.what} ({pair.lab})", (pair.measured, pair.guess), xytext=(8, 0), va="center",
                        textcoords="offset points", fontsize=8, color=look.ink)  # fmt: skip
        card.facts.append(
            f"Lab {pair.lab}, {pair.what}: guess {plain(pair.guess)}, measured {plain(pair.measured)}."
        )
    ax.set_xlim(low, high)
    ax.set_ylim(low, high)
    ax.grid(True, axis="both")
    name_axes(ax, "measured", "your guess")
    scale(ax, "xy", log_ticks(low, high))
    return card


async def drawn() -> dict[str, str]:
    """The picture as base64 and its alternative text; empty where there is nothing to draw yet."""
    asked = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "backlab.workbench.calibration", stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asked.communicate()
    answer: dict[str, str] = json.loads(said)
    return answer


def main() -> None:
    """Print the picture of this moment as JSON."""
    known = pairs()
    if not any(pair.factor for pair in known):
        print("{}")
        return
    card = figure(known)
    print(json.dumps({"png": base64.b64encode(card.png()).decode(), "alt": card.alt}))


if __name__ == "__main__":
    main()
