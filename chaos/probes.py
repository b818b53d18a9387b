"""What an experiment may ask: probes in Chaos Toolkit's sense."""

from __future__ import annotations

from chaos import theatre

__all__ = ["success_rate"]


def success_rate(arm: str, window_s: float) -> float:
    """Share of pages (0 to 1) that were answered well in the `window_s` seconds since the last change."""
    return theatre.current().success_rate(arm, window_s)
