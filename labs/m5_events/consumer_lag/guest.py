"""Lab 5.5 inside the sandbox: how the judge's calls reach the learner's code; only plain JSON goes back."""

from __future__ import annotations

from typing import Any


def names(shared: dict[str, Any]) -> dict[str, Any]:
    """The exercises need nothing but the lab's imports: they get samples, plans and errors, and no server."""
    return {}


def time_lag(names: dict[str, Any], samples: list[dict[str, Any]]) -> list[Any]:
    """Seconds by partition."""
    return list(names["time_lag"](samples))


def alert(names: dict[str, Any], series: list[dict[str, Any]]) -> list[list[Any]]:
    """Intervals in which somebody should be woken."""
    return [list(interval) for interval in names["alert"](series)]


def seconds_to_drain(names: dict[str, Any], **plan: Any) -> Any:
    """When a plan is done."""
    return names["seconds_to_drain"](**plan)


def consumers_needed(names: dict[str, Any], **plan: Any) -> Any:
    """How few consumers are enough."""
    return names["consumers_needed"](**plan)


def handle_poison(names: dict[str, Any], message: dict[str, Any], error: dict[str, Any], attempt: int) -> Any:
    """What to do with a message that could not be handled."""
    return names["handle_poison"](message, error, attempt)


def rules(names: dict[str, Any]) -> Any:
    """The text of rules.yml."""
    return names["rules"]()


_ALL = (time_lag, alert, seconds_to_drain, consumers_needed, handle_poison, rules)
CALLS = {each.__name__: each for each in _ALL}
