"""A certificate for one server, signed by an authority of its own that clients can be told to trust.

issue()  ──▶  authority: a file with the public root, in a directory that goes with the server
              pem: private key and chain, which only the server gets
"""

from __future__ import annotations

from pathlib import Path

from services import cache
from services.errors import BacklabError
from services.user import User


class Certificate:
    """A certificate for `names` (addresses or host names), made anew at each `issue()`."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.pem = ""
        self._directory: Path | None = None

    @property
    def authority(self) -> Path:
        """The root certificate that clients trust, as a PEM file; there from `issue()` to `revoke()`."""
        if self._directory is None:
            raise BacklabError("this server's certificate has not been issued", "call `start()` first")
        return self._directory / "ca.pem"

    def issue(self) -> None:
        """Make authority and certificate; does nothing while there is one."""
        if self._directory is not None:
            return
        import trustme  # 0.1 s that only servers with TLS need

        authority = trustme.CA()
        made = authority.issue_cert(*self.names)
        self.pem = made.private_key_and_cert_chain_pem.bytes().decode()
        self._directory = cache.scratch("certificate", cache.OURS)
        authority.cert_pem.write_to_path(self._directory / "ca.pem")

    def give(self, place: Path, owner: User) -> None:
        """Write key and chain to `place`, for `owner` alone."""
        place.touch(mode=0o600)
        place.write_text(self.pem)
        owner.owns(place)

    def revoke(self) -> None:
        """Remove the authority's file; safe to repeat."""
        directory, self._directory = self._directory, None
        if directory is not None:
            cache.remove(directory)
