"""The stop button in a real kernel: what was measured is kept, and the cells that wait do not run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from backlab.stop import ENDED, NO_MORE
from tests import kernels
from tests.chaos import scripted
from tests.chaos.scripted import Scripted

SLOW = "measure({'a': lambda _: time.sleep(0.05)}, repeat=400)"
WITHIN_S = 90


class Page:
    """What a front end does: it sends cells at once, presses stop, and hears what comes back."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager, self.client = manager, client
        self.printed, self.errors = "", []

    def run(self, code: str) -> None:
        """Run one cell to its end; it must end well."""
        reply = self.client.execute_interactive(code, timeout=WITHIN_S, output_hook=self.hear)
        assert reply["content"]["status"] == "ok", reply["content"]

    def stop(self, *cells: str, when: str, stop_on_error: bool = True) -> list[dict[str, Any]]:
        """Send all cells, press stop as soon as the first one shows `when`; the replies in their order."""
        sent = [self.client.execute(cell, stop_on_error=stop_on_error) for cell in cells]
        self.hear_until(lambda message: re.search(when, str(message["content"].get("data", ""))))
        self.manager.interrupt_kernel()
        replies = {}
        while len(replies) < len(sent):
            reply = self.client.get_shell_msg(timeout=WITHIN_S)
            replies[reply["parent_header"]["msg_id"]] = reply["content"]
        self.hear_until(
            lambda message: (
                message["parent_header"].get("msg_id") == sent[-1]
                and message["content"].get("execution_state") == "idle"
            )
        )
        return [replies[one] for one in sent]

    def hear_until(self, over: Any) -> None:
        """Keep what is published until a message is the one that was waited for."""
        while True:
            message = self.client.get_iopub_msg(timeout=WITHIN_S)
            self.hear(message)
            if over(message):
                return

    def hear(self, message: dict[str, Any]) -> None:
        """One message of the kernel."""
        if message["msg_type"] == "stream":
            self.printed += message["content"]["text"]
        elif message["msg_type"] == "error":
            self.errors.append(message["content"]["traceback"])


@contextmanager
def kernel() -> Iterator[Page]:
    """A fresh kernel, as JupyterLab starts one."""
    with kernels.kernel(env={**os.environ, "BACKLAB_BACKEND": "native"}) as (manager, client):
        yield Page(manager, client)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """One kernel for all tests of this file."""
    with kernel() as made:
        made.run("import time\nfrom backlab import experiment, load, measure, open_loop")
        yield made


@pytest.fixture(autouse=True)
def fresh(page: Page) -> None:
    """Nothing heard yet, and nothing has run."""
    page.run("later = False")
    page.printed, page.errors = "", []


def test_the_rows_are_kept_and_the_cells_that_wait_do_not_run(page: Page) -> None:
    """The assignment and the rest of the cell happen; then Run All ends, with no traceback."""
    first, *others = page.stop(
        f"rows = {SLOW}\nrest = len(rows)", "later = True", "later = True", when="measuring"
    )
    assert (first["status"], first["ename"]) == ("error", "Stopped")
    assert [reply["status"] for reply in others] == ["aborted", "aborted"]
    assert re.fullmatch(
        rf"interrupted after \d+ of 400 calls: the table holds what was measured\n{ENDED}\n", page.printed
    )
    assert page.errors == []
    page.run("assert 0 < rest == len(rows) < 400 and rows.attrs['interrupted'] and not later")


def test_after_a_stop_cells_run_as_before(page: Page) -> None:
    """The next cell that a learner runs is not aborted, and the same cell runs again to its end."""
    page.stop(f"rows = {SLOW}", when="measuring")
    page.run("rows = measure({'a': lambda _: None}, repeat=5); assert len(rows) == 5; later = True")
    page.run("assert later")


def test_one_press_ends_a_loop_over_experiments(page: Page) -> None:
    """The first one's rows are kept, the second does not begin, and the traceback is one sentence."""
    [reply] = page.stop(f"kept = []\nfor _ in range(3):\n    kept.append({SLOW})", when="measuring")
    assert reply["ename"] == "Stopped"
    assert page.errors == [[NO_MORE]]
    page.run("assert [0 < len(rows) < 400 for rows in kept] == [True]")


def test_too_few_rows_for_the_figure_are_kept_all_the_same(page: Page) -> None:
    """A drawing that fails on what there is so far does not cost the learner the rows."""
    page.run("from backlab import live\ndef draw(rows):\n    raise ValueError('two levels make a line')")
    [reply] = page.stop(f"rows = {SLOW[:-1]}, live=live(draw))", when="measuring")
    assert (reply["ename"], page.errors) == ("Stopped", [])
    page.run("assert 0 < len(rows) < 400")


FORGETS = """
import os, signal
from backlab import live
class Forgotten:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
def forget(_):
    one = Forgotten()
def draw(rows):
    forget(rows)
    raise ValueError("too few rows")
"""


@pytest.mark.parametrize("how", ["'a': forget}", "'a': lambda _: None}, live=live(draw)"])
def test_a_press_that_python_drops_is_heard_all_the_same(page: Page, how: str) -> None:
    """It does so while it forgets an object: in a call, or in the drawing of a plot."""
    page.run(FORGETS)
    code = f"rows = measure({{{how}, repeat=400)"
    reply = page.client.execute_interactive(code, timeout=WITHIN_S, output_hook=page.hear)["content"]
    assert (reply["ename"], page.errors) == ("Stopped", [])
    assert "Exception ignored in: <function Forgotten.__del__" in page.printed
    page.run("assert len(rows) == 1")


def test_a_front_end_that_wants_the_other_cells_gets_them(page: Page) -> None:
    """`stop_on_error` is the front end's to decide, as after any error."""
    first, second = page.stop(f"rows = {SLOW}", "later = True", when="measuring", stop_on_error=False)
    assert (first["status"], second["status"]) == ("error", "ok")
    page.run("assert later")


def test_a_stopped_open_loop_keeps_what_was_due_by_then(page: Page) -> None:
    """Answered requests are rows, those in flight are unknown, those to come are none; it can be drawn."""
    with Scripted(lambda n: [scripted.OK] if n % 50 else []) as server:
        cell = f"seen = open_loop('{server.url}', rate=200, seconds=60, timeout_s=50)\nseen.plot()"
        first, second = page.stop(cell, "later = True", when="open loop: 3 steps")
        assert (first["ename"], second["status"]) == ("Stopped", "aborted")
        assert (
            page.printed
            == f"interrupted: no more requests are sent, and what was measured is kept\n{ENDED}\n"
        )
        page.run(
            "rows = seen.rows\n"
            "assert 20 < len(rows) < 12_000 and rows.attrs['interrupted'] and not later, len(rows)\n"
            "assert set(rows.outcome) == {'ok', 'unknown'}, set(rows.outcome)\n"
            "assert (rows.outcome == 'ok').mean() > 0.5\n"
            "assert set(rows.error[rows.outcome == 'unknown']) == {'the run was stopped first'}"
        )


@pytest.mark.long
def test_a_stopped_load_keeps_what_its_users_saw(page: Page) -> None:
    """Locust ends its users and its shop; rows, users, statements of the database and a picture are there."""
    cell = "seen = load('back_office', users=4, seconds=60)\nseen.plot()"
    first, second = page.stop(cell, "later = True", when="back_office: [3-9] steps")
    assert (first["ename"], second["status"]) == ("Stopped", "aborted")
    assert page.printed == f"interrupted: the users have left, and what was measured is kept\n{ENDED}\n"
    page.run(
        "assert len(seen.rows) > 3 and seen.rows.attrs['interrupted'] and not later\n"
        "assert seen.rows.t_s.max() < 55 and seen.users.users.max() == 4\n"
        "assert seen.summary()['statements a page']['repaired'] == 3, seen.summary()"
    )


@pytest.mark.long
def test_a_stopped_experiment_keeps_its_calls_and_lifts_its_faults(page: Page) -> None:
    """Chaos Toolkit rolls back; the outcome says that it was interrupted, and the queue is empty."""
    first, second = page.stop(
        "seen = experiment('cache_dies')", "later = True", when="cache_dies: [3-9] step"
    )
    assert (first["ename"], second["status"]) == ("Stopped", "aborted")
    assert page.printed == f"interrupted: the faults are lifted, and what was measured is kept\n{ENDED}\n"
    page.run("assert len(seen.rows) and seen.status == 'interrupted' and not later, seen")
