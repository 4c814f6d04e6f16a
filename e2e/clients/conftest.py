"""Databases for the suites of clients.

TRIMTAB_TEST_DATABASE=postgres runs a suite on PostgreSQL: Debian's server is started here, on a socket of its
own and as an unprivileged user, since it refuses root. A machine without it skips these tests, unless
TRIMTAB_REQUIRE names postgres. Anything else, or nothing, means SQLite.
"""

import getpass
import itertools
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile
import time
import urllib.parse

import pytest

SETTINGS = "fsync=off synchronous_commit=off full_page_writes=off max_connections=100 log_min_messages=fatal".split()


def binaries():
    """The folder of PostgreSQL's programs, the newest version first; None when there is none."""
    installed = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]), reverse=True)
    found = shutil.which("postgres")
    for program in ([pathlib.Path(found).resolve()] if found else []) + installed:
        if (program.parent / "initdb").exists():
            return program.parent
    return None


def unprivileged():
    """Whom PostgreSQL runs as: nobody in particular, but never root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL refuses to run as root, and there is no user postgres or nobody")


class Postgres:
    """A server on a Unix socket in a temporary folder."""

    def __init__(self, programs):
        self.programs = programs
        self.user = unprivileged()
        self.folder = tempfile.mkdtemp(prefix="pg")
        os.chmod(self.folder, 0o755)
        if self.user:
            shutil.chown(self.folder, self.user)
        try:
            self.run("initdb", "-D", f"{self.folder}/data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8")
            args = [programs / "postgres", "-D", f"{self.folder}/data", "-k", self.folder, "-c", "listen_addresses="]
            for setting in SETTINGS:
                args += ["-c", setting]
            self.log = open(os.path.join(self.folder, "log"), "wb")
            self.process = subprocess.Popen(args, user=self.user, env=self.env(), cwd=self.folder, stdout=self.log, stderr=self.log)
            self.wait()
        except BaseException:
            self.stop()
            raise

    def env(self):
        return {"PATH": f"{self.programs}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": self.folder, "USER": self.user or getpass.getuser()}

    def run(self, program, *args, check=True):
        done = subprocess.run([self.programs / program, *args], user=self.user, env=self.env(), cwd=self.folder, capture_output=True, text=True)
        if check and done.returncode != 0:
            raise RuntimeError(f"{program}: {done.stdout}{done.stderr}")
        return done.returncode

    def wait(self):
        for _ in range(600):
            if self.run("pg_isready", "-q", "-h", self.folder, "-U", "postgres", check=False) == 0:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError("PostgreSQL did not start: " + pathlib.Path(self.folder, "log").read_text())

    def create(self, name):
        """Makes an empty database; returns its address."""
        self.run("createdb", "-h", self.folder, "-U", "postgres", name)
        return f"postgres://postgres@/{name}?" + urllib.parse.urlencode({"host": self.folder, "sslmode": "disable"})

    def stop(self):
        process = getattr(self, "process", None)
        if process and process.poll() is None:
            process.send_signal(2)  # fast shutdown
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def databases():
    """Makes databases: called, it returns the address of a fresh one, or None for SQLite."""
    if os.environ.get("TRIMTAB_TEST_DATABASE", "sqlite") != "postgres":
        yield lambda: None
        return
    programs = binaries()
    if programs is None:
        missing = "no PostgreSQL on this machine: looked in the PATH and in /usr/lib/postgresql/*/bin"
        if "postgres" in os.environ.get("TRIMTAB_REQUIRE", ""):
            pytest.fail(missing)
        pytest.skip(missing)
    server = Postgres(programs)
    serial = itertools.count(1)
    try:
        yield lambda: server.create(f"test{next(serial)}")
    finally:
        server.stop()


@pytest.fixture
def database_url(databases):
    """A database of the test's own: its address, or None for SQLite."""
    return databases()
