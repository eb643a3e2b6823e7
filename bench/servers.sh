# Sourced by the benchmarks: the three servers behind one set of functions.
#
#   server_start NAME DIR    a new server of that name (prometheus, victoria-metrics, mimir_pg) with its data
#                            in DIR, or one that continues there; returns when it answers
#   server_stop, server_kill  cleanly, or by SIGKILL to all its processes at once (sets killed, the time of it)
#   server_flush             what it acknowledged can be queried
#   server_settle            to the state that the data will be kept in
#   server_live_bytes, server_settled_bytes   on disk
#
# They set and use server, server_pid, server_port, push_path, server_dir.
#
# Environment: PGPORT (25435), HTTP_PORT (29435) of mimir_pg, BENCH_PORT (29436) of its peers.
# Settings of mimir_pg: MIMIR_NAME=value, as for `make start`.

export PGPORT=${PGPORT:-25435} HTTP_PORT=${HTTP_PORT:-29435}
peer_port=${BENCH_PORT:-29436}
built=build/bench
server_pid=

server_tree() {
	local child

	echo "$1"
	for child in $(pgrep -P "$1"); do server_tree "$child"; done
}

wait_for() { # url
	local i

	for ((i = 0; i < 6000; i++)); do
		[ "$(curl -s -o /dev/null -w '%{http_code}' "$1")" != 200 ] || return 0
		is_running "$server_pid" || break
		sleep 0.05
	done
	echo "$server does not answer; the end of its log:" >&2
	tail -n 20 "$server_dir.log" >&2
	return 1
}

server_start() {
	server=$1 server_dir=$2
	case $server in
		prometheus)
			echo 'global: {}' >"$server_dir.yml"
			server_port=$peer_port push_path=/api/v1/write
			prometheus --config.file="$server_dir.yml" --storage.tsdb.path="$server_dir" \
				--storage.tsdb.retention.time=100y --web.listen-address=127.0.0.1:$server_port \
				--web.enable-remote-write-receiver --web.enable-admin-api --query.timeout=10m \
				>>"$server_dir.log" 2>&1 &
			server_pid=$!
			wait_for "http://127.0.0.1:$server_port/-/ready"
			;;
		victoria-metrics)
			server_port=$peer_port push_path=/api/v1/write
			victoria-metrics -storageDataPath="$server_dir" -httpListenAddr=127.0.0.1:$server_port \
				-retentionPeriod=100y -search.latencyOffset=0s -search.maxQueryDuration=10m \
				-search.maxUniqueTimeseries=5000000 >>"$server_dir.log" 2>&1 &
			server_pid=$!
			wait_for "http://127.0.0.1:$server_port/health"
			;;
		mimir_pg)
			server_port=$HTTP_PORT push_path=/api/v1/push
			export DATADIR=$server_dir
			if [ ! -e "$server_dir/PG_VERSION" ]; then
				tools/cluster.sh start >"$server_dir.log" 2>&1 || { cat "$server_dir.log" >&2; return 1; }
				pg_bin=$(dirname "$(readlink "/proc/$(head -n 1 "$server_dir/postmaster.pid")/exe")")
				tools/cluster.sh stop
			fi
			mimir_run
			;;
	esac
}

# The server as a child of this shell: its end is noticed, and pg_ctl would add a second to a start.
mimir_run() {
	local as_user=()

	[ "$(id -u)" != 0 ] || as_user=(setpriv --reuid=postgres --regid=postgres --init-groups)
	"${as_user[@]}" "$pg_bin/postgres" -D "$server_dir" >>"$server_dir/server.log" 2>&1 &
	server_pid=$!
	wait_for "http://127.0.0.1:$server_port/ready"
}

mimir_sql() {
	"$pg_bin/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$PGPORT" -U postgres -d postgres -c "$1"
}

# A process that nobody has waited for yet has ended all the same.
is_running() { [ -r "/proc/$1/stat" ] && [[ ! $(cat "/proc/$1/stat" 2>/dev/null) =~ ^[0-9]+\ \(.*\)\ Z ]]; }

wait_end() { # pid...
	local pid

	for pid in "$@"; do
		while is_running "$pid"; do sleep 0.02; done
		wait "$pid" 2>/dev/null || true
	done
	server_pid=
}

server_stop() {
	[ -n "$server_pid" ] || return 0
	if [ "$server" = mimir_pg ]; then
		tools/cluster.sh stop >/dev/null
	else
		kill "$server_pid" 2>/dev/null
	fi
	wait_end "$server_pid"
}

server_kill() {
	local pids

	pids=$(server_tree "$server_pid")
	killed=$(date +%s.%N)
	# shellcheck disable=SC2086
	kill -9 $pids 2>/dev/null
	# shellcheck disable=SC2086
	wait_end $pids
}

server_flush() {
	[ "$server" != victoria-metrics ] || curl -s "http://127.0.0.1:$server_port/internal/force_flush"
}

server_settle() {
	local url=http://127.0.0.1:$server_port

	case $server in
		prometheus) # a snapshot is what the head will be when it is compacted
			rm -rf "$server_dir/snapshots"
			curl -sf -X POST "$url/api/v1/admin/tsdb/snapshot" >/dev/null
			;;
		victoria-metrics)
			curl -sf "$url/internal/force_flush"
			curl -sf "$url/internal/force_merge"
			sleep 1
			while ! curl -s "$url/metrics" | grep -q '^vm_active_force_merges 0'; do sleep 0.2; done
			;;
		mimir_pg)
			mimir_sql "SELECT mimir.flush(); SELECT mimir.compact(true)" >/dev/null
			# tables of what was compacted go when no snapshot is older
			while [ "$(mimir_sql "SELECT count(*) FROM pg_class WHERE relname ~ '^chunk_data_[0-9]+$'")" != 0 ]; do sleep 0.2; done
			mimir_sql "CHECKPOINT"
			;;
	esac
}

server_live_bytes() { du -sB1 "$server_dir" | cut -f1; }

server_settled_bytes() {
	case $server in
		prometheus) du -sB1 "$server_dir/snapshots" | cut -f1 ;;
		victoria-metrics) du -cB1 "$server_dir/data" "$server_dir/indexdb" | tail -n 1 | cut -f1 ;;
		mimir_pg) mimir_sql "SELECT pg_database_size(current_database())" ;;
	esac
}

# The one number that an instant query at a time answers; empty if there is none.
ask_number() { # time, query
	curl -s -g --get --data-urlencode "query=$2" --data "nocache=1&time=$1" \
		"http://127.0.0.1:$server_port/api/v1/query" |
		sed -nE 's/.*"value":\[[^,]*,"([^"]*)"\].*/\1/p' | awk '{ printf "%.3f\n", $1 }'
}

# Samples stored within a window before a time.  Counted name by name: without their names, series
# would have equal labels.
stored_samples() { # time, window
	local name

	server_flush
	curl -s "http://127.0.0.1:$server_port/api/v1/label/__name__/values?start=0&end=$1" |
		sed 's/.*"data":\[//; s/\].*/\n/' | tr -d '"' | tr ',' '\n' | while read -r name; do
		ask_number "$1" "sum(count_over_time($name[$2]))"
	done | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}
