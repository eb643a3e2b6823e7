#!/bin/bash
# make bench: mimir_pg, Debian's prometheus and victoria-metrics on the same data in one run.
#
#   BENCH_SERIES   series of the made-up fleet          (20000)
#   BENCH_SCRAPES  scrapes of each, 15 s apart          (20)
#   BENCH_RECORDING  a recording to send instead (see bench/replay.c)
#
# One after the other each server gets the same requests over one keep-alive connection.  CPU is
# user and system time of every process of the server.  Prints ratios to Prometheus; absolute times
# say more about the machine, and go to bench/results.txt, a line "server figure number unit" each.
set -eu

cd "$(dirname "$0")/.."
series=${BENCH_SERIES:-20000}
scrapes=${BENCH_SCRAPES:-20}
build=build/bench
work=$(mktemp -d "${TMPDIR:-/tmp}/mimir_bench.XXXXXX")
chmod 755 "$work"
pids=()
export DATADIR=$work/pg PGPORT=25435 HTTP_PORT=29435
prom_port=29436 vm_port=29437

cleanup() {
	tools/cluster.sh stop >/dev/null 2>&1 || true
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
	rm -rf "$work"
}
trap cleanup EXIT

tools/install-deps.sh prometheus victoria-metrics
recording=${BENCH_RECORDING:-$work/recording}
if [ -z "${BENCH_RECORDING:-}" ]; then
	$build/gen "$series" "$scrapes" >"$recording"
	samples=$((series * scrapes))
else
	samples=0
fi

tree() {
	local child

	echo "$1"
	for child in $(pgrep -P "$1"); do tree "$child"; done
}
jiffies() {
	local pid sum=0

	for pid in $(tree "$1"); do
		sum=$((sum + $(awk '{print $14 + $15 + $16 + $17}' "/proc/$pid/stat" 2>/dev/null || echo 0)))
	done
	echo "$sum"
}
pss_kb() {
	local pid sum=0

	for pid in $(tree "$1"); do
		sum=$((sum + $(awk '/^Pss:/ {print $2}' "/proc/$pid/smaps_rollup" 2>/dev/null || echo 0)))
	done
	echo "$sum"
}
wait_http() {
	for _ in $(seq 100); do
		curl -s -o /dev/null "$1" && return
		sleep 0.1
	done
}

# name, pid, port, push path -> a line of figures in $work/figures
measure() {
	local name=$1 pid=$2 port=$3 path=$4 before after out

	before=$(jiffies "$pid")
	out=$($build/replay "$port" "$path" <"$recording")
	sleep 2
	after=$(jiffies "$pid")
	echo "$name: $out" >&2
	echo "$name ingest_cpu $((after - before))" >>"$work/figures"
	echo "$name pss $(pss_kb "$pid")" >>"$work/figures"
	queries "$name" "http://127.0.0.1:$port/api/v1"
}

# An empty answer is no measurement; nocache keeps victoria-metrics from repeating its last answer.
median() {
	local answer

	answer=$(curl -s -g --get --data nocache=1 "$@")
	if ! grep -q '"status":"success"' <<<"$answer" || grep -qE '"(result|data)":\[\]' <<<"$answer"; then
		echo "no answer to $*: ${answer:0:200}" >&2
		touch "$work/failed"
		echo 0
		return
	fi
	for _ in 1 2 3 4 5 6 7 8 9; do
		curl -s -o /dev/null -w '%{time_total}\n' -g --get --data nocache=1 "$@"
	done | sort -n | sed -n 5p
}

queries() {
	local name=$1 api=$2 end=$((1767225600 + (scrapes - 1) * 15)) n=0 q
	local start=$((end - (scrapes - 2) * 15))

	[ "$samples" -gt 0 ] || return 0
	for q in 'process_events_001_total{instance="10.0.0.1:8080"}' \
		'topk(10, rate(process_events_001_total[2m]))' \
		'{__name__=~"process_events_0[0-4].*",instance=~"10.0.0.1.*"}' 'count({__name__!=""})'; do
		n=$((n + 1))
		echo "$name instant_$n $(median --data-urlencode "query=$q" --data "time=$end" "$api/query")" >>"$work/figures"
	done
	n=0
	for q in 'sum by (job) (rate(process_events_001_total[2m]))' \
		'histogram_quantile(0.99, sum by (le, job) (rate(request_duration_001_seconds_bucket[2m])))' \
		'max_over_time(runtime_state_002_value[2m])'; do
		n=$((n + 1))
		echo "$name range_$n $(median --data-urlencode "query=$q" --data "start=$start&end=$end&step=15" "$api/query_range")" >>"$work/figures"
	done
	echo "$name label_values $(median --data "start=$start&end=$end" "$api/label/__name__/values")" >>"$work/figures"
	echo "$name series $(median --data-urlencode 'match[]={job="job-01"}' --data "start=$start&end=$end" "$api/series")" >>"$work/figures"
}

echo 'global: {}' >"$work/prometheus.yml"
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/prometheus" \
	--storage.tsdb.retention.time=100y --web.listen-address=127.0.0.1:$prom_port \
	--web.enable-remote-write-receiver >"$work/prometheus.log" 2>&1 &
pids+=($!)
wait_http "http://127.0.0.1:$prom_port/-/ready"
measure prometheus $! $prom_port /api/v1/write
kill "${pids[-1]}"

victoria-metrics -storageDataPath="$work/vm" -httpListenAddr=127.0.0.1:$vm_port -retentionPeriod=100y \
	-search.latencyOffset=0s >"$work/vm.log" 2>&1 &
pids+=($!)
wait_http "http://127.0.0.1:$vm_port/health"
measure victoria-metrics $! $vm_port /api/v1/write
kill "${pids[-1]}"

tools/cluster.sh start >"$work/start.log" 2>&1 || { cat "$work/start.log"; exit 1; }
measure mimir_pg "$(head -n 1 "$DATADIR/postmaster.pid")" $HTTP_PORT /api/v1/push

awk '
	{ v[$1, $2] = $3; if (!($2 in seen)) { seen[$2] = 1; order[++n] = $2 } }
	END {
		printf "%-16s %18s %24s\n", "", "mimir_pg/prometheus", "victoria-metrics/prometheus"
		for (i = 1; i <= n; i++) {
			p = v["prometheus", order[i]]; if (p == 0) p = 1e-9
			printf "%-16s %18.2f %24.2f\n", order[i], v["mimir_pg", order[i]] / p, v["victoria-metrics", order[i]] / p
		}
	}' "$work/figures"

# user and system time is counted in clock ticks
awk -v samples="$samples" -v hz="$(getconf CLK_TCK)" '
	$2 == "ingest_cpu" && samples > 0 { printf "%s %s %.3f CPU s per million samples\n", $1, $2, $3 / hz / samples * 1e6; next }
	$2 == "ingest_cpu" { printf "%s %s %.2f CPU s\n", $1, $2, $3 / hz; next }
	$2 == "pss" { printf "%s %s %.1f MB\n", $1, $2, $3 / 1024; next }
	{ printf "%s %s %.2f ms\n", $1, $2, $3 * 1e3 }' "$work/figures" >bench/results.txt
[ ! -e "$work/failed" ]
