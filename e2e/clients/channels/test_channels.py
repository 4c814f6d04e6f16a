"""Channels against receivers that other people wrote, while the server is killed.

Webhooks are verified with the reference library of Standard Webhooks, mail is taken by aiosmtpd, alerts by a real
Alertmanager where there is one (Debian's prometheus-alertmanager; TRIMTAB_REQUIRE=alertmanager insists on it). What is
told is a rollout that an alias move begins, as a plain MLflow client would move it.
"""

import base64
import email
import email.policy
import http.server
import json
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from standardwebhooks import Webhook

from server import Server, run

SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four b").decode()
MODEL = pathlib.Path(__file__).parents[3] / "pure" / "infer" / "testdata" / "example.txt"

SYSTEM = """
apiVersion: trimtab.dev/v1alpha1
kind: Model
metadata: {name: orders}
spec: {task: binary}
---
apiVersion: trimtab.dev/v1alpha1
kind: Endpoint
metadata: {name: orders}
spec:
  model: {name: orders}
  rollout: {shadow: {for: 1d}}
"""

CHANNEL = """
---
apiVersion: trimtab.dev/v1alpha1
kind: Channel
metadata: {name: NAME}
spec: {minSeverity: info, groupWait: 100ms, SPEC}
"""


def port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(what, seconds=60):
    """The first true answer of what."""
    end = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
    return answer


class Receiver:
    """An HTTP receiver that can be away."""

    def __init__(self, number):
        self.requests = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((self.path, dict(self.headers), body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", number), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Mailbox:
    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((session.auth_data, envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return "250 taken"


@pytest.fixture
def mailbox():
    box = Mailbox()

    def login(server, session, envelope, mechanism, data):
        ok = (data.login, data.password) == (b"loop", b"mail-password")
        return AuthResult(success=ok, auth_data=data.login if ok else None, handled=ok)

    controller = Controller(box, hostname="127.0.0.1", port=port(), authenticator=login, auth_require_tls=False, auth_required=True)
    controller.start()
    box.port = controller.port
    yield box
    controller.stop()


@pytest.fixture
def alertmanager(tmp_path):
    """Address of a real Alertmanager, None where there is none."""
    program = os.environ.get("TRIMTAB_ALERTMANAGER") or shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if not program:
        assert "alertmanager" not in os.environ.get("TRIMTAB_REQUIRE", ""), "there is no Alertmanager, which TRIMTAB_REQUIRE names"
        yield None
        return
    config = tmp_path / "alertmanager.yml"
    config.write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    address = f"127.0.0.1:{port()}"
    process = subprocess.Popen([program, f"--config.file={config}", f"--storage.path={tmp_path}", f"--web.listen-address={address}", "--cluster.listen-address=", "--log.level=error"])

    def ready():
        assert process.poll() is None, "Alertmanager ended at once"
        try:
            return urllib.request.urlopen(f"http://{address}/-/ready", timeout=5).status == 200
        except OSError:
            return False

    until(ready)
    yield f"http://{address}"
    process.kill()
    process.wait()


def call(server, method, path, body):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, raw, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or b"{}")


def register(server):
    """One more version of the model, over MLflow's API."""
    mlflow = "/api/2.0/mlflow/"
    info = call(server, "POST", mlflow + "runs/create", {"experiment_id": "0", "start_time": 1})["run"]["info"]
    path = info["artifact_uri"].removeprefix("mlflow-artifacts:/").lstrip("/")
    call(server, "PUT", f"/api/2.0/mlflow-artifacts/artifacts/{path}/model/model.lgb", MODEL.read_bytes())
    call(server, "POST", mlflow + "runs/update", {"run_id": info["run_id"], "status": "FINISHED", "end_time": 2})
    call(server, "POST", mlflow + "model-versions/create", {"name": "orders", "source": f"runs:/{info['run_id']}/model", "run_id": info["run_id"]})


def test_real_receivers(tmp_path, database_url, mailbox, alertmanager, monkeypatch):
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    monkeypatch.setenv("MAIL_PASSWORD", "mail-password")
    hook = port()
    monkeypatch.setenv("SLACK_URL", f"http://127.0.0.1:{hook}/services/T0/B0/slack-token")
    channels = {
        "hook": f"webhook: {{url: 'http://127.0.0.1:{hook}/hook', secret: {{env: HOOK_SECRET}}, header: {{X-Team: ml}}}}",
        "slack": "slack: {urlFrom: {env: SLACK_URL}, channel: '#ml'}",
        "mail": f"smtp: {{server: '127.0.0.1:{mailbox.port}', from: loop@ml.example, to: [ada@ml.example], user: loop, password: {{env: MAIL_PASSWORD}}, tls: none}}",
        "away": "webhook: {url: 'http://127.0.0.1:1/'}",
        "metadata": "webhook: {url: 'http://169.254.169.254/latest/'}",
    }
    if alertmanager:
        channels["alerts"] = f"alertmanager: {{url: '{alertmanager}', labels: {{team: ml}}}}"
    system = tmp_path / "system.yaml"
    system.write_text(SYSTEM + "".join(CHANNEL.replace("NAME", n).replace("SPEC", s) for n, s in channels.items()))
    server = Server(tmp_path, database_url)
    receiver = None
    try:
        run(server, "apply", str(system))
        register(server)
        run(server, "model", "alias", "set", "orders", "champion", "1", "--cause", "a good one")

        # Those that are there have it, the others hold nobody up; nothing is lost when the server dies.
        sent = lambda: [d for d in json.loads(run(server, "channel", "deliveries", "mail", "-o", "json").stdout) if "1 takes over" in d["title"] and d["state"] == "sent"]
        until(sent)
        assert until(lambda: "refused" in run(server, "channel", "deliveries", "hook", "--pending", "-o", "json").stdout)
        server.kill()
        receiver = Receiver(hook)
        server.start()
        until(lambda: {p for p, _, _ in receiver.requests} == {"/hook", "/services/T0/B0/slack-token"})

        bodies = {}
        for path, headers, body in list(receiver.requests):
            if path != "/hook":
                assert json.loads(body)["channel"] == "#ml"
                continue
            message = Webhook(SECRET).verify(body, {k.lower(): v for k, v in headers.items()})
            assert headers["X-Team"] == "ml" and message["id"] == headers["Webhook-Id"]
            bodies.setdefault(message["id"], message)
        begun = [m for m in bodies.values() if "1 takes over" in m["title"]]
        assert begun and begun[0]["endpoint"] == "orders" and begun[0]["link"].startswith(server.url + "/ui/rollouts/orders."), bodies

        login, to, mail = next(m for m in mailbox.mails if "1 takes over" in m[2]["Subject"])
        assert login == b"loop" and to == ["ada@ml.example"]
        assert mail["References"] and mail["Message-ID"] and "orders.1" in mail.get_content(), mail.as_string()

        if alertmanager:
            def alerts():
                with urllib.request.urlopen(alertmanager + "/api/v2/alerts", timeout=5) as answer:
                    return [a for a in json.loads(answer.read()) if "1 takes over" in a["annotations"]["summary"]]
            assert until(alerts)[0]["labels"]["team"] == "ml"

        # Tests of channels say what the receiver said; no secret is shown anywhere.
        for name in channels:
            done = run(server, "channel", "test", name, check=False)
            assert done.returncode == (2 if name in ("away", "metadata") else 0), (name, done.stdout, done.stderr)
        assert "metadata service" in run(server, "channel", "test", "metadata", check=False).stdout
        assert run(server, "channel", "test", "none", check=False).returncode == 1
        shown = run(server, "get", "channels", "-o", "yaml").stdout + run(server, "channel", "deliveries", "-o", "json").stdout + (tmp_path / "server.log").read_text()
        for secret in ("mail-password", "slack-token", SECRET):
            assert secret not in shown
        with urllib.request.urlopen(server.url + "/metrics", timeout=5) as answer:
            assert 'trimtab_channel_deliveries_total{channel="hook",project="default",state="sent"}' in answer.read().decode()
        assert "Nothing was changed" in run(server, "audit", "verify").stdout
    finally:
        if receiver:
            receiver.close()
        if server.process.poll() is None:
            server.stop()
