"""A real JupyterLab in a real Chromium (Debian's `chromium`, driven by Playwright), one per test."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from services import ports, ready
from tests import house

BIN = Path(sys.executable).parent
# as root, which CI is, Chromium has no sandbox; it is not to ask the world for anything
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/\S+")


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Where the servers of this test put their data; every user may enter it."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="browser-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def lab(scratch: Path) -> Iterator[tuple[psutil.Process, str]]:
    """`backlab open 4.2` with its address; it is interrupted at the end, as a learner does."""
    env = {**os.environ, "BACKLAB_SCRATCH": str(scratch)}
    reservation = ports.reserve()
    reservation.close()
    argv = [str(BIN / "backlab"), "open", "4.2", "--no-browser", "--port", str(reservation.port)]
    with subprocess.Popen(argv, cwd=house.ROOT, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            address = next(found[0] for line in process.stdout if (found := ADDRESS.search(line)))
            ready.until(lambda: httpx.get(address), within_s=30, not_yet=(httpx.TransportError,))
            yield psutil.Process(process.pid), address
        finally:
            process.terminate()


@pytest.fixture
def browser() -> Iterator[Browser]:
    """A Chromium without a window."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "this test needs a browser (`apt install chromium`)"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Page:
    """An empty tab of it."""
    return browser.new_page()
