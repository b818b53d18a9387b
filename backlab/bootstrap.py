"""Makes `.venv` with the locked dependencies in it, so that `make run` needs nothing but a Python.

    make -> stamp fits? -> done (it is the last thing a set-up writes, so half a set-up has none)
              | no
            lock on the repo's folder -> venv -> uv, by pip -> requirements.lock, by uv -> this repo -> stamp

Runs before anything is installed: standard library only, and readable by Pythons that are too old to go on.
"""

# heavier modules are imported where they are used: to find all done takes half the time
import hashlib
import os
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, ".backlab-stamp")
BEGUN = os.path.join(VENV, ".backlab-begun")  # there while a set-up runs, and after one that was cut short
OLDEST, TOO_NEW = (3, 11), (3, 15)
VERSION = ".".join(str(part) for part in sys.version_info[:3])
SPACE_GB = 1.2  # 0.85 for the environment, the rest for bytecode and downloads
LEADS_ASTRAY = "PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE PIP_USER PIP_TARGET PIP_PREFIX"


class SetUpError(Exception):
    """A set-up that cannot go on: what is wrong, and the next step."""

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(f"{what}; {next_step}")


# what pip and uv print when they give up: what is wrong: the next step. The first that fits counts.
FAILURES = """
No space left on device|os error 28|quota exceeded: \
the disk of the repo or of uv's cache is full: free 2 GB (`df -h . ~`)
CERTIFICATE_VERIFY_FAILED|invalid peer certificate: \
the package index's certificate is not trusted: set SSL_CERT_FILE to your network's CA bundle
NewConnectionError|name resolution|dns error|error sending request|Failed to fetch|Connection refused: \
the package index could not be reached: check the network, HTTPS_PROXY, or PIP_INDEX_URL if you use a mirror
DO NOT MATCH THE HASHES|[Hh]ash mismatch: \
a download is not what requirements.lock names: look at your mirror or proxy
no usable wheels|no wheels with|No matching distribution: \
a package has no wheel for this machine: use Python 3.11-3.14 on Linux (glibc 2.28 or later) or macOS 13
""".strip().splitlines()


def wanted() -> str:
    """What a finished set-up was made for: this lock, these commands, this Python, this folder."""
    with open(os.path.join(ROOT, "requirements.lock"), "rb") as file:
        lock = file.read()
    with open(os.path.join(ROOT, "pyproject.toml"), encoding="utf-8") as file:
        sections = [s for s in file.read().split("\n[") if s.startswith(("project.scripts]", "tool.hatch."))]
    digest = hashlib.sha256(lock + "".join(sections).encode()).hexdigest()
    return f"{digest}\nPython {VERSION}\n{ROOT}\n"


def read(path: str) -> str:
    """The text of a file, empty if there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def finished() -> bool:
    """Is there a set-up that is whole and fits?"""
    return read(STAMP) == wanted() and not os.path.exists(BEGUN) and os.access(PYTHON, os.X_OK)


def say(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)


def base_python() -> str:
    """The Python outside `.venv`, which outlives it."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    return os.path.realpath(base) if base.startswith(VENV) else base


def fits(python: str) -> bool:
    """Can this Python make the environment: right version, with venv and pip's wheel?"""
    import subprocess

    probe = f"import sys, venv, ensurepip; sys.exit(not {OLDEST} <= sys.version_info[:2] < {TOO_NEW})"
    try:
        return subprocess.call([python, "-I", "-c", probe], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def continue_with_a_fitting_python() -> None:
    """Hand over to another Python of this machine if this one is too old, too new or lacks venv."""
    if fits(base_python()):
        return
    for name in ("python3.13", "python3.12", "python3.11", "python3.14", "python3"):
        for folder in os.environ.get("PATH", "").split(os.pathsep):
            python = os.path.join(folder, name)
            if os.access(python, os.X_OK) and fits(python):
                say(f"set-up continues with {python}")
                os.execv(python, [python, "-I", os.path.abspath(__file__), *sys.argv[1:]])
    if OLDEST <= sys.version_info[:2] < TOO_NEW:
        what = f"Python {VERSION} lacks its venv or ensurepip module"
        raise SetUpError(what, "install it (Debian, Ubuntu: sudo apt install python3-venv)")
    what = f"backlab needs Python 3.11-3.14 and found only {VERSION}"
    raise SetUpError(what, "install one, or name it: make setup PYTHON=/path/to/python3.13")


def one_at_a_time() -> int:
    """Wait for another set-up of this folder; its pip and uv hold the lock too, even if it is killed."""
    try:
        import fcntl
    except ImportError:
        raise SetUpError("backlab runs on Linux and macOS", "on Windows use it inside WSL") from None
    lock = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        say("another set-up of this folder is running; waiting for it")
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def make_room() -> None:
    """Clear away a set-up that is half done or made for another Python or folder; keep an older one."""
    import shutil

    ours = read(STAMP) or os.path.exists(BEGUN)
    if os.path.lexists(VENV) and not ours:
        raise SetUpError("`.venv` was not made by `make setup`", "move it away: mv .venv .venv.mine")
    kept = read(STAMP).splitlines()[1:] == wanted().splitlines()[1:] and not os.path.exists(BEGUN)
    if os.path.lexists(VENV) and not (kept and os.access(PYTHON, os.X_OK)):
        say("clearing away a set-up that is unfinished or was made for another Python")
        shutil.rmtree(VENV)
    if not kept and shutil.disk_usage(ROOT).free < SPACE_GB * 1e9:
        raise SetUpError(f"set-up needs {SPACE_GB} GB on the disk of the repo", "free some (`df -h .`)")
    os.makedirs(VENV, exist_ok=True)
    open(BEGUN, "w").close()


def environment() -> "dict[str, str]":
    """This process's environment less what leads pip astray; uv is told of the index that pip uses."""
    import re
    import subprocess

    env = {name: value for name, value in os.environ.items() if name not in LEADS_ASTRAY.split()}
    command = [PYTHON, "-m", "pip", "config", "list"]
    settings = subprocess.run(command, env=env, stdout=subprocess.PIPE).stdout.decode(errors="replace")
    for theirs, ours in (("index-url", "UV_DEFAULT_INDEX"), ("cert", "SSL_CERT_FILE")):
        found = re.search(rf"^(?:global|:env:)\.{theirs}='(.*)'$", settings, re.M)
        if found:
            env.setdefault(ours, found.group(1))
    return env


def run(label: str, command: "list[str]", env: "dict[str, str] | None", lock: int) -> None:
    """Run one step with its seconds ticking; explain it in a sentence if it fails."""
    import subprocess
    import tempfile

    begun = told = time.monotonic()
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=output, pass_fds=(lock,))
        try:
            while child.poll() is None:
                time.sleep(0.02)
                if time.monotonic() - told > (0.1 if sys.stderr.isatty() else 10):
                    told = time.monotonic()
                    say(f"  {label:<24}{told - begun:5.1f} s", end="\r" if sys.stderr.isatty() else " ...\n")
        finally:
            if child.poll() is None:
                child.terminate()
                child.wait()
        output.seek(0)
        text = output.read().decode(errors="replace")
    if child.returncode:
        raise explained(label, text)
    say(f"  {label:<24}{time.monotonic() - begun:5.1f} s")


def explained(label: str, text: str) -> SetUpError:
    """The sentence for a step that failed, from what its tool printed."""
    import re

    for row in FAILURES:
        pattern, what, next_step = row.split(": ", 2)
        if re.search(pattern, text):
            return SetUpError(f"no {label}: {what}", f"{next_step}, then run `make setup` again")
    say(text[-2000:].rstrip())
    return SetUpError(f"no {label}, for the reason printed above", "mend that and run `make setup` again")


def uv_requirement() -> str:
    """The lines of the lock that pin uv, with its hashes."""
    lock = "\n" + read(os.path.join(ROOT, "requirements.lock"))
    return "uv==" + lock.split("\nuv==")[1].split("    # via")[0]


def set_up(lock: int) -> None:
    """Every step, in order; the stamp comes last."""
    begun, base = time.monotonic(), base_python()
    make_room()
    say(f"set-up: Python {VERSION} and the packages of requirements.lock, into .venv")
    if not os.access(PYTHON, os.X_OK):
        run("virtual environment", [base, "-I", "-m", "venv", VENV], None, lock)
    env = environment()
    pin = os.path.join(VENV, "uv.lock")
    with open(pin, "w", encoding="utf-8") as file:
        file.write(uv_requirement())
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "2"]
    wheels = ["--require-hashes", "--only-binary=:all:"]
    run("uv", [*pip, "--no-deps", *wheels, "-r", pin], env, lock)
    uv = [os.path.join(VENV, "bin", "uv"), "pip"]
    into = ["--python", PYTHON]
    run("packages", [*uv, "sync", *wheels, *into, "requirements.lock"], env, lock)
    run("backlab", [*uv, "install", "--no-deps", "--no-build-isolation", *into, "-e", "."], env, lock)
    with open(STAMP, "w", encoding="utf-8") as file:
        file.write(wanted())
    os.remove(BEGUN)
    say(f"set-up took {time.monotonic() - begun:.0f} s; it runs again only when requirements.lock changes")


def main(arguments: "list[str]") -> int:
    """Set up unless that is done already; `--done` only asks. Exit codes: 0 well, 1 not done, 2 cannot."""
    if finished():
        return 0
    if "--done" in arguments:
        return 1
    try:
        continue_with_a_fitting_python()
        lock = one_at_a_time()
        if not finished():
            set_up(lock)
    except SetUpError as error:
        say(f"backlab: {error}")
        return 2
    except OSError as error:
        say(f"backlab: set-up cannot write: {error}; mend that and run `make setup` again")
        return 2
    except KeyboardInterrupt:
        say("\nbacklab: set-up interrupted; `make setup` begins it anew")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
