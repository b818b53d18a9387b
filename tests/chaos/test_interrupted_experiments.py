"""An experiment that is interrupted, idle or wrong: rolled back, told in one sentence, exit code 2."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from backlab.cli import main
from backlab.stress.experiment import EXPERIMENTS, experiment
from chaos.record import Reader
from services import ready
from services.errors import BacklabError

CHAOS = Path(sys.executable).parent / "chaos"


def edited(folder: Path, name: str = "cache_dies", **parts: object) -> Path:
    """A copy of an experiment with other parts."""
    body = yaml.safe_load((EXPERIMENTS / f"{name}.yaml").read_text())
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({**body, **parts}, sort_keys=False))
    return path


def step(func: str, module: str = "chaos.actions", **arguments: object) -> dict[str, object]:
    """One action of a method."""
    provider = {"type": "python", "module": module, "func": func, "arguments": arguments}
    return {"name": func, "type": "action", "provider": provider}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_rolls_back_and_leaves_a_journal(number, tmp_path, monkeypatch):
    """Ctrl-C and a polite kill in the middle of the method."""
    monkeypatch.setenv("BACKLAB_BACKEND", "native")
    monkeypatch.setenv("BACKLAB_RECORD", str(tmp_path / "record.jsonl"))
    path = edited(tmp_path, method=[step("kill_server", server="redis"), step("watch", seconds=20)])
    running = subprocess.Popen(
        [CHAOS, "run", "--journal-path", "journal.json", path],
        cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    reader = Reader(tmp_path / "record.jsonl")
    assert ready.true(lambda: bool(reader.read().faults), within_s=60)
    running.send_signal(number)
    running.wait(60)
    journal = json.loads((tmp_path / "journal.json").read_text())
    # on SIGTERM Chaos Toolkit fails the running action and goes on to the rollbacks
    assert journal["status"] == "interrupted" or "failed" in [run["status"] for run in journal["run"]]
    assert {rollback["status"] for rollback in journal["rollbacks"]} == {"succeeded"}
    assert reader.read().over_s is not None
    [fault] = reader.record.faults.values()
    assert fault["to_s"] > fault["from_s"]


def test_a_fault_that_touched_nothing_is_inconclusive(tmp_path, monkeypatch):
    """Nobody calls the frozen server; the command says so and exits with 2."""
    monkeypatch.setenv("BACKLAB_BACKEND", "native")
    configuration = {
        "servers": ["postgres", "redis"],
        "wires": ["redis"],
        "load": {"falls back": "read-stock"},
    }
    path = edited(tmp_path, configuration=configuration, method=[step("pause_server", server="redis")],
                  rollbacks=[step("lift_faults")])  # fmt: skip
    seen = experiment(str(path))
    assert (seen.verdict, seen.exit_code) == ("INCONCLUSIVE", 2)
    assert seen.why_not == "the fault touched nothing (redis paused)"
    assert seen.journal["inconclusive"] == "touched nothing: redis paused"


def test_an_action_that_fails_makes_the_run_inconclusive(tmp_path, monkeypatch):
    """An unknown toxic: the proxy's own words, and the wire is free of faults."""
    monkeypatch.setenv("BACKLAB_BACKEND", "native")
    path = edited(tmp_path, method=[step("add_fault", wire="redis", kind="molasses")])
    seen = experiment(str(path))
    assert seen.exit_code == 2
    assert "invalid toxic type" in seen.why_not
    assert seen.receipts.empty


WRONG = {
    "methods:": ({"methods": []}, "an experiment has no field 'methods'; did you mean 'method'?"),
    "- name: x": ({"method": [{"name": "x", "type": "action"}]}, "the activity 'x' has no provider"),
    "module: chaosk8s": (
        {"method": [step("kill", "chaosk8s.pod")]},
        "chaosk8s.pod cannot be imported",
    ),
    "func: kill_sever": ({"method": [step("kill_sever", server="redis")]}, "did you mean 'kill_server'?"),
    "lattency_ms": ({"method": [step("add_latency", lattency_ms=5)]}, "did you mean 'latency_ms'?"),
    "func: add_latency": ({"method": [step("add_latency")]}, "add_latency wants the argument 'latency_ms'"),
    "servers: ": ({"configuration": {"servers": "redis"}}, "servers is 'redis'; write a list"),
    "servers:": ({"configuration": {"servers": ["reddis"]}}, "did you mean 'redis'?"),
    "wires:": ({"configuration": {"wires": ["kafka"]}}, "a wire leads to no 'kafka', only nothing"),
    "load:": (
        {"configuration": {"load": {"a": "read-stock"}}},
        "calls postgres, which the experiment does not",
    ),
}


@pytest.mark.parametrize("at", WRONG)
def test_a_wrong_file_is_one_sentence_with_its_line_and_exit_code_2(at, tmp_path, capsys):
    """The command line says it on stderr and starts nothing."""
    parts, message = WRONG[at]
    path = edited(tmp_path, **parts)
    with pytest.raises(SystemExit) as left:
        main(["chaos", str(path)])
    said = capsys.readouterr().err
    assert left.value.code == 2
    assert message in said
    assert "Traceback" not in said
    line = int(re.search(r"mine.yaml, line (\d+): ", said)[1])
    assert path.read_text().splitlines()[line - 1].strip().startswith(at)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title: [", "line 1: "),
        ("", "is empty"),
        ("title: a\ndescription: b\n", "line 1: the experiment has no method"),
        ("title: a\n  description: b\n", "line 2: mapping values are not allowed here"),
    ],
)
def test_a_file_that_is_no_experiment_is_refused(text, message, tmp_path):
    """With the parser's own words and the line."""
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(BacklabError, match=message):
        experiment(str(path))


def test_a_variable_that_the_configuration_has_not_is_refused():
    """A typo in --var would otherwise change nothing and nobody would know."""
    with pytest.raises(BacklabError, match="the configuration has no 'screns'; did you mean 'screens'"):
        experiment("cache_dies", screns=2)
