"""Which Java servers run on, how one that dies at once is told, and ahead-of-time caches that never harm."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from services import aot, cache, java, maven, ready, warden
from services.errors import BacklabError, ServerError
from services.kafka import Kafka


@pytest.fixture
def own_cache(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache directory with Kafka's jars and no ahead-of-time cache yet."""
    server = Kafka(backend="native")
    server.prepare()
    filled, own = cache.directory(), Path(tempfile.mkdtemp(dir="/var/tmp", prefix="backlab-test-cache-"))
    own.chmod(0o755)
    (own / "jars").mkdir()
    for kept in (filled / "jars").glob("kafka-*"):
        shutil.copytree(kept, own / "jars" / kept.name)
    monkeypatch.setenv("BACKLAB_CACHE", str(own))
    yield own
    warden.dismiss()  # a recorder may still write into it
    shutil.rmtree(own)


def old_java(folder: Path, version: str) -> Path:
    """A directory that looks like the `bin` of a Java of this version."""
    (folder / "bin").mkdir()
    (folder / "bin/java").write_text("#!/bin/sh\n")
    (folder / "bin/java").chmod(0o755)
    (folder / "release").write_text(f'IMPLEMENTOR="X"\nJAVA_VERSION="{version}"\n')
    return folder / "bin"


def test_the_wheels_java_is_preferred() -> None:
    """The same Java on every machine, readable by the user who runs servers."""
    assert java.major(java.program()) == 25
    said = subprocess.run([java.program(), "-version"], capture_output=True, text=True, check=True)
    assert 'version "25' in said.stderr


def test_a_java_named_by_hand_is_taken_unless_it_is_too_old(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """BACKLAB_JAVA names a directory or the program; Kafka 4 needs 17."""
    monkeypatch.setenv("BACKLAB_JAVA", str(old_java(tmp_path, "11.0.2")))
    with pytest.raises(BacklabError, match=r"is Java 11, and the servers need 17 or newer; install it"):
        java.program()
    monkeypatch.setenv("BACKLAB_JAVA", str(tmp_path / "nowhere"))
    with pytest.raises(BacklabError, match=r"BACKLAB_JAVA is .*, and there is no program `java` in it"):
        java.program()


def test_the_machines_java_is_the_fallback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where there is no wheel; one without ahead-of-time caches is no reason not to start."""
    place = old_java(tmp_path, "17.0.1")
    nowhere = replace(java.PROGRAMS, package="no_such_wheel", machine=(str(place),))
    monkeypatch.setattr(java, "PROGRAMS", nowhere)
    monkeypatch.setenv("PATH", "/nowhere")
    tmp_path.chmod(0o755)
    monkeypatch.setattr("services.binaries._readable", lambda place, _programs: place)
    assert java.program() == place / "java"
    assert not aot.possible()


class Absurd(Kafka):
    """More heap than any machine has."""

    heap_mb = 1 << 30


def test_a_java_that_dies_at_start_shows_its_last_words() -> None:
    """Nothing of it is left, and Java's own reason is in the error."""
    server = Absurd(backend="native")
    with pytest.raises(ServerError, match=r"(?s)kafka .*ended while it started.*heap") as told:
        server.start()
    assert "heap" in told.value.log
    assert server.ids == []


def test_a_broken_ahead_of_time_cache_stops_no_start(own_cache: Path) -> None:
    """Java ignores what it cannot use."""
    server = Kafka(backend="native")
    kept = own_cache / aot.SHELF / aot.key(server)
    kept.mkdir(parents=True)
    (kept / aot.FILE).write_bytes(b"half a cache")
    (kept / aot.FILE).chmod(0o644)
    assert aot.find(server) == kept / aot.FILE
    with server:
        assert server.version == maven.version("kafka")


def test_the_first_start_has_one_recorded_aside(own_cache: Path) -> None:
    """The learner's server does not record, so it stops as ever; the next start finds the cache."""
    with Kafka(backend="native") as server:
        assert "AOT" not in " ".join(psutil.Process(server.pid).cmdline())
        assert len(recorders()) == 1
        assert ready.true(lambda: aot.find(server) is not None, within_s=120, every_s=0.1)
        assert ready.true(lambda: not recorders(), within_s=10)
    with Kafka(backend="native") as second:
        assert f"-XX:AOTCache={aot.find(second)}" in psutil.Process(second.pid).cmdline()
        assert recorders() == []


def test_a_recorder_ends_with_the_process_that_started_it(own_cache: Path, tmp_path: Path) -> None:
    """Neither a process nor a directory nor half a cache stays when a kernel is killed while it records."""
    scratch = own_cache / "scratch"
    scratch.mkdir(mode=0o755)
    program = (
        "from services.kafka import Kafka\nKafka(backend='native').start()\nprint('up', flush=True)\ninput()"
    )
    env = {**os.environ, "BACKLAB_SCRATCH": str(scratch)}
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program], env=env, stdin=pipe, stdout=pipe) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == b"up\n"
        all_of_it = psutil.Process(victim.pid)  # two wardens, two servers and the recorder
        assert ready.true(lambda: len(all_of_it.children(recursive=True)) == 5, within_s=20)
        family = all_of_it.children(recursive=True)
        victim.kill()
    assert ready.true(lambda: not any(map(psutil.Process.is_running, family)), within_s=5, every_s=0.05)
    assert ready.true(lambda: list(scratch.iterdir()) == [], within_s=5)
    assert list((own_cache / aot.SHELF).iterdir()) == []


def test_a_recording_that_fails_is_not_tried_at_each_start(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why it failed is kept, and servers start without."""

    def fails(_server: Kafka, _into: Path) -> None:
        raise ServerError("kafka cannot record", "no matter")

    monkeypatch.setattr(Kafka, "record", fails)
    kept = aot.record("kafka")
    server = Kafka(backend="native")
    assert (kept / aot.WHY_NOT).read_text() == "kafka cannot record; no matter\n"
    assert aot.find(server) is None
    assert aot.record_later(server) is None


def test_nobody_records_while_another_does(own_cache: Path) -> None:
    """Two kernels that start at once have one recorder."""
    server = Kafka(backend="native")
    with cache.lock(aot.key(server)):
        assert aot.record_later(server) is None


def recorders() -> list[psutil.Process]:
    """The recorders that this process has started, through its warden."""
    family = psutil.Process().children(recursive=True)
    return [one for one in family if one.status() != psutil.STATUS_ZOMBIE and "services.aot" in one.cmdline()]
