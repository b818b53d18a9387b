"""JupyterHub for a class, as docs/class.md sets it up: three learners at once, each with own servers."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from services import ready
from tests.browser.classroom import Classroom, Learner, classroom

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(os.geteuid() != 0, reason="system accounts for three learners need root, which CI is"),
]
LEARNERS, IDLE_S = 3, 15
NOTEBOOK = "labs/m4_performance/02_n_plus_one.ipynb"
LOADING_MS = 60_000
IDLE = ".jp-Notebook-ExecutionIndicator[data-status=idle]"
KERNELS = """() => {
    const page = JSON.parse(document.getElementById("jupyter-config-data").textContent);
    const own = {"X-XSRFToken": document.cookie.match(/_xsrf=([^;]+)/)[1]};
    return fetch(page.baseUrl + "api/kernels", {headers: own}).then(answer => answer.json());
}"""
URL = re.compile(r"postgresql://\S+?(?=['\"])")


@pytest.fixture
def room(scratch: Path) -> Iterator[Classroom]:
    """Where the class meets."""
    with classroom(scratch, LEARNERS, ["4.2"], IDLE_S) as room:
        yield room


def kernel_answers(page: Page) -> bool:
    """Does the learner's own Jupyter server say so? What JupyterLab sends before that is lost."""
    return [one["execution_state"] for one in page.evaluate(KERNELS)] == ["idle"]


def begin(page: Page) -> None:
    """Run the lab up to its first experiment, and one more cell, in which the learner asks for an address."""
    notebook = page.locator(".jp-Notebook")
    expect(page.locator(IDLE)).to_be_visible(timeout=LOADING_MS)
    assert ready.true(lambda: kernel_answers(page), within_s=60, every_s=0.1)
    notebook.locator(".jp-Cell").first.click()
    page.keyboard.press("Escape")
    for _ in range(10):
        page.keyboard.press("Shift+Enter")
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    page.keyboard.insert_text("b.postgres.url")
    page.keyboard.press("Shift+Enter")


def address_of(page: Page) -> str:
    """What that cell answered."""
    answer = page.locator(".jp-OutputArea-output", has_text="postgresql://").first
    expect(answer).to_be_visible(timeout=LOADING_MS)
    found = URL.search(answer.inner_text())
    assert found
    return found[0]


def data_directory(learner: Learner) -> str:
    """Where this learner's Postgres keeps its data, by its command line."""
    lines = [one.cmdline() for one in learner.processes() if one.name() == "postgres"]
    return next(words[words.index("-D") + 1] for words in lines if "-D" in words)


def test_three_learners_work_at_once_and_nothing_is_left_of_those_who_are_idle(
    room: Classroom, browser: Browser
) -> None:
    """Own ports, passwords, data; another's are closed; the culler ends JupyterLab and with it servers."""
    pages = [browser.new_context().new_page() for _ in room.learners]
    for page, learner in zip(pages, room.learners, strict=True):
        room.open(page, learner, NOTEBOOK)
    for page in pages:
        begin(page)
    addresses = [address_of(page) for page in pages]
    each_has_its_own(addresses)
    ada, bob, _ = room.learners
    assert bob.run("ls", data_directory(bob)).returncode == 0
    assert "Permission denied" in bob.run("ls", data_directory(ada)).stderr
    assert "Permission denied" in bob.run("ls", str(ada.home / "backlab")).stderr
    for learner in room.learners:
        print(
            f"{learner.name}: {learner.memory_bytes() / 1e6:.0f} MB in {len(learner.processes())} processes"
        )
    for page in pages:
        page.context.close()
    for learner in room.learners:
        assert ready.true(lambda one=learner: not one.processes(), within_s=4 * IDLE_S, every_s=0.2), (
            learner.processes()
        )
    assert room.hub.is_running()


def each_has_its_own(addresses: list[str]) -> None:
    """Three servers; nobody's password opens another's."""
    parts = [psycopg.conninfo.conninfo_to_dict(address) for address in addresses]
    assert len({part["port"] for part in parts}) == len({part["password"] for part in parts}) == LEARNERS
    mine, theirs = parts[:2]
    with psycopg.connect(**mine) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(**{**theirs, "password": mine["password"]})
