"""What labs need of Prometheus beyond the conformance suite: scraping, alerts, tests of rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from services import ready
from services.errors import BacklabError
from services.prometheus import Prometheus
from services.promtool import promtool
from tests.conftest import needs_natively

RULES = """
groups:
  - name: lag
    rules:
      - alert: Behind
        expr: lag > 100
        for: 300ms
        labels: {severity: page}
"""
TESTS = """
rule_files: [rules.yml]
evaluation_interval: 1s
tests:
  - interval: 1s
    input_series:
      - {series: lag, values: "500x9"}
    alert_rule_test:
      - eval_time: 5s
        alertname: Behind
        exp_alerts: [{exp_labels: {severity: SEVERITY}}]
"""


@pytest.fixture(autouse=True)
def _here(backend: str) -> None:
    if backend == "native":
        needs_natively("prometheus")


@pytest.fixture
def lag() -> Iterator[tuple[Gauge, str]]:
    """A monitor on 127.0.0.1 with one gauge, and its address."""
    registry = CollectorRegistry()
    gauge = Gauge("lag", "messages behind", registry=registry)
    served, _ = start_http_server(0, "127.0.0.1", registry)
    yield gauge, f"127.0.0.1:{served.server_port}"
    served.shutdown()
    served.server_close()


def asked(server: Prometheus, path: str, **query: str) -> list[dict[str, object]]:
    said = httpx.get(f"{server.url}/api/v1/{path}", params=query, timeout=5).json()["data"]
    found: list[dict[str, object]] = said.get("result", said.get("alerts"))
    return found


def test_it_scrapes_a_monitor_on_this_machine_and_fires_after_a_while(
    lag: tuple[Gauge, str], backend: str
) -> None:
    """The monitor listens on 127.0.0.1 only, which a container reaches too; an alert with `for:` fires."""
    gauge, address = lag
    gauge.set(500)
    with Prometheus(backend=backend, scrape=[address], rules=RULES, interval_s=0.1) as server:
        assert ready.true(lambda: bool(asked(server, "query", query="lag == 500")))
        assert ready.true(lambda: [a["state"] for a in asked(server, "alerts")] == ["firing"])
        gauge.set(0)
        assert ready.true(lambda: asked(server, "alerts") == [])


def test_a_reload_takes_in_new_rules_and_says_what_is_wrong(backend: str) -> None:
    """A bad rule is refused in one sentence, and the former ones go on."""
    with Prometheus(backend=backend, rules=RULES) as server:
        server.rules = RULES.replace("lag > 100", "lag >")
        with pytest.raises(BacklabError, match="refuses its configuration"):
            server.reload()
        server.rules = RULES.replace("Behind", "Late")
        server.reload()
        groups = httpx.get(f"{server.url}/api/v1/rules", timeout=5).json()["data"]["groups"]
        assert [rule["name"] for group in groups for rule in group["rules"]] == ["Late"]


def test_promtool_tests_rules_and_says_why_one_fails(backend: str, tmp_path: Path) -> None:
    """By text or by path; `ok` tells a learner's rules from wrong ones."""
    files = {"rules.yml": RULES, "tests.yml": TESTS.replace("SEVERITY", "page")}
    well = promtool("test", "rules", "tests.yml", files=files, backend=backend)
    assert well.ok, well.said
    for name, text in {**files, "tests.yml": TESTS.replace("SEVERITY", "ticket")}.items():
        (tmp_path / name).write_text(text)
    wrong = promtool("test", "rules", tmp_path / "tests.yml", backend=backend)
    assert not wrong.ok
    assert "ticket" in wrong.said
