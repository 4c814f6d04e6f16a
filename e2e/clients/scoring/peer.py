"""MLflow's own scoring server, in this process, and HTTP to the server under test."""

import asyncio
import contextlib
import io
import json
import logging
import urllib.error
import urllib.request
from typing import NamedTuple

from mlflow.pyfunc import scoring_server


class Answer(NamedTuple):
    status: int
    body: str

    def json(self):
        return json.loads(self.body)


def ask(url, kind, body, headers=None):
    """POSTs a body, or GETs when there is none."""
    data = body.encode() if isinstance(body, str) else body
    request = urllib.request.Request(url, data=data, headers=({"Content-Type": kind} if kind else {}) | (headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=30) as r:
            return Answer(r.status, r.read().decode())
    except urllib.error.HTTPError as e:
        return Answer(e.code, e.read().decode())


class Peer:
    """The ASGI application that `mlflow models serve` runs, for one loaded model."""

    def __init__(self, model):
        self.model = model
        self.application = scoring_server.init(model)
        logging.getLogger("mlflow.pyfunc.scoring_server").setLevel(logging.ERROR)

    def ask(self, kind, body):
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http", "path": "/invocations", "raw_path": b"/invocations",
                 "query_string": b"", "root_path": "", "headers": [(b"content-type", kind.encode())], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2)}
        messages = [{"type": "http.request", "body": body.encode() if isinstance(body, str) else body, "more_body": False}]
        sent = []

        async def receive():
            return messages.pop() if messages else {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        with contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(Exception):  # Starlette answers 500 and raises on
            asyncio.run(self.application(scope, receive, send))
        status = next(m["status"] for m in sent if m["type"] == "http.response.start")
        return Answer(status, b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body").decode())
