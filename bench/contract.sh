#!/usr/bin/env bash
# Sixty checks on a million rows of 20 columns, trimtab beside Great Expectations and pandera in one run: CPU seconds,
# wall seconds and memory of each as a process of its own, from Parquet to the verdict. Each must find the same checks
# broken. Usage: bench/contract.sh [rows]
set -euo pipefail
cd "$(dirname "$0")/.."
env=$PWD/.build/venv-bench-contract
stamp=$(sha256sum < bench/contract.txt)
if [ "$(cat "$env/.stamp" 2>/dev/null)" != "$stamp" ]; then
  .ci/uv venv --quiet --clear --python 3.11 "$env"
  .ci/uv pip install --quiet --python "$env/bin/python" -r bench/contract.txt
  printf '%s\n' "$stamp" > "$env/.stamp"
fi
mkdir -p bench/results
exec "$env/bin/python" bench/contract.py --trimtab bin/trimtab --rows "${1:-1000000}" --out bench/results/contract.json
