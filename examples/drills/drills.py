"""Drills: every fault that `trimtab replay --fault` knows, on each example, and
streams in which nothing happens. Each run is the real program from the first to
the last byte: a server with data of its own, the example's declarations as they
are, its first model, and a replay; what is then written down comes from the
server's records alone.

    python3 drills.py [--only EXAMPLE] [--work FOLDER] [--report FILE]

It needs bin/trimtab and the examples' prepared data, runs one server at a time,
goes on where it was interrupted, and prints and writes one report.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from report import report

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
UV = os.path.join(TOP, ".ci", "uv")
SHARED = ["delay rows 2d", "delay labels 21d", "duplicate rows 50%", "duplicate rows fresh 50%", "drop rows 50%", "drop rows", "drop labels 50%", "drop labels"]

# The faults fill one window, with whole windows before it and, but for the bikes,
# two after it. Columns are the ones that the first model leans on most, and one of
# the weather or the market where a unit is at home.
EXAMPLES = {
    "flights": {
        "from": "2013-03-01", "fault": ("2013-03-21", "2013-03-28"), "to": "2013-04-11",
        "quiet": ("2013-03-01", "2014-01-01"),
        "faults": ["unit wind_speed x1.609344", "unit temp x0.5555556 -17.77778", "shift departs +60", "sign temp", "truncate humid -1",
                   "constant temp -999", "nulls departs", "nulls temp 30%", "swap departs arrives", "freeze departs", "shuffle departs"],
    },
    "bikes": {
        "from": "2012-01-01", "fault": ("2012-05-01", "2012-06-01"), "to": "2012-06-01",
        "quiet": ("2012-01-01", "2019-09-01"),
        "faults": ["unit tmax x1.8 +32", "unit week_ago x24", "shift week_ago +100", "sign tmin", "truncate week_ago -2",
                   "constant week_ago -999", "nulls week_ago", "nulls week_ago 30%", "swap week_ago week_mean", "freeze week_ago", "shuffle week_ago"],
    },
    "electricity": {
        "from": "1996-12-01", "fault": ("1997-02-20", "1997-03-20"), "to": "1997-05-15",
        "quiet": ("1996-12-01", "1998-12-06"),
        "faults": ["unit price_day x0.1", "shift demand_day +0.1", "sign price_day", "truncate demand_day 1",
                   "constant demand_day -999", "nulls demand_day", "nulls demand_day 30%", "swap price_day demand_day", "freeze demand_day", "shuffle demand_day"],
    },
}


class Server:
    """The server of one run, on a free port, with its data in a folder."""

    def __init__(self, data, log):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log = open(log, "a")
        self.process = subprocess.Popen([TRIMTAB, "server", "--listen", f"127.0.0.1:{port}", "--data", data, "--uv", UV],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def __enter__(self):
        until = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(self.url + "/readyz", timeout=5).close()
                return self
            except (urllib.error.URLError, OSError):
                if self.process.poll() is not None or time.monotonic() > until:
                    self.__exit__()
                    sys.exit(f"the server did not start; its log: {self.log.name}")
                time.sleep(0.05)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    def command(self, *args):
        done = subprocess.run([TRIMTAB, *args], env={**os.environ, "TRIMTAB_SERVER": self.url}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            sys.exit(f"trimtab {' '.join(args)}: exit code {done.returncode}\n{done.stdout[-2000:]}\nthe server's log: {self.log.name}")
        return done.stdout

    def get(self, path):
        with urllib.request.urlopen(f"{self.url}/api/trimtab/v1alpha1/default/{path}", timeout=60) as answer:
            return json.load(answer)


def trained(example, folder, declared):
    """A server's data with the example declared and its first model serving."""
    data = os.path.join(folder, "trained")
    if os.path.exists(os.path.join(folder, "is-trained")):
        return data
    shutil.rmtree(data, ignore_errors=True)
    with Server(data, os.path.join(folder, "server.log")) as server:
        server.command("apply", declared, "--yes")
        server.command("pipeline", "run", f"train-{example}", "--follow")
    open(os.path.join(folder, "is-trained"), "w").close()
    return data


def run(example, folder, data, first, last, fault):
    """One replay in a copy of the trained server's data, and what its records say."""
    here = os.path.join(folder, "run")
    shutil.rmtree(here, ignore_errors=True)
    shutil.copytree(data, here, ignore=shutil.ignore_patterns("envs"), symlinks=True)
    os.symlink(os.path.join(data, "envs"), os.path.join(here, "envs"))  # only read: half a gigabyte that needs no copy
    began = time.monotonic()
    with Server(here, os.path.join(folder, "server.log")) as server:
        args = ["replay", example, "--source", example, "--from", first, "--to", last]
        reach = {}
        if fault:
            reach = json.loads(server.command(*args, "--fault", fault, "--dry-run", "-o", "json"))
            args += ["--fault", fault]
        server.command(*args, "--follow")
        found = {
            "fault": fault, "reach": reach, "windows": server.get(f"monitors/{example}/windows")["items"],
            "incidents": server.get("incidents?limit=1000")["items"], "decisions": server.get("decisions?limit=1000")["items"],
            "timeline": server.get(f"endpoints/{example}/timeline")["summary"],
        }
    for w in found["windows"]:
        for score in w.get("scores") or []:
            score.pop("blocks", None)
    shutil.rmtree(here)
    print(f"{example}: {fault or 'no fault'}: {time.monotonic() - began:.0f} s", flush=True)
    return found


def keep(path, make):
    """A result that is there is not made again."""
    if os.path.exists(path):
        with open(path) as f:
            return json.load(f)
    value = make()
    with open(path + ".tmp", "w") as f:
        json.dump(value, f)
    os.replace(path + ".tmp", path)
    return value


def slug(text):
    return "".join(c if c.isalnum() or c in "-." else "_" for c in text)


def shuffled(example, folder):
    """A copy of the example whose rows have changed places in time."""
    copy = os.path.join(folder, example)
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(os.path.join(TOP, "examples", example), copy, ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    rows = os.path.join(copy, "data", example + ".parquet")
    subprocess.run([UV, "run", "--quiet", "--frozen", "--no-dev", "--project", os.path.join(TOP, "examples", example), "--python", "3.11",
                    "python", os.path.join(HERE, "shuffle.py"), rows], check=True)
    return copy


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--only", choices=list(EXAMPLES), help="this example alone")
    args.add_argument("--work", default=os.path.join(TOP, ".build", "drills"), help="where results are kept")
    args.add_argument("--report", default=os.path.join(TOP, "docs", "drills.md"))
    args.add_argument("--trimtab", default=os.path.join(TOP, "bin", "trimtab"))
    args.add_argument("--no-quiet", action="store_true", help="leave the quiet streams out")
    args.add_argument("--report-only", action="store_true", help="write the report of the results that are there")
    args = args.parse_args()
    global TRIMTAB
    TRIMTAB = os.path.abspath(args.trimtab)

    results = {}
    for example, plan in EXAMPLES.items():
        folder = os.path.join(os.path.abspath(args.work), example)
        os.makedirs(folder, exist_ok=True)
        begin, end = plan["fault"]
        runs = {}
        for fault in [None] + plan["faults"] + SHARED:
            text = fault and f"{fault} {begin}..{end}"
            path = os.path.join(folder, slug(fault or "none") + ".json")
            wanted = not args.report_only and (not args.only or args.only == example)
            if wanted or os.path.exists(path):
                runs[fault] = keep(path, lambda: run(example, folder, trained(example, folder, os.path.join(TOP, "examples", example)), plan["from"], plan["to"], text))
        quiet = None
        path = os.path.join(folder, "quiet.json")
        if os.path.exists(path) or wanted and not args.no_quiet:
            def make():
                calm = os.path.join(folder, "shuffled")
                os.makedirs(calm, exist_ok=True)
                return run(example, calm, trained(example, calm, shuffled(example, calm)), *plan["quiet"], None)
            quiet = keep(path, make)
        results[example] = {"plan": plan, "runs": runs, "quiet": quiet}
    text = report(results)
    print(text)
    with open(args.report, "w") as f:
        f.write(text)


if __name__ == "__main__":
    main()
