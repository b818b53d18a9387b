"""The one polling loop, and the places where data is kept."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest

from services import cache, ready, warden
from services.user import User


def test_waiting_ends_with_the_first_answer() -> None:
    """The probe is asked again after each refusal, and its value is the result."""
    answers = iter([OSError("not yet"), ready.Again("not yet"), "here"])

    def probe() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert ready.until(probe, within_s=5) == "here"


def test_waiting_ends_in_time_and_tells_the_last_refusal() -> None:
    """A probe that never succeeds costs `within_s`, and the error says what it met."""
    with pytest.raises(ready.NotReady, match=r"not ready within 0\.05 s \(refused\)"):
        ready.until(lambda: (_ for _ in ()).throw(OSError("refused")), within_s=0.05)


def test_waiting_ends_at_once_when_the_server_is_dead_or_the_error_is_another() -> None:
    """Nobody waits for the dead, and an unexpected error is passed on."""
    started = time.monotonic()
    with pytest.raises(ready.Died):
        ready.until(lambda: (_ for _ in ()).throw(OSError), within_s=60, alive=lambda: False)
    with pytest.raises(ZeroDivisionError):
        ready.until(lambda: 1 / 0, within_s=60)
    assert time.monotonic() - started < 30


def test_a_copy_has_the_same_bytes_and_is_private(tmp_path: Path) -> None:
    """A running server's own copy is complete and closed to others."""
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "deep/deeper").mkdir(parents=True)
    (source / "deep/deeper/large").write_bytes(bytes(range(256)) * 20_000)
    (source / "empty").touch()
    target.mkdir()
    cache.copy_tree(source, target, User(None))
    assert (target / "deep/deeper/large").read_bytes() == (source / "deep/deeper/large").read_bytes()
    assert (target / "empty").read_bytes() == b""
    assert stat.S_IMODE((target / "deep").stat().st_mode) == 0o700
    assert stat.S_IMODE((target / "empty").stat().st_mode) == 0o600


def test_prepared_directories_appear_whole_or_not_at_all(
    clean_environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A preparation that fails leaves nothing behind; one that succeeds runs once."""
    clean_environment.setenv("BACKLAB_CACHE", str(tmp_path))
    made: list[Path] = []

    def fails(draft: Path) -> None:
        (draft / "half").touch()
        raise ZeroDivisionError

    def works(draft: Path) -> None:
        assert not list(draft.iterdir())
        (draft / "whole").touch()
        made.append(draft)

    with pytest.raises(ZeroDivisionError):
        cache.prepared("key", fails, User(None))
    assert list((tmp_path / "prepared").iterdir()) == []
    for _ in range(2):
        assert (cache.prepared("key", works, User(None)) / "whole").exists()
    assert len(made) == 1


def test_only_the_prepared_directories_used_last_are_kept(
    clean_environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The cache forgets what has not been used for an hour, beyond sixteen."""
    clean_environment.setenv("BACKLAB_CACHE", str(tmp_path))
    clean_environment.setattr(cache, "IN_USE_S", -1.0)
    for number in range(cache.KEPT + 3):
        cache.prepared(f"key-{number}", lambda _draft: None, User(None))
    assert len(list((tmp_path / "prepared").iterdir())) == cache.KEPT


def test_scratch_directories_are_private_and_go_with_their_owner() -> None:
    """A directory is known to the warden before it exists, and gone when the warden is dismissed."""
    path = cache.scratch("test", User(None))
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    (path / "file").write_text("data")
    warden.dismiss()
    assert not path.exists()
