"""Servers of a kernel that VS Code has started: its stop button is not for them."""

from __future__ import annotations

import signal

import psutil
import pytest

from services import warden
from tests.services.test_warden import Victim, left


@pytest.mark.parametrize("name", warden.PRESSES_ALL)
def test_what_vs_code_interrupts_are_not_our_servers(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Its stop button sends SIGINT to all below the kernel; servers go on, and end with the kernel."""
    monkeypatch.setenv(name, "/")
    victim = Victim("native")
    below = psutil.Process(victim.process.pid).children(recursive=True)
    for process in below:
        process.send_signal(signal.SIGINT)
    assert not {process.pid for process in below} & {*victim.told["pids"]}
    assert len(left(victim.told)) == sum(map(len, victim.told.values()))
    victim.end(signal.SIGKILL)
    assert victim.leaves_nothing(), left(victim.told)


def test_a_warden_that_stands_apart_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """After Ctrl-C, and at any other polite end, nothing is left when the process is gone."""
    monkeypatch.setenv("VSCODE_PID", "1")
    victim = Victim("native")
    victim.end(signal.SIGINT)
    assert not left(victim.told)
