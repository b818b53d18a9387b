"""What one learner of a class holds while a lab runs: `python -m tests.browser.memory 4.1 4.2 5.5`, as root.

make class -> sign in -> open the lab -> Run All Cells -> PSS of all the learner's processes, twice a second
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, expect

from backlab import course
from tests.browser.classroom import Classroom, classroom
from tests.browser.conftest import chromium
from tests.browser.test_class import IDLE, LOADING_MS, kernel_answers

LONGEST_S, EVERY_S = 240, 0.5


def run_all(page: Page) -> None:
    """Open the notebook's menu and choose it, when the kernel answers."""
    expect(page.locator(IDLE)).to_be_visible(timeout=LOADING_MS)
    while not kernel_answers(page):
        time.sleep(0.1)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def peak(room: Classroom, page: Page, lab: str) -> tuple[int, str]:
    """The most that the learner of the room held, in bytes, and the lab's own last words."""
    (learner,) = room.learners
    room.open(page, learner, course.lab(lab).relative)
    run_all(page)
    most, begun = 0, time.monotonic()
    last = page.locator(".jp-OutputArea-output", has_text="nothing left running; lab")
    while time.monotonic() - begun < LONGEST_S:
        most = max(most, learner.memory_bytes())
        if last.count() and last.last.is_visible():
            break
        time.sleep(EVERY_S)
    said = [
        text for text in page.locator(".jp-OutputArea-output").all_inner_texts() if "left running" in text
    ]
    return most, said[-1].strip() if said else "it did not come to its end"


def main(labs: list[str]) -> None:
    """A fresh class for each lab, so that none meets what another one left in memory."""
    for lab in labs:
        with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="memory-") as place, chromium() as browser:
            Path(place).chmod(0o755)
            with classroom(Path(place), 1, labs, idle_s=600) as room:
                held, words = peak(room, browser.new_page(), lab)
        print(f"lab {lab}: {held / 1e6:,.0f} MB at most; {words}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
