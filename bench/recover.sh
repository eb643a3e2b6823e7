#!/bin/bash
# make bench-recover: from kill -9 to the newest sample.
#
#   bench/recover.sh [SERVER...]    of prometheus, victoria-metrics, mimir_pg     (prometheus mimir_pg)
#
# Environment:
#   BENCH_SERIES    active series, a sample every 15 s                  (100000)
#   BENCH_SCRAPES   of each; 480 are two hours                          (480)
#   PGPORT, HTTP_PORT, BENCH_PORT, MIMIR_NAME: see bench/servers.sh
#
# All samples are sent as fast as they are taken; then, at once, all processes of the server are killed and it is
# started again.  mimir_pg is told not to flush before (its head gets memory for all), so all the samples
# stand in its log only: the most that it can have to recover.
#
# Prints figures, one a line: "answers" until HTTP answers, "newest" until the newest sample does, samples lost.
set -eu

cd "$(dirname "$0")/.."
. bench/servers.sh
series=${BENCH_SERIES:-100000} scrapes=${BENCH_SCRAPES:-480}
recording=$built/recordings-recover/$series-$scrapes
export MIMIR_HEAD_MEMORY=${MIMIR_HEAD_MEMORY:-$((512 + series * scrapes / 200000))MB}
export MIMIR_FLUSH_INTERVAL=${MIMIR_FLUSH_INTERVAL:-86400}
work=
trap cleanup EXIT

cleanup() {
	server_stop || true
	[ -z "$work" ] || rm -rf "$work"
	work=
}

number() { awk -v f="$2" '$1 == f { print $2 }' "$1"; }
since() { awk -v a="$1" -v b="$(date +%s.%N)" 'BEGIN { printf "%.2f", b - a }'; }

if [ ! -e "$recording.made" ]; then
	rm -rf "$built/recordings-recover"
	mkdir -p "$built/recordings-recover"
	$built/gen -s "$series" "$scrapes" "$recording" 2>"$recording.part"
	mv "$recording.part" "$recording.made"
fi
last_ms=$(number "$recording.made" last)
last=$((last_ms / 1000 + 1))
newest=$(awk -v t="$last_ms" 'BEGIN { printf "%.3f", t / 1000 }')

measure() {
	local answers found lost

	work=$(mktemp -d "${TMPDIR:-/tmp}/mimir_recover.XXXXXX")
	chmod 755 "$work"
	server_start "$1" "$work/data"
	$built/replay "$server_port" "$push_path" "$recording" | sed -nE "s/^(stored|speed|request_p99) /$1 &/p"
	server_kill
	server_start "$1" "$work/data"
	answers=$(since "$killed")
	while found=$(ask_number "$last" 'max(timestamp(app_build_info))'); [ "$found" != "$newest" ]; do
		[ "$(since "$killed" | cut -d. -f1)" -lt 600 ] || break
		sleep 0.05
	done
	echo "$1 answers $answers s"
	[ "$found" != "$newest" ] || echo "$1 newest $(since "$killed") s"
	lost=$(($(number "$recording.made" samples) - $(stored_samples "$last" 3h)))
	echo "$1 lost $lost samples"
	if [ "$1" = mimir_pg ]; then
		curl -s "http://127.0.0.1:$server_port/metrics" | sed -nE 's/^mimir_recovery_(samples|milliseconds) (.*)/mimir_pg log_replay_\1 \2/p'
	fi
	cleanup
	[ "$1" = victoria-metrics ] || [ "$lost" = 0 ]
}

tools/install-deps.sh prometheus victoria-metrics
[ $# -gt 0 ] || set -- prometheus mimir_pg
for name in "$@"; do measure "$name"; done
