"""The server under test, started from the binary in TRIMTAB_BIN.

TRIMTAB_TEST_SERVER=URL tests a server that already runs instead; the suite itself is checked against a real
`mlflow server` that way.
"""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

GIVEN = os.environ.get("TRIMTAB_TEST_SERVER")


class Server:
    """A trimtab server on a free port with a data folder of its own."""

    def __init__(self, folder, database):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.path = pathlib.Path(folder) / "log"
        args = [os.environ["TRIMTAB_BIN"], "server", "--listen", f"127.0.0.1:{port}", "--data", f"{folder}/data"]
        if database:
            args += ["--database", database]
        with open(self.path, "wb") as log:
            self.process = subprocess.Popen(args, stdout=log, stderr=log)
        for _ in range(2000):
            try:
                with urllib.request.urlopen(self.url + "/readyz", timeout=5):
                    return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.01)
        self.process.kill()
        self.process.wait()
        raise RuntimeError("the server did not become ready: " + self.path.read_text())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the server did not end within 20 s of SIGTERM") from None
        assert code == 0, f"the server ended with {code} after SIGTERM: {self.path.read_text()[-2000:]}"


@contextlib.contextmanager
def serving(database):
    with tempfile.TemporaryDirectory(prefix="trimtab-test") as folder:
        server = Server(folder, database)
        try:
            yield server
        finally:
            server.stop()
