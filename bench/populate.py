"""Fills an MLflow SQLite database with the runs that bench/tracking.go logs to trimtab.

Usage: populate.py DATABASE EXPERIMENT RUNS. Logging them through MLflow's own API
takes a quarter of an hour; the rows are the same.
"""

import sqlite3
import sys
import uuid

path, experiment, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
db = sqlite3.connect(path, timeout=60)
columns = {row[1] for row in db.execute("pragma table_info(runs)")}
with db:
    for i in range(count):
        run = uuid.uuid4().hex
        values = {
            "run_uuid": run, "name": f"run-{i}", "source_type": "LOCAL", "source_name": "", "entry_point_name": "",
            "user_id": "bench", "status": "RUNNING", "start_time": 1700000000000 + i, "end_time": None, "deleted_time": None,
            "source_version": "", "lifecycle_stage": "active", "artifact_uri": f"mlflow-artifacts:/{experiment}/{run}/artifacts",
            "experiment_id": experiment,
        }
        values = {k: v for k, v in values.items() if k in columns}
        db.execute(f"insert into runs ({','.join(values)}) values ({','.join('?' * len(values))})", list(values.values()))
        metrics = [(f"m{k}", (i * 7919 + k * 104729) % 100003 + 0.5, 1700000000000, 0, 0, run) for k in range(20)]
        db.executemany("insert into metrics (key, value, timestamp, step, is_nan, run_uuid) values (?,?,?,?,?,?)", metrics)
        db.executemany("insert into latest_metrics (key, value, timestamp, step, is_nan, run_uuid) values (?,?,?,?,?,?)", metrics)
        db.executemany("insert into params (key, value, run_uuid) values (?,?,?)", [(f"p{k}", f"v{(i + k) % 17}", run) for k in range(10)])
        db.executemany("insert into tags (key, value, run_uuid) values (?,?,?)", [(f"t{k}", f"w{(i + k) % 5}", run) for k in range(5)])
