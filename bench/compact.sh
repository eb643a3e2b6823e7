#!/bin/bash
# make bench-compact: what the compaction of a day costs, with ingestion and queries going on.
#
#   bench/compact.sh
#
# A day of samples is written and flushed while the compactor is held back. Then it may work as it does by
# default, samples of the next day arrive at a steady rate, and a client asks the queries of the benchmark, until
# the day is compacted.
#
# Environment:
#   BENCH_SERIES   of the day, a sample every 15 s                        (100000)
#   BENCH_RATE     samples a second that arrive meanwhile                 (6000)
#   PGPORT, HTTP_PORT, BENCH_PORT, MIMIR_NAME: see bench/servers.sh
#
# Prints figures, one a line; fails if samples are missing afterwards or requests were refused.
set -eu

cd "$(dirname "$0")/.."
. bench/servers.sh
. bench/figures.sh
series=${BENCH_SERIES:-100000} rate=${BENCH_RATE:-6000} scrapes=5760
recordings=$built/recordings-compact/$series
work=
background=()
trap cleanup EXIT

cleanup() {
	[ ${#background[@]} = 0 ] || kill "${background[@]}" 2>/dev/null || true
	server_stop || true
	[ -z "$work" ] || rm -rf "$work"
	work=
}

compactor() { pgrep -P "$server_pid" -f 'mimir compactor' | head -n 1; }
cpu() { awk '{ print ($14 + $15) / 100 }' "/proc/$1/stat"; } # s

if [ ! -e "$recordings/made" ]; then
	rm -rf "$built/recordings-compact"
	mkdir -p "$recordings"
	# the first of 2026 begins at midnight
	$built/gen -t 1767225600000 -s "$series" "$scrapes" "$recordings/day" 12 "$recordings/more" 2>"$recordings/part"
	mv "$recordings/part" "$recordings/made"
fi
made() { awk -v figure="$1" -v n="$2" '$1 == figure && ++i == n { print $2 }' "$recordings/made"; }

work=$(mktemp -d "${TMPDIR:-/tmp}/mimir_compact.XXXXXX")
chmod 755 "$work"
export MIMIR_COMPACTION_CPU=1
server_start mimir_pg "$work/data"
$built/replay "$server_port" "$push_path" "$recordings/day" >"$work/replay"
mimir_sql "SELECT mimir.flush()" >/dev/null
echo "samples $(made samples 1) count"
mimir_sql "SELECT 'flushed_blocks ' || count(*) || ' count' FROM mimir.stat_blocks WHERE level = 1"
pid=$(compactor)
before=$(cpu "$pid")
begin=$(date +%s.%N)
mimir_sql "ALTER SYSTEM SET mimir.compaction_cpu = 50"
sed -i '/compaction_cpu/d' "$work/data/mimir.conf"
mimir_sql "SELECT pg_reload_conf()" >/dev/null
end=$((($(made last 1) + 999) / 1000))
$built/replay -r "$rate" "$server_port" "$push_path" "$recordings/more" >"$work/arriving" &
background+=($!)
while :; do $built/query -n 3 "$server_port" "$end" bench/queries >"$work/queries.part" && mv "$work/queries.part" "$work/queries"; done &
background+=($!)
peak=0
while [ "$(mimir_sql "SELECT count(*) FROM mimir.stat_blocks WHERE level = 1 AND day = date '2026-01-01'")" != 0 ]; do
	memory=$(awk '/^Pss_Anon/ { print $2 }' "/proc/$pid/smaps_rollup")
	[ "${memory:-0}" -le $peak ] || peak=$memory
	sleep 0.5
done
echo "compaction_cpu $(calc "$(cpu "$pid") - $before") s"
echo "compaction_wall $(calc "$(date +%s.%N) - $begin") s"
echo "compaction_own_memory $(calc "$peak / 1024") MB"
kill "${background[1]}" 2>/dev/null || true
mimir_sql "SELECT 'bytes_per_sample ' || round(sum(disk_bytes) / sum(nsamples), 3) || ' bytes' FROM mimir.stat_blocks WHERE level = 2 AND day = date '2026-01-01'"
awk '/request_p99|retries|refused/' "$work/arriving"
awk '/_median/' "$work/queries" 2>/dev/null || true
[ "$(stored_samples "$end" 2d)" -ge "$(made samples 1)" ] || { echo "samples are missing" >&2; exit 1; }
