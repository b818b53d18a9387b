"""What a learner closes is over: the notebook's tab takes its kernel, and the kernel its servers."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import psutil
import pytest
from playwright.sync_api import Page, expect

from services import ready

pytestmark = pytest.mark.browser
LOADING_MS = 60_000


def servers(scratch: Path) -> list[str]:
    return [path.name for path in scratch.iterdir() if path.name.startswith("backlab-postgres")]


def kernels(process: psutil.Process) -> int:
    return sum("ipykernel" in command(one) for one in process.children(recursive=True))


def command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""  # it has ended meanwhile


def run_first_cells(page: Page, address: str, scratch: Path) -> None:
    """Open the lab and run cells until its servers are up."""
    page.goto(address)
    notebook = page.locator(".jp-Notebook")
    expect(notebook.locator(".jp-Cell").first).to_be_visible(timeout=LOADING_MS)
    expect(page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")).to_be_visible(
        timeout=LOADING_MS
    )
    # what JupyterLab sends before its server has reached the kernel is lost, though the page says "Idle"
    assert ready.true(lambda: kernel_answers(address), within_s=60)
    notebook.locator(".jp-Cell").first.click()
    for _ in range(6):
        page.keyboard.press("Shift+Enter")
    started = ready.true(lambda: bool(servers(scratch)), within_s=40)
    assert started, page.locator(".jp-OutputArea-output").all_inner_texts()[:5]


def kernel_answers(address: str) -> bool:
    """Does Jupyter's server say so?"""
    parts = urlsplit(address)
    login = {"Authorization": f"token {parse_qs(parts.query)['token'][0]}"}
    known = httpx.get(f"{parts.scheme}://{parts.netloc}/api/kernels", headers=login).json()
    return [one["execution_state"] for one in known] == ["idle"]


def test_closing_the_tab_ends_the_kernel_and_its_servers(
    page: Page, lab: tuple[psutil.Process, str], scratch: Path
) -> None:
    """Nothing is left running behind a closed tab; JupyterLab itself goes on."""
    process, address = lab
    run_first_cells(page, address, scratch)
    assert kernels(process) == 1
    page.locator(".lm-DockPanel-tabBar .lm-mod-current .lm-TabBar-tabCloseIcon").click()
    discard = page.get_by_role("button", name="Discard")
    if discard.is_visible(timeout=5000):
        discard.click()
    assert ready.true(lambda: not kernels(process), within_s=30)
    assert ready.true(lambda: not servers(scratch), within_s=10), servers(scratch)
    assert process.is_running()


def test_restarting_the_kernel_ends_its_servers(
    page: Page, lab: tuple[psutil.Process, str], scratch: Path
) -> None:
    """The key `0` twice is `Kernel > Restart Kernel`, in the middle of the lab."""
    process, address = lab
    run_first_cells(page, address, scratch)
    page.keyboard.press("0")
    page.keyboard.press("0")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    assert ready.true(lambda: not servers(scratch), within_s=30), servers(scratch)
    assert kernels(process) == 1
