"""Records the goldens: every file of the corpus against a real `mlflow server` of the pinned version.

Run it with the environment of requirements-3.txt; it writes golden/*.jsonl. Arguments name the corpus files
to record; without any, all are.
"""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import wire

PINNED = "3.17.2"


@contextlib.contextmanager
def server():
    """A fresh `mlflow server` on SQLite; yields its address."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        args = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--host", "127.0.0.1", "--port", str(port)]
        args += ["--backend-store-uri", f"sqlite:///{folder}/db.sqlite", "--artifacts-destination", f"{folder}/artifacts"]
        log = open(pathlib.Path(folder) / "log", "wb")
        # Some messages print a set: a fixed seed gives it one order.
        env = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PYTHONHASHSEED": "0"}
        process = subprocess.Popen(args, cwd=folder, stdout=log, stderr=log, env=env)
        try:
            for _ in range(1200):
                try:
                    with urllib.request.urlopen(url + "/version", timeout=5) as answer:
                        version = answer.read().decode()
                    break
                except OSError:
                    if process.poll() is not None:
                        raise RuntimeError("mlflow server ended at once") from None
                    time.sleep(0.1)
            else:
                raise RuntimeError("mlflow server was not ready after two minutes")
            if version != PINNED:
                raise RuntimeError(f"the goldens are those of mlflow {PINNED}; this environment has {version}")
            yield url
        finally:
            process.terminate()
            process.wait()


def record(corpus):
    requests = wire.load(corpus)
    with server() as url:
        session = wire.Session(url)
        answers = [session.send(r) for r in requests]
    out = wire.golden_file(corpus)
    out.parent.mkdir(exist_ok=True)
    out.write_text("".join(json.dumps(a, ensure_ascii=False) + "\n" for a in answers))
    print(f"{corpus.name}: {len(answers)} answers")


if __name__ == "__main__":
    for chosen in [pathlib.Path(a).resolve() for a in sys.argv[1:]] or wire.files():
        record(chosen)
