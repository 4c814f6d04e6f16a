#!/usr/bin/env bash
# The main job on real data, for one of the examples beside this file: prepares
# the data, starts a server, declares everything, trains the first model, replays
# what came after it through the endpoint and measures what was served.
# EXAMPLE/demo.env says what is particular to it: words for people, the span that
# is replayed, and more options for the replay.
# Usage: demo.sh EXAMPLE start | stop
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*"; }
usage() {
  say "usage: $0 EXAMPLE start | stop" >&2
  say "examples: $(cd examples && printf '%s ' */demo.env | sed 's:/demo.env::g')" >&2
  exit 2
}

name=${1:-}
case $name in '' | */* | .*) usage ;; esac
[ -f "examples/$name/demo.env" ] || usage

about='' data='' trained='' served='' from='' to='' replay=()
# shellcheck source=/dev/null
. "examples/$name/demo.env"

example=examples/$name
rows=$example/data/$name.parquet
# The flights keep the folder that they had when they were the only example.
home=$PWD/.build/demo
[ "$name" = flights ] || home=$home-$name
trimtab=$PWD/bin/trimtab
began=$SECONDS

phase() { printf '\n[%3d s] %s\n' $((SECONDS - began)) "$*"; }

stop_server() {
  [ -f "$home/pid" ] || return 0
  local pid
  pid=$(cat "$home/pid")
  if kill -0 "$pid" 2>/dev/null && grep -qz "^$home/data\$" "/proc/$pid/cmdline" 2>/dev/null; then
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 1 150); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -0 "$pid" 2>/dev/null && { say "the server did not stop within 15 s; ending it"; kill -9 "$pid" 2>/dev/null || true; }
  fi
  rm -f "$home/pid"
}

case "${2:-start}" in
stop)
  if [ -f "$home/pid" ]; then
    stop_server
    say "the demo's server has stopped; its data are still in $home"
  else
    say "no demo is running"
  fi
  exit 0
  ;;
start) ;;
*) usage ;;
esac

interrupted() {
  trap '' INT TERM
  say
  say "interrupted: cancelling what runs"
  if [ -n "${TRIMTAB_SERVER:-}" ] && [ -f "$home/pid" ]; then
    "$trimtab" pipeline cancel --all --wait 2>/dev/null || true
    "$trimtab" replay cancel "$name" 2>/dev/null || true
  fi
  stop_server
  rm -rf "$home"
  say "stopped; nothing is left running"
  exit 130
}
trap interrupted INT TERM
failed() {
  say
  say "The demo failed. The server's log: $home/server.log" >&2
  tail -n 20 "$home/server.log" 2>/dev/null >&2 || true
}
trap failed ERR

say "trimtab demo: $about"
phase "building the binary"
make --no-print-directory build
phase "setting up uv, the tool that builds Python environments"
./.ci/uv --version

stop_server
rm -rf "$home"
mkdir -p "$home"

phase "preparing the data: $data"
if [ ! -s "$rows" ] || [ "$example/prepare.py" -nt "$rows" ]; then
  ./.ci/uv run --quiet --frozen --no-dev --project "$example" --python 3.11 python "$example/prepare.py"
else
  say "$rows is there already"
fi

port=5000
if ! python3 -c "import socket; s=socket.socket(); s.bind(('127.0.0.1', $port))" 2>/dev/null; then
  port=$(python3 -c "import socket; s=socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])")
  say "port 5000 is taken: using $port"
fi
export TRIMTAB_SERVER=http://127.0.0.1:$port

phase "starting the server on 127.0.0.1:$port"
# In a session of its own, so that Ctrl-C reaches this script alone and it can end things in order.
setsid nohup "$trimtab" server --listen "127.0.0.1:$port" --data "$home/data" --uv "$PWD/.ci/uv" > "$home/server.log" 2>&1 < /dev/null &
echo $! > "$home/pid"
for _ in $(seq 1 100); do
  curl -fs "$TRIMTAB_SERVER/readyz" > /dev/null 2>&1 && break
  kill -0 "$(cat "$home/pid")" 2>/dev/null || { failed; exit 1; }
  sleep 0.1
done
say "pages: $TRIMTAB_SERVER/ui/   log: $home/server.log"

phase "declaring sources, model, pipeline, endpoint, contract, monitor, gate and policy"
"$trimtab" apply "$example/" --yes

phase "training on $trained"
"$trimtab" pipeline run "train-$name" --follow

phase "replaying $served through the endpoint"
"$trimtab" replay "$name" --source "$name" --from "$from" --to "$to" ${replay[@]+"${replay[@]}"} --follow

phase "the timeline: windows, what moved, what was decided and why"
"$trimtab" timeline "$name"
say
"$trimtab" status || true

stop="$0 $name stop"
[ "$name" = flights ] && stop="make demo-stop"
phase "done"
say "pages        $TRIMTAB_SERVER/ui/"
say "server       pid $(cat "$home/pid"), log $home/server.log, data $home/data"
say "look around  TRIMTAB_SERVER=$TRIMTAB_SERVER bin/trimtab decisions explain latest"
say "             MLFLOW_TRACKING_URI=$TRIMTAB_SERVER python your_training.py"
say "stop it      $stop"
say "your own     bin/trimtab server --data ~/trimtab"
