"""Artifacts are what their list says, come whole or not at all, and are fetched once."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from jgo.maven import _core

from services import cache, maven, ready
from services.errors import BacklabError
from services.user import server_user
from tests.services.central import Central, central

FETCH = """
import sys
from pathlib import Path
from jgo.maven import _core
from services import maven
_core.DEFAULT_REMOTE_REPOS["central"], maven.LISTS = sys.argv[1], Path(sys.argv[2])
print(*maven.files("toy"), sep="\\n")
"""


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Central]:
    """A central with two jars and an archive, a list `toy` of them, and a cache of our own."""
    with central() as served:
        monkeypatch.setitem(_core.DEFAULT_REMOTE_REPOS, "central", served.url)
        monkeypatch.setattr(maven, "LISTS", tmp_path / "lists")
        monkeypatch.setenv("BACKLAB_CACHE", str(tmp_path / "cache"))
        # pytest's directories are closed to nobody, who reads these files only in other tests
        monkeypatch.setattr(maven, "server_user", lambda: type(server_user())(None))
        (tmp_path / "lists").mkdir()
        sums = {
            "org.example:main:1.0": served.add("main", b"main" * 5000, needs="more"),
            "org.example:more:1.0": served.add("more", b"more" * 5000),
            "org.example:app:1.0:all:tar.gz": served.add("app", b"app" * 5000, "-all.tar.gz"),
        }
        write_list(sums)
        yield served


def write_list(sums: dict[str, str]) -> None:
    (maven.LISTS / "toy.txt").write_text("".join(f"{sha}  {name}\n" for name, sha in sums.items()))


def shelf() -> list[str]:
    place = Path(os.environ["BACKLAB_CACHE"]) / "jars"
    return sorted(path.name for path in place.iterdir()) if place.exists() else []


def test_the_committed_lists_pin_every_file_and_name_no_registry() -> None:
    """Coordinates and SHA-256 only: where they come from is the resolver's knowledge."""
    lists = sorted(maven.LISTS.glob("*.txt"))
    assert "kafka.txt" in [path.name for path in lists]
    for path in lists:
        assert all(re.fullmatch(r"[0-9a-f]{64}", one.sha256) for one in maven.pinned(path.stem))
        assert "://" not in path.read_text()
    assert maven.version("kafka").startswith("4.")
    assert len({one.file for one in maven.pinned("kafka")}) == len(maven.pinned("kafka"))


def test_files_are_fetched_once_and_stand_in_the_lists_order(shop: Central) -> None:
    """The second call asks nobody; classifiers and packagings are part of a file's name."""
    names = ["main-1.0.jar", "more-1.0.jar", "app-1.0-all.tar.gz"]
    assert [path.name for path in maven.files("toy")] == names
    assert [path.name for path in maven.files("toy")] == names
    assert shop.jars_asked() == sorted(names)


def test_a_file_that_is_not_the_pinned_one_is_refused_by_name(shop: Central) -> None:
    """What Maven Central sends must be what the list says, and nothing of a wrong set is kept."""
    shop.add("more", b"something else" * 1000)
    with pytest.raises(BacklabError, match=r"more-1\.0\.jar is not the org\.example:more:1\.0 .*; delete"):
        maven.files("toy")
    assert shelf() == []


def test_a_jar_that_was_tampered_with_later_is_refused_by_name(shop: Central) -> None:
    """One byte in the cache is enough."""
    jar = maven.files("toy")[0]
    jar.chmod(0o644)
    jar.write_bytes(jar.read_bytes()[:-1] + b"!")
    with pytest.raises(BacklabError, match=r"main-1\.0\.jar is not the org\.example:main:1\.0"):
        maven.files("toy")


def test_a_jar_that_vanished_is_told_and_one_that_was_only_touched_is_read_again(shop: Central) -> None:
    """A changed time is a reason to look, not to refuse."""
    main, more, _ = maven.files("toy")
    os.utime(more)
    assert maven.files("toy")[1] == more
    assert more.stat().st_mtime == maven.VERIFIED_S
    main.unlink()
    with pytest.raises(BacklabError, match=r"main-1\.0\.jar is not .*unreadable: No such file"):
        maven.files("toy")


@pytest.fixture
def of_root(shop: Central, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The directory in which an administrator's cache holds the three files, complete."""
    [home] = {path.parent for path in maven.files("toy")}
    monkeypatch.setattr(cache, "OF_ROOT", tmp_path / "cache")
    monkeypatch.setenv("BACKLAB_CACHE", str(tmp_path / "cache-of-a-learner"))
    shop.asked.clear()
    return home


def test_what_root_has_fetched_is_copied(shop: Central, of_root: Path) -> None:
    """A class downloads Kafka once; each has a copy, so that nobody can change another's."""
    copies = maven.files("toy")
    assert shop.asked == []
    assert of_root not in {path.parent for path in copies}
    assert [path.stat().st_mtime for path in copies] == [maven.VERIFIED_S] * 3


@pytest.mark.parametrize("spoil", ["changed", "missing"])
def test_what_root_has_wrongly_is_fetched(shop: Central, of_root: Path, spoil: str) -> None:
    """Whatever somebody put there: it is the list that counts."""
    last = of_root / "app-1.0-all.tar.gz"
    last.chmod(0o644)
    last.write_bytes(b"something else")
    if spoil == "missing":
        last.unlink()
    copies = maven.files("toy")
    assert copies[2].read_bytes() == b"app" * 5000
    assert len(shop.jars_asked()) == 3


def test_half_a_download_is_told_and_not_kept(shop: Central) -> None:
    """A connection that breaks leaves nothing; the next call fetches everything."""
    shop.half = True
    with pytest.raises(BacklabError, match=r"org\.example:\w+:1\.0.* could not be fetched: Maven Central"):
        maven.files("toy")
    assert shelf() == []
    shop.half = False
    assert len(maven.files("toy")) == 3


def test_an_unreachable_maven_central_is_one_sentence(shop: Central, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what was wanted, that nobody answered, and what to do."""
    monkeypatch.setitem(_core.DEFAULT_REMOTE_REPOS, "central", "http://127.0.0.1:9")
    with pytest.raises(BacklabError, match=r"could not be reached \(ConnectionError\); connect this machine"):
        maven.files("toy")


def test_an_artifact_that_does_not_exist_is_named(shop: Central) -> None:
    """A list with a wrong coordinate is a maintainer's mistake, and says which."""
    write_list({"org.example:nothing:1.0": "0" * 64})
    with pytest.raises(
        BacklabError, match=r"org\.example:nothing:1\.0 could not be fetched: Artifact .*not f"
    ):
        maven.files("toy")


def test_a_cache_that_cannot_be_written_is_told(shop: Central, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is fetched."""
    monkeypatch.setenv("BACKLAB_CACHE", "/proc/nowhere")
    with pytest.raises(BacklabError, match="no cache directory can be written"):
        maven.files("toy")
    assert shop.asked == []


def fetching(shop: Central) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", FETCH, shop.url, str(maven.LISTS)]
    env = {**os.environ, "BACKLAB_CACHE": os.environ["BACKLAB_CACHE"]}
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


@pytest.mark.usefixtures("open_path")
def test_two_processes_at_once_fetch_once(shop: Central) -> None:
    """The second waits for the first and finds everything."""
    shop.slow_s = 0.3
    both = [fetching(shop) for _ in range(2)]
    said = [one.communicate(timeout=30) for one in both]
    assert said[0][0] == said[1][0], said
    assert len(said[0][0].splitlines()) == 3, said
    assert len(shop.jars_asked()) == 3


def test_a_killed_process_leaves_no_half_and_no_lock(shop: Central) -> None:
    """Its warden removes the draft, the kernel gives back the lock, and the next one fetches everything."""
    shop.slow_s = 5
    victim = fetching(shop)
    assert ready.true(lambda: bool(shop.jars_asked()), within_s=20)
    victim.kill()
    victim.communicate()
    assert ready.true(lambda: shelf() == [], within_s=5)
    shop.slow_s = 0
    assert len(maven.files("toy")) == 3


def test_a_list_is_written_from_coordinates(shop: Central) -> None:
    """Run-time dependencies come along, those of tests do not; a file with a classifier comes alone."""
    shop.add("probe", b"for tests only")
    written = maven.pin("other", ["org.example:main:1.0", "org.example:app:1.0:all:tar.gz"])
    names = ["org.example:main:1.0", "org.example:more:1.0", "org.example:app:1.0:all:tar.gz"]
    assert [one.coordinate for one in maven.pinned("other")] == names
    assert maven.pinned("other") == maven.pinned("toy")
    assert written.read_text().startswith("# made by: python -m services.maven other org.example:main:1.0 ")
