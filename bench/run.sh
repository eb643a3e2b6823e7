#!/bin/bash
# make bench: mimir_pg, Debian's prometheus and victoria-metrics on the same data, one after the other.
#
#   bench/run.sh [PART...]    parts: prepare, prometheus, victoria-metrics, mimir_pg, table    (all)
#
# Environment; bench/README.md explains data and figures:
#   BENCH_SIZE=full     50,000 series for 6 hours, instead of 20,000 for one
#   BENCH_SERIES        of the fleet                                            (20000)
#   BENCH_SCRAPES       of the fleet, 15 s apart                                (240)
#   BENCH_CHURN         series beside it, of which 2 % are replaced every 30 s  (2000)
#   BENCH_LONG          series of the fleet that have a history                 (2000)
#   BENCH_HISTORY       scrapes of these before the fleet                       (a day in all)
#   BENCH_RUNS          of each query                                           (10)
#   PGPORT, HTTP_PORT, BENCH_PORT, MIMIR_NAME: see bench/servers.sh
#
# Prints ratios and which targets are missed.  Absolute figures, which say more about the machine, go to
# bench/results.txt, a line "server figure number unit" each.  Fails if a server did not store every
# sample, refused a request, or answered a query with nothing.
set -eu

cd "$(dirname "$0")/.."
. bench/servers.sh
. bench/figures.sh
if [ "${BENCH_SIZE:-}" = full ]; then
	BENCH_SERIES=${BENCH_SERIES:-50000} BENCH_SCRAPES=${BENCH_SCRAPES:-1440}
fi
series=${BENCH_SERIES:-20000} scrapes=${BENCH_SCRAPES:-240} churn=${BENCH_CHURN:-2000} long=${BENCH_LONG:-2000}
day=5800 # scrapes of a day, and of the longest window before it
history=${BENCH_HISTORY:-$((day > scrapes ? day - scrapes : 1))} # at least one
runs=${BENCH_RUNS:-10}
mix_seconds=15 mix_rate=50000
mix_scrapes=$(((mix_seconds + 8) * mix_rate / (series + churn) + 1))
recordings=$built/recordings/$series-$scrapes-$churn-$long-$history
figures=$recordings/figures
work=
trap 'cleanup' EXIT

cleanup() {
	server_stop || true
	[ -z "$work" ] || rm -rf "$work"
}

prepare() {
	[ ! -e "$recordings/done" ] || return 0
	echo "making recordings in $recordings" >&2
	rm -rf "$built/recordings"
	mkdir -p "$recordings"
	$built/gen -s "$series" -l "$long" -f "$history" -c "$churn" \
		"$history" "$recordings/history" "$scrapes" "$recordings/fleet" "$mix_scrapes" "$recordings/more" \
		2>"$recordings/made"
	touch "$recordings/done"
}

# What gen said of the 1st, 2nd, 3rd recording.
made() { awk -v figure="$1" -v n="$2" '$1 == figure && ++i == n { print $2 }' "$recordings/made"; }

wal_position() { mimir_sql "SELECT pg_current_wal_insert_lsn() - '0/0'"; }

# Send a recording; figures under a prefix.
ingest() { # recording, prefix
	local samples

	$built/watch -l 2 "$server_pid" "$work/watch" \
		$built/replay "$server_port" "$push_path" "$recordings/$1" >"$work/replay"
	samples=$(number "$work/replay" stored)
	put "$2_cpu" "$(calc "$(number "$work/watch" cpu) / $samples * 1e6")" "CPU s per million samples"
	take "$work/replay" "$2_" speed request_p50 request_p99 request_max retries
	take "$work/watch" "$2_" peak_pss peak_anonymous peak_shared
}

check_stored() { # time, samples, window
	local stored

	stored=$(stored_samples "$1" "$3")
	[ "${stored:-0}" = "$2" ] && return
	echo "$server stored ${stored:-nothing} of $2 samples" >&2
	return 1
}

run_queries() { # file of queries, wanted runs, prefix, figures' suffix...
	local q prefix=$3 out=$work/queries

	$built/query -n "$2" "$server_port" "$end" "$1" >"$out"
	shift 3
	while read -r q _; do
		for f in "$@"; do take "$out" "$prefix" "${q}_$f"; done
	done < <(grep -v '^#' bench/queries)
}

# Eight clients, alone and while samples arrive.
mix() {
	local arriving

	$built/query -c 8 -d $mix_seconds "$server_port" "$end" bench/queries >"$work/mix"
	take "$work/mix" mix_ queries_per_s query_p50 query_p99
	$built/replay -r $mix_rate "$server_port" "$push_path" "$recordings/more" >"$work/arriving" &
	arriving=$!
	sleep 1
	$built/query -c 8 -d $mix_seconds "$server_port" "$end" bench/queries >"$work/mix"
	wait $arriving
	take "$work/mix" mix_arriving_ queries_per_s query_p50 query_p99
	take "$work/arriving" mix_arriving_ request_p99 request_max lag
}

# Kill it, and wait until its newest sample is back; if it lost that, until it answers at all.
crash() {
	local now answered newest

	server_kill
	server_start "$server" "$server_dir"
	newest=$(ask_number "$last" 'max(timestamp(app_build_info))')
	answered=$(date +%s.%N) now=$answered
	while [ "$newest" != "$(calc_ms "$last_ms")" ]; do
		if [ "$(calc "$now - $answered > 10")" = 1 ]; then
			now=$answered
			break
		fi
		sleep 0.02
		newest=$(ask_number "$last" 'max(timestamp(app_build_info))')
		now=$(date +%s.%N)
	done
	put recovery "$(calc "$now - $killed")" s
}
calc_ms() { awk "BEGIN { printf \"%.3f\", $1 / 1000 }"; }

measure() { # server
	local base wal empty samples_before samples_all lost window=26h

	mkdir -p "$figures"
	rm -f "$figures/$1"
	work=$(mktemp -d "${TMPDIR:-/tmp}/mimir_bench.XXXXXX")
	chmod 755 "$work"
	samples_before=$(($(made samples 1) + $(made samples 2)))
	samples_all=$((samples_before + $(made samples 3)))
	end=$((($(made last 2) + 999) / 1000))
	last_ms=$(made last 3)
	last=$(((last_ms + 999) / 1000))

	echo "$1" >&2
	server_start "$1" "$work/data"
	base=$(server_live_bytes)
	[ "$1" != mimir_pg ] || { wal=$(wal_position); empty=$(server_settled_bytes); }
	ingest history history
	ingest fleet ingest
	put live_bytes "$(calc "($(server_live_bytes) - $base) / $samples_before")" "bytes per sample"
	[ "$1" != mimir_pg ] || put wal_ingest "$(calc "($(wal_position) - $wal) / $samples_before")" "bytes per sample"
	check_stored "$end" "$samples_before" $window
	run_queries bench/queries "$runs" query_ median series points
	mix
	crash
	run_queries bench/queries 1 query_ first
	lost=$((samples_all - $(stored_samples "$last" $window)))
	put lost $lost samples
	$built/watch "$server_pid" "$work/watch" bash -c "set -eu; . bench/servers.sh
		server=$server server_port=$server_port server_dir=$server_dir pg_bin=${pg_bin:-}; server_settle"
	put settle_cpu "$(calc "$(number "$work/watch" cpu) / $samples_all * 1e6")" "CPU s per million samples"
	put settled_bytes "$(calc "($(server_settled_bytes) - ${empty:-0}) / ($samples_all - $lost)")" "bytes per sample"
	[ "$1" != mimir_pg ] || put wal_bytes "$(calc "($(wal_position) - $wal) / $samples_all")" "bytes per sample"
	run_queries bench/queries "$runs" settled_ median
	server_stop
	rm -rf "$work"
	work=
}

table() {
	cat "$figures"/* >bench/results.txt
	awk -f bench/table.awk bench/results.txt
}

parts=("$@")
[ $# -gt 0 ] || parts=(prepare prometheus victoria-metrics mimir_pg table)
tools/install-deps.sh prometheus victoria-metrics
for part in "${parts[@]}"; do
	case $part in
		prepare | table) $part ;;
		prometheus | victoria-metrics | mimir_pg) measure "$part" ;;
		*) sed -n '2,/^set/{/^#/p}' "$0" >&2; exit 2 ;;
	esac
done
