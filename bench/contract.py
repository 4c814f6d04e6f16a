"""Sixty checks on a table: trimtab beside Great Expectations and pandera. See contract.sh.

The checks: the type of each of 20 columns, no missing value in each, a range for 15 numbers, a set for 4 texts, and one
unique column. Four are broken on purpose.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

FLOATS = [f"x{i:02d}" for i in range(12)]
INTS = [f"n{i:02d}" for i in range(3)]
SETS = [f"c{i:02d}" for i in range(4)]
COLUMNS = ["id", *FLOATS, *INTS, *SETS]
VALUES = {name: [f"value {j}" for j in range(size)] for name, size in zip(SETS, (3, 10, 50, 200))}
BROKEN = ["c02.inSet", "id.unique", "x03.range", "x07.maxMissing"]


def make(path, rows):
    import numpy as np
    import pandas as pd

    r = np.random.default_rng(1)
    data = {"id": np.array([f"row-{i:09d}" for i in range(rows)], dtype=object)}
    for name in FLOATS:
        data[name] = np.clip(r.normal(50, 10, size=rows), 0, 100)
    for name in INTS:
        data[name] = r.integers(0, 1000, size=rows)
    for name in SETS:
        data[name] = np.array(VALUES[name], dtype=object)[r.integers(0, len(VALUES[name]), size=rows)]
    frame = pd.DataFrame(data)
    frame.loc[rows // 2, "id"] = frame.loc[0, "id"]
    frame.loc[frame.index[:: rows // 100], "x03"] = 1048.36
    frame.loc[frame.index[1 :: rows // 50], "x07"] = np.nan
    frame.loc[frame.index[2 :: rows // 10], "c02"] = "another"
    frame.to_parquet(path, index=False)


def contract(path):
    lines = ["apiVersion: trimtab.dev/v1alpha1", "kind: DataContract", "metadata: {name: bench}", "spec:", "  source: bench", "  columns:"]
    for name in COLUMNS:
        rules = ["required: false", "maxMissing: 0"]
        if name in FLOATS:
            rules += ["type: float", "min: 0", "max: 100"]
        elif name in INTS:
            rules += ["type: integer", "min: 0", "max: 1000"]
        else:
            rules.append("type: string")
        if name in SETS:
            rules.append(f"inSet: {json.dumps(VALUES[name])}")
        if name == "id":
            rules.append("unique: true")
        lines.append(f"    {name}: {{{', '.join(rules)}}}")
    pathlib.Path(path).write_text("\n".join(lines) + "\n")


def great_expectations(path, complete):
    import great_expectations as gx
    import great_expectations.expectations as gxe
    import pandas as pd

    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    context = gx.get_context(mode="ephemeral")
    suite = gx.ExpectationSuite(name="bench")
    for name in COLUMNS:
        kind = "float64" if name in FLOATS else "int64" if name in INTS else "str"
        suite.add_expectation(gxe.ExpectColumnValuesToBeOfType(column=name, type_=kind))
        suite.add_expectation(gxe.ExpectColumnValuesToNotBeNull(column=name))
        if name in FLOATS or name in INTS:
            suite.add_expectation(gxe.ExpectColumnValuesToBeBetween(column=name, min_value=0, max_value=100 if name in FLOATS else 1000))
        if name in SETS:
            suite.add_expectation(gxe.ExpectColumnValuesToBeInSet(column=name, value_set=VALUES[name]))
    suite.add_expectation(gxe.ExpectColumnValuesToBeUnique(column="id"))
    batch = context.data_sources.add_pandas("p").add_dataframe_asset("a").add_batch_definition_whole_dataframe("b").get_batch({"dataframe": pd.read_parquet(path)})
    result = batch.validate(suite, result_format="COMPLETE" if complete else "BASIC")
    rule = {"expect_column_values_to_be_of_type": "type", "expect_column_values_to_not_be_null": "maxMissing", "expect_column_values_to_be_between": "range",
            "expect_column_values_to_be_in_set": "inSet", "expect_column_values_to_be_unique": "unique"}
    return [f"{r.expectation_config.kwargs['column']}.{rule[r.expectation_config.type]}" for r in result.results if not r.success]


def pandera(path, engine):
    if engine == "pandas":
        import pandas as pd
        import pandera.pandas as pa

        frame = pd.read_parquet(path)
        kinds = (float, int, str)
    else:
        import pandera.polars as pa
        import polars as pl

        frame = pl.read_parquet(path)
        kinds = (pl.Float64, pl.Int64, pl.String)
    columns = {}
    for name in COLUMNS:
        kind = kinds[0] if name in FLOATS else kinds[1] if name in INTS else kinds[2]
        checks = []
        if name in FLOATS or name in INTS:
            checks.append(pa.Check.in_range(0, 100 if name in FLOATS else 1000))
        if name in SETS:
            checks.append(pa.Check.isin(VALUES[name]))
        columns[name] = pa.Column(kind, checks, nullable=False, unique=name == "id")
    try:
        pa.DataFrameSchema(columns).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as e:
        found = set()
        for x in e.schema_errors:
            reason = str(x.reason_code)
            what = "unique" if "DUPLICATES" in reason else "maxMissing" if "NULLABLE" in reason or "NULLS" in reason else "inSet" if x.schema.name in SETS else "range"
            found.add(f"{x.schema.name}.{what}")
        return sorted(found)
    return []


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
    p.add_argument("--alone", action="store_true", help="measure trimtab only: for orientation while developing")
    p.add_argument("--peer", nargs=2)
    p.add_argument("--make")
    args = p.parse_args()
    if args.peer:
        name, path = args.peer
        if name.startswith("gx"):
            found = great_expectations(path, name == "gx-complete")
        else:
            found = pandera(path, name.split("-")[1])
        print(json.dumps(sorted(found)))
        return
    if args.make:
        make(args.make, args.rows)
        return
    with tempfile.TemporaryDirectory() as folder:
        rows, spec, failing = (str(pathlib.Path(folder) / n) for n in ("rows.parquet", "contract.yaml", "failing.parquet"))
        contract(spec)
        this = [sys.executable, __file__]
        # In a process of its own: the memory of a child counts that of its parent at the time of the fork.
        subprocess.run([*this, "--rows", str(args.rows), "--make", rows], check=True)
        validate = [args.trimtab, "data", "validate", rows, "--contract", spec, "-o", "json"]
        contenders = {"trimtab": validate, "trimtab, all failing rows written": [*validate, "--failing", failing]}
        if not args.alone:
            contenders |= {
                "pandera 0.35.0 pandas, lazy": [*this, "--peer", "pandera-pandas", rows],
                "pandera 0.35.0 polars, lazy": [*this, "--peer", "pandera-polars", rows],
                "Great Expectations 1.24.1 pandas, BASIC": [*this, "--peer", "gx-basic", rows],
                "Great Expectations 1.24.1 pandas, COMPLETE": [*this, "--peer", "gx-complete", rows],
            }
        figures = []
        for name, command in contenders.items():
            runs = []
            for _ in range(args.repeat):
                run, out = measure(command)
                runs.append(run)
            if name.startswith("trimtab"):
                found = sorted(x["rule"] for r in json.loads(out) for x in r["results"] if not x["passed"])
            else:
                found = json.loads(out.splitlines()[-1])
            if name.startswith("trimtab") and found != BROKEN:
                sys.exit(f"{name} found {found}, broken were {BROKEN}")
            middle = sorted(runs, key=lambda r: r["cpu"])[len(runs) // 2]
            figures.append({"name": name, **middle, "found": found})
    print(f"60 checks on {args.rows:,} rows of 20 columns, {os.cpu_count()} CPUs; broken: {', '.join(BROKEN)}\n")
    print(f"{'':48} {'CPU s':>8} {'wall s':>8} {'MiB':>7} {'x CPU':>7}  found")
    for f in figures:
        right = "all of them" if f["found"] == BROKEN else ", ".join(f["found"]) or "nothing"
        print(f"{f['name']:48} {f['cpu']:8.2f} {f['wall']:8.2f} {f['mib']:7.0f} {f['cpu'] / figures[0]['cpu']:6.1f}x  {right}")
    if args.out:
        pathlib.Path(args.out).write_text(json.dumps({"rows": args.rows, "cpus": os.cpu_count(), "broken": BROKEN, "figures": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
