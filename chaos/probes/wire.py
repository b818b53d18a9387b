"""Probes on the load and its wires: how calls ended, how much was asked.

Annotations stay real types here: `chaos discover` reads them.
"""

from chaos import theatre


def success_rate(arm: str, window_s: float) -> float:
    """Share of calls (0 to 1) that ended well in the `window_s` seconds since the last change."""
    return theatre.current().success_rate(arm, float(window_s))


def statements(wire: str) -> int:
    """Statements, commands or requests that have passed a wire since the experiment began."""
    return theatre.current().stage.wire(wire).counts().statements


def loads_at_once(page: str) -> int:
    """The most database loads that a product page ("patient" or "bounded") ever had in flight."""
    from chaos.callers import product_page  # and Redis' client, which other experiments do not need

    return product_page.loads(page).most
