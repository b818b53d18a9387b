"""The experiments, as a chaos engineer runs them: with plain `chaos`, on a machine where nothing runs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from backlab.stress.experiment import EXPERIMENTS, experiment, names
from chaos import record
from services.errors import BacklabError

pytestmark = pytest.mark.alone
BIN = Path(sys.executable).parent
BACKENDS = ["native", pytest.param("container", marks=pytest.mark.container)]
CALM = {"period_s": 4, "latency_ms": 10}  # far on either side of what the pool can bear


@pytest.mark.parametrize("name", names())
def test_an_experiment_is_valid_for_chaos_toolkit_itself(name: str, tmp_path: Path) -> None:
    """`chaos validate` accepts every file in chaos/experiments."""
    argv = [BIN / "chaos", "validate", EXPERIMENTS / f"{name}.yaml"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_plain_chaos_run_sets_its_own_stage_and_leaves_a_journal_and_a_record(tmp_path: Path) -> None:
    """The lazy page deviates, the repaired one does not, the fault has receipts and is rolled back."""
    variables = [word for name, value in CALM.items() for word in ("--var", f"{name}:int={value}")]
    argv = [BIN / "chaos", "run", "--journal-path", "journal.json", *variables]
    path = tmp_path / "record.jsonl"
    subprocess.run(
        [*argv, EXPERIMENTS / "4_2_database_moves_zone.yaml"],
        cwd=tmp_path,
        env={**os.environ, "BACKLAB_RECORD": str(path)},
        capture_output=True,
        timeout=120,
    )
    journal = json.loads((tmp_path / "journal.json").read_text())
    after = {p["activity"]["name"]: p["tolerance_met"] for p in journal["steady_states"]["after"]["probes"]}
    assert journal["steady_states"]["before"]["steady_state_met"]
    assert journal["deviated"]
    assert after["lazy-page-is-answered"] is False
    assert {rollback["status"] for rollback in journal["rollbacks"]} == {"succeeded"}
    [window] = record.read(path).faults.values()
    assert window["from_s"] < window["to_s"]
    assert all(receipt["bytes"] > 0 and receipt["ended"] for receipt in window["receipts"])


def test_the_bench_brings_home_rows_windows_receipts_and_a_verdict() -> None:
    """The repaired page is answered after the rollback too, and exit code 1 says that the hypothesis fell."""
    seen = experiment("4_2_database_moves_zone", **CALM)
    lifted_s = seen.faults[0][1]
    later = seen.rows[(seen.rows.arm == "repaired") & (seen.rows.t_s > lifted_s)]
    assert len(later)
    assert set(later.outcome) == {"ok"}
    assert seen.touched
    assert seen.exit_code == 1


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["cache_dies", "stock_table_locked", "relay_dies"])
def test_a_general_experiment_holds_on_both_back_ends(name: str, backend: str, monkeypatch) -> None:
    """Its fault touches no arm but the one that is not in the hypothesis, and every arm recovers."""
    monkeypatch.setenv("BACKLAB_BACKEND", backend)
    seen = experiment(name)
    assert (seen.verdict, seen.exit_code, seen.failures) == ("held", 0, [])
    [(from_s, to_s, _)] = seen.faults
    during = seen.rows[(seen.rows.t_s >= from_s) & (seen.rows.t_s < to_s)]
    weak = {"cache_dies": {"gives up"}, "stock_table_locked": {"reserve stock"}}.get(name, set())
    assert set(during[during.outcome != "ok"].arm) == weak
    assert all(seen.recovery_s(arm) is not None for arm in set(seen.rows.arm))
    assert seen.journal["faults"][0]["touched"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_bounded_page_survives_an_outage_of_its_cache(backend: str, monkeypatch) -> None:
    """All three faults touch something; only the patient page deviates, and both recover."""
    monkeypatch.setenv("BACKLAB_BACKEND", backend)
    seen = experiment("4_1_cache_outage")
    assert (seen.verdict, seen.deviated, seen.failures) == ("deviated", ["patient page is answered"], [])
    assert [name for _, _, name in seen.faults] == ["redis emptied", "redis paused", "300 ms each way"]
    assert seen.touched
    assert set(seen.rows[seen.rows.arm == "bounded"].outcome) == {"ok"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_projector_frozen_poisoned_or_far_from_its_database_falls_behind(backend: str, monkeypatch) -> None:
    """All three faults touch something, the oldest order is too old in the end, the poison is passed."""
    monkeypatch.setenv("BACKLAB_BACKEND", backend)
    seen = experiment("5_5_consumer_faults")
    assert (seen.verdict, seen.deviated, seen.failures) == ("deviated", ["oldest unhandled order"], [])
    assert [name for _, _, name in seen.faults] == [
        "projector paused",
        "projector poisoned",
        "50 ms each way",
    ]
    assert seen.touched
    stepped_over_s = seen.faults[1][1]
    assert "ok" in set(seen.rows[seen.rows.t_s >= stepped_over_s].outcome)


def test_an_unknown_experiment_is_refused_with_the_nearest_name() -> None:
    """A typo costs one sentence, not a stack trace."""
    with pytest.raises(BacklabError, match="did you mean 4_2_database_moves_zone"):
        experiment("4_2_database_moves")
