"""What a native RabbitMQ needs of Erlang: a home with few applications, its configuration, no epmd."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

NODE = "rabbit@127.0.0.1"  # the same for all: nodes without epmd know nothing of each other


def small_home(home: Path, installation: Path, wanted: Iterable[str]) -> None:
    """Links to the scripts of an installation, and to those of its plug-ins that `wanted` depend on."""
    (home / "plugins").mkdir(parents=True)
    for part in ("sbin", "escript"):
        (home / part).symlink_to(installation / part)
    for place in needed(installation / "plugins", wanted):
        (home / "plugins" / place.name).symlink_to(place)


def version(installation: Path) -> str:
    """RabbitMQ's, from the name of its application, since asking its programs takes seconds."""
    found = next((installation / "plugins").glob("rabbit-*"), None)
    return found.name.split("-")[1].removesuffix(".ez") if found else ""


def needed(plugins: Path, wanted: Iterable[str]) -> list[Path]:
    """The directories of the applications `wanted` and of all that they depend on."""
    known = {file.stem: file for file in plugins.glob("*/ebin/*.app")}
    found: dict[str, Path] = {}
    left = list(wanted)
    while left:
        name = left.pop()
        if name in known and name not in found:
            found[name] = known[name].parents[1]
            needs = re.search(r"\{applications,\s*\[([^\]]*)\]", known[name].read_text())
            left += re.findall(r"\w+", needs[1]) if needs else []
    return list(found.values())


def config(host: str, port: int, management: int, user: str, password: str) -> str:
    """RabbitMQ's advanced.config; rabbitmq.conf would have to be translated first, which takes a second."""
    at = json.dumps(host)
    return f"""[
  {{rabbit, [
    {{tcp_listeners, [{{{at}, {port}}}]}},
    {{default_user, <<{json.dumps(user)}>>}}, {{default_pass, <<{json.dumps(password)}>>}},
    {{log, [{{console, [{{enabled, true}}, {{level, info}}]}}, {{file, [{{file, false}}]}}]}}
  ]}},
  {{rabbitmq_management, [{{tcp_config, [{{ip, {at}}}, {{port, {management}}}]}}]}}
].
"""


def environment(directory: Path, host: str, distribution: int, flags: str, settings: bool) -> dict[str, str]:
    """Everything in `directory`, a distribution on one port of `host`, and Erlang in the shell's place.

    A node that is already distributed when RabbitMQ boots starts no epmd, a daemon that would outlive it.
    """
    nowhere = str(directory / "none")
    address = f"{{{host.replace('.', ',')}}}"
    alone = f"-name {NODE} -start_epmd false -erl_epmd_port {distribution}"
    return {
        "HOME": str(directory),
        "RABBITMQ_SCRIPTS_DIR": str(directory / "home/sbin"),
        "RABBITMQ_NODENAME": NODE,
        "RABBITMQ_USE_LONGNAME": "true",
        "RABBITMQ_MNESIA_BASE": str(directory / "data"),
        "RABBITMQ_LOG_BASE": str(directory / "logs"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "enabled_plugins"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(directory / "advanced.config"),
        "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq.conf") if settings else nowhere,
        "RABBITMQ_CONFIG_FILES": nowhere,
        "RABBITMQ_GENERATED_CONFIG_DIR": str(directory / "generated"),
        "RABBITMQ_CONF_ENV_FILE": nowhere,
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{flags} {alone} -kernel inet_dist_use_interface {address}",
        "RUNNING_UNDER_SYSTEMD": "true",  # has the script become Erlang, which ends politely on SIGTERM
    }
