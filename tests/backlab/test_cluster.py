"""Submissions on a real Dask cluster: none is lost, none counted twice, and no key is on its way."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from backlab.cohort.cluster import connect, on_a_cluster
from backlab.cohort.cohort import Course, entries, notebooks_in
from backlab.grading.hidden import root_of
from services import ready
from services.errors import BacklabError
from tests.backlab import cohorts
from tests.backlab.cohorts import RIGHT, SLOW, WRONG
from tests.leaks.belongings import runs

pytest.importorskip("distributed", reason="needs the extra `dask`")
DASK = Path(sys.executable).with_name("dask")
EIGHT = {f"learner{n}": WRONG if n % 4 == 2 else SLOW for n in range(8)}


@pytest.fixture(autouse=True)
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lab 9.1 with a judge."""
    monkeypatch.setenv("BACKLAB_LABS", str(cohorts.judged_lab(tmp_path)))


class Cluster:
    """A scheduler and workers as processes of their own; what they say is in `logs`."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self.logs, self._stack = folder / "logs", stack
        self.logs.mkdir()
        self._file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                    "--scheduler-file", str(self._file))  # fmt: skip
        assert ready.true(self._written, within_s=30)
        self.address = json.loads(self._file.read_text())["address"]

    def worker(self) -> subprocess.Popen[bytes]:
        """One more, which grades one submission at a time."""
        return self._start("worker", "--scheduler-file", str(self._file), "--nthreads", "1", "--no-nanny",
                           "--no-dashboard", "--host", "127.0.0.1")  # fmt: skip

    def _start(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        file = self.logs / f"{what}{len(list(self.logs.iterdir()))}"
        log = self._stack.enter_context(file.open("wb"))
        environment = {**os.environ, "DASK_TEMPORARY_DIRECTORY": str(self.logs.parent)}
        argv = [DASK, what, *options]
        process = subprocess.Popen(argv, stdout=log, stderr=log, cwd=self.logs.parent, env=environment)
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process

    def _written(self) -> bool:
        """Whether the scheduler has told where it is; the file is there a moment before its text."""
        return self._file.exists() and self._file.read_text().rstrip().endswith("}")

    def said(self) -> str:
        """All logs."""
        return "\n".join(path.read_text() for path in self.logs.iterdir())


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler without workers."""
    with contextlib.ExitStack() as stack:
        yield Cluster(tmp_path, stack)


def points(text: str) -> list[tuple[str, str, str, str]]:
    """Of each learner and check, in order."""
    rows = csv.DictReader(text.splitlines())
    return [(row["learner"], row["points"], row["check"], row["verdict"]) for row in rows]


@pytest.mark.long
def test_a_killed_worker_loses_no_submission_and_the_rest_is_graded_once(
    tmp_path: Path, cluster: Cluster
) -> None:
    """The same points as on this machine alone, and nothing is left on the worker that was killed."""
    folder = cohorts.hand_in(tmp_path / "in", **EIGHT)
    victim, other = cluster.worker(), cluster.worker()
    with cohorts.start(folder, tmp_path, "--dask", cluster.address, "--csv") as run:
        assert ready.true(lambda: 1 <= len(cohorts.reports(tmp_path)) < 5 and grades(victim), within_s=90)
        family = psutil.Process(victim.pid).children(recursive=True)
        before = cohorts.reports(tmp_path)
        victim.kill()
        said, errors = run.communicate(timeout=120)
    assert run.returncode == 1, errors
    after = cohorts.reports(tmp_path)
    assert len(after) == 8
    assert after | before == after
    assert ready.true(lambda: not any(map(runs, family)), within_s=15), list(filter(runs, family))
    assert ready.true(lambda: not grades(other), within_s=15), cluster.said()
    (tmp_path / "alone").mkdir()
    with cohorts.start(folder, tmp_path / "alone", "--csv") as alone:
        assert points(alone.communicate(timeout=120)[0]) == points(said)
    assert cohorts.KEY not in cluster.said()
    assert "learner0" not in cluster.said()


def grades(worker: subprocess.Popen[bytes]) -> bool:
    """Whether a worker has a desk."""
    return any(
        "backlab.cohort.desk_process" in one.cmdline() for one in psutil.Process(worker.pid).children()
    )


def test_only_the_root_of_one_submission_travels_and_nothing_shows_it(tmp_path: Path) -> None:
    """Neither the course's key, nor in a log what learner, code and root are."""
    folder = cohorts.hand_in(tmp_path / "in", ada=RIGHT)
    key = b"the key of the whole course"
    work = entries(notebooks_in([folder]), Course(key, True), None)[0].work
    assert work is not None
    assert key not in pickle.dumps(work)
    assert work.root == root_of(key, "ada", "9.1").hex() != root_of(key, "bob", "9.1").hex()
    assert repr(work) == str(work) == "<a submission>"


def test_another_version_of_the_lab_on_a_worker_is_told(tmp_path: Path, cluster: Cluster) -> None:
    """Points by another judge are no points."""
    folder = cohorts.hand_in(tmp_path / "in", ada=RIGHT)
    cluster.worker()
    source = tmp_path / "labs" / "source" / "m9_testing" / "01_tiny.md"
    other = tmp_path / "other"
    cohorts.judged_lab(other)
    (other / "labs" / source.relative_to(tmp_path / "labs")).write_text(source.read_text() + "\nMore.\n")
    os.environ["BACKLAB_LABS"] = str(other / "labs")  # the fixture puts it back
    with cohorts.start(folder, tmp_path, "--dask", cluster.address) as run:
        said, _ = run.communicate(timeout=60)
    assert run.returncode == 2
    assert "lab 9.1 is another here; install the same version" in said.replace(
        "is another here than where the grading was started", "is another here"
    )


@pytest.mark.parametrize(("address", "says"), [
    ("tcp://127.0.0.1:9", "no Dask scheduler answers at tcp://127.0.0.1:9"),
    ("nonsense://x", "no Dask scheduler answers at nonsense://x"),
])  # fmt: skip
def test_a_scheduler_that_is_not_there_is_told_soon(tmp_path: Path, address: str, says: str) -> None:
    """In one sentence, with exit code 2."""
    folder = cohorts.hand_in(tmp_path / "in", ada=RIGHT)
    with cohorts.start(folder, tmp_path, "--dask", address) as run:
        _, said = run.communicate(timeout=30)
    assert run.returncode == 2
    assert says in said
    assert said.strip().count("\n") == 0


def test_a_scheduler_without_workers_is_told(tmp_path: Path, cluster: Cluster) -> None:
    """Nobody would grade."""
    folder = cohorts.hand_in(tmp_path / "in", ada=RIGHT)
    with cohorts.start(folder, tmp_path, "--dask", cluster.address) as run:
        _, said = run.communicate(timeout=60)
    assert run.returncode == 2
    assert "has no worker; see that it runs" in said


def test_a_machine_without_dask_is_told_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sentence holds the command."""
    from backlab import cli

    folder = cohorts.hand_in(tmp_path / "in", ada=RIGHT)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SystemExit) as left:
        cli.main(["grade", str(folder), "--keep", str(tmp_path / "kept"), "--dask", "tcp://127.0.0.1:9"])
    assert left.value.code == 2
    assert "pip install 'distributed>=2025.7'" in capsys.readouterr().err


@pytest.mark.long
def test_a_scheduler_that_goes_in_mid_run_is_told_and_finished_reports_stay(
    tmp_path: Path, cluster: Cluster
) -> None:
    """Exit code 2, no endless wait, and the same command goes on."""
    folder = cohorts.hand_in(tmp_path / "in", **EIGHT)
    cluster.worker()
    with cohorts.start(folder, tmp_path, "--dask", cluster.address) as run:
        assert ready.true(lambda: len(cohorts.reports(tmp_path)) >= 1, within_s=90)
        cluster.scheduler.kill()
        _, said = run.communicate(timeout=60)
    assert run.returncode == 2
    assert "the Dask scheduler has gone; start it and run the same command again" in said
    before = cohorts.reports(tmp_path)
    with cohorts.start(folder, tmp_path, "--csv") as alone:
        alone.communicate(timeout=120)
    after = cohorts.reports(tmp_path)
    assert len(after) == 8
    assert after | before == after


def test_a_scheduler_that_goes_between_two_reports_is_told(tmp_path: Path, cluster: Cluster) -> None:
    """Not what came of the question how many workers there are, which had the run end with a traceback."""
    folder = cohorts.hand_in(tmp_path / "in", ada=RIGHT, bob=SLOW)
    works = [entry.work for entry in entries(notebooks_in([folder]), Course(b"key", True), None)]
    cluster.worker()
    reports = on_a_cluster(connect(cluster.address), dict(enumerate(filter(None, works))), lambda _: None)
    next(reports)
    cluster.scheduler.kill()
    cluster.scheduler.wait()
    with pytest.raises(BacklabError, match="the Dask scheduler has gone"):
        list(reports)
