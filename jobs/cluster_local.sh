#!/bin/sh
# A Dask cluster by hand, and a run on it. On one machine as it stands; with several, start the worker line on
# each of them, with an address that all of them reach in place of 127.0.0.1 and a folder that all of them see.
#
#     jobs/cluster_local.sh sales/ -o segments
set -eu

host=${HOST:-127.0.0.1}
workers=${WORKERS:-2}
memory=${WORKER_MEMORY:-2GB}
folder=$(mktemp -d)
trap 'kill $(cat "$folder"/*.pid) 2>/dev/null; rm -rf "$folder"' EXIT

# Without a password or TLS whoever reaches the port runs code: keep it on loopback or a closed network.
dask scheduler --host "$host" --port 0 --dashboard-address 127.0.0.1:0 \
    --scheduler-file "$folder/scheduler.json" 2>"$folder/scheduler.log" &
echo $! >"$folder/scheduler.pid"

# Polars has threads of its own: share the processors out, or workers get in each other's way.
threads=$(($(nproc) / workers))
export POLARS_MAX_THREADS=$((threads > 0 ? threads : 1))
number=0
while [ "$number" -lt "$workers" ]; do
    number=$((number + 1))
    dask worker --scheduler-file "$folder/scheduler.json" --nthreads 1 --memory-limit "$memory" \
        --dashboard-address 127.0.0.1:0 --local-directory "$folder" 2>"$folder/worker-$number.log" &
    echo $! >"$folder/worker-$number.pid"
done

# The scheduler writes its file once it listens.
until [ -s "$folder/scheduler.json" ]; do sleep 0.2; done
custseg batch --scheduler "$folder/scheduler.json" "$@"
