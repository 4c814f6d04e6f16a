"""Drift of two tables: trimtab beside Evidently and NannyML. See drift.sh."""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

SHIFTED = ["c01", "n00", "n07", "n14"]  # a new category, a mean, a unit, missing values


def make(seed, rows):
    import numpy as np
    import pandas as pd

    r = np.random.default_rng(seed)
    data = {}
    for i in range(20):
        x = [
            lambda: r.normal(size=rows), lambda: r.gamma(2, 3, size=rows), lambda: np.round(r.exponential(20, size=rows)),
            lambda: r.standard_cauchy(size=rows), lambda: np.where(r.random(rows) < 0.05, np.nan, r.normal(size=rows)),
        ][i % 5]()
        data[f"n{i:02d}"] = x
    for i in range(10):
        many = [3, 10, 50, 200, 1000][i % 5]
        share = 1 / np.arange(1, many + 1)
        names = np.array([f"value {j}" for j in range(many)], dtype=object)
        data[f"c{i:02d}"] = names[r.choice(many, size=rows, p=share / share.sum())]
    frame = pd.DataFrame(data)
    if seed == 2:
        frame["n00"] += 0.5
        frame["n07"] *= 1.609
        frame.loc[r.random(rows) < 0.2, "n14"] = np.nan
        frame.loc[r.random(rows) < 0.05, "c01"] = "another"
    return frame


def evidently(ref, cur):
    import pandas as pd
    from evidently import Report
    from evidently.presets import DataDriftPreset

    result = Report([DataDriftPreset()]).run(pd.read_parquet(cur), pd.read_parquet(ref)).dict()
    found = []
    for m in result["metrics"]:
        if m["metric_name"].startswith("ValueDrift("):
            config = m["config"]
            p = "p_value" in config["method"]
            if (m["value"] < config["threshold"]) if p else (m["value"] >= config["threshold"]):
                found.append(config["column"])
    return found


def nannyml(ref, cur, methods):
    import nannyml as nml
    import pandas as pd

    a, b = pd.read_parquet(ref), pd.read_parquet(cur)
    numbers = [c for c in a.columns if c.startswith("n")]
    texts = [c for c in a.columns if c.startswith("c")]
    options = {} if methods == "default" else {
        "continuous_methods": ["kolmogorov_smirnov", "jensen_shannon", "wasserstein", "hellinger"],
        "categorical_methods": ["chi2", "jensen_shannon", "l_infinity", "hellinger"]}
    calc = nml.UnivariateDriftCalculator(column_names=numbers + texts, treat_as_categorical=texts, chunk_number=100, **options)
    frame = calc.fit(a).calculate(b).filter(period="analysis").to_df()
    alerts = frame.loc[:, [k for k in frame.columns if k[-1] == "alert"]].mean()
    return sorted({k[0] for k, share in alerts.items() if share > 0.5})


def measure(command):
    begin = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    out = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 2):
        sys.exit(f"{' '.join(command[:4])} ended with {child.returncode}")
    return {"wall": time.perf_counter() - begin, "cpu": usage.ru_utime + usage.ru_stime, "mib": usage.ru_maxrss / 1024}, out


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--trimtab", default="bin/trimtab")
    p.add_argument("--rows", type=int, default=1_000_000)
    p.add_argument("--out")
    p.add_argument("--repeat", type=int, default=3)
    p.add_argument("--peer", nargs=3)
    p.add_argument("--make", nargs=2)
    args = p.parse_args()
    if args.peer:
        name, ref, cur = args.peer
        print(json.dumps(evidently(ref, cur) if name == "evidently" else nannyml(ref, cur, name.split("-")[1])))
        return
    if args.make:
        for seed, path in enumerate(args.make, 1):
            make(seed, args.rows).to_parquet(path, index=False)
        return
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        ref, cur, stored = (str(folder / n) for n in ("ref.parquet", "cur.parquet", "ref.json"))
        this = [sys.executable, __file__]
        # In a process of its own: the memory of a child counts that of its parent at the time of the fork.
        subprocess.run([*this, "--rows", str(args.rows), "--make", ref, cur], check=True)
        contenders = {
            "trimtab": [args.trimtab, "drift", ref, cur, "-o", "json"],
            "trimtab, profile of the reference": [args.trimtab, "drift", ref, "--profile-out", stored],
            "trimtab, reference stored": [args.trimtab, "drift", stored, cur, "-o", "json"],
            "Evidently 0.7.23 DataDriftPreset": [*this, "--peer", "evidently", ref, cur],
            "NannyML 0.13.1 univariate, 100 chunks, default methods": [*this, "--peer", "nannyml-default", ref, cur],
            "NannyML 0.13.1 univariate, 100 chunks, all methods": [*this, "--peer", "nannyml-all", ref, cur],
        }
        figures = []
        for name, command in contenders.items():
            runs = []
            for _ in range(args.repeat if name.startswith("trimtab") else 1):
                run, out = measure(command)
                runs.append(run)
            best = sorted(runs, key=lambda r: r["cpu"])[len(runs) // 2]
            if name.startswith("trimtab"):
                found = sorted(c["column"] for c in json.loads(out)["columns"] if c["state"] == "drift") if out else None
            else:
                found = sorted(json.loads(out.splitlines()[-1]))
            if name.startswith("trimtab") and found is not None and found != SHIFTED:
                sys.exit(f"{name} found {found}, shifted were {SHIFTED}")
            figures.append({"name": name, **best, "found": found})
    print(f"{args.rows:,} rows of 30 columns on both sides, {os.cpu_count()} CPUs; shifted: {', '.join(SHIFTED)}\n")
    print(f"{'':56} {'CPU s':>8} {'wall s':>8} {'MiB':>7} {'x CPU':>7}  found")
    for f in figures:
        found = "-" if f["found"] is None else ", ".join(f["found"]) or "nothing"
        print(f"{f['name']:56} {f['cpu']:8.2f} {f['wall']:8.2f} {f['mib']:7.0f} {f['cpu'] / figures[0]['cpu']:6.1f}x  {found}")
    if args.out:
        pathlib.Path(args.out).write_text(json.dumps({"rows": args.rows, "cpus": os.cpu_count(), "shifted": SHIFTED, "figures": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
