"""The real server and command line, started, killed and called as a person or a crash would."""

import os
import signal
import socket
import subprocess
import time
import urllib.request

TRIMTAB = os.environ["TRIMTAB_BIN"]


class Server:
    def __init__(self, folder, database):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = open(folder / "server.log", "ab")
        self.args = [TRIMTAB, "server", "--listen", f"127.0.0.1:{self.port}", "--data", str(folder / "data")]
        if database:
            self.args += ["--database", database]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.args, stdout=self.log, stderr=self.log)
        for _ in range(2000):
            try:
                with urllib.request.urlopen(self.url + "/readyz", timeout=5):
                    return
            except OSError:
                assert self.process.poll() is None, "the server ended at once"
                time.sleep(0.01)
        raise AssertionError("the server was not ready after 20 s")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=20) == 0


def run(server, *args, check=True):
    done = subprocess.run([TRIMTAB, *args], env={**os.environ, "TRIMTAB_SERVER": server.url}, capture_output=True, text=True, timeout=300)
    assert not check or done.returncode == 0, f"trimtab {' '.join(args)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done
