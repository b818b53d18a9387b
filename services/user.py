"""Who runs native servers: we ourselves, or an unprivileged user when we are root.

Postgres refuses to run as root, and a server has no business with root's rights anyway.
"""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from services.errors import BacklabError


@dataclass(frozen=True)
class User:
    """A user id to run as; `ids` is None when no change of user is needed."""

    ids: tuple[int, int] | None

    def owns(self, path: str | Path | int) -> None:
        """Make a file (by path or descriptor) this user's."""
        if self.ids is not None:
            os.chown(path, *self.ids)

    def can_read(self, path: Path) -> bool:
        """True when this user may enter every directory above `path` and read it.

        Looks at the permission bits for "others", which is what counts for a user who owns nothing here.
        """
        if self.ids is None:
            return os.access(path, os.R_OK)
        path = path.resolve()
        return self.can_enter(path.parent) and bool(path.stat().st_mode & stat.S_IROTH)

    def can_enter(self, path: Path) -> bool:
        """True when this user may enter the directory `path` and all that are above it."""
        if self.ids is None:
            return os.access(path, os.X_OK)
        place = path.resolve()
        return all(each.stat().st_mode & stat.S_IXOTH for each in (place, *place.parents))


def server_user() -> User:
    """Ourselves, or `nobody` when we are root; raises `BacklabError` when there is no such user."""
    if os.getuid() != 0:
        return User(None)
    try:
        entry = pwd.getpwnam("nobody")  # initdb wants an id that has a name, so no arbitrary number will do
    except KeyError:
        raise BacklabError(
            "servers do not run as root, and this machine has no user `nobody` to run them as",
            "add one (`useradd --system nobody`) or run as an ordinary user",
        ) from None
    return User((entry.pw_uid, entry.pw_gid))
