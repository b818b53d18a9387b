"""A desk whose holder dies goes home: the judge, the sandbox and their servers go with it."""

from __future__ import annotations

import select
import time
from pathlib import Path
from typing import NoReturn

import psutil
import pytest

from backlab.cohort.cohort import Course, entries
from backlab.cohort.desk import Desk
from backlab.sandbox.caller import Caller
from backlab.sandbox.limits import Limits
from backlab.sandbox.nursery import ENDS_S, Nursery
from backlab.sandbox.sandbox import Sandbox
from services import ready
from tests.backlab import cohorts
from tests.backlab.cohorts import RIGHT
from tests.leaks.belongings import runs

SAYS_S = 60


@pytest.mark.parametrize("unread", [False, True])
def test_a_desk_ends_with_whoever_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unread: bool
) -> None:
    """Also when its last words lie unread: then its line is reset, where it would else be at its end."""
    monkeypatch.setenv("BACKLAB_LABS", str(cohorts.judged_lab(tmp_path)))
    folder = cohorts.hand_in(tmp_path / "in", ada=RIGHT)
    work = entries(list(folder.glob("*.ipynb")), Course(b"k" * 32, True), None)[0].work
    assert work is not None
    desk = Desk()
    desk._ours.sendall(work.to_json().encode() + b"\n")
    assert select.select([desk._ours], [], [], SAYS_S)[0], "it says nothing"
    if not unread:
        desk._ours.recv(1 << 16)
    family = [psutil.Process(desk._process.pid), *psutil.Process(desk._process.pid).children(recursive=True)]
    desk._answers.close()
    desk._ours.close()
    assert ready.true(lambda: not any(map(runs, family)), within_s=15), list(filter(runs, family))
    desk.close()


def test_a_parent_of_guests_that_still_imports_is_not_waited_for(tmp_path: Path) -> None:
    """It has no guest yet, so there is nothing that it would have to take down."""
    (tmp_path / "imported").touch()
    slow = Nursery([f"import os, time; os.unlink({str(tmp_path / 'imported')!r}); time.sleep(60)"], "json")
    assert ready.true(lambda: not (tmp_path / "imported").exists(), within_s=SAYS_S)
    began = time.monotonic()
    slow.close()
    assert time.monotonic() - began < ENDS_S


def test_a_guest_whose_start_is_broken_off_leaves_no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """And leaving it raises nothing of its own, which would hide that we are to end."""

    def broken_off(sandbox: Sandbox, role: str) -> NoReturn:
        raise SystemExit

    monkeypatch.setattr(Sandbox, "start", broken_off)
    nursery = Nursery([], "json")
    guest = Caller(nursery, Limits(), [], {"exercises": []})
    try:
        with pytest.raises(SystemExit):
            guest.enter()
        guest.leave()
        guest.leave()
        assert not [one for one in psutil.Process().children(recursive=True) if one.name() == "bwrap"]
    finally:
        nursery.close()
