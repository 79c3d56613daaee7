#!/usr/bin/env bash
# From `git clone` to the first answer, with a clock: what somebody waits for who tries the gateway for the first time.
# Usage: tools/fresh_clone.sh [SOURCE] (default: this checkout). Needs git, Node 20 or later, npm and curl; leaves nothing behind.
set -euo pipefail

source=${1:-$(cd "$(dirname "$0")/.." && pwd)}
folder=$(mktemp -d)
gateway=
trap '[ -z "$gateway" ] || kill "$gateway" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT

began=$(date +%s%N)
since() { printf '%6.1f s  %s\n' "$(( ($(date +%s%N) - began) / 100000000 ))e-1" "$1"; }

git clone -q "$source" "$folder/venturi"
cd "$folder/venturi"
since "cloned"
npm ci --no-audit --no-fund >"$folder/npm.log" 2>&1 || { cat "$folder/npm.log"; exit 1; }
since "installed"
npm start --silent -- --port 0 --data "$folder/data" >"$folder/out.log" 2>"$folder/err.log" &
gateway=$!
url=
for _ in $(seq 600); do
  url=$(grep -oE 'http://127\.0\.0\.1:[0-9]+' "$folder/err.log" | head -n 1) && break
  kill -0 "$gateway" 2>/dev/null || { cat "$folder/err.log"; exit 1; }
  sleep 0.05
done
since "listening"
curl -sS --fail "$url/v1/chat/completions" -d '{"model": "sim/echo", "messages": [{"role": "user", "content": "Hello!"}]}' >"$folder/answer.json"
grep -q 'Hello!' "$folder/answer.json"
since "answered"
kill -TERM "$(cat "$folder/data/venturi.pid")"
wait "$gateway" || true
gateway=
