"""Leaves out what needs Docker or a browser unless it is asked for with `-m`, and says so in one line.

pytest tests                  everything that needs neither
pytest tests -m container     make test-containers
pytest tests -m browser       make test-browser
"""

from __future__ import annotations

from collections import Counter

import pytest

CHORES = {"container": "make test-containers", "browser": "make test-browser"}
LEFT_OUT = pytest.StashKey[Counter[str]]()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the marked tests, but not one that is named on the command line or chosen with `-m`."""
    named = any("::" in argument for argument in config.invocation_params.args)
    if config.option.markexpr or named:
        return
    left_out: Counter[str] = Counter()
    kept, dropped = [], []
    for item in items:
        marker = next((name for name in CHORES if item.get_closest_marker(name)), None)
        if marker:
            left_out[marker] += 1
        (dropped if marker else kept).append(item)
    config.stash[LEFT_OUT] = left_out
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line that says what was left out, and how to run it."""
    parts = [
        f"{n} that need a {name} ({CHORES[name]})"
        for name, n in config.stash.get(LEFT_OUT, Counter()).items()
    ]
    if parts:
        terminalreporter.write_line(f"left out: {', '.join(parts)}")
