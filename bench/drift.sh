#!/usr/bin/env bash
# Drift of a million rows of 30 columns, trimtab beside Evidently and NannyML in one run: CPU seconds, wall seconds and
# memory of each as a process of its own, from Parquet to the answer. Each must find the columns that were shifted.
# Usage: bench/drift.sh [rows]
set -euo pipefail
cd "$(dirname "$0")/.."
env=$PWD/.build/venv-bench-drift
stamp=$(sha256sum < bench/drift.txt)
if [ "$(cat "$env/.stamp" 2>/dev/null)" != "$stamp" ]; then
  .ci/uv venv --quiet --clear --python 3.11 "$env"
  .ci/uv pip install --quiet --python "$env/bin/python" -r bench/drift.txt
  printf '%s\n' "$stamp" > "$env/.stamp"
fi
mkdir -p bench/results
exec "$env/bin/python" bench/drift.py --trimtab bin/trimtab --rows "${1:-1000000}" --out bench/results/drift.json
