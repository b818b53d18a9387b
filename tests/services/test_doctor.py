"""The doctor sees before a start what would go wrong in it."""

from __future__ import annotations

import pytest

from services import cache, kinds
from services.doctor import Finding, examine, to_install


def found() -> dict[str, Finding]:
    return {finding.name: finding for finding in examine()}


def test_a_well_machine_has_no_next_steps(clean_environment: pytest.MonkeyPatch) -> None:
    """What servers need natively is here, or this test would not run."""
    findings = found()
    assert all(findings[name].ok for name in ("python", "back end", "postgres", "redis", "cache", "scratch"))
    assert all(bool(finding.next_step) != finding.ok for finding in findings.values())


def test_each_fault_is_one_finding_with_a_next_step(clean_environment: pytest.MonkeyPatch) -> None:
    """Wrong variables, no engine and a full disk are told at once, and nothing is started."""
    clean_environment.setenv("BACKLAB_BACKEND", "cloud")
    clean_environment.setenv("BACKLAB_POSTGRES", "/nowhere")
    clean_environment.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    clean_environment.setattr(cache, "free_bytes", lambda _place: 5 << 20)
    findings = found()
    wrong = {name for name, finding in findings.items() if not finding.ok}
    assert wrong >= {"back end", "postgres", "engine", "images", "cache", "scratch"}
    assert all(finding.next_step for name, finding in findings.items() if name in wrong)


def test_every_kind_of_server_is_examined_and_what_is_missing_can_be_installed(
    clean_environment: pytest.MonkeyPatch,
) -> None:
    """A new kind in the registry appears by itself, with its version or with its packages' names."""
    clean_environment.setenv("BACKLAB_HAPROXY", "/nowhere")
    findings = found()
    assert set(kinds.KINDS) <= set(findings)
    assert findings["redis"].sentence.startswith("8.")
    apt, brew = to_install(findings.values())
    assert "haproxy" in apt.split()
    assert "haproxy" in brew.split()
    assert "redis" not in apt
