"""A web server on this machine that answers what a test tells it to, and keeps what was posted."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class HttpAnswer:
    """One answer."""

    status: int = 200
    body: str = "ok"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class PostedTo:
    """What was posted: path, headers and body; `answers` come one after the other, the last for ever."""

    answers: list[HttpAnswer] = field(default_factory=lambda: [HttpAnswer()])
    posts: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    def url(self, path: str = "/services/T0/B0/s3cret") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, _, body in self.posts]


@contextmanager
def http_server() -> Iterator[PostedTo]:
    """Run the server while the block runs."""
    posted = PostedTo()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.posts.append((self.path, dict(self.headers), body))
            answer = posted.answers.pop(0) if len(posted.answers) > 1 else posted.answers[0]
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        posted.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield posted
        finally:
            server.shutdown()
            thread.join()
