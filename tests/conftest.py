"""Leaves out what needs Docker or a browser unless it is asked for with `-m`, and says so in one line.

Tests marked `long` (a minute each) come first, or one of two processes would wait for the other at the end.

pytest tests                  everything that needs neither
pytest tests -m container     make test-containers
pytest tests -m browser       make test-browser
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from services import kinds
from services.errors import BacklabError

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # started in the background of a script, which hands that on: our victims are to feel Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)

CHORES = {"container": "make test-containers", "browser": "make test-browser"}
EVERY_SERVER = "BACKLAB_EVERY_SERVER"  # CI sets it: there, a server that is not installed fails its tests
LEFT_OUT = pytest.StashKey[Counter[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Tests that measure get the machine for themselves: `make test` runs the others first, two at a time."""
    parser.addoption(
        "--alone", choices=["only", "without"], help="only the tests marked `alone`, or all others"
    )


def choose(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what `--alone` asks for."""
    wanted = config.getoption("--alone")
    if wanted:
        kept = [item for item in items if bool(item.get_closest_marker("alone")) == (wanted == "only")]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
        items[:] = kept


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the marked tests, but not one that is named on the command line or chosen with `-m`."""
    choose(config, items)
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
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


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that reports, when this one only runs tests for it (`-n 2`)."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left out"] = dict(session.config.stash.get(LEFT_OUT, Counter()))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Hear it; every such process has looked at all tests."""
    node.config.stash[LEFT_OUT] = Counter(getattr(node, "workeroutput", {}).get("left out", {}))


@pytest.fixture
def open_path(tmp_path: Path) -> Path:
    """`tmp_path`, which every user may enter, as servers and guests must; no other is touched."""
    machines = Path(tempfile.gettempdir()).resolve()
    for folder in (tmp_path, *tmp_path.parents):
        if folder == machines or machines not in folder.parents:
            break
        folder.chmod(0o755)
    return tmp_path


def needs_natively(kind: str) -> None:
    """Leave a test out where this machine does not have the programs of a kind of server."""
    try:
        kinds.find(kind).found()
    except BacklabError as missing:
        if os.environ.get(EVERY_SERVER):
            raise
        pytest.skip(str(missing))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line that says what was left out, and how to run it."""
    parts = [
        f"{n} that need a {name} ({CHORES[name]})"
        for name, n in config.stash.get(LEFT_OUT, Counter()).items()
    ]
    if parts:
        terminalreporter.write_line(f"left out: {', '.join(parts)}")
