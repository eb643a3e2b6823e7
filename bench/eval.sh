#!/bin/bash
# make bench-eval: what a large evaluation costs, and how cost grows.
#
#   bench/eval.sh [PART...]    parts: prepare, prometheus, mimir_pg, table, growth      (all)
#
# Evaluation: 10,000 series of a counter for 24 hours at 15 s, 57.6 million samples, and the query
# `sum by (job) (rate(events_total[5m]))` over all of it at a step of one minute.  Both servers are restarted
# after ingestion, so that memory is what the query takes.  mimir_pg is measured with what it holds where it
# happens to be, and again with everything in blocks ("settled").
#
# Growth: of mimir_pg alone, 1,000 series for two days.  Each kind of query is run over 1.5, 6 and 24
# hours (1, 4, 16 times the samples; a window, where it has one, is as long as the range) with 90, 360 and 1,440 steps.
# Cost that adds samples and steps stays near the sum of both edges of that square; cost that multiplies
# them does not.
#
# Environment:
#   BENCH_SERIES  of the evaluation (10000)      BENCH_RUNS  of each query (5)
#   PGPORT, HTTP_PORT, BENCH_PORT, MIMIR_NAME: see bench/servers.sh
#
# Prints a table; figures go to bench/results-eval.txt.  Fails if samples or answers are missing.
set -eu

cd "$(dirname "$0")/.."
. bench/servers.sh
. bench/figures.sh
series=${BENCH_SERIES:-10000} runs=${BENCH_RUNS:-5}
recordings=$built/recordings-eval/$series
figures=$recordings/figures
work=
trap cleanup EXIT

cleanup() {
	server_stop || true
	[ -z "$work" ] || rm -rf "$work"
	work=
}

prepare() {
	[ ! -e "$recordings/done" ] || return 0
	rm -rf "$built/recordings-eval"
	mkdir -p "$figures"
	# a day, and the window before it
	$built/gen -m -s "$series" 5780 "$recordings/day" 2>"$recordings/day.made"
	$built/gen -m -s 1000 11520 "$recordings/growth" 2>"$recordings/growth.made"
	touch "$recordings/done"
}

# Start a server with what a recording holds; sets end.
fill() { # server, recording
	local made=$recordings/$2.made expected stored

	work=$(mktemp -d "${TMPDIR:-/tmp}/mimir_eval.XXXXXX")
	chmod 755 "$work"
	end=$((($(number "$made" last) + 999) / 1000))
	expected=$(number "$made" samples)
	server_start "$1" "$work/data"
	$built/replay "$server_port" "$push_path" "$recordings/$2" >"$work/replay"
	stored=$(stored_samples "$end" 3d)
	[ "$stored" = "$expected" ] || { echo "$1 stored $stored of $expected samples" >&2; exit 1; }
}

restart() {
	server_stop
	server_start "$server" "$work/data"
}

evaluate() { # prefix
	echo "query range 24h 1m sum by (job) (rate(events_total[5m]))" >"$work/queries"
	$built/watch -i 20 "$server_pid" "$work/watch" \
		$built/query -n "$runs" "$server_port" "$end" "$work/queries" >"$work/answers"
	put "$1_cpu" "$(calc "$(number "$work/watch" cpu) / $runs")" "s"
	take "$work/answers" "$1_" query_first query_median query_series query_points
	take "$work/watch" "$1_" peak_pss peak_growth
}

measure() {
	rm -f "$figures/$1"
	echo "$1" >&2
	fill "$1" day
	restart
	evaluate eval
	if [ "$1" = mimir_pg ]; then
		server_settle
		restart
		evaluate eval_settled
	fi
	cleanup
}

table() {
	cat "$figures"/* >bench/results-eval.txt
	awk -f bench/table.awk bench/results-eval.txt
}

# The middle of the runs of a query, in ms.
cell() { # range in minutes, steps, query with WINDOW for its window
	echo "q range $1m $(($1 * 60 / $2)) ${3//WINDOW/$1m}" >"$work/queries"
	$built/query -n "$runs" "$server_port" "$end" "$work/queries" | awk '$1 == "q_median" { printf "%.1f", $2 }'
}

growth() {
	local name query range steps t corner

	fill mimir_pg growth
	server_settle
	printf '\n%-22s %8s %12s %12s %12s   ms\n' "" "samples" "90 steps" "360 steps" "1440 steps"
	while IFS=: read -r name query; do
		declare -A t
		for range in 90 360 1440; do
			for steps in 90 360 1440; do t[$range,$steps]=$(cell $range $steps "$query"); done
			printf '%-22s %7dx %12s %12s %12s\n' "$name" $((range * range / 90 / range)) "${t[$range,90]}" "${t[$range,360]}" "${t[$range,1440]}"
		done
		corner=$(calc "${t[1440,1440]} / (${t[1440,90]} + ${t[90,1440]})")
		printf '%-22s 16x by 16x is %.2f of the sum of 16x by 1x and 1x by 16x%s\n' "$name" "$corner" \
			"$([ "$(calc "$corner > 1.5")" = 0 ] || echo ": cost multiplies")"
	done <<-'END'
		rate:sum(rate(events_total[5m]))
		max_over_time:sum(max_over_time(events_total[WINDOW]))
		quantile_over_time:sum(quantile_over_time(0.9, events_total[WINDOW]))
		avg_over_time:sum(avg_over_time(events_total[WINDOW]))
		subquery:sum(max_over_time(rate(events_total[5m])[WINDOW:1m]))
	END
	cleanup
}

parts=("$@")
[ $# -gt 0 ] || parts=(prepare prometheus mimir_pg table growth)
tools/install-deps.sh prometheus
for part in "${parts[@]}"; do
	case $part in
		prepare | table | growth) $part ;;
		prometheus | victoria-metrics | mimir_pg) measure "$part" ;;
		*) sed -n '2,/^set/{/^#/p}' "$0" >&2; exit 2 ;;
	esac
done
