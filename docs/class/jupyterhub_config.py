"""JupyterHub for a class on one machine: `make class` starts it, docs/class.md says what it promises.

browser -> proxy -> Hub -> JupyterLab, one a learner, as that system user -> kernels, servers, warden
                     idle-culler: ends it when it was idle for long; the servers go with the kernel
"""

import grp
import os
import shlex
import sys
from pathlib import Path

COURSE = Path(__file__).resolve().parents[2]
ROOT = os.geteuid() == 0
IDLE_S = int(os.environ.get("BACKLAB_CLASS_IDLE_S", "3600"))
STATE = Path("/var/lib/backlab-class" if ROOT else Path.home() / ".local/share/backlab-class")
STATE = Path(os.environ.get("BACKLAB_CLASS_STATE", STATE))
STATE.mkdir(mode=0o700, parents=True, exist_ok=True)

c = get_config()  # noqa: F821, JupyterHub's own


def refuse(what, next_step):
    """Say why there can be no class, and leave."""
    print(f"backlab: {what}; {next_step}", file=sys.stderr)
    sys.exit(2)


# This machine only: TLS stands in front (docs/class.md), or passwords would cross the network in the clear.
c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.JupyterHub.db_url = f"sqlite:///{STATE}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = str(STATE / "cookie_secret")
c.ConfigurableHTTPProxy.pid_file = str(STATE / "proxy.pid")
c.ConfigurableHTTPProxy.command = [str(COURSE / ".venv/proxy/node_modules/.bin/configurable-http-proxy")]

if ROOT:
    # The machine's own accounts and passwords, of those who are in these groups
    groups = {group.gr_name for group in grp.getgrall()}
    learners = os.environ.get("BACKLAB_CLASS_GROUP", "learners")
    if learners not in groups:
        refuse(f"there is no group `{learners}`, so nobody could sign in", f"make it: groupadd {learners}")
    c.JupyterHub.authenticator_class = "pam"
    c.PAMAuthenticator.allowed_groups = {learners}
    c.PAMAuthenticator.admin_groups = {"teachers"} & groups
    c.JupyterHub.spawner_class = "jupyterhub.spawner.LocalProcessSpawner"
else:
    # To try it: everybody is you, and may read what the others do
    password = os.environ.get("BACKLAB_CLASS_PASSWORD", "")
    if len(password) < 8:
        refuse("without root, all sign in with one password", "set BACKLAB_CLASS_PASSWORD (8 characters)")
    c.JupyterHub.authenticator_class = "shared-password"
    c.SharedPasswordAuthenticator.user_password = password
    c.Authenticator.allow_all = True
    c.JupyterHub.spawner_class = "simple"
    c.SimpleLocalProcessSpawner.home_dir_template = str(STATE / "homes/{username}")

# A learner's JupyterLab: it copies labs that are not there yet into ~/backlab, as the learner, then starts
c.Spawner.cmd = [sys.executable, str(COURSE / "docs/class/start_learner.py")]
c.Spawner.default_url = "/backlab"  # the course page
c.Spawner.notebook_dir = "~/backlab"
c.Spawner.http_timeout = 60
# Jupyter answers an interrupt with a question; what ends it comes next
c.LocalProcessSpawner.interrupt_timeout = 1
c.Spawner.environment = {
    "BACKLAB_BACKEND": "native",  # learners have no right to a Docker engine
    "BACKLAB_LABS": lambda spawner: str(home(spawner) / "backlab/labs"),
    "BACKLAB_DIARY": lambda spawner: str(home(spawner) / "backlab/diary.json"),
    "JUPYTER_CONFIG_PATH": str(COURSE / "backlab/jupyter_config"),
    "PATH": f"{COURSE / '.venv/bin'}:/usr/local/bin:/usr/bin:/bin",
}
# Jars that root has not fetched come from Maven Central, maybe through the network's proxy and CA
c.Spawner.env_keep.extend(["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "HTTPS_PROXY", "https_proxy"])
# Twenty who come at nine must not start twenty JupyterLabs in the same second
c.JupyterHub.concurrent_spawn_limit = 2 * (os.cpu_count() or 1)

c.JupyterHub.last_activity_interval = max(1, min(300, IDLE_S // 4))
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["idle-culler"],
    }
]
CULLER = f"-m jupyterhub_idle_culler --timeout={IDLE_S} --cull-every={max(1, min(60, IDLE_S // 4))}"
c.JupyterHub.services = [{"name": "idle-culler", "command": [sys.executable, *shlex.split(CULLER)]}]


def home(spawner):
    """Where this learner's files are."""
    template = getattr(spawner, "home_dir_template", "~{username}")
    return Path(template.format(username=spawner.user.name)).expanduser()
