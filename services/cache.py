"""Where prepared things are kept, and where running servers put their data.

directory()  persistent, per user: prepared data directories, copied binaries   (BACKLAB_CACHE)
scratch()    one fresh directory per server, in memory where there is room      (BACKLAB_SCRATCH)
prepared()   make a directory once per key, under a lock, complete or not at all
copy_tree()  a prepared directory becomes a running server's own (40 MB in 0.04 s)
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from services import warden
from services.errors import BacklabError
from services.user import User

OURS = User(None)
MEMORY = Path("/dev/shm")
OF_ROOT = Path("/var/cache/backlab")  # on a shared machine, what its administrator has fetched for everybody
KEPT = 16  # prepared directories
IN_USE_S = 3600.0
SPARE_BYTES = 256 << 20  # left free for the server that writes into its directory


def directory() -> Path:
    """The cache directory, made if missing; root's lies where the unprivileged user can read it."""
    chosen = os.environ.get("BACKLAB_CACHE")
    candidates = [Path(chosen).absolute()] if chosen else _usual_places()
    for place in candidates:
        try:
            place.mkdir(mode=0o755, parents=True, exist_ok=True)
            if os.access(place, os.W_OK):
                return place
        except OSError:
            continue
    raise BacklabError(
        f"no cache directory can be written ({', '.join(map(str, candidates))})",
        "make one of them writable or set BACKLAB_CACHE to a directory of yours",
    )


def _usual_places() -> list[Path]:
    if hasattr(os, "getuid") and os.getuid() == 0:
        return [OF_ROOT, Path("/var/tmp/backlab-root")]
    if sys.platform == "darwin":
        return [Path.home() / "Library/Caches/backlab"]
    return [Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "backlab"]


def scratch(name: str, owner: User, need_bytes: int = 0, on_disk: bool = False) -> Path:
    """A fresh private directory of `owner`, known to the warden, with room for `need_bytes` and some more.

    It lies in memory where there is room, or on a real disk when `on_disk` (fsync means nothing in memory).
    """
    places = [place for place in scratch_places(on_disk) if owner.can_enter(place)]
    if not places:
        raise BacklabError(
            f"the user who runs {name} cannot enter {scratch_places(on_disk)[0]}",
            "set BACKLAB_SCRATCH to a directory that every user may enter, such as /var/tmp",
        )
    for place in places:
        if free_bytes(place) >= need_bytes + SPARE_BYTES:
            break
    else:
        raise BacklabError(
            f"{name} needs {megabytes(need_bytes + SPARE_BYTES)} free in {' or '.join(map(str, places))}, "
            f"and at most {megabytes(max(map(free_bytes, places)))} are",
            "free some space there, or set BACKLAB_SCRATCH to a directory with room",
        )
    path = place / f"backlab-{name}-{secrets.token_hex(4)}"
    warden.register("directory", str(path))
    path.mkdir(mode=0o700)
    owner.owns(path)
    return path


def scratch_places(on_disk: bool = False) -> list[Path]:
    """Where running servers may put their data, best first."""
    chosen = os.environ.get("BACKLAB_SCRATCH")
    if chosen:
        if not os.access(chosen, os.W_OK):
            raise BacklabError(f"BACKLAB_SCRATCH is {chosen}, which cannot be written", "name one that can")
        return [Path(chosen).absolute()]
    if on_disk:
        return [Path("/var/tmp") if os.access("/var/tmp", os.W_OK) else Path(tempfile.gettempdir())]
    memory = [MEMORY] if os.access(MEMORY, os.W_OK) else []
    return [*memory, Path(tempfile.gettempdir())]


def remove(path: Path) -> None:
    """Delete a scratch directory and tell the warden that it is gone; safe to repeat."""
    shutil.rmtree(path, ignore_errors=True)
    warden.release("directory", str(path))


def prepared(key: str, make: Callable[[Path], None], owner: User, shelf: str = "prepared") -> Path:
    """The directory made once for `key`: `make(directory)` fills it, and it appears whole or not at all.

    Processes that want the same key wait for the one that makes it; what an interrupted one left is redone.
    Each `shelf` keeps its youngest, so that what came over the network is not forgotten for what was copied.
    """
    home = directory() / shelf
    home.mkdir(exist_ok=True)
    final = home / key
    if _used(final):
        return final
    with lock(key):
        if not _used(final):
            # A name of our own: the warden of a killed process may still be removing that one's draft.
            draft = home / f"{key}.{secrets.token_hex(4)}.draft"
            warden.register("directory", str(draft))
            try:
                draft.mkdir(mode=0o700)
                owner.owns(draft)
                with full_disk_is_told(draft):
                    make(draft)
                draft.rename(final)
            finally:
                remove(draft)
            _prune(home)
    return final


def _used(path: Path) -> bool:
    """True when it is there; remembers the time, for `_prune`, unless it is lent read-only (to a sandbox)."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EPERM, errno.EACCES):
            raise
    return True


def _prune(home: Path) -> None:
    """Forget what was not used for an hour, beyond the `KEPT` used last."""
    used = sorted((path.stat().st_mtime, path) for path in home.iterdir())
    for used_s, path in used[:-KEPT]:
        if time.time() - used_s > IN_USE_S:
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def lock(key: str) -> Iterator[None]:
    """One process at a time for `key`; the kernel gives the lock back when its holder dies."""
    home = directory() / "locks"
    home.mkdir(exist_ok=True)
    with open(home / f"{key}.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def busy(key: str) -> bool:
    """True while some process holds the lock for `key`."""
    path = directory() / "locks" / f"{key}.lock"
    if not path.exists():
        return False
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def full_disk_is_told(where: Path) -> Iterator[None]:
    """Turn "no space left" while writing under `where` into a `BacklabError`."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise BacklabError(
            f"the disk is full at {where.parent} ({megabytes(free_bytes(where.parent))} free)",
            "free some space, or set BACKLAB_SCRATCH (running servers) or BACKLAB_CACHE (prepared data)",
        ) from error


def copy_tree(source: Path, target: Path, owner: User) -> None:
    """Copy files and directories of `source` into the existing `target`, private to `owner`.

    `shutil.copytree` takes three times as long: it looks at each file's times, modes and attributes.
    """
    with full_disk_is_told(target):
        _copy_tree(str(source), str(target), owner)


def _copy_tree(source: str, target: str, owner: User) -> None:
    with os.scandir(source) as entries:
        for entry in entries:
            to = f"{target}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                os.mkdir(to, 0o700)
                owner.owns(to)
                _copy_tree(entry.path, to, owner)
            else:
                _copy_file(entry.path, to, owner)


def _copy_file(source: str, target: str, owner: User) -> None:
    reader = os.open(source, os.O_RDONLY)
    writer = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        if sys.platform == "linux":
            left, at = os.fstat(reader).st_size, 0
            while sent := os.sendfile(writer, reader, at, left - at):
                at += sent
        else:
            while block := os.read(reader, 1 << 20):
                os.write(writer, block)
        owner.owns(writer)
    finally:
        os.close(reader)
        os.close(writer)


def free_bytes(place: Path) -> int:
    """Bytes an unprivileged user can still write at `place`; 0 when it does not exist."""
    try:
        return shutil.disk_usage(place).free
    except OSError:
        return 0


def size_bytes(place: Path) -> int:
    """Bytes of all files under `place`."""
    return sum(entry.stat().st_size for entry in place.rglob("*") if entry.is_file())


def megabytes(size: int) -> str:
    """A size in bytes, for a sentence."""
    return f"{size / (1 << 20):,.0f} MB"
