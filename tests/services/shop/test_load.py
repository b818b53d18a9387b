"""The shop's template has one key in every process, or what is prepared would be prepared again."""

from __future__ import annotations

import subprocess
import sys

TOLD = "from services.shop.load import template; print(template('S', 42).key)"


def test_a_template_has_one_key_in_all_processes() -> None:
    """A sandbox that looks for another name finds nothing, and has no time to make it."""
    argv = [sys.executable, "-c", TOLD]
    told = {subprocess.run(argv, capture_output=True, text=True, check=True).stdout for _ in range(6)}
    assert len(told) == 1
