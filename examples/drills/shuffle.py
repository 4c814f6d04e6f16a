"""Shuffles the rows of an example over time: each row keeps its inputs and its label
and gets the moment of another one, and the label is known as long after it as
before. Nothing that is seen in such a stream is more than chance.

    python shuffle.py ROWS.parquet
"""

import os
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

KNOWN = "known_at"


def main():
    path = sys.argv[1]
    rows = pq.read_table(path)
    key, moment = rows.column_names[:2]
    order = np.random.default_rng(20131).permutation(rows.num_rows)
    at = rows[moment].combine_chunks().cast(pa.int64())
    known = rows[KNOWN].combine_chunks().cast(pa.int64())
    # Which row stands at which moment changes; key, moment and when it is known stay together.
    out = {name: rows[name] if name in (key, moment) else rows[name].take(pa.array(order)) for name in rows.column_names}
    late = np.asarray(known.fill_null(-1))[order] - np.asarray(at)[order]
    late = np.where(np.asarray(known.is_null())[order], 0, late)
    out[KNOWN] = pa.array(np.asarray(at) + late, type=pa.int64(), mask=np.asarray(known.is_null())[order]).cast(rows[KNOWN].type)
    pq.write_table(pa.table(out, schema=rows.schema), path + ".tmp", row_group_size=65536, coerce_timestamps="ms")
    os.replace(path + ".tmp", path)


if __name__ == "__main__":
    main()
