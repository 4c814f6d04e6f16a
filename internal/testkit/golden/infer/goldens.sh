#!/bin/sh
# Makes everything under pure/infer/testdata anew, each set in an environment of its own. Needs uv and PyPI.
# The requirements are complete and installed without their dependencies: XGBoost would add 200 MB for GPUs.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
data=$here/../../../../pure/infer/testdata
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

environment() {
	uv venv --quiet --python 3.11 "$work/$1"
	uv pip install --quiet --no-deps --python "$work/$1/bin/python" -r "$here/requirements-$1.txt"
}

make_set() { # environment, family, folder, further arguments
	environment "$1"
	rm -rf "${data:?}/$3"
	folder=$3 name=$1 family=$2
	shift 3
	"$work/$name/bin/python" "$here/generate.py" --family "$family" --out "$data/$folder" "$@"
}

mkdir -p "$data"
make_set xgboost-1.7.6 xgboost xgboost-1.7.6
make_set xgboost-2.1.4 xgboost xgboost-2.1.4
make_set xgboost-3.2.0 xgboost xgboost-3.2.0-frame --rows 10 --only frame
make_set lightgbm-3.3.5 lightgbm lightgbm-3.3.5
"$work/xgboost-1.7.6/bin/python" "$here/libm.py" "$data/math.gz"
