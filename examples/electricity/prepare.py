"""Writes data/electricity.parquet: the electricity market of New South Wales, half
hour by half hour from May 1996 to December 1998, with what was known a day before.

The data are the file elec.csv inside the PyPI package scikit-multiflow 0.4.1 (M.
Harries, "Splice-2 comparative evaluation: electricity pricing", 1999). That package
has only builds for old Pythons, so uv unpacks the one named in data.txt without
installing it. Prices, demands and the transfer between the two states are scaled
to 0..1 there. One row a half hour, in order of time:

    half_hour_id  key: the half hour by market time, which knows no summer time
    starts        event time: when the half hour begins, UTC
    ...           what is known a day before: see FEATURES
    above         label: 1 when the price is above the mean of the 24 hours before
    known_at      when the label becomes known: at the end of the half hour, UTC

The file has no dates: it is complete, 48 rows a day, from 7 May 1996 on. Until
Victoria joins the market on 5 May 1997 its columns stand still.

    uv run --frozen python prepare.py
"""

import os
import subprocess
import sys
import tempfile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

HERE = os.path.dirname(os.path.abspath(__file__))
COLUMNS = ["period", "price", "demand", "vic_price", "vic_demand", "transfer", "above"]
FIRST = pd.Timestamp("1996-05-07", tz="Etc/GMT-10")  # ten hours before UTC, all the year
DAY, WEEK = 48, 7 * 48

FEATURES = [
    "half_hour", "weekday",                                            # of the day: 0..47; Monday is 0
    "price_day", "demand_day", "vic_price_day", "vic_demand_day", "transfer_day", "above_day",  # the same half hour a day before
    "price_week", "demand_week", "above_week",                         # and a week before
    "price_mean", "demand_mean",                                       # mean of the 24 hours that end a day before
]


def read():
    uv = os.environ.get("UV")  # set by `uv run`
    if not uv:
        sys.exit("uv unpacks the data: run `uv run --frozen python prepare.py`")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([
            uv, "pip", "install", "--quiet", "--target", folder, "--no-deps", "--only-binary", ":all:", "--require-hashes",
            "--python-version", "3.7", "--python-platform", "x86_64-unknown-linux-gnu", "--requirements", os.path.join(HERE, "data.txt"),
        ], check=True)
        path = os.path.join("skmultiflow", "data", "datasets", "elec.csv")
        rows = pd.read_csv(os.path.join(folder, path))
    if rows.shape != (944 * DAY, len(COLUMNS)):
        sys.exit(f"{path}: expected 944 days of 48 rows with {len(COLUMNS)} columns, got {rows.shape}")
    rows.columns = COLUMNS
    if (rows.period * 47 - pd.RangeIndex(len(rows)) % DAY).abs().max() > 0.001:
        sys.exit(f"{path}: the first column does not count the half hours of a day")
    return rows


def main():
    rows = read()
    wall = pd.Series(pd.date_range(FIRST, periods=len(rows), freq="30min"))

    out = pd.DataFrame()
    out["half_hour_id"] = wall.dt.strftime("%Y-%m-%dT%H:%M")
    out["starts"] = wall.dt.tz_convert("UTC")
    out["half_hour"] = pd.Series(range(len(rows))) % DAY
    out["weekday"] = wall.dt.weekday.astype("int64")
    for name in ("price", "demand", "vic_price", "vic_demand", "transfer", "above"):
        out[name + "_day"] = rows[name].astype("float64").shift(DAY)
    for name in ("price", "demand", "above"):
        out[name + "_week"] = rows[name].astype("float64").shift(WEEK)
    for name in ("price", "demand"):
        # Sums over fixed windows, added anew for each row: a running sum would
        # carry its rounding along.
        windows = rows[name].astype("float64").shift(DAY)
        out[name + "_mean"] = sum(windows.shift(i) for i in range(DAY)) / DAY
    out["above"] = rows.above.astype("int64")
    out["known_at"] = out.starts + pd.Timedelta(minutes=30)

    out = out.iloc[WEEK:][["half_hour_id", "starts", *FEATURES, "above", "known_at"]].reset_index(drop=True)
    if out.half_hour_id.duplicated().any() or out[FEATURES].isna().any().any():
        sys.exit("the rows are not one a half hour with everything known")

    path = os.path.join(HERE, "data", "electricity.parquet")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    table = pa.Table.from_pandas(out, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(table, path + ".tmp", compression="snappy", row_group_size=65536, coerce_timestamps="ms")
    os.replace(path + ".tmp", path)
    print(f"{path}: {len(out)} half hours, {out.above.mean():.3f} with a price above the day's mean")


if __name__ == "__main__":
    main()
