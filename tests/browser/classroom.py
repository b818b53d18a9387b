"""A class on this machine: a released course, system accounts of its own, JupyterHub as a teacher starts it.

release -> make setup (a Python that learners may run) -> useradd -> make class -> ... -> Ctrl-C, userdel
"""

from __future__ import annotations

import os
import pwd
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from playwright.sync_api import Page

from backlab import course
from backlab.grading.release import release
from services import ports, ready
from services.cache import MEMORY
from services.user import server_user

STARTS_WITHIN_S, ENDS_WITHIN_S = 60, 60


@dataclass(frozen=True)
class Learner:
    """One account of the class."""

    name: str
    password: str

    @property
    def account(self) -> pwd.struct_passwd:
        """What the system knows of it: user id, group id, home."""
        return pwd.getpwnam(self.name)

    @property
    def home(self) -> Path:
        return Path(self.account.pw_dir)

    def processes(self) -> list[psutil.Process]:
        """Everything that runs in this learner's name."""
        own = self.account.pw_uid
        return [one for one in psutil.process_iter(["uids"]) if one.info["uids"].real == own]

    def memory_bytes(self) -> int:
        """What these hold: pages that several map are shared out among them (PSS); data kept in memory."""
        held = sum(blocks(place) for place in MEMORY.glob("backlab-*") if owner(place) == self.account.pw_uid)
        for one in self.processes():
            try:
                held += one.memory_full_info().pss
            except psutil.Error:  # it has ended meanwhile
                continue
        return held

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command as this learner would type it."""
        own = {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}
        return subprocess.run(command, **own, cwd="/", capture_output=True, text=True, check=False)


@dataclass(frozen=True)
class Classroom:
    """A Hub that answers at `address`, and those who may sign in."""

    address: str
    learners: Sequence[Learner]
    hub: psutil.Process

    def open(self, page: Page, learner: Learner, notebook: str) -> None:
        """Follow the teacher's link, sign in; the notebook opens when the Hub has started JupyterLab."""
        page.goto(f"{self.address}/hub/user-redirect/lab/tree/{notebook}")
        page.get_by_label("Username").fill(learner.name)
        page.get_by_label("Password").fill(learner.password)
        page.get_by_role("button", name="Sign in").click()


def owner(place: Path) -> int | None:
    """Whose it is; nobody's when it is gone."""
    try:
        return place.stat().st_uid
    except OSError:
        return None


def blocks(place: Path) -> int:
    """Bytes that a directory's files take."""
    done = subprocess.run(["du", "--summarize", "--block-size=1", place], capture_output=True, text=True)
    return int(done.stdout.split()[0]) if done.stdout else 0


def python_for_all() -> str:
    """A Python that an account without rights may run; one in root's home is none."""
    for python in (os.path.realpath(sys.executable), "/usr/bin/python3"):
        if server_user().can_read(Path(python)):
            return python
    raise AssertionError("this test needs a Python outside of root's home (`apt install python3-venv`)")


@contextmanager
def accounts(group: str, homes: Path, count: int) -> Iterator[list[Learner]]:
    """System accounts with a group of theirs; all are gone at the end, homes included."""
    with ExitStack() as stack:
        subprocess.run(["groupadd", group], check=True)
        stack.callback(subprocess.run, ["groupdel", group])
        learners = [Learner(f"{group}-{i}", secrets.token_urlsafe(12)) for i in range(count)]
        for learner in learners:
            home = str(homes / learner.name)
            add = ["useradd", "--create-home", "--home-dir", home, "--groups", group, learner.name]
            subprocess.run(add, check=True)
            stack.callback(remove, learner)
        words = "".join(f"{learner.name}:{learner.password}\n" for learner in learners)
        subprocess.run(["chpasswd"], input=words, text=True, check=True)
        yield learners


def remove(learner: Learner) -> None:
    """End an account; one that still runs something cannot be, so that is waited for."""
    ready.true(lambda: not learner.processes(), within_s=ENDS_WITHIN_S, every_s=0.2)
    subprocess.run(["userdel", "--force", "--remove", learner.name], stderr=subprocess.DEVNULL, check=False)


def set_up(folder: Path, labs: Sequence[str]) -> None:
    """A released course with its environment, as docs/class.md tells a teacher to make it."""
    release(folder, [course.lab(lab) for lab in labs])
    subprocess.run(["make", "setup", f"PYTHON={python_for_all()}"], cwd=folder, check=True)


@contextmanager
def hub(folder: Path, group: str, idle_s: int) -> Iterator[tuple[str, psutil.Process]]:
    """`make class`, on three ports that are free; interrupted at the end, as a teacher does."""
    free = [ports.reserve() for _ in range(3)]
    for one in free:
        one.close()
    address, proxy, own = (f"http://127.0.0.1:{one.port}" for one in free)
    options = f"--JupyterHub.bind_url={address} --JupyterHub.hub_bind_url={own}"
    options += f" --ConfigurableHTTPProxy.api_url={proxy}"
    env = {**os.environ, "BACKLAB_CLASS_GROUP": group, "BACKLAB_CLASS_IDLE_S": str(idle_s),
           "BACKLAB_CLASS_STATE": str(folder.parent / "state")}  # fmt: skip
    log = folder.parent / "hub.log"
    with log.open("w") as words:
        argv = ["make", "class", f"OPTIONS={options}"]
        process = subprocess.Popen(
            argv, cwd=folder, env=env, stdout=words, stderr=words, start_new_session=True
        )
    try:
        ready.until(lambda: httpx.get(f"{address}/hub/health").raise_for_status(), within_s=STARTS_WITHIN_S,
                    not_yet=(httpx.HTTPError,), alive=lambda: process.poll() is None)  # fmt: skip
        yield address, psutil.Process(process.pid)
    except BaseException:
        print(re.sub(r"\x1b\[\d+m", "", log.read_text())[-4000:])
        raise
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(ENDS_WITHIN_S)


@contextmanager
def classroom(place: Path, count: int, labs: Sequence[str], idle_s: int) -> Iterator[Classroom]:
    """All of it in `place`, which every user may enter."""
    group = f"bl{secrets.token_hex(3)}"
    set_up(place / "course", labs)
    with (
        accounts(group, place, count) as learners,
        hub(place / "course", group, idle_s) as (address, process),
    ):
        yield Classroom(address, learners, process)
