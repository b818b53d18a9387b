"""The load scenarios, as a load tester runs them: with plain `locust`, and through the bench."""

import subprocess
import sys
from pathlib import Path

import pytest

from backlab.stress.load import SCENARIOS, load
from services.errors import BacklabError

BIN = Path(sys.executable).parent


def locust(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    argv = [BIN / "locust", "-f", SCENARIOS / "back_office.py", "--headless", *words]
    return subprocess.run(argv, cwd=cwd, capture_output=True, text=True, timeout=90)


def test_plain_locust_starts_a_shop_of_its_own_and_counts_its_statements(tmp_path: Path) -> None:
    """No host is given, so both copies are started, loaded and taken down."""
    done = locust("-u", "4", "-r", "4", "-t", "5s", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "repaired: " in done.stdout
    assert " 3.0 statements a page" in done.stdout


@pytest.mark.parametrize(
    "host", ["http://192.0.2.1", "http://example.org:80", "http://127.0.0.1.example.org"]
)
def test_locust_refuses_every_host_but_this_machine(host: str, tmp_path: Path) -> None:
    """Nothing is sent, the exit code is 2 and the sentence says why."""
    done = locust("--host", host, "-t", "2s", cwd=tmp_path)
    assert done.returncode == 2
    assert f"refused: {host} is not this machine" in done.stderr


def test_the_repaired_page_needs_three_statements_under_load() -> None:
    """The lazy copy sends many times as many, whatever the mix of pages was."""
    seen = load("back_office", users=4, seconds=5)
    summary = seen.summary()
    assert set(seen.rows.outcome) == {"ok"}
    assert summary["statements a page"]["repaired"] == 3
    assert summary["statements a page"]["naive"] > 30


def test_an_unknown_scenario_is_refused_with_the_nearest_name() -> None:
    """A typo costs one sentence."""
    with pytest.raises(BacklabError, match="did you mean back_office"):
        load("backoffice")
