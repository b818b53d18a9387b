"""Plots with one look: the finding in the title, direct labels, units, your guess, alternative text.

    lines   something against a level, one line per arm     timeline     over time, faults shaded
    bars    one number per arm                              before_after what a repair changed
    heat    a number per row and column                     tree         query plans side by side
    load    percentiles, requests/s, failures over time     inconclusive hatches what proves nothing

Each returns a `Card`; make it the last line of a cell, or call `.show()`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backlab.plot._bars import bars, before_after
    from backlab.plot._heat import heat
    from backlab.plot._lines import lines
    from backlab.plot._load import load
    from backlab.plot._timeline import timeline
    from backlab.plot._tree import tree
    from backlab.plot.card import Card
    from backlab.plot.notes import alt, finding, inconclusive, predicted, shade

__all__ = [
    "Card",
    "alt",
    "bars",
    "before_after",
    "finding",
    "heat",
    "inconclusive",
    "lines",
    "load",
    "predicted",
    "shade",
    "timeline",
    "tree",
]

# matplotlib and pandas take more than a second: whoever only runs checks never pays for them
_HOMES = {
    "Card": "card", "alt": "notes", "bars": "_bars", "before_after": "_bars", "finding": "notes",
    "heat": "_heat", "inconclusive": "notes", "lines": "_lines", "load": "_load", "predicted": "notes",
    "shade": "notes", "timeline": "_timeline", "tree": "_tree",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Load a plot when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"backlab.plot has no {name!r}, only {', '.join(__all__)}")
    return getattr(import_module(f"backlab.plot.{_HOMES[name]}"), name)
