#!/bin/bash
# make bench-load: many active series at a steady rate inside the limits of a small container.
#
#   bench/load.sh [SERVER]     mimir_pg, prometheus or victoria-metrics     (mimir_pg)
#
# Environment:
#   BENCH_SERIES     active series, each with a sample every 10 s           (500000)
#   BENCH_SECONDS    of load after all series are there                     (150)
#   BENCH_MEMORY     limit of all server processes together, MB             (1024)
#   PGPORT, HTTP_PORT, BENCH_PORT, MIMIR_NAME: see bench/servers.sh
#
# The server gets one CPU: a cgroup with that quota, or where none can be made, all its processes are
# bound to one core.  Memory is measured (PSS: shared memory counts once), and also limited by the cgroup
# if this shell is in the root of the memory hierarchy; somebody else's cgroup is not meddled with.
# In a run that is shorter than mimir_pg's interval of flushes it is told to flush halfway, for flushing
# belongs to its load.
#
# Prints figures, one a line, of "ramp" (all series are new) and "steady"; fails if a request was refused
# or tried again, a sample is missing, requests fell behind by a second or more, or memory went over the limit.
set -eu

cd "$(dirname "$0")/.."
. bench/servers.sh
. bench/figures.sh
series=${BENCH_SERIES:-500000} seconds=${BENCH_SECONDS:-150} memory=${BENCH_MEMORY:-1024}
rate=$((series / 10))
work=$(mktemp -d "${TMPDIR:-/tmp}/mimir_load.XXXXXX")
chmod 755 "$work"
cgroups=()
failed=0
trap cleanup EXIT

cleanup() {
	local group

	server_stop || true
	for group in "${cgroups[@]}"; do rmdir "$group" || true; done
	rm -rf "$work"
}

# Where this shell is in the hierarchy of a controller of version 1.
cgroup_of() { awk -F: -v c="$1" '{ n = split($2, l, ","); for (i = 1; i <= n; i++) if (l[i] == c) print $3 }' /proc/self/cgroup; }

new_cgroup() { # parent directory
	mkdir "$1/mimir_bench_$$" 2>/dev/null && cgroups+=("$1/mimir_bench_$$")
}

limit_v2() {
	local root=/sys/fs/cgroup

	grep -qs cpu "$root/cgroup.subtree_control" && new_cgroup "$root" || return 1
	echo "100000 100000" >"${cgroups[-1]}/cpu.max" || return 1
	how="a cgroup with a quota of one CPU"
	if grep -qs memory "$root/cgroup.subtree_control" && echo $((memory << 20)) >"${cgroups[-1]}/memory.max"; then
		how+=" and $memory MB"
	fi
}

limit_v1() {
	local cpu=/sys/fs/cgroup/cpu mem=/sys/fs/cgroup/memory

	[ -e "$cpu/cpu.cfs_quota_us" ] || cpu+=$(cgroup_of cpu)
	new_cgroup "$cpu" || return 1
	echo 100000 >"${cgroups[-1]}/cpu.cfs_period_us" && echo 100000 >"${cgroups[-1]}/cpu.cfs_quota_us" || return 1
	how="a cgroup with a quota of one CPU"
	if [ "$(cgroup_of memory)" = / ] && new_cgroup "$mem"; then
		echo $((memory << 20)) >"${cgroups[-1]}/memory.limit_in_bytes"
		how+=" and $memory MB"
	fi
}

# Put the server under its limits; what it starts later inherits them.
limit() {
	local group pid

	how="one core"
	limit_v2 2>/dev/null || limit_v1 2>/dev/null || true
	for pid in $(server_tree "$server_pid"); do
		[ ${#cgroups[@]} != 0 ] || taskset -acp 0 "$pid" >/dev/null
		for group in "${cgroups[@]}"; do echo "$pid" >"$group/cgroup.procs"; done
	done
	echo "$name, in $how: $series series, $rate samples/s"
}

figure() { printf '%s %s %s\n' "$1" "$2" "$3"; }
fail() {
	echo "FAILED: $*"
	failed=1
}

# Send a part of the load, tell how it went.
phase() { # name, recording
	local pid="" lag

	if [ "$server" = mimir_pg ] && [ "$1" = steady ] && [ "$seconds" -lt 1800 ]; then
		(sleep $((seconds / 2)); mimir_sql "SELECT mimir.flush()" >/dev/null) &
		pid=$!
	fi
	$built/watch "$server_pid" "$work/watch" \
		$built/replay -r $rate "$server_port" "$push_path" "$work/$2" >"$work/replay" || fail "$1: samples were not stored"
	[ -z "$pid" ] || wait $pid || fail "the flush failed"
	sed "s/^/$1_/" "$work/replay" "$work/watch"
	figure "$1_cpu_used" "$(calc "$(number "$work/watch" cpu) / $(number "$work/watch" wall) * 100")" "% of one CPU"
	[ "$(number "$work/replay" retries)" = 0 ] || fail "$1: requests were tried again"
	lag=$(number "$work/replay" lag)
	[ "${lag%.*}" -lt 1000 ] || fail "$1: requests fell behind by $lag ms"
	[ "$(calc "$(number "$work/watch" peak_pss) > $memory")" = 0 ] ||
		fail "$1: more than $memory MB"
}

name=${1:-mimir_pg}
ramp=2 # scrapes in which all series are made
$built/gen -s "$series" -i 10000 -t $(($(date +%s) * 1000)) $ramp "$work/ramp.rec" $((seconds / 10)) "$work/steady.rec" 2>"$work/made"
server_start "$name" "$work/data"
limit
phase ramp ramp.rec
phase steady steady.rec
for group in "${cgroups[@]}"; do
	[ ! -e "$group/cpu.stat" ] || sed -n 's/^nr_periods \(.*\)/cpu_periods \1 count/p; s/^nr_throttled \(.*\)/cpu_periods_throttled \1 count/p' "$group/cpu.stat"
	[ ! -e "$group/memory.max_usage_in_bytes" ] || figure memory_limit_peak $(($(cat "$group/memory.max_usage_in_bytes") >> 20)) MB
done
expected=$(awk '$1 == "samples" { n += $2 } END { print n }' "$work/made")
last=$(awk '$1 == "last" { t = $2 } END { print int(t / 1000) + 1 }' "$work/made")
stored=$(stored_samples "$last" 1h)
[ "$stored" = "$expected" ] || fail "$stored of $expected samples are stored"
exit $failed
