"""A real JupyterLab in a real Chromium (Debian's `chromium`, driven by Playwright), one per test."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.course_copy import JupyterLab, jupyterlab
from tests.browser.driver import Notebook

# as root, which CI is, Chromium has no sandbox; it is not to ask the world for anything
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
WINDOW = {"width": 1280, "height": 1000}


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Where the servers of this test put their data; every user may enter it."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="browser-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def jupyter(scratch: Path) -> Iterator[JupyterLab]:
    """`backlab open 4.2` on a copy of the course; it is interrupted at the end, as a learner does."""
    with jupyterlab(scratch) as started:
        yield started


@contextmanager
def chromium() -> Iterator[Browser]:
    """A Chromium without a window."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "this test needs a browser (`apt install chromium`)"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def browser() -> Iterator[Browser]:
    """One for a test."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Page:
    """An empty tab of it."""
    return browser.new_page(viewport=WINDOW)


@pytest.fixture
def opened(jupyter: JupyterLab, page: Page) -> Callable[[str], Notebook]:
    """opened("4.2"): a lab's notebook with its kernel ready."""
    return lambda name: Notebook(page, jupyter, jupyter.notebook(name)).open()
