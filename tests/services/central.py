"""A Maven Central of our own on 127.0.0.1, which counts what is asked of it and can be made to fail."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GROUP = "org.example"
POM = """<project><modelVersion>4.0.0</modelVersion>
<groupId>{group}</groupId><artifactId>{name}</artifactId><version>1.0</version>{needs}</project>"""
NEEDS = """<dependencies>
<dependency><groupId>org.example</groupId><artifactId>{name}</artifactId><version>1.0</version></dependency>
<dependency><groupId>org.example</groupId><artifactId>probe</artifactId><version>1.0</version>
<scope>test</scope></dependency></dependencies>"""


class Central:
    """Serves artifacts; `half` sends only the first half of each jar, `slow_s` waits before each."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.half = False
        self.slow_s = 0.0
        self.url = ""

    def add(self, name: str, content: bytes, suffix: str = ".jar", needs: str = "") -> str:
        """Publish version 1.0 of an artifact; returns the SHA-256 of its file."""
        folder = f"/{GROUP.replace('.', '/')}/{name}/1.0/{name}-1.0"
        pom = POM.format(group=GROUP, name=name, needs=NEEDS.format(name=needs) if needs else "")
        self.files |= {f"{folder}.pom": pom.encode(), f"{folder}{suffix}": content}
        return hashlib.sha256(content).hexdigest()

    def jars_asked(self) -> list[str]:
        """The files, without their checksums and poms."""
        return sorted(path.rsplit("/", 1)[1] for path in self.asked if path.endswith((".jar", ".gz")))

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(request.path)
        content = self.files.get(request.path)
        request.send_response(200 if content is not None else 404)
        request.send_header("Content-Length", str(len(content or b"")))
        request.end_headers()
        cut = self.half and request.path.endswith(".jar")
        time.sleep(self.slow_s if request.path.endswith(".jar") else 0)
        request.wfile.write((content or b"")[: len(content or b"") // 2 if cut else None])
        request.close_connection = True


@contextmanager
def central() -> Iterator[Central]:
    """A running one."""
    made = Central()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.answer(self)

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield made
        server.shutdown()
