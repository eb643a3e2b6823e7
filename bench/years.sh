#!/bin/bash
# make bench-years: long ranges over many series, from a cold and from a warm cache.
#
#   bench/years.sh [PART...]    parts: prepare, prometheus, victoria-metrics, mimir_pg, table    (all)
#
# 30 days of a fleet's series are written, a sample each 15 minutes, and settled (bench/servers.sh).  The queries
# select 1,000 of the series over all the time.  "cold" is the first run after a restart of the server and an
# empty page cache, where this shell may empty it (else of a restart alone); "warm" the median of more runs.
#
# Environment:
#   BENCH_SERIES  written (100000)      BENCH_DAYS  (30)      BENCH_RUNS  warm, of each query (5)
#   PGPORT, HTTP_PORT, BENCH_PORT, MIMIR_NAME: see bench/servers.sh
#
# Prints ratios; figures go to bench/results-years.txt.  Fails if samples or answers are missing.
set -eu

cd "$(dirname "$0")/.."
. bench/servers.sh
. bench/figures.sh
series=${BENCH_SERIES:-100000} days=${BENCH_DAYS:-30} runs=${BENCH_RUNS:-5}
recordings=$built/recordings-years/$series-$days
figures=$recordings/figures
work=
trap cleanup EXIT

cleanup() {
	server_stop || true
	[ -z "$work" ] || rm -rf "$work"
	work=
}

prepare() {
	[ ! -e "$recordings/all.made" ] || return 0
	rm -rf "$built/recordings-years"
	mkdir -p "$figures"
	$built/gen -i 900000 -s "$series" $((days * 96)) "$recordings/all" 2>"$recordings/part"
	mv "$recordings/part" "$recordings/all.made"
}

queries() {
	cat <<-END
		rate range ${days}d 1h sum by (job) (rate(http_requests_total{method="GET",code=~"200|404"}[1h]))
		max range ${days}d 6h max by (job) (max_over_time(http_requests_total{method="GET",code=~"200|404"}[1d]))
		total instant 0 0 topk(10, increase(http_requests_total{method="GET",code=~"200|404"}[${days}d]))
		count range ${days}d 6h count(http_requests_total{method="GET",code=~"200|404"})
	END
}

empty_cache() {
	sync
	{ echo 3 >/proc/sys/vm/drop_caches; } 2>/dev/null || true
}

measure() { # server
	local expected stored base=0 q

	echo "$1" >&2
	mkdir -p "$figures"
	rm -f "$figures/$1"
	work=$(mktemp -d "${TMPDIR:-/tmp}/mimir_years.XXXXXX")
	chmod 755 "$work"
	end=$((($(number "$recordings/all.made" last) + 999) / 1000))
	expected=$(number "$recordings/all.made" samples)
	server_start "$1" "$work/data"
	[ "$1" != mimir_pg ] || base=$(server_settled_bytes)
	$built/watch "$server_pid" "$work/watch" \
		$built/replay "$server_port" "$push_path" "$recordings/all" >"$work/replay"
	put ingest_cpu "$(calc "$(number "$work/watch" cpu) / $expected * 1e6")" "CPU s per million samples"
	take "$work/watch" ingest_ peak_pss
	stored=$(stored_samples "$end" $((days + 1))d)
	[ "$stored" = "$expected" ] || { echo "$1 stored $stored of $expected samples" >&2; exit 1; }
	$built/watch "$server_pid" "$work/watch" bash -c "set -eu; . bench/servers.sh
		server=$server server_port=$server_port server_dir=$server_dir pg_bin=${pg_bin:-}; server_settle"
	put settle_cpu "$(number "$work/watch" cpu)" "CPU s"
	take "$work/watch" settle_ peak_pss
	put bytes "$(calc "($(server_settled_bytes) - $base) / $expected")" "bytes per sample"
	while read -r q; do
		server_stop
		empty_cache
		server_start "$1" "$work/data"
		echo "$q" >"$work/query"
		$built/query -n "$runs" "$server_port" "$end" "$work/query" >"$work/answers"
		q=${q%% *}
		put "cold_$q" "$(number "$work/answers" "${q}_first")" ms
		put "warm_$q" "$(number "$work/answers" "${q}_median")" ms
		put "${q}_series" "$(number "$work/answers" "${q}_series")" series
	done < <(queries)
	cleanup
}

table() {
	cat "$figures"/* >bench/results-years.txt
	awk -f bench/table.awk bench/results-years.txt
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
